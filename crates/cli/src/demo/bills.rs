//! The demo of bills: every category sold from the deposit, some by invoice, and what goes wrong put right by itself.

use std::collections::BTreeMap;

use calendar::Instant;
use catalogue::Catalogue;
use connectors::imitation::{bills, magic};
use lifecycle::biller::{BillerProduct, Category, Pricing};
use money::Amount;
use serde_json::{Value, json};

use super::Journey;
use crate::{
    output::clipped,
    seller::{BillOutcome, BillSent},
};

/// Who sells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shop {
    /// The merchant with the deposit.
    Deposit,
    /// The merchant on credit.
    Invoiced,
}

/// What a step expects of a payment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Paid at once.
    Paid,
    /// In process or suspect first, then paid.
    PaidLater,
    /// Known not to have been paid, at once.
    Failed,
}

/// The categories that the merchant on credit sells too.
const INVOICED: [Category; 3] = [Category::PlnPrepaid, Category::MobilePrepaid, Category::Pdam];

/// Plays every category, the failures, the invoice and the verification of the ledger.
///
/// # Errors
/// When a request could not even be sent. What does not hold is in the journey's record.
pub async fn play(journey: &mut Journey<'_>) -> anyhow::Result<()> {
    let number = journey.number();
    let products: Vec<BillerProduct> =
        one_of_each().iter().map(|product| for_customer(product, number, None)).collect();
    journey.turn_to("BILLS");
    let listed = journey.sell(Shop::Deposit, "list products", "biller_products", &[]).await?;
    journey.hold("the list is whole", listed.body.to_string().contains("SLYLPR20"), "every product is sold");
    for product in &products {
        journey.turn_to(&format!("{} {}", product.category.name(), product.code));
        buy(journey, Shop::Deposit, product, Ends::Paid).await?;
    }
    for product in products.iter().filter(|product| INVOICED.contains(&product.category)) {
        journey.turn_to(&format!("{} {} by invoice", product.category.name(), product.code));
        buy(journey, Shop::Invoiced, product, Ends::Paid).await?;
    }
    put_right(journey, &products).await?;
    invoice(journey).await?;
    verify(journey).await
}

/// The first product of each category.
fn one_of_each() -> Vec<BillerProduct> {
    let mut first: BTreeMap<Category, BillerProduct> = BTreeMap::new();
    for product in Catalogue::builtin().products() {
        first.entry(product.category).or_insert_with(|| product.as_ref().clone());
    }
    first.into_values().collect()
}

/// What the customer says besides the number, as the catalogue wants it.
fn additional(product: &BillerProduct) -> Option<String> {
    let fields = product.additional.iter().filter(|field| field.mandatory);
    let values = fields.map(|field| match product.pricing {
        Pricing::Open { min, .. } if field.name == "amount" => (field.name.clone(), min.sen().to_string().into()),
        _ => (field.name.clone(), "1".repeat(field.length_max.min(4)).into()),
    });
    let members: serde_json::Map<String, Value> = values.collect();
    (!members.is_empty()).then(|| Value::Object(members).to_string())
}

/// What is paid without an inquiry: the merchant knows it.
fn amount_without_inquiry(product: &BillerProduct, now: Instant) -> Option<Amount> {
    let bill_amount = match product.pricing {
        Pricing::Denomination { bill_amount, .. } => bill_amount,
        Pricing::Open { .. } => {
            let due = bills::bill(product.category, &product.sample_order, None, now);
            Amount::rupiah(u32::try_from(due.amount).ok()?)
        }
        Pricing::Due => return None,
    };
    Some(product.price.quote(bill_amount).ok()?.amount)
}

/// Inquires where the product needs it, pays, asks for the status, and writes down what the merchant learned.
async fn buy(journey: &mut Journey<'_>, shop: Shop, product: &BillerProduct, ends: Ends) -> anyhow::Result<()> {
    let order = product.sample_order.clone();
    let code = product.code.to_string();
    let mut fields = vec![("product_code", code), ("order_id", order)];
    fields.extend(additional(product).map(|text| ("additional_data", text)));
    if product.needs_inquiry {
        let inquired = journey.sell(shop, "bill inquiry", "bill_inquiry", &fields).await?;
        if inquired.outcome != BillOutcome::Done {
            return Ok(());
        }
        fields.push(("amount", inquired.text("amount")));
        fields.push(("data", inquired.body["data"].to_string()));
    } else if let Some(amount) = amount_without_inquiry(product, journey.sandbox.clock().now()) {
        fields.push(("amount", amount.sen().to_string()));
    }
    let paid = journey.pay_bill(shop, &fields, ends).await?;
    match (paid, ends) {
        (Some(paid), Ends::Paid | Ends::PaidLater) => settle(journey, shop, &paid).await,
        _ => Ok(()),
    }
}

/// Asks for the status until the bill is decided; it must be paid then, and the merchant writes it down.
async fn settle(journey: &mut Journey<'_>, shop: Shop, paid: &BillSent) -> anyhow::Result<()> {
    let ref_id = paid.text("ref_id");
    let asked = journey.await_status(shop, &ref_id).await?;
    if asked.outcome == BillOutcome::Done {
        let amount = asked.text("amount").parse().ok().and_then(|sen| Amount::from_sen(sen).ok());
        journey.write_down(shop, &ref_id, amount);
    }
    Ok(())
}

/// The product for another customer: the same one is not sold the same twice within five minutes, and this folder may
/// have seen a demo before. Numbers end with what is asked for, or with what is not magic.
fn for_customer(product: &BillerProduct, demo: u32, end: Option<&str>) -> BillerProduct {
    let mut order = product.sample_order.clone();
    let (end, before) = match end {
        Some(end) => (end.to_owned(), format!("{:02}", demo % 100)),
        None if demo == 0 => return product.clone(),
        None => (format!("{}", 2_000 + demo % 8_000), String::new()),
    };
    order.truncate(order.len().saturating_sub(end.len() + before.len()));
    order.push_str(&before);
    order.push_str(&end);
    BillerProduct { sample_order: order, ..product.clone() }
}

/// The end of a customer's number that makes this happen.
fn magic_end(what: magic::Bill) -> Option<&'static str> {
    magic::BILLS.iter().find(|(_, known, _)| *known == what).map(|(end, ..)| *end)
}

/// A bill that is in process first, one that is unknown first, and one that fails and costs nothing.
async fn put_right(journey: &mut Journey<'_>, products: &[BillerProduct]) -> anyhow::Result<()> {
    let Some(product) = products.iter().find(|product| product.category == Category::MobilePrepaid) else {
        return Ok(());
    };
    for (name, what, ends) in [
        ("IN PROCESS, THEN PAID", magic::Bill::InProcess, Ends::PaidLater),
        ("UNKNOWN, THEN PAID", magic::Bill::Lost, Ends::PaidLater),
    ] {
        journey.turn_to(name);
        let product = for_customer(product, journey.number(), magic_end(what));
        buy(journey, Shop::Deposit, &product, ends).await?;
    }
    journey.turn_to("FAILED, MONEY GIVEN BACK");
    let before = journey.sell(Shop::Deposit, "balance before", "biller_balance", &[]).await?;
    let failing = for_customer(product, journey.number(), magic_end(magic::Bill::Failed));
    buy(journey, Shop::Deposit, &failing, Ends::Failed).await?;
    let after = journey.sell(Shop::Deposit, "balance after", "biller_balance", &[]).await?;
    let same = before.text("balance") == after.text("balance") && !after.text("balance").is_empty();
    journey.hold(
        "nothing was taken",
        same,
        &format!("{} before, {} after", before.text("balance"), after.text("balance")),
    );
    Ok(())
}

/// The merchant on credit is billed and pays.
async fn invoice(journey: &mut Journey<'_>) -> anyhow::Result<()> {
    journey.turn_to("INVOICE");
    let merchant = journey.sender_id(Shop::Invoiced).to_owned();
    let period_end = journey.sandbox.clock().now().wire_text_millis();
    let fields = json!({"merchant": merchant, "period_end": period_end});
    let Some(issued) = journey.operate("issue", "invoice.issue", &fields, |answer| answer["state"] == "issued").await
    else {
        return Ok(());
    };
    let number = issued["number"].clone();
    let sen = |value: &Value| value.as_str().and_then(|text| text.replace('.', "").parse::<i64>().ok());
    journey
        .operate("show", "invoice.show", &json!({"invoice": number, "limit": 1000}), |answer| {
            let lines = answer["lines"].as_array().into_iter().flatten();
            let sum: Option<i64> = lines.map(|line| sen(&line["total"])).sum();
            sum.is_some() && sum == sen(&answer["total"])
        })
        .await;
    let reference = journey.reference("TRF");
    let payment = json!({"invoice": number, "reference": reference, "amount": issued["total"]});
    journey.operate("pay", "invoice.pay", &payment, |answer| answer["state"] == "paid").await;
    journey.operate("pay again, the same reference", "invoice.pay", &payment, |answer| answer["state"] == "paid").await;
    Ok(())
}

async fn verify(journey: &mut Journey<'_>) -> anyhow::Result<()> {
    journey.turn_to("LEDGER");
    journey.operate("verify", "ledger.verify", &json!({}), |answer| answer["verified"] == true).await;
    Ok(())
}

impl Journey<'_> {
    /// Pays; the step holds when the answer is what is expected. None where nothing follows.
    async fn pay_bill(
        &mut self,
        shop: Shop,
        fields: &[(&'static str, String)],
        ends: Ends,
    ) -> anyhow::Result<Option<BillSent>> {
        let sent = self.seller(shop).send("bill_payment", fields).await?;
        let held = match (ends, &sent.outcome) {
            (Ends::Paid, BillOutcome::Done) => true,
            (Ends::PaidLater, BillOutcome::InProcess | BillOutcome::Unknown { .. }) => true,
            (Ends::Failed, BillOutcome::Failed { .. }) => true,
            (Ends::Paid | Ends::PaidLater | Ends::Failed, _) => false,
        };
        self.note_sale("bill payment", &sent, held);
        Ok(held.then_some(sent))
    }

    /// Asks for the status until it is decided, at most as long as anything may take.
    async fn await_status(&mut self, shop: Shop, ref_id: &str) -> anyhow::Result<BillSent> {
        let fields = [("ref_id", ref_id.to_owned())];
        let deadline = self.deadline();
        loop {
            let sent = self.seller(shop).send("bill_status", &fields).await?;
            let open = matches!(sent.outcome, BillOutcome::InProcess | BillOutcome::Unknown { .. });
            if !open || std::time::Instant::now() >= deadline {
                let held = sent.outcome == BillOutcome::Done;
                self.note_sale("bill status", &sent, held);
                return Ok(sent);
            }
            self.pause().await;
        }
    }

    /// Sends one of the biller services; the step holds when it is done.
    async fn sell(
        &mut self,
        shop: Shop,
        name: &str,
        operation: &str,
        fields: &[(&'static str, String)],
    ) -> anyhow::Result<BillSent> {
        let sent = self.seller(shop).send(operation, fields).await?;
        let held = sent.outcome == BillOutcome::Done;
        self.note_sale(name, &sent, held);
        Ok(sent)
    }

    fn note_sale(&mut self, name: &str, sent: &BillSent, held: bool) {
        let answered = sent.shown().to_string();
        self.note_step(name, &sent.request_shown, &sent.code, &answered, held);
    }

    /// Something that must be so.
    fn hold(&mut self, name: &str, held: bool, words: &str) {
        self.note_step(name, "", "", words, held);
    }

    /// A step of the operator's.
    async fn operate(
        &mut self,
        name: &str,
        operation: &str,
        fields: &Value,
        good: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let asked = self.door().ask(operation, fields).await;
        let (answered, held) = match &asked {
            Ok(answer) => (answer.to_string(), good(answer)),
            Err(error) => (error.to_string(), false),
        };
        self.note_step(name, &clipped(&format!("operator {operation} {fields}"), 150), "", &answered, held);
        asked.ok().filter(|_| held)
    }
}
