//! Scratch.
use simulator::simulation::*;
fn main() {
    let args: Vec<u64> = std::env::args().skip(1).filter_map(|t| t.parse().ok()).collect();
    let simulator = Simulator::new();
    let options = Options::default();
    if args.len() == 1 {
        let report = simulator.run(args[0], &Options { history: true, ..options });
        for line in &report.history {
            println!("{line}");
        }
        for v in &report.violations {
            println!("{v:?}");
        }
        return;
    }
    let summary = run_many(&simulator, args[0]..=args[1], &options, 2, &|_, _| true);
    println!(
        "{} runs {} broken {} per minute, {} virtual, slowest {:?}",
        summary.runs,
        summary.broken,
        summary.per_minute(),
        summary.virtual_seconds,
        summary.slowest
    );
    println!("{:?}\n{:?}", summary.states, summary.rules);
    for (seed, report) in &summary.failures {
        for v in &report.violations {
            println!("{seed} {}: {} {:?}", v.rule, v.text, v.about);
        }
    }
}
