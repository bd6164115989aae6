//! The sandbox's merchants that sell bills, their deposits, and the operator's door.

use std::{fs, io};

use anyhow::Context as _;
use engine::{Engine, SystemFresh};
use lifecycle::{
    Command, Fresh, MerchantCode, Row,
    deposit::{TopUpStatus, TopUpStep},
    merchant::Callbacks,
};
use protocol::digest;
use simulator::{
    demo_merchant::DemoMerchant,
    seed::{Seed, SeedBiller},
};
use store::Store;

use super::{
    Places,
    folder::{Folder, ReadyBiller, write_whole},
};

/// The reference of the top-up that opens a seeded merchant's deposit: however often a sandbox is started, it is one.
const OPENING_REFERENCE: &str = "SANDBOX-OPENING";

/// Registers the seeded merchants that sell bills. What the operator made of one that is there already stays.
pub fn register(store: &dyn Store, seed: &Seed, places: &Places, demo_merchant: &str) -> anyhow::Result<()> {
    let reader = store.reader().context("open the register of merchants")?;
    let known = reader.merchants().context("read the register of merchants")?;
    drop(reader);
    for seeded in &seed.billers {
        let callbacks = DemoMerchant::callbacks_at(demo_merchant, &seeded.code);
        let is_there = |known: &Callbacks| {
            known.low_balance_url == callbacks.low_balance_url && known.bill_url == callbacks.bill_url
        };
        let merchant = match known.iter().find(|merchant| merchant.code.as_str() == seeded.code) {
            Some(known) if is_there(&known.callbacks) => continue,
            Some(known) => {
                let mut moved = known.clone();
                moved.callbacks.low_balance_url = callbacks.low_balance_url;
                moved.callbacks.bill_url = callbacks.bill_url;
                moved
            }
            None => seeded.register(places.biller_key(&seeded.code), callbacks),
        };
        store.save_merchant(&merchant).with_context(|| format!("register merchant {}", seeded.code))?;
    }
    Ok(())
}

/// Tops up the seeded deposits, once, in the operator's two steps; a step that was taken may be taken again.
pub async fn open_deposits(engine: &Engine, store: &dyn Store, seed: &Seed) -> anyhow::Result<()> {
    for seeded in &seed.billers {
        let Some(amount) = seeded.mechanism.opening() else { continue };
        let merchant = MerchantCode::new(seeded.code.as_str());
        let step = TopUpStep { merchant: merchant.clone(), reference: OPENING_REFERENCE.into(), amount };
        let known = store.reader().and_then(|reader| reader.row(&step.key())).context("read the top-ups")?;
        if matches!(known, Some(Row::TopUp(known)) if known.status != TopUpStatus::Requested) {
            continue;
        }
        for command in [Command::RequestTopUp(step.clone()), Command::ConfirmTopUp(step)] {
            if let Err(refusal) = engine.operate(&merchant, command).await {
                anyhow::bail!("the deposit of {merchant} cannot be opened: {refusal:?}");
            }
        }
    }
    Ok(())
}

/// A seeded merchant's part of the ready file. The operator may have changed its keys since: then the newest counts.
pub fn ready(engine: &Engine, seeded: &SeedBiller) -> anyhow::Result<ReadyBiller> {
    let partner = engine.partner(&seeded.code).with_context(|| format!("{} is registered", seeded.code))?;
    let access = partner.merchant.biller.as_ref().with_context(|| format!("{} sells bills", seeded.code))?;
    let key = access.keys.first().map(|key| key.expose().to_owned()).unwrap_or_default();
    Ok(ReadyBiller {
        sender_id: access.sender_id.clone(),
        username: access.username.clone(),
        basic_password: access.basic_password.expose().to_owned(),
        password: access.password.expose().to_owned(),
        key,
        mechanism: access.mechanism.name().to_owned(),
    })
}

/// The token of an operator: drawn at the first start, readable by the folder's owner only.
pub fn operator_token(folder: &Folder, name: &str) -> anyhow::Result<String> {
    let path = folder.operator_token(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = digest::sha256_hex(SystemFresh::of_system().text(40).as_bytes());
            write_whole(&path, token.as_bytes())?;
            Ok(token)
        }
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}
