//! New identities and random texts, over randomness that is handed in.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use calendar::Instant;
use lifecycle::{Digest, Fresh};

const LETTERS_AND_DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const POOL_BYTES: usize = 512;

/// Where randomness comes from.
pub trait Entropy: Send + Sync {
    /// Fills the bytes with randomness that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // The operating system refusing randomness leaves nothing that would be safe to do.
        SystemRandom::new().fill(bytes).expect("the operating system gives random bytes");
    }
}

/// How many bytes of a token stand in its digest as they are: its time stamp, which is no secret.
const DIGEST_PREFIX: usize = 8;

/// The digest under which a token is kept and looked up: the eight characters of its time stamp, then 24 bytes of its
/// SHA-256. Random digests would put every new row on an index page of its own.
pub fn digest(text: &str) -> Digest {
    let mut digest = protocol::digest::sha256(text.as_bytes());
    digest.copy_within(..32 - DIGEST_PREFIX, DIGEST_PREFIX);
    for (place, byte) in digest[..DIGEST_PREFIX].iter_mut().zip(text.bytes().chain(std::iter::repeat(0))) {
        *place = byte;
    }
    Digest(digest)
}

/// Identities whose first 48 bits are the time in milliseconds (the layout of UUID version 7), the rest random. A clock that
/// steps back does not take them back: what is made later sorts later.
pub struct SystemFresh {
    entropy: Arc<dyn Entropy>,
    pool: [u8; POOL_BYTES],
    used: usize,
    now: Instant,
    latest_micros: Arc<AtomicI64>,
}

impl SystemFresh {
    /// Draws from this.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self {
            entropy,
            pool: [0; POOL_BYTES],
            used: POOL_BYTES,
            now: Instant::from_micros(0),
            latest_micros: Arc::default(),
        }
    }

    /// Draws from the operating system: for those outside of a gateway.
    pub fn of_system() -> Self {
        Self::new(Arc::new(SystemEntropy))
    }

    /// The same, after whatever others drew who share this: the latest time that an identity carried, in microseconds.
    #[must_use]
    pub fn after(self, latest_micros: Arc<AtomicI64>) -> Self {
        Self { latest_micros, ..self }
    }

    /// Sets the time that new identities carry; one that is over by now is not carried again.
    pub fn at(&mut self, now: Instant) {
        let before = self.latest_micros.fetch_max(now.micros(), Ordering::AcqRel);
        self.now = Instant::from_micros(before.max(now.micros()));
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > POOL_BYTES {
            self.entropy.fill(&mut self.pool);
            self.used = 0;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.pool[self.used..self.used + N]);
        self.pool[self.used..self.used + N].fill(0);
        self.used += N;
        bytes
    }
}

impl Fresh for SystemFresh {
    fn id(&mut self) -> u128 {
        let millis = u128::from(self.now.micros().unsigned_abs() / 1000) & 0xffff_ffff_ffff;
        let random = u128::from_be_bytes(self.bytes::<16>());
        let version = 7u128 << 76;
        let variant = 2u128 << 62;
        (millis << 80) | version | ((random >> 64) & 0xfff) << 64 | variant | (random & 0x3fff_ffff_ffff_ffff)
    }

    fn text(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            // Bytes from 248 on would make the first letters likelier than the last.
            let [byte] = self.bytes::<1>();
            if byte < 248 {
                text.push(char::from(LETTERS_AND_DIGITS[usize::from(byte) % 62]));
            }
        }
        text
    }

    fn digest(&self, text: &str) -> Digest {
        digest(text)
    }
}

/// One [`SystemFresh`] for many who draw rarely.
pub struct SharedFresh(Mutex<SystemFresh>);

impl SharedFresh {
    /// Draws from this.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self(Mutex::new(SystemFresh::new(entropy)))
    }

    /// A new identity that carries this time.
    pub fn id(&self, now: Instant) -> u128 {
        let mut fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.at(now);
        fresh.id()
    }

    /// A fresh external id of digits only, as the most cautious providers want it: 32 digits.
    pub fn external_id(&self) -> String {
        let digits = format!("{:039}", self.id(Instant::from_micros(0)));
        digits[digits.len() - 32..].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_later_sorts_later_though_the_clock_steps_back() {
        let latest = Arc::new(AtomicI64::new(0));
        let [mut one, mut other] = [(); 2].map(|()| SystemFresh::of_system().after(latest.clone()));
        let at = |seconds: i64| Instant::from_micros(seconds * 1_000_000);
        one.at(at(7_200));
        let first = one.id();
        // An hour back, drawn by the other writer.
        other.at(at(3_600));
        let second = other.id();
        assert_eq!(second >> 80, first >> 80, "the time of the first one");
        other.at(at(7_201));
        assert!(other.id() > first.max(second));
    }
}
