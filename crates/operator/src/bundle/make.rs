//! `bundle.make`

use std::collections::BTreeSet;

use ledger::{AccountName, Class, Entry};
use lifecycle::{
    BillId, Key, PaymentId, RefundId, Row,
    bill::Bill,
    exchange::{Exchange, Party},
    payment::{Payment, PaymentStatus},
    request::{Request, RequestKey},
};
use serde_json::{Value, json};

use crate::{
    bill,
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    notification,
    operation::{Answer, Operation},
    refund, unknown, view,
};

/// The form in which bundles are written. What reads an older one may not read a newer one.
pub const FORMAT: u32 = 1;
/// The most exchanges of a case that are shown, the oldest first.
const EXCHANGES_MAX: usize = 2_000;
/// The most notifications of a case that are shown, the newest first.
const NOTIFICATIONS_MAX: usize = 100;
/// How many entries of an account are read at once.
const ENTRIES_PAGE: usize = 1_000;

/// Gathers everything about a case.
pub static OPERATION: Operation = Operation {
    name: "bundle.make",
    promise: "Gathers everything that is known of one payment, refund or bill: where it stands, the merchant's calls with \
              their answers, every message exchanged with providers and with the merchant, its notifications, its entries in the \
              ledger, its refunds and rulings. Secrets are left out, so that it may be shown to others.",
    fields: &[Field::mandatory(
        "case",
        Kind::Text(64),
        "A payment `pay_...`, a refund `ref_...`, or a bill: `bill_...`, its `ref_id` or its reference at a source.",
    )],
    sample: r#"{"case":"pay_00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

/// What a bundle is about.
enum Case {
    Payment(Box<Payment>),
    Bill(Box<Bill>),
}

/// Everything that was found, as it is written.
#[derive(Default)]
struct Found {
    calls: Vec<Value>,
    exchanges: Vec<Exchange>,
    notifications: Vec<Value>,
    entries: Vec<Entry>,
    refunds: Vec<Value>,
    rulings: Vec<Value>,
}

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let name = input.text("case")?;
    let case = find(door, &name).await?;
    let mut found = Found::default();
    let described = match &case {
        Case::Payment(payment) => found.payment(door, payment).await?,
        Case::Bill(bill) => found.bill(door, bill).await?,
    };
    found.exchanges.sort_by_key(|exchange| exchange.id);
    Ok(Answer::Json(json!({
        "format": FORMAT,
        "made_at": view::time(door.engine.now()),
        "version": door.options.version,
        "case": described,
        "calls": found.calls,
        "exchanges": found.exchanges.iter().map(exchange).collect::<Vec<_>>(),
        "notifications": found.notifications,
        "entries": found.entries.iter().map(view::entry).collect::<Vec<_>>(),
        "refunds": found.refunds,
        "rulings": found.rulings,
    })))
}

/// Every account that a bill may have touched.
fn accounts_of(bill: &Bill) -> BTreeSet<AccountName> {
    let merchant = bill.merchant.as_str();
    let floats = bill.sources.iter().map(|source| AccountName::float(merchant, source.connector.as_str()));
    let own = [Class::FeeRevenue, Class::Clearing].map(|class| AccountName::of(class, merchant));
    floats.chain(own).chain(bill.payer.clone()).collect()
}

/// The case of this name; a refund's is its payment.
async fn find(door: &Door, name: &str) -> Result<Case, Fault> {
    let not_here = || Fault::not_found(format_args!("payment, refund or bill {name}"));
    let bill = || {
        let own = name.parse::<BillId>().ok().or_else(|| Bill::id_of_ref(name));
        own.or_else(|| Bill::id_of_reference(name).map(|(id, _)| id))
    };
    let key = if let Ok(id) = name.parse::<PaymentId>() {
        Key::Payment(id)
    } else if let Ok(id) = name.parse::<RefundId>() {
        match door.row(Key::Refund(id)).await? {
            Some(Row::Refund(refund)) => Key::Payment(refund.payment),
            _ => return Err(not_here()),
        }
    } else if let Some(id) = bill() {
        Key::Bill(id)
    } else {
        return Err(Fault::field("case", "it must be the id of a payment, a refund or a bill, or a bill's ref_id"));
    };
    match door.row(key).await? {
        Some(Row::Payment(payment)) => Ok(Case::Payment(payment)),
        Some(Row::Bill(bill)) => Ok(Case::Bill(bill)),
        _ => Err(not_here()),
    }
}

impl Found {
    async fn payment(&mut self, door: &Door, payment: &Payment) -> Result<Value, Fault> {
        let id = payment.id;
        self.call(door, &payment.request).await?;
        self.about(door, id.bits()).await?;
        if let Some(link) = payment.link {
            self.messages(door, link.bits()).await?;
        }
        for refund in door.read(move |reader| reader.refunds_of(id)).await? {
            if let Some(request) = &refund.request {
                self.call(door, request).await?;
            }
            self.about(door, refund.id.bits()).await?;
            self.refunds.push(refund::whole(&refund));
        }
        Ok(json!({
            "kind": "payment",
            "id": id.to_string(),
            "merchant": payment.merchant.as_str(),
            "partner_reference": payment.partner_reference,
            "product": payment.product.as_ref().map(ToString::to_string),
            "linked": payment.link.is_some(),
            "amount": view::amount(payment.amount),
            "refunding": view::amount(payment.refunding),
            "refunded": view::amount(payment.refunded),
            "created_at": view::time(payment.created_at),
            "valid_until": view::time(payment.valid_until),
            "state": payment.status.name(),
            "status": payment_state(&payment.status),
        }))
    }

    async fn bill(&mut self, door: &Door, row: &Bill) -> Result<Value, Fault> {
        self.call(door, &row.request).await?;
        self.about(door, row.id.bits()).await?;
        for account in accounts_of(row) {
            self.entries_of(door, account, row.id.bits()).await?;
        }
        self.entries.sort_by_key(|entry| (entry.journal, entry.sequence));
        let mut described = bill::whole(row);
        described["kind"] = "bill".into();
        described["id"] = row.id.to_string().into();
        described["additional"] = row.additional.iter().map(|(name, value)| json!({ name: value })).collect();
        described["chosen"] = row.chosen.map_or(Value::Null, view::amount);
        Ok(described)
    }

    /// A merchant's call and its answer.
    async fn call(&mut self, door: &Door, key: &RequestKey) -> Result<(), Fault> {
        if let Some(Row::Request(request)) = door.row(Key::Request(key.clone())).await? {
            self.messages(door, request.id.bits()).await?;
            self.calls.push(call_value(&request));
        }
        Ok(())
    }

    /// Everything that stands under the bits of an id.
    async fn about(&mut self, door: &Door, bits: u128) -> Result<(), Fault> {
        self.messages(door, bits).await?;
        for notification in door.read(move |reader| reader.notifications_about(bits, NOTIFICATIONS_MAX)).await? {
            self.messages(door, notification.id.bits()).await?;
            let mut shown = notification::summary(&notification);
            shown["body"] = engine::without_secrets(notification.body.expose().as_bytes()).into();
            self.notifications.push(shown);
        }
        let rulings = unknown::rulings(door, None).await?;
        self.rulings.extend(rulings.iter().filter(|ruling| ruling.about == bits).map(unknown::shown));
        Ok(())
    }

    async fn messages(&mut self, door: &Door, bits: u128) -> Result<(), Fault> {
        let room = EXCHANGES_MAX.saturating_sub(self.exchanges.len());
        let more = door.read(move |reader| reader.exchanges(bits, None, room)).await?;
        for exchange in more {
            if self.exchanges.iter().all(|known| known.id != exchange.id) {
                self.exchanges.push(exchange);
            }
        }
        Ok(())
    }

    /// The entries of an account that are about the case. Walks over all of them: for people, not for every request.
    async fn entries_of(&mut self, door: &Door, account: AccountName, subject: u128) -> Result<(), Fault> {
        let mut after = 0;
        loop {
            let asked = account.clone();
            let page = door.read(move |reader| reader.entries(&asked, after, ENTRIES_PAGE)).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.sequence;
            self.entries.extend(page.into_iter().filter(|entry| entry.subject == subject));
        }
    }
}

fn payment_state(status: &PaymentStatus) -> Value {
    match status {
        PaymentStatus::Checkout | PaymentStatus::Confirming => json!({}),
        PaymentStatus::Charging { charged_at } | PaymentStatus::AwaitingCustomer { charged_at, .. } => {
            json!({ "charged_at": view::time(*charged_at) })
        }
        PaymentStatus::Unknown { evidence, charged_at, since, checks } => json!({
            "evidence": evidence,
            "charged_at": view::time(*charged_at),
            "since": view::time(*since),
            "checks": checks,
        }),
        PaymentStatus::Succeeded { provider_reference, at } => {
            json!({ "provider_reference": provider_reference, "at": view::time(*at) })
        }
        PaymentStatus::SucceededLate { provider_reference, at, failed_because } => json!({
            "provider_reference": provider_reference,
            "at": view::time(*at),
            "failed_because": format!("{failed_because:?}"),
        }),
        PaymentStatus::Failed { reason, at } => json!({ "reason": format!("{reason:?}"), "at": view::time(*at) }),
    }
}

fn call_value(request: &Request) -> Value {
    let answer = request
        .answer
        .as_ref()
        .map(|answer| json!({ "status": answer.status, "body": engine::without_secrets(&answer.body) }));
    json!({
        "request": request.id.to_string(),
        "operation": request.operation,
        "external_id": request.key.external_id,
        "partner_reference": request.partner_reference,
        "digest": hex(&request.digest.0),
        "received_at": view::time(request.received_at),
        "answer": answer,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn exchange(exchange: &Exchange) -> Value {
    let (answer, silence) = match &exchange.answer {
        Ok(answer) => (Some(answer), None),
        Err(why) => (None, Some(why)),
    };
    json!({
        "exchange": exchange.id.to_string(),
        "at": view::time(exchange.at),
        "duration_us": exchange.duration_us,
        "with": match &exchange.party {
            Party::Provider(name) => name.as_str(),
            Party::Merchant => "merchant",
        },
        "purpose": exchange.purpose,
        "request": exchange.request,
        "answer": answer,
        "silence": silence,
    })
}
