//! What a request says, checked against the fields of its operation before anything else looks at it.

use calendar::Instant;
use money::Amount;
use serde_json::{Map, Value};

use crate::fault::Fault;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text of 1 to so many characters, without control characters, and without blanks at either end: two references
    /// that look the same are the same.
    Text(usize),
    /// A text that may have several lines, of 1 to so many characters.
    Lines(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Money: `150000.00`.
    Amount,
    /// A time with its offset: `2026-11-30T00:00:00+07:00`.
    Instant,
    /// `true` or `false`.
    Flag,
    /// A whole number from 0 to this one.
    Number(u64),
    /// At most so many texts, each of at most so many characters; lines are allowed.
    Texts(usize, usize),
    /// At most so many objects with these fields.
    Objects(usize, &'static [Field]),
}

/// A field of an operation.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub mandatory: bool,
    /// What it holds.
    pub kind: Kind,
    /// What it means.
    pub meaning: &'static str,
}

impl Field {
    /// A field that must be there.
    pub const fn mandatory(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, mandatory: true, kind, meaning }
    }

    /// A field that may be left out, or be `null`.
    pub const fn optional(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, mandatory: false, kind, meaning }
    }
}

impl Kind {
    /// What it takes, for the reference and `--help`.
    pub fn describe(self) -> String {
        match self {
            Self::Text(max) | Self::Lines(max) => format!("text ({max})"),
            Self::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
            Self::Amount => "amount, `150000.00`".into(),
            Self::Instant => "time, `2026-11-30T00:00:00+07:00`".into(),
            Self::Flag => "`true` or `false`".into(),
            Self::Number(max) => format!("number, at most {max}"),
            Self::Texts(items, max) => format!("list of at most {items} texts ({max})"),
            Self::Objects(items, _) => format!("list of at most {items} objects"),
        }
    }

    /// What is wrong with a value; none when nothing is.
    fn problem(self, value: &Value) -> Option<String> {
        let text = |max: usize, lines: bool| {
            let fits = value.as_str().is_some_and(|text| {
                let allowed = |letter: char| !letter.is_control() || (lines && matches!(letter, '\n' | '\r'));
                (1..=max).contains(&text.chars().count()) && text.chars().all(allowed)
            });
            let has_blanks = || !lines && value.as_str().is_some_and(|text| text.trim() != text);
            match fits {
                false => Some(format!("it must be a text of 1 to {max} characters")),
                true => has_blanks().then(|| "it must not begin or end with a blank".to_owned()),
            }
        };
        match self {
            Self::Text(max) => text(max, false),
            Self::Lines(max) => text(max, true),
            Self::Choice(words) => (!value.as_str().is_some_and(|word| words.contains(&word)))
                .then(|| format!("it must be {}", words.join(" or "))),
            Self::Amount => amount(value).is_none().then(|| "it must be an amount like \"150000.00\"".into()),
            Self::Instant => {
                instant(value).is_none().then(|| "it must be a time like \"2026-11-30T00:00:00+07:00\"".into())
            }
            Self::Flag => value.as_bool().is_none().then(|| "it must be true or false".into()),
            Self::Number(max) => value
                .as_u64()
                .is_none_or(|number| number > max)
                .then(|| format!("it must be a whole number from 0 to {max}")),
            Self::Texts(items, max) => match value.as_array() {
                Some(list) if list.len() <= items => list
                    .iter()
                    .find_map(|item| Self::Lines(max).problem(item))
                    .map(|problem| format!("each: {problem}")),
                _ => Some(format!("it must be a list of at most {items} texts")),
            },
            Self::Objects(items, fields) => match value.as_array() {
                Some(list) if list.len() <= items => list.iter().find_map(|item| match item.as_object() {
                    None => Some("each must be an object".to_owned()),
                    Some(object) => check(object, fields).err().map(|fault| fault.message),
                }),
                _ => Some(format!("it must be a list of at most {items} objects")),
            },
        }
    }
}

fn amount(value: &Value) -> Option<Amount> {
    Amount::parse_snap(value.as_str()?).ok()
}

fn instant(value: &Value) -> Option<Instant> {
    Instant::parse(value.as_str()?).ok()
}

fn check(object: &Map<String, Value>, fields: &[Field]) -> Result<(), Fault> {
    if let Some(name) = object.keys().find(|name| !fields.iter().any(|field| field.name == name.as_str())) {
        let known: Vec<_> = fields.iter().map(|field| field.name).collect();
        // What a stranger calls a field may be anything; no more of it than a field's name is repeated.
        let name: String = name.chars().filter(|letter| !letter.is_control()).take(40).collect();
        return Err(Fault::new(
            400,
            "field_unknown",
            format!("{name}: there is no such field; there are {}", known.join(", ")),
        ));
    }
    for field in fields {
        match object.get(field.name).filter(|value| !value.is_null()) {
            None if field.mandatory => {
                return Err(Fault::new(400, "field_missing", format!("{}: it is mandatory", field.name)));
            }
            None => {}
            Some(value) => {
                if let Some(problem) = field.kind.problem(value) {
                    return Err(Fault::field(field.name, problem));
                }
            }
        }
    }
    Ok(())
}

/// The fields of a request, each of which holds what it must, and who asks.
#[derive(Debug)]
pub struct Input {
    fields: Map<String, Value>,
    by: String,
}

impl Input {
    /// Reads the body of this operator's request. An empty one is an empty object.
    pub(crate) fn read(body: &[u8], fields: &[Field], by: &str) -> Result<Self, Fault> {
        let not_json = || Fault::new(400, "body_malformed", "the body must be a JSON object");
        let object = match body {
            [] => Map::new(),
            body => match serde_json::from_slice(body).map_err(|_| not_json())? {
                Value::Object(object) => object,
                _ => return Err(not_json()),
            },
        };
        check(&object, fields)?;
        Ok(Self { fields: object, by: by.to_owned() })
    }

    /// The name of the operator who asks.
    pub(crate) fn operator(&self) -> &str {
        &self.by
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<String, Fault> {
        self.optional_text(name).ok_or_else(|| missing(name))
    }

    pub(crate) fn optional_text(&self, name: &str) -> Option<String> {
        self.value(name).and_then(Value::as_str).map(str::to_owned)
    }

    pub(crate) fn amount(&self, name: &'static str) -> Result<Amount, Fault> {
        self.optional_amount(name).ok_or_else(|| missing(name))
    }

    pub(crate) fn optional_amount(&self, name: &str) -> Option<Amount> {
        self.value(name).and_then(amount)
    }

    pub(crate) fn instant(&self, name: &'static str) -> Result<Instant, Fault> {
        self.optional_instant(name).ok_or_else(|| missing(name))
    }

    pub(crate) fn optional_instant(&self, name: &str) -> Option<Instant> {
        self.value(name).and_then(instant)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.value(name).and_then(Value::as_u64)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.value(name).and_then(Value::as_bool)
    }

    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = self.value(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    pub(crate) fn objects(&self, name: &str) -> Option<Vec<Self>> {
        let list = self.value(name)?.as_array()?;
        let object = |fields: &Map<String, Value>| Self { fields: fields.clone(), by: self.by.clone() };
        Some(list.iter().filter_map(Value::as_object).map(object).collect())
    }
}

fn missing(name: &str) -> Fault {
    Fault::new(400, "field_missing", format!("{name}: it is mandatory"))
}
