//! The page where a customer chooses PIN and password of a new account (Account Creation, 06). Both pass through
//! memory only: they are checked, handed on, and shown to nobody, in an error page neither.

mod form;
mod route;
mod view;

pub use route::routes;
