//! `source.list`

use engine::Source;
use serde_json::{Value, json};

use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
    view,
};

/// Lists sources.
pub static OPERATION: Operation = Operation {
    name: "source.list",
    promise: "Lists the sources of bills that there is an account at: what each can be asked, how many products it can \
              deliver, and how it answered since this gateway started: `answers`, `silent` (its last request was not \
              reached, not answered or ended in a server error) or `not_asked`. `breaker` says whether it is called at \
              all: `closed` (it is), `open` (it is left alone until the time beside it) or `half_open` (one call finds \
              out).",
    fields: &[],
    sample: "{}",
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, _: Input) -> Result<Answer, Fault> {
    let sources: Vec<Value> = door.engine.sources().iter().map(|source| shown(door, source)).collect();
    Ok(Answer::Json(json!({ "sources": sources })))
}

fn shown(door: &Door, source: &Source) -> Value {
    let delivers = |product: &lifecycle::biller::BillerProduct| {
        product.sources.iter().any(|possible| possible.connector == source.name)
    };
    let health = &source.health;
    let state = match (health.silent_in_a_row, health.answered_at) {
        (0, None) => "not_asked",
        (0, Some(_)) => "answers",
        _ => "silent",
    };
    json!({
        "source": source.name,
        "title": source.title,
        "capabilities": source.capabilities,
        "products": door.engine.catalogue().products().filter(|product| delivers(product)).count(),
        "health": {
            "state": state,
            "answered_at": health.answered_at.map(view::time),
            "silent_at": health.silent_at.map(view::time),
            "silence": health.silence,
            "silent_in_a_row": health.silent_in_a_row,
        },
        "line": view::line(&source.load),
    })
}
