//! Bills over a real store of either kind, at an imitated source over real HTTP: money, copies, lost answers, notices,
//! and the ledger that is verified meanwhile.

mod outage;
mod source;

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use connectors::HttpRequest;
use engine::{Engine, SystemFresh, digest};
use ledger::{Account, AccountName, Class};
use lifecycle::{
    BillId, Command, Context, Key, Merchant, MerchantCode, Refusal, Row, Secret,
    bill::{Bill, BillStatus, Pay},
    biller::{BillerProduct, Source as Sold},
    command::World,
    deposit::TopUpStep,
    merchant::{BillerAccess, Callbacks, Mechanism},
    request::{Request, RequestKey, ServiceCode},
};
use money::Amount;
use store::{Store, Writes};

use self::source::{Listener, Source};
use crate::support::{Home, Kind, TurnedClock, merchant, open, options};

/// What a merchant pays for the product: Rp 49,500 of credit and Rp 3,500 on top.
const PRICE: u32 = 53_000;
/// Rp 50,000 of phone credit.
const PRODUCT: &str = "SVHTS50";
const CODE: &str = "WARUNG";
/// How long a test waits for what must come, in milliseconds.
const WAIT_MS: u64 = 20_000;

/// A merchant with a deposit, warned below Rp 100,000.
fn seller(callbacks: Callbacks) -> Merchant {
    let biller = BillerAccess {
        sender_id: CODE.into(),
        username: "warung".into(),
        basic_password: Secret::new("basic"),
        password: Secret::new("password"),
        keys: vec![Secret::new("key")],
        mechanism: Mechanism::Deposit { low_balance: Some(Amount::rupiah(100_000)) },
        products: None,
        prices: vec![],
    };
    let api_key = String::new();
    Merchant { api_key, products: vec![], biller: Some(biller), callbacks, ..merchant(CODE, false) }
}

/// A gateway with one merchant that sells bills, and one source.
struct Shop {
    home: Home,
    clock: TurnedClock,
    source: Source,
    engine: Engine,
}

impl Shop {
    fn open(kind: Kind) -> Self {
        Self::open_with(kind, Callbacks::default(), true)
    }

    fn open_with(kind: Kind, callbacks: Callbacks, source_signs: bool) -> Self {
        let (home, clock) = (Home::new(kind), TurnedClock::new());
        let source = Source::start(&clock, source_signs);
        let engine = start(&home, &clock, &source, callbacks);
        Self { home, clock, source, engine }
    }

    /// The gateway, begun anew over the same store.
    async fn begin_anew(self) -> Self {
        self.begin_anew_after(|_| {}).await
    }

    /// The same, after something was done to the store meanwhile.
    async fn begin_anew_after(self, meanwhile: impl FnOnce(&dyn Store)) -> Self {
        self.engine.stop().await;
        let Self { home, clock, source, engine } = self;
        drop(engine);
        meanwhile(open(&home, &home.url()).as_ref());
        let engine = start(&home, &clock, &source, Callbacks::default());
        Self { home, clock, source, engine }
    }

    async fn top_up(&self, rupiah: u32) {
        let code = MerchantCode::new(CODE);
        let step = TopUpStep { merchant: code.clone(), reference: "TRF-1".into(), amount: Amount::rupiah(rupiah) };
        self.engine.operate(&code, Command::RequestTopUp(step.clone())).await.unwrap();
        self.engine.operate(&code, Command::ConfirmTopUp(step.clone())).await.unwrap();
        // Again, without a second effect.
        self.engine.operate(&code, Command::ConfirmTopUp(step)).await.unwrap();
    }

    /// Phone credit, bought without an inquiry at the imitated source.
    fn product(&self) -> BillerProduct {
        let product = self.engine.catalogue().product(PRODUCT).unwrap();
        let mut product = (**product).clone();
        product.needs_inquiry = false;
        product.cut_off = None;
        product.sources.retain(|source| source.connector == self.source.name);
        assert_eq!(product.sources.len(), 1);
        product
    }

    async fn pay(&self, rq_uuid: &str, order_id: &str) -> Result<contract::ReplyBody, Refusal> {
        self.pay_for(self.product(), rq_uuid, order_id).await
    }

    async fn pay_for(
        &self,
        product: BillerProduct,
        rq_uuid: &str,
        order_id: &str,
    ) -> Result<contract::ReplyBody, Refusal> {
        let partner = self.engine.partner_by_biller_username("warung").unwrap();
        let command = pay(&self.engine, product, rq_uuid, order_id);
        self.engine.submit(&partner, command).await
    }

    async fn bill(&self, order_id: &str) -> Bill {
        let key = Key::BillByOrder(MerchantCode::new(CODE), self.product().code, order_id.into());
        match self.engine.row(key).await {
            Some(Row::Bill(bill)) => *bill,
            other => panic!("{other:?}"),
        }
    }

    /// Asks until the bill of the order is in this state; turns the clock, so that what is scheduled comes due.
    async fn becomes(&self, order_id: &str, state: &str) -> Bill {
        let began = std::time::Instant::now();
        loop {
            let bill = self.bill(order_id).await;
            if bill.status.name() == state {
                return bill;
            }
            assert!(began.elapsed().as_millis() < u128::from(WAIT_MS), "it is {:?}", bill.status);
            self.clock.turn(5);
            tokio::task::yield_now().await;
            let _ = self.engine.read(|reader| reader.next_due()).await;
        }
    }

    async fn account(&self, class: Class) -> Account {
        let name = AccountName::of(class, CODE);
        match self.engine.row(Key::Account(name.clone())).await {
            Some(Row::Account(account)) => *account,
            _ => Account::new(name),
        }
    }

    /// The deposit: balance and held, in rupiah.
    async fn deposit(&self) -> (i64, i64) {
        let account = self.account(Class::MerchantDeposit).await;
        (account.balance / 100, account.held / 100)
    }

    /// The whole ledger is as it must be, and what was delivered is what the source's own books say.
    async fn agrees(&self, delivered: usize) {
        let verified = self.engine.read(|reader| Ok(reader.verify_ledger(&mut |_| ControlFlow::Continue(())))).await;
        let verified = verified.unwrap();
        assert!(verified.is_ok(), "{verified:?}");
        assert_eq!(self.source.delivered(), delivered);
    }
}

fn start(home: &Home, clock: &TurnedClock, source: &Source, callbacks: Callbacks) -> Engine {
    let store = open(home, &home.url());
    store.save_merchant(&seller(callbacks)).unwrap();
    let mut options = options(clock);
    options.accounts.insert(source.name.to_owned(), source.account());
    options.housekeeping_seconds = 1;
    Engine::start(options, store).unwrap()
}

fn pay(engine: &Engine, product: BillerProduct, rq_uuid: &str, order_id: &str) -> Command {
    let merchant = MerchantCode::new(CODE);
    Command::PayBill(Pay {
        request: Request {
            key: RequestKey::for_ever(merchant.clone(), rq_uuid.into()),
            id: engine.new_request_id(),
            service: ServiceCode::BILL_PAYMENT,
            operation: "bill_payment",
            partner_reference: None,
            digest: digest(rq_uuid),
            received_at: engine.now(),
            replay: false,
            answer: None,
        },
        product: Arc::new(product),
        order_id: order_id.into(),
        additional: vec![],
        amount: Amount::rupiah(PRICE),
        face: None,
        payer: AccountName::of(Class::MerchantDeposit, CODE),
        closed: None,
    })
}

async fn a_paid_bill_moves_its_money_once(kind: Kind) {
    let shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    let reply = shop.pay("r1", "081218810001").await.unwrap();
    assert_eq!(reply.status, 200);
    assert!(matches!(shop.bill("081218810001").await.status, BillStatus::Succeeded { .. }));
    assert_eq!(shop.deposit().await, (1_000_000 - i64::from(PRICE), 0));
    assert_eq!(shop.pay("r1", "081218810001").await, Err(Refusal::ExternalIdUsed));
    assert_eq!(shop.pay("r2", "081218810001").await, Err(Refusal::SameTransaction));
    shop.agrees(1).await;
    shop.engine.stop().await;
}

async fn only_what_the_deposit_affords_is_bought(kind: Kind) {
    let shop = Arc::new(Shop::open(kind));
    shop.top_up(1_000_000).await;
    let buyers: Vec<_> = (0..200)
        .map(|buyer| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.pay(&format!("r{buyer}"), &format!("08121881{:04}", 2000 + buyer)).await })
        })
        .collect();
    let mut bought = 0;
    for buyer in buyers {
        match buyer.await.unwrap() {
            Ok(reply) => {
                assert_eq!(reply.status, 200);
                bought += 1;
            }
            Err(refusal) => assert_eq!(refusal, Refusal::DepositInsufficient),
        }
    }
    let affordable = 1_000_000 / PRICE;
    assert_eq!(bought, affordable);
    assert_eq!(shop.deposit().await, (1_000_000 - i64::from(affordable * PRICE), 0));
    let name = AccountName::of(Class::MerchantDeposit, CODE);
    let entries = shop.engine.read(move |reader| reader.entries(&name, 0, 1_000)).await.unwrap();
    assert!(entries.iter().all(|entry| entry.balance >= entry.held), "the deposit was never overdrawn");
    shop.agrees(usize::try_from(affordable).unwrap()).await;
    shop.engine.stop().await;
}

/// Two gateways sell out of one deposit at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_never_overdraw_one_deposit() {
    let shop = Shop::open(Kind::Postgres);
    shop.top_up(1_000_000).await;
    let other = start(&shop.home, &shop.clock, &shop.source, Callbacks::default());
    let gateways = [shop.engine.clone(), other.clone()];
    let buyers: Vec<_> = (0..100)
        .map(|buyer: usize| {
            let engine = gateways[buyer % 2].clone();
            let order = format!("08121881{:04}", 2000 + buyer);
            let command = pay(&engine, shop.product(), &format!("r{buyer}"), &order);
            let partner = engine.partner(CODE).unwrap();
            tokio::spawn(async move { engine.submit(&partner, command).await })
        })
        .collect();
    let mut bought = 0;
    for buyer in buyers {
        match buyer.await.unwrap() {
            Ok(_) => bought += 1,
            Err(refusal) => assert_eq!(refusal, Refusal::DepositInsufficient),
        }
    }
    assert_eq!(bought, 1_000_000 / PRICE);
    shop.agrees(usize::try_from(bought).unwrap()).await;
    let entries = shop.engine.read(|reader| reader.entries(&AccountName::of(Class::MerchantDeposit, CODE), 0, 1_000));
    assert!(entries.await.unwrap().iter().all(|entry| entry.balance >= entry.held));
    other.stop().await;
    shop.engine.stop().await;
}

/// Delivered, and the answer is lost: the reservation stays until the question is answered, and nothing is bought twice.
async fn a_lost_answer_is_asked_about_and_never_bought_again(kind: Kind) {
    let shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    let order = "081218810999";
    assert!(shop.pay("r1", order).await.is_ok());
    let bill = shop.bill(order).await;
    assert!(matches!(bill.status, BillStatus::Unknown { .. }), "{:?}", bill.status);
    assert_eq!(shop.deposit().await, (1_000_000, i64::from(PRICE)));
    shop.becomes(order, "succeeded").await;
    assert_eq!(shop.deposit().await, (1_000_000 - i64::from(PRICE), 0));
    shop.agrees(1).await;
    shop.engine.stop().await;
}

/// The process dies between the commit that sends the order and its outcome: the next one cannot know whether the source
/// got it, does not send it again as new, and asks.
async fn an_order_that_was_begun_before_a_stop_is_asked_about(kind: Kind) {
    let shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    let order = "081218810001";
    let payer = Key::Account(AccountName::of(Class::MerchantDeposit, CODE));
    let row = shop.engine.row(payer.clone()).await.unwrap();
    let command = pay(&shop.engine, shop.product(), "r1", order);
    let shop = shop
        .begin_anew_after(|store| {
            let merchant = seller(Callbacks::default());
            let mut fresh = SystemFresh::of_system();
            let now = shop_time(&command);
            let mut context =
                Context { now, fresh: &mut fresh, merchant: &merchant, not_found_final_seconds: 0, seller: &|_| None };
            let decision = command.clone().decide(&Rows([(payer, row)].into()), &mut context).unwrap();
            assert!(decision.tasks.iter().all(|task| task.attempts == 1), "the order counts as begun");
            let mut writer = store.writer().unwrap();
            writer.begin(&command.keys()).unwrap();
            let writes = Writes {
                requests: decision.request.into_iter().collect(),
                rows: decision.rows,
                entries: decision.entries,
                tasks: decision.tasks,
                ..Writes::default()
            };
            writer.commit(&writes).unwrap();
        })
        .await;
    assert_eq!(shop.bill(order).await.orders.len(), 1);
    shop.becomes(order, "succeeded").await;
    assert_eq!(shop.bill(order).await.orders.len(), 1, "one order, under one reference");
    assert_eq!(shop.deposit().await, (1_000_000 - i64::from(PRICE), 0));
    shop.agrees(1).await;
    shop.engine.stop().await;
}

/// The rows of a decision that is made here.
struct Rows(HashMap<Key, Row>);

impl World for Rows {
    fn row(&self, key: &Key) -> Option<&Row> {
        self.0.get(key)
    }
}

fn shop_time(command: &Command) -> calendar::Instant {
    command.request().unwrap().received_at
}

async fn a_definite_failure_gives_the_reservation_back(kind: Kind) {
    let shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    let refused = shop.pay("r1", "081218810037").await;
    assert!(refused.as_ref().is_ok_and(|reply| reply.status == 200), "{refused:?}");
    assert!(matches!(shop.bill("081218810037").await.status, BillStatus::Failed { .. }));
    assert_eq!(shop.deposit().await, (1_000_000, 0));
    shop.agrees(0).await;
    shop.engine.stop().await;
}

/// A source that is known not to have been reached is left for the next one.
async fn a_source_that_is_not_reached_is_left_for_the_next(kind: Kind) {
    let shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    let mut product = shop.product();
    product.sources.insert(0, Sold { connector: "nobody".into(), sku: "x".into() });
    assert!(shop.pay_for(product, "r1", "081218810001").await.is_ok());
    let bill = shop.bill("081218810001").await;
    assert!(matches!(bill.status, BillStatus::Succeeded { .. }), "{:?}", bill.status);
    assert_eq!((bill.source, bill.attempt), (1, 1));
    shop.agrees(1).await;
    shop.engine.stop().await;
}

/// Failed, and noticed to be delivered all the same: charged late.
async fn a_signed_notice_is_believed(kind: Kind) {
    let shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    let order = "081218811037";
    assert!(shop.pay("r1", order).await.is_ok());
    assert_eq!(shop.bill(order).await.status.name(), "failed");
    let notice = shop.source.notices().pop().expect("the source sends a notice");
    for _ in 0..2 {
        assert_eq!(shop.engine.notice(shop.source.name, notice.clone()).await.status, 200);
        assert_eq!(shop.bill(order).await.status.name(), "succeeded_late");
    }
    let unsigned = HttpRequest { headers: vec![], ..notice };
    assert_eq!(shop.engine.notice(shop.source.name, unsigned).await.status, 401);
    assert_eq!(shop.deposit().await, (1_000_000 - i64::from(PRICE), 0));
    shop.agrees(1).await;
    shop.engine.stop().await;
}

/// What came of one bill: its state, and what was posted about it to the deposit, without when.
async fn end_and_postings(shop: &Shop, order: &str) -> (&'static str, Vec<String>) {
    let bill = shop.bill(order).await;
    let name = AccountName::of(Class::MerchantDeposit, CODE);
    let entries = shop.engine.read(move |reader| reader.entries(&name, 0, 1_000)).await.unwrap();
    let own = entries.iter().filter(|entry| entry.subject == bill.id.bits());
    let postings = own
        .map(|entry| format!("{} {} {} {}", entry.kind.name(), entry.purpose.name(), entry.change, entry.held_change));
    (bill.status.name(), postings.collect())
}

/// What happens to a bill that was refused and delivered all the same.
#[derive(Clone, Copy, Debug)]
enum Heard {
    /// The source's notice.
    Notice,
    /// The clock goes on, and what is scheduled is asked.
    Question,
    /// The gateway is begun anew.
    Restart,
}

/// A notice, the same again, a question that comes due, a restart: in each of their orders.
async fn whatever_the_order_a_bill_ends_in_one_state_and_one_set_of_postings(kind: Kind) {
    use Heard::{Notice, Question, Restart};
    let mut shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    let orders = [
        [Notice, Notice, Question, Restart],
        [Notice, Question, Notice, Restart],
        [Notice, Restart, Question, Notice],
        [Question, Notice, Restart, Notice],
        [Question, Restart, Notice, Notice],
        [Restart, Notice, Notice, Question],
        [Restart, Question, Notice, Notice],
        [Notice, Question, Restart, Notice],
    ];
    let mut seen = vec![];
    for (number, heard) in orders.into_iter().enumerate() {
        let order = format!("08121{number}81037");
        assert!(shop.pay(&order, &order).await.is_ok());
        let notice = shop.source.notices().pop().expect("the source sends a notice");
        for event in heard {
            match event {
                Notice => {
                    assert_eq!(shop.engine.notice(shop.source.name, notice.clone()).await.status, 200, "{heard:?}");
                }
                Question => shop.clock.turn(10),
                Restart => shop = shop.begin_anew().await,
            }
        }
        shop.becomes(&order, "succeeded_late").await;
        seen.push((heard, end_and_postings(&shop, &order).await));
    }
    let (first, end) = &seen[0];
    for (other, other_end) in &seen {
        assert_eq!(other_end, end, "{other:?} against {first:?}");
    }
    let paid = i64::from(PRICE) * i64::try_from(orders.len()).unwrap();
    assert_eq!(shop.deposit().await, (1_000_000 - paid, 0));
    shop.agrees(orders.len()).await;
    shop.engine.stop().await;
}

/// A notice that anybody could have sent leads to a question at once, long before the scheduled one; but not about an
/// order of another source, nor about one that is not open: asking might place it.
async fn a_hint_leads_to_a_question_about_an_open_order_of_its_source_only(kind: Kind) {
    let shop = Shop::open_with(kind, Callbacks::default(), false);
    shop.top_up(1_000_000).await;
    let (told, lost, failed, other) = ("081218810022", "081218810999", "081218810037", "081218820001");
    let mut elsewhere = shop.product();
    elsewhere.sources[0].connector = "nobody".into();
    for order in [told, lost, failed] {
        assert!(shop.pay(order, order).await.is_ok(), "{order}");
    }
    let _ = shop.pay_for(elsewhere, other, other).await;
    let notice = shop.source.notices().pop().expect("the source sends a notice");
    let text = String::from_utf8(notice.body.clone()).unwrap();
    let named = shop.bill(told).await.reference();
    assert!(text.contains(&named));
    let hint = async |order: &str| {
        let body = text.replace(&named, &shop.bill(order).await.reference()).into_bytes();
        let hint = HttpRequest { body, ..notice.clone() };
        assert_eq!(shop.engine.notice(shop.source.name, hint).await.status, 200);
    };
    assert_eq!(shop.bill(lost).await.status.name(), "unknown");
    let before = shop.source.requests();
    hint(failed).await;
    hint(other).await;
    hint(lost).await;
    let began = std::time::Instant::now();
    while shop.bill(lost).await.status.name() != "succeeded" {
        assert!(began.elapsed().as_millis() < u128::from(WAIT_MS), "no question was asked");
    }
    assert_eq!(shop.source.requests(), before + 1);
    shop.agrees(2).await;
    shop.engine.stop().await;
}

/// At a source that does not sign its notices anybody may send some.
async fn hints_about_nothing_do_not_fill_the_store(kind: Kind) {
    let shop = Shop::open_with(kind, Callbacks::default(), false);
    shop.top_up(1_000_000).await;
    let told = "081218810022";
    assert!(shop.pay(told, told).await.is_ok());
    let notice = shop.source.notices().pop().expect("the source sends a notice");
    let text = String::from_utf8(notice.body.clone()).unwrap();
    let named = shop.bill(told).await.reference();
    let before = shop.home.size();
    let filling = "x".repeat(30_000);
    for number in 0..40_u128 {
        let nobodys = format!("A{}", BillId::from_bits(number).characters());
        for body in [text.replace(&named, &nobodys), "{}".into()] {
            let body = body.replacen('{', &format!(r#"{{"filling":"{filling}","n":{number},"#), 1).replace(",}", "}");
            let hint = HttpRequest { body: body.into_bytes(), ..notice.clone() };
            assert_eq!(shop.engine.notice(shop.source.name, hint).await.status, 200);
        }
    }
    let after = shop.home.size();
    assert!(after - before < 400_000, "{before} -> {after} bytes");
    shop.engine.stop().await;
}

async fn a_deposit_that_runs_low_is_told(kind: Kind) {
    let listener = Listener::start();
    let callbacks = Callbacks { low_balance_url: Some(listener.url()), ..Callbacks::default() };
    let shop = Shop::open_with(kind, callbacks, true);
    shop.top_up(150_000).await;
    assert!(shop.pay("r1", "081218810001").await.is_ok());
    let told = listener.next().await;
    assert!(told.contains("97000"), "{told}");
    shop.engine.stop().await;
}

async fn the_continuous_check_finds_what_was_changed(kind: Kind) {
    let shop = Shop::open(kind);
    shop.top_up(1_000_000).await;
    assert!(shop.pay("r1", "081218810001").await.is_ok());
    let entries = checked(&shop.engine, |health| health.verified_entries >= 5).await;
    assert_eq!(entries.difference, None);
    assert!(entries.metrics().contains("gerbang_ledger_differs 0"));
    let Some(database) = &shop.home.database else {
        return shop.engine.stop().await;
    };
    database.ask(
        "ALTER TABLE ledger_entries DISABLE TRIGGER ALL; \
         UPDATE ledger_entries SET change_sen = change_sen + 1 WHERE account LIKE 'fee:%'",
    );
    let shop = shop.begin_anew().await;
    let found = checked(&shop.engine, |health| health.difference.is_some()).await;
    assert!(found.difference.as_ref().is_some_and(|text| text.contains("fee:WARUNG")), "{found:?}");
    assert!(found.metrics().contains("gerbang_ledger_differs 1"));
    shop.engine.stop().await;
}

async fn checked(engine: &Engine, reached: impl Fn(&engine::LedgerHealth) -> bool) -> engine::LedgerHealth {
    let began = std::time::Instant::now();
    loop {
        let health = engine.ledger_health();
        if health.at.is_some() && reached(&health) || health.difference.is_some() {
            return (*health).clone();
        }
        assert!(began.elapsed().as_millis() < u128::from(WAIT_MS), "{health:?}");
        let _ = engine.read(|reader| reader.next_due()).await;
    }
}

async fn merchants_are_registered_while_the_gateway_runs(kind: Kind) {
    let shop = Shop::open(kind);
    let engine = &shop.engine;
    let mut second = seller(Callbacks::default());
    second.code = MerchantCode::new("KIOS");
    let refused = engine.register(second.clone()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("one biller user name")));
    assert!(engine.partner("KIOS").is_none(), "nothing of a refused registration is kept");
    if let Some(access) = &mut second.biller {
        access.username = "kios".into();
    }
    engine.register(second.clone()).await.unwrap();
    assert_eq!(engine.partner_by_biller_username("kios").unwrap().merchant, second);
    second.suspended = true;
    engine.register(second.clone()).await.unwrap();
    assert!(engine.partner("KIOS").unwrap().merchant.suspended);
    let shop = shop.begin_anew().await;
    assert_eq!(shop.engine.partner("KIOS").unwrap().merchant, second);
    let code = MerchantCode::new("NOBODY");
    let step = TopUpStep { merchant: code.clone(), reference: "T".into(), amount: Amount::rupiah(1) };
    let nobody = shop.engine.operate(&code, Command::RequestTopUp(step));
    assert_eq!(nobody.await, Err(Refusal::StepImpossible));
    shop.engine.stop().await;
}

on_both_engines!(
    a_paid_bill_moves_its_money_once,
    only_what_the_deposit_affords_is_bought,
    a_lost_answer_is_asked_about_and_never_bought_again,
    an_order_that_was_begun_before_a_stop_is_asked_about,
    a_definite_failure_gives_the_reservation_back,
    a_source_that_is_not_reached_is_left_for_the_next,
    a_signed_notice_is_believed,
    whatever_the_order_a_bill_ends_in_one_state_and_one_set_of_postings,
    a_hint_leads_to_a_question_about_an_open_order_of_its_source_only,
    hints_about_nothing_do_not_fill_the_store,
    a_deposit_that_runs_low_is_told,
    the_continuous_check_finds_what_was_changed,
    merchants_are_registered_while_the_gateway_runs,
);
