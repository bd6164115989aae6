//! What a provider tells of a payment and its link, in any order and however often: the same words end in the same state,
//! with the same postings and the same notifications.

use crate::support::{Gateway, digest};
use lifecycle::{
    Command, Key, LinkId, PaymentId, ProductCode, Reason, Row,
    linkage::{Link, LinkStatus},
    payment::Pay,
    provider::{Outcome, ProviderLink},
    task::TaskKind,
};
use money::Amount;
use proptest::prelude::*;

/// One thing that a provider may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Charged,
    Failed,
    Pending,
    /// As a notice with another amount or without one is read: nothing of it is believed.
    NotBelieved,
    NeverHeardOf,
    Revoked,
}

/// A payment by a linked account, whose provider is being asked to charge and has not answered.
fn charging(gateway: &mut Gateway) -> (PaymentId, LinkId) {
    gateway.merchant.callbacks.inquiry_url = None;
    let link = Link {
        id: LinkId::from_bits(77),
        merchant: gateway.merchant.code.clone(),
        product: ProductCode::new("WALLET"),
        partner_reference: "binding".into(),
        request: gateway.call("07", "binding").key,
        phone: Some("6281".into()),
        lang: "id".into(),
        redirect_url: None,
        page: digest("page"),
        account_token: digest("account"),
        card_token: Some(digest("card")),
        customer_token: Some(digest("customer")),
        created_at: gateway.now,
        status: LinkStatus::Active { provider: ProviderLink::default(), since: gateway.now },
    };
    let id = link.id;
    let row = Row::from(link);
    for key in row.keys() {
        gateway.rows.insert(key, row.clone());
    }
    let pay = Pay {
        request: gateway.call("54", "order-1"),
        amount: Amount::rupiah(50_000),
        product: None,
        card_token: Some(digest("card")),
        phone: None,
        return_url: None,
        valid_until: None,
    };
    gateway.run(Command::Pay(pay)).unwrap();
    let payment = gateway.rows.keys().find_map(|key| match key {
        Key::Payment(id) => Some(*id),
        _ => None,
    });
    (payment.expect("a payment"), id)
}

/// Where everything stands once these words were heard, and what was said and posted on the way.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    payment: String,
    link: &'static str,
    /// Whether the link may be used for another payment.
    pays_again: bool,
    notices: Vec<String>,
    answers: usize,
    entries: String,
}

fn hear(words: &[Word]) -> Heard {
    let mut gateway = Gateway::default();
    let (payment, link) = charging(&mut gateway);
    for word in words {
        let noticed = |outcome| Command::ChargeNoticed { payment, outcome };
        let command = match word {
            Word::Charged => noticed(Outcome::Charged { provider_reference: "P1".into() }),
            Word::Failed => noticed(Outcome::Refused(Reason::DoNotHonor)),
            Word::Pending => noticed(Outcome::Pending),
            Word::NotBelieved => noticed(Outcome::Unknown("another amount".into())),
            Word::NeverHeardOf => noticed(Outcome::NotFound),
            Word::Revoked => Command::LinkRevoked { link },
        };
        gateway.run(command).unwrap();
        assert_eq!(gateway.tasks.iter().filter(|task| matches!(task.kind, TaskKind::Charge(_))).count(), 1);
    }
    let Some(Row::Payment(paid)) = gateway.rows.get(&Key::Payment(payment)) else { panic!("a payment") };
    let Some(Row::Link(known)) = gateway.rows.get(&Key::Link(link)) else { panic!("a link") };
    let mut notices: Vec<String> = gateway.notices.iter().map(|notice| format!("{notice:?}")).collect();
    // Notifications about a payment and about its link go their own ways.
    notices.sort();
    Heard {
        payment: format!("{:?}", paid.status),
        link: known.status.name(),
        pays_again: matches!(known.status, LinkStatus::Active { .. }),
        notices,
        answers: gateway.answers.len(),
        entries: format!("{:?}", gateway.entries),
    }
}

/// These words, each at least once, in any order and repeated.
fn order_of(words: Vec<Word>) -> impl Strategy<Value = Vec<Word>> {
    let more = prop::collection::vec(prop::sample::select(words.clone()), 0..6);
    more.prop_flat_map(move |more| Just([words.clone(), more].concat()).prop_shuffle())
}

/// Words that can be true together, and two orders of them.
fn two_orders() -> impl Strategy<Value = (Vec<Word>, Vec<Word>, Vec<Word>)> {
    let last = prop_oneof![Just(Some(Word::Charged)), Just(Some(Word::Failed)), Just(None)];
    let rest =
        prop::sample::subsequence(vec![Word::Pending, Word::NotBelieved, Word::NeverHeardOf, Word::Revoked], 0..=4);
    let words = (last, rest).prop_map(|(last, rest)| last.into_iter().chain(rest).collect::<Vec<_>>());
    words
        .prop_filter("something is told", |words| !words.is_empty())
        .prop_flat_map(|words| (Just(words.clone()), order_of(words.clone()), order_of(words)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_same_words_in_any_order_and_repeated_end_in_the_same((words, one, other) in two_orders()) {
        let heard = hear(&one);
        prop_assert_eq!(&heard, &hear(&other), "{:?} and {:?}", one, other);
        let paid = words.contains(&Word::Charged);
        prop_assert_eq!(heard.payment.starts_with("Succeeded {"), paid, "{}", heard.payment);
        prop_assert_eq!(heard.payment.starts_with("Failed {"), words.contains(&Word::Failed), "{}", heard.payment);
        prop_assert_eq!(heard.pays_again, !words.contains(&Word::Revoked));
        prop_assert!(heard.notices.iter().filter(|notice| notice.starts_with("Payment(")).count() <= 1);
    }

    /// A provider that contradicts itself took the money: it never ends as failed, and the merchant hears of the success
    /// once: as a payment, or as one that will go back.
    #[test]
    fn money_that_was_taken_is_never_called_failed(
        order in order_of(vec![Word::Charged, Word::Failed, Word::Pending, Word::NeverHeardOf, Word::Revoked])
    ) {
        let heard = hear(&order);
        let failed_first = order.iter().position(|word| *word == Word::Failed) < order.iter().position(|word| *word == Word::Charged);
        let expected = if failed_first { "SucceededLate {" } else { "Succeeded {" };
        prop_assert!(heard.payment.starts_with(expected), "{:?}: {}", order, heard.payment);
        let told = |word: &str| heard.notices.iter().filter(|notice| notice.contains(word)).count();
        prop_assert_eq!(told("result: Succeeded") + told("result: RefundDue"), 1, "{:?}", heard.notices);
        prop_assert_eq!(told("result: Failed"), usize::from(failed_first), "{:?}", heard.notices);
    }
}
