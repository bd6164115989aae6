//! Why: a gateway that forgets nothing in a test that is told where to die may still forget something where nobody
//! thought of dying. So the real program is killed at random moments, a thousand times, while merchants pay without a
//! pause; providers and merchants live on in a process of their own. In the end everything becomes quiet and three books
//! are compared: what merchants were told, what the gateway keeps, and what the providers did.

mod books;
mod load;
mod report;
mod world;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;

pub use report::{Report, Times};

use self::{load::Load, world::World};

/// One life in so many ends before the gateway was ready.
const EARLY: u64 = 10;
/// How long such a life may be, in milliseconds.
const EARLY_MS_MAX: u64 = 120;
/// After how many kills the progress is told.
const TOLD_EVERY: u32 = 50;

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The gateway's program.
    pub program: PathBuf,
    /// How often it is killed.
    pub kills: u32,
    /// The gateway's store; none: an SQLite file.
    pub store: Option<String>,
    /// How long a life is at most after the first accepted request, in milliseconds.
    pub life_ms_max: u64,
    /// Payments under way at any time.
    pub payments: usize,
    /// Bills under way at any time.
    pub bills: usize,
    /// What the random moments are drawn from.
    pub seed: u64,
}

impl Options {
    /// The usual run with this program.
    pub fn new(program: PathBuf) -> Self {
        Self { program, kills: 1_000, store: None, life_ms_max: 300, payments: 8, bills: 2, seed: 1 }
    }
}

/// A seed that nobody chose.
pub fn drawn_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) ^ since.as_secs()
}

/// Numbers that follow from a seed (xorshift).
struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }
}

/// Kills as often as it is told, waits until all is quiet, and compares. `told` hears of the progress.
///
/// # Errors
/// When the run itself cannot go on; what is wrong with the books is in the report.
pub async fn run(options: &Options, told: &mut dyn FnMut(String)) -> Result<Report> {
    let began = Instant::now();
    let mut random = Random(options.seed | 1);
    let mut world = World::start(options).await?;
    let card = world.link().await?;
    let load = Arc::new(Load::new(&world, card)?);
    let lanes = load.clone().begin(options.payments, options.bills);
    let (mut ready, mut early) = (vec![], 0);
    for kill in 1..=options.kills {
        if random.below(EARLY) == 0 {
            early += 1;
            tokio::time::sleep(Duration::from_millis(random.below(EARLY_MS_MAX))).await;
        } else {
            let spawned = world.spawned_at();
            load.accepted(&mut world).await?;
            ready.push(spawned.elapsed());
            tokio::time::sleep(Duration::from_millis(random.below(options.life_ms_max))).await;
        }
        world.kill()?;
        world.start_gateway()?;
        if kill % TOLD_EVERY == 0 || kill == options.kills {
            let seconds = began.elapsed().as_secs();
            told(format!("{kill} of {} kills, {} requests, {seconds} s", options.kills, load.count()));
        }
    }
    let spawned = world.spawned_at();
    load.accepted(&mut world).await?;
    ready.push(spawned.elapsed());
    let asked = load.end(lanes).await;
    told(format!("{} requests were made; asking what became of each", asked.len()));
    let ended = books::settle(&world, asked).await?;
    told("waiting until nothing is left to do".into());
    let quiet = world.await_quiet().await?;
    let books = books::compare(&world, &ended, quiet).await?;
    Ok(Report {
        program: options.program.display().to_string(),
        version: world.version()?,
        engine: if options.store.is_some() { "PostgreSQL" } else { "SQLite" },
        seed: options.seed,
        kills: options.kills,
        killed_before_ready: early,
        seconds: began.elapsed().as_secs(),
        restart: Times::of(ready),
        books,
    })
}
