//! Where everything of a sandbox listens, the same over restarts: work that was unfinished must find the same
//! providers, and a program that was told an address must find the same gateway.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::Range,
};

use anyhow::Context as _;
use engine::SystemFresh;
use lifecycle::Fresh;
use protocol::digest;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::folder::{Folder, write_whole};
use crate::output::{advised, say};

/// The ports of a sandbox where any will do: below those that systems give to outgoing connections, so that none of
/// these takes a port while a gateway is away for a restart.
const PORTS: Range<u16> = 20_000..32_768;
/// So many ports are tried before the system may choose.
const PORT_DRAWS_MAX: usize = 32;

/// Where everything listens, and what else was drawn once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Places {
    /// The gateway.
    pub gateway: Option<SocketAddr>,
    /// How the gateway is reached.
    pub gateway_url: Option<String>,
    /// The demo merchant.
    pub merchant: Option<SocketAddr>,
    /// The imitated providers, by connector.
    pub providers: BTreeMap<String, SocketAddr>,
    /// The operator's door.
    #[serde(default)]
    pub operator: Option<SocketAddr>,
    /// API keys, by merchant code.
    pub api_keys: BTreeMap<String, String>,
    /// Keys of the hash signature, by the code of a merchant that sells bills.
    #[serde(default)]
    pub biller_keys: BTreeMap<String, String>,
    /// How many demos were begun here.
    #[serde(default)]
    pub demos: u32,
}

impl Places {
    /// Reads them, and draws the API keys that are missing.
    pub fn load(folder: &Folder) -> anyhow::Result<Self> {
        let path = folder.places();
        let mut places: Self = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{} is not readable", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        let draw = || digest::sha256_hex(SystemFresh::of_system().text(40).as_bytes())[..32].to_owned();
        let seed = simulator::seed::Seed::load();
        for merchant in seed.merchants {
            places.api_keys.entry(merchant.code).or_insert_with(draw);
        }
        for biller in seed.billers {
            places.biller_keys.entry(biller.code).or_insert_with(draw);
        }
        Ok(places)
    }

    /// Writes them.
    pub fn save(&self, folder: &Folder) -> anyhow::Result<()> {
        write_whole(&folder.places(), &serde_json::to_vec_pretty(self)?)
    }

    /// A seeded merchant's key of the hash signature.
    pub fn biller_key(&self, merchant: &str) -> String {
        self.biller_keys.get(merchant).cloned().unwrap_or_default()
    }

    /// A seeded merchant's API key.
    pub fn api_key(&self, merchant: &str) -> String {
        self.api_keys.get(merchant).cloned().unwrap_or_default()
    }
}

/// Listens where the gateway was told to; port 0 is last time's port if it is free, else any.
pub async fn bind_gateway(listen: SocketAddr, places: &mut Places) -> anyhow::Result<TcpListener> {
    let remembered = places.gateway.filter(|known| listen.port() == 0 && known.ip() == listen.ip());
    let listener = match remembered {
        Some(known) => TcpListener::bind(known).await,
        None => bind(listen).await,
    };
    let listener = match listener {
        Err(_) if remembered.is_some() => bind(listen).await,
        other => other,
    };
    let listener = listener.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => advised(
            format!("{listen} is in use"),
            "another program listens there; choose another address with --listen, port 0 for any free one",
        ),
        _ => advised(format!("cannot listen on {listen}: {error}"), "choose another address with --listen"),
    })?;
    places.gateway = Some(listener.local_addr()?);
    Ok(listener)
}

/// Listens there; port 0 is a drawn one.
async fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    if listen.port() == 0 {
        for _ in 0..PORT_DRAWS_MAX {
            if let Ok(listener) = TcpListener::bind((listen.ip(), draw_port())).await {
                return Ok(listener);
            }
        }
    }
    TcpListener::bind(listen).await
}

fn draw_port() -> u16 {
    let among = u128::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(SystemFresh::of_system().id() % among).unwrap_or_default()
}

/// Listens on this computer only, where it did last time, if that is free.
pub async fn bind_local(place: &mut Option<SocketAddr>, who: &str) -> anyhow::Result<TcpListener> {
    if let Some(known) = *place {
        match TcpListener::bind(known).await {
            Ok(listener) => return Ok(listener),
            Err(error) => say(format!("{who} listened on {known} before, which does not work now ({error}); it moves")),
        }
    }
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let listener = bind(any).await.with_context(|| format!("listen for {who}"))?;
    *place = Some(listener.local_addr()?);
    Ok(listener)
}

/// How a listener is reached from this computer.
pub fn url_of(listener: &TcpListener) -> String {
    let Ok(mut address) = listener.local_addr() else {
        return String::new();
    };
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}")
}
