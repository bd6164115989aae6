//! Why: a test that needs PostgreSQL must not need anybody to have set one up. Whoever comes first starts one server
//! from the system's binaries, as an ordinary user, for every test process of the run; each test gets a database of
//! its own, cloned from a template that is migrated once. `GERBANG_TEST_POSTGRES=postgres://...` names another server.
//!
//! The server listens on a socket in a folder of its own and on no port. It stops by itself when no test has used it
//! for a minute. It does not wait for the disk: these tests end processes, never the machine.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod between;
mod server;

use std::{
    fs::File,
    sync::atomic::{AtomicU32, Ordering},
};

use tokio_postgres::{Client, Config, NoTls, config::Host};

pub use self::{
    between::{Between, Trouble},
    server::ProductionServer,
};

/// Names another server than the one that the tests start.
pub const SERVER_VARIABLE: &str = "GERBANG_TEST_POSTGRES";

/// A database that lives as long as this value.
pub struct TestDatabase {
    url: String,
    name: String,
    server: Server,
}

/// The server, kept from stopping.
struct Server {
    url: String,
    _in_use: Option<File>,
}

impl TestDatabase {
    /// A database cloned from the template of this name, which `migrate` fills the first time that anybody asks.
    ///
    /// # Panics
    ///
    /// When there is no server and none can be started; the text says what is missing.
    pub fn cloned(template: &str, migrate: impl FnOnce(&str)) -> Self {
        let server = Server::reach();
        let template = format!("gerbang_template_{template}");
        server.make_template(&template, migrate);
        server.create(Some(&template))
    }

    /// An empty database.
    ///
    /// # Panics
    ///
    /// When there is no server and none can be started; the text says what is missing.
    pub fn empty() -> Self {
        Server::reach().create(None)
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's socket file or address, for a test that stands in between.
    pub fn address(&self) -> Address {
        let config = config(&self.url);
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(Host::Unix(folder)) => Address::Unix(folder.join(format!(".s.PGSQL.{port}"))),
            Some(Host::Tcp(host)) => Address::Tcp(format!("{host}:{port}")),
            None => panic!("{} names no host", self.url),
        }
    }

    /// The same database as reached through this port of this machine.
    pub fn url_through(&self, port: u16) -> String {
        let config = config(&self.url);
        let user = config.get_user().unwrap_or("postgres");
        format!("postgres://{user}@127.0.0.1:{port}/{}?sslmode=disable", self.name)
    }

    /// Runs a text on the database, outside the store, as a stranger with the password would.
    ///
    /// # Panics
    ///
    /// When the database refuses it.
    pub fn run(&self, text: &str) {
        on(&self.url, async |client| client.batch_execute(text).await)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    /// The rows of a question, each column as text; a column that is null is empty.
    ///
    /// # Panics
    ///
    /// When the database refuses it.
    pub fn ask(&self, text: &str) -> Vec<Vec<String>> {
        let messages = on(&self.url, async |client| client.simple_query(text).await)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let row = |message: &tokio_postgres::SimpleQueryMessage| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect())
            }
            _ => None,
        };
        messages.iter().filter_map(row).collect()
    }
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Address {
    /// A socket in the file system.
    Unix(std::path::PathBuf),
    /// Host and port.
    Tcp(String),
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let text = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = on(&self.server.url, async |client| client.batch_execute(&text).await) {
            eprintln!("{text}: {error}");
        }
    }
}

impl Server {
    fn reach() -> Self {
        match std::env::var(SERVER_VARIABLE) {
            Ok(url) => Self { url, _in_use: None },
            Err(_) => {
                let (url, in_use) = server::reach();
                Self { url, _in_use: Some(in_use) }
            }
        }
    }

    fn create(self, template: Option<&str>) -> TestDatabase {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos());
        let name = format!("gerbang_test_{}_{now}_{number}", std::process::id());
        let template = template.unwrap_or("template0");
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        TestDatabase { url: self.url_of(&name), name, server: self }
    }

    /// Makes the template unless somebody has made it; its last name tells that it is complete.
    fn make_template(&self, name: &str, migrate: impl FnOnce(&str)) {
        let _alone = server::alone();
        let known = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        let found = on(&self.url, async |client| client.query_opt(&known, &[]).await);
        if found.expect("the server lists its databases").is_some() {
            return;
        }
        let draft = format!("{name}_draft");
        self.run(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"));
        self.run(&format!("CREATE DATABASE {draft} TEMPLATE template0 ENCODING 'UTF8'"));
        migrate(&self.url_of(&draft));
        self.run(&format!("ALTER DATABASE {draft} RENAME TO {name}"));
    }

    fn run(&self, text: &str) {
        // A connection that is just ending still counts as a user of the database that it was in.
        for attempt in 0.. {
            match on(&self.url, async |client| client.batch_execute(text).await) {
                Ok(()) => return,
                Err(error) if attempt < 50 && error.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE) => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("{text}: {error:?}"),
            }
        }
    }

    /// The server's URL with another database in it.
    fn url_of(&self, database: &str) -> String {
        let (front, query) = self.url.split_once('?').map_or((self.url.as_str(), None), |(f, q)| (f, Some(q)));
        let authority = front.find("://").map_or(0, |at| at + 3);
        let end = front[authority..].find('/').map_or(front.len(), |at| authority + at);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}/{database}{query}", &front[..end])
    }
}

fn config(url: &str) -> Config {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Runs `work` on a connection of its own, on a thread of its own, so that it may be called from anywhere.
fn on<T: Send>(
    url: &str,
    work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error> + Send,
) -> Result<T, tokio_postgres::Error> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async {
            let (client, connection) = config(url).connect(NoTls).await?;
            let connection = tokio::spawn(connection);
            let done = work(&client).await;
            drop(client);
            let _ = connection.await;
            done
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
