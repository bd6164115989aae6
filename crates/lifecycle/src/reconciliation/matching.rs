//! Which bucket every line and every expectation ends in. Total and deterministic: what a file says decides, never the
//! order of its lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use calendar::{Instant, JakartaDay};
use money::Amount;

use super::{Bucket, Expectation, ItemState, ReconciliationItem, SettlementLine, SettlementRule, SubjectKind};
use crate::ReconciliationItemId;

/// Everything that the buckets of one file follow from.
#[derive(Clone, Copy, Debug)]
pub struct Matching<'m> {
    /// The provider's rule.
    pub rule: &'m SettlementRule,
    /// The business day that the file is about.
    pub day: JakartaDay,
    /// The lines that were not kept yet.
    pub lines: &'m [SettlementLine],
    /// What we know of the provider's: everything that the lines name, that may be due, or that waits for a file.
    pub known: &'m [Expectation],
    /// Items that account for any of that already.
    pub claims: &'m [ReconciliationItem],
    /// The time.
    pub now: Instant,
}

/// What is found of one line or of one expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it ends.
    pub bucket: Bucket,
    /// The line; none where there should be one.
    pub line: Option<SettlementLine>,
    /// What we know of it.
    pub expectation: Option<Expectation>,
    /// What it accounts for; none where another item does.
    pub claim: Option<String>,
    /// The open item that accounted for it so far and gives way.
    pub supersedes: Option<ReconciliationItemId>,
}

/// Puts every line and every expectation that is due into exactly one bucket, lines first in the order of their rows.
pub fn reconcile(matching: &Matching<'_>) -> Vec<Finding> {
    let index = Index::over(matching);
    let mut groups: BTreeMap<String, Vec<&SettlementLine>> = BTreeMap::new();
    let mut findings = vec![];
    for line in matching.lines {
        match index.claim_of(line) {
            Some(claim) => groups.entry(claim).or_default().push(line),
            // Nothing names it, so that nothing can account for it twice.
            None => findings.push(Finding {
                bucket: Bucket::MissingHere,
                line: Some(line.clone()),
                expectation: None,
                claim: None,
                supersedes: None,
            }),
        }
    }
    let mut named = BTreeSet::new();
    for (claim, lines) in groups {
        index.settle_group(matching, &claim, lines, &mut findings);
        named.insert(claim);
    }
    findings.sort_by_key(|finding| finding.line.as_ref().map(|line| line.row));
    findings.extend(index.missing_there(matching, &named));
    findings
}

/// Under which texts items may account for these lines and for what we know: the claims that matching needs.
pub fn claims_of(lines: &[SettlementLine], known: &[Expectation]) -> BTreeSet<String> {
    let strangers = lines.iter().filter_map(claim_of_stranger);
    known.iter().map(claim_of_known).chain(strangers).collect()
}

/// What accounts for a thing that we know.
fn claim_of_known(expectation: &Expectation) -> String {
    format!("{}:{}", expectation.kind.name(), expectation.reference)
}

/// What accounts for a thing that only the provider knows.
fn claim_of_stranger(line: &SettlementLine) -> Option<String> {
    let kind = line.kind.name();
    let own = || line.reference.as_ref().map(|reference| format!("{kind}:{reference}"));
    line.provider_reference.as_ref().map(|reference| format!("{kind}@{reference}")).or_else(own)
}

struct Index<'m> {
    known: HashMap<String, &'m Expectation>,
    by_reference: HashMap<(SubjectKind, &'m str), &'m Expectation>,
    /// None: several have it, so that it names none.
    by_provider_reference: HashMap<(SubjectKind, &'m str), Option<&'m Expectation>>,
    claims: HashMap<&'m str, &'m ReconciliationItem>,
}

impl<'m> Index<'m> {
    fn over(matching: &Matching<'m>) -> Self {
        let mut index = Self {
            known: HashMap::new(),
            by_reference: HashMap::new(),
            by_provider_reference: HashMap::new(),
            claims: HashMap::new(),
        };
        for expectation in matching.known {
            index.known.insert(claim_of_known(expectation), expectation);
            index.by_reference.insert((expectation.kind, &expectation.reference), expectation);
            if let Some(reference) = &expectation.provider_reference {
                index
                    .by_provider_reference
                    .entry((expectation.kind, reference))
                    .and_modify(|known| {
                        if known.is_some_and(|known| known.reference != expectation.reference) {
                            *known = None;
                        }
                    })
                    .or_insert(Some(expectation));
            }
        }
        for item in matching.claims {
            if let Some(claim) = &item.claim {
                index.claims.insert(claim, item);
            }
        }
        index
    }

    fn claim_of(&self, line: &SettlementLine) -> Option<String> {
        let own = line.reference.as_ref().and_then(|text| self.by_reference.get(&(line.kind, text)).copied());
        let theirs = || {
            let text = line.provider_reference.as_ref()?;
            self.by_provider_reference.get(&(line.kind, text)).copied().flatten()
        };
        own.or_else(theirs).map(claim_of_known).or_else(|| claim_of_stranger(line))
    }

    /// The lines about one thing: the one that says most truly what we expect accounts for it, the others repeat it.
    fn settle_group(
        &self,
        matching: &Matching<'_>,
        claim: &str,
        mut lines: Vec<&SettlementLine>,
        findings: &mut Vec<Finding>,
    ) {
        let expectation = self.known.get(claim).copied();
        let before = self.claims.get(claim).copied();
        let waits = |item: &ReconciliationItem| {
            item.state == ItemState::Open && matches!(item.bucket, Bucket::MissingThere | Bucket::DateLine)
        };
        let free = before.is_none_or(waits);
        lines.sort_by_cached_key(|line| {
            let bucket = bucket_of(line, expectation, matching);
            (bucket != Bucket::Matched, bucket != Bucket::AmountDiffers, line.said(), line.row)
        });
        for (place, line) in lines.into_iter().enumerate() {
            let first = place == 0 && free;
            findings.push(Finding {
                bucket: if first { bucket_of(line, expectation, matching) } else { Bucket::Duplicate },
                line: Some(line.clone()),
                expectation: expectation.cloned(),
                claim: first.then(|| claim.to_owned()),
                supersedes: before.filter(|_| first).map(|item| item.id),
            });
        }
    }

    /// What should have been in this file, or in any by now, and is not.
    fn missing_there(&self, matching: &Matching<'_>, named: &BTreeSet<String>) -> Vec<Finding> {
        let (begin, end) = matching.rule.period(matching.day);
        let mut missing: BTreeMap<&String, Finding> = BTreeMap::new();
        for (claim, expectation) in &self.known {
            if named.contains(claim) || !expectation.believed {
                continue;
            }
            let late = matching.rule.deadline(expectation.at) <= matching.now;
            let in_file = (begin..end).contains(&expectation.at);
            let near_end = expectation.at >= end.plus_seconds(-matching.rule.date_line_seconds);
            let before = self.claims.get(claim.as_str()).copied();
            let waited = match before {
                None => None,
                // Its time is over: from now on it is missing, unless a line says that its money moved.
                Some(item) if late && waits_for_money(item) => Some(item.id),
                Some(_) => continue,
            };
            let bucket = match (late, in_file) {
                (false, false) => continue,
                (false, true) if near_end => Bucket::DateLine,
                _ => Bucket::MissingThere,
            };
            let (expectation, owned) = (Some((*expectation).clone()), Some(claim.clone()));
            missing.insert(claim, Finding { bucket, line: None, expectation, claim: owned, supersedes: waited });
        }
        missing.into_values().collect()
    }
}

/// Whether an item waits on the line between two days, and no line about it says that money moved.
fn waits_for_money(item: &ReconciliationItem) -> bool {
    let moved = item.line.as_ref().is_some_and(|line| line.settled);
    item.state == ItemState::Open && item.bucket == Bucket::DateLine && !moved
}

/// Where a line ends that is the only one about its thing.
fn bucket_of(line: &SettlementLine, expectation: Option<&Expectation>, matching: &Matching<'_>) -> Bucket {
    let Some(expectation) = expectation.filter(|expectation| expectation.believed) else {
        return Bucket::MissingHere;
    };
    let fee: Option<Amount> = matching.rule.fee(line.kind, expectation.amount);
    if line.amount != expectation.amount || fee.is_some_and(|fee| fee != line.fee) {
        return Bucket::AmountDiffers;
    }
    let (_, end) = matching.rule.period(matching.day);
    if !line.settled || line.at >= end { Bucket::DateLine } else { Bucket::Matched }
}
