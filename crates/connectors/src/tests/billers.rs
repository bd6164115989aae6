//! What every connector of bills keeps to: against its own imitation, for every product that the catalogue says it sells.

use std::sync::Arc;

use lifecycle::{
    BillId, Reason,
    bill::Bill,
    biller::{BillerProduct, Category, Pricing},
    provider::{BillDue, BillOrder, BillReceipt, Outcome, ProviderCall},
};
use money::Amount;

use super::world::{World, billers};
use crate::{Capability, Connector, NoticeEvent, imitation::bills};

/// What the customer chooses where the amount is free.
const CHOSEN: u32 = 100_000;

/// Every product that a connector sells, with its code for it.
pub(super) fn sold(connector: &dyn Connector) -> Vec<(Arc<BillerProduct>, String)> {
    let name = connector.descriptor().name;
    let catalogue = catalogue::Catalogue::builtin();
    let sells = |product: &Arc<BillerProduct>| {
        let source = product.sources.iter().find(|source| source.connector == name)?;
        Some((product.clone(), source.sku.clone()))
    };
    catalogue.products().filter_map(sells).collect()
}

/// The first product of the category that a connector sells.
pub(super) fn sold_of(
    connector: &dyn Connector,
    wanted: fn(&BillerProduct) -> bool,
) -> Option<(Arc<BillerProduct>, String)> {
    sold(connector).into_iter().find(|(product, _)| wanted(product))
}

pub(super) fn is_bill(product: &BillerProduct) -> bool {
    product.needs_inquiry && product.pricing == Pricing::Due
}

pub(super) fn is_credit(product: &BillerProduct) -> bool {
    product.category != Category::PlnPrepaid && matches!(product.pricing, Pricing::Denomination { .. })
}

pub(super) fn is_token(product: &BillerProduct) -> bool {
    product.category == Category::PlnPrepaid
}

/// An order as it is inquired.
pub(super) fn order(world: &mut World, (product, sku): &(Arc<BillerProduct>, String), order_id: &str) -> BillOrder {
    let bill = BillId::from_bits(world.id());
    // Where nobody is asked first, the merchant knows by itself what is due.
    let owed = bills::bill(product.category, order_id, Some(i64::from(CHOSEN)), world.clock.now).amount;
    let owed = Amount::from_sen(owed * 100).unwrap();
    let chosen = matches!(product.pricing, Pricing::Open { .. }).then_some(owed);
    BillOrder {
        bill,
        reference: format!("A{}", bill.characters()),
        sku: sku.clone(),
        category: product.category,
        pricing: product.pricing,
        admin_included: product.admin_included,
        order_id: order_id.into(),
        bill_amount: match product.pricing {
            Pricing::Denomination { bill_amount, .. } => Some(bill_amount),
            _ => chosen,
        },
        additional: chosen.map(|amount| ("amount".to_owned(), amount.sen().to_string())).into_iter().collect(),
        inquired: false,
        due: None,
        notify_url: "https://gateway.example/notices/biller".into(),
    }
}

/// Inquires, where the product wants it, and gives the order as it is paid.
pub(super) fn inquired(
    world: &mut World,
    product: &(Arc<BillerProduct>, String),
    order_id: &str,
) -> Result<BillOrder, Outcome> {
    let mut order = order(world, product, order_id);
    if product.0.needs_inquiry {
        let due = match world.run(&ProviderCall::InquireBill(order.clone())) {
            Outcome::BillDue(due) => *due,
            other => return Err(other),
        };
        if product.0.pricing == Pricing::Due {
            order.bill_amount = Some(due.bill_amount);
        }
        order.inquired = true;
        order.due = Some(due);
    }
    Ok(order)
}

pub(super) fn ask(world: &mut World, order: &BillOrder) -> Outcome {
    let sent_at = world.clock.now;
    world.clock.now = sent_at.plus_seconds(60);
    world.run(&ProviderCall::InquireBillPayment { order: order.clone(), sent_at })
}

/// The receipt, sooner or later.
pub(super) fn receipt(world: &mut World, order: &BillOrder, first: Outcome) -> BillReceipt {
    let mut outcome = first;
    for _ in 0..4 {
        match outcome {
            Outcome::BillPaid(receipt) => return *receipt,
            Outcome::Pending => outcome = ask(world, order),
            other => panic!("{} {}: {other:?}", world.name(), order.sku),
        }
    }
    panic!("{} {}: never delivered", world.name(), order.sku)
}

/// One call of everything that a connector of bills can be asked, those that were answered before among them.
pub(super) fn every_call(world: &mut World) -> Vec<ProviderCall> {
    let connector = world.connector;
    let mut calls = vec![ProviderCall::ReadFloat];
    if connector.descriptor().capabilities.contains(&Capability::ListPrices) {
        calls.push(ProviderCall::ListPrices);
    }
    for wanted in [is_bill as fn(&BillerProduct) -> bool, is_credit, is_token] {
        let Some(product) = sold_of(connector, wanted) else { continue };
        let number = product.0.sample_order.clone();
        let fresh = order(world, &product, &number);
        calls.push(ProviderCall::InquireBill(fresh));
        let ready = inquired(world, &product, &number).unwrap();
        let direct = BillOrder { due: None, inquired: false, ..order(world, &product, &number) };
        calls.push(ProviderCall::PayBill(BillOrder { bill_amount: ready.bill_amount, ..direct }));
        calls.push(ProviderCall::PayBill(ready.clone()));
        calls.push(ProviderCall::InquireBillPayment { order: ready, sent_at: world.clock.now });
    }
    calls
}

#[test]
fn every_product_of_the_catalogue_is_inquired_and_delivered_once() {
    for connector in billers() {
        let products = sold(connector);
        assert!(products.len() > 10, "{} sells nothing", connector.descriptor().name);
        let mut world = World::new(connector);
        for product in &products {
            deliver(&mut world, product);
        }
        let books = world.imitation.books();
        let float = books.float.unwrap();
        let spent: i64 = books.orders.iter().map(|order| order.cost.sen()).sum();
        assert_eq!(books.orders.len(), products.len(), "{}", world.name());
        assert_eq!(float.opening.sen() - float.balance.sen(), spent, "{}", world.name());
        assert_eq!(world.run(&ProviderCall::ReadFloat), Outcome::Float(float.balance), "{}", world.name());
    }
}

fn deliver(world: &mut World, product: &(Arc<BillerProduct>, String)) {
    let name = format!("{} {}", world.name(), product.0.code.as_str());
    let order = inquired(world, product, &product.0.sample_order).unwrap_or_else(|other| panic!("{name}: {other:?}"));
    if let Some(due) = &order.due {
        check_due(&name, product, due);
    }
    let first = world.run(&ProviderCall::PayBill(order.clone()));
    let receipt = receipt(world, &order, first);
    assert_eq!(receipt.token.is_some(), product.0.category == Category::PlnPrepaid, "{name}: {receipt:?}");
    if let Some(token) = &receipt.token {
        assert!(token.expose().len() == 20 && token.expose().bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    }
    assert!(receipt.bill_amount.is_none() || receipt.bill_amount == order.bill_amount, "{name}: {receipt:?}");
    // The same order again: known, and never bought twice.
    world.run(&ProviderCall::PayBill(order.clone()));
    let again = ask(world, &order);
    assert!(matches!(&again, Outcome::BillPaid(told) if told.token == receipt.token), "{name}: {again:?}");
    let books = world.imitation.books();
    let booked: Vec<_> = books.orders.iter().filter(|booked| booked.reference == order.reference).collect();
    assert_eq!(booked.len(), 1, "{name}");
    assert!(booked[0].delivered && booked[0].order_id == order.order_id && booked[0].sku == order.sku, "{name}");
    if let Some(cost) = receipt.cost {
        assert_eq!(booked[0].cost, cost, "{name}");
    }
}

fn check_due(name: &str, product: &(Arc<BillerProduct>, String), due: &BillDue) {
    assert!(due.bill_amount > Amount::ZERO && due.bills > 0, "{name}: {due:?}");
    let fields: Vec<&str> = due.fields.iter().map(|(field, _)| field.as_str()).collect();
    let mut unique = fields.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), fields.len(), "{name}: a field is told twice: {fields:?}");
    let told = |wanted: &str| fields.contains(&wanted);
    let expected = product.0.data_fields.iter().any(|field| told(field));
    assert!(expected, "{name}: none of the fields of its data in {fields:?}");
}

/// The numbers of the documents' samples have the samples' bills at whoever sells them.
#[test]
fn the_documents_samples_come_out() {
    let field =
        |due: &BillDue, name: &str| due.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    for connector in billers() {
        let mut world = World::new(connector);
        for (code, number, rupiah, fields) in [
            (
                "SLYLPR200",
                "520520795556",
                200_000,
                vec![("customer_name", "RAISA"), ("class", "R1  /000001300"), ("price", "200000")],
            ),
            (
                "SLYLPO",
                "530000000001",
                301_180,
                vec![("total_bill", "1"), ("bill_period", "NOV17"), ("bill_amount", "301180")],
            ),
            (
                "BPJSKS",
                "8801835307911",
                105_000,
                vec![
                    ("bill_amount", "105000"),
                    ("admin_fee", "5000"),
                    ("amount", "105000"),
                    ("bill_period", "1"),
                    ("family_number", "1"),
                ],
            ),
            ("SLYPLJ", "400400400400400", 0, vec![("bill_date", "201510"), ("bill_total", "01")]),
            ("SVHTS50", "081218816222", 49_500, vec![("denomination", "50"), ("price", "49500")]),
            (
                "SPBTHL",
                "0888666777",
                125_400,
                vec![("bill_amount", "000000125400"), ("bill_total", "1"), ("region_code", "00")],
            ),
            ("SVHOVO000", "081218816222", 100_000, vec![("customer_name", "OVO NO** D** AN*****I")]),
        ] {
            let Some(product) = sold(connector).into_iter().find(|(product, _)| product.code.as_str() == code) else {
                continue;
            };
            let order = inquired(&mut world, &product, number).unwrap_or_else(|other| panic!("{code}: {other:?}"));
            let due = order.due.unwrap();
            let name = format!("{} {code}: {due:?}", world.name());
            assert!(rupiah == 0 || due.bill_amount == Amount::rupiah(rupiah), "{name}");
            for (wanted, value) in fields {
                assert_eq!(field(&due, wanted).as_deref(), Some(value), "{wanted} of {name}");
            }
        }
    }
}

#[test]
fn a_bill_that_was_not_inquired_is_inquired_first_and_paid_only_at_its_amount() {
    for connector in billers() {
        let mut world = World::new(connector);
        let product = sold_of(connector, is_bill).unwrap();
        let number = product.0.sample_order.clone();
        let ready = inquired(&mut world, &product, &number).unwrap();
        let fresh = BillOrder { bill_amount: ready.bill_amount, ..order(&mut world, &product, &number) };
        let other = BillOrder { bill_amount: Some(Amount::rupiah(1)), ..order(&mut world, &product, &number) };
        let outcome = world.run(&ProviderCall::PayBill(other));
        assert_eq!(outcome, Outcome::Refused(Reason::AmountInvalid), "{}", world.name());
        assert!(world.imitation.books().orders.is_empty(), "{}", world.name());
        let first = world.run(&ProviderCall::PayBill(fresh.clone()));
        assert_eq!(receipt(&mut world, &fresh, first).bill_amount, ready.bill_amount, "{}", world.name());
        assert_eq!(world.imitation.books().orders.len(), 1, "{}", world.name());
    }
}

#[test]
fn what_is_not_declared_is_refused_without_a_request() {
    for connector in billers() {
        let mut world = World::new(connector);
        let link = lifecycle::LinkId::from_bits(1);
        let provider = lifecycle::provider::ProviderLink::default();
        let wallets_calls = world.every_call(link, &provider, super::world::ON_SIGHT);
        for call in wallets_calls {
            assert_eq!(world.run(&call), Outcome::Refused(Reason::NotPermitted), "{} {call:?}", world.name());
            assert!(world.responses.is_empty(), "{}", world.name());
        }
        for capability in [Capability::InquireBill, Capability::InquireBillPayment, Capability::ReadFloat] {
            assert!(connector.descriptor().capabilities.contains(&capability), "{}", world.name());
        }
        if !connector.descriptor().capabilities.contains(&Capability::ListPrices) {
            assert_eq!(world.run(&ProviderCall::ListPrices), Outcome::Refused(Reason::NotPermitted));
            assert!(world.responses.is_empty(), "{}", world.name());
        }
    }
    for wallet in super::world::wallets() {
        let mut world = World::new(wallet);
        for call in [ProviderCall::ReadFloat, ProviderCall::ListPrices] {
            assert_eq!(world.run(&call), Outcome::Refused(Reason::NotPermitted), "{}", world.name());
        }
    }
}

#[test]
fn a_price_list_holds_everything_that_is_sold_at_what_is_taken_for_it() {
    let mut asked = 0;
    for connector in billers() {
        if !connector.descriptor().capabilities.contains(&Capability::ListPrices) {
            continue;
        }
        asked += 1;
        let mut world = World::new(connector);
        let Outcome::Prices(prices) = world.run(&ProviderCall::ListPrices) else { panic!("{}", world.name()) };
        assert!(prices.iter().any(|price| price.cost.is_some()) && prices.iter().any(|price| price.admin.is_some()));
        for product in sold(connector) {
            let name = format!("{} {}", world.name(), product.1);
            let mut listed = prices.iter().filter(|price| price.sku == product.1);
            let price = listed.next().unwrap_or_else(|| panic!("{name} is not listed"));
            assert!(price.available && listed.next().is_none() && !price.name.is_empty(), "{name}");
            let order = inquired(&mut world, &product, &product.0.sample_order).unwrap();
            let first = world.run(&ProviderCall::PayBill(order.clone()));
            receipt(&mut world, &order, first);
            let books = world.imitation.books();
            let booked = books.orders.iter().find(|booked| booked.reference == order.reference).unwrap();
            match (price.cost, price.admin, price.commission) {
                (Some(cost), None, None) => assert_eq!(booked.cost, cost, "{name}"),
                (None, Some(admin), Some(commission)) => {
                    let bills = order.due.as_ref().map_or(1, |due| i64::from(due.bills));
                    // An order's amount holds the admin fee of all its bills; of each we are given back our share.
                    assert!(booked.amount.sen() >= admin.sen() * bills, "{name}");
                    let ours = booked.amount.sen() - booked.cost.sen();
                    assert_eq!(ours, commission.sen() * bills, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    assert!(asked > 1);
}

/// Notices about an order that ended after it was answered.
fn noticed(world: &mut World, last_four: &str) -> BillOrder {
    let product = sold_of(world.connector, is_credit).unwrap();
    let number = with_last_four(&product.0.sample_order, last_four);
    let order = inquired(world, &product, &number).unwrap();
    world.read_notices();
    world.run(&ProviderCall::PayBill(order.clone()));
    order
}

pub(super) fn with_last_four(number: &str, last_four: &str) -> String {
    format!("{}{last_four}", &number[..number.len() - last_four.len()])
}

#[test]
fn a_notice_names_our_order_and_is_believed_no_further_than_it_is_signed() {
    for connector in billers() {
        let mut world = World::new(connector);
        let order = noticed(&mut world, "0022");
        let sent = world.notices.clone();
        assert_eq!(sent.len(), 2, "{}: the notice comes twice", world.name());
        let bill = order.bill;
        for read in world.read_notices() {
            let read = read.unwrap_or_else(|refused| panic!("{}: {}", world.name(), refused.why));
            assert_eq!(read.response.status, 200, "{}", world.name());
            let named = match read.event {
                Some(NoticeEvent::Bill { bill, attempt: 0, outcome: Outcome::BillPaid(_) }) => bill,
                Some(NoticeEvent::AskBill { bill, attempt: 0 }) => bill,
                other => panic!("{}: {other:?}", world.name()),
            };
            assert_eq!(named, bill, "{}", world.name());
        }
        // A changed notice is refused, or says no more than that there is something to ask.
        let mut changed = sent[0].clone();
        let text = String::from_utf8(changed.body.clone()).unwrap();
        changed.body = text.replacen(&order.sku, "another", 1).into_bytes();
        let mut unsigned = sent[0].clone();
        unsigned.headers.retain(|(name, _)| name == "Content-Type");
        unsigned.body = text.replace("\"sign\":\"", "\"sign\":\"0").into_bytes();
        for bad in [changed, unsigned, crate::HttpRequest { body: b"{".to_vec(), ..sent[0].clone() }] {
            world.notices = vec![bad];
            match world.read_notices().pop().unwrap() {
                Err(refused) => assert!((400..500).contains(&refused.response.status), "{}", world.name()),
                Ok(notice) => assert!(matches!(notice.event, Some(NoticeEvent::AskBill { .. })), "{}", world.name()),
            }
        }
        // Without the secret that it is signed with, a notice is a hint and nothing else.
        world.account.notice_secret = None;
        world.notices = sent;
        for read in world.read_notices() {
            assert_eq!(read.unwrap().event, Some(NoticeEvent::AskBill { bill, attempt: 0 }), "{}", world.name());
        }
    }
}

#[test]
fn a_notice_about_somebody_elses_order_is_of_no_concern() {
    for connector in billers() {
        let mut world = World::new(connector);
        let product = sold_of(connector, is_credit).unwrap();
        let number = with_last_four(&product.0.sample_order, "0022");
        let mut order = inquired(&mut world, &product, &number).unwrap();
        order.reference = "SOMEBODYELSE1".into();
        assert!(Bill::id_of_reference(&order.reference).is_none());
        world.run(&ProviderCall::PayBill(order));
        for read in world.read_notices() {
            assert_eq!(read.unwrap().event, None, "{}", world.name());
        }
    }
}

#[test]
fn an_imitation_takes_up_where_it_was_saved() {
    for connector in billers() {
        let mut world = World::new(connector);
        let product = sold_of(connector, is_bill).unwrap();
        let order = inquired(&mut world, &product, &product.0.sample_order).unwrap();
        let first = world.run(&ProviderCall::PayBill(order.clone()));
        let receipt = receipt(&mut world, &order, first);
        let saved = world.imitation.save();
        let mut fresh = World::new(connector);
        fresh.imitation.restore(&saved).unwrap();
        assert_eq!(fresh.imitation.save(), saved);
        assert_eq!(fresh.imitation.books(), world.imitation.books());
        let told = ask(&mut fresh, &order);
        assert!(matches!(told, Outcome::BillPaid(told) if told.provider_reference == receipt.provider_reference));
        for nonsense in ["", "{}", "[1]", &saved.replacen(world.name(), "another", 1)] {
            assert!(fresh.imitation.restore(nonsense).is_err(), "{}", world.name());
        }
        let revoked = fresh.imitation.revoke("628110000410", &mut fresh.clock);
        assert!(revoked.notices.is_empty() && revoked.response.status == 200, "{}", world.name());
    }
}

#[test]
fn nothing_secret_is_in_a_debug_print() {
    for connector in billers() {
        let mut world = World::new(connector);
        let mut secrets = vec!["client-secret-4711".to_owned(), "notice-secret-4712".to_owned()];
        let mut prints = vec![format!("{:?}", world.account)];
        for call in every_call(&mut world) {
            let begun =
                world.with_context(|connector, context| format!("{:?} {context:?}", connector.begin(&call, context)));
            prints.push(begun);
            let mut outcome = world.run(&call);
            if let (Outcome::Pending, ProviderCall::PayBill(order)) = (&outcome, &call) {
                outcome = ask(&mut world, order);
            }
            if let Outcome::BillPaid(receipt) = &outcome {
                secrets.extend(receipt.token.as_ref().map(|token| token.expose().to_owned()));
            }
            prints.push(format!("{call:?} {outcome:?} {:?}", world.responses));
        }
        assert!(secrets.len() > 2, "{}: no token was bought", world.name());
        for print in prints {
            for secret in &secrets {
                assert!(!print.contains(secret.as_str()), "{}: {print}", world.name());
            }
        }
    }
}
