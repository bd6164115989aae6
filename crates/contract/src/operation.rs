//! What an operation is: one entry of the one list that `server` mounts, `client` and `gerbang call` send, the
//! reference is printed from, and the tests walk.

use calendar::Instant;
use catalogue::Catalogue;
use lifecycle::{
    Answer, Command, Digest, Merchant, RequestId,
    merchant::BindingFlow,
    request::{Request, RequestKey, ServiceCode},
};
use protocol::codes::{self, Case};

use crate::{
    document::Document,
    field::{self, Field},
};

/// How a call is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// SNAP headers with an asymmetric signature.
    SnapAsymmetric,
    /// The merchant's API key is a field of the form (Merchant Info).
    ApiKey,
    /// Basic authentication, `sender_id` and `password` in the form, and a hash signature over
    /// [`Operation::signature_parts`]: the biller services.
    Biller,
}

/// Where the fields are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A JSON object in the body.
    Json,
    /// The query, or a form in the body of a GET, as the page's own cURL sends it.
    QueryOrForm,
    /// A form in the body.
    Form,
}

/// A product as this operation list sees it; `server` fills it from the connectors' declarations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductFacts {
    /// `productCode`.
    pub code: String,
    /// `productName`.
    pub name: String,
    /// `bankCode`.
    pub bank_code: String,
    /// How an account is linked.
    pub binding: BindingFlow,
    /// Whether accounts can be opened (06).
    pub opens_accounts: bool,
    /// Whether money goes back (58).
    pub refunds: bool,
    /// Whether payments that the provider was asked to charge are called off (57).
    pub cancels: bool,
}

/// What an operation may look at besides its fields.
pub struct ReadContext<'a> {
    /// Who calls.
    pub merchant: &'a Merchant,
    /// The time.
    pub now: Instant,
    /// The call: external id, body digest, id.
    pub call: &'a Call,
    /// Every product that anybody sells.
    pub products: &'a [ProductFacts],
    /// Every biller product.
    pub catalogue: &'a Catalogue,
    /// The digest under which a token is looked up.
    pub digest: fn(&str) -> Digest,
}

/// The facts of a call that its record needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Our id of it.
    pub id: RequestId,
    /// Merchant, Jakarta day, external id.
    pub key: RequestKey,
    /// Digest of method, path and minified parameters.
    pub digest: Digest,
    /// When it came.
    pub received_at: Instant,
}

impl ReadContext<'_> {
    /// The record of this call under this partner reference.
    pub fn request(&self, operation: &dyn Operation, partner_reference: Option<String>) -> Request {
        Request {
            key: self.call.key.clone(),
            id: self.call.id,
            service: operation.service(),
            operation: operation.name(),
            partner_reference,
            digest: self.call.digest,
            received_at: self.call.received_at,
            // The biller services answer every repeat with a code of its own.
            replay: self.merchant.replay && operation.trust() != Trust::Biller,
            answer: None,
        }
    }

    /// The product of this code, if anybody sells it.
    pub fn product(&self, code: &str) -> Option<&ProductFacts> {
        self.products.iter().find(|product| product.code == code)
    }
}

/// What a call asks for.
#[derive(Debug)]
pub enum Reading {
    /// A decision of the engine.
    Command(Box<Command>),
    /// Nothing that changes state: the answer itself.
    Reply(ReplyBody),
}

/// What an answer may be written with.
#[derive(Clone, Debug)]
pub struct WriteContext<'a> {
    /// Our own address, scheme and host, no slash at the end.
    pub base_url: &'a str,
    /// The merchant that is answered.
    pub merchant: &'a Merchant,
    /// Every biller product.
    pub catalogue: &'a Catalogue,
    /// The id of the call that is answered, `rq_uuid` of the biller services.
    pub external_id: &'a str,
    /// The time.
    pub now: Instant,
}

/// An answer as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyBody {
    /// The HTTP status.
    pub status: u16,
    /// The JSON text.
    pub body: Vec<u8>,
}

/// A request that cannot be carried out as it stands: one row of the code registry and its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The row.
    pub case: &'static Case,
    /// The field's dotted path, or a reason in words.
    pub argument: Option<String>,
}

/// One operation.
pub trait Operation: Send + Sync {
    /// Its name in `gerbang call`, logs and the store: snake case.
    fn name(&self) -> &'static str;
    /// Its service code.
    fn service(&self) -> ServiceCode;
    /// Its title in the reference.
    fn title(&self) -> &'static str;
    /// What it promises, for the reference.
    fn promise(&self) -> &'static str;
    /// `GET` or `POST`.
    fn method(&self) -> &'static str;
    /// Its address, then its aliases.
    fn paths(&self) -> &'static [&'static str];
    /// How a call is trusted.
    fn trust(&self) -> Trust {
        Trust::SnapAsymmetric
    }
    /// Where the fields are.
    fn input(&self) -> Input {
        Input::Json
    }
    /// The fields that a hash signature covers, in their order; the key comes behind them. Verifying, signing and
    /// explaining all read this list.
    fn signature_parts(&self) -> &'static [&'static str] {
        &[]
    }
    /// Every field of the request; enforced before [`Operation::read`] and printed in the reference.
    fn fields(&self) -> &'static [Field];
    /// Every field of the reply besides `responseCode` and `responseMessage`.
    fn reply_fields(&self) -> &'static [Field];
    /// The codes that it may answer besides those of every operation.
    fn cases(&self) -> &'static [&'static Case];
    /// A request that the sandbox accepts, as JSON text (of the pairs, for forms and queries).
    fn sample(&self) -> &'static str;
    /// A successful answer, as JSON text, for the reference.
    fn reply_sample(&self) -> &'static str;
    /// Reads checked fields into what they ask for. Fields were checked against [`Operation::fields`] before.
    fn read(&self, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault>;
    /// Writes the answer. An answer that this operation does not know is a fault of ours and becomes 500/00.
    fn write(&self, answer: &Answer, context: &WriteContext<'_>) -> ReplyBody;
}

/// Reads a call into what it asks for: first the table of fields, then the operation. `server` does it for every call
/// after trust is settled.
pub fn read(operation: &dyn Operation, document: &Document<'_>, context: &ReadContext<'_>) -> Result<Reading, Fault> {
    field::check(operation.fields(), document, context.merchant.strictness)?;
    operation.read(document, context)
}

/// The codes that every operation may answer, in the order in which a call is checked, and then those of our own
/// trouble.
pub const COMMON_CASES: &[&Case] = &[
    &codes::INVALID_MANDATORY_FIELD,
    &codes::INVALID_FIELD_FORMAT,
    &codes::UNAUTHORIZED,
    &codes::CONFLICT,
    &codes::BAD_REQUEST,
    &codes::TOO_MANY_REQUESTS,
    &codes::GENERAL_ERROR,
    &codes::INTERNAL_SERVER_ERROR,
];
