//! A gateway in a temporary folder, with a clock that stands still and providers that nobody can reach.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{Router, body::Body, extract::Request};
use calendar::Instant;
use connectors::Account;
use contract::Operation;
use engine::{Clock, Engine, EngineOptions, Environment, digest};
use http::{HeaderName, HeaderValue, header};
use http_body_util::BodyExt as _;
use lifecycle::{
    Digest, Merchant, MerchantCode, ProductCode, RequestId, Row, Secret,
    merchant::{BillerAccess, Callbacks, LateSuccess, Mechanism, Strictness},
    request::{Request as Record, RequestKey},
};
use protocol::{
    keys::{PrivateKey, PublicKey},
    signature,
};
use server::{Peer, ServerOptions};
use store::{Store, Vault, Writes, sqlite::SqliteStore};
use tower::ServiceExt as _;

/// The time of every test, as the headers write it.
pub const NOW: &str = "2024-03-14T07:49:28+07:00";
/// The merchant that calls.
pub const MERCHANT: &str = "SGWYESSISHOP";
/// A merchant that is registered and suspended.
pub const SUSPENDED: &str = "SGWSUSPENDED";
/// A merchant that may call from one address only.
pub const FENCED: &str = "SGWFENCED";
/// A merchant that is held to the letter.
pub const STRICT: &str = "SGWSTRICT";
/// The address that [`FENCED`] may call from.
pub const FENCED_ADDRESS: &str = "192.0.2.7";
/// An external id that [`MERCHANT`] has used today.
pub const USED_EXTERNAL_ID: &str = "used-today";

/// `sender_id` of [`MERCHANT`]; its user name is the same in lower case.
pub const SENDER: &str = "SANDBOX";
/// Every merchant's password of the Basic authentication.
pub const BASIC_PASSWORD: &str = "basic:wörd";
/// Every merchant's newest key of the hash signature.
pub const NEW_KEY: &str = "N3wKey";
/// The one before, still live.
pub const OLD_KEY: &str = "key";
/// A `rq_uuid` that [`MERCHANT`] has used before.
pub const USED_UUID: &str = "SANDBOXUSED";

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Instant {
        now()
    }
}

/// The time of every test.
pub fn now() -> Instant {
    Instant::parse(NOW).unwrap()
}

/// The published key of the signing vectors.
pub fn private_key() -> PrivateKey {
    PrivateKey::load(include_bytes!("../../../../docs/reference/signing/test_private.pem")).unwrap().key
}

fn public_pem() -> &'static str {
    include_str!("../../../../docs/reference/signing/test_public.pem")
}

/// A key that can be registered under a merchant.
pub fn merchant(code: &str) -> Merchant {
    let products =
        connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products).map(|p| p.product_code());
    Merchant {
        code: MerchantCode::new(code),
        alias: (code == MERCHANT).then(|| "703061953400".to_owned()),
        name: "Toko <Kopi>".into(),
        api_key: digest(code).0.iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
        products: products.collect::<Vec<ProductCode>>(),
        public_keys: vec![public_pem().to_owned()],
        redirect_origins: vec!["https://www.yourdomain.com".into()],
        allow_local_redirects: false,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        biller: Some(biller_access(code)),
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

/// What lets a merchant use the biller services: its code is its sender id and its user name. The merchant that calls has
/// those of the samples.
fn biller_access(code: &str) -> BillerAccess {
    let named = if code == MERCHANT { SENDER } else { code };
    BillerAccess {
        sender_id: named.into(),
        username: named.to_lowercase(),
        basic_password: Secret::new(BASIC_PASSWORD),
        password: Secret::new("test"),
        keys: vec![Secret::new(NEW_KEY), Secret::new(OLD_KEY)],
        mechanism: Mechanism::Deposit { low_balance: None },
        products: None,
        prices: vec![],
    }
}

fn merchants() -> Vec<Merchant> {
    vec![
        merchant(MERCHANT),
        Merchant { strictness: Strictness::Strict, ..merchant(STRICT) },
        Merchant { suspended: true, ..merchant(SUSPENDED) },
        Merchant { allowed_addresses: vec![FENCED_ADDRESS.into()], ..merchant(FENCED) },
    ]
}

/// The key of an external id of today.
pub fn key(external_id: &str) -> RequestKey {
    RequestKey { merchant: MerchantCode::new(MERCHANT), day: now().jakarta_day(), external_id: external_id.into() }
}

fn used_request() -> Record {
    Record {
        key: key(USED_EXTERNAL_ID),
        id: RequestId::from_bits(7),
        service: contract::operations().next().map_or(lifecycle::request::ServiceCode("10"), |first| first.service()),
        operation: contract::operations().next().map_or("none", |first| first.name()),
        partner_reference: None,
        digest: Digest([9; 32]),
        received_at: now(),
        replay: false,
        answer: None,
    }
}

fn used_uuid() -> Record {
    let operation = contract::operations().find(|operation| operation.trust() == contract::Trust::Biller);
    let operation = operation.expect("there is a biller service");
    Record {
        key: RequestKey::for_ever(MerchantCode::new(MERCHANT), USED_UUID.into()),
        id: RequestId::from_bits(8),
        service: operation.service(),
        operation: operation.name(),
        ..used_request()
    }
}

/// A running gateway.
pub struct World {
    /// Everything, as a value.
    pub router: Router,
    /// The engine behind it.
    pub engine: Engine,
    /// What is remembered.
    pub store: SqliteStore,
    _folder: tempfile::TempDir,
}

impl World {
    /// A sandbox that knows these rows.
    pub fn sandbox(rows: Vec<Row>) -> Self {
        Self::start(Environment::Sandbox, rows, ServerOptions::default())
    }

    /// A gateway that knows these rows. Must be called inside a runtime.
    pub fn start(environment: Environment, rows: Vec<Row>, options: ServerOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nonces = AtomicU64::new(1);
        let random = move |bytes: &mut [u8]| {
            bytes.fill(0);
            bytes[..8].copy_from_slice(&nonces.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            Ok(())
        };
        let vault = Vault::new([7; 32], Box::new(random));
        let store = SqliteStore::open(&folder.path().join("gerbang.db"), vault).unwrap();
        for merchant in merchants() {
            store.save_merchant(&merchant).unwrap();
        }
        let mut writer = store.writer().unwrap();
        writer.begin(&[]).unwrap();
        writer.commit(&Writes { requests: vec![used_request(), used_uuid()], rows, ..Writes::default() }).unwrap();
        drop(writer);
        let mut engine_options =
            EngineOptions::new(environment, "https://gerbang.example".into(), Arc::new(Standing), private_key());
        engine_options.accounts = accounts();
        let engine = Engine::start(engine_options, Arc::new(store.clone())).unwrap();
        let router = server::router(engine.clone(), options);
        Self { router, engine, store, _folder: folder }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Everything that can be counted in the store, as one text.
    pub fn remembered(&self) -> String {
        let reader = self.store.reader().unwrap();
        let payments = reader.payments(&MerchantCode::new(MERCHANT), None, 1000).unwrap();
        let tasks = reader.unfinished_tasks(1000).unwrap();
        format!("{payments:?} {tasks:?} {:?}", reader.link_counts().unwrap())
    }
}

/// Accounts at every provider, at addresses where nobody listens.
fn accounts() -> std::collections::HashMap<String, Account> {
    let account = || Account {
        base_url: "http://127.0.0.1:9".into(),
        pages_url: "http://127.0.0.1:9".into(),
        client_id: "client".into(),
        client_secret: Secret::new("secret"),
        merchant_id: "merchant".into(),
        private_key: private_key(),
        provider_keys: vec![PublicKey::load(public_pem().as_bytes()).unwrap().key],
        notice_secret: None,
        profile: None,
        testing: false,
    };
    connectors::CONNECTORS.iter().map(|connector| (connector.descriptor().name.to_owned(), account())).collect()
}

/// An answer as a stranger reads it.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header's text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer's body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// `responseCode`, or `error_code` of the older envelope.
    pub fn code(&self) -> String {
        let json = self.json();
        let code = json.get("responseCode").or_else(|| json.get("error_code"));
        code.and_then(|code| code.as_str()).unwrap_or_default().to_owned()
    }

    /// `responseMessage`, or `error_message` of the older envelope.
    pub fn message(&self) -> String {
        let json = self.json();
        let message = json.get("responseMessage").or_else(|| json.get("error_message"));
        message.and_then(|message| message.as_str()).unwrap_or_default().to_owned()
    }

    /// The body, indented, with the status above it.
    pub fn snapshot(&self) -> String {
        format!("{}\n{}", self.status, serde_json::to_string_pretty(&self.json()).unwrap())
    }
}

/// A call in the making.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// Path with query.
    pub target: String,
    /// Names and values; a value may be anything that HTTP can carry.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Where it comes from.
    pub peer: Option<&'static str>,
}

impl Call {
    /// A call with the headers of a SNAP service, not signed yet.
    pub fn new(operation: &dyn Operation, target: String, body: Vec<u8>, external_id: &str) -> Self {
        let headers = vec![
            ("Content-Type", b"application/json".to_vec()),
            ("X-TIMESTAMP", NOW.into()),
            ("X-SIGNATURE", vec![]),
            ("X-EXTERNAL-ID", external_id.into()),
            ("X-PARTNER-ID", MERCHANT.into()),
            ("CHANNEL-ID", b"ESPAY".to_vec()),
        ];
        Self { method: operation.method(), target, headers, body, peer: None }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_slice())
    }

    /// The same call with another value of a header, which is added when it was not there.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self = self.without(name);
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    /// The same call without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// The same call from this address.
    #[must_use]
    pub fn from(mut self, peer: &'static str) -> Self {
        self.peer = Some(peer);
        self
    }

    /// The same call, signed as it stands.
    #[must_use]
    pub fn signed(self) -> Self {
        let at = String::from_utf8_lossy(self.header("X-TIMESTAMP").unwrap_or_default()).into_owned();
        let signature = signature::sign_asymmetric(&private_key(), self.method, &self.target, &self.body, &at);
        self.with("X-SIGNATURE", signature)
    }

    /// The call as HTTP.
    pub fn request(&self) -> Request {
        let mut request = Request::builder().method(self.method).uri(&self.target);
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request = request.header(name, HeaderValue::from_bytes(value).unwrap());
        }
        let mut request = request.header(header::HOST, "gerbang.example").body(Body::from(self.body.clone())).unwrap();
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        }
        request
    }
}
