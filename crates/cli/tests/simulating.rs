//! The simulation as a program: the same seed has the same history in every process, and what holds is said.

use serde_json::Value;

use crate::support::gerbang;

#[test]
fn a_seed_has_the_same_history_in_every_process() {
    let run = |arguments: &[&str]| {
        let output = gerbang().arg("simulate").args(arguments).output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stdout).expect("text")
    };
    // The summary, which tells how long it took, stands behind the history.
    let history = |seed: &str| {
        let printed = run(&["--seed", seed, "--history"]);
        printed.split("# Simulation of").next().unwrap_or_default().to_owned()
    };
    for seed in ["3", "8", "21"] {
        let one = history(seed);
        assert!(one.lines().count() > 10, "{one}");
        assert_eq!(one, history(seed), "seed {seed}");
    }
    let summary: Value = serde_json::from_str(&run(&["--seeds", "1..30", "--json"])).expect("JSON");
    assert_eq!((&summary["runs"], &summary["broken"]), (&30.into(), &0.into()), "{summary}");
    assert!(summary["faults"]["crash"].as_u64().is_some_and(|struck| struck > 0), "{summary}");
}
