//! Settlement report: one row per payment or refund, in the names of the notices. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const KINDS: &[(Text, SubjectKind)] = &[(word("payment"), SubjectKind::Payment), (word("refund"), SubjectKind::Refund)];
const SETTLED: &[Text] = &[word("settlement"), word("refund"), word("partial_refund")];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b',',
        preamble_rows: 0,
        decimals: Decimals::Point,
        times: Times::YearFirst,
        columns: Columns {
            reference: name("order_id"),
            provider_reference: name("transaction_id"),
            kind: name("transaction_type"),
            amount: word("gross_amount"),
            fee: name("fee"),
            at: word("transaction_time"),
            status: name("transaction_status"),
        },
        kinds: Cow::Borrowed(KINDS),
        kind: SubjectKind::Payment,
        negative: None,
        settled: Cow::Borrowed(SETTLED),
    },
    rule: SettlementRule::NEXT_DAY,
};
