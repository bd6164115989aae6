//! A merchant that sells bills: its products, its calls, what sources say, and what must hold after every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::support::Gateway;
use ledger::{Account, AccountName, Class, JournalKind, verify::Verifier};
use lifecycle::{
    Answer, BillId, Command, Key, ProductCode, Reason, Refusal, Row, Secret,
    bill::{AskStatus, Asked, Bill, BillStatus, Fate, Inquire, Pay},
    biller::{BillerProduct, Category, OrderRule, Price, Pricing, Source},
    command::World,
    deposit::TopUpStep,
    merchant::{BillerAccess, Mechanism},
    provider::{BillDue, BillReceipt, Outcome},
    request::RequestKey,
    task::{Task, TaskKind},
};
use money::Amount;

pub const SOURCES: [&str; 2] = ["first", "second"];
pub const METER: &str = "520520795556";

pub fn rupiah(rupiah: u32) -> Amount {
    Amount::rupiah(rupiah)
}

/// An electricity token of Rp 50,000 with an admin fee of Rp 2,500, a fee of Rp 300 and a margin of Rp 1,000, inquired
/// first, which two sources sell.
pub fn token_product() -> BillerProduct {
    BillerProduct {
        code: ProductCode::new("TOKEN50"),
        name: "Token 50.000".into(),
        category: Category::PlnPrepaid,
        operator: "Utility".into(),
        order: OrderRule {
            name: "Meter number".into(),
            length_min: 11,
            length_max: 12,
            prefixes: vec![],
            letters: false,
        },
        needs_inquiry: true,
        pricing: Pricing::Denomination { face: rupiah(50_000), bill_amount: rupiah(50_000) },
        additional: vec![],
        data_fields: vec![],
        receipt_fields: vec![],
        price: Price { admin_fee_sen: 250_000, admin_fee_bp: 0, fee_sen: 30_000, margin_sen: 100_000 },
        admin_included: false,
        cut_off: None,
        sources: SOURCES.map(|connector| Source { connector: connector.into(), sku: "sku".into() }).to_vec(),
        own_code: true,
        sample_order: METER.into(),
    }
}

/// The same without an inquiry, and without a token to deliver.
pub fn credit_product() -> BillerProduct {
    BillerProduct {
        code: ProductCode::new("CREDIT50"),
        category: Category::MobilePrepaid,
        needs_inquiry: false,
        ..token_product()
    }
}

/// What the payer pays for either: amount, fee, less margin, in sen.
pub const CHARGE: i64 = 5_250_000 + 30_000 - 100_000;
/// What is reserved for either, in sen.
pub const RESERVED: i64 = 5_250_000 + 30_000;

pub fn deposit() -> Mechanism {
    Mechanism::Deposit { low_balance: Some(rupiah(100_000)) }
}

pub fn invoicing(credit_limit: u32) -> Mechanism {
    Mechanism::Invoicing { credit_limit: rupiah(credit_limit), payment_days: 14 }
}

pub fn selling(mechanism: Mechanism) -> Gateway {
    let mut gateway = Gateway::default();
    gateway.merchant.biller = Some(BillerAccess {
        sender_id: "TOKO".into(),
        username: "toko".into(),
        basic_password: Secret::new("basic"),
        password: Secret::new("form"),
        keys: vec![Secret::new("key")],
        mechanism,
        products: None,
        prices: vec![],
    });
    gateway
}

/// A merchant with this deposit, in rupiah.
pub fn with_deposit(rupiah: u32) -> Gateway {
    let mut gateway = selling(deposit());
    top_up(&mut gateway, "opening", rupiah);
    gateway
}

pub fn top_up(gateway: &mut Gateway, reference: &str, amount: u32) {
    let merchant = gateway.merchant.code.clone();
    let step = TopUpStep { merchant, reference: reference.into(), amount: rupiah(amount) };
    gateway.run(Command::RequestTopUp(step.clone())).unwrap();
    gateway.run(Command::ConfirmTopUp(step)).unwrap();
}

pub fn payer(gateway: &Gateway) -> AccountName {
    gateway.merchant.biller.as_ref().unwrap().mechanism.payer(&gateway.merchant.code)
}

pub fn account(gateway: &Gateway, name: &AccountName) -> Account {
    match gateway.rows.get(&Key::Account(name.clone())) {
        Some(Row::Account(account)) => (**account).clone(),
        _ => Account::new(name.clone()),
    }
}

pub fn of_class(gateway: &Gateway, class: Class) -> Account {
    account(gateway, &AccountName::of(class, gateway.merchant.code.as_str()))
}

pub fn float(gateway: &Gateway, connector: &str) -> i64 {
    account(gateway, &AccountName::float(gateway.merchant.code.as_str(), connector)).balance
}

/// What can be spent, in sen.
pub fn available(gateway: &Gateway) -> i64 {
    let access = gateway.merchant.biller.as_ref().unwrap();
    access.mechanism.limit().available(&account(gateway, &payer(gateway)))
}

pub fn all(gateway: &Gateway) -> Vec<Bill> {
    let bill = |row: &Row| match row {
        Row::Bill(bill) => (**bill).clone(),
        other => panic!("no bill: {other:?}"),
    };
    gateway.bills().map(bill).collect()
}

/// The newest bill.
pub fn the_bill(gateway: &Gateway) -> Bill {
    all(gateway).into_iter().max_by_key(|bill| bill.id).expect("there is a bill")
}

pub fn state(gateway: &Gateway) -> &'static str {
    the_bill(gateway).status.name()
}

pub fn inquire(gateway: &mut Gateway, product: BillerProduct, chosen: Option<Amount>) -> Result<(), Refusal> {
    let request = call(gateway, "BI");
    gateway.run(Command::InquireBill(Inquire {
        request,
        product: Arc::new(product),
        order_id: METER.into(),
        additional: vec![],
        chosen,
        closed: None,
    }))
}

fn call(gateway: &mut Gateway, service: &'static str) -> lifecycle::request::Request {
    let mut request = gateway.call(service, "");
    request.key = RequestKey::for_ever(gateway.merchant.code.clone(), request.key.external_id);
    request.partner_reference = None;
    request
}

/// Inquired, and the first source said that this is due.
pub fn inquired(gateway: &mut Gateway, product: BillerProduct, due: u32) {
    inquire(gateway, product, None).unwrap();
    let task = live(gateway, |kind| matches!(kind, TaskKind::InquireBill(_)));
    end(gateway, task, due_of(due));
    assert_eq!(state(gateway), "inquired");
}

pub fn payment(gateway: &mut Gateway, product: BillerProduct, order_id: &str, amount: Amount) -> Pay {
    Pay {
        request: call(gateway, "BP"),
        product: Arc::new(product),
        order_id: order_id.into(),
        additional: vec![],
        amount,
        face: None,
        payer: payer(gateway),
        closed: None,
    }
}

pub fn pay(gateway: &mut Gateway, product: BillerProduct, amount: Amount) -> Result<(), Refusal> {
    let pay = payment(gateway, product, METER, amount);
    gateway.run(Command::PayBill(pay))
}

/// Sent to the first source, and the task that sends it.
pub fn sent(gateway: &mut Gateway) -> Task {
    inquired(gateway, token_product(), 50_000);
    pay(gateway, token_product(), rupiah(52_500)).unwrap();
    pay_task(gateway)
}

/// The task that sends the newest order.
pub fn pay_task(gateway: &mut Gateway) -> Task {
    let asker = the_bill(gateway).asker;
    gateway.take(|task| Some(task.id) == asker && matches!(task.kind, TaskKind::PayBill(_))).expect("it is being sent")
}

/// The next question about the newest bill.
pub fn question(gateway: &mut Gateway) -> Task {
    live(gateway, |kind| matches!(kind, TaskKind::InquireBillPayment { .. }))
}

pub fn live(gateway: &mut Gateway, wanted: impl Fn(&TaskKind) -> bool) -> Task {
    gateway.take(|task| wanted(&task.kind)).expect("there is such a task")
}

pub fn end(gateway: &mut Gateway, task: Task, outcome: Outcome) {
    gateway.run(Command::TaskEnded { task, outcome, link: None }).unwrap();
}

pub fn ask_status(gateway: &mut Gateway, asked: Asked) -> Result<Bill, Refusal> {
    let request = call(gateway, "BS");
    gateway.run(Command::AskBillStatus(AskStatus { request, asked }))?;
    match gateway.last_answer() {
        Answer::BillStatus(bill) => Ok((**bill).clone()),
        other => panic!("no status: {other:?}"),
    }
}

/// A source says something by itself about the order under this reference.
pub fn notice(gateway: &mut Gateway, bill: BillId, attempt: u8, outcome: Outcome) -> Result<(), Refusal> {
    let bill = all(gateway).into_iter().find(|known| known.id == bill).expect("there is such a bill");
    let task = bill.task_about(attempt, &gateway.merchant).ok_or(Refusal::BillNotFound)?;
    gateway.run(Command::BillNoticed { task: Box::new(task), outcome })
}

pub fn due_of(amount: u32) -> Outcome {
    Outcome::BillDue(Box::new(BillDue {
        bill_amount: rupiah(amount),
        admin_fee: None,
        cost: Some(rupiah(49_000)),
        bills: 1,
        customer_name: Some("RAISA".into()),
        fields: vec![],
        provider_reference: None,
    }))
}

pub fn receipt() -> BillReceipt {
    BillReceipt {
        provider_reference: "P1".into(),
        bill_amount: Some(rupiah(50_000)),
        cost: Some(rupiah(49_500)),
        token: Some(Secret::new("12345678901234567890")),
        fields: vec![],
    }
}

pub fn paid() -> Outcome {
    Outcome::BillPaid(Box::new(receipt()))
}

pub fn refused(reason: Reason) -> Outcome {
    Outcome::Refused(reason)
}

pub fn with(change: impl FnOnce(&mut BillReceipt)) -> Outcome {
    let mut receipt = receipt();
    change(&mut receipt);
    Outcome::BillPaid(Box::new(receipt))
}

pub fn without_token() -> Outcome {
    with(|receipt| receipt.token = None)
}

pub fn of_another_amount() -> Outcome {
    with(|receipt| receipt.bill_amount = Some(rupiah(20_000)))
}

pub fn unknown() -> Outcome {
    Outcome::Unknown("no answer".into())
}

/// What must hold after every step of every history.
pub fn check_books(gateway: &Gateway) {
    chains_verify(gateway);
    let bills = all(gateway);
    holds_have_owners(gateway, &bills);
    for bill in &bills {
        charged_once(gateway, bill);
        asked_by_one(gateway, bill);
        answered_once(gateway, bill);
    }
    if let Mechanism::Deposit { .. } = gateway.merchant.biller.as_ref().unwrap().mechanism {
        assert!(available(gateway) >= 0, "the deposit is overdrawn");
    }
}

fn chains_verify(gateway: &Gateway) {
    let mut verifier = Verifier::default();
    let mut seen = 0;
    for (key, row) in &gateway.rows {
        let (Key::Account(name), Row::Account(kept)) = (key, row) else { continue };
        let mut walk = verifier.account(name.clone());
        for entry in gateway.entries.iter().filter(|entry| entry.account == *name) {
            walk.entry(entry).unwrap();
            seen += 1;
        }
        walk.finish(kept).unwrap();
    }
    verifier.finish().unwrap();
    assert_eq!(seen, gateway.entries.len(), "every entry belongs to an account");
}

fn holds_have_owners(gateway: &Gateway, bills: &[Bill]) {
    let mut held: BTreeMap<AccountName, i64> = BTreeMap::new();
    for bill in bills {
        assert_eq!(bill.hold.is_some(), bill.status.is_open(), "{:?}", bill.status);
        if let Some(hold) = &bill.hold {
            *held.entry(hold.account.clone()).or_default() += hold.amount.sen();
        }
    }
    for (key, row) in &gateway.rows {
        if let (Key::Account(name), Row::Account(account)) = (key, row) {
            assert_eq!(account.held, held.get(name).copied().unwrap_or(0), "held of {name}");
        }
    }
}

/// What the bill left in accounts of a class, in sen on the class's normal side.
fn left(gateway: &Gateway, bill: &Bill, class: Class) -> i64 {
    let own = |entry: &&ledger::Entry| entry.subject == bill.id.bits() && entry.account.class() == class;
    gateway.entries.iter().filter(own).map(|entry| entry.change).sum()
}

fn charged_once(gateway: &Gateway, bill: &Bill) {
    let journals = |kind| {
        let of_bill = gateway.entries.iter().filter(|e| e.subject == bill.id.bits() && e.kind == kind);
        of_bill.map(|entry| entry.journal).collect::<BTreeSet<_>>().len()
    };
    assert!(journals(JournalKind::BillPaid) <= 1, "{bill:?}");
    assert!(journals(JournalKind::Reservation) <= 1, "{bill:?}");
    let references: BTreeSet<u8> = bill.orders.iter().map(|order| order.attempt).collect();
    assert_eq!(references.len(), bill.orders.len(), "no reference names two orders");
    let Some(quote) = bill.quote else { return };
    let net = quote.amount.sen() + quote.fee.sen() - quote.margin.sen();
    assert!(net <= quote.reserved().unwrap().sen(), "charged more than was reserved");
    let charged = left(gateway, bill, Class::MerchantReceivable) - left(gateway, bill, Class::MerchantDeposit);
    let due = match &bill.status {
        BillStatus::Succeeded { .. } => net,
        BillStatus::SucceededLate { charged, .. } if charged.class() != Class::Clearing => net,
        _ => 0,
    };
    assert_eq!(charged, due, "{:?} is charged {charged} sen", bill.status);
    let beside = |fate: &Fate| match fate {
        Fate::PaidBeside { cost, .. } => cost.sen(),
        _ => 0,
    };
    let beside: i64 = bill.orders.iter().map(|order| beside(&order.fate)).sum();
    let late = match &bill.status {
        BillStatus::SucceededLate { charged, .. } if charged.class() == Class::Clearing => net,
        _ => 0,
    };
    assert_eq!(left(gateway, bill, Class::Clearing), beside + late, "clearing of {:?}", bill.orders);
    let paid = bill.orders.iter().filter(|order| order.fate == Fate::Paid).count();
    let counts = matches!(bill.status, BillStatus::Succeeded { .. } | BillStatus::SucceededLate { .. });
    assert_eq!(paid, usize::from(counts), "{:?}", bill.orders);
    if !counts {
        assert_eq!(left(gateway, bill, Class::FeeRevenue), 0);
        assert_eq!(-left(gateway, bill, Class::ProviderFloat), beside);
    }
}

/// An open bill has one task that asks, and no bill has two tasks of questions.
fn asked_by_one(gateway: &Gateway, bill: &Bill) {
    let owner = gateway.tasks.iter().filter(|task| Some(task.id) == bill.asker).count();
    let expected = bill.status.is_open() || bill.owes_token() && bill.asked_since(&bill.task().unwrap()).is_some();
    assert_eq!(owner, usize::from(expected || bill.status == BillStatus::Inquiring), "{:?}", bill.status);
    let asks = |task: &&Task| match &task.kind {
        TaskKind::InquireBillPayment { bill: about, recurring: true } => about.bill == bill.id,
        _ => false,
    };
    assert!(gateway.tasks.iter().filter(asks).count() <= 1, "two tasks of questions");
}

/// Every call about a bill is answered at most once, and exactly once when the bill has moved on from it.
fn answered_once(gateway: &Gateway, bill: &Bill) {
    let answers = gateway.answers.iter().filter(|(key, _)| *key == bill.request).count();
    let waits = matches!(bill.status, BillStatus::Inquiring | BillStatus::Sent { .. });
    // A payment that a restored store had forgotten is not answered: nobody waits.
    assert_eq!(answers, usize::from(!waits), "{:?}", bill.status);
}

/// Whether the state may become the other one.
pub fn may_become(before: &BillStatus, after: &BillStatus) -> bool {
    use BillStatus::*;
    match (before, after) {
        (Inquiring, Inquired { .. } | Failed { .. })
        // Failed: a forgotten payment over another amount.
        | (Inquired { .. }, Sent { .. } | SucceededLate { .. } | Failed { .. })
        | (Sent { .. } | InProcess { .. } | Unknown { .. }, InProcess { .. } | Unknown { .. })
        | (Sent { .. } | InProcess { .. } | Unknown { .. }, Succeeded { .. } | Failed { .. })
        | (Sent { .. }, Sent { .. })
        | (Failed { .. }, SucceededLate { .. })
        | (Succeeded { .. } | SucceededLate { .. }, Reversed { .. }) => true,
        // The token that was owed came.
        (SucceededLate { receipt: one, at, .. }, SucceededLate { receipt: other, at: then, .. }) => {
            at == then && (one.token.is_none() || one == other)
        }
        _ => before == after,
    }
}

/// The row under a key, as commands see it.
pub fn found(gateway: &Gateway, key: &Key) -> Option<Bill> {
    match gateway.row(key) {
        Some(Row::Bill(bill)) => Some((**bill).clone()),
        _ => None,
    }
}
