//! What an RSA signature says of itself: the public key turns it back into the digest that was signed.
//!
//! Used for explaining only. Trust is decided by [`crate::keys::PublicKey::verify`]; everything here is public
//! (key, signature, digest), so it need not hide its duration.

use aws_lc_rs::digest as lc;

use crate::keys::PublicKey;

/// What a signature holds under a key.
pub(crate) enum Recovered {
    /// The key made it: the algorithm and digest of what was signed.
    Digest(&'static lc::Algorithm, Vec<u8>),
    /// The key probably made it, with PSS padding instead of PKCS#1 v1.5.
    Pss,
    /// The key did not make it.
    Foreign,
}

/// DigestInfo up to the digest (RFC 8017, 9.2, note 1).
const DIGEST_INFOS: [(&lc::Algorithm, &[u8]); 4] = [
    (
        &lc::SHA256,
        &[
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
            0x20,
        ],
    ),
    (
        &lc::SHA1_FOR_LEGACY_USE_ONLY,
        &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14],
    ),
    (
        &lc::SHA384,
        &[
            0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04,
            0x30,
        ],
    ),
    (
        &lc::SHA512,
        &[
            0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04,
            0x40,
        ],
    ),
];

/// Opens a signature with a public key.
pub(crate) fn recover(key: &PublicKey, signature: &[u8]) -> Recovered {
    let (modulus, exponent) = key.numbers();
    if signature.len() != modulus.len() {
        return Recovered::Foreign;
    }
    let Some(block) = power_modulo(signature, exponent, modulus) else {
        return Recovered::Foreign;
    };
    if let Some(inside) = pkcs1_v15_content(&block) {
        for (algorithm, prefix) in DIGEST_INFOS {
            if let Some(digest) = inside.strip_prefix(prefix)
                && digest.len() == algorithm.output_len()
            {
                return Recovered::Digest(algorithm, digest.to_vec());
            }
        }
    }
    // PSS ends in 0xbc and clears the first bit; a foreign key's block does so once in 512 times, and the sender is
    // then told of PSS wrongly, in a sandbox.
    if block.last() == Some(&0xbc) && block.first().is_some_and(|byte| *byte < 0x80) {
        return Recovered::Pss;
    }
    Recovered::Foreign
}

/// `00 01 ff ... ff 00 content`
fn pkcs1_v15_content(block: &[u8]) -> Option<&[u8]> {
    let padded = block.strip_prefix(&[0, 1])?;
    let padding = padded.iter().take_while(|byte| **byte == 0xff).count();
    if padding < 8 {
        return None;
    }
    padded[padding..].strip_prefix(&[0])
}

/// `base ^ exponent mod modulus`, all big-endian; `None` for an even modulus or a base that is not below it.
fn power_modulo(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let field = Montgomery::new(limbs(modulus, modulus.len()))?;
    let base = limbs(base, modulus.len());
    if !less(&base, &field.modulus) {
        return None;
    }
    let base = field.multiply(&base, &field.r_squared);
    let mut result = field.multiply(&field.r_squared, &field.one());
    for bit in exponent.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)) {
        result = field.multiply(&result, &result);
        if bit == 1 {
            result = field.multiply(&result, &base);
        }
    }
    let result = field.multiply(&result, &field.one());
    let bytes: Vec<u8> = result.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    Some(bytes[bytes.len() - modulus.len()..].to_vec())
}

/// Big-endian bytes as 64-bit limbs, least first.
fn limbs(bytes: &[u8], length: usize) -> Vec<u64> {
    let mut out: Vec<u64> =
        bytes.rchunks(8).map(|chunk| chunk.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))).collect();
    out.resize(length.div_ceil(8), 0);
    out
}

fn less(a: &[u64], b: &[u64]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// `a -= b`; true when it went below zero.
fn subtract(a: &mut [u64], b: &[u64]) -> bool {
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        let (value, first) = a.overflowing_sub(*b);
        let (value, second) = value.overflowing_sub(u64::from(borrow));
        *a = value;
        borrow = first || second;
    }
    borrow
}

/// Multiplication modulo an odd number without division.
struct Montgomery {
    modulus: Vec<u64>,
    /// `-modulus^-1 mod 2^64`
    inverse: u64,
    r_squared: Vec<u64>,
}

impl Montgomery {
    fn new(modulus: Vec<u64>) -> Option<Self> {
        let least = *modulus.first()?;
        if least.is_multiple_of(2) {
            return None;
        }
        // Newton's iteration doubles the number of right bits: 3, 6, ... 96.
        let mut inverse = least;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(least.wrapping_mul(inverse)));
        }
        let mut r_squared = vec![0; modulus.len()];
        r_squared[0] = 1;
        for _ in 0..modulus.len() * 128 {
            double(&mut r_squared, &modulus);
        }
        Some(Self { modulus, inverse: inverse.wrapping_neg(), r_squared })
    }

    fn one(&self) -> Vec<u64> {
        let mut one = vec![0; self.modulus.len()];
        one[0] = 1;
        one
    }

    /// `a * b / 2^(64 * limbs) mod modulus`
    fn multiply(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let count = self.modulus.len();
        let mut sum = vec![0; count + 2];
        for digit in a {
            add_product(&mut sum, b, *digit);
            let factor = sum[0].wrapping_mul(self.inverse);
            add_product(&mut sum, &self.modulus, factor);
            sum.copy_within(1.., 0);
            sum[count + 1] = 0;
        }
        if sum[count] != 0 || !less(&sum[..count], &self.modulus) {
            subtract(&mut sum[..count], &self.modulus);
        }
        sum.truncate(count);
        sum
    }
}

/// `value = 2 * value mod modulus`
fn double(value: &mut [u64], modulus: &[u64]) {
    let mut carry = 0;
    for limb in value.iter_mut() {
        let next = *limb >> 63;
        *limb = *limb << 1 | carry;
        carry = next;
    }
    if carry == 1 || !less(value, modulus) {
        subtract(value, modulus);
    }
}

/// `sum += factors * digit`
fn add_product(sum: &mut [u64], factors: &[u64], digit: u64) {
    let split = |value: u128| (value as u64, (value >> 64) as u64);
    let mut carry = 0;
    for (place, factor) in factors.iter().enumerate() {
        let value = u128::from(*factor) * u128::from(digit) + u128::from(sum[place]);
        (sum[place], carry) = split(value + u128::from(carry));
    }
    for limb in &mut sum[factors.len()..] {
        (*limb, carry) = split(u128::from(*limb) + u128::from(carry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_powers_agree_with_ordinary_arithmetic() {
        for (base, exponent, modulus) in [(2_u8, 10_u8, 251_u8), (7, 13, 99), (0, 3, 5), (250, 17, 251)] {
            let wanted = (0..exponent).fold(1_u32, |product, _| product * u32::from(base) % u32::from(modulus));
            let found = power_modulo(&[base], &[exponent], &[modulus]).expect("odd");
            assert_eq!(u32::from(found[0]), wanted, "{base}^{exponent} mod {modulus}");
        }
        assert_eq!(power_modulo(&[1], &[3], &[4]), None, "an even modulus");
        assert_eq!(power_modulo(&[5], &[3], &[5]), None, "a base that is too large");
    }

    #[test]
    fn a_signature_gives_back_the_digest_that_was_signed() {
        let pem = include_bytes!("../../../docs/reference/signing/test_private.pem");
        let key = crate::keys::PrivateKey::load(pem).expect("the published key").key;
        let mut signature = key.sign(b"message");
        match recover(key.public_key(), &signature) {
            Recovered::Digest(algorithm, digest) => {
                assert_eq!(algorithm, &lc::SHA256);
                assert_eq!(digest, crate::digest::sha256(b"message"));
            }
            Recovered::Pss | Recovered::Foreign => panic!("the key made it"),
        }
        signature[100] ^= 1;
        assert!(!matches!(recover(key.public_key(), &signature), Recovered::Digest(..)));
    }
}
