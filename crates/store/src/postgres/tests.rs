//! What no test through the port can see: the statements' types and plans, the two engines' schemas side by side, and
//! what a server must be.

use std::collections::{BTreeMap, BTreeSet};

use postgres_harness::TestDatabase;
use rusqlite::Connection;

use super::*;

/// A database with nothing in it, as the store holds it.
pub(super) fn inner(database: &TestDatabase) -> Inner {
    let vault = Vault::new([1; 32], Box::new(|_| Ok(())));
    Inner::new(database.url(), PostgresOptions::default(), vault).unwrap()
}

/// A migrated database.
fn migrated() -> (TestDatabase, Inner) {
    let database = TestDatabase::empty();
    let inner = inner(&database);
    migrations::migrate(&inner).unwrap();
    (database, inner)
}

#[test]
fn every_statement_prepares_and_its_types_are_as_declared() {
    let (_database, inner) = migrated();
    let mut line = Line::connect(&inner).unwrap();
    for statement in sql::ALL {
        let prepared = line.with_client(|client| client.prepare(statement.text));
        let prepared = prepared.unwrap_or_else(|error| panic!("{statement:?}: {error:?}"));
        let gives: Vec<_> = prepared.columns().iter().map(|column| column.type_().clone()).collect();
        assert_eq!(prepared.params(), statement.takes, "{}", statement.name);
        assert_eq!(gives, statement.gives, "{}", statement.name);
    }
}

#[test]
fn names_are_unique_and_parameters_are_numbered_in_the_order_of_their_first_use() {
    for statement in sql::ALL {
        let same = sql::ALL.iter().filter(|other| other.name == statement.name || other.text == statement.text);
        assert_eq!(same.count(), 1, "{statement:?}");
        let mut highest = 0;
        for part in statement.text.split('$').skip(1) {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            let number: u32 = digits.parse().unwrap();
            assert!(number <= highest + 1, "{statement:?}");
            highest = highest.max(number);
        }
    }
}

/// Plans made while the tables are empty must serve when they are full.
#[test]
fn keys_are_found_by_index_whatever_the_statistics_say() {
    let (database, inner) = migrated();
    let whole = ["MERCHANTS", "VAULT_CHECK", "LINK_COUNTS", "SESSIONS_PRUNE"];
    for statement in sql::ALL.iter().filter(|statement| !whole.contains(&statement.name)) {
        if !["SELECT", "WITH", "UPDATE", "DELETE", "INSERT"].iter().any(|verb| statement.text.starts_with(verb)) {
            continue;
        }
        let types: Vec<_> = statement.takes.iter().map(tokio_postgres::types::Type::name).collect();
        let types = if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) };
        let nulls = vec!["NULL"; statement.takes.len()].join(", ");
        let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        let plan = database.ask(&format!(
            "{}; SET plan_cache_mode = force_generic_plan; PREPARE asked{types} AS {}; EXPLAIN EXECUTE asked{nulls}",
            inner.options.set_up(),
            statement.text
        ));
        assert!(!plan.is_empty());
        let scans: Vec<_> = plan.iter().flatten().filter(|step| step.contains("Seq Scan")).collect();
        assert!(scans.is_empty(), "{}: {plan:#?}", statement.name);
    }
}

/// Tables of one engine alone.
const POSTGRES_ALONE: &str = "writer_sessions";

/// Columns by table and name, and whether they may be null.
type Columns = BTreeMap<(String, String), bool>;
/// Every unique key by table: its columns, in their order.
type UniqueKeys = BTreeSet<(String, Vec<String>)>;

fn sqlite_schema() -> (Columns, UniqueKeys) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    drop(crate::SqliteStore::open(&path, Vault::new([1; 32], Box::new(|_| Ok(())))).unwrap());
    let connection = Connection::open(path).unwrap();
    let ask = |text: &str| -> Vec<(String, String, bool)> {
        let mut question = connection.prepare(text).unwrap();
        let rows = question.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    // A primary key is never null, also where SQLite does not say so.
    let columns = ask("SELECT t.name, c.name, c.\"notnull\" = 0 AND c.pk = 0 FROM sqlite_schema t, \
        pragma_table_info(t.name) c WHERE t.type = 'table'");
    let columns = columns.into_iter().map(|(table, column, null)| ((table, column), null)).collect();
    // A primary key of one integer has no index of its own.
    let keys = ask("SELECT t.name || '.' || i.name, c.name, 0 FROM sqlite_schema t, pragma_index_list(t.name) i, \
        pragma_index_info(i.name) c WHERE t.type = 'table' AND i.\"unique\" UNION ALL \
        SELECT t.name || '.rowid', c.name, 0 FROM sqlite_schema t, pragma_table_info(t.name) c \
        WHERE t.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER' \
        AND 1 = (SELECT count(*) FROM pragma_table_info(t.name) WHERE pk > 0)");
    let mut unique: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (index, column, _) in keys {
        unique.entry(index).or_default().push(column);
    }
    let table = |index: &str| index.split('.').next().unwrap().to_owned();
    (columns, unique.into_iter().map(|(index, columns)| (table(&index), columns)).collect())
}

fn postgres_schema(database: &TestDatabase) -> (Columns, UniqueKeys) {
    let columns = database.ask(
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'public'",
    );
    let columns = columns
        .into_iter()
        .map(|row| ((row[0].clone(), row[1].clone()), row[2] == "YES"))
        .filter(|((table, _), _)| table != POSTGRES_ALONE)
        .collect();
    let keys = database.ask(
        "SELECT t.relname, (SELECT string_agg(a.attname, ',' ORDER BY k.place) \
         FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place) \
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) \
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
         WHERE n.nspname = 'public' AND i.indisunique",
    );
    let keys = keys
        .into_iter()
        .map(|row| (row[0].clone(), row[1].split(',').map(str::to_owned).collect()))
        .filter(|(table, _): &(String, Vec<String>)| table != POSTGRES_ALONE)
        .collect();
    (columns, keys)
}

#[test]
fn both_engines_have_the_same_tables_columns_nullability_and_unique_keys() {
    let (database, _inner) = migrated();
    let (ours, theirs) = (sqlite_schema(), postgres_schema(&database));
    assert_eq!(ours.0, theirs.0);
    assert_eq!(ours.1, theirs.1);
    assert!(ours.0.len() > 50 && ours.1.len() > 15, "{ours:?}");
}

#[test]
fn a_server_that_may_lose_what_it_confirmed_is_refused_in_production() {
    let good =
        || Server { read_only: "off", fsync: "on", full_page_writes: "on", synchronous_commit: "on", encoding: "UTF8" };
    let check = |server: Server<'_>, production: Option<&str>, sandbox: Option<&str>| {
        for (profile, expected) in [(true, production), (false, sandbox)] {
            match (server.fault(profile), expected) {
                (None, None) => {}
                (Some(fault), Some(part)) => assert!(fault.contains(part), "{fault}"),
                other => panic!("{other:?}"),
            }
        }
    };
    check(good(), None, None);
    check(Server { synchronous_commit: "remote_apply", ..good() }, None, None);
    for weaker in ["off", "local", "remote_write"] {
        check(Server { synchronous_commit: weaker, ..good() }, Some("synchronous_commit is weaker"), None);
    }
    check(Server { fsync: "off", ..good() }, Some("fsync off"), None);
    check(Server { full_page_writes: "off", ..good() }, Some("full_page_writes off"), None);
    check(Server { read_only: "on", ..good() }, Some("read-only"), Some("read-only"));
    check(Server { encoding: "SQL_ASCII", ..good() }, Some("not UTF8"), Some("not UTF8"));
}

/// Whatever else a customer's number was billed, its newest bill and its newest taken one are one look each.
#[test]
fn the_newest_bills_of_an_order_are_read_off_their_index() {
    let (database, inner) = migrated();
    let plan = database.ask(&format!(
        "{}; SET plan_cache_mode = force_generic_plan; PREPARE asked(uuid[], uuid[], uuid[]) AS {}; \
         EXPLAIN EXECUTE asked(NULL, NULL, NULL)",
        inner.options.set_up(),
        sql::BILLS_LOCK.text
    ));
    let has = |text: &str| plan.iter().flatten().filter(|step| step.contains(text)).count();
    assert_eq!(has("Index Only Scan Backward using bills_by_order"), 3, "{plan:#?}");
    assert_eq!(has("Filter"), 0, "{plan:#?}");
}
