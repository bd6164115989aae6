//! The rules that every entry keeps, and what is said about entries that break them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, sync::Arc};

use lifecycle::biller::{BillerProduct, Category, Pricing};
use money::Amount;

use super::{Catalogue, FILES, limits};

/// The connectors that products may name.
const CONNECTORS: [&str; 3] = ["digiflazz", "iak", "json_biller"];

/// Espay's codes, as far as its public pages print them; all others are ours.
const ESPAY_CODES: &[&str] = &[
    "SLYLPR20",
    "SLYLPR50",
    "SLYLPR100",
    "SLYLPR200",
    "SLYLPR500",
    "SLYLPR1000",
    "SLYLPR5000",
    "SLYLPR10000",
    "SLYLPR50000",
    "SLYLPO",
    "SLYLNT",
    "BPJSKS",
    "SLYPLJ",
    "SLYATR",
    "SLYATG",
    "SLYPDB",
    "SLYPDD",
    "SLYPDK",
    "SLYPDL",
    "SLYPDM",
    "SLYPDP",
    "SVHTS50",
    "SPBTHL",
    "SPBIMT",
    "SPBXPL",
    "SPBBRU",
    "SLYTFC",
    "SPBFRE",
    "SPBERE",
    "SVH",
    "SVHOVO000",
    "SVHGJ000",
    "SVHDN000",
    "SVHSP000",
    "SVHLAJ000",
    "SINCBN",
    "SINISN",
    "SINCTR",
    "STBFRM",
    "SLYTSD",
    "STBIDV",
    "STASMF",
    "SCCANZ",
];

fn product(code: &str) -> Arc<BillerProduct> {
    Arc::clone(Catalogue::builtin().product(code).unwrap_or_else(|| panic!("there is no {code}")))
}

#[test]
fn every_file_is_read_and_every_category_has_products() {
    let catalogue = Catalogue::builtin();
    assert!(catalogue.products().len() >= 250, "there are only {}", catalogue.products().len());
    assert_eq!(FILES.map(|(category, _)| category), Category::ALL, "a file per category, in their order");
    for category in Category::ALL {
        assert!(catalogue.products().any(|product| product.category == category), "{} is empty", category.name());
    }
    let order: Vec<_> = catalogue.products().map(|product| product.category).collect();
    assert!(order.is_sorted(), "products come in the order of the categories");
    for product in catalogue.products() {
        assert_eq!(catalogue.product(product.code.as_str()), Some(product));
    }
}

#[test]
fn every_product_keeps_the_rules() {
    for product in Catalogue::builtin().products() {
        let code = product.code.as_str();
        assert!((1..=limits::CODE_LENGTH_MAX).contains(&code.len()), "{code}");
        assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{code}");
        assert!(!product.operator.is_empty() && !product.name.is_empty(), "{code}");
        assert!(!product.sources.is_empty() && !product.data_fields.is_empty(), "{code}");
        for source in &product.sources {
            assert!(CONNECTORS.contains(&source.connector.as_str()), "{code} is sold by {}", source.connector);
        }
        assert!(product.order.allows(&product.sample_order), "{code}: {}", product.sample_order);
        assert!(!product.order.allows("") && !product.order.allows("not a number"), "{code}");
        let quote = product.price.quote(Amount::rupiah(limits::RUPIAH_MAX)).unwrap();
        assert!(quote.reserved().unwrap().sen().to_string().len() <= 17, "{code}: amount is String (17)");
    }
}

#[test]
fn denominations_are_whole_rupiah_and_stand_in_code_and_name() {
    for product in Catalogue::builtin().products() {
        let Pricing::Denomination { face, bill_amount } = product.pricing else { continue };
        assert_eq!((face.sen() % 100, bill_amount.sen() % 100), (0, 0), "{}", product.code);
        let thousands = face.sen() / 100_000;
        assert!(product.code.as_str().ends_with(&thousands.to_string()), "{} delivers {face:?}", product.code);
        let digits = product.name.rsplit(' ').next().unwrap().replace('.', "");
        assert_eq!(digits, (face.sen() / 100).to_string(), "{}", product.name);
    }
}

#[test]
fn espays_codes_are_all_there_and_no_other_is_said_to_be_espays() {
    let listed: BTreeSet<&str> = ESPAY_CODES.iter().copied().collect();
    let catalogue = Catalogue::builtin();
    let said: BTreeSet<&str> =
        catalogue.products().filter(|product| !product.own_code).map(|product| product.code.as_str()).collect();
    assert_eq!(said, listed);
}

#[test]
fn the_samples_amounts_come_out() {
    let check = |code: &str, bill: u32, amount: u32| {
        let product = product(code);
        let bill_amount = match product.pricing {
            Pricing::Denomination { bill_amount, .. } => bill_amount,
            Pricing::Due | Pricing::Open { .. } => Amount::rupiah(bill),
        };
        assert_eq!(bill_amount, Amount::rupiah(bill), "{code}");
        let quote = product.price.quote(bill_amount).unwrap();
        let paid = if product.admin_included { bill_amount } else { quote.amount };
        assert_eq!(paid, Amount::rupiah(amount), "{code}");
    };
    check("SLYLPR200", 200_000, 202_500);
    check("SLYLPO", 301_180, 304_680);
    check("BPJSKS", 105_000, 105_000);
    check("SVHTS50", 49_500, 53_000);
    check("SPBTHL", 125_400, 125_400);
    check("SVH", 100_000, 101_665);
    check("SVHOVO000", 100_000, 101_665);
    assert_eq!(product("BPJSKS").price.admin_fee(Amount::rupiah(105_000)), Ok(Amount::rupiah(5_000)));
    assert_eq!(product("SLYPDB").price.admin_fee(Amount::rupiah(40_000)), Ok(Amount::rupiah(3_500)));
}
