//! What the customer entered on the checkout page, and what is wrong with it.

use crate::{texts::Texts, visitor::pairs};

const DIGITS_MIN: usize = 10;
const DIGITS_MAX: usize = 15;
const ENTERED_LENGTH_MAX: usize = 20;

/// The form as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// The chosen `productCode`, when it is one of those on offer.
    pub product: Option<String>,
    /// The number as it was typed, cut to the length of the field.
    pub phone: String,
}

impl Entered {
    /// Reads a form; `offered` tells whether a product is on offer.
    pub fn read(form: &[u8], offered: impl Fn(&str) -> bool) -> Self {
        let mut entered = Self::default();
        for (name, value) in pairs(form) {
            match name.as_str() {
                "product" => entered.product = Some(value).filter(|code| offered(code)),
                "phone" => entered.phone = value.trim().chars().take(ENTERED_LENGTH_MAX).collect(),
                _ => {}
            }
        }
        entered
    }

    /// The number as it is to be used, `62...`; none when the field is empty and a number is known already.
    pub fn phone(&self, is_known: bool, texts: &Texts) -> Result<Option<String>, &'static str> {
        if self.phone.is_empty() {
            return if is_known { Ok(None) } else { Err(texts.phone_missing) };
        }
        normal_phone(&self.phone).map(Some).ok_or(texts.phone_wrong)
    }
}

/// `+62 812-3456-7890`, `0812...`, `62812...` as `62812...`.
fn normal_phone(text: &str) -> Option<String> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) {
        return None;
    }
    let national = digits.strip_prefix("62").or_else(|| digits.strip_prefix('0'))?;
    national.starts_with('8').then(|| format!("62{national}"))
}

/// A number as a page shows it to whoever has the address: the middle is hidden.
pub fn masked_phone(phone: &str) -> String {
    const SHOWN_FIRST: usize = 4;
    const SHOWN_LAST: usize = 3;
    let length = phone.chars().count();
    let hidden = |place: usize| place >= SHOWN_FIRST && place + SHOWN_LAST < length;
    phone.chars().enumerate().map(|(place, digit)| if hidden(place) { '•' } else { digit }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        let texts = Lang::En.texts();
        let check = |typed: &str, is_known, expected: Result<Option<&str>, &'static str>| {
            let entered = Entered { product: None, phone: typed.into() };
            assert_eq!(entered.phone(is_known, texts), expected.map(|phone| phone.map(str::to_owned)), "{typed}");
        };
        check("081234567890", false, Ok(Some("6281234567890")));
        check("+62 812-3456-7890", false, Ok(Some("6281234567890")));
        check("6281234567890", true, Ok(Some("6281234567890")));
        check("", true, Ok(None));
        check("", false, Err(texts.phone_missing));
        check("0812", true, Err(texts.phone_wrong));
        check("0212345678", false, Err(texts.phone_wrong));
        check("08123456789012345", false, Err(texts.phone_wrong));
        check("08１２34567890", false, Err(texts.phone_wrong));
        check("4412345678901", false, Err(texts.phone_wrong));
    }

    #[test]
    fn only_what_is_on_offer_is_chosen_and_the_rest_is_cut() {
        let form = format!("product=X&product=ALINK&phone=%20{}", "9".repeat(50));
        let entered = Entered::read(form.as_bytes(), |code| code == "ALINK");
        assert_eq!(entered, Entered { product: Some("ALINK".into()), phone: "9".repeat(20) });
        assert_eq!(Entered::read(b"product=X", |_| false), Entered::default());
        assert_eq!(masked_phone("6281234567890"), "6281••••••890");
    }
}
