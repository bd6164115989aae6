//! What a biller product is, as the lifecycles need it: whose number it takes, what it costs, when it is closed, and who
//! can deliver it. `catalogue` reads every product from its data.

use calendar::Instant;
use money::{Amount, MoneyError};

use crate::ProductCode;

/// The categories of the overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Electricity tokens.
    PlnPrepaid,
    /// Electricity bills.
    PlnPostpaid,
    /// Electricity: new connections, penalties and the like.
    PlnNonTaglis,
    /// Health insurance of the state.
    BpjsKesehatan,
    /// Water.
    Pdam,
    /// Phone credit and data.
    MobilePrepaid,
    /// Phone bills.
    MobilePostpaid,
    /// E-wallet top-up.
    EwalletTopup,
    /// Internet and fixed line.
    Internet,
    /// Cable television.
    CableTv,
    /// Insurance premiums.
    Insurance,
    /// Instalments.
    Instalment,
    /// Credit card bills.
    CreditCard,
}

impl Category {
    /// Every category, in the order of the overview.
    pub const ALL: [Self; 13] = [
        Self::PlnPrepaid,
        Self::PlnPostpaid,
        Self::PlnNonTaglis,
        Self::BpjsKesehatan,
        Self::Pdam,
        Self::MobilePrepaid,
        Self::MobilePostpaid,
        Self::EwalletTopup,
        Self::Internet,
        Self::CableTv,
        Self::Insurance,
        Self::Instalment,
        Self::CreditCard,
    ];

    /// The one word for it, snake case; also the name of its file of products.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PlnPrepaid => "pln_prepaid",
            Self::PlnPostpaid => "pln_postpaid",
            Self::PlnNonTaglis => "pln_non_taglis",
            Self::BpjsKesehatan => "bpjs_kesehatan",
            Self::Pdam => "pdam",
            Self::MobilePrepaid => "mobile_prepaid",
            Self::MobilePostpaid => "mobile_postpaid",
            Self::EwalletTopup => "ewallet_topup",
            Self::Internet => "internet",
            Self::CableTv => "cable_tv",
            Self::Insurance => "insurance",
            Self::Instalment => "instalment",
            Self::CreditCard => "credit_card",
        }
    }

    /// The category of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

/// One product that can be inquired and paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillerProduct {
    /// `product_code`, at most 16 characters.
    pub code: ProductCode,
    /// Its name for people.
    pub name: String,
    /// Its category.
    pub category: Category,
    /// Who is paid in the end: the operator, the utility, the wallet.
    pub operator: String,
    /// What the customer's number (`order_id`) must be.
    pub order: OrderRule,
    /// Whether Bill Inquiry comes before Bill Payment.
    pub needs_inquiry: bool,
    /// Where the bill's amount comes from.
    pub pricing: Pricing,
    /// What `additional_data` may hold.
    pub additional: Vec<AdditionalField>,
    /// The names of the fields of `data`, in the order of the documents' samples, that the answer carries.
    pub data_fields: Vec<String>,
    /// The names of the lines of the receipt.
    pub receipt_fields: Vec<String>,
    /// What merchants pay for it unless something else was agreed with them.
    pub price: Price,
    /// Whether what the biller says is due holds the admin fee already: then `amount` equals `bill_amount` on the wire.
    pub admin_included: bool,
    /// When it is closed every day, by Jakarta's clock.
    pub cut_off: Option<Window>,
    /// Who can deliver it, in order of preference.
    pub sources: Vec<Source>,
    /// Whether the code is our own; the others are Espay's.
    pub own_code: bool,
    /// A number that the order rule allows, for walks through the sandbox; the documents' own sample where there is one.
    pub sample_order: String,
}

/// What a customer's number must be. Letters are allowed only where `letters` says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRule {
    /// What it is called: meter number, phone number, ...
    pub name: String,
    /// The fewest characters.
    pub length_min: usize,
    /// The most characters.
    pub length_max: usize,
    /// One of these begins it; empty: anything does.
    pub prefixes: Vec<String>,
    /// Whether letters are allowed besides digits.
    pub letters: bool,
}

impl OrderRule {
    /// Whether the text can be such a number.
    pub fn allows(&self, order_id: &str) -> bool {
        let length = order_id.len();
        let allowed = |byte: u8| byte.is_ascii_digit() || (self.letters && byte.is_ascii_alphabetic());
        (self.length_min..=self.length_max).contains(&length)
            && order_id.bytes().all(allowed)
            && (self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| order_id.starts_with(prefix.as_str())))
    }
}

/// Where a bill's amount comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pricing {
    /// Always the same; the provider delivers it.
    Denomination {
        /// The value that the customer gets, like Rp 50,000 of phone credit.
        face: Amount,
        /// What is due for it before any admin fee, like Rp 49,500; the same as the face value for most.
        bill_amount: Amount,
    },
    /// The provider says what is due.
    Due,
    /// The customer chooses, within bounds: in `additional_data.amount` with an inquiry, in `amount` without.
    Open {
        /// The least.
        min: Amount,
        /// The most.
        max: Amount,
    },
}

/// A field of `additional_data`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdditionalField {
    /// Its name.
    pub name: String,
    /// Whether it must be there.
    pub mandatory: bool,
    /// The most characters.
    pub length_max: usize,
    /// Digits only.
    pub digits: bool,
}

/// What is paid beside the bill. All parts are in sen or basis points (hundredths of a percent) of the bill's amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Admin fee that the customer pays on top of the bill: a fixed part, in sen.
    pub admin_fee_sen: i64,
    /// The rest of the admin fee, in basis points, rounded half up to a whole rupiah.
    pub admin_fee_bp: u32,
    /// Our fee for the merchant beyond what the customer pays, in sen.
    pub fee_sen: i64,
    /// The merchant's share of the admin fee, in sen: given back in the same commit that takes the rest.
    pub margin_sen: i64,
}

/// A bill's amounts by a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What is due at the biller, or the face value.
    pub bill_amount: Amount,
    /// What the customer pays on top.
    pub admin_fee: Amount,
    /// What the customer pays: the two together. `amount` on the wire.
    pub amount: Amount,
    /// What the merchant pays beyond that.
    pub fee: Amount,
    /// What the merchant keeps of it.
    pub margin: Amount,
}

impl Quote {
    /// What is reserved of the merchant's deposit or credit: amount and fee.
    pub fn reserved(&self) -> Result<Amount, MoneyError> {
        self.amount.checked_add(self.fee)
    }
}

/// Basis points in a whole.
const BASIS_POINTS: i128 = 10_000;
/// Sen in a rupiah.
const SEN_PER_RUPIAH: i128 = 100;

impl Price {
    /// The admin fee of a bill.
    pub fn admin_fee(&self, bill_amount: Amount) -> Result<Amount, MoneyError> {
        let unit = BASIS_POINTS * SEN_PER_RUPIAH;
        let part = i128::from(bill_amount.sen()) * i128::from(self.admin_fee_bp);
        let rounded = (part + unit / 2) / unit * SEN_PER_RUPIAH;
        let sen = i64::try_from(rounded + i128::from(self.admin_fee_sen)).map_err(|_| MoneyError::TooLarge)?;
        Amount::from_sen(sen)
    }

    /// The amounts of a bill. The margin never exceeds the admin fee.
    pub fn quote(&self, bill_amount: Amount) -> Result<Quote, MoneyError> {
        let admin_fee = self.admin_fee(bill_amount)?;
        self.quote_with(bill_amount, admin_fee)
    }

    /// The amounts of a bill whose admin fee is in it already or was named by the biller.
    pub fn quote_with(&self, bill_amount: Amount, admin_fee: Amount) -> Result<Quote, MoneyError> {
        Ok(Quote {
            bill_amount,
            admin_fee,
            amount: bill_amount.checked_add(admin_fee)?,
            fee: Amount::from_sen(self.fee_sen)?,
            margin: Amount::from_sen(self.margin_sen.min(admin_fee.sen()))?,
        })
    }
}

/// A part of every day, by Jakarta's clock, in minutes since midnight; it may reach over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From this minute.
    pub from_minute: u16,
    /// To the minute before this one.
    pub to_minute: u16,
}

impl Window {
    /// Whether the instant is within.
    pub fn contains(self, at: Instant) -> bool {
        self.contains_minute(at.jakarta_minute())
    }

    /// Whether a minute since midnight is within.
    pub fn contains_minute(self, minute: u16) -> bool {
        if self.from_minute <= self.to_minute {
            (self.from_minute..self.to_minute).contains(&minute)
        } else {
            minute >= self.from_minute || minute < self.to_minute
        }
    }
}

/// A time in which some products are closed, once: the maintenance calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Which products; empty: all.
    pub products: Vec<ProductCode>,
    /// From.
    pub from: Instant,
    /// To, not included.
    pub to: Instant,
}

/// Who can deliver a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The connector's name.
    pub connector: String,
    /// Its code for the product.
    pub sku: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_reach_over_midnight() {
        let at = |text: &str| Instant::parse(text).expect("a time");
        let window = Window { from_minute: 23 * 60, to_minute: 60 };
        let check = |text, expected| assert_eq!(window.contains(at(text)), expected, "{text}");
        check("2026-11-21T22:59:59+07:00", false);
        check("2026-11-21T23:00:00+07:00", true);
        check("2026-11-22T00:59:59+07:00", true);
        check("2026-11-22T01:00:00+07:00", false);
    }

    #[test]
    fn a_percentage_is_rounded_half_up_to_whole_rupiah() {
        let price = Price { admin_fee_sen: 0, admin_fee_bp: 166, fee_sen: 0, margin_sen: 0 };
        // 1.66 % of Rp 100,030 is Rp 1,660.498; of Rp 100,031 it is Rp 1,660.5146.
        assert_eq!(price.admin_fee(Amount::rupiah(100_030)), Ok(Amount::rupiah(1_660)));
        assert_eq!(price.admin_fee(Amount::rupiah(100_031)), Ok(Amount::rupiah(1_661)));
    }

    #[test]
    fn the_samples_amounts_come_from_their_prices() {
        let price = Price { admin_fee_sen: 250_000, ..Price::default() };
        let quote = price.quote(Amount::rupiah(200_000)).expect("it fits");
        assert_eq!((quote.amount.sen(), quote.admin_fee.sen()), (20_250_000, 250_000));
    }
}
