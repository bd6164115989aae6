//! A biller's list of a day's payments, with the names of the profile's samples. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const SETTLED: &[Text] = &[word("paid")];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b',',
        preamble_rows: 0,
        decimals: Decimals::Point,
        times: Times::YearFirst,
        columns: Columns {
            reference: name("reference"),
            provider_reference: name("provider_reference"),
            kind: None,
            amount: word("cost"),
            fee: None,
            at: word("paid_at"),
            status: name("status"),
        },
        kinds: Cow::Borrowed(&[]),
        kind: SubjectKind::Bill,
        negative: None,
        settled: Cow::Borrowed(SETTLED),
    },
    rule: SettlementRule::NEXT_DAY,
};
