//! Questions to the sources of bills that belong to no task: an operator asks, the source answers, nothing is kept.

use connectors::Capability;
use lifecycle::{
    Reason,
    provider::{Outcome, ProviderCall, SourcePrice},
};
use money::Amount;

use crate::{
    Engine,
    transport::{LineHealth, LineLoad},
};

/// A source of bills that we have an account at.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its connector's name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it can be asked.
    pub capabilities: Vec<&'static str>,
    /// How it answered since the gateway started.
    pub health: LineHealth,
    /// How busy its line is, and whether it is used.
    pub load: LineLoad,
}

/// Why a source did not say what it was asked. Nothing happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// We have no account at a source of this name.
    NoAccount,
    /// It cannot be asked that.
    CannotBeAsked,
    /// It said no.
    Refused(Reason),
    /// Nothing that can be read as an answer; the text says what came, for the operator.
    Silent(String),
}

impl Engine {
    /// Every source of bills that we have an account at, in the order of the connectors.
    pub fn sources(&self) -> Vec<Source> {
        let lines = connectors::CONNECTORS.iter().filter_map(|known| {
            let descriptor = known.descriptor();
            let line = self.lines().line(descriptor.name)?;
            descriptor.capabilities.contains(&Capability::PayBill).then(|| Source {
                name: descriptor.name,
                title: descriptor.title,
                capabilities: descriptor.capabilities.iter().map(|capability| capability.name()).collect(),
                health: line.health(),
                load: line.load(self.now()),
            })
        });
        lines.collect()
    }

    /// What is left of our money at a source, by its own word.
    ///
    /// # Errors
    /// It did not say.
    pub async fn source_float(&self, name: &str) -> Result<Amount, Unanswered> {
        match self.ask_source(name, &ProviderCall::ReadFloat).await? {
            Outcome::Float(amount) => Ok(amount),
            other => Err(unanswered(other)),
        }
    }

    /// What a source sells us, by its own word. Sources limit how often they may be asked.
    ///
    /// # Errors
    /// It did not say.
    pub async fn source_prices(&self, name: &str) -> Result<Vec<SourcePrice>, Unanswered> {
        match self.ask_source(name, &ProviderCall::ListPrices).await? {
            Outcome::Prices(prices) => Ok(prices),
            other => Err(unanswered(other)),
        }
    }

    async fn ask_source(&self, name: &str, call: &ProviderCall) -> Result<Outcome, Unanswered> {
        let line = self.lines().line(name).ok_or(Unanswered::NoAccount)?;
        let capabilities = line.connector.descriptor().capabilities;
        if !capabilities.contains(&Capability::PayBill) {
            return Err(Unanswered::NoAccount);
        }
        if !capabilities.contains(&Capability::of(call)) {
            return Err(Unanswered::CannotBeAsked);
        }
        Ok(self.call_line(Some(line), call).await)
    }
}

fn unanswered(outcome: Outcome) -> Unanswered {
    match outcome {
        Outcome::Refused(Reason::ProviderUnreachable) => Unanswered::Silent("it was not reached".into()),
        Outcome::Refused(reason) => Unanswered::Refused(reason),
        Outcome::Unknown(evidence) => Unanswered::Silent(evidence),
        other => Unanswered::Silent(format!("an answer to another question: {}", crate::perform::outcome_name(&other))),
    }
}
