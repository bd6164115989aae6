//! What the wallet picker shows.

use askama::Template;

use crate::{frame::Frame, lang::Lang, texts::Texts};

/// One wallet or account that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// `productCode`.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// Whether it is chosen already.
    pub chosen: bool,
}

/// The wallet picker.
#[derive(Template)]
#[template(path = "linkage.html")]
pub struct LinkageView {
    frame: Frame,
    texts: &'static Texts,
    merchant: String,
    offers: Vec<Offer>,
    error: Option<&'static str>,
    action: String,
}

impl LinkageView {
    /// The picker of a merchant's wallets at this address; `refused` when a form came without a wallet.
    pub fn new(lang: Lang, path: &str, merchant: &str, offers: Vec<Offer>, refused: bool) -> Self {
        let texts = lang.texts();
        Self {
            frame: Frame::new(lang, texts.linkage_title, Some(path.to_owned())),
            texts,
            merchant: merchant.to_owned(),
            offers,
            error: refused.then_some(texts.choose_one),
            action: format!("{path}?lang={}", lang.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page() {
        let offer = |code: &str, chosen| Offer { code: code.into(), name: format!("Dompet {code}"), chosen };
        for lang in Lang::ALL {
            let offers = vec![offer("ALINK", true), offer("BLINK", false)];
            let pages = [(offers.clone(), false), (offers, true), (vec![], false)].map(|(offers, refused)| {
                LinkageView::new(lang, "/linkage/TOKEN", "Toko <Kopi>", offers, refused).render().unwrap()
            });
            insta::assert_snapshot!(format!("linkage_{}", lang.code()), pages.join("\n"));
        }
    }
}
