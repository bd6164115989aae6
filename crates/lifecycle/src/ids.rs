//! Identities. Inside they are 128 bits, made by `engine` from its clock and randomness so that later ones sort later;
//! outside they show their kind: `pay_` and 26 Crockford characters. A text parses or fails.

use std::{fmt, str::FromStr};

use calendar::Instant;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TEXT_LENGTH: usize = 26;

/// The text is not an identity of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identity of this kind")]
pub struct IdError;

fn write_crockford(value: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [b'0'; TEXT_LENGTH];
    let mut rest = value;
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn read_crockford(text: &str) -> Result<u128, IdError> {
    if text.len() != TEXT_LENGTH || text.as_bytes()[0] > b'7' {
        return Err(IdError);
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&known| known == byte).ok_or(IdError)?;
        Ok((value << 5) | digit as u128)
    })
}

/// The bits that are less than those of every id made at this time or later: an id begins with its time, 48 bits of
/// milliseconds since the epoch.
pub fn before(at: Instant) -> u128 {
    let millis = u128::try_from(at.micros().max(0) / 1000).unwrap_or(0);
    (millis << 80).saturating_sub(1)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            /// What the text form begins with, underscore included.
            pub const PREFIX: &'static str = concat!($prefix, "_");

            /// From the 128 bits.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The 128 bits, as the store keeps them.
            pub const fn bits(self) -> u128 {
                self.0
            }

            /// The 26 characters of the text form, without what it begins with.
            pub fn characters(self) -> String {
                self.to_string().split_off(Self::PREFIX.len())
            }

            /// From those 26 characters.
            pub fn from_characters(text: &str) -> Option<Self> {
                read_crockford(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::PREFIX)?;
                write_crockford(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                read_crockford(text.strip_prefix(Self::PREFIX).ok_or(IdError)?).map(Self)
            }
        }
    };
}

id!(
    /// One request of a merchant that was accepted for processing.
    RequestId, "req"
);
id!(
    /// One authorisation code issued by Get Auth Code (service 10).
    AuthCodeId, "auth"
);
id!(
    /// One link between a customer's wallet or account and a merchant.
    LinkId, "link"
);
id!(
    /// One opening of a wallet account (service 06).
    AccountCreationId, "acct"
);
id!(
    /// One payment (service 54). Its text is also the reference under which a provider is asked to charge.
    PaymentId, "pay"
);
id!(
    /// One bill of a customer at a biller.
    BillId, "bill"
);
id!(
    /// One top-up of a merchant's deposit.
    TopUpId, "top"
);
id!(
    /// One invoice.
    InvoiceId, "inv"
);
id!(
    /// One piece of work that outlives a request.
    TaskId, "task"
);
id!(
    /// One notification to a merchant.
    NotificationId, "ntf"
);
id!(
    /// One refund or cancellation of a payment. Its text is also the reference under which a provider is asked for it.
    RefundId, "ref"
);
id!(
    /// One ruling of two operators about a case whose outcome nobody else can tell.
    RulingId, "rul"
);
id!(
    /// One exchange of messages with the outside.
    ExchangeId, "exc"
);
id!(
    /// One settlement file of a provider: the first bits of the digest of what it says.
    SettlementFileId, "stl"
);
id!(
    /// One line of a settlement file, or one thing that it should have held, with what became of it.
    ReconciliationItemId, "rec"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prints_and_parses_back(bits: u128) {
            let id = PaymentId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<PaymentId>(), Ok(id));
        }
    }

    #[test]
    fn another_kind_does_not_parse() {
        let text = PaymentId::from_bits(7).to_string();
        assert_eq!(text, "pay_00000000000000000000000007");
        assert_eq!(text.parse::<LinkId>(), Err(IdError));
        assert_eq!("pay_0000000000000000000000000U".parse::<PaymentId>(), Err(IdError));
        assert_eq!("pay_80000000000000000000000000".parse::<PaymentId>(), Err(IdError));
    }
}
