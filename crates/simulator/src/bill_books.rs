//! Three books of bills that must agree: what the gateway says was paid and what its ledger says it cost, what each
//! aggregator delivered and took for it, and what the merchant wrote down from the answers that it got.

use std::collections::{BTreeMap, BTreeSet};

use calendar::Instant;
use connectors::imitation::{BookedOrder, Books};
use ledger::{Account, Class};
use lifecycle::{
    BillId, MerchantCode,
    bill::{Bill, BillStatus},
};
use money::Amount;
use serde::Serialize;
use store::{Reader, StoreError};

use crate::books::Total;

/// How many rows are read at once.
const PAGE: usize = 500;

/// A bill as the merchant that sold it wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldBill {
    /// The merchant's code.
    pub merchant: String,
    /// `ref_id`.
    pub ref_id: String,
    /// What the customer paid, where the merchant was told that the bill is paid in the end.
    pub paid: Option<Amount>,
}

/// One row of the comparison: a category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BillLine {
    /// The category.
    pub category: String,
    /// The gateway's bills that were paid, with what the customers paid.
    pub gateway: Total,
    /// The same by the merchant's list.
    pub merchant: Total,
    /// The gateway's bills that were paid, with what they cost by its ledger.
    pub cost: Total,
    /// The aggregators' orders that were delivered, with what they took.
    pub delivered: Total,
}

/// An aggregator's float: what the gateway's ledger says was used of it, and what the aggregator says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FloatLine {
    /// The aggregator.
    pub provider: String,
    /// Used by the ledger's accounts, in sen.
    pub ledger_sen: i64,
    /// Used by the aggregator's book, in sen.
    pub provider_sen: i64,
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BillComparison {
    /// One line per category.
    pub lines: Vec<BillLine>,
    /// One line per aggregator.
    pub floats: Vec<FloatLine>,
    /// Everything that differs, named.
    pub differences: Vec<String>,
    /// Bills whose outcome is open.
    pub undecided: Vec<String>,
}

impl BillComparison {
    /// Whether the books agree and nothing is open.
    pub fn agree(&self) -> bool {
        self.differences.is_empty() && self.undecided.is_empty()
    }
}

/// What the gateway keeps of bills.
#[derive(Clone, Debug, Default)]
pub struct GatewayBills {
    /// Every bill of the merchants that were asked for.
    pub bills: Vec<Bill>,
    /// Every account of the ledger.
    pub accounts: Vec<Account>,
    /// What each bill cost, by its id's bits, in sen: what its entries took from floats.
    pub costs: BTreeMap<u128, i64>,
}

/// Reads the gateway's books.
///
/// # Errors
/// [`StoreError`] of the first question that was not answered.
pub fn read(reader: &dyn Reader, merchants: &[MerchantCode]) -> Result<GatewayBills, StoreError> {
    let mut books = GatewayBills::default();
    for merchant in merchants {
        let mut after: Option<BillId> = None;
        loop {
            let page = reader.bills(merchant, after, PAGE)?;
            after = page.last().map(|bill| bill.id);
            let last = page.len() < PAGE;
            books.bills.extend(page);
            if last {
                break;
            }
        }
    }
    loop {
        let page = reader.accounts(books.accounts.last().map(|account| &account.name), PAGE)?;
        let last = page.len() < PAGE;
        books.accounts.extend(page);
        if last {
            break;
        }
    }
    for account in books.accounts.iter().filter(|account| account.name.class() == Class::ProviderFloat) {
        let mut after = 0;
        loop {
            let page = reader.entries(&account.name, after, PAGE)?;
            after = page.last().map_or(after, |entry| entry.sequence);
            let last = page.len() < PAGE;
            for entry in page {
                *books.costs.entry(entry.subject).or_default() -= entry.change;
            }
            if last {
                break;
            }
        }
    }
    Ok(books)
}

/// Compares bill by bill, and sums up by category. The merchant's list holds every bill that was sold since `since`;
/// older ones are compared between the gateway and the aggregators only.
pub fn compare(gateway: &GatewayBills, providers: &[Books], sold: &[SoldBill], since: Instant) -> BillComparison {
    let mut comparison = BillComparison::default();
    let mut lines: BTreeMap<usize, BillLine> = BTreeMap::new();
    let mut orders = orders_by_bill(providers, &mut comparison);
    let sold: BTreeMap<&str, &SoldBill> = sold.iter().map(|bill| (bill.ref_id.as_str(), bill)).collect();
    let mut known = BTreeSet::new();
    for bill in &gateway.bills {
        let ref_id = bill.ref_id();
        let place = lifecycle::biller::Category::ALL.iter().position(|one| *one == bill.category).unwrap_or_default();
        let category = bill.category.name().to_owned();
        let line = lines.entry(place).or_insert_with(|| BillLine { category, ..BillLine::default() });
        let delivered = orders.remove(&bill.id.bits()).unwrap_or_default();
        let seen = Seen {
            bill,
            cost: gateway.costs.get(&bill.id.bits()).copied().unwrap_or_default(),
            delivered: &delivered,
            sold: sold.get(ref_id.as_str()).copied(),
            listed: bill.created_at >= since,
        };
        seen.compare(line, &mut comparison);
        known.insert(ref_id);
    }
    for order in orders.into_values().flatten() {
        comparison.differences.push(format!("{} was delivered and is no bill of these merchants", order.reference));
    }
    for ref_id in sold.keys().filter(|ref_id| !known.contains(**ref_id)) {
        comparison.differences.push(format!("the merchant's list has {ref_id}, which the gateway does not know"));
    }
    compare_floats(gateway, providers, &mut comparison);
    comparison.lines = lines.into_values().filter(|line| *line != BillLine::of(&line.category)).collect();
    comparison
}

/// What aggregators delivered, by the bits of the bill's id.
fn orders_by_bill<'a>(providers: &'a [Books], comparison: &mut BillComparison) -> BTreeMap<u128, Vec<&'a BookedOrder>> {
    let mut orders: BTreeMap<u128, Vec<&BookedOrder>> = BTreeMap::new();
    for order in providers.iter().flat_map(|books| &books.orders).filter(|order| order.delivered) {
        match Bill::id_of_reference(&order.reference) {
            Some((bill, _)) => orders.entry(bill.bits()).or_default().push(order),
            None => comparison.differences.push(format!("{} was delivered and is no reference", order.reference)),
        }
    }
    orders
}

fn compare_floats(gateway: &GatewayBills, providers: &[Books], comparison: &mut BillComparison) {
    for books in providers {
        let Some(float) = books.float else { continue };
        let of_provider =
            gateway.accounts.iter().filter(|account| account.name.provider() == Some(books.provider.as_str()));
        let line = FloatLine {
            provider: books.provider.clone(),
            ledger_sen: of_provider.map(|account| -account.balance).sum(),
            provider_sen: float.opening.sen() - float.balance.sen(),
        };
        if line.ledger_sen != line.provider_sen {
            let (provider, ledger, used) = (&line.provider, line.ledger_sen, line.provider_sen);
            comparison
                .differences
                .push(format!("of the float at {provider} the ledger says {ledger} sen were used, it says {used}"));
        }
        comparison.floats.push(line);
    }
}

impl BillLine {
    fn of(category: &str) -> Self {
        Self { category: category.to_owned(), ..Self::default() }
    }
}

/// One bill as every book sees it.
struct Seen<'a> {
    bill: &'a Bill,
    cost: i64,
    delivered: &'a [&'a BookedOrder],
    sold: Option<&'a SoldBill>,
    listed: bool,
}

impl Seen<'_> {
    fn compare(&self, line: &mut BillLine, comparison: &mut BillComparison) {
        let bill = self.bill;
        let name = format!("{} ({})", bill.ref_id(), bill.product);
        let paid = match &bill.status {
            BillStatus::Succeeded { .. } | BillStatus::SucceededLate { .. } => bill.quote.map(|quote| quote.amount),
            BillStatus::Failed { .. } | BillStatus::Reversed { .. } => None,
            // An inquiry that nobody paid: money was never at stake.
            BillStatus::Inquiring | BillStatus::Inquired { .. } => None,
            BillStatus::Sent { .. } | BillStatus::InProcess { .. } | BillStatus::Unknown { .. } => {
                comparison.undecided.push(format!("{name} is {}", bill.status.name()));
                return;
            }
        };
        let taken: i64 = self.delivered.iter().map(|order| order.cost.sen()).sum();
        if self.delivered.len() != usize::from(paid.is_some()) {
            let count = self.delivered.len();
            comparison.differences.push(format!("{name} is {} and was delivered {count} times", bill.status.name()));
        }
        if self.cost != taken {
            let cost = self.cost;
            comparison.differences.push(format!("{name} cost {cost} sen by the ledger, the aggregators took {taken}"));
        }
        let told = self.sold.and_then(|sold| sold.paid);
        if self.listed && told != paid {
            comparison.differences.push(format!("{name}: gateway {paid:?}, merchant {told:?}"));
        }
        if !self.listed {
            return;
        }
        let sums = [(&mut line.gateway, paid), (&mut line.merchant, told)];
        sums.into_iter().for_each(|(total, amount)| total.add(amount.map(Amount::sen)));
        line.cost.add(paid.map(|_| self.cost));
        line.delivered.add((!self.delivered.is_empty()).then_some(taken));
    }
}

impl Total {
    fn add(&mut self, sen: Option<i64>) {
        if let Some(sen) = sen {
            self.count += 1;
            self.sum_sen = self.sum_sen.saturating_add(sen);
        }
    }
}
