//! The goals: which line is held against which, and how much of it is wanted.

use serde::Serialize;

use super::{
    guard::decimal,
    peers::{FDATASYNC, ONE_STATEMENT, ONE_STATEMENT_HOT, OPENSSL, SIMPLE_UPDATE, TPC_B},
};

/// The number of connections that goals speak of.
pub const GOALS_CONNECTIONS: usize = 64;

/// Goal, the gateway's line, what it is held against, and hundredths of that.
struct Goal {
    id: &'static str,
    line: &'static str,
    over: &'static str,
    hundredths: u64,
}

const fn goal(id: &'static str, line: &'static str, over: &'static str, hundredths: u64) -> Goal {
    Goal { id, line, over, hundredths }
}

const GOALS: &[Goal] = &[
    goal("P1", "embedded: P1 signed, no write", OPENSSL, 25),
    goal("P2", "embedded: P2 auth code, durable", "embedded: P1 signed, no write", 50),
    goal("P2", "embedded: P2 auth code, durable", FDATASYNC, 250),
    goal("P2", "embedded: P2 payment, durable", "embedded: P1 signed, no write", 50),
    goal("P2", "embedded: P2 payment, durable", FDATASYNC, 250),
    goal("P3", "PostgreSQL: P2 auth code, durable", SIMPLE_UPDATE, 200),
    goal("P3", "PostgreSQL: P2 auth code, durable", ONE_STATEMENT, 100),
    goal("P3", "PostgreSQL: P2 payment, durable", SIMPLE_UPDATE, 200),
    goal("P3", "PostgreSQL: P2 payment, durable", ONE_STATEMENT, 100),
    goal("P4", "embedded: P4 payment of one merchant, durable", "embedded: P2 payment, durable", 90),
    goal("P4", "PostgreSQL: P4 payment of one merchant, durable", "PostgreSQL: P2 payment, durable", 90),
    goal("P4", "PostgreSQL: P4 payment of one merchant, durable", ONE_STATEMENT_HOT, 500),
    goal("P4", "embedded: P5 bill payment of one merchant", "embedded: P5 bill payment", 90),
    goal("P4", "PostgreSQL: P5 bill payment of one merchant", "PostgreSQL: P5 bill payment", 90),
    goal("P5", "embedded: P5 bill payment", TPC_B, 140),
    goal("P5", "embedded: P5 bill payment of one merchant", TPC_B, 140),
    goal("P5", "PostgreSQL: P5 bill payment", TPC_B, 110),
    goal("P5", "PostgreSQL: P5 bill payment of one merchant", TPC_B, 110),
];

/// One goal as it was measured; both figures are decimals with two places.
#[derive(Debug, Serialize)]
pub struct Ratio {
    /// The goal and the two lines.
    pub name: String,
    /// The median over the rounds.
    pub ratio: String,
    /// What is wanted.
    pub goal: String,
}

/// Whether a line of a peer is what some line of the gateway with this text in its name is held against.
pub fn is_held_against(peer: &str, only: &str) -> bool {
    GOALS.iter().any(|goal| goal.over == peer && measured(goal.line).contains(only))
}

/// Every goal that has both lines, from the rates of a line's rounds.
pub fn ratios(rates: impl Fn(&str) -> Option<Vec<u64>>) -> Vec<Ratio> {
    let both = |goal: &Goal| {
        let line = rates(&measured(goal.line))?;
        let over = rates(&measured(goal.over))?;
        let hundredths = line.into_iter().zip(over).map(|(line, over)| line * 100 / over.max(1)).collect();
        let name = format!("{}  {}  over  {}", goal.id, goal.line, goal.over);
        Some(Ratio { name, ratio: decimal(median(hundredths)), goal: decimal(goal.hundredths) })
    };
    GOALS.iter().filter_map(both).collect()
}

/// The middle of some figures; 0 of none.
pub fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// The name of a line as it stands in the report: the gateway's say how many connections.
fn measured(line: &str) -> String {
    let of_gateway = line.starts_with("embedded: ") || line.starts_with("PostgreSQL: ");
    if of_gateway { format!("{line}, {GOALS_CONNECTIONS} connections") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_middle_one_of_the_rounds() {
        let rates = |name: &str| match name {
            "embedded: P5 bill payment, 64 connections" => Some(vec![1_000, 900, 1_600]),
            TPC_B => Some(vec![1_000, 1_000, 800]),
            _ => None,
        };
        let ratios = ratios(rates);
        assert_eq!(ratios.len(), 1, "other goals lack a line: {ratios:?}");
        assert_eq!((ratios[0].ratio.as_str(), ratios[0].goal.as_str()), ("1.00", "1.40"));
    }

    #[test]
    fn only_bills_need_only_their_own_peer() {
        assert!(is_held_against(TPC_B, "bill"));
        for peer in [OPENSSL, SIMPLE_UPDATE, ONE_STATEMENT, ONE_STATEMENT_HOT] {
            assert!(!is_held_against(peer, "bill"), "{peer}");
            assert!(is_held_against(peer, "P"), "{peer}");
        }
    }
}
