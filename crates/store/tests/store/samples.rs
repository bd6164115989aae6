//! Rows of every kind in every state, each with keys of its own.

use calendar::{Instant, JakartaDay};
use ledger::{Account, AccountName, Books, Class, JournalId};
use lifecycle::{
    AccountCreationId, AuthCodeId, BillId, Digest, ExchangeId, InvoiceId, LinkId, Merchant, MerchantCode,
    NotificationId, PaymentId, ProductCode, Reason, ReconciliationItemId, RefundId, RequestId, Row, RulingId, Secret,
    SettlementFileId, TaskId, TopUpId,
    account_creation::{AccountCreation, AccountCreationStatus, Person},
    auth_code::{AuthCode, AuthCodeStatus},
    bill::{Bill, BillStatus, BillTask, Fate, Hold, SentOrder},
    biller::{Category, Price, Pricing, Source},
    case::CaseKind,
    deposit::{TopUp, TopUpStatus},
    endpoint::{Endpoint, EndpointStatus},
    exchange::{Exchange, Party},
    invoice::{Invoice, InvoiceBook, InvoicePayment},
    linkage::{Link, LinkStatus},
    merchant::{BillerAccess, Callbacks, LateSuccess, Mechanism, Strictness},
    notification::{NoticeKind, Notification, NotificationStatus, Subject},
    payment::{Payment, PaymentStatus},
    provider::{BillDue, BillReceipt, ProviderLink},
    reconciliation::{
        Action, Bucket, Expectation, ItemState, ItemStep, ReconciliationItem, SettlementFile, SettlementLine,
        SubjectKind, Tally,
    },
    refund::{Refund, RefundKind, RefundStatus, RefundTask},
    request::{Request, RequestKey, ServiceCode, StoredAnswer},
    ruling::{Ruling, RulingStatus, Verdict},
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
        Reason::CustomerUnknown,
        Reason::BillPaidAlready,
        Reason::NothingDue,
        Reason::CutOff,
        Reason::ProductUnavailable,
        Reason::FloatInsufficient,
        Reason::RepeatedAtSource,
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
        asker: Some(TaskId::from_bits(number)),
        provider: Some("wallet".into()),
        refunding: Amount::rupiah(1),
        refunded: Amount::rupiah(2),
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
        Subject::Deposit,
        Subject::Bill(BillId::from_bits(600)),
        Subject::Refund(RefundId::from_bits(900)),
        Subject::Payment(PaymentId::from_bits(101)),
        Subject::Payment(PaymentId::from_bits(102)),
    ];
    let statuses = [
        NotificationStatus::Pending { attempts: 0, last_error: None, suspect: false },
        NotificationStatus::Pending { attempts: 3, last_error: Some("503".into()), suspect: true },
        NotificationStatus::Delivered { at: at(6), attempts: 1 },
        NotificationStatus::Delivered { at: at(7), attempts: 2 },
        NotificationStatus::Exhausted { at: at(8), attempts: 30, last_error: Some("503".into()), suspect: true },
        NotificationStatus::Exhausted { at: at(8), attempts: 30, last_error: None, suspect: false },
        NotificationStatus::Waiting { attempts: 3, last_error: Some("503".into()), suspect: true },
        NotificationStatus::Acknowledged { at: at(8), attempts: 2 },
    ];
    let kinds = [
        NoticeKind::Payment,
        NoticeKind::Binding,
        NoticeKind::Binding,
        NoticeKind::LowBalance,
        NoticeKind::Payment,
        NoticeKind::Payment,
        NoticeKind::Payment,
        NoticeKind::Payment,
    ];
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
    let of_wallets = [payments(), links(), auth_codes(), creations(), notifications()].concat();
    let of_billers = [bills(), accounts(), top_ups(), invoices()].concat();
    let of_cases = [refunds(), rulings(), endpoints()].concat();
    [of_wallets, of_billers, of_cases, reconciliation()].concat()
}

fn settlement_line(row: u32) -> SettlementLine {
    SettlementLine {
        row,
        kind: SubjectKind::Payment,
        reference: Some("pay_7".into()),
        provider_reference: None,
        amount: Amount::rupiah(20_000),
        fee: Amount::rupiah(300),
        at: at(2),
        settled: true,
    }
}

pub fn settlement_file(number: u128, complete: bool) -> SettlementFile {
    let tally = Tally { items: 1, lines: 1, amount_sen: 2_000_000, fee_sen: 30_000 };
    SettlementFile {
        id: SettlementFileId::from_bits(number),
        digest: [7; 32],
        provider: "wallet".into(),
        name: "settlement.csv".into(),
        day: JakartaDay::from_number(20_240_314),
        imported_at: at(3),
        by: "rani".into(),
        total: tally,
        buckets: [tally; Bucket::ALL.len()],
        complete,
    }
}

pub fn reconciliation_item(number: u128, claim: Option<&str>, bucket: Bucket, state: ItemState) -> ReconciliationItem {
    let expectation = Expectation {
        kind: SubjectKind::Payment,
        subject: u128::MAX - 7,
        merchant: merchant_code(),
        reference: "pay_7".into(),
        provider_reference: Some("W7".into()),
        amount: Amount::rupiah(20_000),
        at: at(1),
        believed: true,
    };
    let missing = bucket == Bucket::MissingThere;
    let step = ItemStep { at: at(4), by: "budi".into(), action: Action::Wait, note: "asked them".into() };
    ReconciliationItem {
        id: ReconciliationItemId::from_bits(number),
        provider: "wallet".into(),
        file: SettlementFileId::from_bits(1_600),
        line: (!missing).then(|| settlement_line(2)),
        expectation: (bucket != Bucket::MissingHere).then_some(expectation),
        claim: claim.map(str::to_owned),
        bucket,
        opened_at: at(3),
        deadline: at(9),
        owner: "rani".into(),
        steps: vec![step],
        state,
    }
}

fn reconciliation() -> Vec<Row> {
    let journal = Some(JournalId(u128::MAX - 5));
    let states = [
        ItemState::Open,
        ItemState::Settled { journal },
        ItemState::Settled { journal: None },
        ItemState::Moved { at: at(4), to: ReconciliationItemId::from_bits(1_700) },
        ItemState::Closed { at: at(5), journal },
        ItemState::Open,
    ];
    let items = states.into_iter().zip(Bucket::ALL).zip(1_700..).map(|((state, bucket), number)| {
        let claim = format!("payment:pay_{number}");
        let claim = Some(claim.as_str()).filter(|_| *bucket != Bucket::DateLine);
        reconciliation_item(number, claim, *bucket, state).into()
    });
    let files = [settlement_file(1_600, true).into(), settlement_file(1_601, false).into()];
    files.into_iter().chain(items).collect()
}

pub fn refund(number: u128, status: RefundStatus) -> Refund {
    Refund {
        id: RefundId::from_bits(number),
        merchant: merchant_code(),
        payment: PaymentId::from_bits(105),
        partner_reference: format!("refund-{number}"),
        kind: RefundKind::Refund,
        amount: Amount::rupiah(10_000),
        reason: Some("damaged".into()),
        request: Some(request_key(number)),
        created_at: at(5),
        asker: Some(TaskId::from_bits(number)),
        status,
    }
}

fn refunds() -> Vec<Row> {
    let statuses = [
        RefundStatus::Refunding { sent_at: at(5) },
        RefundStatus::Unknown { evidence: "timeout".into(), sent_at: at(5), since: at(6), checks: 3 },
        RefundStatus::Owed { reason: Reason::NotPermitted, since: at(6) },
        RefundStatus::Succeeded { provider_reference: "theirs".into(), at: at(7) },
        RefundStatus::Failed { reason: Reason::NotPermitted, at: at(7) },
    ];
    let bare = Refund {
        kind: RefundKind::Cancel,
        reason: None,
        request: None,
        asker: None,
        ..refund(999, RefundStatus::Refunding { sent_at: at(5) })
    };
    (900..).zip(statuses).map(|(number, status)| refund(number, status).into()).chain([bare.into()]).collect()
}

/// A ruling about a case of its own.
pub fn ruling(number: u128, case: CaseKind, status: RulingStatus) -> Ruling {
    Ruling {
        id: RulingId::from_bits(number),
        merchant: merchant_code(),
        case,
        about: number * 10,
        verdict: Verdict::Succeeded,
        provider_reference: Some("theirs".into()),
        token: Some(secret()),
        evidence_name: "statement.pdf".into(),
        evidence: vec![0, 1, 127, 128, 255],
        proposed_by: "siti".into(),
        proposed_at: at(1),
        sent_at: Some(at(0)),
        status,
    }
}

fn rulings() -> Vec<Row> {
    let (by, word, closed_by): (String, String, String) = ("budi".into(), "refused".into(), "tono".into());
    let statuses = [
        RulingStatus::Proposed,
        RulingStatus::Approved { by: by.clone(), at: at(2) },
        RulingStatus::Contradicted { by: by.clone(), at: at(2), word: word.clone(), said_at: at(3) },
        RulingStatus::Closed { by: by.clone(), at: at(2), word, said_at: at(3), closed_by, closed_at: at(4) },
        RulingStatus::Withdrawn { by, at: at(2) },
    ];
    let all = (1_000..).zip(CaseKind::ALL.into_iter().zip(statuses));
    let bare = Ruling {
        verdict: Verdict::Failed,
        provider_reference: None,
        token: None,
        evidence: vec![],
        sent_at: None,
        ..ruling(1_099, CaseKind::Payment, RulingStatus::Proposed)
    };
    all.map(|(number, (case, status))| ruling(number, case, status).into()).chain([bare.into()]).collect()
}

pub fn endpoint(kind: NoticeKind, status: EndpointStatus) -> Endpoint {
    Endpoint { merchant: merchant_code(), kind, status }
}

fn endpoints() -> Vec<Row> {
    let statuses = [
        EndpointStatus::Open,
        EndpointStatus::Failing { since: at(1), failures: 3, probe_at: at(9) },
        EndpointStatus::Recovering { since: at(1), width: 4 },
        EndpointStatus::Paused { since: at(1), by: "siti".into() },
    ];
    let gone = Endpoint {
        merchant: MerchantCode::new("OTHER"),
        ..endpoint(NoticeKind::Payment, EndpointStatus::Gone { since: at(1) })
    };
    let all = NoticeKind::ALL.into_iter().zip(statuses).map(|(kind, status)| endpoint(kind, status));
    all.chain([gone]).map(Row::from).collect()
}

/// An exchange about something, that began so many microseconds late.
pub fn exchange(number: u128, about: u128, micros: i64) -> Exchange {
    Exchange {
        id: ExchangeId::from_bits(number),
        about,
        merchant: merchant_code(),
        party: if number.is_multiple_of(2) { Party::Merchant } else { Party::Provider("wallet".into()) },
        purpose: "charge".into(),
        at: at(micros),
        duration_us: 1_234,
        request: format!("POST /charge\n\n{TOKEN}"),
        answer: if number.is_multiple_of(2) { Ok("200\n\n{}".into()) } else { Err("timeout".into()) },
    }
}

/// The account that pays the samples' bills.
pub fn deposit() -> AccountName {
    AccountName::of(Class::MerchantDeposit, merchant_code().as_str())
}

pub fn hold(sen: i64) -> Hold {
    Hold { account: deposit(), amount: Amount::from_sen(sen).unwrap() }
}

fn receipt() -> BillReceipt {
    BillReceipt {
        provider_reference: "theirs".into(),
        bill_amount: Some(Amount::rupiah(50_000)),
        cost: Some(Amount::rupiah(49_000)),
        token: Some(secret()),
        fields: vec![("customer_name".into(), "Siti Contoh".into())],
    }
}

/// A bill that says everything; its order is its own.
pub fn bill(number: u128, status: BillStatus) -> Bill {
    let price = Price { admin_fee_sen: 250_000, admin_fee_bp: 1, fee_sen: 50_000, margin_sen: 100_000 };
    let order = |attempt, fate| SentOrder { attempt, source: 0, at: at(2), fate };
    let beside = Fate::PaidBeside { receipt: Box::new(receipt()), cost: Amount::rupiah(49_000) };
    Bill {
        id: BillId::from_bits(number),
        merchant: merchant_code(),
        product: ProductCode::new("PLNPOST"),
        category: Category::PlnPostpaid,
        order_id: format!("{PHONE}{number}"),
        additional: vec![("month".into(), "11".into())],
        request: request_key(number),
        pricing: Pricing::Open { min: Amount::rupiah(1), max: Amount::rupiah(2) },
        price,
        admin_included: true,
        chosen: Some(Amount::rupiah(2)),
        quote: Some(price.quote(Amount::rupiah(50_000)).unwrap()),
        due: Some(BillDue {
            bill_amount: Amount::rupiah(50_000),
            admin_fee: Some(Amount::rupiah(2_500)),
            cost: Some(Amount::rupiah(49_000)),
            bills: 2,
            customer_name: Some("Siti Contoh".into()),
            fields: vec![("tariff".into(), "R1".into())],
            provider_reference: Some("inquiry".into()),
        }),
        sources: vec![
            Source { connector: "kiosk".into(), sku: "PLN".into() },
            Source { connector: "other".into(), sku: "L1".into() },
        ],
        source: 1,
        attempt: 6,
        inquired: true,
        payer: Some(deposit()),
        hold: status.is_open().then(|| hold(5_300_000)),
        orders: vec![
            order(0, Fate::Open),
            order(1, Fate::Taken),
            order(2, Fate::Refused),
            order(3, Fate::OtherAmount(Amount::rupiah(1))),
            order(4, Fate::Paid),
            order(5, beside),
            order(6, Fate::Reversed),
        ],
        asker: Some(TaskId::from_bits(7)),
        recent: vec![(Amount::rupiah(52_500), at(0))],
        created_at: at(1),
        status,
    }
}

/// A bill as short as one can be, of a given order.
pub fn bare_bill(number: u128, order_id: &str, status: BillStatus) -> Bill {
    let receipts = Bill { order_id: order_id.into(), ..bill(number, status) };
    Bill {
        additional: vec![],
        pricing: Pricing::Due,
        price: Price::default(),
        chosen: None,
        quote: None,
        due: None,
        sources: vec![],
        payer: None,
        hold: None,
        orders: vec![],
        asker: None,
        recent: vec![],
        ..receipts
    }
}

fn bills() -> Vec<Row> {
    let failed_because = Reason::CutOff;
    let statuses = [
        BillStatus::Inquiring,
        BillStatus::Inquired { expires_at: at(9) },
        BillStatus::Sent { sent_at: at(2) },
        BillStatus::InProcess { sent_at: at(2), checks: 3 },
        BillStatus::Unknown { evidence: "timeout".into(), sent_at: at(2), since: at(3), checks: 4 },
        BillStatus::Succeeded { receipt: receipt(), at: at(4) },
        BillStatus::SucceededLate { receipt: receipt(), at: at(4), failed_because, charged: deposit() },
        BillStatus::Failed { reason: Reason::NothingDue, at: at(4) },
        BillStatus::Reversed { receipt: receipt(), at: at(5) },
    ];
    let (face, bill_amount) = (Amount::rupiah(50_000), Amount::rupiah(49_500));
    let bare_receipt = BillReceipt { bill_amount: None, cost: None, token: None, fields: vec![], ..receipt() };
    let denomination =
        Bill { pricing: Pricing::Denomination { face, bill_amount }, ..bill(698, BillStatus::Inquiring) };
    let bare = bare_bill(699, PHONE, BillStatus::Succeeded { receipt: bare_receipt, at: at(4) });
    let all = (600..).zip(statuses).map(|(number, status)| bill(number, status));
    all.chain([denomination, bare]).map(Row::from).collect()
}

fn accounts() -> Vec<Row> {
    let names = [
        deposit(),
        AccountName::of(Class::MerchantReceivable, "M"),
        AccountName::float("M", "kiosk"),
        AccountName::of(Class::FeeRevenue, "M"),
        AccountName::of(Class::Clearing, "M"),
    ];
    let account = |(number, name): (i64, AccountName)| {
        let balance = if name == deposit() { 90 } else { -number };
        Account { name, balance, held: number, sequence: 7, digest: digest(10, 1).0 }.into()
    };
    (1..).zip(names).map(account).collect()
}

pub fn top_up(number: u128, status: TopUpStatus) -> TopUp {
    TopUp {
        id: TopUpId::from_bits(number),
        merchant: merchant_code(),
        reference: format!("transfer-{number}"),
        amount: Amount::rupiah(1_000_000),
        created_at: at(1),
        status,
    }
}

fn top_ups() -> Vec<Row> {
    let statuses = [TopUpStatus::Requested, TopUpStatus::Confirmed { at: at(2) }];
    (700..).zip(statuses).map(|(number, status)| top_up(number, status).into()).collect()
}

/// An invoice of which this many times a third was paid.
pub fn invoice(number: u128, thirds: u128) -> Invoice {
    let payment =
        |part| InvoicePayment { reference: format!("transfer-{part}"), amount: Amount::rupiah(100_000), at: at(3) };
    let from_sequence = u64::try_from(number).unwrap() * 10;
    Invoice {
        id: InvoiceId::from_bits(number),
        merchant: merchant_code(),
        number: format!("INV/2024/03/{}/{number}", merchant_code()),
        from_sequence,
        through_sequence: from_sequence + 9,
        period_end: at(2),
        total: Amount::rupiah(300_000),
        payments: (0..thirds).map(payment).collect(),
        issued_at: at(2),
        due_at: at(9),
    }
}

fn invoices() -> Vec<Row> {
    let book = |merchant, open| InvoiceBook { merchant, billed_through: 7, issued: 2, open };
    let invoices = [0, 1, 3].into_iter().zip(800..).map(|(thirds, number)| invoice(number, thirds).into());
    let books = [
        book(merchant_code(), vec![(InvoiceId::from_bits(800), at(9)), (InvoiceId::from_bits(801), at(10))]),
        book(MerchantCode::new("OTHER"), vec![]),
    ];
    invoices.chain(books.map(Row::from)).collect()
}

/// What books gained, as a batch writes it.
pub fn gained(books: Books) -> Writes {
    let (accounts, entries) = books.into_changes();
    Writes { rows: accounts.into_iter().map(Row::from).collect(), entries, ..Writes::default() }
}

pub fn bill_task(number: u128) -> BillTask {
    BillTask {
        bill: BillId::from_bits(number),
        merchant: merchant_code(),
        payer: deposit(),
        connector: "kiosk".into(),
        attempt: 3,
    }
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
        TaskKind::RunLane { merchant: merchant_code(), kind: NoticeKind::Payment },
        TaskKind::InquireBill(BillId::from_bits(5)),
        TaskKind::PayBill(Box::new(bill_task(5))),
        TaskKind::InquireBillPayment { bill: Box::new(bill_task(5)), recurring: true },
        TaskKind::Refund(RefundTask { refund: RefundId::from_bits(6), payment, kind: RefundKind::Refund }),
        TaskKind::InquireRefund(RefundTask { refund: RefundId::from_bits(6), payment, kind: RefundKind::Cancel }),
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
            low_balance_url: Some("https://shop.example/low".into()),
            bill_url: Some("https://shop.example/bill".into()),
            refund_url: Some("https://shop.example/refund".into()),
        },
        biller: None,
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

/// A merchant that sells bills and pays for them this way.
pub fn selling_merchant(code: &str, mechanism: Mechanism) -> Merchant {
    let price = Price { admin_fee_sen: 1, admin_fee_bp: 2, fee_sen: 3, margin_sen: 4 };
    let biller = BillerAccess {
        sender_id: "SENDER".into(),
        username: "user".into(),
        basic_password: secret(),
        password: secret(),
        keys: vec![secret(), secret()],
        mechanism,
        products: Some(vec![ProductCode::new("PLNPOST")]),
        prices: vec![(ProductCode::new("PLNPOST"), price)],
    };
    Merchant { biller: Some(biller), ..merchant(code) }
}
