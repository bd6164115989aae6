//! What callers send: bodies and forms become fields, fields become commands or a fault, and a fault becomes an answer.

use std::{collections::HashSet, sync::OnceLock};

use calendar::{Instant, JakartaDay};
use catalogue::Catalogue;
use contract::{
    Call, Fault, Input, Operation, ProductFacts, ReadContext, Reading, Trust,
    biller_envelope::{self, Echo},
    document::{DEPTH_MAX, Document, MEMBERS_MAX, Node},
    envelope,
};
use lifecycle::{
    Digest, Merchant, MerchantCode, ProductCode, RequestId, Secret,
    merchant::{BillerAccess, Callbacks, LateSuccess, Mechanism, Strictness},
    request::RequestKey,
};
use serde_json::Value;

/// The longest text that a fault may put into an answer, in characters: a field's path or a reason, never a body.
const ARGUMENT_LENGTH_MAX: usize = 2_000;

/// The first byte chooses the operation, the rest is what was sent to it. The readers agree with the libraries that
/// everybody uses; what strict accepts lenient accepts; whatever is wrong is answered with a JSON object.
pub fn check(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    check_json(body);
    check_form(body);
    let operations: Vec<&dyn Operation> = contract::operations().collect();
    let operation = operations[usize::from(*choice) % operations.len()];
    let text = std::str::from_utf8(body).unwrap_or_default();
    let document = match operation.input() {
        Input::QueryOrForm => Document::read(operation.input(), text, b""),
        input => Document::read(input, "", body),
    };
    match document {
        Ok(document) => check_operation(operation, &document),
        Err(fault) => check_fault(operation, &fault),
    }
}

fn check_operation(operation: &dyn Operation, document: &Document<'_>) {
    let strict = read(operation, document, Strictness::Strict);
    let lenient = read(operation, document, Strictness::Lenient);
    let name = operation.name();
    assert!(strict.is_err() || lenient.is_ok(), "{name}: strict accepts what lenient does not: {lenient:?}");
    for fault in [strict.err(), lenient.err()].iter().flatten() {
        check_fault(operation, fault);
    }
}

fn read(operation: &dyn Operation, document: &Document<'_>, strictness: Strictness) -> Result<Reading, Fault> {
    let merchant = Merchant { strictness, ..merchant().clone() };
    let now = Instant::from_micros(1_710_377_368_000_000);
    let key = RequestKey {
        merchant: merchant.code.clone(),
        day: JakartaDay::from_number(20_240_314),
        external_id: "1".into(),
    };
    let call = Call { id: RequestId::from_bits(1), key, digest: Digest([7; 32]), received_at: now };
    let context =
        ReadContext { merchant: &merchant, now, call: &call, products: products(), catalogue: catalogue(), digest };
    contract::read(operation, document, &context)
}

fn digest(text: &str) -> Digest {
    Digest(protocol::digest::sha256(text.as_bytes()))
}

fn catalogue() -> &'static Catalogue {
    static BUILTIN: OnceLock<std::sync::Arc<Catalogue>> = OnceLock::new();
    BUILTIN.get_or_init(Catalogue::builtin)
}

fn products() -> &'static [ProductFacts] {
    static PRODUCTS: OnceLock<Vec<ProductFacts>> = OnceLock::new();
    let facts = |product: &connectors::Product| ProductFacts {
        code: product.code.into(),
        name: product.name.into(),
        bank_code: product.bank_code.into(),
        binding: product.binding,
        opens_accounts: true,
        cancels: true,
        refunds: true,
    };
    let sold = || connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products);
    PRODUCTS.get_or_init(|| sold().map(facts).collect())
}

fn merchant() -> &'static Merchant {
    static MERCHANT: OnceLock<Merchant> = OnceLock::new();
    MERCHANT.get_or_init(|| Merchant {
        code: MerchantCode::new("SGWYESSISHOP"),
        alias: None,
        name: "Yes Si Shop".into(),
        api_key: "0123456789abcdef0123456789abcdef".into(),
        products: products().iter().map(|product| ProductCode::new(product.code.as_str())).collect(),
        public_keys: vec![],
        redirect_origins: vec!["https://www.yourdomain.com".into()],
        allow_local_redirects: false,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        biller: Some(BillerAccess {
            sender_id: "SANDBOX".into(),
            username: "espay-test".into(),
            basic_password: Secret::new("test"),
            password: Secret::new("test"),
            keys: vec![Secret::new("key")],
            mechanism: Mechanism::Deposit { low_balance: None },
            products: None,
            prices: vec![],
        }),
        late_success: LateSuccess::default(),
        suspended: false,
    })
}

/// A fault is answered with a JSON object of bounded size, whatever it quotes.
fn check_fault(operation: &dyn Operation, fault: &Fault) {
    let argument = fault.argument.as_deref().unwrap_or_default();
    assert!(
        argument.chars().count() <= ARGUMENT_LENGTH_MAX,
        "{}: an argument of {} bytes",
        operation.name(),
        argument.len()
    );
    let reply = match operation.trust() {
        Trust::Biller => {
            let echo = Echo { rq_uuid: argument, now: Instant::from_micros(0) };
            biller_envelope::fault_reply(echo, fault, None)
        }
        _ => envelope::fault_reply(operation.service(), fault, None),
    };
    let json: Value = serde_json::from_slice(&reply.body).expect("an answer is JSON");
    assert!(json.is_object() && (400..600).contains(&reply.status) || operation.trust() == Trust::Biller, "{json}");
}

/// Our reader takes what the JSON library takes, but for what two readers could understand differently and for what is
/// too large; what it reads is what the library reads.
fn check_json(body: &[u8]) {
    let library = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object);
    match (Document::parse(body), library) {
        (Ok(document), Some(value)) => same(document.root(), &value),
        // A number that fits nothing is a text to us.
        (Ok(document), None) => assert!(has_number(document.root()), "we read what the library does not"),
        (Err(fault), Some(value)) => {
            let (depth, members) = (depth(&value), count(&value));
            let text = String::from_utf8_lossy(body);
            let argument = fault.argument.unwrap_or_default();
            let large = depth > DEPTH_MAX || members > MEMBERS_MAX || argument.contains("more than");
            assert!(large || argument.contains("twice") || text.contains("\\u"), "{text:?} is refused: {argument}");
        }
        (Err(_), None) => {}
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len() + members.values().map(count).sum::<usize>(),
        Value::Array(items) => items.len() + items.iter().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn has_number(node: &Node<'_>) -> bool {
    match node {
        Node::Number(_) => true,
        Node::Array(items) => items.iter().any(has_number),
        Node::Object(members) => members.iter().any(|(_, node)| has_number(node)),
        Node::Null | Node::Boolean(_) | Node::Text(_) => false,
    }
}

fn same(node: &Node<'_>, value: &Value) {
    match (node, value) {
        (Node::Null, Value::Null) => {}
        (Node::Boolean(one), Value::Bool(other)) => assert_eq!(one, other),
        (Node::Number(text), Value::Number(_)) => assert!(!text.is_empty()),
        (Node::Text(text), Value::String(other)) => assert_eq!(text, other),
        (Node::Array(nodes), Value::Array(values)) => {
            assert_eq!(nodes.len(), values.len());
            nodes.iter().zip(values).for_each(|(node, value)| same(node, value));
        }
        (Node::Object(members), Value::Object(map)) => {
            assert_eq!(members.len(), map.len(), "a name is given twice");
            for (name, node) in members {
                same(node, map.get(name.as_ref()).expect("the library has the same names"));
            }
        }
        (node, value) => panic!("{node:?} is {value} to the library"),
    }
}

/// A form that we read has the pairs that everybody reads, each name once.
fn check_form(body: &[u8]) {
    let Ok(document) = Document::parse_form(body) else { return };
    let Node::Object(members) = document.root() else { panic!("a form is an object") };
    let pairs: Vec<_> = form_urlencoded::parse(body).collect();
    assert_eq!(members.len(), pairs.len());
    for ((name, node), (known, value)) in members.iter().zip(&pairs) {
        assert_eq!((name, node), (known, &Node::Text(value.clone())));
    }
    let names: HashSet<_> = members.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), members.len());
}
