//! The hardest things that happen to a payment gateway, each over real HTTP and on both keepings. Which scenario is shown
//! where stands in `docs/reports/scenarios.md`.

use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, Instant as Moment},
};

use client::{Client, Merchant, Outcome, Prepared, Sent};
use postgres_harness::ProductionServer;
use protocol::keys::PrivateKey;
use serde_json::{Value, json};
use store::{PostgresOptions, PostgresStore};

use crate::{
    keepings::Keeping,
    support::{PATIENCE, World, assert_answer, biller::Service, eventually, gerbang, payment, status},
};

/// Pending until it is asked about for the third time.
const PENDING_RUPIAH: u32 = 10_403;
/// Charged, and answered after eight seconds.
const SLOW_RUPIAH: u32 = 10_504;
/// Charged, and the answer is lost.
const LOST_RUPIAH: u32 = 10_599;
/// Rp 50,000 of phone credit.
const CREDIT: &str = "SVHTS50";
/// Electricity, and a number whose token comes late.
const TOKEN_LATE: (&str, &str) = ("SLYLPR100", "520520791020");

/// Products of different wallets that are linked with an authorisation code and charged without asking the customer.
fn products() -> [&'static str; 2] {
    [0, 1].map(|place: usize| connectors::CONNECTORS[place].descriptor().products[0].code)
}

fn product() -> &'static str {
    products()[0]
}

fn prepare(reference: &str, external_id: Option<&str>, card: &str, rupiah: u32) -> Prepared {
    let operation = contract::operation("payment_host_to_host").expect("an operation");
    let prepared = client::prepare(operation, &payment(product(), reference, card, rupiah)).expect("fields");
    let external_id = external_id.map_or_else(|| prepared.external_id.clone(), str::to_owned);
    Prepared { external_id, ..prepared }
}

async fn pay(client: &Client, reference: &str, card: &str, rupiah: u32) -> Sent {
    client.send_prepared(prepare(reference, None, card, rupiah), false).await
}

async fn paid(client: &Client, reference: &str) {
    eventually(reference, async || (status(client, reference).await == "00").then_some(())).await;
}

/// The merchant was told of an order once.
async fn told_once(world: &World, reference: &str) {
    let order = eventually(reference, async || {
        let order = world.order(reference).await;
        order["notifications"].as_array().is_some_and(|notices| !notices.is_empty()).then_some(order)
    })
    .await;
    assert_eq!(order["notifications"].as_array().map(Vec::len), Some(1), "{order}");
}

/// Scenario 2: what was sent before is known after the gateway died, and a month later.
async fn a_repeat_is_a_repeat_after_a_death_and_after_a_month(keeping: Keeping) {
    let mut world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let first = prepare("REPEAT-1", Some("repeat-1"), &card, 20_000);
    assert_answer(&world.client().send_prepared(first.clone(), false).await, "2005400", &[]);
    let check = async |world: &World, same_day: bool| {
        let client = world.client();
        let code = async |request: Prepared| client.send_prepared(request, true).await.code().unwrap_or_default();
        assert_eq!(code(first.clone()).await, if same_day { "4095400" } else { "4095401" });
        assert_eq!(code(prepare("REPEAT-1", None, &card, 20_000)).await, "4095401");
        assert_eq!(code(prepare("REPEAT-1", None, &card, 20_001)).await, "4045418", "another amount");
        assert_eq!(status(&client, "REPEAT-1").await, "00");
        assert_eq!(world.charges(product()).await.len(), 1);
    };
    check(&world, true).await;
    world.gateway = None;
    world.start_gateway(&[]);
    check(&world, true).await;
    world.advance("32d");
    check(&world, false).await;
}

/// Scenario 6: the gateway dies with work waiting, and everything but its store, its keys and its addresses is deleted.
async fn what_waits_is_in_the_store_alone(keeping: Keeping) {
    let mut world = World::new(keeping);
    // Where several gateways share a store, the dead one's work is taken up when its lease ends.
    let options = ["--providers-elsewhere", "--lease-seconds", "4"];
    world.start_providers();
    world.start_gateway(&options);
    let card = world.link(product()).await;
    let client = world.client();
    pay(&client, "WAITS-1", &card, PENDING_RUPIAH).await;
    pay(&client, "WAITS-2", &card, LOST_RUPIAH).await;
    // Its notification is refused once.
    pay(&client, "INV-DEAFONCE", &card, 20_000).await;
    world.gateway = None;
    let kept = ["gateway.db", "keys", "sandbox.json", "providers", "demo-merchant.journal", "store.key"];
    for entry in std::fs::read_dir(world.path()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        if !kept.iter().any(|kept| name.starts_with(kept)) {
            std::fs::remove_file(&path).expect("a file");
        }
    }
    world.start_gateway(&options);
    for reference in ["WAITS-1", "WAITS-2", "INV-DEAFONCE"] {
        paid(&world.client(), reference).await;
        told_once(&world, reference).await;
    }
    let charges = world.charges(product()).await;
    assert!(charges.len() == 3 && charges.iter().all(|charge| charge["requests"] == 1), "{charges:?}");
}

/// Scenario 9: the token does not come for a month, while the biller cannot be reached: the money stays reserved, nothing
/// fails by age, and when the token comes it is delivered once, and the same ever after.
async fn a_token_that_comes_after_a_month_is_delivered_once(keeping: Keeping) {
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(&["--providers-elsewhere"]);
    let sender = world.sender();
    let (product, order) = TOKEN_LATE;
    let bought = sender.buy(product, order).await;
    assert!(bought.in_process(), "{}", bought.body);
    let ref_id = bought.text("ref_id");
    world.providers = None;
    let passed = world.advance("30d");
    assert!(passed["became_due"].to_string().contains("inquire_bill_payment"), "{passed}");
    eventually("it was asked about in vain", async || {
        let next = world.operate(&["clock", "show"]);
        (next["tasks"]["due"] == 0 && next["tasks"]["under_way"] == 0).then_some(())
    })
    .await;
    let open = sender.status(&ref_id).await;
    assert!(open.in_process() || open.code() == "9999", "no age makes it failed: {}", open.body);
    let balance = sender.call(Service::Balance, &[]).await;
    assert!(balance.text("reserved").parse::<i64>().expect("rupiah") > 0, "{}", balance.body);
    world.start_providers();
    world.pass("3d");
    let done = sender.settled(&ref_id).await;
    assert!(done.succeeded(), "{}", done.body);
    let again = sender.status(&ref_id).await;
    assert_eq!(again.body["data"], done.body["data"], "the same token every time");
    let orders = world.bill_orders().await;
    let ours: Vec<&Value> = orders.iter().filter(|known| known["order_id"] == order).collect();
    assert!(ours.len() == 1 && ours[0]["delivered"] == true, "{ours:?}");
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!((&verified["verified"], &verified["holds"]), (&true.into(), &0.into()), "{verified}");
}

/// An authorisation code that the customer authorised.
async fn authorised(world: &World) -> String {
    let fields = json!({
        "redirectURL": "https://www.yourdomain.com/authSuccess", "scopes": product(), "state": "S-1",
        "merchantId": "SGWYESSISHOP", "lang": "id",
    });
    let sent = world.client().send("get_auth_code", &fields).await.expect("sent");
    world.visit(&sent.text("additionalInfo.redirectUrl").expect("a page")).await;
    sent.text("authCode").expect("a code")
}

async fn bind(client: &Client, reference: &str, code: &str) -> Sent {
    let fields = json!({
        "partnerReferenceNo": reference, "merchantId": "SGWYESSISHOP", "authCode": code,
        "additionalInfo": {"productCode": product()},
    });
    client.send("account_binding", &fields).await.expect("sent")
}

/// Scenario 11: a hundred redemptions of one code at once.
async fn a_code_is_redeemed_once_by_a_hundred_at_once(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let code = authorised(&world).await;
    let redeeming: Vec<_> = (0..100)
        .map(|number| {
            let (client, code) = (world.client(), code.clone());
            tokio::spawn(async move { bind(&client, &format!("ONCE-{number}"), &code).await.code() })
        })
        .collect();
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for one in redeeming {
        *codes.entry(one.await.expect("an end").unwrap_or_default()).or_default() += 1;
    }
    assert_eq!(codes, BTreeMap::from([("2000700".into(), 1), ("4010700".into(), 99)]), "used, for all but one");
}

/// Scenario 11: the merchant ends the link while a payment from it is open. That payment ends as it would have, the next
/// one is refused, and ending the link again is told apart from repeating the same call.
async fn a_link_that_ends_during_a_payment_ends_the_next_one_only(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let linked = bind(&client, "LINK-1", &authorised(&world).await).await;
    let text = |path: &str| linked.text(path).unwrap_or_else(|| panic!("{path} in {:?}", linked.reply()));
    let card = text("additionalInfo.bankCardToken");
    let sent = pay(&client, "DURING-1", &card, PENDING_RUPIAH).await;
    assert!(!sent.outcome.succeeded(), "{:?}", sent.reply());
    let unbind = |reference: &str| {
        let fields = json!({
            "partnerReferenceNo": reference, "merchantId": "SGWYESSISHOP",
            "authorizationCustomer": text("additionalInfo.authorizationCustomer"),
            "additionalInfo": {"productCode": product(), "accountToken": text("accountToken")},
        });
        let operation = contract::operation("account_unbinding").expect("an operation");
        client::prepare(operation, &fields).expect("fields")
    };
    let ending = unbind("UNBIND-1");
    assert_answer(&client.send_prepared(ending.clone(), false).await, "2000900", &[]);
    assert_answer(&client.send_prepared(ending, true).await, "4090900", &[]);
    assert_answer(&client.send_prepared(unbind("UNBIND-2"), false).await, "4040911", &[]);
    assert_answer(&pay(&client, "DURING-2", &card, 20_000).await, "4045411", &[]);
    world.pass("10m");
    paid(&client, "DURING-1").await;
    told_once(&world, "DURING-1").await;
    let charges = world.charges(product()).await;
    assert!(charges.len() == 1 && charges[0]["requests"] == 1, "{charges:?}");
}

/// Scenario 12: one wallet takes eight seconds for each of many more calls than there are writers and connections to the
/// store. Payments at another wallet, begun later, are all answered before the first of them.
async fn a_slow_wallet_does_not_hold_up_another(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let [sick, healthy] = products();
    let (slow_card, card) = (world.link(sick).await, world.link(healthy).await);
    let client = world.client();
    let slow: Vec<_> = (0..60)
        .map(|number| {
            let (client, card) = (client.clone(), slow_card.clone());
            tokio::spawn(async move { pay(&client, &format!("SLOW-{number}"), &card, SLOW_RUPIAH).await })
        })
        .collect();
    eventually("the slow calls are under way", async || (world.charges(sick).await.len() == 60).then_some(())).await;
    for number in 0..20 {
        let fields = payment(healthy, &format!("FAST-{number}"), &card, 20_000);
        assert_answer(&client.send("payment_host_to_host", &fields).await.expect("sent"), "2005400", &[]);
    }
    assert!(slow.iter().all(|call| !call.is_finished()), "no slow call was answered before the last fast one");
    for call in slow {
        assert_answer(&call.await.expect("an end"), "2005400", &[]);
    }
}

/// No connection holds a transaction, and with it locks, while a wallet is asked.
#[tokio::test(flavor = "multi_thread")]
async fn no_transaction_is_open_while_a_wallet_is_asked() {
    let Keeping::Postgres(database) = Keeping::postgres() else { panic!("PostgreSQL") };
    let mut world = World::new(Keeping::Sqlite);
    world.start_gateway(&["--store", database.url()]);
    let card = world.link(product()).await;
    let client = world.client();
    let slow: Vec<_> = (0..20)
        .map(|number| {
            let (client, card) = (client.clone(), card.clone());
            tokio::spawn(async move { pay(&client, &format!("SLOW-{number}"), &card, SLOW_RUPIAH).await })
        })
        .collect();
    eventually("they are under way", async || (world.charges(product()).await.len() == 20).then_some(())).await;
    let mut looked = 0;
    while slow.iter().all(|call| !call.is_finished()) {
        let open = database.ask(
            "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - interval '1 second'",
        );
        assert!(open.is_empty(), "{open:?}");
        looked += 1;
    }
    assert!(looked > 10, "it was looked {looked} times");
    for call in slow {
        assert_answer(&call.await.expect("an end"), "2005400", &[]);
    }
}

/// Scenario 13: a store is lost and an older copy of it is put in its place. What was open in the copy is asked about
/// again by itself, and neither charged nor bought a second time.
async fn a_restored_copy_asks_about_what_was_open_in_it(keeping: Keeping) {
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(&["--providers-elsewhere"]);
    let card = world.link(product()).await;
    let client = world.client();
    pay(&client, "COPIED-1", &card, PENDING_RUPIAH).await;
    let sender = world.sender();
    let open = sender.buy(CREDIT, "081218810039").await;
    assert!(open.in_process(), "{}", open.body);
    world.gateway = None;
    // The gateway is down; its store is copied as a backup would be.
    let backup = world.path().join("backup.db");
    let store = format!("sqlite:{}", backup.display());
    let from = match world.store_options().as_slice() {
        [_, url] => (*url).to_owned(),
        _ => format!("sqlite:{}", world.path().join("gateway.db").display()),
    };
    let copied = gerbang().args(["store", "copy", "--from", &from, "--to", &store]).output().expect("it runs");
    assert!(copied.status.success(), "{copied:?}");
    // Life goes on after the backup, until the store is lost.
    world.start_gateway(&["--providers-elsewhere"]);
    let client = world.client();
    paid(&client, "COPIED-1").await;
    assert!(sender.settled(&open.text("ref_id")).await.succeeded());
    world.gateway = None;
    world.start_gateway_over(&store, &["--providers-elsewhere"]);
    paid(&world.client(), "COPIED-1").await;
    assert!(sender.settled(&open.text("ref_id")).await.succeeded());
    let charges = world.charges(product()).await;
    assert!(charges.len() == 1 && charges[0]["requests"] == 1, "{charges:?}");
    let orders = world.bill_orders().await;
    assert!(orders.len() == 1 && orders[0]["delivered"] == true, "{orders:?}");
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!((&verified["verified"], &verified["holds"]), (&true.into(), &0.into()), "{verified}");
}

/// Scenario 15: a gateway that is told to stop answers what is under way, takes nothing new, and ends by itself.
async fn a_gateway_told_to_stop_finishes_what_is_under_way(keeping: Keeping) {
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(&["--providers-elsewhere"]);
    let card = world.link(product()).await;
    let client = world.client();
    let under_way = {
        let (client, card) = (client.clone(), card.clone());
        tokio::spawn(async move { pay(&client, "DRAIN-1", &card, 20_000).await })
    };
    let open = pay(&client, "DRAIN-2", &card, PENDING_RUPIAH).await;
    assert!(!open.outcome.succeeded(), "{:?}", open.reply());
    let id = world.gateway.as_ref().expect("a gateway").0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("a signal").success());
    assert_answer(&under_way.await.expect("an end"), "2005400", &[]);
    let child = &mut world.gateway.as_mut().expect("a gateway").0;
    let deadline = Moment::now() + PATIENCE;
    let ended = loop {
        if let Some(ended) = child.try_wait().expect("a child") {
            break ended;
        }
        assert!(Moment::now() < deadline, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(ended.success(), "{ended}");
    assert!(!world.ready_file().exists(), "nobody is sent to it any more");
    let refused = pay(&client, "DRAIN-3", &card, 20_000).await;
    assert!(refused.response.is_none(), "{:?}", refused.reply());
    world.start_gateway(&["--providers-elsewhere"]);
    for reference in ["DRAIN-1", "DRAIN-2"] {
        paid(&world.client(), reference).await;
        told_once(&world, reference).await;
    }
    assert_eq!(world.charges(product()).await.len(), 2, "the third one never came");
}

/// Scenario 15: a merchant changes its key while it pays: both are good until the old one is dropped.
async fn both_keys_of_a_merchant_are_good_while_it_changes_them(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let old = world.client();
    let [private, public] = ["new.private.pem", "new.public.pem"].map(|name| world.path().join(name));
    let key = PrivateKey::generate().expect("a key");
    std::fs::write(&private, key.to_pem().as_bytes()).expect("a file");
    std::fs::write(&public, key.public_key().to_pem()).expect("a file");
    let new = Client::new(Merchant { private_key: key, ..old.merchant().clone() }).expect("an address");
    let file = public.to_str().expect("a path that is text");
    assert_answer(&pay(&new, "KEY-0", &card, 20_000).await, "4015400", &[]);
    let paying: Vec<_> = (0..20)
        .map(|number| {
            let (client, card) = (old.clone(), card.clone());
            tokio::spawn(async move { pay(&client, &format!("DURING-{number}"), &card, 20_000).await })
        })
        .collect();
    world.operate(&["merchant", "keys", "SGWYESSISHOP", "--add-public-key", file]);
    for sent in paying {
        assert_answer(&sent.await.expect("an end"), "2005400", &[]);
    }
    assert_answer(&pay(&old, "KEY-1", &card, 20_000).await, "2005400", &[]);
    assert_answer(&pay(&new, "KEY-2", &card, 20_000).await, "2005400", &[]);
    world.operate(&["merchant", "keys", "SGWYESSISHOP", "--drop-old-public-key"]);
    assert_answer(&pay(&old, "KEY-3", &card, 20_000).await, "4015400", &[]);
    assert_answer(&pay(&new, "KEY-4", &card, 20_000).await, "2005400", &[]);
}

/// PostgreSQL is restarted the hard way while payments are made. Nobody touches the gateway: it goes on when its database
/// does, and every payment is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_under_load_needs_nobody() {
    let server = ProductionServer::start();
    let url = server.url("127.0.0.1", "sslmode=disable");
    PostgresStore::migrate(&url, PostgresOptions::default()).expect("an empty database is migrated");
    let mut world = World::new(Keeping::Sqlite);
    world.start_gateway(&["--store", &url]);
    let card = world.link(product()).await;
    let client = world.client();
    let references: Vec<String> = (0..60).map(|number| format!("RESTART-{number}")).collect();
    let (told, mut answers) = tokio::sync::mpsc::channel(references.len());
    let paying: Vec<_> = references
        .iter()
        .map(|reference| {
            let (client, told) = (client.clone(), told.clone());
            let request = prepare(reference, None, &card, 20_000);
            tokio::spawn(async move {
                let mut sent = client.send_prepared(request.clone(), false).await;
                told.send(()).await.expect("somebody listens");
                // A merchant repeats what was not answered, as it was.
                let deadline = Moment::now() + PATIENCE;
                while !matches!(sent.code().as_deref(), Some("2005400" | "4095400" | "4095401")) {
                    assert!(Moment::now() < deadline, "{:?}", sent.reply());
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    sent = client.send_prepared(request.clone(), true).await;
                }
            })
        })
        .collect();
    for _ in 0..10 {
        answers.recv().await.expect("an answer");
    }
    server.restart();
    for one in paying {
        one.await.expect("an end");
    }
    world.advance("10m");
    for reference in &references {
        let ended = eventually(reference, async || {
            let status = status(&client, reference).await;
            ["00", "06"].contains(&status.as_str()).then_some(status)
        })
        .await;
        let order = eventually("the merchant is told", async || {
            let order = world.order(reference).await;
            order["notifications"].as_array().is_some_and(|all| !all.is_empty()).then_some(order)
        })
        .await;
        assert_eq!(order["paid"].is_string(), ended == "00", "{reference}: {order}");
    }
    let charges = world.charges(product()).await;
    assert!(charges.iter().all(|charge| charge["requests"].as_u64() <= Some(1)), "{charges:?}");
}

/// A gateway that takes a request and never answers keeps nobody for ever, and what became of it is not called refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_never_answers_leaves_the_outcome_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let silent = tokio::spawn(async move {
        let mut taken = vec![];
        while let Ok((stream, _)) = listener.accept().await {
            taken.push(stream);
        }
    });
    let key = PrivateKey::generate().expect("a key");
    let merchant = Merchant {
        base_url,
        partner_id: "SHOP".into(),
        api_key: String::new(),
        gateway_public_key: key.public_key().clone(),
        private_key: key,
    };
    let client = Client::new(merchant).and_then(|client| client.with_timeout_seconds(1)).expect("an address");
    let began = Moment::now();
    let sent = pay(&client, "SILENT-1", "card", 20_000).await;
    assert!(matches!(sent.outcome, Outcome::Unknown { .. }), "{:?}", sent.outcome);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    silent.abort();
}

/// The same amount written in two ways is one amount: an order of it is the same transaction.
async fn one_amount_written_in_two_ways_is_one(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let cable = ("STBIDV", "401101338833");
    let bought = sender.pay(cable.0, cable.1, "1000000").await;
    assert!(bought.succeeded(), "{}", bought.body);
    for amount in ["1000000", "10.000,00"] {
        let again = sender.pay(cable.0, cable.1, amount).await;
        assert_eq!(again.code(), "610", "{amount}: {}", again.body);
    }
    let card = world.link(product()).await;
    let client = world.client();
    for (value, code) in [("20000.00", "2005400"), ("20000.0000", "4005401"), ("20000", "4005401")] {
        let mut fields = payment(product(), &format!("AMOUNT-{value}"), &card, 20_000);
        fields["amount"]["value"] = value.into();
        let sent = client.send("payment_host_to_host", &fields).await.expect("sent");
        assert_answer(&sent, code, &[]);
    }
}

/// What a wallet says about a payment of a merchant that has since been suspended is believed all the same, and the merchant
/// is told of it once, when it is called again.
async fn a_suspended_merchants_payment_ends_once_all_the_same(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let client = world.client();
    pay(&client, "SUSPENDED-1", &card, PENDING_RUPIAH).await;
    world.operate(&["merchant", "suspend", "SGWYESSISHOP"]);
    assert_answer(&pay(&client, "SUSPENDED-2", &card, 20_000).await, "4015400", &[]);
    world.pass("10m");
    let order = world.order("SUSPENDED-1").await;
    assert!(order["notifications"].as_array().is_none_or(Vec::is_empty), "nobody calls it meanwhile: {order}");
    world.operate(&["merchant", "suspend", "SGWYESSISHOP", "--lift"]);
    assert_eq!(status(&client, "SUSPENDED-1").await, "00");
    world.pass("10m");
    told_once(&world, "SUSPENDED-1").await;
    assert_eq!(world.charges(product()).await.len(), 1);
}

on_both_keepings! {
    a_repeat_is_a_repeat_after_a_death_and_after_a_month,
    what_waits_is_in_the_store_alone,
    a_token_that_comes_after_a_month_is_delivered_once,
    a_code_is_redeemed_once_by_a_hundred_at_once,
    a_link_that_ends_during_a_payment_ends_the_next_one_only,
    a_slow_wallet_does_not_hold_up_another,
    a_restored_copy_asks_about_what_was_open_in_it,
    a_gateway_told_to_stop_finishes_what_is_under_way,
    both_keys_of_a_merchant_are_good_while_it_changes_them,
    one_amount_written_in_two_ways_is_one,
    a_suspended_merchants_payment_ends_once_all_the_same,
}
