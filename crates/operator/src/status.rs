//! `status`: how the gateway is, on one page.

use std::collections::BTreeMap;

use calendar::Instant;
use engine::{Engine, Environment};
use ledger::{AccountName, Class};
use lifecycle::BillId;
use serde_json::{Value, json};

use crate::{
    bill::open_since,
    door::Door,
    fault::Fault,
    input::Input,
    limits::{OPEN_BILLS_MAX, READ_ROWS, TASKS_MAX},
    operation::{Answer, Operation},
    unknown::Totals,
    view,
};

/// Shows how the gateway is.
pub static OPERATION: Operation = Operation {
    name: "status",
    promise: "Shows how the gateway is: its version, what keeps its store, work that is not finished, bills whose outcome \
              is open with the oldest and with what is reserved for them, cases that operators must watch by kind, what the continuous check of the ledger found, \
              and what stands at providers, in deposits and in receivables. Of every provider: whether it is called \
              (`breaker`: `closed`, `open` until a time, `half_open`), and how many calls are under way, wait, or were \
              spared it.",
    fields: &[],
    sample: "{}",
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, _: Input) -> Result<Answer, Fault> {
    let engine = &door.engine;
    let now = engine.now();
    let tasks = door.read(|reader| reader.unfinished_tasks(TASKS_MAX)).await?;
    let due = tasks.iter().filter(|task| task.due_at <= now).count();
    let health = engine.ledger_health();
    let merchants = engine.merchants();
    let room = engine.store_health();
    Ok(Answer::Json(json!({
        "version": door.options.version,
        "environment": match engine.environment() {
            Environment::Sandbox => "sandbox",
            Environment::Production => "production",
        },
        "at": view::time(now),
        "working": engine.is_working(),
        "store": door.options.store,
        "writers": engine.writer_count(),
        "store_health": {
            "takes_new_money": room.failing.is_none() && !room.is_low(),
            "failing_since": room.failing.as_ref().map(|(since, _)| view::time(*since)),
            "failing": room.failing.as_ref().map(|(_, why)| why),
            "free_bytes": room.free_bytes,
            "free_bytes_min": room.free_bytes_min,
            "refused": room.refused,
        },
        "providers": providers(engine),
        "merchants": {
            "registered": merchants.len(),
            "suspended": merchants.iter().filter(|partner| partner.merchant.suspended).count(),
        },
        "tasks": { "unfinished": tasks.len(), "due": due, "more": tasks.len() == TASKS_MAX },
        "open_bills": open_bills(door, now).await?,
        "unknown": Totals::read(door).await?.view(),
        "ledger": {
            "verified_entries": health.verified_entries,
            "at": health.at.map(view::time),
            "difference": health.difference,
        },
        "totals": totals(door).await?,
    })))
}

/// How it is with each provider, by name.
fn providers(engine: &Engine) -> Value {
    let shown = engine.providers().into_iter().map(|provider| (provider.name.to_owned(), view::line(&provider.load)));
    Value::Object(shown.collect())
}

/// Open bills of one state together.
#[derive(Default)]
struct Open {
    bills: u64,
    reserved: i128,
    oldest_seconds: i64,
}

async fn open_bills(door: &Door, now: Instant) -> Result<Value, Fault> {
    let mut states: BTreeMap<&'static str, Open> = BTreeMap::new();
    let mut after: Option<BillId> = None;
    let mut read = 0;
    let mut more = true;
    while more && read < OPEN_BILLS_MAX {
        let page = door.read(move |reader| reader.open_bills(after, READ_ROWS)).await?;
        more = page.len() == READ_ROWS;
        read += page.len();
        after = page.last().map(|bill| bill.id);
        for bill in &page {
            let open = states.entry(bill.status.name()).or_default();
            open.bills += 1;
            open.reserved += bill.hold.as_ref().map_or(0, |hold| i128::from(hold.amount.sen()));
            let age = open_since(bill).map_or(0, |since| now.seconds_since(since));
            open.oldest_seconds = open.oldest_seconds.max(age);
        }
    }
    let shown = states.into_iter().map(|(state, open)| {
        let value = json!({
            "bills": open.bills,
            "reserved": view::sen_text(open.reserved),
            "oldest_seconds": open.oldest_seconds,
        });
        (state.to_owned(), value)
    });
    let mut value = Value::Object(shown.collect());
    if more {
        value["more"] = true.into();
    }
    Ok(value)
}

/// Sums over accounts: what is held and what there is.
#[derive(Default)]
struct Total {
    balance: i128,
    held: i128,
}

async fn totals(door: &Door) -> Result<Value, Fault> {
    let mut floats: BTreeMap<String, Total> = BTreeMap::new();
    let mut classes: BTreeMap<&'static str, Total> = BTreeMap::new();
    let mut after: Option<AccountName> = None;
    loop {
        let asked = after.clone();
        let page = door.read(move |reader| reader.accounts(asked.as_ref(), READ_ROWS)).await?;
        for account in &page {
            let total = match (account.name.class(), account.name.provider()) {
                (Class::ProviderFloat, Some(provider)) => floats.entry(provider.to_owned()).or_default(),
                (class, _) => classes.entry(class.name()).or_default(),
            };
            total.balance += i128::from(account.balance);
            total.held += i128::from(account.held);
        }
        after = page.last().map(|account| account.name.clone());
        if page.len() < READ_ROWS {
            break;
        }
    }
    let money = |total: &Total| json!({ "balance": view::sen_text(total.balance), "held": view::sen_text(total.held) });
    let mut value = Value::Object(classes.iter().map(|(class, total)| ((*class).to_owned(), money(total))).collect());
    value["floats"] = Value::Object(floats.iter().map(|(provider, total)| (provider.clone(), money(total))).collect());
    Ok(value)
}
