//! A load generator that costs little: requests are bytes already, answers are read only as far as needed.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The slowest answer that is told apart, in microseconds.
const SLOWEST_US: u64 = 60_000_000;

/// What one round measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Per second.
    pub rate: u64,
    /// Median latency in microseconds, 0 when not measured.
    pub p50_us: u64,
    /// 99th percentile in microseconds, 0 when not measured.
    pub p99_us: u64,
    /// What other processes used meanwhile, in hundredths of a core.
    pub others: u64,
}

impl Measured {
    /// A rate without latencies.
    pub fn rate(rate: u64) -> Self {
        Self { rate, ..Self::default() }
    }

    /// From a count, a time and latencies.
    pub fn of(count: u64, elapsed: Duration, latencies: &Histogram<u64>) -> Self {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        Self {
            rate: count * 1_000_000 / micros,
            p50_us: latencies.value_at_percentile(50.0),
            p99_us: latencies.value_at_percentile(99.0),
            others: 0,
        }
    }
}

/// An empty histogram of microseconds.
pub fn latencies() -> Histogram<u64> {
    Histogram::new_with_max(SLOWEST_US, 3).expect("the bounds are constants")
}

/// Sends every request once over this many connections, each as soon as its connection is free.
pub fn closed_loop(
    address: SocketAddr,
    connections: usize,
    requests: Vec<Vec<u8>>,
    expected: &'static str,
) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the generator")?;
    runtime.block_on(async move {
        let count = requests.len() as u64;
        let requests = Arc::new(requests);
        let next = Arc::new(AtomicUsize::new(0));
        let mut streams = vec![];
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await.context("connect to the gateway")?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let started = Instant::now();
        let tasks: Vec<_> = streams
            .into_iter()
            .map(|stream| tokio::spawn(one_connection(stream, requests.clone(), next.clone(), expected)))
            .collect();
        let mut all = latencies();
        for task in tasks {
            all.add(task.await??).map_err(|error| anyhow!("add latencies: {error}"))?;
        }
        Ok(Measured::of(count, started.elapsed(), &all))
    })
}

async fn one_connection(
    mut stream: TcpStream,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    expected: &'static str,
) -> Result<Histogram<u64>> {
    let mut latencies = latencies();
    let mut answer = vec![0u8; 16 * 1024];
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let sent = Instant::now();
        stream.write_all(request).await?;
        let length = read_answer(&mut stream, &mut answer).await?;
        let text = String::from_utf8_lossy(&answer[..length]);
        if !text.contains(expected) {
            bail!("expected an answer with {expected}, got: {text}");
        }
        latencies.saturating_record(u64::try_from(sent.elapsed().as_micros()).unwrap_or(SLOWEST_US));
    }
    Ok(latencies)
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the gateway closed the connection");
        }
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let headers = std::str::from_utf8(&buffer[..head])?;
        let length = headers
            .lines()
            .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
            .and_then(|(_, value)| value.trim().parse::<usize>().ok())
            .ok_or_else(|| anyhow!("an answer without a length: {headers}"))?;
        if filled >= head + 4 + length {
            return Ok(filled);
        }
    }
}
