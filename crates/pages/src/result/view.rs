//! What the result page shows.

use askama::Template;
use lifecycle::Reason;

use crate::{
    frame::{CHECK_SECONDS, Frame, Refresh},
    lang::Lang,
    texts::Texts,
};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultKind {
    /// The payment succeeded.
    Paid,
    /// The payment is known not to have happened.
    PaymentFailed(Reason),
    /// Nobody knows yet whether the payment happened.
    PaymentChecking,
    /// Linked.
    Linked,
    /// Being linked.
    Linking,
    /// Not linked, or not any more.
    LinkFailed(Option<Reason>),
    /// The account is open.
    Opened,
    /// The account is being opened.
    Opening,
    /// No account was opened.
    OpenFailed(Reason),
}

impl ResultKind {
    fn words(&self, texts: &Texts) -> (&'static str, &'static str) {
        match self {
            Self::Paid => (texts.paid_title, texts.paid_text),
            Self::PaymentFailed(_) => (texts.payment_failed_title, texts.payment_failed_text),
            Self::PaymentChecking => (texts.payment_checking_title, texts.payment_checking_text),
            Self::Linked => (texts.linked_title, texts.linked_text),
            Self::Linking => (texts.linking_title, texts.linking_text),
            Self::LinkFailed(_) => (texts.link_failed_title, texts.link_failed_text),
            Self::Opened => (texts.opened_title, texts.opened_text),
            Self::Opening => (texts.opening_title, texts.opening_text),
            Self::OpenFailed(_) => (texts.open_failed_title, texts.open_failed_text),
        }
    }

    fn tone(&self) -> &'static str {
        match self {
            Self::Paid | Self::Linked | Self::Opened => "good",
            Self::PaymentFailed(_) | Self::LinkFailed(_) | Self::OpenFailed(_) => "bad",
            Self::PaymentChecking | Self::Linking | Self::Opening => "open",
        }
    }

    fn reason(&self) -> Option<&Reason> {
        match self {
            Self::PaymentFailed(reason) | Self::OpenFailed(reason) | Self::LinkFailed(Some(reason)) => Some(reason),
            _ => None,
        }
    }

    fn is_open(&self) -> bool {
        self.tone() == "open"
    }
}

/// A link to where the customer goes next.
#[derive(Clone, Debug)]
pub struct Onward {
    /// Where.
    pub url: String,
    /// Its words.
    pub label: String,
}

/// The result page.
#[derive(Template)]
#[template(path = "result.html")]
pub struct ResultView {
    frame: Frame,
    texts: &'static Texts,
    tone: &'static str,
    text: &'static str,
    reason: Option<&'static str>,
    /// Name and value of what the result is about.
    pub facts: Vec<(&'static str, String)>,
    /// Where the customer may go next.
    pub onwards: Vec<Onward>,
}

impl ResultView {
    /// The page of a result. `again` is its own address, without a language: what is open is looked at again there.
    pub fn new(kind: &ResultKind, lang: Lang, again: &str) -> Self {
        let texts = lang.texts();
        let (title, text) = kind.words(texts);
        let mut frame = Frame::new(lang, title, Some(again.to_owned()));
        let mut onwards = vec![];
        if kind.is_open() {
            let joint = if again.contains('?') { '&' } else { '?' };
            let url = format!("{again}{joint}lang={}", lang.code());
            frame.refresh = Some(Refresh { seconds: CHECK_SECONDS, url: url.clone() });
            onwards.push(Onward { url, label: texts.check_again.to_owned() });
        }
        let reason = kind.reason().map(|reason| texts.reason(reason));
        Self { frame, texts, tone: kind.tone(), text, reason, facts: vec![], onwards }
    }

    /// The same page with these facts.
    #[must_use]
    pub fn with_facts(mut self, facts: Vec<(&'static str, String)>) -> Self {
        self.facts = facts;
        self
    }

    /// The same page with a link back to the merchant, when there is an address.
    #[must_use]
    pub fn back_to(mut self, merchant: &str, url: Option<&str>) -> Self {
        if let Some(url) = url.filter(|url| crate::frame::leads_on(url)) {
            let label = format!("{} {merchant}", self.texts.back_to);
            self.onwards.push(Onward { url: url.to_owned(), label });
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_every_result() {
        let kinds = [
            ResultKind::Paid,
            ResultKind::PaymentFailed(Reason::InsufficientFunds),
            ResultKind::PaymentChecking,
            ResultKind::Linked,
            ResultKind::Linking,
            ResultKind::LinkFailed(Some(Reason::WrongOtp)),
            ResultKind::LinkFailed(None),
            ResultKind::Opened,
            ResultKind::Opening,
            ResultKind::OpenFailed(Reason::NotPermitted),
        ];
        for lang in Lang::ALL {
            let texts = kinds.clone().map(|kind| {
                let again = if kind == ResultKind::Opening { "/create?auth=TOKEN" } else { "/pay/TOKEN/status" };
                let facts = vec![(lang.texts().reference, "INV <1>".to_owned())];
                ResultView::new(&kind, lang, again)
                    .with_facts(facts)
                    .back_to("Toko & Kopi", Some("https://shop.example/done?a=1&b=2"))
                    .render()
                    .unwrap()
            });
            insta::assert_snapshot!(format!("result_{}", lang.code()), texts.join("\n"));
        }
    }
}
