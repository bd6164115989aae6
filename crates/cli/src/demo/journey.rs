//! What every step of the demo needs: the merchant's client, the customer's browser, and a record of what held.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use client::{Client, Sent};
use money::Amount;
use serde_json::Value;
use simulator::{
    bill_books::SoldBill,
    customer::{Browser, Visit, VisitError},
    demo_merchant::{DemoMerchant, LinkTokens},
    imitations::Provider,
};

use super::{
    bills::Shop,
    report::{Report, Step},
};
use crate::{
    operator_door::OperatorDoor,
    output::{clipped, data, shortened},
    sandbox::Sandbox,
    seller::Seller,
};

/// How long something that happens by itself may take, in seconds.
const PATIENCE_SECONDS: u64 = 15;
/// How often it is looked at, in milliseconds.
const LOOK_EVERY_MS: u64 = 20;
/// How often a bill's status is asked for, in milliseconds.
const ASK_EVERY_MS: u64 = 200;
/// References that one demo may draw, so that the next one over the same folder draws others.
const REFERENCES_MAX: u32 = 1_000;
/// Characters of a request or an answer that are shown.
const SHOWN_MAX: usize = 150;

/// One run through the demo.
pub struct Journey<'a> {
    /// The sandbox that is used.
    pub sandbox: &'a Sandbox,
    /// Its demo merchant.
    pub merchant: &'a DemoMerchant,
    /// The merchant's line to the gateway.
    pub client: Client,
    /// The language of the pages.
    pub lang: &'static str,
    browser: Browser,
    aloud: bool,
    product: String,
    steps: Vec<Step>,
    number: u32,
    references: u32,
    began: Instant,
    sellers: [Seller; 2],
    door: OperatorDoor,
    sold: Vec<SoldBill>,
    bills_since: calendar::Instant,
}

impl<'a> Journey<'a> {
    /// Begins demo number `number` over this sandbox; `aloud` prints every step as it is done.
    pub fn new(sandbox: &'a Sandbox, number: u32, lang: &'static str, aloud: bool) -> anyhow::Result<Self> {
        let bases: Vec<String> =
            sandbox.providers().iter().map(Provider::base_url).chain([sandbox.base_url.clone()]).collect();
        let ready = sandbox.ready()?;
        Ok(Self {
            sandbox,
            merchant: sandbox.merchant()?,
            client: Client::new(sandbox.credentials(0))?.with_clock(sandbox.clock()),
            lang,
            browser: Browser::new(bases.iter().map(String::as_str)),
            aloud,
            product: String::new(),
            steps: vec![],
            number,
            references: number * REFERENCES_MAX,
            began: Instant::now(),
            sellers: [
                Seller::new(&sandbox.base_url, ready.biller.clone(), sandbox.clock())?,
                Seller::new(&sandbox.base_url, ready.biller_invoiced.clone(), sandbox.clock())?,
            ],
            door: OperatorDoor::new(&ready.operator.url, &ready.operator.token),
            sold: vec![],
            bills_since: sandbox.clock().now(),
        })
    }

    /// The steps from here on are about this product.
    pub fn turn_to(&mut self, product: &str) {
        product.clone_into(&mut self.product);
        if self.aloud {
            data(format!("\n{product}"));
        }
    }

    /// A reference that was not used before.
    pub fn reference(&mut self, kind: &str) -> String {
        self.references += 1;
        format!("{kind}-{:04}", self.references)
    }

    /// The merchant code.
    pub fn partner_id(&self) -> &str {
        &self.client.merchant().partner_id
    }

    /// Where the browser returns to in the end: the demo merchant's shop.
    pub fn shop(&self) -> String {
        format!("{}/thanks", self.merchant.base_url())
    }

    /// Sends an operation; the step holds when the answer has one of these codes.
    ///
    /// # Errors
    /// When nothing could be sent; an answer that was not expected is a step that did not hold.
    pub async fn send(&mut self, name: &str, operation: &str, fields: &Value, codes: &[&str]) -> anyhow::Result<Sent> {
        let sent = self.client.send(operation, fields).await?;
        let code = sent.code().unwrap_or_else(|| "no answer".into());
        let answer = match sent.reply() {
            Some(reply) => shortened(&reply).to_string(),
            None => format!("{:?}", sent.outcome),
        };
        self.note(Step {
            product: self.product.clone(),
            name: name.to_owned(),
            sent: format!("{} {}", sent.prepared.method, clipped(&request_line(&sent, fields), SHOWN_MAX)),
            held: codes.contains(&code.as_str()),
            answered: clipped(&answer, SHOWN_MAX),
            code,
        });
        Ok(sent)
    }

    /// A text of the last answer must be this; recorded only when it is not.
    pub fn insist(&mut self, name: &str, found: Option<String>, wanted: &str) {
        if found.as_deref() != Some(wanted) {
            let answered = format!("{found:?} instead of {wanted}");
            let (product, name) = (self.product.clone(), name.to_owned());
            self.note(Step { product, name, sent: String::new(), code: String::new(), answered, held: false });
        }
    }

    /// The customer opens a page and goes on to its end; the step holds when `good` says so of the end.
    pub async fn visit(&mut self, name: &str, url: &str, good: impl Fn(&Visit) -> bool) -> Option<Visit> {
        let customer = self.sandbox.seed.browser_customer(Some(&self.product));
        let visited: Result<Visit, VisitError> = self.browser.visit(url, &customer).await;
        let (held, answered, visit) = match visited {
            Ok(visit) => {
                let titles: Vec<&str> =
                    visit.seen.iter().map(|seen| seen.title.as_str()).filter(|title| !title.is_empty()).collect();
                let end = visit.text.clone().unwrap_or_else(|| format!("back at {}", visit.end.path()));
                (good(&visit), format!("{} > {end}", titles.join(" > ")), Some(visit))
            }
            Err(error) => (false, format!("{:#}", anyhow::Error::new(error)), None),
        };
        let filled = visit.iter().flat_map(|visit| &visit.seen).flat_map(|seen| seen.filled.clone());
        let filled: Vec<String> = filled.filter(|name| name != "action").collect();
        self.note(Step {
            product: self.product.clone(),
            name: name.to_owned(),
            sent: format!(
                "the customer's browser, filling in {}",
                if filled.is_empty() { "nothing".into() } else { filled.join(", ") }
            ),
            code: String::new(),
            answered: clipped(&answered, SHOWN_MAX),
            held,
        });
        visit
    }

    /// Something that must come true by itself.
    pub async fn await_that(&mut self, name: &str, mut look: impl FnMut() -> Result<String, String>) -> bool {
        let deadline = Instant::now() + Duration::from_secs(PATIENCE_SECONDS);
        let answer = loop {
            match look() {
                Ok(text) => break Ok(text),
                Err(text) if Instant::now() >= deadline => break Err(text),
                Err(_) => tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)).await,
            }
        };
        let held = answer.is_ok();
        self.note(Step {
            product: self.product.clone(),
            name: name.to_owned(),
            sent: "waiting".into(),
            code: String::new(),
            answered: clipped(
                &answer.unwrap_or_else(|text| format!("not within {PATIENCE_SECONDS} s: {text}")),
                SHOWN_MAX,
            ),
            held,
        });
        held
    }

    /// The tokens that the binding notification brought.
    pub fn notified_tokens(&self, reference: &str) -> Option<LinkTokens> {
        self.merchant.book().links.get(self.partner_id())?.get(reference)?.tokens.clone()
    }

    /// The number of this demo over its folder, from 0.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The line of a merchant that sells bills.
    pub fn seller(&self, shop: Shop) -> &Seller {
        match shop {
            Shop::Deposit => &self.sellers[0],
            Shop::Invoiced => &self.sellers[1],
        }
    }

    /// Its `sender_id`.
    pub fn sender_id(&self, shop: Shop) -> &str {
        self.seller(shop).sender_id()
    }

    /// The operator's door.
    pub fn door(&self) -> &OperatorDoor {
        &self.door
    }

    /// The merchant writes down a bill that it sold, and what the customer paid.
    pub fn write_down(&mut self, shop: Shop, ref_id: &str, paid: Option<Amount>) {
        let merchant = self.sender_id(shop).to_owned();
        self.sold.push(SoldBill { merchant, ref_id: ref_id.to_owned(), paid });
    }

    /// Until when something that happens by itself may take.
    pub fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(PATIENCE_SECONDS)
    }

    /// Waits before it is looked at again.
    pub async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(ASK_EVERY_MS)).await;
    }

    /// Records a step about the present product.
    pub fn note_step(&mut self, name: &str, sent: &str, code: &str, answered: &str, held: bool) {
        self.note(Step {
            product: self.product.clone(),
            name: name.to_owned(),
            sent: clipped(sent, SHOWN_MAX),
            code: code.to_owned(),
            answered: clipped(answered, SHOWN_MAX),
            held,
        });
    }

    fn note(&mut self, step: Step) {
        if self.aloud {
            data(step.line());
        }
        self.steps.push(step);
    }

    /// Waits until nothing is open any more and compares the books.
    ///
    /// # Errors
    /// When the gateway's books cannot be read.
    pub async fn finish(mut self) -> anyhow::Result<Report> {
        self.turn_to("BOOKS");
        let sandbox = self.sandbox;
        self.await_that("books agree", || match sandbox.compare_books() {
            Ok(comparison) if comparison.agree() => Ok("gateway, providers and merchant".into()),
            Ok(comparison) => Err([comparison.undecided, comparison.differences].concat().join("; ")),
            Err(error) => Err(error.to_string()),
        })
        .await;
        let (sold, since) = (self.sold.clone(), self.bills_since);
        self.await_that("books of bills agree", || match sandbox.compare_bill_books(&sold, since) {
            Ok(comparison) if comparison.agree() => Ok("gateway, ledger, aggregators and merchants".into()),
            Ok(comparison) => Err([comparison.undecided, comparison.differences].concat().join("; ")),
            Err(error) => Err(error.to_string()),
        })
        .await;
        let books = self.sandbox.compare_books().context("compare the books")?;
        let bills = self.sandbox.compare_bill_books(&sold, since).context("compare the books of bills")?;
        let refused_calls = self.merchant.book().refused_calls;
        let agree = books.agree() && bills.agree();
        let held = self.steps.iter().all(|step| step.held) && agree && refused_calls == 0;
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Report { held, elapsed_ms, refused_calls, steps: self.steps, books, bills })
    }
}

fn request_line(sent: &Sent, fields: &Value) -> String {
    let path = sent.prepared.target.split('?').next().unwrap_or_default();
    format!("{path} {}", shortened(fields))
}
