//! Providers' notices: believed or not, kept as they came if they are, then joined to the path of every command. What is
//! not believed is only logged: anybody may send anything here, and the store is no place for it.

use std::sync::Arc;

use calendar::Instant;
use connectors::{CallContext, HttpRequest, HttpResponse, Notice, NoticeEvent, NoticeRefused};
use lifecycle::{
    BillId, Command, ExchangeId, Key, MerchantCode, RefundId, Row, TaskId,
    bill::BillTask,
    provider::Outcome,
    task::{Task, TaskKind},
};
use money::Amount;
use store::ProviderNotice;
use tokio::sync::oneshot;

use crate::{Engine, Partner, batch::Errand, evidence, perform::Work, transport::Line};

/// Headers whose values are not kept.
const SECRET_HEADERS: &[&str] = &["authorization", "authorization-customer", "cookie"];

/// A notice that was believed, and what it is answered.
struct Heard<'a> {
    line: &'a Line,
    request: &'a HttpRequest,
    response: &'a HttpResponse,
    at: Instant,
}

impl Heard<'_> {
    fn name(&self) -> &'static str {
        self.line.connector.descriptor().name
    }
}

impl Engine {
    /// Takes a provider's notice and gives the answer for the provider. Nothing is answered "accepted" before it is
    /// committed.
    pub async fn notice(&self, connector: &str, request: HttpRequest) -> HttpResponse {
        let Some(line) = self.lines().line(connector).cloned() else {
            return nobody();
        };
        let name = line.connector.descriptor().name;
        let context = CallContext { account: &line.account, now: self.now(), token: None, external_id: "" };
        let notice = match line.connector.notice(&request, &context) {
            Ok(notice) => notice,
            Err(NoticeRefused { why, response }) => {
                tracing::warn!(connector = name, why, "a notice was not believed");
                return response;
            }
        };
        if let Some(NoticeEvent::AskBill { bill, .. }) = &notice.event {
            // Anybody may be behind a hint. What it leads to must be here before it is kept.
            let key = Key::Bill(*bill);
            match self.read(move |reader| reader.row(&key)).await {
                Some(Some(_)) => {}
                Some(None) => {
                    tracing::warn!(connector = name, bill.id = %bill, "a notice is about a bill that is not here");
                    return notice.response;
                }
                None => return unavailable(),
            }
        }
        let (reply, kept) = oneshot::channel();
        let event = event_key(notice.event.as_ref(), &request);
        let raw = ProviderNotice { connector: name, event, received_at: self.now(), raw: raw_text(&request) };
        if self.errand(Errand::Keep(raw, reply)).await.is_err() || !kept.await.unwrap_or(false) {
            return unavailable();
        }
        let Notice { event: Some(event), response, amount } = notice else {
            return notice.response;
        };
        let heard = Heard { line: &line, request: &request, response: &response, at: self.now() };
        match self.take_event(&heard, event, amount).await {
            Ok(()) => response,
            Err(why) => {
                tracing::error!(connector = name, why, "a notice could not be taken");
                unavailable()
            }
        }
    }

    /// Issues the token that a provider's notices are to carry. Nothing is kept of it.
    pub fn notice_token(&self, connector: &str, request: &HttpRequest) -> HttpResponse {
        let Some(line) = self.lines().line(connector).cloned() else {
            return nobody();
        };
        let context = CallContext { account: &line.account, now: self.now(), token: None, external_id: "" };
        match line.connector.notice_token(request, &context) {
            Ok(response) => response,
            Err(NoticeRefused { why, response }) => {
                tracing::warn!(connector = line.connector.descriptor().name, why, "no token was issued");
                response
            }
        }
    }

    async fn take_event(&self, heard: &Heard<'_>, event: NoticeEvent, amount: Option<Amount>) -> Result<(), String> {
        let name = heard.name();
        let (key, command) = match event {
            NoticeEvent::Charge { payment, outcome } => {
                (Key::Payment(payment), Command::ChargeNoticed { payment, outcome })
            }
            NoticeEvent::Refund { refund, amount, outcome } => {
                return self.take_refund_event(heard, refund, amount, outcome).await;
            }
            NoticeEvent::Binding { link } => (Key::Link(link), Command::BindingNoticed { link }),
            NoticeEvent::Revoked { link } => (Key::Link(link), Command::LinkRevoked { link }),
            NoticeEvent::Bill { bill, attempt, outcome } => {
                return self.take_bill_event(heard, bill, attempt, Some(outcome)).await;
            }
            NoticeEvent::AskBill { bill, attempt } => return self.take_bill_event(heard, bill, attempt, None).await,
        };
        let about = format!("{key:?}");
        let row = self.read(move |reader| reader.row(&key)).await.ok_or("the store could not be asked")?;
        if let (Some(Row::Payment(payment)), Some(amount)) = (&row, amount)
            && payment.amount != amount
            && !lifecycle::planted!(NoticeAmountNotChecked)
        {
            // Signed or not, it is not about what we asked for; the scheduled question decides.
            tracing::error!(payment.id = %payment.id, ?amount, "a notice about a charge says another amount and is not believed");
            return Ok(());
        }
        let Some((merchant, sold_by)) = row.as_ref().and_then(|row| owner(self, row)) else {
            tracing::error!(connector = name, about, "a notice is about something that is not here");
            return Ok(());
        };
        if sold_by != Some(name) {
            // A provider's signature speaks for its own charges and links only.
            tracing::error!(
                connector = name,
                about,
                sold_by,
                "a notice is about another provider's and is not believed"
            );
            return Ok(());
        }
        let partner = self.partner(merchant.as_str()).ok_or_else(|| format!("merchant {merchant} is gone"))?;
        self.take(heard, partner, command).await
    }

    /// Decides what a provider said, and keeps it with what comes of it.
    async fn take(&self, heard: &Heard<'_>, partner: Arc<Partner>, command: Command) -> Result<(), String> {
        let about = match &command {
            Command::ChargeNoticed { payment, outcome } => Some((payment.bits(), Some(outcome))),
            Command::RefundNoticed { refund, outcome, .. } => Some((refund.bits(), Some(outcome))),
            Command::BillNoticed { task, outcome } => Some((task.bill.bits(), Some(outcome))),
            Command::BindingNoticed { link } | Command::LinkRevoked { link } => Some((link.bits(), None)),
            _ => None,
        };
        let exchange = about.map(|(bits, outcome)| {
            let id = ExchangeId::from_bits(self.fresh_id());
            let provider = (heard.name(), &heard.line.account);
            let said = (heard.request, outcome, heard.response);
            evidence::of_notice(id, (bits, partner.merchant.code.clone()), provider, heard.at, said)
        });
        let exchanges = exchange.into_iter().collect();
        let decided = self.decide_by(partner, command, Some(heard.name()), None, exchanges).await;
        decided.map(drop).map_err(|refusal| format!("{refusal:?}"))
    }

    /// A provider says something about a refund or cancellation.
    async fn take_refund_event(
        &self,
        heard: &Heard<'_>,
        id: RefundId,
        amount: Option<Amount>,
        outcome: Outcome,
    ) -> Result<(), String> {
        let name = heard.name();
        let read = self.read(move |reader| {
            let refund = match reader.row(&Key::Refund(id))? {
                Some(Row::Refund(refund)) => refund,
                _ => return Ok(None),
            };
            Ok(match reader.row(&Key::Payment(refund.payment))? {
                Some(Row::Payment(payment)) => Some((refund, payment)),
                _ => None,
            })
        });
        let Some((refund, payment)) = read.await.ok_or("the store could not be asked")? else {
            tracing::error!(connector = name, refund.id = %id, "a notice is about a refund that is not here");
            return Ok(());
        };
        let sold_by = self.lines().charged_by(&payment);
        if sold_by != Some(name) || amount.is_some_and(|amount| amount != refund.amount) {
            // Signed or not, it is not about what we asked for; the scheduled question decides.
            tracing::error!(connector = name, refund.id = %id, sold_by, ?amount, "a notice about a refund says what cannot be and is not believed");
            return Ok(());
        }
        let partner =
            self.partner(refund.merchant.as_str()).ok_or_else(|| format!("merchant {} is gone", refund.merchant))?;
        let command = Command::RefundNoticed { refund: id, payment: payment.id, outcome };
        self.take(heard, partner, command).await
    }

    /// A source says something about a bill's payment. Without an outcome that can be believed it is asked at once.
    async fn take_bill_event(
        &self,
        heard: &Heard<'_>,
        id: BillId,
        attempt: u8,
        outcome: Option<Outcome>,
    ) -> Result<(), String> {
        let name = heard.name();
        let row = self.read(move |reader| reader.row(&Key::Bill(id))).await.ok_or("the store could not be asked")?;
        let Some(Row::Bill(bill)) = row else {
            tracing::error!(connector = name, bill.id = %id, "a notice is about a bill that is not here");
            return Ok(());
        };
        let partner =
            self.partner(bill.merchant.as_str()).ok_or_else(|| format!("merchant {} is gone", bill.merchant))?;
        let about = bill.task_about(attempt, &partner.merchant).filter(|about| about.connector == name);
        let Some(about) = about else {
            // A source's word counts for its own orders only.
            tracing::error!(connector = name, bill.id = %id, attempt, "a notice is about an order at another source and is not believed");
            return Ok(());
        };
        let Some(outcome) = outcome else {
            if bill.asked_since(&about).is_some() {
                let task = self.question(about);
                self.take_up(Work { task, partner: Some(partner), rows: vec![Row::Bill(bill)], unstored: None });
            } else {
                tracing::warn!(connector = name, bill.id = %id, attempt, state = bill.status.name(), "a notice is about an order that is being sent or is not open; asking might place it again");
            }
            return Ok(());
        };
        let command = Command::BillNoticed { task: Box::new(about), outcome };
        self.take(heard, partner, command).await
    }

    /// A question besides the scheduled ones. It is not kept: should it be lost, a scheduled one follows. It is named
    /// after its bill, so that however many hints come, a bill has one such question under way.
    fn question(&self, about: BillTask) -> Task {
        let id = TaskId::from_bits(about.bill.bits());
        let kind = TaskKind::InquireBillPayment { bill: Box::new(about), recurring: false };
        Task { id, kind, due_at: self.now(), attempts: 1 }
    }
}

/// Whose payment or link it is, and the connector that sold its product.
fn owner(engine: &Engine, row: &Row) -> Option<(MerchantCode, Option<&'static str>)> {
    let seller = |product| engine.lines().seller(product);
    match row {
        Row::Payment(row) => Some((row.merchant.clone(), engine.lines().charged_by(row))),
        Row::Link(row) => Some((row.merchant.clone(), seller(&row.product))),
        _ => None,
    }
}

fn nobody() -> HttpResponse {
    HttpResponse::json(404, r#"{"responseCode":"4040000","responseMessage":"Nobody of this name sends notices here"}"#)
}

/// Which event a notice tells of: what it is about, and the digest of what was believed, so that a repeat is kept once
/// whatever its time and signature are. Of a hint nothing is believed except what it is about.
///
/// That an event was kept says nothing about whether it was taken: a repeat goes the whole way again.
fn event_key(event: Option<&NoticeEvent>, request: &HttpRequest) -> ([u8; 8], [u8; 32]) {
    let bits = match event {
        Some(NoticeEvent::Charge { payment, .. }) => payment.bits(),
        Some(NoticeEvent::Refund { refund, .. }) => refund.bits(),
        Some(NoticeEvent::Binding { link } | NoticeEvent::Revoked { link }) => link.bits(),
        Some(NoticeEvent::Bill { bill, .. } | NoticeEvent::AskBill { bill, .. }) => bill.bits(),
        None => 0,
    };
    let mut about = [0; 8];
    about.copy_from_slice(&bits.to_be_bytes()[..8]);
    let believed = match event {
        Some(NoticeEvent::AskBill { bill, attempt }) => format!("ask {bill} {attempt}").into_bytes(),
        _ => [request.target().as_bytes(), b"\n", &request.body].concat(),
    };
    (about, protocol::digest::sha256(&believed))
}

fn unavailable() -> HttpResponse {
    HttpResponse::json(503, r#"{"responseCode":"5000000","responseMessage":"Try again"}"#)
}

fn raw_text(request: &HttpRequest) -> Vec<u8> {
    let mut raw = format!("{} {}\n", request.method, request.url).into_bytes();
    for (name, value) in &request.headers {
        let secret = SECRET_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        raw.extend_from_slice(format!("{name}: {}\n", if secret { "(secret)" } else { value }).as_bytes());
    }
    raw.push(b'\n');
    raw.extend_from_slice(&request.body);
    raw
}
