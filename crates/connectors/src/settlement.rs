//! Settlement files: what a provider says it settled, as rows of comma-separated text. A connector's `settlement.rs`
//! declares how its provider's file looks; a bank's file is described by the operator in a mapping (TOML). Both are a
//! [`Format`], and one reader serves all.
//!
//! Total: whatever bytes come, there are lines, or a [`SettlementFault`] that names row and column and quotes nothing.

use std::{borrow::Cow, fmt, fmt::Write as _};

use calendar::Instant;
use lifecycle::reconciliation::{LINES_MAX, SettlementLine, SettlementRule, SubjectKind, TEXT_MAX};
use money::Amount;
use serde::Deserialize;

/// The longest file, in bytes.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most columns of a row.
pub const COLUMNS_MAX: usize = 128;
/// The longest mapping, in bytes.
pub const MAPPING_BYTES_MAX: usize = 64 * 1024;
/// Rows before the one that names the columns, at most.
pub const PREAMBLE_ROWS_MAX: u32 = 100;

/// A word or a name of a format.
pub type Text = Cow<'static, str>;

/// A word of a declared format.
pub(crate) const fn word(text: &'static str) -> Text {
    Cow::Borrowed(text)
}

/// The name of a column that a declared format has.
pub(crate) const fn name(text: &'static str) -> Option<Text> {
    Some(Cow::Borrowed(text))
}

/// How a provider settles: how its file looks, and by what rule it pays.
#[derive(Debug)]
pub struct Settlement {
    /// How its file looks.
    pub format: Format,
    /// When what is in which file, and what the provider keeps.
    pub rule: SettlementRule,
}

/// How a file looks.
#[derive(Clone, Debug)]
pub struct Format {
    /// What stands between columns: `,`, `;`, `|` or a tabulator.
    pub delimiter: u8,
    /// Rows before the one that names the columns.
    pub preamble_rows: u32,
    /// How amounts are written.
    pub decimals: Decimals,
    /// How times are written.
    pub times: Times,
    /// The columns that matter, by their names.
    pub columns: Columns,
    /// What the words of the column of kinds mean.
    pub kinds: Cow<'static, [(Text, SubjectKind)]>,
    /// What a row is about where there is no column of kinds.
    pub kind: SubjectKind,
    /// What a row with a minus sign before its amount is about; none: such a row is refused.
    pub negative: Option<SubjectKind>,
    /// The words of the column of states that mean that money moved. Any other word means that it did not, yet.
    pub settled: Cow<'static, [Text]>,
}

/// The names of columns, compared without regard to case.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Our reference.
    pub reference: Option<Text>,
    /// The provider's reference.
    pub provider_reference: Option<Text>,
    /// What the row is about.
    pub kind: Option<Text>,
    /// How much.
    pub amount: Text,
    /// What the provider keeps.
    pub fee: Option<Text>,
    /// When.
    pub at: Text,
    /// Whether money moved.
    pub status: Option<Text>,
}

/// How amounts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decimals {
    /// `150000.00`; `150000` too.
    Point,
    /// `150.000,00`; `150000` and `150.000` too.
    Comma,
    /// Whole rupiah, `150000`.
    None,
}

/// How times are written; what has no offset is Jakarta's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// `2026-11-21T14:25:00+07:00`.
    Offset,
    /// `2026-11-21 14:25:00`; without the time: midnight.
    YearFirst,
    /// `21/11/2026 14:25:00` or `21-11-2026 14:25:00`; without the time: midnight.
    DayFirst,
}

/// Why a file is not read. Nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementFault {
    /// The row, from 1, the one of the names included; none: the file as a whole.
    pub row: Option<u64>,
    /// The column, by its name in the format.
    pub column: Option<String>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for SettlementFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}")?;
            if let Some(column) = &self.column {
                write!(f, ", column {column}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for SettlementFault {}

fn fault(why: impl Into<String>) -> SettlementFault {
    SettlementFault { row: None, column: None, why: why.into() }
}

/// Reads the settlement file of this connector's provider.
///
/// # Errors
/// [`SettlementFault`]: there is no such connector, it declares no file, or the file is not one of it.
pub fn parse_settlement(connector: &str, bytes: &[u8]) -> Result<Vec<SettlementLine>, SettlementFault> {
    let known = crate::connector(connector).ok_or_else(|| fault("there is no such connector"))?;
    let settlement = known.settlement().ok_or_else(|| fault("no settlement file of this provider is known"))?;
    settlement.format.parse(bytes)
}

/// Reads any file by a mapping.
///
/// # Errors
/// [`SettlementFault`]: the mapping is none, or the file is not what it describes.
pub fn parse_mapped(mapping: &str, bytes: &[u8]) -> Result<Vec<SettlementLine>, SettlementFault> {
    Format::from_mapping(mapping)?.parse(bytes)
}

impl Format {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SettlementFault`] names the first row and column that do not read.
    pub fn parse(&self, bytes: &[u8]) -> Result<Vec<SettlementLine>, SettlementFault> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(fault(format!("a settlement file has at most {FILE_BYTES_MAX} bytes")));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let mut record = csv::StringRecord::new();
        let mut row = 0u64;
        let mut places = None;
        let mut lines = vec![];
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => row = row_before(reader.position(), bytes),
                Ok(false) => break,
                Err(error) => {
                    let row = error.position().map_or(row + 1, csv::Position::line);
                    return Err(at_row(row, "it is not text of columns (UTF-8)"));
                }
            }
            if record.len() > COLUMNS_MAX {
                return Err(at_row(row, &format!("a row has at most {COLUMNS_MAX} columns")));
            }
            if row <= u64::from(self.preamble_rows) || record.iter().all(str::is_empty) {
                continue;
            }
            let Some(places) = &places else {
                places = Some(Places::of(&self.columns, &record, row)?);
                continue;
            };
            if lines.len() >= LINES_MAX {
                return Err(at_row(row, &format!("a settlement file has at most {LINES_MAX} lines")));
            }
            lines.push(Cells { format: self, places, record: &record, row }.line()?);
        }
        match places {
            Some(_) => Ok(lines),
            None => Err(fault("there is no row that names the columns")),
        }
    }

    /// Writes lines as the provider would. What has no column is left out.
    pub fn write(&self, lines: &[SettlementLine]) -> String {
        let columns = &self.columns;
        let mut text = "\n".repeat(self.preamble_rows as usize);
        let names = [&columns.reference, &columns.provider_reference, &columns.kind, &columns.fee, &columns.status];
        let mut named: Vec<&Text> = vec![&columns.at, &columns.amount];
        named.extend(names.into_iter().flatten());
        self.write_row(&mut text, named.iter().map(|name| name.to_string()));
        for line in lines {
            let cells = named.iter().map(|name| self.cell(line, name));
            self.write_row(&mut text, cells);
        }
        text
    }

    fn write_row(&self, text: &mut String, cells: impl Iterator<Item = String>) {
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                text.push(char::from(self.delimiter));
            }
            if cell.contains(['"', '\n', '\r', char::from(self.delimiter)]) {
                let _ = write!(text, "\"{}\"", cell.replace('"', "\"\""));
            } else {
                text.push_str(&cell);
            }
        }
        text.push('\n');
    }

    fn cell(&self, line: &SettlementLine, name: &Text) -> String {
        let columns = &self.columns;
        let named = |column: &Option<Text>| column.as_ref() == Some(name);
        if *name == columns.at {
            self.times.write(line.at)
        } else if *name == columns.amount {
            self.decimals.write(line.amount)
        } else if named(&columns.reference) {
            line.reference.clone().unwrap_or_default()
        } else if named(&columns.provider_reference) {
            line.provider_reference.clone().unwrap_or_default()
        } else if named(&columns.kind) {
            let word = self.kinds.iter().find(|(_, kind)| *kind == line.kind).map(|(word, _)| word.to_string());
            word.unwrap_or_else(|| line.kind.name().to_owned())
        } else if named(&columns.fee) {
            self.decimals.write(line.fee)
        } else {
            let word = if line.settled { self.settled.first().map(|word| word.to_string()) } else { None };
            word.unwrap_or_else(|| "PENDING".to_owned())
        }
    }

    /// Reads a mapping: how a bank's file looks, in TOML.
    ///
    /// # Errors
    /// [`SettlementFault`] says what is not understood.
    pub fn from_mapping(text: &str) -> Result<Self, SettlementFault> {
        if text.len() > MAPPING_BYTES_MAX {
            return Err(fault(format!("a mapping has at most {MAPPING_BYTES_MAX} bytes")));
        }
        let mapping: Mapping =
            toml::from_str(text).map_err(|error| fault(format!("the mapping: {}", error.message())))?;
        mapping.format()
    }
}

/// The row that ends here; empty rows are passed over and counted.
fn row_before(end: &csv::Position, bytes: &[u8]) -> u64 {
    let last = usize::try_from(end.byte()).ok().and_then(|end| bytes.get(end.checked_sub(1)?));
    end.line() - u64::from(last == Some(&b'\n'))
}

fn at_row(row: u64, why: &str) -> SettlementFault {
    SettlementFault { row: Some(row), column: None, why: why.into() }
}

/// A mapping as an operator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default)]
    preamble_rows: u32,
    #[serde(default = "point")]
    decimals: Decimals,
    times: Times,
    columns: MappedColumns,
    #[serde(default)]
    kinds: std::collections::BTreeMap<String, String>,
    #[serde(default = "payment")]
    kind: String,
    negative: Option<String>,
    #[serde(default)]
    settled: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappedColumns {
    reference: Option<String>,
    provider_reference: Option<String>,
    kind: Option<String>,
    amount: String,
    fee: Option<String>,
    at: String,
    status: Option<String>,
}

fn comma() -> String {
    ",".into()
}

fn point() -> Decimals {
    Decimals::Point
}

fn payment() -> String {
    SubjectKind::Payment.name().into()
}

fn kind(word: &str) -> Result<SubjectKind, SettlementFault> {
    let why = || fault("the mapping: a kind is payment, refund, bill or fee");
    SubjectKind::parse(word).ok_or_else(why)
}

impl Mapping {
    fn format(self) -> Result<Format, SettlementFault> {
        let delimiter = match self.delimiter.as_bytes() {
            [delimiter @ (b',' | b';' | b'|' | b'\t')] => *delimiter,
            _ => return Err(fault("the mapping: delimiter is `,`, `;`, `|` or a tabulator")),
        };
        if self.preamble_rows > PREAMBLE_ROWS_MAX {
            return Err(fault(format!("the mapping: preamble_rows is at most {PREAMBLE_ROWS_MAX}")));
        }
        if self.columns.status.is_some() == self.settled.is_empty() {
            return Err(fault("the mapping: columns.status and settled belong together"));
        }
        let kinds = self.kinds.into_iter().map(|(word, name)| Ok((Text::Owned(word), kind(&name)?)));
        let kinds = kinds.collect::<Result<Vec<_>, SettlementFault>>()?;
        if self.columns.kind.is_some() == kinds.is_empty() {
            return Err(fault("the mapping: columns.kind and kinds belong together"));
        }
        let columns = self.columns;
        Ok(Format {
            delimiter,
            preamble_rows: self.preamble_rows,
            decimals: self.decimals,
            times: self.times,
            columns: Columns {
                reference: columns.reference.map(Text::Owned),
                provider_reference: columns.provider_reference.map(Text::Owned),
                kind: columns.kind.map(Text::Owned),
                amount: Text::Owned(columns.amount),
                fee: columns.fee.map(Text::Owned),
                at: Text::Owned(columns.at),
                status: columns.status.map(Text::Owned),
            },
            kinds: Cow::Owned(kinds),
            kind: kind(&self.kind)?,
            negative: self.negative.as_deref().map(kind).transpose()?,
            settled: Cow::Owned(self.settled.into_iter().map(Text::Owned).collect()),
        })
    }
}

/// Where the columns of a file stand.
struct Places {
    reference: Option<usize>,
    provider_reference: Option<usize>,
    kind: Option<usize>,
    amount: usize,
    fee: Option<usize>,
    at: usize,
    status: Option<usize>,
}

impl Places {
    fn of(columns: &Columns, names: &csv::StringRecord, row: u64) -> Result<Self, SettlementFault> {
        let place = |name: &Text| {
            let mut found = names.iter().enumerate().filter(|(_, known)| known.eq_ignore_ascii_case(name));
            let missing =
                |why: &str| SettlementFault { row: Some(row), column: Some(name.to_string()), why: why.into() };
            match (found.next(), found.next()) {
                (Some((place, _)), None) => Ok(place),
                (None, _) => Err(missing("there is no such column")),
                (Some(_), Some(_)) => Err(missing("there are two such columns")),
            }
        };
        let wanted = |name: &Option<Text>| name.as_ref().map(place).transpose();
        Ok(Self {
            reference: wanted(&columns.reference)?,
            provider_reference: wanted(&columns.provider_reference)?,
            kind: wanted(&columns.kind)?,
            amount: place(&columns.amount)?,
            fee: wanted(&columns.fee)?,
            at: place(&columns.at)?,
            status: wanted(&columns.status)?,
        })
    }
}

/// One row.
struct Cells<'r> {
    format: &'r Format,
    places: &'r Places,
    record: &'r csv::StringRecord,
    row: u64,
}

impl Cells<'_> {
    fn line(&self) -> Result<SettlementLine, SettlementFault> {
        let Places { reference, provider_reference, kind, amount, fee, at, status } = *self.places;
        let columns = &self.format.columns;
        let (negative, said) = match self.cell(amount).strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, self.cell(amount)),
        };
        let kind = match (kind, negative) {
            (_, true) => self.format.negative.ok_or_else(|| self.wrong(&columns.amount, "it is negative"))?,
            (Some(place), false) => self.kind(self.cell(place))?,
            (None, false) => self.format.kind,
        };
        let word = |word: &Text| word.eq_ignore_ascii_case(status.map_or("", |place| self.cell(place)));
        let amount_fault = |name: &Text| self.wrong(name, "it is not an amount of rupiah as the format writes it");
        let parse = |text: &str| self.format.decimals.parse(text);
        let fee_name = columns.fee.as_ref().unwrap_or(&columns.amount);
        let fee = match fee.map(|place| self.cell(place)) {
            // What is kept is written as a cost by some and as a part by others.
            Some(text) if !text.is_empty() => {
                parse(text.strip_prefix('-').unwrap_or(text)).ok_or_else(|| amount_fault(fee_name))?
            }
            _ => Amount::ZERO,
        };
        Ok(SettlementLine {
            row: u32::try_from(self.row).unwrap_or(u32::MAX),
            kind,
            reference: self.reference(reference, columns.reference.as_ref())?,
            provider_reference: self.reference(provider_reference, columns.provider_reference.as_ref())?,
            amount: parse(said).ok_or_else(|| amount_fault(&columns.amount))?,
            fee,
            at: self.format.times.parse(self.cell(at)).ok_or_else(|| {
                self.wrong(&columns.at, "it is not a time as the format writes it, of the years 2000 to 2199")
            })?,
            settled: status.is_none() || self.format.settled.iter().any(word),
        })
    }

    fn cell(&self, place: usize) -> &str {
        self.record.get(place).unwrap_or_default()
    }

    fn kind(&self, said: &str) -> Result<SubjectKind, SettlementFault> {
        let found = self.format.kinds.iter().find(|(word, _)| word.eq_ignore_ascii_case(said));
        let name = || self.format.columns.kind.clone().unwrap_or_default();
        found.map(|(_, kind)| *kind).ok_or_else(|| self.wrong(&name(), "the format does not say what this word means"))
    }

    fn reference(&self, place: Option<usize>, name: Option<&Text>) -> Result<Option<String>, SettlementFault> {
        let (Some(place), Some(name)) = (place, name) else { return Ok(None) };
        let text = self.cell(place);
        if text.len() > TEXT_MAX {
            return Err(self.wrong(name, &format!("a reference has at most {TEXT_MAX} bytes")));
        }
        if text.chars().any(char::is_control) {
            return Err(self.wrong(name, "a reference has no control characters"));
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    fn wrong(&self, column: &Text, why: &str) -> SettlementFault {
        SettlementFault { row: Some(self.row), column: Some(column.to_string()), why: why.into() }
    }
}

impl Decimals {
    /// Reads an amount; none when it is not one.
    fn parse(self, text: &str) -> Option<Amount> {
        let text = text.strip_prefix("Rp").unwrap_or(text).trim();
        match self {
            Self::Point => {
                let text = text.replace(',', "");
                if text.contains('.') { Amount::parse_snap(&text).ok() } else { Amount::parse_rupiah(&text).ok() }
            }
            Self::Comma if text.contains(',') => Amount::parse_indonesian(text).ok(),
            Self::Comma => Amount::parse_indonesian(&format!("{text},00")).ok(),
            Self::None => Amount::parse_rupiah(text).ok(),
        }
    }

    fn write(self, amount: Amount) -> String {
        match self {
            Self::Point => amount.snap_text(),
            Self::Comma => amount.snap_text().replace('.', ","),
            Self::None => (amount.sen() / 100).to_string(),
        }
    }
}

impl Times {
    /// Reads a time; none when it is not one, or of no century that anybody settles in.
    fn parse(self, text: &str) -> Option<Instant> {
        let jakarta = |date: &str, time: &str| {
            let time = if time.is_empty() { "00:00:00" } else { time };
            Instant::parse(&format!("{date}T{time}+07:00")).ok()
        };
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
        let at = match self {
            Self::Offset => Instant::parse(text).ok(),
            Self::YearFirst => jakarta(&date.replace('/', "-"), time.trim()),
            Self::DayFirst => {
                let date = date.replace('/', "-");
                let mut parts = date.split('-');
                let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
                if parts.next().is_some() {
                    return None;
                }
                jakarta(&format!("{year}-{month}-{day}"), time.trim())
            }
        };
        at.filter(|at| (20_000_101..=21_991_231).contains(&at.jakarta_day().number()))
    }

    fn write(self, at: Instant) -> String {
        let text = at.jakarta_text();
        match self {
            Self::Offset => at.wire_text(),
            Self::YearFirst => text,
            Self::DayFirst => format!("{}/{}/{}{}", &text[8..10], &text[5..7], &text[..4], &text[10..]),
        }
    }
}
