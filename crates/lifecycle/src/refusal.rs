//! Why something was not done. A refusal means that nothing happened; one table in `contract` turns it into a code.

/// Why a provider said no. *Known* not to have happened; anything less certain is an unknown outcome, not a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The account does not hold the amount.
    InsufficientFunds,
    /// Above the account's or the product's limit for one transaction.
    AmountLimitExceeded,
    /// Above the account's daily or monthly limit.
    AccountLimitExceeded,
    /// The account is blocked.
    AccountBlocked,
    /// The account is closed, dormant or not yet active.
    AccountInactive,
    /// The provider does not know the account or phone number.
    AccountNotFound,
    /// The customer's token at the provider is expired or revoked.
    CustomerTokenInvalid,
    /// Wrong one-time code or PIN.
    WrongOtp,
    /// The one-time code's life is over.
    OtpExpired,
    /// Too many wrong codes or PINs.
    TooManyTries,
    /// The authorisation code was redeemed before.
    AuthCodeUsed,
    /// The authorisation code's life is over.
    AuthCodeExpired,
    /// The authorisation code means nothing to the provider.
    AuthCodeInvalid,
    /// The account is linked already.
    AlreadyLinked,
    /// The provider's fraud rules.
    SuspectedFraud,
    /// The provider does not allow it for this account or merchant.
    NotPermitted,
    /// Refused without a further reason.
    DoNotHonor,
    /// The amount is not what is due, or not one the provider takes.
    AmountInvalid,
    /// The customer cancelled.
    Cancelled,
    /// Not completed in time.
    Expired,
    /// The merchant's Inquiry answer does not allow the payment: a short text for the log.
    MerchantDeclined(String),
    /// The biller does not know the customer's number.
    CustomerUnknown,
    /// The bill is paid already.
    BillPaidAlready,
    /// Nothing is due, or not yet.
    NothingDue,
    /// The biller is closed at this time of day or for maintenance.
    CutOff,
    /// The source cannot deliver the product at the moment: out of stock, disturbed, unknown to it.
    ProductUnavailable,
    /// The source does not have enough of our money: ours to fix.
    FloatInsufficient,
    /// The same order was refused as a repetition by the source.
    RepeatedAtSource,
    /// Known not to have reached the provider.
    ProviderUnreachable,
    /// The provider refused the call itself (signature, unknown client, format): ours to fix, the raw code for the log.
    ProviderRejectedCall(String),
}

impl Reason {
    /// Whether another source may still deliver: the fault is the source's own, not the customer's or the bill's.
    pub fn is_of_the_source(&self) -> bool {
        matches!(
            self,
            Self::ProviderUnreachable
                | Self::ProviderRejectedCall(_)
                | Self::ProductUnavailable
                | Self::FloatInsufficient
                | Self::CutOff
        )
    }
}

/// Why a command was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The external id was used today.
    ExternalIdUsed,
    /// The same request is being worked on.
    InFlight,
    /// The partner reference was used before, with the same parameters.
    ReferenceUsed,
    /// The partner reference was used before, with other parameters.
    ReferenceInconsistent,
    /// No such authorisation code for this merchant.
    AuthCodeUnknown,
    /// The customer has not authorised the code yet.
    AuthCodeNotAuthorised,
    /// The authorisation code was redeemed before.
    AuthCodeUsed,
    /// The authorisation code's life is over.
    AuthCodeExpired,
    /// The code was issued for another product.
    AuthCodeForOtherProduct,
    /// No such token for this merchant; another merchant's token is answered the same way.
    TokenUnknown,
    /// The customer token (`authorizationCustomer`) does not belong to the link.
    CustomerTokenMismatch,
    /// The link is not in a state that allows this.
    LinkNotActive,
    /// The customer has linked this product at this merchant already.
    AlreadyLinked,
    /// No such payment of this merchant.
    PaymentNotFound,
    /// The payment is not in a state that allows this.
    PaymentStateConflict,
    /// Nothing is left of the payment to give back: all of it went back or is on its way.
    NothingToRefund,
    /// More than is left of the payment.
    RefundTooLarge,
    /// No such page, or its time is over.
    PageGone,
    /// The merchant may not use the product, or nobody sells it.
    ProductNotAllowed,
    /// The product cannot do this.
    ProductUnsupported,
    /// The payment of a bill names no inquiry of ours with the same order and product.
    BillNotInquired,
    /// The inquiry's time is over: inquire again.
    InquiryExpired,
    /// The amount is not the inquiry's, or not one that the product takes.
    BillAmountDiffers,
    /// The same order, product and amount was taken less than five minutes ago, or its outcome is not known yet.
    SameTransaction,
    /// No such bill of this merchant.
    BillNotFound,
    /// The deposit does not suffice.
    DepositInsufficient,
    /// The credit limit does not suffice.
    CreditLimitExceeded,
    /// An invoice should have been paid by now.
    InvoiceOverdue,
    /// The product is closed at this time; until when, as `YYYY-MM-DD HH:MM:SS` in Jakarta.
    ProductClosed(String),
    /// Only merchants with a deposit have a balance.
    NoDeposit,
    /// A reference of the operator's was used before with another content.
    ReferenceDiffers,
    /// What the operator's step is about does not exist or is not in a state that allows it.
    StepImpossible,
    /// The provider said no, or a rule did in its terms.
    Provider(Reason),
    /// The provider does not answer at the moment and is not called: nothing was begun.
    ProviderDown,
    /// The provider did not answer a question; nothing was changed by asking.
    ProviderSilent,
    /// Accepted and still being worked on when the caller's wait was over: 202, not a refusal to the merchant.
    StillWorking,
    /// The gateway takes no more work at the moment.
    Busy,
    /// The store did not confirm; nothing is known to have changed.
    StoreUnavailable,
}
