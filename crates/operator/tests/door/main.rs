//! The operator's door as a router without a socket: every operation, and everything that is wrong with a call.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod clock;
mod source;
mod unknown;
mod world;

use axum::{body::Body, http::Request};
use operator::{Kind, OPERATIONS, limits};
use serde_json::{Value, json};
use world::{BILLS, CREDIT, DEPOSIT, TOKEN, TOTAL_SEN, World, product_code, request};

#[tokio::test]
async fn nobody_without_the_token_learns_anything() {
    let world = World::start();
    for operation in OPERATIONS {
        for token in [None, Some(""), Some("operator-tokem"), Some("operator-token-and-more")] {
            let said = world.send(request(operation.name, token, operation.sample)).await;
            assert_eq!(said.refusal(), (401, "unauthorized".into()), "{} with {token:?}", operation.name);
            assert!(!said.text().contains(TOKEN));
        }
    }
    let metrics = |token: &str| {
        let request = Request::get("/operator/v1/metrics").header("authorization", format!("Bearer {token}"));
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(world.send(metrics("other")).await.status, 401);
    let said = world.send(metrics(TOKEN)).await;
    assert!(said.status == 200 && said.text().contains("gerbang_ledger_differs 0"), "{}", said.text());
    // An unknown operation is not told from a known one.
    assert_eq!(world.send(request("nothing", None, "{}")).await.status, 401);
    assert_eq!(world.call("nothing", json!({})).await.refusal(), (404, "operation_unknown".into()));
    world.engine.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let world = World::start();
    for operation in OPERATIONS {
        let name = operation.name;
        let said = world.send(request(name, Some(TOKEN), "[1]")).await;
        assert_eq!(said.refusal(), (400, "body_malformed".into()), "{name}");
        let said = world.send(request(name, Some(TOKEN), "{")).await;
        assert_eq!(said.refusal(), (400, "body_malformed".into()), "{name}");
        let said = world.send(request(name, Some(TOKEN), " ".repeat(limits::body_bytes_max(name) + 1))).await;
        assert_eq!(said.refusal(), (413, "body_too_large".into()), "{name}");
        let mut body: Value = serde_json::from_str(operation.sample).unwrap();
        body["surprise"] = 1.into();
        let said = world.call(name, body).await;
        assert_eq!(said.refusal(), (400, "field_unknown".into()), "{name}");
        for field in operation.fields {
            let mut body: Value = serde_json::from_str(operation.sample).unwrap();
            // No kind of field takes an object.
            body[field.name] = json!({});
            let said = world.call(name, body).await;
            assert_eq!(said.refusal(), (400, "field_malformed".into()), "{name} {}", field.name);
            assert!(said.text().contains(&format!("\"{}: ", field.name)), "{}", said.text());
            if field.mandatory {
                let mut body: Value = serde_json::from_str(operation.sample).unwrap();
                body.as_object_mut().unwrap().remove(field.name);
                let said = world.call(name, body).await;
                assert_eq!(said.refusal(), (400, "field_missing".into()), "{name} {}", field.name);
                assert!(said.text().contains(field.name), "{}", said.text());
            }
        }
        if let Some(field) = operation.fields.iter().find(|field| matches!(field.kind, Kind::Number(_))) {
            let mut body: Value = serde_json::from_str(operation.sample).unwrap();
            body[field.name] = json!(-1);
            assert_eq!(world.call(name, body).await.refusal(), (400, "field_malformed".into()), "{name}");
        }
    }
    world.engine.stop().await;
}

#[tokio::test]
async fn a_merchant_is_registered_shown_changed_and_suspended() {
    let world = World::start();
    let add = json!({"merchant":"KIOS","name":"Kios","mechanism":"deposit","low_balance":"100000.00",
        "low_balance_url":"https://kios.example/low","products":[product_code().as_str()]});
    let added = world.done("merchant.add", add.clone()).await;
    let biller = &added["biller"];
    for (name, length) in [("basic_password", 24), ("password", 24), ("key", 32)] {
        assert_eq!(biller[name].as_str().map(str::len), Some(length), "{name}");
    }
    assert_eq!((biller["username"].as_str(), biller["mechanism"].as_str()), (Some("kios"), Some("deposit")));
    assert_eq!(world.call("merchant.add", add).await.refusal(), (409, "merchant_exists".into()));
    let twice = json!({"merchant":"TWICE","name":"Twice","mechanism":"deposit"});
    let (one, other) = tokio::join!(world.call("merchant.add", twice.clone()), world.call("merchant.add", twice));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "of two at once one is registered");
    let shown = world.call("merchant.show", json!({"merchant":"KIOS"})).await;
    for name in ["basic_password", "password", "key"] {
        assert!(!shown.text().contains(biller[name].as_str().unwrap()), "{name} is shown once");
    }
    let shown = shown.json();
    assert_eq!(shown["biller"]["standing"]["available"], "0.00");
    assert_eq!(shown["callbacks"]["low_balance_url"], "https://kios.example/low");
    let page = world.done("merchant.list", json!({"limit":2})).await;
    assert_eq!(page["merchants"].as_array().unwrap().len(), 2);
    let rest = world.done("merchant.list", json!({"after":page["next"]})).await;
    assert_eq!(rest["merchants"].as_array().unwrap().len(), 2);
    assert_eq!(rest["next"], Value::Null);

    let changed = world.done("merchant.keys", json!({"merchant":"KIOS","change":"new_signature_key"})).await;
    let key = changed["biller"]["key"].as_str().unwrap();
    let access = world.engine.partner_by_biller_username("kios").unwrap().merchant.biller.clone().unwrap();
    assert_eq!(access.keys.iter().map(|key| key.expose()).collect::<Vec<_>>(), [key, biller["key"].as_str().unwrap()]);
    world.done("merchant.keys", json!({"merchant":"KIOS","change":"drop_old_signature_key"})).await;
    let changed = world.done("merchant.keys", json!({"merchant":"KIOS","change":"new_passwords"})).await;
    let access = world.engine.partner_by_biller_username("kios").unwrap().merchant.biller.clone().unwrap();
    assert_eq!(access.keys.len(), 1);
    assert_eq!(Some(access.password.expose()), changed["biller"]["password"].as_str());

    world.done("merchant.suspend", json!({"merchant":"KIOS"})).await;
    world.done("merchant.suspend", json!({"merchant":"KIOS"})).await;
    assert!(world.engine.partner("KIOS").unwrap().merchant.suspended);
    world.done("merchant.suspend", json!({"merchant":"KIOS","suspended":false})).await;
    assert!(!world.engine.partner("KIOS").unwrap().merchant.suspended);
    world.engine.stop().await;
}

/// Two gateways of one store, each with a door: this one has not read yet what the other one changed.
#[tokio::test]
async fn a_change_does_not_undo_what_another_gateway_changed() {
    let changes = [
        ("merchant.products", json!({"merchant":DEPOSIT,"products":[product_code().as_str()]})),
        ("merchant.keys", json!({"merchant":DEPOSIT,"change":"new_passwords"})),
    ];
    for (operation, change) in changes {
        let world = World::start();
        let mut merchant = world.engine.partner(DEPOSIT).unwrap().merchant.clone();
        merchant.suspended = true;
        world.store.save_merchant(&merchant).unwrap();
        world.done(operation, change).await;
        let kept = world.store.reader().unwrap().merchants().unwrap();
        assert!(kept.iter().any(|kept| kept.code == merchant.code && kept.suspended), "{operation}: still suspended");
        // A merchant of the other gateway is not registered once more.
        merchant.code = lifecycle::MerchantCode::new("NEU");
        merchant.biller = None;
        world.store.save_merchant(&merchant).unwrap();
        let add = json!({"merchant":"NEU","name":"N","mechanism":"deposit"});
        assert_eq!(world.call("merchant.add", add).await.refusal(), (409, "merchant_exists".into()));
        world.engine.stop().await;
    }
}

#[tokio::test]
async fn a_merchant_that_does_not_go_together_is_refused() {
    let world = World::start();
    let refused = async |body: Value, expected: (u16, &str)| {
        let said = world.call("merchant.add", body.clone()).await;
        assert_eq!(said.refusal(), (expected.0, expected.1.to_owned()), "{body}: {}", said.text());
        assert!(world.engine.partner("NEU").is_none());
    };
    refused(json!({"merchant":"NEU","name":"N"}), (400, "field_missing")).await;
    refused(json!({"merchant":"N:U","name":"N","mechanism":"deposit"}), (400, "field_malformed")).await;
    refused(json!({"merchant":"NEU","name":"N","mechanism":"invoicing"}), (400, "field_missing")).await;
    refused(json!({"merchant":"NEU","name":"N","mechanism":"deposit","credit_limit":"1.00"}), (400, "field_malformed"))
        .await;
    refused(
        json!({"merchant":"NEU","name":"N","mechanism":"deposit","products":["NOTHING"]}),
        (400, "field_malformed"),
    )
    .await;
    refused(
        json!({"merchant":"NEU","name":"N","mechanism":"deposit","inquiry_url":"ftp://x"}),
        (400, "field_malformed"),
    )
    .await;
    refused(
        json!({"merchant":"NEU","name":"N","mechanism":"deposit","allowed_addresses":["x"]}),
        (400, "field_malformed"),
    )
    .await;
    let username = DEPOSIT.to_lowercase();
    refused(
        json!({"merchant":"NEU","name":"N","mechanism":"deposit","username":username}),
        (409, "registration_refused"),
    )
    .await;
    refused(json!({"merchant":"NEU","name":"N","public_keys":["no key"]}), (409, "registration_refused")).await;
    let pem = include_str!("../../../../docs/reference/signing/test_public.pem");
    let added = world.done("merchant.add", json!({"merchant":"NEU","name":"N","public_keys":[pem]})).await;
    assert_eq!(added["api_key"].as_str().map(str::len), Some(32));
    assert!(added.get("biller").is_none());
    let said = world.call("merchant.products", json!({"merchant":"NEU"})).await;
    assert_eq!(said.refusal(), (409, "no_biller_access".into()));
    let said = world.call("merchant.keys", json!({"merchant":"NEU","change":"add_public_key"})).await;
    assert_eq!(said.refusal(), (400, "field_malformed".into()));
    let said = world.call("merchant.keys", json!({"merchant":"NEU","change":"add_public_key","public_key":"x"})).await;
    assert_eq!(said.refusal(), (409, "registration_refused".into()));
    let again = world.done("merchant.keys", json!({"merchant":"NEU","change":"add_public_key","public_key":pem})).await;
    assert_eq!(again["public_keys"], 1, "the same key is not kept twice");
    assert!(again.get("api_key").is_none());
    // One that sold bills only gets what a caller with a key of its own needs.
    let first = json!({"merchant":DEPOSIT,"change":"add_public_key","public_key":pem});
    let first = world.done("merchant.keys", first).await;
    let partner = world.engine.partner_by_api_key(first["api_key"].as_str().unwrap()).unwrap();
    assert_eq!(partner.merchant.code.as_str(), DEPOSIT);
    world.engine.stop().await;
}

#[tokio::test]
async fn what_a_merchant_sells_and_for_how_much_is_changed_and_shown_page_by_page() {
    let world = World::start();
    let all = world.engine.catalogue().products().len();
    let mut seen = vec![];
    let mut after = Value::Null;
    loop {
        let page = world.done("merchant.products", json!({"merchant":DEPOSIT,"limit":50,"after":after})).await;
        seen.extend(page["products"].as_array().unwrap().iter().map(|product| product["product"].clone()));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), all);
    let code = product_code();
    let price =
        json!({"product":code.as_str(),"admin_fee":"2500.00","admin_fee_bp":10,"fee":"100.00","margin":"500.00"});
    let changed =
        world.done("merchant.products", json!({"merchant":DEPOSIT,"products":[code.as_str()],"prices":[price]})).await;
    let only = &changed["products"].as_array().unwrap()[..];
    assert_eq!(only.len(), 1);
    assert_eq!((&only[0]["admin_fee"], &only[0]["agreed"]), (&json!("2500.00"), &json!(true)));
    let refused = world.call("merchant.products", json!({"merchant":DEPOSIT,"prices":[{"product":"NOTHING"}]})).await;
    assert_eq!(refused.refusal(), (400, "field_malformed".into()));
    let refused = world.call("merchant.products", json!({"merchant":DEPOSIT,"prices":[{"price":"1.00"}]})).await;
    assert_eq!(refused.refusal(), (400, "field_malformed".into()));
    let refused = world.call("merchant.products", json!({"merchant":DEPOSIT,"category":"horses"})).await;
    assert_eq!(refused.refusal(), (400, "field_malformed".into()));
    world.done("merchant.products", json!({"merchant":DEPOSIT,"all_products":true})).await;
    let partner = world.engine.partner(DEPOSIT).unwrap();
    assert_eq!(partner.merchant.biller.as_ref().unwrap().products, None);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_deposit_is_filled_in_two_steps_each_of_which_may_be_repeated() {
    let world = World::start();
    let step = |amount: &str| json!({"merchant":DEPOSIT,"reference":"TRF-1","amount":amount});
    let early = world.call("deposit.confirm", step("1000000.00")).await;
    assert_eq!(early.refusal(), (409, "step_impossible".into()));
    for _ in 0..2 {
        let requested = world.done("deposit.request", step("1000000.00")).await;
        assert_eq!((&requested["state"], &requested["deposit"]["balance"]), (&json!("requested"), &json!("0.00")));
    }
    assert_eq!(world.call("deposit.request", step("1.00")).await.refusal(), (409, "reference_differs".into()));
    assert_eq!(world.call("deposit.confirm", step("1.00")).await.refusal(), (409, "reference_differs".into()));
    for _ in 0..2 {
        let confirmed = world.done("deposit.confirm", step("1000000.00")).await;
        assert_eq!(confirmed["state"], "confirmed");
        assert_eq!(confirmed["deposit"]["available"], "1000000.00");
    }
    // What looks like the same reference would be another top-up.
    for reference in [" T1", "T1 ", "T1\u{a0}", " "] {
        let body = json!({"merchant":DEPOSIT,"reference":reference,"amount":"1000000.00"});
        let said = world.call("deposit.request", body).await;
        assert_eq!(said.refusal(), (400, "field_malformed".into()), "{reference:?}");
    }
    let zero = world.call("deposit.request", json!({"merchant":DEPOSIT,"reference":"Z","amount":"0.00"})).await;
    assert_eq!(zero.refusal(), (409, "step_impossible".into()));
    let nobody = world.call("deposit.request", json!({"merchant":"NOBODY","reference":"Z","amount":"1.00"})).await;
    assert_eq!(nobody.refusal(), (404, "not_found".into()));
    let credit = world.call("deposit.request", json!({"merchant":CREDIT,"reference":"Z","amount":"1.00"})).await;
    assert_eq!(credit.refusal(), (409, "no_deposit".into()));
    world.engine.stop().await;
}

fn sen(text: &Value) -> i64 {
    let text = text.as_str().unwrap();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    sign * digits.replace('.', "").parse::<i64>().unwrap()
}

#[tokio::test]
async fn an_invoice_adds_up_to_the_sen_in_every_form() {
    let world = World::start();
    let issue = json!({"merchant":CREDIT,"period_end":"2026-12-01T00:00:00+07:00"});
    let invoice = world.done("invoice.issue", issue.clone()).await;
    assert_eq!(world.done("invoice.issue", issue).await, invoice, "the same period again");
    assert_eq!((&invoice["number"], &invoice["state"]), (&json!("INV/2026/11/KREDIT/1"), &json!("issued")));
    let expected = TOTAL_SEN * (i64::try_from(BILLS).unwrap() - 1);
    assert_eq!(sen(&invoice["total"]), expected);

    let mut lines: Vec<Value> = vec![];
    let mut after = Value::Null;
    loop {
        let page = json!({"invoice":"INV/2026/11/KREDIT/1","limit":7,"after":after});
        let page = world.done("invoice.show", page).await;
        lines.extend(page["lines"].as_array().unwrap().iter().cloned());
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(lines.len(), BILLS + 1);
    assert_eq!(lines.iter().map(|line| sen(&line["total"])).sum::<i64>(), expected);
    let line = &lines[1];
    assert_eq!((sen(&line["amount"]), sen(&line["fee"]), sen(&line["margin"])), (5_300_000, 25_050, 50_000));
    assert_eq!((&line["kind"], &line["order_id"]), (&json!("bill_paid"), &json!("081218800001")));
    let taken_back = lines.last().unwrap();
    assert_eq!((&taken_back["kind"], sen(&taken_back["total"])), (&json!("reversal"), -TOTAL_SEN));
    assert_eq!(taken_back["ref_id"], lines[0]["ref_id"]);

    let said = world.call("invoice.show", json!({"invoice":invoice["invoice"],"format":"csv"})).await;
    assert_eq!(said.kind, "text/csv");
    let totals = said.text().lines().skip(1).map(|line| sen(&json!(line.rsplit(',').next().unwrap()))).sum::<i64>();
    assert_eq!((said.text().lines().count(), totals), (BILLS + 2, expected));

    let said = world.call("invoice.show", json!({"invoice":invoice["invoice"],"format":"pdf"})).await;
    assert_eq!(said.kind, "application/pdf");
    if let Some(file) = std::env::var_os("INVOICE_PDF") {
        std::fs::write(file, &said.bytes).unwrap();
    }
    let text = said.text();
    assert!(text.starts_with("%PDF-1."));
    for expected in ["(INV/2026/11/KREDIT/1)", "(To be paid)", "(Page 3 of 3)", "(52.750,50)", "(Rp 4.694.794,50)"] {
        assert!(text.contains(expected), "{expected}");
    }
    for (number, line) in lines.iter().enumerate() {
        assert!(text.contains(&format!("({})", line["ref_id"].as_str().unwrap())), "line {number}");
    }
    let wrong = world.call("invoice.show", json!({"invoice":invoice["invoice"],"format":"pdf","limit":1})).await;
    assert_eq!(wrong.refusal(), (400, "field_malformed".into()));
    world.engine.stop().await;
}

#[tokio::test]
async fn an_invoice_is_paid_in_parts_and_never_twice() {
    let world = World::start();
    let issue = |end: &str| json!({"merchant":CREDIT,"period_end":end});
    let early = world.call("invoice.issue", issue("2026-11-01T00:00:00+07:00")).await;
    assert_eq!(early.refusal(), (409, "nothing_to_bill".into()));
    let future = world.call("invoice.issue", issue("2027-01-01T00:00:00+07:00")).await;
    assert_eq!(future.refusal(), (400, "field_malformed".into()));
    let deposit = json!({"merchant":DEPOSIT,"period_end":"2026-12-01T00:00:00+07:00"});
    assert_eq!(world.call("invoice.issue", deposit).await.refusal(), (409, "not_invoiced".into()));
    let invoice = world.done("invoice.issue", issue("2026-12-01T00:00:00+07:00")).await;
    let later = world.call("invoice.issue", issue("2026-12-05T00:00:00+07:00")).await;
    assert_eq!(later.refusal(), (409, "nothing_to_bill".into()), "what is only reserved is not billed");

    let pay =
        |reference: &str, amount: &str| json!({"invoice":invoice["number"],"reference":reference,"amount":amount});
    for _ in 0..2 {
        let part = world.done("invoice.pay", pay("T1", "1000000.00")).await;
        assert_eq!((&part["state"], &part["outstanding"]), (&json!("part_paid"), &json!("3694794.50")));
    }
    assert_eq!(world.call("invoice.pay", pay("T1", "1.00")).await.refusal(), (409, "reference_differs".into()));
    assert_eq!(world.call("invoice.pay", pay("T2", "3694794.51")).await.refusal(), (409, "step_impossible".into()));
    let paid = world.done("invoice.pay", pay("T2", "3694794.50")).await;
    assert_eq!(
        (&paid["state"], &paid["outstanding"], &paid["overdue"]),
        (&json!("paid"), &json!("0.00"), &json!(false))
    );
    let listed = world.done("invoice.list", json!({"merchant":CREDIT})).await;
    assert_eq!(listed["invoices"], json!([paid]));
    for name in ["INV/2026/11/KREDIT/2", "INV/2026/11/NOBODY/1", "nothing", "inv_00000000000000000000000007"] {
        let said = world.call("invoice.show", json!({"invoice":name})).await;
        assert_eq!(said.refusal(), (404, "not_found".into()), "{name}");
    }
    let verified = world.done("ledger.verify", json!({})).await;
    assert_eq!(verified["verified"], true, "{verified}");
    world.engine.stop().await;
}

#[tokio::test]
async fn the_ledger_is_shown_and_verified() {
    let world = World::start();
    let verified = world.done("ledger.verify", json!({})).await;
    assert_eq!((&verified["verified"], &verified["difference"]), (&json!(true), &Value::Null));
    assert_eq!(verified["holds"], 1);
    let accounts = world.done("ledger.accounts", json!({"merchant":CREDIT})).await;
    let names: Vec<_> = accounts["accounts"].as_array().unwrap().iter().map(|account| &account["account"]).collect();
    assert_eq!(names, ["receivable:KREDIT", "float:KREDIT:nobody", "fee:KREDIT"]);
    let page = world.done("ledger.accounts", json!({"limit":2})).await;
    assert_eq!(page["accounts"].as_array().unwrap().len(), 2);
    let rest = world.done("ledger.accounts", json!({"after":page["next"]})).await;
    assert_eq!(rest["accounts"].as_array().unwrap().len(), 1);

    let statement = |more: Value| {
        let mut body = json!({"account":"receivable:KREDIT"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let whole = world.done("ledger.statement", statement(json!({"limit":1000}))).await;
    let entries = whole["entries"].as_array().unwrap();
    assert_eq!(whole["closing"]["balance"], whole["account"]["balance"]);
    let changes: i64 = entries.iter().map(|entry| sen(&entry["change"])).sum();
    assert_eq!(changes, sen(&whole["account"]["balance"]));
    let part = world.done("ledger.statement", statement(json!({"after":3,"limit":4}))).await;
    assert_eq!(part["entries"].as_array().unwrap()[..], entries[3..7]);
    assert_eq!((&part["next"], &part["opening"]["balance"]), (&json!(7), &entries[2]["balance"]));
    let evening = "2026-11-30T19:00:00+07:00";
    let at = world.done("ledger.statement", statement(json!({"until":evening,"limit":0}))).await;
    assert_eq!(sen(&at["closing"]["balance"]), TOTAL_SEN * i64::try_from(BILLS).unwrap());
    let since = world.done("ledger.statement", statement(json!({"from":evening}))).await;
    assert_eq!(since["entries"].as_array().unwrap()[0]["kind"], "reversal");
    assert_eq!(world.call("ledger.statement", json!({"account":"money"})).await.refusal().0, 400);
    assert_eq!(world.call("ledger.statement", json!({"account":"deposit:NOBODY"})).await.refusal().0, 404);
    assert_eq!(world.call("ledger.accounts", json!({"after":"money"})).await.refusal().0, 400);
    assert_eq!(world.call("ledger.accounts", json!({"merchant":"NOBODY"})).await.refusal().0, 404);
    world.engine.stop().await;
}

#[tokio::test]
async fn bills_are_listed_and_shown_without_their_tokens() {
    let world = World::start();
    let page = world.done("bill.list", json!({"merchant":CREDIT,"limit":BILLS})).await;
    assert_eq!(page["bills"].as_array().unwrap().len(), BILLS);
    let rest = world.done("bill.list", json!({"merchant":CREDIT,"after":page["next"]})).await;
    assert_eq!(rest["bills"].as_array().unwrap().len(), 1);
    let open = world.done("bill.list", json!({})).await;
    assert_eq!(open["bills"], rest["bills"]);
    assert_eq!(world.done("bill.list", json!({"merchant":CREDIT,"open":true})).await["bills"], rest["bills"]);
    assert_eq!(world.done("bill.list", json!({"merchant":DEPOSIT,"open":true})).await["bills"], json!([]));
    assert_eq!(world.call("bill.list", json!({"after":"x"})).await.refusal(), (400, "field_malformed".into()));

    let paid = &page["bills"][1];
    let mut shown = vec![];
    for name in [&paid["ref_id"], &paid["bill"]] {
        let said = world.call("bill.show", json!({"bill":name})).await;
        assert_eq!(said.status, 200);
        assert!(!said.text().contains("very-secret"), "{}", said.text());
        shown.push(said.json());
    }
    let by_reference = world.done("bill.show", json!({"bill":shown[0]["reference"]})).await;
    assert!(shown.iter().all(|bill| *bill == by_reference));
    assert_eq!((&by_reference["state"], &by_reference["orders"][0]["fate"]), (&json!("succeeded"), &json!("paid")));
    assert_eq!(by_reference["status"]["token_delivered"], true);
    let unknown = world.done("bill.show", json!({"bill":open["bills"][0]["ref_id"]})).await;
    assert_eq!((&unknown["status"]["evidence"], &unknown["hold"]["amount"]), (&json!("no answer"), &json!("53250.50")));
    assert_eq!(world.call("bill.show", json!({"bill":"x"})).await.refusal(), (400, "field_malformed".into()));
    let nothing = json!({"bill":"TX00000000000000000000000007"});
    assert_eq!(world.call("bill.show", nothing).await.refusal(), (404, "not_found".into()));
    world.engine.stop().await;
}

#[tokio::test]
async fn the_state_is_on_one_page() {
    let world = World::start();
    let status = world.done("status", json!({})).await;
    assert_eq!((&status["version"], &status["environment"]), (&json!("0.0.0-test"), &json!("sandbox")));
    assert_eq!((&status["store"], &status["working"]), (&json!("sqlite:gerbang.db"), &json!(true)));
    assert_eq!(status["merchants"], json!({"registered":2,"suspended":0}));
    let open = json!({"unknown":{"bills":1,"reserved":"53250.50","oldest_seconds":3600}});
    assert_eq!(status["open_bills"], open);
    assert_eq!(status["ledger"]["difference"], Value::Null);
    let paid = i64::try_from(BILLS).unwrap() - 1;
    assert_eq!(sen(&status["totals"]["receivable"]["balance"]), TOTAL_SEN * paid);
    assert_eq!(sen(&status["totals"]["floats"]["nobody"]["balance"]), -4_950_000 * paid);
    world.engine.stop().await;
}
