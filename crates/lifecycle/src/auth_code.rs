//! Authorisation code (service 10): issued at once, authorised by the customer on the wallet's page, redeemed once.

use calendar::Instant;

use crate::{
    Answer, AuthCodeId, Decision, Digest, LinkId, MerchantCode, ProductCode, Reason, Refusal, Secret,
    decision::Context, request::Request,
};

/// A code's life, in seconds: 30 minutes.
pub const LIFE_SECONDS: i64 = 30 * 60;
/// Length of the code, letters and digits, as in the page's sample.
pub const CODE_LENGTH: usize = 26;
/// Length of the token in the address of a page.
pub const PAGE_TOKEN_LENGTH: usize = 43;

/// A code and the customer's way to authorise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthCode {
    /// Its id.
    pub id: AuthCodeId,
    /// The merchant that may redeem it.
    pub merchant: MerchantCode,
    /// Under which digest the code is found.
    pub code: Digest,
    /// Under which digest the customer's page is found.
    pub page: Digest,
    /// The code itself, needed once more when the browser returns to the merchant; dropped when the code ends.
    pub plain: Option<Secret>,
    /// The product; none until the customer chose one (`scopes=DEFAULT`).
    pub product: Option<ProductCode>,
    /// Where the browser returns to.
    pub redirect_url: String,
    /// The merchant's own text against request forgery.
    pub state: String,
    /// `id` or `en`.
    pub lang: String,
    /// The customer's number, where the merchant gave one.
    pub phone: Option<String>,
    /// When the code's life ends.
    pub expires_at: Instant,
    /// Where it stands.
    pub status: AuthCodeStatus,
}

/// Where a code stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthCodeStatus {
    /// Handed to the merchant; the customer has not authorised it.
    Issued,
    /// The customer authorised it at the wallet.
    Authorised {
        /// The wallet's own code, which binding exchanges.
        provider_code: Secret,
    },
    /// The customer or the wallet said no.
    Denied {
        /// Why.
        reason: Reason,
    },
    /// Redeemed by a binding.
    Used {
        /// By which.
        link: LinkId,
    },
}

/// Get Auth Code as a merchant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The call.
    pub request: Request,
    /// The product in `scopes`, none for `DEFAULT`.
    pub product: Option<ProductCode>,
    /// `redirectURL`, checked against the merchant's list.
    pub redirect_url: String,
    /// `state`.
    pub state: String,
    /// `lang`.
    pub lang: String,
    /// `seamlessData.mobileNumber`.
    pub phone: Option<String>,
}

/// Issues a code that is not authorised yet.
pub fn issue(command: Issue, context: &mut Context<'_>) -> Result<Decision, Refusal> {
    let id = AuthCodeId::from_bits(context.fresh.id());
    let (code, code_digest) = context.secret(CODE_LENGTH);
    let (page, page_digest) = context.secret(PAGE_TOKEN_LENGTH);
    let key = command.request.key.clone();
    let mut decision = Decision::recording(command.request);
    decision.rows.push(
        AuthCode {
            id,
            merchant: context.merchant.code.clone(),
            code: code_digest,
            page: page_digest,
            plain: Some(code.clone()),
            product: command.product,
            redirect_url: command.redirect_url,
            state: command.state.clone(),
            lang: command.lang,
            phone: command.phone,
            expires_at: context.now.plus_seconds(LIFE_SECONDS),
            status: AuthCodeStatus::Issued,
        }
        .into(),
    );
    decision.answer(key, Answer::AuthCodeIssued { auth_code: id, code, state: command.state, page });
    Ok(decision)
}

fn open<'a>(auth_code: Option<&'a AuthCode>, context: &Context<'_>) -> Result<&'a AuthCode, Refusal> {
    match auth_code {
        Some(code) if context.now < code.expires_at && code.status == AuthCodeStatus::Issued => Ok(code),
        _ => Err(Refusal::PageGone),
    }
}

/// The customer chose the wallet on our page.
pub fn choose_product(
    auth_code: Option<&AuthCode>,
    product: ProductCode,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let code = open(auth_code, context)?;
    if !context.merchant.has(&product) {
        return Err(Refusal::ProductNotAllowed);
    }
    let mut decision = Decision::default();
    decision.rows.push(AuthCode { product: Some(product), ..code.clone() }.into());
    Ok(decision)
}

/// The customer came back from the wallet.
pub fn customer_returned(
    auth_code: Option<&AuthCode>,
    result: Result<Secret, Reason>,
    context: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let code = open(auth_code, context)?;
    let status = match result {
        Ok(provider_code) => AuthCodeStatus::Authorised { provider_code },
        Err(reason) => AuthCodeStatus::Denied { reason },
    };
    let mut decision = Decision::default();
    decision.rows.push(AuthCode { status, ..code.clone() }.into());
    Ok(decision)
}

/// Checks that a binding may redeem the code now, and gives the wallet's code.
pub fn redeemable<'a>(
    auth_code: Option<&'a AuthCode>,
    product: Option<&ProductCode>,
    context: &Context<'_>,
) -> Result<(&'a AuthCode, &'a ProductCode, &'a Secret), Refusal> {
    let code = auth_code.filter(|code| code.merchant == context.merchant.code).ok_or(Refusal::AuthCodeUnknown)?;
    let provider_code = match &code.status {
        AuthCodeStatus::Used { .. } => return Err(Refusal::AuthCodeUsed),
        _ if context.now >= code.expires_at => return Err(Refusal::AuthCodeExpired),
        AuthCodeStatus::Issued | AuthCodeStatus::Denied { .. } => {
            return Err(Refusal::AuthCodeNotAuthorised);
        }
        AuthCodeStatus::Authorised { provider_code } => provider_code,
    };
    let issued_for = code.product.as_ref().ok_or(Refusal::AuthCodeNotAuthorised)?;
    if product.is_some_and(|product| product != issued_for) {
        return Err(Refusal::AuthCodeForOtherProduct);
    }
    Ok((code, issued_for, provider_code))
}
