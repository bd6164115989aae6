//! Every biller service, refused for every reason that there is before business, in its own envelope; and what each says
//! to a call that is trusted. Adding a service adds it here.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contract::{Operation, Trust};
use engine::Environment;
use lifecycle::{MerchantCode, merchant::Strictness, request::RequestKey};
use protocol::hash;
use serde_json::{Value, json};
use server::{BODY_BYTES_MAX, ServerOptions};

use crate::{
    samples::{bad, is_demanded, put, remove, sample},
    world::{
        Answer, BASIC_PASSWORD, Call, FENCED, FENCED_ADDRESS, MERCHANT, NEW_KEY, NOW, OLD_KEY, SENDER, STRICT,
        SUSPENDED, USED_UUID, World,
    },
};

const FORM: &str = "application/x-www-form-urlencoded";

fn services() -> impl Iterator<Item = &'static dyn Operation> {
    contract::operations().filter(|operation| operation.trust() == Trust::Biller)
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn text<'v>(fields: &'v Value, name: &str) -> &'v str {
    fields[name].as_str().unwrap_or_default()
}

/// The sample under this `rq_uuid`, signed with the newest key.
fn fields(operation: &dyn Operation, rq_uuid: &str) -> Value {
    let mut fields = sample(operation);
    put(&mut fields, "rq_uuid", json!(rq_uuid));
    signed(operation, fields, NEW_KEY)
}

fn signed(operation: &dyn Operation, mut fields: Value, key: &str) -> Value {
    let signature = hash::sign(operation.signature_parts().iter().map(|part| text(&fields, part)), key);
    put(&mut fields, "signature", json!(signature));
    fields
}

/// A call with these fields, as they are, from the merchant that calls.
fn call(operation: &dyn Operation, fields: &Value) -> Call {
    let pairs = fields.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    saying(operation, body.into_bytes())
}

/// A call with this body.
fn saying(operation: &dyn Operation, body: Vec<u8>) -> Call {
    let authorization = basic(&SENDER.to_lowercase(), BASIC_PASSWORD).into_bytes();
    let headers = vec![("Content-Type", FORM.into()), ("Authorization", authorization)];
    Call { method: "POST", target: operation.paths()[0].to_owned(), headers, body, peer: None }
}

/// A call that nothing is wrong with.
pub fn good(operation: &dyn Operation, rq_uuid: &str) -> Call {
    call(operation, &fields(operation, rq_uuid))
}

/// One service in one gateway, and the calls made so far.
struct Walk<'a> {
    world: &'a World,
    operation: &'static dyn Operation,
    calls: u32,
}

impl Walk<'_> {
    fn rq_uuid(&mut self) -> String {
        self.calls += 1;
        format!("{SENDER}-{}-{}", self.operation.service().0, self.calls)
    }

    fn fields(&mut self) -> Value {
        let rq_uuid = self.rq_uuid();
        fields(self.operation, &rq_uuid)
    }

    fn signed(&self, fields: Value) -> Call {
        call(self.operation, &signed(self.operation, fields, NEW_KEY))
    }

    /// Sends a call that must be refused with this code, and checks envelope and echo, and that nothing was kept of it.
    async fn refuse(&self, call: &Call, status: u16, code: &str, names: &str) -> Answer {
        let answer = self.world.send(call.request()).await;
        let about = format!("{} {call:?}\n{answer:?}", self.operation.name());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{about}");
        assert!(answer.message().contains(names), "{names}: {about}");
        let json = answer.json();
        assert_eq!(json["error_desc"], json["error_message"], "{about}");
        assert_eq!(json["rs_datetime"], "2024-03-14 07:49:28", "{about}");
        assert_eq!(answer.header("content-type"), "application/json", "{about}");
        assert_eq!(answer.header("x-timestamp"), NOW, "{about}");
        assert_eq!(answer.header("www-authenticate").starts_with("Basic "), status == 401, "{about}");
        let pairs: Vec<_> = form_urlencoded::parse(&call.body).filter(|(name, _)| name == "rq_uuid").collect();
        if let [(_, rq_uuid)] = &pairs[..]
            && !matches!(code, "101" | "105" | "102" | "103")
        {
            assert_eq!(json["rq_uuid"].as_str(), Some(rq_uuid.as_ref()), "{about}");
            let key = RequestKey::for_ever(MerchantCode::new(MERCHANT), rq_uuid.to_string());
            let kept = self.world.engine.external_id_used(&key).await;
            assert_eq!(kept, rq_uuid == USED_UUID, "{about}");
        }
        answer
    }

    async fn credentials(&mut self) {
        let right = basic(&SENDER.to_lowercase(), BASIC_PASSWORD);
        let sent = |walk: &mut Self| call(walk.operation, &walk.fields());
        let none = sent(self).without("Authorization");
        self.refuse(&none, 401, "104", "Authentication failed").await;
        for authorization in [
            String::new(),
            "Basic".into(),
            "Basic @@@".into(),
            right.replace("Basic", "Bearer"),
            basic("sandbox", "wrong"),
            basic("sandbox", ""),
            basic("SANDBOX", BASIC_PASSWORD),
            basic("nobody", BASIC_PASSWORD),
            basic("nobody", ""),
            basic("", ""),
            basic(&SUSPENDED.to_lowercase(), BASIC_PASSWORD),
            basic(&FENCED.to_lowercase(), BASIC_PASSWORD),
        ] {
            let call = sent(self).with("Authorization", authorization);
            self.refuse(&call, 401, "104", "Authentication failed").await;
        }
        let mut twice = sent(self);
        twice.headers.push(("Authorization", right.into_bytes()));
        self.refuse(&twice, 401, "104", "Authentication failed").await;
        // Who is not known hears nothing about the body.
        for body in [b"a=1&a=2".to_vec(), vec![b' '; BODY_BYTES_MAX + 1], vec![]] {
            let broken = saying(self.operation, body).with("Authorization", basic("sandbox", "wrong"));
            self.refuse(&broken, 401, "104", "Authentication failed").await;
        }
    }

    async fn bodies(&mut self) {
        let large = saying(self.operation, vec![b'a'; BODY_BYTES_MAX + 1]);
        self.refuse(&large, 413, "105", "body over 65536 bytes").await;
        for media in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
            let call = call(self.operation, &self.fields()).with("Content-Type", media);
            self.refuse(&call, 415, "106", FORM).await;
        }
        for (body, names) in [(&b"rq_uuid=1&rq_uuid=2"[..], "rq_uuid is given twice"), (b"rq_uuid=%ff", "not UTF-8")] {
            self.refuse(&saying(self.operation, body.to_vec()), 400, "101", names).await;
        }
        self.refuse(&saying(self.operation, br#"{"rq_uuid":"1"}"#.to_vec()), 200, "102", "rq_uuid").await;
    }

    async fn missing_fields(&mut self) {
        for field in self.operation.fields().iter().filter(|field| is_demanded(field)) {
            for value in [None, Some(json!("")), Some(json!("  "))] {
                let mut fields = self.fields();
                remove(&mut fields, field.path);
                if let Some(value) = value {
                    put(&mut fields, field.path, value);
                }
                let wanted = format!("Missing field {}", field.path);
                self.refuse(&call(self.operation, &fields), 200, "102", &wanted).await;
            }
        }
    }

    async fn malformed_fields(&mut self) {
        for field in self.operation.fields() {
            for (value, _) in bad(field) {
                let mut fields = self.fields();
                put(&mut fields, field.path, value);
                let wanted = format!("Invalid field {}", field.path);
                self.refuse(&call(self.operation, &fields), 200, "103", &wanted).await;
            }
        }
    }

    async fn senders(&mut self) {
        for sender in [STRICT, "sandbox", "SANDBOX "] {
            let mut fields = self.fields();
            put(&mut fields, "sender_id", json!(sender));
            let call = self.signed(fields);
            self.refuse(&call, 200, "111", "sender_id").await;
        }
        for password in ["tesT", "test ", BASIC_PASSWORD] {
            let mut fields = self.fields();
            put(&mut fields, "password", json!(password));
            // The password is looked at before the signature.
            put(&mut fields, "signature", json!("0"));
            self.refuse(&call(self.operation, &fields), 200, "112", "password").await;
        }
        // Another merchant's own credentials are not this one's.
        let foreign =
            call(self.operation, &self.fields()).with("Authorization", basic(&STRICT.to_lowercase(), BASIC_PASSWORD));
        self.refuse(&foreign, 200, "111", "sender_id").await;
    }

    async fn signatures(&mut self) {
        let parts = self.operation.signature_parts();
        for part in parts {
            // A signature over something else than what was sent.
            let mut fields = self.fields();
            put(&mut fields, part, json!("1"));
            let fields = signed(self.operation, fields, NEW_KEY);
            let mut sent = self.fields();
            put(&mut sent, "signature", fields["signature"].clone());
            self.refuse(&call(self.operation, &sent), 200, "113", "Invalid signature").await;
        }
        let mut fields = self.fields();
        let plain = parts.iter().map(|part| text(&fields, part)).chain([NEW_KEY]).collect::<Vec<_>>().join("##");
        put(&mut fields, "signature", json!(protocol::digest::sha256_hex(format!("##{plain}##").as_bytes())));
        let answer = self.refuse(&call(self.operation, &fields), 200, "113", "Invalid signature").await;
        let debug = &answer.json()["debug"];
        assert_eq!(debug["parts"], json!(parts), "{}", answer.body);
        assert_eq!(debug["matches"]["differences"], json!(["notUpperCased"]), "{}", answer.body);
        assert!(debug["stringToHash"].as_str().unwrap().ends_with("##<KEY>##"), "{}", answer.body);
        let upper = plain.to_uppercase();
        let expected = protocol::digest::sha256_hex(format!("##{upper}##").as_bytes());
        assert_eq!(debug["sha256"], json!(expected), "{}", answer.body);
        for secret in [NEW_KEY, OLD_KEY, BASIC_PASSWORD, "N3WKEY"] {
            let quoted = format!("##{secret}##");
            assert!(!answer.body.contains(&quoted), "{}", answer.body);
        }
        let mut fields = self.fields();
        put(&mut fields, "signature", json!("abc"));
        let answer = self.refuse(&call(self.operation, &fields), 200, "113", "Invalid signature").await;
        assert_eq!(answer.json()["debug"]["matches"], Value::Null);
    }

    async fn repeats(&mut self) {
        let used = fields(self.operation, USED_UUID);
        self.refuse(&call(self.operation, &used), 200, "210", "UUID already exist").await;
        // Without the right signature nobody learns which ids were used.
        let mut forged = used.clone();
        put(&mut forged, "signature", json!("0".repeat(64)));
        self.refuse(&call(self.operation, &forged), 200, "113", "Invalid signature").await;
        // It is looked at before the business.
        if used.get("product_code").is_some() {
            let mut nowhere = used;
            put(&mut nowhere, "product_code", json!("NOWHERE"));
            self.refuse(&self.signed(nowhere), 200, "210", "UUID already exist").await;
        }
    }

    async fn business(&mut self) {
        if self.fields().get("product_code").is_none() {
            return;
        }
        for (field, value, code, names) in [
            ("product_code", "NOWHERE", "405", "product denied"),
            ("order_id", "1", "103", "order_id"),
            ("order_id", "52052079555A", "103", "order_id"),
            ("additional_data", "amount=1", "103", "additional_data"),
        ] {
            let mut fields = self.fields();
            put(&mut fields, field, json!(value));
            let call = self.signed(fields);
            self.refuse(&call, 200, code, names).await;
        }
    }
}

#[tokio::test]
async fn every_service_refuses_what_the_contract_says_and_keeps_nothing_of_it() {
    let world = World::sandbox(vec![]);
    let before = world.remembered();
    assert_eq!(services().count(), 5);
    for operation in services() {
        let mut walk = Walk { world: &world, operation, calls: 0 };
        walk.credentials().await;
        walk.bodies().await;
        walk.missing_fields().await;
        walk.malformed_fields().await;
        walk.senders().await;
        walk.signatures().await;
        walk.repeats().await;
        walk.business().await;
    }
    assert_eq!(world.remembered(), before, "nothing that is refused changes anything");
}

#[tokio::test]
async fn every_service_trusts_either_key_and_answers_once() {
    let world = World::sandbox(vec![]);
    for operation in services() {
        for key in [NEW_KEY, OLD_KEY] {
            let rq_uuid = format!("{SENDER}-{}-{key}", operation.service().0);
            let mut sent = sample(operation);
            put(&mut sent, "rq_uuid", json!(rq_uuid));
            let sent = call(operation, &signed(operation, sent, key));
            let answer = world.send(sent.request()).await;
            let early = ["101", "102", "103", "104", "105", "106", "111", "112", "113", "210", "902"];
            assert!(answer.status == 200 && !early.contains(&answer.code().as_str()), "{answer:?}");
            let again = world.send(sent.request()).await;
            let refused_before_it_was_kept = answer.code() == "124" || answer.code() == "121" || answer.code() == "122";
            if !refused_before_it_was_kept {
                assert_eq!(again.code(), "210", "{answer:?} then {again:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_trusted_calls_hear_of_an_empty_gateway() {
    let world = World::sandbox(vec![]);
    let mut text = String::new();
    for operation in services() {
        let rq_uuid = format!("SANDBOX-{}", operation.service().0);
        let answer = world.send(good(operation, &rq_uuid).request()).await;
        let mut json = answer.json();
        if let Some(products) = json.get_mut("products").and_then(Value::as_array_mut) {
            assert!(products.len() > 120, "{}", products.len());
            *products = vec![];
        }
        text.push_str(&format!("# {}\n{} {json:#}\n\n", operation.name(), answer.status));
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn production_says_no_more_than_it_must() {
    let world = World::start(Environment::Production, vec![], ServerOptions::default());
    let operation = services().next().unwrap();
    let mut bodies = vec![];
    for (username, password) in [
        ("nobody", BASIC_PASSWORD),
        (&SENDER.to_lowercase(), "wrong"),
        (&SUSPENDED.to_lowercase(), BASIC_PASSWORD),
        (&FENCED.to_lowercase(), BASIC_PASSWORD),
    ] {
        let sent = good(operation, "SANDBOX-1").with("Authorization", basic(username, password));
        let answer = world.send(sent.request()).await;
        assert_eq!(answer.status, 401);
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let mut forged = fields(operation, "SANDBOX-2");
    put(&mut forged, "signature", json!("0".repeat(64)));
    let answer = world.send(call(operation, &forged).request()).await;
    assert_eq!(answer.code(), "113");
    assert!(!answer.body.contains("debug"), "{}", answer.body);
}

#[tokio::test]
async fn a_merchant_calls_from_its_addresses_only() {
    let world = World::sandbox(vec![]);
    let operation = services().next().unwrap();
    let mut own = fields(operation, "FENCED-1");
    put(&mut own, "sender_id", json!(FENCED));
    let own = signed(operation, own, NEW_KEY);
    let sent = call(operation, &own).with("Authorization", basic(&FENCED.to_lowercase(), BASIC_PASSWORD));
    assert_eq!(world.send(sent.clone().from("192.0.2.8").request()).await.code(), "104");
    assert_eq!(world.send(sent.from(FENCED_ADDRESS).request()).await.code(), "0000");
}

#[tokio::test]
async fn strict_merchants_are_held_to_the_documents_lengths_and_forms() {
    let world = World::sandbox(vec![]);
    assert_eq!(world.engine.partner(STRICT).unwrap().merchant.strictness, Strictness::Strict);
    for operation in services() {
        let send = async |rq_uuid: &str, name: &str, value: &str| {
            let mut sent = fields(operation, rq_uuid);
            put(&mut sent, "sender_id", json!(STRICT));
            put(&mut sent, name, json!(value));
            let sent = call(operation, &signed(operation, sent, NEW_KEY));
            let sent = sent.with("Authorization", basic(&STRICT.to_lowercase(), BASIC_PASSWORD));
            world.send(sent.request()).await
        };
        let answer = send("S-1", "password", &"a".repeat(33)).await;
        assert_eq!(answer.code(), "103", "{answer:?}");
        // The password of the sample is longer than the 3 characters that two pages print, and taken.
        let answer = send("S-2", "channel_code", "WEB").await;
        assert!(!["103", "112"].contains(&answer.code().as_str()), "{answer:?}");
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_why_and_holds_no_credential() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let world = World::sandbox(vec![]);
    let guard = tracing::subscriber::set_default(subscriber);
    let operation = services().next().unwrap();
    let mut forged = fields(operation, "SANDBOX-2");
    put(&mut forged, "signature", json!("f".repeat(64)));
    let mut wrong = fields(operation, "SANDBOX-3");
    put(&mut wrong, "password", json!("wrong-password"));
    for sent in [
        good(operation, "SANDBOX-1"),
        good(operation, "SANDBOX-1").with("Authorization", basic("sandbox", "wrong-basic")),
        call(operation, &forged),
        call(operation, &wrong),
    ] {
        world.send(sent.request()).await;
    }
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let answered: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answered: Vec<&Value> =
        answered.iter().map(|line| &line["fields"]).filter(|fields| fields["message"] == "answered").collect();
    let found: Vec<_> = answered.iter().map(|line| (line["code"].as_str(), line["merchant"].as_str())).collect();
    let merchant = Some(MERCHANT);
    assert_eq!(
        found,
        [(Some("0000"), merchant), (Some("104"), None), (Some("113"), merchant), (Some("112"), merchant)]
    );
    assert_eq!(answered[1]["why"], "user name or password");
    for secret in ["wrong-basic", "wrong-password", BASIC_PASSWORD, NEW_KEY, "ffffffff", "Basic "] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
