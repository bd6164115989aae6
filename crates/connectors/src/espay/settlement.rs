//! Settlement report in the names of the settlement notification (its pages describe only the notification). The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const KINDS: &[(Text, SubjectKind)] = &[
    (word("payment"), SubjectKind::Payment),
    (word("refund"), SubjectKind::Refund),
    (word("bill"), SubjectKind::Bill),
    (word("fee"), SubjectKind::Fee),
];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b',',
        preamble_rows: 0,
        decimals: Decimals::Point,
        times: Times::YearFirst,
        columns: Columns {
            reference: name("payment_id"),
            provider_reference: name("tx_id"),
            kind: name("settlement_remark"),
            amount: word("amount"),
            fee: name("settlement_fee"),
            at: word("settlement_date"),
            status: None,
        },
        kinds: Cow::Borrowed(KINDS),
        kind: SubjectKind::Payment,
        negative: None,
        settled: Cow::Borrowed(&[]),
    },
    rule: SettlementRule::NEXT_DAY,
};
