//! `gerbang bench`: the heart's speed beside what bounds it, every side in the same run.
//!
//! Rounds are interleaved: `openssl speed`, an fdatasync probe, signed operations without a write (P1) and with one
//! durable commit (P2) at 1, 64 and 256 connections, whole bill payments (P5), and PostgreSQL's pgbench where its
//! programs are installed. The load generator shares the machine with the gateway; requests are signed before the clock
//! starts.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};

use crate::bench::{
    biller,
    gateway::Gateway,
    goals::{self, GOALS_CONNECTIONS, Ratio},
    guard::{self, Guard},
    load::{self, Measured},
    peers,
    requests::{self, Work},
    telling,
};

const EXAMPLES: &str = "Examples:
  gerbang bench
  gerbang bench --connections 64 --rounds 5
  gerbang bench --connections 64 --only 'PostgreSQL: P2 payment'
  gerbang bench --connections 64 --only bill
  gerbang bench --only notifications
  gerbang bench --data-dir /mnt/disk --json";

/// Measure signed operations beside the disk, openssl and PostgreSQL, in one run
///
/// Rounds are interleaved and medians shown. The load generator, the gateway, its store and the imitated biller share
/// this computer; requests are signed before the clock starts, and an answer that is not the expected one ends the run,
/// as does a bill that is not in everybody's books.
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
    /// Measure only the gateway's lines whose name contains this, and what they are held against.
    #[arg(long, default_value = "")]
    only: String,
    /// Leave out openssl and pgbench.
    #[arg(long)]
    no_peers: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Play the biller of this connector for another process, over standard input and output
    #[arg(long, hide = true, value_name = "CONNECTOR")]
    play_biller: Option<String>,
}

/// What is measured over each store.
const WORKS: [(Work, &str); 6] = [
    (Work::Question, "P1 signed, no write"),
    (Work::AuthCode, "P2 auth code, durable"),
    (Work::Payment, "P2 payment, durable"),
    (Work::HotPayment, "P4 payment of one merchant, durable"),
    (Work::Bill, "P5 bill payment"),
    (Work::HotBill, "P5 bill payment of one merchant"),
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

impl Line {
    fn median(&self, part: fn(&Measured) -> u64) -> u64 {
        goals::median(self.rounds.iter().map(part).collect())
    }

    fn rates(&self) -> Vec<u64> {
        self.rounds.iter().map(|round| round.rate).collect()
    }
}

/// What the stores hold at the end.
#[derive(Default)]
struct Kept {
    payments: u64,
    bills: u64,
}

/// Measures and reports.
pub fn run(args: Args) -> Result<ExitCode> {
    let args = &args;
    if let Some(connector) = &args.play_biller {
        return biller::play(connector);
    }
    let scratch = tempfile::tempdir().context("make a temporary folder")?;
    let folder = args.data_dir.clone().unwrap_or_else(|| scratch.path().to_owned());
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let peers = if args.no_peers { peers::Peers::none() } else { peers::Peers::start(scratch.path()) };
    let mut lines: Vec<Line> = vec![];
    let mut kept = Kept::default();
    if !telling::TITLE.contains(&args.only) || args.only.is_empty() {
        let mut gateways =
            vec![("embedded", Gateway::start(&embedded_url(&folder), &folder.join("bench.key"), args.merchants)?)];
        if let Some(url) = peers.postgres_url() {
            gateways.push(("PostgreSQL", Gateway::start(&url, &folder.join("bench.key"), args.merchants)?));
        }
        for round in 0..args.rounds {
            eprintln!("round {} of {}", round + 1, args.rounds);
            measure_round(args, round, &mut gateways, &peers, &folder, &mut lines)?;
        }
        for (_, gateway) in gateways {
            kept.bills += gateway.bills();
            kept.payments += gateway.stop()?;
        }
    }
    if telling::TITLE.contains(&args.only) {
        // In a store of its own where there is one for it; in the shared database after everything else.
        let embedded = format!("sqlite:{}", folder.join("telling.db").display());
        measure_telling(args, peers.server(), ("embedded", &embedded), &folder, &mut lines)?;
        if let Some(url) = peers.postgres_url() {
            measure_telling(args, peers.server(), ("PostgreSQL", &url), &folder, &mut lines)?;
        }
    }
    report(args, &lines, &kept)?;
    Ok(ExitCode::SUCCESS)
}

/// Rounds without and, after them, rounds with notifications that wait for dead endpoints.
fn measure_telling(
    args: &Args,
    server: Option<u32>,
    (store, url): (&str, &str),
    folder: &Path,
    lines: &mut Vec<Line>,
) -> Result<()> {
    let guard = Guard::new(server);
    let telling = telling::Telling::start(url, &folder.join("bench.key"))?;
    let [alone, burdened] = telling_names(store);
    for (name, is_burdened) in [(alone, false), (burdened, true)] {
        if is_burdened {
            telling.burden()?;
        }
        let mut line = Line { name, unit: "told/s", rounds: vec![] };
        for round in 0..args.rounds {
            eprintln!("{}: round {} of {}", line.name, round + 1, args.rounds);
            line.rounds.push(guard.measure(|_| telling.measure())?);
        }
        lines.push(line);
    }
    telling.stop();
    Ok(())
}

fn telling_names(store: &str) -> [String; 2] {
    let alone = format!("{store}: {}", telling::TITLE);
    let burdened = format!("{alone}, {}", telling::BURDENED);
    [alone, burdened]
}

/// P8 is a bound: at most this many hundredths of the latency without.
const P8_HUNDREDTHS_MAX: u64 = 120;

/// The latency with notifications that wait over that without, where both were measured.
fn telling_ratios(lines: &[Line]) -> Vec<Ratio> {
    let of = |store: &str| {
        let [alone, burdened] = telling_names(store);
        let p99 = |name: &str| lines.iter().find(|line| line.name == name).map(|line| line.median(|m| m.p99_us));
        let hundredths = p99(&burdened)? * 100 / p99(&alone)?.max(1);
        let name = format!("P8  p99 of {burdened}  over without, at most");
        Some(Ratio { name, ratio: guard::decimal(hundredths), goal: guard::decimal(P8_HUNDREDTHS_MAX) })
    };
    ["embedded", "PostgreSQL"].into_iter().filter_map(of).collect()
}

fn line_name(store: &str, title: &str, connections: usize) -> String {
    format!("{store}: {title}, {connections} connections")
}

fn measure_round(
    args: &Args,
    round: usize,
    gateways: &mut [(&str, Gateway)],
    peers: &peers::Peers,
    folder: &Path,
    lines: &mut Vec<Line>,
) -> Result<()> {
    let mut add =
        |name: String, unit: &'static str, measured: Measured| match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.rounds.push(measured),
            None => lines.push(Line { name, unit, rounds: vec![measured] }),
        };
    let wanted = |peer: &str| args.only.is_empty() || goals::is_held_against(peer, &args.only);
    let guard = Guard::new(peers.server());
    if peers.has_openssl() && wanted(peers::OPENSSL) {
        let measured = guard.measure(|_| {
            peers.openssl_verify().map(Measured::rate).with_context(|| format!("{} gave no figure", peers::OPENSSL))
        })?;
        add(peers::OPENSSL.into(), "verify/s", measured);
    }
    add(peers::FDATASYNC.into(), "sync/s", guard.measure(|_| peers::fdatasync(folder))?);
    for (store, gateway) in gateways {
        for (work, title) in WORKS {
            for &connections in &args.connections {
                let name = line_name(store, title, connections);
                if !name.contains(&args.only) {
                    continue;
                }
                // One connection is bounded by the disk's latency; fewer requests say as much.
                let count = if connections == 1 { args.requests / 10 } else { args.requests }.max(1);
                let measured = guard
                    .measure(|attempt| measure(work, connections, count, &format!("{round}-{attempt}"), gateway))?;
                add(name, "req/s", measured);
            }
        }
    }
    for line in peers::PGBENCH.into_iter().filter(|line| peers.has_pgbench() && wanted(line)) {
        add(line.into(), "tx/s", guard.measure(|_| peers.pgbench(line))?);
    }
    Ok(())
}

/// One leg, and what has to be true after it.
fn measure(work: Work, connections: usize, count: usize, round: &str, gateway: &mut Gateway) -> Result<Measured> {
    let requests = requests::signed(work, count, &format!("{round}-{connections}"), gateway)?;
    let measured = load::closed_loop(gateway.address(), connections, requests, work.expected_status())?;
    if work.is_bill() {
        gateway.check_bills((0..count).map(|index| work.merchant(index))).context("after bills were paid")?;
    }
    Ok(measured)
}

fn report(args: &Args, lines: &[Line], kept: &Kept) -> Result<()> {
    let mut ratios = goals::ratios(|name| lines.iter().find(|line| line.name == name).map(Line::rates));
    ratios.extend(telling_ratios(lines));
    let mut out = std::io::stdout().lock();
    if args.json {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| {
                serde_json::json!({
                    "name": line.name,
                    "unit": line.unit,
                    "rates": line.rates(),
                    "p50_us": line.rounds.iter().map(|m| m.p50_us).collect::<Vec<_>>(),
                    "p99_us": line.rounds.iter().map(|m| m.p99_us).collect::<Vec<_>>(),
                    "others": line.rounds.iter().map(|m| guard::decimal(m.others)).collect::<Vec<_>>(),
                })
            })
            .collect();
        let report = serde_json::json!({
            "merchants": args.merchants, "payments_in_store": kept.payments, "bills_in_store": kept.bills,
            "lines": lines, "ratios": ratios,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<66} {:>8} {:>9} {:>8} {:>8} {:>6}",
        "median of the rounds", "rate", "unit", "p50 us", "p99 us", "others"
    )?;
    for line in lines {
        let time = |value: u64| if value == 0 { "-".to_owned() } else { value.to_string() };
        writeln!(
            out,
            "{:<66} {:>8} {:>9} {:>8} {:>8} {:>6}",
            line.name,
            line.median(|m| m.rate),
            line.unit,
            time(line.median(|m| m.p50_us)),
            time(line.median(|m| m.p99_us)),
            guard::decimal(line.rounds.iter().map(|round| round.others).max().unwrap_or(0))
        )?;
    }
    writeln!(
        out,
        "others: cores that other processes used, in the worst round; above {} a leg was repeated if it could be",
        guard::decimal(guard::OTHERS_MAX)
    )?;
    if !ratios.is_empty() {
        let title = format!("goals, at {GOALS_CONNECTIONS} connections; median of the rounds' ratios");
        writeln!(out, "\n{title:<85} {:>6} {:>6}", "ratio", "goal")?;
    }
    for ratio in ratios {
        writeln!(out, "{:<85} {:>6} {:>6}", ratio.name, ratio.ratio, ratio.goal)?;
    }
    writeln!(
        out,
        "\n{} payments and {} paid bills are in the stores; every request was answered as expected",
        kept.payments, kept.bills
    )?;
    if kept.bills > 0 {
        writeln!(out, "after every leg of bills: all succeeded, once at the biller; ledger verified; deposits exact")?;
    }
    Ok(())
}
