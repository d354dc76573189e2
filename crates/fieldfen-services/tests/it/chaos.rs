//! Random runs of publishing against a marketplace and a machine that fail wherever they can.
//!
//! `FIELDFEN_PUBLISH_RUNS` says how many runs there are, `FIELDFEN_PUBLISH_SEED` which one comes first; a run that
//! fails prints its seed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::FileId;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{ListingStatus, ListingUpdate, Platform, Publication, PublicationState, Target};
use fieldfen_domain::store::Store;
use fieldfen_services::environment::SeededRandomness;
use fieldfen_services::publishing::{Publisher, listing_news};
use fieldfen_testkit::fixtures::by_ann;

mod market;

use market::{Chaos, ChaosState, Dice, Died};

use crate::shop::{Shop, publisher};

/// What each file is listed as.
const VARIANTS: [&str; 2] = ["", "canvas"];

fn target(variant: &str) -> Target {
    Target::Listing { platform: Platform::Etsy, account: String::new(), variant: variant.to_owned() }
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
        let mut shop = Shop::wanting(store, &[]);
        shop.pipeline = shop.pipeline.wanting(|_| VARIANTS.map(target).to_vec());
        let shop = Arc::new(if dice.below(2) == 0 { shop.automatic() } else { shop });
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
        let publisher = publisher(&shop, &[]).marketplace(chaos.clone());
        let files = (0..=chaos.0.dice.below(2)).map(|number| shop.process(&format!("buck {number}"))).collect();
        let (others, theirs) = (Arc::clone(&shop), publisher.clone());
        *chaos.0.meanwhile.lock().unwrap() = Some(Arc::new(move || work(&others, &theirs)));
        Self { shop, publisher, chaos, files }
    }

    fn step(&self) {
        let dice = &self.chaos.0.dice;
        match dice.below(8) {
            0..3 => work(&self.shop, &self.publisher),
            3 => {
                // A reconciliation that died or had no answer comes again.
                let reconciled = AssertUnwindSafe(|| self.reconcile());
                if let Err(panic) = catch_unwind(reconciled)
                    && !panic.is::<Died>()
                {
                    resume_unwind(panic);
                }
            }
            4..6 => {
                self.shop.bench.clock.advance(dice.seconds(400));
                self.chaos.deliver(false);
            }
            6 => self.chaos.deliver(false),
            _ => self.meddle(&self.files[usize::try_from(dice.below(self.files.len() as u64)).unwrap()]),
        }
        self.check_always();
    }

    fn reconcile(&self) {
        let found = self.publisher.reconcile(Platform::Etsy, "").unwrap();
        let _ = self.publisher.mend(&found);
    }

    /// What people do in between: edit, approve, sell and take down at the platform, list anew, retry.
    fn meddle(&self, id: &FileId) {
        let (shop, dice) = (&self.shop, &self.chaos.0.dice);
        let variant = VARIANTS[usize::try_from(dice.below(2)).unwrap()];
        match dice.below(6) {
            0 => shop.retitle(id, &format!("title {}", dice.below(3))),
            1 => self.happens(id, ListingStatus::Delisted),
            2 => self.happens(id, if dice.below(2) == 0 { ListingStatus::SoldOut } else { ListingStatus::Active }),
            3 => {
                let _ = shop.write(|s| shop.pipeline.publish(s, id, &target(variant), &by_ann("wanted")));
            }
            4 => self.approve(id),
            _ => drop(shop.write(|s| shop.pipeline.retry(s, id, &by_ann("again"))).unwrap()),
        }
    }

    fn approve(&self, id: &FileId) {
        if self.shop.status(id) == FileStatus::Processed {
            self.shop.approve(id);
        }
    }

    /// Something happens to a listing at the platform; the news of it comes, gets lost, or comes from a clock that is
    /// years ahead.
    fn happens(&self, id: &FileId, status: ListingStatus) {
        let live = self.shop.listings(id).into_iter().find(|listing| listing.status.is_live());
        let Some(listing) = live else { return };
        let there = &listing.platform_listing_id;
        {
            let mut shelf = self.chaos.0.shelf.lock().unwrap();
            let Some(at) = shelf.products.iter().position(|product| product.platform_id == *there) else { return };
            match status {
                ListingStatus::Delisted => drop(shelf.products.remove(at)),
                _ => shelf.products[at].status = status,
            }
        }
        let at = self.shop.bench.now();
        let event_at = match self.chaos.0.dice.below(3) {
            0 => return,
            1 => at,
            _ => at + Duration::from_secs(3 * 365 * 86_400),
        };
        let news = ListingUpdate::new(status, event_at, at);
        self.shop.write(|s| listing_news(s, Platform::Etsy, "", there, &news)).unwrap();
    }

    /// What holds at every moment.
    fn check_always(&self) {
        for id in &self.files {
            let store = self.shop.bench.queue.store();
            let publications = store.read(|s| s.publications().of_file(id)).unwrap();
            for variant in VARIANTS {
                let of_target = publications.iter().filter(|publication| publication.target.discriminator() == variant);
                let live = of_target.filter(|publication| publication.state.is_live()).count();
                assert!(live <= 1, "{live} live publications of {variant:?} are known");
            }
            let live = self.shop.listings(id).into_iter().filter(|listing| listing.status.is_live()).count();
            assert!(live <= VARIANTS.len(), "{live} live listings of {} targets are known", VARIANTS.len());
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
            self.reconcile();
            for id in &self.files {
                shop.write(|s| shop.pipeline.retry(s, id, &by_ann("again"))).unwrap();
                self.approve(id);
                let store = shop.bench.queue.store();
                let publications = store.read(|s| s.publications().of_file(id)).unwrap();
                for variant in VARIANTS {
                    // One that is held by nobody any more waits for somebody to ask for it again.
                    let is_there = |other: &Publication| {
                        other.target == target(variant) && other.state == PublicationState::Confirmed
                    };
                    if !publications.iter().any(is_there)
                        && matches!(shop.status(id), FileStatus::Published | FileStatus::Approved)
                    {
                        shop.write(|s| shop.pipeline.publish(s, id, &target(variant), &by_ann("wanted"))).unwrap();
                    }
                }
            }
            if self.files.iter().all(|id| shop.live_jobs(id).is_empty()) {
                break;
            }
        }
        for _ in 0..3 {
            shop.bench.clock.advance(Duration::from_secs(1));
            self.reconcile();
        }
    }

    fn check_at_the_end(&self) {
        let shop = &self.shop;
        let products = self.chaos.products();
        let wanted = self.files.len() * VARIANTS.len();
        assert_eq!(products.len(), wanted, "one product for each target: {products:#?}");
        for id in &self.files {
            assert_eq!(shop.live_jobs(id), Vec::<String>::new());
            assert_eq!(shop.status(id), FileStatus::Published);
            let store = shop.bench.queue.store();
            let publications = store.read(|s| s.publications().of_file(id)).unwrap();
            let mut live: Vec<_> = shop.listings(id).into_iter().filter(|listing| listing.status.is_live()).collect();
            assert_eq!(live.len(), VARIANTS.len(), "{live:#?}");
            for variant in VARIANTS {
                let of_target = publications.iter().filter(|publication| publication.target == target(variant));
                let confirmed: Vec<_> = of_target.filter(|publication| publication.state.is_live()).collect();
                assert_eq!(confirmed.len(), 1, "{confirmed:#?}");
                assert_eq!(confirmed[0].state, PublicationState::Confirmed);
                let its = confirmed[0].platform_id.clone().unwrap();
                let there = products.iter().find(|product| product.platform_id == its).unwrap();
                assert_eq!(there.key.as_ref(), Some(&confirmed[0].client_key));
                let row = live.iter().position(|listing| listing.platform_listing_id == its).unwrap();
                assert_eq!(live.remove(row).status, there.status);
            }
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
