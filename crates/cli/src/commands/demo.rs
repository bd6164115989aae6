//! `gerbang demo`: the whole of linkage for every wallet, and every category of bills, once.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::ValueEnum;
use engine::CrashPoint;

use super::runtime;
use crate::{
    EXIT_NO,
    demo::{self, Journey, Report},
    keeping::{StoreArgs, StoreUrl},
    output::{data, say},
    sandbox::{Folder, Sandbox, SandboxOptions},
};

/// Use a wallet of every kind, pay a bill of every category, and compare the books at the end
#[derive(clap::Args)]
#[command(
    after_help = "Starts a sandbox on free ports, in a temporary folder unless one is named, and plays merchant and customer
over HTTP, the wallets' forms included; then a merchant who sells bills of every category from its
deposit, some by invoice, and the operator who bills it. Exit code 0 only if every step held, the
ledger verifies, and the books of the gateway, the providers and the merchants agree; 3 otherwise.

Examples:
  gerbang demo
  gerbang demo --json > demo.json
  gerbang demo --keep --lang en
  gerbang demo --store postgres://gerbang@localhost/gerbang
  gerbang demo --data-dir gerbang-sandbox"
)]
pub struct Args {
    /// Print every step and the comparison as one JSON object
    #[arg(long)]
    json: bool,
    /// The language of the wallets' pages
    #[arg(long, value_enum, default_value_t = Lang::Id)]
    lang: Lang,
    /// Keep the sandbox's folder and say where it is
    #[arg(long, conflicts_with = "data_dir")]
    keep: bool,
    /// Play over the sandbox in this folder, used or new, and keep it; no gateway may be running there
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
    /// Only these wallets, and no bills
    #[arg(long = "product", value_name = "CODE")]
    products: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    /// Indonesian
    Id,
    /// English
    En,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    let Args { json, lang, keep, products, data_dir, store } = arguments;
    let scratch = tempfile::Builder::new().prefix("gerbang-demo-").tempdir().context("make a temporary folder")?;
    let folder = Folder::new(data_dir.as_deref().unwrap_or(scratch.path()));
    if keep {
        say(format!("data in {}", scratch.keep().display()));
    }
    let store = store.or_file(&folder.database());
    let report = runtime()?.block_on(play(folder, store, lang, &products, !json))?;
    if json {
        data(serde_json::to_string_pretty(&report)?);
    } else {
        data(report.table());
    }
    Ok(if report.held { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO) })
}

async fn play(folder: Folder, store: StoreUrl, lang: Lang, products: &[String], aloud: bool) -> anyhow::Result<Report> {
    let options = SandboxOptions {
        folder,
        store,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: None,
        merchant_callback: None,
        providers_elsewhere: false,
        products: vec![],
        store_free_bytes_min: None,
        lease_seconds: None,
        network: None,
        crash_point: CrashPoint::default(),
    };
    let mut sandbox = Sandbox::start(options).await?;
    let number = sandbox.count_demo()?;
    let lang = match lang {
        Lang::Id => "id",
        Lang::En => "en",
    };
    let mut journey = Journey::new(&sandbox, number, lang, aloud)?;
    demo::play(&mut journey, products).await?;
    if products.is_empty() {
        demo::play_bills(&mut journey).await?;
    }
    let report = journey.finish().await?;
    sandbox.stop().await?;
    Ok(report)
}
