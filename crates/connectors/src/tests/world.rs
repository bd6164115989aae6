//! A connector and its imitation, face to face: what `engine` and a browser do, without a network.

use std::sync::OnceLock;

use calendar::Instant;
use lifecycle::{
    AccountCreationId, AuthCodeId, LinkId, PaymentId, Reason, RefundId, Secret,
    account_creation::Person,
    merchant::BindingFlow,
    provider::{Charge, Outcome, ProviderCall, ProviderLink, RefundOrder},
    refund::RefundKind,
};
use money::Amount;
use protocol::keys::PrivateKey;

use crate::{
    Account, CallContext, Capability, Connector, HttpRequest, HttpResponse, Notice, NoticeRefused, Returned, Step,
    imitation::{Customer, Delivery, Imitation, SANDBOX_OTP, SANDBOX_PIN, Setup, Surroundings},
};

/// A customer that is seeded.
pub(crate) const SEEDED: &str = "628777123456";
/// A customer that every wallet opens on sight.
pub(crate) const ON_SIGHT: &str = "6281234567001";
/// Where wallets send the browser.
pub(crate) const RETURN_URL: &str = "https://gateway.example/return?page=abc";
/// What the gateway wants back.
pub(crate) const STATE: &str = "state-889871204JJK1I23K";

const NOW: &str = "2026-11-20T10:00:00+07:00";

/// Every connector that moves a customer's money.
pub(crate) fn wallets() -> impl Iterator<Item = &'static dyn Connector> {
    with(Capability::Charge)
}

/// Every connector that delivers bills and products.
pub(crate) fn billers() -> impl Iterator<Item = &'static dyn Connector> {
    with(Capability::PayBill)
}

fn with(capability: Capability) -> impl Iterator<Item = &'static dyn Connector> {
    let able = move |connector: &&dyn Connector| connector.descriptor().capabilities.contains(&capability);
    crate::imitated().filter(able)
}

pub(crate) fn gateway_key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| {
        PrivateKey::load(include_bytes!("../../../../docs/reference/signing/test_private.pem")).unwrap().key
    })
}

pub(crate) fn provider_key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::generate().unwrap())
}

pub(crate) fn account() -> Account {
    Account {
        base_url: "https://api.wallet.example".into(),
        pages_url: "https://pages.wallet.example".into(),
        client_id: "gateway-client".into(),
        client_secret: Secret::new("client-secret-4711"),
        merchant_id: "MERCHANT01".into(),
        private_key: gateway_key().clone(),
        provider_keys: vec![provider_key().public_key().clone()],
        notice_secret: Some(Secret::new("notice-secret-4712")),
        testing: false,
        profile: None,
    }
}

pub(crate) fn setup() -> Setup {
    let customer = |phone: &str, rupiah| Customer {
        phone: phone.into(),
        name: "Budi".into(),
        cash: Amount::rupiah(rupiah),
        points: Amount::rupiah(1_000),
    };
    Setup {
        base_url: "https://pages.wallet.example".into(),
        client_id: "gateway-client".into(),
        client_secret: "client-secret-4711".into(),
        merchant_id: "MERCHANT01".into(),
        gateway_key: gateway_key().public_key().clone(),
        private_key: provider_key().clone(),
        notice_url: "https://gateway.example/notices/wallet".into(),
        customers: vec![customer(SEEDED, 10_000_000)],
        notice_secret: Some("notice-secret-4712".into()),
        products: catalogue::Catalogue::builtin().products().cloned().collect(),
    }
}

/// The person of the documents' sample, with this number.
pub(crate) fn person(phone: &str) -> Person {
    let details = [
        ("customerIdType", "KTP"),
        ("custReligion", "KRISTEN PROTESTAN"),
        ("dateOfBirth", "1999-01-30"),
        ("custBirthPlace", "TANGERANG"),
        ("custAddress", "JL. TEST 01"),
        ("custGender", "L"),
        ("custMarriageStatus", "BK"),
        ("custNationality", "WNI"),
        ("custProvinsi", "DKI JAKARTA"),
        ("custKabupaten", "KOTA JAKARTA PUSAT"),
        ("custKecamatan", "SENEN"),
        ("custKelurahan", "PASEBAN"),
        ("custRT", "11"),
        ("custRW", "12"),
        ("custOccupation", "karyawan"),
        ("ktpPhoto", "1.jpg"),
        ("selfiePhoto", "2.jpg"),
        ("signaturePhoto", "3.jpg"),
    ];
    Person {
        name: "Putra".into(),
        phone: phone.into(),
        email: "test@sgo.co.id".into(),
        customer_id: "31710499994222".into(),
        details: details.map(|(name, value)| (name.into(), value.into())).to_vec(),
    }
}

fn create_call(phone: &str) -> ProviderCall {
    ProviderCall::CreateAccount {
        creation: AccountCreationId::from_bits(9),
        person: Box::new(person(phone)),
        pin: Secret::new("135791"),
        password: Secret::new("password-135791"),
    }
}

/// A clock that is moved by hand, and texts that never repeat.
pub(crate) struct Clock {
    pub now: Instant,
    count: u64,
}

impl Surroundings for Clock {
    fn now(&self) -> Instant {
        self.now
    }

    fn text(&mut self, length: usize) -> String {
        self.count += 1;
        let mut text = format!("{:x}", protocol::digest::sha256(&self.count.to_be_bytes())[0]);
        text.push_str(&protocol::digest::sha256_hex(&self.count.to_be_bytes()));
        text.truncate(length);
        text
    }
}

pub(crate) struct World {
    pub connector: &'static dyn Connector,
    pub account: Account,
    pub imitation: Box<dyn Imitation>,
    pub clock: Clock,
    pub token: Option<Secret>,
    /// Notices that were sent and not looked at.
    pub notices: Vec<HttpRequest>,
    /// How the last answer travelled.
    pub delivery: Delivery,
    /// The last answers, the newest last.
    pub responses: Vec<HttpResponse>,
    external_ids: u64,
    ids: u128,
}

impl World {
    pub(crate) fn new(connector: &'static dyn Connector) -> Self {
        let mut world = Self {
            connector,
            account: account(),
            imitation: connector.imitation(setup()),
            clock: Clock { now: Instant::parse(NOW).unwrap(), count: 0 },
            token: None,
            notices: vec![],
            delivery: Delivery::Prompt,
            responses: vec![],
            external_ids: 0,
            ids: 0,
        };
        // Where accounts are opened by request, the customer who is opened on sight elsewhere has one opened.
        if connector.descriptor().capabilities.contains(&Capability::CreateAccount) {
            let outcome = world.run(&create_call(ON_SIGHT));
            assert!(matches!(outcome, Outcome::AccountOpened { .. }), "{outcome:?}");
        }
        world
    }

    pub(crate) fn id(&mut self) -> u128 {
        self.ids += 1;
        self.ids
    }

    /// A request as the imitation receives it.
    pub(crate) fn send(&mut self, request: &HttpRequest) -> HttpResponse {
        let received = HttpRequest { url: request.target().to_owned(), ..request.clone() };
        let reaction = self.imitation.handle(&received, &mut self.clock);
        self.notices.extend(reaction.notices);
        self.delivery = reaction.delivery;
        reaction.response
    }

    pub(crate) fn with_context<T>(&mut self, act: impl FnOnce(&dyn Connector, &CallContext<'_>) -> T) -> T {
        self.external_ids += 1;
        let external_id = format!("{:020}", self.external_ids);
        let context = CallContext {
            account: &self.account,
            now: self.clock.now,
            token: self.token.as_ref(),
            external_id: &external_id,
        };
        act(self.connector, &context)
    }

    fn fetch_token(&mut self) {
        self.token = None;
        if let Some(request) = self.with_context(|connector, context| connector.token_request(context)) {
            let response = self.send(&request);
            self.token = Some(self.connector.read_token(&response).unwrap().token);
        }
    }

    /// Carries a call to its outcome; an answer that is lost is left to the caller.
    pub(crate) fn run(&mut self, call: &ProviderCall) -> Outcome {
        if self.token.is_none() {
            self.fetch_token();
        }
        self.responses.clear();
        let mut step = self.with_context(|connector, context| connector.begin(call, context));
        loop {
            let request = match step {
                Step::Done(outcome) => return outcome,
                Step::Send(request) => request,
            };
            let mut response = self.send(&request);
            if self.connector.token_expired(&response) {
                self.fetch_token();
                // The same step once more with the new token: replayed from the first request.
                let before = self.responses.clone();
                let again = self.with_context(|connector, context| {
                    before.split_last().map_or_else(
                        || connector.begin(call, context),
                        |(last, earlier)| connector.proceed(call, earlier, last, context),
                    )
                });
                let Step::Send(request) = again else { panic!("the same step gives a request again") };
                response = self.send(&request);
            }
            self.check_evidence(call, &request, &response);
            if self.delivery == Delivery::Lost {
                return Outcome::Unknown("no answer".into());
            }
            let before = self.responses.clone();
            step = self.with_context(|connector, context| connector.proceed(call, &before, &response, context));
            self.responses.push(response);
        }
    }

    /// Nothing that is secret stands in what is kept of a request and its answer.
    fn check_evidence(&self, call: &ProviderCall, request: &HttpRequest, response: &HttpResponse) {
        let mut hiding = crate::evidence::Hiding::of(&self.account);
        hiding.also(call.secrets());
        hiding.also(&self.token);
        let kept = format!("{}\n{}", hiding.request(request), hiding.answer(response));
        let mut secrets = call.secrets();
        secrets.extend(&self.token);
        secrets.push(&self.account.client_secret);
        for secret in secrets.into_iter().map(Secret::expose).filter(|secret| secret.len() >= 6) {
            assert!(!kept.contains(secret), "{}: a secret is kept: {kept}", self.connector.descriptor().name);
        }
    }

    /// The customer at the wallet's pages, from this address to the return link; gives the query that comes back.
    pub(crate) fn browse(&mut self, url: &str, phone: &str) -> Vec<(String, String)> {
        self.browse_with(url, phone, SANDBOX_OTP, SANDBOX_PIN)
    }

    pub(crate) fn browse_with(&mut self, url: &str, phone: &str, otp: &str, pin: &str) -> Vec<(String, String)> {
        let mut request = HttpRequest { method: "GET", url: url.into(), headers: vec![], body: vec![] };
        for _ in 0..20 {
            let response = self.send(&request);
            if let Some(location) = response.header("Location") {
                if location.starts_with("https://gateway.example/") {
                    let back = HttpRequest { method: "GET", url: location.into(), headers: vec![], body: vec![] };
                    assert!(location.starts_with(RETURN_URL), "{location}");
                    return back.query();
                }
                request = HttpRequest { method: "GET", url: location.into(), headers: vec![], body: vec![] };
                continue;
            }
            let page = String::from_utf8(response.body.clone()).unwrap();
            assert_eq!(response.status, 200, "{page}");
            assert_page(&response, &page);
            request = match field(&page) {
                None => HttpRequest { method: "GET", url: link(&page), headers: vec![], body: vec![] },
                Some(name) => {
                    let value = match name {
                        "phone" => phone,
                        "otp" => otp,
                        _ => pin,
                    };
                    let body = format!("action=continue&{name}={value}").into_bytes();
                    HttpRequest { method: "POST", url: action(&page), headers: vec![], body }
                }
            };
        }
        panic!("the pages lead nowhere")
    }

    /// Everything up to a usable link.
    pub(crate) fn link(&mut self, phone: &str) -> Result<(LinkId, ProviderLink), Reason> {
        let (link, phone_known) = (LinkId::from_bits(self.id()), Some(phone.to_owned()));
        let mut auth_code = None;
        if self.connector.descriptor().products[0].binding == BindingFlow::AuthCode {
            auth_code = Some(self.authorise(phone)?);
        }
        let (return_url, lang) = (RETURN_URL.to_owned(), "en".to_owned());
        match self.run(&ProviderCall::Bind { link, phone: phone_known.clone(), auth_code, return_url, lang }) {
            Outcome::Linked(provider) => Ok((link, provider)),
            Outcome::Refused(reason) => Err(reason),
            Outcome::CustomerNeeded { url, provider, .. } => {
                let query = self.browse(&url, phone);
                let returned_code = self.connector.returned(&query).result?;
                match self.run(&ProviderCall::InquireBinding { link, phone: phone_known, provider, returned_code }) {
                    Outcome::Linked(provider) => Ok((link, provider)),
                    Outcome::Refused(reason) => Err(reason),
                    other => panic!("{}: the binding is {other:?}", self.name()),
                }
            }
            other => panic!("{}: the binding is {other:?}", self.name()),
        }
    }

    /// The customer authorises; gives the wallet's code.
    pub(crate) fn authorise(&mut self, phone: &str) -> Result<Secret, Reason> {
        let call = ProviderCall::StartAuthorisation {
            auth_code: AuthCodeId::from_bits(self.id()),
            state: STATE.into(),
            return_url: RETURN_URL.into(),
            lang: "id".into(),
            phone: Some(phone.into()),
        };
        let url = match self.run(&call) {
            Outcome::AuthoriseAt { url } => url,
            Outcome::Refused(reason) => return Err(reason),
            other => panic!("{}: the authorisation is {other:?}", self.name()),
        };
        let query = self.browse(&url, phone);
        assert!(query.contains(&("state".into(), STATE.into())), "{query:?}");
        let Returned { result } = self.connector.returned(&query);
        Ok(result?.expect("this wallet's page sends a code"))
    }

    /// A charge of this amount.
    pub(crate) fn charge_call(&mut self, provider: Option<ProviderLink>, phone: &str, amount: Amount) -> Charge {
        let payment = PaymentId::from_bits(self.id());
        Charge {
            payment,
            reference: payment.to_string(),
            amount,
            provider,
            phone: Some(phone.into()),
            return_url: RETURN_URL.into(),
            notify_url: "https://gateway.example/notices/wallet".into(),
            valid_until: self.clock.now.plus_seconds(900),
            description: "Two <b>coffees</b>".into(),
        }
    }

    pub(crate) fn inquire(&mut self, charge: &Charge) -> Outcome {
        let charged_at = self.clock.now;
        self.run(&ProviderCall::InquireCharge {
            reference: charge.reference.clone(),
            provider_reference: None,
            amount: charge.amount,
            charged_at,
        })
    }

    /// The order to give this much of a charge back, or to call the charge off.
    pub(crate) fn refund_order(&mut self, charge: &Charge, kind: RefundKind, amount: Amount) -> RefundOrder {
        let refund = RefundId::from_bits(self.id());
        let books = self.imitation.books();
        let known = books.charges.iter().find(|known| known.reference == charge.reference);
        RefundOrder {
            refund,
            reference: refund.to_string(),
            kind,
            charge_reference: charge.reference.clone(),
            charge_provider_reference: known.map(|known| known.provider_reference.clone()),
            charged_at: self.clock.now,
            charged: charge.amount,
            amount,
            reason: Some("Two coffees too many".into()),
            provider: charge.provider.clone(),
        }
    }

    /// What became of a refund.
    pub(crate) fn inquire_refund(&mut self, order: &RefundOrder) -> Outcome {
        self.run(&ProviderCall::InquireRefund { order: order.clone(), sent_at: self.clock.now })
    }

    /// A charge with everything that the customer must do for it.
    pub(crate) fn pay(&mut self, charge: &Charge, phone: &str) -> Outcome {
        match self.run(&ProviderCall::Charge(charge.clone())) {
            Outcome::CustomerNeeded { url, .. } => {
                self.browse(&url, phone);
                self.inquire(charge)
            }
            other => other,
        }
    }

    /// Reads the notices that were sent since the last look.
    pub(crate) fn read_notices(&mut self) -> Vec<Result<Notice, NoticeRefused>> {
        let notices = std::mem::take(&mut self.notices);
        notices.iter().map(|notice| self.with_context(|connector, context| connector.notice(notice, context))).collect()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.connector.descriptor().name
    }

    /// One call of everything that the connector can be asked.
    pub(crate) fn calls(&mut self) -> Vec<ProviderCall> {
        if self.connector.descriptor().capabilities.contains(&Capability::PayBill) {
            return super::billers::every_call(self);
        }
        let (link, provider) = self.link(ON_SIGHT).unwrap();
        self.every_call(link, &provider, ON_SIGHT)
    }

    /// The refund of a part of a charge that was paid, and the cancellation of one that waits for its customer or, where
    /// none waits, was paid.
    fn orders_to_give_back(&mut self, provider: &ProviderLink, phone: &str) -> (RefundOrder, RefundOrder) {
        let paid = self.charge_call(Some(provider.clone()), phone, Amount::rupiah(30_000));
        self.pay(&paid, phone);
        let open = self.charge_call(Some(provider.clone()), phone, Amount::rupiah(2_500_000));
        self.run(&ProviderCall::Charge(open.clone()));
        let refund = self.refund_order(&paid, RefundKind::Refund, Amount::rupiah(10_000));
        (refund, self.refund_order(&open, RefundKind::Cancel, open.amount))
    }

    /// One call of every kind, against this link.
    pub(crate) fn every_call(&mut self, link: LinkId, provider: &ProviderLink, phone: &str) -> Vec<ProviderCall> {
        let known = || Some(phone.to_owned());
        let (return_url, lang) = (RETURN_URL.to_owned(), "id".to_owned());
        let charge = self.charge_call(Some(provider.clone()), phone, Amount::rupiah(25_000));
        let (refund, cancel) = self.orders_to_give_back(provider, phone);
        vec![
            ProviderCall::StartAuthorisation {
                auth_code: AuthCodeId::from_bits(7),
                state: STATE.into(),
                return_url: return_url.clone(),
                lang: lang.clone(),
                phone: known(),
            },
            ProviderCall::Bind {
                link: LinkId::from_bits(8),
                phone: known(),
                auth_code: Some(Secret::new("no-such-code")),
                return_url,
                lang,
            },
            ProviderCall::InquireBinding { link, phone: known(), provider: provider.clone(), returned_code: None },
            ProviderCall::InquireAccount { phone: known(), provider: Some(provider.clone()) },
            ProviderCall::ReadBalance { provider: provider.clone(), phone: known() },
            ProviderCall::InquireCharge {
                reference: charge.reference.clone(),
                provider_reference: None,
                amount: charge.amount,
                charged_at: self.clock.now,
            },
            ProviderCall::Charge(charge),
            ProviderCall::Refund(refund.clone()),
            ProviderCall::InquireRefund { order: refund, sent_at: self.clock.now },
            ProviderCall::Refund(cancel),
            ProviderCall::Unbind { link, provider: provider.clone(), phone: known() },
            create_call("6281234599999"),
        ]
    }
}

/// What every page keeps to.
fn assert_page(response: &HttpResponse, page: &str) {
    let policy = response.header("Content-Security-Policy").expect("a policy");
    for part in ["default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(response.header("Referrer-Policy"), Some("no-referrer"));
    assert!(page.starts_with("<!doctype html>\n<html lang=\"") && page.contains("name=\"viewport\""));
    assert!(!page.contains("<script") && !page.contains("style=") && !page.contains("<b>coffees"), "{page}");
    assert!(!page.contains(SANDBOX_OTP) || page.contains("class=\"hint\""), "{page}");
    if let Some(name) = field(page) {
        assert!(page.contains(&format!("<label for=\"{name}\">")), "{page}");
    }
}

fn field(page: &str) -> Option<&str> {
    let rest = page.split_once("<input id=\"")?.1;
    Some(rest.split_once('"')?.0)
}

fn action(page: &str) -> String {
    page.split_once("action=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

fn link(page: &str) -> String {
    page.split_once("class=\"button\" href=\"").expect("a way back").1.split_once('"').unwrap().0.to_owned()
}
