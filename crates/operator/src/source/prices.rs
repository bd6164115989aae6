//! `source.prices`

use std::collections::HashMap;

use lifecycle::{
    biller::{BillerProduct, Window},
    provider::SourcePrice,
};
use serde_json::{Value, json};

use super::{
    SOURCE, fault,
    margin::{closed_while_open, left},
};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
    view,
};

/// Asks for prices.
pub static OPERATION: Operation = Operation {
    name: "source.prices",
    promise: "Asks a source for its price list and sets every product of the catalogue that it can deliver beside it: \
              whether it knows our code for it and sells it now, what it costs there, what is left to us of each sale \
              (`left`; of a bill with months, of each month), and when each side is closed. Warnings: `not_listed`, \
              `unavailable`, `loss` (it costs more than a merchant pays; `merchants_at_a_loss` are those whose own price is \
              too low), `cut_off` (it is closed while we sell). Nothing is kept or changed.",
    fields: &[SOURCE, Field::optional("warnings", Kind::Flag, "Only products with a warning.")],
    sample: r#"{"source":"kiosk","warnings":true}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let source = input.text("source")?;
    let only_warnings = input.flag("warnings") == Some(true);
    let prices = door.engine.source_prices(&source).await.map_err(|unanswered| fault(&source, unanswered))?;
    let listed = by_sku(&prices);
    let catalogue = door.engine.catalogue().clone();
    let mut rows = vec![];
    let (mut products, mut warnings) = (0_usize, 0_usize);
    for product in catalogue.products() {
        for possible in product.sources.iter().filter(|possible| possible.connector == source) {
            let row = compared(door, product, &possible.sku, listed.get(possible.sku.as_str()).copied());
            let is_warned = row["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty());
            products += 1;
            warnings += usize::from(is_warned);
            if is_warned || !only_warnings {
                rows.push(row);
            }
        }
    }
    Ok(Answer::Json(json!({
        "source": source,
        "at": view::time(door.engine.now()),
        "listed": prices.len(),
        "products_of_source": products,
        "products_with_warnings": warnings,
        "products": rows,
    })))
}

/// The list by code; of several entries of one code the first that can be bought counts.
fn by_sku(prices: &[SourcePrice]) -> HashMap<&str, &SourcePrice> {
    let mut listed: HashMap<&str, &SourcePrice> = HashMap::new();
    for price in prices {
        let known = listed.entry(price.sku.as_str()).or_insert(price);
        if !known.available && price.available {
            *known = price;
        }
    }
    listed
}

/// A product beside its entry of the list.
fn compared(door: &Door, product: &BillerProduct, sku: &str, listed: Option<&SourcePrice>) -> Value {
    let left_of = |price| listed.and_then(|listed| left(product, price, listed));
    let ours = left_of(&product.price);
    let losing: Vec<String> = door
        .engine
        .merchants()
        .iter()
        .filter_map(|partner| {
            let access = partner.merchant.biller.as_ref().filter(|access| access.has(&product.code))?;
            let (_, agreed) = access.prices.iter().find(|(code, _)| *code == product.code)?;
            left_of(agreed).filter(|left| *left < 0).map(|_| partner.merchant.code.to_string())
        })
        .collect();
    let source_cut_off = listed.and_then(|listed| listed.cut_off);
    let warnings: Vec<&str> = [
        ("not_listed", listed.is_none()),
        ("unavailable", listed.is_some_and(|listed| !listed.available)),
        ("loss", ours.is_some_and(|left| left < 0) || !losing.is_empty()),
        ("cut_off", closed_while_open(product.cut_off, source_cut_off)),
    ]
    .into_iter()
    .filter_map(|(warning, holds)| holds.then_some(warning))
    .collect();
    json!({
        "product": product.code.as_str(),
        "name": product.name,
        "sku": sku,
        "listed": listed.is_some(),
        "available": listed.map(|listed| listed.available),
        "source_name": listed.map(|listed| listed.name.as_str()),
        "cost": listed.and_then(|listed| listed.cost).map(view::amount),
        "admin": listed.and_then(|listed| listed.admin).map(view::amount),
        "commission": listed.and_then(|listed| listed.commission).map(view::amount),
        "left": ours.map(view::sen),
        "merchants_at_a_loss": losing,
        "cut_off": product.cut_off.map(hours),
        "source_cut_off": source_cut_off.map(hours),
        "warnings": warnings,
    })
}

/// A part of the day, `23:00-01:00`.
fn hours(window: Window) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time(window.from_minute), time(window.to_minute))
}
