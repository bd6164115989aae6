//! What only the embedded store promises: one gateway, one file, a log that stays short.

use lifecycle::{
    Key, PaymentId,
    payment::{Payment, PaymentStatus},
};
use store::{SqliteStore, StoreError, Writes};

use crate::{
    keeping::{Engine, Fixture, fixture, vault_with},
    samples::{self, answer, request, with_calls},
};

#[test]
fn there_is_one_gateway_and_one_writer() {
    let fixture = fixture(Engine::Sqlite);
    let path = fixture.folder().join("gateway.db");
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::InUse)));
    assert!(matches!(fixture.store.writer(), Err(StoreError::InUse)));
    let Fixture { writer, reader, store, kept: _kept } = fixture;
    drop(writer);
    let writer = store.writer().unwrap();
    drop(store);
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::InUse)), "a writer lives on");
    drop(writer);
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::InUse)), "a reader lives on");
    drop(reader);
    assert!(SqliteStore::open(&path, vault_with(1)).is_ok());
}

#[test]
fn a_database_that_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteStore::open(&folder.path().join("no/folder/gateway.db"), vault_with(1));
    assert!(matches!(missing, Err(StoreError::Open(_))));
    let path = folder.path().join("gateway.db");
    std::fs::write(&path, vec![7; 8192]).unwrap();
    assert!(matches!(SqliteStore::open(&path, vault_with(1)), Err(StoreError::Open(_))));
}

#[test]
fn everything_is_there_after_closing_and_the_log_is_empty() {
    let mut fixture = fixture(Engine::Sqlite);
    let samples = samples::rows();
    fixture.commit(&with_calls(samples.clone())).unwrap();
    let folder = fixture.folder().to_owned();
    let Fixture { writer, reader, store, kept } = fixture;
    drop((writer, reader, store));
    let log = std::fs::metadata(folder.join("gateway.db-wal"));
    assert!(log.map_or(true, |log| log.len() == 0));
    let store = kept.open(1).unwrap();
    let reader = store.reader().unwrap();
    for row in samples {
        assert_eq!(reader.row(&row.keys()[0]).unwrap(), Some(row));
    }
}

/// Enough batches that pages are moved and the log begins anew several times, under a reader's eyes.
#[test]
fn the_log_does_not_grow_without_end() {
    let mut fixture = fixture(Engine::Sqlite);
    for batch in 0..400u128 {
        let range = batch * 100..(batch + 1) * 100;
        let mut writes = Writes {
            requests: range.clone().map(request).collect(),
            rows: range.map(|number| samples::payment(number, PaymentStatus::Checkout).into()).collect(),
            ..Writes::default()
        };
        for request in &mut writes.requests {
            request.answer = Some(answer());
        }
        fixture.commit(&writes).unwrap();
        if batch % 50 == 0 {
            let key = Key::Payment(PaymentId::from_bits(batch * 100));
            assert!(fixture.reader.row(&key).unwrap().is_some());
        }
    }
    // So many that pages of them are found another way.
    let page = |after| fixture.reader.payments(&samples::merchant_code(), after, 3).unwrap();
    let ids = |page: Vec<Payment>| page.iter().map(|payment| payment.id.bits()).collect::<Vec<_>>();
    assert_eq!(ids(page(None)), [0, 1, 2]);
    assert_eq!(ids(page(Some(PaymentId::from_bits(20_000)))), [20_001, 20_002, 20_003]);
    assert_eq!(ids(page(Some(PaymentId::from_bits(39_998)))), [39_999]);
    let log = std::fs::metadata(fixture.folder().join("gateway.db-wal")).unwrap().len();
    assert!(log < 256 << 20, "{log} bytes");
    let database = std::fs::metadata(fixture.folder().join("gateway.db")).unwrap().len();
    assert!(database > 10 << 20, "{database} bytes");
}
