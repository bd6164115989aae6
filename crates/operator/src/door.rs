//! The way in: who may, what is asked, what came of it. What is asked and answered is never logged: there are secrets in
//! it.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::{self, Body},
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use engine::{Engine, Partner, TurnableClock};
use lifecycle::{Command, Key, MerchantCode, Row, Secret};
use store::{Reader, StoreError};
use tokio::sync::Mutex;

use crate::{
    fault::Fault,
    input::Input,
    limits::{PAGE_ROWS, body_bytes_max},
    notification,
    operation::{Answer, operation, sandbox_operation},
    source::float::Compared,
    unknown::Totals,
};

/// What the door is told at start.
#[derive(Clone)]
pub struct OperatorOptions {
    /// Who may do everything here, each by a token of their own.
    pub operators: Vec<Access>,
    /// The version of the program, as `status` shows it.
    pub version: String,
    /// What keeps the store, as `status` shows it: no password.
    pub store: String,
    /// Who issues invoices, at their head.
    pub issuer: String,
    /// The engine's clock, where an operator may turn it: in a sandbox.
    pub clock: Option<Arc<TurnableClock>>,
}

/// One who is admitted.
#[derive(Clone)]
pub struct Access {
    /// Who, as it is written down beside what they do.
    pub name: String,
    /// What they show. An empty one admits nobody.
    pub token: Secret,
}

/// What operations work with.
pub(crate) struct Door {
    pub(crate) engine: Engine,
    pub(crate) options: OperatorOptions,
    /// One registration is read, changed and kept at a time: two would undo each other's change.
    pub(crate) registering: Mutex<()>,
    /// What each source and the ledger said when its float was last asked for.
    pub(crate) floats: Mutex<HashMap<String, Compared>>,
}

/// The operator's door over an engine.
pub fn router(engine: Engine, options: OperatorOptions) -> Router {
    Router::new()
        .route("/operator/v1/metrics", get(metrics))
        .route("/operator/v1/{operation}", post(answer))
        .fallback(async || Fault::not_found("such path; operations are at POST /operator/v1/<operation>"))
        .with_state(Arc::new(Door { engine, options, registering: Mutex::default(), floats: Mutex::default() }))
}

async fn answer(
    State(door): State<Arc<Door>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let by = door.admit(&headers)?;
    let of_sandbox = || door.options.clock.as_ref().and_then(|_| sandbox_operation(&name));
    let operation = operation(&name)
        .or_else(of_sandbox)
        .ok_or_else(|| Fault::new(404, "operation_unknown", "there is no such operation; the reference lists them"))?;
    let body_bytes_max = body_bytes_max(operation.name);
    let body = body::to_bytes(body, body_bytes_max).await.map_err(|_| {
        Fault::new(413, "body_too_large", format!("the body must not be larger than {body_bytes_max} bytes"))
    })?;
    let result = match Input::read(&body, operation.fields, by) {
        Ok(input) => (operation.run)(&door, input).await,
        Err(fault) => Err(fault),
    };
    let code = result.as_ref().map_or_else(|fault| fault.code, |_| "done");
    tracing::info!(operation = operation.name, operator = by, outcome = code, "an operator asked");
    result.map(IntoResponse::into_response)
}

async fn metrics(State(door): State<Arc<Door>>, headers: HeaderMap) -> Result<Response, Fault> {
    door.admit(&headers)?;
    let open = Totals::read(&door).await?;
    let text = door.engine.ledger_health().metrics()
        + &door.engine.store_health().metrics()
        + &door.engine.provider_metrics()
        + &open.metrics()
        + &notification::metrics(&door).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        // Some answers hold a secret that is shown once.
        let quiet: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Json(value) => {
                ([quiet, (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], value.to_string())
                    .into_response()
            }
            Self::File { content_type, name, bytes } => {
                let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
                    .unwrap_or(HeaderValue::from_static("attachment"));
                let kind = HeaderValue::from_static(content_type);
                ([quiet, (header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], bytes)
                    .into_response()
            }
        }
    }
}

impl Door {
    /// Who shows their token; whoever shows none learns nothing else.
    fn admit(&self, headers: &HeaderMap) -> Result<&str, Fault> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let shown = shown.unwrap_or_default();
        let mut found = None;
        // All are looked at, whichever it is: how long it takes tells nothing.
        for access in &self.options.operators {
            let token = access.token.expose().as_bytes();
            if aws_lc_rs::constant_time::verify_slices_are_equal(shown, token).is_ok() && !token.is_empty() {
                found = Some(access.name.as_str());
            }
        }
        found.ok_or_else(|| Fault::new(401, "unauthorized", "show an operator's token: Authorization: Bearer <token>"))
    }

    /// The merchant that the request names.
    pub(crate) fn merchant(&self, input: &Input) -> Result<Arc<Partner>, Fault> {
        let code = input.text("merchant")?;
        self.engine.partner(&code).ok_or_else(|| Fault::not_found(format_args!("merchant {code}")))
    }

    /// Reads every registration anew before one is changed: another gateway of the same store may have changed it since,
    /// and its change would be undone.
    pub(crate) async fn know_registrations(&self) -> Result<(), Fault> {
        let engine = self.engine.clone();
        let known = tokio::task::spawn_blocking(move || engine.reload_merchants()).await;
        match known {
            Ok(Ok(())) => Ok(()),
            _ => Err(Fault::unavailable()),
        }
    }

    /// Asks the store a question.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Fault> {
        self.engine.read(question).await.ok_or_else(Fault::unavailable)
    }

    /// The row of a key.
    pub(crate) async fn row(&self, key: Key) -> Result<Option<Row>, Fault> {
        self.read(move |reader| reader.row(&key)).await
    }

    /// Takes a step; `impossible` says when it cannot be taken.
    pub(crate) async fn operate(
        &self,
        merchant: &MerchantCode,
        command: Command,
        impossible: &str,
    ) -> Result<(), Fault> {
        let taken = self.engine.operate(merchant, command).await;
        taken.map_err(|refusal| Fault::of_refusal(&refusal, impossible))
    }
}

/// How many rows the request wants.
pub(crate) fn page_rows(input: &Input) -> usize {
    let rows = input.number("limit").unwrap_or(PAGE_ROWS).max(1);
    usize::try_from(rows).unwrap_or(usize::MAX)
}
