//! The page that says what came of it: paid, linked, opened; not; or being checked, in which case it renews itself.

mod view;

pub use view::{Onward, ResultKind, ResultView};
