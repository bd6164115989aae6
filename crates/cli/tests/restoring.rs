//! A store that is damaged, and a store that is older than the world: the first is refused, the second asks the providers
//! about everything that was open when it was copied, and money agrees.

use std::fs;

use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{
        World,
        biller::{Sender, Service},
        eventually, gerbang, payment, status,
    },
};

const GATEWAY: &[&str] = &["--providers-elsewhere", "--lease-seconds", "2"];
/// The wallet charges at once, and says so after eight seconds.
const SLOW_RUPIAH: u32 = 10_504;
/// Phone credit that is in process at first, and delivered when it is asked about for the second time.
const IN_PROCESS: (&str, &str) = ("SVHTS50", "081210000039");

fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

async fn pay(world: &World, reference: &str, card: &str, rupiah: u32) -> String {
    let fields = payment(product(), reference, card, rupiah);
    let sent = world.client().send("payment_host_to_host", &fields).await.expect("sent");
    sent.code().unwrap_or_default()
}

/// The wallet's charge under the gateway's reference of a payment.
async fn charged(world: &World, reference: &str) -> Vec<Value> {
    let fields = serde_json::json!({"originalPartnerReferenceNo": reference, "serviceCode": "54"});
    let sent = world.client().send("debit_status", &fields).await.expect("sent");
    let own = sent.text("originalReferenceNo").unwrap_or_default();
    world.charges(product()).await.into_iter().filter(|charge| charge["reference"] == own.as_str()).collect()
}

async fn bill(sender: &Sender, (product, order): (&str, &str)) -> String {
    sender.call(Service::Status, &[("product_code", product), ("order_id", order)]).await.text("error_desc")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_backup_asks_about_everything_that_was_open_in_it() {
    let mut world = World::new(Keeping::Sqlite);
    world.start_providers();
    world.start_gateway(GATEWAY);
    let card = world.link(product()).await;
    assert_eq!(pay(&world, "BEFORE", &card, 25_000).await, "2005400");
    // Open in the copy: the wallet has charged and not answered, the aggregator has taken the order.
    let open = {
        let client = world.client();
        let fields = payment(product(), "OPEN", &card, SLOW_RUPIAH);
        tokio::spawn(async move { client.send("payment_host_to_host", &fields).await.expect("sent").code() })
    };
    eventually("the wallet has the charge", async || (world.charges(product()).await.len() == 2).then_some(())).await;
    let sender = world.sender();
    let bought = sender.buy(IN_PROCESS.0, IN_PROCESS.1).await;
    assert!(bought.in_process(), "{}", bought.body);
    let backup = world.path().join("backup.db");
    let url = format!("sqlite:{}", world.path().join("gateway.db").display());
    let copied = gerbang().args(["store", "backup", "--store", &url, "--to"]).arg(&backup).output().expect("it runs");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));

    // The world goes on, and nothing of it is in the copy.
    assert_eq!(open.await.expect("an end").as_deref(), Some("2005400"));
    assert_eq!(pay(&world, "AFTER", &card, 26_000).await, "2005400");
    let fields = [("product_code", "STBIDV"), ("order_id", "081210020001"), ("amount", "10000000")];
    assert_eq!(sender.call(Service::Payment, &fields).await.code(), "0000");
    world.gateway = None;
    for name in ["gateway.db", "gateway.db-wal", "gateway.db-shm"] {
        let _ = fs::remove_file(world.path().join(name));
    }
    fs::copy(&backup, world.path().join("gateway.db")).expect("the copy is put back");
    world.start_gateway(GATEWAY);
    let client = world.client();

    // What was decided stays, what was open is asked about by itself and is as the provider has it.
    assert_eq!(status(&client, "BEFORE").await, "00");
    eventually("the open payment is decided", async || (status(&client, "OPEN").await == "00").then_some(())).await;
    let charge = charged(&world, "OPEN").await;
    assert_eq!(
        (charge.len(), &charge[0]["charged"], &charge[0]["requests"]),
        (1, &true.into(), &1.into()),
        "{charge:?}"
    );
    let sender = world.sender();
    eventually("the open bill is decided", async || {
        (!["Inproses", "Suspect"].contains(&bill(&sender, IN_PROCESS).await.as_str())).then_some(())
    })
    .await;
    let orders = world.bill_orders().await;
    let delivered =
        |order: &str| orders.iter().filter(|booked| booked["order_id"] == order && booked["delivered"] == true).count();
    assert_eq!(delivered(IN_PROCESS.1), 1, "{orders:?}");
    eventually("nothing is held", async || (world.operate(&["ledger", "verify"])["holds"] == 0).then_some(())).await;
    assert_eq!(world.operate(&["ledger", "verify"])["verified"], true);

    // What came after the copy is not known here, though it happened: the provider's books have it.
    assert_eq!(status(&client, "AFTER").await, "4045501");
    assert_eq!(delivered("081210020001"), 1);
    let charges = world.charges(product()).await;
    let moved = charges.iter().filter(|charge| charge["charged"] == true).count();
    assert_eq!(moved, 3, "{charges:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_at_start_and_by_the_check() {
    let mut world = World::sandbox(Keeping::Sqlite);
    let card = world.link(product()).await;
    assert_eq!(pay(&world, "PAID", &card, 25_000).await, "2005400");
    let path = world.path().join("gateway.db");
    let url = format!("sqlite:{}", path.display());
    let check = || gerbang().args(["store", "check", "--store", &url]).output().expect("it runs");
    let whole = check();
    assert!(whole.status.success(), "also while a gateway is at work: {}", String::from_utf8_lossy(&whole.stderr));
    world.gateway = None;
    // Killed, it leaves a log; a start takes it up.
    world.start_gateway(&[]);
    world.gateway = None;
    let _ = fs::remove_file(world.path().join("gateway.db-wal"));
    let bytes = fs::read(&path).expect("the file");
    fs::write(&path, &bytes[..bytes.len() / 4096 / 2 * 4096]).expect("torn off");
    let found = check();
    let told = String::from_utf8_lossy(&found.stderr).into_owned();
    assert_eq!(found.status.code(), Some(3), "{told}");
    assert!(told.contains("is damaged") && told.contains("docs/guides/recover.md"), "{told}");
    let started = gerbang().args(["sandbox", "--listen", "127.0.0.1:0", "--data-dir"]).arg(world.path()).output();
    let started = started.expect("it runs");
    let told = String::from_utf8_lossy(&started.stderr).into_owned();
    assert!(!started.status.success() && told.contains("is damaged") && told.contains("recover.md"), "{told}");
}
