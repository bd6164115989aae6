//! What the figures are held against: the disk, openssl, PostgreSQL.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::load::{Measured, latencies};

/// The line of `openssl speed`.
pub const OPENSSL: &str = "openssl speed -multi 2 rsa2048, verify";
/// The line of the disk.
pub const FDATASYNC: &str = "append 4 KiB + fdatasync";
/// The line of pgbench's TPC-B.
pub const TPC_B: &str = "pgbench TPC-B, 32 clients";
/// The line of pgbench's simple-update.
pub const SIMPLE_UPDATE: &str = "pgbench simple-update prepared, 32 clients";
/// The line of a payment as one statement, on a thousand accounts.
pub const ONE_STATEMENT: &str = "pgbench one-statement payment, spread, 16 clients";
/// The line of a payment as one statement, on one account.
pub const ONE_STATEMENT_HOT: &str = "pgbench one-statement payment, hot, 16 clients";

/// The lines of pgbench.
pub const PGBENCH: [&str; 4] = [TPC_B, SIMPLE_UPDATE, ONE_STATEMENT, ONE_STATEMENT_HOT];

const PROBE_TIME: Duration = Duration::from_secs(1);
const PGBENCH_SECONDS: &str = "3";
const OPENSSL_SECONDS: &str = "1";
const PORT: &str = "54329";
const SPREAD_SCRIPT: &str = "spread.pgbench";
const HOT_SCRIPT: &str = "hot.pgbench";

/// What the one-statement payment works on: a thousand accounts, payments, entries, an outbox.
const PAYMENT_TABLES: &str = "
create table account (id int primary key, balance bigint not null);
insert into account select n, 1000000000000 from generate_series(1, 1000) n;
create table payment (id bigserial primary key, account int not null, amount bigint not null);
create table entry (payment bigint not null, account int not null, amount bigint not null, primary key (payment, account));
create table outbox (payment bigint primary key);
";
/// A conditional debit, a payment, two entries and an outbox row, as one statement of pgbench.
const PAYMENT_STATEMENT: &str = "
with debit as (update account set balance = balance - 1 where id = :account and balance >= 1 returning id),
paid as (insert into payment (account, amount) select id, 1 from debit returning id),
entries as (insert into entry select id, :account, -1 from paid union all select id, 0, 1 from paid)
insert into outbox select id from paid;
";

/// Appends 4 KiB and waits for the disk, again and again for a second.
pub fn fdatasync(folder: &Path) -> Result<Measured> {
    let path = folder.join("fdatasync-probe");
    let mut file =
        OpenOptions::new().create(true).append(true).open(&path).with_context(|| format!("open {}", path.display()))?;
    let block = [7u8; 4096];
    let mut times = latencies();
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < PROBE_TIME {
        let one = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.saturating_record(u64::try_from(one.elapsed().as_micros()).unwrap_or(u64::MAX));
        count += 1;
    }
    let measured = Measured::of(count, started.elapsed(), &times);
    std::fs::remove_file(&path)?;
    Ok(measured)
}

/// The programs that are there.
pub struct Peers {
    openssl: bool,
    postgres: Option<Postgres>,
}

struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    as_user: Vec<String>,
}

impl Peers {
    /// Nobody.
    pub fn none() -> Self {
        Self { openssl: false, postgres: None }
    }

    /// Whoever is installed; says on stderr who is not.
    pub fn start(scratch: &Path) -> Self {
        let openssl = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
        if !openssl {
            eprintln!("openssl is not installed: its line is left out");
        }
        let postgres = Postgres::start(&scratch.join("postgres"));
        if let Err(error) = &postgres {
            eprintln!("PostgreSQL is left out: {error:#}");
        }
        Self { openssl, postgres: postgres.ok() }
    }

    /// Whether openssl can be asked.
    pub fn has_openssl(&self) -> bool {
        self.openssl
    }

    /// RSA-2048 verifications per second on two processes.
    pub fn openssl_verify(&self) -> Option<u64> {
        let arguments = ["speed", "-multi", "2", "-seconds", OPENSSL_SECONDS, "-mr", "rsa2048"];
        let output = Command::new("openssl").args(arguments).stderr(Stdio::null()).output().ok()?;
        // +F2:<index>:<bits>:<seconds per signature>:<seconds per verification>, or rates, by version; the text line has both.
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().rev().find(|line| line.starts_with("+F2:"))?;
        let fields: Vec<&str> = line.split(':').collect();
        rate_of(fields.get(4)?)
    }

    /// Where a gateway can keep its store on the PostgreSQL server that pgbench uses, which syncs as it does by default.
    pub fn postgres_url(&self) -> Option<String> {
        let folder = self.postgres.as_ref()?.folder.display().to_string().replace('/', "%2F");
        Some(format!("postgres://bench@{folder}:{PORT}/postgres?sslmode=disable"))
    }

    /// The process that the database's own processes descend from.
    pub fn server(&self) -> Option<u32> {
        let file = self.postgres.as_ref()?.folder.join("data").join("postmaster.pid");
        std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
    }

    /// Whether pgbench can be asked.
    pub fn has_pgbench(&self) -> bool {
        self.postgres.is_some()
    }

    /// Transactions per second of one of [`PGBENCH`]: pgbench's own scripts, and a payment written as one statement.
    pub fn pgbench(&self, line: &str) -> Result<Measured> {
        let postgres = self.postgres.as_ref().context("PostgreSQL is not there")?;
        let file = |name: &str| postgres.folder.join(name).display().to_string();
        let (spread, hot) = (file(SPREAD_SCRIPT), file(HOT_SCRIPT));
        let script: &[&str] = match line {
            TPC_B => &["-c", "32", "-b", "tpcb-like"],
            SIMPLE_UPDATE => &["-c", "32", "-b", "simple-update", "-M", "prepared"],
            ONE_STATEMENT => &["-c", "16", "-M", "prepared", "-f", &spread],
            _ => &["-c", "16", "-M", "prepared", "-f", &hot],
        };
        postgres.pgbench(script).map(Measured::rate).with_context(|| format!("{line} gave no figure"))
    }
}

/// Reads a figure that is either a rate or the seconds of one operation, without floats: openssl writes plain decimals.
fn rate_of(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    if whole > 0 {
        return Some(whole);
    }
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos: u64 = digits.parse().ok()?;
    (nanos > 0).then(|| 1_000_000_000 / nanos)
}

impl Postgres {
    fn start(folder: &Path) -> Result<Self> {
        let programs = std::fs::read_dir("/usr/lib/postgresql")
            .context("there is no /usr/lib/postgresql")?
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|bin| bin.join("initdb").exists() && bin.join("pgbench").exists())
            .max()
            .context("initdb or pgbench is not installed")?;
        std::fs::create_dir_all(folder)?;
        // PostgreSQL refuses to run as root.
        let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
        let as_user = if root { ["runuser", "-u", "postgres", "--"].map(String::from).to_vec() } else { vec![] };
        if root {
            let mut parent = Some(folder);
            Command::new("chown").arg("postgres").arg(folder).status()?;
            while let Some(path) =
                parent.filter(|path| path.starts_with(std::env::temp_dir()) && *path != std::env::temp_dir())
            {
                Command::new("chmod").arg("o+x").arg(path).status()?;
                parent = path.parent();
            }
        }
        let server = Self { programs, folder: folder.to_owned(), as_user };
        let data = folder.join("data").display().to_string();
        server.run("initdb", &["-D", &data, "-U", "bench", "--auth=trust"])?;
        let options = format!("-p {PORT} -k {} -c listen_addresses='' -c max_connections=100", folder.display());
        let log = folder.join("log").display().to_string();
        server.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"])?;
        server.run(
            "pgbench",
            &["-h", &folder.display().to_string(), "-p", PORT, "-U", "bench", "-i", "-q", "-s", "10", "postgres"],
        )?;
        server.prepare_payments()?;
        Ok(server)
    }

    fn prepare_payments(&self) -> Result<()> {
        let folder = self.folder.display().to_string();
        self.run("psql", &["-h", &folder, "-p", PORT, "-U", "bench", "-d", "postgres", "-q", "-c", PAYMENT_TABLES])?;
        for (name, account) in [(SPREAD_SCRIPT, "random(1, 1000)"), (HOT_SCRIPT, "1")] {
            std::fs::write(self.folder.join(name), format!("\\set account {account}{PAYMENT_STATEMENT}"))?;
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        match self.as_user.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(path);
                command
            }
            None => Command::new(path),
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.command(program);
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        // The server that pg_ctl starts would hold pipes open for as long as it lives.
        if program == "pg_ctl" {
            let status = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .with_context(|| format!("run {program}"))?;
            anyhow::ensure!(status.success(), "{program} failed");
            return Ok(String::new());
        }
        let output = command.output().with_context(|| format!("run {program}"))?;
        anyhow::ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn pgbench(&self, script: &[&str]) -> Option<u64> {
        let folder = self.folder.display().to_string();
        let mut arguments = vec!["-h", &folder, "-p", PORT, "-U", "bench", "-n", "-j", "2", "-T", PGBENCH_SECONDS];
        arguments.extend_from_slice(script);
        arguments.push("postgres");
        let text = self.run("pgbench", &arguments).ok()?;
        let line = text.lines().find(|line| line.starts_with("tps = "))?;
        rate_of(line.strip_prefix("tps = ")?.split_whitespace().next()?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.join("data").display().to_string();
        let _ = self.run("pg_ctl", &["-D", &data, "-m", "immediate", "stop"]);
    }
}
