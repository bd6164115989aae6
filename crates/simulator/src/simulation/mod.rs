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
    fn a_seed_always_has_the_same_history_and_everything_holds() {
        let simulator = Simulator::new();
        let options = Options { history: true, ..Options::default() };
        for seed in 1..=12 {
            let (one, other) = (simulator.run(seed, &options), simulator.run(seed, &options));
            assert_eq!(one.history, other.history, "seed {seed}");
            assert!(!one.history.is_empty());
            assert_eq!(one.violations, [], "seed {seed}");
        }
        // Another world that was made anew is the same world.
        let again = Simulator::new();
        assert_eq!(again.run(3, &options).history, simulator.run(3, &options).history);
    }

    #[test]
    fn without_faults_whatever_was_begun_is_done() {
        let simulator = Simulator::new();
        let options = Options { faults: std::collections::BTreeSet::new(), ..Options::default() };
        let summary = run_many(&simulator, 1..=20, &options, 2, &|_, _| true);
        assert_eq!((summary.runs, summary.broken), (20, 0), "{:?}", summary.failures);
        assert!(summary.faults.values().all(|struck| *struck == 0), "{:?}", summary.faults);
        assert!(summary.states.get("payment succeeded").is_some_and(|count| *count > 5), "{:?}", summary.states);
        assert!(summary.states.get("bill succeeded").is_some_and(|count| *count > 5), "{:?}", summary.states);
    }

    #[test]
    fn a_command_names_what_differs_from_the_usual() {
        assert_eq!(command(7, &Options::default().faults, 10), "gerbang simulate --seed 7");
        assert_eq!(
            command(7, &[Fault::Late, Fault::Crash].into(), 3),
            "gerbang simulate --seed 7 --faults late,crash --minutes 3"
        );
        assert_eq!(command(7, &std::collections::BTreeSet::new(), 10), "gerbang simulate --seed 7 --faults none");
    }
}
