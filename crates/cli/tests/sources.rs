//! Sources of bills at the command line: how they answer, our money there beside the ledger, their prices beside ours.

use crate::{keepings::Keeping, support::World};

/// Runs it and checks how it ends and what it says, to either side.
fn check(world: &World, arguments: &[&str], code: i32, words: &str) -> String {
    let (ended, told, error) = world.run(arguments);
    assert_eq!(ended, Some(code), "{arguments:?}: {told}{error}");
    assert!(told.contains(words) || error.contains(words), "{arguments:?}: {words} is not in {told}{error}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_asked_for_its_money_and_its_prices() {
    let world = World::sandbox(Keeping::Sqlite);
    let told = check(&world, &["source", "list"], 0, "not asked");
    for source in ["digiflazz", "iak", "json_biller"] {
        assert!(told.contains(&format!("{source} can be asked: inquire bill")), "{told}");
    }
    check(&world, &["source", "float", "digiflazz"], 0, "for the first time");
    check(&world, &["source", "list"], 0, "answers");
    // What the gateway buys there is in its ledger, to the rupiah.
    check(&world, &["biller", "pay", "SVHTS50", "081218816222"], 0, "ref_id");
    let float = world.operate(&["source", "float", "digiflazz"]);
    assert_eq!((&float["moved"], &float["ledger"]), (&"0.00".into(), &"-49200.00".into()), "{float}");
    check(&world, &["source", "float", "digiflazz"], 0, "nothing moved there");

    let told = check(&world, &["source", "prices", "digiflazz"], 0, "of ours name this source");
    let row = told.lines().find(|line| line.starts_with("SVHTS50 ")).expect("the product");
    assert!(row.contains("tsel50") && row.contains("Rp 49.200") && row.contains("Rp 3.800"), "{row}");
    check(&world, &["source", "prices", "digiflazz"], 3, "its code is 83");
    let prices = world.operate(&["source", "prices", "iak", "--warnings"]);
    let rows = prices["products"].as_array().expect("products");
    assert!(rows.iter().all(|row| row["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty())), "{prices}");
    assert!(prices["products_of_source"].as_u64() > prices["products_with_warnings"].as_u64(), "{prices}");
    check(&world, &["source", "prices", "json_biller"], 3, "source_cannot");
    check(&world, &["source", "float", "nobody"], 3, "not_found");
}
