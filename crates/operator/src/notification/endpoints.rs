//! `notification.endpoints`

use std::collections::BTreeMap;

use lifecycle::{
    MerchantCode,
    endpoint::{Endpoint, EndpointStatus},
    notification::NoticeKind,
};
use serde_json::json;

use super::{OF_MERCHANT, shown};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// The most endpoints that are looked at.
pub(crate) const ENDPOINTS_MAX: usize = 100_000;

/// Lists endpoints.
pub static OPERATION: Operation = Operation {
    name: "notification.endpoints",
    promise: "Lists the merchants' endpoints that something is noteworthy about: failing, recovering, paused, gone, or with \
              notifications that wait or were given up on.",
    fields: &[OF_MERCHANT],
    sample: "{}",
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let merchant = input.has("merchant").then(|| door.merchant(&input)).transpose()?;
    let (endpoints, halted) =
        door.read(|reader| Ok((reader.endpoints(None, ENDPOINTS_MAX)?, reader.halted_notifications()?))).await?;
    let mut all: BTreeMap<(MerchantCode, NoticeKind), (Endpoint, u64, u64)> = BTreeMap::new();
    for endpoint in endpoints {
        all.insert((endpoint.merchant.clone(), endpoint.kind), (endpoint, 0, 0));
    }
    for count in halted {
        let (merchant, kind) = (count.merchant.clone(), count.kind);
        let open = || (Endpoint { merchant: count.merchant.clone(), kind, status: EndpointStatus::Open }, 0, 0);
        let entry = all.entry((merchant, kind)).or_insert_with(open);
        match count.state.as_str() {
            "waiting" => entry.1 = count.count,
            _ => entry.2 = count.count,
        }
    }
    let wanted =
        |endpoint: &Endpoint| merchant.as_ref().is_none_or(|partner| partner.merchant.code == endpoint.merchant);
    let rows = all.values().filter(|(endpoint, waiting, exhausted)| {
        let noteworthy = endpoint.status != EndpointStatus::Open || waiting + exhausted > 0;
        noteworthy && wanted(endpoint)
    });
    let rows: Vec<_> = rows.map(|(endpoint, waiting, exhausted)| shown(door, endpoint, *waiting, *exhausted)).collect();
    Ok(Answer::Json(json!({ "endpoints": rows })))
}
