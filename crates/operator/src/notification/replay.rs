//! `notification.replay`

use std::collections::BTreeMap;

use lifecycle::{MerchantCode, NotificationId, endpoint::EndpointStep, notification::NoticeKind};
use serde_json::json;

use super::{IN_STATE, OF_KIND, OF_MERCHANT, filter, take};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    operation::{Answer, Operation},
};

/// How many are put in line in one commit.
const PORTION: usize = 256;

/// Sends everything since a time again.
pub static OPERATION: Operation = Operation {
    name: "notification.replay",
    promise: "Sends every notification again that was decided on since a time, accepted ones too unless a state is named: the \
              same bodies under the same ids, in their order, each endpoint one at a time at first and then more. A repeat \
              sends them once more.",
    fields: &[
        Field::mandatory("since", Kind::Instant, "Decided on at this time or later."),
        OF_MERCHANT,
        OF_KIND,
        IN_STATE,
    ],
    sample: r#"{"since":"2026-11-21T09:00:00+07:00","merchant":"SGWYESSISHOP","state":"exhausted"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let filter = filter(door, &input)?;
    let began = lifecycle::ids::before(door.engine.now().plus_seconds(1));
    let (mut after, mut replayed) = (None, 0usize);
    loop {
        let asked = (filter.clone(), after);
        let page = door.read(move |reader| reader.notifications(&asked.0, asked.1, PORTION)).await?;
        let is_last = page.len() < PORTION;
        after = page.last().map(|row| row.id);
        let mut portions: BTreeMap<(MerchantCode, NoticeKind), Vec<NotificationId>> = BTreeMap::new();
        // What is decided on meanwhile is told by itself.
        for row in page.iter().filter(|row| row.id.bits() <= began) {
            portions.entry((row.merchant.clone(), row.kind)).or_default().push(row.id);
        }
        for ((merchant, kind), ids) in portions {
            replayed += ids.len();
            take(door, &merchant, kind, EndpointStep::Replay(ids)).await?;
        }
        if is_last {
            break;
        }
    }
    tracing::info!(replayed, operator = input.operator(), "notifications are sent again");
    Ok(Answer::Json(json!({ "replayed": replayed })))
}
