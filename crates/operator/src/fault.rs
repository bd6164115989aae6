//! Why an operation was not carried out, as the operator reads it. Nothing was changed, except where it says otherwise.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use lifecycle::Refusal;
use serde_json::json;

/// A refusal of the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status: 400, 401, 404, 409, 413 or 503.
    pub status: u16,
    /// The one word for it, snake case.
    pub code: &'static str,
    /// What is wrong, in words; a field by its name, never a secret.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A field that does not hold what it must.
    pub(crate) fn field(name: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(400, "field_malformed", format!("{name}: {problem}"))
    }

    /// What the request names is not there.
    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(404, "not_found", format!("there is no {what}"))
    }

    /// It does not go together with what is there.
    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(409, code, message)
    }

    /// The store did not answer.
    pub(crate) fn unavailable() -> Self {
        Self::new(503, "unavailable", "the store did not answer; ask again with the same reference")
    }

    /// A step of the engine was refused.
    pub(crate) fn of_refusal(refusal: &Refusal, impossible: &str) -> Self {
        match refusal {
            Refusal::NoDeposit => Self::conflict("no_deposit", "the merchant pays by invoice and has no deposit"),
            Refusal::ReferenceDiffers => {
                Self::conflict("reference_differs", "reference: it was used before with another amount")
            }
            Refusal::StepImpossible => Self::conflict("step_impossible", impossible),
            Refusal::Busy | Refusal::StoreUnavailable | Refusal::StillWorking => Self::unavailable(),
            other => Self::conflict("refused", format!("{other:?}")),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } }).to_string();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}
