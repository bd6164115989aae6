//! What the tests of this crate share: a registered merchant and the context of a call.

use calendar::{Instant, JakartaDay};
use lifecycle::{
    Digest, Merchant, MerchantCode, ProductCode, RequestId,
    merchant::{BindingFlow, Callbacks, Strictness},
    request::RequestKey,
};

use crate::operation::{Call, ProductFacts, ReadContext};

/// The product of the samples whose binding redeems an auth code.
pub fn code_product() -> &'static str {
    product_lines()
        .find(|(_, flow)| *flow == BindingFlow::AuthCode)
        .map(|(code, _)| code)
        .expect("samples/products.txt names one")
}

fn product_lines() -> impl Iterator<Item = (&'static str, BindingFlow)> {
    include_str!("../samples/products.txt").lines().map(|line| match line.split_once(' ').expect("a code and a flow") {
        (code, "code") => (code, BindingFlow::AuthCode),
        (code, _) => (code, BindingFlow::Page),
    })
}

/// Every product of the samples, and one that opens no accounts and that the merchant does not have.
pub fn products() -> Vec<ProductFacts> {
    product_lines()
        .map(|(code, binding)| ProductFacts {
            code: code.into(),
            name: format!("Product {code}"),
            bank_code: "008".into(),
            binding,
            opens_accounts: binding == BindingFlow::Page,
        })
        .chain([ProductFacts {
            code: "ELSEWHERE".into(),
            name: "Sold to others".into(),
            bank_code: "009".into(),
            binding: BindingFlow::Page,
            opens_accounts: true,
        }])
        .collect()
}

/// The merchant of the samples, lenient.
pub fn merchant() -> Merchant {
    Merchant {
        code: MerchantCode::new("SGWYESSISHOP"),
        alias: Some("703061953400".into()),
        name: "Yes Si Shop".into(),
        api_key: "0123456789abcdef0123456789abcdef".into(),
        products: product_lines().map(|(code, _)| ProductCode::new(code)).collect(),
        public_keys: vec![],
        redirect_origins: vec!["https://www.yourdomain.com".into()],
        allow_local_redirects: false,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks::default(),
        suspended: false,
    }
}

/// The same merchant, to the letter.
pub fn strict_merchant() -> Merchant {
    Merchant { strictness: Strictness::Strict, ..merchant() }
}

/// The time of every test: that of the samples.
pub fn now() -> Instant {
    Instant::parse("2024-03-14T07:49:28+07:00").expect("a time")
}

/// The facts of a call.
pub fn call() -> Call {
    Call {
        id: RequestId::from_bits(1),
        key: RequestKey {
            merchant: MerchantCode::new("SGWYESSISHOP"),
            day: JakartaDay::from_number(20_240_314),
            external_id: "d3be5aec-155b-4b46-bfee-3fd55363d0f4".into(),
        },
        digest: Digest([7; 32]),
        received_at: now(),
    }
}

/// A digest that can be told apart in a test: the text's first bytes.
pub fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    Digest(bytes)
}

/// The context of a call of this merchant.
pub fn context<'a>(merchant: &'a Merchant, call: &'a Call, products: &'a [ProductFacts]) -> ReadContext<'a> {
    ReadContext { merchant, now: now(), call, products, digest }
}
