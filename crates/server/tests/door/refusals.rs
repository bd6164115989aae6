//! Every operation of the list, refused for every reason that there is before business. Adding an operation adds it
//! here. Nothing that is refused leaves a trace.

use contract::{
    Input, Operation, Trust,
    field::{Field, Kind},
};
use engine::Environment;
use http::Method;
use lifecycle::merchant::Strictness;
use serde_json::json;
use server::{BODY_BYTES_MAX, ServerOptions};

use crate::{
    samples::{bad, call, call_saying, good, has, is_demanded, put, remove, sample},
    world::{Answer, Call, FENCED, MERCHANT, STRICT, SUSPENDED, USED_EXTERNAL_ID, World, key},
};

/// One operation in one gateway, and the calls made so far.
struct Walk<'a> {
    world: &'a World,
    operation: &'static dyn Operation,
    calls: u32,
}

impl Walk<'_> {
    fn external_id(&mut self) -> String {
        self.calls += 1;
        format!("{}-{}", self.operation.service().0, self.calls)
    }

    fn sample(&mut self) -> Call {
        let external_id = self.external_id();
        call(self.operation, &sample(self.operation), &external_id)
    }

    fn saying(&mut self, text: &[u8]) -> Call {
        let external_id = self.external_id();
        call_saying(self.operation, text, &external_id)
    }

    fn code(&self, http: u16, case: &str) -> String {
        match self.operation.trust() {
            Trust::SnapAsymmetric => format!("{http}{}{case}", self.operation.service().0),
            Trust::ApiKey => format!("{}{}{case}", http / 100, http % 10),
            Trust::Biller => unreachable!("these are walked in `biller`"),
        }
    }

    /// Sends a call that must be refused with this row of the registry, and checks that nothing was kept of it.
    async fn refuse(&self, call: &Call, (http, case): (u16, &str), names: &str) -> Answer {
        let answer = self.world.send(call.request()).await;
        let about = format!("{} {call:?}\n{answer:?}", self.operation.name());
        assert_eq!((answer.status, answer.code()), (http, self.code(http, case)), "{about}");
        assert!(answer.message().contains(names) || answer.body.contains(names), "{names}: {about}");
        assert_eq!(answer.header("content-type"), "application/json", "{about}");
        assert_eq!(answer.header("x-timestamp"), crate::world::NOW, "{about}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{about}");
        let external_id = String::from_utf8_lossy(call.header("X-EXTERNAL-ID").unwrap_or_default()).into_owned();
        if external_id != USED_EXTERNAL_ID {
            assert!(!self.world.engine.external_id_used(&key(&external_id)).await, "was recorded: {about}");
        }
        answer
    }

    async fn headers(&mut self) {
        const MISSING: (u16, &str) = (400, "02");
        const MALFORMED: (u16, &str) = (400, "01");
        let none = Call { headers: vec![], ..self.sample() };
        self.refuse(&none, MISSING, "Invalid Mandatory Field X-TIMESTAMP").await;
        for name in ["X-TIMESTAMP", "X-SIGNATURE", "X-EXTERNAL-ID", "X-PARTNER-ID", "CHANNEL-ID"] {
            let wanted = format!("Invalid Mandatory Field {name}");
            let call = self.sample().signed();
            self.refuse(&call.clone().without(name), MISSING, &wanted).await;
            self.refuse(&call.clone().with(name, "  "), MISSING, &wanted).await;
            let wanted = format!("Invalid Field Format {name}");
            let mut twice = call.clone();
            twice.headers.push((name, b"x".to_vec()));
            self.refuse(&twice, MALFORMED, &wanted).await;
            self.refuse(&call.clone().with(name, b"\xff\xfe"), MALFORMED, &wanted).await;
        }
        for (name, value) in [
            ("Content-Type", "text/plain"),
            ("Content-Type", "json"),
            ("X-TIMESTAMP", "yesterday"),
            ("X-TIMESTAMP", "2024-03-14T07:49:28"),
            ("X-SIGNATURE", "@@@"),
            ("X-EXTERNAL-ID", "a b"),
            ("X-EXTERNAL-ID", "1234567890123456789012345678901234567"),
            ("X-PARTNER-ID", "SGW YES"),
            ("CHANNEL-ID", "95221"),
        ] {
            let call = self.sample().signed().with(name, value);
            self.refuse(&call, MALFORMED, &format!("Invalid Field Format {name}")).await;
        }
        let both = self.sample().signed().with("X-TIMESTAMP", "yesterday").without("CHANNEL-ID");
        self.refuse(&both, MISSING, "CHANNEL-ID").await;
    }

    async fn distrust(&mut self) {
        const UNAUTHORIZED: (u16, &str) = (401, "00");
        for (partner, names) in [("NOBODY", "no such partner"), (SUSPENDED, "suspended"), (FENCED, "address")] {
            let call = self.sample().with("X-PARTNER-ID", partner).signed();
            let answer = self.refuse(&call, UNAUTHORIZED, names).await;
            assert!(!answer.body.contains("debug"), "{}", answer.body);
        }
        let other_path = Call { target: "/elsewhere".into(), ..self.sample() }.signed();
        let wrong = Call { target: self.sample().target, ..other_path };
        let answer = self.refuse(&wrong, UNAUTHORIZED, "X-SIGNATURE").await;
        assert!(answer.json()["additionalInfo"]["debug"]["hint"].is_string(), "{}", answer.body);
        for at in ["2024-03-14T07:44:27+07:00", "2024-03-14T07:54:29+07:00"] {
            let stale = self.sample().with("X-TIMESTAMP", at).signed();
            let answer = self.refuse(&stale, UNAUTHORIZED, "X-TIMESTAMP").await;
            assert!(answer.json()["additionalInfo"]["debug"]["skewSeconds"].is_i64(), "{}", answer.body);
        }
        // Who is not trusted hears nothing about the body.
        let broken = Call { body: b"{".to_vec(), ..self.sample().signed() };
        self.refuse(&broken, UNAUTHORIZED, "X-SIGNATURE").await;
    }

    async fn repeats(&mut self) {
        const CONFLICT: (u16, &str) = (409, "00");
        let good = call(self.operation, &sample(self.operation), USED_EXTERNAL_ID).signed();
        self.refuse(&good, CONFLICT, "X-EXTERNAL-ID").await;
        // The external id is looked at before the body.
        let faulty = call_saying(self.operation, b"{\"a=%ff", USED_EXTERNAL_ID).signed();
        self.refuse(&faulty, CONFLICT, "X-EXTERNAL-ID").await;
        let empty = call(self.operation, &json!({}), USED_EXTERNAL_ID).signed();
        self.refuse(&empty, CONFLICT, "X-EXTERNAL-ID").await;
    }

    async fn bodies(&mut self) {
        const BAD_REQUEST: (u16, &str) = (400, "00");
        let large = vec![b' '; BODY_BYTES_MAX + 1];
        let call = self.saying(&large).signed();
        self.refuse(&call, BAD_REQUEST, "body over 65536 bytes").await;
        let texts: &[(&[u8], &str)] = match self.operation.input() {
            Input::Json => &[
                (b"", "not a JSON object"),
                (b"[]", "not a JSON object"),
                (b"{", "not JSON"),
                (b"{} {}", "after the end"),
                (b"{\"a\":\"\xff\"}", "not UTF-8"),
                (b"{\"a\":1,\"a\":2}", "a is given twice"),
                (b"{\"a\":{\"b\":1,\"b\":2}}", "a.b is given twice"),
                (br#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}"#, "deeper"),
            ],
            Input::QueryOrForm | Input::Form => &[(b"a=1&a=2", "a is given twice"), (b"a=%ff", "not UTF-8")],
        };
        for (text, names) in texts {
            let call = self.saying(text).signed();
            self.refuse(&call, BAD_REQUEST, names).await;
        }
    }

    /// The sample; where it lacks the object that the field is in, with that object and what must be in it.
    fn with_siblings(&self, field: &Field) -> serde_json::Value {
        let mut tree = sample(self.operation);
        let Some((parent, _)) = field.path.rsplit_once('.').filter(|(parent, _)| !has(&tree, parent)) else {
            return tree;
        };
        put(&mut tree, parent, json!({}));
        let is_sibling = |other: &&Field| other.path.rsplit_once('.').is_some_and(|(known, _)| known == parent);
        for sibling in self.operation.fields().iter().filter(is_sibling).filter(|sibling| is_demanded(sibling)) {
            put(&mut tree, sibling.path, good(sibling));
        }
        tree
    }

    async fn missing_fields(&mut self) {
        for field in self.operation.fields().iter().filter(|field| is_demanded(field)) {
            let mut without = self.with_siblings(field);
            remove(&mut without, field.path);
            let mut empty = without.clone();
            put(&mut empty, field.path, json!(""));
            for fields in [without, empty] {
                let external_id = self.external_id();
                let call = call(self.operation, &fields, &external_id).signed();
                self.refuse(&call, (400, "02"), &format!("Invalid Mandatory Field {}", field.path)).await;
            }
        }
    }

    async fn malformed_fields(&mut self) {
        let fields = self.operation.fields();
        for field in fields {
            // A text where an object should be has no members: what is missing is said first.
            let inner = format!("{}.", field.path);
            let first_inner = fields.iter().find(|other| other.path.starts_with(&inner) && is_demanded(other));
            let is_object =
                matches!(field.kind_for(Strictness::Lenient), Kind::Object | Kind::ObjectOrArray | Kind::Array);
            for (value, behind) in bad(field) {
                let mut tree = self.with_siblings(field);
                put(&mut tree, field.path, value);
                let external_id = self.external_id();
                let call = call(self.operation, &tree, &external_id).signed();
                match first_inner.filter(|_| is_object) {
                    Some(inner) => self.refuse(&call, (400, "02"), inner.path).await,
                    None => {
                        let wanted = format!("Invalid Field Format {}{behind}", field.path);
                        self.refuse(&call, (400, "01"), &wanted).await
                    }
                };
            }
        }
    }

    async fn methods(&mut self) {
        for path in self.operation.paths() {
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
                if method == self.operation.method() {
                    continue;
                }
                let mut request = self.sample().signed().request();
                *request.method_mut() = method.clone();
                *request.uri_mut() = path.parse().unwrap();
                let answer = self.world.send(request).await;
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(answer.header("allow"), self.operation.method(), "{method} {path}");
                if method != Method::HEAD {
                    assert_eq!(answer.code(), "4050000");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_operation_refuses_what_the_contract_says_and_keeps_nothing_of_it() {
    let world = World::sandbox(vec![]);
    let before = world.remembered();
    assert!(contract::operations().count() > 0, "there is something to walk");
    for operation in contract::operations() {
        let mut walk = Walk { world: &world, operation, calls: 0 };
        if operation.trust() == Trust::SnapAsymmetric {
            walk.headers().await;
            walk.distrust().await;
            walk.repeats().await;
        }
        if operation.trust() != Trust::Biller {
            walk.bodies().await;
            walk.missing_fields().await;
            walk.malformed_fields().await;
        }
        walk.methods().await;
    }
    assert_eq!(world.remembered(), before, "nothing that is refused changes anything");
}

#[tokio::test]
async fn every_operation_is_at_all_its_addresses_and_trusts_its_sample() {
    for operation in contract::operations() {
        for (place, path) in operation.paths().iter().enumerate() {
            let world = World::sandbox(vec![]);
            let sent = call(operation, &sample(operation), &format!("good-{place}"));
            let target = sent.target.replacen(operation.paths()[0], path, 1);
            let answer = world.send(Call { target, ..sent }.signed().request()).await;
            let distrusted = matches!(answer.status, 404 | 405)
                && answer.code().starts_with("40")
                && answer.code().ends_with("0000");
            assert!(!distrusted, "{path}: {answer:?}");
            if operation.trust() == Trust::SnapAsymmetric {
                assert!(!answer.message().contains("X-"), "{path}: {answer:?}");
            }
        }
    }
}

/// The first operation that is signed and has a body.
fn signed_operation() -> &'static dyn Operation {
    let mut all = contract::operations();
    all.find(|operation| operation.trust() == Trust::SnapAsymmetric && operation.input() == Input::Json)
        .expect("there is one")
}

#[tokio::test]
async fn production_does_not_tell_which_partners_exist() {
    let world = World::start(Environment::Production, vec![], ServerOptions::default());
    let operation = signed_operation();
    let sample = call(operation, &sample(operation), "1");
    let stale =
        |partner: &str| sample.clone().with("X-PARTNER-ID", partner).with("X-TIMESTAMP", "2024-03-14T07:00:00+07:00");
    let mut bodies = vec![];
    for partner in ["NOBODY", SUSPENDED, FENCED, MERCHANT] {
        let forged = sample.clone().with("X-PARTNER-ID", partner).with("X-SIGNATURE", "c2lnbmF0dXJl");
        let answer = world.send(forged.request()).await;
        assert_eq!(answer.status, 401);
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0] && !body.contains("additionalInfo")), "{bodies:?}");
    let of_nobody = world.send(stale("NOBODY").signed().request()).await;
    let of_somebody = world.send(stale(MERCHANT).signed().request()).await;
    assert_eq!(of_nobody.body, of_somebody.body);
}

#[tokio::test]
async fn a_partner_calls_from_its_addresses_only_and_proxies_are_believed_only_when_ours() {
    let options = ServerOptions { proxies: vec!["10.0.0.1".parse().unwrap()], ..ServerOptions::default() };
    let world = World::start(Environment::Sandbox, vec![], options);
    let operation = signed_operation();
    let sent = call(operation, &sample(operation), "1").with("X-PARTNER-ID", FENCED).signed();
    let own = crate::world::FENCED_ADDRESS;
    for (peer, forwarded, expected) in [
        (own, None, true),
        ("::ffff:192.0.2.7", None, true),
        ("192.0.2.8", None, false),
        ("192.0.2.8", Some(own), false),
        ("10.0.0.1", Some(own), true),
        ("10.0.0.1", Some("192.0.2.7, 10.0.0.1"), true),
        ("10.0.0.1", Some("192.0.2.7, 192.0.2.8"), false),
        ("10.0.0.1", Some("192.0.2.7, nonsense"), false),
        ("10.0.0.1", None, false),
    ] {
        let mut sent = sent.clone().from(peer);
        if let Some(forwarded) = forwarded {
            sent = sent.with("X-FORWARDED-FOR", forwarded);
        }
        let answer = world.send(sent.request()).await;
        assert_eq!(!answer.message().contains("address is not registered"), expected, "{peer} {forwarded:?}");
    }
}

#[tokio::test]
async fn refusals_as_a_stranger_reads_them() {
    let world = World::sandbox(vec![]);
    let operation = signed_operation();
    let sent = || call(operation, &sample(operation), "1").signed();
    let wrong_zone = sent().with("X-TIMESTAMP", "2024-03-14T00:49:28Z");
    let cases = [
        ("missing_header", sent().without("X-PARTNER-ID")),
        ("malformed_header", sent().with("CHANNEL-ID", "95221")),
        ("unknown_partner", sent().with("X-PARTNER-ID", "NOBODY")),
        ("stale", sent().with("X-TIMESTAMP", "2024-03-14T06:49:28+07:00").signed()),
        ("wrong_signature", wrong_zone),
        ("used_external_id", sent().with("X-EXTERNAL-ID", USED_EXTERNAL_ID)),
        ("not_json", call_saying(operation, b"{\"a\":1,}", "1").signed()),
        ("missing_field", call_saying(operation, b"{}", "1").signed()),
        ("too_large", call_saying(operation, &vec![b' '; BODY_BYTES_MAX + 1], "1").signed()),
        ("no_such_address", Call { target: "/v1.0/elsewhere".into(), ..sent() }),
        ("wrong_method", Call { method: "PUT", ..sent() }),
    ];
    let mut text = String::new();
    for (name, call) in cases {
        let answer = world.send(call.request()).await;
        text.push_str(&format!("# {name}\n{}\n\n", answer.snapshot()));
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_query_may_be_a_form_and_its_path_is_signed_bare_by_lenient_merchants_only() {
    let world = World::sandbox(vec![]);
    let operation = contract::operations().find(|o| o.input() == Input::QueryOrForm).expect("there is one");
    let queried = |partner: &str, id: &str| call(operation, &sample(operation), id).with("X-PARTNER-ID", partner);
    let bare = |partner: &str, id: &str| {
        let sent = queried(partner, id);
        let path = operation.paths()[0].to_owned();
        let signed = Call { target: path, ..sent.clone() }.signed();
        Call { target: sent.target, ..signed }
    };
    for (sent, trusted) in [
        (queried(MERCHANT, "1").signed(), true),
        (bare(MERCHANT, "2"), true),
        (queried(STRICT, "3").signed(), true),
        (bare(STRICT, "4"), false),
    ] {
        let answer = world.send(sent.request()).await;
        assert_eq!(answer.status != 401, trusted, "{sent:?} {answer:?}");
    }
    // The sample names a product; the default does not depend on which connectors there are.
    let mut fields = sample(operation);
    put(&mut fields, "scopes", json!("DEFAULT"));
    let sent = call(operation, &fields, "5");
    let (path, query) = sent.target.split_once('?').expect("a query");
    let form = Call { target: path.to_owned(), body: query.as_bytes().to_vec(), ..sent.clone() };
    let answer = world.send(form.with("Content-Type", "application/x-www-form-urlencoded").signed().request()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
