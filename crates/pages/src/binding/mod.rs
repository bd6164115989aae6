//! Where the customer comes back to from a wallet's binding page (Account Binding, 07, of the wallets that have one).
//! It shows nothing of its own: the provider is asked, and the browser goes on to the merchant or to the result page.

mod route;

pub use route::routes;
