//! What a new sandbox holds: everything that the samples of the published pages mention, so that they can be sent as
//! printed. The names and numbers are data, in `data/seed.json`.

use calendar::{Instant, JakartaDay};
use connectors::imitation::{Customer, SANDBOX_OTP, SANDBOX_PIN};
use engine::digest;
use lifecycle::{
    Key, LinkId, Merchant, MerchantCode, ProductCode, Secret,
    linkage::{Link, LinkStatus},
    merchant::{BillerAccess, Callbacks, LateSuccess, Mechanism, Strictness},
    provider::ProviderLink,
    request::RequestKey,
};
use money::Amount;
use serde::Deserialize;
use store::{Store, StoreError, Writes};

/// The password that the demo customer chooses.
pub const SANDBOX_PASSWORD: &str = "Rahasia2024";
/// How far the time of a request may be off, in seconds.
pub const TIME_WINDOW_SECONDS: u32 = 300;

/// Everything that a sandbox is seeded with.
#[derive(Clone, Debug, Deserialize)]
pub struct Seed {
    /// Merchants; the first is the one of the ready file.
    pub merchants: Vec<SeedMerchant>,
    /// Origins that every merchant's redirects may lead to, besides this computer.
    pub redirect_origins: Vec<String>,
    /// Customers that wallets know from the start.
    pub customers: Vec<SeedCustomer>,
    /// Links that exist from the start.
    pub links: Vec<SeedLink>,
    /// A customer whom every wallet knows.
    pub demo_customer: DemoCustomer,
    /// Merchants that sell bills; the first pays from a deposit, the second by invoice.
    pub billers: Vec<SeedBiller>,
}

/// A merchant.
#[derive(Clone, Debug, Deserialize)]
pub struct SeedMerchant {
    /// The merchant code.
    pub code: String,
    /// Another id that `merchantId` may carry.
    pub alias: Option<String>,
    /// The name that pages show.
    pub name: String,
}

/// A merchant that sells bills.
#[derive(Clone, Debug, Deserialize)]
pub struct SeedBiller {
    /// The merchant code, which is also its `sender_id`.
    pub code: String,
    /// Its name.
    pub name: String,
    /// User name of the Basic authentication.
    pub username: String,
    /// Its password.
    pub basic_password: String,
    /// `password` of the form.
    pub password: String,
    /// How it pays.
    pub mechanism: SeedMechanism,
}

/// How a merchant that sells bills pays; amounts in rupiah.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedMechanism {
    /// From a deposit.
    Deposit {
        /// What is topped up at the first start.
        opening: u32,
        /// Below this the merchant is warned.
        low_balance: u32,
    },
    /// By invoice.
    Invoicing {
        /// The most that may be owed and reserved together.
        credit_limit: u32,
        /// Days from an invoice's issue until it is to be paid.
        payment_days: u32,
    },
}

/// A customer.
#[derive(Clone, Debug, Deserialize)]
pub struct SeedCustomer {
    /// `62...`.
    pub phone: String,
    /// The name on the account.
    pub name: String,
    /// Money, in rupiah.
    pub cash: u32,
    /// Points, one to the rupiah.
    pub points: u32,
    /// The products whose provider knows the customer; none named: all of them.
    pub products: Vec<String>,
}

/// A link that exists from the start.
#[derive(Clone, Debug, Deserialize)]
pub struct SeedLink {
    /// Whose.
    pub merchant: String,
    /// Of which product.
    pub product: String,
    /// The customer.
    pub phone: String,
    /// `accountToken`.
    pub account_token: String,
    /// `authorizationCustomer`.
    pub customer_token: String,
}

/// The customer of `gerbang demo` and of the ready file.
#[derive(Clone, Debug, Deserialize)]
pub struct DemoCustomer {
    /// `62...`; of the numbers that wallets open on sight.
    pub phone: String,
    /// The name.
    pub name: String,
}

impl Seed {
    /// The seed of every sandbox.
    pub fn load() -> Self {
        serde_json::from_str(include_str!("../data/seed.json")).expect("a test reads the seed")
    }

    /// The customers that this connector's imitation knows from the start.
    pub fn customers_of(&self, connector: &dyn connectors::Connector) -> Vec<Customer> {
        let sells = |code: &String| connector.descriptor().products.iter().any(|product| product.code == code);
        let known = self
            .customers
            .iter()
            .filter(|customer| customer.products.is_empty() || customer.products.iter().any(sells));
        known
            .map(|customer| Customer {
                phone: customer.phone.clone(),
                name: customer.name.clone(),
                cash: Amount::rupiah(customer.cash),
                points: Amount::rupiah(customer.points),
            })
            .collect()
    }

    /// The demo customer as one who uses pages.
    pub fn browser_customer(&self, product: Option<&str>) -> crate::customer::Customer {
        crate::customer::Customer {
            phone: self.demo_customer.phone.clone(),
            otp: SANDBOX_OTP.into(),
            pin: SANDBOX_PIN.into(),
            password: SANDBOX_PASSWORD.into(),
            product: product.map(str::to_owned),
        }
    }
}

/// What a merchant is registered with, besides the seed's own words.
pub struct Registration {
    /// 32 hexadecimal characters.
    pub api_key: String,
    /// The live public keys, PEM, the newest first, at most two.
    pub public_keys: Vec<String>,
    /// Where it is called.
    pub callbacks: Callbacks,
    /// Every product that there is.
    pub products: Vec<ProductCode>,
}

impl SeedMerchant {
    /// The merchant as the store keeps it: lenient, as the samples need it.
    pub fn register(&self, seed: &Seed, registration: Registration) -> Merchant {
        Merchant {
            code: MerchantCode::new(self.code.as_str()),
            alias: self.alias.clone(),
            name: self.name.clone(),
            api_key: registration.api_key,
            products: registration.products,
            public_keys: registration.public_keys,
            redirect_origins: seed.redirect_origins.clone(),
            allow_local_redirects: true,
            allowed_addresses: vec![],
            time_window_seconds: TIME_WINDOW_SECONDS,
            replay: false,
            strictness: Strictness::Lenient,
            callbacks: registration.callbacks,
            biller: None,
            late_success: LateSuccess::default(),
            suspended: false,
        }
    }
}

impl SeedMechanism {
    fn mechanism(&self) -> Mechanism {
        match self {
            Self::Deposit { low_balance, .. } => Mechanism::Deposit { low_balance: Some(Amount::rupiah(*low_balance)) },
            Self::Invoicing { credit_limit, payment_days } => {
                Mechanism::Invoicing { credit_limit: Amount::rupiah(*credit_limit), payment_days: *payment_days }
            }
        }
    }

    /// What the deposit is opened with; none without one.
    pub fn opening(&self) -> Option<Amount> {
        match self {
            Self::Deposit { opening, .. } => Some(Amount::rupiah(*opening)),
            Self::Invoicing { .. } => None,
        }
    }
}

impl SeedBiller {
    /// The merchant as the store keeps it: it sells every bill, and links no wallet. `key` is that of the hash signature; of
    /// `callbacks` it is called where the bills' are.
    pub fn register(&self, key: String, callbacks: Callbacks) -> Merchant {
        let Callbacks { low_balance_url, bill_url, .. } = callbacks;
        Merchant {
            code: MerchantCode::new(self.code.as_str()),
            alias: None,
            name: self.name.clone(),
            api_key: String::new(),
            products: vec![],
            public_keys: vec![],
            redirect_origins: vec![],
            allow_local_redirects: false,
            allowed_addresses: vec![],
            time_window_seconds: TIME_WINDOW_SECONDS,
            replay: false,
            strictness: Strictness::Lenient,
            callbacks: Callbacks { low_balance_url, bill_url, ..Callbacks::default() },
            biller: Some(BillerAccess {
                sender_id: self.code.clone(),
                username: self.username.clone(),
                basic_password: Secret::new(self.basic_password.clone()),
                password: Secret::new(self.password.clone()),
                keys: vec![Secret::new(key)],
                mechanism: self.mechanism.mechanism(),
                products: None,
                prices: vec![],
            }),
            late_success: LateSuccess::default(),
            suspended: false,
        }
    }
}

/// Writes the seed's links that are not there yet, for products that somebody sells. A link that was ended stays ended.
///
/// # Errors
/// [`StoreError`]; then nothing of it is kept.
pub fn save_links(seed: &Seed, store: &dyn Store, now: Instant) -> Result<(), StoreError> {
    let reader = store.reader()?;
    let mut rows = vec![];
    for (place, link) in seed.links.iter().enumerate() {
        let sold = connectors::product(&link.product).is_some();
        if sold && reader.row(&Key::LinkByAccountToken(digest(&link.account_token)))?.is_none() {
            rows.push(link.row(place, now).into());
        }
    }
    drop(reader);
    if rows.is_empty() {
        return Ok(());
    }
    let mut writer = store.writer()?;
    writer.begin(&[])?;
    writer.commit(&Writes { rows, ..Writes::default() })
}

impl SeedLink {
    /// The id of the seed's link number `place`.
    pub fn id(place: usize) -> LinkId {
        LinkId::from_bits(place as u128 + 1)
    }

    fn row(&self, place: usize, now: Instant) -> Link {
        let id = Self::id(place);
        let merchant = MerchantCode::new(self.merchant.as_str());
        // The provider's side of it is a token that it will not know: ending such a link ends it.
        let token = |kind: &str| Secret::new(format!("seeded-{kind}-{id}"));
        let provider = ProviderLink {
            account_reference: Some(format!("seeded-{id}")),
            access_token: Some(token("access")),
            refresh_token: Some(token("refresh")),
            payment_token: Some(token("payment")),
            expires_at: None,
        };
        Link {
            id,
            merchant: merchant.clone(),
            product: ProductCode::new(self.product.as_str()),
            partner_reference: format!("SEED{place}"),
            request: RequestKey {
                merchant,
                day: JakartaDay::from_number(20_230_908),
                external_id: format!("seed-{place}"),
            },
            phone: Some(self.phone.clone()),
            lang: "id".into(),
            redirect_url: None,
            page: digest(&format!("no page {id}")),
            account_token: digest(&self.account_token),
            card_token: Some(digest(&format!("no card {id}"))),
            customer_token: Some(digest(&self.customer_token)),
            created_at: now,
            status: LinkStatus::Active { provider, since: now },
        }
    }
}

#[cfg(test)]
mod tests {
    use connectors::imitation::magic;

    use super::*;

    #[test]
    fn the_seed_reads_and_its_demo_customer_is_known_everywhere() {
        let seed = Seed::load();
        assert_eq!(seed.merchants[0].code, "SGWYESSISHOP");
        assert!(magic::opens_on_sight(&seed.demo_customer.phone));
        assert!(seed.customers.iter().all(|customer| magic::is_number(&customer.phone)));
        let openings: Vec<bool> = seed.billers.iter().map(|biller| biller.mechanism.opening().is_some()).collect();
        assert_eq!(openings, [true, false], "one pays from a deposit, one by invoice");
    }
}
