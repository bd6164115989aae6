//! What IAK's codes and answers mean: one table for purchases, one for bills. What is not here is unknown.

use lifecycle::{
    Reason,
    biller::Category,
    provider::{BillOrder, BillReceipt, Outcome, SourcePrice},
};
use serde_json::Value;

use crate::{
    HttpResponse,
    aggregator::{
        self, Asked, Meaning, Row, at_the_door,
        facts::{self, Facts},
        object, pending, recorded, rejected, row, rupiah, text, token_of,
    },
};

/// Reasons that several rows give.
const UNAVAILABLE: Reason = Reason::ProductUnavailable;
const UNKNOWN_CUSTOMER: Reason = Reason::CustomerUnknown;
const LIMIT: Reason = Reason::AccountLimitExceeded;
const NOT_PERMITTED: Reason = Reason::NotPermitted;
const FAILED: Reason = Reason::DoNotHonor;

/// Codes of purchases.
pub(super) const PREPAID: &[Row] = &[
    row("00", Meaning::Done, Meaning::Done, Meaning::Done),
    row("06", Meaning::Unknown, Meaning::Unknown, Meaning::NotFound),
    recorded("07", FAILED, FAILED, FAILED),
    recorded("10", LIMIT, LIMIT, LIMIT),
    recorded("12", LIMIT, LIMIT, LIMIT),
    recorded("13", Reason::AccountBlocked, Reason::AccountBlocked, Reason::AccountBlocked),
    recorded("14", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("16", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("17", Reason::FloatInsufficient, Reason::FloatInsufficient, Reason::FloatInsufficient),
    recorded("18", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("19", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("20", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("21", Reason::AccountInactive, Reason::AccountInactive, Reason::AccountInactive),
    pending("39"),
    rejected("102"),
    recorded("106", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    rejected("107"),
    at_the_door("110", Reason::CutOff, Reason::CutOff),
    rejected("117"),
    rejected("118"),
    recorded("121", LIMIT, LIMIT, LIMIT),
    recorded("131", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    recorded("132", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    recorded("141", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("142", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    row("143", Meaning::Unknown, Meaning::Unknown, Meaning::Unknown),
    pending("201"),
    // One number, one denomination, one day: a switch of our account there, and another source has its own.
    recorded("202", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("203", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    rejected("204"),
    rejected("205"),
    recorded("206", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    recorded("207", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
];

/// Codes of bills.
pub(super) const POSTPAID: &[Row] = &[
    row("00", Meaning::Done, Meaning::Done, Meaning::Done),
    // Paid: by us, perhaps, when it answers a payment.
    row("01", Meaning::Refused(Reason::BillPaidAlready), Meaning::Unknown, Meaning::Unknown),
    row("02", Meaning::Unknown, Meaning::Unknown, Meaning::NotFound),
    rejected("03"),
    // The inquiry is too old to be paid.
    rejected("04"),
    pending("05"),
    // The payment names no inquiry; a question about one never paid.
    row("06", Meaning::Unknown, Meaning::Rejected, Meaning::NotFound),
    recorded("07", FAILED, FAILED, FAILED),
    recorded("08", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    row("09", Meaning::Refused(UNAVAILABLE), Meaning::Unknown, Meaning::Unknown),
    recorded("10", Reason::NothingDue, Reason::NothingDue, Reason::NothingDue),
    row("11", Meaning::Unknown, Meaning::Refused(Reason::RepeatedAtSource), Meaning::Unknown),
    recorded("13", Reason::AccountBlocked, Reason::AccountBlocked, Reason::AccountBlocked),
    recorded("14", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("15", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("16", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("17", Reason::FloatInsufficient, Reason::FloatInsufficient, Reason::FloatInsufficient),
    recorded("20", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("30", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    recorded("31", Reason::AmountLimitExceeded, Reason::AmountLimitExceeded, Reason::AmountLimitExceeded),
    recorded("32", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    at_the_door("33", UNAVAILABLE, UNAVAILABLE),
    // Paid: by us, perhaps, when it answers a payment.
    row("34", Meaning::Refused(Reason::BillPaidAlready), Meaning::Unknown, Meaning::Unknown),
    recorded("35", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    recorded("36", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    recorded("37", FAILED, FAILED, FAILED),
    recorded("38", FAILED, FAILED, FAILED),
    pending("39"),
    row("40", Meaning::Refused(Reason::BillPaidAlready), Meaning::Unknown, Meaning::Unknown),
    recorded("41", NOT_PERMITTED, NOT_PERMITTED, NOT_PERMITTED),
    // The payment never arrived.
    row("42", Meaning::Unknown, Meaning::Unknown, Meaning::NotFound),
    rejected("43"),
    row("91", Meaning::Refused(UNAVAILABLE), Meaning::Unknown, Meaning::Unknown),
    row("92", Meaning::Refused(UNAVAILABLE), Meaning::Unknown, Meaning::Unknown),
    recorded("93", Reason::AmountInvalid, Reason::AmountInvalid, Reason::AmountInvalid),
    at_the_door("94", UNAVAILABLE, UNAVAILABLE),
    rejected("100"),
    rejected("101"),
    rejected("102"),
    // Labelled failed, and a time-out: the biller may have booked.
    row("103", Meaning::Refused(UNAVAILABLE), Meaning::TimedOut, Meaning::TimedOut),
    row("105", Meaning::Refused(UNAVAILABLE), Meaning::TimedOut, Meaning::TimedOut),
    recorded("106", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    rejected("107"),
    recorded("108", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("109", Reason::CutOff, Reason::CutOff, Reason::CutOff),
    at_the_door("110", Reason::CutOff, Reason::CutOff),
    rejected("117"),
    rejected("118"),
    pending("201"),
];

/// `data` of an answer, and its code under this name.
fn data(response: &HttpResponse, code: &str) -> Result<(Value, String), Outcome> {
    let mut answer = object(response).map_err(Outcome::Unknown)?;
    let data = answer.get_mut("data").map(Value::take).filter(Value::is_object);
    let data = data.ok_or_else(|| Outcome::Unknown("an answer without data".into()))?;
    let code = text(&data, code).ok_or_else(|| Outcome::Unknown("an answer without a code".into()))?;
    Ok((data, code))
}

/// `data` of an answer that says that all is done, if code and `status` agree and it is about our order.
fn done(
    rows: &[Row],
    (code_name, statuses): (&str, Statuses),
    reference: Option<&str>,
    asked: Asked,
    response: &HttpResponse,
) -> Result<Value, Outcome> {
    let (data, code) = data(response, code_name)?;
    let named = text(&data, "ref_id");
    if let (Some(named), Some(reference)) = (&named, reference)
        && named != reference
    {
        return Err(Outcome::Unknown("the answer to another order".into()));
    }
    let status = text(&data, "status");
    let outcome = aggregator::done(rows, &code, asked);
    let word = statuses.word(&outcome);
    if let (Some(status), Some(word)) = (&status, word)
        && status != word
    {
        return Err(Outcome::Unknown("code and status contradict each other".into()));
    }
    match outcome {
        // Without a status it is the question that was refused, and not the order.
        Err(Outcome::Refused(_)) if matches!(asked, Asked::Past(_)) && status.is_none() => {
            Err(Outcome::Unknown("a question that was refused".into()))
        }
        Err(outcome) => Err(outcome),
        Ok(()) if reference.is_some() && named.is_none() => {
            Err(Outcome::Unknown("a success that does not say of what".into()))
        }
        Ok(()) => Ok(data),
    }
}

/// What `status` is called: success, failure, in process.
#[derive(Clone, Copy)]
struct Statuses {
    success: &'static str,
    failure: &'static str,
    process: &'static str,
}

impl Statuses {
    /// The word that goes with an outcome; none where any does.
    fn word(self, outcome: &Result<(), Outcome>) -> Option<&'static str> {
        match outcome {
            Ok(()) => Some(self.success),
            Err(Outcome::Pending) => Some(self.process),
            Err(Outcome::Refused(_)) => Some(self.failure),
            Err(_) => None,
        }
    }
}

const PURCHASES: (&str, Statuses) = ("rc", Statuses { success: "1", failure: "2", process: "0" });
const BILLS: (&str, Statuses) = ("response_code", Statuses { success: "1", failure: "2", process: "3" });

/// `inquiry-pln`: whose meter it is. What it costs is the denomination.
pub(super) fn meter(order: &BillOrder, response: &HttpResponse) -> Outcome {
    let data = match done(PREPAID, PURCHASES, None, Asked::Due, response) {
        Ok(data) => data,
        Err(outcome) => return outcome,
    };
    let (Some(mut facts), Some(name)) = (facts::denomination(order), text(&data, "name")) else {
        return Outcome::Unknown("a meter without a name".into());
    };
    facts.customer_name = Some(name);
    facts.tell("meter_serial", text(&data, "meter_no"));
    facts.tell("class", text(&data, "segment_power"));
    due_or_unknown(facts, order)
}

fn due_or_unknown(facts: Facts, order: &BillOrder) -> Outcome {
    match facts.due(order) {
        Some(due) => Outcome::BillDue(Box::new(due)),
        None => Outcome::Unknown("an inquiry's answer without an amount".into()),
    }
}

/// `inq-pasca`: what is due, and the number to pay it by. `price` is the customer's and `selling_price` is ours, the other
/// way round than elsewhere.
pub(super) fn due(order: &BillOrder, response: &HttpResponse) -> Outcome {
    match done(POSTPAID, BILLS, Some(&order.reference), Asked::Due, response) {
        Ok(data) => due_or_unknown(bill_facts(&data, "tr_id"), order),
        Err(outcome) => outcome,
    }
}

fn bill_facts(data: &Value, reference: &str) -> Facts {
    let admin_fee = rupiah(data, "admin");
    let total = rupiah(data, "price");
    let bill_amount = total.zip(admin_fee).and_then(|(total, admin)| total.checked_sub(admin).ok());
    let desc = data.get("desc").unwrap_or(&Value::Null);
    let listed = ["tagihan", "bill"].iter().find_map(|member| desc.get(member)?.get("detail")?.as_array());
    let details: &[Value] = listed.map_or(&[], Vec::as_slice);
    let counted = ["lembar_tagihan", "bill_quantity", "jumlah_tagihan"].iter().find_map(|member| text(desc, member));
    let first_of = |detail: &Value, members: [&str; 2]| members.iter().find_map(|member| text(detail, member));
    let periods: Vec<String> = details.iter().filter_map(|detail| first_of(detail, ["periode", "period"])).collect();
    let fines = details.iter().filter_map(|detail| rupiah(detail, "denda").or_else(|| rupiah(detail, "penalty")));
    let penalty = fines.reduce(|sum, fine| sum.checked_add(fine).unwrap_or(sum));
    let joined = (!periods.is_empty()).then(|| periods.join(","));
    let mut facts = Facts {
        bill_amount,
        admin_fee,
        cost: rupiah(data, "selling_price"),
        bills: counted.and_then(|text| text.parse().ok()).unwrap_or(1),
        customer_name: text(data, "tr_name"),
        penalty,
        period: joined.or_else(|| text(data, "period")),
        reference: text(data, reference),
        more: vec![],
    };
    for (name, member) in [
        ("family_number", "jumlah_peserta"),
        ("branch_code", "kode_cabang"),
        ("branch_name", "nama_cabang"),
        ("remain_payment", "sisa_pembayaran"),
        ("transaction_name", "transaksi"),
        ("registration_no", "no_registrasi"),
        ("registration_date", "tanggal_registrasi"),
        ("item_name", "item_name"),
        ("plate_no", "no_pol"),
        ("chassis_no", "no_rangka"),
        ("tenor", "tenor"),
        ("installment", "installment"),
        ("penalty", "penalty_bill"),
        ("misc_fee", "misc_fee"),
        ("max_payment", "max_payment"),
        ("contribution_code", "kode_iuran"),
        ("program", "kode_program"),
        ("jht", "jht"),
        ("jkk", "jkk"),
        ("jkm", "jkm"),
        ("jpk", "jpk"),
        ("jpn", "jpn"),
        ("npp", "npp"),
        ("division", "kode_divisi"),
        ("effective_date", "tgl_efektif"),
        ("expiry_date", "tgl_expired"),
        ("due_date", "due_date"),
        ("insured", "insured"),
        ("policy_status", "policy_status"),
        ("class", "tarif"),
    ] {
        facts.tell(name, text(desc, member));
    }
    let first = details.first().unwrap_or(&Value::Null);
    let meter = |members| first_of(first, members).and_then(|text| text.parse::<u64>().ok());
    if let Some((from, to)) = meter(["meter_awal", "first_meter"]).zip(meter(["meter_akhir", "last_meter"])) {
        facts.tell("cubication", Some(to.saturating_sub(from).to_string()));
    }
    facts
}

/// What became of a purchase: its own answer, or the answer to a question.
pub(super) fn bought(order: &BillOrder, asked: Asked, response: &HttpResponse) -> Outcome {
    let data = match done(PREPAID, PURCHASES, Some(&order.reference), asked, response) {
        Ok(data) => data,
        Err(outcome) => return outcome,
    };
    // The official client's samples write the older name.
    let number = text(&data, "customer_id").or_else(|| text(&data, "hp"));
    if number.is_some_and(|number| number != order.order_id) {
        return Outcome::Unknown("the answer names another customer".into());
    }
    let serial = text(&data, "sn");
    let token = serial.as_deref().filter(|_| order.category == Category::PlnPrepaid).and_then(token_of);
    let told = serial.filter(|_| token.is_none());
    let provider_reference = text(&data, "tr_id").unwrap_or_else(|| order.reference.clone());
    let fields = told.into_iter().map(|serial| ("serial_no".to_owned(), serial)).collect();
    let cost = rupiah(&data, "price");
    Outcome::BillPaid(Box::new(BillReceipt { provider_reference, bill_amount: None, cost, token, fields }))
}

/// What became of a bill's payment: its own answer, or the answer to a question.
pub(super) fn paid(order: &BillOrder, asked: Asked, response: &HttpResponse) -> Outcome {
    let data = match done(POSTPAID, BILLS, Some(&order.reference), asked, response) {
        Ok(data) => data,
        Err(outcome) => return outcome,
    };
    if text(&data, "hp").is_some_and(|number| number != order.order_id) {
        return Outcome::Unknown("the answer names another customer".into());
    }
    let facts = bill_facts(&data, "noref");
    let provider_reference = [facts.reference.clone(), text(&data, "tr_id")].into_iter().flatten().next();
    let provider_reference = provider_reference.unwrap_or_else(|| order.reference.clone());
    let bill_amount = facts.bill_amount.and_then(|amount| facts::amount_of(order, amount, facts.admin_fee));
    let cost = facts.cost;
    let fields = facts.due(order).map(|due| due.fields).unwrap_or_default();
    Outcome::BillPaid(Box::new(BillReceipt { provider_reference, bill_amount, cost, token: None, fields }))
}

/// `check-balance`.
pub(super) fn float(response: &HttpResponse) -> Outcome {
    match data(response, "rc") {
        Ok((data, code)) => match (aggregator::done(PREPAID, &code, Asked::Due), rupiah(&data, "balance")) {
            (Ok(()), Some(balance)) => Outcome::Float(balance),
            (Ok(()), None) => Outcome::Unknown("no balance in the answer".into()),
            (Err(outcome), _) => outcome,
        },
        Err(outcome) => outcome,
    }
}

/// The items of a price list: `data` itself, or a member of it.
fn items(rows: &[Row], member: &str, response: &HttpResponse) -> Result<Vec<Value>, Outcome> {
    let mut answer = object(response).map_err(Outcome::Unknown)?;
    let data = answer.get_mut("data").map_or(Value::Null, Value::take);
    let code = text(&data, "rc").or_else(|| text(&data, "response_code"));
    if let Some(code) = code {
        aggregator::done(rows, &code, Asked::Due)?;
    }
    match data {
        Value::Array(items) => Ok(items),
        Value::Object(mut data) => match data.remove(member) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Outcome::Unknown("no list in the answer".into())),
        },
        _ => Err(Outcome::Unknown("no list in the answer".into())),
    }
}

/// `pricelist`: what is bought. It names no hours.
pub(super) fn purchase_prices(response: &HttpResponse) -> Result<Vec<SourcePrice>, Outcome> {
    let price = |item: &Value| {
        let word = |member: &str| text(item, member).unwrap_or_default();
        Some(SourcePrice {
            sku: text(item, "product_code")?,
            name: format!("{} {}", word("product_description"), word("product_nominal")).trim().to_owned(),
            category: word("product_type"),
            brand: word("product_description"),
            cost: rupiah(item, "product_price"),
            admin: None,
            commission: None,
            available: word("status") == "active",
            cut_off: None,
            // A hyphen stands for nothing there.
            description: text(item, "product_details").filter(|details| details != "-").unwrap_or_default(),
        })
    };
    Ok(items(PREPAID, "pricelist", response)?.iter().filter_map(price).collect())
}

/// `pricelist-pasca`: which bills it takes; `fee` is its admin fee, `komisi` our share of it.
pub(super) fn bill_prices(response: &HttpResponse) -> Result<Vec<SourcePrice>, Outcome> {
    let price = |item: &Value| {
        let word = |member: &str| text(item, member).unwrap_or_default();
        Some(SourcePrice {
            sku: text(item, "code")?,
            name: word("name"),
            category: word("type"),
            brand: word("category"),
            cost: None,
            admin: rupiah(item, "fee"),
            commission: rupiah(item, "komisi"),
            available: word("status") == "1",
            cut_off: None,
            description: word("province"),
        })
    };
    Ok(items(POSTPAID, "pasca", response)?.iter().filter_map(price).collect())
}
