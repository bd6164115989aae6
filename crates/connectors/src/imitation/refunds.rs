//! How an imitated wallet gives money back: refunds and cancellations of its charges, with books of their own. Never more
//! goes back than was taken, whatever the gateway asks for, and one reference is one refund.

use calendar::Instant;
use money::Amount;
use serde_json::{Value, json};

use super::{
    BookedRefund, Delivery, Reaction, Surroundings, magic,
    standard::check_merchant,
    state::{Charge, ChargeStatus, Refund, RefundStatus},
    trust::{Fault, body, success},
    wallet::{Wallet, plain_charge_notice},
};
use crate::{
    HttpRequest, HttpResponse,
    snap::wire::{CancelRequest, Money, RefundRequest},
};

/// How long after it was asked for a charge that was paid can be called off, in seconds.
pub const CANCEL_SECONDS: i64 = 24 * 3600;
const DAY_SECONDS: i64 = 24 * 3600;
const ID_LENGTH: usize = 20;

/// How a wallet gives money back.
#[derive(Clone, Copy, Debug)]
pub struct RefundRules {
    /// For how many days after a charge.
    pub days: i64,
    /// Whether a charge that was paid can be called off too.
    pub cancels_paid: bool,
    /// HTTP status and case of a refund of a charge that it does not know; a cancellation of one is 404/01.
    pub unknown_charge: (u16, &'static str),
    /// Whether it sends a notice about a refund that was not answered at once.
    pub notices: bool,
}

/// A refund or cancellation as the gateway asks for it.
struct RefundAsk {
    /// Under which key it is remembered.
    key: String,
    /// The gateway's reference of it.
    reference: String,
    /// The gateway's reference of the charge.
    charge: String,
    /// Whether the charge is called off.
    cancels: bool,
    /// How much; of a charge that is called off: what it was for.
    amount: Amount,
}

/// The answer of 58.
///
/// # Errors
/// The call is not trusted, or nothing goes back.
pub fn refund(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: RefundRequest = body(request)?;
    check_merchant(wallet, &message.merchant_id)?;
    let ask = RefundAsk {
        key: message.partner_refund_no.clone(),
        reference: message.partner_refund_no,
        charge: message.original_partner_reference_no,
        cancels: false,
        amount: message.refund_amount.read().ok_or_else(|| Fault::malformed("refundAmount.value"))?,
    };
    let done = wallet.give_back(&ask, surroundings)?;
    let provider_charge = wallet.state.charges.get(&ask.charge).map(|charge| charge.provider_reference.clone());
    let named = match magic::refund(ask.amount) {
        Some(magic::Refund::WrongAmount) if done.requests == 1 => half(ask.amount),
        _ => ask.amount,
    };
    let reply = json!({
        "originalPartnerReferenceNo": ask.charge,
        "originalReferenceNo": provider_charge,
        "refundNo": done.provider_reference,
        "partnerRefundNo": ask.reference,
        "refundAmount": Money::from(named),
        "refundTime": done.changed_at.wire_text(),
    });
    Ok(with_trick(&done, success("58", reply), "58"))
}

/// The answer of 57.
///
/// # Errors
/// The call is not trusted, or the charge cannot be called off.
pub fn cancel(
    wallet: &mut Wallet,
    request: &HttpRequest,
    surroundings: &mut dyn Surroundings,
) -> Result<Reaction, Fault> {
    wallet.trust(request, surroundings.received_at())?;
    let message: CancelRequest = body(request)?;
    check_merchant(wallet, &message.merchant_id)?;
    let ask = RefundAsk {
        key: Refund::key_of_cancellation(&message.original_partner_reference_no),
        reference: message.original_partner_reference_no.clone(),
        charge: message.original_partner_reference_no,
        cancels: true,
        amount: message.amount.read().ok_or_else(|| Fault::malformed("amount.value"))?,
    };
    let done = wallet.give_back(&ask, surroundings)?;
    let reply = json!({
        "originalPartnerReferenceNo": ask.charge,
        "originalReferenceNo": wallet.state.charges.get(&ask.charge).map(|charge| charge.provider_reference.clone()),
        "cancelTime": done.changed_at.wire_text(),
    });
    Ok(with_trick(&done, success("57", reply), "57"))
}

fn half(amount: Amount) -> Amount {
    Amount::from_sen(amount.sen() / 2).unwrap_or(amount)
}

/// What the amount wants done to the first answer of a refund that was carried out.
fn with_trick(done: &Refund, response: HttpResponse, service: &str) -> Reaction {
    let mut reaction = Reaction::from(response);
    match magic::refund(done.amount).filter(|_| done.requests == 1) {
        Some(magic::Refund::Slow) => reaction.delivery = Delivery::Slow(magic::SLOW_MS),
        Some(magic::Refund::Lost) => reaction.delivery = Delivery::Lost,
        Some(magic::Refund::ErrorDone) => reaction.response = Fault::new(500, "00").response(service),
        Some(magic::Refund::Nonsense) => {
            reaction.response = HttpResponse::html(200, "<html><body>It works!</body></html>");
        }
        _ => {}
    }
    reaction
}

impl Wallet {
    /// Gives money back, once per key: a repeat that agrees is answered as the first one was, another one is 404/18.
    fn give_back(&mut self, ask: &RefundAsk, surroundings: &mut dyn Surroundings) -> Result<Refund, Fault> {
        let rules = self.brand.refunds.ok_or_else(|| Fault::new(405, "00"))?;
        match self.state.refunds.get_mut(&ask.key) {
            Some(known) if known.charge != ask.charge || known.amount != ask.amount => {
                return Err(Fault::new(404, "18"));
            }
            Some(known) => {
                known.requests += 1;
                if known.status != RefundStatus::Dropped {
                    self.refund_asked_about(&ask.key, surroundings.now());
                    return self.refund_answer(&ask.key);
                }
            }
            None => self.remember(ask, surroundings),
        }
        let status = self.refund_status(ask, rules, surroundings.now());
        self.settle(&ask.key, status, surroundings.now());
        self.refund_answer(&ask.key)
    }

    fn remember(&mut self, ask: &RefundAsk, surroundings: &mut dyn Surroundings) {
        let refund = Refund {
            reference: ask.reference.clone(),
            provider_reference: surroundings.text(ID_LENGTH),
            charge: ask.charge.clone(),
            cancels: ask.cancels,
            amount: ask.amount,
            changed_at: surroundings.now(),
            requests: 1,
            questions: 0,
            status: RefundStatus::Pending,
        };
        self.state.refunds.insert(ask.key.clone(), refund);
    }

    /// What is to become of a refund that was asked for: the rules first, then what its amount wants.
    fn refund_status(&self, ask: &RefundAsk, rules: RefundRules, now: Instant) -> RefundStatus {
        if let Err((http, case)) = self.check_refund(ask, rules, now) {
            return RefundStatus::Refused(http, case.to_owned());
        }
        let first = self.state.refunds.get(&ask.key).is_some_and(|refund| refund.requests == 1);
        match magic::refund(ask.amount) {
            Some(magic::Refund::MerchantShort) => RefundStatus::Refused(403, "14".into()),
            Some(magic::Refund::NotPermitted) => RefundStatus::Refused(403, "15".into()),
            Some(magic::Refund::ErrorNotDone) if first => RefundStatus::Dropped,
            Some(magic::Refund::Pending | magic::Refund::PendingThenFailed) => RefundStatus::Pending,
            _ => RefundStatus::Done,
        }
    }

    /// HTTP status and case of why nothing can go back.
    fn check_refund(&self, ask: &RefundAsk, rules: RefundRules, now: Instant) -> Result<(), (u16, &'static str)> {
        let unknown = if ask.cancels { (404, "01") } else { rules.unknown_charge };
        let charge = self.state.charges.get(&ask.charge).ok_or(unknown)?;
        let age = now.seconds_since(charge.created_at);
        if ask.cancels {
            let untouched = self.given_back(&ask.charge, &ask.key) == Amount::ZERO;
            return match charge.status {
                ChargeStatus::Waiting { .. } | ChargeStatus::Pending => Ok(()),
                ChargeStatus::Charged if !rules.cancels_paid || !untouched => Err((404, "00")),
                ChargeStatus::Charged if age >= CANCEL_SECONDS => Err((403, "00")),
                ChargeStatus::Charged => Ok(()),
                _ => Err((404, "00")),
            };
        }
        match charge.status {
            ChargeStatus::Charged | ChargeStatus::Refunded if age >= rules.days * DAY_SECONDS => Err((403, "15")),
            ChargeStatus::Charged | ChargeStatus::Refunded => {
                let after = self.given_back(&ask.charge, &ask.key).checked_add(ask.amount);
                let fits = ask.amount > Amount::ZERO && after.is_ok_and(|sum| sum <= charge.amount);
                if fits { Ok(()) } else { Err((403, "02")) }
            }
            _ => Err((404, "00")),
        }
    }

    /// What went back of a charge or is being given back, apart from what is known under this key.
    fn given_back(&self, charge: &str, except: &str) -> Amount {
        let counts = |(key, refund): &(&String, &Refund)| {
            refund.charge == charge
                && key.as_str() != except
                && matches!(refund.status, RefundStatus::Done | RefundStatus::Pending)
        };
        let parts = self.state.refunds.iter().filter(counts);
        parts.fold(Amount::ZERO, |sum, (_, part)| sum.checked_add(part.amount).unwrap_or(sum))
    }

    fn settle(&mut self, key: &str, status: RefundStatus, now: Instant) {
        let Some(refund) = self.state.refunds.get_mut(key) else { return };
        refund.status = status;
        refund.changed_at = now;
        let refund = refund.clone();
        if refund.status == RefundStatus::Done {
            self.carry_out(key, &refund, now);
        }
    }

    /// Moves the money back.
    fn carry_out(&mut self, key: &str, refund: &Refund, now: Instant) {
        let given_back = self.given_back(&refund.charge, key).checked_add(refund.amount);
        let Some(charge) = self.state.charges.get_mut(&refund.charge) else { return };
        charge.changed_at = now;
        if !charge.status.moved() {
            charge.status = ChargeStatus::Cancelled;
            return;
        }
        if refund.cancels {
            charge.status = ChargeStatus::Reversed;
        } else if given_back == Ok(charge.amount) {
            charge.status = ChargeStatus::Refunded;
        }
        let phone = charge.phone.clone().unwrap_or_default();
        if let Some(account) = self.state.accounts.get_mut(&phone) {
            account.cash = account.cash.checked_add(refund.amount).unwrap_or(account.cash);
        }
    }

    /// One more question about a refund: what is pending ends at the third.
    fn refund_asked_about(&mut self, key: &str, now: Instant) -> bool {
        let Some(refund) = self.state.refunds.get_mut(key) else { return false };
        if refund.status != RefundStatus::Pending {
            return false;
        }
        refund.questions += 1;
        if refund.questions < magic::PENDING_QUESTIONS {
            return false;
        }
        let status = match magic::refund(refund.amount) {
            Some(magic::Refund::PendingThenFailed) => RefundStatus::Refused(403, "16".into()),
            _ => RefundStatus::Done,
        };
        self.settle(key, status, now);
        true
    }

    /// The status of a charge was asked for: so were its refunds. Gives the notices that follow.
    pub(super) fn refunds_asked_about(
        &mut self,
        charge: &str,
        surroundings: &mut dyn Surroundings,
    ) -> Vec<HttpRequest> {
        let of_charge = |(_, refund): &(&String, &Refund)| refund.charge == charge;
        let keys: Vec<String> = self.state.refunds.iter().filter(of_charge).map(|(key, _)| key.clone()).collect();
        let ended = keys.iter().filter(|key| self.refund_asked_about(key, surroundings.now())).count();
        let tells = ended > 0 && self.brand.refunds.is_some_and(|rules| rules.notices);
        let Some(charge) = self.state.charges.get(charge).filter(|_| tells) else { return vec![] };
        let message = refund_notice(self, charge);
        message.map(|message| self.signed_notice(&message, surroundings)).into_iter().collect()
    }

    /// The state of a refund as an answer.
    fn refund_answer(&self, key: &str) -> Result<Refund, Fault> {
        let refund = self.state.refunds.get(key).ok_or_else(|| Fault::new(500, "00"))?;
        match &refund.status {
            RefundStatus::Done => Ok(refund.clone()),
            RefundStatus::Pending => Err(Fault::new(202, "00")),
            RefundStatus::Dropped => Err(Fault::new(500, "00")),
            RefundStatus::Refused(http, case) => Err(Fault::new(*http, case)),
        }
    }

    /// The refunds as an auditor would see them.
    pub(super) fn booked_refunds(&self) -> Vec<BookedRefund> {
        let taken = self.state.refunds.values().filter(|refund| refund.status != RefundStatus::Dropped);
        let booked = taken.map(|refund| BookedRefund {
            reference: refund.reference.clone(),
            provider_reference: refund.provider_reference.clone(),
            charge: refund.charge.clone(),
            cancels: refund.cancels,
            amount: match self.state.charges.get(&refund.charge) {
                Some(charge) if charge.status.moved() => refund.amount,
                _ => Amount::ZERO,
            },
            done: refund.status == RefundStatus::Done,
            at: refund.changed_at,
            requests: refund.requests,
        });
        booked.collect()
    }
}

/// The refunds of a charge as a status answer lists them; cancellations are not refunds.
pub fn history(wallet: &Wallet, charge: &str) -> Value {
    let listed = wallet.state.refunds.values().filter(|refund| refund.charge == charge && !refund.cancels);
    let entry = |refund: &Refund| {
        let status = match refund.status {
            RefundStatus::Done => "00",
            RefundStatus::Pending => "03",
            RefundStatus::Refused(..) => "06",
            RefundStatus::Dropped => return None,
        };
        Some(json!({
            "refundNo": refund.provider_reference,
            "partnerRefundNo": refund.reference,
            "refundAmount": Money::from(refund.amount),
            "refundStatus": status,
            "refundDate": refund.changed_at.wire_text(),
        }))
    };
    listed.filter_map(entry).collect()
}

/// The notice about a charge's refunds: the payment's, with the list.
fn refund_notice(wallet: &Wallet, charge: &Charge) -> Option<Value> {
    let mut message = plain_charge_notice(wallet, charge, charge.amount)?;
    message["refundHistory"] = history(wallet, &charge.reference);
    Some(message)
}
