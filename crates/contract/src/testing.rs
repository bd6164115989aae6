//! What the tests of this crate share: a registered merchant and the context of a call.

use std::sync::{Arc, LazyLock};

use calendar::{Instant, JakartaDay};
use catalogue::Catalogue;
use lifecycle::{
    Answer, AuthCodeId, BillId, Command, Digest, LinkId, Merchant, MerchantCode, PaymentId, ProductCode, Reason,
    RefundId, RequestId, Secret,
    bill::{Bill, BillStatus},
    biller::Quote,
    linkage::Tokens,
    merchant::{BillerAccess, BindingFlow, Callbacks, LateSuccess, Mechanism, Strictness},
    payment::{Payment, PaymentStatus},
    provider::{AccountInfo, AccountStatus, BalanceKind, BalanceLine, BillDue, BillReceipt},
    refund::{Refund, RefundKind, RefundStatus},
    request::RequestKey,
};
use money::Amount;
use serde_json::Value;

use crate::{
    document::Document,
    operation::{self, Call, Fault, Operation, ProductFacts, ReadContext, Reading, WriteContext},
};

/// The product of the samples whose binding redeems an auth code.
pub fn code_product() -> &'static str {
    product_lines()
        .find(|(_, flow)| *flow == BindingFlow::AuthCode)
        .map(|(code, _)| code)
        .expect("samples/products.txt names one")
}

fn product_lines() -> impl Iterator<Item = (&'static str, BindingFlow)> {
    include_str!("../samples/products.txt").lines().map(|line| match line.split_once(' ').expect("a code and a flow") {
        (code, "code") => (code, BindingFlow::AuthCode),
        (code, _) => (code, BindingFlow::Page),
    })
}

/// The product of the samples whose binding leads to the wallet's page.
pub fn page_product() -> &'static str {
    product_lines()
        .find(|(_, flow)| *flow == BindingFlow::Page)
        .map(|(code, _)| code)
        .expect("samples/products.txt names one")
}

/// Every product of the samples, and one that opens no accounts and that the merchant does not have.
pub fn products() -> Vec<ProductFacts> {
    product_lines()
        .map(|(code, binding)| ProductFacts {
            code: code.into(),
            name: format!("Product {code}"),
            bank_code: "008".into(),
            binding,
            opens_accounts: binding == BindingFlow::Page,
            refunds: true,
            cancels: binding == BindingFlow::AuthCode,
        })
        .chain([ProductFacts {
            code: "ELSEWHERE".into(),
            name: "Sold to others".into(),
            bank_code: "009".into(),
            binding: BindingFlow::Page,
            opens_accounts: true,
            refunds: false,
            cancels: false,
        }])
        .collect()
}

/// The merchant of the samples, lenient.
pub fn merchant() -> Merchant {
    Merchant {
        code: MerchantCode::new("SGWYESSISHOP"),
        alias: Some("703061953400".into()),
        name: "Yes Si Shop".into(),
        api_key: "0123456789abcdef0123456789abcdef".into(),
        products: product_lines().map(|(code, _)| ProductCode::new(code)).collect(),
        public_keys: vec![],
        redirect_origins: vec!["https://www.yourdomain.com".into()],
        allow_local_redirects: false,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        biller: Some(biller_access(Mechanism::Deposit { low_balance: None })),
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

/// What lets the merchant of the samples use the biller services: every product but one.
pub fn biller_access(mechanism: Mechanism) -> BillerAccess {
    let denied = "SLYPDP";
    let products = builtin().products().map(|product| product.code.clone());
    BillerAccess {
        sender_id: "SANDBOX".into(),
        username: "espay-test".into(),
        basic_password: Secret::new("test"),
        password: Secret::new("test"),
        keys: vec![Secret::new("key")],
        mechanism,
        products: Some(products.filter(|code| code.as_str() != denied).collect()),
        prices: vec![],
    }
}

/// The same merchant, to the letter.
pub fn strict_merchant() -> Merchant {
    Merchant { strictness: Strictness::Strict, ..merchant() }
}

/// The time of every test: that of the samples.
pub fn now() -> Instant {
    Instant::parse("2024-03-14T07:49:28+07:00").expect("a time")
}

/// The facts of a call.
pub fn call() -> Call {
    Call {
        id: RequestId::from_bits(1),
        key: RequestKey {
            merchant: MerchantCode::new("SGWYESSISHOP"),
            day: JakartaDay::from_number(20_240_314),
            external_id: "d3be5aec-155b-4b46-bfee-3fd55363d0f4".into(),
        },
        digest: Digest([7; 32]),
        received_at: now(),
    }
}

/// The products that come with the program.
pub fn builtin() -> &'static Catalogue {
    static BUILTIN: LazyLock<Arc<Catalogue>> = LazyLock::new(Catalogue::builtin);
    &BUILTIN
}

/// A digest that can be told apart in a test: the text's first bytes.
pub fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    Digest(bytes)
}

/// A payment of the merchant in this state.
pub fn payment(status: PaymentStatus) -> Payment {
    Payment {
        id: PaymentId::from_bits(7),
        merchant: MerchantCode::new("SGWYESSISHOP"),
        partner_reference: "INV1".into(),
        request: call().key,
        amount: Amount::rupiah(150_000),
        product: Some(ProductCode::new("WALLET")),
        link: None,
        phone: Some("628777123456".into()),
        return_url: None,
        page: digest("pagetoken"),
        page_token: Secret::new("pagetoken"),
        created_at: now(),
        valid_until: now().plus_seconds(1800),
        asker: None,
        provider: None,
        refunding: Amount::ZERO,
        refunded: Amount::ZERO,
        status,
    }
}

/// A refund or cancellation of that payment in this state.
pub fn refund(kind: RefundKind, status: RefundStatus) -> Refund {
    let (partner_reference, amount) = match kind {
        RefundKind::Refund => ("REF1", Amount::rupiah(50_000)),
        RefundKind::Cancel => ("INV1", Amount::rupiah(150_000)),
    };
    Refund {
        id: RefundId::from_bits(8),
        merchant: MerchantCode::new("SGWYESSISHOP"),
        payment: PaymentId::from_bits(7),
        partner_reference: partner_reference.into(),
        kind,
        amount,
        reason: Some("Returned goods".into()),
        request: Some(call().key),
        created_at: now(),
        asker: None,
        status,
    }
}

/// The answer to it.
pub fn refunded(kind: RefundKind, status: RefundStatus) -> Answer {
    let paid = payment(PaymentStatus::Succeeded { provider_reference: "P1".into(), at: now() });
    Answer::Refund { refund: Box::new(refund(kind, status)), payment: Box::new(paid) }
}

/// The answer to a question about a payment.
pub fn status(payment: Payment, refunds: Vec<Refund>) -> Answer {
    Answer::PaymentStatus { payment: Box::new(payment), refunds, suspect: false }
}

/// A bill of the merchant as its inquiry left it, or would have: of this product and customer, with what the biller
/// said is due.
pub fn bill(product: &str, order_id: &str, due: Option<BillDue>, bill_amount: Amount) -> Bill {
    let product = builtin().product(product).expect("a product of the catalogue");
    let quote = product.price.quote(bill_amount).expect("it fits");
    let without = |quote: Quote| quote.bill_amount.checked_sub(quote.admin_fee).expect("the fee is in the bill");
    let quote = match product.admin_included {
        true => Quote { bill_amount, ..product.price.quote_with(without(quote), quote.admin_fee).expect("it fits") },
        false => quote,
    };
    Bill {
        id: BillId::from_bits(0x018E_3BC4_7C74_0000_0000_0000_000A_7F88),
        merchant: MerchantCode::new("SGWYESSISHOP"),
        product: product.code.clone(),
        category: product.category,
        order_id: order_id.into(),
        additional: vec![],
        request: call().key,
        pricing: product.pricing,
        price: product.price,
        admin_included: product.admin_included,
        chosen: None,
        quote: Some(quote),
        due,
        sources: product.sources.clone(),
        source: 0,
        attempt: 0,
        inquired: true,
        payer: None,
        hold: None,
        orders: vec![],
        asker: None,
        recent: vec![],
        created_at: now(),
        status: BillStatus::Inquired { expires_at: now().plus_seconds(900) },
    }
}

/// What a biller says is due.
pub fn due(bill_amount: Amount, customer_name: &str, fields: &[(&str, &str)]) -> BillDue {
    BillDue {
        bill_amount,
        admin_fee: None,
        cost: None,
        bills: 1,
        customer_name: Some(customer_name.into()),
        fields: fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        provider_reference: Some("REF1".into()),
    }
}

/// A bill that was paid.
pub fn paid(bill: Bill, token: Option<&str>, fields: &[(&str, &str)]) -> Bill {
    let receipt = BillReceipt {
        provider_reference: "PAID1".into(),
        bill_amount: None,
        cost: None,
        token: token.map(Secret::new),
        fields: fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    };
    Bill { status: BillStatus::Succeeded { receipt, at: now() }, ..bill }
}

/// The electricity token of the documents' sample, inquired.
pub fn token_bill() -> Bill {
    let fields = [
        ("meter_serial", "32012345678"),
        ("class", "R1  /000001300"),
        ("token_unsold1", "0"),
        ("token_unsold2", "0"),
        ("reff_no", "0SGW1234"),
    ];
    bill("SLYLPR200", "520520795556", Some(due(Amount::rupiah(200_000), "RAISA", &fields)), Amount::rupiah(200_000))
}

/// The same, paid and delivered.
pub fn delivered_token() -> Bill {
    paid(token_bill(), Some("12345678901234567890"), &[("kwh", "131.5")])
}

/// Reads a request as the server does, from any source of fields.
pub fn read_document(
    operation: &dyn Operation,
    merchant: &Merchant,
    document: &Document<'_>,
) -> Result<Reading, Fault> {
    let (call, products) = (call(), products());
    operation::read(operation, document, &context(merchant, &call, &products))
}

/// Reads JSON text as this merchant's request; `{CODE}` and `{PAGE}` stand for the two kinds of product.
pub fn read_as(operation: &dyn Operation, merchant: &Merchant, body: &str) -> Result<Reading, Fault> {
    let body = body.replace("{CODE}", code_product()).replace("{PAGE}", page_product());
    read_document(operation, merchant, &Document::parse(body.as_bytes())?)
}

/// The command that the lenient merchant's request becomes.
#[track_caller]
pub fn command(operation: &dyn Operation, body: &str) -> Command {
    match read_as(operation, &merchant(), body) {
        Ok(Reading::Command(command)) => *command,
        other => panic!("{other:?} of {body}"),
    }
}

/// The lenient merchant's fault, like `400/02 amount.value`; empty when there is none.
pub fn fault(operation: &dyn Operation, body: &str) -> String {
    fault_as(operation, &merchant(), body)
}

/// As [`fault`], for this merchant.
pub fn fault_as(operation: &dyn Operation, merchant: &Merchant, body: &str) -> String {
    match read_as(operation, merchant, body) {
        Ok(_) => String::new(),
        Err(fault) => {
            format!("{}/{} {}", fault.case.http, fault.case.case, fault.argument.unwrap_or_default())
        }
    }
}

/// The reply to an answer: HTTP status, a blank, the body.
pub fn reply(operation: &dyn Operation, answer: &Answer) -> String {
    let mut merchant = merchant();
    if let Some(access) = &mut merchant.biller {
        access.products = Some(["SLYLPR200", "SLYPLJ", "SVH"].map(ProductCode::new).to_vec());
    }
    let context = WriteContext {
        base_url: "https://gateway.example",
        merchant: &merchant,
        catalogue: builtin(),
        external_id: "SANDBOX1",
        now: now(),
    };
    let reply = operation.write(answer, &context);
    format!("{} {}", reply.status, String::from_utf8(reply.body).expect("JSON is UTF-8"))
}

/// A sample with members changed, added or taken away, by dotted path. Values stand between quotation marks as they
/// are, escapes included.
pub fn changed(sample: &str, changes: &[(&str, Option<&str>)]) -> String {
    let mut value: Value = serde_json::from_str(sample).expect("a sample is JSON");
    for (path, new) in changes {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let pointer = if parent.is_empty() { String::new() } else { format!("/{}", parent.replace('.', "/")) };
        if value.pointer(&pointer).is_none() {
            value[parent] = Value::Object(serde_json::Map::new());
        }
        let object = value.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("the parent is there");
        match new {
            None => object.remove(name),
            Some(text) => {
                let text = serde_json::from_str(&format!("\"{text}\"")).expect("a JSON string");
                object.insert((*name).into(), Value::String(text))
            }
        };
    }
    value.to_string()
}

/// The context of a call of this merchant.
pub fn context<'a>(merchant: &'a Merchant, call: &'a Call, products: &'a [ProductFacts]) -> ReadContext<'a> {
    ReadContext { merchant, now: now(), call, products, catalogue: builtin(), digest }
}

/// One answer for every operation that has answers, with every optional member that it can have.
pub fn answers() -> Vec<(&'static str, Answer)> {
    let link = LinkId::from_bits(7);
    let reference = || "R1".to_owned();
    let paid = || payment(PaymentStatus::Succeeded { provider_reference: "P1".into(), at: now() });
    let failed = || payment(PaymentStatus::Failed { reason: Reason::InsufficientFunds, at: now() });
    let partly_refunded = || Payment { refunded: Amount::rupiah(50_000), ..paid() };
    let given_back = || RefundStatus::Succeeded { provider_reference: "R1".into(), at: now() };
    let line = |kind| BalanceLine { kind, amount: Amount::rupiah(5) };
    let tokens = Tokens { account: Secret::new("ESP1"), card: Secret::new("card"), customer: Secret::new("customer") };
    let page = || Secret::new("pagetoken");
    let pending = Answer::BindingPending {
        link,
        partner_reference: reference(),
        account_token: Secret::new("ESP1"),
        redirect_url: "https://wallet.example/otp".into(),
    };
    let issued = Answer::AuthCodeIssued {
        auth_code: AuthCodeId::from_bits(1),
        code: Secret::new("code"),
        state: "state".into(),
        page: page(),
    };
    let account = AccountInfo { status: AccountStatus::Active, level: '2', message: "verified".into() };
    let creation = Answer::CreationPending {
        phone: "628777123456".into(),
        reference: "56d3b9d2-604f-47a9-89aa-03c11cfdb19e".into(),
        page: page(),
    };
    let lines = vec![line(BalanceKind::Cash), line(BalanceKind::Point)];
    vec![
        ("get_auth_code", issued),
        ("account_binding", Answer::Linked { link, partner_reference: reference(), tokens }),
        ("account_binding", pending),
        ("account_inquiry", Answer::Account(account)),
        ("account_creation", creation),
        ("balance_inquiry", Answer::Balance { partner_reference: reference(), lines }),
        ("account_unbinding", Answer::Unlinked { link, partner_reference: reference() }),
        ("payment_host_to_host", Answer::Payment { payment: Box::new(paid()), page: page() }),
        ("inquiry_status", status(paid(), vec![])),
        ("inquiry_status", status(partly_refunded(), vec![])),
        ("debit_status", status(paid(), vec![])),
        ("debit_status", status(failed(), vec![])),
        ("debit_status", status(partly_refunded(), vec![refund(RefundKind::Refund, given_back())])),
        ("refund", refunded(RefundKind::Refund, given_back())),
        ("cancel", refunded(RefundKind::Cancel, given_back())),
        ("biller_products", Answer::BillerProducts),
        ("bill_inquiry", Answer::BillInquired(Box::new(token_bill()))),
        ("bill_payment", Answer::BillPayment(Box::new(delivered_token()))),
        ("bill_status", Answer::BillStatus(Box::new(delivered_token()))),
        ("biller_balance", Answer::BillerBalance { available: Amount::rupiah(950_000), held: Amount::rupiah(50_000) }),
    ]
}
