//! What the handover page shows.

use askama::Template;

use crate::{
    frame::{Frame, Refresh},
    lang::Lang,
    texts::Texts,
};

/// The handover page.
#[derive(Template)]
#[template(path = "handover.html")]
pub struct HandoverView {
    frame: Frame,
    texts: &'static Texts,
    url: String,
}

impl HandoverView {
    /// The page that leads to this address.
    pub fn new(url: &str, lang: Lang) -> Self {
        let texts = lang.texts();
        let mut frame = Frame::new(lang, texts.handover_title, None);
        frame.refresh = Some(Refresh { seconds: 0, url: url.to_owned() });
        Self { frame, texts, url: url.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page() {
        for lang in Lang::ALL {
            let view = HandoverView::new("https://wallet.example/otp?a=1&b=\"2", lang);
            insta::assert_snapshot!(format!("handover_{}", lang.code()), view.render().unwrap());
        }
    }
}
