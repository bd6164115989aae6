//! Requests made from the operations' own samples and field tables, right and wrong.

use contract::{
    Input, Operation,
    field::{Field, Kind, Presence},
};
use lifecycle::merchant::Strictness;
use serde_json::{Map, Value, json};

use crate::world::Call;

/// The sample of an operation as a tree.
pub fn sample(operation: &dyn Operation) -> Value {
    serde_json::from_str(operation.sample()).unwrap_or_else(|error| panic!("{}: {error}", operation.name()))
}

/// A call of the operation with these fields, not signed yet.
pub fn call(operation: &dyn Operation, fields: &Value, external_id: &str) -> Call {
    let path = operation.paths()[0];
    match operation.input() {
        Input::Json => Call::new(operation, path.to_owned(), fields.to_string().into_bytes(), external_id),
        Input::QueryOrForm => {
            let target = format!("{path}?{}", String::from_utf8(form(fields)).unwrap());
            Call::new(operation, target, vec![], external_id)
        }
        Input::Form => Call::new(operation, path.to_owned(), form(fields), external_id)
            .with("Content-Type", "application/x-www-form-urlencoded"),
    }
}

/// A call of the operation with this text where its fields should be.
pub fn call_saying(operation: &dyn Operation, text: &[u8], external_id: &str) -> Call {
    let call = Call::new(operation, operation.paths()[0].to_owned(), text.to_vec(), external_id);
    match operation.input() {
        Input::Json => call,
        Input::QueryOrForm | Input::Form => call.with("Content-Type", "application/x-www-form-urlencoded"),
    }
}

fn form(fields: &Value) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().unwrap() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(name, &text);
    }
    form.finish().into_bytes()
}

/// Takes a field away.
pub fn remove(fields: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    if let Some(Value::Object(members)) = at(fields, parent) {
        members.remove(name);
    }
}

/// Puts a value in a field, with the objects that it is in.
pub fn put(fields: &mut Value, path: &str, value: Value) {
    let (parents, name) = path.rsplit_once('.').map_or((None, path), |(parents, name)| (Some(parents), name));
    let mut node = fields;
    for parent in parents.into_iter().flat_map(|parents| parents.split('.')) {
        let members = object_of(node).entry(parent).or_insert_with(|| json!({}));
        node = members;
    }
    object_of(node).insert(name.to_owned(), value);
}

fn at<'a>(fields: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').filter(|name| !name.is_empty()).try_fold(fields, |node, name| match node {
        Value::Array(items) => items.first_mut()?.get_mut(name),
        node => node.get_mut(name),
    })
}

fn object_of(node: &mut Value) -> &mut Map<String, Value> {
    let node = match node {
        Value::Array(items) => items.first_mut().unwrap(),
        node => node,
    };
    node.as_object_mut().unwrap()
}

/// Whether a field is under this path.
pub fn has(fields: &Value, path: &str) -> bool {
    at(&mut fields.clone(), path).is_some()
}

/// Whether lenient merchants must send the field, or must send it within its object.
pub fn is_demanded(field: &Field) -> bool {
    matches!(field.presence_for(Strictness::Lenient), Presence::Mandatory | Presence::MandatoryWithin)
}

/// A value that the kind takes.
pub fn good(field: &Field) -> Value {
    match field.kind_for(Strictness::Lenient) {
        Kind::Text(_) | Kind::Reference(_) => json!("a"),
        Kind::Digits(_) => json!("1"),
        Kind::Phone62(_) | Kind::Phone(_) => json!("628777123456"),
        Kind::Amount => json!({"value": "1.00", "currency": "IDR"}),
        Kind::Instant => json!("2024-03-14T07:49:28+07:00"),
        Kind::Date => json!("1999-01-30"),
        Kind::Url(_) => json!("https://www.yourdomain.com/"),
        Kind::Photo(_) => json!("1.jpg"),
        Kind::Email(_) => json!("a@b.example"),
        Kind::OneOf(words) => json!(words[0]),
        Kind::Object | Kind::ObjectOrArray => json!({}),
        Kind::Array => json!([]),
        Kind::Boolean => json!(true),
        Kind::Hundredths(_) | Kind::Anything(_) => json!("100"),
        Kind::Number => json!(1),
        Kind::JakartaTime => json!("2019-10-10 11:01:30"),
        Kind::JsonText(_) => json!("{}"),
        Kind::Members => json!({}),
    }
}

/// Values that the kind refuses, and where the refusal points behind the field's own path.
pub fn bad(field: &Field) -> Vec<(Value, &'static str)> {
    let kind = field.kind_for(Strictness::Lenient);
    let mut bad = match kind {
        Kind::Text(_) => vec![(json!("a\u{7}b"), "")],
        Kind::Digits(_) => vec![(json!("1a"), "")],
        Kind::Reference(_) => vec![(json!("a b!"), "")],
        Kind::Phone62(_) | Kind::Phone(_) => vec![(json!("+1 555"), ""), (json!("62"), "")],
        Kind::Amount => vec![
            (json!({"value": "1", "currency": "IDR"}), ".value"),
            (json!({"value": "-1.00", "currency": "IDR"}), ".value"),
            (json!({"value": "1.00", "currency": "XXX"}), ".currency"),
            (json!("5"), ""),
        ],
        Kind::Instant => vec![(json!("yesterday"), "")],
        Kind::Date => vec![(json!("1999-02-30"), "")],
        Kind::Url(_) => vec![(json!("javascript:alert(1)"), "")],
        Kind::Photo(_) => vec![(json!("../1.gif"), "")],
        Kind::Email(_) => vec![(json!("nobody"), "")],
        Kind::OneOf(_) => vec![(json!("NONE-OF-THEM"), "")],
        Kind::Object | Kind::Array => vec![(json!("x"), "")],
        Kind::ObjectOrArray => vec![(json!("x"), "")],
        Kind::Boolean => vec![(json!("maybe"), "")],
        Kind::Hundredths(_) => vec![(json!("1.5"), ""), (json!("-1"), ""), (json!("0x1"), "")],
        Kind::Number | Kind::Members => vec![(json!("x"), "")],
        Kind::JakartaTime => vec![(json!("2019-10-10T11:01:30"), ""), (json!("yesterday"), "")],
        Kind::JsonText(_) => vec![(json!("x"), ""), (json!("[]"), ""), (json!("{"), "")],
        Kind::Anything(_) => vec![],
    };
    // A value that is too long for a URL of HTTP is no longer a question to the field.
    if let Some(max) = kind.length_max().filter(|max| *max < 4096) {
        bad.push((json!("1".repeat(max + 1)), ""));
    }
    bad
}
