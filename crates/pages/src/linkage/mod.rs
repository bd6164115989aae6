//! The page where an authorisation code (Get Auth Code, 10) begins: it leads to the wallet, or lets the customer choose
//! one first; and where the customer comes back to from the wallet, on the way to the merchant.

mod route;
mod view;

pub use route::routes;
pub use view::Offer;
