//! Why: a copy of the database must not be a copy of tokens, codes and people. What is secret is sealed before it is
//! written, and bound to the place where it stands, so that a sealed value moved to another row does not open.
//!
//! AES-256-GCM-SIV rather than plain GCM: nonces are random, and a gateway that seals thousands of values per second
//! passes the 2^32 values that plain GCM allows under one key within days. With SIV a repeated nonce shows at most that
//! two texts are equal.
//!
//! A sealed value is: key version (1 byte), nonce (12), ciphertext, tag (16).

use std::{
    fmt,
    fs::OpenOptions,
    io::{self, Read, Write},
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

/// Length of a key, in bytes.
pub const KEY_LENGTH: usize = 32;
/// How many bytes a sealed value is longer than its text.
pub const SEALED_OVERHEAD: usize = HEADER_LENGTH + TAG_LENGTH;

const KEY_VERSION: u8 = 1;
const HEADER_LENGTH: usize = 1 + NONCE_LEN;
const TAG_LENGTH: usize = 16;

/// Fills a buffer with random bytes that nobody can guess, or says that it cannot.
pub type Random = Box<dyn Fn(&mut [u8]) -> Result<(), VaultError> + Send + Sync>;

/// Why the vault did not do something. Never carries a byte of what it was about.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no randomness, or the cipher refused.
    #[error("seal a value")]
    Seal,
    /// Tampered with, cut short, moved from another row, or sealed under another key.
    #[error("the sealed value does not open under this key in this place")]
    Open,
    /// The value names a key that this vault does not have.
    #[error("the value is sealed under key version {0}, which is not here")]
    UnknownKeyVersion(u8),
    /// The key file could not be read or made.
    #[error("read the key file")]
    ReadKeyFile(#[source] io::Error),
    /// The key file does not hold exactly one key.
    #[error("the key file must hold exactly {KEY_LENGTH} bytes")]
    KeyFileLength,
}

/// Seals and opens what is secret. Cheap to keep: one key, prepared once.
pub struct Vault {
    key: LessSafeKey,
    index_key: hmac::Key,
    random: Random,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(secret)")
    }
}

impl Vault {
    /// A vault over a 32-byte key and a source of randomness.
    pub fn new(key: [u8; KEY_LENGTH], random: Random) -> Self {
        let key = Zeroizing::new(key);
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, &key[..]).expect("a key of 32 bytes is what the cipher takes");
        let index_seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key[..]), b"blind index key");
        Self {
            key: LessSafeKey::new(unbound),
            index_key: hmac::Key::new(hmac::HMAC_SHA256, index_seed.as_ref()),
            random,
        }
    }

    /// A vault over the key in a file, with the system's randomness. A missing file is made, readable by its owner
    /// only; losing it loses every secret in the database.
    pub fn open(key_file: &Path) -> Result<Self, VaultError> {
        let random: Random = Box::new(|bytes| SystemRandom::new().fill(bytes).map_err(|_| VaultError::Seal));
        let key = match read_key(key_file) {
            Err(VaultError::ReadKeyFile(error)) if error.kind() == io::ErrorKind::NotFound => {
                create_key(key_file, &random)?
            }
            read => read?,
        };
        Ok(Self::new(*key, random))
    }

    /// Seals a text for the row `id` of `table`.
    pub fn seal(&self, table: &str, id: &[u8], text: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.seal_with(table, id, text.len(), |buffer| {
            buffer.extend_from_slice(text);
            Ok(())
        })
    }

    /// Seals what `write` appends to the buffer, in place, so that the text is never in memory twice.
    pub(crate) fn seal_with<E: From<VaultError>>(
        &self,
        table: &str,
        id: &[u8],
        length_hint: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let mut nonce = [0; NONCE_LEN];
        (self.random)(&mut nonce)?;
        let mut sealed = Vec::with_capacity(length_hint + SEALED_OVERHEAD);
        sealed.push(KEY_VERSION);
        sealed.extend_from_slice(&nonce);
        write(&mut sealed)?;
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place(table, id)),
                &mut sealed[HEADER_LENGTH..],
            )
            .map_err(|_| VaultError::Seal)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// An id that nobody else has.
    pub(crate) fn fresh_id(&self) -> Result<[u8; 16], VaultError> {
        let mut id = [0; 16];
        (self.random)(&mut id)?;
        Ok(id)
    }

    /// Opens a value sealed for the row `id` of `table`. The text is wiped from memory when it is dropped.
    pub fn unseal(&self, table: &str, id: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if sealed.len() < SEALED_OVERHEAD {
            return Err(VaultError::Open);
        }
        let (header, body) = sealed.split_at(HEADER_LENGTH);
        if header[0] != KEY_VERSION {
            return Err(VaultError::UnknownKeyVersion(header[0]));
        }
        let nonce = Nonce::try_assume_unique_for_key(&header[1..]).map_err(|_| VaultError::Open)?;
        let mut text = Zeroizing::new(body.to_vec());
        let length =
            self.key.open_in_place(nonce, Aad::from(place(table, id)), &mut text).map_err(|_| VaultError::Open)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// What stands in a column for a text that must be found but not read, like a phone number: the same text gives
    /// the same 32 bytes, and nobody without the key can try all numbers.
    pub fn blind_index(&self, text: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.index_key, text.as_bytes());
        let mut index = [0; 32];
        index.copy_from_slice(tag.as_ref());
        index
    }
}

fn place(table: &str, id: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(table.len() + 1 + id.len());
    place.extend_from_slice(table.as_bytes());
    place.push(0);
    place.extend_from_slice(id);
    place
}

fn read_key(key_file: &Path) -> Result<Zeroizing<[u8; KEY_LENGTH]>, VaultError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_LENGTH + 1));
    std::fs::File::open(key_file)
        .and_then(|file| file.take(KEY_LENGTH as u64 + 1).read_to_end(&mut bytes))
        .map_err(VaultError::ReadKeyFile)?;
    let key = <[u8; KEY_LENGTH]>::try_from(&bytes[..]).map_err(|_| VaultError::KeyFileLength)?;
    Ok(Zeroizing::new(key))
}

fn create_key(key_file: &Path, random: &Random) -> Result<Zeroizing<[u8; KEY_LENGTH]>, VaultError> {
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    random(&mut key[..])?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(key_file)
        .and_then(|mut file| {
            file.write_all(&key[..])?;
            file.sync_all()
        })
        .map_err(VaultError::ReadKeyFile)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(key: u8) -> Vault {
        Vault::new([key; KEY_LENGTH], Box::new(|bytes| SystemRandom::new().fill(bytes).map_err(|_| VaultError::Seal)))
    }

    #[test]
    fn opens_only_what_was_sealed_where_it_was_sealed() {
        let vault = vault(1);
        let sealed = vault.seal("links", b"id", b"token").unwrap();
        assert_eq!(sealed.len(), "token".len() + SEALED_OVERHEAD);
        assert_eq!(&vault.unseal("links", b"id", &sealed).unwrap()[..], b"token");
        let refused =
            |table: &str, id: &[u8], sealed: &[u8]| matches!(vault.unseal(table, id, sealed), Err(VaultError::Open));
        assert!(refused("payments", b"id", &sealed));
        assert!(refused("links", b"other", &sealed));
        assert!(refused("links", b"id", &sealed[..sealed.len() - 1]));
        assert!(refused("links", b"id", &[]));
        for place in 1..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[place] ^= 1;
            assert!(refused("links", b"id", &tampered), "byte {place}");
        }
        let mut newer = sealed.clone();
        newer[0] = 2;
        assert!(matches!(vault.unseal("links", b"id", &newer), Err(VaultError::UnknownKeyVersion(2))));
        assert!(matches!(self::vault(2).unseal("links", b"id", &sealed), Err(VaultError::Open)));
    }

    #[test]
    fn the_same_text_is_never_sealed_alike_but_indexed_alike() {
        let vault = vault(1);
        assert_ne!(vault.seal("t", b"1", b"x").unwrap(), vault.seal("t", b"1", b"x").unwrap());
        assert_eq!(vault.blind_index("628"), vault.blind_index("628"));
        assert_ne!(vault.blind_index("628"), vault.blind_index("629"));
        assert_ne!(vault.blind_index("628"), self::vault(2).blind_index("628"));
    }

    #[test]
    fn without_randomness_nothing_is_sealed() {
        let vault = Vault::new([1; KEY_LENGTH], Box::new(|_| Err(VaultError::Seal)));
        assert!(matches!(vault.seal("t", b"1", b"x"), Err(VaultError::Seal)));
    }

    #[test]
    fn the_key_file_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.key");
        let sealed = Vault::open(&file).unwrap().seal("t", b"1", b"x").unwrap();
        let again = Vault::open(&file).unwrap();
        assert_eq!(&again.unseal("t", b"1", &sealed).unwrap()[..], b"x");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(&file, b"short").unwrap();
        assert!(matches!(Vault::open(&file), Err(VaultError::KeyFileLength)));
        assert!(matches!(Vault::open(&folder.path().join("no/such/folder")), Err(VaultError::ReadKeyFile(_))));
        assert_eq!(format!("{again:?}"), "Vault(secret)");
    }
}
