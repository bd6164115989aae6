//! The banks' files of direct debits: semicolons, days first, amounts in the Indonesian form. The form is ours; see the README.

use std::borrow::Cow;

use lifecycle::reconciliation::{SettlementRule, SubjectKind};

use crate::settlement::{Columns, Decimals, Format, Settlement, Text, Times, name, word};

const KINDS: &[(Text, SubjectKind)] = &[(word("DEBIT"), SubjectKind::Payment), (word("KREDIT"), SubjectKind::Refund)];

pub(super) static SETTLEMENT: Settlement = Settlement {
    format: Format {
        delimiter: b';',
        preamble_rows: 0,
        decimals: Decimals::Comma,
        times: Times::DayFirst,
        columns: Columns {
            reference: name("No Referensi Mitra"),
            provider_reference: name("No Referensi Bank"),
            kind: name("Jenis"),
            amount: word("Nominal"),
            fee: name("Biaya"),
            at: word("Tanggal"),
            status: None,
        },
        kinds: Cow::Borrowed(KINDS),
        kind: SubjectKind::Payment,
        negative: None,
        settled: Cow::Borrowed(&[]),
    },
    rule: SettlementRule::NEXT_DAY,
};
