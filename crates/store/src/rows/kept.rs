//! How single values are written: the text or number of each small type, once, for every row.

use std::fmt::Write as _;

use calendar::{Instant, JakartaDay};
use ledger::AccountName;
use lifecycle::{
    AccountCreationId, AuthCodeId, BillId, Digest, ExchangeId, InvoiceId, LinkId, MerchantCode, NotificationId,
    PaymentId, ProductCode, ReconciliationItemId, RefundId, RulingId, Secret, SettlementFileId, TaskId, TopUpId,
    biller::{Category, Price, Quote},
};
use money::Amount;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A type that has one written form.
pub(crate) trait Kept: Sized {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Lets a generic container write a kept value.
pub(crate) struct Put<'a, T>(pub(crate) &'a T);

/// Lets a generic container read a kept value.
pub(crate) struct Taken<T>(pub(crate) T);

impl<T: Kept> Serialize for Put<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<'de, T: Kept> Deserialize<'de> for Taken<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Taken)
    }
}

/// `#[serde(with = "kept")]`.
pub(crate) fn serialize<T: Kept, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.write(serializer)
}

/// `#[serde(with = "kept")]`.
pub(crate) fn deserialize<'de, T: Kept, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// `#[serde(with = "kept::option")]`.
pub(crate) mod option {
    use super::*;

    pub(crate) fn serialize<T: Kept, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Put).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Kept, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        let taken = Option::<Taken<T>>::deserialize(deserializer)?;
        Ok(taken.map(|taken| taken.0))
    }
}

/// `#[serde(with = "kept::list")]`.
pub(crate) mod list {
    use super::*;

    pub(crate) fn serialize<T: Kept, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Put))
    }

    pub(crate) fn deserialize<'de, T: Kept, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        let taken = Vec::<Taken<T>>::deserialize(deserializer)?;
        Ok(taken.into_iter().map(|taken| taken.0).collect())
    }
}

macro_rules! kept_as_number {
    ($name:ident, $number:ty, $put:expr, $take:expr) => {
        impl Kept for $name {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let put: fn(&Self) -> $number = $put;
                put(self).serialize(serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let take: fn($number) -> Result<Self, String> = $take;
                take(<$number>::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

kept_as_number!(Instant, i64, |at| at.micros(), |micros| Ok(Instant::from_micros(micros)));
kept_as_number!(JakartaDay, u32, |day| day.number(), |number| Ok(JakartaDay::from_number(number)));
kept_as_number!(Amount, i64, |amount| amount.sen(), |sen| Amount::from_sen(sen).map_err(|error| error.to_string()));

macro_rules! kept_as_text {
    ($($name:ident: $put:ident, $take:expr;)+) => {
        $(impl Kept for $name {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.$put())
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map($take)
            }
        })+
    };
}

kept_as_text!(
    MerchantCode: as_str, MerchantCode::new;
    ProductCode: as_str, ProductCode::new;
    Secret: expose, Secret::new;
);

macro_rules! kept_as_id {
    ($($name:ident),+ $(,)?) => {
        $(impl Kept for $name {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        })+
    };
}

kept_as_id!(
    AccountCreationId,
    AccountName,
    AuthCodeId,
    BillId,
    ExchangeId,
    InvoiceId,
    LinkId,
    NotificationId,
    PaymentId,
    ReconciliationItemId,
    RefundId,
    RulingId,
    SettlementFileId,
    TaskId,
    TopUpId,
);

impl Kept for Category {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| D::Error::custom("there is no such category"))
    }
}

/// Four numbers, because every bill carries them.
impl Kept for Price {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { admin_fee_sen, admin_fee_bp, fee_sen, margin_sen } = self;
        (admin_fee_sen, admin_fee_bp, fee_sen, margin_sen).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (admin_fee_sen, admin_fee_bp, fee_sen, margin_sen) = Deserialize::deserialize(deserializer)?;
        Ok(Self { admin_fee_sen, admin_fee_bp, fee_sen, margin_sen })
    }
}

/// Five amounts, because every bill carries them.
impl Kept for Quote {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { bill_amount, admin_fee, amount, fee, margin } = self;
        [bill_amount, admin_fee, amount, fee, margin].map(Put).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [bill_amount, admin_fee, amount, fee, margin] = <[Taken<Amount>; 5]>::deserialize(deserializer)?;
        Ok(Self { bill_amount: bill_amount.0, admin_fee: admin_fee.0, amount: amount.0, fee: fee.0, margin: margin.0 })
    }
}

impl<T: Kept> Kept for Box<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).write(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Box::new)
    }
}

impl<T: Kept> Kept for Vec<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        list::serialize(self, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list::deserialize(deserializer)
    }
}

impl<T: Kept, U: Kept> Kept for (T, U) {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Put(&self.0), Put(&self.1)).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (one, other) = <(Taken<T>, Taken<U>)>::deserialize(deserializer)?;
        Ok((one.0, other.0))
    }
}

impl Kept for Digest {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("a digest is 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut digest = [0; 32];
        for (byte, place) in digest.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[place..place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Digest(digest))
    }
}
