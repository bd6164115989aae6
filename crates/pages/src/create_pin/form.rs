//! What the customer chose, and what is wrong with it.

use lifecycle::Secret;

use crate::{texts::Texts, visitor::pairs};

const PIN_LENGTH: usize = 6;
const PASSWORD_LENGTH_MIN: usize = 8;
const PASSWORD_LENGTH_MAX: usize = 64;

/// What is wrong, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// With the PIN.
    pub pin: Option<&'static str>,
    /// With its repetition.
    pub pin_again: Option<&'static str>,
    /// With the password.
    pub password: Option<&'static str>,
    /// With its repetition.
    pub password_again: Option<&'static str>,
}

/// PIN and password that passed every check.
#[derive(Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Six digits.
    pub pin: Secret,
    /// 8 to 64 characters.
    pub password: Secret,
}

/// Reads the form.
pub fn read(form: &[u8], texts: &Texts) -> Result<Chosen, Faults> {
    let mut fields = pairs(form);
    let mut take = |name: &str| {
        let found = fields.iter_mut().find(|(key, _)| key == name);
        Secret::new(found.map(|(_, value)| std::mem::take(value)).unwrap_or_default())
    };
    let (pin, pin_again) = (take("pin"), take("pin_again"));
    let (password, password_again) = (take("password"), take("password_again"));
    let faults = Faults {
        pin: pin_fault(pin.expose(), texts),
        pin_again: (pin != pin_again).then_some(texts.pin_differs),
        password: password_fault(password.expose(), texts),
        password_again: (password != password_again).then_some(texts.password_differs),
    };
    if faults == Faults::default() { Ok(Chosen { pin, password }) } else { Err(faults) }
}

fn pin_fault(pin: &str, texts: &Texts) -> Option<&'static str> {
    let digits = pin.as_bytes();
    if digits.len() != PIN_LENGTH || !digits.iter().all(u8::is_ascii_digit) {
        return Some(texts.pin_not_digits);
    }
    let steps_are = |step: i16| digits.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step);
    if steps_are(0) {
        Some(texts.pin_all_equal)
    } else if steps_are(1) || steps_are(-1) {
        Some(texts.pin_in_a_row)
    } else {
        None
    }
}

fn password_fault(password: &str, texts: &Texts) -> Option<&'static str> {
    let length = password.chars().count();
    if !(PASSWORD_LENGTH_MIN..=PASSWORD_LENGTH_MAX).contains(&length) {
        return Some(texts.password_length);
    }
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    (!has(char::is_alphabetic) || !has(char::is_numeric)).then_some(texts.password_simple)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn plain_rules() {
        let texts = Lang::En.texts();
        let check = |form: &str, expected: Faults| match read(form.as_bytes(), texts) {
            Ok(_) => assert_eq!(expected, Faults::default(), "{form}"),
            Err(faults) => assert_eq!(faults, expected, "{form}"),
        };
        let form = |pin: &str, pin_again: &str, password: &str, password_again: &str| {
            format!("pin={pin}&pin_again={pin_again}&password={password}&password_again={password_again}")
        };
        let pin = |fault| Faults { pin: Some(fault), ..Faults::default() };
        let password = |fault| Faults { password: Some(fault), ..Faults::default() };
        check(&form("193746", "193746", "kopi+susu+9", "kopi+susu+9"), Faults::default());
        check(&form("12345", "12345", "kopisusu9", "kopisusu9"), pin(texts.pin_not_digits));
        check(&form("12a456", "12a456", "kopisusu9", "kopisusu9"), pin(texts.pin_not_digits));
        check(&form("1234567", "1234567", "kopisusu9", "kopisusu9"), pin(texts.pin_not_digits));
        check(&form("777777", "777777", "kopisusu9", "kopisusu9"), pin(texts.pin_all_equal));
        check(&form("123456", "123456", "kopisusu9", "kopisusu9"), pin(texts.pin_in_a_row));
        check(&form("987654", "987654", "kopisusu9", "kopisusu9"), pin(texts.pin_in_a_row));
        check(&form("193746", "193746", "kopisu9", "kopisu9"), password(texts.password_length));
        check(&form("193746", "193746", "kopisusu", "kopisusu"), password(texts.password_simple));
        check(&form("193746", "193746", "12345678", "12345678"), password(texts.password_simple));
        let differs = Faults {
            pin_again: Some(texts.pin_differs),
            password_again: Some(texts.password_differs),
            ..Faults::default()
        };
        check(&form("193746", "193747", "kopisusu9", "kopisusu8"), differs);
        assert!(read(b"", texts).is_err());
    }
}
