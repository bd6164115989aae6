//! Why: a commit that happens to trigger a checkpoint waits for it, and that wait is the tail of the latency. So the
//! database's own schedule is off. A thread moves pages from the log into the database while commits go on; because a
//! log that is always written never becomes empty that way, the writer itself moves the few pages that are left once
//! the log has grown long, and the next commit begins the log anew.

use std::{
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::{connect, statements};
use crate::StoreError;

/// New pages in the log after which the thread moves them: 64 MB. A page that is written again and again, like the last
/// one of an account's entries, is then moved once; a quarter of this cost bill payments a sixth of their rate. A much
/// longer log costs more than that to look through.
const MOVE_PAGES: u32 = 16_000;
/// Pages in the log after which the writer makes it begin anew: 128 MB.
const LONG_PAGES: u32 = 32_000;

/// The thread that moves pages, as the store holds it.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the writer and the thread tell each other.
#[derive(Default)]
pub(super) struct Shared {
    wish: Mutex<Wish>,
    wished: Condvar,
    /// Pages of the present log that are in the database already.
    moved: AtomicU32,
    /// The log is long and almost moved.
    finish: AtomicBool,
}

#[derive(Default, PartialEq, Eq)]
enum Wish {
    #[default]
    Nothing,
    Move,
    Stop,
}

impl Checkpointer {
    /// Starts the thread over a connection of its own.
    pub(super) fn start(database: &Path) -> Result<Self, StoreError> {
        let connection = connect::side(database)?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || theirs.run(&connection))
            .map_err(|error| StoreError::Open(Box::new(error)))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.wish(Wish::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

impl Shared {
    /// The writer says after a commit how many pages the log has, and moves the rest of a long log.
    pub(super) fn committed(&self, connection: &Connection, pages: u32) {
        let moved = self.moved.load(Ordering::Acquire);
        if pages < moved {
            // The log began anew.
            self.moved.store(0, Ordering::Release);
        } else if self.finish.swap(false, Ordering::AcqRel) {
            if let Some((_, moved)) = checkpoint(connection) {
                self.moved.store(moved, Ordering::Release);
            }
        } else if pages - moved >= MOVE_PAGES {
            self.wish(Wish::Move);
        }
    }

    fn wish(&self, wish: Wish) {
        let mut held = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        if *held != Wish::Stop {
            *held = wish;
        }
        self.wished.notify_one();
    }

    fn run(&self, connection: &Connection) {
        loop {
            let mut wish = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
            while *wish == Wish::Nothing {
                wish = self.wished.wait(wish).unwrap_or_else(PoisonError::into_inner);
            }
            if *wish == Wish::Stop {
                return;
            }
            *wish = Wish::Nothing;
            drop(wish);
            if let Some((pages, moved)) = checkpoint(connection) {
                self.moved.store(moved, Ordering::Release);
                self.finish.store(pages >= LONG_PAGES, Ordering::Release);
            }
        }
    }
}

/// Moves what can be moved without making anybody wait: pages in the log, pages of them moved. A failure is logged
/// and tried again with the next wish; the log keeps everything until then.
fn checkpoint(connection: &Connection) -> Option<(u32, u32)> {
    let moved =
        statements::CHECKPOINT_PASSIVE.first(connection, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
    let count = |number: i64| u32::try_from(number).unwrap_or(0);
    match moved {
        Ok(counts) => counts.map(|(pages, moved)| (count(pages), count(moved))),
        Err(error) => {
            tracing::error!(?error, "the checkpoint failed and will be tried again");
            None
        }
    }
}
