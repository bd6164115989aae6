//! The providers of a run: the real imitations, reached without a socket, down, slow or forgetful at times.

use std::{collections::BTreeSet, sync::Arc};

use calendar::Instant;
use connectors::{
    Connector, HttpRequest, HttpResponse,
    imitation::{Books, Imitation, Reaction, Setup, Surroundings},
};

use super::{chance::Chance, fault::Fault, world::Outside};

/// How a provider is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should be.
    Well,
    /// Connections are refused.
    Refusing,
    /// Nothing is heard of it.
    Silent,
    /// It takes long.
    Slow,
}

/// One provider.
pub(crate) struct Provider {
    imitation: Box<dyn Imitation>,
    connector: &'static dyn Connector,
    setup: Box<dyn Fn() -> Setup + Send>,
    chance: Chance,
    mood: Mood,
    mood_until_ms: u64,
    /// Answers questions as of an earlier time, until then.
    replica: Option<(Box<dyn Imitation>, u64)>,
}

struct Around<'a> {
    now: Instant,
    received_at: Instant,
    chance: &'a mut Chance,
}

impl Surroundings for Around<'_> {
    fn now(&self) -> Instant {
        self.now
    }

    fn received_at(&self) -> Instant {
        self.received_at
    }

    fn text(&mut self, length: usize) -> String {
        self.chance.text(length)
    }
}

impl Provider {
    /// A provider with what it remembers from before.
    pub(crate) fn new(
        connector: &'static dyn Connector,
        setup: Box<dyn Fn() -> Setup + Send>,
        saved: Option<&str>,
        chance: Chance,
    ) -> Self {
        let mut imitation = connector.imitation(setup());
        if let Some(saved) = saved {
            imitation.restore(saved).expect("an imitation reads what it wrote");
        }
        Self { imitation, connector, setup, chance, mood: Mood::Well, mood_until_ms: 0, replica: None }
    }

    /// Its connector's name.
    pub(crate) fn name(&self) -> &'static str {
        self.connector.descriptor().name
    }

    /// Its books.
    pub(crate) fn books(&self) -> Books {
        self.imitation.books()
    }

    /// What it remembers.
    pub(crate) fn save(&self) -> String {
        self.imitation.save()
    }

    /// The customer ends the link inside the wallet's own application.
    pub(crate) fn revoke(&mut self, phone: &str, now: Instant) -> Reaction {
        self.imitation.revoke(phone, &mut Around { now, received_at: now, chance: &mut self.chance })
    }

    /// How it is now. Bad moods last a while.
    pub(crate) fn mood(&mut self, outside: &Outside) -> Mood {
        if outside.faults.are_over() {
            return Mood::Well;
        }
        let now = outside.elapsed_ms();
        if self.mood_until_ms > now {
            return self.mood;
        }
        self.mood = Mood::Well;
        for (fault, moods) in [(Fault::Down, &[Mood::Refusing, Mood::Silent][..]), (Fault::Slow, &[Mood::Slow])] {
            if outside.faults.strikes(fault) {
                self.mood = *outside.faults.pick(fault, moods);
                self.mood_until_ms = now + outside.faults.between(fault, 1_000, 180_000);
                let (name, mood, until) = (self.name(), self.mood, self.mood_until_ms - now);
                outside.history.note(|| format!("{name} is {mood:?} for {until} ms"));
                break;
            }
        }
        self.mood
    }

    /// Whether it would charge because of this request, and can tell of it by itself.
    pub(crate) fn would_tell_of(&self, request: &HttpRequest, now: Instant) -> bool {
        let mut scratch = self.connector.imitation((self.setup)());
        scratch.restore(&self.imitation.save()).expect("an imitation reads what it wrote");
        let mut chance = Chance::new(0, "scratch");
        let around = Around { now, received_at: now, chance: &mut chance };
        !handle_and_tell(scratch.as_mut(), request, around).1.is_empty()
    }

    /// Carries out a request that came in then and was left lying, and tells of what it charged.
    pub(crate) fn handle_late(&mut self, request: &HttpRequest, received_at: Instant, now: Instant) -> Reaction {
        let around = Around { now, received_at, chance: &mut self.chance };
        let (mut reaction, told) = handle_and_tell(self.imitation.as_mut(), request, around);
        reaction.notices.extend(told);
        reaction
    }

    /// Carries out a request.
    pub(crate) fn handle(&mut self, request: &HttpRequest, now: Instant, outside: &Outside) -> Reaction {
        let is_api = !request.path().starts_with("/pages/") && !request.path().contains("token");
        let may_forget = is_api && self.replica.is_none() && outside.faults.has(Fault::Forgetful);
        let before = may_forget.then(|| self.imitation.save());
        let books_before = is_api.then(|| state_of(&self.imitation.books()));
        let mut around = Around { now, received_at: now, chance: &mut self.chance };
        let reaction = self.imitation.handle(request, &mut around);
        let Some(books_before) = books_before else { return reaction };
        let changed = books_before != state_of(&self.imitation.books());
        let elapsed = outside.elapsed_ms();
        if self.replica.as_ref().is_some_and(|(_, until)| *until <= elapsed || outside.faults.are_over()) {
            self.replica = None;
        }
        if changed {
            if let Some(saved) = before
                && outside.faults.strikes_times(Fault::Forgetful, 3)
            {
                let until = elapsed + outside.faults.between(Fault::Forgetful, 500, 400_000);
                let mut replica = self.connector.imitation((self.setup)());
                replica.restore(&saved).expect("an imitation reads what it wrote");
                let name = self.name();
                outside.history.note(|| format!("{name} forgets for {} ms what it did now", until - elapsed));
                self.replica = Some((replica, until));
            }
            return reaction;
        }
        match &mut self.replica {
            Some((replica, _)) => {
                // A question: answered by a copy that lags behind.
                let before = state_of(&replica.books());
                let mut around = Around { now, received_at: now, chance: &mut self.chance };
                let reply = replica.handle(request, &mut around);
                if before != state_of(&replica.books()) {
                    // No question after all: only the provider itself does anything.
                    self.replica = None;
                    return reaction;
                }
                Reaction { response: reply.response, delivery: reaction.delivery, notices: reaction.notices }
            }
            None => reaction,
        }
    }
}

/// Carries out a request; besides, what it tells of that it charged because of it.
fn handle_and_tell(
    imitation: &mut dyn Imitation,
    request: &HttpRequest,
    mut around: Around<'_>,
) -> (Reaction, Vec<HttpRequest>) {
    let charged = |imitation: &dyn Imitation| -> BTreeSet<String> {
        let charges = imitation.books().charges;
        charges.into_iter().filter(|charge| charge.charged).map(|charge| charge.reference).collect()
    };
    let before = charged(imitation);
    let reaction = imitation.handle(request, &mut around);
    let new = charged(imitation);
    let told = new.difference(&before).flat_map(|reference| imitation.tell(reference, &mut around)).collect();
    (reaction, told)
}

/// What of the books shows whether something was done, and not only asked.
fn state_of(books: &Books) -> (Vec<(String, bool, u32)>, usize, i64) {
    let charges = books.charges.iter().map(|charge| (charge.reference.clone(), charge.charged, charge.requests));
    let orders = books.orders.iter().map(|order| (order.reference.clone(), order.delivered, order.requests));
    let refunds = books
        .refunds
        .iter()
        .map(|refund| (format!("{}<{}", refund.charge, refund.reference), refund.done, refund.requests));
    let float = books.float.map_or(0, |float| float.balance.sen());
    (charges.chain(orders).chain(refunds).collect(), books.links_active, float)
}

/// An answer that nobody can use.
pub(crate) fn nonsense(outside: &Outside, answer: HttpResponse) -> HttpResponse {
    match outside.faults.between(Fault::Nonsense, 0, 6) {
        0 => HttpResponse::html(200, "<html><body>It works!</body></html>"),
        1 => HttpResponse::html(502, "<html><body>Bad Gateway</body></html>"),
        2 => HttpResponse::json(200, "{}"),
        3 => HttpResponse::json(500, r#"{"responseCode":"5000000","responseMessage":"General Error"}"#),
        4 => {
            let half = answer.body.len() / 2;
            HttpResponse { body: answer.body[..half].to_vec(), ..answer }
        }
        5 => HttpResponse::html(403, "<html><body>Forbidden</body></html>"),
        _ => HttpResponse::json(200, r#"{"responseCode":"2999999","responseMessage":"Something new"}"#),
    }
}

/// Every provider that we play, as a run sets it up.
pub(crate) fn setups(
    connector: &'static dyn Connector,
    template: &Arc<super::template::Fixed>,
) -> Box<dyn Fn() -> Setup + Send> {
    let template = template.clone();
    Box::new(move || template.setup(connector))
}
