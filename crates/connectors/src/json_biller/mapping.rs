//! What a biller's answers mean, as its profile says. A word that the profile does not know is unknown.

use lifecycle::{
    biller::{Category, Pricing},
    provider::{BillOrder, BillReceipt, Outcome},
};
use money::Amount;
use serde_json::Value;

use super::wire::{Amounts, Call, Profile};
use crate::{
    HttpResponse,
    aggregator::{
        self, Asked, Meaning,
        facts::{self, Facts},
        object, read_rupiah, token_of,
    },
};

/// A text or number at a pointer; none where nothing is.
fn text(answer: &Value, pointer: Option<&String>) -> Option<String> {
    let text = match answer.pointer(pointer?)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn amount(profile: &Profile, answer: &Value, pointer: Option<&String>) -> Option<Amount> {
    let text = text(answer, pointer)?;
    match profile.amounts {
        Amounts::Rupiah => read_rupiah(&text),
        Amounts::Sen => text.parse().ok().and_then(|sen| Amount::from_sen(sen).ok()),
    }
}

/// An answer that says that all is done, about our order where there is one.
fn done(call: &Call, order: Option<&BillOrder>, asked: Asked, response: &HttpResponse) -> Result<Value, Outcome> {
    let answer = object(response).map_err(Outcome::Unknown)?;
    let word = text(&answer, Some(&call.answer.word));
    let word = word.ok_or_else(|| Outcome::Unknown("an answer without its word".into()))?;
    let said = |pointer: &Option<String>| text(&answer, pointer.as_ref());
    if let Some(order) = order {
        let other = |said: Option<String>, own: &str| said.is_some_and(|said| said != own);
        if other(said(&call.answer.reference), &order.reference) || other(said(&call.answer.customer), &order.order_id)
        {
            return Err(Outcome::Unknown("the answer to another order".into()));
        }
    }
    let meaning = call.words.get(&word).map_or(Meaning::Unknown, |word| word.meaning());
    aggregator::outcome_of(meaning, &word, asked)?;
    let must_echo = order.is_some() && call.answer.reference.is_some() && asked != Asked::Due;
    if must_echo && said(&call.answer.reference).is_none() {
        return Err(Outcome::Unknown("a success that does not say of what".into()));
    }
    Ok(answer)
}

fn facts(profile: &Profile, call: &Call, answer: &Value) -> Facts {
    let places = &call.answer;
    let said = |pointer: &Option<String>| text(answer, pointer.as_ref());
    let money = |pointer: &Option<String>| amount(profile, answer, pointer.as_ref());
    let mut facts = Facts {
        bill_amount: money(&places.bill_amount),
        admin_fee: money(&places.admin_fee),
        cost: money(&places.cost),
        bills: said(&places.bills).and_then(|text| text.parse().ok()).unwrap_or(1),
        customer_name: said(&places.customer_name),
        penalty: money(&places.penalty),
        period: said(&places.period),
        reference: said(&places.provider_reference),
        more: vec![],
    };
    for (name, pointer) in &call.fields {
        facts.tell(name, text(answer, Some(pointer)));
    }
    facts
}

/// What is due. A denomination costs what it costs; the answer says whose number it is.
pub(super) fn due(profile: &Profile, call: &Call, order: &BillOrder, response: &HttpResponse) -> Outcome {
    let answer = match done(call, Some(order), Asked::Due, response) {
        Ok(answer) => answer,
        Err(outcome) => return outcome,
    };
    let mut facts = facts(profile, call, &answer);
    if let Some(denomination) = facts::denomination(order) {
        facts.bill_amount = denomination.bill_amount;
        facts.admin_fee = None;
    }
    match facts.due(order) {
        Some(due) => Outcome::BillDue(Box::new(due)),
        None => Outcome::Unknown("an inquiry's answer without an amount".into()),
    }
}

/// What became of an order: its own answer, or the answer to a question.
pub(super) fn paid(
    profile: &Profile,
    call: &Call,
    order: &BillOrder,
    asked: Asked,
    response: &HttpResponse,
) -> Outcome {
    let answer = match done(call, Some(order), asked, response) {
        Ok(answer) => answer,
        Err(outcome) => return outcome,
    };
    let mut facts = facts(profile, call, &answer);
    let is_purchase = matches!(order.pricing, Pricing::Denomination { .. });
    let token = text(&answer, call.answer.token.as_ref()).as_deref().and_then(token_of);
    let token = token.filter(|_| order.category == Category::PlnPrepaid);
    facts.tell("serial_no", text(&answer, call.answer.serial.as_ref()));
    let provider_reference = facts.reference.clone().unwrap_or_else(|| order.reference.clone());
    let cost = facts.cost;
    let named = facts.bill_amount.filter(|_| !is_purchase);
    let bill_amount = named.and_then(|amount| facts::amount_of(order, amount, facts.admin_fee));
    let fields =
        if is_purchase { facts.more.clone() } else { facts.due(order).map(|due| due.fields).unwrap_or_default() };
    Outcome::BillPaid(Box::new(BillReceipt { provider_reference, bill_amount, cost, token, fields }))
}

/// What is left of our money there.
pub(super) fn float(profile: &Profile, response: &HttpResponse) -> Outcome {
    match done(&profile.balance, None, Asked::Due, response) {
        Ok(answer) => match amount(profile, &answer, profile.balance.answer.balance.as_ref()) {
            Some(balance) => Outcome::Float(balance),
            None => Outcome::Unknown("no balance in the answer".into()),
        },
        Err(outcome) => outcome,
    }
}

/// Our reference in a notice.
pub(super) fn noticed(body: &Value, pointer: &String) -> Option<String> {
    text(body, Some(pointer))
}
