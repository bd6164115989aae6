//! Accounts: what they are for, how they are named, where they stand.

use std::{fmt, str::FromStr};

use crate::Side;

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// What a merchant paid in beforehand and may spend: we owe it.
    MerchantDeposit,
    /// What a merchant owes us for completed transactions, until its invoices are paid.
    MerchantReceivable,
    /// What we paid in at a provider (aggregator, biller) and may spend there.
    ProviderFloat,
    /// What we earned.
    FeeRevenue,
    /// Money on its way: paid to or by us at a bank, or in dispute until an operator settles it.
    Clearing,
    /// What we owe a merchant for payments of its customers that their provider settled, less what was given back.
    MerchantPayable,
    /// What a provider owes us because its settlement fell short; negative: what we owe it because it paid too much.
    ProviderClaim,
}

/// Whose accounts hold money that belongs to no merchant: a line of a settlement that nobody here knows anything about.
/// No merchant's code has parentheses.
pub const HOUSE: &str = "(house)";

impl Class {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::MerchantDeposit,
        Self::MerchantReceivable,
        Self::ProviderFloat,
        Self::FeeRevenue,
        Self::Clearing,
        Self::MerchantPayable,
        Self::ProviderClaim,
    ];

    /// The side on which its balance grows.
    pub const fn normal_side(self) -> Side {
        match self {
            Self::MerchantDeposit | Self::FeeRevenue | Self::MerchantPayable => Side::Credit,
            Self::MerchantReceivable | Self::ProviderFloat | Self::Clearing | Self::ProviderClaim => Side::Debit,
        }
    }

    /// The one word for it in names, tables and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MerchantDeposit => "deposit",
            Self::MerchantReceivable => "receivable",
            Self::ProviderFloat => "float",
            Self::FeeRevenue => "fee",
            Self::Clearing => "clearing",
            Self::MerchantPayable => "payable",
            Self::ProviderClaim => "claim",
        }
    }

    /// Whether its accounts are kept per provider.
    pub const fn has_provider(self) -> bool {
        matches!(self, Self::ProviderFloat | Self::ProviderClaim)
    }
}

/// What names an account: `deposit:SANDBOX`, or with the provider where there is one, `float:SANDBOX:kiosk`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountName {
    class: Class,
    merchant: String,
    provider: Option<String>,
}

/// The text names no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account's name is class:merchant, or float:merchant:provider and claim:merchant:provider")]
pub struct NameError;

impl AccountName {
    /// A merchant's account of a class that is not kept per provider.
    pub fn of(class: Class, merchant: impl Into<String>) -> Self {
        Self { class, merchant: merchant.into(), provider: None }
    }

    /// A merchant's part of the float at a provider.
    pub fn float(merchant: impl Into<String>, provider: impl Into<String>) -> Self {
        Self { class: Class::ProviderFloat, merchant: merchant.into(), provider: Some(provider.into()) }
    }

    /// What a provider owes us beside a merchant's payments.
    pub fn claim(merchant: impl Into<String>, provider: impl Into<String>) -> Self {
        Self { class: Class::ProviderClaim, merchant: merchant.into(), provider: Some(provider.into()) }
    }

    /// What it is for.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whose it is.
    pub fn merchant(&self) -> &str {
        &self.merchant
    }

    /// At which provider.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.class.name(), self.merchant)?;
        self.provider.as_ref().map_or(Ok(()), |provider| write!(f, ":{provider}"))
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AccountName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut parts = text.splitn(3, ':');
        let class = parts.next().and_then(|name| Class::ALL.into_iter().find(|class| class.name() == name));
        let (class, merchant) = class.zip(parts.next().filter(|merchant| !merchant.is_empty())).ok_or(NameError)?;
        let provider = parts.next().filter(|provider| !provider.is_empty()).map(str::to_owned);
        if provider.is_some() != class.has_provider() {
            return Err(NameError);
        }
        Ok(Self { class, merchant: merchant.to_owned(), provider })
    }
}

/// Where an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What names it.
    pub name: AccountName,
    /// In sen, on the class's normal side; may be negative.
    pub balance: i64,
    /// What is reserved of it, in sen; never negative.
    pub held: i64,
    /// The number of its newest entry; 0: none yet.
    pub sequence: u64,
    /// The digest of its newest entry; zeros: none yet.
    pub digest: [u8; 32],
}

impl Account {
    /// An account that nothing was posted to yet.
    pub fn new(name: AccountName) -> Self {
        Self { name, balance: 0, held: 0, sequence: 0, digest: [0; 32] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_print_and_parse_back() {
        for class in Class::ALL.into_iter().filter(|class| !class.has_provider()) {
            let name = AccountName::of(class, "SANDBOX");
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for name in [AccountName::float("SANDBOX", "kiosk"), AccountName::claim(HOUSE, "kiosk")] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for text in
            ["", "deposit", "deposit:", "float:SANDBOX", "claim:SANDBOX", "payable:SANDBOX:kiosk", "other:SANDBOX"]
        {
            assert_eq!(text.parse::<AccountName>(), Err(NameError), "{text}");
        }
    }
}
