//! The numbers that Digiflazz publishes for tests, with their endings and sums: what `testing: true` plays. Other numbers
//! are played by the sandbox's own table.

use serde_json::{Value, json};

use crate::imitation::{biller::Status, bills::CustomerBill};

/// The serial of a purchase.
const PURCHASE_SERIAL: &str = "1234567890";
/// The serial of a bill.
const BILL_SERIAL: &str = "S1234554321N";
/// What is left of the buyer's money there while nothing is delivered, in rupiah.
const BALANCE: i64 = 1_000_000;

/// How the order of a number ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Delivered at once.
    Paid,
    /// The inquiry fails.
    NotInquired,
    /// The payment fails at once.
    Failed,
    /// Pending, then delivered.
    PaidLater,
    /// Pending, then failed.
    FailedLater,
}

/// The numbers of a code. Where there are two that are paid, the second one has two bills.
struct Row {
    sku: &'static str,
    paid: &'static [&'static str],
    not_inquired: Option<&'static str>,
    failed: &'static str,
    paid_later: &'static [&'static str],
    failed_later: &'static str,
}

const fn row(
    sku: &'static str,
    paid: &'static [&'static str],
    not_inquired: Option<&'static str>,
    failed: &'static str,
    paid_later: &'static [&'static str],
    failed_later: &'static str,
) -> Row {
    Row { sku, paid, not_inquired, failed, paid_later, failed_later }
}

/// Every row of the page of test cases.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("xld10", &["087800001230"], None, "087800001232", &["087800001233"], "087800001234"),
    row("pln", &["530000000001", "530000000002"], Some("530000000003"), "530000000006", &["630000000001", "630000000002"], "630000000006"),
    row("pdam", &["1013226"], Some("1013227"), "1013230", &["2013226"], "2013230"),
    row("internet", &["6391601001"], Some("6391601002"), "6391601005", &["7391601001"], "7391601005"),
    row("bpjs", &["8801234560001"], Some("8801234560002"), "8801234560005", &["9801234560001"], "9801234560005"),
    row("multifinance", &["6391601201"], Some("6391601202"), "6391601205", &["7391601201"], "7391601205"),
    row("cimahi", &["329801092375999991"], Some("329801092375999992"), "329801092375999995", &["429801092375999991"], "429801092375999995"),
    row("pdl", &["3298010921"], Some("3298010922"), "3298010923", &["4298010921"], "4298010923"),
    row("pgas", &["0110014601", "0110014602"], Some("0110014603"), "0110014605", &["1110014601", "1110014602"], "1110014605"),
    row("tv", &["127246500101"], Some("127246500102"), "127246500105", &["227246500101"], "227246500105"),
    row("bpjstk", &["8102051011270001"], Some("8102051011270002"), "8102051011270003", &["9102051011270001"], "9102051011270003"),
    row("bpjstkpu", &["400000100001"], Some("400000100002"), "400000100003", &["500000100001"], "500000100003"),
    row("plnnontaglist", &["3225030005921"], Some("3225030005922"), "3225030005923", &["4225030005921"], "4225030005923"),
    row("emoney", &["082100000001"], Some("082100000002"), "082100000003", &["082110000001"], "082110000003"),
    row("samsat", &["9658548523568701,0212502110170100"], Some("9658548523568702,0212502110170100"), "9658548523568705,0212502110170100",
        &["0658548523568701,0212502110170100"], "0658548523568705,0212502110170100"),
    row("hp", &["081234554320"], Some("081234554321"), "081234554324", &["081244554320"], "081244554324"),
];

/// What a published bill comes to, in rupiah: bills and fines, the fines in it, the admin fee, what is taken of our
/// deposit, and how many bills it is.
type Sums = (i64, i64, i64, i64, u32);

/// The sums that are published; every other number owes what the sandbox's customers do.
fn sums(sku: &str, bills: u32) -> Option<Sums> {
    Some(match (sku, bills) {
        ("pln", 1) => (8_500, 500, 2_500, 10_000, 1),
        ("pln", _) => (20_000, 0, 5_000, 23_000, 2),
        ("pdam", _) => (10_000, 0, 2_500, 11_500, 1),
        ("internet", _) => (19_500, 0, 5_000, 22_500, 2),
        ("bpjs", _) => (22_500, 0, 2_500, 24_700, 1),
        ("pgas", 1) => (97_500, 0, 2_500, 99_500, 1),
        ("tv", _) => (99_000, 0, 2_500, 100_500, 1),
        ("bpjstk", _) => (15_000, 0, 2_500, 16_500, 1),
        ("hp", _) => (10_000, 0, 2_500, 11_000, 1),
        _ => return None,
    })
}

/// A published number of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TestNumber {
    sku: &'static str,
    bills: u32,
    /// How its order ends.
    pub ending: Ending,
}

/// What is published of a code and a number.
pub(super) fn find(sku: &str, number: &str) -> Option<TestNumber> {
    let row = ROWS.iter().find(|row| row.sku == sku)?;
    let place = |numbers: &[&str]| {
        let place = numbers.iter().position(|known| *known == number)?;
        u32::try_from(place + 1).ok()
    };
    let one = |known: &str| (known == number).then_some(1);
    let endings = [
        (place(row.paid), Ending::Paid),
        (row.not_inquired.and_then(one), Ending::NotInquired),
        (one(row.failed), Ending::Failed),
        (place(row.paid_later), Ending::PaidLater),
        (one(row.failed_later), Ending::FailedLater),
    ];
    let found = endings.into_iter().find_map(|(bills, ending)| Some((bills?, ending)));
    found.map(|(bills, ending)| TestNumber { sku: row.sku, bills, ending })
}

impl TestNumber {
    /// Where its order stands at first.
    pub(super) fn status(self) -> Status {
        match self.ending {
            Ending::Paid => Status::Delivered,
            Ending::NotInquired | Ending::Failed => Status::Failed,
            Ending::PaidLater => Status::InProcess(true),
            Ending::FailedLater => Status::InProcess(false),
        }
    }

    /// What it owes, made of the sandbox's bill of the number.
    pub(super) fn bill(self, bill: CustomerBill) -> CustomerBill {
        let Some((amount, fine, admin, _, bills)) = sums(self.sku, self.bills) else {
            return CustomerBill { bills: self.bills, ..bill };
        };
        let months: &[&str] = match self.sku {
            "internet" => &["MEI 2019", "JUN 2019"],
            _ => &["201901", "201902"],
        };
        let periods = months.iter().take(bills as usize).map(|month| (*month).to_owned()).collect();
        CustomerBill { amount, fine, admin, bills, periods, meter: (80_000, 90_000), ..bill }
    }

    /// What a bill takes of our deposit, where that is published.
    pub(super) fn price(self) -> Option<i64> {
        sums(self.sku, self.bills).map(|(.., price, _)| price)
    }

    /// The serial of a delivered order.
    pub(super) fn serial(self) -> &'static str {
        if self.sku == "xld10" { PURCHASE_SERIAL } else { BILL_SERIAL }
    }

    /// What is left of the buyer's money after a purchase.
    pub(super) fn balance(self, status: Status, price: i64) -> i64 {
        if status == Status::Delivered { BALANCE - price } else { BALANCE }
    }

    /// What its `desc` holds that the sandbox's bills do not.
    pub(super) fn description(self) -> Value {
        match self.sku {
            "bpjs" => json!({"jumlah_peserta": "2"}),
            "bpjstk" => json!({"jkk": 10_000, "jkm": 2_500, "jht": 2_500}),
            _ => json!({}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_page_is_found_under_its_code_alone() {
        let mut count = 0;
        for row in ROWS {
            let single = row.not_inquired.iter().chain([&row.failed, &row.failed_later]);
            for number in row.paid.iter().chain(row.paid_later).chain(single) {
                assert!(find(row.sku, number).is_some(), "{} {number}", row.sku);
                count += 1;
            }
            assert_eq!(find(row.sku, "1"), None);
        }
        assert_eq!(count, 16 * 5 - 1 + 4);
        assert_eq!(find("another", "530000000001"), None);
    }
}
