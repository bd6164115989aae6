//! The sandbox's clock. How far it was turned is kept in the folder, so that time does not jump back at a restart, and so
//! that every process of the folder shows the same time: gateways, imitated providers, commands that act as a merchant.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use calendar::Instant;
use engine::{Clock, SystemClock, TurnableClock};
use serde::{Deserialize, Serialize};

use super::folder::{Folder, write_whole};

/// The longest that a turn made by another process goes unnoticed by a gateway, in milliseconds.
const FOLLOW_MS: u64 = 100;

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    ahead_micros: i64,
}

/// The clock of a folder, which can be turned and follows turns that another process makes. Must be called inside a
/// runtime.
///
/// # Errors
/// When the kept file does not make sense.
pub fn open(folder: &Folder) -> anyhow::Result<Arc<TurnableClock>> {
    let file = folder.clock();
    let ahead = ahead_micros(&file).with_context(|| format!("read {}", file.display()))?;
    let kept = file.clone();
    let keep = move |ahead_micros| {
        let text = serde_json::to_vec(&Kept { ahead_micros })?;
        write_whole(&kept, &text).map_err(|error| io::Error::other(format!("{error:#}")))
    };
    let clock = Arc::new(TurnableClock::new(Arc::new(SystemClock), ahead, keep));
    let followed = Arc::downgrade(&clock);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(FOLLOW_MS));
        loop {
            ticks.tick().await;
            let Some(clock) = followed.upgrade() else { return };
            // A file that cannot be read now turns nothing.
            clock.follow(|| ahead_micros(&file).ok());
        }
    });
    Ok(clock)
}

/// A folder's clock for what is only told of turns: it looks at the kept turn whenever it is asked, so that a turn counts
/// as soon as whoever made it is told so.
pub struct FollowingClock {
    file: PathBuf,
    known_micros: AtomicI64,
}

impl FollowingClock {
    /// The clock of this folder.
    ///
    /// # Errors
    /// When the kept file does not make sense.
    pub fn open(folder: &Folder) -> anyhow::Result<Self> {
        let file = folder.clock();
        let ahead = ahead_micros(&file).with_context(|| format!("read {}", file.display()))?;
        Ok(Self::of_file(file, ahead))
    }

    fn of_file(file: PathBuf, ahead_micros: i64) -> Self {
        Self { file, known_micros: AtomicI64::new(ahead_micros) }
    }
}

impl Clock for FollowingClock {
    fn now(&self) -> Instant {
        // A file that cannot be read now turns nothing.
        if let Ok(ahead) = ahead_micros(&self.file) {
            self.known_micros.store(ahead, Ordering::Relaxed);
        }
        Instant::from_micros(SystemClock.now().micros().saturating_add(self.known_micros.load(Ordering::Relaxed)))
    }

    fn is_turnable(&self) -> bool {
        true
    }
}

/// The clock that this file belongs to, for a client of that sandbox.
pub fn of_file(file: PathBuf) -> client::Clock {
    let clock = FollowingClock::of_file(file, 0);
    client::Clock::of(move || clock.now())
}

/// How far the clock was turned; nothing where nobody turned it.
fn ahead_micros(file: &Path) -> io::Result<i64> {
    match fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice::<Kept>(&text)?.ahead_micros),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_survives_and_is_followed_by_every_process_of_the_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(place.path());
        let [one, other] = [(); 2].map(|()| open(&folder).expect("a clock"));
        let told = FollowingClock::open(&folder).expect("a clock");
        one.advance(3 * 3600).expect("a turn");
        let at_once = told.now().seconds_since(SystemClock.now());
        assert!((3 * 3600 - 1..=3 * 3600).contains(&at_once), "{at_once}");
        assert_eq!(open(&folder).expect("a clock").ahead_micros(), one.ahead_micros());
        while other.ahead_micros() != one.ahead_micros() {
            tokio::task::yield_now().await;
        }
        let seconds = of_file(folder.clock()).now().seconds_since(SystemClock.now());
        assert!((3 * 3600 - 1..=3 * 3600).contains(&seconds), "{seconds}");
        std::fs::write(folder.clock(), "nonsense").expect("a file");
        assert!(open(&folder).is_err() && FollowingClock::open(&folder).is_err());
        let known = told.now().seconds_since(SystemClock.now());
        assert!((3 * 3600 - 1..=3 * 3600).contains(&known), "{known}");
    }
}
