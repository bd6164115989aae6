//! What the checkout page shows.

use askama::Template;
use lifecycle::payment::Payment;

use super::form::{Entered, masked_phone};
use crate::{frame::Frame, lang::Lang, linkage::Offer, texts::Texts};

/// The checkout page.
#[derive(Template)]
#[template(path = "checkout.html")]
pub struct CheckoutView {
    frame: Frame,
    texts: &'static Texts,
    amount: String,
    merchant: String,
    reference: String,
    offers: Vec<Offer>,
    known_phone: Option<String>,
    phone: String,
    product_error: Option<&'static str>,
    phone_error: Option<&'static str>,
    action: String,
    cancel_action: String,
}

impl CheckoutView {
    /// The page of a payment at this address, as it is first seen.
    pub fn new(lang: Lang, path: &str, merchant: &str, payment: &Payment, offers: Vec<Offer>) -> Self {
        let texts = lang.texts();
        Self {
            frame: Frame::new(lang, texts.checkout_title, Some(path.to_owned())),
            texts,
            amount: payment.amount.display_text(),
            merchant: merchant.to_owned(),
            reference: payment.partner_reference.clone(),
            offers,
            known_phone: payment.phone.as_deref().map(masked_phone),
            phone: String::new(),
            product_error: None,
            phone_error: None,
            action: format!("{path}?lang={}", lang.code()),
            cancel_action: format!("{path}/cancel?lang={}", lang.code()),
        }
    }

    /// The same page after a form that needs correcting.
    #[must_use]
    pub fn correcting(mut self, entered: &Entered, phone_error: Option<&'static str>) -> Self {
        for offer in &mut self.offers {
            offer.chosen = entered.product.as_deref() == Some(&offer.code);
        }
        self.product_error = entered.product.is_none().then_some(self.texts.choose_one);
        self.phone_error = phone_error;
        self.phone = entered.phone.clone();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calendar::{Instant, JakartaDay};
    use lifecycle::{Digest, MerchantCode, PaymentId, Secret, payment::PaymentStatus, request::RequestKey};
    use money::Amount;

    fn payment(phone: Option<&str>) -> Payment {
        let now = Instant::from_micros(1_700_000_000_000_000);
        Payment {
            id: PaymentId::from_bits(1),
            merchant: MerchantCode::new("SHOP"),
            partner_reference: "INV-1".into(),
            request: RequestKey {
                merchant: MerchantCode::new("SHOP"),
                day: JakartaDay::from_number(20_240_314),
                external_id: "1".into(),
            },
            amount: Amount::parse_snap("150000.00").unwrap(),
            product: None,
            link: None,
            phone: phone.map(str::to_owned),
            return_url: None,
            page: Digest([0; 32]),
            page_token: Secret::new("TOKEN"),
            created_at: now,
            valid_until: now.plus_seconds(60),
            asker: None,
            provider: None,
            refunding: Amount::ZERO,
            refunded: Amount::ZERO,
            status: PaymentStatus::Checkout,
        }
    }

    #[test]
    fn the_page() {
        let offers = vec![
            Offer { code: "ALINK".into(), name: "Dompet A".into(), chosen: false },
            Offer { code: "BLINK".into(), name: "Dompet B".into(), chosen: false },
        ];
        for lang in Lang::ALL {
            let page = |phone, offers| CheckoutView::new(lang, "/pay/TOKEN", "Toko <Kopi>", &payment(phone), offers);
            let wrong = Entered { product: Some("BLINK".into()), phone: "<12>".into() };
            let pages = [
                page(None, offers.clone()),
                page(Some("6281234567890"), offers.clone()),
                page(None, offers.clone()).correcting(&wrong, Some(lang.texts().phone_wrong)),
                page(None, offers.clone()).correcting(&Entered::default(), Some(lang.texts().phone_missing)),
                page(None, vec![]),
            ];
            let pages = pages.map(|page| page.render().unwrap());
            insta::assert_snapshot!(format!("checkout_{}", lang.code()), pages.join("\n"));
        }
    }
}
