//! Tests of the shared wallet: whom it trusts, and what its pages do.

use money::Amount;

use super::{
    SANDBOX_OTP, SANDBOX_PIN, magic,
    state::B2bToken,
    trust::{Fault, Trust},
    wallet::{self, Brand, Wallet},
};
use crate::{
    CallContext, HttpRequest, HttpResponse, Step,
    tests::world::{ON_SIGHT, RETURN_URL, World, setup},
};
use lifecycle::provider::{Outcome, ProviderCall};

fn gopay() -> World {
    World::new(crate::connector("gopay").expect("a connector of this name"))
}

/// A signed status inquiry of a charge that does not exist, changed by `change` before it is sent; gives the code.
fn changed(world: &mut World, external_id: &str, change: impl FnOnce(&mut HttpRequest)) -> String {
    let charge = world.charge_call(None, ON_SIGHT, Amount::rupiah(1));
    let call = ProviderCall::InquireCharge {
        reference: charge.reference,
        provider_reference: None,
        amount: charge.amount,
        charged_at: world.clock.now,
    };
    let context =
        CallContext { account: &world.account, now: world.clock.now, token: world.token.as_ref(), external_id };
    let Step::Send(mut request) = world.connector.begin(&call, &context) else { panic!("an inquiry is sent") };
    change(&mut request);
    code(&world.send(&request))
}

fn code(response: &HttpResponse) -> String {
    let body: serde_json::Value = serde_json::from_slice(&response.body).expect("JSON");
    assert_eq!(&body["responseCode"].as_str().expect("a code")[..3], response.status.to_string());
    body["responseCode"].as_str().expect("a code").to_owned()
}

fn set(request: &mut HttpRequest, name: &str, value: &str) {
    request.headers.retain(|(key, _)| key != name);
    if !value.is_empty() {
        request.headers.push((name.into(), value.into()));
    }
}

#[test]
fn calls_are_checked_in_the_usual_order() {
    let mut world = gopay();
    world.link(ON_SIGHT).expect("a link");
    assert_eq!(changed(&mut world, "a1", |_| {}), "4045501");
    assert_eq!(changed(&mut world, "a1", |_| {}), "4095500", "an external id counts once a day");
    for (place, (name, value, expected)) in [
        ("X-TIMESTAMP", "", "4005502"),
        ("X-SIGNATURE", "", "4005502"),
        ("X-PARTNER-ID", "", "4005502"),
        ("X-EXTERNAL-ID", "", "4005502"),
        ("CHANNEL-ID", "", "4005502"),
        ("CHANNEL-ID", "123456", "4005501"),
        ("X-EXTERNAL-ID", "1234567890123456789012345678901234567", "4005501"),
        ("X-TIMESTAMP", "yesterday", "4005501"),
        ("X-TIMESTAMP", "2026-11-20T10:05:01+07:00", "4015500"),
        ("X-TIMESTAMP", "2026-11-20T10:05:00+07:00", "4015500"),
        ("X-PARTNER-ID", "somebody", "4015500"),
        ("Authorization", "", "4015501"),
        ("Authorization", "Bearer stolen", "4015501"),
        ("X-SIGNATURE", "bm9ib2R5", "4015500"),
    ]
    .into_iter()
    .enumerate()
    {
        let external_id = format!("b{place}");
        assert_eq!(changed(&mut world, &external_id, |request| set(request, name, value)), expected, "{name}: {value}");
    }
    assert_eq!(changed(&mut world, "c1", |request| request.body.push(b' ')), "4045501", "white space outside strings");
    assert_eq!(changed(&mut world, "c2", |request| request.body = b"{}".to_vec()), "4015500");
}

#[test]
fn a_token_lives_fifteen_minutes_and_an_external_id_a_day() {
    let mut world = gopay();
    world.link(ON_SIGHT).expect("a link");
    assert_eq!(changed(&mut world, "a1", |_| {}), "4045501");
    world.clock.now = world.clock.now.plus_seconds(899);
    assert_eq!(changed(&mut world, "a2", |_| {}), "4045501");
    world.clock.now = world.clock.now.plus_seconds(1);
    assert_eq!(changed(&mut world, "a3", |_| {}), "4015501");
    world.clock.now = world.clock.now.plus_seconds(24 * 3600);
    // A call that needs a token fetches a new one by itself.
    let charge = world.charge_call(None, ON_SIGHT, Amount::rupiah(1));
    assert_eq!(world.inquire(&charge), Outcome::NotFound);
    assert_eq!(changed(&mut world, "a1", |_| {}), "4045501", "yesterday's id is free again");
}

/// A payment page of a charge that needs the customer, whose number is not known.
fn payment_page(world: &mut World) -> (lifecycle::provider::Charge, String) {
    let mut charge = world.charge_call(None, ON_SIGHT, Amount::rupiah(25_000));
    charge.phone = None;
    match world.run(&ProviderCall::Charge(charge.clone())) {
        Outcome::CustomerNeeded { url, .. } => (charge, url),
        other => panic!("{other:?}"),
    }
}

fn get(world: &mut World, url: &str) -> String {
    let request = HttpRequest { method: "GET", url: url.into(), headers: vec![], body: vec![] };
    String::from_utf8(world.send(&request).body).expect("UTF-8")
}

fn post(world: &mut World, url: &str, form: &str) -> String {
    let request = HttpRequest { method: "POST", url: url.into(), headers: vec![], body: form.into() };
    let response = world.send(&request);
    assert_eq!(response.status, 303, "a post leads back to the page");
    let location = response.header("Location").expect("an address").to_owned();
    assert!(location.starts_with("/pages/"), "no form leads to another origin");
    get(world, &location)
}

fn linking_page(world: &mut World) -> String {
    let call = ProviderCall::StartAuthorisation {
        auth_code: lifecycle::AuthCodeId::from_bits(1),
        state: "s".into(),
        return_url: RETURN_URL.into(),
        lang: "en".into(),
        phone: Some(ON_SIGHT.into()),
    };
    let Outcome::AuthoriseAt { url } = world.run(&call) else { panic!("a page") };
    let request = HttpRequest { method: "GET", url, headers: vec![], body: vec![] };
    world.send(&request).header("Location").expect("the page").to_owned()
}

#[test]
fn a_number_is_asked_for_and_taken_as_people_write_it() {
    let mut world = gopay();
    let (charge, url) = payment_page(&mut world);
    assert!(get(&mut world, &url).contains("name=\"phone\""));
    assert!(post(&mut world, &url, "phone=nonsense").contains("Nomor ponsel tidak benar."));
    assert!(post(&mut world, &url, "phone=628990000001").contains("tidak terdaftar"));
    assert!(post(&mut world, &url, "phone=0812-3456-7001").contains("name=\"pin\""));
    assert!(post(&mut world, &url, "pin=000000").contains("PIN salah."));
    assert!(post(&mut world, &url, &format!("pin={SANDBOX_PIN}")).contains("Pembayaran berhasil."));
    assert!(matches!(world.inquire(&charge), Outcome::Charged { .. }));
    // Sent again, nothing happens again.
    post(&mut world, &url, &format!("pin={SANDBOX_PIN}"));
    let books = world.imitation.books();
    assert_eq!(books.accounts.iter().filter(|account| account.cash != account.opening).count(), 1);
}

#[test]
fn one_time_codes_end_and_are_sent_again_after_a_minute() {
    let mut world = gopay();
    let url = linking_page(&mut world);
    let page = get(&mut world, &url);
    assert!(page.contains("autocomplete=\"one-time-code\"") && page.contains("inputmode=\"numeric\""), "{page}");
    assert!(page.contains("disabled") && page.contains("Another code can be sent in 60 seconds"), "{page}");
    assert!(post(&mut world, &url, &format!("otp={}", magic::OTP_EXPIRED)).contains("The code has expired."));
    assert!(post(&mut world, &url, "action=resend").contains("Another code cannot be sent yet."));
    world.clock.now = world.clock.now.plus_seconds(magic::OTP_SECONDS);
    assert!(post(&mut world, &url, &format!("otp={SANDBOX_OTP}")).contains("The code has expired."));
    assert!(get(&mut world, &url).contains("Send the code again"));
    assert!(
        !post(&mut world, &url, "action=resend").contains("class=\"error\" role=\"alert\" aria-live=\"assertive\">A")
    );
    assert!(post(&mut world, &url, &format!("otp={SANDBOX_OTP}")).contains("name=\"pin\""));
}

#[test]
fn three_wrong_codes_or_one_magic_one_lock_the_customer_out() {
    for forms in [
        vec!["otp=000000", "otp=000001", "otp=000002"],
        vec!["otp=999999"],
        vec!["otp=123456", "pin=1", "pin=2", "pin=3"],
    ] {
        let mut world = gopay();
        let url = linking_page(&mut world);
        let (last, earlier) = forms.split_last().expect("forms");
        for form in earlier {
            assert!(post(&mut world, &url, form).contains("<form"), "{form}");
        }
        let page = post(&mut world, &url, last);
        assert!(page.contains("Too many tries.") && !page.contains("<form"), "{page}");
        let request = HttpRequest { method: "GET", url: format!("{url}/return"), headers: vec![], body: vec![] };
        let back = world.send(&request);
        let location = back.header("Location").expect("an address").to_owned();
        assert!(
            location.starts_with(RETURN_URL)
                && location.contains("authCode=null")
                && location.contains("errCode=4031004"),
            "{location}"
        );
    }
}

#[test]
fn cancelling_and_waiting_too_long_end_a_page() {
    let mut world = gopay();
    let url = linking_page(&mut world);
    assert!(post(&mut world, &url, "action=cancel").contains("You cancelled."));
    let url = linking_page(&mut world);
    world.clock.now = world.clock.now.plus_seconds(super::wallet::PAGE_SECONDS);
    assert!(get(&mut world, &url).contains("Your time is over."));
}

#[test]
fn pages_change_language_carry_a_style_and_end_in_a_404() {
    let mut world = gopay();
    let url = linking_page(&mut world);
    assert!(get(&mut world, &url).contains("<html lang=\"en\">"));
    assert!(get(&mut world, &format!("{url}?lang=id")).contains("<html lang=\"id\">"));
    assert!(get(&mut world, &url).contains("Hubungkan akun"), "the choice stays");
    assert!(get(&mut world, "/assets/wallet.css").contains("--brand:#007a0a"));
    for gone in ["/pages/nothing", "/elsewhere", &format!("{url}/other")] {
        let request = HttpRequest { method: "GET", url: gone.into(), headers: vec![], body: vec![] };
        assert_eq!(world.send(&request).status, 404, "{gone}");
    }
}

/// WCAG's contrast with white, in whole numbers.
#[test]
fn white_text_is_readable_on_every_wallets_colour() {
    for connector in crate::tests::world::wallets() {
        let mut world = World::new(connector);
        let style = get(&mut world, "/assets/wallet.css");
        let colour = style.split_once("--brand:#").expect("a colour").1;
        let part = |at: usize| u64::from_str_radix(&colour[at..at + 2], 16).expect("hexadecimal digits");
        // A square stands in for the power of 2.4 and makes every colour lighter: what passes here passes there.
        let light = (2126 * part(0).pow(2) + 7152 * part(2).pow(2) + 722 * part(4).pow(2)) / (255 * 255);
        assert!(10_500 * 10 >= 45 * (light + 500), "{}: {light}", world.name());
    }
}

#[test]
fn a_charge_is_made_once_whatever_is_repeated() {
    let mut world = gopay();
    let (_, provider) = world.link(ON_SIGHT).expect("a link");
    let charge = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(25_000));
    let first = world.run(&ProviderCall::Charge(charge.clone()));
    assert!(matches!(first, Outcome::Charged { .. }));
    assert_eq!(
        world.run(&ProviderCall::Charge(charge.clone())),
        first,
        "a repeat that agrees is answered as the first was"
    );
    let other = lifecycle::provider::Charge { amount: Amount::rupiah(26_000), ..charge.clone() };
    let unclear = world.run(&ProviderCall::Charge(other));
    assert!(matches!(unclear, Outcome::Unknown(code) if code == "code 4045418"));
    let books = world.imitation.books();
    assert_eq!(books.charges[0].requests, 3);
    let account = books.accounts.iter().find(|account| account.phone == ON_SIGHT).expect("an account");
    assert_eq!(account.opening.checked_sub(account.cash), Ok(Amount::rupiah(25_000)));
}

#[test]
fn more_than_the_account_holds_is_refused_and_moves_nothing() {
    let mut world = gopay();
    let (_, provider) = world.link(ON_SIGHT).expect("a link");
    let charge = world.charge_call(Some(provider), ON_SIGHT, Amount::rupiah(10_000_001));
    assert_eq!(world.pay(&charge, ON_SIGHT), Outcome::Refused(lifecycle::Reason::InsufficientFunds));
    assert!(world.imitation.books().accounts.iter().all(|account| account.cash == account.opening));
}

#[test]
fn a_payment_under_way_keeps_a_shopeepay_link() {
    let mut world = World::new(crate::connector("shopeepay").expect("a connector of this name"));
    let (link, provider) = world.link(ON_SIGHT).expect("a link");
    let charge = world.charge_call(Some(provider.clone()), ON_SIGHT, Amount::rupiah(600_000));
    let Outcome::CustomerNeeded { url, .. } = world.run(&ProviderCall::Charge(charge.clone())) else {
        panic!("a page")
    };
    let call = ProviderCall::Unbind { link, provider, phone: None };
    assert_eq!(world.run(&call), Outcome::Refused(lifecycle::Reason::NotPermitted));
    world.browse(&url, ON_SIGHT);
    assert_eq!(world.run(&call), Outcome::Unlinked);
}

#[test]
fn a_wallet_may_take_only_the_newest_token() {
    static NEWEST: Brand = Brand {
        connector: "newest",
        title: "Newest",
        colour: "#000000",
        trust: Trust {
            scheme: crate::Scheme::Symmetric,
            newest_token_only: true,
            expires_in_number: false,
            empty_body: crate::snap::EmptyBody::Nothing,
            customer_token_paths: &[],
            tokenless_paths: &["/free"],
        },
        link_steps: &[],
        payment_steps: &[],
        api: |wallet, _, _| wallet.gone().into(),
        return_query: wallet::plain_return,
        charge_notice: wallet::plain_charge_notice,
        link_notice: wallet::plain_link_notice,
        refunds: None,
    };
    let mut wallet = Wallet::new(&NEWEST, setup());
    let now = calendar::Instant::parse("2026-11-20T10:00:00+07:00").expect("a time");
    let issued = |token: &str| B2bToken { token: token.into(), issued_at: now };
    wallet.state.tokens = vec![issued("older"), issued("newer")];
    for (path, token, expected) in [
        ("/any", "older", Err(Fault::new(401, "01"))),
        ("/any", "newer", Ok(())),
        ("/any", "", Err(Fault::new(401, "01"))),
        ("/free", "", Ok(())),
    ] {
        let (secret, at) = (wallet.setup.client_secret.clone(), now.wire_text());
        let signature = protocol::signature::sign_symmetric(secret.as_bytes(), "POST", path, token, b"{}", &at);
        let mut request = HttpRequest { method: "POST", url: path.into(), headers: vec![], body: b"{}".to_vec() };
        for (name, value) in [
            ("X-TIMESTAMP", at.as_str()),
            ("X-SIGNATURE", &signature),
            ("X-PARTNER-ID", &wallet.setup.client_id),
            ("X-EXTERNAL-ID", &format!("{path}{token}")),
            ("CHANNEL-ID", "12345"),
            ("Authorization", &format!("Bearer {token}")),
        ] {
            set(&mut request, name, value);
        }
        assert_eq!(wallet.trust(&request, now), expected, "{path} {token}");
    }
}
