//! Rows that many want at the same moment are asked for together: one question to the store, however many ask it. Whoever
//! is alone asks at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lifecycle::{Key, Row};
use store::StoreError;
use tokio::sync::oneshot;

/// How many questions are under way at once; what is wanted meanwhile waits for the next one.
const ASKERS_MAX: usize = 2;
/// The most keys of one question.
const KEYS_MAX: usize = 256;

/// What is wanted of the store.
#[derive(Default)]
pub(crate) struct Readings(Mutex<Wanted>);

#[derive(Default)]
struct Wanted {
    rows: BTreeMap<Key, Vec<oneshot::Sender<Option<Row>>>>,
    askers: usize,
}

/// Somebody who must ask, off the async workers, until nothing is wanted any more.
pub(crate) struct Asker {
    readings: Arc<Readings>,
    has_ended: bool,
}

impl Readings {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants the row of a key, and says who must ask where nobody else will. The row does not come when the store could
    /// not be asked.
    pub(crate) fn want(self: &Arc<Self>, key: Key) -> (oneshot::Receiver<Option<Row>>, Option<Asker>) {
        let (reply, answer) = oneshot::channel();
        let mut wanted = self.wanted();
        wanted.rows.entry(key).or_default().push(reply);
        let is_needed = wanted.askers < ASKERS_MAX;
        wanted.askers += usize::from(is_needed);
        (answer, is_needed.then(|| Asker { readings: Arc::clone(self), has_ended: false }))
    }
}

impl Asker {
    /// Asks for everything that is wanted, until nothing is.
    pub(crate) fn ask(mut self, mut store: impl FnMut(&[Key]) -> Result<Vec<Option<Row>>, StoreError>) {
        loop {
            let (keys, replies): (Vec<_>, Vec<_>) = {
                let mut wanted = self.readings.wanted();
                if wanted.rows.is_empty() {
                    // Under the same lock as the look: whoever wants something from now on asks.
                    wanted.askers -= 1;
                    self.has_ended = true;
                    return;
                }
                std::iter::from_fn(|| wanted.rows.pop_first()).take(KEYS_MAX).unzip()
            };
            let rows = match store(&keys) {
                Ok(rows) => rows.into_iter().map(Some).collect(),
                // A row that makes no sense is nobody else's trouble.
                Err(StoreError::BrokenRow { .. }) if keys.len() > 1 => {
                    keys.iter().map(|key| store(std::slice::from_ref(key)).ok()?.pop()).collect()
                }
                Err(_) => vec![],
            };
            for (row, replies) in rows.into_iter().zip(replies) {
                let Some(row) = row else { continue };
                for reply in replies {
                    // Who has gone needs no answer.
                    let _ = reply.send(row.clone());
                }
            }
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        // It broke down, or was never begun: who waits for the last one waits for nobody.
        let mut wanted = self.readings.wanted();
        wanted.askers -= 1;
        if wanted.askers == 0 {
            wanted.rows.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use lifecycle::PaymentId;

    use super::*;

    fn key(number: u128) -> Key {
        Key::Payment(PaymentId::from_bits(number))
    }

    #[test]
    fn what_is_wanted_meanwhile_is_one_question_and_the_last_asker_leaves_nothing() {
        let readings = Arc::new(Readings::default());
        let (_first, asker) = readings.want(key(1));
        let (_second, other) = readings.want(key(2));
        assert!(other.is_some(), "two may ask");
        drop(other);
        let mut asked = vec![];
        let mut answers = vec![];
        asker.unwrap().ask(|keys| {
            if asked.is_empty() {
                let other = readings.want(key(3)).1;
                let wanted = [3, 3, 4].map(|number| readings.want(key(number)));
                assert!(other.is_some() && wanted.iter().all(|(_, asker)| asker.is_none()));
                answers.extend(wanted.map(|(answer, _)| answer));
                drop(other);
            }
            asked.push(keys.to_vec());
            Ok(vec![None; keys.len()])
        });
        assert_eq!(asked, [vec![key(1), key(2)], vec![key(3), key(4)]]);
        assert!(answers.iter_mut().all(|answer| answer.try_recv() == Ok(None)));
        assert!(readings.want(key(5)).1.is_some(), "nobody asks any more");
    }

    #[test]
    fn nobody_waits_for_an_asker_that_broke_down_or_for_a_store_that_does_not_answer() {
        let readings = Arc::new(Readings::default());
        let (mut answer, asker) = readings.want(key(1));
        drop(asker);
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        let (mut answer, asker) = readings.want(key(1));
        let mut other = readings.want(key(2)).0;
        let row = || StoreError::BrokenRow { table: "payments", why: "an amount below nothing".into() };
        asker.unwrap().ask(|keys| if keys.contains(&key(1)) { Err(row()) } else { Ok(vec![None]) });
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(other.try_recv(), Ok(None), "the row of another key");
        let (mut answer, asker) = readings.want(key(1));
        let mut other = readings.want(key(2)).0;
        let mut questions = 0;
        asker.unwrap().ask(|_| {
            questions += 1;
            Err(StoreError::InUse)
        });
        assert_eq!(questions, 1, "a store that is away is not asked once for everybody");
        let closed = Err(oneshot::error::TryRecvError::Closed);
        assert!(answer.try_recv() == closed && other.try_recv() == closed);
    }
}
