//! Finds work that is due: later questions, repeats, and what a crash left behind.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::{Engine, batch::Errand, perform::Work};

/// Takes up due tasks until the engine stops.
pub(crate) async fn run(engine: Engine) {
    let mut ticks = tokio::time::interval(Duration::from_millis(engine.tick_ms()));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = engine.stopping() => return,
            _ = ticks.tick() => {}
        }
        if engine.next_due().await.is_none_or(|due| due > engine.now()) {
            continue;
        }
        let (reply, tasks) = oneshot::channel();
        if engine.errand(Errand::Claim(reply)).await.is_err() {
            return;
        }
        for task in tasks.await.unwrap_or_default() {
            engine.take_up(Work { task, partner: None, rows: vec![], unstored: None });
        }
    }
}
