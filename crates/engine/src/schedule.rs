//! Finds work that is due: later questions, repeats, and what a crash left behind.

use std::time::Duration;

use calendar::Instant;
use tokio::sync::oneshot;

use crate::{Engine, batch::Errand, perform::Work};

/// The time between two rounds of taking up, in milliseconds.
const ROUND_MS: u64 = 250;

/// Takes up due tasks until the engine stops.
pub(crate) async fn run(engine: Engine) {
    loop {
        let due = engine.next_due().await;
        if due.is_none_or(|due| due > engine.now()) {
            tokio::select! {
                biased;
                () = engine.stopping() => return,
                () = engine.scheduled() => {}
                () = tokio::time::sleep(wait(&engine, due)) => {}
            }
            continue;
        }
        let (reply, tasks) = oneshot::channel();
        if engine.errand(Errand::Claim(reply)).await.is_err() {
            return;
        }
        for task in tasks.await.unwrap_or_default() {
            engine.take_up(Work { task, partner: None, rows: vec![], unstored: None });
        }
        // What is left is for the next round: neither more at once than can be performed, nor what could not be taken.
        tokio::select! {
            biased;
            () = engine.stopping() => return,
            () = tokio::time::sleep(Duration::from_millis(engine.tick_ms().min(ROUND_MS))) => {}
        }
    }
}

/// How long until there is something to do, as far as is known.
fn wait(engine: &Engine, due: Option<Instant>) -> Duration {
    let tick = Duration::from_millis(engine.tick_ms());
    let micros = due.map(|due| due.micros().saturating_sub(engine.now().micros()).max(1_000));
    micros.and_then(|micros| u64::try_from(micros).ok()).map_or(tick, |micros| Duration::from_micros(micros).min(tick))
}
