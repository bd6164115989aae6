//! What happened in a run, one line per event with its virtual time. The same seed gives the same lines, byte for byte.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

/// The lines of a run, if anybody wants them.
pub(crate) struct History {
    wanted: bool,
    began: Instant,
    lines: Mutex<Vec<String>>,
}

impl History {
    /// A history that begins now.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, began: Instant::now(), lines: Mutex::default() }
    }

    /// Whether lines are kept.
    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }

    /// Adds a line; the text is only made when it is wanted.
    pub(crate) fn note(&self, text: impl FnOnce() -> String) {
        if self.wanted {
            let mut line = stamp(self.began.elapsed().as_millis());
            line.push(' ');
            line.push_str(&text());
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Hours, minutes, seconds and milliseconds since the beginning.
fn stamp(millis: u128) -> String {
    let mut text = String::with_capacity(13);
    let (seconds, rest) = (millis / 1000, millis % 1000);
    let _ = write!(text, "{:03}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    text
}
