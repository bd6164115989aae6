//! What Digiflazz' codes and answers mean. Every code of its page has a row; what is not here is unknown.

use lifecycle::{
    Reason,
    biller::{Category, Pricing, Window},
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

/// Every code. Those of which Digiflazz says that no transaction was written prove something about that request only:
/// when such a code answers a question, an earlier request under the reference may have been taken.
pub(super) const ROWS: &[Row] = &[
    row("00", Meaning::Done, Meaning::Done, Meaning::Done),
    // Labelled failed, and a time-out: the seller may have delivered.
    row("01", Meaning::Refused(UNAVAILABLE), Meaning::TimedOut, Meaning::TimedOut),
    recorded("02", Reason::DoNotHonor, Reason::DoNotHonor, Reason::DoNotHonor),
    pending("03"),
    rejected("40"),
    rejected("41"),
    rejected("42"),
    at_the_door("43", UNAVAILABLE, UNAVAILABLE),
    at_the_door("44", Reason::FloatInsufficient, Reason::FloatInsufficient),
    rejected("45"),
    // Another buyer delivered it to the same number.
    at_the_door("47", Reason::BillPaidAlready, Reason::BillPaidAlready),
    // Our reference is spent: what was asked under it before is not known to have failed.
    row("49", Meaning::Unknown, Meaning::Refused(Reason::RepeatedAtSource), Meaning::Unknown),
    // No transaction under the reference. Of a payment it says that there was no inquiry to pay.
    row("50", Meaning::Refused(UNAVAILABLE), Meaning::Rejected, Meaning::NotFound),
    recorded("51", Reason::AccountBlocked, Reason::AccountBlocked, Reason::AccountBlocked),
    recorded("52", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("53", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("54", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("55", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    at_the_door("56", UNAVAILABLE, UNAVAILABLE),
    recorded("57", UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER, UNKNOWN_CUSTOMER),
    recorded("58", Reason::CutOff, Reason::CutOff, Reason::CutOff),
    // Outside of the seller's own region.
    recorded("59", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("60", Reason::NothingDue, Reason::NothingDue, Reason::NothingDue),
    rejected("61"),
    at_the_door("62", UNAVAILABLE, UNAVAILABLE),
    // The seller does not serve one number twice a day; another one may.
    at_the_door("63", UNAVAILABLE, UNAVAILABLE),
    rejected("64"),
    at_the_door("65", UNAVAILABLE, UNAVAILABLE),
    at_the_door("66", Reason::CutOff, Reason::CutOff),
    at_the_door("67", UNAVAILABLE, UNAVAILABLE),
    at_the_door("68", UNAVAILABLE, UNAVAILABLE),
    at_the_door("69", UNAVAILABLE, UNAVAILABLE),
    // Labelled failed, and a time-out.
    row("70", Meaning::Refused(UNAVAILABLE), Meaning::TimedOut, Meaning::TimedOut),
    recorded("71", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("72", Reason::NotPermitted, Reason::NotPermitted, Reason::NotPermitted),
    recorded("73", Reason::AccountLimitExceeded, Reason::AccountLimitExceeded, Reason::AccountLimitExceeded),
    // The money came back after the fact.
    row("74", Meaning::Unknown, Meaning::Reversed, Meaning::Reversed),
    rejected("80"),
    rejected("81"),
    rejected("82"),
    rejected("83"),
    recorded("84", Reason::AmountInvalid, Reason::AmountInvalid, Reason::AmountInvalid),
    recorded("85", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    recorded("86", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    // It takes multiples of Rp 1,000 of e-money; another source takes the rest.
    at_the_door("87", UNAVAILABLE, UNAVAILABLE),
    rejected("88"),
    pending("99"),
];

/// Codes whose `status` is not the failure's word.
fn status_word(code: &str) -> &'static str {
    match code {
        "00" => "Sukses",
        "03" | "99" => "Pending",
        _ => "Gagal",
    }
}

/// `data` of an answer, and its code, if both agree about what happened and whose order it is.
fn data(response: &HttpResponse) -> Result<(Value, String), Outcome> {
    let mut answer = object(response).map_err(Outcome::Unknown)?;
    let data = answer.get_mut("data").map(Value::take).filter(Value::is_object);
    let data = data.ok_or_else(|| Outcome::Unknown("an answer without data".into()))?;
    let code = text(&data, "rc").ok_or_else(|| Outcome::Unknown("an answer without rc".into()))?;
    if let Some(status) = text(&data, "status")
        && status != status_word(&code)
    {
        return Err(Outcome::Unknown("rc and status contradict each other".into()));
    }
    Ok((data, code))
}

/// `data` of an answer about this reference that says that all is done.
fn done(reference: &str, asked: Asked, response: &HttpResponse) -> Result<Value, Outcome> {
    let (data, code) = data(response)?;
    let named = text(&data, "ref_id");
    if named.as_deref().is_some_and(|named| named != reference) {
        return Err(Outcome::Unknown("the answer to another order".into()));
    }
    aggregator::done(ROWS, &code, asked)?;
    if named.is_none() {
        return Err(Outcome::Unknown("a success that does not say of what".into()));
    }
    Ok(data)
}

/// `/inquiry-pln`: whose meter it is. What it costs is the denomination.
pub(super) fn meter(order: &BillOrder, response: &HttpResponse) -> Outcome {
    let data = match data(response) {
        Ok((data, code)) => match aggregator::done(ROWS, &code, Asked::Due) {
            Ok(()) => data,
            Err(outcome) => return outcome,
        },
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

/// `inq-pasca`: what is due. `selling_price` is the customer's and `price` is ours, the other way round than elsewhere.
pub(super) fn due(order: &BillOrder, response: &HttpResponse) -> Outcome {
    match done(&order.reference, Asked::Due, response) {
        Ok(data) => due_or_unknown(bill_facts(&data), order),
        Err(outcome) => outcome,
    }
}

fn bill_facts(data: &Value) -> Facts {
    let admin_fee = rupiah(data, "admin");
    let total = rupiah(data, "selling_price");
    let bill_amount = total.zip(admin_fee).and_then(|(total, admin)| total.checked_sub(admin).ok());
    let desc = data.get("desc").unwrap_or(&Value::Null);
    let bills = text(desc, "lembar_tagihan").and_then(|text| text.parse().ok()).unwrap_or(1);
    let details: &[Value] = desc.get("detail").and_then(Value::as_array).map_or(&[], Vec::as_slice);
    let periods: Vec<String> = details.iter().filter_map(|detail| text(detail, "periode")).collect();
    let fines = details.iter().filter_map(|detail| rupiah(detail, "denda"));
    let penalty = fines.reduce(|sum, fine| sum.checked_add(fine).unwrap_or(sum));
    let joined = (!periods.is_empty()).then(|| periods.join(","));
    let mut facts = Facts {
        bill_amount,
        admin_fee,
        cost: rupiah(data, "price"),
        bills,
        customer_name: text(data, "customer_name"),
        penalty,
        period: joined.or_else(|| text(data, "periode")),
        reference: text(data, "ref_id"),
        more: vec![],
    };
    let first = details.first().unwrap_or(&Value::Null);
    for (name, member) in [
        ("family_number", "jumlah_peserta"),
        ("transaction_name", "transaksi"),
        ("registration_no", "no_registrasi"),
        ("registration_date", "tanggal_registrasi"),
        ("item_name", "item_name"),
        ("plate_no", "no_pol"),
        ("chassis_no", "no_rangka"),
        ("tenor", "tenor"),
        ("contribution_code", "kode_iuran"),
        ("program", "kode_program"),
        ("jht", "jht"),
        ("jkk", "jkk"),
        ("jkm", "jkm"),
        ("jpk", "jpk"),
        ("jpn", "jpn"),
        ("npp", "npp"),
        ("division", "kode_divisi"),
        ("branch_name", "kantor_cabang"),
        ("effective_date", "tgl_efektif"),
        ("expiry_date", "tgl_expired"),
        ("due_date", "jatuh_tempo"),
        ("class", "tarif"),
    ] {
        facts.tell(name, text(desc, member));
    }
    let meter = |member| text(first, member).and_then(|text| text.parse::<u64>().ok());
    if let Some((from, to)) = meter("meter_awal").zip(meter("meter_akhir")) {
        facts.tell("cubication", Some(to.saturating_sub(from).to_string()));
    }
    facts
}

/// What became of an order: its own answer, or the answer to a question.
pub(super) fn paid(order: &BillOrder, asked: Asked, response: &HttpResponse) -> Outcome {
    let data = match done(&order.reference, asked, response) {
        Ok(data) => data,
        Err(outcome) => return outcome,
    };
    if text(&data, "customer_no").is_some_and(|number| number != order.order_id) {
        return Outcome::Unknown("the answer names another customer".into());
    }
    if matches!(order.pricing, Pricing::Denomination { .. }) {
        return Outcome::BillPaid(Box::new(delivered(&data, order.category == Category::PlnPrepaid)));
    }
    let mut facts = bill_facts(&data);
    // What the customer paid is in the amounts; ours is the biller's reference, which the receipt shows.
    let serial = text(&data, "sn");
    if matches!(asked, Asked::Past(_)) && serial.is_none() {
        // Without it the answer cannot be told from that of the inquiry, which went under the same reference.
        return Outcome::Unknown("a success that may be the inquiry's".into());
    }
    let provider_reference = serial.clone().unwrap_or_else(|| order.reference.clone());
    let named = facts.bill_amount.and_then(|amount| facts::amount_of(order, amount, facts.admin_fee));
    facts.reference = serial;
    let (cost, due) = (facts.cost, facts.due(order));
    let fields = due.map(|due| due.fields).unwrap_or_default();
    Outcome::BillPaid(Box::new(BillReceipt { provider_reference, bill_amount: named, cost, token: None, fields }))
}

/// A purchase that was delivered. What the customer pays is the denomination; `price` is what it cost us.
fn delivered(data: &Value, token: bool) -> BillReceipt {
    let serial = text(data, "sn");
    let token = serial.as_deref().filter(|_| token).and_then(token_of);
    // A serial that holds a token is not told beside it.
    let told = serial.filter(|_| token.is_none());
    let fields = told.iter().map(|serial| ("serial_no".to_owned(), serial.clone())).collect();
    BillReceipt {
        provider_reference: told.or_else(|| text(data, "ref_id")).unwrap_or_default(),
        bill_amount: None,
        cost: rupiah(data, "price"),
        token,
        fields,
    }
}

/// What a notice that was verified says: our reference and the outcome, or none where it is better to ask. A bill that was
/// paid is asked about, because only the order tells how its amounts are counted; so is a purchase whose serial may or
/// may not be a token, because the notice does not say what was bought.
pub(super) fn notice(body: &Value) -> Option<(String, Option<Outcome>)> {
    let data = body.get("data")?;
    let (reference, code) = (text(data, "ref_id")?, text(data, "rc")?);
    if text(data, "status").is_some_and(|status| status != status_word(&code)) {
        return Some((reference, None));
    }
    let outcome = match aggregator::done(ROWS, &code, Asked::Past(0)) {
        Ok(()) if data.get("selling_price").is_some() || data.get("desc").is_some() => None,
        Ok(()) => {
            let serial = text(data, "sn").unwrap_or_default();
            let electricity = serial.split('/').count() > 2 && token_of(serial.split('/').next()?).is_some();
            let certain = electricity || token_of(&serial).is_none();
            certain.then(|| Outcome::BillPaid(Box::new(delivered(data, electricity))))
        }
        // Only its own answers tell what a question at the door proves.
        Err(Outcome::Unknown(_) | Outcome::NotFound) => None,
        Err(outcome) => Some(outcome),
    };
    Some((reference, outcome))
}

/// `/cek-saldo`.
pub(super) fn float(response: &HttpResponse) -> Outcome {
    let answer = match object(response) {
        Ok(answer) => answer,
        Err(evidence) => return Outcome::Unknown(evidence),
    };
    let data = answer.get("data").unwrap_or(&Value::Null);
    match rupiah(data, "deposit") {
        Some(deposit) => Outcome::Float(deposit),
        None => match text(data, "rc").map(|code| aggregator::done(ROWS, &code, Asked::Due)) {
            Some(Err(outcome)) => outcome,
            _ => Outcome::Unknown("no deposit in the answer".into()),
        },
    }
}

/// `/price-list`, either of the two: an item of bills has no price and no hours.
pub(super) fn prices(response: &HttpResponse) -> Result<Vec<SourcePrice>, Outcome> {
    let answer = object(response).map_err(Outcome::Unknown)?;
    let data = answer.get("data").unwrap_or(&Value::Null);
    if let Some(items) = data.as_array() {
        return Ok(items.iter().filter_map(price).collect());
    }
    match text(data, "rc").map(|code| aggregator::done(ROWS, &code, Asked::Due)) {
        Some(Err(outcome)) => Err(outcome),
        _ => Err(Outcome::Unknown("no list in the answer".into())),
    }
}

/// An item; one without our code for it is nobody's.
fn price(item: &Value) -> Option<SourcePrice> {
    let is_on = |member: &str| item.get(member).and_then(Value::as_bool) == Some(true);
    let word = |member: &str| text(item, member).unwrap_or_default();
    Some(SourcePrice {
        sku: text(item, "buyer_sku_code")?,
        name: word("product_name"),
        category: word("category"),
        brand: word("brand"),
        cost: rupiah(item, "price"),
        admin: rupiah(item, "admin"),
        commission: rupiah(item, "commission"),
        available: is_on("buyer_product_status") && is_on("seller_product_status"),
        cut_off: cut_off(&word("start_cut_off"), &word("end_cut_off")),
        description: word("desc"),
    })
}

/// When a seller is closed; the same time twice, `0:0` as a rule, says that it never is.
fn cut_off(from: &str, to: &str) -> Option<Window> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour <= 24 && minute < 60).then_some((hour * 60 + minute) % (24 * 60))
    };
    let window = Window { from_minute: minute(from)?, to_minute: minute(to)? };
    (window.from_minute != window.to_minute).then_some(window)
}
