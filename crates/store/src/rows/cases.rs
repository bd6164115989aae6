//! `open_cases`: what somebody must watch, beside the rows themselves. Written only when a row becomes a case or ceases
//! to be one, as far as that is known from what was loaded: most payments never are one.

use std::collections::HashSet;

use lifecycle::{Row, case::Case};

use crate::StoreError;

/// What a transaction knows of the cases that are open.
pub(crate) enum Cases {
    /// Nothing was looked up: any case may be open.
    Unknown,
    /// Every row that the batch changes was looked up, and of them these were open.
    Found(HashSet<Case>),
}

/// The cases that a batch opens and closes, each in its order.
#[derive(Default)]
pub(crate) struct CaseChanges {
    pub(crate) opened: Vec<Case>,
    pub(crate) closed: Vec<Case>,
}

impl Cases {
    /// What a look-up found.
    pub(crate) fn of(rows: &[Option<Row>]) -> Self {
        Self::Found(rows.iter().flatten().filter_map(Row::open_case).collect())
    }

    /// What a batch that writes these rows changes.
    pub(crate) fn changes(&self, rows: &[Row]) -> CaseChanges {
        let mut changes = CaseChanges::default();
        for row in rows {
            let Some(case) = row.case() else { continue };
            let is_open = row.open_case().is_some();
            let (may_be, is_known) = match self {
                Self::Unknown => (true, false),
                Self::Found(open) => (open.contains(&case), open.contains(&case)),
            };
            if is_open && !is_known {
                changes.opened.push(case);
            } else if !is_open && may_be {
                changes.closed.push(case);
            }
        }
        changes.opened.sort_unstable();
        changes.closed.sort_unstable();
        changes
    }
}

/// A page of the rows that are open cases. What an earlier gateway's rows were entered for is not certain: those that are
/// none are passed over.
pub(crate) fn open_page(
    mut after: Option<u128>,
    limit: usize,
    mut read: impl FnMut(Option<u128>, usize) -> Result<Vec<Row>, StoreError>,
) -> Result<Vec<Row>, StoreError> {
    let mut page = vec![];
    loop {
        let entered = read(after, limit)?;
        let is_last = entered.len() < limit;
        after = entered.last().and_then(Row::case).map(|(_, bits)| bits).or(after);
        page.extend(entered.into_iter().filter(|row| row.open_case().is_some()).take(limit - page.len()));
        if is_last || page.len() == limit {
            return Ok(page);
        }
    }
}
