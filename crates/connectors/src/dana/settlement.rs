//! Settlement file: one row per payment or refund, times with their offset. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const KINDS: &[(Text, SubjectKind)] = &[(word("PAYMENT"), SubjectKind::Payment), (word("REFUND"), SubjectKind::Refund)];
const SETTLED: &[Text] = &[word("SUCCESS")];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b',',
        preamble_rows: 0,
        decimals: Decimals::Point,
        times: Times::Offset,
        columns: Columns {
            reference: name("partnerReferenceNo"),
            provider_reference: name("referenceNo"),
            kind: name("transactionType"),
            amount: word("amount"),
            fee: name("merchantFee"),
            at: word("finishedTime"),
            status: name("status"),
        },
        kinds: Cow::Borrowed(KINDS),
        kind: SubjectKind::Payment,
        negative: None,
        settled: Cow::Borrowed(SETTLED),
    },
    rule: SettlementRule::NEXT_DAY,
};
