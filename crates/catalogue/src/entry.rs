//! One entry of a file of products: read field by field, so that whatever is wrong names its field; then completed by
//! its template and the file's defaults, and checked into a [`BillerProduct`].

use lifecycle::{
    ProductCode,
    biller::{AdditionalField, BillerProduct, Category, OrderRule, Price, Pricing, Source, Window},
};
use money::Amount;
use serde::{Deserialize, de::DeserializeOwned};
use toml::{Table, Value};

use crate::limits::{
    ADDITIONAL_LENGTH_MAX, ADDITIONAL_MAX, CODE_LENGTH_MAX, FIELDS_MAX, NAME_LENGTH_MAX, ORDER_LENGTH_MAX,
    PREFIXES_MAX, RUPIAH_MAX, SKU_LENGTH_MAX, SOURCES_MAX,
};

/// What is wrong with which field.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) problem: String,
}

/// A fault of this field.
pub(crate) fn fault(field: &str, problem: impl Into<String>) -> Fault {
    Fault { field: field.to_owned(), problem: problem.into() }
}

/// The fields that an entry may have, as written; a product's own, a template's or the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) code: Option<String>,
    /// The template's name.
    pub(crate) like: Option<String>,
    category: Option<String>,
    name: Option<String>,
    operator: Option<String>,
    order: Option<WrittenOrder>,
    needs_inquiry: Option<bool>,
    pricing: Option<WrittenPricing>,
    additional: Option<Vec<WrittenAdditional>>,
    data_fields: Option<Vec<String>>,
    receipt_fields: Option<Vec<String>>,
    price: Option<WrittenPrice>,
    admin_included: Option<bool>,
    cut_off: Option<String>,
    sources: Option<Vec<WrittenSource>>,
    own_code: Option<bool>,
    sample_order: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOrder {
    name: String,
    min: usize,
    max: usize,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    letters: bool,
}

/// Amounts in whole rupiah.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WrittenPricing {
    Due,
    /// The bill is the face value.
    Denomination(u32),
    /// The bill is another amount than the face value.
    Priced {
        face: u32,
        bill_amount: u32,
    },
    Open {
        min: u32,
        max: u32,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAdditional {
    name: String,
    mandatory: bool,
    length_max: usize,
    #[serde(default)]
    digits: bool,
}

/// Fixed parts in whole rupiah.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrice {
    admin_fee: u32,
    #[serde(default)]
    admin_fee_bp: u32,
    #[serde(default)]
    fee: u32,
    #[serde(default)]
    margin: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSource {
    connector: String,
    sku: String,
}

/// The value in the form that the field has.
pub(crate) fn read<T: DeserializeOwned>(field: &str, value: Value) -> Result<T, Fault> {
    value.try_into().map_err(|error: toml::de::Error| fault(field, error.message()))
}

impl Entry {
    /// Reads an entry's table.
    pub(crate) fn from_table(table: Table) -> Result<Self, Fault> {
        let mut entry = Self::default();
        for (field, value) in table {
            entry.set(&field, value)?;
        }
        Ok(entry)
    }

    fn set(&mut self, field: &str, value: Value) -> Result<(), Fault> {
        match field {
            "code" => self.code = Some(read(field, value)?),
            "like" => self.like = Some(read(field, value)?),
            "category" => self.category = Some(read(field, value)?),
            "name" => self.name = Some(read(field, value)?),
            "operator" => self.operator = Some(read(field, value)?),
            "order" => self.order = Some(read(field, value)?),
            "needs_inquiry" => self.needs_inquiry = Some(read(field, value)?),
            "pricing" => self.pricing = Some(read(field, value)?),
            "additional" => self.additional = Some(read(field, value)?),
            "data_fields" => self.data_fields = Some(read(field, value)?),
            "receipt_fields" => self.receipt_fields = Some(read(field, value)?),
            "price" => self.price = Some(read(field, value)?),
            "admin_included" => self.admin_included = Some(read(field, value)?),
            "cut_off" => self.cut_off = Some(read(field, value)?),
            "sources" => self.sources = Some(read(field, value)?),
            "own_code" => self.own_code = Some(read(field, value)?),
            "sample_order" => self.sample_order = Some(read(field, value)?),
            _ => return Err(fault(field, "there is no such field")),
        }
        Ok(())
    }

    /// What is not said here is as in the other. Code and template are never taken over.
    pub(crate) fn or(self, other: &Self) -> Self {
        let other = other.clone();
        Self {
            code: self.code,
            like: self.like,
            category: self.category.or(other.category),
            name: self.name.or(other.name),
            operator: self.operator.or(other.operator),
            order: self.order.or(other.order),
            needs_inquiry: self.needs_inquiry.or(other.needs_inquiry),
            pricing: self.pricing.or(other.pricing),
            additional: self.additional.or(other.additional),
            data_fields: self.data_fields.or(other.data_fields),
            receipt_fields: self.receipt_fields.or(other.receipt_fields),
            price: self.price.or(other.price),
            admin_included: self.admin_included.or(other.admin_included),
            cut_off: self.cut_off.or(other.cut_off),
            sources: self.sources.or(other.sources),
            own_code: self.own_code.or(other.own_code),
            sample_order: self.sample_order.or(other.sample_order),
        }
    }

    /// The product. A category of the file's is given; without one the entry names its own.
    pub(crate) fn product(self, category: Option<Category>) -> Result<BillerProduct, Fault> {
        let category = match (category, self.category) {
            (Some(category), None) => category,
            (Some(_), Some(_)) => return Err(fault("category", "the file's name says it already")),
            (None, name) => Category::parse(&required("category", name)?)
                .ok_or_else(|| fault("category", format!("one of {}", Category::ALL.map(Category::name).join(", "))))?,
        };
        let order = order_rule(required("order", self.order)?)?;
        let sample_order = required("sample_order", self.sample_order)?;
        if !order.allows(&sample_order) {
            return Err(fault("sample_order", format!("{sample_order} breaks the rule of its own order")));
        }
        let needs_inquiry = required("needs_inquiry", self.needs_inquiry)?;
        let pricing = pricing(required("pricing", self.pricing)?)?;
        let additional = additional_fields(self.additional.unwrap_or_default())?;
        check_pricing(pricing, needs_inquiry, &additional)?;
        Ok(BillerProduct {
            code: ProductCode::new(code(required("code", self.code)?)?),
            name: name("name", required("name", self.name)?)?,
            category,
            operator: name("operator", required("operator", self.operator)?)?,
            order,
            needs_inquiry,
            pricing,
            additional,
            data_fields: field_names("data_fields", required("data_fields", self.data_fields)?, 1)?,
            receipt_fields: field_names("receipt_fields", self.receipt_fields.unwrap_or_default(), 0)?,
            price: price(&required("price", self.price)?)?,
            admin_included: self.admin_included.unwrap_or_default(),
            cut_off: self.cut_off.as_deref().map(window).transpose()?,
            sources: sources(required("sources", self.sources)?)?,
            own_code: self.own_code.unwrap_or_default(),
            sample_order,
        })
    }
}

fn required<T>(field: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| fault(field, "must be there, in the entry, its template or the defaults"))
}

fn code(text: String) -> Result<String, Fault> {
    let allowed = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    match allowed && (1..=CODE_LENGTH_MAX).contains(&text.len()) {
        true => Ok(text),
        false => Err(fault("code", format!("1 to {CODE_LENGTH_MAX} capital letters and digits"))),
    }
}

/// A text for people: not empty, no spaces at its ends, nothing unprintable.
fn name(field: &str, text: String) -> Result<String, Fault> {
    let fits = (1..=NAME_LENGTH_MAX).contains(&text.chars().count());
    match fits && text.trim() == text && !text.chars().any(char::is_control) {
        true => Ok(text),
        false => Err(fault(field, format!("1 to {NAME_LENGTH_MAX} characters, no spaces at the ends"))),
    }
}

fn order_rule(written: WrittenOrder) -> Result<OrderRule, Fault> {
    let rule = OrderRule {
        name: name("order.name", written.name)?,
        length_min: written.min,
        length_max: written.max,
        prefixes: written.prefixes,
        letters: written.letters,
    };
    if rule.length_min == 0 || rule.length_min > rule.length_max || rule.length_max > ORDER_LENGTH_MAX {
        return Err(fault("order", format!("min and max are from 1 to {ORDER_LENGTH_MAX}, min not above max")));
    }
    let allowed = |byte: u8| byte.is_ascii_digit() || (rule.letters && byte.is_ascii_alphabetic());
    let fits = |prefix: &String| (1..=rule.length_min).contains(&prefix.len()) && prefix.bytes().all(allowed);
    if rule.prefixes.len() > PREFIXES_MAX || !rule.prefixes.iter().all(fits) {
        return Err(fault(
            "order.prefixes",
            format!("at most {PREFIXES_MAX}, each as the number and not longer than it"),
        ));
    }
    Ok(rule)
}

/// Whole rupiah as an amount above nothing.
fn amount(field: &str, rupiah: u32) -> Result<Amount, Fault> {
    match (1..=RUPIAH_MAX).contains(&rupiah) {
        true => Ok(Amount::rupiah(rupiah)),
        false => Err(fault(field, format!("whole rupiah from 1 to {RUPIAH_MAX}"))),
    }
}

fn pricing(written: WrittenPricing) -> Result<Pricing, Fault> {
    match written {
        WrittenPricing::Due => Ok(Pricing::Due),
        WrittenPricing::Denomination(rupiah) => {
            let face = amount("pricing", rupiah)?;
            Ok(Pricing::Denomination { face, bill_amount: face })
        }
        WrittenPricing::Priced { face, bill_amount } => {
            Ok(Pricing::Denomination { face: amount("pricing", face)?, bill_amount: amount("pricing", bill_amount)? })
        }
        WrittenPricing::Open { min, max } if min > max => Err(fault("pricing", "min is above max")),
        WrittenPricing::Open { min, max } => {
            Ok(Pricing::Open { min: amount("pricing", min)?, max: amount("pricing", max)? })
        }
    }
}

/// What is due can only be learned by an inquiry; what the customer chooses must be said in one.
fn check_pricing(pricing: Pricing, needs_inquiry: bool, additional: &[AdditionalField]) -> Result<(), Fault> {
    let says_amount = additional.iter().any(|field| field.name == "amount" && field.mandatory && field.digits);
    match (pricing, needs_inquiry) {
        (Pricing::Due, false) => Err(fault("pricing", "what is due is learned by an inquiry: set needs_inquiry")),
        (Pricing::Open { .. }, true) if !says_amount => {
            Err(fault("additional", "an inquiry for an open amount needs the mandatory digits `amount`"))
        }
        _ => Ok(()),
    }
}

fn additional_fields(written: Vec<WrittenAdditional>) -> Result<Vec<AdditionalField>, Fault> {
    if written.len() > ADDITIONAL_MAX {
        return Err(fault("additional", format!("at most {ADDITIONAL_MAX}")));
    }
    let names = written.iter().map(|field| field.name.clone()).collect();
    field_names("additional", names, 0)?;
    if !written.iter().all(|field| (1..=ADDITIONAL_LENGTH_MAX).contains(&field.length_max)) {
        return Err(fault("additional.length_max", format!("from 1 to {ADDITIONAL_LENGTH_MAX}")));
    }
    let field = |field: WrittenAdditional| AdditionalField {
        name: field.name,
        mandatory: field.mandatory,
        length_max: field.length_max,
        digits: field.digits,
    };
    Ok(written.into_iter().map(field).collect())
}

/// Names of fields or of a receipt's lines: each once.
fn field_names(field: &str, names: Vec<String>, count_min: usize) -> Result<Vec<String>, Fault> {
    if !(count_min..=FIELDS_MAX).contains(&names.len()) {
        return Err(fault(field, format!("from {count_min} to {FIELDS_MAX} names")));
    }
    for (index, text) in names.iter().enumerate() {
        name(field, text.clone())?;
        if names[..index].contains(text) {
            return Err(fault(field, format!("{text} is there twice")));
        }
    }
    Ok(names)
}

fn price(written: &WrittenPrice) -> Result<Price, Fault> {
    let sen = |field: &str, rupiah: u32| match rupiah <= RUPIAH_MAX {
        true => Ok(Amount::rupiah(rupiah).sen()),
        false => Err(fault(field, format!("whole rupiah from 0 to {RUPIAH_MAX}"))),
    };
    if written.admin_fee_bp > 10_000 {
        return Err(fault("price.admin_fee_bp", "at most 10000, which is the whole bill"));
    }
    Ok(Price {
        admin_fee_sen: sen("price.admin_fee", written.admin_fee)?,
        admin_fee_bp: written.admin_fee_bp,
        fee_sen: sen("price.fee", written.fee)?,
        margin_sen: sen("price.margin", written.margin)?,
    })
}

/// `23:00-01:00`.
fn window(text: &str) -> Result<Window, Fault> {
    let minute = |time: &str| {
        let (hour, minute) = time.split_once(':')?;
        let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok());
        let (hour, minute): (u16, u16) = (two(hour)??, two(minute)??);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    text.split_once('-')
        .and_then(|(from, to)| Some(Window { from_minute: minute(from)?, to_minute: minute(to)? }))
        .filter(|window| window.from_minute != window.to_minute)
        .ok_or_else(|| fault("cut_off", format!("{text} is not two different times like 23:00-01:00")))
}

fn sources(written: Vec<WrittenSource>) -> Result<Vec<Source>, Fault> {
    if !(1..=SOURCES_MAX).contains(&written.len()) {
        return Err(fault("sources", format!("from 1 to {SOURCES_MAX}")));
    }
    let word =
        |text: &str| (1..=SKU_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    for (index, source) in written.iter().enumerate() {
        if !word(&source.connector) || !word(&source.sku) {
            return Err(fault("sources", "connector and sku are words without spaces"));
        }
        if written[..index].iter().any(|other| other.connector == source.connector && other.sku == source.sku) {
            return Err(fault("sources", format!("{} {} is there twice", source.connector, source.sku)));
        }
    }
    Ok(written.into_iter().map(|source| Source { connector: source.connector, sku: source.sku }).collect())
}
