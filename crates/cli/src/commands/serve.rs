//! `gerbang serve`: the gateway alone, for real providers and real merchants, by a settings file.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use engine::{Engine, EngineOptions, Environment, SystemClock};
use server::ServerOptions;
use store::{Store, Vault};
use tokio::net::TcpListener;

use super::runtime;
use crate::{
    credentials::private_key,
    keeping::StoreUrl,
    output::{advised, say},
    sandbox::wait_for_stop,
    settings::Settings,
};

/// Run the gateway in production, by a settings file
#[derive(clap::Args)]
#[command(after_help = "Example:
  gerbang serve --config /etc/gerbang/gateway.toml --check
  gerbang serve --config /etc/gerbang/gateway.toml

config/gateway.example.toml shows every option with its reason. Refusals explain no more than they
must; `gerbang sandbox` is the place to try things out.")]
pub struct Args {
    /// The settings
    #[arg(long, value_name = "FILE", env = "GERBANG_CONFIG")]
    config: PathBuf,
    /// Read the settings and every file that they name, then stop
    #[arg(long)]
    check: bool,
    /// The store, instead of the settings' store.url
    #[arg(long, value_name = "URL", env = "GERBANG_STORE", hide_env_values = true)]
    store: Option<StoreUrl>,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config)?;
    let key = private_key(&settings.private_key_file)?;
    let merchants = settings.registrations()?;
    let mut options =
        EngineOptions::new(Environment::Production, settings.public_url.clone(), Arc::new(SystemClock), key);
    options.accounts = settings.accounts(&options.private_key)?;
    options.answer_wait_ms = settings.answer_wait_ms;
    options.callback_budget_ms = settings.callback_budget_ms;
    options.lease_seconds = settings.lease_seconds;
    options.writers = settings.store.writers;
    if arguments.check {
        say(format!("{} providers, {} merchants: the settings are good", options.accounts.len(), merchants.len()));
        return Ok(ExitCode::SUCCESS);
    }
    let store = arguments.store.unwrap_or_else(|| settings.store.url());
    if let Some(folder) = store.file().and_then(Path::parent) {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let vault = Vault::open(&settings.store_key_file).context("open the key of the store")?;
    let store = store.open(&settings.store.options(), vault)?;
    for merchant in &merchants {
        store.save_merchant(merchant).with_context(|| format!("register merchant {}", merchant.code))?;
    }
    runtime()?.block_on(serve(&settings, options, store))
}

async fn serve(settings: &Settings, options: EngineOptions, store: Arc<dyn Store>) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        advised(format!("cannot listen on {}: {error}", settings.listen), "choose another address in the settings")
    })?;
    let engine = Engine::start(options, store).context("start the engine")?;
    let options = ServerOptions {
        request_timeout_ms: settings.request_timeout_ms,
        operations_max: settings.operations_max,
        proxies: settings.proxies.clone(),
        ..ServerOptions::default()
    };
    say(format!("the gateway listens on {}", listener.local_addr()?));
    let router = server::router(engine.clone(), options.clone());
    server::serve(listener, router, &options, wait_for_stop()).await?;
    engine.stop().await;
    Ok(ExitCode::SUCCESS)
}
