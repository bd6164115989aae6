//! No room, and no right to write, while there is work: the gateway runs as a process of its own, payments and bills come
//! without end, and the disk under its store becomes full or its database read-only. New money is refused, what was
//! acknowledged stays, what was under way is finished afterwards, and all of it without a restart.
//!
//! A full disk is made in two ways. The gateway's own limit on the size of a file is lowered while it runs, which any
//! user may do; where we may mount, the store stands on a file system of a few megabytes that is really full.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant as Moment},
};

use client::Prepared;
use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{World, biller::Sender, biller::Service, eventually, payment, status},
};

/// What a payment amounts to.
const RUPIAH: u32 = 25_000;
/// The wallet charges at once, and says so after eight seconds.
const SLOW_RUPIAH: u32 = 10_504;
/// A bill that is paid without an inquiry, and what for.
const BILL: (&str, &str) = ("STBIDV", "10000000");
/// How a gateway of these tests is started: no floor, for the disk is to be really full.
const GATEWAY: &[&str] = &["--providers-elsewhere", "--lease-seconds", "3", "--store-free-bytes-min", "0"];
/// How long a refusal may take that is given without an attempt, beside whatever else the machine does.
const AT_ONCE: Duration = Duration::from_secs(5);

fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

fn prepare(reference: &str, card: &str, rupiah: u32) -> Prepared {
    let operation = contract::operation("payment_host_to_host").expect("an operation");
    client::prepare(operation, &payment(product(), reference, card, rupiah)).expect("fields")
}

/// How the store loses what it needs, and gets it back.
enum Trouble {
    /// No file of the gateway may grow any more.
    FileSize,
    /// A file system of its own is filled up. Ends with this value.
    Disk(Mount),
    /// The database answers every write as a full disk does.
    ServerFull,
    /// The database may only be read.
    ReadOnly,
}

/// A small file system in memory.
struct Mount(PathBuf);

impl Mount {
    const BYTES: u64 = 24 * 1024 * 1024;

    /// None where we may not mount.
    fn make(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder");
        let size = format!("size={}", Self::BYTES);
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder.to_owned()))
    }

    fn hog(&self) -> PathBuf {
        self.0.join("hog")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let block = vec![0u8; 4096];
        let mut hog = fs::File::create(self.hog()).expect("a file");
        while std::io::Write::write_all(&mut hog, &block).is_ok() {}
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there lets go of it soon.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

impl Trouble {
    fn begin(&self, world: &World) {
        match self {
            Self::FileSize => limit(world, "4096"),
            Self::Disk(mount) => mount.fill(),
            Self::ServerFull => world.database().run(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; \
                 END $$; \
                 CREATE TRIGGER full_disk BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION full_disk(); \
                 CREATE TRIGGER full_disk BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION full_disk();",
            ),
            Self::ReadOnly => read_only(world, "on"),
        }
    }

    fn end(&self, world: &World) {
        match self {
            Self::FileSize => limit(world, "unlimited"),
            Self::Disk(mount) => fs::remove_file(mount.hog()).expect("the hog goes"),
            Self::ServerFull => world.database().run(
                "DROP TRIGGER full_disk ON requests; DROP TRIGGER full_disk ON payments; DROP FUNCTION full_disk();",
            ),
            Self::ReadOnly => read_only(world, "off"),
        }
    }
}

/// Sets how large the files of the gateway may grow.
fn limit(world: &World, bytes: &str) {
    let gateway = world.gateway.as_ref().expect("a gateway").0.id().to_string();
    let set = Command::new("prlimit").args(["--pid", &gateway, &format!("--fsize={bytes}:unlimited")]).status();
    assert!(set.is_ok_and(|status| status.success()), "prlimit (of util-linux) sets the limit of our own child");
}

/// Has every connection, the present ones included, find the database so.
fn read_only(world: &World, word: &str) {
    world.database().run(&format!(
        "BEGIN READ WRITE; DO $$ BEGIN \
         EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {word}', current_database()); \
         END $$; COMMIT"
    ));
    // A session that may only read may do this too.
    world.database().run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

/// What was asked for, and what came.
struct Asked {
    reference: String,
    code: String,
    took: Duration,
}

/// So many payments at once.
async fn wave(world: &World, name: &str, card: &str, count: usize) -> Vec<Asked> {
    let sendings: Vec<_> = (0..count)
        .map(|number| {
            let (client, reference) = (world.client(), format!("{name}-{number}"));
            let request = prepare(&reference, card, RUPIAH);
            tokio::spawn(async move {
                let since = Moment::now();
                let code = client.send_prepared(request, false).await.code().unwrap_or_default();
                Asked { reference, code, took: since.elapsed() }
            })
        })
        .collect();
    let mut asked = vec![];
    for sending in sendings {
        asked.push(sending.await.expect("an end"));
    }
    asked
}

async fn pay_bill(sender: &Sender, order: &str) -> String {
    let (product, amount) = BILL;
    let fields = [("product_code", product), ("order_id", order), ("amount", amount)];
    sender.call(Service::Payment, &fields).await.code()
}

/// Whether the gateway says that it takes new money, and why not.
fn health(world: &World) -> Value {
    world.operate(&["status"])["store_health"].clone()
}

/// Everything that one run of these tests asserts.
async fn survives(mut world: World, trouble: Trouble, store: Option<&str>) {
    world.start_providers();
    world.start_limitable_gateway(store, GATEWAY);
    let card = world.link(product()).await;
    let sender = world.sender();
    let mut asked = wave(&world, "BEFORE", &card, 10).await;
    assert!(asked.iter().all(|asked| asked.code == "2005400"), "paid while there is room");
    assert_eq!(pay_bill(&sender, "081210020001").await, "0000");
    assert_eq!(health(&world)["takes_new_money"], true);

    // Under way when it happens: charged already, and its answer comes when it cannot be kept.
    let slow = {
        let (client, request) = (world.client(), prepare("UNDER-WAY", &card, SLOW_RUPIAH));
        tokio::spawn(async move { client.send_prepared(request, false).await.code().unwrap_or_default() })
    };
    eventually("the wallet has the charge", async || (world.charges(product()).await.len() > 10).then_some(())).await;
    trouble.begin(&world);
    let first = wave(&world, "FULL", &card, 20).await;
    // A commit that the disk cut short is in doubt: its callers hear that it is being worked on, not that it failed.
    let defined = |asked: &Asked| ["5005401", "2025400"].contains(&asked.code.as_str());
    assert!(first.iter().all(defined), "{:?}", codes(&first));
    let second = wave(&world, "STILL-FULL", &card, 40).await;
    let refused = second.iter().filter(|asked| asked.code == "5005401" && asked.took < AT_ONCE).count();
    assert!(refused >= 36, "new money is refused at once: {:?}", codes(&second));
    assert!(["902", "9999"].contains(&pay_bill(&sender, "081210020002").await.as_str()));
    let told = health(&world);
    assert_eq!(told["takes_new_money"], false, "{told}");
    assert!(told["failing"].is_string() && told["failing_since"].is_string(), "{told}");
    // Its answer is in by now, and could not be kept.
    let slow = slow.await.expect("an end");
    assert!(["2025400", "5005401"].contains(&slow.as_str()), "what may have happened is not called failed: {slow}");

    trouble.end(&world);
    let number = std::sync::atomic::AtomicUsize::new(0);
    eventually("it takes new money by itself", async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let more = wave(&world, &format!("AGAIN-{number}"), &card, 1).await;
        (more[0].code == "2005400").then_some(())
    })
    .await;
    assert_eq!(pay_bill(&sender, "081210020003").await, "0000");
    assert_eq!(health(&world)["takes_new_money"], true);
    asked.extend(first.into_iter().chain(second));
    asked.push(Asked { reference: "UNDER-WAY".into(), code: slow, took: Duration::ZERO });
    agree(&world, &asked).await;
}

fn codes(asked: &[Asked]) -> BTreeMap<(&str, bool), usize> {
    let mut codes = BTreeMap::new();
    for asked in asked {
        *codes.entry((asked.code.as_str(), asked.took < AT_ONCE)).or_default() += 1;
    }
    codes
}

/// Every payment is decided, charged once where it succeeded and never where it did not; the ledger verifies.
async fn agree(world: &World, asked: &[Asked]) {
    let client = world.client();
    let mut paid = 0;
    for payment in asked {
        let ended = eventually("the payment is decided", async || {
            let status = status(&client, &payment.reference).await;
            ["00", "06", "4045501"].contains(&status.as_str()).then_some(status)
        })
        .await;
        assert!(payment.code != "2005400" || ended == "00", "{} was acknowledged and is {ended}", payment.reference);
        assert!(payment.reference != "UNDER-WAY" || ended == "00", "what was under way was charged, and is {ended}");
        paid += usize::from(ended == "00");
    }
    let charges = world.charges(product()).await;
    assert!(charges.iter().all(|charge| charge["requests"] == 1), "{charges:?}");
    let charged = charges.iter().filter(|charge| charge["charged"] == true).count();
    // Those that were tried until it worked again are charged too, at least the last one.
    assert!(charged > paid, "{charged} charges of {paid} payments");
    let references: Vec<&Value> = charges.iter().map(|charge| &charge["reference"]).collect();
    let unique: std::collections::BTreeSet<String> = references.iter().map(|reference| reference.to_string()).collect();
    assert_eq!(unique.len(), references.len(), "charged twice");
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!(verified["verified"], true, "{verified}");
    eventually("no bill is open", async || {
        let verified = world.operate(&["ledger", "verify"]);
        (verified["holds"] == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_may_not_grow_stop_new_money_and_nothing_else() {
    survives(World::new(Keeping::Sqlite), Trouble::FileSize, None).await;
}

/// Where we may not mount, the other way of making the disk full is taken a second time, at the first commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_new_money_and_nothing_else() {
    let world = World::new(Keeping::Sqlite);
    let folder = world.path().join("small");
    match Mount::make(&folder) {
        Some(mount) => {
            let url = format!("sqlite:{}", folder.join("gateway.db").display());
            survives(world, Trouble::Disk(mount), Some(&url)).await;
        }
        None => {
            println!("we may not mount here: the gateway's own limit is used instead of a full disk");
            survives(world, Trouble::FileSize, None).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_server_stops_new_money_and_nothing_else() {
    survives(World::new(Keeping::postgres()), Trouble::ServerFull, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_only_be_read_stops_new_money_and_nothing_else() {
    survives(World::new(Keeping::postgres()), Trouble::ReadOnly, None).await;
}

/// The floor is above what any disk has: nothing is begun, questions are answered.
#[tokio::test(flavor = "multi_thread")]
async fn below_the_floor_questions_are_answered_and_new_money_is_not_taken() {
    let mut world = World::new(Keeping::Sqlite);
    world.start_providers();
    world.start_gateway(GATEWAY);
    let card = world.link(product()).await;
    assert_eq!(wave(&world, "PAID", &card, 1).await[0].code, "2005400");
    world.gateway = None;
    let floor = (1u64 << 60).to_string();
    world.start_gateway(&["--providers-elsewhere", "--store-free-bytes-min", &floor]);
    let told = health(&world);
    assert_eq!((&told["takes_new_money"], &told["failing"]), (&false.into(), &Value::Null), "{told}");
    assert!(told["free_bytes"].as_u64() < told["free_bytes_min"].as_u64(), "{told}");
    assert_eq!(wave(&world, "REFUSED", &card, 1).await[0].code, "5005401");
    assert_eq!(pay_bill(&world.sender(), "081210020001").await, "902");
    assert_eq!(status(&world.client(), "PAID-0").await, "00");
    assert_eq!(status(&world.client(), "REFUSED-0").await, "4045501");
}
