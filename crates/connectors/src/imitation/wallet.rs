//! The wallet that every imitation is made of: accounts, links, authorisation codes and charges, with its own books.
//! A wallet's folder adds a [`Brand`]: its name and colour, how it is talked to, and how it words what happened.

use std::collections::HashMap;

use calendar::Instant;
use money::Amount;
use serde_json::{Value, json};

use super::{
    BookedAccount, BookedCharge, Books, Delivery, Imitation, Reaction, Setup, Surroundings, magic,
    refunds::{RefundRules, history},
    state::{Account, AuthCode, Charge, ChargeStatus, Link, LinkStatus, PageFault, Purpose, Session, State, Step},
    trust::{Fault, Trust},
};
use crate::{HttpRequest, HttpResponse};

/// Life of an authorisation code in seconds.
pub const AUTH_CODE_SECONDS: i64 = 30 * 60;
/// The customer's time on an authorisation or linking page, in seconds.
pub const PAGE_SECONDS: i64 = 15 * 60;
const SESSION_LENGTH: usize = 32;
const AUTH_CODE_LENGTH: usize = 40;
const CUSTOMER_TOKEN_LENGTH: usize = 48;
const ID_LENGTH: usize = 20;

/// What makes the shared wallet one particular wallet.
pub struct Brand {
    /// Its connector's name.
    pub connector: &'static str,
    /// Its name on pages.
    pub title: &'static str,
    /// Its colour on pages; white text on it must be readable (contrast 4.5:1 or more).
    pub colour: &'static str,
    /// How it trusts the gateway.
    pub trust: Trust,
    /// What the customer does to authorise or link.
    pub link_steps: &'static [Step],
    /// What the customer does to confirm a charge.
    pub payment_steps: &'static [Step],
    /// Answers everything except pages.
    pub api: fn(&mut Wallet, &HttpRequest, &mut dyn Surroundings) -> Reaction,
    /// What its page tells the gateway through the browser.
    pub return_query: fn(&Returning<'_>) -> Vec<(&'static str, String)>,
    /// Its notice about a charge; the amount is what the notice is to name.
    pub charge_notice: fn(&Wallet, &Charge, Amount) -> Option<Value>,
    /// How it gives money back; none when it does not.
    pub refunds: Option<RefundRules>,
    /// Its notice about a link.
    pub link_notice: fn(&Wallet, &Link, LinkEvent) -> Option<Value>,
}

/// What a page ends with, told through the browser.
pub struct Returning<'a> {
    /// What the page was for.
    pub purpose: &'a Purpose,
    /// The authorisation code, where the page gives one, or why it ended.
    pub result: Result<Option<&'a str>, PageFault>,
}

impl Returning<'_> {
    /// The gateway's state, empty where there was none.
    pub fn state(&self) -> &str {
        match self.purpose {
            Purpose::Authorise { state, .. } => state,
            Purpose::Link { .. } | Purpose::Pay { .. } => "",
        }
    }

    /// The standard's code of seven digits for what went wrong, as a page of service 10, 07 or 54.
    pub fn error_code(&self) -> Option<String> {
        let (http, case) = self.result.as_ref().err()?.code();
        let service = match self.purpose {
            Purpose::Authorise { .. } => "10",
            Purpose::Link { .. } => "07",
            Purpose::Pay { .. } => "54",
        };
        Some(protocol::codes::response_code(http, service, case))
    }

    /// The same in words.
    pub fn error_text(&self) -> Option<&'static str> {
        let (http, case) = self.result.as_ref().err()?.code();
        protocol::codes::find(http, case).map(|row| row.message)
    }
}

/// What most wallets tell through the browser: `authCode` or `errCode` and `errDesc`, with `state`.
pub fn plain_return(returning: &Returning<'_>) -> Vec<(&'static str, String)> {
    let mut pairs = vec![];
    if let Ok(Some(code)) = returning.result {
        pairs.push(("authCode", code.to_owned()));
    }
    if let (Some(code), Some(text)) = (returning.error_code(), returning.error_text()) {
        pairs.push(("errCode", code));
        pairs.push(("errDesc", text.to_owned()));
    }
    if !returning.state().is_empty() {
        pairs.push(("state", returning.state().to_owned()));
    }
    pairs
}

/// What happened to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The customer completed it on our page.
    Linked,
    /// The customer did not.
    Failed(PageFault),
    /// Ended by the customer or by us.
    Revoked,
}

/// Why a code does not link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeFault {
    /// Means nothing, or waits for the customer.
    Invalid,
    /// Exchanged before.
    Used,
    /// Too old.
    Expired,
    /// The account is linked already.
    AlreadyLinked,
}

/// A charge as the gateway asks for it.
#[derive(Clone, Debug)]
pub struct ChargeAsk {
    /// The gateway's reference.
    pub reference: String,
    /// How much.
    pub amount: Amount,
    /// Whose account, where known.
    pub phone: Option<String>,
    /// The link's reference, where there is one.
    pub link: Option<String>,
    /// What the customer sees.
    pub description: String,
    /// Where the browser goes after our page.
    pub return_url: String,
    /// When the customer's time ends.
    pub valid_until: Instant,
    /// Whether the customer must confirm on our page.
    pub page: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct ChargeReply {
    /// Our reference.
    pub provider_reference: String,
    /// How far it is.
    pub progress: Progress,
    /// What the amount wants done to the answer.
    pub trick: Option<magic::Charge>,
}

/// How far a charge is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Money moved.
    Charged,
    /// The customer confirms at this address.
    Page(String),
    /// Being worked on.
    Pending,
}

/// An imitated wallet.
pub struct Wallet {
    /// Which.
    pub brand: &'static Brand,
    /// The other side of the connector's account.
    pub setup: Setup,
    /// What it remembers.
    pub state: State,
    /// Whether an account is opened for a number of [`magic::OPEN_PREFIX`] when it is first seen.
    pub opens_on_sight: bool,
    /// References of links by token: every call of the gateway looks one up, among perhaps very many.
    links_by_token: HashMap<String, String>,
}

impl Wallet {
    /// A wallet that knows the setup's customers.
    pub fn new(brand: &'static Brand, setup: Setup) -> Self {
        let state = State::seeded(&setup);
        Self { brand, setup, state, opens_on_sight: true, links_by_token: HashMap::new() }
    }

    /// The account of a number, opened on sight where the number asks for it.
    ///
    /// # Errors
    /// Nobody has one, or it is blocked.
    pub fn account(&mut self, phone: &str) -> Result<&mut Account, PageFault> {
        match magic::phone(phone) {
            Some(magic::Phone::NotFound) => return Err(PageFault::AccountNotFound),
            Some(magic::Phone::Blocked) => return Err(PageFault::AccountBlocked),
            _ => {}
        }
        let opens = (self.opens_on_sight && magic::opens_on_sight(phone)) || magic::phone(phone).is_some();
        if opens && !self.state.accounts.contains_key(phone) {
            let account = Account {
                name: format!("Pelanggan {}", &phone[phone.len() - 4..]),
                opening: magic::OPEN_CASH,
                cash: magic::OPEN_CASH,
                points: magic::OPEN_POINTS,
                blocked: false,
            };
            self.state.accounts.insert(phone.to_owned(), account);
        }
        let account = self.state.accounts.get_mut(phone).ok_or(PageFault::AccountNotFound)?;
        if account.blocked { Err(PageFault::AccountBlocked) } else { Ok(account) }
    }

    /// Opens a page; the customer's number is checked at once where it is known. Gives the random part of its address.
    pub fn open_page(
        &mut self,
        purpose: Purpose,
        phone: Option<String>,
        (return_url, lang): (String, &str),
        expires_at: Instant,
        surroundings: &mut dyn Surroundings,
    ) -> String {
        let id = surroundings.text(SESSION_LENGTH);
        let wanted = match purpose {
            Purpose::Pay { .. } => self.brand.payment_steps,
            Purpose::Authorise { .. } | Purpose::Link { .. } => self.brand.link_steps,
        };
        let mut steps = if phone.is_none() { vec![Step::Phone] } else { vec![] };
        steps.extend(wanted);
        let session = Session {
            purpose,
            phone,
            lang: if lang == "en" { "en".into() } else { "id".into() },
            return_url,
            steps,
            otp_sent_at: surroundings.now(),
            tries: 0,
            expires_at,
            error: None,
            over: None,
        };
        self.state.sessions.insert(id.clone(), session);
        id
    }

    /// The address of a page.
    pub fn page_url(&self, session: &str) -> String {
        format!("{}/pages/{session}", self.setup.base_url)
    }

    /// A page on which the customer authorises the gateway; gives its address. `code` is one from
    /// [`Wallet::waiting_code`], or none when the page makes one.
    pub fn authorise(
        &mut self,
        phone: Option<String>,
        state: &str,
        code: Option<String>,
        going: (String, &str),
        surroundings: &mut dyn Surroundings,
    ) -> String {
        let expires_at = surroundings.now().plus_seconds(PAGE_SECONDS);
        let purpose = Purpose::Authorise { state: state.to_owned(), code };
        let session = self.open_page(purpose, phone, going, expires_at, surroundings);
        self.page_url(&session)
    }

    /// An authorisation code that means nothing until a customer completes a page with it.
    pub fn waiting_code(&mut self, surroundings: &mut dyn Surroundings) -> String {
        self.new_code(None, None, surroundings)
    }

    pub(super) fn new_code(
        &mut self,
        phone: Option<String>,
        link: Option<String>,
        surroundings: &mut dyn Surroundings,
    ) -> String {
        let code = surroundings.text(AUTH_CODE_LENGTH);
        let issued = AuthCode { phone, link, issued_at: surroundings.now(), used: false };
        self.state.auth_codes.insert(code.clone(), issued);
        code
    }

    /// Makes a link that waits for the customer, and its page; gives the page's address. The same reference again
    /// opens another page of the same link.
    ///
    /// # Errors
    /// The number has no usable account, or is linked already.
    pub fn begin_link(
        &mut self,
        reference: &str,
        phone: &str,
        gives_code: bool,
        going: (String, &str),
        surroundings: &mut dyn Surroundings,
    ) -> Result<String, Fault> {
        self.account(phone).map_err(|fault| Fault::new(fault.code().0, fault.code().1))?;
        if magic::phone(phone) == Some(magic::Phone::AlreadyLinked) {
            return Err(Fault::saying(403, "15", "Transaction Not Permitted. Already linked"));
        }
        match self.state.links.get(reference) {
            Some(link) if link.phone != phone => return Err(Fault::new(404, "18")),
            Some(link) if link.status != LinkStatus::Waiting => return Err(Fault::new(409, "01")),
            Some(_) => {}
            None => {
                self.new_link(reference, phone, LinkStatus::Waiting, surroundings);
            }
        }
        let purpose = Purpose::Link { reference: reference.to_owned(), gives_code };
        let expires_at = surroundings.now().plus_seconds(PAGE_SECONDS);
        let session = self.open_page(purpose, Some(phone.to_owned()), going, expires_at, surroundings);
        Ok(self.page_url(&session))
    }

    fn new_link(
        &mut self,
        reference: &str,
        phone: &str,
        status: LinkStatus,
        surroundings: &mut dyn Surroundings,
    ) -> Link {
        let link = Link {
            reference: reference.to_owned(),
            phone: phone.to_owned(),
            id: surroundings.text(ID_LENGTH),
            token: surroundings.text(CUSTOMER_TOKEN_LENGTH),
            refresh_token: surroundings.text(CUSTOMER_TOKEN_LENGTH),
            created_at: surroundings.now(),
            status,
        };
        self.state.links.insert(reference.to_owned(), link.clone());
        self.links_by_token.insert(link.token.clone(), reference.to_owned());
        link
    }

    /// The link of this customer's token, in any state.
    pub fn link_with_token(&self, token: &str) -> Option<&Link> {
        let indexed = self.links_by_token.get(token).and_then(|reference| self.state.links.get(reference));
        // Links that were seeded, and tokens that were replaced, are not in the index.
        let found = indexed.or_else(|| self.state.links.values().find(|link| link.token == token));
        found.filter(|link| link.token == token && !token.is_empty())
    }

    /// Gives a link another customer's token.
    pub fn replace_token(&mut self, reference: &str, token: &str) {
        if let Some(link) = self.state.links.get_mut(reference) {
            self.links_by_token.remove(&link.token);
            self.links_by_token.insert(token.to_owned(), reference.to_owned());
            link.token = token.to_owned();
        }
    }

    /// Exchanges an authorisation code for an active link, once. `reference` is the gateway's, where its message has one.
    ///
    /// # Errors
    /// What is wrong with the code.
    pub fn exchange(
        &mut self,
        code: &str,
        reference: Option<&str>,
        surroundings: &mut dyn Surroundings,
    ) -> Result<Link, ExchangeFault> {
        let now = surroundings.now();
        let known = self.state.auth_codes.get_mut(code).ok_or(ExchangeFault::Invalid)?;
        let phone = known.phone.clone().ok_or(ExchangeFault::Invalid)?;
        match magic::phone(&phone) {
            Some(magic::Phone::CodeUsed) => return Err(ExchangeFault::Used),
            Some(magic::Phone::CodeExpired) => return Err(ExchangeFault::Expired),
            Some(magic::Phone::AlreadyLinked) => return Err(ExchangeFault::AlreadyLinked),
            _ => {}
        }
        if known.used {
            return Err(ExchangeFault::Used);
        }
        if now.seconds_since(known.issued_at) >= AUTH_CODE_SECONDS {
            return Err(ExchangeFault::Expired);
        }
        known.used = true;
        if let Some(reference) = known.link.clone() {
            let link = self.state.links.get_mut(&reference).ok_or(ExchangeFault::Invalid)?;
            link.status = LinkStatus::Active;
            return Ok(link.clone());
        }
        let reference = reference.map_or_else(|| surroundings.text(ID_LENGTH), str::to_owned);
        Ok(self.new_link(&reference, &phone, LinkStatus::Active, surroundings))
    }

    /// The active link of a customer's token.
    ///
    /// # Errors
    /// 401/02.
    pub fn link_of_token(&self, token: Option<&str>) -> Result<Link, Fault> {
        let link = token.and_then(|token| self.link_with_token(token));
        link.filter(|link| link.status == LinkStatus::Active).cloned().ok_or_else(|| Fault::new(401, "02"))
    }

    /// Ends a link by the gateway's wish.
    pub fn unbind(&mut self, reference: &str) {
        if let Some(link) = self.state.links.get_mut(reference) {
            link.status = LinkStatus::Unbound;
        }
    }

    /// Whether a charge of this link waits for its customer.
    pub fn has_open_charge(&self, reference: &str) -> bool {
        self.state.charges.values().any(|charge| {
            charge.link.as_deref() == Some(reference)
                && matches!(charge.status, ChargeStatus::Waiting { .. } | ChargeStatus::Pending)
        })
    }

    /// Cash and points of a link's account, and the notices that follow: one magic number's link ends here.
    ///
    /// # Errors
    /// The account is blocked.
    pub fn balance(
        &mut self,
        link: &Link,
        surroundings: &mut dyn Surroundings,
    ) -> Result<(Amount, Amount, Vec<HttpRequest>), Fault> {
        let account = self.account(&link.phone).map_err(|fault| Fault::new(fault.code().0, fault.code().1))?;
        let (cash, points) = (account.cash, account.points);
        let notices = match magic::phone(&link.phone) {
            Some(magic::Phone::Revoked) => self.revoke_link(&link.reference, surroundings),
            _ => vec![],
        };
        Ok((cash, points, notices))
    }

    fn revoke_link(&mut self, reference: &str, surroundings: &mut dyn Surroundings) -> Vec<HttpRequest> {
        let Some(link) = self.state.links.get_mut(reference) else { return vec![] };
        link.status = LinkStatus::Revoked;
        self.tell_link(reference, LinkEvent::Revoked, surroundings)
    }

    pub(super) fn tell_link(
        &self,
        reference: &str,
        event: LinkEvent,
        surroundings: &mut dyn Surroundings,
    ) -> Vec<HttpRequest> {
        let Some(link) = self.state.links.get(reference) else { return vec![] };
        let message = (self.brand.link_notice)(self, link, event);
        message.map(|message| self.signed_notice(&message, surroundings)).into_iter().collect()
    }

    /// Charges, or opens the page on which the customer confirms. One charge per reference: a repeat that agrees is
    /// answered as the first call was, another one is 404/18. What is answered at once is not noticed besides; notices
    /// tell what happens afterwards.
    ///
    /// # Errors
    /// Refused; or 500/00 where the amount asks for it.
    pub fn charge(&mut self, ask: ChargeAsk, surroundings: &mut dyn Surroundings) -> Result<ChargeReply, Fault> {
        if let Some(known) = self.state.charges.get_mut(&ask.reference) {
            known.requests += 1;
            let known = known.clone();
            return self.repeat(&known, &ask);
        }
        let trick = magic::amount(ask.amount);
        if trick == Some(magic::Charge::ErrorNotCharged) {
            return Err(Fault::new(500, "00"));
        }
        let now = surroundings.now();
        let charge = Charge {
            reference: ask.reference.clone(),
            provider_reference: surroundings.text(ID_LENGTH),
            amount: ask.amount,
            phone: ask.phone.clone(),
            link: ask.link.clone(),
            description: ask.description.clone(),
            created_at: now,
            changed_at: now,
            valid_until: ask.valid_until,
            requests: 1,
            questions: 0,
            status: ChargeStatus::Pending,
        };
        let provider_reference = charge.provider_reference.clone();
        self.state.charges.insert(ask.reference.clone(), charge);
        let progress =
            match trick {
                Some(magic::Charge::InsufficientFunds) => return self.refuse(&ask.reference, 403, "14"),
                Some(magic::Charge::LimitExceeded) => return self.refuse(&ask.reference, 403, "02"),
                Some(magic::Charge::DoNotHonor) => return self.refuse(&ask.reference, 403, "05"),
                Some(magic::Charge::Pending) if ask.phone.is_some() => Progress::Pending,
                // The tricks with the answer presume a customer who has confirmed.
                Some(
                    magic::Charge::Slow | magic::Charge::Lost | magic::Charge::ErrorCharged | magic::Charge::Nonsense,
                ) if ask.phone.is_some() => self.charge_now(&ask.reference, now)?,
                Some(magic::Charge::WrongNotice) => self.charge_page(&ask, surroundings),
                _ if ask.page || ask.phone.is_none() => self.charge_page(&ask, surroundings),
                _ => self.charge_now(&ask.reference, now)?,
            };
        let trick = trick.filter(|_| progress == Progress::Charged);
        Ok(ChargeReply { provider_reference, progress, trick })
    }

    fn repeat(&self, known: &Charge, ask: &ChargeAsk) -> Result<ChargeReply, Fault> {
        if known.amount != ask.amount || known.link != ask.link {
            return Err(Fault::new(404, "18"));
        }
        let progress = match &known.status {
            ChargeStatus::Waiting { session } => Progress::Page(self.page_url(session)),
            ChargeStatus::Pending => Progress::Pending,
            ChargeStatus::Charged | ChargeStatus::Refunded | ChargeStatus::Reversed => Progress::Charged,
            ChargeStatus::Refused(http, case) => return Err(Fault::new(*http, case)),
            ChargeStatus::Cancelled => return Err(Fault::new(404, "04")),
        };
        Ok(ChargeReply { provider_reference: known.provider_reference.clone(), progress, trick: None })
    }

    fn refuse(&mut self, reference: &str, http: u16, case: &str) -> Result<ChargeReply, Fault> {
        if let Some(charge) = self.state.charges.get_mut(reference) {
            charge.status = ChargeStatus::Refused(http, case.to_owned());
        }
        Err(Fault::new(http, case))
    }

    fn charge_page(&mut self, ask: &ChargeAsk, surroundings: &mut dyn Surroundings) -> Progress {
        let purpose = Purpose::Pay { reference: ask.reference.clone() };
        let session =
            self.open_page(purpose, ask.phone.clone(), (ask.return_url.clone(), "id"), ask.valid_until, surroundings);
        if let Some(charge) = self.state.charges.get_mut(&ask.reference) {
            charge.status = ChargeStatus::Waiting { session: session.clone() };
        }
        Progress::Page(self.page_url(&session))
    }

    /// Takes the money.
    pub(super) fn charge_now(&mut self, reference: &str, now: Instant) -> Result<Progress, Fault> {
        let Some(charge) = self.state.charges.get(reference).cloned() else { return Err(Fault::new(404, "01")) };
        let phone = charge.phone.unwrap_or_default();
        let left = match self.account(&phone) {
            Ok(account) => account.cash.checked_sub(charge.amount).map_err(|_| PageFault::InsufficientFunds),
            Err(fault) => Err(fault),
        };
        let status = match left {
            Ok(left) => {
                if let Some(account) = self.state.accounts.get_mut(&phone) {
                    account.cash = left;
                }
                ChargeStatus::Charged
            }
            Err(fault) => ChargeStatus::Refused(fault.code().0, fault.code().1.to_owned()),
        };
        let result = match &status {
            ChargeStatus::Refused(http, case) => Err(Fault::new(*http, case)),
            _ => Ok(Progress::Charged),
        };
        if let Some(charge) = self.state.charges.get_mut(reference) {
            charge.status = status;
            charge.changed_at = now;
        }
        result
    }

    /// Where a charge stands when the gateway asks, and the notices that follow from asking.
    ///
    /// # Errors
    /// 404/01.
    pub fn charge_status(
        &mut self,
        reference: &str,
        surroundings: &mut dyn Surroundings,
    ) -> Result<(Charge, Vec<HttpRequest>), Fault> {
        let now = surroundings.now();
        let charge = self.state.charges.get_mut(reference).ok_or_else(|| Fault::new(404, "01"))?;
        charge.questions += 1;
        let mut notices = vec![];
        match &charge.status {
            ChargeStatus::Waiting { .. } if now >= charge.valid_until => {
                charge.status = ChargeStatus::Cancelled;
                charge.changed_at = now;
            }
            ChargeStatus::Pending if charge.questions >= magic::PENDING_QUESTIONS => {
                // A refusal is a state of the charge, not of the question.
                let _ = self.charge_now(reference, now);
                notices = self.tell_charge(reference, surroundings);
            }
            _ => {}
        }
        notices.extend(self.refunds_asked_about(reference, surroundings));
        let charge = self.state.charges.get(reference).cloned().ok_or_else(|| Fault::new(404, "01"))?;
        Ok((charge, notices))
    }

    pub(super) fn tell_charge(&self, reference: &str, surroundings: &mut dyn Surroundings) -> Vec<HttpRequest> {
        let Some(charge) = self.state.charges.get(reference) else { return vec![] };
        let amount = match magic::amount(charge.amount) {
            Some(magic::Charge::WrongNotice) => Amount::from_sen(charge.amount.sen() / 2).unwrap_or(charge.amount),
            _ => charge.amount,
        };
        let message = (self.brand.charge_notice)(self, charge, amount);
        message.map(|message| self.signed_notice(&message, surroundings)).into_iter().collect()
    }
}

impl ChargeStatus {
    /// `latestTransactionStatus`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "01",
            Self::Pending => "03",
            Self::Charged => "00",
            Self::Refunded => "04",
            Self::Refused(..) => "06",
            Self::Cancelled | Self::Reversed => "05",
        }
    }

    /// The same in words.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "INITIATED",
            Self::Pending => "PENDING",
            Self::Charged => "SUCCESS",
            Self::Refunded => "REFUNDED",
            Self::Refused(..) => "FAILED",
            Self::Cancelled | Self::Reversed => "CANCELLED",
        }
    }

    /// Whether money moved, wherever it is now.
    pub fn moved(&self) -> bool {
        matches!(self, Self::Charged | Self::Refunded | Self::Reversed)
    }

    /// `originalResponseCode`: what the charge itself was answered, or would have been.
    pub fn original_response_code(&self) -> Option<String> {
        match self {
            Self::Waiting { .. } => None,
            Self::Pending => Some("2025400".into()),
            Self::Charged | Self::Refunded | Self::Reversed => Some("2005400".into()),
            Self::Refused(http, case) => Some(protocol::codes::response_code(*http, "54", case)),
            Self::Cancelled => Some("4045404".into()),
        }
    }
}

/// A notice about a charge in the standard's form (56).
pub fn plain_charge_notice(wallet: &Wallet, charge: &Charge, amount: Amount) -> Option<Value> {
    Some(json!({
        "originalPartnerReferenceNo": charge.reference,
        "originalReferenceNo": charge.provider_reference,
        "merchantId": wallet.setup.merchant_id,
        "amount": {"value": amount.snap_text(), "currency": "IDR"},
        "latestTransactionStatus": charge.status.code(),
        "transactionStatusDesc": charge.status.text(),
        "originalResponseCode": charge.status.original_response_code().unwrap_or_default(),
        "createdTime": charge.created_at.wire_text(),
        "finishedTime": charge.changed_at.wire_text(),
    }))
}

/// A notice about a link, as `snap::wire::LinkNotice` describes it; a link that failed is not worth one.
pub fn plain_link_notice(_: &Wallet, link: &Link, event: LinkEvent) -> Option<Value> {
    let status = match event {
        LinkEvent::Linked => "ENABLED",
        LinkEvent::Revoked => "DISABLED",
        LinkEvent::Failed(_) => return None,
    };
    Some(json!({"partnerReferenceNo": link.reference, "accountStatus": status}))
}

/// A status answer in the standard's form (55).
pub fn plain_status(wallet: &Wallet, charge: &Charge) -> Value {
    let mut status = json!({
        "originalPartnerReferenceNo": charge.reference,
        "originalReferenceNo": charge.provider_reference,
        "serviceCode": "54",
        "latestTransactionStatus": charge.status.code(),
        "transactionStatusDesc": charge.status.text(),
        "originalResponseCode": charge.status.original_response_code().unwrap_or_default(),
        "transAmount": {"value": charge.amount.snap_text(), "currency": "IDR"},
        "paidTime": if charge.status == ChargeStatus::Charged { charge.changed_at.wire_text() } else { String::new() },
    });
    if wallet.brand.refunds.is_some() {
        status["refundHistory"] = history(wallet, &charge.reference);
    }
    status
}

/// What the amount wants done to the answer of a charge that was carried out.
pub fn with_trick(trick: Option<magic::Charge>, response: HttpResponse) -> Reaction {
    let mut reaction = Reaction::from(response);
    match trick {
        Some(magic::Charge::Slow) => reaction.delivery = Delivery::Slow(magic::SLOW_MS),
        Some(magic::Charge::Lost) => reaction.delivery = Delivery::Lost,
        Some(magic::Charge::ErrorCharged) => reaction.response = Fault::new(500, "00").response("54"),
        Some(magic::Charge::Nonsense) => {
            reaction.response = HttpResponse::html(200, "<html><body>It works!</body></html>")
        }
        _ => {}
    }
    reaction
}

impl Imitation for Wallet {
    fn handle(&mut self, request: &HttpRequest, surroundings: &mut dyn Surroundings) -> Reaction {
        match self.page(request, surroundings) {
            Some(reaction) => reaction,
            None => (self.brand.api)(self, request, surroundings),
        }
    }

    fn books(&self) -> Books {
        let charges = self.state.charges.values().map(|charge| BookedCharge {
            reference: charge.reference.clone(),
            provider_reference: charge.provider_reference.clone(),
            amount: charge.amount,
            charged: charge.status.moved(),
            at: charge.created_at,
            requests: charge.requests,
        });
        let accounts = self.state.accounts.iter().map(|(phone, account)| BookedAccount {
            phone: phone.clone(),
            opening: account.opening,
            cash: account.cash,
        });
        Books {
            provider: self.brand.connector.into(),
            charges: charges.collect(),
            refunds: self.booked_refunds(),
            accounts: accounts.collect(),
            links_active: self.state.links.values().filter(|link| link.status == LinkStatus::Active).count(),
            ..Books::default()
        }
    }

    fn revoke(&mut self, phone: &str, surroundings: &mut dyn Surroundings) -> Reaction {
        let active = |link: &&Link| link.phone == phone && link.status == LinkStatus::Active;
        let references: Vec<String> =
            self.state.links.values().filter(active).map(|link| link.reference.clone()).collect();
        let mut reaction = Reaction::from(HttpResponse::json(200, json!({"revoked": references.len()}).to_string()));
        for reference in references {
            reaction.notices.extend(self.revoke_link(&reference, surroundings));
        }
        reaction
    }

    fn tell(&mut self, charge: &str, surroundings: &mut dyn Surroundings) -> Vec<HttpRequest> {
        self.tell_charge(charge, surroundings)
    }

    fn save(&self) -> String {
        let saved = Saved { provider: self.brand.connector.into(), state: &self.state };
        serde_json::to_string(&saved).expect("a state of texts, numbers and lists always has a JSON text")
    }

    fn restore(&mut self, saved: &str) -> Result<(), String> {
        let saved: Saved<State> = serde_json::from_str(saved).map_err(|error| format!("not a saved state: {error}"))?;
        if saved.provider != self.brand.connector {
            return Err(format!("the state of {}, not of {}", saved.provider, self.brand.connector));
        }
        self.state = saved.state;
        let links = self.state.links.values();
        self.links_by_token = links.map(|link| (link.token.clone(), link.reference.clone())).collect();
        Ok(())
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Saved<S> {
    provider: String,
    state: S,
}
