//! The rules that every entry keeps, and what is said about entries that break them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, sync::Arc};

use calendar::Instant;
use lifecycle::biller::{BillerProduct, Category, Pricing, Window};
use money::Amount;
use proptest::prelude::*;

use super::{Catalogue, CatalogueError, Closed, ClosedBy, FILES, limits, parse};

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

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
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

/// A whole entry; each line can be taken away or replaced.
const ENTRY: &str = r#"
[[product]]
code = "SLYLPR25"
name = "Token PLN 25.000"
operator = "PLN"
order = { name = "Meter number", min = 11, max = 12 }
sample_order = "520520795556"
needs_inquiry = true
pricing = { denomination = 25000 }
additional = [{ name = "month", mandatory = false, length_max = 2, digits = true }]
data_fields = ["customer_id"]
receipt_fields = ["Token"]
price = { admin_fee = 2500 }
cut_off = "23:00-01:00"
sources = [{ connector = "iak", sku = "x" }]
"#;

/// The entry with the line of this field replaced; an empty line takes the field away.
fn entry_with(field: &str, line: &str) -> String {
    let begins = format!("{field} =");
    let lines: Vec<_> = ENTRY.lines().map(|old| if old.starts_with(&begins) { line } else { old }).collect();
    assert!(lines.join("\n") != ENTRY.trim_end(), "{field} is in the entry");
    lines.join("\n")
}

fn refusal(text: &str) -> String {
    parse(text, Category::PlnPrepaid).unwrap_err().to_string()
}

#[test]
fn a_whole_entry_is_read() {
    let products = parse(ENTRY, Category::PlnPrepaid).unwrap();
    let product = &products[0];
    assert_eq!(product.code.as_str(), "SLYLPR25");
    assert_eq!(product.cut_off, Some(Window { from_minute: 23 * 60, to_minute: 60 }));
    assert_eq!((product.additional[0].length_max, product.additional[0].digits), (2, true));
    assert_eq!((product.own_code, product.admin_included), (false, false));
    assert_eq!(product.price.admin_fee_sen, 250_000);
}

#[test]
fn what_is_wrong_names_file_product_and_field() {
    let check = |field: &str, line: &str, expected: &str| {
        let text = refusal(&entry_with(field, line));
        let code = if field == "code" { "product" } else { "product SLYLPR25: " };
        assert!(text.starts_with(&format!("pln_prepaid.toml: {code}")), "{text}");
        assert!(text.contains(expected), "{line}: {text}");
    };
    for field in
        ["name", "operator", "order", "sample_order", "needs_inquiry", "pricing", "data_fields", "price", "sources"]
    {
        check(field, "", &format!("{field}: must be there"));
    }
    check("code", "", "product number 1: code: must be there");
    check("code", r#"code = "slylpr25""#, "code: 1 to 16 capital");
    check("code", r#"code = "SLYLPR25000000000""#, "code: 1 to 16 capital");
    check("code", "code = 25", "code: ");
    check("name", r#"name = "  ""#, "name: 1 to 64");
    check("name", "nmae = 1", "nmae: there is no such field");
    check("operator", r#"operator = """#, "operator: 1 to 64");
    check("order", r#"order = { name = "N", min = 12, max = 11 }"#, "order: min and max");
    check("order", r#"order = { name = "N", min = 0, max = 11 }"#, "order: min and max");
    check("order", r#"order = { name = "N", min = 1, max = 33 }"#, "order: min and max");
    check("order", r#"order = { name = "N", min = 1, max = 12, prefixes = ["52"] }"#, "order.prefixes: ");
    check("order", r#"order = { name = "N", min = 2, max = 12, prefixes = ["A"] }"#, "order.prefixes: ");
    check("order", r#"order = { name = "N", min = 2 }"#, "order: missing field `max`");
    check("sample_order", r#"sample_order = "1""#, "sample_order: 1 breaks");
    check("needs_inquiry", r#"needs_inquiry = "yes""#, "needs_inquiry: invalid type");
    check("pricing", "pricing = { denomination = 0 }", "pricing: whole rupiah from 1");
    check("pricing", "pricing = { denomination = 1.5 }", "pricing: invalid type");
    check("pricing", "pricing = { denomination = -1 }", "pricing: invalid value");
    check("pricing", "pricing = { denomination = 1000000000 }", "pricing: whole rupiah from 1 to 999999999");
    check("pricing", "pricing = { open = { min = 2, max = 1 } }", "pricing: min is above max");
    check("pricing", "pricing = { open = { min = 1, max = 2 } }", "additional: an inquiry for an open amount");
    check("pricing", r#"pricing = "free""#, "pricing: unknown variant");
    check(
        "additional",
        r#"additional = [{ name = "a", mandatory = true, length_max = 0 }]"#,
        "additional.length_max: ",
    );
    check("data_fields", "data_fields = []", "data_fields: from 1 to 32");
    check("data_fields", r#"data_fields = ["a", "a"]"#, "data_fields: a is there twice");
    check("receipt_fields", r#"receipt_fields = [""]"#, "receipt_fields: 1 to 64");
    check("price", "price = { admin_fee = 0, admin_fee_bp = 10001 }", "price.admin_fee_bp: at most");
    check("price", "price = { fee = 1 }", "price: missing field `admin_fee`");
    check("price", "price = { admin_fee = 0, margin = 4000000000 }", "price.margin: whole rupiah");
    check("sources", "sources = []", "sources: from 1 to 8");
    check("sources", r#"sources = [{ connector = "a b", sku = "x" }]"#, "sources: connector and sku are words");
    check(
        "sources",
        r#"sources = [{ connector = "a", sku = "x" }, { connector = "a", sku = "x" }]"#,
        "a x is there twice",
    );
    for bad in ["23:00", "23:00-24:00", "23:00-23:60", "9:00-10:00", "+9:00-10:00", "01:00-01:00", "23.00-01.00", ""] {
        check("cut_off", &format!(r#"cut_off = "{bad}""#), "cut_off: ");
    }
    check("receipt_fields", r#"category = "pdam""#, "category: the file's name says it already");
    check("receipt_fields", r#"like = "nothing""#, "like: there is no template nothing");
}

#[test]
fn lists_have_limits() {
    let check = |field: &str, begin: &str, item: &dyn Fn(usize) -> String, end: &str, limit: usize| {
        let line = |count: usize| {
            let items: Vec<_> = (0..count).map(item).collect();
            entry_with(field, &format!("{field} = {begin}{}{end}", items.join(", ")))
        };
        parse(&line(limit), Category::Pdam).unwrap();
        let text = parse(&line(limit + 1), Category::Pdam).unwrap_err().to_string();
        assert!(text.contains(&format!("product SLYLPR25: {field}")) && text.contains(&limit.to_string()), "{text}");
    };
    let source = |n| format!("{{ connector = \"c\", sku = \"{n}\" }}");
    check("sources", "[", &source, "]", limits::SOURCES_MAX);
    let additional = |n| format!("{{ name = \"a{n}\", mandatory = false, length_max = 1 }}");
    check("additional", "[", &additional, "]", limits::ADDITIONAL_MAX);
    check("data_fields", "[", &|n| format!("\"f{n}\""), "]", limits::FIELDS_MAX);
    check("receipt_fields", "[", &|n| format!("\"f{n}\""), "]", limits::FIELDS_MAX);
    let order = "{ name = \"N\", min = 11, max = 12, prefixes = [";
    check("order", order, &|_| "\"52\"".to_owned(), "] }", limits::PREFIXES_MAX);
}

#[test]
fn a_code_is_used_once_in_all_files() {
    let files = [(Category::PlnPrepaid, ENTRY), (Category::Pdam, ENTRY)];
    let text = Catalogue::from_files(&files).unwrap_err().to_string();
    assert_eq!(text, "pdam.toml: product SLYLPR25: this code is there twice");
}

#[test]
fn several_files_together_keep_the_limits_too() {
    let defaults = operators("A", "internet").replace("[[product]]\ncode = \"A\"\n", "[defaults]\n");
    let products: String = (0..limits::PRODUCTS_MAX).map(|n| format!("[[product]]\ncode = \"N{n}\"\n")).collect();
    let full = Catalogue::default().with_products("mine.toml", &format!("{defaults}\n{products}")).unwrap();
    assert_eq!(full.products().len(), limits::PRODUCTS_MAX);
    let text = full.with_products("more.toml", &operators("A", "pdam")).unwrap_err().to_string();
    assert_eq!(text, "more.toml: there are more than 10000 products");
    let time = "[[maintenance]]\nfrom = \"2026-11-21 23:00:00\"\nto = \"2026-11-22 01:00:00\"\n";
    let full = Catalogue::default().with_products("mine.toml", &time.repeat(limits::MAINTENANCE_MAX)).unwrap();
    let text = full.with_products("more.toml", time).unwrap_err().to_string();
    assert_eq!(text, "more.toml: there are more than 1000 times of maintenance");
}

#[test]
fn what_is_due_needs_an_inquiry() {
    let text = entry_with("needs_inquiry", "needs_inquiry = false");
    let text = text.replace("pricing = { denomination = 25000 }", "pricing = \"due\"");
    assert!(refusal(&text).contains("pricing: what is due is learned by an inquiry"));
}

#[test]
fn a_file_is_refused_as_a_whole() {
    assert_eq!(refusal("[[product"), "pln_prepaid.toml: this is not TOML");
    assert!(refusal("[products]").starts_with("pln_prepaid.toml: `products` is none of"));
    assert!(refusal("[template]\na = 1").contains("`template` is none of"));
    assert!(refusal("product = [1]").contains("`product` is none of"));
    assert!(refusal("product = 1").contains("`product` is none of"));
    assert!(
        refusal("[[maintenance]]\nfrom = \"2026-01-01 00:00:00\"\nto = \"2026-01-01 01:00:00\"")
            .contains("`maintenance`")
    );
    assert_eq!(refusal(&ENTRY.repeat(2)), "pln_prepaid.toml: product SLYLPR25: this code is there twice");
    assert_eq!(refusal("[defaults]\ncode = \"A\""), "pln_prepaid.toml: defaults: code: only a product has one");
    assert_eq!(refusal("[template.a]\nlike = \"b\""), "pln_prepaid.toml: template a: like: only a product has one");
    let long = "#".repeat(limits::FILE_BYTES_MAX + 1);
    assert_eq!(refusal(&long), "pln_prepaid.toml: there are more than 1048576 bytes");
    let many = "[[product]]\n".repeat(limits::PRODUCTS_MAX + 1);
    assert_eq!(refusal(&many), "pln_prepaid.toml: there are more than 10000 products");
    assert!(matches!(parse("[[product", Category::Pdam), Err(CatalogueError::Syntax { .. })));
}

#[test]
fn an_entry_goes_before_its_template_and_that_before_the_defaults() {
    let text = r#"
        [defaults]
        operator = "D"
        name = "D"
        needs_inquiry = true
        pricing = "due"
        order = { name = "N", min = 1, max = 2 }
        sample_order = "1"
        data_fields = ["x"]
        price = { admin_fee = 0 }
        sources = [{ connector = "a", sku = "b" }]
        [template.t]
        operator = "T"
        name = "T"
        [[product]]
        code = "A"
        like = "t"
        name = "P"
        [[product]]
        code = "B"
    "#;
    let products = parse(text, Category::Internet).unwrap();
    let said: Vec<_> = products.iter().map(|p| (p.name.as_str(), p.operator.as_str(), p.category)).collect();
    assert_eq!(said, [("P", "T", Category::Internet), ("D", "D", Category::Internet)]);
}

/// The entry with its category, as an operator writes it.
fn operators(code: &str, category: &str) -> String {
    let category = format!("code = \"{code}\"\ncategory = \"{category}\"");
    entry_with("code", &category)
}

#[test]
fn an_operators_file_adds_and_replaces() {
    let builtin = Catalogue::builtin();
    let count = builtin.products().len();
    let more = builtin.with_products("mine.toml", &operators("SLYLPR25", "pln_prepaid")).unwrap();
    assert_eq!(more.products().len(), count + 1);
    assert!(more.products().map(|product| product.category).is_sorted());
    assert_eq!(more.product("SLYLPO"), builtin.product("SLYLPO"));
    assert_eq!(builtin.product("SLYLPR25"), None);
    let replaced = builtin.with_products("mine.toml", &operators("SLYLPO", "pln_prepaid")).unwrap();
    assert_eq!(replaced.products().len(), count);
    assert_eq!(replaced.product("SLYLPO").unwrap().category, Category::PlnPrepaid);
    for product in replaced.products() {
        assert_eq!(replaced.product(product.code.as_str()), Some(product));
    }
}

#[test]
fn an_operators_file_is_refused_by_name() {
    let refusal = |text: &str| Catalogue::builtin().with_products("mine.toml", text).unwrap_err().to_string();
    assert_eq!(
        refusal(ENTRY),
        "mine.toml: product SLYLPR25: category: must be there, in the entry, its template or the defaults"
    );
    assert!(refusal(&operators("A", "water")).starts_with("mine.toml: product A: category: one of pln_prepaid, "));
    let maintenance = |lines: &str| refusal(&format!("[[maintenance]]\n{lines}"));
    let start = "from = \"2026-11-21 23:00:00\"\n";
    assert_eq!(maintenance(start), "mine.toml: maintenance number 1: to: must be there");
    assert_eq!(
        maintenance(&format!("{start}to = \"2026-11-21 23:00:00\"")),
        "mine.toml: maintenance number 1: to: must be after from"
    );
    for bad in ["2026-11-21T23:00:00", "2026-11-21 23:00", "2026-11-21 23:00:00Z", "2026-02-30 00:00:00", "now"] {
        let text = maintenance(&format!("from = \"{bad}\""));
        assert_eq!(
            text,
            format!("mine.toml: maintenance number 1: from: {bad} is not a time like 2026-11-21 23:00:00")
        );
    }
    assert_eq!(maintenance("until = 1"), "mine.toml: maintenance number 1: until: there is no such field");
    let rest = format!("{start}to = \"2026-11-22 01:00:00\"\n");
    assert_eq!(
        maintenance(&format!("products = [\"NOBODY\"]\n{rest}")),
        "mine.toml: maintenance number 1: products: there is no product NOBODY"
    );
    let many = format!("[[maintenance]]\n{rest}").repeat(limits::MAINTENANCE_MAX + 1);
    assert_eq!(refusal(&many), "mine.toml: there are more than 1000 times of maintenance");
}

#[test]
fn the_cut_off_reaches_over_midnight_and_says_until_when() {
    let catalogue = Catalogue::builtin();
    let check = |code: &str, now: &str, until: Option<&str>| {
        let closed = catalogue.closed(&product(code), at(now));
        assert_eq!(closed.as_ref().map(Closed::until_text).as_deref(), until, "{code} at {now}");
        assert!(closed.is_none_or(|closed| closed.why == ClosedBy::CutOff));
    };
    for code in ["SLYLPR20", "SLYLPO", "SLYLNT"] {
        check(code, "2026-11-21T22:59:59+07:00", None);
        check(code, "2026-11-21T23:00:00+07:00", Some("2026-11-22 01:00:00"));
        check(code, "2026-12-31T23:59:59.999+07:00", Some("2027-01-01 01:00:00"));
        check(code, "2026-11-22T00:59:59+07:00", Some("2026-11-22 01:00:00"));
        check(code, "2026-11-22T01:00:00+07:00", None);
    }
    check("BPJSKS", "2026-11-21T23:30:00+07:00", None);
    let with_cut_off = catalogue.products().filter(|product| product.cut_off.is_some());
    assert!(with_cut_off.map(|product| product.operator.as_str()).all(|operator| operator == "PLN"));
}

#[test]
fn a_catalogue_without_cut_offs_is_open_at_midnight_and_else_the_same() {
    let builtin = Catalogue::builtin();
    let open = builtin.without_cut_offs();
    let midnight = Instant::parse("2026-11-22T00:00:00+07:00").unwrap();
    assert!(open.products().all(|product| open.closed(product, midnight).is_none()));
    for (own, other) in builtin.products().zip(open.products()) {
        assert_eq!(BillerProduct { cut_off: None, ..own.as_ref().clone() }, **other);
    }
    assert_eq!(open.product("SLYLPR20").map(|product| product.code.as_str()), Some("SLYLPR20"));
}

#[test]
fn maintenance_closes_some_or_all_and_joins_the_cut_off() {
    let text = r#"
        [[maintenance]]
        products = ["SLYLPO"]
        from = "2026-11-22 00:30:00"
        to = "2026-11-22 03:00:00"
        [[maintenance]]
        from = "2026-11-22 02:00:00"
        to = "2026-11-22 04:00:00"
    "#;
    let catalogue = Catalogue::builtin().with_products("mine.toml", text).unwrap();
    let check = |code: &str, now: &str, expected: Option<(ClosedBy, &str)>| {
        let closed = catalogue.closed(&product(code), at(now));
        let said = closed.map(|closed| (closed.why, closed.until_text()));
        assert_eq!(said, expected.map(|(why, until)| (why, until.to_owned())), "{code} at {now}");
    };
    check("SLYLPO", "2026-11-21T23:30:00+07:00", Some((ClosedBy::CutOff, "2026-11-22 04:00:00")));
    check("SLYLPO", "2026-11-22T00:30:00+07:00", Some((ClosedBy::Maintenance, "2026-11-22 04:00:00")));
    check("SLYLNT", "2026-11-21T23:30:00+07:00", Some((ClosedBy::CutOff, "2026-11-22 01:00:00")));
    check("SLYLNT", "2026-11-22T01:30:00+07:00", None);
    check("BPJSKS", "2026-11-22T02:00:00+07:00", Some((ClosedBy::Maintenance, "2026-11-22 04:00:00")));
    check("BPJSKS", "2026-11-22T04:00:00+07:00", None);
    assert_eq!(catalogue.maintenance().len(), 2);
}

#[test]
fn a_product_is_shared_and_not_copied() {
    let once = Catalogue::builtin();
    assert!(Arc::ptr_eq(once.product("SLYLPO").unwrap(), Catalogue::builtin().product("SLYLPO").unwrap()));
}

/// The guide's blocks of TOML.
fn guide() -> Vec<&'static str> {
    let text = include_str!("../../../docs/guides/add-a-biller-product.md");
    text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_guide_followed_literally_adds_a_product() {
    let blocks = guide();
    let (category, file) = FILES.into_iter().find(|(category, _)| *category == Category::Pdam).unwrap();
    let products = parse(&format!("{file}\n{}", blocks[0]), category).unwrap();
    let added = products.last().unwrap();
    assert_eq!((added.code.as_str(), added.own_code, added.needs_inquiry), ("PDAMSAMPIT", true, true));
    assert_eq!(Catalogue::builtin().product("PDAMSAMPIT"), None, "the guide's code is free");
    let more = Catalogue::builtin().with_products("mine.toml", blocks[1]).unwrap();
    let added = more.product("SLYLPR25").unwrap();
    let closed = more.closed(added, at("2026-11-22T03:00:00+07:00")).unwrap();
    assert_eq!((closed.why, closed.until_text().as_str()), (ClosedBy::Maintenance, "2026-11-22 04:00:00"));
}

proptest! {
    #[test]
    fn closed_until_is_the_first_open_instant(
        seconds in 1_700_000_000i64..1_900_000_000,
        from in 0u16..1440,
        length in 1u16..1440,
        maintenance in prop::collection::vec((0i64..200_000, 1i64..100_000), 0..5),
    ) {
        let now = Instant::from_micros(seconds * 1_000_000 + 123_456);
        let mut product = BillerProduct::clone(&product("SLYLPO"));
        product.cut_off = Some(Window { from_minute: from, to_minute: (from + length) % 1440 });
        let times: String = maintenance
            .iter()
            .map(|(start, length)| {
                let from = now.plus_seconds(start - 100_000);
                let (from, to) = (from.jakarta_text(), from.plus_seconds(*length).jakarta_text());
                format!("[[maintenance]]\nproducts = [\"SLYLPO\"]\nfrom = \"{from}\"\nto = \"{to}\"\n")
            })
            .collect();
        let catalogue = Catalogue::builtin().with_products("mine.toml", &times).unwrap();
        let open = |at: Instant| {
            !product.cut_off.unwrap().contains(at)
                && !catalogue.maintenance().iter().any(|time| (time.from..time.to).contains(&at))
        };
        match catalogue.closed(&product, now) {
            None => prop_assert!(open(now)),
            Some(closed) => {
                prop_assert!(open(closed.until) && closed.until > now);
                prop_assert!(!open(now) && !open(closed.until.plus_millis(-1)));
                let mut minute = now;
                while minute < closed.until {
                    prop_assert!(!open(minute), "{minute:?} is open before {:?}", closed.until);
                    minute = minute.plus_seconds(60);
                }
            },
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\[\\[product\\]\\]|[a-z_]{1,8} = |\"[0-9:-]{0,12}\"|\\{|\\}|\\[|\\]|\n|[0-9]{1,20}){0,40}") {
        let read = parse(&text, Category::Pdam);
        prop_assert!(read.is_err() || read.is_ok_and(|products| products.is_empty()));
    }
}
