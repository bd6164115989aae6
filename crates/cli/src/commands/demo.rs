//! `gerbang demo`: the whole of linkage, once, for every product.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context as _;
use clap::ValueEnum;
use engine::CrashPoint;

use super::runtime;
use crate::{
    EXIT_NO,
    demo::{self, Journey, Report},
    output::{data, say},
    sandbox::{Folder, Sandbox, SandboxOptions},
};

/// Link, show, charge and unlink a wallet of every kind, and compare the books at the end
#[derive(clap::Args)]
#[command(after_help = "Starts a fresh sandbox on free ports in a temporary folder and plays merchant and customer
over HTTP, the wallets' forms included. Exit code 0 only if every step held and the books of the
gateway, the providers and the merchant agree; 3 otherwise.

Examples:
  gerbang demo
  gerbang demo --json > demo.json
  gerbang demo --keep --lang en")]
pub struct Args {
    /// Print every step and the comparison as one JSON object
    #[arg(long)]
    json: bool,
    /// The language of the wallets' pages
    #[arg(long, value_enum, default_value_t = Lang::Id)]
    lang: Lang,
    /// Keep the sandbox's folder and say where it is
    #[arg(long)]
    keep: bool,
    /// Only these products
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
    let scratch = tempfile::Builder::new().prefix("gerbang-demo-").tempdir().context("make a temporary folder")?;
    let folder = Folder::new(scratch.path());
    if arguments.keep {
        say(format!("data in {}", scratch.keep().display()));
    }
    let report = runtime()?.block_on(play(&arguments, folder))?;
    if arguments.json {
        data(serde_json::to_string_pretty(&report)?);
    } else {
        data(report.table());
    }
    Ok(if report.held { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO) })
}

async fn play(arguments: &Args, folder: Folder) -> anyhow::Result<Report> {
    let options = SandboxOptions {
        folder,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: None,
        merchant_callback: None,
        providers_elsewhere: false,
        crash_point: CrashPoint::default(),
    };
    let sandbox = Sandbox::start(options).await?;
    let lang = match arguments.lang {
        Lang::Id => "id",
        Lang::En => "en",
    };
    let mut journey = Journey::new(&sandbox, lang, !arguments.json)?;
    demo::play(&mut journey, &arguments.products).await?;
    let report = journey.finish().await?;
    sandbox.stop().await?;
    Ok(report)
}
