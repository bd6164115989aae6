//! A gateway's store copied to the other engine and back is the same store.

use std::ops::ControlFlow;

use store::{
    PostgresOptions, StoreError, Writes,
    copy::{CopyError, CopyPhase, CopyProgress, CopyReport, copy},
    schema,
};

use crate::{
    keeping::{Engine, Kept, database, fixture},
    samples,
};

const ENGINES: [(Engine, Engine); 2] = [(Engine::Sqlite, Engine::Postgres), (Engine::Postgres, Engine::Sqlite)];

fn empty(engine: Engine) -> Kept {
    match engine {
        Engine::Sqlite => Kept::Sqlite(tempfile::tempdir().unwrap()),
        Engine::Postgres => Kept::Postgres(database()),
    }
}

/// A store with a row of every kind, closed.
fn used(engine: Engine) -> Kept {
    let mut fixture = fixture(engine);
    fixture.store.save_merchant(&samples::merchant("SGWYESSISHOP")).unwrap();
    let writes = Writes {
        tasks: samples::tasks(samples::at(9)),
        exchanges: vec![samples::exchange(1, 2, 3), samples::exchange(2, 2, 4)],
        provider_notices: vec![store::ProviderNotice {
            connector: "wallet",
            event: ([0; 8], [1; 32]),
            received_at: samples::at(3),
            raw: b"notice".to_vec(),
        }],
        ..samples::with_calls(samples::rows())
    };
    fixture.commit(&writes).unwrap();
    fixture.commit(&crate::bills::paid_bills(3)).unwrap();
    fixture.kept
}

fn copied(from: &Kept, to: &Kept) -> Result<CopyReport, CopyError> {
    copy(&from.url(), &to.url(), &PostgresOptions::default(), &mut |_| ControlFlow::Continue(()))
}

#[test]
fn there_and_back_is_the_same_store() {
    for (first, second) in ENGINES {
        let [start, middle, end] = [used(first), empty(second), empty(first)];
        let there = copied(&start, &middle).unwrap();
        let back = copied(&middle, &end).unwrap();
        assert_eq!(there, back);
        assert!(there.tables.iter().all(|table| table.rows > 0), "every table has rows: {:?}", there.tables);
        let payments: u64 = there.books.iter().map(|book| book.payments).sum();
        assert!(there.books.len() > 3 && there.tables.iter().any(|table| table.rows == payments), "{:?}", there.books);
        let store = end.open(1).unwrap();
        let reader = store.reader().unwrap();
        for row in samples::rows() {
            for key in row.keys() {
                assert_eq!(reader.row(&key).unwrap().as_ref(), Some(&row), "{key:?}");
            }
        }
        assert_eq!(reader.unfinished_tasks(1_000).unwrap().len(), samples::tasks(samples::at(9)).len());
        assert_eq!(reader.merchants().unwrap(), [samples::merchant("SGWYESSISHOP")]);
    }
}

/// Enough rows for several transactions per table.
fn large(engine: Engine) -> Kept {
    let mut fixture = fixture(engine);
    let requests = (0..2_500).map(samples::request).collect();
    fixture.commit(&Writes { requests, ..Writes::default() }).unwrap();
    fixture.kept
}

#[test]
fn an_interrupted_copy_goes_on_and_no_gateway_starts_on_half_of_one() {
    for (first, second) in ENGINES {
        let (start, end) = (large(first), empty(second));
        let mut seen: Vec<CopyProgress> = vec![];
        let mut run = |stop_at: u64| {
            copy(&start.url(), &end.url(), &PostgresOptions::default(), &mut |progress| {
                seen.push(progress);
                let stop = progress.table == "requests" && progress.rows == stop_at;
                if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        };
        assert!(matches!(run(1_000), Err(CopyError::Stopped)));
        let refused = end.open(1).err().unwrap();
        assert!(matches!(&refused, StoreError::Open(why) if why.to_string().contains("not complete")), "{refused:?}");
        assert!(matches!(copied(&end, &empty(first)), Err(CopyError::NoGateway)));
        assert!(matches!(copied(&used_by_another(first), &end), Err(CopyError::Occupied)));
        let report = run(u64::MAX).unwrap();
        assert_eq!(report.tables.iter().find(|table| table.name == "requests").map(|table| table.rows), Some(2_500));
        let copying = seen.iter().filter(|told| told.phase == CopyPhase::Copying && told.table == "requests");
        let rows: Vec<u64> = copying.map(|told| told.rows).collect();
        assert_eq!(rows, [0, 1_000, 1_000, 2_000, 2_500], "nothing is copied twice");
        assert!(end.open(1).is_ok());
    }
}

/// A store that was begun with another key.
fn used_by_another(engine: Engine) -> Kept {
    let kept = empty(engine);
    drop(kept.open(2).unwrap());
    kept
}

#[test]
fn what_cannot_be_copied_is_refused() {
    for (first, second) in ENGINES {
        let start = used(first);
        assert!(matches!(copied(&start, &used_by_another(second)), Err(CopyError::Occupied)));
        let twice = empty(second);
        copied(&start, &twice).unwrap();
        assert!(matches!(copied(&start, &twice), Err(CopyError::Occupied)), "it holds the gateway already");
        assert!(matches!(copied(&start, &start), Err(CopyError::InUse(_))), "onto itself");
        let missing = empty(first);
        let refused = copied(&missing, &empty(second)).err().unwrap();
        match first {
            Engine::Sqlite => assert!(matches!(refused, CopyError::Store(..)), "there is no file: {refused:?}"),
            Engine::Postgres => assert!(matches!(refused, CopyError::NoGateway), "{refused:?}"),
        }
    }
}

#[test]
fn a_gateway_on_either_side_is_noticed() {
    for (first, second) in ENGINES {
        let (start, end) = (used(first), empty(second));
        let running = start.open(1).unwrap();
        let _reader = running.reader().unwrap().merchants().unwrap();
        assert!(matches!(copied(&start, &end), Err(CopyError::InUse(store::copy::CopySide::Source))));
        drop(running);
        copied(&start, &end).unwrap();
    }
}

#[test]
fn a_row_that_changed_on_one_side_is_noticed() {
    for (first, second) in ENGINES {
        let (start, end) = (used(first), empty(second));
        let stopped = copy(&start.url(), &end.url(), &PostgresOptions::default(), &mut |progress| {
            let stop = progress.phase == CopyPhase::Comparing;
            if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(stopped, Err(CopyError::Stopped)));
        end.run("UPDATE payments SET amount_sen = amount_sen + 1 WHERE id = (SELECT id FROM payments LIMIT 1)");
        assert!(matches!(copied(&start, &end), Err(CopyError::Differs { table: "payments", .. })));
        assert!(end.open(1).is_err(), "what differs is no gateway's");
    }
}

#[test]
fn schema_steps_are_told_rehearsed_and_run() {
    for (kept, steps) in
        [(Kept::Sqlite(tempfile::tempdir().unwrap()), 2), (Kept::Postgres(postgres_harness::TestDatabase::empty()), 1)]
    {
        let options = PostgresOptions::default();
        let (url, scratch) = (kept.url(), tempfile::tempdir().unwrap());
        let counts = |status: schema::SchemaStatus| (status.done.len(), status.pending.len() >= steps);
        assert_eq!(counts(schema::status(&url, &options).unwrap()), (0, true));
        assert_eq!(counts(schema::rehearse(&url, &options, scratch.path()).unwrap()), (0, true));
        assert_eq!(counts(schema::status(&url, &options).unwrap()), (0, true), "a rehearsal keeps nothing");
        assert_eq!(counts(schema::migrate(&url, &options).unwrap()), (0, true));
        let now = schema::status(&url, &options).unwrap();
        assert!(now.done.len() >= steps && now.pending.is_empty(), "{now:?}");
        assert_eq!(schema::migrate(&url, &options).unwrap(), now);
        assert_eq!(schema::rehearse(&url, &options, tempfile::tempdir().unwrap().path()).unwrap(), now);
        kept.run("UPDATE schema_migrations SET version = 7 WHERE version = 1");
        assert!(schema::status(&url, &options).is_err() && schema::migrate(&url, &options).is_err());
    }
}
