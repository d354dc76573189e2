//! A shop in memory at a fixed time, and the state of the view on it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money};
use fieldfen_domain::job::{ConcurrencyLimit, JobKind, NewJob, ParkedFor, Partition, PauseScope, WorkerName};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::rate_limit::{AcquireOutcome, ApiLimit, PermitRequest};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{RawJson, Timestamp, WorkerId};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::concurrency_limits::ConcurrencyLimits;
use fieldfen_services::environment::{ManualClock, SeededRandomness};
use fieldfen_services::overview::Overviews;
use fieldfen_services::pauses::Pauses;
use fieldfen_services::queue::{ClaimedJob, Completion, Queue};
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_testkit::ModelStore;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Size;

use super::look::{Look, Opened, Question, Reader};
use super::state::{Effect, Event, State};

/// A shop in memory.
pub(super) struct Shop {
    pub(super) store: ModelStore,
    pub(super) environment: Environment,
    clock: ManualClock,
    reader: Reader<ModelStore>,
}

fn kind(name: &str) -> JobKind {
    name.parse().unwrap()
}

pub(super) fn ann() -> Action {
    Action::new(Actor::new("ann", Via::Tool).unwrap(), "the printer is away").unwrap()
}

/// A store with its costs, and with overviews without backups.
pub(super) fn opened(store: &ModelStore, costs: ApiCosts<ModelStore>, environment: &Environment) -> Opened<ModelStore> {
    let overviews = Overviews::new(store.clone(), environment.clone()).budgets(costs.clone());
    Opened { store: store.clone(), costs, overviews: Box::new(move || overviews.clone()) }
}

impl Shop {
    /// A shop without anything.
    pub(super) fn empty() -> Self {
        let clock = ManualClock::new("2026-11-26T12:00:00Z".parse().unwrap());
        let environment = Environment::new(clock.clone(), SeededRandomness::new(7));
        let store = ModelStore::new();
        let budget =
            Budget::new("all", BudgetPeriod::Month, BudgetLimit::Money(Money::parse("5", Currency::USD).unwrap()));
        let costs = ApiCosts::new(store.clone(), environment.clone()).budgets([budget]).unwrap();
        let reader = Reader::new(opened(&store, costs, &environment), environment.clone());
        Self { store, environment, clock, reader }
    }

    /// A shop with something in every pane.
    pub(super) fn busy() -> Self {
        let shop = Self::empty();
        for (name, number) in [("acme.upscale", 3), ("acme.count", 6), ("acme.describe", 1), ("acme.print", 2)] {
            (0..number).for_each(|number| shop.enqueue(name, &format!("{{\"picture\": {number}}}")));
        }
        shop.pass(90);
        for (number, job) in shop.claim("acme.upscale", 2).iter().enumerate() {
            let error = format!("cannot open /pictures/{number}.jpg: \u{1b}[2Jno space is left\u{202e}, 狐");
            assert!(shop.queue().fail_for_good(job, &error).unwrap().is_done());
        }
        for job in shop.claim("acme.count", 4) {
            assert!(shop.queue().complete(&job, &mut Completion::new()).unwrap().is_done());
        }
        for job in shop.claim("acme.describe", 1) {
            let parked = shop.queue().park(&job, ParkedFor::Person, "is it a red fox or a corsac fox?").unwrap();
            assert!(parked.is_done());
        }
        shop.claim("acme.count", 1);
        shop.rules();
        shop.pass(30);
        let mut worker = RegisteredWorker::new(
            WorkerId::from_random(9),
            BTreeSet::from([kind("acme.count"), kind("acme.upscale")]),
            shop.environment.now() - TimeDelta::hours(3),
        );
        worker.name = WorkerName::new("mill-1");
        (worker.process, worker.host, worker.threads) = (4711, "mill".to_owned(), 4);
        worker.last_seen_at = shop.environment.now();
        shop.store.write(|s| s.workers().register(&worker)).unwrap();
        shop
    }

    fn rules(&self) {
        let (store, environment) = (|| self.store.clone(), || self.environment.clone());
        let pauses = Pauses::new(store(), environment());
        pauses.pause(&PauseScope::Kind(kind("acme.print")), None, &ann()).unwrap();
        let limit = ConcurrencyLimit::new(kind("acme.count"), Partition::All, 1).unwrap();
        ConcurrencyLimits::new(store(), environment()).set(&limit, &ann()).unwrap();
        let limiter = RateLimiter::new(store(), environment())
            .limit(ApiLimit::new("etsy", "per-second", 10, Duration::from_secs(3600)).unwrap());
        let AcquireOutcome::Acquired(permit) = limiter.acquire(&PermitRequest::new("etsy")).unwrap() else {
            panic!("no permit");
        };
        limiter.start(&permit).unwrap();
        let price = Money::parse("4.5", Currency::USD).unwrap();
        ApiCosts::new(store(), environment()).record(&NewCost::charged("etsy", "listing 1").price(price)).unwrap();
    }

    pub(super) fn queue(&self) -> Queue<ModelStore> {
        Queue::new(self.store.clone(), self.environment.clone())
    }

    pub(super) fn enqueue(&self, name: &str, payload: &str) {
        let payload = RawJson::parse(payload).unwrap();
        let job = NewJob::untyped(self.environment.job_id(), kind(name), Some(payload), self.environment.now());
        self.queue().enqueue(&job.unwrap()).unwrap();
    }

    pub(super) fn claim(&self, name: &str, limit: u32) -> Vec<ClaimedJob> {
        let worker = WorkerName::new("mill-1");
        self.queue().claim(&BTreeSet::from([kind(name)]), limit, Duration::from_secs(600), &worker).unwrap().jobs
    }

    /// Lets time pass.
    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) fn look(&mut self, question: &Question) -> Result<Look, StoreError> {
        self.reader.look(question)
    }

    /// The view after two looks, on a screen of this size.
    pub(super) fn view(self, width: u16, height: u16) -> View {
        let mut shop = self;
        let screen = Size::new(width, height);
        let first = shop.look(&Question::first(screen)).unwrap();
        let mut view = View { state: State::new("shop.db".to_owned(), screen, first), shop };
        view.look();
        view
    }
}

/// The view on a shop.
pub(super) struct View {
    pub(super) state: State,
    pub(super) shop: Shop,
}

impl View {
    pub(super) fn now(&self) -> Timestamp {
        self.shop.environment.now()
    }

    /// Takes the look in that the state asks for, a second later.
    pub(super) fn look(&mut self) {
        self.shop.pass(1);
        let look = self.shop.look(&self.state.question()).unwrap();
        let effects = self.state.update(Event::Looked(Box::new(look)), self.now());
        assert_eq!(effects, [], "an answer asks nothing new");
    }

    pub(super) fn event(&mut self, event: Event) -> Vec<Effect> {
        self.state.update(event, self.now())
    }

    pub(super) fn press(&mut self, code: KeyCode) -> Vec<Effect> {
        self.event(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    pub(super) fn control(&mut self, letter: char) -> Vec<Effect> {
        self.event(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)))
    }

    /// Types a text, and returns the effects of its last key.
    pub(super) fn type_text(&mut self, text: &str) -> Vec<Effect> {
        text.chars().map(|c| self.press(KeyCode::Char(c))).last().unwrap_or_default()
    }

    /// Presses a key and takes a look.
    pub(super) fn go(&mut self, code: KeyCode) {
        self.press(code);
        self.look();
    }
}
