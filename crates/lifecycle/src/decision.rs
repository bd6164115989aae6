//! What a lifecycle hands back: everything that must be committed together, and what to answer.

use calendar::Instant;
use money::Amount;

use crate::{
    AuthCodeId, Digest, LinkId, Merchant, ProductCode, Refusal, Row, Secret, TaskId,
    bill::Bill,
    linkage::Tokens,
    notification::Notice,
    payment::Payment,
    provider::{AccountInfo, BalanceLine},
    refund::Refund,
    request::{Request, RequestKey, ServiceCode},
    task::{Task, TaskKind},
};

/// Where new identities and random texts come from. `engine` implements it over the system's randomness, tests and the
/// simulation over a seed.
pub trait Fresh {
    /// 128 bits that sort by time.
    fn id(&mut self) -> u128;
    /// A random text of letters and digits.
    fn text(&mut self, length: usize) -> String;
    /// The digest under which a text is looked up.
    fn digest(&self, text: &str) -> Digest;
}

/// What a decision may depend on besides state and command.
pub struct Context<'a> {
    /// The time.
    pub now: Instant,
    /// New identities and random texts.
    pub fresh: &'a mut dyn Fresh,
    /// The merchant concerned.
    pub merchant: &'a Merchant,
    /// How long after a charge was asked for its provider's "not found" proves that it never happened, in seconds.
    pub not_found_final_seconds: i64,
    /// The connector at which a product is asked for now, by its name; none where nobody sells it.
    pub seller: &'a dyn Fn(&ProductCode) -> Option<String>,
}

impl Context<'_> {
    /// A new secret text and its digest. The first eight characters are the time, not secret: what is made together
    /// is then looked up together, on pages that the store has at hand.
    pub fn secret(&mut self, length: usize) -> (Secret, Digest) {
        let stamp = time_stamp(self.fresh.id());
        let random = self.fresh.text(length.saturating_sub(stamp.len()));
        let text = format!("{stamp}{random}");
        let digest = self.fresh.digest(&text);
        (Secret::new(text), digest)
    }
}

/// The lower 40 of the 48 bits of time in an identity, as eight characters that sort as the time does.
fn time_stamp(id: u128) -> String {
    const SORTED: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..8).rev().map(|place| char::from(SORTED[((id >> (80 + 5 * place)) & 31) as usize])).collect()
}

/// Everything that one command changes, committed together or not at all.
#[derive(Debug, Default)]
pub struct Decision {
    /// The call's record, when the command came from a merchant.
    pub request: Option<Request>,
    /// New states; each replaces the row of its id.
    pub rows: Vec<Row>,
    /// What the ledger's accounts gained; their new states are among the rows.
    pub entries: Vec<ledger::Entry>,
    /// Work to do after the commit.
    pub tasks: Vec<Task>,
    /// Tasks that are finished.
    pub ended: Vec<TaskId>,
    /// What the merchant must hear, to be written down and delivered.
    pub notices: Vec<Notice>,
    /// Answers to calls that wait, this command's own included. A call without an answer goes on waiting.
    pub answers: Vec<(RequestKey, Answer)>,
}

impl Decision {
    /// A decision that records this call.
    pub fn recording(request: Request) -> Self {
        Self { request: Some(request), ..Self::default() }
    }

    /// A decision that ends this task.
    pub fn ending(task: TaskId) -> Self {
        Self { ended: vec![task], ..Self::default() }
    }

    /// Adds work that begins with the commit: its first attempt counts as begun, because a crash right after the
    /// commit cannot be told from a crash right after the call.
    pub fn perform(&mut self, context: &mut Context<'_>, kind: TaskKind) -> TaskId {
        let id = TaskId::from_bits(context.fresh.id());
        self.tasks.push(Task { id, kind, due_at: context.now, attempts: 1 });
        id
    }

    /// Adds work for later.
    pub fn repeat(&mut self, context: &mut Context<'_>, kind: TaskKind, due_at: Instant) -> TaskId {
        let id = TaskId::from_bits(context.fresh.id());
        self.tasks.push(Task { id, kind, due_at, attempts: 0 });
        id
    }

    /// Adds what the books gained: accounts as they stand now, and entries.
    pub fn keep(&mut self, books: ledger::Books) {
        let (accounts, entries) = books.into_changes();
        self.rows.extend(accounts.into_iter().map(Row::from));
        self.entries.extend(entries);
    }

    /// Answers a call.
    pub fn answer(&mut self, request: RequestKey, answer: Answer) {
        self.answers.push((request, answer));
    }
}

/// What a caller is told, before `contract` writes it in the words of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Get Auth Code (10).
    AuthCodeIssued {
        /// Our id of the code.
        auth_code: AuthCodeId,
        /// The code.
        code: Secret,
        /// As the merchant sent it.
        state: String,
        /// The token of the page where the customer authorises.
        page: Secret,
    },
    /// Account Binding (07): linked at once.
    Linked {
        /// The link.
        link: LinkId,
        /// The merchant's reference.
        partner_reference: String,
        /// The tokens to use from now on.
        tokens: Tokens,
    },
    /// Account Binding (07): the customer must visit the wallet's page.
    BindingPending {
        /// The link.
        link: LinkId,
        /// The merchant's reference.
        partner_reference: String,
        /// Usable for Account Inquiry at once, for the rest once linked.
        account_token: Secret,
        /// The wallet's page.
        redirect_url: String,
    },
    /// Account Inquiry (08).
    Account(AccountInfo),
    /// Balance Inquiry (11).
    Balance {
        /// The merchant's reference.
        partner_reference: String,
        /// Cash and points.
        lines: Vec<BalanceLine>,
    },
    /// Account Unbinding (09).
    Unlinked {
        /// The link.
        link: LinkId,
        /// The merchant's reference.
        partner_reference: String,
    },
    /// Account Creation (06): the customer must choose a PIN on our page.
    CreationPending {
        /// The number the account will have.
        phone: String,
        /// Our reference, a UUID's text.
        reference: String,
        /// The token of the create-PIN page.
        page: Secret,
    },
    /// Payment Host to Host (54): accepted; the state says whether it is paid already.
    Payment {
        /// The payment as it stands.
        payment: Box<Payment>,
        /// The token of our page for it.
        page: Secret,
    },
    /// Inquiry Status (26) and Debit Status (55).
    PaymentStatus {
        /// The payment as it stands.
        payment: Box<Payment>,
        /// Its refunds, the oldest first.
        refunds: Vec<Refund>,
        /// Whether the merchant answered the newest notification of its outcome without accepting it.
        suspect: bool,
    },
    /// Refund (58) and Cancel (57): asked of the provider; the state says what came of it.
    Refund {
        /// The refund as it stands.
        refund: Box<Refund>,
        /// Its payment as it stands.
        payment: Box<Payment>,
    },
    /// Cancel (57): called off before any provider was asked.
    Cancelled(Box<Payment>),
    /// Check Biller Products: the merchant's own.
    BillerProducts,
    /// Bill Inquiry: the locked amounts.
    BillInquired(Box<Bill>),
    /// Bill Payment: sent, whatever is known of it.
    BillPayment(Box<Bill>),
    /// Bill Payment Status Inquiry.
    BillStatus(Box<Bill>),
    /// Check Balance.
    BillerBalance {
        /// What can be spent: the balance less what is reserved.
        available: Amount,
        /// What is reserved for bills under way.
        held: Amount,
    },
    /// A page's step was taken; the page reads the new state itself.
    StepTaken,
    /// Nothing was done.
    Refused(Refusal),
}

impl Answer {
    /// The service in whose words it is written, where the answer itself says so: what one call brings about may be
    /// another one's answer.
    pub fn service(&self) -> Option<ServiceCode> {
        match self {
            Self::Payment { .. } => Some(ServiceCode("54")),
            Self::Cancelled(_) => Some(ServiceCode("57")),
            Self::Refund { refund, .. } => Some(refund.kind.service()),
            _ => None,
        }
    }
}
