//! The fields of messages as rows of tables. One row says what a field is called, what it holds and who must send it;
//! requests are checked against the rows and the reference is printed from them, so that the two cannot disagree.

use std::fmt;

use calendar::Instant;
use lifecycle::merchant::Strictness;
use money::{Amount, Currency};
use protocol::codes;
use url::Url;

use crate::{
    document::{Document, Node},
    operation::Fault,
};

/// The shortest and the longest phone number in its `62...` form, in digits; fifteen is the longest there is (E.164).
pub const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 9..=15;

/// What a field holds. A length is the greatest number of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text without control characters.
    Text(usize),
    /// Digits only.
    Digits(usize),
    /// Letters, digits, `-`, `_` and `.`.
    Reference(usize),
    /// A phone number, `62...`.
    Phone62(usize),
    /// A phone number, `62...` or `08...`.
    Phone(usize),
    /// An object of `value`, digits with two decimals, and `currency`, `IDR`.
    Amount,
    /// A time with offset.
    Instant,
    /// A calendar date, `yyyy-MM-dd`.
    Date,
    /// An address, `https` or `http`.
    Url(usize),
    /// A photo: an `https` address, or the bare name of an uploaded file that ends in `.jpg`, `.jpeg` or `.png`.
    Photo(usize),
    /// An e-mail address.
    Email(usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An object; its members have rows of their own.
    Object,
    /// An array of objects; their members have rows of their own.
    Array,
    /// An object, or an array whose first item is meant.
    ObjectOrArray,
    /// `true` or `false`.
    Boolean,
    /// Digits, hundredths of a rupiah, or the Indonesian decimal form, `150.000,00`.
    Hundredths(usize),
    /// A number of JSON, whole.
    Number,
    /// A date and time without offset, in Jakarta: `YYYY-MM-DD HH:MM:SS`.
    JakartaTime,
    /// A text that is a JSON object in itself.
    JsonText(usize),
    /// Any text at all; its content is not read.
    Anything(usize),
    /// An object whose members depend on what it is about.
    Members,
}

/// Who must send a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Everybody.
    Mandatory,
    /// Whoever sends the object that it is in.
    MandatoryWithin,
    /// Whoever likes.
    Optional,
    /// Whoever is in this case; the operation checks it.
    Conditional(&'static str),
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name; members of objects with a dot, `amount.value`.
    pub path: &'static str,
    /// What it holds by the table.
    pub kind: Kind,
    /// What is taken from lenient merchants instead.
    pub lenient_kind: Option<Kind>,
    /// Who must send it by the table.
    pub presence: Presence,
    /// What holds for lenient merchants instead.
    pub lenient_presence: Option<Presence>,
    /// What it means.
    pub doc: &'static str,
    /// A value, where the operation's sample has none.
    pub sample: &'static str,
    /// The page or standard that the row comes from.
    pub source: &'static str,
}

impl Field {
    const fn row(source: &'static str, path: &'static str, kind: Kind, presence: Presence, doc: &'static str) -> Self {
        Self { path, kind, lenient_kind: None, presence, lenient_presence: None, doc, sample: "", source }
    }

    /// A row that everybody fills.
    pub const fn mandatory(source: &'static str, path: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::row(source, path, kind, Presence::Mandatory, doc)
    }

    /// A row that must be filled by whoever sends its object.
    pub const fn within(source: &'static str, path: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::row(source, path, kind, Presence::MandatoryWithin, doc)
    }

    /// A row that may stay empty.
    pub const fn optional(source: &'static str, path: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::row(source, path, kind, Presence::Optional, doc)
    }

    /// A row that must be filled in this case.
    pub const fn conditional(
        source: &'static str,
        path: &'static str,
        kind: Kind,
        case: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::row(source, path, kind, Presence::Conditional(case), doc)
    }

    /// The same row, with what lenient merchants may send.
    #[must_use]
    pub const fn lenient(self, kind: Kind) -> Self {
        Self { lenient_kind: Some(kind), ..self }
    }

    /// The same row, with when lenient merchants must send it.
    #[must_use]
    pub const fn lenient_presence(self, presence: Presence) -> Self {
        Self { lenient_presence: Some(presence), ..self }
    }

    /// The same row with a sample value.
    #[must_use]
    pub const fn sample(self, sample: &'static str) -> Self {
        Self { sample, ..self }
    }

    /// What it holds for this merchant.
    pub fn kind_for(&self, strictness: Strictness) -> Kind {
        match (strictness, self.lenient_kind) {
            (Strictness::Lenient, Some(kind)) => kind,
            _ => self.kind,
        }
    }

    /// When this merchant must send it.
    pub fn presence_for(&self, strictness: Strictness) -> Presence {
        match (strictness, self.lenient_presence) {
            (Strictness::Lenient, Some(presence)) => presence,
            _ => self.presence,
        }
    }

    fn missing_in(&self, document: &Document<'_>, strictness: Strictness) -> bool {
        let demanded = match self.presence_for(strictness) {
            Presence::Mandatory => true,
            Presence::MandatoryWithin => {
                let parent = self.path.rsplit_once('.').map(|(parent, _)| parent);
                parent.is_none_or(|parent| document.node(parent).is_some())
            }
            Presence::Optional | Presence::Conditional(_) => false,
        };
        demanded && !is_filled(document.node(self.path))
    }
}

fn is_filled(node: Option<&Node<'_>>) -> bool {
    match node {
        None | Some(Node::Null) => false,
        Some(node @ Node::Text(_)) => node.text().is_some(),
        Some(_) => true,
    }
}

/// The fault of a field that is missing or empty: 400/02 with its dotted path.
pub fn missing(path: impl Into<String>) -> Fault {
    Fault { case: &codes::INVALID_MANDATORY_FIELD, argument: Some(path.into()) }
}

/// The fault of a field that does not hold what it should: 400/01 with its dotted path.
pub fn malformed(path: impl Into<String>) -> Fault {
    Fault { case: &codes::INVALID_FIELD_FORMAT, argument: Some(path.into()) }
}

/// Checks a request against its table: first that nothing is missing, then that everything is well formed, each in the
/// order of the table. Members without a row are ignored, as the standard has it.
pub fn check(fields: &[Field], document: &Document<'_>, strictness: Strictness) -> Result<(), Fault> {
    for field in fields {
        if field.missing_in(document, strictness) {
            return Err(missing(field.path));
        }
        if field.kind == Kind::Amount {
            check_amount_filled(field.path, document)?;
        }
    }
    for field in fields {
        let Some(node) = document.node(field.path).filter(|node| is_filled(Some(node))) else {
            continue;
        };
        match field.kind_for(strictness) {
            Kind::Amount => check_amount(field.path, document, node, strictness)?,
            kind if kind.holds(node, strictness) => (),
            _ => return Err(malformed(field.path)),
        }
    }
    Ok(())
}

fn check_amount_filled(path: &str, document: &Document<'_>) -> Result<(), Fault> {
    let Some(node @ Node::Object(_)) = document.node(path) else {
        return Ok(());
    };
    for member in ["value", "currency"] {
        if !is_filled(node.member(member)) {
            return Err(missing(format!("{path}.{member}")));
        }
    }
    Ok(())
}

fn check_amount(path: &str, document: &Document<'_>, node: &Node<'_>, strictness: Strictness) -> Result<(), Fault> {
    if !matches!(node, Node::Object(_)) {
        return Err(malformed(path));
    }
    let quoted = |member: &str| match node.member(member) {
        Some(Node::Number(_)) => strictness == Strictness::Lenient,
        other => matches!(other, Some(Node::Text(_))),
    };
    if !quoted("value") {
        return Err(malformed(format!("{path}.value")));
    }
    amount(document, path).map(|_| ())
}

/// The amount in the object under this path, if there is one. Its value is never anything but text and whole sen.
pub fn amount(document: &Document<'_>, path: &str) -> Result<Option<Amount>, Fault> {
    let Some(node) = document.node(path) else {
        return Ok(None);
    };
    let member = |name: &str| node.member(name).and_then(Node::text).unwrap_or_default();
    let amount = Amount::parse_snap(member("value")).map_err(|_| malformed(format!("{path}.value")))?;
    Currency::parse(member("currency")).map_err(|_| malformed(format!("{path}.currency")))?;
    Ok(Some(amount))
}

/// A phone number in its one form, `62...`, from that form or from `08...`; none when it is neither.
///
/// ```
/// use contract::field::canonical_phone;
/// assert_eq!(canonical_phone("0896227489011").as_deref(), Some("62896227489011"));
/// assert_eq!(canonical_phone("628777123456").as_deref(), Some("628777123456"));
/// assert_eq!(canonical_phone("+1 555 0100"), None);
/// ```
pub fn canonical_phone(text: &str) -> Option<String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = match text.strip_prefix("08") {
        Some(rest) => format!("628{rest}"),
        None => text.to_owned(),
    };
    (digits && canonical.starts_with("62") && PHONE_DIGITS.contains(&canonical.len())).then_some(canonical)
}

impl Kind {
    /// Whether a value is well formed.
    fn holds(self, node: &Node<'_>, strictness: Strictness) -> bool {
        match self {
            Self::Object => matches!(node, Node::Object(_)),
            Self::Array => matches!(node, Node::Array(_)),
            Self::ObjectOrArray => match node {
                Node::Object(_) => true,
                Node::Array(items) => items.iter().all(|item| matches!(item, Node::Object(_))),
                _ => false,
            },
            Self::Boolean => match node {
                Node::Boolean(_) => true,
                Node::Text(text) if strictness == Strictness::Lenient => {
                    matches!(text.as_ref(), "true" | "false")
                }
                _ => false,
            },
            Self::Amount | Self::Members => matches!(node, Node::Object(_)),
            Self::Number => matches!(node, Node::Number(text) if text.bytes().all(|byte| byte.is_ascii_digit())),
            _ => match node {
                Node::Number(_) if strictness == Strictness::Strict => false,
                _ => node.text().is_some_and(|text| self.holds_text(text, strictness)),
            },
        }
    }

    fn holds_text(self, text: &str, strictness: Strictness) -> bool {
        let fits = self.length_max().is_none_or(|max| text.len() <= max || text.chars().count() <= max);
        let all = |wanted: fn(u8) -> bool| text.bytes().all(wanted);
        fits && match self {
            Self::Text(_) => !text.chars().any(char::is_control),
            Self::Digits(_) => all(|byte| byte.is_ascii_digit()),
            Self::Reference(_) => all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')),
            Self::Phone62(_) => text.starts_with("62") && canonical_phone(text).is_some(),
            Self::Phone(_) => canonical_phone(text).is_some(),
            Self::Instant => Instant::parse(text).is_ok(),
            Self::Date => calendar::is_date(text),
            Self::Url(_) => is_address(text, &["https://", "http://"]),
            Self::Photo(_) => is_photo(text),
            Self::Email(_) => is_email(text),
            Self::OneOf(words) => words.iter().any(|word| same_word(word, text, strictness)),
            Self::Hundredths(_) => Amount::parse_biller(text).is_ok(),
            Self::JakartaTime => is_jakarta_time(text),
            Self::JsonText(_) => Document::parse(text.as_bytes()).is_ok(),
            Self::Anything(_) => true,
            Self::Object
            | Self::Array
            | Self::ObjectOrArray
            | Self::Boolean
            | Self::Amount
            | Self::Number
            | Self::Members => false,
        }
    }

    /// The text in the spelling of the table, for a word of a list.
    pub fn spelled(self, text: &str) -> &str {
        match self {
            Self::OneOf(words) => words.iter().find(|word| word.eq_ignore_ascii_case(text)).copied().unwrap_or(text),
            _ => text,
        }
    }

    /// The greatest number of characters, where there is one.
    pub fn length_max(self) -> Option<usize> {
        match self {
            Self::Text(max)
            | Self::Digits(max)
            | Self::Reference(max)
            | Self::Phone62(max)
            | Self::Phone(max)
            | Self::Url(max)
            | Self::Photo(max)
            | Self::Email(max)
            | Self::Hundredths(max)
            | Self::JsonText(max)
            | Self::Anything(max) => Some(max),
            Self::JakartaTime => Some(19),
            Self::Instant => Some(40),
            Self::Date => Some(10),
            Self::Amount
            | Self::OneOf(_)
            | Self::Object
            | Self::Array
            | Self::ObjectOrArray
            | Self::Boolean
            | Self::Number
            | Self::Members => None,
        }
    }

    /// The rule in words, for the reference; empty when the type says it all.
    pub fn rule(self) -> String {
        match self {
            Self::Text(_) | Self::Object | Self::Array | Self::Boolean | Self::Number | Self::Anything(_) => {
                String::new()
            }
            Self::Hundredths(_) => "hundredths of a rupiah, digits; or `150.000,00`".into(),
            Self::JakartaTime => "`YYYY-MM-DD HH:MM:SS`, Jakarta".into(),
            Self::JsonText(_) => "a JSON object as text".into(),
            Self::Members => "members depend on the product".into(),
            Self::Digits(_) => "digits".into(),
            Self::Reference(_) => "letters, digits, `-`, `_`, `.`".into(),
            Self::Phone62(_) => "`62` and digits".into(),
            Self::Phone(_) => "`62...` or `08...`".into(),
            Self::Amount => "`value`: digits, a point, two decimals; `currency`: `IDR`".into(),
            Self::Instant => "ISO 8601 with offset, `2024-03-14T07:49:28+07:00`".into(),
            Self::Date => "`yyyy-MM-dd`".into(),
            Self::Url(_) => "`https://` or `http://` address".into(),
            Self::Photo(_) => "`https://` address or file name; JPEG or PNG".into(),
            Self::Email(_) => "e-mail address".into(),
            Self::ObjectOrArray => "object, or array whose first item is meant".into(),
            Self::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object => f.write_str("Object"),
            Self::Array => f.write_str("Array"),
            Self::ObjectOrArray => f.write_str("Object or Array"),
            Self::Boolean => f.write_str("Boolean"),
            Self::Amount | Self::Members => f.write_str("Object"),
            Self::Number => f.write_str("Number"),
            Self::Date => f.write_str("Date"),
            Self::Instant => f.write_str("String (25)"),
            Self::OneOf(words) => {
                let longest = words.iter().map(|word| word.len()).max().unwrap_or(0);
                write!(f, "String ({longest})")
            }
            other => write!(f, "String ({})", other.length_max().unwrap_or(0)),
        }
    }
}

fn same_word(word: &str, text: &str, strictness: Strictness) -> bool {
    match strictness {
        Strictness::Strict => word == text,
        Strictness::Lenient => word.eq_ignore_ascii_case(text),
    }
}

/// Whether a text is an absolute address of one of these schemes, without user-info and without the characters that
/// two readers of addresses take differently.
fn is_address(text: &str, schemes: &[&str]) -> bool {
    parse_address(text, schemes).is_some()
}

/// Reads an absolute address of one of these schemes; see [`crate::redirect`] for why user-info, backslashes, blanks
/// and control characters are refused.
pub(crate) fn parse_address(text: &str, schemes: &[&str]) -> Option<Url> {
    let has_scheme =
        schemes.iter().any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let ambiguous = text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let after_scheme = text.split_once("://").map(|(_, rest)| rest)?;
    let authority = after_scheme.split(['/', '?', '#']).next()?;
    if !has_scheme || ambiguous || authority.is_empty() || authority.contains('@') {
        return None;
    }
    Url::parse(text).ok()
}

/// `YYYY-MM-DD HH:MM:SS`, and a day and time that there is.
fn is_jakarta_time(text: &str) -> bool {
    text.len() == 19 && text.as_bytes()[10] == b' ' && Instant::parse(&format!("{text}+07:00")).is_ok()
}

fn is_photo(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_image = [".jpg", ".jpeg", ".png"].iter().any(|end| lower.ends_with(end) && lower.len() > end.len());
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !text.starts_with('.');
    is_address(text, &["https://"]) || (is_image && is_name)
}

fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';'));
    let parts = text.rsplit_once('@');
    plain
        && parts.is_some_and(|(local, domain)| {
            !local.is_empty()
                && !local.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Field] = &[
        Field::mandatory("test", "reference", Kind::Reference(8), "").lenient(Kind::Reference(12)),
        Field::mandatory("test", "amount", Kind::Amount, ""),
        Field::optional("test", "info", Kind::Object, ""),
        Field::within("test", "info.phone", Kind::Phone62(13), "").lenient(Kind::Phone(16)),
        Field::mandatory("test", "info.token", Kind::Text(3), "")
            .lenient_presence(Presence::Conditional("when asked by token")),
    ];
    const AMOUNT: &str = r#""amount":{"value":"1.00","currency":"IDR"}"#;

    #[track_caller]
    fn case(strictness: Strictness, body: &str, expected: &str) {
        let document = Document::parse(body.as_bytes()).expect("a JSON object");
        let found = match check(TABLE, &document, strictness) {
            Ok(()) => String::new(),
            Err(fault) => format!("{}/{} {}", fault.case.http, fault.case.case, fault.argument.unwrap_or_default()),
        };
        assert_eq!(found, expected, "{strictness:?} {body}");
    }

    #[test]
    fn names_the_first_missing_field_before_any_malformed_one() {
        use Strictness::{Lenient, Strict};
        case(Lenient, "{}", "400/02 reference");
        case(Lenient, r#"{"reference":""}"#, "400/02 reference");
        case(Lenient, r#"{"reference":null}"#, "400/02 reference");
        case(Lenient, r#"{"reference":"@@"}"#, "400/02 amount");
        case(Lenient, r#"{"reference":"@@","amount":{"currency":"IDR"}}"#, "400/02 amount.value");
        case(Lenient, r#"{"reference":"@@","amount":{"value":"1.00","currency":""}}"#, "400/02 amount.currency");
        case(Lenient, &format!(r#"{{"reference":"@@",{AMOUNT},"info":{{}}}}"#), "400/02 info.phone");
        case(Lenient, &format!(r#"{{"reference":"@@",{AMOUNT}}}"#), "400/01 reference");
        case(Lenient, &format!(r#"{{"reference":"a",{AMOUNT}}}"#), "");
        case(Strict, &format!(r#"{{"reference":"a",{AMOUNT}}}"#), "400/02 info.token");
    }

    #[test]
    fn checks_formats_by_strictness() {
        use Strictness::{Lenient, Strict};
        let with = |reference: &str, amount: &str, info: &str| {
            format!(r#"{{"reference":{reference},"amount":{amount},"info":{info}}}"#)
        };
        let idr = r#"{"value":"1.00","currency":"IDR"}"#;
        let info = r#"{"phone":"628777123456","token":"abc"}"#;
        case(Strict, &with("\"ABC-1_2.\"", idr, info), "");
        case(Strict, &with("\"123456789\"", idr, info), "400/01 reference");
        case(Lenient, &with("\"123456789\"", idr, info), "");
        case(Strict, &with("1234", idr, info), "400/01 reference");
        case(Lenient, &with("1234", idr, info), "");
        case(Lenient, &with("true", idr, info), "400/01 reference");
        case(Lenient, &with("\"a\"", "5", info), "400/01 amount");
        let amounts = [
            (r#"{"value":"1","currency":"IDR"}"#, "400/01 amount.value"),
            (r#"{"value":"-1.00","currency":"IDR"}"#, "400/01 amount.value"),
            (r#"{"value":1.00,"currency":"IDR"}"#, ""),
            (r#"{"value":1.0,"currency":"IDR"}"#, "400/01 amount.value"),
            (r#"{"value":"1.00","currency":"USD"}"#, "400/01 amount.currency"),
        ];
        for (amount, expected) in amounts {
            case(Lenient, &with("\"a\"", amount, info), expected);
        }
        let number = r#"{"value":1.00,"currency":"IDR"}"#;
        case(Strict, &with("\"a\"", number, info), "400/01 amount.value");
        let local = r#"{"phone":"08777123456","token":"abc"}"#;
        case(Lenient, &with("\"a\"", idr, local), "");
        case(Strict, &with("\"a\"", idr, local), "400/01 info.phone");
        let long = r#"{"phone":"628777123456","token":"abcd"}"#;
        case(Lenient, &with("\"a\"", idr, long), "400/01 info.token");
        let control = r#"{"phone":"628777123456","token":"a\u0000b"}"#;
        case(Lenient, &with("\"a\"", idr, control), "400/01 info.token");
        case(Lenient, &with("\"a\"", idr, "\"x\""), "400/02 info.phone");
        case(Lenient, &format!(r#"{{"reference":"a",{AMOUNT},"other":[1]}}"#), "");
    }

    #[test]
    fn knows_well_formed_texts() {
        let check = |kind: Kind, good: &[&str], bad: &[&str]| {
            for (texts, expected) in [(good, true), (bad, false)] {
                for text in texts {
                    let node = Node::Text((*text).into());
                    assert_eq!(kind.holds(&node, Strictness::Lenient), expected, "{kind:?} {text:?}");
                }
            }
        };
        check(Kind::Digits(3), &["1", "123"], &["1234", "1a", "１"]);
        check(
            Kind::Phone(16),
            &["628777123456", "08777123456"],
            &["+628777123456", "8777123456", "62", "6287771234567890"],
        );
        check(Kind::Phone62(16), &["628777123456"], &["08777123456"]);
        check(Kind::Instant, &["2024-03-14T07:49:28+07:00"], &["2024-03-14T07:49:28", "soon"]);
        check(Kind::Date, &["1999-01-30"], &["1999-02-30", "30-01-1999"]);
        check(
            Kind::Url(64),
            &["https://a.example/x?y#z", "HTTP://localhost:8080"],
            &[
                "ftp://a.example",
                "javascript://a.example",
                "https:a.example",
                "https:///a.example",
                "https://u@a.example",
                "https://a.example\\b",
                "https://a.example/ b",
                "//a.example",
                "https://",
            ],
        );
        check(
            Kind::Photo(64),
            &["1.jpg", "KTP_1.JPEG", "a.png", "https://a.example/1"],
            &["1.gif", ".jpg", "../1.jpg", "a/b.png", "http://a.example/1.jpg", "1"],
        );
        check(
            Kind::Email(64),
            &["test@sgo.co.id"],
            &["test", "@a.b", "a@b", "a@b..c", "a b@c.d", "a@b@c.d", "<a@b.c>"],
        );
        check(Kind::OneOf(&["KTP", "SIM"]), &["KTP", "sim"], &["ID"]);
        check(Kind::Hundredths(17), &["10250000", "102.500,00"], &["102500.00", "-1", "1e3", "999999999999999999"]);
        check(
            Kind::JakartaTime,
            &["2019-10-10 11:01:30"],
            &["2019-10-10T11:01:30", "2019-10-10 11:01", "2019-02-30 11:01:30", "2019-10-10 25:01:30", "ééééééééé9"],
        );
        check(Kind::JsonText(32), &[r#"{"amount": "10000000"}"#, " {\n} "], &["", "{", "[]", "x", r#"{"a":1}{"#]);
        check(Kind::Anything(3), &["\u{7}", "{"], &["abcd"]);
        assert_eq!(Kind::OneOf(&["KTP"]).spelled("ktp"), "KTP");
        // Length is counted in characters.
        check(Kind::Text(2), &["éé"], &["ééé"]);
    }
}
