//! `unknown.approve`

use lifecycle::{
    Row,
    ruling::{Parties, RulingStatus, Step, is_same_person},
};

use super::{named_ruling, shown, take};
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Approves a ruling.
pub static OPERATION: Operation = Operation {
    name: "unknown.approve",
    promise: "Approves a ruling that another operator proposed, and carries it out: by the same rules, postings and notifications \
              as the provider's own word. Refused to whoever proposed it; should the provider have told meanwhile, the ruling \
              is withdrawn.",
    fields: &[super::RULING],
    sample: r#"{"ruling":"rul_00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let ruling = named_ruling(door, &input).await?;
    let by = input.operator().to_owned();
    if is_same_person(&ruling.proposed_by, &by) {
        return Err(Fault::conflict("same_person", "ruling: you proposed it; another operator must approve it"));
    }
    let parties = match door.row(ruling.case.key(ruling.about)).await? {
        Some(Row::Bill(bill)) => Parties { bill: bill.task().map(Box::new), payment: None },
        Some(Row::Refund(refund)) => Parties { payment: Some(refund.payment), bill: None },
        _ => Parties::default(),
    };
    let case = (ruling.case, ruling.about);
    let step = Step::Approve { ruling: ruling.id, case, parties, by: by.clone() };
    let impossible = "ruling: it is not proposed any more, or its case changed at this moment: look and ask again";
    let ruling = take(door, &ruling, step, impossible).await?;
    match &ruling.status {
        RulingStatus::Withdrawn { .. } => Err(Fault::conflict(
            "decided_already",
            "ruling: the provider decided the case first; the ruling is withdrawn",
        )),
        _ => {
            tracing::info!(ruling.id = %ruling.id, verdict = ruling.verdict.name(), operator = by, "a ruling was approved and carried out");
            Ok(Answer::Json(shown(&ruling)))
        }
    }
}
