//! The door's limits. Those that are a promise to callers are constants; those that an operator may turn are options.

use std::net::IpAddr;

/// The largest body that an operation or a notice may have, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How much of a body that is too large is read and thrown away, in bytes, so that its sender can hear why; past it
/// the connection is closed.
pub const DISCARDED_BYTES_MAX: usize = 1024 * 1024;
/// The largest head of a request, in bytes: HTTP/1 buffer, HTTP/2 header list.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;

/// What an operator may turn.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How long a request may take from its head to its answer, in milliseconds; then 504.
    pub request_timeout_ms: u64,
    /// The same for the biller services, in milliseconds: billers are slow, and merchants of these services wait long.
    /// Longer than the engine waits for a biller, or a payment's answer would be lost.
    pub biller_request_timeout_ms: u64,
    /// How long a connection may take to send a request's head, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long open requests may take to finish when the gateway stops, in milliseconds.
    pub drain_timeout_ms: u64,
    /// The most connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// The most operations at once; more are refused with 429.
    pub operations_max: usize,
    /// Addresses of the proxies in front of the gateway: from them, and only from them, the last stranger in
    /// `X-Forwarded-For` is the caller.
    pub proxies: Vec<IpAddr>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            request_timeout_ms: 30_000,
            biller_request_timeout_ms: 90_000,
            header_timeout_ms: 10_000,
            drain_timeout_ms: 20_000,
            connections_max: 10_000,
            operations_max: 8_192,
            proxies: vec![],
        }
    }
}
