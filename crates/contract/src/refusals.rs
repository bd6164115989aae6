//! The one table that turns refusals into response codes. Nothing else chooses a status for a decision.

use lifecycle::{Reason, Refusal};
use protocol::codes::{self, Case};

use crate::operation::Fault;

/// The row of the registry for a refusal, and the argument of its message. An argument without a place in the message
/// is given as `additionalInfo.reason`.
///
/// ```
/// use lifecycle::{Reason, Refusal};
/// let (case, argument) = contract::refusals::case_of(&Refusal::Provider(Reason::InsufficientFunds));
/// assert_eq!((case.code("54").as_str(), argument), ("4035414", None));
/// ```
pub fn case_of(refusal: &Refusal) -> (&'static Case, Option<String>) {
    let (case, argument): (&'static Case, &str) = match refusal {
        Refusal::ExternalIdUsed => (&codes::CONFLICT, "X-EXTERNAL-ID was used today"),
        Refusal::InFlight => (&codes::CONFLICT, "the same request is being worked on"),
        Refusal::ReferenceUsed => (&codes::DUPLICATE_PARTNER_REFERENCE_NO, ""),
        Refusal::ReferenceInconsistent => {
            (&codes::INCONSISTENT_REQUEST, "partnerReferenceNo was used with other parameters")
        }
        Refusal::AuthCodeUnknown => (&codes::INVALID_ACCOUNT, "auth code unknown"),
        Refusal::AuthCodeNotAuthorised => {
            (&codes::INVALID_TRANSACTION_STATUS, "the customer has not authorised the auth code")
        }
        Refusal::AuthCodeUsed => (&codes::UNAUTHORIZED, "auth code used"),
        Refusal::AuthCodeExpired => (&codes::UNAUTHORIZED, "auth code expired"),
        Refusal::AuthCodeForOtherProduct => (&codes::INVALID_FIELD_FORMAT, "additionalInfo.productCode"),
        Refusal::TokenUnknown => (&codes::INVALID_ACCOUNT, ""),
        Refusal::CustomerTokenMismatch => (&codes::INVALID_CUSTOMER_TOKEN, ""),
        Refusal::LinkNotActive => (&codes::INVALID_TRANSACTION_STATUS, "the account is not linked at the moment"),
        Refusal::AlreadyLinked => (&codes::TRANSACTION_NOT_PERMITTED, "account already linked"),
        Refusal::PaymentNotFound => (&codes::TRANSACTION_NOT_FOUND, ""),
        Refusal::PaymentStateConflict => (&codes::INVALID_TRANSACTION_STATUS, "the payment is past this step"),
        Refusal::NothingToRefund => (&codes::INVALID_TRANSACTION_STATUS, "nothing is left of the payment"),
        Refusal::RefundTooLarge => (&codes::INVALID_AMOUNT, "more than is left of the payment"),
        Refusal::PageGone => (&codes::INVALID_TRANSACTION_STATUS, "the page's time is over"),
        Refusal::ProductNotAllowed => (&codes::FEATURE_NOT_ALLOWED, "product"),
        Refusal::ProductUnsupported => (&codes::REQUESTED_FUNCTION_IS_NOT_SUPPORTED, ""),
        // The biller services answer these in words of their own; see [`crate::biller`].
        Refusal::BillNotInquired | Refusal::InquiryExpired | Refusal::StepImpossible => {
            (&codes::INVALID_TRANSACTION_STATUS, "")
        }
        Refusal::BillAmountDiffers => (&codes::INVALID_AMOUNT, ""),
        Refusal::SameTransaction => (&codes::TRANSACTION_NOT_PERMITTED, "the same transaction was just taken"),
        Refusal::BillNotFound => (&codes::TRANSACTION_NOT_FOUND, ""),
        Refusal::DepositInsufficient => (&codes::INSUFFICIENT_FUNDS, ""),
        Refusal::CreditLimitExceeded => (&codes::MERCHANT_LIMIT_EXCEED, ""),
        Refusal::InvoiceOverdue => (&codes::SUSPEND_TRANSACTION, ""),
        Refusal::ProductClosed(until) => (&codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME, until),
        Refusal::NoDeposit => (&codes::FEATURE_NOT_ALLOWED, "no deposit"),
        Refusal::ReferenceDiffers => (&codes::INCONSISTENT_REQUEST, ""),
        Refusal::Provider(reason) => return case_of_reason(reason),
        // The only code of the standard's that says both: nothing happened, and come back.
        Refusal::ProviderDown => {
            (&codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME, "the provider does not answer at the moment")
        }
        Refusal::ProviderSilent => (&codes::TIMEOUT, ""),
        Refusal::StillWorking => (&codes::REQUEST_IN_PROGRESS, ""),
        Refusal::Busy => (&codes::TOO_MANY_REQUESTS, ""),
        Refusal::StoreUnavailable => (&codes::INTERNAL_SERVER_ERROR, ""),
    };
    (case, some(argument))
}

/// The row of the registry for a provider's no.
pub fn case_of_reason(reason: &Reason) -> (&'static Case, Option<String>) {
    let (case, argument): (&'static Case, &str) = match reason {
        Reason::InsufficientFunds => (&codes::INSUFFICIENT_FUNDS, ""),
        Reason::AmountLimitExceeded => (&codes::EXCEEDS_TRANSACTION_AMOUNT_LIMIT, ""),
        Reason::AccountLimitExceeded => (&codes::ACCOUNT_LIMIT_EXCEED, ""),
        Reason::AccountBlocked => (&codes::DO_NOT_HONOR, "the account is blocked"),
        Reason::AccountInactive => (&codes::INACTIVE_ACCOUNT, ""),
        Reason::AccountNotFound => (&codes::INVALID_ACCOUNT, "account not found"),
        Reason::CustomerTokenInvalid => (&codes::INVALID_CUSTOMER_TOKEN, ""),
        Reason::WrongOtp => (&codes::INVALID_OTP, ""),
        Reason::OtpExpired => (&codes::OTP_LIFETIME_EXPIRED, ""),
        Reason::TooManyTries => (&codes::ACTIVITY_COUNT_LIMIT_EXCEEDED, ""),
        Reason::AuthCodeUsed => (&codes::UNAUTHORIZED, "auth code used"),
        Reason::AuthCodeExpired => (&codes::UNAUTHORIZED, "auth code expired"),
        Reason::AuthCodeInvalid => (&codes::UNAUTHORIZED, "auth code invalid"),
        Reason::AlreadyLinked => (&codes::TRANSACTION_NOT_PERMITTED, "account already linked"),
        Reason::SuspectedFraud => (&codes::SUSPECTED_FRAUD, ""),
        Reason::NotPermitted => (&codes::TRANSACTION_NOT_PERMITTED, "refused by the provider"),
        Reason::DoNotHonor => (&codes::DO_NOT_HONOR, ""),
        Reason::AmountInvalid => (&codes::INVALID_AMOUNT, ""),
        Reason::Cancelled => (&codes::TRANSACTION_CANCELLED, ""),
        Reason::Expired => (&codes::TRANSACTION_EXPIRED, ""),
        Reason::MerchantDeclined(why) => (&codes::INVALID_BILL, why),
        Reason::CustomerUnknown => (&codes::INVALID_BILL, "customer unknown"),
        Reason::BillPaidAlready => (&codes::PAID_BILL, ""),
        Reason::NothingDue => (&codes::INVALID_BILL, "nothing is due"),
        Reason::CutOff => (&codes::FEATURE_NOT_ALLOWED_AT_THIS_TIME, "the biller is closed"),
        Reason::ProductUnavailable => (&codes::INVALID_ROUTING, ""),
        Reason::RepeatedAtSource => (&codes::TRANSACTION_NOT_PERMITTED, "refused as a repetition"),
        // Our money at the provider and what it said of our own call are for the operator's log, not for the merchant.
        Reason::FloatInsufficient | Reason::ProviderUnreachable | Reason::ProviderRejectedCall(_) => {
            (&codes::EXTERNAL_SERVER_ERROR, "")
        }
    };
    (case, some(argument))
}

/// A refusal as a fault.
pub fn fault_of(refusal: &Refusal) -> Fault {
    let (case, argument) = case_of(refusal);
    Fault { case, argument }
}

fn some(argument: &str) -> Option<String> {
    (!argument.is_empty()).then(|| argument.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_code() {
        use Reason as R;
        use Refusal as N;
        let provider = [
            (R::InsufficientFunds, "4035414"),
            (R::AmountLimitExceeded, "4035402"),
            (R::AccountLimitExceeded, "4035423"),
            (R::AccountBlocked, "4035405"),
            (R::AccountInactive, "4035418"),
            (R::AccountNotFound, "4045411"),
            (R::CustomerTokenInvalid, "4015402"),
            (R::WrongOtp, "4045415"),
            (R::OtpExpired, "4035412"),
            (R::TooManyTries, "4035404"),
            (R::AuthCodeUsed, "4015400"),
            (R::AuthCodeExpired, "4015400"),
            (R::AuthCodeInvalid, "4015400"),
            (R::AlreadyLinked, "4035415"),
            (R::SuspectedFraud, "4035403"),
            (R::NotPermitted, "4035415"),
            (R::DoNotHonor, "4035405"),
            (R::AmountInvalid, "4045413"),
            (R::Cancelled, "4045404"),
            (R::Expired, "4035400"),
            (R::MerchantDeclined("closed".into()), "4045412"),
            (R::ProviderUnreachable, "5005402"),
            (R::ProviderRejectedCall("E1".into()), "5005402"),
            (R::CustomerUnknown, "4045412"),
            (R::BillPaidAlready, "4045414"),
            (R::NothingDue, "4045412"),
            (R::CutOff, "4035406"),
            (R::ProductUnavailable, "4045402"),
            (R::FloatInsufficient, "5005402"),
            (R::RepeatedAtSource, "4035415"),
        ]
        .map(|(reason, code)| (N::Provider(reason), code));
        let own = [
            (N::ExternalIdUsed, "4095400"),
            (N::InFlight, "4095400"),
            (N::ReferenceUsed, "4095401"),
            (N::ReferenceInconsistent, "4045418"),
            (N::AuthCodeUnknown, "4045411"),
            (N::AuthCodeNotAuthorised, "4045400"),
            (N::AuthCodeUsed, "4015400"),
            (N::AuthCodeExpired, "4015400"),
            (N::AuthCodeForOtherProduct, "4005401"),
            (N::TokenUnknown, "4045411"),
            (N::CustomerTokenMismatch, "4015402"),
            (N::LinkNotActive, "4045400"),
            (N::AlreadyLinked, "4035415"),
            (N::PaymentNotFound, "4045401"),
            (N::PaymentStateConflict, "4045400"),
            (N::NothingToRefund, "4045400"),
            (N::RefundTooLarge, "4045413"),
            (N::PageGone, "4045400"),
            (N::ProductNotAllowed, "4035401"),
            (N::ProductUnsupported, "4055400"),
            (N::BillNotInquired, "4045400"),
            (N::InquiryExpired, "4045400"),
            (N::BillAmountDiffers, "4045413"),
            (N::SameTransaction, "4035415"),
            (N::BillNotFound, "4045401"),
            (N::DepositInsufficient, "4035414"),
            (N::CreditLimitExceeded, "4035420"),
            (N::InvoiceOverdue, "4035416"),
            (N::ProductClosed("2026-11-22 01:00:00".into()), "4035406"),
            (N::NoDeposit, "4035401"),
            (N::ReferenceDiffers, "4045418"),
            (N::StepImpossible, "4045400"),
            (N::ProviderDown, "4035406"),
            (N::ProviderSilent, "5045400"),
            (N::StillWorking, "2025400"),
            (N::Busy, "4295400"),
            (N::StoreUnavailable, "5005401"),
        ];
        for (refusal, code) in provider.into_iter().chain(own) {
            assert_eq!(case_of(&refusal).0.code("54"), code, "{refusal:?}");
        }
    }

    #[test]
    fn messages_say_which_of_several_meanings_it_is() {
        for (refusal, message) in [
            (Refusal::AuthCodeUsed, "Unauthorized. [auth code used]"),
            (Refusal::AuthCodeExpired, "Unauthorized. [auth code expired]"),
            (Refusal::AlreadyLinked, "Transaction Not Permitted. [account already linked]"),
            (Refusal::ProductNotAllowed, "Feature Not Allowed [product]"),
            (Refusal::AuthCodeForOtherProduct, "Invalid Field Format additionalInfo.productCode"),
            (Refusal::Provider(Reason::MerchantDeclined("closed".into())), "Invalid Bill/Virtual Account [closed]"),
            (Refusal::Provider(Reason::ProviderRejectedCall("secret detail".into())), "External Server Error"),
        ] {
            let (case, argument) = case_of(&refusal);
            assert_eq!(case.message(argument.as_deref()), message);
        }
    }
}
