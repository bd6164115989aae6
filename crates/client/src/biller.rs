//! The biller services: forms with a hash signature behind Basic authentication.
//!
//! ```no_run
//! use client::{BillerClient, BillerCredentials, Outcome};
//! # async fn run(credentials: BillerCredentials) -> Result<(), client::ClientError> {
//! let biller = BillerClient::new(credentials)?;
//! let order = [("order_id", "520520795556"), ("product_code", "SLYLPR100")];
//! let inquired = biller.send("bill_inquiry", order).await?;
//! println!("{}", inquired.reply().unwrap_or_default()["amount"]);
//! # Ok(()) }
//! ```

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use calendar::Instant;
use contract::{Operation, Trust};
use protocol::hash;

use crate::{
    BILLER_TIMEOUT_SECONDS, ClientError, Clock, Prepared, Sent,
    request::external_id,
    send::{Line, request_text},
};

/// What stands in a printed request where a secret was sent.
const MASK: &str = "***";

/// A merchant's credentials for the biller services.
#[derive(Clone, PartialEq, Eq)]
pub struct BillerCredentials {
    /// Where the gateway is: scheme and host, no slash at the end.
    pub base_url: String,
    /// `sender_id`.
    pub sender_id: String,
    /// User name of the Basic authentication.
    pub username: String,
    /// Its password.
    pub basic_password: String,
    /// `password` of the form.
    pub password: String,
    /// The key of the signature.
    pub key: String,
}

impl fmt::Debug for BillerCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillerCredentials")
            .field("base_url", &self.base_url)
            .field("sender_id", &self.sender_id)
            .finish_non_exhaustive()
    }
}

/// A merchant's line to the biller services of a gateway; cheap to clone.
#[derive(Clone, Debug)]
pub struct BillerClient {
    credentials: BillerCredentials,
    line: Line,
    clock: Clock,
}

impl BillerClient {
    /// A line for a merchant.
    ///
    /// # Errors
    /// [`ClientError::Address`] when the gateway's address is none.
    pub fn new(credentials: BillerCredentials) -> Result<Self, ClientError> {
        let line = Line::new(&credentials.base_url, BILLER_TIMEOUT_SECONDS)?;
        Ok(Self { credentials, line, clock: Clock::default() })
    }

    /// The same line with another clock than the computer's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The credentials.
    pub fn credentials(&self) -> &BillerCredentials {
        &self.credentials
    }

    /// Sends a service by its name with these fields. `rq_uuid`, `rq_datetime`, `sender_id`, `password` and `signature`
    /// are added unless they are given.
    ///
    /// # Errors
    /// [`ClientError`] when nothing was sent; everything later is in [`Sent::outcome`].
    pub async fn send<N: Into<String>, V: Into<String>>(
        &self,
        operation: &str,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Sent, ClientError> {
        let known =
            contract::operation(operation).ok_or_else(|| ClientError::UnknownOperation(operation.to_owned()))?;
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Ok(self.send_prepared(prepare(known, &self.credentials, fields, self.clock.now())?, false).await)
    }

    /// Repeats a request whose outcome is not known, as it is: it can have no second effect. What it learns is only that
    /// the first copy arrived (210); ask for the status.
    pub async fn repeat(&self, sent: &Sent) -> Sent {
        self.send_prepared(sent.prepared.clone(), true).await
    }

    /// Sends a request as it is; `repeated` says that it may have been sent before.
    pub async fn send_prepared(&self, prepared: Prepared, repeated: bool) -> Sent {
        let credentials = &self.credentials;
        let user = format!("{}:{}", credentials.username, credentials.basic_password);
        let media = ("Content-Type", prepared.content_type.clone());
        let headers = [media.clone(), ("Authorization", format!("Basic {}", STANDARD.encode(user)))];
        let shown = [media, ("Authorization", format!("Basic {MASK}"))];
        let text = request_text(&prepared, &shown, &masked(&prepared.body));
        self.line.send(prepared, &headers, text, repeated).await
    }
}

/// Writes a request for a biller service and signs it.
///
/// ```
/// use client::{BillerCredentials, biller::prepare};
/// let credentials = BillerCredentials {
///     base_url: "https://gateway.example".into(), sender_id: "SANDBOX".into(), username: "espay-test".into(),
///     basic_password: "test".into(), password: "test".into(), key: "key".into(),
/// };
/// let operation = contract::operation("biller_balance").unwrap();
/// let at = calendar::Instant::parse("2019-10-10T11:01:30+07:00").unwrap();
/// let fields = vec![("rq_uuid".to_owned(), "SANDBOXBALANCE010101".to_owned())];
/// let prepared = prepare(operation, &credentials, fields, at).unwrap();
/// let body = String::from_utf8(prepared.body).unwrap();
/// assert!(body.starts_with("rq_uuid=SANDBOXBALANCE010101&rq_datetime=2019-10-10+11%3A01%3A30&sender_id=SANDBOX&"));
/// ```
///
/// # Errors
/// [`ClientError::NoBillerService`].
pub fn prepare(
    operation: &'static dyn Operation,
    credentials: &BillerCredentials,
    mut fields: Vec<(String, String)>,
    at: Instant,
) -> Result<Prepared, ClientError> {
    if operation.trust() != Trust::Biller {
        return Err(ClientError::NoBillerService(operation.name()));
    }
    let rq_uuid = || format!("{}{}", credentials.sender_id, external_id(at));
    let mut add = |name: &str, value: &dyn Fn() -> String| {
        if !fields.iter().any(|(known, _)| known == name) {
            fields.push((name.to_owned(), value()));
        }
    };
    add("rq_uuid", &rq_uuid);
    add("rq_datetime", &|| at.jakarta_text());
    add("sender_id", &|| credentials.sender_id.clone());
    add("password", &|| credentials.password.clone());
    let value = |name: &str| {
        fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let external_id = value("rq_uuid").to_owned();
    if !fields.iter().any(|(known, _)| known == "signature") {
        let signature = hash::sign(operation.signature_parts().iter().map(|name| value(name)), &credentials.key);
        fields.push(("signature".to_owned(), signature));
    }
    Ok(Prepared {
        operation: operation.name(),
        service: operation.service().0,
        signed: false,
        method: operation.method(),
        target: operation.paths()[0].to_owned(),
        content_type: "application/x-www-form-urlencoded".to_owned(),
        body: form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish().into_bytes(),
        external_id,
    })
}

/// The form for people, its password masked.
fn masked(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let shown = text.split('&').map(|pair| match pair.split_once('=') {
        Some(("password", _)) => format!("password={MASK}"),
        _ => pair.to_owned(),
    });
    shown.collect::<Vec<_>>().join("&").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> BillerCredentials {
        BillerCredentials {
            base_url: "http://127.0.0.1:9".into(),
            sender_id: "SANDBOX".into(),
            username: "espay-test".into(),
            basic_password: "basic-secret".into(),
            password: "form-secret".into(),
            key: "key".into(),
        }
    }

    fn services() -> impl Iterator<Item = &'static dyn Operation> {
        contract::operations().filter(|operation| operation.trust() == Trust::Biller)
    }

    #[test]
    fn signs_every_service_by_its_own_parts() {
        let at = Instant::from_micros(1_570_680_090_000_000);
        for operation in services() {
            let fields = vec![("order_id".to_owned(), "1&2".to_owned()), ("amount".to_owned(), "5".to_owned())];
            let prepared = prepare(operation, &credentials(), fields, at).expect("a biller service");
            let body = String::from_utf8(prepared.body.clone()).expect("ASCII");
            let pairs: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            let value =
                |name: &str| pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
            let expected = hash::sign(operation.signature_parts().iter().map(|name| value(name)), "key");
            assert_eq!(value("signature"), expected, "{}", operation.name());
            assert_eq!((value("rq_uuid"), value("order_id")), (prepared.external_id.as_str(), "1&2"));
            assert_eq!((value("rq_uuid").len(), value("rq_datetime")), (7 + 32, "2019-10-10 11:01:30"));
        }
    }

    #[test]
    fn what_is_given_is_not_replaced() {
        let given = |name: &str| (name.to_owned(), "given".to_owned());
        let fields = ["rq_uuid", "rq_datetime", "sender_id", "password", "signature"].map(given).to_vec();
        let operation = services().next().expect("there is one");
        let prepared = prepare(operation, &credentials(), fields, Instant::from_micros(0)).expect("a biller service");
        let body = String::from_utf8(prepared.body).expect("ASCII");
        assert_eq!(body, "rq_uuid=given&rq_datetime=given&sender_id=given&password=given&signature=given");
        let other = contract::operations().find(|operation| operation.trust() != Trust::Biller).expect("there is one");
        let refused = prepare(other, &credentials(), vec![], Instant::from_micros(0));
        assert!(matches!(refused, Err(ClientError::NoBillerService(_))));
    }

    #[test]
    fn no_secret_is_printed() {
        let operation = services().next().expect("there is one");
        let prepared = prepare(operation, &credentials(), vec![], Instant::from_micros(0)).expect("a biller service");
        let shown = String::from_utf8(masked(&prepared.body)).expect("ASCII");
        assert!(shown.contains("password=***&") && !shown.contains("form-secret"), "{shown}");
        let printed = format!("{:?}", credentials());
        assert!(!printed.contains("secret") && !printed.contains("espay-test"), "{printed}");
    }
}
