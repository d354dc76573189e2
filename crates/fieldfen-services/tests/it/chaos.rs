//! Random runs of publishing, with a marketplace and a machine that fail in every way.
//!
//! The marketplace has one account or two, each with its own product numbers from 1. Its searches may return similar
//! keys, and may lag. Other programs insert rows of `listings`, and people make products by hand.
//!
//! `FIELDFEN_PUBLISH_RUNS` sets the number of runs, `FIELDFEN_PUBLISH_SEED` the first seed. A run that fails prints its
//! seed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    IdempotencyKey, ListingStatus, ListingUpdate, Platform, Publication, PublicationState, Target,
};
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use fieldfen_services::environment::SeededRandomness;
use fieldfen_services::publishing::{Publisher, apply_status_update};
use fieldfen_testkit::fixtures::by_ann;

mod foreign;
mod market;

use foreign::Foreign;
use market::{Chaos, Choices, ProcessDied, Searches, SharedState};

use crate::shop_harness::{HOLD, Shop, publisher};

/// The products of each file.
const VARIANTS: [&str; 2] = ["", "canvas"];

/// The accounts of a run with one account, and of a run with two.
const ACCOUNTS: [&[&str]; 2] = [&[""], &["north", "south"]];

fn targets(accounts: &[&str]) -> Vec<Target> {
    let target =
        |account: &str, variant: &str| Target::listing(Platform::Etsy).at_account(account).with_variant(variant);
    accounts.iter().flat_map(|account| VARIANTS.map(|variant| target(account, variant))).collect()
}

struct Run<S: Store> {
    shop: Arc<Shop<S>>,
    publisher: Publisher<S>,
    shared: Arc<SharedState>,
    markets: Vec<Chaos>,
    targets: Vec<Target>,
    files: Vec<FileId>,
    foreign: RefCell<Foreign>,
}

impl<S: Store> Run<S> {
    fn new(store: S, seed: u64) -> Self {
        let choices = Choices(SeededRandomness::new(seed));
        let mut shop = Shop::wanting(store, &[]);
        let accounts = ACCOUNTS[usize::try_from(choices.below(2)).unwrap()];
        let targets = targets(accounts);
        let wanted = targets.clone();
        shop.pipeline = shop.pipeline.wanting(move |_| wanted.clone());
        let shop = Arc::new(if choices.below(2) == 0 { shop.automatic() } else { shop });
        let environment = shop.bench.queue.environment().clone();
        let shared = Arc::new(SharedState {
            knows_keys: choices.below(2) == 0,
            overruns: choices.below(2) == 0,
            searches: [Searches::Exactly, Searches::InAnyCase, Searches::ByPrefix]
                [usize::try_from(choices.below(3)).unwrap()],
            lag: if choices.below(3) == 0 { HOLD / 4 } else { Duration::ZERO },
            mishaps: AtomicU32::new(u32::try_from(choices.below(12)).unwrap()),
            depth: AtomicU32::new(0),
            latest: Mutex::new(environment.now()),
            clock: shop.bench.clock.clone(),
            now: Box::new(move || environment.now()),
            meanwhile: Mutex::default(),
            choices,
        });
        let market =
            |&account: &&'static str| Chaos { account, account_state: Arc::default(), shared: Arc::clone(&shared) };
        let markets: Vec<Chaos> = accounts.iter().map(market).collect();
        let publisher = markets.iter().fold(publisher(&shop, &[]), |to, market| to.marketplace(market.clone()));
        let files = (0..=shared.choices.below(2)).map(|number| shop.process(&format!("buck {number}"))).collect();
        let (others, theirs) = (Arc::clone(&shop), publisher.clone());
        *shared.meanwhile.lock().unwrap() = Some(Arc::new(move || work(&others, &theirs)));
        Self { shop, publisher, shared, markets, targets, files, foreign: RefCell::default() }
    }

    fn market(&self, number: u64) -> &Chaos {
        &self.markets[usize::try_from(number).unwrap()]
    }

    fn market_of(&self, target: &Target) -> &Chaos {
        self.markets.iter().find(|market| market.account == target.account()).unwrap()
    }

    fn publications(&self, id: &FileId) -> Vec<Publication> {
        self.shop.bench.queue.store().read(|s| s.publications().list_by_file(id)).unwrap()
    }

    fn deliver(&self, all: bool) {
        self.markets.iter().for_each(|market| market.deliver(all));
    }

    fn step(&self) {
        let choices = &self.shared.choices;
        let file = || &self.files[usize::try_from(choices.below(self.files.len() as u64)).unwrap()];
        match choices.below(10) {
            0..3 => work(&self.shop, &self.publisher),
            3 => {
                // A reconciliation that died or got no answer runs again.
                let reconciled = AssertUnwindSafe(|| self.reconcile());
                if let Err(panic) = catch_unwind(reconciled)
                    && !panic.is::<ProcessDied>()
                {
                    resume_unwind(panic);
                }
            }
            4..6 => {
                self.shop.bench.clock.advance(choices.seconds(400));
                self.deliver(false);
            }
            6 => self.deliver(false),
            7 | 8 => self.meddle(file()),
            _ => self.another_program(file()),
        }
        self.check_always();
    }

    fn reconcile(&self) {
        for market in &self.markets {
            let found = self.publisher.reconcile(Platform::Etsy, market.account).unwrap();
            let _ = self.publisher.repair(&found);
        }
    }

    /// The actions of people in between: edit, approve, sell and take down at the platform, list again, retry.
    fn meddle(&self, id: &FileId) {
        let (shop, choices) = (&self.shop, &self.shared.choices);
        let target = &self.targets[usize::try_from(choices.below(self.targets.len() as u64)).unwrap()];
        match choices.below(7) {
            0 => shop.retitle(id, &format!("title {}", choices.below(3))),
            1 => self.happens(id, ListingStatus::Delisted),
            2 => self.happens(id, if choices.below(2) == 0 { ListingStatus::SoldOut } else { ListingStatus::Active }),
            3 => {
                let _ = shop.write(|s| shop.pipeline.publish(&mut Transaction::new(s), id, target, &by_ann("wanted")));
            }
            4 => self.person_looks(id),
            5 => self.approve(id),
            _ => drop(shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), id, &by_ann("again"))).unwrap()),
        }
    }

    fn approve(&self, id: &FileId) {
        if self.shop.status(id) == FileStatus::Processed {
            self.shop.approve(id);
        }
    }

    /// Changes a listing at the platform. Its status update arrives, is lost, or comes from a clock that is years
    /// ahead.
    fn happens(&self, id: &FileId, status: ListingStatus) {
        let confirmed = |its: &Publication| its.state == PublicationState::Confirmed;
        let Some(its) = self.publications(id).into_iter().find(confirmed) else { return };
        let (account, Some(there)) = (its.target.account(), &its.platform_id) else { return };
        {
            let mut account_state = self.market_of(&its.target).account_state.lock().unwrap();
            let Some(at) = account_state.products.iter().position(|product| product.platform_id == *there) else {
                return;
            };
            match status {
                ListingStatus::Delisted => drop(account_state.products.remove(at)),
                _ => account_state.products[at].status = status,
            }
        }
        let at = self.shop.bench.now();
        let event_at = match self.shared.choices.below(3) {
            0 => return,
            1 => at,
            _ => at + Duration::from_secs(3 * 365 * 86_400),
        };
        let news = ListingUpdate::new(status, event_at, at);
        self.shop
            .write(|s| apply_status_update(&mut Transaction::new(s), Platform::Etsy, account, there, &news))
            .unwrap();
    }

    /// Checks the rules that hold at every moment.
    fn check_always(&self) {
        for id in &self.files {
            let publications = self.publications(id);
            for target in &self.targets {
                let of_target = publications.iter().filter(|publication| publication.target == *target);
                let live = of_target.filter(|publication| publication.state.is_live()).count();
                assert!(live <= 1, "{live} live publications of {target} are known");
            }
            let live = self.shop.listings(id).into_iter().filter(|listing| listing.status.is_live()).count();
            let untracked = self.publisher.untracked(id, &self.targets[0]).unwrap().len();
            assert!(live - untracked <= self.targets.len(), "{live} listings are live, {untracked} of them untracked");
        }
        for (account, id) in &self.foreign.borrow().by_hand {
            let market = self.markets.iter().find(|market| market.account == *account).unwrap();
            assert!(
                market.products().iter().any(|there| there.platform_id == *id),
                "{id} at {account:?} was made by hand"
            );
            for publication in self.files.iter().flat_map(|id| self.publications(id)) {
                let its = (publication.target.account(), publication.platform_id.as_deref());
                assert_ne!(its, (*account, Some(id.as_str())), "{publication:?} was made by hand");
            }
        }
        for market in self.markets.iter().filter(|_| !self.shared.overruns) {
            // People give one key to several products.
            let is_its_own = |key: &IdempotencyKey| key.is_derived();
            let mut keys = BTreeMap::new();
            for key in market.products().into_iter().filter_map(|product| product.key).filter(is_its_own) {
                *keys.entry(key).or_insert(0) += 1;
            }
            assert!(keys.values().all(|&products| products == 1), "calls kept their time, and yet: {keys:?}");
        }
    }

    /// Runs everything to its end, after the failures are over.
    fn settle(&self) {
        self.shared.mishaps.store(0, Ordering::Relaxed);
        self.deliver(true);
        let shop = &self.shop;
        for _ in 0..30 {
            shop.bench.clock.advance(Duration::from_secs(7200));
            work(shop, &self.publisher);
            self.reconcile();
            for id in &self.files {
                let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), id, &by_ann("again"))).unwrap();
                self.approve(id);
                self.person_looks(id);
                let publications = self.publications(id);
                for target in &self.targets {
                    // An expired reservation waits for the next request.
                    let is_there =
                        |other: &Publication| other.target == *target && other.state == PublicationState::Confirmed;
                    if !publications.iter().any(is_there)
                        && matches!(shop.status(id), FileStatus::Published | FileStatus::Approved)
                    {
                        let _ = shop
                            .write(|s| shop.pipeline.publish(&mut Transaction::new(s), id, target, &by_ann("wanted")))
                            .unwrap();
                    }
                }
            }
            self.person_takes_down_what_no_row_shows();
            if self.files.iter().all(|id| shop.live_jobs(id).is_empty()) {
                break;
            }
        }
        for _ in 0..3 {
            // A duplicate is taken down when the product that stays is shown, and that may have been made just now.
            shop.bench.clock.advance(self.shared.lag + Duration::from_secs(1));
            self.reconcile();
        }
    }

    fn check_at_the_end(&self) {
        let shop = &self.shop;
        let foreign = self.foreign.borrow();
        for market in &self.markets {
            let mut products = market.products();
            products.retain(|there| !foreign.by_hand.contains(&(market.account, there.platform_id.clone())));
            let wanted = self.files.len() * VARIANTS.len();
            assert_eq!(products.len(), wanted, "one product for each target of {:?}: {products:#?}", market.account);
        }
        for id in &self.files {
            assert_eq!(shop.live_jobs(id), Vec::<String>::new());
            assert_eq!(shop.status(id), FileStatus::Published);
            let publications = self.publications(id);
            let mut live: Vec<_> = shop.listings(id).into_iter().filter(|listing| listing.status.is_live()).collect();
            assert_eq!(live.len(), self.targets.len(), "{live:#?}");
            for target in &self.targets {
                let of_target = publications.iter().filter(|publication| publication.target == *target);
                let confirmed: Vec<_> = of_target.filter(|publication| publication.state.is_live()).collect();
                assert_eq!(confirmed.len(), 1, "{confirmed:#?}");
                assert_eq!(confirmed[0].state, PublicationState::Confirmed);
                let its = confirmed[0].platform_id.clone().unwrap();
                let products = self.market_of(target).products();
                let there = products.iter().find(|product| product.platform_id == its).unwrap();
                if there.key.is_some() || !foreign.is_listed(target.account(), &its) {
                    assert_eq!(there.key.as_ref(), Some(&confirmed[0].client_key));
                }
                let its = confirmed[0].listing_among(&live).unwrap().id;
                let row = live.iter().position(|listing| listing.id == its).unwrap();
                assert_eq!(live.remove(row).status, there.status);
            }
        }
        for market in &self.markets {
            let mut found = self.publisher.reconcile(Platform::Etsy, market.account).unwrap();
            let orphaned: Vec<_> =
                found.orphaned.drain(..).map(|product| (market.account, product.platform_id)).collect();
            let by_hand: Vec<_> = foreign.by_hand.iter().filter(|(its, _)| *its == market.account).cloned().collect();
            assert_eq!(orphaned, by_hand, "what nobody here knows was made by hand");
            assert!(found.is_clean(), "{found:#?}");
        }
    }
}

/// One round of a worker, which may die in it.
fn work<S: Store>(shop: &Shop<S>, publisher: &Publisher<S>) {
    shop.bench.queue.reclaim(100).unwrap();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| shop.work(publisher)))
        && !panic.is::<ProcessDied>()
    {
        resume_unwind(panic);
    }
}

/// Adds the seed to a failure.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("set FIELDFEN_PUBLISH_SEED={} FIELDFEN_PUBLISH_RUNS=1 to see this run again", self.0);
        }
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

fn runs<S: Store>(make_store: impl Fn() -> S, share: u64) {
    let first = number("FIELDFEN_PUBLISH_SEED", 1);
    let runs = number("FIELDFEN_PUBLISH_RUNS", 400).div_ceil(share);
    for seed in first..first + runs {
        let printed = Seed(seed);
        let run = Run::new(make_store(), seed);
        for _ in 0..40 {
            run.step();
        }
        run.settle();
        run.check_at_the_end();
        *run.shared.meanwhile.lock().unwrap() = None;
        drop(printed);
    }
}

#[test]
fn nothing_is_listed_twice_and_nothing_is_lost_on_the_model() {
    runs(fieldfen_testkit::ModelStore::new, 1);
}

#[test]
fn nothing_is_listed_twice_and_nothing_is_lost_on_sqlite() {
    runs(|| fieldfen_persistence::SqliteStore::in_memory().unwrap(), 10);
}
