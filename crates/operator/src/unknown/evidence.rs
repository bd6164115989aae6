//! `unknown.evidence`

use super::named_ruling;
use crate::{
    door::Door,
    fault::Fault,
    input::Input,
    operation::{Answer, Operation},
};

/// Gives the evidence of a ruling.
pub static OPERATION: Operation = Operation {
    name: "unknown.evidence",
    promise: "Gives the evidence of a ruling as the file that it was, for whoever is to approve it.",
    fields: &[super::RULING],
    sample: r#"{"ruling":"rul_00000000000000000000000007"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let ruling = named_ruling(door, &input).await?;
    // What the name may do in a header is for its reader to say; letters, digits and dots do nothing.
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '_' };
    let name = ruling.evidence_name.chars().map(safe).collect();
    Ok(Answer::File { content_type: "application/octet-stream", name, bytes: ruling.evidence })
}
