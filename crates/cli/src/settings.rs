//! The settings file of `gerbang serve`. `config/gateway.example.toml` shows every option once; a test compares the two.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use catalogue::Catalogue;
use connectors::Account;
use engine::{Record, options::EXCHANGES_DAYS};
use lifecycle::{
    Merchant, MerchantCode, ProductCode, Secret,
    merchant::{Callbacks, LateSuccess, Strictness},
    ruling::{OPERATOR_LENGTH_MAX, is_same_person},
};
use operator::Access;
use protocol::keys::PrivateKey;
use serde::Deserialize;
use store::PostgresOptions;

use crate::{
    credentials::{private_key, public_key},
    keeping::StoreUrl,
    output::advised,
};

/// The name of the operator whose token is the door's own.
pub const OPERATOR: &str = "operator";
/// The fewest characters of the operator's token.
const OPERATOR_TOKEN_LENGTH_MIN: usize = 32;

/// Everything that an operator decides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the gateway listens.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// Where it is reached.
    pub public_url: String,
    /// Where the store's file is, unless `store` names another.
    #[serde(default = "data_dir")]
    pub data_dir: PathBuf,
    /// The store.
    #[serde(default)]
    pub store: StoreSettings,
    /// The key that seals secrets in the database.
    #[serde(default = "store_key_file")]
    pub store_key_file: PathBuf,
    /// The key that signs callbacks.
    pub private_key_file: PathBuf,
    /// Proxies in front.
    #[serde(default = "proxies")]
    pub proxies: Vec<IpAddr>,
    /// How long a request may take.
    #[serde(default = "request_timeout_ms")]
    pub request_timeout_ms: u64,
    /// The most operations at once.
    #[serde(default = "operations_max")]
    pub operations_max: usize,
    /// How long a caller waits for a provider.
    #[serde(default = "answer_wait_ms")]
    pub answer_wait_ms: u64,
    /// How long a merchant may take.
    #[serde(default = "callback_budget_ms")]
    pub callback_budget_ms: u64,
    /// How long a task is left to whoever took it.
    #[serde(default = "lease_seconds")]
    pub lease_seconds: i64,
    /// Which messages exchanged with the outside are kept as evidence.
    #[serde(default)]
    record: RecordSetting,
    /// For how long they are kept, in days.
    #[serde(default = "exchanges_days")]
    pub exchanges_days: i64,
    /// How long a call of the biller services may take.
    #[serde(default = "biller_request_timeout_ms")]
    pub biller_request_timeout_ms: u64,
    /// How long a caller waits for billers.
    #[serde(default = "biller_answer_wait_ms")]
    pub biller_answer_wait_ms: u64,
    /// The operator's door.
    #[serde(default)]
    pub operator: Option<OperatorSettings>,
    /// What is sold of bills.
    #[serde(default)]
    pub catalogue: CatalogueSettings,
    /// Accounts, by connector.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Merchants.
    #[serde(default)]
    pub merchants: Vec<MerchantSettings>,
}

/// The operator's door.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorSettings {
    /// Where it is opened.
    #[serde(default = "operator_listen")]
    pub listen: SocketAddr,
    token_file: PathBuf,
    /// Operators besides the one of `token_file`, who goes by `operator`.
    #[serde(default)]
    people: Vec<PersonSettings>,
    /// Who issues invoices.
    #[serde(default = "issuer")]
    pub issuer: String,
}

/// An operator: what needs two persons asks for two of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonSettings {
    person: String,
    person_token_file: PathBuf,
}

/// What is sold of bills, beside the products that come with the program.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueSettings {
    #[serde(default)]
    files: Vec<PathBuf>,
}

/// The store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    url: Option<String>,
    root_certificates_file: Option<PathBuf>,
    connect_timeout_ms: u64,
    commit_deadline_ms: u64,
    statement_timeout_ms: u64,
    lock_timeout_ms: u64,
    reader_connections: usize,
    /// How many writers share the queue.
    pub writers: usize,
    /// Below this much room for the file no new money is taken, in bytes.
    pub free_bytes_min: u64,
}

/// An account at a provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    base_url: String,
    pages_url: Option<String>,
    client_id: String,
    client_secret_file: PathBuf,
    #[serde(default)]
    merchant_id: String,
    private_key_file: Option<PathBuf>,
    #[serde(default)]
    public_key_files: Vec<PathBuf>,
    notice_secret_file: Option<PathBuf>,
    #[serde(default)]
    carries: Vec<String>,
    #[serde(default)]
    testing: bool,
    profile_file: Option<PathBuf>,
}

/// A merchant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerchantSettings {
    code: String,
    alias: Option<String>,
    name: String,
    api_key_file: PathBuf,
    public_key_files: Vec<PathBuf>,
    products: Option<Vec<String>>,
    #[serde(default)]
    redirect_origins: Vec<String>,
    #[serde(default)]
    allowed_addresses: Vec<String>,
    #[serde(default = "time_window_seconds")]
    time_window_seconds: u32,
    #[serde(default)]
    replay: bool,
    #[serde(default)]
    strict: bool,
    accept_late_success: Option<bool>,
    suspended: Option<bool>,
    inquiry_url: Option<String>,
    payment_url: Option<String>,
    binding_url: Option<String>,
    low_balance_url: Option<String>,
    bill_url: Option<String>,
    refund_url: Option<String>,
}

fn operator_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8701))
}

fn issuer() -> String {
    "Gerbang".into()
}

fn biller_request_timeout_ms() -> u64 {
    90_000
}

fn biller_answer_wait_ms() -> u64 {
    75_000
}

fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8700))
}

fn data_dir() -> PathBuf {
    "data".into()
}

fn store_key_file() -> PathBuf {
    "secrets/store.key".into()
}

fn proxies() -> Vec<IpAddr> {
    vec![IpAddr::from([127, 0, 0, 1])]
}

fn request_timeout_ms() -> u64 {
    30_000
}

fn operations_max() -> usize {
    8_192
}

fn answer_wait_ms() -> u64 {
    25_000
}

fn callback_budget_ms() -> u64 {
    8_000
}

/// Which messages are kept, as the settings name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RecordSetting {
    Everything,
    #[default]
    Unclear,
}

fn exchanges_days() -> i64 {
    EXCHANGES_DAYS
}

fn lease_seconds() -> i64 {
    120
}

fn time_window_seconds() -> u32 {
    300
}

impl Settings {
    /// Reads a settings file; paths in it become relative to the file.
    ///
    /// # Errors
    /// With advice: unreadable, an option that is not known or missing, or values that do not go together.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            advised(format!("the settings {} cannot be read: {error}", path.display()), "name the file with --config")
        })?;
        let mut settings = Self::parse(&text).with_context(|| format!("the settings in {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        settings.files().for_each(|file| *file = folder.join(&*file));
        settings.store.settle(&folder, &settings.data_dir);
        Ok(settings)
    }

    /// Parses the text of a settings file.
    ///
    /// # Errors
    /// With advice.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let settings: Self = toml::from_str(text)
            .map_err(|error| advised(error.to_string(), "config/gateway.example.toml shows every option"))?;
        let public = url::Url::parse(&settings.public_url).ok();
        let good = public.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !good || settings.public_url.ends_with('/') {
            let what = format!("public_url {:?} is not an address without a slash at its end", settings.public_url);
            return Err(advised(what, "write it like https://gateway.example"));
        }
        if settings.answer_wait_ms >= settings.request_timeout_ms {
            return Err(advised("answer_wait_ms is not below request_timeout_ms", "a caller must hear the answer"));
        }
        if settings.biller_answer_wait_ms >= settings.biller_request_timeout_ms {
            let what = "biller_answer_wait_ms is not below biller_request_timeout_ms";
            return Err(advised(what, "a caller must hear the answer"));
        }
        if settings.lease_seconds.saturating_mul(1_000) <= longest_call_ms() {
            let what =
                format!("lease_seconds is not above the {} ms that a provider's call may take", longest_call_ms());
            return Err(advised(what, "a task must not be taken up by another gateway while it is being performed"));
        }
        if settings.store.writers == 0 || settings.store.reader_connections == 0 {
            return Err(advised("store.writers or store.reader_connections is 0", "one of each is needed"));
        }
        if settings.store.file().is_none() && !settings.store.is_postgres() {
            return Err(advised(
                "store.url is no store's",
                "write it like sqlite:gateway.db or postgres://user@host/db",
            ));
        }
        Ok(settings)
    }

    fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let providers = self.providers.values_mut().flat_map(|provider| {
            [&mut provider.client_secret_file]
                .into_iter()
                .chain(provider.private_key_file.as_mut())
                .chain(provider.notice_secret_file.as_mut())
                .chain(provider.profile_file.as_mut())
                .chain(&mut provider.public_key_files)
        });
        let merchants = self
            .merchants
            .iter_mut()
            .flat_map(|merchant| [&mut merchant.api_key_file].into_iter().chain(&mut merchant.public_key_files));
        [&mut self.data_dir, &mut self.store_key_file, &mut self.private_key_file]
            .into_iter()
            .chain(self.store.root_certificates_file.as_mut())
            .chain(self.operator.as_mut().into_iter().flat_map(|operator| {
                let people = operator.people.iter_mut().map(|each| &mut each.person_token_file);
                [&mut operator.token_file].into_iter().chain(people)
            }))
            .chain(&mut self.catalogue.files)
            .chain(providers)
            .chain(merchants)
    }

    /// Which messages exchanged with the outside are kept as evidence.
    pub fn record(&self) -> Record {
        match self.record {
            RecordSetting::Everything => Record::Everything,
            RecordSetting::Unclear => Record::Unclear,
        }
    }

    /// The accounts at providers.
    ///
    /// # Errors
    /// The file that is missing or holds something else, or a provider that there is no connector for.
    pub fn accounts(&self, gateway: &PrivateKey) -> anyhow::Result<HashMap<String, Account>> {
        let named = self.providers.iter().map(|(name, settings)| Ok((name.clone(), settings.account(name, gateway)?)));
        let accounts: HashMap<String, Account> = named.collect::<anyhow::Result<_>>()?;
        // What a file says of a provider's times counts too.
        let slow = accounts.iter().find(|(name, account)| {
            let last = connectors::connector(name).map_or(0, |connector| connector.time_budget_ms(account));
            let call = i64::try_from(engine::transport::CALL_BUDGET_MS + last).unwrap_or(i64::MAX);
            self.lease_seconds.saturating_mul(1_000) <= call
        });
        match slow {
            None => Ok(accounts),
            Some((name, _)) => Err(advised(
                format!("lease_seconds is not above the time that a call to {name} may take"),
                "a task must not be taken up by another gateway while it is being performed",
            )),
        }
    }

    /// The products that are asked for at another provider than their own, and at which.
    ///
    /// # Errors
    /// A product that the provider does not carry, or that two providers are to carry.
    pub fn carriers(&self) -> anyhow::Result<HashMap<String, String>> {
        let mut carriers = HashMap::new();
        for (name, provider) in &self.providers {
            for product in &provider.carries {
                let carried = connectors::connector(name).and_then(|connector| connector.carrying(product));
                if carried.is_none() {
                    let what = format!("the provider {name} does not carry {product}");
                    return Err(advised(what, "take it out of carries, and give its own provider a section"));
                }
                if let Some(other) = carriers.insert(product.clone(), name.clone()) {
                    let what = format!("{product} is to be carried by {other} and by {name}");
                    return Err(advised(what, "leave it to one of them"));
                }
            }
        }
        Ok(carriers)
    }

    /// The merchants as the store is to keep them, over what it keeps of them now.
    ///
    /// # Errors
    /// The file that is missing or holds something else, or a product that is not offered.
    pub fn registrations(&self, known: &[Merchant]) -> anyhow::Result<Vec<Merchant>> {
        let offered: Vec<&str> = connectors::CONNECTORS
            .iter()
            .map(|connector| connector.descriptor())
            .filter(|descriptor| self.providers.contains_key(descriptor.name))
            .flat_map(|descriptor| descriptor.products.iter().map(|product| product.code))
            .chain(self.providers.values().flat_map(|provider| provider.carries.iter().map(String::as_str)))
            .collect();
        let known = |code: &str| known.iter().find(|merchant| merchant.code.as_str() == code);
        self.merchants.iter().map(|merchant| merchant.register(&offered, known(&merchant.code))).collect()
    }
}

impl OperatorSettings {
    /// Who may come in, each by a bearer token of their own.
    ///
    /// # Errors
    /// With advice, when a file is missing or holds too little, or two operators could be taken for one.
    pub fn access(&self) -> anyhow::Result<Vec<Access>> {
        let mut all = vec![Access { name: OPERATOR.into(), token: token(&self.token_file)? }];
        for each in &self.people {
            let access = Access { name: each.person.clone(), token: token(&each.person_token_file)? };
            if access.name.is_empty() || access.name.chars().count() > OPERATOR_LENGTH_MAX {
                let what = format!("an operator's name has 1 to {OPERATOR_LENGTH_MAX} characters: {:?}", access.name);
                return Err(advised(what, "give each of operator.people a name"));
            }
            if all.iter().any(|known| is_same_person(&known.name, &access.name) || known.token == access.token) {
                let what = format!("operator {} has the name or the token of another", access.name);
                return Err(advised(what, "each operator needs a name and a token of their own"));
            }
            all.push(access);
        }
        Ok(all)
    }
}

fn token(file: &Path) -> anyhow::Result<Secret> {
    let token = line(file)?;
    if token.len() < OPERATOR_TOKEN_LENGTH_MIN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(advised(
            format!("{} holds no token that is hard to guess", file.display()),
            format!("{OPERATOR_TOKEN_LENGTH_MIN} visible characters or more, like `openssl rand -hex 32` makes them"),
        ));
    }
    Ok(Secret::new(token))
}

impl CatalogueSettings {
    /// The products that come with the program, and the operator's own on top.
    ///
    /// # Errors
    /// The file that is missing, or the entry that breaks a rule.
    pub fn read(&self) -> anyhow::Result<Arc<Catalogue>> {
        with_files(Catalogue::builtin(), &self.files)
    }
}

/// A catalogue with files of products and maintenance on top, the later file over the earlier one.
///
/// # Errors
/// The file that is missing, or the entry that breaks a rule.
pub fn with_files(mut catalogue: Arc<Catalogue>, files: &[PathBuf]) -> anyhow::Result<Arc<Catalogue>> {
    for file in files {
        let more = catalogue.with_products(&file.display().to_string(), &text(file)?).map_err(|error| {
            advised(error.to_string(), "docs/guides/add-a-biller-product.md shows how an entry is written")
        })?;
        catalogue = Arc::new(more);
    }
    Ok(catalogue)
}

impl Default for StoreSettings {
    fn default() -> Self {
        let usual = PostgresOptions::default();
        Self {
            url: None,
            root_certificates_file: None,
            connect_timeout_ms: usual.connect_timeout_ms,
            commit_deadline_ms: usual.commit_deadline_ms,
            statement_timeout_ms: usual.statement_timeout_ms,
            lock_timeout_ms: usual.lock_timeout_ms,
            reader_connections: usual.reader_connections,
            writers: 2,
            free_bytes_min: 128 * 1024 * 1024,
        }
    }
}

impl StoreSettings {
    /// Where the store is; known once the settings were read from a file.
    pub fn url(&self) -> StoreUrl {
        self.url.as_deref().unwrap_or_default().into()
    }

    /// What a store in PostgreSQL is told. Real money wants a server that loses nothing that it confirmed.
    pub fn options(&self) -> PostgresOptions {
        PostgresOptions {
            root_certificates: self.root_certificates_file.clone(),
            connect_timeout_ms: self.connect_timeout_ms,
            commit_deadline_ms: self.commit_deadline_ms,
            statement_timeout_ms: self.statement_timeout_ms,
            lock_timeout_ms: self.lock_timeout_ms,
            reader_connections: self.reader_connections,
            production: true,
        }
    }

    fn is_postgres(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.starts_with("postgres://") || url.starts_with("postgresql://"))
    }

    /// The path of the store's file, as written; empty where it is not written.
    fn file(&self) -> Option<PathBuf> {
        self.url
            .as_ref()
            .map_or_else(|| Some(PathBuf::new()), |url| StoreUrl::from(url.as_str()).file().map(Into::into))
    }

    /// Makes the file's path relative to the settings' folder.
    fn settle(&mut self, folder: &Path, data_dir: &Path) {
        if let Some(file) = self.file() {
            let file = if self.url.is_some() { folder.join(file) } else { data_dir.join("gateway.db") };
            self.url = Some(StoreUrl::of_file(&file).whole().to_owned());
        }
    }
}

/// The longest that a call to a provider may take, in milliseconds: its budget and the last request's own time.
fn longest_call_ms() -> i64 {
    let last = connectors::CONNECTORS.iter().map(|connector| connector.descriptor().time_budget_ms).max();
    i64::try_from(engine::transport::CALL_BUDGET_MS + last.unwrap_or_default()).unwrap_or(i64::MAX)
}

impl ProviderSettings {
    fn account(&self, name: &str, gateway: &PrivateKey) -> anyhow::Result<Account> {
        let Some(connector) = connectors::connector(name) else {
            let names: Vec<_> = connectors::CONNECTORS.iter().map(|connector| connector.descriptor().name).collect();
            return Err(advised(format!("there is no provider {name}"), format!("there are {}", names.join(", "))));
        };
        let account = Account {
            base_url: self.base_url.clone(),
            pages_url: self.pages_url.clone().unwrap_or_else(|| self.base_url.clone()),
            client_id: self.client_id.clone(),
            client_secret: Secret::new(line(&self.client_secret_file)?),
            merchant_id: self.merchant_id.clone(),
            private_key: match &self.private_key_file {
                Some(file) => private_key(file)?,
                None => gateway.clone(),
            },
            provider_keys: self.public_key_files.iter().map(|file| public_key(file)).collect::<anyhow::Result<_>>()?,
            notice_secret: self.notice_secret_file.as_deref().map(line).transpose()?.map(Secret::new),
            testing: self.testing,
            profile: self.profile_file.as_deref().map(text).transpose()?.map(Arc::from),
        };
        match connector.check_account(&account) {
            Ok(()) => Ok(account),
            Err(why) => Err(advised(
                format!("the account at {name} cannot be used: {why}"),
                "the settings' section must say it",
            )),
        }
    }
}

impl MerchantSettings {
    fn register(&self, offered: &[&str], known: Option<&Merchant>) -> anyhow::Result<Merchant> {
        let products: Vec<&str> = match &self.products {
            None => offered.to_vec(),
            Some(products) => products.iter().map(String::as_str).collect(),
        };
        if let Some(missing) = products.iter().find(|code| !offered.contains(code)) {
            let what = format!("merchant {} wants {missing}, which no provider of these settings sells", self.code);
            return Err(advised(what, "add the provider's section, or take the product out of the merchant's list"));
        }
        let keys = self.public_key_files.iter().map(|file| Ok(public_key(file)?.to_pem()));
        Ok(Merchant {
            code: MerchantCode::new(self.code.as_str()),
            alias: self.alias.clone(),
            name: self.name.clone(),
            api_key: line(&self.api_key_file)?,
            products: products.into_iter().map(ProductCode::new).collect(),
            public_keys: keys.collect::<anyhow::Result<_>>()?,
            redirect_origins: self.redirect_origins.clone(),
            allow_local_redirects: false,
            allowed_addresses: self.allowed_addresses.clone(),
            time_window_seconds: self.time_window_seconds,
            replay: self.replay,
            strictness: if self.strict { Strictness::Strict } else { Strictness::Lenient },
            callbacks: Callbacks {
                inquiry_url: self.inquiry_url.clone(),
                payment_url: self.payment_url.clone(),
                binding_url: self.binding_url.clone(),
                low_balance_url: self.low_balance_url.clone(),
                bill_url: self.bill_url.clone(),
                refund_url: self.refund_url.clone(),
            },
            // What lets a merchant sell bills is the operator's, given at its door.
            biller: known.and_then(|known| known.biller.clone()),
            late_success: match self.accept_late_success {
                Some(true) => LateSuccess::Accept,
                Some(false) => LateSuccess::RefundDue,
                None => known.map_or_else(LateSuccess::default, |known| known.late_success),
            },
            suspended: self.suspended.unwrap_or_else(|| known.is_some_and(|known| known.suspended)),
        })
    }
}

/// A file of one line.
fn line(file: &Path) -> anyhow::Result<String> {
    Ok(text(file)?.trim().to_owned())
}

fn text(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../config/gateway.example.toml");

    #[test]
    fn the_example_reads_and_shows_the_defaults() {
        let settings = Settings::parse(EXAMPLE).expect("the example");
        let short = "public_url = \"https://g.example\"\ndata_dir = \"data\"\nprivate_key_file = \"k\"";
        let default = Settings::parse(short).expect("the options that must be set");
        let shown = |settings: &Settings| {
            let waits = (settings.request_timeout_ms, settings.answer_wait_ms, settings.callback_budget_ms);
            (
                settings.listen,
                settings.store_key_file.clone(),
                settings.proxies.clone(),
                settings.operations_max,
                waits,
                (settings.lease_seconds, settings.record, settings.exchanges_days),
                (settings.biller_request_timeout_ms, settings.biller_answer_wait_ms),
            )
        };
        assert_eq!(settings.operator.as_ref().map(|operator| operator.listen), Some(operator_listen()));
        assert_eq!(shown(&settings), shown(&default));
        let options = |settings: &Settings| {
            let store = &settings.store;
            format!("{:?} {} {}", store.options(), store.writers, store.free_bytes_min)
        };
        assert_eq!(options(&settings).replace("Some(\"secrets/database-ca.pem\")", "None"), options(&default));
        assert_eq!(settings.data_dir, default.data_dir);
        assert_eq!(settings.merchants[0].time_window_seconds, time_window_seconds());
    }

    #[test]
    fn the_example_shows_every_option_once() {
        let source = include_str!("settings.rs");
        let structs = source.split("#[cfg(test)]").next().unwrap_or_default().split("pub struct ").skip(1);
        let bodies = structs.filter_map(|text| text.split_once("{\n")?.1.split_once("\n}").map(|(body, _)| body));
        let fields =
            bodies.flat_map(str::lines).filter_map(|line| line.trim().trim_start_matches("pub ").split_once(": "));
        let fields: Vec<&str> = fields.map(|(name, _)| name).filter(|name| !name.contains(['/', '#'])).collect();
        assert!(fields.len() > 30, "{fields:?}");
        for name in fields
            .iter()
            .filter(|name| !["providers", "merchants", "store", "operator", "catalogue", "people"].contains(name))
        {
            let wanted = fields.iter().filter(|other| other == &name).count();
            let shown = EXAMPLE.lines().filter(|line| line.starts_with(&format!("{name} = "))).count();
            assert_eq!(shown, wanted, "{name}");
        }
    }

    #[test]
    fn a_product_is_carried_by_one_provider_that_can() {
        let check = |carries: &str, words: &str| {
            let text = EXAMPLE.replacen("carries = []", carries, 1);
            let error = Settings::parse(&text).expect("it reads").carriers().expect_err(words);
            assert!(format!("{error:#}").contains(words), "{error:#}");
        };
        assert!(Settings::parse(EXAMPLE).expect("the example").carriers().expect("nothing is carried").is_empty());
        check("carries = [\"NOTHING\"]", "does not carry NOTHING");
    }

    #[test]
    fn what_does_not_make_sense_is_refused() {
        for (change, words) in [
            (("listen = ", "listens = "), "unknown field `listens`"),
            (("replay = false", "replay = false\nreply = true"), "unknown field `reply`"),
            (("https://gateway.example\"", "https://gateway.example/\""), "public_url"),
            (("https://gateway.example\"", "gateway\""), "public_url"),
            (("answer_wait_ms = 25000", "answer_wait_ms = 30000"), "answer_wait_ms"),
            (("biller_answer_wait_ms = 75000", "biller_answer_wait_ms = 90000"), "biller_answer_wait_ms"),
            (("127.0.0.1:8700", "nowhere"), "invalid socket address"),
            (("lease_seconds = 120", "lease_seconds = 60"), "lease_seconds"),
            (("writers = 2", "writers = 0"), "store.writers"),
            (("sqlite:data/gateway.db", "mysql://u:hidden@h/d"), "store.url"),
        ] {
            let error = Settings::parse(&EXAMPLE.replacen(change.0, change.1, 1)).expect_err(words);
            assert!(format!("{error:#}").contains(words), "{error:#}");
        }
    }
}
