//! A database as one side of a copy. No lock tells whether a gateway uses it, but every gateway's connections bear the
//! program's name.

use std::time::{Duration, Instant as Moment};

use tokio_postgres::{Client, Row, types::ToSql};
use uuid::Uuid;

use super::{
    Inner, PostgresOptions,
    line::{Line, Param},
    lookups::{put, take},
    migrations,
};
use crate::{
    StoreError,
    copy::{CopySide, Kind, Side, TABLES, Table, Value},
    rows::broken,
};

/// How long a server may take to notice that a gateway has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections to this database of gateways, and of other copies.
const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND application_name = 'gerbang' AND pid <> pg_backend_pid()";
const KNOWN: &str = "SELECT to_regclass('store_copy') IS NOT NULL";
const BEGUN: &str = "SELECT gateway FROM store_copy LIMIT 1";
const MAKE: &str = "CREATE TABLE store_copy (table_name TEXT COLLATE \"C\" PRIMARY KEY, gateway BYTEA NOT NULL, \
    rows BIGINT NOT NULL)";
const BEGIN: &str = "INSERT INTO store_copy (table_name, gateway, rows) VALUES ($1, $2, 0)";
const WRITTEN: &str = "SELECT rows FROM store_copy WHERE table_name = $1";
const COUNT: &str = "UPDATE store_copy SET rows = rows + $1 WHERE table_name = $2";
const END: &str = "DROP TABLE store_copy";
/// A whole table may be counted, and a commit may wait for a disk that is busy with the copy.
const NO_TIMEOUTS: &str = "SET statement_timeout = 0; SET synchronous_commit = on";

/// A database.
pub(crate) struct PostgresSide {
    line: Line,
}

fn failed(error: tokio_postgres::Error) -> StoreError {
    StoreError::Statement { statement: "COPY", source: Box::new(error) }
}

/// Refuses a database that a copy has not completed.
pub(super) fn refuse_incomplete(line: &mut Line) -> Result<(), StoreError> {
    match line.with_client(async |client| is_known(client).await)? {
        true => Err(StoreError::Open("a copy into this store was begun and is not complete".into())),
        false => Ok(()),
    }
}

async fn is_known(client: &Client) -> Result<bool, StoreError> {
    client.query_one(KNOWN, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)
}

impl PostgresSide {
    /// Opens a database; a target's schema is brought up to date.
    pub(crate) fn open(url: &str, options: &PostgresOptions, side: CopySide) -> Result<Self, StoreError> {
        let inner = Inner::sealing_nothing(url, options.clone())?;
        if side == CopySide::Target {
            migrations::migrate(&inner)?;
        }
        let mut line = Line::connect(&inner)?;
        line.with_client(async |client| client.batch_execute(NO_TIMEOUTS).await).map_err(failed)?;
        Ok(Self { line })
    }

    fn rows(
        &mut self,
        table: &Table,
        text: &str,
        params: &[Param<'_>],
        columns: usize,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let rows = self.query(text, params)?;
        let read = |row: &Row| (0..columns).map(|column| read_value(table, column, row)).collect();
        rows.iter().map(read).collect()
    }

    fn query(&mut self, text: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| &**param as _).collect();
        self.line.with_client(async |client| client.query(text, &params).await).map_err(failed)
    }

    fn number(&mut self, text: &str, params: &[Param<'_>]) -> Result<i64, StoreError> {
        match self.query(text, params)?.first() {
            Some(row) => take("store_copy", row, 0),
            None => Err(broken("store_copy", "a row is missing")),
        }
    }
}

fn read_value(table: &Table, column: usize, row: &Row) -> Result<Value, StoreError> {
    let name = table.name;
    let value = match table.columns[column].1 {
        Kind::Id => take::<Option<Uuid>>(name, row, column)?.map(|id| Value::Bytes(id.into_bytes().to_vec())),
        Kind::Integer => take::<Option<i64>>(name, row, column)?.map(Value::Integer),
        Kind::Flag => take::<Option<bool>>(name, row, column)?.map(|flag| Value::Integer(flag.into())),
        Kind::Text => take::<Option<String>>(name, row, column)?.map(Value::Text),
        Kind::Bytes => take::<Option<Vec<u8>>>(name, row, column)?.map(Value::Bytes),
    };
    Ok(value.unwrap_or(Value::Null))
}

/// The values of a column, each as the column's kind; an error where one is of another kind.
fn column_of<'v, T>(
    table: &Table,
    column: usize,
    values: impl Iterator<Item = &'v Value>,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<Option<T>>, StoreError> {
    let read = |value: &Value| match value {
        Value::Null => Ok(None),
        other => read(other).map(Some).ok_or_else(|| {
            broken(table.name, format!("{} is not {:?}", table.columns[column].0, table.columns[column].1))
        }),
    };
    values.map(read).collect()
}

/// A column of several rows as one parameter: an array.
fn array<'p>(table: &Table, column: usize, rows: &'p [Vec<Value>]) -> Result<Param<'p>, StoreError> {
    let values = rows.iter().map(|row| &row[column]);
    Ok(match table.columns[column].1 {
        Kind::Id => put(column_of(table, column, values, id)?),
        Kind::Integer => put(column_of(table, column, values, integer)?),
        Kind::Flag => put(column_of(table, column, values, |value| integer(value).map(|number| number != 0))?),
        Kind::Text => put(column_of(table, column, values, text)?),
        Kind::Bytes => put(column_of(table, column, values, bytes)?),
    })
}

fn id(value: &Value) -> Option<Uuid> {
    bytes(value).and_then(|bytes| Uuid::from_slice(&bytes).ok())
}

fn integer(value: &Value) -> Option<i64> {
    if let Value::Integer(number) = value { Some(*number) } else { None }
}

fn text(value: &Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text.clone()) } else { None }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    if let Value::Bytes(bytes) = value { Some(bytes.clone()) } else { None }
}

/// A part of a key as a parameter.
fn key_part<'p>(kind: Kind, value: &Value) -> Param<'p> {
    match kind {
        Kind::Id => put(id(value)),
        Kind::Integer => put(integer(value)),
        Kind::Flag => put(integer(value).map(|number| number != 0)),
        Kind::Text => put(text(value)),
        Kind::Bytes => put(bytes(value)),
    }
}

/// Writes rows given as one array per column.
fn insert(table: &Table) -> String {
    let kind = |kind| match kind {
        Kind::Id => "uuid",
        Kind::Integer => "bigint",
        Kind::Flag => "boolean",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    };
    let columns = (1..).zip(table.columns);
    let arrays: Vec<String> = columns.map(|(place, column)| format!("${place}::{}[]", kind(column.1))).collect();
    let names = table.names(table.columns.len());
    format!("INSERT INTO {} ({names}) SELECT * FROM unnest({})", table.name, arrays.join(", "))
}

impl Side for PostgresSide {
    fn is_alone(&mut self) -> Result<bool, StoreError> {
        let until = Moment::now() + PATIENCE;
        loop {
            if self.number(OTHERS, &[])? == 0 {
                return Ok(true);
            }
            if Moment::now() >= until {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn is_current(&mut self) -> Result<bool, StoreError> {
        self.line.with_client(async |client| migrations::pending(client).await).map(|pending| pending.is_empty())
    }

    fn begun(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.line.with_client(async |client| is_known(client).await)? {
            return Ok(None);
        }
        self.query(BEGUN, &[])?.first().map(|row| take("store_copy", row, 0)).transpose()
    }

    fn begin(&mut self, gateway: &[u8]) -> Result<(), StoreError> {
        self.line
            .with_client(async |client| {
                let transaction = client.transaction().await?;
                transaction.batch_execute(MAKE).await?;
                for table in TABLES {
                    transaction.execute(BEGIN, &[&table.name, &gateway]).await?;
                }
                transaction.commit().await
            })
            .map_err(failed)
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.line.with_client(async |client| client.batch_execute(END).await).map_err(failed)
    }

    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        self.number(&table.select_count(), &[]).map(i64::unsigned_abs)
    }

    fn written(&mut self, table: &Table) -> Result<u64, StoreError> {
        self.number(WRITTEN, &[put(table.name)]).map(i64::unsigned_abs)
    }

    fn read(&mut self, table: &Table, after: Option<&[Value]>, limit: usize) -> Result<Vec<Vec<Value>>, StoreError> {
        let key = table.columns.iter().zip(after.unwrap_or_default());
        let mut params: Vec<Param<'_>> = key.map(|((_, kind), value)| key_part(*kind, value)).collect();
        params.push(put(i64::try_from(limit).unwrap_or(i64::MAX)));
        self.rows(table, &table.select(after.is_some()), &params, table.columns.len())
    }

    fn last(&mut self, table: &Table) -> Result<Option<Vec<Value>>, StoreError> {
        Ok(self.rows(table, &table.select_last(), &[], table.key)?.pop())
    }

    fn write(&mut self, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let columns: Vec<Param<'_>> =
            (0..table.columns.len()).map(|column| array(table, column, rows)).collect::<Result<_, _>>()?;
        let columns: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|param| &**param as _).collect();
        let insert = insert(table);
        let added = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        self.line
            .with_client(async |client| {
                let transaction = client.transaction().await?;
                transaction.execute(&insert, &columns).await?;
                transaction.execute(COUNT, &[&added, &table.name]).await?;
                transaction.commit().await
            })
            .map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use postgres_harness::TestDatabase;

    use super::*;

    #[test]
    fn every_table_and_column_is_copied_and_every_statement_prepares() {
        let database = TestDatabase::empty();
        let mut side = PostgresSide::open(database.url(), &PostgresOptions::default(), CopySide::Target).unwrap();
        let found = database.ask(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' \
             AND table_name NOT IN ('schema_migrations', 'writer_sessions')",
        );
        let found: BTreeSet<(String, String)> = found.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        let columns = TABLES
            .iter()
            .flat_map(|table| table.columns.iter().map(|(column, _)| (table.name.to_owned(), (*column).to_owned())));
        assert_eq!(found, columns.collect());
        for table in TABLES {
            for text in
                [table.select(true), table.select(false), table.select_last(), table.select_count(), insert(table)]
            {
                let prepared = side.line.with_client(async |client| client.prepare(&text).await);
                assert!(prepared.is_ok(), "{text}: {:?}", prepared.err());
            }
        }
    }
}
