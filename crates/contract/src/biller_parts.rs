//! Rows that several biller services share, and how those rows are understood.
//!
//! The documents' lengths are kept where they can be meant. Three cannot: a `password` and an `order_id` of 3 characters,
//! and a `signature` of 32 for 64 hexadecimal digits; other pages of the same documents have 32 and 128, which hold here
//! for lenient and for strict merchants alike.

use std::sync::Arc;

use lifecycle::{
    Refusal,
    biller::{AdditionalField, BillerProduct},
    merchant::{BillerAccess, Strictness},
    request::ServiceCode,
};

use crate::{
    biller_envelope::case_of,
    document::Document,
    field::{self, Field, Kind, malformed, missing},
    operation::{Fault, ReadContext},
};

const SIGNATURE_PAGE: &str = "Espay, Biller Product Signature";

pub(crate) const fn rq_uuid_row(source: &'static str) -> Field {
    Field::mandatory(
        source,
        "rq_uuid",
        Kind::Text(255),
        "Your `sender_id` and a text of your own, unique for ever; a repeat is 210.",
    )
}

pub(crate) const fn rq_datetime_row(source: &'static str) -> Field {
    Field::mandatory(
        source,
        "rq_datetime",
        Kind::JakartaTime,
        "When you sent it; not compared with our clock, and no part of the signature.",
    )
}

pub(crate) const fn sender_id_row(source: &'static str, length_max: usize) -> Field {
    Field::mandatory(source, "sender_id", Kind::Text(length_max), "Yours.").lenient(Kind::Text(50))
}

pub(crate) const fn password_row(source: &'static str) -> Field {
    Field::mandatory(source, "password", Kind::Text(32), "Yours; not that of the Basic authentication.")
        .lenient(Kind::Text(128))
}

pub(crate) const fn signature_row() -> Field {
    Field::mandatory(
        SIGNATURE_PAGE,
        "signature",
        Kind::Text(128),
        "SHA-256, 64 hexadecimal digits, over `##`, the parts below and your key joined by `##`, `##`, in upper case.",
    )
}

pub(crate) const fn order_id_row(source: &'static str) -> Field {
    Field::mandatory(
        source,
        "order_id",
        Kind::Reference(32),
        "The customer's number: phone, meter, card, contract. Each product says what it must be.",
    )
}

pub(crate) const fn product_code_row(source: &'static str) -> Field {
    Field::mandatory(source, "product_code", Kind::Text(16), "The product.").lenient(Kind::Text(32))
}

pub(crate) const fn additional_data_row(source: &'static str, doc: &'static str) -> Field {
    Field::optional(source, "additional_data", Kind::JsonText(999), doc).sample(r#"{"amount": "10000000"}"#)
}

pub(crate) const fn echo_row(source: &'static str) -> Field {
    Field::mandatory(source, "rq_uuid", Kind::Text(255), "As you sent it.")
}

pub(crate) const fn answered_at_row(source: &'static str) -> Field {
    Field::mandatory(source, "rs_datetime", Kind::JakartaTime, "When it was answered.")
}

/// The other name that three of the documents' pages have for it.
pub(crate) const fn answered_at_too_row(source: &'static str) -> Field {
    Field::mandatory(source, "rq_datetime", Kind::JakartaTime, "As `rs_datetime`.")
}

pub(crate) const fn error_code_row(source: &'static str) -> Field {
    Field::mandatory(source, "error_code", Kind::Text(4), "`0000`; anything else is below.")
}

pub(crate) const fn error_desc_row(source: &'static str) -> Field {
    Field::mandatory(source, "error_desc", Kind::Text(128), "`Success`, or `Inproses`, or what is wrong.")
}

pub(crate) const fn error_message_row(source: &'static str) -> Field {
    Field::mandatory(source, "error_message", Kind::Text(128), "As `error_desc`.")
}

/// A fault in the words of a refusal.
pub(crate) fn refused(service: ServiceCode, refusal: &Refusal) -> Fault {
    let (case, argument) = case_of(service, refusal);
    Fault { case, argument }
}

/// What lets the merchant use the biller services.
pub(crate) fn access<'a>(context: &ReadContext<'a>, service: ServiceCode) -> Result<&'a BillerAccess, Fault> {
    context.merchant.biller.as_ref().ok_or_else(|| refused(service, &Refusal::ProductNotAllowed))
}

/// The product and the customer's number that a call names: 405 when nobody sells the product or not this merchant, 103
/// when the number cannot be one of this product.
pub(crate) fn order<'a>(
    document: &Document<'_>,
    context: &ReadContext<'a>,
    service: ServiceCode,
) -> Result<(&'a Arc<BillerProduct>, String), Fault> {
    let denied = || refused(service, &Refusal::ProductNotAllowed);
    let named = document.text("product_code").ok_or_else(|| missing("product_code"))?;
    let product = context.catalogue.product(&product_code(named, context)).ok_or_else(denied)?;
    if !access(context, service)?.has(&product.code) {
        return Err(denied());
    }
    let order_id = document.text("order_id").ok_or_else(|| missing("order_id"))?;
    if !product.order.allows(order_id) {
        return Err(malformed("order_id"));
    }
    Ok((product, order_id.to_owned()))
}

/// A product's code as it is kept. One page of the documents prints codes with a blank inside.
pub(crate) fn product_code(named: &str, context: &ReadContext<'_>) -> String {
    match context.merchant.strictness {
        Strictness::Strict => named.to_owned(),
        Strictness::Lenient => {
            named.chars().filter(|letter| !letter.is_whitespace()).map(|letter| letter.to_ascii_uppercase()).collect()
        }
    }
}

/// `additional_data` by the product's own fields, name and text. Members that the product does not name are ignored.
pub(crate) fn additional(
    document: &Document<'_>,
    product: &BillerProduct,
    demanded: bool,
) -> Result<Vec<(String, String)>, Fault> {
    let text = document.text("additional_data").unwrap_or("{}");
    let members = Document::parse(text.as_bytes()).map_err(|_| malformed("additional_data"))?;
    let mut found = vec![];
    for wanted in &product.additional {
        let path = || format!("additional_data.{}", wanted.name);
        // A name with a dot in it would be a path; products have none.
        match members.text(&wanted.name) {
            Some(text) if allows(wanted, text) => found.push((wanted.name.clone(), text.to_owned())),
            Some(_) => return Err(malformed(path())),
            None if members.node(&wanted.name).is_some_and(|node| node.text().is_none() && !is_blank(node)) => {
                return Err(malformed(path()));
            }
            None if wanted.mandatory && demanded => return Err(missing(path())),
            None => {}
        }
    }
    Ok(found)
}

fn is_blank(node: &crate::document::Node<'_>) -> bool {
    matches!(node, crate::document::Node::Text(_))
}

fn allows(field: &AdditionalField, text: &str) -> bool {
    let fits = text.chars().count() <= field.length_max;
    fits && !text.chars().any(char::is_control) && (!field.digits || text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The amount that the customer chose, in `additional_data.amount`, hundredths of a rupiah.
pub(crate) fn chosen(document: &Document<'_>) -> Result<money::Amount, Fault> {
    const PATH: &str = "additional_data.amount";
    let text = document.text("additional_data").unwrap_or("{}");
    let members = Document::parse(text.as_bytes()).map_err(|_| malformed("additional_data"))?;
    let amount = members.text("amount").ok_or_else(|| missing(PATH))?;
    money::Amount::parse_biller(amount).map_err(|_| malformed(PATH))
}

/// A field that the table demands.
pub(crate) fn required<'d>(document: &'d Document<'_>, path: &str) -> Result<&'d str, Fault> {
    document.text(path).ok_or_else(|| field::missing(path))
}
