//! `gerbang bench`: the heart's speed beside what bounds it, every side in the same run.
//!
//! Rounds are interleaved: `openssl speed`, an fdatasync probe, signed operations without a write (P1) and with one
//! durable commit (P2) at 1, 64 and 256 connections, and PostgreSQL's pgbench where its programs are installed. The
//! load generator shares the machine with the gateway; requests are signed before the clock starts.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};

use crate::bench::{
    gateway::Gateway,
    load::{self, Measured},
    peers,
    requests::{self, Work},
};

const EXAMPLES: &str = "Examples:
  gerbang bench
  gerbang bench --connections 64 --rounds 5
  gerbang bench --connections 64 --only 'PostgreSQL: P2 payment'
  gerbang bench --data-dir /mnt/disk --json";

/// Measure signed operations beside the disk, openssl and PostgreSQL, in one run
///
/// Rounds are interleaved and medians shown. The load generator, the gateway and its store share this computer;
/// requests are signed before the clock starts, and an answer that is not the expected one ends the run.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// How many rounds; medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many signed requests a round sends at each number of connections.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// How many merchants share the load that is spread
    #[arg(long, default_value_t = 1_000)]
    merchants: usize,
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 64, 256])]
    connections: Vec<usize>,
    /// Where the store and the probe file are kept; a temporary folder when left out.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Measure only the gateway's lines whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Leave out openssl and pgbench.
    #[arg(long)]
    no_peers: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is measured over each store.
const WORKS: [(Work, &str); 4] = [
    (Work::Question, "P1 signed, no write"),
    (Work::AuthCode, "P2 auth code, durable"),
    (Work::Payment, "P2 payment, durable"),
    (Work::HotPayment, "P4 payment of one merchant, durable"),
];

fn embedded_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("bench.db").display())
}

/// One line of the report: what was measured, in which unit, every round.
struct Line {
    name: String,
    unit: &'static str,
    rounds: Vec<Measured>,
}

/// Measures and reports.
pub fn run(args: Args) -> Result<ExitCode> {
    let args = &args;
    let scratch = tempfile::tempdir().context("make a temporary folder")?;
    let folder = args.data_dir.clone().unwrap_or_else(|| scratch.path().to_owned());
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let peers = if args.no_peers { peers::Peers::none() } else { peers::Peers::start(scratch.path()) };
    let mut gateways =
        vec![("embedded", Gateway::start(&embedded_url(&folder), &folder.join("bench.key"), args.merchants)?)];
    if let Some(url) = peers.postgres_url() {
        gateways.push(("PostgreSQL", Gateway::start(&url, &folder.join("bench.key"), args.merchants)?));
    }
    let mut lines: Vec<Line> = vec![];
    for round in 0..args.rounds {
        eprintln!("round {} of {}", round + 1, args.rounds);
        measure_round(args, round, &gateways, &peers, &folder, &mut lines)?;
    }
    let mut payments = 0;
    for (_, gateway) in gateways {
        payments += gateway.stop()?;
    }
    report(args, &lines, payments)?;
    Ok(ExitCode::SUCCESS)
}

fn measure_round(
    args: &Args,
    round: usize,
    gateways: &[(&str, Gateway)],
    peers: &peers::Peers,
    folder: &Path,
    lines: &mut Vec<Line>,
) -> Result<()> {
    let mut add =
        |name: String, unit: &'static str, measured: Measured| match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.rounds.push(measured),
            None => lines.push(Line { name, unit, rounds: vec![measured] }),
        };
    if let Some(rate) = peers.openssl_verify() {
        add("openssl speed -multi 2 rsa2048, verify".into(), "verify/s", Measured::rate(rate));
    }
    add("append 4 KiB + fdatasync".into(), "sync/s", peers::fdatasync(folder)?);
    for (store, gateway) in gateways {
        for (work, title) in WORKS {
            for &connections in &args.connections {
                let name = format!("{store}: {title}, {connections} connections");
                if !name.contains(&args.only) {
                    continue;
                }
                // One connection is bounded by the disk's latency; fewer requests say as much.
                let count = if connections == 1 { args.requests / 10 } else { args.requests };
                let requests = requests::signed(work, count.max(1), &format!("{round}-{connections}"), gateway)?;
                let measured = load::closed_loop(gateway.address(), connections, requests, work.expected_status())?;
                add(name, "req/s", measured);
            }
        }
    }
    for (name, rate) in peers.pgbench() {
        add(name, "tx/s", Measured::rate(rate));
    }
    Ok(())
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

fn report(args: &Args, lines: &[Line], payments: u64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| {
                serde_json::json!({
                    "name": line.name,
                    "unit": line.unit,
                    "rates": line.rounds.iter().map(|m| m.rate).collect::<Vec<_>>(),
                    "p50_us": line.rounds.iter().map(|m| m.p50_us).collect::<Vec<_>>(),
                    "p99_us": line.rounds.iter().map(|m| m.p99_us).collect::<Vec<_>>(),
                })
            })
            .collect();
        let report = serde_json::json!({ "merchants": args.merchants, "payments_in_store": payments, "lines": lines });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(out, "{:<66} {:>8} {:>9} {:>8} {:>8}", "median of the rounds", "rate", "unit", "p50 us", "p99 us")?;
    for line in lines {
        let of = |part: fn(&Measured) -> u64| median(line.rounds.iter().map(part).collect());
        let time = |value: u64| if value == 0 { "-".to_owned() } else { value.to_string() };
        writeln!(
            out,
            "{:<66} {:>8} {:>9} {:>8} {:>8}",
            line.name,
            of(|m| m.rate),
            line.unit,
            time(of(|m| m.p50_us)),
            time(of(|m| m.p99_us))
        )?;
    }
    writeln!(out, "{payments} payments are in the store; every request was answered as expected")?;
    Ok(())
}
