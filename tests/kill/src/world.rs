//! The processes: the gateway, which dies, and what is outside of it, which does not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use client::{BillerClient, BillerCredentials, Client, Merchant};
use protocol::keys::{PrivateKey, PublicKey};
use serde_json::{Value, json};
use simulator::customer::{Browser, Customer};
use tempfile::TempDir;

use crate::Options;

/// How long anything may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(180);

/// A child process that dies with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything that runs.
pub(crate) struct World {
    gateway: Process,
    spawned_at: Instant,
    _providers: Process,
    program: PathBuf,
    store: Option<String>,
    folder: TempDir,
}

/// The product whose wallet charges a linked account at once.
pub(crate) fn product() -> &'static str {
    connectors::CONNECTORS[0].descriptor().products[0].code
}

impl World {
    /// Starts what is outside, then the gateway, and waits until it is ready.
    pub(crate) async fn start(options: &Options) -> Result<Self> {
        ensure!(options.program.exists(), "{} does not exist: build it first", options.program.display());
        let folder = tempfile::tempdir().context("make a folder")?;
        let ready = folder.path().join("providers-ready.json");
        let mut command = Command::new(&options.program);
        command.args(["imitations", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path());
        command.arg("--ready-file").arg(&ready);
        let providers = spawn(&mut command)?;
        await_file(&ready).await?;
        let gateway = gateway(&options.program, folder.path(), options.store.as_deref())?;
        let (program, store) = (options.program.clone(), options.store.clone());
        let world = Self { gateway, spawned_at: Instant::now(), _providers: providers, program, store, folder };
        await_file(&world.ready_file()).await?;
        Ok(world)
    }

    /// Sends SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let ended = self.gateway.0.try_wait().context("look at the gateway")?;
        ensure!(ended.is_none(), "the gateway ended by itself: {ended:?}");
        self.gateway.0.kill().context("kill the gateway")?;
        self.gateway.0.wait().context("wait for the gateway's end").map(drop)
    }

    /// Starts the gateway again.
    pub(crate) fn start_gateway(&mut self) -> Result<()> {
        self.spawned_at = Instant::now();
        self.gateway = gateway(&self.program, self.folder.path(), self.store.as_deref())?;
        Ok(())
    }

    /// When the present gateway was started.
    pub(crate) fn spawned_at(&self) -> Instant {
        self.spawned_at
    }

    /// Whether the present gateway ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.gateway.0.try_wait().context("look at the gateway")?.is_some())
    }

    fn ready_file(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }

    fn json(&self, name: &str) -> Result<Value> {
        let path = self.folder.path().join(name);
        let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()))
    }

    /// The merchant that pays from linked accounts.
    pub(crate) fn client(&self) -> Result<Client> {
        let ready = self.json("ready.json")?;
        let member = &ready["merchant"];
        let file = |name: &str| fs::read(text(&member[name])).with_context(|| format!("read {name}"));
        let merchant = Merchant {
            base_url: text(&ready["base_url"]),
            partner_id: text(&member["partner_id"]),
            api_key: text(&member["api_key"]),
            private_key: PrivateKey::load(&file("private_key_file")?)?.key,
            gateway_public_key: PublicKey::load(&file("gateway_public_key_file")?)?.key,
        };
        Ok(Client::new(merchant)?)
    }

    /// The merchant that pays bills from its deposit.
    pub(crate) fn biller(&self) -> Result<BillerClient> {
        let ready = self.json("ready.json")?;
        let member = |name: &str| text(&ready["biller"][name]);
        Ok(BillerClient::new(BillerCredentials {
            base_url: text(&ready["base_url"]),
            sender_id: member("sender_id"),
            username: member("username"),
            basic_password: member("basic_password"),
            password: member("password"),
            key: member("key"),
        })?)
    }

    /// Links the sandbox's customer; the token that payments name.
    pub(crate) async fn link(&self) -> Result<String> {
        let client = self.client()?;
        let fields = json!({
            "redirectURL": "https://www.yourdomain.com/authSuccess", "scopes": product(), "state": "S-1",
            "merchantId": client.merchant().partner_id, "lang": "id",
        });
        let sent = client.send("get_auth_code", &fields).await?;
        let page = sent.text("additionalInfo.redirectUrl").context("a page for the customer")?;
        self.visit(&page).await?;
        let fields = json!({
            "partnerReferenceNo": "KILL-BIND", "merchantId": client.merchant().partner_id,
            "authCode": sent.text("authCode"), "additionalInfo": {"productCode": product()},
        });
        let sent = client.send("account_binding", &fields).await?;
        sent.text("additionalInfo.bankCardToken").with_context(|| format!("a token in {:?}", sent.reply()))
    }

    async fn visit(&self, page: &str) -> Result<()> {
        let ready = self.json("ready.json")?;
        let member = |name: &str| text(&ready["customer"][name]);
        let customer = Customer {
            phone: member("phone_no"),
            otp: member("otp"),
            pin: member("pin"),
            password: String::new(),
            product: None,
        };
        let bases: Vec<String> =
            self.providers()?.into_iter().map(|(_, base)| base).chain([text(&ready["base_url"])]).collect();
        Browser::new(bases.iter().map(String::as_str))
            .visit(page, &customer)
            .await
            .map(drop)
            .map_err(|why| anyhow::anyhow!("{why:?}"))
    }

    fn providers(&self) -> Result<Vec<(String, String)>> {
        let places = self.json("sandbox.json")?;
        let providers = places["providers"].as_object().context("the providers' addresses")?;
        Ok(providers.iter().map(|(name, place)| (name.clone(), format!("http://{}", text(place)))).collect())
    }

    /// The books of every provider.
    pub(crate) async fn books(&self) -> Result<Vec<Value>> {
        let mut books = vec![];
        for (_, base) in self.providers()? {
            books.push(get(&format!("{base}/books")).await?);
        }
        Ok(books)
    }

    /// The demo merchant's orders, by their references.
    pub(crate) async fn orders(&self) -> Result<Value> {
        let address = text(&self.json("sandbox.json")?["merchant"]);
        let partner = text(&self.json("ready.json")?["merchant"]["partner_id"]);
        Ok(get(&format!("http://{address}/book")).await?["orders"][partner].clone())
    }

    /// A command over the operator's door: what it prints as JSON.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Result<Value> {
        let output = Command::new(&self.program)
            .args(arguments)
            .args(["--json", "--ready"])
            .arg(self.ready_file())
            .output()
            .with_context(|| format!("run {arguments:?}"))?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The gateway's version.
    pub(crate) fn version(&self) -> Result<String> {
        Ok(text(&self.operate(&["status"])?["version"]))
    }

    /// Waits until no work is left and no bill is open; whether that came.
    pub(crate) async fn await_quiet(&self) -> Result<bool> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.operate(&["status"])?;
            let open = status["open_bills"].as_object().is_some_and(|open| !open.is_empty());
            if status["tasks"]["unfinished"] == 0 && !open {
                return Ok(true);
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

fn gateway(program: &Path, folder: &Path, store: Option<&str>) -> Result<Process> {
    let mut command = Command::new(program);
    command.args(["sandbox", "--providers-elsewhere", "--lease-seconds", "2", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(folder);
    if let Some(store) = store {
        command.args(["--store", store]);
    }
    spawn(&mut command)
}

fn spawn(command: &mut Command) -> Result<Process> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    child.map(Process).with_context(|| format!("start {command:?}"))
}

/// A member that is text; empty where it is not.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn get(url: &str) -> Result<Value> {
    let response =
        engine::transport::http_client(60_000).get(url).send().await.with_context(|| format!("ask {url}"))?;
    let body = response.bytes().await.with_context(|| format!("read {url}"))?;
    serde_json::from_slice(&body).with_context(|| format!("understand {url}"))
}

async fn await_file(file: &Path) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !file.exists() {
        if Instant::now() > deadline {
            bail!("{} does not appear", file.display());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
