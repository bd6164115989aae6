//! The sandbox's clock, shown and turned. A gateway in production has no clock that can be turned, and its door none of
//! these operations.

pub mod advance;
pub mod reset;
pub mod set;
pub mod show;

use std::{collections::BTreeMap, sync::Arc};

use calendar::Instant;
use engine::{Clock as _, Turn, TurnError, TurnableClock};
use lifecycle::task::Task;
use serde_json::{Value, json};

use crate::{
    door::Door,
    fault::Fault,
    limits::{READ_ROWS, TASKS_MAX},
    operation::Answer,
    view,
};

/// A Jakarta day in seconds, and how far its midnight is ahead of the one of UTC.
const DAY_SECONDS: i64 = 24 * 3600;
const JAKARTA_SECONDS: i64 = 7 * 3600;

/// The clock; a door without one does not come here.
fn turnable(door: &Door) -> Result<Arc<TurnableClock>, Fault> {
    door.options.clock.clone().ok_or_else(|| Fault::not_found("clock that can be turned"))
}

/// Turns the clock and says what that made due.
async fn turn(
    door: &Door,
    how: impl FnOnce(&TurnableClock) -> Result<Turn, TurnError> + Send + 'static,
) -> Result<Answer, Fault> {
    let clock = turnable(door)?;
    // Before the turn: afterwards whatever is due is taken up at once.
    let tasks = door.read(|reader| reader.unfinished_tasks(TASKS_MAX)).await?;
    let turning = clock.clone();
    let turned = tokio::task::spawn_blocking(move || how(&turning)).await.map_err(|_| Fault::unavailable())?;
    let turn = turned.map_err(|error| match error {
        TurnError::TooFar => Fault::new(400, "too_far", error.to_string()),
        TurnError::NotKept(_) => Fault::new(503, "not_kept", error.to_string()),
    })?;
    tracing::warn!(before = %turn.before.wire_text(), after = %turn.after.wire_text(), "the clock was turned");
    let mut answer = hands(&clock);
    answer["before"] = view::time(turn.before);
    answer["midnights"] = (days(turn.after) - days(turn.before)).max(0).into();
    answer["became_due"] = became_due(&tasks, turn);
    answer["invoices_overdue"] = invoices_overdue(door, turn).await?;
    Ok(Answer::Json(answer))
}

/// What the clock shows, and by how much that differs from the computer's.
fn hands(clock: &TurnableClock) -> Value {
    json!({
        "at": view::time(clock.now()),
        "computer": view::time(clock.untouched()),
        "ahead_seconds": clock.ahead_micros().div_euclid(1_000_000),
    })
}

fn days(at: Instant) -> i64 {
    (at.unix_seconds() + JAKARTA_SECONDS).div_euclid(DAY_SECONDS)
}

/// Scheduled work that is due now and was not before, by kind. What is under way is not among it.
fn became_due(tasks: &[Task], turn: Turn) -> Value {
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    for task in tasks.iter().filter(|task| task.attempts == 0 && task.due_at > turn.before && task.due_at <= turn.after)
    {
        *kinds.entry(task.kind.name()).or_default() += 1;
    }
    kinds.into_iter().map(|(kind, tasks)| json!({"kind": kind, "tasks": tasks})).collect()
}

/// Invoices that should have been paid by now and were in time before, by number.
async fn invoices_overdue(door: &Door, turn: Turn) -> Result<Value, Fault> {
    let mut numbers: Vec<Value> = vec![];
    for partner in door.engine.merchants() {
        let mut after = None;
        loop {
            let code = partner.merchant.code.clone();
            let page = door.read(move |reader| reader.invoices(&code, after, READ_ROWS)).await?;
            after = page.last().map(|invoice| invoice.id);
            let late = page.iter().filter(|invoice| {
                invoice.state_name() != "paid" && invoice.due_at >= turn.before && invoice.due_at < turn.after
            });
            numbers.extend(late.map(|invoice| Value::from(invoice.number.as_str())));
            if page.len() < READ_ROWS {
                break;
            }
        }
    }
    Ok(numbers.into())
}
