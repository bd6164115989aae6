//! The biller that the bench pays at: an imitation behind real HTTP in a process of its own, so that its work is not
//! taken for the gateway's. Nothing of it is kept on disk. The two processes talk over the child's standard streams:
//! its first line says where it listens, and every line that it is sent is answered with its books.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result};
use connectors::{Account, Connector, imitation::Setup};
use engine::SystemClock;
use lifecycle::Secret;
use protocol::keys::PrivateKey;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use simulator::imitations::{ImitationOptions, Provider};
use tokio::net::TcpListener;

/// Our name at the biller, and our secret there.
const CREDENTIAL: &str = "bench";

/// What the biller knows of our orders, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillerBooks {
    /// Orders that it took.
    pub orders: u64,
    /// Those of them that it delivered.
    pub delivered: u64,
    /// How often it was sent an order, repeats included.
    pub requests: u64,
}

/// A running biller; it ends with this value.
pub struct Biller {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    base_url: String,
}

impl Biller {
    /// Starts the imitation of this connector.
    pub fn start(connector: &str) -> Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let mut child = Command::new(program)
            .args(["bench", "--play-biller", connector])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the imitated biller")?;
        let questions = child.stdin.take().context("the biller's standard input")?;
        let answers = BufReader::new(child.stdout.take().context("the biller's standard output")?);
        let mut biller = Self { child, questions, answers, base_url: String::new() };
        biller.base_url = biller.read_line()?;
        Ok(biller)
    }

    /// The gateway's account there.
    pub fn account(&self, key: &PrivateKey) -> Account {
        Account {
            base_url: self.base_url.clone(),
            pages_url: self.base_url.clone(),
            client_id: CREDENTIAL.into(),
            client_secret: Secret::new(CREDENTIAL),
            merchant_id: CREDENTIAL.into(),
            private_key: key.clone(),
            provider_keys: vec![key.public_key().clone()],
            notice_secret: Some(Secret::new(CREDENTIAL)),
            testing: false,
            profile: None,
        }
    }

    /// Its books now.
    pub fn books(&mut self) -> Result<BillerBooks> {
        self.questions.write_all(b"books\n").context("ask the imitated biller")?;
        self.read_line()
    }

    fn read_line<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("hear the imitated biller")?;
        serde_json::from_str(&line).with_context(|| format!("understand the imitated biller's {line:?}"))
    }
}

impl Drop for Biller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays the biller until standard input ends.
pub fn play(connector: &str) -> Result<ExitCode> {
    let connector = connectors::connector(connector).with_context(|| format!("there is no connector {connector}"))?;
    // Its own thread serves; this one answers questions, which must not wait for requests.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("start the runtime")?;
    let provider = runtime.block_on(serve(connector))?;
    say(&provider.base_url())?;
    for line in std::io::stdin().lock().lines() {
        line.context("read a question")?;
        say(&summed(&provider))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(connector: &'static dyn Connector) -> Result<Provider> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    let key = PrivateKey::generate().context("make a key")?;
    let setup = Setup {
        base_url: format!("http://{}", listener.local_addr()?),
        client_id: CREDENTIAL.into(),
        client_secret: CREDENTIAL.into(),
        merchant_id: CREDENTIAL.into(),
        gateway_key: key.public_key().clone(),
        private_key: key,
        // Orders that are delivered at once have no notices.
        notice_url: String::new(),
        customers: vec![],
        notice_secret: Some(CREDENTIAL.into()),
        products: vec![],
    };
    let options = ImitationOptions { connector, listener, setup, state_file: None, clock: Arc::new(SystemClock) };
    Provider::start(options).context("start the imitation")
}

fn summed(provider: &Provider) -> BillerBooks {
    let mut sum = BillerBooks::default();
    for order in provider.books().orders {
        sum.orders += 1;
        sum.delivered += u64::from(order.delivered);
        sum.requests += u64::from(order.requests);
    }
    sum
}

fn say(value: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    out.flush().context("answer")
}
