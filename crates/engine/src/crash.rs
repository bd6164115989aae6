//! Places where a test can have the process die, to show that nothing is lost or doubled there.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// Every place, in the order in which one payment passes them.
pub const CRASH_POINTS: &[&str] = &[
    "received",
    "before_commit",
    "after_commit",
    "before_call",
    "after_call",
    "before_callback",
    "after_callback",
    "before_reply",
];

/// The process dies when this place is passed for the n-th time; made by the composition root, off by default.
#[derive(Clone, Default)]
pub struct CrashPoint {
    chosen: Option<(String, Arc<AtomicU32>)>,
    watcher: Option<Arc<dyn Fn(&'static str) + Send + Sync>>,
}

impl std::fmt::Debug for CrashPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CrashPoint").field("chosen", &self.chosen).finish_non_exhaustive()
    }
}

impl CrashPoint {
    /// Dies at this place; `label:n` means the n-th passing, a plain label the first. The error names the places.
    pub fn at_label(text: &str) -> Result<Self, String> {
        let (label, count) = text.split_once(':').unwrap_or((text, "1"));
        let count: u32 = count.parse().map_err(|_| format!("{count} is not a number of passings"))?;
        if !CRASH_POINTS.contains(&label) || count == 0 {
            return Err(format!("there is no crash point {text}; there are {}", CRASH_POINTS.join(", ")));
        }
        Ok(Self { chosen: Some((label.to_owned(), Arc::new(AtomicU32::new(count)))), watcher: None })
    }

    /// Tells somebody of every place that is passed instead, for a simulation, which has its own way to die.
    pub fn watched(watcher: Arc<dyn Fn(&'static str) + Send + Sync>) -> Self {
        Self { chosen: None, watcher: Some(watcher) }
    }

    /// Passes a place.
    pub fn pass(&self, label: &'static str) {
        if let Some(watcher) = &self.watcher {
            watcher(label);
        }
        if let Some((chosen, remaining)) = &self.chosen
            && chosen == label
            && remaining.fetch_sub(1, Ordering::SeqCst) == 1
        {
            // As hard as a power cut for everything that this process holds in memory.
            std::process::abort();
        }
    }
}
