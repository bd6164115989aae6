//! One call of every kind that a connector can be asked; a new one goes to the end, because inputs choose by number.

use std::sync::OnceLock;

use lifecycle::{
    AccountCreationId, AuthCodeId, BillId, LinkId, PaymentId, RefundId, Secret,
    account_creation::Person,
    biller::{Category, Pricing},
    provider::{BillDue, BillOrder, Charge, ProviderCall, ProviderLink, RefundOrder},
    refund::RefundKind,
};
use money::Amount;

use super::now;

const PHONE: &str = "6281234567001";

/// Every call, with its name for messages.
pub(super) fn all() -> &'static [(&'static str, ProviderCall)] {
    static ALL: OnceLock<Vec<(&'static str, ProviderCall)>> = OnceLock::new();
    ALL.get_or_init(|| accounts().into_iter().chain(charges()).chain(bills()).chain(refunds()).collect())
}

fn provider() -> ProviderLink {
    ProviderLink {
        account_reference: Some("ACCOUNT-1".into()),
        access_token: Some(Secret::new("customer-token")),
        refresh_token: Some(Secret::new("refresh-token")),
        payment_token: None,
        expires_at: None,
    }
}

fn accounts() -> Vec<(&'static str, ProviderCall)> {
    let (link, phone) = (LinkId::from_bits(3), || Some(PHONE.to_owned()));
    let (lang, return_url) = (|| "id".to_owned(), || "https://gateway.example/return".to_owned());
    let bind =
        |auth_code| ProviderCall::Bind { link, phone: phone(), auth_code, return_url: return_url(), lang: lang() };
    let inquire =
        |provider, returned_code| ProviderCall::InquireBinding { link, phone: phone(), provider, returned_code };
    let person = Person {
        name: "Putra".into(),
        phone: PHONE.into(),
        email: "test@sgo.co.id".into(),
        customer_id: "31710499994222".into(),
        details: vec![],
    };
    let (auth_code, state) = (AuthCodeId::from_bits(2), "889871204JJK1I23K".to_owned());
    vec![
        (
            "start_authorisation",
            ProviderCall::StartAuthorisation {
                auth_code,
                state,
                return_url: return_url(),
                lang: lang(),
                phone: phone(),
            },
        ),
        ("bind", bind(None)),
        ("bind_with_code", bind(Some(Secret::new("wallet-auth-code")))),
        ("inquire_binding", inquire(provider(), Some(Secret::new("returned-code")))),
        ("inquire_binding_without_token", inquire(ProviderLink::default(), None)),
        ("inquire_account", ProviderCall::InquireAccount { phone: phone(), provider: Some(provider()) }),
        ("inquire_account_by_phone", ProviderCall::InquireAccount { phone: phone(), provider: None }),
        ("read_balance", ProviderCall::ReadBalance { provider: provider(), phone: phone() }),
        ("unbind", ProviderCall::Unbind { link, provider: provider(), phone: phone() }),
        (
            "create_account",
            ProviderCall::CreateAccount {
                creation: AccountCreationId::from_bits(5),
                person: Box::new(person),
                pin: Secret::new("135791"),
                password: Secret::new("a-password"),
            },
        ),
    ]
}

fn charge(provider: Option<ProviderLink>) -> ProviderCall {
    let payment = PaymentId::from_bits(4);
    ProviderCall::Charge(Charge {
        payment,
        reference: payment.to_string(),
        amount: Amount::rupiah(150_000),
        provider,
        phone: Some(PHONE.into()),
        return_url: "https://gateway.example/return".into(),
        notify_url: "https://gateway.example/notices/wallet".into(),
        valid_until: now().plus_seconds(900),
        description: "Two coffees".into(),
    })
}

fn charges() -> Vec<(&'static str, ProviderCall)> {
    let inquire = |provider_reference: Option<&str>| ProviderCall::InquireCharge {
        reference: PaymentId::from_bits(4).to_string(),
        provider_reference: provider_reference.map(str::to_owned),
        amount: Amount::rupiah(150_000),
        charged_at: now(),
    };
    vec![
        ("charge", charge(Some(provider()))),
        ("charge_without_link", charge(None)),
        ("inquire_charge", inquire(Some("PROVIDER-REF-1"))),
        ("inquire_charge_by_our_reference", inquire(None)),
    ]
}

/// An order of this category as it is inquired.
fn order(category: Category) -> BillOrder {
    let bill = BillId::from_bits(6);
    let denomination = |face| (Pricing::Denomination { face, bill_amount: face }, Some(face));
    let (pricing, bill_amount) = match category {
        Category::PlnPrepaid => denomination(Amount::rupiah(200_000)),
        Category::MobilePrepaid => denomination(Amount::rupiah(50_000)),
        Category::EwalletTopup => {
            let (min, max) = (Amount::rupiah(10_000), Amount::rupiah(10_000_000));
            (Pricing::Open { min, max }, Some(Amount::rupiah(100_000)))
        }
        _ => (Pricing::Due, None),
    };
    BillOrder {
        bill,
        reference: format!("A{}", bill.characters()),
        sku: "pln".into(),
        category,
        pricing,
        admin_included: false,
        order_id: "530000000001".into(),
        bill_amount,
        additional: vec![],
        inquired: false,
        due: None,
        notify_url: "https://gateway.example/notices/biller".into(),
    }
}

/// The same order once it was inquired.
fn inquired() -> BillOrder {
    let due = BillDue {
        bill_amount: Amount::rupiah(301_180),
        admin_fee: Some(Amount::rupiah(3_500)),
        cost: Some(Amount::rupiah(304_680)),
        bills: 1,
        customer_name: Some("RAISA".into()),
        fields: vec![("data".into(), r#"{"customer_name":"RAISA","total_bill":"1"}"#.into())],
        provider_reference: Some("SOURCE-REF-1".into()),
    };
    BillOrder { bill_amount: Some(due.bill_amount), inquired: true, due: Some(due), ..order(Category::PlnPostpaid) }
}

fn bills() -> Vec<(&'static str, ProviderCall)> {
    let agreed = BillOrder { bill_amount: Some(Amount::rupiah(301_180)), ..order(Category::PlnPostpaid) };
    let asked = |order, sent_at| ProviderCall::InquireBillPayment { order, sent_at };
    vec![
        ("inquire_bill", ProviderCall::InquireBill(order(Category::PlnPostpaid))),
        ("inquire_token", ProviderCall::InquireBill(order(Category::PlnPrepaid))),
        ("inquire_top_up", ProviderCall::InquireBill(order(Category::EwalletTopup))),
        ("pay_bill", ProviderCall::PayBill(inquired())),
        ("pay_bill_not_inquired", ProviderCall::PayBill(agreed)),
        ("buy_token", ProviderCall::PayBill(order(Category::PlnPrepaid))),
        ("buy_credit", ProviderCall::PayBill(order(Category::MobilePrepaid))),
        ("pay_chosen", ProviderCall::PayBill(order(Category::EwalletTopup))),
        ("inquire_bill_payment", asked(inquired(), now())),
        ("inquire_old_bill_payment", asked(inquired(), now().plus_seconds(-2 * 24 * 3600))),
        ("inquire_token_payment", asked(order(Category::PlnPrepaid), now())),
        ("inquire_credit_payment", asked(order(Category::MobilePrepaid), now())),
        ("read_float", ProviderCall::ReadFloat),
        ("list_prices", ProviderCall::ListPrices),
    ]
}

fn refund(kind: RefundKind) -> RefundOrder {
    let refund = RefundId::from_bits(7);
    RefundOrder {
        refund,
        reference: refund.to_string(),
        kind,
        charge_reference: PaymentId::from_bits(4).to_string(),
        charge_provider_reference: Some("PROVIDER-REF-1".into()),
        charged_at: now(),
        charged: Amount::rupiah(150_000),
        amount: Amount::rupiah(150_000),
        reason: Some("Sold out".into()),
        provider: Some(provider()),
    }
}

fn refunds() -> Vec<(&'static str, ProviderCall)> {
    let asked = |kind| ProviderCall::InquireRefund { order: refund(kind), sent_at: now() };
    vec![
        ("refund", ProviderCall::Refund(refund(RefundKind::Refund))),
        ("cancel", ProviderCall::Refund(refund(RefundKind::Cancel))),
        ("inquire_refund", asked(RefundKind::Refund)),
        ("inquire_cancellation", asked(RefundKind::Cancel)),
    ]
}
