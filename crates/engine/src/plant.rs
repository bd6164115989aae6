//! The planted mistakes that are more than a condition; in builds for tests only.

use lifecycle::{
    PaymentId, Reason,
    provider::{Outcome, ProviderCall},
    task::{Task, TaskKind},
};

use crate::{
    batch::{Done, Progress, Submission, Verdict, Waiting},
    perform::Call,
};

/// Words with which an answer that did not come at all is told.
const NO_ANSWER: [&str; 5] = ["connection", "too long", "stopped", "no answer", "timed out"];

/// Answers everybody before the commit.
pub(crate) fn acknowledge(batch: &mut [Submission], verdicts: &[Verdict], waiting: &Waiting) {
    if !lifecycle::planted!(AcknowledgeBeforeCommit) {
        return;
    }
    for (submission, verdict) in batch.iter_mut().zip(verdicts) {
        match &verdict.result {
            Ok(Progress::Answered(answer)) => submission.reply.tell(Ok(Done::Answered(answer.clone()))),
            Ok(Progress::Committed) => submission.reply.tell(Ok(Done::Committed)),
            Ok(Progress::Waiting(_)) | Err(_) => {}
        }
        for (key, answer) in &verdict.answers {
            waiting.answer(key, answer.clone());
        }
    }
}

/// Sends what was interrupted under another reference.
pub(crate) fn misnamed(call: Call, task: &Task) -> Call {
    match call {
        Call::Product(product, ProviderCall::Charge(mut charge))
            if lifecycle::planted!(NewReferenceOnRetry) && task.attempts > 1 =>
        {
            charge.reference = PaymentId::from_bits(charge.payment.bits() ^ 1).to_string();
            Call::Product(product, ProviderCall::Charge(charge))
        }
        other => other,
    }
}

/// Reads what is not known as a no.
pub(crate) fn misread(outcome: Outcome, kind: &TaskKind) -> Outcome {
    let Outcome::Unknown(why) = &outcome else { return outcome };
    let asked = kind.asks_about_the_past();
    let answered = !NO_ANSWER.iter().any(|word| why.contains(word));
    let order = matches!(kind, TaskKind::Charge(_) | TaskKind::PayBill(_));
    if (lifecycle::planted!(UnknownCodeReadAsFailed) && order && answered)
        || (lifecycle::planted!(AskErrorFailsPayment) && asked)
    {
        return Outcome::Refused(Reason::DoNotHonor);
    }
    outcome
}
