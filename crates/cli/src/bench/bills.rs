//! Bills under measurement: what is bought, out of which deposits, and whether gateway, ledger and biller agree about
//! it after every leg. A rate of payments that are not right is no rate.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use catalogue::Catalogue;
use engine::Engine;
use ledger::{AccountName, Class, JournalKind};
use lifecycle::{
    BillId, Command, Key, MerchantCode, ProductCode, Row, Secret,
    bill::BillStatus,
    biller::{BillerProduct, Pricing},
    deposit::TopUpStep,
    merchant::{BillerAccess, Mechanism},
};
use money::Amount;
use store::{Reader, Store};
use tokio::runtime::Runtime;

use super::biller::Biller;

/// The product's file; anybody who compares figures needs to know what was bought.
const PRODUCT_FILE: &str = include_str!("../../../../docs/measurements/product.toml");
const PRODUCT: &str = "BENCH";
/// What every deposit is opened with: more than any run spends of it.
const OPENING: Amount = Amount::rupiah(4_000_000_000);
/// Rows that are read at once.
const PAGE_ROWS: usize = 10_000;

/// What lets a merchant of the bench pay bills; every secret is the merchant's code.
pub fn access(code: &str) -> BillerAccess {
    BillerAccess {
        sender_id: code.into(),
        username: code.into(),
        basic_password: Secret::new(code),
        password: Secret::new(code),
        keys: vec![Secret::new(code)],
        mechanism: Mechanism::Deposit { low_balance: None },
        products: None,
        prices: vec![],
    }
}

/// The product that is bought.
pub struct Bought {
    /// The built-in products and this one.
    pub catalogue: Arc<Catalogue>,
    /// Its `product_code`.
    pub code: ProductCode,
    /// What a merchant names and pays for it.
    pub amount: Amount,
    /// Who delivers it.
    pub connector: String,
}

impl Bought {
    /// Reads its file.
    pub fn read() -> Result<Self> {
        let catalogue = Catalogue::builtin().with_products("product.toml", PRODUCT_FILE).context("read the product")?;
        let product: &BillerProduct = catalogue.product(PRODUCT).context("the file holds the product")?;
        let Pricing::Denomination { bill_amount, .. } = product.pricing else {
            bail!("{PRODUCT} is a denomination");
        };
        let quote = product.price.quote(bill_amount).context("price the product")?;
        ensure!(quote.fee == Amount::ZERO && quote.margin == Amount::ZERO, "{PRODUCT} has neither fee nor margin");
        let connector = product.sources.first().context("the product has a source")?.connector.clone();
        Ok(Self { code: product.code.clone(), amount: quote.amount, connector, catalogue: Arc::new(catalogue) })
    }
}

/// Opens the deposits, in the operator's two steps.
pub fn open_deposits(runtime: &Runtime, engine: &Engine, merchants: &[MerchantCode]) -> Result<()> {
    runtime.block_on(async {
        let mut opening = tokio::task::JoinSet::new();
        for merchant in merchants {
            let (engine, merchant) = (engine.clone(), merchant.clone());
            opening.spawn(async move { open_deposit(&engine, merchant).await });
        }
        while let Some(opened) = opening.join_next().await {
            opened??;
        }
        Ok(())
    })
}

async fn open_deposit(engine: &Engine, merchant: MerchantCode) -> Result<()> {
    let step = TopUpStep { merchant: merchant.clone(), reference: "BENCH-OPENING".into(), amount: OPENING };
    for command in [Command::RequestTopUp(step.clone()), Command::ConfirmTopUp(step)] {
        let done = engine.operate(&merchant, command).await;
        done.map_err(|refusal| anyhow::anyhow!("the deposit of {merchant} cannot be opened: {refusal:?}"))?;
    }
    Ok(())
}

/// What has to be in the books: filled in by whoever sent the payments, held against everybody's.
pub struct Gate {
    amount: Amount,
    biller: Biller,
    merchants: Vec<Expected>,
}

struct Expected {
    code: MerchantCode,
    paid: u64,
    /// Bills that were found succeeded so far.
    found: u64,
    /// The entries of the deposit that were read so far.
    read: u64,
}

impl Gate {
    /// Over books in which nothing was bought yet.
    pub fn new(amount: Amount, biller: Biller, merchants: &[MerchantCode]) -> Self {
        let expected = |code: &MerchantCode| Expected { code: code.clone(), paid: 0, found: 0, read: 0 };
        Self { amount, biller, merchants: merchants.iter().map(expected).collect() }
    }

    /// Another payment of this merchant was sent.
    pub fn sent(&mut self, merchant: usize) {
        let merchants = self.merchants.len();
        self.merchants[merchant % merchants].paid += 1;
    }

    /// Payments that were sent so far.
    pub fn payments(&self) -> u64 {
        self.merchants.iter().map(|merchant| merchant.paid).sum()
    }

    /// Every payment that was sent has succeeded, once at the biller; the ledger verifies; every deposit is what was
    /// paid in less what was paid out of it.
    pub fn check(&mut self, store: &dyn Store) -> Result<()> {
        let paid = self.payments();
        let reader = store.reader().context("read the store")?;
        for merchant in &mut self.merchants {
            merchant.find(reader.as_ref())?;
        }
        self.check_ledger(reader.as_ref(), paid)?;
        let books = self.biller.books()?;
        ensure!(
            (books.orders, books.delivered, books.requests) == (paid, paid, paid),
            "{paid} payments succeeded, but the biller's books say {books:?}"
        );
        Ok(())
    }

    fn check_ledger(&self, reader: &dyn Reader, paid: u64) -> Result<()> {
        let report = reader.verify_ledger(&mut |_| ControlFlow::Continue(())).context("verify the ledger")?;
        ensure!(report.holds == 0, "{} of {paid} payments hold money", report.holds);
        let mut balances = HashMap::new();
        let mut after: Option<AccountName> = None;
        loop {
            let page = reader.accounts(after.as_ref(), PAGE_ROWS).context("read the accounts")?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            balances.extend(page.into_iter().map(|account| (account.name, account.balance)));
        }
        for merchant in &self.merchants {
            let name = merchant.deposit();
            let spent = i64::try_from(merchant.paid).ok().and_then(|paid| paid.checked_mul(self.amount.sen()));
            let expected = spent.map(|spent| OPENING.sen() - spent);
            let found = balances.get(&name).copied();
            ensure!(found == expected, "{name} holds {found:?} sen, not {expected:?}");
        }
        Ok(())
    }
}

impl Expected {
    fn deposit(&self) -> AccountName {
        AccountName::of(Class::MerchantDeposit, self.code.as_str())
    }

    /// Follows the deposit's new entries to the bills that they paid: there is no other way that does not read them all.
    fn find(&mut self, reader: &dyn Reader) -> Result<()> {
        loop {
            let page =
                reader.entries(&self.deposit(), self.read, PAGE_ROWS).context("read the entries of a deposit")?;
            let Some(last) = page.last() else { break };
            self.read = last.sequence;
            for entry in page.iter().filter(|entry| entry.kind == JournalKind::BillPaid) {
                let id = BillId::from_bits(entry.subject);
                let Some(Row::Bill(bill)) = reader.row(&Key::Bill(id)).context("read a bill")? else {
                    bail!("{id} of {} was paid for and is not in the store", self.code);
                };
                let status = bill.status.name();
                ensure!(matches!(bill.status, BillStatus::Succeeded { .. }), "{id} of {} is {status}", self.code);
                self.found += 1;
            }
        }
        ensure!(self.found == self.paid, "{} of {} payments of {} succeeded", self.found, self.paid, self.code);
        Ok(())
    }
}
