//! The operations as an OpenAPI 3.1 description, for the tools that read one.

use protocol::codes::Case;
use serde_json::{Map, Value, json};

use crate::{
    COMMON_CASES, Input, Operation, Trust, biller_envelope,
    field::{Field, Kind, Presence},
    operations,
};

use super::HEADERS;

/// `docs/reference/openapi.json`: every operation at its address, aliases included, as JSON text.
pub fn openapi() -> String {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        for (place, path) in operation.paths().iter().enumerate() {
            let methods = paths.entry(*path).or_insert_with(|| json!({}));
            methods[operation.method().to_lowercase()] = described(operation, place);
        }
    }
    let mut description = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gerbang",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Linkage, payment and bills in the words of SNAP and Espay. Lengths and mandatory fields are those of strict merchants.",
        },
        "paths": paths,
        "components": {
            "parameters": header_parameters(),
            "schemas": { "Amount": amount_schema() },
            "securitySchemes": { "billerBasic": {
                "type": "http",
                "scheme": "basic",
                "description": "User name and password of the biller services; the form holds `sender_id`, `password` and `signature` besides.",
            } },
        },
    });
    // The order of members must not depend on which features another crate asks of the JSON library.
    description.sort_all_objects();
    format!("{description:#}\n")
}

fn described(operation: &dyn Operation, place: usize) -> Value {
    let alias = if place == 0 { String::new() } else { format!("_{place}") };
    let mut parameters: Vec<Value> = match operation.trust() {
        Trust::SnapAsymmetric => {
            signed_headers().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })).collect()
        }
        Trust::ApiKey | Trust::Biller => vec![],
    };
    if operation.input() == Input::QueryOrForm {
        parameters.extend(operation.fields().iter().map(query_parameter));
    }
    let mut described = json!({
        "operationId": format!("{}{alias}", operation.name()),
        "summary": operation.title(),
        "description": operation.promise(),
        "parameters": parameters,
        "responses": responses(operation),
    });
    if operation.trust() == Trust::Biller {
        described["security"] = json!([{ "billerBasic": [] }]);
    }
    let media = match operation.input() {
        Input::Json => "application/json",
        Input::Form => "application/x-www-form-urlencoded",
        Input::QueryOrForm => return described,
    };
    let example: Value = serde_json::from_str(operation.sample()).unwrap_or_default();
    let schema = object_schema("", operation.fields());
    described["requestBody"] =
        json!({ "required": true, "content": { media: { "schema": schema, "example": example } } });
    described
}

fn signed_headers() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().map(|[name, ..]| *name).filter(|name| *name != "Content-Type")
}

fn header_parameters() -> Value {
    HEADERS
        .iter()
        .filter(|[name, ..]| *name != "Content-Type")
        .map(|[name, _, _, meaning]| {
            let parameter = json!({
                "name": name,
                "in": "header",
                "required": true,
                "description": meaning,
                "schema": { "type": "string" },
            });
            ((*name).to_owned(), parameter)
        })
        .collect::<Map<_, _>>()
        .into()
}

fn query_parameter(field: &Field) -> Value {
    json!({
        "name": field.path,
        "in": "query",
        "required": field.presence == Presence::Mandatory,
        "description": field.doc,
        "schema": kind_schema(field.kind),
    })
}

fn responses(operation: &dyn Operation) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    let common = match operation.trust() {
        Trust::SnapAsymmetric | Trust::ApiKey => COMMON_CASES,
        Trust::Biller => biller_envelope::COMMON_CASES,
    };
    for case in operation.cases().iter().chain(common) {
        let response = responses.entry(case.http.to_string()).or_insert_with(|| json!({ "description": "" }));
        let line = line(operation, case);
        let description = response["description"].as_str().unwrap_or_default();
        let description = if description.is_empty() { line } else { format!("{description}; {line}") };
        response["description"] = description.into();
        if case.is_success() {
            let example: Value = serde_json::from_str(operation.reply_sample()).unwrap_or_default();
            let mut content = json!({ "schema": reply_schema(operation) });
            if example["responseCode"].as_str().is_none_or(|code| code == case.code(operation.service().0)) {
                content["example"] = example;
            }
            response["content"] = json!({ "application/json": content });
        }
    }
    responses.into()
}

fn line(operation: &dyn Operation, case: &Case) -> String {
    match operation.trust() {
        Trust::SnapAsymmetric | Trust::Biller => {
            format!("{} {}", case.code(operation.service().0), case.message)
        }
        Trust::ApiKey => case.message.to_owned(),
    }
}

fn reply_schema(operation: &dyn Operation) -> Value {
    let mut schema = object_schema("", operation.reply_fields());
    if operation.trust() == Trust::SnapAsymmetric {
        schema["properties"]["responseCode"] = json!({ "type": "string", "maxLength": 7 });
        schema["properties"]["responseMessage"] = json!({ "type": "string", "maxLength": 150 });
    }
    schema
}

/// The object whose members' paths begin with this prefix.
fn object_schema(prefix: &str, fields: &[Field]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let Some(name) = field.path.strip_prefix(prefix).filter(|rest| !rest.contains('.')) else {
            continue;
        };
        let within = format!("{}.", field.path);
        let mut schema = match field.kind {
            Kind::Object | Kind::ObjectOrArray => object_schema(&within, fields),
            Kind::Array => json!({ "type": "array", "items": object_schema(&within, fields) }),
            kind => kind_schema(kind),
        };
        schema["description"] = field.doc.into();
        properties.insert(name.to_owned(), schema);
        if matches!(field.presence, Presence::Mandatory | Presence::MandatoryWithin) {
            required.push(name);
        }
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn kind_schema(kind: Kind) -> Value {
    let mut schema = match kind {
        Kind::Amount => return json!({ "$ref": "#/components/schemas/Amount" }),
        Kind::Object | Kind::ObjectOrArray => return json!({ "type": "object" }),
        Kind::Array => return json!({ "type": "array" }),
        Kind::Boolean => return json!({ "type": "boolean" }),
        Kind::OneOf(words) => return json!({ "type": "string", "enum": words }),
        Kind::Instant => return json!({ "type": "string", "format": "date-time" }),
        Kind::Date => return json!({ "type": "string", "format": "date" }),
        Kind::Digits(_) => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        Kind::Reference(_) => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$" }),
        Kind::Phone62(_) => json!({ "type": "string", "pattern": "^62[0-9]+$" }),
        Kind::Phone(_) => json!({ "type": "string", "pattern": "^(62|08)[0-9]+$" }),
        Kind::Url(_) => json!({ "type": "string", "format": "uri" }),
        Kind::Email(_) => json!({ "type": "string", "format": "email" }),
        Kind::Members => return json!({ "type": "object", "additionalProperties": true }),
        Kind::Number => return json!({ "type": "integer", "minimum": 0 }),
        Kind::JakartaTime => json!({ "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$" }),
        Kind::Hundredths(_) => json!({ "type": "string", "pattern": r"^([0-9]+|[0-9]{1,3}(\.[0-9]{3})*,[0-9]{2})$" }),
        Kind::JsonText(_) => json!({ "type": "string", "contentMediaType": "application/json" }),
        Kind::Text(_) | Kind::Photo(_) | Kind::Anything(_) => json!({ "type": "string" }),
    };
    schema["maxLength"] = kind.length_max().into();
    schema
}

fn amount_schema() -> Value {
    json!({
        "type": "object",
        "required": ["value", "currency"],
        "properties": {
            "value": { "type": "string", "pattern": r"^[0-9]{1,16}\.[0-9]{2}$", "examples": ["150000.00"] },
            "currency": { "const": "IDR" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_every_address_and_its_nested_fields() {
        let description: Value = serde_json::from_str(&openapi()).expect("JSON");
        for operation in operations() {
            for path in operation.paths() {
                let found = &description["paths"][path][operation.method().to_lowercase()];
                assert!(found["operationId"].as_str().is_some_and(|id| id.starts_with(operation.name())), "{path}");
            }
        }
        let pay = &description["paths"]["/apimerchant/v1.0/debit/payment-host-to-host"]["post"];
        let schema = &pay["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(schema["properties"]["amount"]["$ref"], "#/components/schemas/Amount");
        assert_eq!(schema["properties"]["urlParam"]["required"], json!(["url"]));
        let bill = &description["paths"]["/rest/biller/paymentreport"]["post"];
        assert_eq!(bill["security"], json!([{ "billerBasic": [] }]));
        assert_eq!(bill["parameters"], json!([]));
        let form = &bill["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
        assert_eq!(form["properties"]["amount"]["type"], "string");
        assert!(form["required"].as_array().is_some_and(|names| names.contains(&json!("signature"))));
        assert_eq!(description["components"]["securitySchemes"]["billerBasic"]["scheme"], "basic");
    }
}
