//! The command line: what it says when something is wrong, and that what it signs is what it verifies.

use std::{net::TcpListener, path::Path, process::Output};

use serde_json::Value;

use crate::{
    keepings::Keeping,
    support::{Process, World, eventually, gerbang},
};

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output: Output = gerbang().args(arguments).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

#[test]
fn says_what_is_wrong_and_what_to_do() {
    let world = World::sandbox(Keeping::Sqlite);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let (below, fresh) = (file.join("data"), folder.path().join("fresh"));
    for (arguments, words) in [
        (vec!["sandbox", "--listen", "127.0.0.1:0", "--data-dir", text(world.path())], "another gateway is using"),
        (vec!["sandbox", "--listen", &taken.1, "--data-dir", text(&fresh)], "is in use"),
        (vec!["sandbox", "--listen", "127.0.0.1:0", "--data-dir", text(&below)], "cannot be written"),
        (vec!["call", "no_such_thing"], "there is no operation"),
        (vec!["call", "debit_status", "--ready-file", "/nowhere/ready.json"], "cannot be read"),
        (vec!["keys", "generate", "--out", text(&file)], ""),
        (vec!["keys", "generate", "--out", text(&file)], "is there already"),
    ] {
        let (code, _, error) = run(&arguments);
        if words.is_empty() {
            assert_eq!(code, Some(0), "{arguments:?}: {error}");
            continue;
        }
        assert_eq!(code, Some(1), "{arguments:?}: {error}");
        assert!(error.contains(words) && error.contains("\nhint: "), "{arguments:?}: {error}");
    }
    let (code, _, error) = run(&["sandbox", "--no-such-option"]);
    assert_eq!(code, Some(2), "{error}");
}

#[test]
fn the_ready_file_has_its_shape_and_goes_with_the_gateway() {
    let mut world = World::new(Keeping::Sqlite);
    let elsewhere = world.path().join("elsewhere.json");
    world.start_gateway(&["--ready-file", text(&elsewhere)]);
    let ready = world.json("ready.json");
    let names = |value: &Value| {
        value.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(
        names(&ready),
        ["base_url", "biller", "biller_invoiced", "clock_file", "customer", "merchant", "operator", "products"]
    );
    assert_eq!(names(&ready["operator"]), ["checker_token", "token", "url"]);
    for (member, sender, mechanism) in
        [("biller", "SANDBOX", "deposit"), ("biller_invoiced", "SANDBOXINV", "invoicing")]
    {
        let biller = &ready[member];
        assert_eq!(names(biller), ["basic_password", "key", "mechanism", "password", "sender_id", "username"]);
        assert_eq!((&biller["sender_id"], &biller["mechanism"]), (&sender.into(), &mechanism.into()));
    }
    let seeded = &ready["biller"];
    assert_eq!((&seeded["username"], &seeded["basic_password"]), (&"espay-test".into(), &"test".into()));
    assert_eq!(names(&ready["merchant"]), ["api_key", "gateway_public_key_file", "partner_id", "private_key_file"]);
    assert_eq!(names(&ready["customer"]), ["otp", "phone_no", "pin"]);
    assert_eq!(ready["merchant"]["partner_id"], "SGWYESSISHOP");
    let products: usize = connectors::CONNECTORS.iter().map(|connector| connector.descriptor().products.len()).sum();
    assert_eq!(ready["products"].as_array().map(Vec::len), Some(products));
    let id = world.gateway.as_ref().expect("a gateway").0.id().to_string();
    let told = std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill");
    assert!(told.success());
    let status = world.gateway.as_mut().expect("a gateway").0.wait().expect("it ends");
    assert!(status.success(), "{status}");
    assert!(!world.ready_file().exists() && !elsewhere.exists(), "the ready files are gone");
}

async fn a_restart_keeps_addresses_links_and_credentials(keeping: Keeping) {
    let mut world = World::sandbox(keeping);
    let product = connectors::CONNECTORS[0].descriptor().products[0].code;
    let card = world.link(product).await;
    let (ready, places) = (world.json("ready.json"), world.json("sandbox.json"));
    world.gateway = None;
    world.start_gateway(&[]);
    assert_eq!((world.json("ready.json"), world.json("sandbox.json")), (ready, places));
    let fields = serde_json::json!({"partnerReferenceNo": "B-1", "bankCardToken": card});
    let sent = world.client().send("balance_inquiry", &fields).await.expect("sent");
    assert_eq!(sent.code().as_deref(), Some("2001100"), "{:?}", sent.reply());
}

#[test]
fn what_is_signed_verifies_and_what_is_not_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(run(&["keys", "generate", "--out", &at("shop")]).0, Some(0));
    let (private, public, body) = (at("shop.private.pem"), at("shop.public.pem"), at("body.json"));
    std::fs::write(&body, "{ \"a\": 1 }").expect("a body");
    let (code, inspected, _) = run(&["keys", "inspect", &public]);
    assert_eq!(code, Some(0));
    assert!(inspected.contains("public key") && inspected.contains("2048"), "{inspected}");
    assert_eq!(run(&["keys", "inspect", &body]).0, Some(3));
    let time = "2024-03-14T07:49:28+07:00";
    let message = |path| vec!["--path", path, "--body", &body, "--timestamp", time];
    let sign = [vec!["sign", "--key", &private], message("/a?b=c")].concat();
    let (code, signature, error) = run(&sign);
    assert_eq!(code, Some(0), "{error}");
    assert!(error.contains("POST:/a?b=c:"), "{error}");
    let claim = vec!["--public-key", &public, "--signature", signature.trim_end()];
    for (command, path, code, words) in [
        ("verify", "/a?b=c", 0, "right, made by"),
        ("verify", "/a", 3, "wrong: "),
        ("explain", "/a?b=c", 0, "string to sign"),
        ("explain", "/a?b=d", 3, "string to sign"),
    ] {
        let (ended, said, error) = run(&[vec![command], message(path), claim.clone()].concat());
        assert_eq!(ended, Some(code), "{command} {path}: {said}{error}");
        assert!(said.contains(words), "{command} {path}: {said}");
    }
}

#[test]
fn a_call_says_what_came_of_it() {
    let world = World::sandbox(Keeping::Sqlite);
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other").display().to_string();
    assert_eq!(run(&["keys", "generate", "--out", &other]).0, Some(0));
    let (ready, other) = (world.ready_file().display().to_string(), format!("{other}.private.pem"));
    let (code, listed, _) = run(&["call", "--list"]);
    assert_eq!((code, listed.lines().count()), (Some(0), contract::operations().count()));
    let (code, answer, error) = run(&["call", "inquiry_merchant_info", "--ready-file", &ready]);
    assert_eq!(code, Some(0), "{error}");
    assert!(answer.contains("\"error_code\": \"0000\""), "{answer}");
    let unknown = [
        "call",
        "debit_status",
        "--ready-file",
        &ready,
        "--json",
        r#"{"originalPartnerReferenceNo":"X","serviceCode":"54"}"#,
    ];
    let (code, answer, error) = run(&unknown);
    assert_eq!(code, Some(3), "{answer}");
    assert!(error.contains("refused: 4045501"), "{error}");
    let (code, answer, error) = run(&[unknown.as_slice(), &["--key", &other]].concat());
    assert_eq!(code, Some(3), "{answer}");
    assert!(
        error.contains("refused: 4015500") && error.contains("the gateway signs") && error.contains("hint: "),
        "{error}"
    );
}

#[test]
fn every_command_explains_itself() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for command in [
        "sandbox", "demo", "serve", "migrate", "store", "call", "biller", "sign", "verify", "explain", "keys",
        "merchant", "invoice", "ledger", "status",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{command} is missing in {help}");
        let (code, text, _) = run(&[command, "--help"]);
        assert_eq!(code, Some(0));
        assert!(text.contains("Example") || text.contains("example"), "{command} has no example: {text}");
    }
    assert!(!help.contains("imitations"), "a command for tests only");
}

/// The tests' own server does not wait for its disk: good enough for tests, not for money.
fn refuses_a_server_that_forgets(settings: &str) {
    let database = postgres_harness::TestDatabase::empty();
    if database.ask("SHOW fsync") != [["off"]] {
        return;
    }
    let (code, _, error) = run(&["serve", "--config", settings, "--store", database.url()]);
    assert!(code == Some(1) && error.contains("has fsync off"), "{error}");
}

#[tokio::test]
async fn the_production_gateway_serves_by_its_settings_and_explains_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    for name in ["gateway", "shop", "other"] {
        assert_eq!(run(&["keys", "generate", "--out", &at(name)]).0, Some(0));
    }
    std::fs::write(at("api-key"), "0123456789abcdef0123456789abcdef\n").expect("a file");
    std::fs::write(at("operator.token"), "0123456789abcdef".repeat(4)).expect("a file");
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let (port, door) = (free(), free());
    let settings = format!(
        "listen = \"{port}\"\npublic_url = \"http://{port}\"\ndata_dir = \"data\"\nstore_key_file = \"store.key\"\n\
         private_key_file = \"gateway.private.pem\"\n[[merchants]]\ncode = \"SHOP\"\nname = \"Shop\"\n\
         api_key_file = \"api-key\"\npublic_key_files = [\"shop.public.pem\"]\n\
         [operator]\nlisten = \"{door}\"\ntoken_file = \"operator.token\"\nissuer = \"Gerbang\"\n"
    );
    std::fs::write(at("gateway.toml"), settings).expect("the settings");
    let (code, _, error) = run(&["serve", "--check", "--config", &at("gateway.toml")]);
    assert_eq!(code, Some(0), "{error}");
    refuses_a_server_that_forgets(&at("gateway.toml"));
    let child = gerbang().args(["serve", "--config", &at("gateway.toml")]).stderr(std::process::Stdio::null()).spawn();
    let _gateway = Process(child.expect("the program starts"));
    let base_url = format!("http://{port}");
    let call = async |key: &str, operation: &str, json: &str| {
        let key = at(&format!("{key}.private.pem"));
        let arguments = ["call", operation, "--base-url", &base_url, "--partner-id", "SHOP", "--key", &key];
        let more = ["--api-key", "0123456789abcdef0123456789abcdef", "--json", json];
        run(&[arguments.as_slice(), &more].concat())
    };
    eventually("the gateway answers", async || {
        (call("shop", "inquiry_merchant_info", "{}").await.0 == Some(0)).then_some(())
    })
    .await;
    let question = r#"{"originalPartnerReferenceNo":"X","serviceCode":"54"}"#;
    let (code, answer, error) = call("shop", "debit_status", question).await;
    assert!(code == Some(3) && error.contains("4045501"), "{answer}{error}");
    let (code, answer, error) = call("other", "debit_status", question).await;
    assert!(code == Some(3) && error.contains("4015500"), "{answer}{error}");
    assert!(!answer.contains("debug") && !answer.contains("additionalInfo"), "{answer}");
    // Time is the computer's here, and nobody turns it.
    let (door, token) = (format!("http://{door}"), at("operator.token"));
    let door = ["--operator", &door, "--token-file", &token];
    assert_eq!(run(&[["status"].as_slice(), &door].concat()).0, Some(0));
    for turn in [["clock", "show"].as_slice(), &["clock", "advance", "3h"], &["clock", "reset"]] {
        let (code, _, error) = run(&[turn, &door].concat());
        assert!(code == Some(3) && error.contains("only the clock of a sandbox can be turned"), "{turn:?}: {error}");
    }
}

on_both_keepings! {
    a_restart_keeps_addresses_links_and_credentials,
}
