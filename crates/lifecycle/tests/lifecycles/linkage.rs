//! Links: a code binds once, tokens belong to one merchant, an outcome that is not known is asked about.

use crate::support::{Gateway, digest};
use lifecycle::{
    Answer, Command, Key, LinkId, ProductCode, Reason, Refusal, Row, Secret,
    auth_code::{self, AuthCodeStatus},
    linkage::{Bind, Link, LinkStatus, Unbind},
    merchant::BindingFlow,
    notification::{BindingResult, Notice},
    provider::{Outcome, ProviderLink},
    task::{Task, TaskKind},
};

fn code_and_page(gateway: &mut Gateway, product: Option<&str>) -> (String, String) {
    let request = gateway.call("10", "code");
    let issue = auth_code::Issue {
        request,
        product: product.map(ProductCode::new),
        redirect_url: "https://merchant.test/back".into(),
        state: "s".into(),
        lang: "id".into(),
        phone: Some("6281".into()),
    };
    gateway.run(Command::IssueAuthCode(issue)).unwrap();
    match gateway.last_answer() {
        Answer::AuthCodeIssued { code, page, .. } => (code.expose().to_owned(), page.expose().to_owned()),
        other => panic!("{other:?}"),
    }
}

fn authorise(gateway: &mut Gateway, page: &str) -> Result<(), Refusal> {
    gateway.run(Command::AuthorisationReturned { page: digest(page), result: Ok(Secret::new("wallet code")) })
}

fn bind(
    gateway: &mut Gateway,
    reference: &str,
    product: Option<&str>,
    flow: BindingFlow,
    code: Option<&str>,
) -> Result<(), Refusal> {
    let request = gateway.call("07", reference);
    gateway.run(Command::Bind(Bind {
        request,
        product: product.map(ProductCode::new),
        flow: product.map(|_| flow),
        auth_code: code.map(digest),
        phone: Some("6281".into()),
        redirect_url: None,
        lang: "id".into(),
    }))
}

fn the_link(gateway: &Gateway) -> Link {
    let found = gateway.rows.iter().rev().find_map(|(key, row)| match (key, row) {
        (Key::Link(_), Row::Link(link)) => Some((**link).clone()),
        _ => None,
    });
    found.expect("a link was made")
}

fn end(gateway: &mut Gateway, wanted: impl Fn(&TaskKind) -> bool, outcome: Outcome) {
    let task: Task = gateway.take(|task| wanted(&task.kind)).expect("there is such a task");
    gateway.run(Command::TaskEnded { task, outcome, link: None }).unwrap();
}

fn is_bind(kind: &TaskKind) -> bool {
    matches!(kind, TaskKind::Bind(_))
}

fn is_question(kind: &TaskKind) -> bool {
    matches!(kind, TaskKind::InquireBinding { .. })
}

fn linked() -> Outcome {
    Outcome::Linked(ProviderLink { account_reference: Some("acc".into()), ..ProviderLink::default() })
}

#[test]
fn a_code_binds_once_and_only_after_the_customer_authorised_it() {
    let mut gateway = Gateway::default();
    let (code, page) = code_and_page(&mut gateway, Some("WALLET"));
    let flow = BindingFlow::AuthCode;
    assert_eq!(bind(&mut gateway, "b1", Some("WALLET"), flow, Some(&code)), Err(Refusal::AuthCodeNotAuthorised));
    assert_eq!(bind(&mut gateway, "b1", Some("WALLET"), flow, None), Err(Refusal::AuthCodeNotAuthorised));
    assert_eq!(bind(&mut gateway, "b1", Some("WALLET"), flow, Some("no such code")), Err(Refusal::AuthCodeUnknown));
    authorise(&mut gateway, &page).unwrap();
    assert_eq!(authorise(&mut gateway, &page), Err(Refusal::PageGone));
    assert_eq!(bind(&mut gateway, "b1", Some("OTHER"), flow, Some(&code)), Err(Refusal::AuthCodeForOtherProduct));
    bind(&mut gateway, "b1", Some("WALLET"), flow, Some(&code)).unwrap();
    assert_eq!(bind(&mut gateway, "b2", None, flow, Some(&code)), Err(Refusal::AuthCodeUsed));
    end(&mut gateway, is_bind, linked());
    assert!(matches!(gateway.last_answer(), Answer::Linked { .. }));
    let status = gateway.rows.values().find_map(|row| match row {
        Row::AuthCode(code) => Some(code.status.clone()),
        _ => None,
    });
    assert_eq!(status, Some(AuthCodeStatus::Used { link: the_link(&gateway).id }));
}

#[test]
fn a_code_dies_of_age_and_belongs_to_one_merchant() {
    let mut gateway = Gateway::default();
    let (code, page) = code_and_page(&mut gateway, None);
    gateway.run(Command::ChooseWallet { page: digest(&page), product: ProductCode::new("WALLET") }).unwrap();
    authorise(&mut gateway, &page).unwrap();
    let mine = std::mem::replace(&mut gateway.merchant.code, lifecycle::MerchantCode::new("OTHER"));
    assert_eq!(bind(&mut gateway, "b", None, BindingFlow::AuthCode, Some(&code)), Err(Refusal::AuthCodeUnknown));
    gateway.merchant.code = mine;
    gateway.now = gateway.now.plus_seconds(auth_code::LIFE_SECONDS);
    assert_eq!(bind(&mut gateway, "b", None, BindingFlow::AuthCode, Some(&code)), Err(Refusal::AuthCodeExpired));
    assert_eq!(authorise(&mut gateway, &page), Err(Refusal::PageGone));
}

#[test]
fn the_page_flow_answers_at_once_and_tells_later() {
    let mut gateway = Gateway::default();
    bind(&mut gateway, "b", Some("WALLET"), BindingFlow::Page, None).unwrap();
    let needed = Outcome::CustomerNeeded {
        url: "https://wallet.test/pin".into(),
        provider_reference: None,
        provider: ProviderLink::default(),
    };
    end(&mut gateway, is_bind, needed);
    assert!(
        matches!(gateway.last_answer(), Answer::BindingPending { redirect_url, .. } if redirect_url == "https://wallet.test/pin")
    );
    let page = the_link(&gateway).page;
    gateway.run(Command::BindingReturned { page, code: None }).unwrap();
    end(&mut gateway, is_question, linked());
    assert_eq!(the_link(&gateway).status.name(), "active");
    match gateway.notices.as_slice() {
        [Notice::Binding(notice)] => assert!(matches!(notice.result, BindingResult::Linked(_))),
        other => panic!("{other:?}"),
    }
    assert_eq!(bind(&mut gateway, "b2", Some("WALLET"), BindingFlow::Page, None), Err(Refusal::AlreadyLinked));
    let answers = gateway.answers.len();
    while let Some(task) = gateway.take(|task| is_question(&task.kind)) {
        gateway.run(Command::TaskEnded { task, outcome: linked(), link: None }).unwrap();
    }
    assert_eq!((gateway.notices.len(), gateway.answers.len()), (1, answers), "a second report changes nothing");
}

#[test]
fn a_customer_who_never_comes_fails_the_link_only_when_the_wallet_agrees() {
    let mut gateway = Gateway::default();
    bind(&mut gateway, "b", Some("WALLET"), BindingFlow::Page, None).unwrap();
    let needed =
        Outcome::CustomerNeeded { url: "u".into(), provider_reference: None, provider: ProviderLink::default() };
    end(&mut gateway, is_bind, needed);
    end(&mut gateway, is_question, Outcome::Pending);
    assert_eq!(the_link(&gateway).status.name(), "awaiting_customer");
    gateway.now = gateway.now.plus_seconds(lifecycle::linkage::CUSTOMER_SECONDS);
    end(&mut gateway, is_question, Outcome::Unknown("silent".into()));
    assert_eq!(the_link(&gateway).status.name(), "awaiting_customer");
    end(&mut gateway, is_question, Outcome::Pending);
    assert!(matches!(the_link(&gateway).status, LinkStatus::Failed { reason: Reason::Expired, .. }));
}

#[test]
fn a_binding_whose_answer_was_lost_is_asked_about() {
    let mut gateway = Gateway::default();
    bind(&mut gateway, "b", Some("WALLET"), BindingFlow::Page, None).unwrap();
    end(&mut gateway, is_bind, Outcome::Unknown("reset".into()));
    assert_eq!(the_link(&gateway).status.name(), "unknown");
    end(&mut gateway, is_question, Outcome::NotFound);
    assert_eq!(the_link(&gateway).status.name(), "unknown");
    end(&mut gateway, is_question, linked());
    assert_eq!(the_link(&gateway).status.name(), "active");
}

#[test]
fn a_binding_that_the_wallet_works_on_is_not_called_failed() {
    let mut gateway = Gateway::default();
    bind(&mut gateway, "b", Some("WALLET"), BindingFlow::Page, None).unwrap();
    end(&mut gateway, is_bind, Outcome::Pending);
    assert_eq!(the_link(&gateway).status.name(), "unknown");
    assert!(matches!(gateway.last_answer(), Answer::BindingPending { .. }));
    gateway.now = gateway.now.plus_seconds(lifecycle::linkage::NOT_FOUND_FINAL_SECONDS);
    end(&mut gateway, is_question, Outcome::Pending);
    assert_eq!(the_link(&gateway).status.name(), "unknown", "pending is not the same as not found");
    gateway.now = gateway.now.plus_seconds(lifecycle::linkage::CUSTOMER_SECONDS);
    end(&mut gateway, is_question, Outcome::Pending);
    assert_eq!(the_link(&gateway).status.name(), "failed");
}

#[test]
fn a_wallets_notice_does_not_lose_the_code_that_the_customer_brought() {
    let mut gateway = Gateway::default();
    bind(&mut gateway, "b", Some("WALLET"), BindingFlow::Page, None).unwrap();
    let needed =
        Outcome::CustomerNeeded { url: "u".into(), provider_reference: None, provider: ProviderLink::default() };
    end(&mut gateway, is_bind, needed);
    let Link { page, id, .. } = the_link(&gateway);
    gateway.run(Command::BindingReturned { page, code: Some(Secret::new("brought")) }).unwrap();
    gateway.run(Command::BindingNoticed { link: id }).unwrap();
    let LinkStatus::AwaitingCustomer { returned_code, .. } = the_link(&gateway).status else {
        panic!("nobody was asked yet")
    };
    assert_eq!(returned_code.as_ref().map(Secret::expose), Some("brought"));
}

fn unbind(
    gateway: &mut Gateway,
    reference: &str,
    account: lifecycle::Digest,
    customer: Option<&str>,
) -> Result<(), Refusal> {
    let request = gateway.call("09", reference);
    let product = ProductCode::new("WALLET");
    gateway.run(Command::Unbind(Unbind {
        request,
        account_token: account,
        customer_token: customer.map(digest),
        product,
    }))
}

#[test]
fn unlinking_ends_once_and_is_asked_again_while_unknown() {
    let mut gateway = Gateway::default();
    bind(&mut gateway, "b", Some("WALLET"), BindingFlow::Page, None).unwrap();
    let account = the_link(&gateway).account_token;
    assert_eq!(unbind(&mut gateway, "u", account, None), Err(Refusal::LinkNotActive));
    end(&mut gateway, is_bind, linked());
    assert_eq!(unbind(&mut gateway, "u", account, Some("someone else's")), Err(Refusal::CustomerTokenMismatch));
    assert_eq!(unbind(&mut gateway, "u", digest("unknown"), None), Err(Refusal::TokenUnknown));
    unbind(&mut gateway, "u", account, None).unwrap();
    let is_unbind = |kind: &TaskKind| matches!(kind, TaskKind::Unbind(_));
    // A call that is not accepted as ours says nothing about one before it that nobody heard the end of.
    let rejected = Outcome::Refused(Reason::ProviderRejectedCall("401".into()));
    for outcome in [Outcome::Unknown("silent".into()), Outcome::Refused(Reason::ProviderUnreachable), rejected] {
        end(&mut gateway, is_unbind, outcome);
        assert_eq!(the_link(&gateway).status.name(), "unlinking");
    }
    end(&mut gateway, is_unbind, Outcome::Unlinked);
    assert!(matches!(gateway.last_answer(), Answer::Unlinked { .. }));
    assert_eq!(unbind(&mut gateway, "u2", account, None), Err(Refusal::TokenUnknown));
    gateway.run(Command::LinkRevoked { link: the_link(&gateway).id }).unwrap();
    assert_eq!(the_link(&gateway).status.name(), "unlinked");
    assert_eq!(gateway.run(Command::LinkRevoked { link: LinkId::from_bits(9999) }), Err(Refusal::TokenUnknown));
}

#[test]
fn an_account_is_asked_about_by_number_or_by_token() {
    use lifecycle::{
        enquiry::InquireAccount,
        provider::{AccountInfo, AccountStatus},
    };
    let ask = |gateway: &mut Gateway, phone: Option<&str>, token: Option<lifecycle::Digest>| {
        let request = gateway.call("08", "question");
        gateway.run(Command::InquireAccount(InquireAccount {
            request,
            product: ProductCode::new("WALLET"),
            phone: phone.map(str::to_owned),
            account_token: token,
        }))
    };
    let asked_link = |gateway: &Gateway| match gateway.tasks.last().map(|task| task.kind.clone()) {
        Some(TaskKind::InquireAccount { link, .. }) => link,
        other => panic!("the provider is not asked: {other:?}"),
    };
    let mut gateway = Gateway::default();
    ask(&mut gateway, Some("6281"), None).unwrap();
    assert_eq!(asked_link(&gateway), None);

    bind(&mut gateway, "b", Some("WALLET"), BindingFlow::Page, None).unwrap();
    let token = the_link(&gateway).account_token;
    let pending = Answer::Account(AccountInfo { status: AccountStatus::Pending, level: '0', message: String::new() });
    for (phone, token) in [(Some("6281"), None), (None, Some(token))] {
        ask(&mut gateway, phone, token).unwrap();
        assert_eq!(gateway.last_answer(), &pending);
    }
    end(&mut gateway, is_bind, linked());
    for (phone, token) in [(Some("6281"), None), (None, Some(token))] {
        ask(&mut gateway, phone, token).unwrap();
        assert_eq!(asked_link(&gateway), Some(the_link(&gateway).id));
    }
    assert_eq!(ask(&mut gateway, None, Some(digest("nobody's"))), Err(Refusal::TokenUnknown));
    gateway.merchant.code = lifecycle::MerchantCode::new("OTHER");
    assert_eq!(ask(&mut gateway, None, Some(token)), Err(Refusal::TokenUnknown));
}
