//! The client side that all SNAP connectors share: how a request is built and signed, said as data ([`Profile`]).
//!
//! A body is serialised once; those bytes are signed and those bytes are sent. What a provider's answer means is in
//! [`answer`], its notices are checked in [`notice`], messages that several providers write alike are in [`wire`].

pub mod answer;
pub mod notice;
pub mod notice_token;
pub mod refund;
pub mod standard;
pub mod wire;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use calendar::Instant;
use lifecycle::{Reason, Secret, provider::Outcome};
use protocol::{digest, signature};
use serde::Serialize;

use crate::{Account, CallContext, HttpRequest, HttpResponse, Scheme, Step, Token};

/// How one provider speaks SNAP. One `static` per connector.
#[derive(Debug)]
pub struct Profile {
    /// Which signature its requests carry.
    pub scheme: Scheme,
    /// How `X-TIMESTAMP` is written.
    pub timestamp: TimestampForm,
    /// How `X-SIGNATURE` is written.
    pub encoding: SignatureEncoding,
    /// What is hashed when there is no body.
    pub empty_body: EmptyBody,
    /// Where the customer's token travels.
    pub customer_token: CustomerTokenPlace,
    /// What `X-PARTNER-ID` carries.
    pub partner_id: PartnerId,
    /// Path of the B2B token service (73), where there is one; its token then travels in `Authorization`.
    pub token_path: Option<&'static str>,
    /// Every service that is called.
    pub services: &'static [Service],
    /// Headers that every request carries besides.
    pub extra_headers: &'static [(&'static str, &'static str)],
}

/// One service of a provider.
#[derive(Debug)]
pub struct Service {
    /// Its two digits in response codes.
    pub code: &'static str,
    /// Its path, from the slash.
    pub path: &'static str,
    /// `CHANNEL-ID` of its calls, at most five characters.
    pub channel_id: &'static str,
}

/// How `X-TIMESTAMP` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampForm {
    /// `2024-03-14T07:49:28+07:00`: 25 characters.
    JakartaSeconds,
    /// `2024-03-14T07:49:28.123+07:00`.
    JakartaMillis,
    /// `2024-03-14T00:49:28Z`.
    UtcSeconds,
}

impl TimestampForm {
    /// Writes a time.
    pub fn text(self, at: Instant) -> String {
        match self {
            Self::JakartaSeconds => at.wire_text(),
            Self::JakartaMillis => at.wire_text_millis(),
            Self::UtcSeconds => at.utc_text(),
        }
    }
}

/// How `X-SIGNATURE` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureEncoding {
    /// Base64 with padding.
    Base64,
    /// Lower-case hexadecimal digits.
    Hex,
}

/// What is hashed for a request without a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyBody {
    /// Nothing, as the standard says.
    Nothing,
    /// The text `{}`, which is not sent.
    Braces,
}

/// Where the customer's token travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerTokenPlace {
    /// `Authorization-Customer`, beside the B2B token.
    AuthorizationCustomer,
    /// `Authorization`, in place of the B2B token; it is then the token that is signed.
    Authorization,
    /// In the body, where the connector puts it.
    Body,
}

/// What `X-PARTNER-ID` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartnerId {
    /// The client id.
    ClientId,
    /// The merchant id.
    MerchantId,
}

impl Profile {
    /// The service of these two digits. Panics on one that the profile does not list: a slip in the connector that its
    /// first test meets.
    pub fn service(&self, code: &str) -> &'static Service {
        self.services
            .iter()
            .find(|service| service.code == code)
            .expect("a connector calls only services that its profile lists")
    }

    /// Whether it lists the service of these two digits.
    pub fn offers(&self, code: &str) -> bool {
        self.services.iter().any(|service| service.code == code)
    }

    /// A signed POST of a message to a service; the customer's token goes where the profile says.
    pub fn post(
        &self,
        code: &str,
        message: &impl Serialize,
        customer_token: Option<&Secret>,
        context: &CallContext<'_>,
    ) -> HttpRequest {
        let body = serde_json::to_vec(message).expect("a message of texts, numbers and lists always has a JSON text");
        self.signed("POST", code, "", body, customer_token, context)
    }

    /// A signed GET of a service with query pairs, in this order.
    pub fn get(&self, code: &str, pairs: &[(&str, &str)], context: &CallContext<'_>) -> HttpRequest {
        self.signed("GET", code, &query(pairs), vec![], None, context)
    }

    fn signed(
        &self,
        method: &'static str,
        code: &str,
        query: &str,
        body: Vec<u8>,
        customer_token: Option<&Secret>,
        context: &CallContext<'_>,
    ) -> HttpRequest {
        let service = self.service(code);
        let account = context.account;
        let target = if query.is_empty() { service.path.to_owned() } else { format!("{}?{query}", service.path) };
        let timestamp = self.timestamp.text(context.now);
        let b2b_token = context.token.filter(|_| self.token_path.is_some());
        let bearer = match self.customer_token {
            CustomerTokenPlace::Authorization => customer_token.or(b2b_token),
            CustomerTokenPlace::AuthorizationCustomer | CustomerTokenPlace::Body => b2b_token,
        };
        let hashed: &[u8] = match self.empty_body {
            EmptyBody::Braces if body.is_empty() => b"{}",
            EmptyBody::Braces | EmptyBody::Nothing => &body,
        };
        let signature = match self.scheme {
            Scheme::Symmetric => {
                let token = bearer.map_or("", Secret::expose);
                signature::sign_symmetric(
                    account.client_secret.expose().as_bytes(),
                    method,
                    &target,
                    token,
                    hashed,
                    &timestamp,
                )
            }
            Scheme::Asymmetric => signature::sign_asymmetric(&account.private_key, method, &target, hashed, &timestamp),
        };
        let partner = match self.partner_id {
            PartnerId::ClientId => &account.client_id,
            PartnerId::MerchantId => &account.merchant_id,
        };
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("X-TIMESTAMP".to_owned(), timestamp),
            ("X-SIGNATURE".to_owned(), self.encode(signature)),
            ("X-PARTNER-ID".to_owned(), partner.clone()),
            ("X-EXTERNAL-ID".to_owned(), context.external_id.to_owned()),
            ("CHANNEL-ID".to_owned(), service.channel_id.to_owned()),
        ];
        if let Some(token) = bearer {
            headers.push(("Authorization".to_owned(), format!("Bearer {}", token.expose())));
        }
        if let (CustomerTokenPlace::AuthorizationCustomer, Some(token)) = (self.customer_token, customer_token) {
            headers.push(("Authorization-Customer".to_owned(), format!("Bearer {}", token.expose())));
        }
        headers.extend(self.extra_headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        HttpRequest { method, url: format!("{}{target}", account.base_url), headers, body }
    }

    fn encode(&self, base64: String) -> String {
        match self.encoding {
            SignatureEncoding::Base64 => base64,
            SignatureEncoding::Hex => digest::hex(&STANDARD.decode(base64).expect("we wrote this Base64 ourselves")),
        }
    }

    /// The request of a B2B token (73): `client id|timestamp`, signed with our private key. None without a token service.
    pub fn token_request(&self, context: &CallContext<'_>) -> Option<HttpRequest> {
        let path = self.token_path?;
        Some(self.token_service_request(path, &wire::TokenRequest { grant_type: "client_credentials" }, context))
    }

    /// A request to a token service (73, 74): signed over `client id|timestamp`, whatever the profile's scheme.
    pub fn token_service_request(
        &self,
        path: &str,
        message: &impl Serialize,
        context: &CallContext<'_>,
    ) -> HttpRequest {
        let account = context.account;
        let timestamp = self.timestamp.text(context.now);
        let signature = signature::sign_token(&account.private_key, &account.client_id, &timestamp);
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("X-TIMESTAMP".to_owned(), timestamp),
            ("X-CLIENT-KEY".to_owned(), account.client_id.clone()),
            ("X-SIGNATURE".to_owned(), self.encode(signature)),
        ];
        headers.extend(self.extra_headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let body = serde_json::to_vec(message).expect("a message of texts always has a JSON text");
        HttpRequest { method: "POST", url: format!("{}{path}", account.base_url), headers, body }
    }
}

/// Reads the answer of a B2B token service; `expiresIn` in seconds, as text or number.
///
/// # Errors
/// Says why, without secrets.
pub fn read_token(response: &HttpResponse) -> Result<Token, String> {
    let answer = answer::read(response)?;
    if answer.http != 200 {
        return Err(format!("the token service answered {}", answer.code));
    }
    let reply: wire::TokenReply = answer.parse()?;
    let expires_in_seconds = reply.expires_in.parse().map_err(|_| "expiresIn is not a number of seconds".to_owned())?;
    Ok(Token { token: Secret::new(reply.access_token), expires_in_seconds })
}

/// Whether an answer says that the B2B token is not accepted: 401/01 or 401/03 in any service, under a status that says no
/// as well. Then the request is made once more; an answer that contradicts itself proves too little for that.
pub fn token_expired(response: &HttpResponse) -> bool {
    (400..500).contains(&response.status)
        && answer::read(response).is_ok_and(|answer| answer.http == 401 && matches!(answer.case.as_str(), "01" | "03"))
}

/// Where the provider's pages are: its API's host when no other was registered.
pub fn pages_url(account: &Account) -> &str {
    if account.pages_url.is_empty() { &account.base_url } else { &account.pages_url }
}

/// What a call comes to that this connector does not offer.
pub fn unsupported() -> Step {
    Step::Done(Outcome::Refused(Reason::NotPermitted))
}

/// Query pairs as text, percent-encoded, in this order.
pub fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A text signed with our private key, Base64: `seamlessSign` of Get Auth Code.
pub fn seamless_sign(account: &Account, text: &str) -> String {
    STANDARD.encode(account.private_key.sign(text.as_bytes()))
}

#[cfg(test)]
mod tests;
