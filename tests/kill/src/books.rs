//! The comparison: what merchants were told, what the gateway keeps, what the providers and the demo merchant have.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use client::{BillerClient, Client};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    load::{Asked, BILL_PRODUCT, BILL_SEN, What},
    report::Compared,
    world::{World, text},
};

/// What a bill costs the merchant beside its amount, in sen.
const BILL_FEE_SEN: i64 = 250_000;
/// What the merchant of bills was given at first, in sen.
const DEPOSIT_SEN: i64 = 100_000_000_000;
/// Questions under way at once.
const QUESTIONS: usize = 8;
/// How long something may stay undecided once the gateway is left alone.
const PATIENCE: Duration = Duration::from_secs(180);

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// It succeeded, under this id of the gateway's.
    Succeeded(String),
    /// It failed, under this id.
    Failed(String),
    /// The gateway never heard of it.
    Unknown,
}

/// A request and its end.
pub(crate) struct Ended {
    asked: Asked,
    end: End,
}

/// Asks the gateway about every request until it is decided.
pub(crate) async fn settle(world: &World, asked: Vec<Asked>) -> Result<Vec<Ended>> {
    let (client, biller) = (world.client()?, world.biller()?);
    let places = Arc::new(Semaphore::new(QUESTIONS));
    let mut asking = JoinSet::new();
    for asked in asked {
        let (client, biller, places) = (client.clone(), biller.clone(), places.clone());
        asking.spawn(async move {
            let _place = places.acquire_owned().await.context("a place")?;
            let end = decided(&client, &biller, &asked).await?;
            anyhow::Ok(Ended { asked, end })
        });
    }
    let mut ended = vec![];
    while let Some(one) = asking.join_next().await {
        ended.push(one??);
    }
    Ok(ended)
}

async fn decided(client: &Client, biller: &BillerClient, asked: &Asked) -> Result<End> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let end = match asked.what {
            What::Payment => payment(client, &asked.reference).await?,
            What::Bill => bill(biller, &asked.reference).await?,
        };
        if let Some(end) = end {
            return Ok(end);
        }
        if Instant::now() > deadline {
            bail!("{} stays undecided", asked.reference);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn payment(client: &Client, reference: &str) -> Result<Option<End>> {
    let fields = json!({"originalPartnerReferenceNo": reference, "serviceCode": "54"});
    let sent = client.send("debit_status", &fields).await?;
    let id = || sent.text("originalReferenceNo").unwrap_or_default();
    Ok(match (sent.code().as_deref(), sent.text("latestTransactionStatus").as_deref()) {
        (_, Some("00")) => Some(End::Succeeded(id())),
        (_, Some("06")) => Some(End::Failed(id())),
        (Some("4045501"), _) => Some(End::Unknown),
        _ => None,
    })
}

async fn bill(biller: &BillerClient, order: &str) -> Result<Option<End>> {
    let sent = biller.send("bill_status", [("product_code", BILL_PRODUCT), ("order_id", order)]).await?;
    let in_process = sent.text("error_desc").as_deref() == Some("Inproses");
    Ok(match sent.code().as_deref() {
        Some("0000") if !in_process => Some(End::Succeeded(order.to_owned())),
        Some("124") => Some(End::Unknown),
        None | Some("0000" | "9999" | "EX" | "901" | "902") => None,
        Some(_) => Some(End::Failed(order.to_owned())),
    })
}

/// What one provider did under one reference.
#[derive(Default)]
struct Done {
    moved: u64,
    requests: u64,
}

/// What the providers did: charges by the gateway's reference, bills by the customer's number.
async fn outside(world: &World) -> Result<[HashMap<String, Done>; 2]> {
    let [mut charges, mut bills] = [HashMap::<String, Done>::new(), HashMap::<String, Done>::new()];
    for books in world.books().await? {
        for charge in books["charges"].as_array().into_iter().flatten() {
            let done = charges.entry(text(&charge["reference"])).or_default();
            done.moved += u64::from(charge["charged"] == true);
            done.requests += charge["requests"].as_u64().unwrap_or(0);
        }
        for order in books["orders"].as_array().into_iter().flatten() {
            let done = bills.entry(text(&order["order_id"])).or_default();
            done.moved += u64::from(order["delivered"] == true);
            // Asking some billers is sending the same order again.
            done.requests = 1;
        }
    }
    Ok([charges, bills])
}

/// Compares everything.
pub(crate) async fn compare(world: &World, ended: &[Ended], quiet: bool) -> Result<Compared> {
    let mut compared = Compared { requests: u64::try_from(ended.len())?, ..Compared::default() };
    let [mut charges, mut bills] = outside(world).await?;
    let orders = world.orders().await?;
    for one in ended {
        compared.count(one);
        let done = match (&one.asked.what, &one.end) {
            (What::Payment, End::Succeeded(id) | End::Failed(id)) => charges.remove(id).unwrap_or_default(),
            (What::Bill, _) => bills.remove(&one.asked.reference).unwrap_or_default(),
            (What::Payment, End::Unknown) => Done::default(),
        };
        compared.hold_against(one, &done, &orders);
    }
    // Whatever a provider did that no merchant's request stands for.
    for (reference, done) in charges.into_iter().chain(bills).filter(|(_, done)| done.moved > 0) {
        compared.lost.push(format!("{reference}: money moved {} times for nobody", done.moved));
    }
    compared.check_unique(ended);
    compared.check_ledger(world)?;
    if !quiet {
        compared.wrong.push("work or open bills were left though nobody asked for anything more".into());
    }
    Ok(compared)
}

impl Compared {
    fn count(&mut self, one: &Ended) {
        let asked = &one.asked;
        let place = match () {
            () if asked.acknowledged() => &mut self.acknowledged,
            () if asked.acknowledged_pending() => &mut self.pending,
            () if asked.code.is_some() => &mut self.refused,
            () => &mut self.unanswered,
        };
        *place += 1;
        match (&one.end, asked.what) {
            (End::Succeeded(_), What::Payment) => self.payments += 1,
            (End::Succeeded(_), What::Bill) => self.bills += 1,
            (End::Unknown, _) => self.never_kept += 1,
            (End::Failed(_), _) => {}
        }
    }

    fn hold_against(&mut self, one: &Ended, done: &Done, orders: &Value) {
        let Ended { asked, end } = one;
        let name = format!("{:?} {}", asked.what, asked.reference);
        let succeeded = matches!(end, End::Succeeded(_));
        if asked.acknowledged() && !succeeded {
            self.lost.push(format!("{name} was acknowledged and is {end:?}"));
        }
        if asked.acknowledged_pending() && *end == End::Unknown {
            self.lost.push(format!("{name} was acknowledged as under way and nobody knows it"));
        }
        match (succeeded, done.moved) {
            (true, 0) => self.lost.push(format!("{name} succeeded and no money moved")),
            (false, 1..) => self.lost.push(format!("{name} is {end:?} and money moved")),
            (true, 2..) => self.doubled.push(format!("{name}: money moved {} times", done.moved)),
            _ => {}
        }
        if done.requests > 1 {
            self.doubled.push(format!("{name} was sent to the provider {} times", done.requests));
        }
        let told = orders[&asked.reference]["paid"].is_string();
        if asked.what == What::Payment && told != succeeded {
            self.wrong.push(format!("{name} is {end:?} and the merchant was told {told}"));
        }
    }

    /// No two requests are one payment.
    fn check_unique(&mut self, ended: &[Ended]) {
        let mut seen = HashSet::new();
        for one in ended {
            if let End::Succeeded(id) = &one.end
                && !seen.insert((one.asked.what as u8, id))
            {
                self.doubled.push(format!("{id} stands for two requests"));
            }
        }
    }

    fn check_ledger(&mut self, world: &World) -> Result<()> {
        let verified = world.operate(&["ledger", "verify"])?;
        if verified["verified"] != true || verified["holds"] != 0 {
            self.wrong.push(format!("the ledger: {verified}"));
        }
        let accounts = world.operate(&["ledger", "accounts", "--merchant", "SANDBOX"])?;
        let rows = accounts["accounts"].as_array().context("accounts")?;
        let deposit = rows.iter().find(|row| row["account"] == "deposit:SANDBOX").context("the deposit")?;
        let balance = text(&deposit["balance"]).replace('.', "");
        let spent = i64::try_from(self.bills)? * (BILL_SEN + BILL_FEE_SEN);
        if balance != (DEPOSIT_SEN - spent).to_string() {
            self.wrong.push(format!("{} bills were paid, and the deposit holds {deposit}", self.bills));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is lost, doubled and otherwise wrong of a payment that was answered so, ended so, moved money so often, was
    /// sent so often, and of which the merchant was told.
    fn found(code: Option<&str>, end: &End, (moved, requests): (u64, u64), told: bool) -> (usize, usize, usize) {
        let code = code.map(str::to_owned);
        let pending = code.as_deref() == Some("2025400");
        let asked = Asked { what: What::Payment, reference: "KILL-1".into(), code, pending };
        let orders = if told { json!({"KILL-1": {"paid": "2026-11-21"}}) } else { json!({}) };
        let mut compared = Compared::default();
        compared.hold_against(&Ended { asked, end: end.clone() }, &Done { moved, requests }, &orders);
        (compared.lost.len(), compared.doubled.len(), compared.wrong.len())
    }

    #[test]
    fn every_disagreement_is_named() {
        let (paid, failed) = (End::Succeeded("pay_1".into()), End::Failed("pay_1".into()));
        let (ok, pending) = (Some("2005400"), Some("2025400"));
        for (code, end, done, told, expected) in [
            (ok, &paid, (1, 1), true, (0, 0, 0)),
            (None, &paid, (1, 1), true, (0, 0, 0)),
            (None, &End::Unknown, (0, 0), false, (0, 0, 0)),
            (pending, &failed, (0, 1), false, (0, 0, 0)),
            // Acknowledged and gone.
            (ok, &failed, (0, 1), false, (1, 0, 0)),
            (ok, &End::Unknown, (0, 0), false, (1, 0, 0)),
            (pending, &End::Unknown, (0, 0), false, (1, 0, 0)),
            // Money that does not agree.
            (None, &paid, (0, 0), true, (1, 0, 0)),
            (None, &failed, (1, 1), false, (1, 0, 0)),
            (ok, &paid, (2, 1), true, (0, 1, 0)),
            (ok, &paid, (1, 2), true, (0, 1, 0)),
            // What the merchant hears.
            (ok, &paid, (1, 1), false, (0, 0, 1)),
            (None, &failed, (0, 1), true, (0, 0, 1)),
        ] {
            assert_eq!(found(code, end, done, told), expected, "{code:?} {end:?} {done:?} {told}");
        }
    }

    #[test]
    fn two_requests_are_not_one_payment() {
        let asked =
            |reference: &str| Asked { what: What::Payment, reference: reference.into(), code: None, pending: false };
        let ended = |reference, id: &str| Ended { asked: asked(reference), end: End::Succeeded(id.into()) };
        let mut compared = Compared::default();
        compared.check_unique(&[ended("1", "pay_1"), ended("2", "pay_2")]);
        assert!(compared.doubled.is_empty());
        compared.check_unique(&[ended("1", "pay_1"), ended("2", "pay_1")]);
        assert_eq!(compared.doubled.len(), 1);
    }
}
