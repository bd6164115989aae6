//! What the error page shows.

use askama::Template;
use lifecycle::{Reason, Refusal};

use crate::{frame::Frame, lang::Lang, texts::Texts};

/// What kind of nothing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such page.
    NotFound,
    /// Too late, or done already.
    Gone,
    /// A form that means nothing here.
    BadForm,
    /// The provider does not answer or we are busy: nothing was changed.
    TryLater,
    /// A fault of ours.
    Fault,
}

impl ErrorKind {
    /// The kind that a refused step is shown as.
    pub fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::PageGone
            | Refusal::AuthCodeUnknown
            | Refusal::AuthCodeNotAuthorised
            | Refusal::AuthCodeUsed
            | Refusal::AuthCodeExpired
            | Refusal::PaymentNotFound
            | Refusal::PaymentStateConflict
            | Refusal::NothingToRefund
            | Refusal::RefundTooLarge
            | Refusal::TokenUnknown
            | Refusal::LinkNotActive
            | Refusal::AlreadyLinked => Self::Gone,
            Refusal::Provider(Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_))
            | Refusal::ProviderSilent
            | Refusal::StillWorking
            | Refusal::ProviderDown
            | Refusal::Busy
            | Refusal::StoreUnavailable => Self::TryLater,
            Refusal::ProductNotAllowed
            | Refusal::ProductUnsupported
            | Refusal::AuthCodeForOtherProduct
            | Refusal::CustomerTokenMismatch
            | Refusal::Provider(_) => Self::BadForm,
            Refusal::ExternalIdUsed | Refusal::InFlight | Refusal::ReferenceUsed | Refusal::ReferenceInconsistent => {
                Self::Fault
            }
            // Bills and the operator's steps have no pages.
            Refusal::BillNotInquired
            | Refusal::InquiryExpired
            | Refusal::BillAmountDiffers
            | Refusal::SameTransaction
            | Refusal::BillNotFound
            | Refusal::DepositInsufficient
            | Refusal::CreditLimitExceeded
            | Refusal::InvoiceOverdue
            | Refusal::ProductClosed(_)
            | Refusal::NoDeposit
            | Refusal::ReferenceDiffers
            | Refusal::StepImpossible => Self::Fault,
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Gone => 410,
            Self::BadForm => 400,
            Self::TryLater => 503,
            Self::Fault => 500,
        }
    }

    /// Whether trying again may help.
    pub fn may_retry(self) -> bool {
        match self {
            Self::BadForm | Self::TryLater | Self::Fault => true,
            Self::NotFound | Self::Gone => false,
        }
    }

    fn words(self, texts: &Texts) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => (texts.not_found_title, texts.not_found_text),
            Self::Gone => (texts.gone_title, texts.gone_text),
            Self::BadForm => (texts.bad_form_title, texts.bad_form_text),
            Self::TryLater => (texts.try_later_title, texts.try_later_text),
            Self::Fault => (texts.fault_title, texts.fault_text),
        }
    }
}

/// The error page.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorView {
    frame: Frame,
    texts: &'static Texts,
    text: &'static str,
    reason: Option<&'static str>,
    retry: Option<String>,
}

impl ErrorView {
    /// The page of this kind.
    pub fn new(kind: ErrorKind, lang: Lang, reason: Option<&'static str>, retry: Option<String>) -> Self {
        let texts = lang.texts();
        let (title, text) = kind.words(texts);
        Self { frame: Frame::new(lang, title, None), texts, text, reason, retry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_every_kind() {
        let kinds = [ErrorKind::NotFound, ErrorKind::Gone, ErrorKind::BadForm, ErrorKind::TryLater, ErrorKind::Fault];
        for lang in Lang::ALL {
            let texts = kinds.map(|kind| {
                let retry = kind.may_retry().then(|| "/pay/TOKEN".to_owned());
                ErrorView::new(kind, lang, None, retry).render().unwrap()
            });
            insta::assert_snapshot!(format!("error_{}", lang.code()), texts.join("\n"));
        }
    }
}
