//! `gerbang serve`: the gateway alone, for real providers and real merchants, by a settings file.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use engine::{Engine, EngineOptions, Environment, SystemClock};
use operator::OperatorOptions;
use server::ServerOptions;
use store::{Store, Vault};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::runtime;
use crate::{
    credentials::private_key,
    keeping::StoreUrl,
    output::{advised, say},
    sandbox::wait_for_stop,
    settings::{OperatorSettings, Settings},
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
    // Read twice: once without a store, so that a mistake is found before one is opened.
    let merchants = settings.registrations(&[])?;
    let operators = settings.operator.as_ref().map(OperatorSettings::access).transpose()?;
    let mut options =
        EngineOptions::new(Environment::Production, settings.public_url.clone(), Arc::new(SystemClock), key);
    options.accounts = settings.accounts(&options.private_key)?;
    options.carriers = settings.carriers()?;
    options.answer_wait_ms = settings.answer_wait_ms;
    options.callback_budget_ms = settings.callback_budget_ms;
    options.lease_seconds = settings.lease_seconds;
    options.record = settings.record();
    options.exchanges_days = settings.exchanges_days;
    options.biller_answer_wait_ms = settings.biller_answer_wait_ms;
    options.catalogue = settings.catalogue.read()?;
    options.writers = settings.store.writers;
    options.store_free_bytes_min = settings.store.free_bytes_min;
    if arguments.check {
        let (accounts, products) = (options.accounts.len(), options.catalogue.products().len());
        say(format!("{accounts} providers, {products} bills, {} merchants: the settings are good", merchants.len()));
        return Ok(ExitCode::SUCCESS);
    }
    let url = arguments.store.unwrap_or_else(|| settings.store.url());
    if let Some(folder) = url.file().and_then(Path::parent) {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let vault = Vault::open(&settings.store_key_file).context("open the key of the store")?;
    let store = url.open(&settings.store.options(), vault)?;
    let known = store.reader().and_then(|reader| reader.merchants()).context("read the registered merchants")?;
    for merchant in &settings.registrations(&known)? {
        store.save_merchant(merchant).with_context(|| format!("register merchant {}", merchant.code))?;
    }
    let door = settings.operator.as_ref().zip(operators).map(|(door, operators)| {
        let options = OperatorOptions {
            operators,
            version: env!("CARGO_PKG_VERSION").into(),
            store: url.shown(),
            issuer: door.issuer.clone(),
            clock: None,
        };
        (door.listen, options)
    });
    runtime()?.block_on(serve(&settings, options, store, door))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        advised(format!("cannot listen on {address}: {error}"), "choose another address in the settings")
    })
}

async fn serve(
    settings: &Settings,
    options: EngineOptions,
    store: Arc<dyn Store>,
    door: Option<(SocketAddr, OperatorOptions)>,
) -> anyhow::Result<ExitCode> {
    let listener = listen(settings.listen).await?;
    let door = match door {
        Some((address, options)) => Some((listen(address).await?, options)),
        None => None,
    };
    let engine = Engine::start(options, store).context("start the engine")?;
    let options = ServerOptions {
        request_timeout_ms: settings.request_timeout_ms,
        biller_request_timeout_ms: settings.biller_request_timeout_ms,
        operations_max: settings.operations_max,
        proxies: settings.proxies.clone(),
        ..ServerOptions::default()
    };
    say(format!("the gateway listens on {}", listener.local_addr()?));
    let router = server::router(engine.clone(), options.clone());
    let stop = CancellationToken::new();
    let operating = match door {
        None => None,
        Some((listener, door)) => {
            say(format!("the operator's door listens on {}", listener.local_addr()?));
            let (router, options) = (operator::router(engine.clone(), door), options.clone());
            let stopped = stop.clone().cancelled_owned();
            Some(tokio::spawn(async move { server::serve(listener, router, &options, stopped).await }))
        }
    };
    server::serve(listener, router, &options, wait_for_stop()).await?;
    stop.cancel();
    if let Some(operating) = operating {
        operating.await.context("close the operator's door")??;
    }
    engine.stop().await;
    Ok(ExitCode::SUCCESS)
}
