//! Every page over rows that stand in every state: status, headers, where it leads, and that a form sent twice is
//! harmless.

use calendar::Instant;
use engine::digest;
use lifecycle::{
    AccountCreationId, AuthCodeId, LinkId, MerchantCode, PaymentId, ProductCode, Reason, Row, Secret,
    account_creation::{AccountCreation, AccountCreationStatus, Person},
    auth_code::{AuthCode, AuthCodeStatus},
    linkage::{Link, LinkStatus},
    merchant::BindingFlow,
    payment::{Payment, PaymentStatus},
    provider::ProviderLink,
};
use money::Amount;

use crate::world::{Answer, Call, MERCHANT, World, key, now};

fn id(token: &str) -> u128 {
    u128::from_le_bytes(digest(token).0[..16].try_into().unwrap())
}

fn product(flow: BindingFlow) -> ProductCode {
    let mut all = connectors::CONNECTORS.iter().flat_map(|connector| connector.descriptor().products);
    all.find(|product| product.binding == flow).expect("a connector sells one").product_code()
}

fn auth_code(token: &str, status: AuthCodeStatus, expires_at: Instant) -> Row {
    Row::from(AuthCode {
        id: AuthCodeId::from_bits(id(token)),
        merchant: MerchantCode::new(MERCHANT),
        code: digest(&format!("code of {token}")),
        page: digest(token),
        plain: Some(Secret::new("a4sd5a4fsaf5d5f4df66ad85f4")),
        product: match status {
            AuthCodeStatus::Issued => None,
            _ => Some(product(BindingFlow::AuthCode)),
        },
        redirect_url: "https://www.yourdomain.com/authSuccess?shop=1".into(),
        state: "889871204&JK1I23K".into(),
        lang: "en".into(),
        phone: None,
        expires_at,
        status,
    })
}

fn link(token: &str, redirect_url: Option<&str>, status: LinkStatus) -> Row {
    Row::from(Link {
        id: LinkId::from_bits(id(token)),
        merchant: MerchantCode::new(MERCHANT),
        product: product(BindingFlow::AuthCode),
        partner_reference: format!("BIND {token}"),
        request: key(token),
        phone: None,
        lang: "id".into(),
        redirect_url: redirect_url.map(str::to_owned),
        page: digest(token),
        account_token: digest(&format!("account {token}")),
        card_token: None,
        customer_token: None,
        created_at: now(),
        status,
    })
}

fn payment(token: &str, return_url: Option<&str>, status: PaymentStatus) -> Row {
    Row::from(Payment {
        id: PaymentId::from_bits(id(token)),
        merchant: MerchantCode::new(MERCHANT),
        partner_reference: format!("INV {token}"),
        request: key(token),
        amount: Amount::parse_snap("150000.00").unwrap(),
        product: None,
        link: None,
        phone: None,
        return_url: return_url.map(str::to_owned),
        page: digest(token),
        page_token: Secret::new(token),
        created_at: now(),
        valid_until: if token == "late" { now() } else { now().plus_seconds(600) },
        asker: None,
        provider: None,
        refunding: Amount::ZERO,
        refunded: Amount::ZERO,
        status,
    })
}

fn creation(token: &str, status: AccountCreationStatus) -> Row {
    Row::from(AccountCreation {
        id: AccountCreationId::from_bits(id(token)),
        merchant: MerchantCode::new(MERCHANT),
        product: product(BindingFlow::AuthCode),
        partner_reference: format!("ACC {token}"),
        reference: "56d3b9d2-604f-47a9-89aa-03c11cfdb19e".into(),
        page: digest(token),
        person: Person { name: "Putra".into(), phone: "62821378692136".into(), ..Person::default() },
        expires_at: if token == "late" { now() } else { now().plus_seconds(600) },
        status,
    })
}

fn rows() -> Vec<Row> {
    let at = now();
    let shop = Some("https://www.yourdomain.com/done?order=1");
    let awaiting =
        |url: &str| PaymentStatus::AwaitingCustomer { url: url.into(), provider_reference: None, charged_at: at };
    let failed = || PaymentStatus::Failed { reason: Reason::InsufficientFunds, at };
    let paid = || PaymentStatus::Succeeded { provider_reference: "P1".into(), at };
    let unknown = PaymentStatus::Unknown { evidence: "internal words".into(), charged_at: at, since: at, checks: 0 };
    let life = at.plus_seconds(600);
    let authorised = || AuthCodeStatus::Authorised { provider_code: Secret::new("wallet's own") };
    vec![
        auth_code("picker", AuthCodeStatus::Issued, life),
        auth_code("late", AuthCodeStatus::Issued, at),
        auth_code("authorised", authorised(), life),
        auth_code("authorised-late", authorised(), at),
        auth_code("denied", AuthCodeStatus::Denied { reason: Reason::WrongOtp }, life),
        auth_code("used", AuthCodeStatus::Used { link: LinkId::from_bits(1) }, at),
        link("active", shop, LinkStatus::Active { provider: ProviderLink::default(), since: at }),
        link("failed", shop, LinkStatus::Failed { reason: Reason::WrongOtp, at }),
        link("alone", None, LinkStatus::Failed { reason: Reason::WrongOtp, at }),
        link("revoked", shop, LinkStatus::Revoked { at }),
        link(
            "unknown",
            shop,
            LinkStatus::Unknown { account_token: Secret::new("t"), evidence: "internal words".into(), since: at },
        ),
        payment("checkout", shop, PaymentStatus::Checkout),
        payment("late", shop, PaymentStatus::Checkout),
        payment("awaiting", shop, awaiting("https://wallet.example/pin?x=1&y=2")),
        payment("trap", shop, awaiting("javascript:alert(1)")),
        payment("unknown", shop, unknown),
        payment("paid", shop, paid()),
        payment("paid-alone", None, paid()),
        payment("failed", shop, failed()),
        creation("open", AccountCreationStatus::AwaitingPin),
        creation("late", AccountCreationStatus::AwaitingPin),
        creation("creating", AccountCreationStatus::Creating { since: at }),
        creation("created", AccountCreationStatus::Created { account_id: None, at }),
        creation("refused", AccountCreationStatus::Failed { reason: Reason::NotPermitted, at }),
    ]
}

fn browse(method: &'static str, target: &str, form: &str) -> Call {
    let headers = vec![("Content-Type", b"application/x-www-form-urlencoded".to_vec())];
    Call { method, target: target.to_owned(), headers, body: form.as_bytes().to_vec(), peer: None }
}

async fn get(world: &World, target: &str) -> Answer {
    world.send(browse("GET", target, "").request()).await
}

async fn post(world: &World, target: &str, form: &str) -> Answer {
    world.send(browse("POST", target, form).request()).await
}

const PIN: &str = "/user/account/account-creation-create-pin";

/// Address; status; what its `Location` or its text must contain.
const PAGES: &[(&str, u16, &str)] = &[
    ("/linkage/nobody", 404, "Halaman tidak ditemukan"),
    ("/linkage/nobody?lang=en", 404, "Page not found"),
    ("/linkage/nobody/return?code=1", 404, ""),
    ("/linkage/nobody/continue", 404, ""),
    ("/linkage/picker", 200, "Link a wallet or account"),
    ("/linkage/picker?lang=id", 200, "Hubungkan dompet"),
    ("/linkage/picker/return", 303, "/linkage/picker"),
    ("/linkage/picker/continue", 303, "/linkage/picker"),
    ("/linkage/late", 410, "no longer valid"),
    ("/linkage/late/return?code=1", 410, "no longer valid"),
    (
        "/linkage/authorised/return?code=2",
        303,
        "https://www.yourdomain.com/authSuccess?shop=1&authCode=a4sd5a4fsaf5d5f4df66ad85f4&state=889871204%26JK1I23K&success=true&result=success",
    ),
    ("/linkage/authorised", 303, "authCode=a4sd5a4fsaf5d5f4df66ad85f4"),
    ("/linkage/authorised-late/return", 410, "no longer valid"),
    (
        "/linkage/denied/return?code=2",
        303,
        "https://www.yourdomain.com/authSuccess?shop=1&state=889871204%26JK1I23K&success=false&result=failure&errCode=4041015&errDesc=Invalid+OTP",
    ),
    ("/linkage/used", 200, "Linked"),
    ("/binding/nobody/return", 404, ""),
    ("/binding/nobody/status", 404, ""),
    (
        "/binding/active/return?anything=1",
        303,
        "https://www.yourdomain.com/done?order=1&partnerReferenceNo=BIND+active&linkId=link_",
    ),
    ("/binding/active/status", 303, "&status=ACTIVE"),
    ("/binding/failed/status", 303, "&status=FAILED"),
    ("/binding/revoked/status", 303, "&status=INACTIVE"),
    ("/binding/alone/return", 200, "Tidak terhubung"),
    ("/binding/unknown/status", 200, "http-equiv=\"refresh\" content=\"3;url=/binding/unknown/status?lang=id\""),
    ("/pay/nobody", 404, ""),
    ("/pay/nobody/next", 404, ""),
    ("/pay/nobody/return", 404, ""),
    ("/pay/nobody/status", 404, ""),
    ("/pay/checkout", 200, "Rp 150.000"),
    ("/pay/checkout?lang=en", 200, "<html lang=\"en\">"),
    ("/pay/checkout/next", 303, "/pay/checkout"),
    ("/pay/checkout/return", 303, "/pay/checkout"),
    ("/pay/late", 410, ""),
    ("/pay/awaiting", 303, "https://wallet.example/pin?x=1&y=2"),
    ("/pay/awaiting/next", 200, "content=\"0;url=https://wallet.example/pin?x=1&#38;y=2\""),
    ("/pay/awaiting/status", 200, "content=\"3;url=/pay/awaiting/status?lang=id\""),
    ("/pay/trap", 500, ""),
    ("/pay/trap/next", 500, ""),
    ("/pay/unknown", 200, "content=\"3;url=/pay/unknown?lang=id\""),
    ("/pay/paid", 200, "Pembayaran berhasil"),
    ("/pay/paid/return", 303, "https://www.yourdomain.com/done?order=1"),
    ("/pay/paid/status", 303, "https://www.yourdomain.com/done?order=1"),
    ("/pay/paid-alone/return", 200, "Pembayaran berhasil"),
    ("/pay/failed", 200, "Saldo tidak mencukupi."),
    (PIN, 404, ""),
    ("/user/account/account-creation-create-pin?auth=nobody", 404, ""),
    ("/user/account/account-creation-create-pin?auth=open", 200, "6282•••••••136"),
    ("/user/account/account-creation-create-pin?auth=open&lang=en", 200, "PIN again"),
    ("/user/account/account-creation-create-pin?auth=late", 410, ""),
    (
        "/user/account/account-creation-create-pin?auth=creating",
        200,
        "content=\"3;url=/user/account/account-creation-create-pin?auth=creating&#38;lang=id\"",
    ),
    ("/user/account/account-creation-create-pin?auth=created", 200, "Akun sudah dibuka"),
    ("/user/account/account-creation-create-pin?auth=refused", 200, "Penyedia tidak mengizinkannya."),
];

fn check_headers(answer: &Answer, about: &str) {
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {about}");
    }
    if answer.status == 303 {
        assert!(!answer.header("location").is_empty(), "{about}");
    } else {
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{about}");
        assert!(answer.body.starts_with("<!doctype html>\n<html lang=\""), "{about}: {}", answer.body);
        for forbidden in ["<script", "style=", "onclick", "internal words", "wallet's own"] {
            assert!(!answer.body.contains(forbidden), "{forbidden} in {about}");
        }
    }
}

#[tokio::test]
async fn every_page_in_every_state() {
    let world = World::sandbox(rows());
    for (target, status, names) in PAGES {
        let answer = get(&world, target).await;
        check_headers(&answer, target);
        let found = if answer.status == 303 { answer.header("location").to_owned() } else { answer.body.clone() };
        assert_eq!(answer.status, *status, "{target}: {found}");
        assert!(found.contains(names), "{target} lacks {names}: {found}");
    }
}

#[tokio::test]
async fn what_a_browser_brings_is_no_address_to_go_to() {
    let world = World::sandbox(rows());
    for (target, _, _) in PAGES {
        let joint = if target.contains('?') { '&' } else { '?' };
        let query = "redirectURL=https://evil.example&url=https://evil.example&return_url=//evil.example&next=https://evil.example";
        let answer = get(&world, &format!("{target}{joint}{query}")).await;
        assert!(!answer.header("location").contains("evil.example"), "{target}: {answer:?}");
        assert!(!answer.body.contains("evil.example"), "{target}: {answer:?}");
    }
}

#[tokio::test]
async fn a_wallet_is_chosen_from_those_on_offer_and_choosing_twice_is_harmless() {
    let world = World::sandbox(rows());
    for form in ["", "product=", "product=NOBODYS", "product=%ff"] {
        let answer = post(&world, "/linkage/picker", form).await;
        check_headers(&answer, form);
        assert_eq!(answer.status, 422, "{form}");
        assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("id=\"product-error\""), "{form}");
    }
    let chosen = product(BindingFlow::AuthCode);
    for _ in 0..2 {
        let answer = post(&world, "/linkage/picker?lang=id", &format!("product={chosen}")).await;
        check_headers(&answer, "choice");
        assert_eq!((answer.status, answer.header("location")), (303, "/linkage/picker/continue?lang=id"));
        let code = world.engine.auth_code_by_page("picker").await.unwrap();
        assert_eq!((code.product, code.status), (Some(chosen.clone()), AuthCodeStatus::Issued));
    }
    for token in ["nobody", "late", "used"] {
        let answer = post(&world, &format!("/linkage/{token}"), &format!("product={chosen}")).await;
        assert!(matches!(answer.status, 404 | 410 | 200), "{token}: {answer:?}");
    }
    assert_eq!(post(&world, "/linkage/picker", &"a".repeat(9000)).await.status, 413);
}

#[tokio::test]
async fn a_checkout_is_corrected_field_by_field_and_cancelled_once() {
    let world = World::sandbox(rows());
    let offered = product(BindingFlow::AuthCode);
    for (form, product_is_wrong, phone_is_wrong) in [
        (String::new(), true, true),
        ("product=NOBODYS&phone=081234567890".to_owned(), true, false),
        (format!("product={offered}&phone=12"), false, true),
        (format!("product={offered}&phone=%3Cb%3E"), false, true),
    ] {
        let answer = post(&world, "/pay/checkout", &form).await;
        check_headers(&answer, &form);
        assert_eq!(answer.status, 422, "{form}");
        assert_eq!(answer.body.contains("id=\"product-error\""), product_is_wrong, "{form}");
        assert_eq!(answer.body.contains("id=\"phone-error\""), phone_is_wrong, "{form}");
        assert!(!answer.body.contains("<b>"), "{form}");
    }
    for _ in 0..2 {
        let answer = post(&world, "/pay/checkout/cancel?lang=en", "").await;
        check_headers(&answer, "cancel");
        assert_eq!((answer.status, answer.header("location")), (303, "/pay/checkout/next?lang=en"));
        let after = world.engine.payment_by_page("checkout").await.unwrap();
        assert_eq!(after.status, PaymentStatus::Failed { reason: Reason::Cancelled, at: now() });
    }
    let shown = get(&world, "/pay/checkout/next?lang=en").await;
    assert!(
        shown.body.contains("Cancelled.") && shown.body.contains("href=\"https://www.yourdomain.com/done?order=1\"")
    );
    let late = post(&world, "/pay/checkout", &format!("product={offered}&phone=081234567890")).await;
    assert_eq!(late.status, 303);
    let paid = post(&world, "/pay/paid/cancel", "").await;
    assert_eq!(paid.status, 303);
    assert_eq!(world.engine.payment_by_page("paid").await.unwrap().status.name(), "succeeded");
    assert_eq!(post(&world, "/pay/nobody", "").await.status, 404);
    assert_eq!(post(&world, "/pay/nobody/cancel", "").await.status, 404);
}

#[tokio::test]
async fn a_pin_is_corrected_and_never_shown() {
    let world = World::sandbox(rows());
    let open = format!("{PIN}?auth=open&lang=en");
    let answer = post(&world, &open, "pin=123456&pin_again=123457&password=longenough&password_again=longenougi").await;
    check_headers(&answer, "pin");
    assert_eq!(answer.status, 422);
    for field in ["pin", "pin_again", "password", "password_again"] {
        assert!(answer.body.contains(&format!("id=\"{field}-error\"")), "{field}: {}", answer.body);
    }
    for entered in ["123456", "123457", "longenough", "longenougi"] {
        assert!(!answer.body.contains(entered), "{entered} is shown");
    }
    assert_eq!(world.engine.creation_by_page("open").await.unwrap().status, AccountCreationStatus::AwaitingPin);
    let good = "pin=193746&pin_again=193746&password=kopisusu9&password_again=kopisusu9";
    for (token, status) in [("nobody", 404), ("late", 410), ("creating", 200), ("created", 200), ("refused", 200)] {
        let before = world.engine.creation_by_page(token).await.map(|creation| creation.status);
        let answer = post(&world, &format!("{PIN}?auth={token}"), good).await;
        assert_eq!(answer.status, status, "{token}");
        assert_eq!(world.engine.creation_by_page(token).await.map(|creation| creation.status), before, "{token}");
    }
}

#[tokio::test]
async fn files_are_kept_until_they_change() {
    let world = World::sandbox(vec![]);
    for (path, media_type) in
        [("/assets/gerbang.css", "text/css; charset=utf-8"), ("/assets/gerbang.svg", "image/svg+xml")]
    {
        let first = get(&world, path).await;
        assert_eq!((first.status, first.header("content-type")), (200, media_type));
        let mut again = browse("GET", path, "");
        again.headers.push(("If-None-Match", first.header("etag").as_bytes().to_vec()));
        let again = world.send(again.request()).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""));
    }
}

/// Nobody listens where the providers should be: what was certainly not sent is told as not done.
#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_told_as_it_is() {
    let world = World::sandbox(rows());
    let offered = product(BindingFlow::AuthCode);
    let form = format!("product={offered}&phone=0812-3456-7890");
    for _ in 0..2 {
        let answer = post(&world, "/pay/checkout?lang=en", &form).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/pay/checkout/next?lang=en"));
    }
    let paid_by = world.engine.payment_by_page("checkout").await.unwrap();
    assert_eq!((paid_by.product, paid_by.phone.as_deref()), (Some(offered), Some("6281234567890")));
    assert!(matches!(paid_by.status.name(), "failed" | "unknown"), "{:?}", paid_by.status);
    let shown = get(&world, "/pay/checkout/next?lang=en").await;
    check_headers(&shown, "next");
    assert!(shown.body.contains("No money was taken.") || shown.body.contains("Do not pay again."), "{}", shown.body);
    let openers = world.engine.products().iter().filter(|product| product.opens_accounts).count();
    let good = "pin=193746&pin_again=193746&password=kopisusu9&password_again=kopisusu9";
    for _ in 0..2 {
        let answer = post(&world, &format!("{PIN}?auth=open&lang=en"), good).await;
        check_headers(&answer, "pin");
        assert!(!answer.body.contains("193746") && !answer.body.contains("kopisusu9"));
        assert!(matches!(answer.status, 200 | 303), "{openers} products open accounts: {answer:?}");
    }
    let after = world.engine.creation_by_page("open").await.unwrap().status;
    assert_ne!(after.name(), "created", "nobody opened an account");
}

/// A code for which a wallet was chosen leads to the wallet, or says that the wallet cannot be reached.
#[tokio::test]
async fn a_chosen_wallet_is_led_to_by_a_page_after_a_form_and_at_once_otherwise() {
    let world = World::sandbox(rows());
    let mut led_on = 0;
    for offered in world.engine.products().iter().filter(|product| product.binding == BindingFlow::AuthCode) {
        let chosen = post(&world, "/linkage/picker", &format!("product={}", offered.code)).await;
        assert_eq!(chosen.header("location"), "/linkage/picker/continue", "{chosen:?}");
        let by_page = get(&world, "/linkage/picker/continue").await;
        let at_once = get(&world, "/linkage/picker").await;
        check_headers(&by_page, &offered.code);
        check_headers(&at_once, &offered.code);
        match at_once.status {
            303 => {
                assert!(by_page.body.contains("http-equiv=\"refresh\" content=\"0;url="), "{}", by_page.body);
                led_on += 1;
            }
            other => assert_eq!((other, by_page.status), (503, 503), "{}: {}", offered.code, at_once.body),
        }
    }
    assert!(led_on > 0, "some wallet needs no call to say where its page is");
}

#[tokio::test]
async fn a_customer_who_comes_back_without_a_code_has_cancelled_and_does_so_once() {
    let world = World::sandbox(rows());
    let chosen = product(BindingFlow::AuthCode);
    post(&world, "/linkage/picker", &format!("product={chosen}")).await;
    for _ in 0..2 {
        let answer = get(&world, "/linkage/picker/return").await;
        check_headers(&answer, "return");
        let location = answer.header("location");
        assert!(location.starts_with("https://www.yourdomain.com/authSuccess?shop=1&state="), "{location}");
        assert!(location.contains("&success=false&result=failure&errCode=4"), "{location}");
        assert!(!location.contains("authCode"), "{location}");
        let code = world.engine.auth_code_by_page("picker").await.unwrap();
        assert!(matches!(code.status, AuthCodeStatus::Denied { .. }), "{:?}", code.status);
    }
}

/// The provider does not answer within a page's wait: nothing is claimed to be done, and nothing to be failed.
#[tokio::test]
async fn what_is_not_known_after_the_wait_is_shown_as_open() {
    let mut rows = rows();
    let shop = Some("https://www.yourdomain.com/done");
    let waiting = LinkStatus::AwaitingCustomer {
        url: "https://wallet.example/link".into(),
        account_token: Secret::new("t"),
        page: Secret::new("bound"),
        provider: ProviderLink::default(),
        returned_code: None,
        expires_at: now().plus_seconds(600),
    };
    rows.push(link("bound", shop, waiting));
    let world = World::sandbox(rows);
    let (bound, paid) = tokio::join!(get(&world, "/binding/bound/return"), get(&world, "/pay/awaiting/return"));
    check_headers(&bound, "binding");
    assert!(bound.header("location").ends_with("&status=PENDING"), "{bound:?}");
    check_headers(&paid, "payment");
    assert_eq!(paid.status, 200, "{paid:?}");
    assert!(paid.body.contains("content=\"3;url=/pay/awaiting/status?lang=id\""), "{}", paid.body);
    assert!(paid.body.contains("href=\"https://wallet.example/pin?x=1&#38;y=2\""), "{}", paid.body);
    assert_eq!(world.engine.payment_by_page("awaiting").await.unwrap().status.name(), "awaiting_customer");
}
