//! Every product of the catalogue is inquired and paid in the sandbox, as its entry says.

use std::sync::Arc;

use calendar::Instant;
use catalogue::Catalogue;
use connectors::imitation::bills;
use lifecycle::biller::{BillerProduct, Pricing};

use crate::{
    keepings::Keeping,
    support::{
        World,
        biller::{Sender, Service},
    },
};

/// How many products are walked through at once.
const AT_ONCE: usize = 8;

/// What a customer says besides the number: a text of digits for every field that must be there.
fn additional(product: &BillerProduct) -> Option<String> {
    let mandatory: Vec<_> = product.additional.iter().filter(|field| field.mandatory).collect();
    if mandatory.is_empty() {
        return None;
    }
    let members = mandatory.iter().map(|field| {
        let value = match (field.name.as_str(), product.pricing) {
            ("amount", Pricing::Open { min, .. }) => min.sen().to_string(),
            _ => "1".repeat(field.length_max.min(4)),
        };
        (field.name.clone(), value.into())
    });
    Some(serde_json::Value::Object(members.collect()).to_string())
}

async fn walk(sender: &Sender, product: &BillerProduct) -> Result<(), String> {
    let (code, order) = (product.code.as_str(), product.sample_order.as_str());
    let additional = additional(product);
    let paid = if product.needs_inquiry {
        let inquired = sender.inquire(code, order, additional.as_deref()).await;
        if inquired.code() != "0000" {
            return Err(format!("inquiry: {}", inquired.body));
        }
        let parts = inquired.sen("bill_amount") + if product.admin_included { 0 } else { inquired.sen("admin_fee") };
        if inquired.sen("amount") != parts {
            return Err(format!("the amounts do not add up: {}", inquired.body));
        }
        sender.pay_inquired(code, &inquired, additional.as_deref()).await
    } else {
        let amount = match product.pricing {
            Pricing::Denomination { bill_amount, .. } => {
                product.price.quote(bill_amount).map_err(|error| error.to_string())?.amount.sen()
            }
            // The merchant knows what the customer owes.
            Pricing::Open { .. } => {
                let due = bills::bill(product.category, order, None, Instant::from_micros(0)).amount;
                due * 100 + product.price.admin_fee_sen
            }
            Pricing::Due => return Err("what is due is not known without an inquiry".into()),
        };
        let amount = amount.to_string();
        let mut fields = vec![("product_code", code), ("order_id", order), ("amount", amount.as_str())];
        fields.extend(additional.as_deref().map(|text| ("additional_data", text)));
        sender.call(Service::Payment, &fields).await
    };
    if !paid.succeeded() {
        return Err(format!("payment: {}", paid.body));
    }
    let asked = sender.status(&paid.text("ref_id")).await;
    if !asked.succeeded() || asked.body["data"] != paid.body["data"] {
        return Err(format!("status: {} after {}", asked.body, paid.body));
    }
    let data = paid.body["data"].as_object().ok_or("data is no object")?;
    let strange: Vec<&String> = data.keys().filter(|name| !product.data_fields.contains(name)).collect();
    if data.is_empty() || !strange.is_empty() {
        return Err(format!("data has {strange:?}, which the entry does not name, or nothing: {}", paid.body));
    }
    Ok(())
}

async fn every_product_of_the_catalogue_is_inquired_and_paid(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let products: Vec<Arc<BillerProduct>> = Catalogue::builtin().products().cloned().collect();
    assert!(products.len() >= 120, "{}", products.len());
    let listed = sender.call(Service::Products, &[]).await;
    let text = listed.body.to_string();
    let missing: Vec<_> = products.iter().filter(|product| !text.contains(&format!("\"{}\"", product.code))).collect();
    assert!(missing.is_empty(), "not listed: {missing:?}");
    let mut walking = tokio::task::JoinSet::new();
    let mut failures = vec![];
    for product in &products {
        if walking.len() >= AT_ONCE
            && let Some(walked) = walking.join_next().await
        {
            failures.push(walked.expect("an end"));
        }
        let (sender, product) = (sender.clone(), product.clone());
        walking.spawn(async move {
            let walked = walk(&sender, &product).await;
            walked.err().map(|why| format!("{} ({}): {why}", product.code, product.category.name()))
        });
    }
    failures.extend(walking.join_all().await);
    let failures: Vec<String> = failures.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), products.len(), failures.join("\n"));
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!((&verified["verified"], &verified["holds"]), (&true.into(), &0.into()), "{verified}");
    let delivered = world.bill_orders().await.into_iter().filter(|order| order["delivered"] == true).count();
    assert_eq!(delivered, products.len());
}

on_both_keepings! {
    every_product_of_the_catalogue_is_inquired_and_paid,
}
