//! Sources of bills: whom we buy at, what is left of our money there, and what they charge beside what we take. Asking
//! changes nothing anywhere.

pub mod float;
pub mod list;
mod margin;
pub mod prices;

use engine::Unanswered;
use lifecycle::Reason;

use crate::{
    fault::Fault,
    input::{Field, Kind},
    limits::SOURCE_MAX,
};

const SOURCE: Field = Field::mandatory("source", Kind::Text(SOURCE_MAX), "Its name, as `source.list` has it.");

/// Why a source did not say what it was asked.
fn fault(source: &str, unanswered: Unanswered) -> Fault {
    match unanswered {
        Unanswered::NoAccount => Fault::not_found(format_args!("account at a source {source}")),
        Unanswered::CannotBeAsked => Fault::conflict("source_cannot", format!("{source} cannot be asked that")),
        Unanswered::Refused(reason) => {
            let why = match reason {
                Reason::ProviderRejectedCall(code) => format!("its code is {code}"),
                other => format!("{other:?}"),
            };
            Fault::conflict(
                "source_refused",
                format!("{source} did not say: {why}; sources limit how often they may be asked"),
            )
        }
        Unanswered::Silent(what) => Fault::new(503, "source_silent", format!("{source} did not answer: {what}")),
    }
}
