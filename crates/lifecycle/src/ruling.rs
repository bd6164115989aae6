//! A ruling: what operators decide about a case whose outcome no provider tells. One person proposes it with evidence,
//! another approves it; only then is anything changed, by the same rules and postings as a provider's own word would, and
//! a provider's later word that contradicts it is never thrown away.

use calendar::Instant;

use crate::{
    Decision, Key, MerchantCode, Reason, Refusal, Row, RulingId, Secret, account_creation,
    bill::{self, Bill, BillTask},
    case::{Case, CaseKind},
    command::{World, payment_row, ruling_row},
    decision::Context,
    linkage, payment,
    provider::{BillReceipt, Outcome},
    refund,
    request::ServiceCode,
};

/// The largest evidence that is kept, in bytes.
pub const EVIDENCE_BYTES_MAX: usize = 256 * 1024;
/// The longest name of an operator, in characters.
pub const OPERATOR_LENGTH_MAX: usize = 64;

/// One ruling about one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Its id.
    pub id: RulingId,
    /// Whose case.
    pub merchant: MerchantCode,
    /// What kind of case.
    pub case: CaseKind,
    /// Which: the bits of its id.
    pub about: u128,
    /// What is decided.
    pub verdict: Verdict,
    /// The provider's reference that the evidence names, where it does.
    pub provider_reference: Option<String>,
    /// The token or serial that was bought, where the case is a bill that succeeded and the evidence tells it.
    pub token: Option<Secret>,
    /// The evidence's file name.
    pub evidence_name: String,
    /// The evidence itself, at most [`EVIDENCE_BYTES_MAX`].
    pub evidence: Vec<u8>,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Instant,
    /// When its case had last been sent to the provider, where that can happen more than once: the evidence speaks of that
    /// sending and of no later one.
    pub sent_at: Option<Instant>,
    /// Where it stands.
    pub status: RulingStatus,
}

/// What a ruling says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It happened.
    Succeeded,
    /// It did not happen.
    Failed,
}

impl Verdict {
    /// The verdict of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Succeeded, Self::Failed].into_iter().find(|verdict| verdict.name() == name)
    }

    /// The one word for it in table, log and page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Where a ruling stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulingStatus {
    /// Waits for a second person.
    Proposed,
    /// A second person approved it and it was carried out.
    Approved {
        /// Who, another than the one who proposed it.
        by: String,
        /// When.
        at: Instant,
    },
    /// Carried out, and the provider said otherwise afterwards: nothing is changed by that, and people look.
    Contradicted {
        /// Who had approved it.
        by: String,
        /// When.
        at: Instant,
        /// What the provider said.
        word: String,
        /// When it said so first.
        said_at: Instant,
    },
    /// People looked at the contradiction and closed it.
    Closed {
        /// Who had approved the ruling.
        by: String,
        /// When.
        at: Instant,
        /// What the provider had said.
        word: String,
        /// When it had said so first.
        said_at: Instant,
        /// Who closed it.
        closed_by: String,
        /// When.
        closed_at: Instant,
    },
    /// It was taken back, or the case was decided by the provider before it was approved.
    Withdrawn {
        /// Who, or `provider`.
        by: String,
        /// When.
        at: Instant,
    },
}

impl RulingStatus {
    /// The one word for this state in table, log and page.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved { .. } => "approved",
            Self::Contradicted { .. } => "contradicted",
            Self::Closed { .. } => "closed",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// Who withdraws a ruling when the provider decides the case first.
pub const PROVIDER: &str = "provider";

/// What operators do about a ruling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// One person proposes it, with the evidence.
    Propose(Box<Ruling>),
    /// Another approves it: it is carried out.
    Approve {
        /// Which ruling.
        ruling: RulingId,
        /// About which case.
        case: Case,
        /// What else carrying it out touches.
        parties: Parties,
        /// Who approves.
        by: String,
    },
    /// It is taken back.
    Withdraw {
        /// Which ruling.
        ruling: RulingId,
        /// By whom.
        by: String,
    },
    /// A contradiction was looked at, by another person than the one who had approved the ruling.
    Close {
        /// Which ruling.
        ruling: RulingId,
        /// By whom.
        by: String,
    },
}

/// What carrying a ruling out touches besides its case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties {
    /// The payment of a refund.
    pub payment: Option<crate::PaymentId>,
    /// The accounts of a bill, and which of its orders is under way.
    pub bill: Option<Box<BillTask>>,
}

impl Step {
    /// The service whose call may still wait for the outcome, where the answer does not say it itself.
    pub(crate) fn answers(&self) -> Option<ServiceCode> {
        match self {
            Self::Approve { parties: Parties { bill: Some(_), .. }, .. } => Some(ServiceCode::BILL_PAYMENT),
            _ => None,
        }
    }

    /// The rows that it needs.
    pub(crate) fn keys(&self) -> Vec<Key> {
        match self {
            Self::Propose(ruling) => vec![ruling.case.key(ruling.about), Key::RulingOpen(ruling.about)],
            Self::Approve { ruling, case: (kind, about), parties, .. } => {
                let accounts = parties.bill.iter().flat_map(|task| task.accounts()).map(Key::Account);
                let payment = parties.payment.map(Key::Payment);
                accounts.chain([Key::Ruling(*ruling), kind.key(*about)]).chain(payment).collect()
            }
            Self::Withdraw { ruling, .. } | Self::Close { ruling, .. } => vec![Key::Ruling(*ruling)],
        }
    }
}

/// Takes a step. One that cannot be taken is [`Refusal::StepImpossible`].
pub fn step(step: Step, world: &dyn World, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    match step {
        Step::Propose(ruling) => propose(*ruling, world),
        Step::Approve { ruling, case, parties, by } => {
            let ruling = ruling_row(world, &Key::Ruling(ruling)).ok_or(Refusal::StepImpossible)?;
            if (ruling.case, ruling.about) != case {
                return Err(Refusal::StepImpossible);
            }
            approve(ruling, &parties, by, world, context)
        }
        Step::Withdraw { ruling, by } => {
            let ruling = ruling_row(world, &Key::Ruling(ruling)).ok_or(Refusal::StepImpossible)?;
            match ruling.status {
                RulingStatus::Proposed => Ok(only(ruling.now(RulingStatus::Withdrawn { by, at: context.now }))),
                _ => Err(Refusal::StepImpossible),
            }
        }
        Step::Close { ruling, by: closed_by } => {
            let ruling = ruling_row(world, &Key::Ruling(ruling)).ok_or(Refusal::StepImpossible)?;
            match ruling.status.clone() {
                RulingStatus::Contradicted { by, at, word, said_at } if !is_same_person(&by, &closed_by) => {
                    let closed_at = context.now;
                    Ok(only(ruling.now(RulingStatus::Closed { by, at, word, said_at, closed_by, closed_at })))
                }
                _ => Err(Refusal::StepImpossible),
            }
        }
    }
}

/// Whether two names of operators may be one person's: letter case, blanks around it, and what was too long to be kept
/// tell nobody apart.
pub fn is_same_person(one: &str, other: &str) -> bool {
    let plain =
        |name: &str| -> String { name.trim().chars().take(OPERATOR_LENGTH_MAX).flat_map(char::to_lowercase).collect() };
    plain(one) == plain(other)
}

fn only(ruling: Ruling) -> Decision {
    Decision { rows: vec![ruling.into()], ..Decision::default() }
}

impl Ruling {
    fn now(&self, status: RulingStatus) -> Self {
        Self { status, ..self.clone() }
    }

    /// Whether this case can be ruled so at all. What makes a link or an electricity token is only the provider's to give.
    fn is_possible(&self, row: &Row) -> bool {
        match (row, self.verdict) {
            (Row::Link(_), Verdict::Succeeded) => false,
            (Row::Bill(bill), Verdict::Succeeded) => !bill.lacks_token(&self.receipt(bill)),
            _ => true,
        }
    }

    fn reference(&self) -> String {
        self.provider_reference.clone().unwrap_or_else(|| self.id.to_string())
    }

    fn receipt(&self, bill: &Bill) -> BillReceipt {
        BillReceipt {
            provider_reference: self.reference(),
            // People looked: whatever amount the source named before is not what was paid.
            bill_amount: bill.quote.map(|quote| quote.bill_amount),
            cost: None,
            token: self.token.clone(),
            fields: vec![],
        }
    }
}

fn propose(ruling: Ruling, world: &dyn World) -> Result<Decision, Refusal> {
    let row = world.row(&ruling.case.key(ruling.about)).ok_or(Refusal::StepImpossible)?;
    let proposed = ruling_row(world, &Key::RulingOpen(ruling.about))
        .is_some_and(|standing| standing.status == RulingStatus::Proposed);
    let fits = ruling.evidence.len() <= EVIDENCE_BYTES_MAX && ruling.status == RulingStatus::Proposed;
    if proposed || !fits || !row.is_unknown() || !ruling.is_possible(row) {
        return Err(Refusal::StepImpossible);
    }
    Ok(only(Ruling { sent_at: row.sent_at(), ..ruling }))
}

/// A second person agrees: what was ruled becomes so by the rules by which a provider's word would. A case that the
/// provider decided meanwhile stays as it decided, or was sent again because of its word: then the ruling is withdrawn.
fn approve(
    ruling: &Ruling,
    parties: &Parties,
    by: String,
    world: &dyn World,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    if ruling.status != RulingStatus::Proposed || is_same_person(&ruling.proposed_by, &by) {
        return Err(Refusal::StepImpossible);
    }
    let row = world.row(&ruling.case.key(ruling.about)).ok_or(Refusal::StepImpossible)?;
    let at = context.now;
    if !row.is_unknown() || row.sent_at() != ruling.sent_at {
        return Ok(only(ruling.now(RulingStatus::Withdrawn { by: PROVIDER.into(), at })));
    }
    let mut decision = carry_out(ruling, row, parties, world, context).ok_or(Refusal::StepImpossible)?;
    let settled = decision.rows.iter().find(|changed| changed.case() == row.case());
    // What is known not to have gone back may still be owed: another ruling is about that.
    let is_owed = |row: &Row| matches!(row, Row::Refund(refund) if refund.is_owed());
    if settled.is_none_or(|settled| settled.is_unknown() && (is_owed(row) || !is_owed(settled))) {
        // Never seen; nothing is half done, and people look.
        return Err(Refusal::StepImpossible);
    }
    decision.rows.push(ruling.now(RulingStatus::Approved { by, at }).into());
    Ok(decision)
}

fn carry_out(
    ruling: &Ruling,
    row: &Row,
    parties: &Parties,
    world: &dyn World,
    context: &mut Context<'_>,
) -> Option<Decision> {
    let provider_reference = ruling.reference();
    let outcome = |succeeded| match ruling.verdict {
        Verdict::Succeeded => succeeded,
        Verdict::Failed => Outcome::Refused(Reason::DoNotHonor),
    };
    match row {
        Row::Payment(row) => {
            Some(payment::charge_reported(row, None, outcome(Outcome::Charged { provider_reference }), context))
        }
        Row::Refund(row) => {
            let payment = payment_row(world, &Key::Payment(parties.payment.filter(|id| *id == row.payment)?))?;
            if row.is_owed() && ruling.verdict == Verdict::Failed {
                return Some(refund::waived(row, payment, Reason::DoNotHonor, context));
            }
            let outcome = outcome(Outcome::Refunded { provider_reference });
            Some(refund::reported(row, payment, None, outcome, context))
        }
        Row::Bill(row) => {
            let about = parties.bill.as_deref().filter(|about| row.task().as_ref() == Some(about))?;
            let outcome = outcome(Outcome::BillPaid(Box::new(ruling.receipt(row))));
            Some(bill::payment_reported(row, about, None, outcome, world, context))
        }
        Row::Link(row) if ruling.verdict == Verdict::Failed => Some(linkage::ruled_out(row, context)),
        Row::AccountCreation(row) => {
            Some(account_creation::ruled(row, ruling.verdict, ruling.provider_reference.clone(), context))
        }
        _ => None,
    }
}

/// What a provider's word means for the ruling about its case: one that is only proposed loses against it, one that was
/// carried out and is contradicted is shown until people have looked.
pub(crate) fn answer_to(word: &Outcome, case: Case, decision: &mut Decision, world: &dyn World, context: &Context<'_>) {
    let Some(ruling) = ruling_row(world, &Key::RulingOpen(case.1)).filter(|ruling| (ruling.case, ruling.about) == case)
    else {
        return;
    };
    let at = context.now;
    match &ruling.status {
        RulingStatus::Proposed => {
            let now = decision.rows.iter().find(|row| row.case() == Some(case));
            if now.is_some_and(|row| !row.is_unknown()) {
                decision.rows.push(ruling.now(RulingStatus::Withdrawn { by: PROVIDER.into(), at }).into());
            }
        }
        RulingStatus::Approved { by, at: approved_at } => {
            let late = at >= approved_at.plus_seconds(context.not_found_final_seconds);
            if let Some(word) = contradiction(ruling.verdict, word, late) {
                let (by, at) = (by.clone(), *approved_at);
                let status = RulingStatus::Contradicted { by, at, word, said_at: context.now };
                decision.rows.push(ruling.now(status).into());
            }
        }
        RulingStatus::Contradicted { .. } | RulingStatus::Closed { .. } | RulingStatus::Withdrawn { .. } => {}
    }
}

/// What of a provider's word contradicts a verdict. That it does not know the case counts only when it is `late` enough.
fn contradiction(verdict: Verdict, word: &Outcome, late: bool) -> Option<String> {
    let said = |what: &str, reference: &str| Some(format!("{what}, under {reference}"));
    match (verdict, word) {
        (Verdict::Failed, Outcome::Charged { provider_reference }) => said("charged", provider_reference),
        (Verdict::Failed, Outcome::Refunded { provider_reference }) => said("given back", provider_reference),
        (Verdict::Failed, Outcome::BillPaid(receipt)) => said("paid", &receipt.provider_reference),
        (Verdict::Succeeded, Outcome::BillReversed) => Some("taken back".into()),
        (Verdict::Succeeded, Outcome::NotFound) if late => Some("the provider does not know it".into()),
        (
            Verdict::Succeeded,
            Outcome::Refused(Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_) | Reason::FloatInsufficient),
        ) => None,
        (Verdict::Succeeded, Outcome::Refused(reason)) => Some(format!("refused: {reason:?}")),
        _ => None,
    }
}
