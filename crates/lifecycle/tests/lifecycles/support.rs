//! A world of rows in memory, a clock and a countable source of identities, so that lifecycles can be driven by lines.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{Instant, JakartaDay};
use ledger::Entry;
use lifecycle::{
    Answer, Command, Context, Decision, Digest, Fresh, Key, Merchant, MerchantCode, ProductCode, Refusal, RequestId,
    Row,
    command::World,
    merchant::{Callbacks, LateSuccess, Strictness},
    notification::Notice,
    request::{Request, RequestKey, ServiceCode},
    task::Task,
};

/// Counts; the digest of a text is its first bytes.
#[derive(Default)]
pub struct Counting(u128);

impl Fresh for Counting {
    fn id(&mut self) -> u128 {
        self.0 += 1;
        self.0
    }

    fn text(&mut self, length: usize) -> String {
        let number = self.id().to_string();
        format!("{number:0>length$}")
    }

    fn digest(&self, text: &str) -> Digest {
        digest(text)
    }
}

pub fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(text.bytes().rev()) {
        *place = byte;
    }
    Digest(bytes)
}

pub fn merchant() -> Merchant {
    Merchant {
        code: MerchantCode::new("TOKO"),
        alias: None,
        name: "Toko".into(),
        api_key: "0".repeat(32),
        products: vec![ProductCode::new("WALLET"), ProductCode::new("OTHER")],
        public_keys: vec![],
        redirect_origins: vec![],
        allow_local_redirects: false,
        allowed_addresses: vec![],
        time_window_seconds: 300,
        replay: false,
        strictness: Strictness::Lenient,
        callbacks: Callbacks {
            inquiry_url: Some("http://merchant.test/inquiry".into()),
            payment_url: Some("http://merchant.test/payment".into()),
            binding_url: Some("http://merchant.test/binding".into()),
            low_balance_url: Some("http://merchant.test/low-balance".into()),
            bill_url: Some("http://merchant.test/bill".into()),
            refund_url: Some("http://merchant.test/refund".into()),
        },
        biller: None,
        late_success: LateSuccess::default(),
        suspended: false,
    }
}

/// Everything that was committed.
pub struct Gateway {
    pub now: Instant,
    pub merchant: Merchant,
    pub rows: BTreeMap<Key, Row>,
    pub tasks: Vec<Task>,
    pub notices: Vec<Notice>,
    pub answers: Vec<(RequestKey, Answer)>,
    pub entries: Vec<Entry>,
    /// What the present command named: the engine loads no other row.
    named: Option<BTreeSet<Key>>,
    fresh: Counting,
    calls: u32,
}

impl World for Gateway {
    fn row(&self, key: &Key) -> Option<&Row> {
        if let Some(named) = &self.named {
            assert!(named.contains(key), "{key:?} is read and was not named");
        }
        match key {
            // As the store finds them: the newest bill that has the key.
            Key::BillByOrder(..) | Key::BillTaken(..) => {
                self.bills().filter(|row| row.keys().contains(key)).max_by_key(|row| row.keys()[0].clone())
            }
            Key::RulingOpen(_) => {
                let rulings = self.rows.iter().filter(|(key, _)| matches!(key, Key::Ruling(_))).map(|(_, row)| row);
                rulings.filter(|row| row.keys().contains(key)).max_by_key(|row| row.keys()[0].clone())
            }
            _ => self.rows.get(key),
        }
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            now: Instant::from_micros(1_700_000_000_000_000),
            merchant: merchant(),
            rows: BTreeMap::new(),
            tasks: vec![],
            notices: vec![],
            answers: vec![],
            entries: vec![],
            named: None,
            fresh: Counting::default(),
            calls: 0,
        }
    }
}

impl Gateway {
    /// A new call of the merchant under this reference.
    pub fn call(&mut self, service: &'static str, reference: &str) -> Request {
        self.calls += 1;
        Request {
            key: RequestKey {
                merchant: self.merchant.code.clone(),
                day: JakartaDay::from_number(20_231_115),
                external_id: self.calls.to_string(),
            },
            // Far from what is counted for everything else: in life no two ids are the same.
            id: RequestId::from_bits((1 << 100) + u128::from(self.calls)),
            service: ServiceCode(service),
            operation: "test",
            partner_reference: Some(reference.into()),
            digest: digest(reference),
            received_at: self.now,
            replay: false,
            answer: None,
        }
    }

    /// Decides and commits.
    pub fn run(&mut self, command: Command) -> Result<(), Refusal> {
        let mut fresh = std::mem::take(&mut self.fresh);
        let merchant = self.merchant.clone();
        let mut context = Context {
            now: self.now,
            fresh: &mut fresh,
            merchant: &merchant,
            not_found_final_seconds: 60,
            seller: &|product| Some(format!("seller of {product}")),
        };
        self.named = Some(command.keys().into_iter().collect());
        let decided = command.decide(self, &mut context);
        self.named = None;
        self.fresh = fresh;
        self.commit(decided?);
        Ok(())
    }

    /// The row of every bill.
    pub fn bills(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|(key, _)| matches!(key, Key::Bill(_))).map(|(_, row)| row)
    }

    fn commit(&mut self, decision: Decision) {
        self.entries.extend(decision.entries);
        for row in decision.request.map(Row::from).into_iter().chain(decision.rows) {
            for key in row.keys() {
                self.rows.insert(key, row.clone());
            }
        }
        self.tasks.retain(|task| !decision.ended.contains(&task.id));
        self.tasks.extend(decision.tasks);
        self.notices.extend(decision.notices);
        self.answers.extend(decision.answers);
    }

    /// Takes the oldest task of a kind out of the list, as performing it does.
    pub fn take(&mut self, wanted: impl Fn(&Task) -> bool) -> Option<Task> {
        self.tasks.iter().find(|task| wanted(task)).cloned()
    }

    /// The last answer given.
    pub fn last_answer(&self) -> &Answer {
        &self.answers.last().expect("an answer was given").1
    }
}
