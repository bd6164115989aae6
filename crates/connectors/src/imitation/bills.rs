//! The bills of the imitated billers' customers. A customer's number always has the same bill, so that two billers and
//! two runs agree; the numbers of the documents' samples have the samples' bills.

use calendar::Instant;
use lifecycle::biller::Category;
use protocol::digest;
use serde::{Deserialize, Serialize};

/// What one customer owes, in rupiah.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerBill {
    /// The customer's name, in capitals.
    pub name: String,
    /// Bills and fines together.
    pub amount: i64,
    /// The fines in it.
    pub fine: i64,
    /// The biller's admin fee for all bills together.
    pub admin: i64,
    /// How many bills.
    pub bills: u32,
    /// The month of each, `YYYYMM`, the oldest first.
    pub periods: Vec<String>,
    /// The meter before and after.
    pub meter: (u32, u32),
    /// A number that stands for everything else that differs by customer, below 1000.
    pub variety: u32,
}

impl CustomerBill {
    /// What the customer pays in all.
    pub fn total(&self) -> i64 {
        self.amount + self.admin
    }
}

/// What everybody owes whose bill the merchant pays without asking first: it must know the amount by itself.
pub const DIRECT: i64 = 100_000;

/// The bill of a customer's number; `chosen` is the amount that the customer chose, where it is free.
pub fn bill(category: Category, order_id: &str, chosen: Option<i64>, now: Instant) -> CustomerBill {
    let seed = digest::sha256(format!("{}:{order_id}", category.name()).as_bytes());
    let number = u32::from_be_bytes([seed[0], seed[1], seed[2], seed[3]]);
    let months = match category {
        Category::PlnPostpaid if number.is_multiple_of(8) => 2,
        _ => 1,
    };
    let fine = if number.is_multiple_of(5) { 5_000 } else { 0 };
    let between = |least: i64, steps: u32, step: i64| least + i64::from(number % steps) * step;
    let (amount, fine, admin) = match category {
        Category::PlnPostpaid => (between(50_000, 400, 1_180) * i64::from(months), fine, 2_500 * i64::from(months)),
        Category::PlnNonTaglis => (between(250_000, 100, 10_000), 0, 2_500),
        Category::BpjsKesehatan => (between(35_000, 5, 35_000), 0, 5_000),
        Category::Pdam => (between(40_000, 120, 1_350), fine, 2_500),
        Category::MobilePostpaid => (between(50_000, 200, 1_300), 0, 0),
        Category::EwalletTopup => (chosen.unwrap_or(DIRECT), 0, 800),
        Category::Internet | Category::CableTv => (DIRECT, 0, 2_500),
        Category::Insurance => (DIRECT, 0, 3_000),
        Category::Instalment | Category::CreditCard => (DIRECT, 0, 5_000),
        Category::PlnPrepaid | Category::MobilePrepaid => (chosen.unwrap_or_default(), 0, 0),
    };
    let from = 1_000 + number % 40_000;
    let bill = CustomerBill {
        name: format!("PELANGGAN {:04}", number % 10_000),
        amount,
        fine: fine.min(amount),
        admin,
        bills: months,
        periods: (1..=months).rev().map(|back| month_before(now, back)).collect(),
        meter: (from, from + 5 + number % 60),
        variety: number % 1_000,
    };
    sample(category, order_id, bill)
}

/// A bill of one month of such a customer, for what a biller says of its fees beforehand.
pub fn one(category: Category, order_id: &str) -> CustomerBill {
    let bill = bill(category, order_id, None, Instant::from_micros(0));
    CustomerBill { admin: bill.admin / i64::from(bill.bills.max(1)), bills: 1, ..bill }
}

/// The bills of the numbers that the documents' samples name.
fn sample(category: Category, order_id: &str, bill: CustomerBill) -> CustomerBill {
    let one = |amount, admin, period: &str| CustomerBill {
        amount,
        admin,
        fine: 0,
        bills: 1,
        periods: vec![period.into()],
        ..bill.clone()
    };
    match (category, order_id) {
        (Category::PlnPrepaid, "520520795556") => CustomerBill { name: "RAISA".into(), ..bill },
        (Category::PlnPostpaid, "530000000001") => one(301_180, 2_500, "201711"),
        (Category::BpjsKesehatan, "8801835307911") => one(100_000, 5_000, &bill.periods[0].clone()),
        (Category::Pdam, "400400400400400") => one(bill.amount, 2_500, "201510"),
        (Category::MobilePostpaid, "0888666777") => one(125_400, 0, &bill.periods[0].clone()),
        // The sample pays without asking first.
        (Category::CableTv, "401101338833") => one(10_000, 2_500, &bill.periods[0].clone()),
        (Category::EwalletTopup, "081218816222") => CustomerBill { name: "OVO NO** D** AN*****I".into(), ..bill },
        _ => bill,
    }
}

/// The month so many months ago, `YYYYMM`, by Jakarta's clock.
fn month_before(now: Instant, months: u32) -> String {
    let text = now.jakarta_text();
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(1);
    let month = (part(0..4) * 12 + part(5..7)).saturating_sub(1 + months);
    format!("{:04}{:02}", month / 12, month % 12 + 1)
}

/// Twenty digits that look like an electricity token, always the same for one order.
pub fn token(reference: &str) -> String {
    digest::sha256(reference.as_bytes()).iter().take(20).map(|byte| char::from(b'0' + byte % 10)).collect()
}

/// A token as it is printed, in groups of four.
pub fn grouped(token: &str) -> String {
    let groups: Vec<String> =
        token.as_bytes().chunks(4).map(|group| group.iter().map(|byte| char::from(*byte)).collect()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_always_has_the_same_bill_and_the_samples_have_theirs() {
        let now = Instant::parse("2026-01-20T10:00:00+07:00").expect("a time");
        let of = |category, number: &str| bill(category, number, None, now);
        assert_eq!(of(Category::Pdam, "10202001"), of(Category::Pdam, "10202001"));
        assert_eq!(of(Category::PlnPostpaid, "530000000001").amount, 301_180);
        assert_eq!(of(Category::BpjsKesehatan, "8801835307911").total(), 105_000);
        assert_eq!(of(Category::MobilePostpaid, "0888666777").total(), 125_400);
        assert_eq!(of(Category::PlnNonTaglis, "3225030005921").periods, ["202512"]);
        for number in 0..200 {
            let number = format!("53{number:010}");
            let bill = of(Category::PlnPostpaid, &number);
            assert!(bill.amount > 0 && bill.fine <= bill.amount && bill.bills as usize == bill.periods.len());
            assert!(bill.meter.0 < bill.meter.1);
        }
    }

    #[test]
    fn tokens_have_twenty_digits() {
        let token = token("A01J");
        assert!(token.len() == 20 && token.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(grouped(&token).len(), 24);
    }
}
