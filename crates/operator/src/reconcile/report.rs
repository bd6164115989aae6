//! `reconcile.report`

use calendar::Instant;
use lifecycle::{
    Key, ReconciliationItemId, Row, SettlementFileId,
    reconciliation::{ReconciliationItem, SettlementFile, SettlementLine},
};
use money::Amount;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::{day_text, walk};
use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::{CSV_LINES_MAX, READ_ROWS},
    operation::{Answer, Operation},
    view,
};

/// Gives a reconciliation as a table.
pub static OPERATION: Operation = Operation {
    name: "reconcile.report",
    promise: "Gives every line of a settlement file, and everything that it should have held, with both sides, bucket, \
              state and what was done, as CSV or XLSX. Without a file: every exception of every file.",
    fields: &[
        Field::mandatory("format", Kind::Choice(&["csv", "xlsx"]), "As text, or as a workbook."),
        Field::optional("file", Kind::Text(40), "Its id, `stl_...`."),
    ],
    sample: r#"{"format":"csv"}"#,
    run: |door, input| Box::pin(run(door, input)),
};

const COLUMNS: [&str; 20] = [
    "item",
    "provider",
    "file",
    "row",
    "bucket",
    "state",
    "kind",
    "merchant",
    "our_reference",
    "provider_reference",
    "our_amount",
    "provider_amount",
    "provider_fee",
    "difference",
    "our_time",
    "provider_time",
    "owner",
    "deadline",
    "journal",
    "steps",
];

/// One cell of the table.
enum Cell {
    Text(String),
    /// In sen.
    Money(Option<i64>),
}

async fn run(door: &Door, input: Input) -> Result<Answer, Fault> {
    let (items, name) = match input.optional_text("file") {
        Some(id) => {
            let id: SettlementFileId = id.parse().map_err(|error| Fault::field("file", error))?;
            let file = find(door, id).await?;
            let name = format!("reconciliation-{}-{}", file.provider, day_text(file.day));
            (of_file(door, id).await?, name)
        }
        None => (all_exceptions(door).await?, format!("exceptions-{}", day_text(door.engine.now().jakarta_day()))),
    };
    let rows: Vec<Vec<Cell>> = items.iter().map(cells).collect();
    match input.text("format")?.as_str() {
        "csv" => Ok(Answer::File { content_type: "text/csv", name: format!("{name}.csv"), bytes: csv(&rows) }),
        _ => Ok(Answer::File {
            content_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            name: format!("{name}.xlsx"),
            bytes: xlsx(&rows).map_err(|error| Fault::conflict("too_large", error.to_string()))?,
        }),
    }
}

async fn find(door: &Door, id: SettlementFileId) -> Result<SettlementFile, Fault> {
    match door.row(Key::SettlementFile(id)).await? {
        Some(Row::SettlementFile(file)) => Ok(*file),
        _ => Err(Fault::not_found(format_args!("settlement file {id}"))),
    }
}

async fn of_file(door: &Door, file: SettlementFileId) -> Result<Vec<ReconciliationItem>, Fault> {
    let mut items: Vec<ReconciliationItem> = vec![];
    loop {
        let after: Option<ReconciliationItemId> = items.last().map(|item| item.id);
        let page = door.read(move |reader| reader.reconciliation_items(file, after, READ_ROWS)).await?;
        let full = page.len() == READ_ROWS;
        items.extend(page);
        if !full {
            items.sort_by_key(|item| (item.line.is_none(), item.line.as_ref().map(|line| line.row), item.id));
            return Ok(items);
        }
        too_many(items.len())?;
    }
}

async fn all_exceptions(door: &Door) -> Result<Vec<ReconciliationItem>, Fault> {
    let mut items = vec![];
    walk(door, false, None, |item| {
        items.push(item);
        items.len() <= CSV_LINES_MAX
    })
    .await?;
    too_many(items.len())?;
    Ok(items)
}

fn too_many(items: usize) -> Result<(), Fault> {
    match items > CSV_LINES_MAX {
        true => Err(Fault::conflict("too_large", format!("there are more than {CSV_LINES_MAX} rows; name a file"))),
        false => Ok(()),
    }
}

fn cells(item: &ReconciliationItem) -> Vec<Cell> {
    let text = |text: Option<&str>| Cell::Text(text.unwrap_or_default().to_owned());
    let time = |at: Option<Instant>| Cell::Text(at.map(|at| at.wire_text()).unwrap_or_default());
    let (line, ours) = (item.line.as_ref(), item.expectation.as_ref());
    let own = ours.map(|known| known.reference.as_str()).or(line.and_then(|line| line.reference.as_deref()));
    let theirs = line.and_then(|line| line.provider_reference.as_deref());
    let theirs = theirs.or(ours.and_then(|known| known.provider_reference.as_deref()));
    let sen = |amount: Option<Amount>| amount.map(Amount::sen);
    let said = sen(line.map(|line| line.amount));
    let believed = sen(ours.filter(|known| known.believed).map(|known| known.amount));
    let steps = item
        .steps
        .iter()
        .map(|step| format!("{} {} {}: {}", step.at.wire_text(), step.by, step.action.name(), step.note));
    let journal = item.state.journal().map(|journal| format!("{:032x}", journal.0)).unwrap_or_default();
    vec![
        Cell::Text(item.id.to_string()),
        text(Some(&item.provider)),
        Cell::Text(item.file.to_string()),
        Cell::Text(line.map(|line: &SettlementLine| line.row.to_string()).unwrap_or_default()),
        text(Some(item.bucket.name())),
        text(Some(item.state.name())),
        text(Some(item.kind().name())),
        text(ours.map(|known| known.merchant.as_str())),
        text(own),
        text(theirs),
        Cell::Money(believed),
        Cell::Money(said),
        Cell::Money(sen(line.map(|line| line.fee))),
        Cell::Money(Some(said.unwrap_or(0).saturating_sub(believed.unwrap_or(0)))),
        time(ours.map(|known| known.at)),
        time(line.map(|line| line.at)),
        text(Some(&item.owner)),
        time(Some(item.deadline)),
        Cell::Text(journal),
        Cell::Text(steps.collect::<Vec<_>>().join("; ")),
    ]
}

/// A text that a spreadsheet would take for a formula is quoted: files and notes are strangers' words.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// RFC 4180, with a head line; money with a point and two decimals.
fn csv(rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(vec![]);
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => harmless(text),
        Cell::Money(sen) => sen.map(|sen| view::sen_text(sen.into())).unwrap_or_default(),
    };
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for row in rows {
        let _ = writer.write_record(row.iter().map(cell));
    }
    writer.into_inner().unwrap_or_default()
}

/// A sheet of rows; money as numbers, because people add it up there.
fn xlsx(rows: &[Vec<Cell>]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let (bold, money) = (Format::new().set_bold(), Format::new().set_num_format("#,##0.00"));
    let sheet = workbook.add_worksheet().set_name("reconciliation")?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, title) in (0..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, title, &bold)?;
    }
    for (row, cells) in (1..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Cell::Text(text) => sheet.write_string(row, column, text)?,
                Cell::Money(None) => sheet,
                Cell::Money(Some(sen)) => sheet.write_number_with_format(row, column, rupiah(*sen), &money)?,
            };
        }
    }
    workbook.save_to_buffer()
}

/// Sen as the number of a sheet, which knows no other kind: exact up to ninety thousand milliards of rupiah, and read
/// back by nobody.
fn rupiah(sen: i64) -> f64 {
    view::sen_text(sen.into()).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_no_formula_and_money_is_money() {
        let row = ["=1+1", "+x", "-x", "@x", "plain", "a,\"b\""].map(|text| Cell::Text(text.into()));
        let row: Vec<Cell> = row.into_iter().chain([Cell::Money(Some(-150)), Cell::Money(None)]).collect();
        let mut rows = vec![row];
        rows[0].resize_with(COLUMNS.len(), || Cell::Text(String::new()));
        let text = String::from_utf8(csv(&rows)).expect("text");
        let line = text.lines().nth(1).expect("a row");
        assert!(line.starts_with("'=1+1,'+x,'-x,'@x,plain,\"a,\"\"b\"\"\",-1.50,,"), "{line}");
        assert_eq!(text.lines().next().map(|head| head.split(',').count()), Some(COLUMNS.len()));
        assert!(xlsx(&rows).expect("a workbook").starts_with(b"PK"));
    }
}
