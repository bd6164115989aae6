//! How many payments per second a store keeps, by the size of the batch and the number of writers: a call with its
//! answer, the payment, and a task each, found absent by two keys before. Durable as far as the server is.
//!
//! `cargo run --release -p store --example batches -- URL [SECONDS]`; the store should be empty and is left full.

#![expect(clippy::unwrap_used, reason = "a measurement may panic")]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/store/samples.rs"]
mod samples;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lifecycle::{LinkId, Row, payment::PaymentStatus, task::TaskKind};
use store::{PostgresOptions, Store, StoreError, Vault, Writer, Writes};

/// Numbers that no other run has used: ids sort by time, as the engine's do.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("a store's URL, as sqlite:PATH or postgres://...");
    let seconds = arguments.next().map_or(3, |text| text.parse().expect("seconds are a number"));
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    NEXT.store(u64::try_from(started.as_nanos()).unwrap(), Ordering::Relaxed);
    let vault = Vault::open(&std::env::temp_dir().join("batches.key")).unwrap();
    let store = store::open(&url, &PostgresOptions::default(), vault).unwrap();
    for writers in [1, 2, 4] {
        if writers > store.writers_max() {
            break;
        }
        for batch in [1, 10, 50, 100, 256] {
            let kept = measure(&store, writers, batch, Duration::from_secs(seconds));
            println!(
                "{writers} writers, {batch:>3} per batch: {:>8} payments/s, {:>6} commits/s",
                kept / seconds,
                kept / seconds / batch
            );
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
