//! Keeping what was found, a portion per commit, so that a large file keeps no payment waiting. What both sides agree
//! about is posted here: one journal per merchant and portion.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{AccountName, Books, Class, Journal, JournalId, JournalKind};

use super::{
    Bucket, ItemState, LINES_MAX, ReconciliationItem, SettlementFile, SettlementRule, SubjectKind,
    closing::{Moves, posted},
    matching::Finding,
};
use crate::{
    Decision, Key, ReconciliationItemId, Refusal,
    command::{World, account_row, reconciliation_item_row, settlement_file_row},
    decision::Context,
};

/// The most findings of one portion: what one commit may add beside payments without their noticing.
pub const FINDINGS_PER_COMMIT_MAX: usize = 200;

/// One portion of a file's findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepFindings {
    /// The file, as it is to be registered with its first portion.
    pub file: SettlementFile,
    /// How many of its items were kept when these were found; a portion that another import kept meanwhile is refused.
    pub after: u32,
    /// At most [`FINDINGS_PER_COMMIT_MAX`].
    pub findings: Vec<Finding>,
    /// The provider's rule, for deadlines.
    pub rule: SettlementRule,
    /// Whether nothing follows.
    pub last: bool,
}

impl KeepFindings {
    /// The rows that it works on.
    pub fn keys(&self) -> Vec<Key> {
        let claims = self.findings.iter().filter_map(|finding| finding.claim.as_ref());
        let claim = |claim: &String| Key::ReconciliationClaim(self.file.provider.clone(), claim.clone());
        std::iter::once(Key::SettlementFile(self.file.id))
            .chain(claims.map(claim))
            .chain(self.accounts().into_iter().map(Key::Account))
            .collect()
    }

    fn accounts(&self) -> BTreeSet<AccountName> {
        let settled = self.findings.iter().filter(|finding| enters_books(finding));
        let merchants = settled.filter_map(|finding| finding.expectation.as_ref()).map(|known| known.merchant.as_str());
        let of = |merchant: &str| {
            [Class::Clearing, Class::FeeRevenue, Class::MerchantPayable].map(|class| AccountName::of(class, merchant))
        };
        merchants.flat_map(of).collect()
    }
}

/// The portions in which findings are kept: one at least, so that a file without lines is kept too.
pub fn portions(file: &SettlementFile, rule: &SettlementRule, findings: &[Finding]) -> Vec<KeepFindings> {
    let mut parts: Vec<&[Finding]> = findings.chunks(FINDINGS_PER_COMMIT_MAX).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let count = parts.len();
    let mut after = file.kept();
    let portion = |(place, part): (usize, &[Finding])| {
        let portion =
            KeepFindings { file: file.clone(), after, findings: part.to_vec(), rule: *rule, last: place + 1 == count };
        after = after.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
        portion
    };
    parts.into_iter().enumerate().map(portion).collect()
}

/// Whether the import posts it: a bill was posted when it was paid, and an exception waits for an operator.
fn enters_books(finding: &Finding) -> bool {
    let kind = finding.line.as_ref().map(|line| line.kind);
    finding.bucket == Bucket::Matched && matches!(kind, Some(SubjectKind::Payment | SubjectKind::Refund))
}

/// Keeps a portion. Refused when the file or anything that it accounts for changed since the findings were made: then
/// they are to be made again.
pub fn keep_findings(command: KeepFindings, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let known = settlement_file_row(world, &Key::SettlementFile(command.file.id));
    let mut file = known.cloned().unwrap_or_else(|| command.file.clone());
    if known.is_some_and(|known| known.complete) {
        return Ok(Decision::default());
    }
    let fits = command.findings.len() <= FINDINGS_PER_COMMIT_MAX && file.total.lines as usize <= LINES_MAX;
    if file.kept() != command.after || !fits || file.digest != command.file.digest {
        return Err(Refusal::StepImpossible);
    }
    let mut decision = Decision::default();
    let journals = post_settled(&command, world, &mut decision, context)?;
    for finding in &command.findings {
        let id = ReconciliationItemId::from_bits(context.fresh.id());
        give_way(finding, &command.file.provider, id, world, &mut decision, context)?;
        let place = Bucket::ALL.iter().position(|bucket| *bucket == finding.bucket).unwrap_or_default();
        file.buckets[place].add(finding.line.as_ref());
        let merchant = finding.expectation.as_ref().map(|known| known.merchant.as_str());
        let state = match finding.bucket {
            Bucket::Matched => {
                let journal = merchant.filter(|_| enters_books(finding)).and_then(|merchant| journals.get(merchant));
                ItemState::Settled { journal: journal.copied() }
            }
            _ => ItemState::Open,
        };
        // What accounts for nothing has its row for a claim, so that two imports at once cannot both keep it.
        let of_row = || finding.line.as_ref().map(|line| format!("row:{}:{}", file.id, line.row));
        let claim = finding.claim.clone().or_else(of_row);
        let at = finding.expectation.as_ref().map(|known| known.at).or(finding.line.as_ref().map(|line| line.at));
        decision.rows.push(
            ReconciliationItem {
                id,
                provider: file.provider.clone(),
                file: file.id,
                line: finding.line.clone(),
                expectation: finding.expectation.clone(),
                claim,
                bucket: finding.bucket,
                opened_at: context.now,
                deadline: command.rule.deadline(at.unwrap_or(context.now)),
                owner: command.file.by.clone(),
                steps: vec![],
                state,
            }
            .into(),
        );
    }
    file.complete = command.last;
    decision.rows.push(file.into());
    Ok(decision)
}

/// Closes the item that accounted for the finding's thing so far. Nothing else may have taken it meanwhile.
fn give_way(
    finding: &Finding,
    provider: &str,
    to: ReconciliationItemId,
    world: &dyn World,
    decision: &mut Decision,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let Some(claim) = &finding.claim else { return Ok(()) };
    let before = reconciliation_item_row(world, &Key::ReconciliationClaim(provider.to_owned(), claim.clone()));
    if before.map(|item| item.id) != finding.supersedes || before.is_some_and(|item| item.state != ItemState::Open) {
        return Err(Refusal::StepImpossible);
    }
    if let Some(before) = before {
        let state = ItemState::Moved { at: context.now, to };
        decision.rows.push(ReconciliationItem { claim: None, state, ..before.clone() }.into());
    }
    Ok(())
}

/// One journal per merchant over everything of the portion that both sides agree about.
fn post_settled(
    command: &KeepFindings,
    world: &dyn World,
    decision: &mut Decision,
    context: &mut Context<'_>,
) -> Result<BTreeMap<String, JournalId>, Refusal> {
    let mut moves: BTreeMap<String, Moves> = BTreeMap::new();
    for finding in command.findings.iter().filter(|finding| enters_books(finding)) {
        if let (Some(line), Some(known)) = (&finding.line, &finding.expectation) {
            let merchant = moves.entry(known.merchant.as_str().to_owned()).or_default();
            merchant.settled(known.merchant.as_str(), line);
        }
    }
    let mut books = Books::over(command.accounts().into_iter().map(|name| account_row(world, &name)));
    let mut journals = BTreeMap::new();
    for (merchant, moves) in moves {
        let postings = posted(&moves)?;
        if postings.is_empty() {
            continue;
        }
        let id = JournalId(context.fresh.id());
        let subject = command.file.id.bits();
        let journal = Journal { id, kind: JournalKind::Settled, subject, at: context.now, postings };
        books.post(&journal, None).map_err(|_| Refusal::StepImpossible)?;
        journals.insert(merchant, id);
    }
    decision.keep(books);
    Ok(journals)
}
