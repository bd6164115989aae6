//! Settlement file: columns divided by bars. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const KINDS: &[(Text, SubjectKind)] =
    &[(word("PURCHASE"), SubjectKind::Payment), (word("REFUND"), SubjectKind::Refund)];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b'|',
        preamble_rows: 0,
        decimals: Decimals::Point,
        times: Times::YearFirst,
        columns: Columns {
            reference: name("REFERENCE_NUMBER"),
            provider_reference: name("APPROVAL_CODE"),
            kind: name("TYPE"),
            amount: word("AMOUNT"),
            fee: name("MDR"),
            at: word("TRANSACTION_DATE"),
            status: None,
        },
        kinds: Cow::Borrowed(KINDS),
        kind: SubjectKind::Payment,
        negative: None,
        settled: Cow::Borrowed(&[]),
    },
    rule: SettlementRule::NEXT_DAY,
};
