//! What the create-PIN page shows. It never shows what was entered.

use askama::Template;

use super::form::Faults;
use crate::{frame::Frame, lang::Lang, texts::Texts};

struct Field {
    name: &'static str,
    error: Option<&'static str>,
}

/// The create-PIN page.
#[derive(Template)]
#[template(path = "create_pin.html")]
pub struct CreatePinView {
    frame: Frame,
    texts: &'static Texts,
    merchant: String,
    phone: String,
    alert: Option<&'static str>,
    pin: Field,
    pin_again: Field,
    password: Field,
    password_again: Field,
    action: String,
}

impl CreatePinView {
    /// The page at this address; `faults` are those of the form that came before.
    pub fn new(lang: Lang, address: &str, merchant: &str, masked_phone: String, faults: &Faults) -> Self {
        let texts = lang.texts();
        let is_faulty = *faults != Faults::default();
        Self {
            frame: Frame::new(lang, texts.pin_title, Some(address.to_owned())),
            texts,
            merchant: merchant.to_owned(),
            phone: masked_phone,
            alert: is_faulty.then_some(texts.check_form),
            pin: Field { name: "pin", error: faults.pin },
            pin_again: Field { name: "pin_again", error: faults.pin_again },
            password: Field { name: "password", error: faults.password },
            password_again: Field { name: "password_again", error: faults.password_again },
            action: format!("{address}&lang={}", lang.code()),
        }
    }

    /// The same page when the provider is sure that no account was opened.
    #[must_use]
    pub fn trying_again(mut self) -> Self {
        self.alert = Some(self.texts.pin_try_again);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::create_pin::form::read;

    #[test]
    fn the_page() {
        for lang in Lang::ALL {
            let faults = read(b"pin=111111&password=short&password_again=other", lang.texts()).unwrap_err();
            let page = |faults: &Faults| {
                CreatePinView::new(lang, "/create?auth=TOKEN", "Toko <Kopi>", "6281••••••890".into(), faults)
            };
            let clean = Faults::default();
            let pages = [page(&clean), page(&faults), page(&clean).trying_again()].map(|page| page.render().unwrap());
            assert!(pages.iter().all(|page| !page.contains("111111")), "nothing entered is shown");
            insta::assert_snapshot!(format!("create_pin_{}", lang.code()), pages.join("\n"));
        }
    }
}
