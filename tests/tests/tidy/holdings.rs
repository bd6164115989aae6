//! Who may hold what: clock, environment, files, randomness, transport, SQL, wire formats. Everybody else is handed
//! values.

use crate::{
    hold,
    source::{Rust, rust},
};

/// One thing that few may hold.
struct Holding {
    what: &'static str,
    /// Any of these in the code means that it is held.
    signs: &'static [&'static str],
    /// Whether the signs are looked for inside strings too.
    in_strings: bool,
    /// The beginnings of the paths that may hold it, each with its reason.
    holders: &'static [(&'static str, &'static str)],
}

const CLOCK: Holding = Holding {
    what: "a clock",
    signs: &["SystemTime::now", "Instant::now(", "UNIX_EPOCH", "Timestamp::now", "Zoned::now"],
    in_strings: false,
    holders: &[
        ("crates/engine/", "the engine's clock, handed to everybody inside"),
        ("crates/cli/", "the composition root; bench and demo measure time"),
        ("crates/client/", "a merchant's library stands outside of the gateway and stamps its own requests"),
        ("crates/simulator/", "the outside world has clocks of its own"),
        ("crates/server/src/pipeline.rs", "how long an answer took, for its log line"),
    ],
};

const ENVIRONMENT: Holding = Holding {
    what: "the process's environment",
    signs: &["std::env", "env::var", "env::args", "env::current_dir"],
    in_strings: false,
    holders: &[("crates/cli/", "the composition root reads settings")],
};

const FILES: Holding = Holding {
    what: "the file system",
    signs: &["std::fs", "tokio::fs", "File::open", "File::create", "OpenOptions"],
    in_strings: false,
    holders: &[
        ("crates/cli/", "settings, keys, the ready file, the data folder"),
        ("crates/store/", "the database's folder and its lock"),
        ("crates/simulator/", "the books of the outside world"),
    ],
};

const RANDOMNESS: Holding = Holding {
    what: "randomness",
    signs: &["SystemRandom", "getrandom", "rand::random", "thread_rng", "rand::rng"],
    in_strings: false,
    holders: &[
        ("crates/engine/src/fresh.rs", "identities and tokens"),
        ("crates/protocol/src/keys.rs", "RSA's blinding while signing, and making a new key"),
        ("crates/store/src/vault.rs", "the nonce of every sealed value"),
        ("crates/client/src/", "a merchant's library chooses its own external ids"),
        ("crates/simulator/src/", "the outside world draws its own"),
    ],
};

const TRANSPORT: Holding = Holding {
    what: "a connection to the outside",
    signs: &["reqwest::", "TcpStream::connect", "hyper_util::client"],
    in_strings: false,
    holders: &[
        ("crates/engine/src/network.rs", "calls to providers and merchants"),
        ("crates/engine/src/guard.rs", "where merchants may be called"),
        ("crates/client/src/", "a merchant's library calls the gateway"),
        ("crates/simulator/src/", "imitated providers send notices, the demo merchant's customer has a browser"),
        ("crates/cli/src/", "demo, call and bench are clients; the composition root hands the others theirs"),
    ],
};

const SQL: Holding = Holding {
    what: "SQL",
    signs: &["rusqlite", "INSERT INTO", "DELETE FROM", "SELECT ", "CREATE TABLE", "PRAGMA ", "ON CONFLICT"],
    in_strings: true,
    holders: &[("crates/store/", "what is remembered")],
};

const WIRE_FORMATS: Holding = Holding {
    what: "a wire format (Serialize or Deserialize)",
    signs: &["Serialize", "Deserialize"],
    in_strings: false,
    holders: &[
        ("crates/contract/src/", "what we promise callers"),
        ("crates/catalogue/src/", "files of products"),
        ("crates/protocol/src/", "what explains a signature is printed as JSON"),
        ("crates/connectors/src/snap/", "the national standard's messages, shared by connectors"),
        ("crates/connectors/src/settlement.rs", "mappings of banks' files"),
        ("crates/connectors/src/imitation/", "the imitations' side of the same messages, and their kept books"),
        ("crates/store/src/", "rows"),
        ("crates/client/src/", "what a merchant's library keeps and prints"),
        ("crates/simulator/src/", "the books of the outside world"),
        ("crates/cli/src/", "settings, the ready file, --json"),
    ],
};

/// Files of a connector's folder that speak the provider's format.
fn is_connector_wire(path: &str) -> bool {
    path.starts_with("crates/connectors/src/") && (path.ends_with("/wire.rs") || path.ends_with("/imitation.rs"))
}

/// Whether the sign stands in the line and does not go on as a longer word.
fn stands_in(line: &str, sign: &str) -> bool {
    line.match_indices(sign).any(|(at, _)| {
        let next = line[at + sign.len()..].chars().next();
        !sign.ends_with(char::is_alphanumeric) || !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn held_elsewhere(holding: &Holding, file: &Rust) -> Vec<String> {
    if !file.path.starts_with("crates/") || holding.holders.iter().any(|(path, _)| file.path.starts_with(path)) {
        return vec![];
    }
    let text = if holding.in_strings { &file.uncommented } else { &file.code };
    file.product_lines(text)
        .filter_map(|(number, line)| {
            let sign = holding.signs.iter().find(|sign| stands_in(line, sign))?;
            Some(format!("{}:{number} {sign}", file.path))
        })
        .collect()
}

fn check(holding: &Holding) {
    let files = rust();
    let faults = files.iter().flat_map(|file| held_elsewhere(holding, file)).collect();
    let holders: Vec<_> = holding.holders.iter().map(|(path, why)| format!("{path} ({why})")).collect();
    let remedy =
        format!("Only these hold {}: {}. Take a value as an argument instead:", holding.what, holders.join("; "));
    hold(&remedy, faults);
    let unused: Vec<_> = holding
        .holders
        .iter()
        .filter(|(path, _)| !files.iter().any(|file| file.path.starts_with(path)))
        .map(|(path, _)| (*path).to_owned())
        .collect();
    hold(&format!("These may hold {} but do not exist any more; take them off the list:", holding.what), unused);
}

#[test]
fn only_the_engine_and_those_outside_have_a_clock() {
    check(&CLOCK);
}

#[test]
fn only_the_command_line_reads_the_environment() {
    check(&ENVIRONMENT);
}

#[test]
fn only_the_command_line_and_the_store_touch_files() {
    check(&FILES);
}

#[test]
fn randomness_is_drawn_in_few_places() {
    check(&RANDOMNESS);
}

#[test]
fn only_the_engine_and_those_outside_open_connections() {
    check(&TRANSPORT);
}

#[test]
fn only_the_store_speaks_sql() {
    check(&SQL);
}

#[test]
fn wire_formats_stay_at_the_edges() {
    let files = rust();
    let faults = files
        .iter()
        .filter(|file| !is_connector_wire(&file.path))
        .flat_map(|file| held_elsewhere(&WIRE_FORMATS, file))
        .collect();
    hold(
        "Give the wire its own type and convert in the outer type's file; lifecycles and money have no format:",
        faults,
    );
}

#[test]
fn every_crash_point_in_the_code_is_on_the_list_and_back() {
    let files = rust();
    let list = files.iter().find(|file| file.path == "crates/engine/src/crash.rs").unwrap();
    let list = list.uncommented.split("CRASH_POINTS: &[&str] = &[").nth(1).unwrap().split("];").next().unwrap();
    let listed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let mut passed = vec![];
    for file in files.iter().filter(|file| file.path.starts_with("crates/")) {
        for (number, line) in file.product_lines(&file.uncommented) {
            for rest in line.split(".pass(\"").skip(1) {
                passed.push((rest.split('"').next().unwrap(), format!("{}:{number}", file.path)));
            }
        }
    }
    let unlisted = passed.iter().filter(|(label, _)| !listed.contains(label));
    let mut faults: Vec<_> =
        unlisted.map(|(label, place)| format!("{place} passes {label}, not on the list")).collect();
    let never = listed.iter().filter(|label| !passed.iter().any(|(passed, _)| passed == *label));
    faults.extend(never.map(|label| format!("{label} is listed but never passed")));
    hold("CRASH_POINTS and the places that pass them must agree:", faults);
}
