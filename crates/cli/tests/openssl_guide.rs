//! A stranger's signer works: the guide's script, with openssl and curl alone, goes from an authorisation code to a
//! payment.

use std::{path::Path, process::Command};

use crate::keepings::Keeping;
use crate::support::World;

fn run(world: &World, product: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/sign-with-openssl.sh");
    let output = Command::new("sh").arg(script).arg(world.ready_file()).env("PRODUCT", product).output();
    let output = output.expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn openssl_and_curl_alone_link_an_account_and_pay() {
    let world = World::sandbox(Keeping::Sqlite);
    let text = run(&world, "GOPAYLINK");
    let lines: Vec<&str> = text.lines().collect();
    let wanted = [
        "merchant info: 0000",
        "get auth code: 2001000",
        "authorised by the customer",
        "account binding: 2000700",
        "balance inquiry: 2001100",
        "payment host to host: 2005400",
        "confirmed by the customer",
        "debit status: 2005500",
        "paid",
    ];
    assert_eq!(lines, wanted);
}
