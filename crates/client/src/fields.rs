//! Fields as an operation takes them: a JSON text, a query, or a form. Serialised once; the same bytes are signed and
//! sent.

use contract::{Input, Operation};
use serde_json::Value;

use crate::ClientError;

/// What goes behind the path and into the body.
pub(crate) struct Written {
    /// The query with its question mark, or nothing.
    pub query: String,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// The media type of the body.
    pub content_type: &'static str,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn write(operation: &dyn Operation, fields: &Value) -> Result<Written, ClientError> {
    let fault = |expected| ClientError::Fields {
        operation: operation.name(),
        expected,
        found: fields.to_string().chars().take(80).collect(),
    };
    match operation.input() {
        Input::Json => {
            let object = fields.as_object().ok_or_else(|| fault("a JSON object"))?;
            let body = Value::Object(object.clone()).to_string().into_bytes();
            Ok(Written { query: String::new(), body, content_type: JSON })
        }
        Input::QueryOrForm => {
            let pairs = pairs(fields).ok_or_else(|| fault("an object of texts"))?;
            Ok(Written { query: format!("?{}", encode(&pairs)), body: vec![], content_type: JSON })
        }
        Input::Form => {
            let pairs = pairs(fields).ok_or_else(|| fault("an object of texts"))?;
            Ok(Written { query: String::new(), body: encode(&pairs).into_bytes(), content_type: FORM })
        }
    }
}

/// Members as pairs; a member that is an object goes as its JSON text, as `seamlessData` does.
fn pairs(fields: &Value) -> Option<Vec<(String, String)>> {
    fields.as_object()?.iter().map(|(name, value)| Some((name.clone(), pair_text(value)?))).collect()
}

fn pair_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) | Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) => None,
    }
}

fn encode(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
