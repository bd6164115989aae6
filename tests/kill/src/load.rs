//! Merchants that pay without a pause, whether the gateway lives or not, and write down what they were told.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use client::{BillerClient, Client, Outcome, Sent};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::world::{World, product};

/// What every payment amounts to.
const PAYMENT_RUPIAH: u32 = 7;
/// A bill that is paid without an inquiry.
pub(crate) const BILL_PRODUCT: &str = "STBIDV";
/// What for, in sen.
pub(crate) const BILL_SEN: i64 = 10_000_000;
/// How long somebody whose gateway is dead waits before they try again.
const RETRY: Duration = Duration::from_millis(3);
/// How long a merchant of bills waits between two: its deposit is to last.
const BILL_PAUSE: Duration = Duration::from_millis(60);
/// How long a gateway may take until it accepts something.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A payment out of a linked account; the reference is the merchant's own.
    Payment,
    /// A bill out of a deposit; the reference is the customer's number, which is used once.
    Bill,
}

/// One request for money to move, and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// What.
    pub(crate) what: What,
    /// Under which reference.
    pub(crate) reference: String,
    /// The code of the answer; none when none came.
    pub(crate) code: Option<String>,
    /// Whether the answer said that it is not known yet.
    pub(crate) pending: bool,
}

impl Asked {
    /// Whether success was acknowledged.
    pub(crate) fn acknowledged(&self) -> bool {
        let success = match self.what {
            What::Payment => "2005400",
            What::Bill => "0000",
        };
        self.code.as_deref() == Some(success) && !self.pending
    }

    /// Whether it was acknowledged that it is being worked on.
    pub(crate) fn acknowledged_pending(&self) -> bool {
        self.pending
    }
}

/// All merchants.
pub(crate) struct Load {
    client: Client,
    biller: BillerClient,
    card: String,
    next: AtomicU64,
    stopping: AtomicBool,
    asked: Mutex<Vec<Asked>>,
}

impl Load {
    /// Over a gateway that is ready, and a linked account.
    pub(crate) fn new(world: &World, card: String) -> Result<Self> {
        Ok(Self {
            client: world.client()?,
            biller: world.biller()?,
            card,
            next: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            asked: Mutex::default(),
        })
    }

    /// Sets so many of each to work.
    pub(crate) fn begin(self: Arc<Self>, payments: usize, bills: usize) -> Vec<JoinHandle<()>> {
        let lane = |what| {
            let load = self.clone();
            tokio::spawn(async move {
                while !load.stopping.load(Ordering::Acquire) {
                    if !load.ask(what).await {
                        tokio::time::sleep(RETRY).await;
                    }
                    if what == What::Bill {
                        tokio::time::sleep(BILL_PAUSE).await;
                    }
                }
            })
        };
        let payments = (0..payments).map(|_| What::Payment);
        payments.chain((0..bills).map(|_| What::Bill)).map(lane).collect()
    }

    /// How many requests were made.
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Lets everybody come to the end of what they are doing; everything that was asked.
    pub(crate) async fn end(&self, lanes: Vec<JoinHandle<()>>) -> Vec<Asked> {
        self.stopping.store(true, Ordering::Release);
        for lane in lanes {
            let _ = lane.await;
        }
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks until something is accepted.
    pub(crate) async fn accepted(&self, world: &mut World) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.ask(What::Payment).await {
            if world.has_ended()? {
                bail!("the gateway ended by itself");
            }
            if Instant::now() > deadline {
                bail!("the gateway accepts nothing");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// One request; whether it was accepted. One that surely was not sent is as if it had never been.
    async fn ask(&self, what: What) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (reference, sent) = match what {
            What::Payment => {
                let reference = format!("KILL-{number}");
                let sent = self.client.send("payment_host_to_host", &self.payment(&reference)).await;
                (reference, sent)
            }
            What::Bill => {
                let reference = order(number);
                let amount = BILL_SEN.to_string();
                let fields = [("product_code", BILL_PRODUCT), ("order_id", &reference), ("amount", &amount)];
                let sent = self.biller.send("bill_payment", fields).await;
                (reference, sent)
            }
        };
        let Ok(sent) = sent else { return false };
        if was_not_sent(&sent) {
            return false;
        }
        let code = sent.code();
        let text = |name: &str| sent.reply().map(|reply| reply[name].as_str().unwrap_or_default().to_owned());
        let pending = match what {
            What::Payment => code.as_deref().is_some_and(|code| code.starts_with("202")),
            What::Bill => code.as_deref() == Some("9999") || text("error_desc").as_deref() == Some("Inproses"),
        };
        let asked = Asked { what, reference, code, pending };
        let accepted = asked.acknowledged() || asked.acknowledged_pending();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        accepted
    }

    fn payment(&self, reference: &str) -> Value {
        json!({
            "partnerReferenceNo": reference, "merchantId": self.client.merchant().partner_id,
            "amount": {"value": format!("{PAYMENT_RUPIAH}.00"), "currency": "IDR"},
            "urlParam": {"url": "https://www.yourdomain.com/paid", "type": "PAY_RETURN", "isDeeplink": "N"},
            "additionalInfo": {"productCode": product(), "bankCardToken": self.card},
        })
    }
}

/// A customer's number that is used once and that no imitation knows as one with a meaning: those end in less than 2000.
fn order(number: u64) -> String {
    format!("08121{:04}{:04}", number / 8_000, 2_000 + number % 8_000)
}

/// Whether no connection was made: nothing of the request went out.
fn was_not_sent(sent: &Sent) -> bool {
    matches!(&sent.outcome, Outcome::Unknown { why } if sent.response.is_none() && why.contains("onnection refused"))
}
