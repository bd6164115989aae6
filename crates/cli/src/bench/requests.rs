//! Signed requests, made before the clock starts.

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use protocol::{hash, signature};

use super::gateway::Gateway;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Inquiry Status of a payment that does not exist: verified, read, looked up, nothing written.
    Question,
    /// Get Auth Code: a call and a code in one commit.
    AuthCode,
    /// Payment Host to Host that leads to our checkout page: a call, a payment and its expiry in one commit.
    Payment,
    /// The same, all of one merchant.
    HotPayment,
    /// Bill Payment: the call and the reservation in one commit, the order at the biller, its settlement in another.
    Bill,
    /// The same, all of one merchant.
    HotBill,
}

impl Work {
    /// What every answer must contain.
    pub fn expected_status(self) -> &'static str {
        match self {
            Self::Question => "\"4042601\"",
            Self::AuthCode => "\"2001000\"",
            Self::Payment | Self::HotPayment => "\"2005400\"",
            // `Inproses` has the same code, and is not an answer that counts.
            Self::Bill | Self::HotBill => "\"error_code\":\"0000\",\"error_desc\":\"Success\"",
        }
    }

    /// Whether it pays bills.
    pub fn is_bill(self) -> bool {
        matches!(self, Self::Bill | Self::HotBill)
    }

    /// Whose the request with this index is, by place.
    pub fn merchant(self, index: usize) -> usize {
        match self {
            Self::HotPayment | Self::HotBill => 0,
            Self::Question | Self::AuthCode | Self::Payment | Self::Bill => index,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::AuthCode => "GET",
            Self::Question | Self::Payment | Self::HotPayment | Self::Bill | Self::HotBill => "POST",
        }
    }

    fn target(self, merchant: &str) -> String {
        match self {
            Self::Question => "/apimerchant/v1.0/transfer-va/status".into(),
            Self::AuthCode => format!(
                "/apidirectdebit/v1.0/get-auth-code?redirectURL=http://localhost/back&scopes=DEFAULT&state=bench&merchantId={merchant}&lang=id"
            ),
            Self::Payment | Self::HotPayment => "/apimerchant/v1.0/debit/payment-host-to-host".into(),
            Self::Bill | Self::HotBill => "/rest/biller/paymentreport".into(),
        }
    }

    fn body(self, merchant: &str, api_key: &str, reference: &str) -> String {
        match self {
            Self::Question => {
                format!(
                    r#"{{"partnerServiceId":"   ESPAY","customerNo":"{merchant}","virtualAccountNo":"{reference}"}}"#
                )
            }
            // A bill's is a form of its own.
            Self::AuthCode | Self::Bill | Self::HotBill => String::new(),
            Self::Payment | Self::HotPayment => format!(
                r#"{{"partnerReferenceNo":"{reference}","merchantId":"{merchant}","subMerchantId":"{api_key}","amount":{{"value":"150000.00","currency":"IDR"}},"urlParam":{{"url":"http://localhost/back","type":"PAY_RETURN","isDeeplink":"N"}},"additionalInfo":{{"payType":"REDIRECT"}}}}"#
            ),
        }
    }
}

/// Signs this many requests, spread over the gateway's merchants, on two threads.
pub fn signed(work: Work, count: usize, round: &str, gateway: &Gateway) -> Result<Vec<Vec<u8>>> {
    eprintln!("  signing {count} requests");
    let make = |index: usize| one(work, index, round, gateway);
    let half = count / 2;
    std::thread::scope(|scope| {
        let second = scope.spawn(move || (half..count).map(make).collect::<Vec<_>>());
        let mut all: Vec<Vec<u8>> = (0..half).map(make).collect();
        all.extend(second.join().ok().context("a signing thread panicked")?);
        Ok(all)
    })
}

fn one(work: Work, index: usize, round: &str, gateway: &Gateway) -> Vec<u8> {
    let merchant = gateway.merchant(work.merchant(index));
    let kind = work as u8;
    if work.is_bill() {
        return bill(work, &format!("{kind}{round}-{index}"), &merchant.code, gateway);
    }
    let reference = format!("B{kind}{round}-{index}");
    let (method, target) = (work.method(), work.target(&merchant.code));
    let body = work.body(&merchant.code, &merchant.api_key, &reference);
    let timestamp = gateway.now().wire_text();
    let signature = signature::sign_asymmetric(gateway.merchant_key(), method, &target, body.as_bytes(), &timestamp);
    format!(
        "{method} {target} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nX-TIMESTAMP: {timestamp}\r\nX-SIGNATURE: {signature}\r\nX-EXTERNAL-ID: {kind}{round}-{index}\r\nX-PARTNER-ID: {}\r\nCHANNEL-ID: ESPAY\r\nContent-Length: {}\r\n\r\n{body}",
        merchant.code,
        body.len()
    )
    .into_bytes()
}

/// A bill's payment. The merchant's code is every secret of it.
fn bill(work: Work, name: &str, code: &str, gateway: &Gateway) -> Vec<u8> {
    let bought = gateway.bought();
    let (rq_uuid, order_id) = (format!("{code}-{name}"), gateway.next_order());
    let (product, amount) = (bought.code.as_str(), bought.amount.hundredths_text());
    let signature = hash::sign([code, &order_id, product, &amount, &rq_uuid], code);
    let now = gateway.now().jakarta_text();
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("rq_uuid", &rq_uuid)
        .append_pair("rq_datetime", &now)
        .append_pair("sender_id", code)
        .append_pair("password", code)
        .append_pair("order_id", &order_id)
        .append_pair("product_code", product)
        .append_pair("amount", &amount)
        .append_pair("signature", &signature)
        .finish();
    let credentials = STANDARD.encode(format!("{code}:{code}"));
    format!(
        "{} {} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic {credentials}\r\nContent-Length: {}\r\n\r\n{body}",
        work.method(),
        work.target(code),
        body.len()
    )
    .into_bytes()
}
