//! What the demo says at the end.

use money::Amount;
use serde::Serialize;
use simulator::books::{Comparison, Total};

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
    /// The three books.
    pub books: Comparison,
}

impl Report {
    /// The comparison as a table, and the last word.
    pub fn table(&self) -> String {
        let mut text = format!("\n{:<24} {:>22} {:>22} {:>22}\n", "product", "gateway", "provider", "merchant");
        for line in &self.books.lines {
            let (gateway, provider, merchant) = (cell(line.gateway), cell(line.provider), cell(line.merchant));
            text.push_str(&format!("{:<24} {gateway:>22} {provider:>22} {merchant:>22}\n", line.product));
        }
        for difference in self.books.undecided.iter().chain(&self.books.differences) {
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
    let sum = Amount::from_sen(total.sum_sen).map_or_else(|_| total.sum_sen.to_string(), Amount::display_text);
    format!("{} for {sum}", total.count)
}
