//! Money never lies: the real gateway, the real connectors and the real store, among providers, merchants and customers
//! that behave badly, on virtual time and one seed. The same seed always comes to the same end; what must hold is checked
//! when the run is over. `gerbang simulate` runs many of them.

mod acts;
mod chance;
mod fault;
mod history;
mod invariants;
mod keeping;
mod many;
mod provider;
mod run;
mod shop;
mod template;
mod time;
mod wire;
mod world;

pub use fault::Fault;
pub use invariants::Tally;
#[cfg(feature = "plants")]
pub use lifecycle::plant::Plant;
pub use many::{Shrunk, Summary, command, run_many, shortened, shrink};
pub use run::{Options, Report, Simulator};
pub use world::Violation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn try_some() {
        let simulator = Simulator::new();
        let from: u64 = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
        let count: u64 = std::env::var("COUNT").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
        for seed in from..from + count {
            let began = std::time::Instant::now();
            let options = Options { history: count == 1, ..Options::default() };
            let report = simulator.run(seed, &options);
            for line in &report.history {
                println!("{line}");
            }
            println!(
                "seed {seed}: {:?} {} s virtual, {:?}",
                began.elapsed(),
                report.virtual_seconds,
                report.tally.states
            );
            for violation in &report.violations {
                println!("  {violation:?}");
            }
        }
    }
}
