//! Settlement file: days first, amounts in the Indonesian form. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const KINDS: &[(Text, SubjectKind)] = &[(word("PAYMENT"), SubjectKind::Payment), (word("REFUND"), SubjectKind::Refund)];
const SETTLED: &[Text] = &[word("S")];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b';',
        preamble_rows: 0,
        decimals: Decimals::Comma,
        times: Times::DayFirst,
        columns: Columns {
            reference: name("reference"),
            provider_reference: name("tx_id"),
            kind: name("type"),
            amount: word("amount"),
            fee: name("fee"),
            at: word("datetime"),
            status: name("status"),
        },
        kinds: Cow::Borrowed(KINDS),
        kind: SubjectKind::Payment,
        negative: None,
        settled: Cow::Borrowed(SETTLED),
    },
    rule: SettlementRule::NEXT_DAY,
};
