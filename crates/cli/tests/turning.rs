//! What time does to a sandbox, in seconds: its clock is turned, and everything that waits for time notices.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use calendar::Instant;
use client::{Client, Prepared, Sent};
use serde_json::{Value, json};

use crate::{
    keepings::Keeping,
    support::{World, assert_answer, eventually, payment, status},
};

/// Rp 50,000 of phone credit.
const CREDIT: &str = "SVHTS50";
/// A product whose amount the customer chooses, and a customer's number.
const TOP_UP: (&str, &str) = ("SVHGJ000", "081218816230");
/// Charged at last: pending until it is asked about for the third time.
const PENDING_RUPIAH: u32 = 10_403;
/// Charged, and the answer is lost.
const LOST_RUPIAH: u32 = 10_599;

/// A product that is linked with an authorisation code.
fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

async fn pay(client: &Client, reference: &str, card: &str, rupiah: u32) -> Sent {
    client.send("payment_host_to_host", &payment(product(), reference, card, rupiah)).await.expect("sent")
}

/// How often the product's wallet was asked for an access token, by its own journal.
fn tokens_fetched(world: &World) -> usize {
    let (connector, _) = connectors::product(product()).expect("a product");
    let journal = world.path().join("providers").join(format!("{}.journal", connector.descriptor().name));
    let text = std::fs::read_to_string(journal).expect("the journal");
    text.lines().filter(|line| line.contains("access-token/b2b\"")).count()
}

async fn a_wallets_token_is_renewed_when_its_life_is_over(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let client = world.client();
    assert_answer(&pay(&client, "TOKEN-1", &card, 20_000).await, "2005400", &[]);
    assert_answer(&pay(&client, "TOKEN-2", &card, 20_000).await, "2005400", &[]);
    assert_eq!(tokens_fetched(&world), 1, "one token serves several calls");
    world.advance("1h");
    assert_answer(&pay(&client, "TOKEN-3", &card, 20_000).await, "2005400", &[]);
    assert_eq!(tokens_fetched(&world), 2, "its life is over");
    assert_eq!(world.charges(product()).await.len(), 3);
}

/// An authorisation code that the customer authorised.
async fn authorised(world: &World, client: &Client, state: &str) -> String {
    let fields = json!({
        "redirectURL": "https://www.yourdomain.com/authSuccess", "scopes": product(), "state": state,
        "merchantId": "SGWYESSISHOP", "lang": "id",
    });
    let sent = client.send("get_auth_code", &fields).await.expect("sent");
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

async fn an_authorisation_code_lives_half_an_hour(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let (old, young) = (authorised(&world, &client, "S-1").await, authorised(&world, &client, "S-2").await);
    world.advance("28m");
    assert_answer(&bind(&client, "BIND-YOUNG", &young).await, "2000700", &["accountToken"]);
    world.advance("2m");
    let refused = bind(&client, "BIND-OLD", &old).await;
    assert_answer(&refused, "4010700", &[]);
    let message = refused.text("responseMessage").unwrap_or_default();
    assert!(message.contains("auth code expired"), "{message}");
}

/// Sets the clock to a time of the next day in Jakarta.
fn set_to(world: &World, days: i64, time: &str) -> Value {
    let day = world.now().plus_seconds(days * 24 * 3600).wire_text();
    let (date, _) = day.split_once('T').expect("date and time");
    world.operate(&["clock", "set", &format!("{date}T{time}+07:00")])
}

async fn an_external_id_is_free_again_after_midnight_in_jakarta_and_a_reference_never(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let client = world.client();
    set_to(&world, 1, "23:50:00");
    let operation = contract::operation("payment_host_to_host").expect("an operation");
    let prepare = |reference: &str, external_id: &str| Prepared {
        external_id: external_id.into(),
        ..client::prepare(operation, &payment(product(), reference, &card, 20_000)).expect("fields")
    };
    let send = async |reference: &str, external_id: &str| {
        client.send_prepared(prepare(reference, external_id), false).await.code().unwrap_or_default()
    };
    assert_eq!(send("NIGHT-1", "same-id").await, "2005400");
    assert_eq!(send("NIGHT-2", "same-id").await, "4095400", "the id was used today");
    let turned = world.advance("11m");
    assert_eq!(turned["midnights"], 1, "{turned}");
    assert_eq!(send("NIGHT-2", "same-id").await, "2005400", "another day in Jakarta");
    assert_eq!(send("NIGHT-1", "other-id").await, "4095401", "a reference is unique for ever");
    let other_amount = payment(product(), "NIGHT-1", &card, 21_000);
    let sent = client.send("payment_host_to_host", &other_amount).await.expect("sent");
    assert_answer(&sent, "4045418", &[]);
    assert_eq!(world.charges(product()).await.len(), 2);
}

async fn a_checkout_that_nobody_used_ends(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let client = world.client();
    let mut fields = payment(product(), "CHECKOUT-1", "", 30_000);
    fields["additionalInfo"].as_object_mut().expect("an object").remove("bankCardToken");
    let sent = client.send("payment_host_to_host", &fields).await.expect("sent");
    let page = sent.text("webRedirectUrl").expect("a page");
    let text = async |url: &str| {
        let answer = engine::transport::http_client(10_000).get(url).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    };
    assert_eq!(text(&page).await.0, 200);
    let turned = world.advance("31m");
    assert_eq!(turned["became_due"], json!([{"kind": "expire_checkout", "tasks": 1}]), "{turned}");
    assert_eq!(text(&page).await.0, 410, "the page is gone with the turn, whether it was closed already or not");
    eventually("the checkout is closed", async || (status(&client, "CHECKOUT-1").await == "06").then_some(())).await;
    let order = eventually("the merchant is told", async || {
        let order = world.order("CHECKOUT-1").await;
        (order["notifications"].as_array().map(Vec::len) == Some(1)).then_some(order)
    })
    .await;
    assert!(order["paid"].is_null(), "{order}");
}

async fn a_bills_inquiry_holds_for_a_quarter_of_an_hour(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let early = sender.inquire(CREDIT, "081218816222", None).await;
    let late = sender.inquire(CREDIT, "081218816223", None).await;
    world.advance("14m");
    assert!(sender.pay_inquired(CREDIT, &early, None).await.succeeded());
    world.advance("1m");
    let refused = sender.pay_inquired(CREDIT, &late, None).await;
    assert_eq!(refused.code(), "122", "{}", refused.body);
    assert!(sender.buy(CREDIT, "081218816223").await.succeeded(), "asked again, it is good again");
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!((&verified["verified"], &verified["holds"]), (&true.into(), &0.into()), "{verified}");
}

async fn an_overdue_invoice_closes_the_shop_until_it_is_paid(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.invoiced_sender();
    assert!(sender.buy(CREDIT, "081218816222").await.succeeded());
    let issued = world.operate(&["invoice", "issue", "SANDBOXINV"]);
    let number = issued["number"].as_str().expect("a number");
    assert!(sender.buy(CREDIT, "081218816223").await.succeeded());
    let turned = world.advance("60d");
    assert_eq!(turned["invoices_overdue"], json!([number]), "{turned}");
    let refused = sender.buy(CREDIT, "081218816224").await;
    assert_eq!(refused.code(), "802", "{}", refused.body);
    world.operate(&["invoice", "pay", number, "--amount", "53000", "--reference", "TRF-1"]);
    assert!(sender.buy(CREDIT, "081218816224").await.succeeded());
}

async fn a_product_is_closed_and_open_by_jakartas_clock(keeping: Keeping) {
    let mut world = World::new(keeping);
    let file = world.path().join("night.toml");
    std::fs::write(&file, format!("[[maintenance]]\nproducts = [\"{CREDIT}\"]\nfrom = \"FROM\"\nto = \"TO\"\n"))
        .expect("a file");
    // Closed tomorrow from 23:00 to 01:00 of the day after.
    let day = |days: i64| {
        let text = client::Clock::default().now().plus_seconds(days * 24 * 3600).wire_text();
        text.split_once('T').expect("date and time").0.to_owned()
    };
    let text = std::fs::read_to_string(&file).expect("the file");
    let text = text.replace("FROM", &format!("{} 23:00:00", day(1))).replace("TO", &format!("{} 01:00:00", day(2)));
    std::fs::write(&file, text).expect("a file");
    world.start_gateway(&["--products", file.to_str().expect("a path that is text")]);
    let sender = world.sender();
    for (days, time, code) in
        [(1, "22:59:00", "0000"), (0, "23:00:00", "406"), (1, "00:59:00", "406"), (0, "01:00:00", "0000")]
    {
        set_to(&world, days, time);
        let reply = sender.inquire(CREDIT, "081218816222", None).await;
        assert_eq!(reply.code(), code, "{time}: {}", reply.body);
    }
}

async fn an_unknown_payment_is_asked_about_when_its_time_comes(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let client = world.client();
    for (reference, rupiah) in [("LATER-1", PENDING_RUPIAH), ("LATER-2", LOST_RUPIAH)] {
        let sent = pay(&client, reference, &card, rupiah).await;
        assert!(!sent.outcome.succeeded(), "{:?}", sent.reply());
    }
    let passed = world.pass("10m");
    assert!(passed["steps"].as_u64() >= Some(2), "{passed}");
    for reference in ["LATER-1", "LATER-2"] {
        assert_eq!(status(&client, reference).await, "00", "{reference}");
        let order = world.order(reference).await;
        assert_eq!(order["notifications"].as_array().map(Vec::len), Some(1), "{order}");
    }
    let charges = world.charges(product()).await;
    assert!(charges.len() == 2 && charges.iter().all(|charge| charge["requests"] == 1), "{charges:?}");
}

/// An hour back while payments and bills are open: what is there stays, what is new is newer than what was there, and
/// everything ends when its time comes again.
async fn a_clock_that_steps_back_breaks_nothing(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let card = world.link(product()).await;
    let (client, sender) = (world.client(), world.sender());
    let paid = sender.buy(CREDIT, "081218816222").await;
    assert!(paid.succeeded(), "{}", paid.body);
    world.advance("3h");
    pay(&client, "BACK-1", &card, PENDING_RUPIAH).await;
    pay(&client, "BACK-2", &card, LOST_RUPIAH).await;
    let open = sender.buy(CREDIT, "081218810039").await;
    assert!(open.in_process(), "{}", open.body);
    let (wallet, order) = TOP_UP;
    let top_up = async |amount: &str| {
        let additional = json!({"amount": amount}).to_string();
        let inquired = sender.inquire(wallet, order, Some(&additional)).await;
        let bought = sender.pay_inquired(wallet, &inquired, Some(&additional)).await;
        assert!(bought.succeeded(), "{} {}", inquired.body, bought.body);
        bought.text("ref_id")
    };
    let before = top_up("10000000").await;
    let hour_ago = world.now().plus_seconds(-3600).wire_text();
    let turned = world.operate(&["clock", "set", &hour_ago]);
    assert_eq!(turned["at"], hour_ago.as_str());
    assert_answer(&pay(&client, "BACK-3", &card, 20_000).await, "2005400", &[]);
    // The newest payment of an order is the one that was made last, whatever the clock said.
    let after = top_up("11000000").await;
    let newest = world.operate(&["biller", "status", "--order", order, "--product", wallet]);
    assert!(newest["ref_id"] == after.as_str() && after > before, "{before} {after} {newest}");
    world.pass("2h");
    for reference in ["BACK-1", "BACK-2", "BACK-3"] {
        assert_eq!(status(&client, reference).await, "00", "{reference}");
        let order = world.order(reference).await;
        assert_eq!(order["notifications"].as_array().map(Vec::len), Some(1), "{order}");
    }
    assert!(sender.settled(&open.text("ref_id")).await.succeeded());
    let charges = world.charges(product()).await;
    assert!(charges.len() == 3 && charges.iter().all(|charge| charge["requests"] == 1), "{charges:?}");
    let verified = world.operate(&["ledger", "verify"]);
    assert_eq!((&verified["verified"], &verified["holds"]), (&true.into(), &0.into()), "{verified}");
}

async fn a_turn_outlives_the_sandbox_and_reaches_every_process(keeping: Keeping) {
    let mut world = World::new(keeping);
    world.start_providers();
    world.start_gateway(&["--providers-elsewhere"]);
    world.advance("2d4h30m");
    let turned = world.now();
    let card = world.link(product()).await;
    assert_answer(&pay(&world.client(), "FAR-1", &card, 20_000).await, "2005400", &[]);
    world.gateway = None;
    world.start_gateway(&["--providers-elsewhere"]);
    assert!(world.now() >= turned, "time does not jump back");
    assert_answer(&pay(&world.client(), "FAR-2", &card, 20_000).await, "2005400", &[]);
    world.operate(&["clock", "reset"]);
    let behind = world.now().seconds_since(client::Clock::default().now());
    assert!((-2..=2).contains(&behind), "{behind}");
    let (code, told, error) = world.run(&["clock", "set", "tomorrow"]);
    assert_eq!(code, Some(3), "{told}{error}");
    assert!(error.contains("field_malformed"), "{error}");
}

/// A merchant that only hears of its links: counts what it is told, and accepts it when it listens.
struct DeafMerchant {
    url: String,
    listens: Arc<AtomicBool>,
    told: Arc<AtomicUsize>,
}

impl DeafMerchant {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/shop", listener.local_addr().expect("an address"));
        let (listens, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (heard, counted) = (listens.clone(), told.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                Self::answer(stream, heard.load(Ordering::SeqCst));
            }
        });
        Self { url, listens, told }
    }

    fn answer(mut stream: TcpStream, accepts: bool) {
        let (mut text, mut piece) = (vec![], [0; 4096]);
        while !String::from_utf8_lossy(&text).contains("additionalInfo") {
            match stream.read(&mut piece) {
                Ok(length) if length > 0 => text.extend_from_slice(&piece[..length]),
                _ => return,
            }
        }
        let (status, body) = match accepts {
            true => ("200 OK", r#"{"responseCode":"2000700","responseMessage":"Successful"}"#),
            false => ("500 Internal Server Error", "{}"),
        };
        let length = body.len();
        // A gateway that is gone is told nothing.
        let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    }

    fn told(&self) -> usize {
        self.told.load(Ordering::SeqCst)
    }
}

/// Two days of repeats, then the merchant listens: it is told once more, and no more after that.
async fn a_merchant_that_is_deaf_for_days_is_told_when_it_listens(keeping: Keeping) {
    let merchant = DeafMerchant::start();
    let mut world = World::new(keeping);
    world.start_gateway(&["--merchant-callback", &merchant.url]);
    world.link(product()).await;
    world.pass("48h");
    let repeats = merchant.told();
    assert!((10..200).contains(&repeats), "{repeats} in 48 hours");
    merchant.listens.store(true, Ordering::SeqCst);
    world.pass("5h");
    assert_eq!(merchant.told(), repeats + 1, "told once more, and accepted");
    world.pass("3d");
    assert_eq!(merchant.told(), repeats + 1, "and not again");
}

/// Nobody is bothered for ever: after three days it is kept, and sent no more.
async fn a_merchant_that_never_listens_is_left_alone_after_three_days(keeping: Keeping) {
    let merchant = DeafMerchant::start();
    let mut world = World::new(keeping);
    world.start_gateway(&["--merchant-callback", &merchant.url]);
    world.link(product()).await;
    world.pass("90h");
    let told = merchant.told();
    world.pass("5d");
    assert_eq!(merchant.told(), told, "nothing more after three days");
    let shown = world.operate(&["clock", "show"]);
    assert_eq!(shown["tasks"]["unfinished"], 0, "nothing waits for it: {shown}");
}

/// A request by hand that carries the computer's time instead of the sandbox's is refused, and told by how much it is off.
async fn a_request_of_another_time_is_told_so(keeping: Keeping) {
    let world = World::sandbox(keeping);
    world.advance("3h");
    let late = world.client().with_clock(client::Clock::default());
    let sent = late.send("inquiry_merchant_info", &json!({"key": late.merchant().api_key})).await.expect("sent");
    assert_answer(&sent, "0000", &[]);
    let fields = json!({"originalPartnerReferenceNo": "NONE", "serviceCode": "54"});
    let sent = late.send("debit_status", &fields).await.expect("sent");
    assert_answer(&sent, "4015500", &["additionalInfo.debug.skewSeconds"]);
    let answered = sent.response.expect("an answer").headers;
    let time = answered.iter().find(|(name, _)| name == "x-timestamp").map(|(_, value)| value.clone());
    let time = Instant::parse(&time.expect("every answer says what time it is")).expect("a time");
    let ahead = time.seconds_since(client::Clock::default().now());
    assert!((3 * 3600 - 5..=3 * 3600).contains(&ahead), "{ahead}");
}

on_both_keepings! {
    a_wallets_token_is_renewed_when_its_life_is_over,
    an_authorisation_code_lives_half_an_hour,
    an_external_id_is_free_again_after_midnight_in_jakarta_and_a_reference_never,
    a_checkout_that_nobody_used_ends,
    a_bills_inquiry_holds_for_a_quarter_of_an_hour,
    an_overdue_invoice_closes_the_shop_until_it_is_paid,
    a_product_is_closed_and_open_by_jakartas_clock,
    an_unknown_payment_is_asked_about_when_its_time_comes,
    a_clock_that_steps_back_breaks_nothing,
    a_turn_outlives_the_sandbox_and_reaches_every_process,
    a_merchant_that_is_deaf_for_days_is_told_when_it_listens,
    a_merchant_that_never_listens_is_left_alone_after_three_days,
    a_request_of_another_time_is_told_so,
}
