//! What the demo says at the end.

use money::Amount;
use serde::Serialize;
use simulator::{
    bill_books::BillComparison,
    books::{Comparison, Total},
};

/// One step.
#[derive(Debug, Serialize)]
pub struct Step {
    /// The product, or what the step is about.
    pub product: String,
    /// What was done.
    pub name: String,
    /// What was sent, shortened.
    pub sent: String,
    /// The response code; empty for pages.
    pub code: String,
    /// What came back, shortened.
    pub answered: String,
    /// Whether it was as promised.
    pub held: bool,
}

impl Step {
    /// The step in two lines.
    pub fn line(&self) -> String {
        let mark = if self.held { "ok  " } else { "FAIL" };
        format!("  {mark} {:<22} {}\n       {:<22} {}", self.name, self.sent, self.code, self.answered)
    }
}

/// What came of the demo.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether everything held.
    pub held: bool,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// Calls that the merchant did not believe.
    pub refused_calls: u64,
    /// Every step.
    pub steps: Vec<Step>,
    /// The three books of wallets.
    pub books: Comparison,
    /// The three books of bills.
    pub bills: BillComparison,
}

impl Report {
    /// The comparison as a table, and the last word.
    pub fn table(&self) -> String {
        let mut text = format!("\n{:<24} {:>22} {:>22} {:>22}\n", "product", "gateway", "provider", "merchant");
        for line in &self.books.lines {
            let (gateway, provider, merchant) = (cell(line.gateway), cell(line.provider), cell(line.merchant));
            text.push_str(&format!("{:<24} {gateway:>22} {provider:>22} {merchant:>22}\n", line.product));
            let [gateway, provider, merchant] =
                [line.gateway_refunded, line.provider_refunded, line.merchant_refunded].map(cell);
            text.push_str(&format!("{:<24} {gateway:>22} {provider:>22} {merchant:>22}\n", "  of it back"));
        }
        text.push_str(&format!(
            "\n{:<24} {:>22} {:>22} {:>22} {:>22}\n",
            "bills", "gateway, paid", "merchant, paid", "ledger, cost", "aggregators, cost"
        ));
        for line in &self.bills.lines {
            let [gateway, merchant, cost, delivered] =
                [line.gateway, line.merchant, line.cost, line.delivered].map(cell);
            text.push_str(&format!("{:<24} {gateway:>22} {merchant:>22} {cost:>22} {delivered:>22}\n", line.category));
        }
        for line in &self.bills.floats {
            let [ledger, provider] = [line.ledger_sen, line.provider_sen].map(sum_text);
            text.push_str(&format!(
                "float used at {:<10} {ledger:>22} by the ledger, {provider} by its book\n",
                line.provider
            ));
        }
        let open = self.books.undecided.iter().chain(&self.bills.undecided);
        for difference in open.chain(&self.books.differences).chain(&self.bills.differences) {
            text.push_str(&format!("difference: {difference}\n"));
        }
        let failed = self.steps.iter().filter(|step| !step.held).count();
        let seconds = self.elapsed_ms as u128 / 1000;
        let tenths = self.elapsed_ms as u128 % 1000 / 100;
        text.push_str(&match self.held {
            true => format!("all {} steps held, the books agree, {seconds}.{tenths} s", self.steps.len()),
            false => format!("{failed} of {} steps did not hold, {seconds}.{tenths} s", self.steps.len()),
        });
        text
    }
}

fn cell(total: Total) -> String {
    format!("{} for {}", total.count, sum_text(total.sum_sen))
}

fn sum_text(sen: i64) -> String {
    Amount::from_sen(sen).map_or_else(|_| sen.to_string(), Amount::display_text)
}
