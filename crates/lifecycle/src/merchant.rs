//! Who calls: a merchant as the operator registered it.

use std::{fmt, sync::Arc};

use ledger::{AccountName, Class, Limit};
use money::Amount;

use crate::{Secret, biller::Price};

macro_rules! code {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a code that was read from a registered list or checked by `contract`.
            pub fn new(code: impl Into<Arc<str>>) -> Self {
                Self(code.into())
            }

            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(
    /// The merchant code, `X-PARTNER-ID` on the wire, at most 50 characters, like `SGWYESSISHOP`.
    MerchantCode
);
code!(
    /// A product code, `productCode` on the wire, like the ones that Merchant Info lists.
    ProductCode
);

/// How a customer's account is linked for a product; declared by the product's connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingFlow {
    /// Get Auth Code first; Account Binding redeems the code and links at once.
    AuthCode,
    /// Account Binding leads to the wallet's own page; the result comes later.
    Page,
}

/// Whether the tables of the documents are enforced to the letter, or what real integrators send is accepted too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// What the samples and real integrators send.
    Lenient,
    /// What the tables say.
    Strict,
}

/// What becomes of a payment that succeeds after the merchant was told that it failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LateSuccess {
    /// The customer gets the money back.
    #[default]
    RefundDue,
    /// The merchant keeps it and delivers.
    Accept,
}

/// Where we call the merchant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callbacks {
    /// Inquiry (24): asked before a payment is charged. None: the merchant is not asked.
    pub inquiry_url: Option<String>,
    /// Payment (25): told the outcome of a payment.
    pub payment_url: Option<String>,
    /// Told when a link becomes active, fails or is revoked by the wallet.
    pub binding_url: Option<String>,
    /// Told when the deposit falls below the warning level.
    pub low_balance_url: Option<String>,
    /// Where it is told of bills that were decided after their call had been answered.
    pub bill_url: Option<String>,
    /// Refund notification (56): told the outcome of a refund or cancellation.
    pub refund_url: Option<String>,
}

/// How a merchant pays for bills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Out of a deposit, paid in beforehand.
    Deposit {
        /// Warn the merchant when what is available falls below this.
        low_balance: Option<Amount>,
    },
    /// By invoice, up to a limit.
    Invoicing {
        /// The most that may be owed and reserved together.
        credit_limit: Amount,
        /// Days from an invoice's issue until it is to be paid.
        payment_days: u32,
    },
}

impl Mechanism {
    /// The one word for it in tables and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deposit { .. } => "deposit",
            Self::Invoicing { .. } => "invoicing",
        }
    }

    /// The account that pays a merchant's bills.
    pub fn payer(&self, merchant: &MerchantCode) -> AccountName {
        let class = match self {
            Self::Deposit { .. } => Class::MerchantDeposit,
            Self::Invoicing { .. } => Class::MerchantReceivable,
        };
        AccountName::of(class, merchant.as_str())
    }

    /// What the paying account may be used for.
    pub fn limit(&self) -> Limit {
        match self {
            Self::Deposit { .. } => Limit::Floor(0),
            Self::Invoicing { credit_limit, .. } => Limit::Credit(credit_limit.sen()),
        }
    }
}

/// What lets a merchant use the biller services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillerAccess {
    /// `sender_id`.
    pub sender_id: String,
    /// User name of the Basic authentication, unique in the gateway.
    pub username: String,
    /// Its password.
    pub basic_password: Secret,
    /// `password` of the form.
    pub password: Secret,
    /// The keys of the hash signature, the newest first; at most two are live at once.
    pub keys: Vec<Secret>,
    /// How bills are paid for.
    pub mechanism: Mechanism,
    /// The products that the merchant may sell; none: every product.
    pub products: Option<Vec<ProductCode>>,
    /// What was agreed with the merchant instead of the products' own prices.
    pub prices: Vec<(ProductCode, Price)>,
}

impl BillerAccess {
    /// Whether the merchant may sell this product.
    pub fn has(&self, product: &ProductCode) -> bool {
        self.products.as_ref().is_none_or(|products| products.contains(product))
    }

    /// What the product costs this merchant.
    pub fn price(&self, product: &crate::biller::BillerProduct) -> Price {
        self.prices.iter().find(|(code, _)| *code == product.code).map_or(product.price, |(_, price)| *price)
    }
}

/// A registered merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// The merchant code.
    pub code: MerchantCode,
    /// Another id that `merchantId` of Get Auth Code may carry.
    pub alias: Option<String>,
    /// The name that pages show.
    pub name: String,
    /// 32 hexadecimal characters: `key` of Merchant Info, `subMerchantId` of Payment Host to Host.
    pub api_key: String,
    /// The products that the merchant may use.
    pub products: Vec<ProductCode>,
    /// Public keys in PEM, the newest first; at most two are live at once.
    pub public_keys: Vec<String>,
    /// Origins (scheme, host, port) that a redirect may lead to.
    pub redirect_origins: Vec<String>,
    /// Also allow redirects to this computer; for the sandbox only.
    pub allow_local_redirects: bool,
    /// IP addresses that may call; empty: any.
    pub allowed_addresses: Vec<String>,
    /// Largest distance between `X-TIMESTAMP` and our clock, in seconds.
    pub time_window_seconds: u32,
    /// A repeated request with the same body gets the stored answer instead of 409.
    pub replay: bool,
    /// To the letter, or as samples are.
    pub strictness: Strictness,
    /// Where we call the merchant.
    pub callbacks: Callbacks,
    /// What lets it use the biller services, if it may.
    pub biller: Option<BillerAccess>,
    /// What becomes of a payment that succeeds after it was told to have failed.
    pub late_success: LateSuccess,
    /// A suspended merchant's requests are refused.
    pub suspended: bool,
}

impl Merchant {
    /// Whether the merchant may use this product.
    pub fn has(&self, product: &ProductCode) -> bool {
        self.products.contains(product)
    }
}
