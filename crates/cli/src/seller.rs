//! A merchant that sells bills, as commands and the demo play it: the client's line, and its outcome in the words of a
//! sale. A sale that did not come about was *refused* by the gateway or *failed* at the biller; either way nothing was
//! paid, but only the former can be corrected.

use client::{BillerClient, BillerCredentials, Clock, Outcome};
use serde_json::Value;

use crate::{
    output::{advised, shortened},
    sandbox::ReadyBiller,
};

/// A merchant that sells bills at a gateway.
#[derive(Clone, Debug)]
pub struct Seller {
    line: BillerClient,
}

/// What is known after a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillOutcome {
    /// Done: answered, or paid and delivered.
    Done,
    /// The biller is at work; the status service tells the rest.
    InProcess,
    /// The gateway said no: nothing was begun.
    Refused {
        /// `error_code`.
        code: String,
        /// Its text.
        message: String,
    },
    /// The biller said no: known not to have been paid, and nothing is reserved.
    Failed {
        /// `error_code`.
        code: String,
        /// Its text.
        message: String,
    },
    /// It may have been paid: ask for the status before anything else.
    Unknown {
        /// What makes it unknown.
        why: String,
    },
}

/// A call, its answer, and what is known now.
#[derive(Clone, Debug)]
pub struct BillSent {
    /// What was sent, without what everybody's requests hold.
    pub request_shown: String,
    /// The answer's JSON; null when none came.
    pub body: Value,
    /// `error_code`; empty when there is none.
    pub code: String,
    /// What is known now.
    pub outcome: BillOutcome,
}

impl BillSent {
    /// A member of the answer as text, numbers included; empty where it is missing.
    pub fn text(&self, name: &str) -> String {
        match &self.body[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// The answer with its tokens shortened.
    pub fn shown(&self) -> Value {
        match &self.outcome {
            BillOutcome::Unknown { why } if self.body.is_null() => Value::String(why.clone()),
            _ => shortened(&self.body),
        }
    }
}

impl Seller {
    /// A merchant with these credentials, whose requests carry this clock's time.
    ///
    /// # Errors
    /// With advice, when the address is none.
    pub fn new(base_url: &str, credentials: ReadyBiller, clock: Clock) -> anyhow::Result<Self> {
        let line = BillerClient::new(BillerCredentials {
            base_url: base_url.to_owned(),
            sender_id: credentials.sender_id,
            username: credentials.username,
            basic_password: credentials.basic_password,
            password: credentials.password,
            key: credentials.key,
        });
        let line = line.map_err(|error| advised(error.to_string(), "write it like https://gateway.example"))?;
        Ok(Self { line: line.with_clock(clock) })
    }

    /// `sender_id`.
    pub fn sender_id(&self) -> &str {
        &self.line.credentials().sender_id
    }

    /// Sends one of the biller services, signed, under a fresh `rq_uuid`.
    ///
    /// # Errors
    /// When there is no such service; what comes of the call is in [`BillSent::outcome`].
    pub async fn send(&self, operation: &str, fields: &[(&'static str, String)]) -> anyhow::Result<BillSent> {
        let sent = self.line.send(operation, fields.iter().map(|(name, value)| (*name, value.as_str()))).await?;
        let body = sent.reply().unwrap_or_default();
        let shown = fields.iter().filter(|(name, _)| *name != "data").map(|(name, value)| format!("{name}={value}"));
        let request_shown = format!("POST {} {}", sent.prepared.target, shown.collect::<Vec<_>>().join(" "));
        let code = body["error_code"].as_str().unwrap_or_default().to_owned();
        let outcome = outcome_of(&code, sent.outcome);
        Ok(BillSent { request_shown, body, code, outcome })
    }
}

/// The client's outcome in the words of a sale.
fn outcome_of(code: &str, outcome: Outcome) -> BillOutcome {
    match outcome {
        Outcome::Succeeded => BillOutcome::Done,
        Outcome::Unknown { .. } if code == "0000" => BillOutcome::InProcess,
        Outcome::Unknown { why } => BillOutcome::Unknown { why },
        Outcome::Refused { code, message } if is_of_the_biller(&code) => BillOutcome::Failed { code, message },
        Outcome::Refused { code, message } => BillOutcome::Refused { code, message },
    }
}

/// What the biller says of the customer's bill, and its other no: the ranges of the error table.
fn is_of_the_biller(code: &str) -> bool {
    code.len() == 3 && (code.starts_with("31") || code.starts_with("51") || code == "126")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_failed_in_process_and_unknown_differ() {
        let of = |code: &str, outcome| outcome_of(code, outcome);
        let refused = |code: &str| Outcome::Refused { code: code.into(), message: String::new() };
        let unknown = || Outcome::Unknown { why: "w".into() };
        assert_eq!(of("0000", Outcome::Succeeded), BillOutcome::Done);
        assert_eq!(of("0000", unknown()), BillOutcome::InProcess);
        for code in ["9999", "EX", "", "210"] {
            assert!(matches!(of(code, unknown()), BillOutcome::Unknown { .. }), "{code}");
        }
        for code in ["310", "312", "510", "511", "126"] {
            assert!(matches!(of(code, refused(code)), BillOutcome::Failed { .. }), "{code}");
        }
        for code in ["800", "610", "405", "104", "407"] {
            assert!(matches!(of(code, refused(code)), BillOutcome::Refused { .. }), "{code}");
        }
    }
}
