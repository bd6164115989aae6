//! What is not known: listed and counted, proposed by one operator, approved by another, never by the same.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::world::{CHECKER, CREDIT, TOKEN, World, request};

async fn as_checker(world: &World, operation: &str, body: Value) -> crate::world::Said {
    world.send(request(operation, Some(CHECKER), body.to_string())).await
}

/// The one bill whose outcome nobody has told.
async fn the_case(world: &World) -> Value {
    let listed = world.done("unknown.list", json!({})).await;
    let [case] = listed["cases"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    case.clone()
}

fn proposal(case: &Value, verdict: &str) -> Value {
    json!({
        "case": case["case"],
        "as": verdict,
        "evidence": STANDARD.encode("page 3 of the statement"),
        "evidence_name": "statement of \"May\".txt",
        "provider_reference": "P-77",
    })
}

#[tokio::test]
async fn what_is_open_is_listed_counted_and_shown() {
    let world = World::start();
    let case = the_case(&world).await;
    let told = |name: &str| case[name].clone();
    assert_eq!((told("kind"), told("merchant"), told("state")), (json!("bill"), json!(CREDIT), json!("unknown")));
    assert_eq!((told("reserved"), told("evidence")), (json!("53250.50"), json!("no answer")));
    assert_eq!(
        (told("age_seconds"), told("ruling"), told("waits_in_clearing")),
        (json!(3_599), Value::Null, json!(false))
    );
    let shown = world.done("unknown.show", json!({"case": case["case"]})).await;
    assert_eq!((&shown["open"], &shown["state"], &shown["exchanges"]), (&json!(true), &json!("unknown"), &json!([])));
    let none = world.done("unknown.list", json!({"kind": "payment"})).await;
    assert_eq!(none["cases"], json!([]));
    let none = world.done("unknown.list", json!({"merchant": "WARUNG"})).await;
    assert_eq!(none["cases"], json!([]));

    let status = world.done("status", json!({})).await;
    let bills = json!({"cases": 1, "reserved": "53250.50", "oldest_seconds": 3_599});
    assert_eq!((&status["unknown"]["bill"], &status["unknown"]["contradictions"]), (&bills, &json!(0)));
    let metrics = axum::http::Request::get("/operator/v1/metrics").header("Authorization", format!("Bearer {TOKEN}"));
    let metrics = world.send(metrics.body(axum::body::Body::empty()).unwrap()).await.text();
    for line in [
        "gerbang_unknown_cases{kind=\"bill\"} 1\n",
        "gerbang_unknown_cases{kind=\"payment\"} 0\n",
        "gerbang_unknown_oldest_seconds{kind=\"bill\"} 3599\n",
        "gerbang_unknown_reserved_sen{kind=\"bill\"} 5325050\n",
        "gerbang_rulings_contradicted 0\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    world.engine.stop().await;
}

#[tokio::test]
async fn a_ruling_takes_two_operators() {
    let world = World::start();
    let case = the_case(&world).await;
    let proposed = world.done("unknown.settle", proposal(&case, "failed")).await;
    assert_eq!((&proposed["state"], &proposed["proposed_by"]), (&json!("proposed"), &json!("operator")));
    assert_eq!(the_case(&world).await["ruling"]["ruling"], proposed["ruling"]);
    let ruling = json!({"ruling": proposed["ruling"]});
    let refused = world.call("unknown.approve", ruling.clone()).await;
    assert_eq!(refused.refusal(), (409, "same_person".into()), "{}", refused.text());
    let again = as_checker(&world, "unknown.settle", proposal(&case, "succeeded")).await;
    assert_eq!(again.refusal(), (409, "step_impossible".into()), "one at a time");

    let evidence = as_checker(&world, "unknown.evidence", ruling.clone()).await;
    assert_eq!((evidence.status, evidence.text()), (200, "page 3 of the statement".into()));
    let approved = as_checker(&world, "unknown.approve", ruling.clone()).await;
    assert_eq!(approved.status, 200, "{}", approved.text());
    let approved = approved.json();
    assert_eq!((&approved["state"], &approved["approved_by"]), (&json!("approved"), &json!("checker")));
    let sha256 = approved["evidence"]["sha256"].as_str().unwrap();
    assert_eq!(sha256.len(), 64);
    let shown = world.done("unknown.show", json!({"case": case["case"]})).await;
    assert_eq!((&shown["open"], &shown["state"]), (&json!(false), &json!("failed")));
    assert_eq!(shown["rulings"][0]["evidence"]["sha256"], sha256);
    assert_eq!(world.done("unknown.list", json!({})).await["cases"], json!([]));
    let held = world.done("ledger.accounts", json!({"merchant": CREDIT})).await;
    let receivable =
        held["accounts"].as_array().unwrap().iter().find(|row| row["account"] == format!("receivable:{CREDIT}"));
    assert_eq!(receivable.unwrap()["held"], "0.00", "what was reserved is given back");

    for (operation, body) in [("unknown.approve", &ruling), ("unknown.withdraw", &ruling), ("unknown.close", &ruling)] {
        assert_eq!(as_checker(&world, operation, body.clone()).await.refusal(), (409, "step_impossible".into()));
    }
    let late = world.call("unknown.settle", proposal(&case, "succeeded")).await;
    assert_eq!(late.refusal(), (409, "step_impossible".into()), "its outcome is known by now");
    world.engine.stop().await;
}

#[tokio::test]
async fn a_proposal_is_taken_back_and_nonsense_is_refused() {
    let world = World::start();
    let case = the_case(&world).await;
    let proposed = world.done("unknown.settle", proposal(&case, "succeeded")).await;
    let ruling = json!({"ruling": proposed["ruling"]});
    let withdrawn = as_checker(&world, "unknown.withdraw", ruling.clone()).await.json();
    assert_eq!((&withdrawn["state"], &withdrawn["withdrawn_by"]), (&json!("withdrawn"), &json!("checker")));
    assert_eq!(as_checker(&world, "unknown.approve", ruling).await.refusal(), (409, "step_impossible".into()));
    assert_eq!(the_case(&world).await["ruling"], Value::Null);

    let with = |name: &str, value: Value| {
        let mut body = proposal(&case, "failed");
        body[name] = value;
        body
    };
    let refused = [
        ("unknown.settle", with("evidence", json!("not base64")), (400, "field_malformed")),
        ("unknown.settle", with("as", json!("perhaps")), (400, "field_malformed")),
        ("unknown.settle", with("case", json!("pay_0")), (400, "field_malformed")),
        ("unknown.settle", with("case", json!("pay_00000000000000000000000007")), (404, "not_found")),
        ("unknown.show", json!({"case": "acct_00000000000000000000000007"}), (404, "not_found")),
        ("unknown.approve", json!({"ruling": "rul_00000000000000000000000007"}), (404, "not_found")),
        ("unknown.approve", json!({"ruling": case["case"]}), (400, "field_malformed")),
        ("unknown.list", json!({"kind": "everything"}), (400, "field_malformed")),
    ];
    for (operation, body, expected) in refused {
        let said = world.call(operation, body.clone()).await;
        assert_eq!(said.refusal(), (expected.0, expected.1.to_owned()), "{operation} {body}");
    }
    let evidence = STANDARD.encode(vec![0; lifecycle::ruling::EVIDENCE_BYTES_MAX]);
    world.done("unknown.settle", with("evidence", json!(evidence))).await;
    let large = STANDARD.encode(vec![0; lifecycle::ruling::EVIDENCE_BYTES_MAX + 3]);
    let said = world.call("unknown.settle", with("evidence", json!(large))).await;
    assert_eq!(said.refusal(), (400, "field_malformed".into()));
    world.engine.stop().await;
}
