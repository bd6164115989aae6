//! `clock.show`

use serde_json::{Value, json};

use super::{hands, turnable};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    limits::TASKS_MAX,
    operation::{Answer, Operation},
    view,
};

/// Shows the clock.
pub static OPERATION: Operation = Operation {
    name: "clock.show",
    promise: "Shows what the sandbox's clock says, by how many seconds it is ahead of the computer's, and what waits for \
              it: work that is due, work that is under way, and when the next work is due.",
    fields: &[],
    sample: "{}",
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, _: Input) -> Result<Answer, Fault> {
    let clock = turnable(door)?;
    let tasks = door.read(|reader| reader.unfinished_tasks(TASKS_MAX)).await?;
    let now = door.engine.now();
    let due = tasks.iter().filter(|task| task.due_at <= now).count();
    let begun = |task: &&lifecycle::task::Task| task.attempts > 0 && task.due_at > now;
    let waiting = tasks.iter().filter(|task| task.attempts == 0 && task.due_at > now);
    let next = waiting.min_by_key(|task| task.due_at).map(|task| task.due_at);
    // To the next whole second: whoever advances the clock by so much finds it due.
    let seconds = next.map(|next| next.micros().saturating_sub(now.micros()).div_euclid(1_000_000) + 1);
    let mut answer = hands(&clock);
    answer["tasks"] = json!({
        "due": due,
        "under_way": tasks.iter().filter(begun).count(),
        "unfinished": tasks.len(),
        "next_due": next.map_or(Value::Null, view::time),
        "next_due_in_seconds": seconds,
    });
    Ok(Answer::Json(answer))
}
