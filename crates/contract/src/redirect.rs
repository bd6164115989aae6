//! Where a browser may be sent. An address outside the merchant's registered origins would make the gateway an open
//! redirect: a stranger could dress a link to anywhere as ours, and catch the authorisation code with it.
//!
//! Everything that two readers of addresses take differently is refused before the origin is compared: user-info
//! (`https://shop.example@evil.example`), backslashes, blanks, control characters, a missing `//`.

use lifecycle::Merchant;
use url::{Origin, Url};

use crate::field::parse_address;

const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether a merchant's customers may be sent to this address: its origin (scheme, host, port) is registered, or it
/// is this computer and the merchant may use that.
///
/// ```
/// # use lifecycle::{Merchant, MerchantCode, merchant::{Callbacks, LateSuccess, Strictness}};
/// # let merchant = Merchant { code: MerchantCode::new("M"), alias: None, name: String::new(), api_key: String::new(),
/// #     products: vec![], public_keys: vec![], redirect_origins: vec!["https://shop.example".into()],
/// #     allow_local_redirects: true, allowed_addresses: vec![], time_window_seconds: 300, replay: false,
/// #     strictness: Strictness::Lenient, callbacks: Callbacks::default(), biller: None,
/// #     late_success: LateSuccess::default(), suspended: false };
/// use contract::redirect::is_allowed;
/// assert!(is_allowed("https://shop.example/done?x=1", &merchant));
/// assert!(is_allowed("http://localhost:3000/", &merchant));
/// assert!(!is_allowed("https://shop.example@evil.example/", &merchant));
/// ```
pub fn is_allowed(text: &str, merchant: &Merchant) -> bool {
    let Some(url) = parse_address(text, &["https://", "http://"]) else {
        return false;
    };
    let origin = url.origin();
    merchant
        .redirect_origins
        .iter()
        .any(|registered| registered_origin(registered).is_some_and(|known| known == origin))
        || (merchant.allow_local_redirects && is_local(&url))
}

fn registered_origin(registered: &str) -> Option<Origin> {
    let origin = Url::parse(registered).ok()?.origin();
    origin.is_tuple().then_some(origin)
}

fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(|host| LOCAL_HOSTS.contains(&host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn allows_registered_origins_and_nothing_else() {
        let merchant = Merchant {
            redirect_origins: vec!["https://www.yourdomain.com".into(), "https://b.example:8443/".into()],
            allow_local_redirects: false,
            ..testing::merchant()
        };
        for (text, expected) in [
            ("https://www.yourdomain.com/authSuccess", true),
            ("https://WWW.yourdomain.com:443/x?y#z", true),
            ("https://b.example:8443/", true),
            ("https://b.example/", false),
            ("http://www.yourdomain.com/authSuccess", false),
            ("https://yourdomain.com/", false),
            ("https://www.yourdomain.com.evil.example/", false),
            ("https://www.yourdomain.com@evil.example/", false),
            ("https://user:word@www.yourdomain.com/", false),
            ("https://www.yourdomain.com\\@evil.example/", false),
            ("https:\\\\www.yourdomain.com/", false),
            ("https:www.yourdomain.com/", false),
            ("//www.yourdomain.com/", false),
            ("https://www.yourdomain.com/\r\nSet-Cookie:a", false),
            (" https://www.yourdomain.com/", false),
            ("javascript://www.yourdomain.com/%0aalert(1)", false),
            ("https://evil.example/?https://www.yourdomain.com/", false),
            ("http://localhost:3000/", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(text, &merchant), expected, "{text:?}");
        }
    }

    #[test]
    fn allows_this_computer_only_where_registered_so() {
        let merchant = Merchant { allow_local_redirects: true, ..testing::merchant() };
        for (text, expected) in [
            ("http://localhost:3000/x", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:8080/", true),
            ("http://localhost.evil.example/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://localhost@evil.example/", false),
            ("ftp://localhost/", false),
        ] {
            assert_eq!(is_allowed(text, &merchant), expected, "{text:?}");
        }
    }
}
