//! Settlement files against what is believed: every line and every expectation ends once, in the same bucket whatever
//! the order, and the books say what happened.

use std::collections::BTreeMap;

use calendar::{Instant, JakartaDay};
use ledger::{AccountName, Class, HOUSE};
use lifecycle::{
    Command, Digest, Key, MerchantCode, PaymentId, Reason, ReconciliationItemId, Refusal, Row, Secret,
    SettlementFileId,
    payment::{Payment, PaymentStatus},
    provider::Outcome,
    reconciliation::{
        Action, Bucket, Close, Expectation, Finding, ItemState, Matching, ReconciliationItem, SettlementFile,
        SettlementLine, SettlementRule, SubjectKind, TEXT_MAX, Tally, content, day_of, portions, reconcile,
    },
    request::RequestKey,
};
use money::Amount;
use proptest::prelude::*;

use crate::{billing, support::Gateway};

const RULE: SettlementRule = SettlementRule { fee_basis_points: Some(150), ..SettlementRule::NEXT_DAY };
const DAY: JakartaDay = JakartaDay::from_number(20_261_121);
const NEXT: JakartaDay = JakartaDay::from_number(20_261_122);

fn at(time: &str) -> Instant {
    Instant::parse(&format!("2026-11-{time}+07:00")).unwrap()
}

fn known(number: u128, rupiah: u32, time: &str) -> Expectation {
    Expectation {
        kind: SubjectKind::Payment,
        subject: number,
        merchant: MerchantCode::new("TOKO"),
        reference: format!("pay_{number}"),
        provider_reference: Some(format!("W{number}")),
        amount: Amount::rupiah(rupiah),
        at: at(time),
        believed: true,
    }
}

/// The line that says exactly what is expected.
fn line(row: u32, known: &Expectation) -> SettlementLine {
    SettlementLine {
        row,
        kind: known.kind,
        reference: Some(known.reference.clone()),
        provider_reference: known.provider_reference.clone(),
        amount: known.amount,
        fee: RULE.fee(known.kind, known.amount).unwrap_or(Amount::ZERO),
        at: known.at,
        settled: true,
    }
}

/// What one world believes, and what was imported into it.
struct Bench {
    gateway: Gateway,
    known: Vec<Expectation>,
}

impl Bench {
    fn over(known: Vec<Expectation>) -> Self {
        let mut gateway = Gateway::default();
        gateway.now = at("22T09:00:00");
        gateway.merchant.code = MerchantCode::new("TOKO");
        Self { gateway, known }
    }

    fn items(&self) -> Vec<ReconciliationItem> {
        let of_id = self.gateway.rows.iter().filter(|(key, _)| matches!(key, Key::ReconciliationItem(_)));
        let item = |row: &Row| match row {
            Row::ReconciliationItem(item) => (**item).clone(),
            other => panic!("{other:?}"),
        };
        of_id.map(|(_, row)| item(row)).collect()
    }

    fn file(&self, day: JakartaDay, lines: &[SettlementLine]) -> SettlementFile {
        let content = content("wallet", day, lines);
        let mut digest = [0; 32];
        // Any digest does for a test: FNV-1a, eight bytes at four places.
        for (place, part) in digest.chunks_mut(8).enumerate() {
            let offset = 0xcbf2_9ce4_8422_2325u64.wrapping_add(place as u64);
            let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            part.copy_from_slice(&content.bytes().fold(offset, hash).to_be_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        SettlementFile {
            id: SettlementFileId::from_bits(u128::from_be_bytes(id)),
            digest,
            provider: "wallet".into(),
            name: "settlement.csv".into(),
            day,
            imported_at: self.gateway.now,
            by: "rani".into(),
            total: Tally::of(lines),
            buckets: Default::default(),
            complete: false,
        }
    }

    fn findings(&self, day: JakartaDay, lines: &[SettlementLine]) -> Vec<Finding> {
        let claims: Vec<_> = self.items().into_iter().filter(|item| item.claim.is_some()).collect();
        let mut known = self.known.clone();
        for item in &claims {
            let waits =
                item.expectation.iter().filter(|waiting| known.iter().all(|k| k.reference != waiting.reference));
            known.extend(waits.cloned().collect::<Vec<_>>());
        }
        let now = self.gateway.now;
        reconcile(&Matching { rule: &RULE, day, lines, known: &known, claims: &claims, now })
    }

    fn import(&mut self, day: JakartaDay, lines: &[SettlementLine]) -> SettlementFile {
        let file = self.file(day, lines);
        if !self.gateway.rows.contains_key(&Key::SettlementFile(file.id)) {
            for portion in portions(&file, &RULE, &self.findings(day, lines)) {
                self.gateway.run(Command::KeepFindings(Box::new(portion))).unwrap();
            }
        }
        match self.gateway.rows.get(&Key::SettlementFile(file.id)) {
            Some(Row::SettlementFile(file)) => (**file).clone(),
            other => panic!("{other:?}"),
        }
    }

    /// What is open, by bucket.
    fn open(&self) -> BTreeMap<&'static str, usize> {
        let mut open = BTreeMap::new();
        for item in self.items().iter().filter(|item| item.state == ItemState::Open) {
            *open.entry(item.bucket.name()).or_default() += 1;
        }
        open
    }

    fn close(&mut self, item: &ReconciliationItem, action: Action) -> Result<(), Refusal> {
        let close = Close { item: Box::new(item.clone()), action, note: "as agreed".into(), by: "budi".into() };
        self.gateway.run(Command::CloseException(close))
    }

    fn balance(&self, name: &AccountName) -> i64 {
        match self.gateway.rows.get(&Key::Account(name.clone())) {
            Some(Row::Account(account)) => account.balance,
            _ => 0,
        }
    }

    fn of(&self, class: Class) -> i64 {
        self.balance(&AccountName::of(class, "TOKO"))
    }

    /// What every balance comes to, debits less credits.
    fn imbalance(&self) -> i64 {
        let accounts = self.gateway.rows.iter().filter_map(|(key, row)| match (key, row) {
            (Key::Account(_), Row::Account(account)) => Some(account),
            _ => None,
        });
        accounts.map(|a| if a.name.class().normal_side() == ledger::Side::Debit { a.balance } else { -a.balance }).sum()
    }
}

#[test]
fn what_both_sides_say_is_posted_and_closed_with_the_import() {
    let payments = vec![known(1, 100_000, "21T10:00:00"), known(2, 50_000, "21T11:00:00")];
    let refund =
        Expectation { kind: SubjectKind::Refund, reference: "ref_3".into(), ..known(3, 20_000, "21T12:00:00") };
    let all = [payments, vec![refund]].concat();
    let mut bench = Bench::over(all.clone());
    let lines: Vec<_> = (1..).zip(&all).map(|(row, known)| line(row, known)).collect();
    let file = bench.import(DAY, &lines);
    assert!(file.complete);
    assert_eq!(file.buckets[0], file.total);
    assert!(bench.open().is_empty());
    // 1.5 % of 150,000 stay with the provider; the merchant is owed what its customers paid, less what they got back.
    assert_eq!(bench.of(Class::Clearing), 13_000_000 - 225_000);
    assert_eq!(bench.of(Class::FeeRevenue), -225_000);
    assert_eq!(bench.of(Class::MerchantPayable), 13_000_000);
    assert_eq!(bench.imbalance(), 0);
    let journals: Vec<_> = bench.items().iter().map(|item| item.state.journal()).collect();
    assert!(journals.iter().all(|journal| journal.is_some() && *journal == journals[0]));

    // The same content under another name is the same file.
    let entries = bench.gateway.entries.len();
    let shuffled = numbered(lines.iter().rev().cloned().collect());
    let again = bench.import(DAY, &shuffled);
    assert_eq!((again.id, bench.gateway.entries.len(), bench.items().len()), (file.id, entries, 3));
}

/// One expectation of Rp 100,000 (unless none), some lines, the one bucket of each.
#[track_caller]
fn check(believed: Option<Expectation>, lines: &[SettlementLine], expected: &[Bucket]) {
    let bench = Bench::over(believed.into_iter().collect());
    let found: Vec<_> = bench.findings(DAY, lines).iter().map(|finding| finding.bucket).collect();
    assert_eq!(found, expected, "{lines:?}");
}

#[test]
fn every_bucket_has_its_case() {
    let noon = known(1, 100_000, "21T12:00:00");
    let good = line(1, &noon);
    let some = Some(noon.clone());
    check(some.clone(), std::slice::from_ref(&good), &[Bucket::Matched]);
    check(None, std::slice::from_ref(&good), &[Bucket::MissingHere]);
    check(Some(Expectation { believed: false, ..noon.clone() }), std::slice::from_ref(&good), &[Bucket::MissingHere]);
    check(some.clone(), &[], &[Bucket::MissingThere]);
    check(some.clone(), &[SettlementLine { amount: Amount::rupiah(10_000), ..good.clone() }], &[Bucket::AmountDiffers]);
    check(some.clone(), &[SettlementLine { fee: Amount::rupiah(1), ..good.clone() }], &[Bucket::AmountDiffers]);
    check(some.clone(), &[SettlementLine { at: at("22T00:00:01"), ..good.clone() }], &[Bucket::DateLine]);
    check(some.clone(), &[SettlementLine { settled: false, ..good.clone() }], &[Bucket::DateLine]);
    // Shortly before midnight it may be in the next file; before the day, in the one before.
    check(Some(known(1, 100_000, "21T23:30:00")), &[], &[Bucket::DateLine]);
    check(Some(known(1, 100_000, "20T23:30:00")), &[], &[]);
    check(Some(known(1, 100_000, "22T00:30:00")), &[], &[]);
    // Nothing had it in time.
    check(Some(known(1, 100_000, "18T12:00:00")), &[], &[Bucket::MissingThere]);
    // The line that is right counts, wherever it stands.
    let wrong = SettlementLine { row: 1, amount: Amount::rupiah(1), ..good.clone() };
    let right = SettlementLine { row: 2, ..good.clone() };
    check(some.clone(), &[wrong, right.clone()], &[Bucket::Duplicate, Bucket::Matched]);
    // By the provider's reference where ours is not in the file; another kind is another thing.
    check(some.clone(), &[SettlementLine { reference: None, ..good.clone() }], &[Bucket::Matched]);
    let refund = SettlementLine { row: 2, kind: SubjectKind::Refund, ..good.clone() };
    check(some.clone(), &[good.clone(), refund], &[Bucket::Matched, Bucket::MissingHere]);
    // What nobody can name is never a repetition; what only the provider names can be.
    let fee = SettlementLine { kind: SubjectKind::Fee, reference: None, provider_reference: None, ..good.clone() };
    let fees = [fee.clone(), SettlementLine { row: 2, ..fee }];
    check(None, &fees, &[Bucket::MissingHere, Bucket::MissingHere]);
    check(None, &[good, right], &[Bucket::MissingHere, Bucket::Duplicate]);
}

#[test]
fn a_later_file_closes_what_waited() {
    let late = known(1, 100_000, "21T23:59:00");
    let shifted = known(2, 30_000, "21T12:00:00");
    let missing = known(3, 10_000, "21T12:00:00");
    let mut bench = Bench::over(vec![late.clone(), shifted.clone(), missing.clone()]);
    let tomorrow = |row, known: &Expectation| SettlementLine { at: at("22T00:00:05"), ..line(row, known) };
    bench.import(DAY, &[tomorrow(1, &shifted)]);
    assert_eq!(bench.open(), BTreeMap::from([("date_line", 2), ("missing_there", 1)]));
    assert!(bench.gateway.entries.is_empty());
    let before = bench.items();
    bench.gateway.now = at("23T09:00:00");
    bench.import(NEXT, &[tomorrow(1, &late), tomorrow(2, &shifted), tomorrow(3, &missing)]);
    assert!(bench.open().is_empty());
    assert_eq!(bench.of(Class::MerchantPayable), 14_000_000);
    // Nothing was overwritten: the earlier items say what they were and where their thing went.
    for item in before {
        let now = bench.items().into_iter().find(|other| other.id == item.id).unwrap();
        let ItemState::Moved { to, .. } = now.state else { panic!("{now:?}") };
        assert_eq!((now.bucket, &now.line, now.claim), (item.bucket, &item.line, None));
        let next = bench.items().into_iter().find(|other| other.id == to).unwrap();
        assert_eq!((next.bucket, next.claim), (Bucket::Matched, item.claim));
    }
}

#[test]
fn what_waited_too_long_is_missing() {
    let mut bench = Bench::over(vec![known(1, 100_000, "21T23:59:00")]);
    bench.import(DAY, &[]);
    assert_eq!(bench.open(), BTreeMap::from([("date_line", 1)]));
    bench.gateway.now = at("24T00:00:00");
    bench.import(NEXT, &[]);
    assert_eq!(bench.open(), BTreeMap::from([("missing_there", 1)]));
}

#[test]
fn what_a_line_of_the_next_day_says_was_paid_never_becomes_missing_there() {
    let shifted = known(1, 100_000, "21T12:00:00");
    let mut bench = Bench::over(vec![shifted.clone()]);
    bench.import(DAY, &[SettlementLine { at: at("22T00:00:05"), ..line(1, &shifted) }]);
    bench.gateway.now = at("24T00:00:00");
    bench.import(NEXT, &[]);
    assert_eq!(bench.open(), BTreeMap::from([("date_line", 1)]));
    let item = bench.items().remove(0);
    bench.close(&item, Action::Adopt).unwrap();
    assert_eq!(bench.of(Class::MerchantPayable), 10_000_000);
}

/// One line of Rp 90,000 with a fee of Rp 1,000 (or none) about an expectation of Rp 100,000 (or none): what an action
/// leaves of clearing, payable, fee and claim, in rupiah.
#[track_caller]
fn check_close(bucket: Bucket, kind: SubjectKind, action: Action, expected: Option<[i64; 5]>) {
    let expectation = Expectation { kind, ..known(1, 100_000, "21T12:00:00") };
    let has_line = bucket != Bucket::MissingThere;
    let expectation = (bucket != Bucket::MissingHere).then_some(expectation);
    let said = SettlementLine {
        amount: Amount::rupiah(90_000),
        fee: Amount::rupiah(1_000),
        kind,
        ..line(1, &known(1, 1, "21T12:00:00"))
    };
    let item = ReconciliationItem {
        id: ReconciliationItemId::from_bits(77),
        provider: "wallet".into(),
        file: SettlementFileId::from_bits(1),
        line: has_line.then_some(said),
        expectation,
        claim: Some("payment:pay_1".into()),
        bucket,
        opened_at: at("22T09:00:00"),
        deadline: at("24T00:00:00"),
        owner: "rani".into(),
        steps: vec![],
        state: ItemState::Open,
    };
    let mut bench = Bench::over(vec![]);
    bench.gateway.rows.insert(Key::ReconciliationItem(item.id), item.clone().into());
    let owner = item.merchant().to_owned();
    let closed = bench.close(&item, action);
    assert_eq!(closed.is_ok(), expected.is_some(), "{bucket:?} {kind:?} {action:?}");
    let Some(expected) = expected else { return };
    let of = |class| bench.balance(&AccountName::of(class, owner.as_str())) / 100;
    let theirs = [AccountName::claim(owner.as_str(), "wallet"), AccountName::float(owner.as_str(), "wallet")];
    let [claim, float] = theirs.map(|name| bench.balance(&name) / 100);
    let left = [of(Class::Clearing), of(Class::MerchantPayable), of(Class::FeeRevenue), claim, float];
    assert_eq!(left, expected, "{bucket:?} {kind:?} {action:?}");
    assert_eq!(bench.imbalance(), 0);
    let after = bench.items().remove(0);
    assert_eq!((after.owner.as_str(), after.steps.len()), ("budi", 1));
    let posted = !bench.gateway.entries.is_empty();
    assert_eq!(after.state.journal().is_some(), posted);
    // What is closed stays closed.
    if after.state != ItemState::Open {
        assert_eq!(bench.close(&after, Action::WriteOff), Err(Refusal::StepImpossible));
    }
}

#[test]
fn what_was_taken_back_since_is_missing_no_more_and_posts_nothing() {
    let mut gateway = billing::with_deposit(200_000);
    let sent = billing::sent(&mut gateway);
    billing::end(&mut gateway, sent, billing::paid());
    let bill = billing::the_bill(&gateway);
    let expectation = Expectation {
        kind: SubjectKind::Bill,
        subject: bill.id.bits(),
        merchant: bill.merchant.clone(),
        reference: bill.reference(),
        ..known(1, 50_000, "21T12:00:00")
    };
    let item = ReconciliationItem {
        id: ReconciliationItemId::from_bits(77),
        provider: "one".into(),
        file: SettlementFileId::from_bits(1),
        line: None,
        expectation: Some(expectation),
        claim: None,
        bucket: Bucket::MissingThere,
        opened_at: at("22T09:00:00"),
        deadline: at("24T00:00:00"),
        owner: String::new(),
        steps: vec![],
        state: ItemState::Open,
    };
    gateway.rows.insert(Key::ReconciliationItem(item.id), item.clone().into());
    let mut bench = Bench { gateway, known: vec![] };
    assert_eq!(bench.close(&item, Action::Dismiss), Err(Refusal::StepImpossible), "it is missing");
    billing::notice(&mut bench.gateway, bill.id, 0, Outcome::BillReversed).unwrap();
    let entries = bench.gateway.entries.len();
    for action in [Action::Claim, Action::WriteOff, Action::CorrectAmount] {
        assert_eq!(bench.close(&item, action), Err(Refusal::StepImpossible), "nothing is missing: {action:?}");
    }
    bench.close(&item, Action::Dismiss).unwrap();
    assert_eq!(bench.gateway.entries.len(), entries);
    assert!(matches!(bench.items()[0].state, ItemState::Closed { journal: None, .. }));
}

#[test]
fn every_action_posts_what_it_means() {
    use Action::*;
    use Bucket::{AmountDiffers, DateLine, Duplicate, Matched, MissingHere, MissingThere};
    use SubjectKind::{Bill, Fee, Payment, Refund};
    //                                               clearing payable   fee   claim  float
    check_close(AmountDiffers, Payment, CorrectAmount, Some([89_000, 90_000, -1_000, 0, 0]));
    check_close(AmountDiffers, Payment, Action::Claim, Some([89_000, 100_000, -1_000, 10_000, 0]));
    check_close(AmountDiffers, Payment, WriteOff, Some([89_000, 100_000, -11_000, 0, 0]));
    check_close(AmountDiffers, Refund, CorrectAmount, Some([-91_000, -90_000, -1_000, 0, 0]));
    check_close(AmountDiffers, Refund, Action::Claim, Some([-91_000, -100_000, -1_000, -10_000, 0]));
    // A bill of 100,000 was posted when it was paid: the float gave 10,000 too much.
    check_close(AmountDiffers, Bill, CorrectAmount, Some([0, 0, 9_000, 0, 9_000]));
    check_close(AmountDiffers, Bill, Action::Claim, Some([0, 0, -1_000, -10_000, 9_000]));
    check_close(MissingThere, Payment, Action::Claim, Some([0, 100_000, 0, 100_000, 0]));
    check_close(MissingThere, Payment, WriteOff, Some([0, 100_000, -100_000, 0, 0]));
    check_close(MissingThere, Payment, CorrectAmount, None);
    check_close(MissingThere, Payment, Adopt, None);
    check_close(MissingThere, Bill, CorrectAmount, Some([0, 0, 100_000, 0, 100_000]));
    // Of nobody that we know: the house's.
    check_close(MissingHere, Payment, Adopt, None);
    check_close(MissingHere, Payment, WriteOff, Some([89_000, 0, 89_000, 0, 0]));
    check_close(MissingHere, Payment, Action::Claim, Some([89_000, 0, -1_000, -90_000, 0]));
    check_close(MissingHere, Bill, Action::Claim, Some([0, 0, -1_000, 90_000, -91_000]));
    check_close(MissingHere, Fee, Adopt, Some([-91_000, 0, -91_000, 0, 0]));
    check_close(MissingHere, Fee, Dismiss, Some([0; 5]));
    check_close(Duplicate, Payment, DuplicateReturned, Some([89_000, 0, -1_000, -90_000, 0]));
    check_close(Duplicate, Payment, Dismiss, Some([0; 5]));
    check_close(Duplicate, Payment, Adopt, None);
    check_close(DateLine, Payment, Wait, Some([0; 5]));
    check_close(DateLine, Payment, Dismiss, None);
    check_close(Matched, Payment, WriteOff, None);
}

fn payment(number: u128, rupiah: u32, status: PaymentStatus) -> Payment {
    let merchant = MerchantCode::new("TOKO");
    Payment {
        id: PaymentId::from_bits(number),
        merchant: merchant.clone(),
        partner_reference: "order-1".into(),
        request: RequestKey { merchant, day: DAY, external_id: "1".into() },
        amount: Amount::rupiah(rupiah),
        product: Some(lifecycle::ProductCode::new("WALLET")),
        link: None,
        phone: None,
        return_url: None,
        page: Digest([0; 32]),
        page_token: Secret::new("token"),
        created_at: at("21T12:00:00"),
        valid_until: at("21T12:30:00"),
        asker: None,
        provider: None,
        refunding: Amount::ZERO,
        refunded: Amount::ZERO,
        status,
    }
}

#[test]
fn adopting_believes_the_provider_about_a_payment_that_we_did_not() {
    let evidence = PaymentStatus::Unknown {
        evidence: "no answer".into(),
        charged_at: at("21T12:00:00"),
        since: at("21T12:00:00"),
        checks: 3,
    };
    let failed = PaymentStatus::Failed { reason: Reason::Expired, at: at("21T12:31:00") };
    for (status, expected) in [(evidence, "succeeded"), (failed, "succeeded_late")] {
        let expectation = Expectation { believed: false, ..known(1, 100_000, "21T12:00:00") };
        let mut bench = Bench::over(vec![expectation.clone()]);
        bench.gateway.rows.insert(Key::Payment(PaymentId::from_bits(1)), payment(1, 100_000, status).into());
        bench.import(DAY, &[line(1, &expectation)]);
        assert_eq!(bench.open(), BTreeMap::from([("missing_here", 1)]));
        let item = bench.items().remove(0);
        bench.close(&item, Action::Adopt).unwrap();
        let Some(Row::Payment(after)) = bench.gateway.rows.get(&Key::Payment(PaymentId::from_bits(1))) else {
            panic!()
        };
        assert_eq!(after.status.name(), expected);
        assert_eq!(bench.gateway.notices.len(), 1);
        assert_eq!(bench.of(Class::MerchantPayable), 10_000_000);
        // A second click means nothing.
        assert_eq!(bench.close(&item, Action::Adopt), Err(Refusal::StepImpossible));
    }
}

#[test]
fn what_was_called_off_is_not_adopted_and_nobody_is_owed_it() {
    let expectation = Expectation { believed: false, ..known(1, 100_000, "21T12:00:00") };
    let mut bench = Bench::over(vec![expectation.clone()]);
    let cancelled = PaymentStatus::Failed { reason: Reason::Cancelled, at: at("21T12:31:00") };
    let called_off = Payment { refunded: Amount::rupiah(100_000), ..payment(1, 100_000, cancelled) };
    bench.gateway.rows.insert(Key::Payment(called_off.id), called_off.into());
    bench.import(DAY, &[line(1, &expectation)]);
    let item = bench.items().remove(0);
    assert_eq!(bench.close(&item, Action::Adopt), Err(Refusal::PaymentStateConflict));
    assert!(bench.gateway.entries.is_empty() && bench.open().len() == 1);
    bench.close(&item, Action::Claim).unwrap();
    assert_eq!(bench.of(Class::MerchantPayable), 0);
}

#[test]
fn what_became_known_after_the_import_is_owed_to_its_merchant_whatever_closes_the_item() {
    let expectation = Expectation { believed: false, ..known(1, 100_000, "21T12:00:00") };
    let known_since = PaymentStatus::Succeeded { provider_reference: "W1".into(), at: at("22T10:00:00") };
    for (paid, action, expected) in [
        (100_000, Action::Adopt, Ok(10_000_000)),
        (100_000, Action::WriteOff, Ok(10_000_000)),
        (100_000, Action::Claim, Ok(10_000_000)),
        (110_000, Action::Claim, Ok(11_000_000)),
        (100_000, Action::Dismiss, Err(Refusal::StepImpossible)),
    ] {
        let mut bench = Bench::over(vec![expectation.clone()]);
        bench.import(DAY, &[line(1, &expectation)]);
        let item = bench.items().remove(0);
        let payment = payment(1, paid, known_since.clone());
        bench.gateway.rows.insert(Key::Payment(payment.id), payment.into());
        let closed = bench.close(&item, action);
        assert_eq!(closed.map(|()| bench.of(Class::MerchantPayable)), expected, "{paid} {action:?}");
        assert_eq!(bench.imbalance(), 0);
    }
}

#[test]
fn another_amount_than_the_payments_is_not_adopted() {
    let expectation = Expectation { believed: false, ..known(1, 90_000, "21T12:00:00") };
    let mut bench = Bench::over(vec![expectation.clone()]);
    let failed = PaymentStatus::Failed { reason: Reason::Expired, at: at("21T12:31:00") };
    bench.gateway.rows.insert(Key::Payment(PaymentId::from_bits(1)), payment(1, 100_000, failed).into());
    bench.import(DAY, &[line(1, &expectation)]);
    let item = bench.items().remove(0);
    assert_eq!(bench.close(&item, Action::Adopt), Err(Refusal::BillAmountDiffers));
    assert!(bench.gateway.entries.is_empty());
}

#[test]
fn closing_wants_the_item_as_it_is_and_a_reason() {
    let mut bench = Bench::over(vec![]);
    bench.import(DAY, &[line(1, &known(1, 100_000, "21T12:00:00"))]);
    let item = bench.items().remove(0);
    let stale = ReconciliationItem { owner: "somebody".into(), ..item.clone() };
    assert_eq!(bench.close(&stale, Action::WriteOff), Err(Refusal::StepImpossible));
    for note in [String::new(), "x".repeat(TEXT_MAX + 1)] {
        let close = Close { item: Box::new(item.clone()), action: Action::WriteOff, note, by: "budi".into() };
        assert_eq!(bench.gateway.run(Command::CloseException(close)), Err(Refusal::StepImpossible));
    }
    let deadline = item.deadline;
    bench.close(&item, Action::Wait).unwrap();
    let waiting = bench.items().remove(0);
    assert!(waiting.deadline > deadline && waiting.state == ItemState::Open);
    bench.close(&waiting, Action::WriteOff).unwrap();
    assert_eq!(bench.balance(&AccountName::of(Class::Clearing, HOUSE)), 10_000_000 - 150_000);
}

#[test]
fn an_import_that_ended_half_way_is_finished_by_importing_again() {
    let all: Vec<_> = (1..=450).map(|number| known(number, 10_000, "21T12:00:00")).collect();
    let lines: Vec<_> = (1..).zip(&all).map(|(row, known)| line(row, known)).collect();
    let mut whole = Bench::over(all.clone());
    let expected = whole.import(DAY, &lines);
    for kept in 0..3 {
        let mut bench = Bench::over(all.clone());
        let file = bench.file(DAY, &lines);
        for portion in portions(&file, &RULE, &bench.findings(DAY, &lines)).into_iter().take(kept) {
            // A portion that is sent twice is kept once.
            bench.gateway.run(Command::KeepFindings(Box::new(portion.clone()))).unwrap();
            assert_eq!(bench.gateway.run(Command::KeepFindings(Box::new(portion))), Err(Refusal::StepImpossible));
        }
        let file = match bench.gateway.rows.get(&Key::SettlementFile(file.id)) {
            Some(Row::SettlementFile(file)) => (**file).clone(),
            _ => file,
        };
        let done: Vec<u32> = bench.items().iter().filter_map(|item| item.line.as_ref().map(|line| line.row)).collect();
        let rest: Vec<_> = lines.iter().filter(|line| !done.contains(&line.row)).cloned().collect();
        for portion in portions(&file, &RULE, &bench.findings(DAY, &rest)) {
            bench.gateway.run(Command::KeepFindings(Box::new(portion))).unwrap();
        }
        let Some(Row::SettlementFile(after)) = bench.gateway.rows.get(&Key::SettlementFile(file.id)) else { panic!() };
        assert_eq!(**after, expected);
        assert_eq!(bench.of(Class::MerchantPayable), 450 * 1_000_000);
        assert_eq!(bench.items().len(), 450);
    }
}

#[test]
fn what_another_import_took_meanwhile_is_not_taken_again() {
    let one = known(1, 100_000, "21T12:00:00");
    let mut bench = Bench::over(vec![one.clone()]);
    let lines = [line(1, &one)];
    let other = [SettlementLine { at: at("21T12:00:09"), ..line(1, &one) }];
    let stale = portions(&bench.file(DAY, &other), &RULE, &bench.findings(DAY, &other));
    bench.import(DAY, &lines);
    assert_eq!(bench.gateway.run(Command::KeepFindings(Box::new(stale[0].clone()))), Err(Refusal::StepImpossible));
    // Found anew, it is what it is: a repetition.
    let file = bench.import(DAY, &other);
    assert_eq!(file.buckets[5].lines, 1);
    assert_eq!(bench.of(Class::MerchantPayable), 10_000_000);
}

#[test]
fn the_day_of_a_file_is_that_of_most_lines() {
    let noon = |day: &str| line(1, &known(1, 1, &format!("{day}T12:00:00")));
    assert_eq!(day_of(&[], &RULE), None);
    assert_eq!(day_of(&[noon("22"), noon("21"), noon("21")], &RULE), Some(DAY));
    assert_eq!(day_of(&[noon("22"), noon("21")], &RULE), Some(DAY));
    // A day that begins at noon.
    let noons = SettlementRule { day_begins_minute: 12 * 60, ..RULE };
    assert_eq!(noons.day(at("21T11:59:59")).number(), 20_261_120);
    assert_eq!(noons.day(at("21T12:00:00")), DAY);
    assert_eq!(noons.period(DAY), (at("21T12:00:00"), at("22T12:00:00")));
}

/// Lines about some of ten expectations and about strangers: right, repeated, over other amounts and at other times.
fn files() -> impl Strategy<Value = (Vec<Expectation>, Vec<SettlementLine>)> {
    let expectation = (0u128..10, 1u32..4, 0u8..3, any::<bool>()).prop_map(|(number, amount, time, believed)| {
        let time = ["20T23:30:00", "21T12:00:00", "21T23:30:00"][usize::from(time)];
        Expectation { believed, ..known(number, amount * 10_000, time) }
    });
    let said =
        (0u128..14, 1u32..4, 0u8..3, 0u8..4, any::<bool>()).prop_map(|(number, amount, time, names, settled)| {
            let time = ["21T12:00:00", "21T23:30:00", "22T00:10:00"][usize::from(time)];
            let mut line = line(0, &known(number, amount * 10_000, time));
            line.settled = settled || number > 2;
            if names & 1 == 1 {
                line.reference = None;
            }
            if names & 2 == 2 {
                line.provider_reference = None;
            }
            line
        });
    let expectations = prop::collection::vec(expectation, 0..10).prop_map(|all| {
        let by_reference: BTreeMap<String, Expectation> = all.into_iter().map(|e| (e.reference.clone(), e)).collect();
        by_reference.into_values().collect::<Vec<_>>()
    });
    (expectations, prop::collection::vec(said, 0..24))
}

fn numbered(lines: Vec<SettlementLine>) -> Vec<SettlementLine> {
    (1..).zip(lines).map(|(row, line)| SettlementLine { row, ..line }).collect()
}

/// What was found, without the rows.
fn buckets(findings: &[Finding]) -> Vec<String> {
    let mut all: Vec<String> = findings
        .iter()
        .map(|finding| {
            let line = finding.line.clone().map(|line| SettlementLine { row: 0, ..line });
            let known = finding.expectation.as_ref().map(|known| known.reference.clone());
            format!("{:?} {line:?} {known:?} {:?}", finding.bucket, finding.claim)
        })
        .collect();
    all.sort();
    all
}

proptest! {
    #[test]
    fn every_line_ends_once_and_the_sums_are_the_files((known, lines) in files()) {
        let lines = numbered(lines);
        let mut bench = Bench::over(known);
        let findings = bench.findings(DAY, &lines);
        let mut rows: Vec<u32> = findings.iter().filter_map(|f| f.line.as_ref().map(|line| line.row)).collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, (1..=lines.len() as u32).collect::<Vec<_>>());
        let mut claims: Vec<_> = findings.iter().filter_map(|finding| finding.claim.clone()).collect();
        let count = claims.len();
        claims.sort();
        claims.dedup();
        prop_assert_eq!(claims.len(), count, "a thing is accounted for once");
        // Every expectation of the day is accounted for.
        for expected in bench.known.iter().filter(|e| e.believed && RULE.day(e.at) == DAY) {
            let accounted = findings.iter().filter(|f| f.claim.is_some()
                && f.expectation.as_ref().is_some_and(|known| known.reference == expected.reference));
            prop_assert_eq!(accounted.count(), 1);
        }
        let file = bench.import(DAY, &lines);
        let sum = |of: fn(&Tally) -> i64| file.buckets.iter().map(of).sum::<i64>();
        prop_assert_eq!(sum(|tally| tally.amount_sen), file.total.amount_sen);
        prop_assert_eq!(sum(|tally| tally.fee_sen), file.total.fee_sen);
        prop_assert_eq!(sum(|tally| i64::from(tally.lines)), i64::from(file.total.lines));
        prop_assert_eq!(bench.imbalance(), 0);
    }

    #[test]
    fn the_order_of_lines_decides_nothing((known, lines) in files(), seed: u64) {
        let mut shuffled = lines.clone();
        let mut state = seed | 1;
        for place in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(place, (state >> 33) as usize % (place + 1));
        }
        let (lines, shuffled) = (numbered(lines), numbered(shuffled));
        let bench = Bench::over(known);
        prop_assert_eq!(bench.file(DAY, &lines).id, bench.file(DAY, &shuffled).id);
        prop_assert_eq!(buckets(&bench.findings(DAY, &lines)), buckets(&bench.findings(DAY, &shuffled)));
    }

    #[test]
    fn a_file_in_two_parts_leaves_what_the_whole_leaves((known, lines) in files(), split in 0u128..14) {
        // Everything about one thing is in one part, as a provider's parts are.
        let lines = numbered(lines);
        let of_first = |line: &&SettlementLine| {
            let name = line.reference.as_deref().or(line.provider_reference.as_deref()).unwrap_or_default();
            name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u128>().is_ok_and(|number| number < split)
        };
        let (one, other): (Vec<&SettlementLine>, Vec<&SettlementLine>) = lines.iter().partition(of_first);
        let mut whole = Bench::over(known.clone());
        whole.import(DAY, &lines);
        let mut parts = Bench::over(known);
        for part in [one, other] {
            parts.import(DAY, &part.into_iter().cloned().collect::<Vec<_>>());
        }
        prop_assert_eq!(parts.open(), whole.open());
        for class in [Class::Clearing, Class::MerchantPayable, Class::FeeRevenue] {
            prop_assert_eq!(parts.of(class), whole.of(class));
        }
    }

    #[test]
    fn twice_is_once((known, lines) in files()) {
        let lines = numbered(lines);
        let mut bench = Bench::over(known);
        bench.import(DAY, &lines);
        let (items, entries) = (bench.items(), bench.gateway.entries.len());
        bench.import(DAY, &lines);
        prop_assert_eq!(bench.items(), items);
        prop_assert_eq!(bench.gateway.entries.len(), entries);
    }

    #[test]
    fn whatever_is_open_can_be_closed_and_the_books_balance((known, lines) in files(), choice: prop::sample::Index) {
        let mut bench = Bench::over(known);
        bench.import(DAY, &numbered(lines));
        for item in bench.items().into_iter().filter(|item| item.state == ItemState::Open) {
            let allowed: Vec<_> = Action::allowed(&item)
                .into_iter()
                .filter(|action| !matches!(action, Action::Wait | Action::Adopt))
                // Nothing is taken back here.
                .filter(|action| item.bucket != Bucket::MissingThere || *action != Action::Dismiss)
                .collect();
            bench.close(&item, allowed[choice.index(allowed.len())]).unwrap();
        }
        prop_assert!(bench.open().is_empty());
        prop_assert_eq!(bench.imbalance(), 0);
    }
}
