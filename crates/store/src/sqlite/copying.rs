//! A file as one side of a copy. Its lock keeps gateways away while the copy runs.

use std::{fs::File, path::Path};

use rusqlite::{
    Connection, Row, params_from_iter,
    types::{ToSqlOutput, Value as Sql, ValueRef},
};

use super::{connect, migrations, schema, statements as sql};
use crate::{
    StoreError,
    copy::{CopySide, Side, Table, Value},
    rows::broken,
};

/// A file.
pub(crate) struct SqliteSide {
    connection: Connection,
    _lock: File,
}

/// What the database said about a text that was made for a table.
fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Statement { statement: "COPY", source: Box::new(error) }
}

/// Refuses a file that a copy has not completed.
pub(super) fn refuse_incomplete(connection: &Connection) -> Result<(), StoreError> {
    match sql::COPY_KNOWN.first(connection, [], |_| Ok(()))? {
        Some(()) => Err(StoreError::Open("a copy into this store was begun and is not complete".into())),
        None => Ok(()),
    }
}

impl SqliteSide {
    /// Opens a file; a target is made where there is none and its schema is brought up to date.
    pub(crate) fn open(path: &Path, side: CopySide) -> Result<Self, StoreError> {
        if side == CopySide::Source && !path.exists() {
            return Err(StoreError::Open("there is no such file".into()));
        }
        let lock = connect::lock(path)?;
        let connection = match side {
            CopySide::Source => connect::side(path)?,
            CopySide::Target => {
                let mut connection = connect::writer(path)?;
                migrations::migrate(&mut connection)?;
                connection
            }
        };
        Ok(Self { connection, _lock: lock })
    }
}

fn read_value(table: &Table, column: usize, row: &Row<'_>) -> Result<Value, StoreError> {
    let name = table.columns[column].0;
    Ok(match row.get_ref(column).map_err(failed)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => Value::Text(
            String::from_utf8(text.to_vec()).map_err(|error| broken(table.name, format!("{name}: {error}")))?,
        ),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(broken(table.name, format!("{name} holds a fraction"))),
    })
}

fn bound(value: &Value) -> ToSqlOutput<'_> {
    match value {
        Value::Null => ToSqlOutput::Owned(Sql::Null),
        Value::Integer(number) => ToSqlOutput::Owned(Sql::Integer(*number)),
        Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
    }
}

impl SqliteSide {
    fn rows(
        &self,
        table: &Table,
        text: &str,
        params: &[ToSqlOutput<'_>],
        columns: usize,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let mut prepared = self.connection.prepare_cached(text).map_err(failed)?;
        let mut rows = prepared.query(params_from_iter(params)).map_err(failed)?;
        let mut all = vec![];
        while let Some(row) = rows.next().map_err(failed)? {
            all.push((0..columns).map(|column| read_value(table, column, row)).collect::<Result<_, _>>()?);
        }
        Ok(all)
    }
}

impl Side for SqliteSide {
    fn is_alone(&mut self) -> Result<bool, StoreError> {
        // Whoever opens the file takes its lock, which is ours.
        Ok(true)
    }

    fn is_current(&mut self) -> Result<bool, StoreError> {
        Ok(schema::pending(&self.connection)?.is_empty())
    }

    fn begun(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if sql::COPY_KNOWN.first(&self.connection, [], |_| Ok(()))?.is_none() {
            return Ok(None);
        }
        let text = "SELECT gateway FROM store_copy LIMIT 1";
        self.connection.query_row(text, [], |row| row.get(0)).map(Some).map_err(failed)
    }

    fn begin(&mut self, gateway: &[u8]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction().map_err(failed)?;
        let made = "CREATE TABLE store_copy (table_name TEXT PRIMARY KEY, gateway BLOB NOT NULL, \
                    rows INTEGER NOT NULL) STRICT";
        transaction.execute(made, []).map_err(failed)?;
        for table in crate::copy::TABLES {
            let insert = "INSERT INTO store_copy (table_name, gateway, rows) VALUES ($1, $2, 0)";
            transaction.execute(insert, rusqlite::params![table.name, gateway]).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.connection.execute("DROP TABLE store_copy", []).map_err(failed)?;
        sql::CHECKPOINT_TRUNCATE.first(&self.connection, [], |_| Ok(())).map(drop)
    }

    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let count = self.connection.query_row(&table.select_count(), [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(failed)
    }

    fn written(&mut self, table: &Table) -> Result<u64, StoreError> {
        let text = "SELECT rows FROM store_copy WHERE table_name = $1";
        let rows = self.connection.query_row(text, [table.name], |row| row.get::<_, i64>(0));
        rows.map(i64::unsigned_abs).map_err(failed)
    }

    fn read(&mut self, table: &Table, after: Option<&[Value]>, limit: usize) -> Result<Vec<Vec<Value>>, StoreError> {
        let mut params: Vec<ToSqlOutput<'_>> = after.unwrap_or_default().iter().map(bound).collect();
        params.push(ToSqlOutput::Owned(Sql::Integer(i64::try_from(limit).unwrap_or(i64::MAX))));
        self.rows(table, &table.select(after.is_some()), &params, table.columns.len())
    }

    fn last(&mut self, table: &Table) -> Result<Option<Vec<Value>>, StoreError> {
        Ok(self.rows(table, &table.select_last(), &[], table.key)?.pop())
    }

    fn write(&mut self, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            let mut insert = transaction.prepare_cached(&insert(table)).map_err(failed)?;
            for row in rows {
                insert.execute(params_from_iter(row.iter().map(bound))).map_err(failed)?;
            }
        }
        let count = "UPDATE store_copy SET rows = rows + $1 WHERE table_name = $2";
        let added = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        transaction.execute(count, rusqlite::params![added, table.name]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        // What was written moves into the file, so that the log stays as small as a chunk.
        sql::CHECKPOINT_PASSIVE.first(&self.connection, [], |_| Ok(())).map(drop)
    }
}

/// Writes one row.
fn insert(table: &Table) -> String {
    let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("${place}")).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", table.name, table.names(table.columns.len()), places.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::copy::TABLES;

    #[test]
    fn every_table_and_column_is_copied_and_every_statement_prepares() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrations::migrate(&mut connection).unwrap();
        let mut names = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        let names: BTreeSet<String> = names.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let copied = TABLES.iter().map(|table| table.name.to_owned()).chain(["schema_migrations".into()]).collect();
        assert_eq!(names, copied);
        for table in TABLES {
            let names = |condition: &str| -> Vec<String> {
                let question = format!("SELECT name FROM pragma_table_info('{}') {condition}", table.name);
                let mut columns = connection.prepare(&question).unwrap();
                columns.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
            };
            let copied: BTreeSet<String> = table.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(names("").into_iter().collect::<BTreeSet<_>>(), copied, "{}", table.name);
            assert_eq!(names("WHERE pk > 0 ORDER BY pk").join(", "), table.names(table.key));
            for text in
                [table.select(true), table.select(false), table.select_last(), table.select_count(), insert(table)]
            {
                assert!(connection.prepare(&text).is_ok(), "{text}");
            }
        }
    }
}
