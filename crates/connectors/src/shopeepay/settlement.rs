//! Settlement report: one row per transaction, amounts in whole rupiah. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const KINDS: &[(Text, SubjectKind)] = &[(word("Payment"), SubjectKind::Payment), (word("Refund"), SubjectKind::Refund)];
const SETTLED: &[Text] = &[word("Completed")];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b',',
        preamble_rows: 0,
        decimals: Decimals::Point,
        times: Times::YearFirst,
        columns: Columns {
            reference: name("payment_reference_id"),
            provider_reference: name("transaction_sn"),
            kind: name("transaction_type"),
            amount: word("amount"),
            fee: name("mdr"),
            at: word("create_time"),
            status: name("status"),
        },
        kinds: Cow::Borrowed(KINDS),
        kind: SubjectKind::Payment,
        negative: None,
        settled: Cow::Borrowed(SETTLED),
    },
    rule: SettlementRule::NEXT_DAY,
};
