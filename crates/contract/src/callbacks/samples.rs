//! What every notification's tests share: its samples hold.

use lifecycle::notification::{Attempt, NoticeKind};

use super::{CALLBACKS, NotificationAnswer, kind_service, read_acknowledgement};
use crate::{operation::ReplyBody, testing};

/// A notification's sample is what its message writes once it was read, the sample of its answer is the acknowledgement,
/// and that is accepted. `hear` reads a message and gives what it writes and how it is acknowledged.
#[track_caller]
pub(super) fn hold(kind: NoticeKind, hear: impl Fn(&[u8]) -> (String, ReplyBody)) {
    let callback = CALLBACKS.iter().find(|callback| callback.service == kind_service(kind)).expect("a callback");
    let (written, answer) = hear(callback.sample.as_bytes());
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(value(&written), value(callback.sample), "{written}");
    assert_eq!(value(&String::from_utf8_lossy(&answer.body)), value(callback.answer_sample));
    let answer = NotificationAnswer { status: answer.status, retry_after: None, body: &answer.body };
    assert_eq!(read_acknowledgement(kind, callback.sample, answer, testing::now()), Attempt::Accepted);
}
