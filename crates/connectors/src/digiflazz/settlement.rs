//! History of transactions: what was taken from our deposit, by our reference. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const SETTLED: &[Text] = &[word("Sukses")];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b',',
        preamble_rows: 0,
        decimals: Decimals::None,
        times: Times::YearFirst,
        columns: Columns {
            reference: name("ref_id"),
            provider_reference: name("trx_id"),
            kind: None,
            amount: word("price"),
            fee: None,
            at: word("tanggal"),
            status: name("status"),
        },
        kinds: Cow::Borrowed(&[]),
        kind: SubjectKind::Bill,
        negative: None,
        settled: Cow::Borrowed(SETTLED),
    },
    rule: SettlementRule::NEXT_DAY,
};
