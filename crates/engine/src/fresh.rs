//! New identities and random texts, over the operating system's randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use calendar::Instant;
use lifecycle::{Digest, Fresh};

const LETTERS_AND_DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const POOL_BYTES: usize = 512;

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

/// Identities whose first 48 bits are the time in milliseconds (the layout of UUID version 7), the rest random.
pub struct SystemFresh {
    random: SystemRandom,
    pool: [u8; POOL_BYTES],
    used: usize,
    now: Instant,
}

impl Default for SystemFresh {
    fn default() -> Self {
        Self { random: SystemRandom::new(), pool: [0; POOL_BYTES], used: POOL_BYTES, now: Instant::from_micros(0) }
    }
}

impl SystemFresh {
    /// Sets the time that new identities carry.
    pub fn at(&mut self, now: Instant) {
        self.now = now;
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > POOL_BYTES {
            // The operating system refusing randomness leaves nothing that would be safe to do.
            self.random.fill(&mut self.pool).expect("the operating system gives random bytes");
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

/// A fresh external id of digits only, as the most cautious providers want it: 32 digits.
pub fn external_id(fresh: &mut SystemFresh) -> String {
    let number = fresh.id();
    let digits = format!("{number:039}");
    digits[digits.len() - 32..].to_owned()
}
