//! Tables for people: columns as wide as their widest cell, numbers to the right.

use std::fmt::Write as _;

use money::Amount;
use serde_json::Value;

/// A table.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column.
#[derive(Clone, Copy)]
pub struct Column {
    title: &'static str,
    right: bool,
}

/// A column of texts.
pub const fn left(title: &'static str) -> Column {
    Column { title, right: false }
}

/// A column of numbers.
pub const fn right(title: &'static str) -> Column {
    Column { title, right: true }
}

impl Table {
    /// An empty table.
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: vec![] }
    }

    /// Adds a row; cells that are missing are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// The text, without a line break at its end.
    pub fn text(&self) -> String {
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&titles).chain(&self.rows).collect();
        let width = |place: usize| all.iter().map(|row| row[place].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for row in all {
            let mut line = String::new();
            for ((cell, width), column) in row.iter().zip(&widths).zip(&self.columns) {
                // Writing to a text does not fail.
                let _ = match column.right {
                    true => write!(line, "{cell:>width$}  "),
                    false => write!(line, "{cell:<width$}  "),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.trim_end().to_owned()
    }
}

/// A member as text for a cell.
pub fn cell(row: &Value, member: &str) -> String {
    match &row[member] {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        other => other.to_string(),
    }
}

/// A member that is money on the wire, `-150000.00`, as people write it.
pub fn money(row: &Value, member: &str) -> String {
    let Some(text) = row[member].as_str() else { return "-".into() };
    let (sign, amount) = text.strip_prefix('-').map_or(("", text), |amount| ("-", amount));
    Amount::parse_snap(amount).map_or_else(|_| text.to_owned(), |amount| format!("{sign}{}", amount.display_text()))
}

/// An amount as it is typed: whole rupiah, `1000000`, or with two decimals, `1000000.00`. Given as the wire has it.
///
/// # Errors
/// How to write it.
pub fn typed_rupiah(text: &str) -> Result<String, String> {
    let whole = if text.contains('.') { text.to_owned() } else { format!("{text}.00") };
    match Amount::parse_snap(&whole) {
        Ok(amount) => Ok(amount.snap_text()),
        Err(_) => Err("write whole rupiah without separators, like 1000000".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&[left("name"), right("sum")]);
        table.row(["a".to_owned(), "12".to_owned()]);
        table.row(["longer".to_owned()]);
        assert_eq!(table.text(), "name    sum\na        12\nlonger");
    }

    #[test]
    fn money_is_shown_as_people_write_it_and_read_as_they_type_it() {
        let row = serde_json::json!({"debt": "-1500.00", "none": null});
        assert_eq!(money(&row, "debt"), format!("-{}", Amount::rupiah(1_500).display_text()));
        assert_eq!(money(&row, "none"), "-");
        for (typed, read) in [("1000000", "1000000.00"), ("1500.50", "1500.50")] {
            assert_eq!(typed_rupiah(typed).as_deref(), Ok(read));
        }
        for typed in ["1.000.000", "1,000", "-5", "", "a"] {
            assert!(typed_rupiah(typed).is_err(), "{typed}");
        }
    }
}
