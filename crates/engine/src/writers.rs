//! The writers at work: on threads of their own, or on the caller's runtime.

use std::thread::JoinHandle as ThreadHandle;

use store::Store;
use tokio::task::JoinHandle;

use crate::{
    EngineOptions, StartError, Threads,
    batch::{BatchWriter, Desk},
};

/// A writer at work, and how its end is waited for.
pub(crate) enum Running {
    Own(ThreadHandle<()>),
    Inline(JoinHandle<()>),
}

impl Running {
    /// Returns when it has ended.
    pub(crate) async fn ended(self) {
        match self {
            Self::Own(thread) => drop(tokio::task::spawn_blocking(move || thread.join()).await),
            Self::Inline(task) => drop(task.await),
        }
    }
}

/// Starts as many as the options and the store want.
pub(crate) fn start(options: &EngineOptions, store: &dyn Store, desk: &Desk) -> Result<Vec<Running>, StartError> {
    let start = |number: usize| {
        let writer = BatchWriter::new(options.clone(), store, desk.clone()).map_err(StartError::Store)?;
        if options.threads == Threads::Inline {
            return Ok(Running::Inline(tokio::spawn(writer.run_inline())));
        }
        std::thread::Builder::new()
            .name(format!("store-writer-{number}"))
            .spawn(move || {
                let _ends_with_us = EndsWithItsThread;
                writer.run();
            })
            .map(Running::Own)
            .map_err(|error| StartError::Settings(format!("could not start a writer's thread: {error}")))
    };
    let count = match options.threads {
        Threads::Own => options.writers.clamp(1, store.writers_max().max(1)),
        Threads::Inline => 1,
    };
    (1..=count).map(start).collect()
}

/// A writer whose thread panicked met something that it believes impossible, and nobody would decide in its place: the
/// process ends at once, and what is unfinished is taken up at the next start.
struct EndsWithItsThread;

impl Drop for EndsWithItsThread {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the store's writer panicked; the gateway ends");
            std::process::abort();
        }
    }
}
