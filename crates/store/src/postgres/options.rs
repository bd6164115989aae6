//! What a PostgreSQL store is told, and how its URL is read.

use std::{path::PathBuf, str::FromStr, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use crate::StoreError;

/// Settings of a PostgreSQL store.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Certificates that may sign the server's, one PEM file; the system's when none. A URL's `sslrootcert` goes first.
    pub root_certificates: Option<PathBuf>,
    /// How long a connection may take to be made, in milliseconds. Several hosts in the URL share it.
    pub connect_timeout_ms: u64,
    /// How long the answer to a commit is waited for, in milliseconds; then its outcome is unknown. Longer than the
    /// server's slowest healthy answer: a shorter one turns slowness into doubt.
    pub commit_deadline_ms: u64,
    /// How long the server works on one statement, in milliseconds. Does not bound the commit.
    pub statement_timeout_ms: u64,
    /// How long a statement waits for another transaction's row, in milliseconds; then its batch is run again.
    pub lock_timeout_ms: u64,
    /// Connections that answer questions, made when first needed.
    pub reader_connections: usize,
    /// Refuses a server that may lose what it has confirmed: `fsync` or `full_page_writes` off, `synchronous_commit`
    /// weaker than `on`.
    pub production: bool,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            root_certificates: None,
            connect_timeout_ms: 2_000,
            commit_deadline_ms: 10_000,
            statement_timeout_ms: 5_000,
            lock_timeout_ms: 3_000,
            reader_connections: 4,
            production: false,
        }
    }
}

/// How much longer than the server's own limit an answer is waited for before the connection is given up.
const PATIENCE_MS: u64 = 2_000;
/// A transaction that is left alone this long, in milliseconds, is ended by the server, so that a process that was
/// stopped in the middle of one keeps nobody else from its rows.
const IDLE_IN_TRANSACTION_MS: u64 = 10_000;

impl PostgresOptions {
    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) fn commit_deadline(&self) -> Duration {
        Duration::from_millis(self.commit_deadline_ms)
    }

    pub(super) fn statement_deadline(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms + PATIENCE_MS)
    }

    /// What a new connection is told first.
    pub(super) fn set_up(&self) -> String {
        super::statements::set_up(self.statement_timeout_ms, self.lock_timeout_ms, IDLE_IN_TRANSACTION_MS)
    }
}

/// A URL as read: how to connect, and the certificates that it names.
pub(super) struct Location {
    pub(super) config: Config,
    pub(super) root_certificates: Option<PathBuf>,
}

/// Reads a URL. Where it does not say `sslmode`, a server on another machine must speak TLS; where it says `require`,
/// `verify-ca` or `verify-full`, the certificate and the name in it are verified all the same.
pub(super) fn read_url(url: &str, options: &PostgresOptions) -> Result<Location, StoreError> {
    let refuse = |why: String| StoreError::Open(why.into());
    let (front, query) = url.split_once('?').unwrap_or((url, ""));
    let mut root_certificates = options.root_certificates.clone();
    let mut mode = None;
    let mut others = vec![];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => root_certificates = Some(PathBuf::from(path)),
            Some(("sslmode", text)) => {
                mode = Some(match text {
                    "disable" => SslMode::Disable,
                    "prefer" => SslMode::Prefer,
                    "require" | "verify-ca" | "verify-full" => SslMode::Require,
                    _ => return Err(refuse("the URL's sslmode is disable, prefer, require or verify-full".into())),
                });
            }
            _ => others.push(pair),
        }
    }
    // The parser's own text may quote the URL.
    let mut config = Config::from_str(&format!("{front}?{}", others.join("&")))
        .map_err(|_| refuse("the URL of the PostgreSQL server does not read".into()))?;
    let near = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
    });
    config
        .ssl_mode(mode.unwrap_or(if near { SslMode::Disable } else { SslMode::Require }))
        .application_name("gerbang")
        .connect_timeout(options.connect_timeout())
        // A host that is gone must not hold a connection for minutes.
        .tcp_user_timeout(options.commit_deadline())
        .keepalives_idle(Duration::from_secs(10));
    if config.get_hosts().len() > 1 {
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
    }
    Ok(Location { config, root_certificates })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_must_speak_tls_unless_the_url_says_otherwise() {
        let check = |url: &str, expected| {
            let location = read_url(url, &PostgresOptions::default()).unwrap();
            assert_eq!(location.config.get_ssl_mode(), expected, "{url}");
        };
        check("postgres://db.example/gateway", SslMode::Require);
        check("postgres://localhost,db.example/gateway", SslMode::Require);
        check("postgres://localhost/gateway", SslMode::Disable);
        check("postgres://[::1]:5433/gateway", SslMode::Disable);
        check("postgres://%2Frun%2Fpostgresql/gateway", SslMode::Disable);
        check("postgres://localhost/gateway?sslmode=verify-full", SslMode::Require);
        check("postgres://db.example/gateway?sslmode=disable", SslMode::Disable);
        check("postgres://db.example/gateway?sslmode=prefer", SslMode::Prefer);
        let named = read_url("postgres://h/d?sslrootcert=/etc/ca.pem&application_name=x", &PostgresOptions::default());
        assert_eq!(named.unwrap().root_certificates, Some("/etc/ca.pem".into()));
    }
}
