//! `unknown.settle`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lifecycle::{
    Command, Fresh as _, RulingId, Secret,
    ruling::{OPERATOR_LENGTH_MAX, Ruling, RulingStatus, Step, Verdict},
};

use super::{named_case, shown};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{EVIDENCE_TEXT_MAX, FILE_NAME_MAX, REFERENCE_MAX},
    operation::{Answer, Operation},
};

/// Proposes a ruling.
pub static OPERATION: Operation = Operation {
    name: "unknown.settle",
    promise: "Proposes how a case that no provider tells the outcome of is to be settled, with the evidence for it. Nothing \
              changes before another operator approves it; should the provider tell first, it is withdrawn. A link cannot \
              be ruled to have succeeded, nor a bill for an electricity token without the token.",
    fields: &[
        super::CASE,
        Field::mandatory(
            "as",
            Kind::Choice(&["succeeded", "failed"]),
            "What is known by the evidence to have happened.",
        ),
        Field::mandatory("evidence", Kind::Text(EVIDENCE_TEXT_MAX), "The evidence in base64, at most 256 KiB of it."),
        Field::mandatory("evidence_name", Kind::Text(FILE_NAME_MAX), "The name of its file."),
        Field::optional("provider_reference", Kind::Text(REFERENCE_MAX), "The provider's reference that it names."),
        Field::optional(
            "token",
            Kind::Text(REFERENCE_MAX),
            "The token or serial that it names; never shown again here.",
        ),
    ],
    sample: r#"{"case":"pay_00000000000000000000000007","as":"succeeded","evidence":"cGFnZSAz","evidence_name":"statement.txt"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let (case, row) = named_case(door, &input).await?;
    let merchant = merchant_of(&row).ok_or_else(|| Fault::field("case", "it belongs to nobody"))?;
    let verdict = Verdict::parse(&input.text("as")?).ok_or_else(|| Fault::field("as", "succeeded or failed"))?;
    let evidence = STANDARD
        .decode(input.text("evidence")?)
        .map_err(|_| Fault::field("evidence", "it must be base64, with its padding"))?;
    let now = door.engine.now();
    let mut fresh = door.engine.fresh();
    let ruling = Ruling {
        id: RulingId::from_bits(fresh.id()),
        merchant,
        case: case.0,
        about: case.1,
        verdict,
        provider_reference: input.optional_text("provider_reference"),
        token: input.optional_text("token").map(Secret::new),
        evidence_name: input.text("evidence_name")?,
        evidence,
        proposed_by: input.operator().chars().take(OPERATOR_LENGTH_MAX).collect(),
        proposed_at: now,
        sent_at: None,
        status: RulingStatus::Proposed,
    };
    let impossible = "case: its outcome is known, a ruling about it is proposed already, or it cannot be ruled so \
                      (a link's success, a token that the evidence does not name)";
    let step = Step::Propose(Box::new(ruling.clone()));
    door.operate(&ruling.merchant, Command::Rule(step), impossible).await?;
    tracing::info!(ruling.id = %ruling.id, case = %super::id_of(case), verdict = verdict.name(), operator = input.operator(), "a ruling was proposed");
    Ok(Answer::Json(shown(&ruling)))
}

fn merchant_of(row: &lifecycle::Row) -> Option<lifecycle::MerchantCode> {
    use lifecycle::Row;
    match row {
        Row::Payment(row) => Some(row.merchant.clone()),
        Row::Refund(row) => Some(row.merchant.clone()),
        Row::Bill(row) => Some(row.merchant.clone()),
        Row::Link(row) => Some(row.merchant.clone()),
        Row::AccountCreation(row) => Some(row.merchant.clone()),
        _ => None,
    }
}
