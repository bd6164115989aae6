//! Whether something new is begun at all while its provider does not answer. Refused here, nothing was reserved and nothing
//! was sent, and the caller hears so at once. What was begun before goes on: it is asked about, and never sent twice.

use std::fmt::Write as _;

use calendar::Instant;
use lifecycle::{
    Command, Decision, Key, LinkId, PaymentId, ProductCode, Row,
    bill::Bill,
    breaker::State,
    command::World,
    payment::Payment,
    task::{Task, TaskKind},
};

use crate::{
    Engine,
    transport::{Line, LineHealth, LineLoad, Lines},
};

/// Whether a decision begins something at a provider that is left alone, or that too many already wait for. Somebody
/// must be there to be told: what is under way is not called off.
pub(crate) fn refuses(lines: &Lines, command: &Command, decision: &Decision, world: &dyn World, now: Instant) -> bool {
    if !is_asked_for(command) || lines.all().all(|line| line.takes(now)) {
        return false;
    }
    let rows = Rows { decision, world };
    decision.tasks.iter().any(|task| {
        let asked = asked(task, lines, &rows);
        let refused = !asked.is_empty() && !asked.iter().any(|line| line.takes(now));
        if let (true, Some(line)) = (refused, asked.first()) {
            line.spare();
        }
        refused
    })
}

fn is_asked_for(command: &Command) -> bool {
    command.request().is_some() || matches!(command, Command::ChoosePin { .. } | Command::ChoosePayment { .. })
}

/// The lines that may be asked for what a task is about, one of which suffices; none when nobody outside is, or when it
/// ends something that was begun.
fn asked<'l>(task: &Task, lines: &'l Lines, rows: &Rows<'_>) -> Vec<&'l Line> {
    let product = match &task.kind {
        TaskKind::Charge(id) | TaskKind::ConfirmWithMerchant(id) => {
            rows.payment(*id).and_then(|payment| payment.product.clone())
        }
        TaskKind::Refund(about) => {
            let line = rows.payment(about.payment).and_then(|payment| lines.of_payment(payment));
            return line.map(AsRef::as_ref).into_iter().collect();
        }
        TaskKind::Bind(id) => rows.product_of_link(*id),
        TaskKind::InquireAccount { product, .. } => Some(product.clone()),
        TaskKind::CreateAccount(id) => match rows.row(&Key::AccountCreation(*id)) {
            Some(Row::AccountCreation(row)) => Some(row.product.clone()),
            _ => None,
        },
        TaskKind::ReadBalance { link, .. } => rows.product_of_link(*link),
        TaskKind::InquireBill(_) | TaskKind::PayBill(_) => return rows.sources(task, lines),
        TaskKind::Unbind(_)
        | TaskKind::InquireBinding { .. }
        | TaskKind::InquireCreation(_)
        | TaskKind::InquireCharge { .. }
        | TaskKind::InquireRefund(_)
        | TaskKind::InquireBillPayment { .. }
        | TaskKind::ExpireCheckout(_)
        | TaskKind::RunLane { .. }
        | TaskKind::Notify(_) => None,
    };
    product.and_then(|product| lines.of_product(&product)).map(AsRef::as_ref).into_iter().collect()
}

/// The rows of a decision, before those that it was decided over.
struct Rows<'d> {
    decision: &'d Decision,
    world: &'d dyn World,
}

impl Rows<'_> {
    fn row(&self, key: &Key) -> Option<&Row> {
        let own = self.decision.rows.iter().find(|row| row.keys().contains(key));
        own.or_else(|| self.world.row(key))
    }

    fn payment(&self, id: PaymentId) -> Option<&Payment> {
        match self.row(&Key::Payment(id))? {
            Row::Payment(payment) => Some(payment),
            _ => None,
        }
    }

    fn product_of_link(&self, id: LinkId) -> Option<ProductCode> {
        match self.row(&Key::Link(id))? {
            Row::Link(link) => Some(link.product.clone()),
            _ => None,
        }
    }

    /// The source that is asked first, and those that may be asked after it.
    fn sources<'l>(&self, task: &Task, lines: &'l Lines) -> Vec<&'l Line> {
        let bill: Option<&Bill> = task.kind.subject().and_then(|key| self.row(&key)).and_then(|row| match row {
            Row::Bill(bill) => Some(bill.as_ref()),
            _ => None,
        });
        let sources = bill.into_iter().flat_map(|bill| bill.sources.iter().skip(bill.source));
        sources.filter_map(|source| lines.line(&source.connector)).map(AsRef::as_ref).collect()
    }
}

/// A provider that we have an account at, and how it is with it.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its connector's name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// How busy its line is, and whether it is used.
    pub load: LineLoad,
    /// How it answered since the gateway started.
    pub health: LineHealth,
}

impl Engine {
    /// Every provider that we have an account at, in the order of the connectors. Of products that it carries besides its
    /// own, the line is not shown.
    pub fn providers(&self) -> Vec<Provider> {
        let now = self.now();
        let lines = connectors::CONNECTORS.iter().filter_map(|known| {
            let descriptor = known.descriptor();
            let line = self.lines().line(descriptor.name)?;
            Some(Provider {
                name: descriptor.name,
                title: descriptor.title,
                load: line.load(now),
                health: line.health(),
            })
        });
        lines.collect()
    }

    /// The same as lines of metrics, in the text form of Prometheus: a breaker is 0 closed, 1 half open, 2 open.
    pub fn provider_metrics(&self) -> String {
        let providers = self.providers();
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, value: &dyn Fn(&Provider) -> u64| {
            let _ = writeln!(text, "# TYPE gerbang_provider_{name} {kind}");
            for provider in &providers {
                let _ = writeln!(text, "gerbang_provider_{name}{{provider=\"{}\"}} {}", provider.name, value(provider));
            }
        };
        family("breaker", "gauge", &|provider| match provider.load.breaker {
            State::Closed => 0,
            State::HalfOpen => 1,
            State::Open { .. } => 2,
        });
        family("calls_under_way", "gauge", &|provider| provider.load.under_way as u64);
        family("calls_waiting", "gauge", &|provider| provider.load.waiting as u64);
        family("calls_spared", "counter", &|provider| provider.load.spared);
        family("silent_in_a_row", "gauge", &|provider| provider.health.silent_in_a_row);
        text
    }
}
