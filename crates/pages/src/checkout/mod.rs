//! The page of a payment (Payment Host to Host, 54): choose a wallet and pay, or cancel; then on to the wallet, back
//! from it, and back to the merchant.

mod form;
mod route;
mod view;

pub use form::masked_phone;
pub use route::routes;
