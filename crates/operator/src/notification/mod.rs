//! What merchants are told, and their endpoints: what waits and why, every attempt, and what an operator does about it.

pub mod endpoints;
pub mod list;
pub mod pause;
pub mod replay;
pub mod resend;
pub mod resume;
pub mod show;

use lifecycle::{
    Command, Key, MerchantCode, NotificationId, Row,
    endpoint::{Endpoint, EndpointCommand, EndpointStatus, EndpointStep},
    notification::{NoticeKind, Notification, NotificationStatus, Subject},
};
use serde_json::{Value, json};
use store::NotificationFilter;

use crate::{
    door::Door,
    fault::Fault,
    input::{Field, Input, Kind},
    limits::MERCHANT_CODE_MAX,
    merchant::MERCHANT,
    view,
};

/// The field that names a notification.
const NOTIFICATION: Field = Field::mandatory("notification", Kind::Text(40), "Its id, `ntf_...`.");
/// The names of every callback that is delivered until it is accepted.
const KINDS: &[&str] = &["payment", "binding", "low_balance", "refund", "bill"];
/// The field that names one of a merchant's endpoints.
const KIND: Field = Field::mandatory("kind", Kind::Choice(KINDS), "Which of its addresses.");
/// The fields that say which notifications are meant.
const OF_MERCHANT: Field = Field::optional("merchant", Kind::Text(MERCHANT_CODE_MAX), "Of this merchant.");
const OF_KIND: Field = Field::optional("kind", Kind::Choice(KINDS), "By this callback.");
const IN_STATE: Field = Field::optional("state", Kind::Choice(&NotificationStatus::NAMES), "In this state.");
/// What a step of an endpoint cannot be taken for.
const IMPOSSIBLE: &str = "the notification is not there, or its merchant is gone";

/// The notification that a request names.
async fn named(door: &Door, input: &Input) -> Result<Notification, Fault> {
    let name = input.text("notification")?;
    let id: NotificationId = name.parse().map_err(|error| Fault::field("notification", error))?;
    match door.row(Key::Notification(id)).await? {
        Some(Row::Notification(row)) => Ok(*row),
        _ => Err(Fault::not_found(format_args!("notification {name}"))),
    }
}

fn kind_of(input: &Input) -> Option<NoticeKind> {
    input.optional_text("kind").and_then(|name| NoticeKind::parse(&name))
}

/// The notifications that a request means.
fn filter(door: &Door, input: &Input) -> Result<NotificationFilter, Fault> {
    let merchant = input.has("merchant").then(|| door.merchant(input)).transpose()?;
    let wanted = input.optional_text("state");
    Ok(NotificationFilter {
        merchant: merchant.map(|partner| partner.merchant.code.clone()),
        kind: kind_of(input),
        state: NotificationStatus::NAMES.into_iter().find(|name| wanted.as_deref() == Some(name)),
        since: input.has("since").then(|| input.instant("since")).transpose()?,
    })
}

/// Takes a step about an endpoint.
async fn take(door: &Door, merchant: &MerchantCode, kind: NoticeKind, step: EndpointStep) -> Result<(), Fault> {
    let command = EndpointCommand { merchant: merchant.clone(), kind, step };
    door.operate(merchant, Command::Endpoint(command), IMPOSSIBLE).await
}

/// An endpoint as it is kept; one that nothing was noteworthy about is open.
async fn endpoint(door: &Door, merchant: &MerchantCode, kind: NoticeKind) -> Result<Endpoint, Fault> {
    match door.row(Key::Endpoint(merchant.clone(), kind)).await? {
        Some(Row::Endpoint(row)) => Ok(*row),
        _ => Ok(Endpoint { merchant: merchant.clone(), kind, status: EndpointStatus::Open }),
    }
}

fn subject(subject: Subject) -> Value {
    match subject {
        Subject::Payment(id) => id.to_string().into(),
        Subject::Link(id) => id.to_string().into(),
        Subject::AccountCreation(id) => id.to_string().into(),
        Subject::Bill(id) => id.to_string().into(),
        Subject::Refund(id) => id.to_string().into(),
        Subject::Deposit => Value::Null,
    }
}

/// A notification without its attempts.
pub(crate) fn summary(row: &Notification) -> Value {
    let at = match &row.status {
        NotificationStatus::Delivered { at, .. }
        | NotificationStatus::Acknowledged { at, .. }
        | NotificationStatus::Exhausted { at, .. } => view::time(*at),
        NotificationStatus::Pending { .. } | NotificationStatus::Waiting { .. } => Value::Null,
    };
    json!({
        "notification": row.id.to_string(),
        "merchant": row.merchant.as_str(),
        "kind": row.kind.name(),
        "about": subject(row.subject),
        "state": row.status.name(),
        "suspect": row.status.is_suspect(),
        "attempts": row.status.attempts(),
        "last_error": row.status.last_error(),
        "created_at": view::time(row.created_at),
        "ended_at": at,
    })
}

/// An endpoint, and how many wait for it or were given up on.
fn shown(door: &Door, endpoint: &Endpoint, waiting: u64, exhausted: u64) -> Value {
    let url = door.engine.partner(endpoint.merchant.as_str());
    let url = url.and_then(|partner| partner.merchant.callbacks.url(endpoint.kind).map(str::to_owned));
    let mut shown = json!({
        "merchant": endpoint.merchant.as_str(),
        "kind": endpoint.kind.name(),
        "url": url,
        "state": endpoint.status.name(),
        "takes_new": !endpoint.status.is_closed(),
        "waiting": waiting,
        "exhausted": exhausted,
    });
    match &endpoint.status {
        EndpointStatus::Open => {}
        EndpointStatus::Failing { since, failures, probe_at } => {
            shown["since"] = view::time(*since);
            shown["failures"] = (*failures).into();
            shown["probe_at"] = view::time(*probe_at);
        }
        EndpointStatus::Recovering { since, width } => {
            shown["since"] = view::time(*since);
            shown["at_once"] = (*width).into();
        }
        EndpointStatus::Paused { since, by } => {
            shown["since"] = view::time(*since);
            shown["by"] = by.as_str().into();
        }
        EndpointStatus::Gone { since } => shown["since"] = view::time(*since),
    }
    shown
}

/// What operators watch: how many notifications stand still, and how many endpoints take nothing new.
pub(crate) async fn metrics(door: &Door) -> Result<String, Fault> {
    let (halted, endpoints) = door
        .read(|reader| Ok((reader.halted_notifications()?, reader.endpoints(None, endpoints::ENDPOINTS_MAX)?)))
        .await?;
    let of = |state: &str| halted.iter().filter(|count| count.state == state).map(|count| count.count).sum::<u64>();
    let closed = endpoints.iter().filter(|endpoint| endpoint.status.is_closed()).count();
    let gauges = [
        ("gerbang_notifications_waiting", of("waiting")),
        ("gerbang_notifications_exhausted", of("exhausted")),
        ("gerbang_endpoints_closed", u64::try_from(closed).unwrap_or(u64::MAX)),
    ];
    Ok(gauges.map(|(name, value)| format!("# TYPE {name} gauge\n{name} {value}\n")).concat())
}
