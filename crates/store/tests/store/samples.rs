//! Rows of every kind in every state, each with keys of its own.

use calendar::{Instant, JakartaDay};
use lifecycle::{
    AccountCreationId, AuthCodeId, Digest, LinkId, Merchant, MerchantCode, NotificationId, PaymentId, ProductCode,
    Reason, RequestId, Row, Secret, TaskId,
    account_creation::{AccountCreation, AccountCreationStatus, Person},
    auth_code::{AuthCode, AuthCodeStatus},
    linkage::{Link, LinkStatus},
    merchant::{Callbacks, Strictness},
    notification::{NoticeKind, Notification, NotificationStatus, Subject},
    payment::{Payment, PaymentStatus},
    provider::ProviderLink,
    request::{Request, RequestKey, ServiceCode, StoredAnswer},
    task::{Task, TaskKind},
};
use money::Amount;
use store::Writes;

/// A token that must never be found in the file.
pub const TOKEN: &str = "SECRETxTOKENx9f31c7";
/// A phone number that must never be found in the file.
pub const PHONE: &str = "628111222333";

pub fn at(micros: i64) -> Instant {
    Instant::from_micros(1_710_377_368_000_000 + micros)
}

pub fn secret() -> Secret {
    Secret::new(TOKEN)
}

pub fn digest(kind: u8, number: u128) -> Digest {
    let mut bytes = [kind; 32];
    bytes[16..].copy_from_slice(&number.to_be_bytes());
    Digest(bytes)
}

pub fn merchant_code() -> MerchantCode {
    MerchantCode::new("SGWYESSISHOP")
}

pub fn request_key(number: u128) -> RequestKey {
    RequestKey {
        merchant: merchant_code(),
        day: JakartaDay::from_number(20_240_314),
        external_id: format!("external-{number}"),
    }
}

pub fn request(number: u128) -> Request {
    Request {
        key: request_key(number),
        id: RequestId::from_bits(number),
        service: ServiceCode("54"),
        operation: "payment_host_to_host",
        partner_reference: Some(format!("reference-{number}")),
        digest: digest(1, number),
        received_at: at(5),
        replay: true,
        answer: None,
    }
}

/// These rows, with the call behind every payment: a payment is found by its reference through its call.
pub fn with_calls(rows: Vec<Row>) -> Writes {
    let call = |row: &Row| match row {
        Row::Payment(payment) => Some(request(payment.id.bits())),
        _ => None,
    };
    Writes { requests: rows.iter().filter_map(call).collect(), rows, ..Writes::default() }
}

pub fn answer() -> StoredAnswer {
    StoredAnswer { status: 200, body: format!("{{\"token\":\"{TOKEN}\"}}").into_bytes() }
}

fn provider_link() -> ProviderLink {
    ProviderLink {
        account_reference: Some("account".into()),
        access_token: Some(secret()),
        refresh_token: Some(secret()),
        payment_token: None,
        expires_at: Some(at(7)),
    }
}

pub fn reasons() -> Vec<Reason> {
    vec![
        Reason::InsufficientFunds,
        Reason::AmountLimitExceeded,
        Reason::AccountLimitExceeded,
        Reason::AccountBlocked,
        Reason::AccountInactive,
        Reason::AccountNotFound,
        Reason::CustomerTokenInvalid,
        Reason::WrongOtp,
        Reason::OtpExpired,
        Reason::TooManyTries,
        Reason::AuthCodeUsed,
        Reason::AuthCodeExpired,
        Reason::AuthCodeInvalid,
        Reason::AlreadyLinked,
        Reason::SuspectedFraud,
        Reason::NotPermitted,
        Reason::DoNotHonor,
        Reason::AmountInvalid,
        Reason::Cancelled,
        Reason::Expired,
        Reason::MerchantDeclined("amount differs".into()),
        Reason::ProviderUnreachable,
        Reason::ProviderRejectedCall("4017300".into()),
    ]
}

pub fn payment(number: u128, status: PaymentStatus) -> Payment {
    Payment {
        id: PaymentId::from_bits(number),
        merchant: merchant_code(),
        partner_reference: format!("reference-{number}"),
        request: request_key(number),
        amount: Amount::rupiah(150_000),
        product: Some(ProductCode::new("WALLET")),
        link: Some(LinkId::from_bits(number)),
        phone: Some(PHONE.into()),
        return_url: Some("https://shop.example/done".into()),
        page: digest(2, number),
        page_token: secret(),
        created_at: at(1),
        valid_until: at(2),
        status,
    }
}

fn payments() -> Vec<Row> {
    let statuses = [
        PaymentStatus::Checkout,
        PaymentStatus::Confirming,
        PaymentStatus::Charging { charged_at: at(3) },
        PaymentStatus::AwaitingCustomer {
            url: "https://wallet.example/pay".into(),
            provider_reference: Some("theirs".into()),
            charged_at: at(3),
        },
        PaymentStatus::Unknown { evidence: "timeout".into(), charged_at: at(3), since: at(4), checks: 7 },
        PaymentStatus::Succeeded { provider_reference: "theirs".into(), at: at(4) },
        PaymentStatus::SucceededLate {
            provider_reference: "theirs".into(),
            at: at(4),
            failed_because: Reason::Expired,
        },
    ];
    let failed = reasons().into_iter().map(|reason| PaymentStatus::Failed { reason, at: at(4) });
    let mut bare = payment(199, PaymentStatus::Checkout);
    (bare.product, bare.link, bare.phone, bare.return_url) = (None, None, None, None);
    (100..)
        .zip(statuses.into_iter().chain(failed))
        .map(|(n, status)| payment(n, status).into())
        .chain([bare.into()])
        .collect()
}

pub fn link(number: u128, status: LinkStatus) -> Link {
    Link {
        id: LinkId::from_bits(number),
        merchant: merchant_code(),
        product: ProductCode::new("WALLET"),
        partner_reference: format!("binding-{number}"),
        request: request_key(number),
        phone: Some(format!("{PHONE}{number}")),
        lang: "id".into(),
        redirect_url: Some("https://shop.example/linked".into()),
        page: digest(3, number),
        account_token: digest(4, number),
        card_token: Some(digest(5, number)),
        customer_token: Some(digest(6, number)),
        created_at: at(1),
        status,
    }
}

fn links() -> Vec<Row> {
    let provider = provider_link;
    let statuses = [
        LinkStatus::Binding { auth_code: Some(secret()), account_token: secret(), page: secret() },
        LinkStatus::AwaitingCustomer {
            url: "https://wallet.example/bind".into(),
            account_token: secret(),
            page: secret(),
            provider: provider(),
            returned_code: Some(secret()),
            expires_at: at(9),
        },
        LinkStatus::Unknown { account_token: secret(), evidence: "timeout".into(), since: at(2) },
        LinkStatus::Active { provider: provider(), since: at(2) },
        LinkStatus::Unlinking { provider: provider(), request: request_key(9), partner_reference: "end".into() },
        LinkStatus::Unlinked { at: at(3) },
        LinkStatus::Revoked { at: at(3) },
        LinkStatus::Failed { reason: Reason::AlreadyLinked, at: at(3) },
    ];
    let mut bare = link(299, LinkStatus::Active { provider: ProviderLink::default(), since: at(2) });
    (bare.phone, bare.redirect_url, bare.card_token, bare.customer_token) = (None, None, None, None);
    (200..).zip(statuses).map(|(n, status)| link(n, status).into()).chain([bare.into()]).collect()
}

pub fn auth_code(number: u128, status: AuthCodeStatus) -> AuthCode {
    AuthCode {
        id: AuthCodeId::from_bits(number),
        merchant: merchant_code(),
        code: digest(7, number),
        page: digest(8, number),
        plain: Some(secret()),
        product: Some(ProductCode::new("WALLET")),
        redirect_url: "https://shop.example/back".into(),
        state: "their state".into(),
        lang: "en".into(),
        phone: Some(PHONE.into()),
        expires_at: at(2),
        status,
    }
}

fn auth_codes() -> Vec<Row> {
    let statuses = [
        AuthCodeStatus::Issued,
        AuthCodeStatus::Authorised { provider_code: secret() },
        AuthCodeStatus::Denied { reason: Reason::Cancelled },
        AuthCodeStatus::Used { link: LinkId::from_bits(200) },
    ];
    let mut bare = auth_code(399, AuthCodeStatus::Issued);
    (bare.plain, bare.product, bare.phone) = (None, None, None);
    (300..).zip(statuses).map(|(n, status)| auth_code(n, status).into()).chain([bare.into()]).collect()
}

pub fn creation(number: u128, status: AccountCreationStatus) -> AccountCreation {
    AccountCreation {
        id: AccountCreationId::from_bits(number),
        merchant: merchant_code(),
        product: ProductCode::new("WALLET"),
        partner_reference: format!("creation-{number}"),
        reference: format!("uuid-{number}"),
        page: digest(9, number),
        person: Person {
            name: "Siti Contoh".into(),
            phone: format!("{PHONE}{number}"),
            email: "siti@contoh.example".into(),
            customer_id: "C-1".into(),
            details: vec![("birthPlace".into(), "Bandung".into())],
        },
        expires_at: at(2),
        status,
    }
}

fn creations() -> Vec<Row> {
    let statuses = [
        AccountCreationStatus::AwaitingPin,
        AccountCreationStatus::Creating { since: at(1) },
        AccountCreationStatus::Created { account_id: Some("A".into()), at: at(2) },
        AccountCreationStatus::Created { account_id: None, at: at(2) },
        AccountCreationStatus::Failed { reason: Reason::NotPermitted, at: at(2) },
    ];
    (400..).zip(statuses).map(|(n, status)| creation(n, status).into()).collect()
}

fn notifications() -> Vec<Row> {
    let subjects = [
        Subject::Payment(PaymentId::from_bits(100)),
        Subject::Link(LinkId::from_bits(200)),
        Subject::AccountCreation(AccountCreationId::from_bits(400)),
    ];
    let statuses = [
        NotificationStatus::Pending { attempts: 0, last_error: None },
        NotificationStatus::Pending { attempts: 3, last_error: Some("503".into()) },
        NotificationStatus::Delivered { at: at(6) },
    ];
    let kinds = [NoticeKind::Payment, NoticeKind::Binding, NoticeKind::Binding];
    (500..)
        .zip(subjects.into_iter().zip(statuses).zip(kinds))
        .map(|(number, ((subject, status), kind))| {
            Notification {
                id: NotificationId::from_bits(number),
                merchant: merchant_code(),
                subject,
                kind,
                body: secret(),
                created_at: at(5),
                status,
            }
            .into()
        })
        .collect()
}

/// Every kind of row in every state; no two share a key.
pub fn rows() -> Vec<Row> {
    [payments(), links(), auth_codes(), creations(), notifications()].concat()
}

pub fn task(number: u128, kind: TaskKind, due_at: Instant) -> Task {
    Task { id: TaskId::from_bits(number), kind, due_at, attempts: 0 }
}

/// A task of every kind, all due at the same time.
pub fn tasks(due_at: Instant) -> Vec<Task> {
    let payment = PaymentId::from_bits(1);
    let link = LinkId::from_bits(2);
    let creation = AccountCreationId::from_bits(3);
    let kinds = [
        TaskKind::Bind(link),
        TaskKind::InquireBinding { link, recurring: true },
        TaskKind::Unbind(link),
        TaskKind::InquireAccount {
            request: request_key(1),
            product: ProductCode::new("WALLET"),
            phone: Some(PHONE.into()),
            link: Some(link),
        },
        TaskKind::InquireAccount {
            request: request_key(1),
            product: ProductCode::new("WALLET"),
            phone: None,
            link: None,
        },
        TaskKind::ReadBalance { request: request_key(1), link, partner_reference: "balance".into() },
        TaskKind::CreateAccount(creation),
        TaskKind::InquireCreation(creation),
        TaskKind::ConfirmWithMerchant(payment),
        TaskKind::Charge(payment),
        TaskKind::ExpireCheckout(payment),
        TaskKind::InquireCharge { payment, recurring: false },
        TaskKind::Notify(NotificationId::from_bits(4)),
    ];
    (1..).zip(kinds).map(|(number, kind)| task(number, kind, due_at)).collect()
}

pub fn merchant(code: &str) -> Merchant {
    Merchant {
        code: MerchantCode::new(code),
        alias: Some("alias".into()),
        name: "Toko Contoh".into(),
        api_key: TOKEN.into(),
        products: vec![ProductCode::new("WALLET"), ProductCode::new("BANK")],
        public_keys: vec!["-----BEGIN PUBLIC KEY-----".into()],
        redirect_origins: vec!["https://shop.example".into()],
        allow_local_redirects: true,
        allowed_addresses: vec!["192.0.2.1".into()],
        time_window_seconds: 300,
        replay: true,
        strictness: Strictness::Strict,
        callbacks: Callbacks {
            inquiry_url: Some("https://shop.example/inquiry".into()),
            payment_url: None,
            binding_url: Some("https://shop.example/binding".into()),
        },
        suspended: false,
    }
}
