//! The steps, for every product that Merchant Info lists.

use client::Sent;
use connectors::Capability;
use lifecycle::merchant::BindingFlow;
use money::Amount;
use serde_json::{Value, json};
use simulator::demo_merchant::LinkTokens;

use super::{Journey, refunds};

/// An amount that wallets with a limit charge without asking the customer.
const SMALL: Amount = Amount::rupiah(15_000);
/// An amount for which every wallet that asks at all asks the customer.
const LARGE: Amount = Amount::rupiah(1_250_000);

/// Plays everything; only these products, when any are named.
///
/// # Errors
/// When a request could not even be sent. What does not hold is in the journey's record.
pub async fn play(journey: &mut Journey<'_>, wanted: &[String]) -> anyhow::Result<()> {
    journey.turn_to("MERCHANT");
    let key = json!({"key": journey.client.merchant().api_key});
    let info = journey.send("merchant info", "inquiry_merchant_info", &key, &["0000"]).await?;
    let listed = info.reply().and_then(|reply| reply["data"].as_array().cloned()).unwrap_or_default();
    let codes = listed.iter().filter_map(|product| product["productCode"].as_str());
    let codes: Vec<&str> = codes.filter(|code| wanted.is_empty() || wanted.iter().any(|one| one == code)).collect();
    for code in &codes {
        play_product(journey, code).await?;
    }
    match codes.first() {
        Some(first) => {
            check_out(journey, first).await?;
            refunds::call_off(journey, first).await
        }
        None => Ok(()),
    }
}

/// Without a linked account: the customer chooses on our checkout page.
async fn check_out(journey: &mut Journey<'_>, product: &str) -> anyhow::Result<()> {
    journey.turn_to(product);
    let reference = journey.reference("SHOP");
    let partner = journey.partner_id().to_owned();
    let phone = journey.sandbox.seed.demo_customer.phone.clone();
    journey.merchant.expect(&partner, &reference, LARGE);
    let fields = json!({
        "partnerReferenceNo": reference, "merchantId": partner,
        "amount": {"value": LARGE.snap_text(), "currency": "IDR"},
        "urlParam": {"url": journey.shop(), "type": "PAY_RETURN", "isDeeplink": "N"},
        "additionalInfo": {"userPhone": phone},
    });
    let sent = journey.send("pay without a link", "payment_host_to_host", &fields, &["2005400"]).await?;
    finish_payment(journey, &sent, &reference, LARGE).await
}

async fn play_product(journey: &mut Journey<'_>, product: &str) -> anyhow::Result<()> {
    journey.turn_to(product);
    let Some((phone, tokens)) = link(journey, product).await? else {
        return Ok(());
    };
    inquire_account(journey, product, &phone, &tokens).await?;
    read_balance(journey, product, &tokens).await?;
    let small = pay(journey, product, "small payment", SMALL, &tokens).await?;
    let large = pay(journey, product, "large payment", LARGE, &tokens).await?;
    refunds::cancel(journey, product, &large).await?;
    unbind(journey, product, &phone, &tokens).await?;
    refunds::refund(journey, product, &small).await
}

/// Links the demo customer's account, newly opened where the provider opens accounts: the customer's number, and the
/// tokens.
///
/// # Errors
/// When a request could not even be sent; none when a step did not hold.
pub async fn link(journey: &mut Journey<'_>, product: &str) -> anyhow::Result<Option<(String, LinkTokens)>> {
    let Some((connector, sold)) = connectors::product(product) else {
        return Ok(None);
    };
    let mut phone = journey.sandbox.seed.demo_customer.phone.clone();
    if connector.descriptor().capabilities.contains(&Capability::CreateAccount) {
        phone = create_account(journey, product).await?;
    }
    let tokens = match sold.binding {
        BindingFlow::AuthCode => bind_with_code(journey, product, &phone).await?,
        BindingFlow::Page => bind_on_page(journey, product, &phone).await?,
    };
    Ok(tokens.map(|tokens| (phone, tokens)))
}

/// A number that no wallet knows yet.
fn new_phone(journey: &mut Journey<'_>) -> String {
    let reference = journey.reference("N");
    format!("6285700{}", &reference[2..].repeat(2)[..6])
}

async fn create_account(journey: &mut Journey<'_>, product: &str) -> anyhow::Result<String> {
    let phone = new_phone(journey);
    let reference = journey.reference("NEW");
    let fields = json!({
        "partnerReferenceNo": reference, "name": "Dewi Anggraini", "phoneNo": phone, "email": "dewi@example.com",
        "customerId": "3171049999422201",
        "additionalInfo": {
            "productCode": product, "customerIdType": "KTP", "custReligion": "ISLAM", "dateOfBirth": "1999-01-30",
            "custBirthPlace": "Jakarta", "custAddress": "Jl. Contoh 1", "custGender": "P", "custMarriageStatus": "BK",
            "custNationality": "WNI", "custProvinsi": "DKI Jakarta", "custKabupaten": "Jakarta Pusat",
            "custKecamatan": "Menteng", "custKelurahan": "Cikini", "custRT": "11", "custRW": "12",
            "custOccupation": "Karyawan", "ktpPhoto": "1.jpg", "selfiePhoto": "2.jpg", "signaturePhoto": "3.jpg",
        },
    });
    let sent = journey.send("create account", "account_creation", &fields, &["2020600"]).await?;
    if let Some(url) = sent.text("additionalInfo.originalUrl") {
        journey.visit("choose PIN", &url, |visit| visit.text.is_some()).await;
    }
    let question =
        json!({"partnerReferenceNo": reference, "additionalInfo": {"productCode": product, "phoneNo": phone}});
    let sent = journey.send("account is open", "account_inquiry", &question, &["2000800"]).await?;
    journey.insist("account is open", sent.text("additionalInfo.accountStatus"), "ACTIVE");
    Ok(phone)
}

async fn bind_with_code(journey: &mut Journey<'_>, product: &str, phone: &str) -> anyhow::Result<Option<LinkTokens>> {
    let state = journey.reference("STATE");
    let fields = json!({
        "redirectURL": journey.shop(), "scopes": product, "state": state, "merchantId": journey.partner_id(),
        "lang": journey.lang, "seamlessData": {"mobileNumber": phone},
    });
    let sent = journey.send("get auth code", "get_auth_code", &fields, &["2001000"]).await?;
    let (Some(url), Some(code)) = (sent.text("additionalInfo.redirectUrl"), sent.text("authCode")) else {
        return Ok(None);
    };
    let visit = journey
        .visit("authorise", &url, |visit| {
            visit.param("state").as_ref() == Some(&state) && visit.param("authCode").as_ref() == Some(&code)
        })
        .await;
    if visit.is_none() {
        return Ok(None);
    }
    let fields = binding(journey, product, phone, Some(&code));
    let sent = journey.send("bind", "account_binding", &fields, &["2000700"]).await?;
    Ok(tokens_of(&sent))
}

async fn bind_on_page(journey: &mut Journey<'_>, product: &str, phone: &str) -> anyhow::Result<Option<LinkTokens>> {
    let fields = binding(journey, product, phone, None);
    let sent = journey.send("bind", "account_binding", &fields, &["2020700", "2000700"]).await?;
    if let Some(tokens) = tokens_of(&sent) {
        return Ok(Some(tokens));
    }
    let Some(url) = sent.text("redirectUrl") else {
        return Ok(None);
    };
    journey.visit("authorise", &url, |_| true).await;
    let reference = fields["partnerReferenceNo"].as_str().unwrap_or_default().to_owned();
    let partner = journey.partner_id().to_owned();
    let merchant = journey.merchant;
    journey
        .await_that("binding notification", || {
            let book = merchant.book();
            match book.links.get(&partner).and_then(|links| links.get(&reference)) {
                Some(link) if link.tokens.is_some() => Ok(link.status.clone()),
                Some(link) => Err(link.status.clone()),
                None => Err("no notification yet".into()),
            }
        })
        .await;
    Ok(journey.notified_tokens(&reference))
}

fn binding(journey: &mut Journey<'_>, product: &str, phone: &str, code: Option<&str>) -> Value {
    let mut fields = json!({
        "partnerReferenceNo": journey.reference("BIND"), "merchantId": journey.partner_id(), "phoneNo": phone,
        "redirectUrl": journey.shop(), "lang": journey.lang, "additionalInfo": {"productCode": product},
    });
    if let Some(code) = code {
        fields["authCode"] = code.into();
    }
    fields
}

fn tokens_of(sent: &Sent) -> Option<LinkTokens> {
    Some(LinkTokens {
        account: sent.text("additionalInfo.accountToken")?,
        card: sent.text("additionalInfo.bankCardToken")?,
        customer: sent.text("additionalInfo.authorizationCustomer")?,
    })
}

async fn inquire_account(
    journey: &mut Journey<'_>,
    product: &str,
    phone: &str,
    tokens: &LinkTokens,
) -> anyhow::Result<()> {
    let fields = json!({
        "partnerReferenceNo": journey.reference("ASK"),
        "additionalInfo": {"productCode": product, "phoneNo": phone, "accountToken": tokens.account},
    });
    let sent = journey.send("inquire account", "account_inquiry", &fields, &["2000800"]).await?;
    journey.insist("account is active", sent.text("additionalInfo.accountStatus"), "ACTIVE");
    Ok(())
}

async fn read_balance(journey: &mut Journey<'_>, product: &str, tokens: &LinkTokens) -> anyhow::Result<()> {
    let fields = json!({
        "partnerReferenceNo": journey.reference("BAL"), "bankCardToken": tokens.card,
        "additionalInfo": {"productCode": product},
    });
    journey.send("balance", "balance_inquiry", &fields, &["2001100"]).await.map(drop)
}

async fn pay(
    journey: &mut Journey<'_>,
    product: &str,
    name: &str,
    amount: Amount,
    tokens: &LinkTokens,
) -> anyhow::Result<String> {
    let reference = journey.reference("INV");
    let value = json!({"value": amount.snap_text(), "currency": "IDR"});
    let partner = journey.partner_id().to_owned();
    journey.merchant.expect(&partner, &reference, amount);
    let fields = json!({
        "partnerReferenceNo": reference, "merchantId": partner,
        "subMerchantId": journey.client.merchant().api_key, "amount": value,
        "urlParam": {"url": journey.shop(), "type": "PAY_RETURN", "isDeeplink": "N"},
        "additionalInfo": {"productCode": product, "balanceType": "CASH", "bankCardToken": tokens.card},
    });
    let sent = journey.send(name, "payment_host_to_host", &fields, &["2005400"]).await?;
    finish_payment(journey, &sent, &reference, amount).await?;
    Ok(reference)
}

/// The customer goes to the payment's page; the merchant hears of it; both status services agree.
async fn finish_payment(journey: &mut Journey<'_>, sent: &Sent, reference: &str, amount: Amount) -> anyhow::Result<()> {
    let Some(url) = sent.text("webRedirectUrl") else {
        return Ok(());
    };
    let (shop, partner) = (journey.shop(), journey.partner_id().to_owned());
    journey.visit("payment page", &url, |visit| visit.end.as_str().starts_with(&shop)).await;
    let merchant = journey.merchant;
    journey
        .await_that("payment notification", || match merchant.book().find(&partner, reference) {
            Some(order) if order.paid.is_some() => Ok(format!("paid {}", order.paid.clone().unwrap_or_default())),
            order => Err(format!("{order:?}")),
        })
        .await;
    let fields = json!({"partnerServiceId": "   ESPAY", "customerNo": partner, "virtualAccountNo": reference});
    let sent = journey.send("inquiry status", "inquiry_status", &fields, &["2002600"]).await?;
    journey.insist("it is paid", sent.text("virtualAccountData.paymentFlagStatus"), "S");
    let fields = json!({
        "originalPartnerReferenceNo": reference, "serviceCode": "54", "merchantId": partner,
        "amount": {"value": amount.snap_text(), "currency": "IDR"},
    });
    let sent = journey.send("debit status", "debit_status", &fields, &["2005500"]).await?;
    journey.insist("it is paid", sent.text("latestTransactionStatus"), "00");
    Ok(())
}

async fn unbind(journey: &mut Journey<'_>, product: &str, phone: &str, tokens: &LinkTokens) -> anyhow::Result<()> {
    let unbinding = |journey: &mut Journey<'_>| {
        json!({
            "partnerReferenceNo": journey.reference("UNBIND"), "merchantId": journey.partner_id(), "phoneNo": phone,
            "authorizationCustomer": tokens.customer,
            "additionalInfo": {"productCode": product, "accountToken": tokens.account},
        })
    };
    let fields = unbinding(journey);
    journey.send("unbind", "account_unbinding", &fields, &["2000900"]).await?;
    let fields = unbinding(journey);
    journey.send("unbind again", "account_unbinding", &fields, &["4040911"]).await?;
    let fields = json!({"partnerReferenceNo": journey.reference("BAL"), "bankCardToken": tokens.card});
    journey.send("balance afterwards", "balance_inquiry", &fields, &["4041111"]).await.map(drop)
}
