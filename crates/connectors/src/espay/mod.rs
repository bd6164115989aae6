//! Espay itself as an upstream: this gateway in front of a real Espay account, speaking as a client what our own server
//! serves. Bills with forms and the hash signature, linkage and payments with asymmetric SNAP signatures.
//!
//! One account sells bills (`ESPAY`) and carries the products of wallets and banks: [`Connector::carrying`] gives the
//! connector for one product, because Espay wants its code in nearly every call. We do not imitate it: it is proved
//! against our own server.

mod biller;
mod biller_answer;
mod credentials;
mod imitation;
mod linkage;
mod mapping;
mod notice;
mod settlement;
mod wire;

#[cfg(test)]
mod tests;

use lifecycle::provider::ProviderCall;

use crate::{
    CallContext, Capability, Connector, Descriptor, HttpRequest, HttpResponse, Notice, NoticeRefused, Returned, Scheme,
    Step,
    imitation::{Imitation, Setup},
    snap::{self, answer},
};

static DESCRIPTOR: Descriptor = Descriptor {
    name: "espay",
    title: "Espay",
    // Each is another connector's product that Espay can carry too.
    products: &[],
    capabilities: &[
        Capability::StartAuthorisation,
        Capability::Bind,
        Capability::InquireBinding,
        Capability::InquireAccount,
        Capability::InquireAccountByPhone,
        Capability::ReadBalance,
        Capability::Charge,
        Capability::InquireCharge,
        Capability::Unbind,
        Capability::InquireBill,
        Capability::PayBill,
        Capability::InquireBillPayment,
        Capability::ReadFloat,
        Capability::ListPrices,
    ],
    scheme: Some(Scheme::Asymmetric),
    // Integrators wait 150 seconds for a bill; past a minute we would rather ask.
    time_budget_ms: 45_000,
    not_found_final_seconds: 15 * 60,
};

/// The connector: without a product for bills and notices, with one for what is carried.
#[derive(Debug)]
pub struct Espay {
    product: Option<&'static str>,
}

/// For bills, the float and notices.
pub static ESPAY: Espay = Espay { product: None };

/// Every product that Espay carries: those that are linked with an authorisation code. The others hand the card token
/// out in a notice only, which a link here has no place for.
static CARRIED: &[Espay] = &[
    Espay { product: Some("GOPAYLINK") },
    Espay { product: Some("DANALINK") },
    Espay { product: Some("SHOPEEPAYLINK") },
    Espay { product: Some("CIMBDIRECTDEBIT") },
];

impl Connector for Espay {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn carrying(&self, product: &str) -> Option<&'static dyn Connector> {
        let found = CARRIED.iter().find(|carried| carried.product == Some(product))?;
        Some(found)
    }

    fn is_imitated(&self) -> bool {
        false
    }

    fn begin(&self, call: &ProviderCall, context: &CallContext<'_>) -> Step {
        match (call, self.product) {
            (
                ProviderCall::InquireBill(_)
                | ProviderCall::PayBill(_)
                | ProviderCall::InquireBillPayment { .. }
                | ProviderCall::ReadFloat
                | ProviderCall::ListPrices,
                _,
            ) => biller::begin(call, context),
            (ProviderCall::CreateAccount { .. }, _) | (_, None) => snap::unsupported(),
            (_, Some(product)) => linkage::begin(product, call, context),
        }
    }

    fn proceed(
        &self,
        call: &ProviderCall,
        before: &[HttpResponse],
        response: &HttpResponse,
        context: &CallContext<'_>,
    ) -> Step {
        match call {
            ProviderCall::InquireBill(_)
            | ProviderCall::PayBill(_)
            | ProviderCall::InquireBillPayment { .. }
            | ProviderCall::ReadFloat
            | ProviderCall::ListPrices => biller::proceed(call, before, response, context),
            _ => linkage::proceed(call, before, response, context),
        }
    }

    fn returned(&self, query: &[(String, String)]) -> Returned {
        answer::returned(mapping::ROWS, query)
    }

    fn notice(&self, request: &HttpRequest, context: &CallContext<'_>) -> Result<Notice, NoticeRefused> {
        notice::read(request, context)
    }

    fn settlement(&self) -> Option<&'static crate::settlement::Settlement> {
        Some(&settlement::SETTLEMENT)
    }

    fn imitation(&self, _: Setup) -> Box<dyn Imitation> {
        Box::new(imitation::Nobody)
    }
}
