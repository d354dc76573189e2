//! Random runs of publishing against a marketplace and a machine that fail wherever they can.
//!
//! `FIELDFEN_PUBLISH_RUNS` says how many runs there are, `FIELDFEN_PUBLISH_SEED` which one comes first; a run that
//! fails prints its seed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{ClientKey, ListingStatus, ListingUpdate, Platform, PublicationState};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};
use fieldfen_services::environment::{ManualClock, Randomness, SeededRandomness};
use fieldfen_services::pipeline::Retried;
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage, Publisher, listing_news};

use crate::shop::{Shop, listing_on};

const HOLD: Duration = Duration::from_secs(300);
const ETSY: &[Platform] = &[Platform::Etsy];

/// Dice that fall the same way for the same seed.
#[derive(Clone)]
struct Dice(SeededRandomness);

impl Dice {
    fn below(&self, sides: u64) -> u64 {
        u64::try_from(self.0.bits() % u128::from(sides)).unwrap()
    }

    fn seconds(&self, most: u64) -> Duration {
        Duration::from_secs(self.below(most) + 1)
    }
}

/// What a process that dies leaves its call with.
struct Died;

/// A marketplace that fails in every way there is, until its mishaps are used up.
#[derive(Clone)]
struct Chaos(Arc<ChaosState>);

struct ChaosState {
    dice: Dice,
    clock: ManualClock,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Whether a second call with a key meets the product of the first.
    knows_keys: bool,
    /// Whether calls may last longer than reservations hold, against the rule.
    overruns: bool,
    mishaps: AtomicU32,
    depth: AtomicU32,
    shelf: Mutex<Shelf>,
    /// What the rest of the world does while a call is under way.
    meanwhile: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

#[derive(Default)]
struct Shelf {
    products: Vec<Product>,
    made: u64,
    /// Requests that take effect later: until when at the latest, and under which key.
    on_their_way: Vec<(Timestamp, ClientKey)>,
}

impl Chaos {
    /// Whether something goes wrong now.
    fn mishap(&self, one_in: u64) -> bool {
        let state = &self.0;
        state.mishaps.load(Ordering::Relaxed) > 0
            && state.dice.below(one_in) == 0
            && state.mishaps.fetch_sub(1, Ordering::Relaxed) > 0
    }

    fn no_answer() -> CallError {
        CallError::NoAnswer { reason: "500".to_owned() }
    }

    fn make(&self, key: &ClientKey) -> Product {
        let mut shelf = self.0.shelf.lock().unwrap();
        if self.0.knows_keys
            && let Some(known) = shelf.products.iter().find(|product| product.key.as_ref() == Some(key))
        {
            return known.clone();
        }
        shelf.made += 1;
        let product = Product {
            platform_id: format!("p{}", shelf.made),
            url: None,
            key: Some(key.clone()),
            status: ListingStatus::Active,
            platform_status: Some("ACTIVE".to_owned()),
            as_of: None,
        };
        shelf.products.push(product.clone());
        product
    }

    /// Lets requests take effect whose time has come, and some others.
    fn deliver(&self, all: bool) {
        let now = (self.0.now)();
        let due: Vec<_> = {
            let mut shelf = self.0.shelf.lock().unwrap();
            let waiting = std::mem::take(&mut shelf.on_their_way);
            let (due, waiting) =
                waiting.into_iter().partition(|(deadline, _)| all || *deadline <= now || self.0.dice.below(3) == 0);
            shelf.on_their_way = waiting;
            due
        };
        for (_, key) in due {
            self.make(&key);
        }
    }

    /// Time passes during a call, and others work.
    fn linger(&self) {
        let most = if self.0.overruns { 2 * HOLD.as_secs() } else { HOLD.as_secs() / 4 };
        if self.0.depth.fetch_add(1, Ordering::Relaxed) < 2 {
            self.0.clock.advance(self.0.dice.seconds(most));
            self.deliver(false);
            let meanwhile = self.0.meanwhile.lock().unwrap().clone();
            if let Some(meanwhile) = meanwhile {
                meanwhile();
            }
        }
        self.0.depth.fetch_sub(1, Ordering::Relaxed);
    }

    fn products(&self) -> Vec<Product> {
        self.0.shelf.lock().unwrap().products.clone()
    }
}

impl Marketplace for Chaos {
    fn platform(&self) -> Platform {
        Platform::Etsy
    }

    fn create(&self, key: &ClientKey, _: &Offer<'_>) -> Result<Product, CallError> {
        if !self.mishap(2) {
            return Ok(self.make(key));
        }
        let until = (self.0.now)() + Duration::from_secs(20);
        match self.0.dice.below(11) {
            0 => Err(CallError::Refused { reason: "no".to_owned() }),
            1 => Err(CallError::Throttled { until, reason: "429".to_owned() }),
            2 => Err(CallError::NotSent { reason: "no route".to_owned() }),
            3 => Err(Self::no_answer()),
            4 => {
                self.make(key);
                Err(Self::no_answer())
            }
            5 => {
                // The request is under way at most as long as its reservation holds.
                let deadline = (self.0.now)() + self.0.dice.seconds(HOLD.as_secs() / 2);
                self.0.shelf.lock().unwrap().on_their_way.push((deadline, key.clone()));
                Err(Self::no_answer())
            }
            6 => {
                let product = self.make(key);
                self.linger();
                Ok(product)
            }
            7 => {
                self.linger();
                Ok(self.make(key))
            }
            8 => {
                self.make(key);
                self.linger();
                Err(Self::no_answer())
            }
            9 => resume_unwind(Box::new(Died)),
            _ => {
                self.make(key);
                resume_unwind(Box::new(Died))
            }
        }
    }

    fn find(&self, key: &ClientKey) -> Result<Vec<Product>, CallError> {
        if self.mishap(4) {
            if self.0.dice.below(2) == 0 {
                resume_unwind(Box::new(Died));
            }
            return Err(Self::no_answer());
        }
        Ok(self.products().into_iter().filter(|product| product.key.as_ref() == Some(key)).collect())
    }

    fn update(&self, platform_id: &str, _: &Offer<'_>) -> Result<Option<Product>, CallError> {
        Ok(self.products().into_iter().find(|product| product.platform_id == platform_id))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        let fails = self.mishap(3);
        if !fails || self.0.dice.below(2) == 0 {
            self.0.shelf.lock().unwrap().products.retain(|product| product.platform_id != platform_id);
        }
        if fails { Err(Self::no_answer()) } else { Ok(()) }
    }

    fn page(&self, _: Option<&str>) -> Result<ProductPage, CallError> {
        Ok(ProductPage { products: self.products(), next: None })
    }
}

struct Run<S: Store> {
    shop: Arc<Shop<S>>,
    publisher: Publisher<S>,
    chaos: Chaos,
    files: Vec<FileId>,
}

impl<S: Store> Run<S> {
    fn new(store: S, seed: u64) -> Self {
        let dice = Dice(SeededRandomness::new(seed));
        let shop = Arc::new(Shop::wanting(store, ETSY).automatic());
        let environment = shop.bench.queue.environment().clone();
        let chaos = Chaos(Arc::new(ChaosState {
            knows_keys: dice.below(2) == 0,
            overruns: dice.below(2) == 0,
            mishaps: AtomicU32::new(u32::try_from(dice.below(12)).unwrap()),
            depth: AtomicU32::new(0),
            clock: shop.bench.clock.clone(),
            now: Box::new(move || environment.now()),
            shelf: Mutex::default(),
            meanwhile: Mutex::default(),
            dice,
        }));
        let publisher = Publisher::new(shop.bench.queue.store().clone(), shop.pipeline.clone())
            .holding(HOLD)
            .marketplace(chaos.clone());
        let files = (0..=chaos.0.dice.below(2)).map(|number| shop.process(&format!("buck {number}"))).collect();
        let (others, theirs) = (Arc::clone(&shop), publisher.clone());
        *chaos.0.meanwhile.lock().unwrap() = Some(Arc::new(move || work(&others, &theirs)));
        Self { shop, publisher, chaos, files }
    }

    fn step(&self) {
        let dice = &self.chaos.0.dice;
        match dice.below(8) {
            0..4 => work(&self.shop, &self.publisher),
            4..6 => {
                self.shop.bench.clock.advance(dice.seconds(400));
                self.chaos.deliver(false);
            }
            6 => self.chaos.deliver(false),
            _ => self.meddle(&self.files[usize::try_from(dice.below(self.files.len() as u64)).unwrap()]),
        }
        self.check_always();
    }

    /// What people do in between: edit, take down at the platform, list anew, retry.
    fn meddle(&self, id: &FileId) {
        let shop = &self.shop;
        match self.chaos.0.dice.below(4) {
            0 => shop.retitle(id, &format!("title {}", self.chaos.0.dice.below(3))),
            1 => {
                let live = shop.listings(id).into_iter().find(|listing| listing.status.is_live());
                let Some(listing) = live else { return };
                let there = &listing.platform_listing_id;
                self.chaos.0.shelf.lock().unwrap().products.retain(|product| product.platform_id != *there);
                let (event_at, status) = (shop.bench.now(), ListingStatus::Delisted);
                let news = ListingUpdate { status, platform_status: None, event_at, at: event_at };
                shop.write(|s| listing_news(s, Platform::Etsy, there, &news)).unwrap();
            }
            2 => {
                let _ = shop.write(|s| shop.pipeline.publish(s, id, &listing_on(Platform::Etsy)));
            }
            _ => drop(shop.write(|s| shop.pipeline.retry(s, id, "again")).unwrap()),
        }
    }

    /// What holds at every moment.
    fn check_always(&self) {
        for id in &self.files {
            let live = self.shop.listings(id).into_iter().filter(|listing| listing.status.is_live()).count();
            assert!(live <= 1, "{live} live listings of one target are known");
        }
        if !self.chaos.0.overruns {
            let mut keys = BTreeMap::new();
            for product in self.chaos.products() {
                *keys.entry(product.key.unwrap()).or_insert(0) += 1;
            }
            assert!(keys.values().all(|&products| products == 1), "calls kept their time, and yet: {keys:?}");
        }
    }

    /// The mishaps are over: everything comes to its end.
    fn settle(&self) {
        self.chaos.0.mishaps.store(0, Ordering::Relaxed);
        self.chaos.deliver(true);
        let shop = &self.shop;
        for _ in 0..30 {
            shop.bench.clock.advance(Duration::from_secs(7200));
            work(shop, &self.publisher);
            for id in &self.files {
                let has_live = shop.listings(id).iter().any(|listing| listing.status.is_live());
                let retried = shop.write(|s| shop.pipeline.retry(s, id, "again")).unwrap();
                if !has_live
                    && matches!(retried, Retried::NotFailed { status: FileStatus::Published | FileStatus::Approved })
                {
                    shop.write(|s| shop.pipeline.publish(s, id, &listing_on(Platform::Etsy))).unwrap();
                }
            }
            if self.files.iter().all(|id| shop.live_jobs(id).is_empty()) {
                break;
            }
        }
        for _ in 0..3 {
            shop.bench.clock.advance(Duration::from_secs(1));
            let found = self.publisher.reconcile(Platform::Etsy, "").unwrap();
            self.publisher.mend(&found).unwrap();
        }
    }

    fn check_at_the_end(&self) {
        let shop = &self.shop;
        let products = self.chaos.products();
        assert_eq!(products.len(), self.files.len(), "one product for each file: {products:#?}");
        for id in &self.files {
            assert_eq!(shop.live_jobs(id), Vec::<String>::new());
            assert_eq!(shop.status(id), FileStatus::Published);
            let live: Vec<_> = shop.listings(id).into_iter().filter(|listing| listing.status.is_live()).collect();
            assert_eq!(live.len(), 1, "{live:#?}");
            let there = products.iter().find(|product| product.platform_id == live[0].platform_listing_id);
            let key = there.unwrap().key.clone().unwrap();
            let store = shop.bench.queue.store();
            let publications = store.read::<_, StoreError, _>(|s| s.publications().of_file(id)).unwrap();
            let confirmed: Vec<_> = publications.iter().filter(|publication| publication.state.is_live()).collect();
            assert_eq!(confirmed.len(), 1, "{confirmed:#?}");
            assert_eq!(confirmed[0].state, PublicationState::Confirmed);
            assert_eq!(
                (&confirmed[0].client_key, confirmed[0].platform_id.as_ref()),
                (&key, Some(&live[0].platform_listing_id))
            );
        }
        let found = self.publisher.reconcile(Platform::Etsy, "").unwrap();
        assert!(found.is_clean(), "{found:#?}");
    }
}

/// One turn of a worker, which may die in it.
fn work<S: Store>(shop: &Shop<S>, publisher: &Publisher<S>) {
    shop.bench.queue.reclaim(100).unwrap();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| shop.work(publisher)))
        && !panic.is::<Died>()
    {
        resume_unwind(panic);
    }
}

/// Says which seed failed.
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
        *run.chaos.0.meanwhile.lock().unwrap() = None;
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
