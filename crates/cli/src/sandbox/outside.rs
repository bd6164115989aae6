//! What is outside of the gateway: the imitated providers, the other side of its accounts, each behind a listener of its
//! own; and the demo merchant.

use std::{fs::File, sync::Arc};

use anyhow::Context as _;
use catalogue::Catalogue;
use connectors::imitation::Setup;
use engine::Clock;
use simulator::{
    demo_merchant::DemoMerchant,
    imitations::{ImitationOptions, Provider},
    seed::Seed,
};

use super::{
    Folder, Places,
    clock::FollowingClock,
    keys::{self, SandboxKeys},
    places,
};
use crate::output::advised;

/// The running providers and the demo merchant.
pub struct Outside {
    /// One per connector, in the list's order.
    pub providers: Vec<Provider>,
    /// The demo merchant.
    pub merchant: DemoMerchant,
    /// While it is held, no other process plays them over the same folder.
    _lock: File,
}

impl Outside {
    /// Stops all of them and writes down what must be kept.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.providers.iter().try_for_each(Provider::stop)?;
        self.merchant.stop();
        Ok(())
    }
}

/// Starts every provider and the demo merchant. While they run, no other process plays them over the same folder.
pub async fn start_outside(
    folder: &Folder,
    seed: &Seed,
    keys: &SandboxKeys,
    places: &mut Places,
    clock: &Arc<dyn Clock>,
    catalogue: &Catalogue,
) -> anyhow::Result<Outside> {
    let lock = lock(folder)?;
    let gateway_url =
        places.gateway_url.clone().context("the gateway's address is known before its providers start")?;
    let mut providers = vec![];
    for (connector, key) in connectors::imitated().zip(&keys.providers) {
        let name = connector.descriptor().name;
        let mut place = places.providers.get(name).copied();
        let listener = places::bind_local(&mut place, name).await?;
        places.providers.extend(place.map(|place| (name.to_owned(), place)));
        let setup = Setup {
            base_url: places::url_of(&listener),
            client_id: keys::client_id(name),
            client_secret: keys.client_secret(name),
            merchant_id: keys::merchant_id(name),
            gateway_key: keys.gateway.public_key().clone(),
            private_key: key.clone(),
            notice_url: format!("{gateway_url}/notices/{name}"),
            customers: seed.customers_of(connector),
            notice_secret: Some(keys.notice_secret(name)),
            products: catalogue.products().cloned().collect(),
        };
        let options = ImitationOptions {
            connector,
            listener,
            setup,
            state_file: Some(folder.provider_state(name)),
            clock: clock.clone(),
        };
        providers.push(Provider::start(options).with_context(|| format!("start the imitation of {name}"))?);
    }
    let listener = places::bind_local(&mut places.merchant, "the demo merchant").await?;
    let gateway_keys = vec![keys.gateway.public_key().clone()];
    let merchant = DemoMerchant::start(listener, gateway_keys, clock.clone(), Some(folder.merchant_journal()))
        .context("start the demo merchant")?;
    Ok(Outside { providers, merchant, _lock: lock })
}

/// Starts what is outside alone, for gateways that run in other processes and may die there.
pub async fn prepare_outside(folder: &Folder, listen: std::net::SocketAddr) -> anyhow::Result<Outside> {
    folder.prepare()?;
    let seed = Seed::load();
    let keys = SandboxKeys::load_or_make(folder, &seed)?;
    let mut places = Places::load(folder)?;
    // Where the gateway will listen is settled now: notices go there.
    let listener = places::bind_gateway(listen, &mut places).await?;
    places.gateway_url = Some(places::url_of(&listener));
    drop(listener);
    let clock: Arc<dyn Clock> = Arc::new(FollowingClock::open(folder)?);
    let catalogue = super::open_at_any_time();
    let outside = start_outside(folder, &seed, &keys, &mut places, &clock, &catalogue).await?;
    places.save(folder)?;
    Ok(outside)
}

fn lock(folder: &Folder) -> anyhow::Result<File> {
    let path = folder.providers_lock();
    let file = File::create(&path).with_context(|| format!("open {}", path.display()))?;
    file.try_lock().map_err(|_| {
        let what = format!("another process plays the providers and the merchant of {}", folder.display());
        advised(what, "stop it first, or choose another folder with --data-dir")
    })?;
    Ok(file)
}
