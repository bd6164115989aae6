//! Imports of providers' settlement files: read what is believed, find the buckets, and have the writers keep them
//! portion by portion, so that no payment waits for a file. An import that ended half-way is finished by importing again.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use calendar::{Instant, JakartaDay};
use connectors::settlement::{Format, SettlementFault, parse_settlement};
use lifecycle::{
    BillId, Command, Key, MerchantCode, PaymentId, ReconciliationItemId, RefundId, Refusal, Row, SettlementFileId,
    bill::Bill,
    merchant::{Callbacks, LateSuccess, Merchant, Strictness},
    payment::Payment,
    reconciliation::{
        Bucket, Close, Expectation, Matching, ReconciliationItem, SettlementFile, SettlementLine, SettlementRule,
        Tally, claims_of, content, day_of, expecting, portions, reconcile,
    },
    refund::Refund,
};
use store::{Reader, StoreError};

use crate::{Engine, Partner};

/// How long before its day a file's import looks for what should have been settled by now, in seconds.
pub const LOOKBACK_SECONDS: i64 = 7 * 24 * 60 * 60;
/// How often an import begins anew because something that it rests on changed meanwhile.
const TRIES_MAX: u32 = 5;
/// Rows that are read at a time.
const PAGE_ROWS: usize = 1_000;

/// A file to import.
#[derive(Clone, Debug)]
pub struct SettlementImport {
    /// Whose: a connector's name.
    pub provider: String,
    /// What it is called.
    pub name: String,
    /// Who imports it.
    pub by: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// How it looks, where the connector does not say: a mapping in TOML.
    pub mapping: Option<String>,
    /// The business day that it is about; none: that of most lines.
    pub day: Option<JakartaDay>,
    /// What the provider keeps of a payment by contract, in hundredths of a percent; none: whatever the file says.
    pub fee_basis_points: Option<u32>,
}

/// An imported file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// As it was kept.
    pub file: SettlementFile,
    /// Whether all of it was there before: then nothing happened.
    pub known_before: bool,
}

/// Why a file was not imported, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportRefused {
    /// There is no such provider.
    ProviderUnknown,
    /// It does not read: nothing was kept.
    Unreadable(SettlementFault),
    /// It has no lines, and nobody says which day it is about.
    DayUnknown,
    /// The store did not take all of it; importing it again finishes it.
    Unfinished,
}

/// What an import works on.
struct Work {
    file: SettlementFile,
    rule: SettlementRule,
    lines: Vec<SettlementLine>,
}

impl Engine {
    /// Imports a settlement file. The same content again changes nothing, under whatever name.
    ///
    /// # Errors
    /// [`ImportRefused`].
    pub async fn import_settlement(&self, import: SettlementImport) -> Result<Imported, ImportRefused> {
        let now = self.now();
        let work = self.beside(move || prepare(import, now)).await.map_err(|_| ImportRefused::Unfinished)??;
        for _ in 0..TRIES_MAX {
            let engine = self.clone();
            let (file, rule, lines) = (work.file.clone(), work.rule, work.lines.clone());
            let planned = self.read(move |reader| plan(&engine, reader, &Work { file, rule, lines })).await;
            let portions = match planned.ok_or(ImportRefused::Unfinished)? {
                Plan::Known(file) => return Ok(Imported { file: *file, known_before: true }),
                Plan::Keep(portions) => portions,
            };
            match self.keep_portions(portions).await {
                Ok(()) => {}
                // Another import, or a payment that became known, was faster.
                Err(Refusal::StepImpossible) => continue,
                Err(_) => return Err(ImportRefused::Unfinished),
            }
            if let Some(Row::SettlementFile(file)) = self.row(Key::SettlementFile(work.file.id)).await {
                return Ok(Imported { file: *file, known_before: false });
            }
        }
        Err(ImportRefused::Unfinished)
    }

    async fn keep_portions(&self, portions: Vec<Command>) -> Result<(), Refusal> {
        for portion in portions {
            self.operate_house(portion).await?;
        }
        Ok(())
    }

    /// Does something about an open item of a reconciliation.
    ///
    /// # Errors
    /// [`Refusal::StepImpossible`] where the item changed meanwhile or the action does not fit it, or its payment's own.
    pub async fn close_exception(&self, close: Close) -> Result<(), Refusal> {
        let merchant = close.item.expectation.as_ref().map(|known| known.merchant.clone());
        let command = Command::CloseException(close);
        match merchant.and_then(|merchant| self.partner(merchant.as_str())) {
            Some(partner) => self.operate(&partner.merchant.code, command).await,
            None => self.operate_house(command).await,
        }
    }

    /// Takes a step of the operator's that is no one merchant's.
    async fn operate_house(&self, command: Command) -> Result<(), Refusal> {
        self.decide(house(), command, None, None).await.map(drop)
    }
}

/// Who is concerned by what concerns no merchant in particular: nobody is called about it.
fn house() -> std::sync::Arc<Partner> {
    let merchant = Merchant {
        code: MerchantCode::new(ledger::HOUSE),
        alias: None,
        name: String::new(),
        api_key: String::new(),
        products: vec![],
        public_keys: vec![],
        redirect_origins: vec![],
        allow_local_redirects: false,
        allowed_addresses: vec![],
        time_window_seconds: 0,
        replay: false,
        strictness: Strictness::Strict,
        callbacks: Callbacks::default(),
        biller: None,
        late_success: LateSuccess::default(),
        suspended: true,
    };
    std::sync::Arc::new(Partner { merchant, keys: vec![] })
}

/// Reads the file; nothing is asked of anybody.
fn prepare(import: SettlementImport, now: Instant) -> Result<Work, ImportRefused> {
    let connector = connectors::connector(&import.provider).ok_or(ImportRefused::ProviderUnknown)?;
    let lines = match &import.mapping {
        Some(mapping) => Format::from_mapping(mapping).and_then(|format| format.parse(&import.bytes)),
        None => parse_settlement(&import.provider, &import.bytes),
    };
    let lines = lines.map_err(ImportRefused::Unreadable)?;
    let declared = connector.settlement().map_or(SettlementRule::NEXT_DAY, |settlement| settlement.rule);
    let rule = SettlementRule { fee_basis_points: import.fee_basis_points.or(declared.fee_basis_points), ..declared };
    let day = import.day.or_else(|| day_of(&lines, &rule)).ok_or(ImportRefused::DayUnknown)?;
    let digest = protocol::digest::sha256(content(&import.provider, day, &lines).as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    let file = SettlementFile {
        id: SettlementFileId::from_bits(u128::from_be_bytes(id)),
        digest,
        provider: import.provider,
        name: import.name,
        day,
        imported_at: now,
        by: import.by,
        total: Tally::of(&lines),
        buckets: [Tally::default(); Bucket::ALL.len()],
        complete: false,
    };
    Ok(Work { file, rule, lines })
}

/// What is to be done about a file.
enum Plan {
    /// Nothing: it was imported before.
    Known(Box<SettlementFile>),
    /// These portions, in this order.
    Keep(Vec<Command>),
}

/// Finds the buckets of what was not kept yet.
fn plan(engine: &Engine, reader: &dyn Reader, work: &Work) -> Result<Plan, StoreError> {
    let mut file = work.file.clone();
    if let Some(Row::SettlementFile(kept)) = reader.row(&Key::SettlementFile(file.id))? {
        file = *kept;
        if file.complete {
            return Ok(Plan::Known(Box::new(file)));
        }
    }
    let done = kept_rows(reader, file.id)?;
    let lines: Vec<SettlementLine> = work.lines.iter().filter(|line| !done.contains(&line.row)).cloned().collect();
    let waiting = open_items(reader, &file.provider)?;
    let known = Known { engine, reader, provider: &file.provider }.of(file.day, &work.rule, &lines, &waiting)?;
    let keys: Vec<Key> = claims_of(&lines, &known)
        .into_iter()
        .map(|claim| Key::ReconciliationClaim(file.provider.clone(), claim))
        .collect();
    let mut claims = vec![];
    for keys in keys.chunks(PAGE_ROWS) {
        claims.extend(reader.rows(keys)?.into_iter().flatten().filter_map(item));
    }
    let now = engine.now();
    let matching = Matching { rule: &work.rule, day: file.day, lines: &lines, known: &known, claims: &claims, now };
    let portions = portions(&file, &work.rule, &reconcile(&matching));
    Ok(Plan::Keep(portions.into_iter().map(|portion| Command::KeepFindings(Box::new(portion))).collect()))
}

fn item(row: Row) -> Option<ReconciliationItem> {
    match row {
        Row::ReconciliationItem(item) => Some(*item),
        _ => None,
    }
}

/// The rows of a file that were kept by an earlier import.
fn kept_rows(reader: &dyn Reader, file: SettlementFileId) -> Result<HashSet<u32>, StoreError> {
    let mut rows = HashSet::new();
    let mut after: Option<ReconciliationItemId> = None;
    loop {
        let page = reader.reconciliation_items(file, after, PAGE_ROWS)?;
        rows.extend(page.iter().filter_map(|item| item.line.as_ref().map(|line| line.row)));
        after = page.last().map(|item| item.id);
        if page.len() < PAGE_ROWS {
            return Ok(rows);
        }
    }
}

/// What is open of a provider.
fn open_items(reader: &dyn Reader, provider: &str) -> Result<Vec<ReconciliationItem>, StoreError> {
    let mut items = vec![];
    let mut after = None;
    loop {
        let page = reader.open_reconciliation_items(after, PAGE_ROWS)?;
        after = page.last().map(|item| item.id);
        let full = page.len() == PAGE_ROWS;
        items.extend(page.into_iter().filter(|item| item.provider == provider));
        if !full {
            return Ok(items);
        }
    }
}

/// What we know of a provider's.
struct Known<'k> {
    engine: &'k Engine,
    reader: &'k dyn Reader,
    provider: &'k str,
}

impl Known<'_> {
    /// Everything of the days that a file may be about, what its lines name, and what waits.
    fn of(
        &self,
        day: JakartaDay,
        rule: &SettlementRule,
        lines: &[SettlementLine],
        waiting: &[ReconciliationItem],
    ) -> Result<Vec<Expectation>, StoreError> {
        let (begin, end) = rule.period(day);
        let (from, until) = (first_id(begin.plus_seconds(-LOOKBACK_SECONDS)), first_id(end));
        let mut known = BTreeMap::new();
        let mut keep = |expectation: Expectation| {
            known.insert((expectation.kind, expectation.reference.clone()), expectation);
        };
        for item in waiting {
            item.expectation.iter().cloned().for_each(&mut keep);
        }
        pages(
            |from| self.reader.payments_between(PaymentId::from_bits(from), PaymentId::from_bits(until), PAGE_ROWS),
            |payment: &Payment| payment.id.bits(),
            from,
            |payment| self.payment(&payment).into_iter().for_each(&mut keep),
        )?;
        let mut refunds = vec![];
        pages(
            |from| self.reader.refunds_between(RefundId::from_bits(from), RefundId::from_bits(until), PAGE_ROWS),
            |refund: &Refund| refund.id.bits(),
            from,
            |refund| refunds.push(refund),
        )?;
        pages(
            |from| self.reader.bills_between(BillId::from_bits(from), BillId::from_bits(until), PAGE_ROWS),
            |bill: &Bill| bill.id.bits(),
            from,
            |bill| self.bill(&bill).into_iter().for_each(&mut keep),
        )?;
        let named = self.named(lines)?;
        for row in named {
            match row {
                Row::Payment(payment) => self.payment(&payment).into_iter().for_each(&mut keep),
                Row::Refund(refund) => refunds.push(*refund),
                Row::Bill(bill) => self.bill(&bill).into_iter().for_each(&mut keep),
                _ => {}
            }
        }
        self.refunds(refunds)?.into_iter().for_each(&mut keep);
        Ok(known.into_values().collect())
    }

    /// The rows that lines name by our references.
    fn named(&self, lines: &[SettlementLine]) -> Result<Vec<Row>, StoreError> {
        let mut keys = BTreeSet::new();
        for line in lines {
            let Some(reference) = &line.reference else { continue };
            keys.extend(reference.parse().ok().map(Key::Payment));
            keys.extend(reference.parse().ok().map(Key::Refund));
            keys.extend(Bill::id_of_reference(reference).map(|(bill, _)| Key::Bill(bill)));
        }
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut rows = vec![];
        for keys in keys.chunks(PAGE_ROWS) {
            rows.extend(self.reader.rows(keys)?.into_iter().flatten());
        }
        Ok(rows)
    }

    fn payment(&self, payment: &Payment) -> Option<Expectation> {
        (self.engine.lines().charged_by(payment) == Some(self.provider)).then(|| expecting::of_payment(payment))?
    }

    fn bill(&self, bill: &Bill) -> Vec<Expectation> {
        let of_source = expecting::of_bill(bill).into_iter().filter(|(source, _)| source == self.provider);
        of_source.map(|(_, expectation)| expectation).collect()
    }

    /// A refund is its payment's provider's.
    fn refunds(&self, refunds: Vec<Refund>) -> Result<Vec<Expectation>, StoreError> {
        let mut known = vec![];
        for refunds in refunds.chunks(PAGE_ROWS) {
            let keys: Vec<Key> = refunds.iter().map(|refund| Key::Payment(refund.payment)).collect();
            for (refund, payment) in refunds.iter().zip(self.reader.rows(&keys)?) {
                let Some(Row::Payment(payment)) = payment else { continue };
                let ours = self.engine.lines().charged_by(&payment);
                // What was called off before it was charged moved no money.
                let moved = refund.amount != money::Amount::ZERO && self.payment(&payment).is_some_and(|p| p.believed);
                if ours == Some(self.provider) && moved {
                    known.push(expecting::of_refund(refund));
                }
            }
        }
        Ok(known)
    }
}

/// The first id that could have been made at this time.
fn first_id(at: Instant) -> u128 {
    u128::from((at.micros() / 1_000).max(0).unsigned_abs()) << 80
}

/// Reads page after page.
fn pages<T>(
    read: impl Fn(u128) -> Result<Vec<T>, StoreError>,
    id: impl Fn(&T) -> u128,
    from: u128,
    mut each: impl FnMut(T),
) -> Result<(), StoreError> {
    let mut from = from;
    loop {
        let page = read(from)?;
        let full = page.len() == PAGE_ROWS;
        let next = page.last().map(|row| id(row).saturating_add(1));
        page.into_iter().for_each(&mut each);
        match next {
            Some(next) if full => from = next,
            _ => return Ok(()),
        }
    }
}
