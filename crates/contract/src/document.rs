//! A request's fields as one tree, read once and strictly: what two readers could understand differently is refused
//! here (names given twice, broken UTF-8, text after the end), and numbers keep the text in which they were sent.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use protocol::codes;

use crate::operation::{Fault, Input};

/// How deep objects and arrays may be nested, the outermost included.
pub const DEPTH_MAX: usize = 8;
/// How many members and array items a request may have in all.
pub const MEMBERS_MAX: usize = 256;

/// A value as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node<'a> {
    /// `null`; a member that is null counts as not sent.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number's text, never converted.
    Number(&'a str),
    /// A string, escapes resolved.
    Text(Cow<'a, str>),
    /// Values in order.
    Array(Vec<Node<'a>>),
    /// Members in order; no name occurs twice.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The member of this name; of an array, the member of its first item.
    pub fn member(&self, name: &str) -> Option<&Node<'a>> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, node)| node)
                .filter(|node| **node != Node::Null),
            Self::Array(items) => match items.first()? {
                first @ Self::Object(_) => first.member(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The text of a string or a number, unless it is blank.
    pub fn text(&self) -> Option<&str> {
        let text: &str = match self {
            Self::Text(text) => text,
            Self::Number(text) => text,
            _ => return None,
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

/// A request's fields.
///
/// ```
/// use contract::document::Document;
/// let document = Document::parse(br#"{"amount":{"value":"150000.00"},"count":1.50}"#).unwrap();
/// assert_eq!(document.text("amount.value"), Some("150000.00"));
/// assert_eq!(document.text("count"), Some("1.50"));
/// assert!(Document::parse(br#"{"a":1,"a":2}"#).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    root: Node<'a>,
}

impl<'a> Document<'a> {
    /// Reads a JSON object; anything else is 400/00 with a reason.
    pub fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        parse_object(body).map(|root| Self { root }).map_err(|broken| bad_request(broken.to_string()))
    }

    /// Takes pairs in order, as forms and queries have them; a name given twice is 400/00.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Result<Self, Fault> {
        let mut members: Vec<(Cow<'a, str>, Node<'a>)> = Vec::new();
        for (name, value) in pairs {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(bad_request(format!("{name} is given twice")));
            }
            if members.len() == MEMBERS_MAX {
                return Err(bad_request(format!("more than {MEMBERS_MAX} members")));
            }
            members.push((name, Node::Text(value)));
        }
        Ok(Self { root: Node::Object(members) })
    }

    /// Reads `application/x-www-form-urlencoded` text; percent escapes that are not UTF-8 are 400/00.
    pub fn parse_form(text: &'a [u8]) -> Result<Self, Fault> {
        Self::from_pairs(form_pairs(text)?)
    }

    /// Reads the fields from where an operation has them. A query and a form body are one set of pairs.
    pub fn read(input: Input, query: &'a str, body: &'a [u8]) -> Result<Self, Fault> {
        match input {
            Input::Json => Self::parse(body),
            Input::Form => Self::parse_form(body),
            Input::QueryOrForm => {
                let pairs = form_pairs(query.as_bytes())?;
                Self::from_pairs(pairs.into_iter().chain(form_pairs(body)?))
            }
        }
    }

    /// The value under a dotted path; none when it is null. Through an array, the path goes by its first item.
    pub fn node(&self, path: &str) -> Option<&Node<'a>> {
        path.split('.').try_fold(&self.root, |node, name| node.member(name))
    }

    /// The text of a string or a number under a dotted path, unless it is blank.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.node(path)?.text()
    }

    /// The outermost object.
    pub fn root(&self) -> &Node<'a> {
        &self.root
    }
}

fn bad_request(reason: impl Into<String>) -> Fault {
    Fault { case: &codes::BAD_REQUEST, argument: Some(reason.into()) }
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

fn form_pairs(text: &[u8]) -> Result<Vec<Pair<'_>>, Fault> {
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let end = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = match end {
                Some(end) => (&pair[..end], &pair[end + 1..]),
                None => (pair, &[][..]),
            };
            Ok((form_text(name)?, form_text(value)?))
        })
        .collect()
}

fn form_text(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let not_utf8 = || bad_request("a form field is not UTF-8");
    if bytes.contains(&b'+') {
        let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        let text = percent_decode(&spaced).decode_utf8().map_err(|_| not_utf8())?;
        return Ok(Cow::Owned(text.into_owned()));
    }
    percent_decode(bytes).decode_utf8().map_err(|_| not_utf8())
}

/// Why a text is not a JSON object that we take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Broken {
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("the body is not JSON at byte {0}")]
    Syntax(usize),
    #[error("{0} is given twice")]
    Duplicate(String),
    #[error("objects are nested deeper than {DEPTH_MAX}")]
    TooDeep,
    #[error("more than {MEMBERS_MAX} members")]
    TooMany,
    #[error("text after the end of the object at byte {0}")]
    Trailing(usize),
}

impl Broken {
    fn within(self, name: &str) -> Self {
        match self {
            Self::Duplicate(path) => Self::Duplicate(format!("{name}.{path}")),
            other => other,
        }
    }
}

fn parse_object(body: &[u8]) -> Result<Node<'_>, Broken> {
    let text = std::str::from_utf8(body).map_err(|_| Broken::NotUtf8)?;
    let mut parser = Parser { text, at: 0, members: 0 };
    parser.space();
    let root = match parser.peek() {
        Some(b'{') => parser.value(1)?,
        _ => return Err(Broken::NotAnObject),
    };
    parser.space();
    match parser.peek() {
        None => Ok(root),
        Some(_) => Err(Broken::Trailing(parser.at)),
    }
}

/// RFC 8259, over a text that is UTF-8 already.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    members: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn syntax<T>(&self) -> Result<T, Broken> {
        Err(Broken::Syntax(self.at))
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, Broken> {
        if depth > DEPTH_MAX && matches!(self.peek(), Some(b'{' | b'[')) {
            return Err(Broken::TooDeep);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Node::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Node::Number),
            Some(b't') => self.word("true", Node::Boolean(true)),
            Some(b'f') => self.word("false", Node::Boolean(false)),
            Some(b'n') => self.word("null", Node::Null),
            _ => self.syntax(),
        }
    }

    fn count(&mut self) -> Result<(), Broken> {
        self.members += 1;
        if self.members > MEMBERS_MAX {
            return Err(Broken::TooMany);
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, Broken> {
        self.at += 1;
        let mut members: Vec<(Cow<'a, str>, Node<'a>)> = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Node::Object(members));
        }
        loop {
            self.count()?;
            self.space();
            if self.peek() != Some(b'"') {
                return self.syntax();
            }
            let name = self.string()?;
            if members.iter().any(|(known, _)| *known == name) {
                return Err(Broken::Duplicate(name.into_owned()));
            }
            self.space();
            if !self.take(b':') {
                return self.syntax();
            }
            self.space();
            let node = self.value(depth + 1).map_err(|e| e.within(&name))?;
            members.push((name, node));
            self.space();
            if self.take(b'}') {
                return Ok(Node::Object(members));
            }
            if !self.take(b',') {
                return self.syntax();
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node<'a>, Broken> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Node::Array(items));
        }
        loop {
            self.count()?;
            self.space();
            let place = items.len();
            let item = self.value(depth + 1).map_err(|e| e.within(&place.to_string()))?;
            items.push(item);
            self.space();
            if self.take(b']') {
                return Ok(Node::Array(items));
            }
            if !self.take(b',') {
                return self.syntax();
            }
        }
    }

    fn word(&mut self, word: &str, node: Node<'a>) -> Result<Node<'a>, Broken> {
        if !self.text[self.at..].starts_with(word) {
            return self.syntax();
        }
        self.at += word.len();
        Ok(node)
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return self.syntax();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<&'a str, Broken> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
                }
                Some(b'\\') => return self.escaped(start).map(Cow::Owned),
                Some(0x20..) => self.at += 1,
                _ => return self.syntax(),
            }
        }
    }

    /// The rest of a string whose first escape is here.
    fn escaped(&mut self, start: usize) -> Result<String, Broken> {
        let mut out = String::from(&self.text[start..self.at]);
        let mut plain = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    out.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    out.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    out.push(self.escape()?);
                    plain = self.at;
                }
                Some(0x20..) => self.at += 1,
                _ => return self.syntax(),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let Some(byte) = self.peek() else {
            return self.syntax();
        };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.syntax(),
        })
    }

    fn unicode(&mut self) -> Result<char, Broken> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !(self.take(b'\\') && self.take(b'u')) {
                    return self.syntax();
                }
                let second = self.hex4()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return self.syntax();
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or(Broken::Syntax(self.at))
    }

    fn hex4(&mut self) -> Result<u32, Broken> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or(Broken::Syntax(self.at))?;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refused(body: &[u8], reason: &str) {
        let fault = Document::parse(body).expect_err("it must be refused");
        assert_eq!(*fault.case, codes::BAD_REQUEST);
        assert_eq!(fault.argument.as_deref(), Some(reason));
    }

    #[test]
    fn refuses_what_is_not_one_json_object() {
        refused(b"", "the body is not a JSON object");
        refused(b"[]", "the body is not a JSON object");
        refused(b"\"a\"", "the body is not a JSON object");
        refused(b"\xef\xbb\xbf{}", "the body is not a JSON object");
        refused(b"{\"a\":\"\xff\"}", "the body is not UTF-8");
        refused(b"{\"a\":1,}", "the body is not JSON at byte 7");
        refused(b"{a:1}", "the body is not JSON at byte 1");
        refused(b"{\"a\":01}", "the body is not JSON at byte 6");
        refused(b"{\"a\":\"\\ud800\"}", "the body is not JSON at byte 12");
        refused(b"{\"a\":\"\n\"}", "the body is not JSON at byte 6");
        refused(b"{\"a\":NaN}", "the body is not JSON at byte 5");
        refused(b"{\"a\":1", "the body is not JSON at byte 6");
        refused(b"{} {}", "text after the end of the object at byte 3");
    }

    #[test]
    fn names_a_member_that_is_given_twice_at_any_level() {
        refused(br#"{"a":1,"a":1}"#, "a is given twice");
        refused(br#"{"a":{"b":1,"b":2}}"#, "a.b is given twice");
        refused(br#"{"a":[{},{"b":1,"b":2}]}"#, "a.1.b is given twice");
        // The same name in another spelling is the same name.
        refused(br#"{"a":1,"\u0061":1}"#, "a is given twice");
    }

    #[test]
    fn bounds_depth_and_members() {
        let nested = |depth: usize| format!("{}{}", "{\"a\":".repeat(depth - 1), "{}") + &"}".repeat(depth - 1);
        assert!(Document::parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        refused(nested(DEPTH_MAX + 1).as_bytes(), "objects are nested deeper than 8");
        let wide = |count: usize| {
            let members: Vec<_> = (0..count).map(|n| format!("\"m{n}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(Document::parse(wide(MEMBERS_MAX).as_bytes()).is_ok());
        refused(wide(MEMBERS_MAX + 1).as_bytes(), "more than 256 members");
        let items = format!("{{\"a\":[{}1]}}", "1,".repeat(MEMBERS_MAX));
        refused(items.as_bytes(), "more than 256 members");
    }

    #[test]
    fn finds_values_by_dotted_path() {
        let text = br#"{"a":{"b":"x","n":null,"blank":" "},"list":[{"c":"first"},{"c":"second"}],"n":12.50,"e":"\u20ac\ud83d\ude00\/"}"#;
        let document = Document::parse(text).expect("a JSON object");
        for (path, expected) in [
            ("a.b", Some("x")),
            ("a.n", None),
            ("a.blank", None),
            ("a", None),
            ("a.b.c", None),
            ("missing", None),
            ("list.c", Some("first")),
            ("n", Some("12.50")),
            ("e", Some("€😀/")),
        ] {
            assert_eq!(document.text(path), expected, "{path}");
        }
        assert_eq!(document.node("a.n"), None);
    }

    #[test]
    fn reads_forms_and_queries() {
        let form = Document::parse_form(b"a=1+2&b=%7B%22m%22%3A1%7D&c&=x&&d=%C3%A9").expect("a form");
        assert_eq!(form.text("a"), Some("1 2"));
        assert_eq!(form.text("b"), Some("{\"m\":1}"));
        assert_eq!((form.text("c"), form.text("d")), (None, Some("é")));
        let both = Document::read(Input::QueryOrForm, "a=1", b"b=2").expect("pairs");
        assert_eq!((both.text("a"), both.text("b")), (Some("1"), Some("2")));
        for (query, body, reason) in [
            ("a=1&a=2", &b""[..], "a is given twice"),
            ("a=1", b"a=1", "a is given twice"),
            ("a=%ff", b"", "a form field is not UTF-8"),
        ] {
            let fault = Document::read(Input::QueryOrForm, query, body).expect_err("refused");
            assert_eq!(fault.argument.as_deref(), Some(reason));
        }
    }

    fn value(node: &Node<'_>) -> serde_json::Value {
        match node {
            Node::Null => serde_json::Value::Null,
            Node::Boolean(value) => (*value).into(),
            Node::Number(text) => serde_json::from_str(text).expect("a number"),
            Node::Text(text) => text.as_ref().into(),
            Node::Array(items) => items.iter().map(value).collect(),
            Node::Object(members) => members.iter().map(|(name, node)| (name.to_string(), value(node))).collect(),
        }
    }

    proptest! {
        /// The small reader agrees with the well-known one wherever that one has no choice of meaning.
        #[test]
        fn agrees_with_serde_json(text in r#"\{("[a-c]":("(\\u00e9|\\n|x)*"|-?[0-9]{1,3}(\.[0-9]{1,2})?|true|null|\[1,\{\}\]| \{ \} ),?){0,3}\}"#) {
            let ours = Document::parse(text.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(value(ours.root()), theirs),
                (Err(fault), Ok(_)) => {
                    prop_assert!(fault.argument.is_some_and(|reason| reason.ends_with("given twice")));
                }
                (Ok(_), Err(error)) => prop_assert!(false, "{error}: {text}"),
                (Err(_), Err(_)) => (),
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(document) = Document::parse(&bytes) {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
                prop_assert!(matches!(document.root(), Node::Object(_)));
            }
        }
    }
}
