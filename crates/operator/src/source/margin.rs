//! What is left to us of a product that a source delivers, by its list and by our price.

use lifecycle::{
    biller::{BillerProduct, Price, Pricing, Window},
    provider::SourcePrice,
};
use money::Amount;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// What is left to us of one sale (of a bill: of each of its months), in sen: what the merchant pays less what the source
/// takes. Less than nothing is a loss. None where the list does not tell. A percentage is counted of the smallest amount.
pub(super) fn left(product: &BillerProduct, price: &Price, listed: &SourcePrice) -> Option<i64> {
    let (taken, cost) = match product.pricing {
        Pricing::Denomination { bill_amount, .. } => {
            let admin_fee = price.admin_fee(bill_amount).ok()?;
            let on_top = if product.admin_included { Amount::ZERO } else { admin_fee };
            (bill_amount.sen() + on_top.sen() + kept(price, admin_fee), listed.cost?.sen())
        }
        // The bill itself goes through our hands: fees are left.
        Pricing::Due | Pricing::Open { .. } => {
            let least = if let Pricing::Open { min, .. } = product.pricing { min } else { Amount::ZERO };
            let admin_fee = price.admin_fee(least).ok()?;
            let share = listed.commission.map_or(0, Amount::sen);
            // Where the bill holds the admin fee, the source's own is in it, and goes through our hands too.
            match product.admin_included {
                true => (kept(price, admin_fee), -listed.commission?.sen()),
                false => (admin_fee.sen() + kept(price, admin_fee), listed.admin?.sen() - share),
            }
        }
    };
    Some(taken.saturating_sub(cost))
}

/// What the merchant pays beyond the customer's price, less its share of the admin fee, in sen.
fn kept(price: &Price, admin_fee: Amount) -> i64 {
    price.fee_sen.saturating_sub(price.margin_sen.min(admin_fee.sen()))
}

/// Whether the source is closed at a minute at which we sell.
pub(super) fn closed_while_open(ours: Option<Window>, source: Option<Window>) -> bool {
    let Some(source) = source else { return false };
    let closed_here = |minute: u16| ours.is_some_and(|window| window.contains_minute(minute));
    (0..DAY_MINUTES).any(|minute| source.contains_minute(minute) && !closed_here(minute))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn listed(cost: Option<u32>, admin: Option<u32>, commission: Option<u32>) -> SourcePrice {
        SourcePrice {
            sku: "x".into(),
            name: String::new(),
            category: String::new(),
            brand: String::new(),
            cost: cost.map(Amount::rupiah),
            admin: admin.map(Amount::rupiah),
            commission: commission.map(Amount::rupiah),
            available: true,
            cut_off: None,
            description: String::new(),
        }
    }

    fn product(pricing: Pricing, admin_included: bool) -> BillerProduct {
        let product = (**catalogue::Catalogue::builtin().products().next().unwrap()).clone();
        BillerProduct { pricing, admin_included, ..product }
    }

    #[test]
    fn what_is_left_is_what_the_merchant_pays_less_what_the_source_takes() {
        let price = Price { admin_fee_sen: 350_000, admin_fee_bp: 0, fee_sen: 25_000, margin_sen: 50_000 };
        let percent = Price { admin_fee_bp: 100, ..Price::default() };
        let bill_amount = Amount::rupiah(49_500);
        let credit = Pricing::Denomination { face: Amount::rupiah(50_000), bill_amount };
        let open = Pricing::Open { min: Amount::rupiah(10_000), max: Amount::rupiah(100_000) };
        for (pricing, included, price, listed, rupiah) in [
            // 49,500 + 3,500 + 250 - 500
            (credit, false, price, listed(Some(52_750), None, None), Some(0)),
            (credit, false, price, listed(Some(52_751), None, None), Some(-1)),
            (credit, true, price, listed(Some(49_250), None, None), Some(0)),
            (credit, false, price, listed(None, Some(2_500), None), None),
            // 3,500 + 250 - 500, less what the source keeps of its fee
            (Pricing::Due, false, price, listed(None, Some(2_500), Some(1_000)), Some(1_750)),
            (Pricing::Due, false, price, listed(None, Some(4_000), None), Some(-750)),
            (Pricing::Due, true, price, listed(None, Some(5_000), Some(300)), Some(50)),
            (Pricing::Due, true, price, listed(None, Some(5_000), Some(200)), Some(-50)),
            (Pricing::Due, false, price, listed(Some(10_000), None, None), None),
            // One percent of the least that can be chosen.
            (open, false, percent, listed(None, Some(101), None), Some(-1)),
        ] {
            let left = left(&product(pricing, included), &price, &listed);
            assert_eq!(left, rupiah.map(|rupiah: i64| rupiah * 100), "{pricing:?} {included} {listed:?}");
        }
    }

    #[test]
    fn a_margin_is_never_more_than_the_admin_fee() {
        let price = Price { admin_fee_sen: 100_000, margin_sen: 500_000, ..Price::default() };
        let product = product(Pricing::Due, false);
        assert_eq!(left(&product, &price, &listed(None, Some(0), None)), Some(0));
    }

    #[test]
    fn a_source_may_be_closed_only_while_we_are() {
        let window = |from: u16, to: u16| Some(Window { from_minute: from * 60, to_minute: to * 60 });
        for (ours, source, expected) in [
            (None, None, false),
            (window(23, 1), None, false),
            (None, window(23, 1), true),
            (window(23, 1), window(23, 1), false),
            (window(22, 2), window(23, 1), false),
            (window(23, 1), window(22, 1), true),
            (window(23, 1), window(0, 2), true),
        ] {
            assert_eq!(closed_while_open(ours, source), expected, "{ours:?} {source:?}");
        }
    }
}
