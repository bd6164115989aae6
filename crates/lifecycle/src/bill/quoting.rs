//! What a bill costs: from what is due, from a denomination, or from the total that a merchant names.

use money::Amount;

use super::Bill;
use crate::{
    Reason, Refusal,
    biller::{Pricing, Quote},
    provider::BillDue,
};

/// What a bill costs, once the source said what is due.
pub(super) fn of_due(bill: &Bill, due: &BillDue) -> Result<Quote, Refusal> {
    let bill_amount = match bill.pricing {
        Pricing::Denomination { bill_amount, .. } => bill_amount,
        Pricing::Due => due.bill_amount,
        // What is paid is what the source says: were it another amount, that would come to light after the payment.
        Pricing::Open { .. } if bill.chosen.is_some_and(|chosen| chosen != due.bill_amount) => {
            return Err(Refusal::BillAmountDiffers);
        }
        Pricing::Open { .. } => due.bill_amount,
    };
    if bill_amount == Amount::ZERO {
        return Err(Refusal::Provider(Reason::NothingDue));
    }
    of_amount(bill, bill_amount, due.bills)
}

/// What a bill of this amount costs; the admin fee is taken for each of its months.
pub(super) fn of_amount(bill: &Bill, bill_amount: Amount, bills: u32) -> Result<Quote, Refusal> {
    let too_large = |_| Refusal::Provider(Reason::AmountInvalid);
    let one = bill.price.admin_fee(bill_amount).map_err(too_large)?;
    let all = one.sen().saturating_mul(i64::from(bills.max(1)));
    let admin_fee = Amount::from_sen(all).map_err(too_large)?;
    if bill.admin_included {
        let without = bill_amount.checked_sub(admin_fee).map_err(too_large)?;
        let quote = bill.price.quote_with(without, admin_fee).map_err(too_large)?;
        return Ok(Quote { bill_amount, ..quote });
    }
    bill.price.quote_with(bill_amount, admin_fee).map_err(too_large)
}

/// The quote of a bill without an inquiry, whose total the merchant names.
pub(super) fn of_total(bill: &Bill, total: Amount) -> Result<Quote, Refusal> {
    let differs = |_| Refusal::BillAmountDiffers;
    if bill.admin_included {
        return of_amount(bill, total, 1).map_err(differs);
    }
    // The total grows with the bill's amount, so at most one amount has it; a percentage is rounded, so maybe none.
    let (mut low, mut high) = (0, total.sen());
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let quote = Amount::from_sen(middle).map_err(|_| Refusal::BillAmountDiffers)?;
        match of_amount(bill, quote, 1) {
            Ok(quote) if quote.amount <= total => low = middle,
            _ => high = middle - 1,
        }
    }
    let bill_amount = Amount::from_sen(low).map_err(|_| Refusal::BillAmountDiffers)?;
    let quote = of_amount(bill, bill_amount, 1).map_err(differs)?;
    if quote.amount != total || bill_amount == Amount::ZERO {
        return Err(Refusal::BillAmountDiffers);
    }
    Ok(quote)
}
