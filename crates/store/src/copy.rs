//! A whole gateway from one store to another, in either direction: the columns of every table as they stand, sealed
//! values unopened, in the order of the primary keys, so that what was copied tells where to go on.
//!
//! While a target is incomplete a table of progress stands in it, and no gateway starts on it. At the end both sides are
//! read once more and compared row by row through a digest.

use std::{collections::BTreeMap, ops::ControlFlow};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;

use crate::{
    PostgresOptions, StoreError,
    open::{Engine, engine},
    postgres, sqlite,
};

/// Rows that are read, and written in one transaction, at a time.
const CHUNK_ROWS: usize = 1_000;

/// How a column's values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 16 bytes.
    Id,
    Integer,
    /// 0 or 1.
    Flag,
    Text,
    Bytes,
}

/// A column's value, the same from both engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A table as it is copied.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Every column; those of the primary key come first.
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// How many columns the primary key has.
    pub(crate) key: usize,
}

use Kind::{Bytes, Flag, Id, Integer, Text};

/// Every table of both engines.
pub(crate) const TABLES: &[Table] = &[
    Table { name: "merchants", key: 1, columns: &[("code", Text), ("format", Integer), ("detail", Bytes)] },
    Table {
        name: "requests",
        key: 3,
        columns: &[
            ("day", Integer),
            ("merchant", Text),
            ("external_id", Text),
            ("id", Id),
            ("service", Text),
            ("operation", Text),
            ("partner_reference", Text),
            ("digest", Bytes),
            ("received_at", Integer),
            ("replay", Flag),
            ("answer_status", Integer),
            ("answer_body", Bytes),
        ],
    },
    Table {
        name: "auth_codes",
        key: 1,
        columns: &[
            ("id", Id),
            ("code", Bytes),
            ("page", Bytes),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "links",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("product", Text),
            ("phone_index", Bytes),
            ("page", Bytes),
            ("account_token", Bytes),
            ("card_token", Bytes),
            ("created_at", Integer),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "payments",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("page", Bytes),
            ("amount_sen", Integer),
            ("created_at", Integer),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "account_creations",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("product", Text),
            ("phone_index", Bytes),
            ("page", Bytes),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "notifications",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("kind", Text),
            ("subject", Id),
            ("created_at", Integer),
            ("state", Text),
            ("halted", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "bills",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("order_index", Id),
            ("taken", Flag),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "ledger_accounts",
        key: 1,
        columns: &[
            ("name", Text),
            ("class", Text),
            ("merchant", Text),
            ("provider", Text),
            ("balance_sen", Integer),
            ("held_sen", Integer),
            ("sequence", Integer),
            ("digest", Bytes),
        ],
    },
    Table {
        name: "ledger_entries",
        key: 2,
        columns: &[
            ("account", Text),
            ("sequence", Integer),
            ("journal", Id),
            ("kind", Text),
            ("purpose", Text),
            ("subject", Id),
            ("created_at", Integer),
            ("change_sen", Integer),
            ("held_change_sen", Integer),
            ("balance_sen", Integer),
            ("held_sen", Integer),
            ("digest", Bytes),
        ],
    },
    Table {
        name: "top_ups",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("reference", Text),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "invoices",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("from_sequence", Integer),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "refunds",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("payment", Id),
            ("kind", Text),
            ("reference", Text),
            ("amount_sen", Integer),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "rulings",
        key: 1,
        columns: &[
            ("id", Id),
            ("merchant", Text),
            ("about", Id),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "endpoints",
        key: 2,
        columns: &[("merchant", Text), ("kind", Text), ("state", Text), ("format", Integer), ("detail", Bytes)],
    },
    Table {
        name: "exchanges",
        key: 1,
        columns: &[("id", Id), ("about", Id), ("at", Integer), ("format", Integer), ("detail", Bytes)],
    },
    Table { name: "open_cases", key: 2, columns: &[("kind", Text), ("id", Id)] },
    Table { name: "invoice_books", key: 1, columns: &[("merchant", Text), ("format", Integer), ("detail", Bytes)] },
    Table {
        name: "settlement_files",
        key: 1,
        columns: &[
            ("id", Id),
            ("provider", Text),
            ("day", Integer),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "reconciliation_items",
        key: 1,
        columns: &[
            ("id", Id),
            ("provider", Text),
            ("file", Id),
            ("claim", Text),
            ("bucket", Text),
            ("state", Text),
            ("format", Integer),
            ("detail", Bytes),
        ],
    },
    Table {
        name: "tasks",
        key: 1,
        columns: &[("id", Id), ("due_at", Integer), ("attempts", Integer), ("format", Integer), ("detail", Bytes)],
    },
    Table {
        name: "provider_notices",
        key: 1,
        columns: &[("id", Id), ("connector", Text), ("received_at", Integer), ("raw", Bytes)],
    },
    VAULT_CHECK,
];

/// What tells one gateway's store from another's: sealed anew for each.
const VAULT_CHECK: Table = Table { name: "vault_check", key: 1, columns: &[("number", Integer), ("sealed", Bytes)] };

/// One of the two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopySide {
    /// Where the gateway is.
    Source,
    /// Where it goes.
    Target,
}

impl std::fmt::Display for CopySide {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// Why a gateway was not copied. What was copied stays, and the same copy goes on there.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A store failed.
    #[error("the {0} of the copy")]
    Store(CopySide, #[source] StoreError),
    /// The source was never a gateway's, or is itself an incomplete copy.
    #[error("the source holds no whole gateway")]
    NoGateway,
    /// The source's schema is not this gateway's.
    #[error("the source's schema is not up to date")]
    OldSchema,
    /// A gateway is running on it.
    #[error("a gateway is using the {0}")]
    InUse(CopySide),
    /// The target holds a gateway, this one or another.
    #[error("the target holds a gateway already")]
    Occupied,
    /// Both sides were read once more and are not the same.
    #[error("table {table} is not the same on both sides: {source_rows} and {target_rows} rows")]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows of the source.
        source_rows: u64,
        /// Rows of the target.
        target_rows: u64,
    },
    /// Whoever was told of the progress wished it.
    #[error("the copy was stopped before its end")]
    Stopped,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// What is being done with the table.
    pub phase: CopyPhase,
    /// The table.
    pub table: &'static str,
    /// Rows that are done.
    pub rows: u64,
    /// Rows that there are.
    pub of: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPhase {
    /// Rows are copied.
    Copying,
    /// Both sides are read and compared.
    Comparing,
}

/// A gateway that was copied and compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// Every table, the same on both sides.
    pub tables: Vec<CopiedTable>,
    /// The payments, the same on both sides.
    pub books: Vec<CopiedBook>,
}

/// A table that is the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// SHA-256 over every row's every column in the order of the keys, hexadecimal; the same whatever the engine.
    pub sha256: String,
}

/// A merchant's payments in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopiedBook {
    /// The merchant.
    pub merchant: String,
    /// The state.
    pub state: String,
    /// How many payments.
    pub payments: u64,
    /// Their sum, in sen.
    pub sum_sen: i128,
}

/// What both engines do for a copy.
pub(crate) trait Side {
    /// Whether no gateway uses the store.
    fn is_alone(&mut self) -> Result<bool, StoreError>;
    /// Whether the schema is this gateway's.
    fn is_current(&mut self) -> Result<bool, StoreError>;
    /// The gateway that a begun copy into this store is of.
    fn begun(&mut self) -> Result<Option<Vec<u8>>, StoreError>;
    /// Begins a copy: makes the table of progress.
    fn begin(&mut self, gateway: &[u8]) -> Result<(), StoreError>;
    /// Ends it: removes the table.
    fn end(&mut self) -> Result<(), StoreError>;
    /// How many rows a table has.
    fn count(&mut self, table: &Table) -> Result<u64, StoreError>;
    /// How many rows of a table the copy has written.
    fn written(&mut self, table: &Table) -> Result<u64, StoreError>;
    /// The next rows after this key in the order of the keys; from the first one when there is none.
    fn read(&mut self, table: &Table, after: Option<&[Value]>, limit: usize) -> Result<Vec<Vec<Value>>, StoreError>;
    /// The greatest key.
    fn last(&mut self, table: &Table) -> Result<Option<Vec<Value>>, StoreError>;
    /// Writes new rows and counts them, in one transaction.
    fn write(&mut self, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError>;
}

/// Copies the gateway in `from` to `to`, or goes on with a copy that was begun; both by URL. The target may be empty or
/// not exist (a database must exist). `told` hears of every chunk and may end the copy there. Both sides must be unused;
/// whoever starts a gateway on the source meanwhile will find that the two differ.
///
/// # Errors
///
/// [`CopyError`].
pub fn copy(
    from: &str,
    to: &str,
    options: &PostgresOptions,
    told: &mut dyn FnMut(CopyProgress) -> ControlFlow<()>,
) -> Result<CopyReport, CopyError> {
    let mut source = open(CopySide::Source, from, options)?;
    let gateway = {
        let source = source.as_mut();
        if !source.is_current().map_err(of_source)? {
            return Err(CopyError::OldSchema);
        }
        let begun = source.begun().map_err(of_source)?;
        gateway_of(source).map_err(of_source)?.filter(|_| begun.is_none()).ok_or(CopyError::NoGateway)?
    };
    let mut target = open(CopySide::Target, to, options)?;
    let (source, target) = (source.as_mut(), target.as_mut());
    take(target, &gateway)?;
    for table in TABLES {
        copy_table(source, target, table, told)?;
    }
    let report = compare(source, target, told)?;
    target.end().map_err(of_target)?;
    Ok(report)
}

fn of_source(error: StoreError) -> CopyError {
    CopyError::Store(CopySide::Source, error)
}

fn of_target(error: StoreError) -> CopyError {
    CopyError::Store(CopySide::Target, error)
}

fn open(side: CopySide, url: &str, options: &PostgresOptions) -> Result<Box<dyn Side>, CopyError> {
    let opened = engine(url).and_then(|engine| {
        Ok(match engine {
            Engine::Sqlite(path) => Box::new(sqlite::copying::SqliteSide::open(path, side)?) as Box<dyn Side>,
            Engine::Postgres(url) => Box::new(postgres::copying::PostgresSide::open(url, options, side)?),
        })
    });
    let mut opened = opened.map_err(|error| match error {
        StoreError::InUse => CopyError::InUse(side),
        other => CopyError::Store(side, other),
    })?;
    match opened.is_alone().map_err(|error| CopyError::Store(side, error))? {
        true => Ok(opened),
        false => Err(CopyError::InUse(side)),
    }
}

/// Which gateway a store is of.
fn gateway_of(side: &mut dyn Side) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(side.read(&VAULT_CHECK, None, 1)?.pop().and_then(|mut row| match row.pop() {
        Some(Value::Bytes(sealed)) => Some(sealed),
        _ => None,
    }))
}

/// Makes sure that the target is for this gateway alone.
fn take(target: &mut dyn Side, gateway: &[u8]) -> Result<(), CopyError> {
    match target.begun().map_err(of_target)? {
        Some(begun) if begun == gateway => return Ok(()),
        Some(_) => return Err(CopyError::Occupied),
        None => {}
    }
    for table in TABLES {
        if target.last(table).map_err(of_target)?.is_some() {
            return Err(CopyError::Occupied);
        }
    }
    target.begin(gateway).map_err(of_target)
}

fn copy_table(
    source: &mut dyn Side,
    target: &mut dyn Side,
    table: &'static Table,
    told: &mut dyn FnMut(CopyProgress) -> ControlFlow<()>,
) -> Result<(), CopyError> {
    let of = source.count(table).map_err(of_source)?;
    let mut after = target.last(table).map_err(of_target)?;
    loop {
        let rows = target.written(table).map_err(of_target)?;
        if told(CopyProgress { phase: CopyPhase::Copying, table: table.name, rows, of }).is_break() {
            return Err(CopyError::Stopped);
        }
        let chunk = source.read(table, after.as_deref(), CHUNK_ROWS).map_err(of_source)?;
        let Some(last) = chunk.last() else { return Ok(()) };
        after = Some(last[..table.key].to_vec());
        target.write(table, &chunk).map_err(of_target)?;
    }
}

/// A table's rows as read once from one side.
struct Reading {
    rows: u64,
    digest: String,
    books: BTreeMap<(String, String), (u64, i128)>,
}

fn compare(
    source: &mut dyn Side,
    target: &mut dyn Side,
    told: &mut dyn FnMut(CopyProgress) -> ControlFlow<()>,
) -> Result<CopyReport, CopyError> {
    let mut tables = vec![];
    let mut books = vec![];
    for table in TABLES {
        let of = target.written(table).map_err(of_target)?;
        let mut tell = |rows| match told(CopyProgress { phase: CopyPhase::Comparing, table: table.name, rows, of }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CopyError::Stopped),
        };
        let here = read_all(source, table, of_source, &mut tell)?;
        let there = read_all(target, table, of_target, &mut tell)?;
        if here.digest != there.digest || here.rows != there.rows || here.books != there.books {
            let (source_rows, target_rows) = (here.rows, there.rows);
            return Err(CopyError::Differs { table: table.name, source_rows, target_rows });
        }
        tables.push(CopiedTable { name: table.name, rows: here.rows, sha256: here.digest });
        books.extend(here.books.into_iter().map(|((merchant, state), (payments, sum_sen))| CopiedBook {
            merchant,
            state,
            payments,
            sum_sen,
        }));
    }
    Ok(CopyReport { tables, books })
}

fn read_all(
    side: &mut dyn Side,
    table: &Table,
    failed: fn(StoreError) -> CopyError,
    tell: &mut dyn FnMut(u64) -> Result<(), CopyError>,
) -> Result<Reading, CopyError> {
    let mut digest = Context::new(&SHA256);
    let mut books = BTreeMap::new();
    let mut rows = 0;
    let mut after: Option<Vec<Value>> = None;
    loop {
        let chunk = side.read(table, after.as_deref(), CHUNK_ROWS).map_err(failed)?;
        let Some(last) = chunk.last() else { break };
        after = Some(last[..table.key].to_vec());
        for row in &chunk {
            row.iter().for_each(|value| value.digest_into(&mut digest));
            if table.name == "payments" {
                enter(&mut books, table, row);
            }
        }
        rows += chunk.len() as u64;
        tell(rows)?;
    }
    let digest = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Reading { rows, digest, books })
}

/// Enters a payment into the books.
fn enter(books: &mut BTreeMap<(String, String), (u64, i128)>, table: &Table, row: &[Value]) {
    let value = |name| table.columns.iter().zip(row).find(|((column, _), _)| *column == name).map(|(_, value)| value);
    let text = |name| match value(name) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let entry = books.entry((text("merchant"), text("state"))).or_default();
    entry.0 += 1;
    if let Some(Value::Integer(sen)) = value("amount_sen") {
        entry.1 += i128::from(*sen);
    }
}

impl Value {
    /// Adds it to a digest so that no two rows of different values give the same bytes.
    fn digest_into(&self, digest: &mut Context) {
        let (tag, number, bytes): (u8, i64, &[u8]) = match self {
            Self::Null => (0, 0, &[]),
            Self::Integer(number) => (1, *number, &[]),
            Self::Text(text) => (2, i64::try_from(text.len()).unwrap_or(i64::MAX), text.as_bytes()),
            Self::Bytes(bytes) => (3, i64::try_from(bytes.len()).unwrap_or(i64::MAX), bytes),
        };
        digest.update(&[tag]);
        digest.update(&number.to_be_bytes());
        digest.update(bytes);
    }
}

impl Table {
    /// The names of its first `count` columns.
    pub(crate) fn names(&self, count: usize) -> String {
        self.columns[..count].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Reads rows after a key (or from the first) in the order of the keys; the last parameter is how many.
    pub(crate) fn select(&self, after: bool) -> String {
        let keys = self.names(self.key);
        let places: Vec<String> = (1..=self.key).map(|place| format!("${place}")).collect();
        let (condition, limit) = match after {
            true => (format!(" WHERE ({keys}) > ({})", places.join(", ")), self.key + 1),
            false => (String::new(), 1),
        };
        let columns = self.names(self.columns.len());
        format!("SELECT {columns} FROM {}{condition} ORDER BY {keys} LIMIT ${limit}", self.name)
    }

    /// Reads the greatest key.
    pub(crate) fn select_last(&self) -> String {
        let keys = self.names(self.key);
        format!("SELECT {keys} FROM {} ORDER BY {} DESC LIMIT 1", self.name, keys.replace(", ", " DESC, "))
    }

    /// Counts its rows.
    pub(crate) fn select_count(&self) -> String {
        format!("SELECT count(*) FROM {}", self.name)
    }
}
