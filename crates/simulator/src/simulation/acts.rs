//! What merchants and their customers do in a run: pay, sell bills, link and unlink, ask; politely or not.

use std::{sync::Arc, time::Duration};

use client::{Outcome, Prepared, outcome_of};
use connectors::{
    HttpRequest,
    imitation::{SANDBOX_OTP, SANDBOX_PIN, bills, magic},
};
use lifecycle::{
    biller::{BillerProduct, Category, Pricing},
    merchant::BindingFlow,
};
use money::Amount;
use serde_json::{Value, json};
use tokio::time::sleep;
use url::Url;

use super::{
    chance::Chance,
    fault::Fault,
    shop::{Linked, Order, Shop, Told},
    template::{BASE_URL, HOST, PHONES, SHOP_ORIGIN},
    world::{Outside, misnamed_amount},
};
use crate::{
    customer::{Customer, Next, declines, fill, next},
    demo_merchant::LinkTokens,
    html,
};

/// How long a merchant waits for an answer, in milliseconds; longer for bills.
const PATIENCE_MS: u64 = 40_000;
const BILLER_PATIENCE_MS: u64 = 100_000;
/// How many pages a customer looks at.
const PAGES_MAX: usize = 30;

/// What a merchant heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// What it knows now.
    pub(crate) outcome: Outcome,
    /// The answer; null when none came.
    pub(crate) body: Value,
    /// When the request was sent, in milliseconds of the run.
    pub(crate) sent_ms: u64,
}

impl Heard {
    fn text(&self, pointer: &str) -> Option<String> {
        let mut value = &self.body;
        for name in pointer.split('.') {
            value = value.get(name)?;
        }
        value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
    }

    fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown { .. })
    }
}

/// One merchant's hand at the till for one act.
pub(crate) struct Till {
    /// Where it is.
    pub(crate) outside: Arc<Outside>,
    /// Which merchant.
    pub(crate) shop: usize,
    /// Its chance.
    pub(crate) chance: Chance,
    /// A word that no other act has, for references.
    pub(crate) word: String,
    /// How many references it drew.
    pub(crate) drawn: u32,
}

impl Till {
    fn shop(&self) -> &Shop {
        &self.outside.shops[self.shop]
    }

    fn reference(&mut self, kind: &str) -> String {
        self.drawn += 1;
        format!("{kind}{}{}", self.word, self.drawn)
    }

    fn rude(&mut self, permille: u64) -> bool {
        self.outside.faults.has(Fault::Merchants) && !self.outside.faults.are_over() && self.chance.permille(permille)
    }

    async fn pause(&mut self, most_ms: u64) {
        let millis = self.chance.below(most_ms);
        sleep(Duration::from_millis(millis)).await;
    }

    fn prepare(&mut self, operation: &str, fields: &Value) -> Prepared {
        let operation = contract::operation(operation).expect("the operation is one of the contract's");
        let mut prepared = client::prepare(operation, fields).expect("the fields are a JSON object");
        prepared.external_id = self.chance.digits(32);
        prepared
    }

    async fn send(&self, prepared: &Prepared, repeated: bool) -> Heard {
        let headers = prepared.headers(&self.shop().credentials, self.outside.time.now());
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.carry(prepared, headers, repeated, PATIENCE_MS).await
    }

    async fn carry(
        &self,
        prepared: &Prepared,
        headers: Vec<(String, String)>,
        repeated: bool,
        patience_ms: u64,
    ) -> Heard {
        let request = HttpRequest {
            method: prepared.method,
            url: format!("{BASE_URL}{}", prepared.target),
            headers,
            body: prepared.body.clone(),
        };
        let sent_ms = self.outside.elapsed_ms();
        let who = format!("merchant {} {} {}", self.shop().code(), prepared.operation, prepared.external_id);
        match self.outside.knock(&who, request, Duration::from_millis(patience_ms)).await {
            Ok(answer) => Heard {
                outcome: outcome_of(answer.status, &answer.body, repeated),
                body: serde_json::from_slice(&answer.body).unwrap_or_default(),
                sent_ms,
            },
            Err(why) => Heard { outcome: Outcome::Unknown { why: format!("{why:?}") }, body: Value::Null, sent_ms },
        }
    }

    async fn call(&mut self, operation: &str, fields: &Value) -> Heard {
        let prepared = self.prepare(operation, fields);
        self.send(&prepared, false).await
    }

    // Payments.

    /// An amount; some make an imitated wallet misbehave.
    fn amount(&mut self) -> Amount {
        if self.outside.faults.strikes_times(Fault::WrongAmount, 5) {
            return misnamed_amount();
        }
        match self.chance.below(10) {
            0 | 1 => Amount::rupiah(self.chance.pick(magic::AMOUNTS).0),
            2 | 3 => Amount::rupiah(1_250_000),
            _ => Amount::rupiah(u32::try_from(self.chance.between(11_000, 60_000)).unwrap_or(11_000)),
        }
    }

    fn payment_fields(&self, reference: &str, amount: Amount, link: Option<&Linked>) -> Value {
        let mut fields = json!({
            "partnerReferenceNo": reference, "merchantId": self.shop().code(),
            "subMerchantId": self.shop().merchant.api_key,
            "amount": {"value": amount.snap_text(), "currency": "IDR"},
            "urlParam": {"url": format!("{SHOP_ORIGIN}/paid"), "type": "PAY_RETURN", "isDeeplink": "N"},
            "additionalInfo": {"userPhone": PHONES[0]},
        });
        if let Some(link) = link {
            fields["additionalInfo"] =
                json!({"productCode": link.product, "balanceType": "CASH", "bankCardToken": link.tokens.card});
        }
        fields
    }

    fn heard_of_payment(&self, reference: &str, amount: Amount, heard: &Heard) {
        let told = match &heard.outcome {
            Outcome::Succeeded if heard.text("approvalCode").is_some() => Told::Paid,
            Outcome::Succeeded => Told::Accepted(amount),
            // What refuses this very request says nothing about an earlier one of the same reference.
            Outcome::Refused { .. } | Outcome::Unknown { .. } => return,
        };
        if told == Told::Paid {
            self.shop().hear(&self.outside, reference, heard.sent_ms, Told::Accepted(amount));
        }
        self.shop().hear(&self.outside, reference, heard.sent_ms, told);
    }

    async fn pay_once(&self, prepared: &Prepared, reference: &str, amount: Amount, repeated: bool) -> Heard {
        let heard = self.send(prepared, repeated).await;
        self.heard_of_payment(reference, amount, &heard);
        heard
    }

    /// A payment, over a link or on the checkout page, from the call to the last question about it.
    pub(crate) async fn pay(&mut self, over_link: bool) {
        let links = self.shop().ledger().links.clone();
        let link = (over_link && !links.is_empty()).then(|| self.chance.pick(&links).clone());
        let (reference, amount) = (self.reference("P"), self.amount());
        self.shop().expect(&reference, amount);
        let fields = self.payment_fields(&reference, amount, link.as_ref());
        let prepared = self.prepare("payment_host_to_host", &fields);
        let heard = if self.rude(250) {
            self.pay_rudely(&prepared, &reference, amount, link.as_ref()).await
        } else {
            self.pay_once(&prepared, &reference, amount, false).await
        };
        let mut heard = heard;
        // A merchant that heard nothing repeats the request as it is.
        for _ in 0..2 {
            if !heard.is_unknown() || !self.chance.permille(600) {
                break;
            }
            self.pause(30_000).await;
            heard = self.pay_once(&prepared, &reference, amount, true).await;
        }
        if let (Some(link), true) = (&link, self.outside.faults.strikes_times(Fault::Customers, 2)) {
            let (outside, product, phone) = (self.outside.clone(), link.product.clone(), link.phone.clone());
            let wait = Duration::from_millis(self.chance.below(60_000));
            tokio::spawn(async move {
                sleep(wait).await;
                if let Some((connector, _)) = connectors::product(&product) {
                    outside.revoke(connector.descriptor().name, &phone);
                }
            });
        }
        if let Some(url) = heard.text("webRedirectUrl") {
            let phone = link.as_ref().map_or(PHONES[0], |link| link.phone.as_str()).to_owned();
            let products = super::run::products();
            let product =
                link.as_ref().map_or_else(|| (*self.chance.pick(&products)).to_owned(), |link| link.product.clone());
            self.visit(&url, &phone, Some(product)).await;
        }
        for _ in 0..self.chance.below(3) {
            self.pause(60_000).await;
            self.ask_payment(&reference).await;
        }
        if self.chance.permille(300) {
            self.pause(120_000).await;
            self.give_back(&reference, amount).await;
        }
    }

    /// Refunds in parts, perhaps two at once and more than there is; or a cancellation.
    async fn give_back(&mut self, reference: &str, amount: Amount) {
        if self.chance.permille(250) {
            let fields = json!({"originalPartnerReferenceNo": reference, "merchantId": self.shop().code()});
            let prepared = self.prepare("cancel", &fields);
            let heard = self.send(&prepared, false).await;
            if heard.is_unknown() {
                self.send(&prepared, true).await;
            }
            return;
        }
        let part = |chance: &mut Chance, till: &mut u32, word: &str| {
            *till += 1;
            let sen = amount.sen() / 100 * i64::try_from(chance.between(20, 100)).unwrap_or(100);
            let back = Amount::from_sen(sen / 100 * 100).unwrap_or(amount);
            json!({
                "originalPartnerReferenceNo": reference, "partnerRefundNo": format!("R{word}{till}"),
                "refundAmount": {"value": back.snap_text(), "currency": "IDR"}, "reason": "returned",
            })
        };
        let word = self.word.clone();
        let first = part(&mut self.chance, &mut self.drawn, &word);
        let second = part(&mut self.chance, &mut self.drawn, &word);
        let (first, second) = (self.prepare("refund", &first), self.prepare("refund", &second));
        let wait = Duration::from_millis(*self.chance.pick(&[0, 1, 100, 10_000]));
        let till = &*self;
        let later = async {
            sleep(wait).await;
            till.send(&second, false).await
        };
        let (heard, _) = tokio::join!(biased; till.send(&first, false), later);
        if heard.is_unknown() {
            self.pause(20_000).await;
            self.send(&first, true).await;
        }
    }

    /// Twice at once, under a new id, with another amount, with questions meanwhile.
    async fn pay_rudely(
        &mut self,
        prepared: &Prepared,
        reference: &str,
        amount: Amount,
        link: Option<&Linked>,
    ) -> Heard {
        let other_amount = amount.checked_add(Amount::rupiah(1_000)).unwrap_or(amount);
        let (mut second, second_amount) = match self.chance.below(4) {
            0 | 1 => (prepared.clone(), amount),
            2 => {
                self.shop().expect(reference, other_amount);
                let fields = self.payment_fields(reference, other_amount, link);
                (self.prepare("payment_host_to_host", &fields), other_amount)
            }
            _ => {
                let fields = self.payment_fields(reference, amount, link);
                (self.prepare("payment_host_to_host", &fields), amount)
            }
        };
        if second_amount != amount && self.chance.permille(300) {
            second.external_id = prepared.external_id.clone();
        }
        let waits = [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(150), Duration::from_secs(20)];
        let wait = *self.chance.pick(&waits);
        let asks = self.chance.permille(400);
        let till = &*self;
        let later = async {
            sleep(wait).await;
            till.pay_once(&second, reference, second_amount, second.external_id == prepared.external_id).await
        };
        let asking = async {
            if asks {
                sleep(Duration::from_millis(300)).await;
                till.ask_payment(reference).await;
            }
        };
        let (first, second, ()) =
            tokio::join!(biased; till.pay_once(prepared, reference, amount, false), later, asking);
        if first.text("webRedirectUrl").is_some() { first } else { second }
    }

    /// Asks what became of a payment.
    pub(crate) async fn ask_payment(&self, reference: &str) {
        let mut chance = Chance::new(self.outside.elapsed_ms(), reference);
        let fields = json!({
            "originalPartnerReferenceNo": reference, "serviceCode": "54", "merchantId": self.shop().code(),
        });
        let operation = contract::operation("debit_status").expect("the operation is one of the contract's");
        let mut prepared = client::prepare(operation, &fields).expect("the fields are a JSON object");
        prepared.external_id = chance.digits(32);
        let heard = self.send(&prepared, false).await;
        let told = match heard.text("latestTransactionStatus").as_deref() {
            Some("00") => Told::Paid,
            Some("06") => Told::Failed(heard.text("originalResponseCode").unwrap_or_default()),
            Some(_) => Told::Open,
            None => return,
        };
        self.shop().hear(&self.outside, reference, heard.sent_ms, told);
    }

    // Links.

    /// Links a wallet, the way its product wants it.
    pub(crate) async fn bind(&mut self, product: &str, phone: &str) {
        let Some((_, sold)) = connectors::product(product) else { return };
        let mut fields = json!({
            "partnerReferenceNo": self.reference("B"), "merchantId": self.shop().code(), "phoneNo": phone,
            "redirectUrl": format!("{SHOP_ORIGIN}/linked"), "lang": "id", "additionalInfo": {"productCode": product},
        });
        if sold.binding == BindingFlow::AuthCode {
            let Some(code) = self.auth_code(product, phone).await else { return };
            fields["authCode"] = code.into();
        }
        let prepared = self.prepare("account_binding", &fields);
        let mut heard = self.send(&prepared, false).await;
        if heard.is_unknown() && heard.text("redirectUrl").is_none() {
            self.pause(10_000).await;
            heard = self.send(&prepared, true).await;
        }
        if self.rude(200) {
            // The same code once more.
            let again = self.prepare("account_binding", &fields);
            self.send(&again, false).await;
        }
        let reference = fields["partnerReferenceNo"].as_str().unwrap_or_default().to_owned();
        if let Some(url) = heard.text("redirectUrl").filter(|url| url.starts_with("http")) {
            self.visit(&url, phone, Some(product.to_owned())).await;
            for _ in 0..20 {
                if self.shop().tokens(&reference).is_some() {
                    break;
                }
                sleep(Duration::from_secs(3)).await;
            }
        }
        let tokens = tokens_of(&heard).or_else(|| self.shop().tokens(&reference));
        if let Some(tokens) = tokens {
            let linked = Linked { product: product.to_owned(), phone: phone.to_owned(), tokens };
            self.shop().ledger().links.push(linked);
        }
    }

    async fn auth_code(&mut self, product: &str, phone: &str) -> Option<String> {
        let fields = json!({
            "redirectURL": format!("{SHOP_ORIGIN}/linked"), "scopes": product, "state": self.reference("S"),
            "merchantId": self.shop().code(), "lang": "id", "seamlessData": {"mobileNumber": phone},
        });
        let heard = self.call("get_auth_code", &fields).await;
        let (url, code) = (heard.text("additionalInfo.redirectUrl")?, heard.text("authCode")?);
        self.visit(&url, phone, Some(product.to_owned())).await;
        Some(code)
    }

    /// Ends a link, perhaps twice.
    pub(crate) async fn unbind(&mut self) {
        let links = self.shop().ledger().links.clone();
        if links.is_empty() {
            return;
        }
        let link = self.chance.pick(&links).clone();
        let times = if self.rude(500) { 2 } else { 1 };
        for _ in 0..times {
            let fields = json!({
                "partnerReferenceNo": self.reference("U"), "merchantId": self.shop().code(), "phoneNo": link.phone,
                "authorizationCustomer": link.tokens.customer,
                "additionalInfo": {"productCode": link.product, "accountToken": link.tokens.account},
            });
            self.call("account_unbinding", &fields).await;
            self.pause(3_000).await;
        }
    }

    /// Asks for a balance and for the state of an account.
    pub(crate) async fn look(&mut self) {
        let links = self.shop().ledger().links.clone();
        if links.is_empty() {
            return;
        }
        let link = self.chance.pick(&links).clone();
        let fields = json!({
            "partnerReferenceNo": self.reference("L"), "bankCardToken": link.tokens.card,
            "additionalInfo": {"productCode": link.product},
        });
        self.call("balance_inquiry", &fields).await;
        let fields = json!({
            "partnerReferenceNo": self.reference("L"),
            "additionalInfo": {"productCode": link.product, "phoneNo": link.phone, "accountToken": link.tokens.account},
        });
        self.call("account_inquiry", &fields).await;
    }

    // Bills.

    async fn call_biller(&mut self, operation: &str, fields: &[(&'static str, String)], uuid: &str) -> Heard {
        let known = contract::operation(operation).expect("the operation is one of the contract's");
        let mut all: Vec<(String, String)> = vec![("rq_uuid".into(), uuid.to_owned())];
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let shop = self.shop();
        let now = self.outside.time.now();
        let prepared = client::biller::prepare(known, &shop.biller, all, now).expect("it is a biller service");
        let user = format!("{}:{}", shop.biller.username, shop.biller.basic_password);
        let basic = {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            STANDARD.encode(user)
        };
        let headers = vec![
            ("Content-Type".to_owned(), prepared.content_type.clone()),
            ("Authorization".to_owned(), format!("Basic {basic}")),
        ];
        self.carry(&prepared, headers, false, BILLER_PATIENCE_MS).await
    }

    fn uuid(&mut self) -> String {
        let digits = self.chance.digits(20);
        format!("{}{digits}", self.shop().code())
    }

    /// Sells a bill, from the inquiry to the last question about it.
    pub(crate) async fn sell(&mut self) {
        let product = self.bill_product();
        let place = {
            let mut ledger = self.shop().ledger();
            let (code, order_id) = (product.code.to_string(), product.sample_order.clone());
            ledger.orders.push(Order { product: code, order_id, ..Order::default() });
            ledger.orders.len() - 1
        };
        let mut fields = vec![("product_code", product.code.to_string()), ("order_id", product.sample_order.clone())];
        fields.extend(additional(&product).map(|text| ("additional_data", text)));
        if product.needs_inquiry {
            let uuid = self.uuid();
            let heard = self.call_biller("bill_inquiry", &fields, &uuid).await;
            let (Outcome::Succeeded, Some(amount)) = (&heard.outcome, heard.text("amount")) else { return };
            fields.push(("amount", amount));
            if self.rude(100) {
                sleep(Duration::from_secs(16 * 60)).await;
            }
            self.pause(20_000).await;
        } else if let Some(amount) = amount_without_inquiry(&product, self.outside.time.now()) {
            fields.push(("amount", amount.sen().to_string()));
        }
        self.shop().ledger().orders[place].paid_for = true;
        self.pay_bill(place, &fields, product.needs_inquiry).await;
        for _ in 0..self.chance.below(4) {
            self.pause(60_000).await;
            self.ask_bill(place).await;
        }
    }

    async fn pay_bill(&mut self, place: usize, fields: &[(&'static str, String)], inquired: bool) {
        let uuid = self.uuid();
        let mut second: Option<(String, Vec<(&'static str, String)>)> = None;
        if self.rude(300) {
            let mut changed = fields.to_vec();
            let own = self.uuid();
            let uuid = match self.chance.below(3) {
                0 => uuid.clone(),
                1 => own,
                // Without an inquiry another amount is another bill, and whoever asks by order hears of the newer one.
                _ if !inquired => uuid.clone(),
                _ => {
                    let amount = changed.iter_mut().find(|(name, _)| *name == "amount");
                    if let Some((_, text)) = amount {
                        text.push('0');
                    }
                    own
                }
            };
            second = Some((uuid, changed));
        }
        let (first, other) = match second {
            None => (self.call_biller("bill_payment", fields, &uuid).await, None),
            Some((other_uuid, changed)) => {
                let wait = Duration::from_millis(*self.chance.pick(&[0, 1, 100, 5_000]));
                let mut twin = Till {
                    outside: self.outside.clone(),
                    shop: self.shop,
                    chance: self.chance.fork(),
                    word: String::new(),
                    drawn: 0,
                };
                let later = async {
                    sleep(wait).await;
                    twin.call_biller("bill_payment", &changed, &other_uuid).await
                };
                let (first, other) = tokio::join!(biased; self.call_biller("bill_payment", fields, &uuid), later);
                (first, Some(other))
            }
        };
        for heard in [Some(first), other].into_iter().flatten() {
            self.heard_of_bill(place, &heard);
        }
    }

    fn heard_of_bill(&self, place: usize, heard: &Heard) {
        let Some(ref_id) = heard.text("ref_id").filter(|ref_id| !ref_id.is_empty()) else { return };
        let amount = heard.text("amount").and_then(|text| Amount::from_sen(text.parse().ok()?).ok());
        let told = match (&heard.outcome, amount) {
            (Outcome::Succeeded, Some(amount)) => Some(Told::Accepted(amount)),
            (Outcome::Refused { code, .. }, _) => Some(Told::Failed(code.clone())),
            _ => None,
        };
        let mut ledger = self.shop().ledger();
        let known = ledger.orders[place].ref_ids.entry(ref_id).or_default();
        if told.is_some() {
            *known = told;
        }
    }

    /// Asks what became of a bill, by every `ref_id` that was heard, or else by its order.
    pub(crate) async fn ask_bill(&mut self, place: usize) {
        let order = self.shop().ledger().orders[place].clone();
        let asked: Vec<Vec<(&'static str, String)>> = if order.ref_ids.is_empty() {
            vec![vec![("product_code", order.product), ("order_id", order.order_id)]]
        } else {
            order.ref_ids.keys().map(|ref_id| vec![("ref_id", ref_id.clone())]).collect()
        };
        for fields in asked {
            let uuid = self.uuid();
            let heard = self.call_biller("bill_status", &fields, &uuid).await;
            if heard.text("transaction_status").is_some() {
                self.heard_of_bill(place, &heard);
            }
        }
    }

    fn bill_product(&mut self) -> BillerProduct {
        const CODES: [&str; 8] =
            ["SLYLPR20", "SLYLPR100", "SLYLPS", "BPJSKS", "STBIDV", "STBKVS50", "BPJSDN", "STBTRV"];
        let catalogue = &self.outside.fixed.catalogue;
        let code = *self.chance.pick(&CODES);
        let product = catalogue.products().find(|product| product.code.as_str() == code);
        let mut product = product.or_else(|| catalogue.products().next()).expect("something is sold").as_ref().clone();
        // What a source takes back or brings without ever telling is found by reconciliation, and not in a run.
        let untold = |trick: &magic::Bill| matches!(trick, magic::Bill::FailedThenDelivered | magic::Bill::Refunded);
        let tricks: Vec<&str> = magic::BILLS
            .iter()
            .filter(|(_, trick, _)| !untold(trick) || product.category == Category::PlnPrepaid)
            .map(|(end, ..)| *end)
            .collect();
        let end = if self.chance.permille(300) {
            (*self.chance.pick(&tricks)).to_owned()
        } else {
            self.chance.between(2_000, 9_999).to_string()
        };
        let middle = self.chance.digits(3);
        let keep = product.sample_order.len().saturating_sub(end.len() + middle.len());
        product.sample_order.truncate(keep);
        product.sample_order.push_str(&middle);
        product.sample_order.push_str(&end);
        product
    }

    // The customer.

    /// The customer opens an address and goes on, patiently or not.
    async fn visit(&mut self, url: &str, phone: &str, product: Option<String>) {
        let outside = self.outside.clone();
        let moody = outside.faults.has(Fault::Customers) && !outside.faults.are_over();
        let leaves_after = if moody && self.chance.permille(200) { self.chance.below(6) } else { PAGES_MAX as u64 };
        let cancels = moody && self.chance.permille(120);
        let again = moody && self.chance.permille(200);
        let customer = Customer {
            phone: phone.to_owned(),
            otp: SANDBOX_OTP.into(),
            pin: SANDBOX_PIN.into(),
            password: crate::seed::SANDBOX_PASSWORD.into(),
            product,
        };
        if leaves_after < PAGES_MAX as u64 {
            outside.history.note(|| format!("the customer leaves after {leaves_after} pages"));
        }
        let mut browser = Browser { outside: &outside, customer: &customer, cancels, returned: None };
        browser.walk(url, leaves_after).await;
        let returned = browser.returned.take();
        if let (true, Some(url)) = (again, returned) {
            self.pause(5_000).await;
            outside.history.note(|| "the customer returns a second time".into());
            let mut browser = Browser { outside: &outside, customer: &customer, cancels: false, returned: None };
            browser.walk(&url, 3).await;
        }
    }
}

struct Browser<'a> {
    outside: &'a Arc<Outside>,
    customer: &'a Customer,
    cancels: bool,
    /// The last address with a query at the gateway: where a wallet sent the browser back to.
    returned: Option<String>,
}

impl Browser<'_> {
    async fn walk(&mut self, url: &str, pages_max: u64) {
        let Ok(mut here) = Url::parse(url) else { return };
        let mut going = Next::Get(here.clone());
        let mut renewals = 0;
        for _ in 0..pages_max {
            let (request, target) = match going {
                Next::End(_) => return,
                Next::Wait(wait, url) => {
                    sleep(wait).await;
                    (get(&url), url)
                }
                Next::Get(url) => (get(&url), url),
                Next::Post(url, pairs) => (post(&url, &pairs), url),
            };
            here = target;
            let Some((status, location, body)) = self.open(&here, request).await else { return };
            if let (300..400, Some(location)) = (status, location) {
                let Ok(target) = here.join(&location) else { return };
                going = Next::Get(target);
                continue;
            }
            if status >= 400 {
                return;
            }
            let page = html::read(&String::from_utf8_lossy(&body));
            if self.cancels
                && let Some(form) = page.forms.iter().find(|form| form.post && declines(form))
                && let Ok(action) = here.join(&form.action)
            {
                self.cancels = false;
                going = Next::Post(action, fill(form, self.customer));
                continue;
            }
            going = next(&page, &here, self.customer, &mut renewals);
        }
    }

    async fn open(&mut self, url: &Url, request: HttpRequest) -> Option<(u16, Option<String>, Vec<u8>)> {
        let host = url.host_str()?;
        let answer = if host == HOST {
            if url.query().is_some() && request.method == "GET" {
                self.returned = Some(url.to_string());
            }
            self.outside.knock("the customer", request, Duration::from_secs(40)).await.ok()?
        } else {
            let name = host.strip_suffix(".sim")?.replace('-', "_");
            self.outside.way().await;
            let request = HttpRequest { url: request.target().to_owned(), ..request };
            self.outside.ask_provider(&name, &request)?.0
        };
        let location = answer.header("location").map(str::to_owned);
        Some((answer.status, location, answer.body))
    }
}

fn get(url: &Url) -> HttpRequest {
    HttpRequest { method: "GET", url: url.to_string(), headers: vec![], body: vec![] }
}

fn post(url: &Url, pairs: &[(String, String)]) -> HttpRequest {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let headers = vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    HttpRequest { method: "POST", url: url.to_string(), headers, body: body.into_bytes() }
}

fn tokens_of(heard: &Heard) -> Option<LinkTokens> {
    Some(LinkTokens {
        account: heard.text("additionalInfo.accountToken")?,
        card: heard.text("additionalInfo.bankCardToken")?,
        customer: heard.text("additionalInfo.authorizationCustomer")?,
    })
}

/// What the customer says besides the number, as the catalogue wants it.
fn additional(product: &BillerProduct) -> Option<String> {
    let fields = product.additional.iter().filter(|field| field.mandatory);
    let values = fields.map(|field| match product.pricing {
        Pricing::Open { min, .. } if field.name == "amount" => (field.name.clone(), min.sen().to_string().into()),
        _ => (field.name.clone(), "1".repeat(field.length_max.min(4)).into()),
    });
    let members: serde_json::Map<String, Value> = values.collect();
    (!members.is_empty()).then(|| Value::Object(members).to_string())
}

/// What is paid without an inquiry: the merchant knows it.
fn amount_without_inquiry(product: &BillerProduct, now: calendar::Instant) -> Option<Amount> {
    let bill_amount = match product.pricing {
        Pricing::Denomination { bill_amount, .. } => bill_amount,
        Pricing::Open { .. } => {
            let due = bills::bill(product.category, &product.sample_order, None, now);
            Amount::rupiah(u32::try_from(due.amount).ok()?)
        }
        Pricing::Due => return None,
    };
    Some(product.price.quote(bill_amount).ok()?.amount)
}
