//! The facts of a bill under the field names of `data`. Aggregators word them each in their own way; here they have one
//! name each, so that a merchant cannot tell who delivered.

use lifecycle::{
    biller::{Category, Pricing},
    provider::{BillDue, BillOrder},
};
use money::Amount;

use super::{chosen, whole_rupiah};

/// What an aggregator says of a bill, in words that no single one uses. Empty texts are not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bill and fines, without the aggregator's admin fee.
    pub bill_amount: Option<Amount>,
    /// The aggregator's admin fee for all bills together.
    pub admin_fee: Option<Amount>,
    /// What is taken from our deposit.
    pub cost: Option<Amount>,
    /// How many bills.
    pub bills: u32,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The fines in the bill.
    pub penalty: Option<Amount>,
    /// The periods, joined by commas, as the aggregator writes them.
    pub period: Option<String>,
    /// The aggregator's or biller's reference.
    pub reference: Option<String>,
    /// Further facts under their names in `data`.
    pub more: Vec<(String, String)>,
}

impl Facts {
    /// A further fact, where the aggregator tells it.
    pub fn tell(&mut self, name: &str, value: Option<String>) {
        self.more.extend(value.map(|value| (name.to_owned(), value)));
    }

    /// What is due. The source's own admin fee is part of it only where the product says so.
    pub fn due(self, order: &BillOrder) -> Option<BillDue> {
        let bill_amount = amount_of(order, self.bill_amount?, self.admin_fee)?;
        let fields = fields(order, &self, bill_amount);
        Some(BillDue {
            bill_amount,
            admin_fee: self.admin_fee,
            cost: self.cost,
            bills: self.bills.max(1),
            customer_name: self.customer_name,
            fields,
            provider_reference: self.reference,
        })
    }
}

/// The bill's amount as the product counts it.
pub fn amount_of(order: &BillOrder, bill_amount: Amount, admin_fee: Option<Amount>) -> Option<Amount> {
    if order.admin_included {
        bill_amount.checked_add(admin_fee.unwrap_or(Amount::ZERO)).ok()
    } else {
        Some(bill_amount)
    }
}

/// What is due for a denomination, which nobody has to be asked for.
pub fn denomination(order: &BillOrder) -> Option<Facts> {
    let Pricing::Denomination { bill_amount, .. } = order.pricing else { return None };
    Some(Facts { bill_amount: Some(bill_amount), bills: 1, ..Facts::default() })
}

/// `201911` as `NOV19`, the form of the documents' samples; anything else as it is.
fn month_name(period: &str) -> String {
    const NAMES: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let whole = period.len() == 6 && period.bytes().all(|byte| byte.is_ascii_digit());
    let name = whole.then(|| period[4..].parse::<usize>().ok()?.checked_sub(1).and_then(|month| NAMES.get(month)));
    name.flatten().map_or_else(|| period.to_owned(), |name| format!("{name}{}", &period[2..4]))
}

/// Under which names, and in which order, a category tells its facts.
fn fields(order: &BillOrder, facts: &Facts, bill_amount: Amount) -> Vec<(String, String)> {
    let told = match order.category {
        Category::PlnPrepaid | Category::PlnPostpaid | Category::PlnNonTaglis => electricity(order, facts, bill_amount),
        Category::MobilePrepaid | Category::MobilePostpaid | Category::EwalletTopup => phone(order, facts, bill_amount),
        Category::BpjsKesehatan | Category::Pdam => household(order, facts, bill_amount),
        Category::Insurance | Category::Instalment | Category::CreditCard => contract(order, facts, bill_amount),
        Category::Internet | Category::CableTv => vec![
            ("customer_id", number(order)),
            ("customer_name", facts.customer_name.clone()),
            ("period", facts.period.clone()),
            ("bill_amount", rupiah(bill_amount)),
            ("admin_fee", facts.admin_fee.and_then(rupiah)),
            ("reff_no", facts.reference.clone()),
            ("amount", padded(bill_amount)),
        ],
    };
    let mut fields: Vec<(String, String)> =
        told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    for (name, value) in &facts.more {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1.clone_from(value),
            None => fields.push((name.clone(), value.clone())),
        }
    }
    fields
}

/// A field's name, and its value where the aggregator tells it.
type Told = (&'static str, Option<String>);

fn number(order: &BillOrder) -> Option<String> {
    Some(order.order_id.clone())
}

/// Whole rupiah as text.
fn rupiah(amount: Amount) -> Option<String> {
    Some(whole_rupiah(amount).to_string())
}

/// Whole rupiah in twelve digits, as some of the documents' samples have it.
fn padded(amount: Amount) -> Option<String> {
    Some(format!("{:0>12}", whole_rupiah(amount)))
}

fn electricity(order: &BillOrder, facts: &Facts, bill_amount: Amount) -> Vec<Told> {
    let who = [("customer_id", number(order)), ("customer_name", facts.customer_name.clone())];
    let amounts = [("bill_amount", rupiah(bill_amount)), ("admin_fee", facts.admin_fee.and_then(rupiah))];
    match order.category {
        Category::PlnPrepaid => who.into_iter().chain([("price", rupiah(bill_amount))]).collect(),
        Category::PlnPostpaid => {
            let months = |text: &String| text.split(',').map(month_name).collect::<Vec<_>>().join(",");
            let bills = Some(facts.bills.max(1).to_string());
            let what = [("total_bill", bills), ("bill_period", facts.period.as_ref().map(months))];
            who.into_iter().chain(what).chain(amounts).collect()
        }
        _ => [("registration_no", number(order))].into_iter().chain(who).chain(amounts).collect(),
    }
}

fn phone(order: &BillOrder, facts: &Facts, bill_amount: Amount) -> Vec<Told> {
    match order.category {
        Category::MobilePrepaid => {
            let face = match order.pricing {
                Pricing::Denomination { face, .. } => Some((whole_rupiah(face) / 1000).to_string()),
                Pricing::Due | Pricing::Open { .. } => None,
            };
            vec![("denomination", face), ("price", rupiah(bill_amount))]
        }
        Category::EwalletTopup => vec![("customer_name", facts.customer_name.clone())],
        _ => vec![
            ("phone_no", number(order)),
            ("bill_total", Some(facts.bills.max(1).to_string())),
            ("bill_ref", facts.reference.clone()),
            ("bill_amount", padded(bill_amount)),
            ("customer_name", facts.customer_name.clone()),
            ("region_code", Some("00".into())),
        ],
    }
}

fn household(order: &BillOrder, facts: &Facts, bill_amount: Amount) -> Vec<Told> {
    if order.category == Category::Pdam {
        return vec![
            ("bill_amount", rupiah(bill_amount)),
            ("bill_date", facts.period.clone()),
            ("bill_total", Some(format!("{:02}", facts.bills.max(1)))),
            ("customer_id", number(order)),
            ("customer_name", facts.customer_name.clone()),
            ("penalty", facts.penalty.and_then(rupiah)),
            ("ref_no", facts.reference.clone()),
        ];
    }
    vec![
        ("va_number", number(order)),
        ("customer_id", number(order)),
        ("customer_name", facts.customer_name.clone()),
        ("bill_period", facts.period.clone()),
        ("bill_amount", rupiah(bill_amount)),
        ("admin_fee", facts.admin_fee.and_then(rupiah)),
        ("amount", rupiah(bill_amount)),
        ("remain_payment", Some("0".into())),
        ("reff_code", facts.reference.clone()),
    ]
}

fn contract(order: &BillOrder, facts: &Facts, bill_amount: Amount) -> Vec<Told> {
    let admin_fee = ("admin_fee", facts.admin_fee.and_then(rupiah));
    if order.category == Category::Insurance {
        return vec![
            ("policy_no", number(order)),
            ("insured", facts.customer_name.clone()),
            ("bill_amount", rupiah(bill_amount)),
            admin_fee,
            ("customer_id", number(order)),
            ("amount", padded(bill_amount)),
        ];
    }
    // A card's number stands in both of these categories, and is no one's to read in full.
    let hidden = Some(hidden(&order.order_id));
    let contract_no = if order.category == Category::CreditCard { None } else { number(order) };
    vec![
        ("contract_no", contract_no),
        ("customer_name", facts.customer_name.clone()),
        ("penalty", facts.penalty.and_then(rupiah)),
        admin_fee,
        ("reff_no", facts.reference.clone()),
        ("card_no", hidden),
        ("amount", padded(bill_amount)),
    ]
}

/// A card's number with all but the first six and last four digits hidden.
fn hidden(card: &str) -> String {
    let last = card.len().saturating_sub(4);
    card.char_indices().map(|(place, digit)| if (6..last).contains(&place) { '*' } else { digit }).collect()
}

/// Whether an inquiry's answer is one that the order may be paid by: the same amount, where one is known.
pub fn is_what_was_ordered(order: &BillOrder, due: &BillDue) -> bool {
    chosen(order).is_none_or(|amount| amount == due.bill_amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_the_samples_names() {
        for (period, name) in [("201711", "NOV17"), ("202601", "JAN26"), ("202613", "202613"), ("01", "01"), ("", "")] {
            assert_eq!(month_name(period), name);
        }
    }

    #[test]
    fn a_card_is_shown_by_its_ends() {
        assert_eq!(hidden("5289133888888888"), "528913******8888");
        assert_eq!(hidden("123"), "123");
    }
}
