//! The sandbox's clock over the door: shown, turned forward, set, put back; and a door that has none.

use serde_json::json;

use crate::world::{CREDIT, NOW, World};

#[tokio::test]
async fn a_turn_says_what_became_due_and_what_is_overdue() {
    let world = World::start_turnable();
    let shown = world.done("clock.show", json!({})).await;
    assert_eq!((&shown["at"], &shown["ahead_seconds"]), (&json!(NOW), &json!(0)));
    assert_eq!((&shown["tasks"]["due"], &shown["tasks"]["next_due"]), (&json!(0), &json!(null)), "{shown}");
    let issue = json!({"merchant":CREDIT,"period_end":"2026-12-01T00:00:00+07:00"});
    let invoice = world.done("invoice.issue", issue).await;
    let turned = world.done("clock.advance", json!({"seconds": 14 * 24 * 3600})).await;
    assert_eq!((&turned["before"], &turned["at"]), (&json!(NOW), &json!("2026-12-19T10:00:00+07:00")));
    assert_eq!((&turned["midnights"], &turned["invoices_overdue"]), (&json!(14), &json!([])));
    let later = world.done("clock.advance", json!({"seconds": 1})).await;
    assert_eq!((&later["midnights"], &later["invoices_overdue"]), (&json!(0), &json!([invoice["number"]])));
    let overdue = world.done("invoice.list", json!({"merchant":CREDIT})).await;
    assert_eq!(overdue["invoices"][0]["overdue"], true);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_clock_is_set_back_and_put_back() {
    let world = World::start_turnable();
    let back = world.done("clock.set", json!({"to":"2026-12-05T09:00:00+07:00"})).await;
    assert_eq!(
        (&back["ahead_seconds"], &back["became_due"], &back["midnights"]),
        (&json!(-3600), &json!([]), &json!(0))
    );
    assert_eq!(world.done("status", json!({})).await["at"], "2026-12-05T09:00:00+07:00");
    let again = world.done("clock.reset", json!({})).await;
    assert_eq!((&again["at"], &again["ahead_seconds"]), (&json!(NOW), &json!(0)));
    let far = world.call("clock.set", json!({"to":"2046-12-05T09:00:00+07:00"})).await;
    assert_eq!(far.refusal(), (400, "too_far".into()));
    for (operation, body) in [("clock.set", json!({"to":"tomorrow"})), ("clock.advance", json!({"seconds":-1}))] {
        assert_eq!(world.call(operation, body).await.refusal(), (400, "field_malformed".into()), "{operation}");
    }
    world.engine.stop().await;
}

#[tokio::test]
async fn a_door_without_such_a_clock_has_no_such_operations() {
    let world = World::start();
    for operation in operator::SANDBOX_OPERATIONS {
        let body = serde_json::from_str(operation.sample).unwrap();
        assert_eq!(world.call(operation.name, body).await.refusal(), (404, "operation_unknown".into()));
    }
    world.engine.stop().await;
}
