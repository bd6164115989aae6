//! What a merchant that sells bills sees, over real HTTP: the samples of the published pages, every refusal with its
//! code, and a repeat of what was asked before.

use std::path::PathBuf;

use crate::{
    keepings::Keeping,
    support::{
        World,
        biller::{Form, Sender, Service, set},
        eventually,
    },
};

/// A product that is paid without an inquiry, and a number of the documents' samples.
const CABLE: (&str, &str) = ("STBIDV", "401101338833");
/// Rp 50,000 of phone credit.
const CREDIT: &str = "SVHTS50";

/// One sample of the published catalogue: what is asked, and what must be answered.
struct Sample {
    product: &'static str,
    order: &'static str,
    additional: Option<&'static str>,
    /// `amount`, `bill_amount` and `admin_fee` in hundredths; none where the page does not say.
    amounts: Option<(i64, i64, i64)>,
    /// Members of `data`, with their values where the page's are not of its own moment or its biller's own.
    data: &'static [(&'static str, Option<&'static str>)],
}

const SAMPLES: &[Sample] = &[
    Sample {
        product: "SLYLPR200",
        order: "520520795556",
        additional: None,
        amounts: Some((20_250_000, 20_000_000, 250_000)),
        data: &[
            ("customer_id", None),
            ("customer_name", Some("RAISA")),
            ("meter_serial", None),
            ("class", Some("R1  /000001300")),
            ("token_unsold1", None),
            ("token_unsold2", None),
            ("reff_no", None),
            ("price", Some("200000")),
            ("admin_fee", Some("2500")),
            ("remark", None),
        ],
    },
    Sample {
        product: "SLYLPO",
        order: "530000000001",
        additional: None,
        amounts: Some((30_468_000, 30_118_000, 350_000)),
        data: &[
            ("customer_id", None),
            ("customer_name", None),
            ("total_bill", Some("1")),
            ("bill_period", None),
            ("bill_amount", Some("301180")),
            ("admin_fee", None),
        ],
    },
    Sample {
        product: "BPJSKS",
        order: "8801835307911",
        additional: None,
        amounts: Some((10_500_000, 10_500_000, 500_000)),
        data: &[
            ("va_number", None),
            ("customer_id", None),
            ("customer_name", None),
            ("family_number", Some("1")),
            ("bill_period", Some("1")),
            ("bill_amount", Some("105000")),
            ("admin_fee", Some("5000")),
            ("amount", Some("105000")),
            ("remain_payment", Some("0")),
            ("reff_code", None),
            ("branch_code", None),
            ("branch_name", None),
            ("remark", None),
        ],
    },
    Sample {
        product: "SLYPLJ",
        order: "400400400400400",
        additional: None,
        amounts: None,
        data: &[
            ("bill_amount", None),
            ("bill_date", Some("201510")),
            ("bill_total", Some("01")),
            ("cubication", None),
            ("customer_id", None),
            ("customer_name", None),
            ("penalty", None),
            ("provider_code", None),
            ("ref_no", None),
        ],
    },
    Sample {
        product: CREDIT,
        order: "081218816222",
        additional: None,
        amounts: Some((5_300_000, 4_950_000, 350_000)),
        data: &[("denomination", Some("50")), ("price", Some("49500"))],
    },
    Sample {
        product: "SPBTHL",
        order: "0888666777",
        additional: None,
        amounts: Some((12_540_000, 12_540_000, 0)),
        data: &[
            ("phone_no", None),
            ("bill_total", Some("1")),
            ("bill_ref", None),
            ("bill_amount", Some("000000125400")),
            ("customer_name", None),
            ("region_code", Some("00")),
        ],
    },
    Sample {
        product: "SVH",
        order: "081218816222",
        additional: Some(r#"{"amount": "10000000"}"#),
        amounts: Some((10_166_500, 10_000_000, 166_500)),
        data: &[("customer_name", None)],
    },
];

async fn the_published_samples_are_answered_as_printed(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let mut differences: Vec<String> = vec![];
    for sample in SAMPLES {
        let (product, order) = (sample.product, sample.order);
        let inquired = sender.inquire(product, order, sample.additional).await;
        assert_eq!(inquired.code(), "0000", "{product}: {}", inquired.body);
        for member in ["rq_uuid", "rs_datetime", "error_desc", "error_message", "description", "data"] {
            assert!(!inquired.body[member].is_null(), "{product}: {member} is missing in {}", inquired.body);
        }
        assert_eq!(inquired.text("order_id"), order, "{product}");
        let amounts = (inquired.sen("amount"), inquired.sen("bill_amount"), inquired.sen("admin_fee"));
        match sample.amounts {
            Some(printed) => assert_eq!(amounts, printed, "{product}: {}", inquired.body),
            None => assert_eq!(amounts.0, amounts.1 + amounts.2, "{product}"),
        }
        let data = &inquired.body["data"];
        for (name, value) in sample.data {
            // Some samples have money as numbers, others as texts.
            let found = data[name].as_str().map_or_else(|| data[name].to_string(), str::to_owned);
            if found == "null" || value.is_some_and(|value| value != found) {
                differences.push(format!("{product}: {name} is {found}, {value:?} is printed: {data}"));
            }
        }
        let paid = sender.pay_inquired(product, &inquired, sample.additional).await;
        assert!(paid.succeeded(), "{product}: {}", paid.body);
        assert_eq!(paid.text("error_desc"), "Success", "{product}");
        let ref_id = paid.text("ref_id");
        assert!(!ref_id.is_empty() && ref_id.len() <= 32, "{product}: {}", paid.body);
        let asked = sender.status(&ref_id).await;
        assert!(asked.succeeded(), "{product}: {}", asked.body);
        assert_eq!(asked.body["data"], paid.body["data"], "{product}: the status shows the same");
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

async fn products_without_an_inquiry_are_paid_as_the_samples_have_it(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    for (product, order, shown) in [
        (CABLE.0, CABLE.1, "customer_id"),
        ("STASMF", "4111111111", "customer_id"),
        ("SINCBN", "401101338833", "customer_id"),
    ] {
        let paid = match product {
            "STASMF" => {
                let additional = Some(r#"{"amount":"10000000"}"#);
                let inquired = sender.inquire(product, order, additional).await;
                sender.pay_inquired(product, &inquired, additional).await
            }
            "STBIDV" => sender.pay(product, order, "1000000").await,
            _ => sender.pay(product, order, "10000000").await,
        };
        assert!(paid.succeeded(), "{product}: {}", paid.body);
        assert_eq!(paid.body["data"][shown], order, "{product}: {}", paid.body);
        let amount = paid.body["data"]["amount"].as_str().expect("data.amount");
        assert!(amount.len() == 12 && amount.starts_with("00"), "{product}: zero-padded rupiah: {amount}");
    }
}

async fn the_token_is_the_same_however_often_it_is_asked_for(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let paid = sender.buy("SLYLPR20", "520520795556").await;
    assert!(paid.succeeded(), "{}", paid.body);
    let token = paid.body["data"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(token.bytes().filter(u8::is_ascii_digit).count(), 20, "{token}");
    for _ in 0..3 {
        let asked = sender.status(&paid.text("ref_id")).await;
        assert_eq!(asked.body["data"]["token"], token.as_str());
    }
    let bought = world.bill_orders().await;
    assert_eq!(bought.iter().filter(|order| order["delivered"] == true).count(), 1, "{bought:?}");
}

/// A form with something wrong in it, and the code that it must be answered with.
type Spoiling = (&'static str, Service, fn(&Sender, &mut Form), &'static str);

const SPOILINGS: &[Spoiling] = &[
    ("a missing order", Service::Inquiry, |_, form| form.retain(|(name, _)| name != "order_id"), "102"),
    ("a missing signature", Service::Inquiry, |_, form| form.retain(|(name, _)| name != "signature"), "102"),
    ("a missing rq_uuid", Service::Balance, |_, form| form.retain(|(name, _)| name != "rq_uuid"), "102"),
    ("a time that is none", Service::Inquiry, |sender, form| resign(sender, form, "rq_datetime", "yesterday"), "103"),
    ("an order that breaks the rule", Service::Inquiry, |sender, form| resign(sender, form, "order_id", "0812"), "103"),
    ("an order with letters", Service::Inquiry, |sender, form| resign(sender, form, "order_id", "08121881ABCD"), "103"),
    ("additional data that is not JSON", Service::Inquiry, additional_data, "103"),
    ("an amount that is none", Service::Payment, |sender, form| resign(sender, form, "amount", "many"), "103"),
    ("another sender", Service::Inquiry, |sender, form| resign(sender, form, "sender_id", "SANDBOXINV"), "111"),
    ("a wrong password", Service::Inquiry, |_, form| set(form, "password", "wrong"), "112"),
    ("a wrong signature", Service::Inquiry, |_, form| set(form, "signature", &"0".repeat(64)), "113"),
    (
        "a product that is not there",
        Service::Inquiry,
        |sender, form| resign(sender, form, "product_code", "NOSUCH"),
        "405",
    ),
    (
        "a payment without an inquiry",
        Service::Payment,
        |sender, form| resign(sender, form, "order_id", "081218802001"),
        "121",
    ),
    ("a bill that is not there", Service::Status, |_, _| {}, "124"),
];

fn additional_data(sender: &Sender, form: &mut Form) {
    resign(sender, form, "product_code", "SVHOVO000");
    set(form, "additional_data", "{amount");
}

/// Changes a field and signs again.
fn resign(sender: &Sender, form: &mut Form, name: &str, value: &str) {
    set(form, name, value);
    let service = match form.iter().any(|(name, _)| name == "amount") {
        true => Service::Payment,
        false => Service::Inquiry,
    };
    let signature = sender.signature(service, form);
    set(form, "signature", &signature);
}

async fn every_refusal_has_its_code(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let before = world.operate(&["ledger", "verify"]);
    for (what, service, spoil, code) in SPOILINGS {
        let fields: &[(&str, &str)] = match service {
            Service::Products | Service::Balance => &[],
            Service::Inquiry => &[("product_code", CREDIT), ("order_id", "081218816222")],
            Service::Payment => &[("product_code", CREDIT), ("order_id", "081218816222"), ("amount", "5300000")],
            Service::Status => &[("ref_id", "TX00000000000000000000000001")],
        };
        let mut form = sender.form(*service, fields);
        spoil(&sender, &mut form);
        let reply = sender.post(*service, &form).await;
        assert_eq!(reply.code(), *code, "{what}: {}", reply.body);
        assert_eq!(reply.body["error_desc"], reply.body["error_message"], "{what}");
    }
    assert_eq!(world.operate(&["ledger", "verify"])["entries"], before["entries"], "nothing was moved");
    assert!(world.bill_orders().await.is_empty(), "nobody was asked for anything");
}

async fn whoever_fails_to_authenticate_learns_nothing(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    for stranger in [
        Sender { basic_password: "wrong".into(), ..sender.clone() },
        Sender { username: "nobody".into(), ..sender.clone() },
        Sender { username: String::new(), basic_password: String::new(), ..sender.clone() },
    ] {
        for service in Service::ALL {
            let reply = stranger.post(service, &sender.form(service, &[])).await;
            assert_eq!(reply.status, 401, "{service:?}: {}", reply.body);
            assert!(!reply.body.to_string().contains("102"), "{service:?}: no field is looked at: {}", reply.body);
        }
    }
    let mut form = sender.form(Service::Inquiry, &[("product_code", CREDIT), ("order_id", "081218816222")]);
    set(&mut form, "additional_data", &"x".repeat(100_000));
    let reply = sender.post(Service::Inquiry, &form).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "105"), "{}", reply.body);
}

async fn what_was_asked_before_is_not_done_twice(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let (product, order) = CABLE;
    let form = sender.form(Service::Payment, &[("product_code", product), ("order_id", order), ("amount", "1000000")]);
    let paid = sender.post(Service::Payment, &form).await;
    assert!(paid.succeeded(), "{}", paid.body);
    let repeated = sender.post(Service::Payment, &form).await;
    assert_eq!(repeated.code(), "210", "{}", repeated.body);
    let same = sender.pay(product, order, "1000000").await;
    assert_eq!(same.code(), "610", "{}", same.body);
    let other_amount = sender.pay(product, order, "1100000").await;
    assert_eq!(other_amount.code(), "123", "another transaction, and not what is due: {}", other_amount.body);
    let differs = sender.inquire(CREDIT, "081218816222", None).await;
    let wrong = sender.pay(CREDIT, "081218816222", "5300100").await;
    assert_eq!(wrong.code(), "123", "{}", wrong.body);
    let right = sender.pay_inquired(CREDIT, &differs, None).await;
    assert!(right.succeeded(), "{}", right.body);
    let orders = world.bill_orders().await;
    assert_eq!(orders.iter().filter(|order| order["delivered"] == true).count(), 2, "{orders:?}");
}

async fn only_what_was_allowed_is_sold_and_only_to_the_limit(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let added = world.operate(&["merchant", "add", "SMALL", "--name", "Small", "--deposit", "--product", CREDIT]);
    let small = world.sender_of(&added);
    let denied = small.pay(CABLE.0, CABLE.1, "1000000").await;
    assert_eq!(denied.code(), "405", "{}", denied.body);
    let listed = small.call(Service::Products, &[]).await;
    assert!(listed.body.to_string().contains(CREDIT) && !listed.body.to_string().contains(CABLE.0), "{}", listed.body);
    let poor = small.buy(CREDIT, "081218816222").await;
    assert_eq!(poor.code(), "800", "{}", poor.body);
    let added = world.operate(&[
        "merchant",
        "add",
        "CREDIT",
        "--name",
        "Credit",
        "--invoicing",
        "--credit-limit",
        "100000",
        "--payment-days",
        "7",
    ]);
    let credit = world.sender_of(&added);
    let first = credit.buy(CREDIT, "081218816223").await;
    assert!(first.succeeded(), "{}", first.body);
    let second = credit.buy(CREDIT, "081218816224").await;
    assert_eq!(second.code(), "801", "{}", second.body);
    let balance = credit.call(Service::Balance, &[]).await;
    assert_eq!(balance.code(), "125", "{}", balance.body);
    world.operate(&["merchant", "suspend", "CREDIT"]);
    let suspended = credit.buy(CREDIT, "081218816225").await;
    assert!(!suspended.succeeded(), "{}", suspended.body);
    assert_eq!(suspended.status, 401, "{}", suspended.body);
}

/// A product that is closed is refused before any money is reserved, with the time when it opens.
async fn a_closed_product_says_until_when(keeping: Keeping) {
    let mut world = World::new(keeping);
    let file: PathBuf = world.path().join("maintenance.toml");
    let text = format!(
        "[[maintenance]]\nproducts = [\"{CREDIT}\"]\nfrom = \"2020-01-01 00:00:00\"\nto = \"2099-01-01 00:00:00\"\n"
    );
    std::fs::write(&file, text).expect("a file");
    world.start_gateway(&["--products", file.to_str().expect("a path that is text")]);
    let sender = world.sender();
    let reply = sender.inquire(CREDIT, "081218816222", None).await;
    assert_eq!(reply.code(), "406", "{}", reply.body);
    assert!(reply.text("error_desc").contains("2099-01-01 00:00:00"), "{}", reply.body);
    let other = sender.inquire("SVHTS100", "081218816222", None).await;
    assert_eq!(other.code(), "0000", "{}", other.body);
}

async fn a_low_deposit_is_told_once_and_what_failed_is_given_back(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let places = world.json("sandbox.json");
    let url = format!("http://{}/LOW/v1.0/biller/low-balance", places["merchant"].as_str().expect("an address"));
    let added = world.operate(&[
        "merchant",
        "add",
        "LOW",
        "--name",
        "Low",
        "--deposit",
        "--low-balance",
        "150000",
        "--low-balance-url",
        &url,
    ]);
    for step in ["add", "confirm", "confirm"] {
        world.operate(&["merchant", "deposit", step, "LOW", "--amount", "200000", "--reference", "TRF-1"]);
    }
    let sender = world.sender_of(&added);
    assert_eq!(sender.call(Service::Balance, &[]).await.text("balance"), "200000", "two confirmations are one top-up");
    assert!(sender.buy(CREDIT, "081218816222").await.succeeded());
    let warned = eventually("the merchant is warned", async || {
        let book = world.book().await;
        book["warnings"]["LOW"].as_object().filter(|warnings| !warnings.is_empty()).cloned()
    })
    .await;
    assert_eq!(warned.values().next().and_then(|value| value.as_str()), Some("147000.00"));
    assert!(sender.buy(CREDIT, "081218816223").await.succeeded());
    let book = world.book().await;
    assert_eq!(book["warnings"]["LOW"].as_object().map(serde_json::Map::len), Some(1), "once: {book}");
}

async fn what_was_open_when_it_was_answered_is_told_when_it_is_decided(keeping: Keeping) {
    let world = World::sandbox(keeping);
    let sender = world.sender();
    let merchant = world.json("ready.json")["biller"]["sender_id"].as_str().expect("a text").to_owned();
    let at_once = sender.buy(CREDIT, "081218816221").await;
    assert!(at_once.succeeded(), "{}", at_once.body);
    let open = sender.buy(CREDIT, "081218810999").await;
    assert_eq!(open.code(), "9999", "{}", open.body);
    let reference = open.text("ref_id");
    assert!(sender.settled(&reference).await.succeeded());
    let bills = eventually("the merchant is told", async || {
        let bills = world.book().await["bills"][&merchant].clone();
        bills[&reference].is_object().then_some(bills)
    })
    .await;
    let words: Vec<&str> =
        bills[&reference].as_object().expect("it").values().filter_map(|word| word.as_str()).collect();
    assert_eq!(words, ["SUCCESS"]);
    assert!(bills[&at_once.text("ref_id")].is_null(), "its own answer said it: {bills}");
}

on_both_keepings! {
    what_was_open_when_it_was_answered_is_told_when_it_is_decided,
    the_published_samples_are_answered_as_printed,
    products_without_an_inquiry_are_paid_as_the_samples_have_it,
    the_token_is_the_same_however_often_it_is_asked_for,
    every_refusal_has_its_code,
    whoever_fails_to_authenticate_learns_nothing,
    what_was_asked_before_is_not_done_twice,
    only_what_was_allowed_is_sold_and_only_to_the_limit,
    a_closed_product_says_until_when,
    a_low_deposit_is_told_once_and_what_failed_is_given_back,
}
