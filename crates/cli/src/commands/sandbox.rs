//! `gerbang sandbox`: a whole world on this computer until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use engine::CrashPoint;

use super::{DATA_DIR, runtime};
use crate::{
    keeping::StoreArgs,
    output::{data, say},
    sandbox::{Folder, Ready, Sandbox, SandboxOptions, wait_for_stop},
};

/// Where a sandbox listens unless it is told otherwise.
pub const LISTEN: &str = "127.0.0.1:8700";

/// Run a gateway with imitated wallets, banks and billers and a demo merchant, all on this computer
#[derive(clap::Args)]
#[command(after_help = "Examples:
  gerbang sandbox
  gerbang sandbox --listen 127.0.0.1:0 --data-dir /tmp/shop --ready-file /tmp/ready.json
  gerbang sandbox --merchant-callback http://localhost:3000/callbacks
  gerbang sandbox --store postgres://gerbang@localhost/gerbang

The ready file is JSON: base_url, merchant {partner_id, api_key, private_key_file,
gateway_public_key_file}, products, customer {phone_no, otp, pin}, biller and biller_invoiced
{sender_id, username, basic_password, password, key, mechanism}, operator {url, token}, clock_file. It
appears when the first request is accepted and is removed at the end. The demo merchant's book is at /book of its
address. Callbacks go to URL/v1.0/transfer-va/inquiry, URL/v1.0/transfer-va/payment and
URL/v1.0/registration-account-binding/notify when --merchant-callback names a URL.")]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Where everything is kept, the store only where --store is left out; made when absent
    #[arg(long, value_name = "DIR", default_value = DATA_DIR, env = "GERBANG_DATA_DIR")]
    data_dir: PathBuf,
    /// Where the gateway listens; port 0: any free port, the same one after a restart
    #[arg(long, value_name = "ADDRESS", default_value = LISTEN)]
    listen: SocketAddr,
    /// How the gateway is reached, where that differs from where it listens
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Call this merchant instead of the demo merchant
    #[arg(long, value_name = "URL")]
    merchant_callback: Option<String>,
    /// Sell these products too, and close for this maintenance: files as docs/guides/add-a-biller-product.md has them
    #[arg(long, value_name = "FILE")]
    products: Vec<PathBuf>,
    /// Also write the ready file here
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Print the ready file's JSON to standard output
    #[arg(long)]
    json: bool,
    /// Die at a labelled place, for tests: LABEL or LABEL:N for the N-th passing
    #[arg(long, value_name = "LABEL", hide = true)]
    crash_at: Option<String>,
    /// Providers and demo merchant are played by `gerbang imitations` over the same folder
    #[arg(long, hide = true)]
    providers_elsewhere: bool,
    /// How long a task is left to whoever took it, in seconds; shorter than a provider's answer only in tests
    #[arg(long, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(i64).range(1..))]
    lease_seconds: Option<i64>,
    /// Take no new money with less room for the store's file, in bytes; less than usual only in tests
    #[arg(long, value_name = "BYTES", hide = true)]
    store_free_bytes_min: Option<u64>,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    let crash_point = match &arguments.crash_at {
        Some(label) => CrashPoint::at_label(label).map_err(anyhow::Error::msg)?,
        None => CrashPoint::default(),
    };
    let folder = Folder::new(&arguments.data_dir);
    let options = SandboxOptions {
        store: arguments.store.or_file(&folder.database()),
        folder,
        listen: arguments.listen,
        public_url: arguments.public_url.map(|url| url.trim_end_matches('/').to_owned()),
        merchant_callback: arguments.merchant_callback,
        providers_elsewhere: arguments.providers_elsewhere,
        products: arguments.products,
        lease_seconds: arguments.lease_seconds,
        store_free_bytes_min: arguments.store_free_bytes_min,
        network: None,
        crash_point,
    };
    runtime()?.block_on(async {
        let sandbox = Sandbox::start(options).await?;
        let ready = sandbox.ready()?;
        let own = sandbox.is_first.then(|| sandbox.folder.ready());
        let files: Vec<PathBuf> = own.into_iter().chain(arguments.ready_file).collect();
        files.iter().try_for_each(|file| ready.write(file))?;
        if arguments.json {
            data(serde_json::to_string_pretty(&ready)?);
        }
        tell(&sandbox, &ready);
        wait_for_stop().await;
        for file in &files {
            let _ = std::fs::remove_file(file);
        }
        sandbox.stop().await?;
        Ok(ExitCode::SUCCESS)
    })
}

fn tell(sandbox: &Sandbox, ready: &Ready) {
    say(format!("gateway        {}", sandbox.base_url));
    say(format!("merchant       {}, API key {}", ready.merchant.partner_id, ready.merchant.api_key));
    say(format!("private key    {}", ready.merchant.private_key_file));
    say(format!("products       {}", ready.products.join(", ")));
    say(format!(
        "customer       {}, one-time code {}, PIN {}",
        ready.customer.phone_no, ready.customer.otp, ready.customer.pin
    ));
    for biller in [&ready.biller, &ready.biller_invoiced] {
        let (sender, username, mechanism) = (&biller.sender_id, &biller.username, &biller.mechanism);
        say(format!("sells bills    {sender}, user {username}, {mechanism}"));
    }
    say(format!("operator       {}, token in the ready file", ready.operator.url));
    if let Ok(merchant) = sandbox.merchant() {
        say(format!("demo merchant  {}/book", merchant.base_url()));
    }
    for provider in sandbox.providers() {
        say(format!("provider       {} {}", provider.base_url(), provider.name()));
    }
    say(format!("data           {}", sandbox.folder.display()));
    say("hint: try `gerbang call inquiry_merchant_info --json '{}'` or `gerbang biller products`; Ctrl-C stops");
}
