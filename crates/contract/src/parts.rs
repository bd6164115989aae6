//! What several operations read or write in the same way: rows of their tables, and how those rows are understood.

use calendar::Instant;
use lifecycle::{
    Answer, Digest, Merchant, PaymentId, ProductCode, Refusal,
    payment::{Payment, PaymentStatus},
    refund::{Refund, RefundStatus},
    request::ServiceCode,
};
use protocol::codes;

use crate::{
    document::Document,
    envelope,
    field::{self, Field, Kind, malformed},
    operation::{Fault, ProductFacts, ReadContext, ReplyBody},
    redirect, refusals,
};

/// The registry of products on the wire, `productCode`, and its lengths: 16 by the tables, though samples are longer.
pub(crate) const fn product_row(source: &'static str, doc: &'static str) -> Field {
    Field::mandatory(source, "additionalInfo.productCode", Kind::Text(16), doc).lenient(Kind::Text(64))
}

/// The reference of a call that changes something: never used for another one.
pub(crate) const fn reference_row(source: &'static str) -> Field {
    Field::mandatory(
        source,
        "partnerReferenceNo",
        Kind::Text(64),
        "Your reference of this call, never used for another one of this service.",
    )
}

/// The reference of a question: asking twice is not doing twice, so it may be used again.
pub(crate) const fn question_row(source: &'static str) -> Field {
    Field::mandatory(
        source,
        "partnerReferenceNo",
        Kind::Text(64),
        "Your reference of this question; may be used again.",
    )
}

/// The object that holds what the standard has no place for.
pub(crate) const fn additional_row(source: &'static str) -> Field {
    Field::optional(source, "additionalInfo", Kind::Object, "What the standard has no place for.")
}

/// `partnerReferenceNo` in a reply.
pub(crate) const fn reference_reply_row(source: &'static str) -> Field {
    Field::mandatory(source, "partnerReferenceNo", Kind::Text(64), "As you sent it.")
}

/// A text that the table of the operation demands.
pub(crate) fn required(document: &Document<'_>, path: &str) -> Result<String, Fault> {
    optional(document, path).ok_or_else(|| field::missing(path))
}

/// A text that may be left out.
pub(crate) fn optional(document: &Document<'_>, path: &str) -> Option<String> {
    document.text(path).map(str::to_owned)
}

/// A phone number in its one form.
pub(crate) fn phone(document: &Document<'_>, path: &str) -> Option<String> {
    document.text(path).and_then(field::canonical_phone)
}

/// The digest under which a token or code is looked up.
pub(crate) fn token(document: &Document<'_>, path: &str, context: &ReadContext<'_>) -> Option<Digest> {
    document.text(path).map(context.digest)
}

/// `id`, unless the caller says `en`.
pub(crate) fn lang(document: &Document<'_>) -> String {
    document.text("lang").unwrap_or("id").to_ascii_lowercase()
}

/// The product that a field names: 400/01 when nobody sells it.
pub(crate) fn named_product<'a>(
    document: &Document<'_>,
    path: &str,
    context: &ReadContext<'a>,
) -> Result<Option<&'a ProductFacts>, Fault> {
    document
        .text(path)
        .map(|code| context.products.iter().find(|product| product.code == code).ok_or_else(|| malformed(path)))
        .transpose()
}

/// As [`named_product`], and 403/01 when the merchant may not use it.
pub(crate) fn own_product<'a>(
    document: &Document<'_>,
    path: &str,
    context: &ReadContext<'a>,
) -> Result<Option<&'a ProductFacts>, Fault> {
    let product = named_product(document, path, context)?;
    match product {
        Some(product) if !context.merchant.has(&code(product)) => Err(refusals::fault_of(&Refusal::ProductNotAllowed)),
        product => Ok(product),
    }
}

/// The product's code as the lifecycles know it.
pub(crate) fn code(product: &ProductFacts) -> ProductCode {
    ProductCode::new(product.code.as_str())
}

/// An address that the browser may be sent to: 400/01 when the merchant's list does not allow it.
pub(crate) fn redirect(
    document: &Document<'_>,
    path: &str,
    context: &ReadContext<'_>,
) -> Result<Option<String>, Fault> {
    match document.text(path) {
        Some(url) if !redirect::is_allowed(url, context.merchant) => Err(malformed(path)),
        url => Ok(url.map(str::to_owned)),
    }
}

/// Checks that a field, if it is there, names the calling merchant: by its code, its alias, or one of these words.
pub(crate) fn names_caller(
    document: &Document<'_>,
    path: &str,
    merchant: &Merchant,
    words: &[&str],
) -> Result<(), Fault> {
    let Some(text) = document.text(path) else {
        return Ok(());
    };
    let known = text == merchant.code.as_str()
        || merchant.alias.as_deref() == Some(text)
        || words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if known {
        Ok(())
    } else {
        Err(Fault { case: &codes::INVALID_MERCHANT, argument: Some(format!("{path} is not yours")) })
    }
}

/// The reply to an answer that the operation has no words of its own for.
pub(crate) fn otherwise(service: ServiceCode, answer: &Answer) -> ReplyBody {
    match answer {
        Answer::Refused(refusal) => envelope::refusal_reply(service, refusal),
        _ => envelope::unexpected(service),
    }
}

/// The payment that a field names by our id; a text that is no id of ours names no payment.
pub(crate) fn payment_id(document: &Document<'_>, path: &str) -> Result<Option<PaymentId>, Fault> {
    document.text(path).map(|text| text.parse().map_err(|_| no_such_payment())).transpose()
}

/// The fault of a question about a payment that is not there.
pub(crate) fn no_such_payment() -> Fault {
    refusals::fault_of(&Refusal::PaymentNotFound)
}

/// The products of which this is true.
pub(crate) fn able(context: &ReadContext<'_>, able: impl Fn(&ProductFacts) -> bool) -> Vec<ProductCode> {
    context.products.iter().filter(|product| able(product)).map(code).collect()
}

/// When money went back; while that is not known, when it was asked for.
pub(crate) fn refunded_at(refund: &Refund) -> Instant {
    match refund.status {
        RefundStatus::Succeeded { at, .. } | RefundStatus::Failed { at, .. } => at,
        RefundStatus::Refunding { .. } | RefundStatus::Unknown { .. } | RefundStatus::Owed { .. } => refund.created_at,
    }
}

/// When the outcome of a payment was known, if it is.
pub(crate) fn ended_at(payment: &Payment) -> Option<Instant> {
    match &payment.status {
        PaymentStatus::Succeeded { at, .. }
        | PaymentStatus::SucceededLate { at, .. }
        | PaymentStatus::Failed { at, .. } => Some(*at),
        PaymentStatus::Checkout
        | PaymentStatus::Confirming
        | PaymentStatus::Charging { .. }
        | PaymentStatus::AwaitingCustomer { .. }
        | PaymentStatus::Unknown { .. } => None,
    }
}
