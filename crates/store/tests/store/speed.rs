//! How many payments per second a store keeps, by the size of the batch and the number of writers: a call with its
//! answer, the payment, and a task each, found absent by two keys before. Durable as far as the server is.
//!
//! `STORE_SPEED_URL=postgres://... cargo test --release -p store --test store -- --nocapture payments_per`;
//! the store is left full.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lifecycle::{LinkId, Row, payment::PaymentStatus, task::TaskKind};
use store::{PostgresOptions, Store, StoreError, Writer, Writes};

use crate::{keeping::vault_with, samples};

/// Numbers that no other run has used: ids sort by time, as the engine's do.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Long enough that the first checkpoints are in it.
const SECONDS: u64 = 3;

/// Measures the store named in `STORE_SPEED_URL`, sqlite:PATH or postgres://...; does nothing when there is none.
#[test]
fn payments_per_second() {
    let Ok(url) = std::env::var("STORE_SPEED_URL") else {
        return;
    };
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    NEXT.store(u64::try_from(started.as_nanos()).unwrap(), Ordering::Relaxed);
    let store = store::open(&url, &PostgresOptions::default(), vault_with(1)).unwrap();
    for writers in [1, 2, 4].into_iter().filter(|writers| *writers <= store.writers_max()) {
        for batch in [1, 10, 50, 100, 256] {
            let kept = measure(&store, writers, batch, Duration::from_secs(SECONDS)) / SECONDS;
            println!("{writers} writers, {batch:>3} per batch: {kept:>7} payments/s, {:>5} commits/s", kept / batch);
        }
    }
}

fn measure(store: &Arc<dyn Store>, writers: usize, batch: u64, duration: Duration) -> u64 {
    let kept = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                let mut writer = store.writer().unwrap();
                let until = Instant::now() + duration;
                while Instant::now() < until {
                    keep(writer.as_mut(), batch);
                    kept.fetch_add(batch, Ordering::Relaxed);
                }
            });
        }
    });
    kept.into_inner()
}

fn keep(writer: &mut dyn Writer, batch: u64) {
    let first = NEXT.fetch_add(batch, Ordering::Relaxed);
    let numbers = || (first..first + batch).map(u128::from);
    let mut requests: Vec<_> = numbers().map(samples::request).collect();
    let mut keys: Vec<_> = requests.iter().flat_map(|request| Row::from(request.clone()).keys()).collect();
    keys.sort_unstable();
    for request in &mut requests {
        request.answer = Some(samples::answer());
    }
    let writes = Writes {
        requests,
        rows: numbers().map(|number| samples::payment(number, PaymentStatus::Checkout).into()).collect(),
        tasks: numbers()
            .map(|number| samples::task(number, TaskKind::Unbind(LinkId::from_bits(number)), samples::at(0)))
            .collect(),
        ..Writes::default()
    };
    loop {
        writer.begin(&keys).unwrap();
        match writer.commit(&writes) {
            Ok(()) => return,
            Err(StoreError::Retry { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}
