//! Where merchants' addresses may lead in production: to the public internet over TLS and nowhere else. A merchant chooses
//! its addresses, and whoever runs a gateway does not want it to call its own network, or the machine that it runs on, on
//! a merchant's behalf. An address is looked at when it is registered and again at every connection, on what its name
//! means then: a name may come to mean something else.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Names that mean this computer or this network wherever they are asked for.
const LOCAL_NAMES: &[&str] = &["localhost", "local", "internal", "lan", "home.arpa", "localdomain"];

/// Checks the text of an address as far as can be told without asking anybody. The error is for the operator, without the
/// field's name.
pub fn check_url(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("it is no address: {error}"))?;
    if url.scheme() != "https" {
        return Err("in production it must begin with https://".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user name or password".into());
    }
    match url.host() {
        None => Err("it names no host".into()),
        Some(url::Host::Ipv4(address)) => public(address.into()),
        Some(url::Host::Ipv6(address)) => public(address.into()),
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let is_local = |local: &&str| name == **local || name.ends_with(&format!(".{local}"));
            if LOCAL_NAMES.iter().any(is_local) || !name.contains('.') {
                return Err(format!("{name} is a name of this network; it must be a public one"));
            }
            Ok(())
        }
    }
}

/// The same, and that its name, if anybody knows it now, leads to public addresses only.
pub async fn check_registration(text: &str) -> Result<(), String> {
    check_url(text)?;
    let Some(name) = Url::parse(text).ok().and_then(|url| url.domain().map(str::to_owned)) else {
        return Ok(());
    };
    match tokio::net::lookup_host((name.as_str(), 0)).await {
        Ok(mut addresses) => addresses.try_for_each(|address| public(address.ip())),
        // What nobody knows yet is looked at when it is called.
        Err(_) => Ok(()),
    }
}

fn public(address: IpAddr) -> Result<(), String> {
    if is_public(address) { Ok(()) } else { Err(format!("it leads to {address}, which is not a public address")) }
}

/// Whether anybody on the internet would reach the same computer at this address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let not = match address.octets() {
        // This network, private, shared by carriers, loopback, link-local with the clouds' metadata.
        [0 | 10 | 127, ..] | [169, 254, ..] | [192, 168, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [172, second, ..] => second & 0xf0 == 16,
        // Protocols, documentation, relays, benchmarks.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Multicast, reserved, broadcast.
        [first, ..] => first >= 224,
    };
    !not
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., seventh, eighth] = address.segments();
    let [a, b] = seventh.to_be_bytes();
    let [c, d] = eighth.to_be_bytes();
    let last = Ipv4Addr::new(a, b, c, d);
    match address.segments() {
        // An address of version 4 in the clothes of version 6: mapped, compatible, translated.
        [0, 0, 0, 0, 0, 0xffff | 0, ..] => seventh != 0 && is_public_v4(last),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(last),
        // 6to4 carries the relay's own address.
        [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Teredo and other protocols, documentation.
        [0x2001, ..] => second >= 0x200 && second != 0xdb8,
        [0x3fff, ..] => second >= 0x1000,
        // Everything else that is global unicast: neither unique local, link-local nor multicast.
        _ => first & 0xe000 == 0x2000,
    }
}

/// Asks the system what a name means, and gives only what is public.
#[derive(Clone, Debug, Default)]
pub(crate) struct PublicResolver<R = SystemResolver>(R);

/// Asks the system.
#[derive(Clone, Debug, Default)]
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl<R: Resolve> Resolve for PublicResolver<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let text = name.as_str().to_owned();
        let resolving = self.0.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            let public: Vec<SocketAddr> = found.iter().copied().filter(|address| is_public(address.ip())).collect();
            match (public.is_empty(), found.first()) {
                (true, Some(other)) => {
                    let why = format!("{text} leads to {}, which is not a public address", other.ip());
                    Err(Box::<dyn Error + Send + Sync>::from(why))
                }
                _ => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for (text, expected) in [
            ("8.8.8.8", true),
            ("103.20.51.7", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("172.32.0.1", true),
            ("192.0.1.1", true),
            ("2606:4700::1111", true),
            ("2400:cb00::1", true),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::808:808", true),
            ("2002:808:808::1", true),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.9", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("2002:7f00:1::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("3fff::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn an_address_in_production_is_public_and_over_tls() {
        for text in ["https://merchant.example.com/pay", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/x"] {
            assert_eq!(check_url(text), Ok(()), "{text}");
        }
        for (text, expected) in [
            ("merchant", "it is no address"),
            ("http://merchant.example.com/", "https://"),
            ("ftp://merchant.example.com/", "https://"),
            ("https://user:pass@merchant.example.com/", "user name"),
            ("https://localhost/", "localhost"),
            ("https://a.localhost./", "a.localhost"),
            ("https://metadata.google.internal/", "internal"),
            ("https://printer.local/", "printer.local"),
            ("https://intranet/", "intranet"),
            ("https://127.0.0.1/", "127.0.0.1"),
            // Other ways to write the same.
            ("https://2130706433/", "127.0.0.1"),
            ("https://0x7f.1/", "127.0.0.1"),
            ("https://0251.0376.0251.0376/", "169.254.169.254"),
            ("https://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1"),
            ("https://[::1]:8443/", "::1"),
        ] {
            let why = check_url(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_computer_is_refused_at_registration_and_what_nobody_knows_is_not() {
        assert!(check_registration("https://127.0.0.1/").await.is_err());
        assert_eq!(check_registration("https://nobody.invalid/callback").await, Ok(()));
    }

    /// Means something public first, and this computer from then on.
    #[derive(Clone, Default)]
    struct Turncoat(Arc<AtomicUsize>);

    impl Resolve for Turncoat {
        fn resolve(&self, _: Name) -> Resolving {
            let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
            let address = if first { [8, 8, 8, 8] } else { [127, 0, 0, 1] };
            Box::pin(async move { Ok(Box::new([SocketAddr::from((address, 443))].into_iter()) as Addrs) })
        }
    }

    #[tokio::test]
    async fn a_name_that_changes_its_meaning_is_refused_at_the_next_connection() {
        let resolver = PublicResolver(Turncoat::default());
        let ask = || resolver.resolve("merchant.example.com".parse().unwrap());
        let found: Vec<_> = ask().await.unwrap().collect();
        assert_eq!(found, [SocketAddr::from(([8, 8, 8, 8], 443))]);
        let Err(why) = ask().await else { panic!("it was let through") };
        assert_eq!(why.to_string(), "merchant.example.com leads to 127.0.0.1, which is not a public address");
    }
}
