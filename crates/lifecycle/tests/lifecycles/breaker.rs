//! When a provider is left alone, and when it is called again.

use calendar::Instant;
use lifecycle::breaker::{Breaker, Change, Heard, Limits, Permit, State, Wish};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    failures_in_a_row: 3,
    window_seconds: 60,
    window_calls_min: 10,
    failure_percent: 50,
    open_seconds: 10,
    open_seconds_max: 40,
    probe_seconds: 30,
};

fn at(second: i64) -> Instant {
    Instant::from_micros((1_700_000_000 + second) * 1_000_000)
}

/// A breaker after these calls, each of which was allowed; one a second from zero on.
fn after(calls: &[Heard]) -> Breaker {
    let mut breaker = Breaker::new(LIMITS);
    for (second, heard) in (0..).zip(calls) {
        let permit = breaker.ask(Wish::Call, at(second));
        assert_ne!(permit, Permit::No, "second {second}");
        breaker.heard(permit, *heard, at(second));
    }
    breaker
}

#[test]
fn it_opens_by_failures_in_a_row_or_by_their_part_and_not_by_refusals() {
    use Heard::{Answer as A, Silence as S};
    for (calls, opens) in [
        (&[S, S][..], false),
        (&[S, S, S], true),
        (&[S, S, A, S, S], false),
        (&[A; 100], false),
        // Half of ten.
        (&[S, A, S, A, S, A, S, A, A, S], true),
        (&[S, A, S, A, S, A, S, A, S], false),
        (&[S, A, A, S, A, A, S, A, A, S, A, A, S], false),
    ] {
        let breaker = after(calls);
        let state = breaker.state(at(calls.len() as i64));
        assert_eq!(matches!(state, State::Open { .. }), opens, "{calls:?}: {state:?}");
    }
}

#[test]
fn old_failures_are_forgotten() {
    let mut breaker = Breaker::new(LIMITS);
    for second in 0..9 {
        let heard = if second % 2 == 0 { Heard::Silence } else { Heard::Answer };
        breaker.heard(Permit::Call, heard, at(second));
    }
    // The tenth call would open it; two minutes later it is the first of a new window.
    breaker.heard(Permit::Call, Heard::Silence, at(129));
    assert_eq!(breaker.state(at(129)), State::Closed);
}

fn open() -> Breaker {
    after(&[Heard::Silence; 3])
}

#[test]
fn while_it_is_open_only_one_question_at_a_time_goes_out() {
    let mut breaker = open();
    assert_eq!(breaker.state(at(3)), State::Open { until: at(12) });
    assert_eq!((breaker.takes(at(11)), breaker.ask(Wish::Call, at(11))), (false, Permit::No));
    assert_eq!(breaker.ask(Wish::Question, at(4)), Permit::Probe);
    assert_eq!(breaker.ask(Wish::Question, at(5)), Permit::No);
    // It was not answered: nothing is prolonged, and the next question waits.
    assert_eq!(breaker.heard(Permit::Probe, Heard::Silence, at(6)), None);
    assert_eq!(breaker.ask(Wish::Question, at(10)), Permit::No);
    assert_eq!(breaker.ask(Wish::Question, at(11)), Permit::Probe);
    assert_eq!(breaker.state(at(11)), State::Open { until: at(12) });
    // One that was not sent leaves the next its place, and one that is answered closes it.
    let mut breaker = open();
    assert_eq!(breaker.ask(Wish::Question, at(4)), Permit::Probe);
    assert_eq!(breaker.heard(Permit::Probe, Heard::Nothing, at(4)), None);
    assert_eq!(breaker.ask(Wish::Question, at(5)), Permit::Probe);
    assert_eq!(breaker.heard(Permit::Probe, Heard::Answer, at(5)), Some(Change::Closed));
    assert_eq!((breaker.state(at(5)), breaker.ask(Wish::Call, at(5))), (State::Closed, Permit::Call));
}

#[test]
fn a_probe_decides_and_only_one_goes_at_a_time() {
    let mut breaker = open();
    assert_eq!((breaker.state(at(12)), breaker.takes(at(12))), (State::HalfOpen, true));
    assert_eq!(breaker.ask(Wish::Call, at(12)), Permit::Probe);
    assert_eq!((breaker.takes(at(13)), breaker.ask(Wish::Call, at(13))), (false, Permit::No));
    assert_eq!(breaker.heard(Permit::Probe, Heard::Silence, at(14)), Some(Change::Opened { until: at(34) }));
    assert_eq!(breaker.ask(Wish::Call, at(34)), Permit::Probe);
    assert_eq!(breaker.heard(Permit::Probe, Heard::Silence, at(35)), Some(Change::Opened { until: at(75) }));
    assert_eq!(breaker.ask(Wish::Call, at(75)), Permit::Probe);
    assert_eq!(
        breaker.heard(Permit::Probe, Heard::Silence, at(76)),
        Some(Change::Opened { until: at(116) }),
        "at most"
    );
    assert_eq!(breaker.ask(Wish::Call, at(116)), Permit::Probe);
    assert_eq!(breaker.heard(Permit::Probe, Heard::Answer, at(117)), Some(Change::Closed));
    // It begins anew.
    for second in 118..120 {
        breaker.heard(Permit::Call, Heard::Silence, at(second));
    }
    assert_eq!(breaker.state(at(120)), State::Closed);
    assert_eq!(breaker.heard(Permit::Call, Heard::Silence, at(120)), Some(Change::Opened { until: at(130) }));
}

#[test]
fn a_probe_that_is_lost_does_not_keep_it_shut_for_ever() {
    let mut breaker = open();
    assert_eq!(breaker.ask(Wish::Call, at(12)), Permit::Probe);
    assert_eq!(breaker.ask(Wish::Call, at(41)), Permit::No);
    assert_eq!(breaker.ask(Wish::Call, at(42)), Permit::Probe);
    // The clock stepped back: the probe that seems to come from the future is lost as well.
    let mut breaker = open();
    assert_eq!(breaker.ask(Wish::Call, at(500)), Permit::Probe);
    assert_eq!(breaker.ask(Wish::Call, at(100)), Permit::Probe);
}

#[test]
fn what_was_begun_before_it_opened_changes_nothing() {
    let mut breaker = open();
    let before = breaker.clone();
    for heard in [Heard::Answer, Heard::Silence, Heard::Nothing] {
        assert_eq!(breaker.heard(Permit::Call, heard, at(5)), None);
        assert_eq!(breaker.heard(Permit::No, heard, at(5)), None);
    }
    assert_eq!(breaker, before);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(bool),
    Hear(prop::sample::Index, bool),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        any::<bool>().prop_map(Step::Ask),
        (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(call, answered)| Step::Hear(call, answered)),
        prop_oneof![Just(0), Just(1), Just(5), Just(30), Just(-40), Just(600)].prop_map(Step::Wait),
    ];
    prop::collection::vec(one, 1..200)
}

proptest! {
    /// Whatever happens: at most one probe is under way within its time, a closed breaker lets everything through, one
    /// that is open lets no call through, and after its time somebody may always try.
    #[test]
    fn any_history(steps in steps()) {
        let mut breaker = Breaker::new(LIMITS);
        let mut under_way: Vec<Permit> = vec![];
        let mut now = 0;
        let mut probe: Option<i64> = None;
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::Ask(question) => {
                    let wish = if question { Wish::Question } else { Wish::Call };
                    let (state, takes) = (breaker.state(at(now)), breaker.takes(at(now)));
                    let permit = breaker.ask(wish, at(now));
                    match state {
                        State::Closed => prop_assert_eq!((permit, takes), (Permit::Call, true)),
                        State::Open { .. } if wish == Wish::Call => prop_assert_eq!((permit, takes), (Permit::No, false)),
                        State::Open { .. } => prop_assert_ne!(permit, Permit::Call),
                        State::HalfOpen => prop_assert_eq!(permit == Permit::Probe, takes),
                    }
                    if permit == Permit::Probe {
                        let early = probe.is_some_and(|since| (since..since + 30).contains(&now));
                        prop_assert!(!early, "two probes at once");
                        probe = Some(now);
                    }
                    if permit != Permit::No {
                        under_way.push(permit);
                    }
                }
                Step::Hear(call, answered) if !under_way.is_empty() => {
                    let permit = under_way.swap_remove(call.index(under_way.len()));
                    let before = breaker.state(at(now));
                    let heard = if answered { Heard::Answer } else { Heard::Silence };
                    let change = breaker.heard(permit, heard, at(now));
                    prop_assert!(!(answered && matches!(change, Some(Change::Opened { .. }))), "an answer opens nothing");
                    prop_assert!(!(before == State::Closed && change == Some(Change::Closed)));
                    if change.is_some() || permit == Permit::Probe {
                        probe = None;
                        under_way.retain(|permit| *permit != Permit::Probe);
                    }
                }
                Step::Hear(..) => {}
            }
        }
        // Left alone long enough, it may be tried again, and one answer closes it.
        let later = at(now + 10_000);
        prop_assert!(breaker.takes(later));
        let permit = breaker.ask(Wish::Call, later);
        breaker.heard(permit, Heard::Answer, later);
        prop_assert_eq!(breaker.state(later), State::Closed);
    }
}
