//! What makes two calls one. A [`Request`] is kept for every accepted call of a merchant: its external id is unique
//! for the merchant's Jakarta day, its partner reference for ever per merchant and service.

use calendar::{Instant, JakartaDay};

use crate::{Digest, MerchantCode, Refusal, RequestId};

/// A two-digit SNAP service code, like `54`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceCode(pub &'static str);

impl ServiceCode {
    /// Check Biller Products. The biller services have no codes of the standard; these are ours.
    pub const BILLER_PRODUCTS: Self = Self("BL");
    /// Bill Inquiry.
    pub const BILL_INQUIRY: Self = Self("BI");
    /// Bill Payment.
    pub const BILL_PAYMENT: Self = Self("BP");
    /// Bill Payment Status Inquiry.
    pub const BILL_STATUS: Self = Self("BS");
    /// Check Balance.
    pub const BILLER_BALANCE: Self = Self("BB");
}

/// What makes a call unique: the merchant, the Jakarta day, and the external id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey {
    /// Who called.
    pub merchant: MerchantCode,
    /// The Jakarta day within which the external id is unique: that of the call's signed time.
    pub day: JakartaDay,
    /// `X-EXTERNAL-ID`.
    pub external_id: String,
}

impl RequestKey {
    /// The key of a call whose id is unique for ever, as `rq_uuid` of the biller services is: of no day.
    pub fn for_ever(merchant: MerchantCode, external_id: String) -> Self {
        Self { merchant, day: JakartaDay::from_number(0), external_id }
    }
}

/// One accepted call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What makes it unique.
    pub key: RequestKey,
    /// Our id of it; also answered as the request id.
    pub id: RequestId,
    /// Which service.
    pub service: ServiceCode,
    /// The name of the operation, which renders the answer.
    pub operation: &'static str,
    /// `partnerReferenceNo`, where the service has one and this call is the first under it.
    pub partner_reference: Option<String>,
    /// Digest of the parameters: method, path and minified body.
    pub digest: Digest,
    /// When it came.
    pub received_at: Instant,
    /// Whether a repeat gets the stored answer.
    pub replay: bool,
    /// The answer's bytes, once there is one.
    pub answer: Option<StoredAnswer>,
}

/// An answer as it was sent, kept for a repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What is to be done with a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is new: carry it out.
    New,
    /// It was answered before: give that answer again.
    Replay(StoredAnswer),
}

/// Decides whether a call is new, a repeat or a conflict. The external id is looked at first, then the reference.
pub fn admit(
    request: &Request,
    by_external_id: Option<&Request>,
    by_reference: Option<&Request>,
) -> Result<Admission, Refusal> {
    if let Some(earlier) = by_external_id {
        return match &earlier.answer {
            Some(answer) if request.replay && same(request, earlier) => Ok(Admission::Replay(answer.clone())),
            _ => Err(Refusal::ExternalIdUsed),
        };
    }
    match by_reference {
        None => Ok(Admission::New),
        Some(earlier) if !same(request, earlier) => Err(Refusal::ReferenceInconsistent),
        Some(earlier) => match &earlier.answer {
            None => Err(Refusal::InFlight),
            Some(answer) if request.replay => Ok(Admission::Replay(answer.clone())),
            Some(_) => Err(Refusal::ReferenceUsed),
        },
    }
}

fn same(one: &Request, other: &Request) -> bool {
    one.service == other.service && one.digest == other.digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(external_id: &str, digest: u8, replay: bool, answered: bool) -> Request {
        Request {
            id: RequestId::from_bits(1),
            key: RequestKey {
                merchant: MerchantCode::new("M"),
                day: JakartaDay::from_number(20_240_314),
                external_id: external_id.into(),
            },
            service: ServiceCode("54"),
            operation: "payment_host_to_host",
            partner_reference: Some("R".into()),
            digest: Digest([digest; 32]),
            received_at: Instant::from_micros(0),
            replay,
            answer: answered.then(|| StoredAnswer { status: 200, body: b"{}".to_vec() }),
        }
    }

    #[test]
    fn admits_once_and_names_every_other_case() {
        let stored = Ok(Admission::Replay(StoredAnswer { status: 200, body: b"{}".to_vec() }));
        let check = |replay, external: Option<(u8, bool)>, reference: Option<(u8, bool)>, expected| {
            let new = request("e", 1, replay, false);
            let external = external.map(|(digest, answered)| request("e", digest, replay, answered));
            let reference = reference.map(|(digest, answered)| request("other", digest, replay, answered));
            assert_eq!(admit(&new, external.as_ref(), reference.as_ref()), expected);
        };
        check(false, None, None, Ok(Admission::New));
        check(false, Some((1, true)), None, Err(Refusal::ExternalIdUsed));
        check(true, Some((1, true)), Some((1, true)), stored);
        check(true, Some((1, false)), None, Err(Refusal::ExternalIdUsed));
        check(true, Some((2, true)), None, Err(Refusal::ExternalIdUsed));
        check(true, None, Some((2, true)), Err(Refusal::ReferenceInconsistent));
        check(false, None, Some((2, false)), Err(Refusal::ReferenceInconsistent));
        check(true, None, Some((1, false)), Err(Refusal::InFlight));
        check(false, None, Some((1, true)), Err(Refusal::ReferenceUsed));
    }
}
