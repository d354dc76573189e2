//! A marketplace that fails in every way there is.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use fieldfen_services::environment::{ManualClock, Randomness, SeededRandomness};
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage};

use crate::shop_harness::HOLD;

/// Dice that fall the same way for the same seed.
#[derive(Clone)]
pub(super) struct Dice(pub(super) SeededRandomness);

impl Dice {
    pub(super) fn below(&self, sides: u64) -> u64 {
        u64::try_from(self.0.bits() % u128::from(sides)).unwrap()
    }

    pub(super) fn seconds(&self, most: u64) -> Duration {
        Duration::from_secs(self.below(most) + 1)
    }
}

/// What a process that dies leaves its call with.
pub(super) struct Died;

/// How a search by key answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Searches {
    /// With the products of exactly this key.
    Exactly,
    /// With those whose keys differ in case only, too.
    InAnyCase,
    /// With all whose keys begin like this one: those of fieldfen, and others that are like them.
    ByPrefix,
}

/// The account of a marketplace that fails in every way there is, until its mishaps are used up.
#[derive(Clone)]
pub(super) struct Chaos {
    pub(super) account: &'static str,
    pub(super) shelf: Arc<Mutex<Shelf>>,
    pub(super) world: Arc<World>,
}

/// What the accounts of a marketplace have in common.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) clock: ManualClock,
    pub(super) now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Whether a second call with a key meets the product of the first.
    pub(super) knows_keys: bool,
    /// Whether calls may last longer than reservations hold, against the rule.
    pub(super) overruns: bool,
    pub(super) searches: Searches,
    /// So long what was made is not shown by searches, lookups and pages. With the call it is less than a hold.
    pub(super) lag: Duration,
    pub(super) mishaps: AtomicU32,
    pub(super) depth: AtomicU32,
    /// When the outermost call is over at the latest that keeps its time.
    pub(super) latest: Mutex<Timestamp>,
    /// What the rest of the world does while a call is under way.
    pub(super) meanwhile: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

#[derive(Default)]
pub(super) struct Shelf {
    pub(super) products: Vec<Product>,
    made: u64,
    /// When each was made.
    made_at: BTreeMap<String, Timestamp>,
    /// What a page showed some time ago.
    shown: Vec<Product>,
    /// Requests that take effect later: until when at the latest, and under which key.
    on_their_way: Vec<(Timestamp, IdempotencyKey)>,
}

impl Shelf {
    fn make(&mut self, key: Option<IdempotencyKey>, at: Timestamp) -> Product {
        self.made += 1;
        let product = Product::new(format!("p{}", self.made), ListingStatus::Active)
            .key(key)
            .platform_status(Some("ACTIVE".to_owned()));
        self.made_at.insert(product.platform_id.clone(), at);
        self.products.push(product.clone());
        product
    }
}

impl Chaos {
    /// Whether something goes wrong now.
    fn mishap(&self, one_in: u64) -> bool {
        let state = &self.world;
        state.mishaps.load(Ordering::Relaxed) > 0
            && state.dice.below(one_in) == 0
            && state.mishaps.fetch_sub(1, Ordering::Relaxed) > 0
    }

    fn no_answer() -> CallError {
        CallError::NoAnswer { reason: "500".to_owned() }
    }

    fn make(&self, key: &IdempotencyKey) -> Product {
        self.make_at(key, (self.world.now)())
    }

    fn make_at(&self, key: &IdempotencyKey, at: Timestamp) -> Product {
        let mut shelf = self.shelf.lock().unwrap();
        if self.world.knows_keys
            && let Some(known) = shelf.products.iter().find(|product| product.key.as_ref() == Some(key))
        {
            return known.clone();
        }
        shelf.make(Some(key.clone()), at)
    }

    /// Somebody lists a product by hand, or with another program.
    pub(super) fn by_hand(&self, key: Option<IdempotencyKey>) -> Product {
        self.shelf.lock().unwrap().make(key, (self.world.now)())
    }

    /// The same under an id that no call is answered with; says the id.
    pub(super) fn keep_by_hand(&self, key: Option<IdempotencyKey>) -> String {
        let mut shelf = self.shelf.lock().unwrap();
        let mut product = shelf.make(key, (self.world.now)());
        shelf.products.pop();
        product.platform_id = product.platform_id.replace('p', "h");
        shelf.made_at.insert(product.platform_id.clone(), (self.world.now)());
        shelf.products.push(product.clone());
        product.platform_id
    }

    /// Somebody takes a product down by hand.
    pub(super) fn remove(&self, platform_id: &str) {
        self.shelf.lock().unwrap().products.retain(|product| product.platform_id != platform_id);
    }

    /// What searches, lookups and pages show.
    fn shown(&self) -> Vec<Product> {
        self.deliver_those(|| false);
        let now = (self.world.now)();
        let shelf = self.shelf.lock().unwrap();
        let is_shown = |product: &&Product| shelf.made_at[&product.platform_id] + self.world.lag <= now;
        shelf.products.iter().filter(is_shown).cloned().collect()
    }

    /// Lets requests take effect whose time has come, and some others.
    pub(super) fn deliver(&self, all: bool) {
        self.deliver_those(|| all || self.world.dice.below(3) == 0);
    }

    /// Lets requests take effect whose time has come, and those that are chosen.
    fn deliver_those(&self, chosen: impl Fn() -> bool) {
        let now = (self.world.now)();
        let due: Vec<_> = {
            let mut shelf = self.shelf.lock().unwrap();
            let waiting = std::mem::take(&mut shelf.on_their_way);
            let (due, waiting) = waiting.into_iter().partition(|(deadline, _)| *deadline <= now || chosen());
            shelf.on_their_way = waiting;
            due
        };
        for (deadline, key) in due {
            self.make_at(&key, deadline.min(now));
        }
    }

    /// Time passes during a call, and others work.
    fn linger(&self) {
        let depth = self.world.depth.fetch_add(1, Ordering::Relaxed);
        if depth < 2 {
            let now = (self.world.now)();
            let mut span = self.world.dice.seconds(2 * HOLD.as_secs());
            if !self.world.overruns {
                // Calls that are made meanwhile last no longer than this one.
                let mut latest = self.world.latest.lock().unwrap();
                if depth == 0 {
                    *latest = now + HOLD / 4;
                }
                span = span.min((*latest - now).to_std().unwrap_or_default());
            }
            self.world.clock.advance(span);
            self.deliver(false);
            let meanwhile = self.world.meanwhile.lock().unwrap().clone();
            if let Some(meanwhile) = meanwhile {
                meanwhile();
            }
        }
        self.world.depth.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn products(&self) -> Vec<Product> {
        self.deliver_those(|| false);
        self.shelf.lock().unwrap().products.clone()
    }
}

impl Marketplace for Chaos {
    fn platform(&self) -> Platform {
        Platform::Etsy
    }

    fn account(&self) -> &str {
        self.account
    }

    fn create(&self, key: &IdempotencyKey, _: &Offer<'_>) -> Result<Product, CallError> {
        if !self.mishap(2) {
            return Ok(self.make(key));
        }
        let until = (self.world.now)() + Duration::from_secs(20);
        match self.world.dice.below(11) {
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
                let deadline = (self.world.now)() + self.world.dice.seconds(HOLD.as_secs() / 2);
                self.shelf.lock().unwrap().on_their_way.push((deadline, key.clone()));
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

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        if self.mishap(4) {
            if self.world.dice.below(2) == 0 {
                resume_unwind(Box::new(Died));
            }
            return Err(Self::no_answer());
        }
        let lower = key.as_str().to_lowercase();
        let is_found = |its: &str| match self.world.searches {
            Searches::Exactly => its == key.as_str(),
            Searches::InAnyCase => its.to_lowercase() == lower,
            Searches::ByPrefix => its.to_lowercase().starts_with(&lower[..3]),
        };
        Ok(self.shown().into_iter().filter(|p| p.key.as_ref().is_some_and(|its| is_found(its.as_str()))).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        if self.mishap(4) {
            if self.world.dice.below(2) == 0 {
                resume_unwind(Box::new(Died));
            }
            return Err(Self::no_answer());
        }
        Ok(self.shown().into_iter().find(|product| product.platform_id == platform_id))
    }

    fn update(&self, platform_id: &str, _: &Offer<'_>) -> Result<Option<Product>, CallError> {
        Ok(self.shown().into_iter().find(|product| product.platform_id == platform_id))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        // It may say yes and do nothing, too.
        let (fails, does_nothing) = (self.mishap(3), self.mishap(4));
        if !does_nothing && (!fails || self.world.dice.below(2) == 0) {
            self.remove(platform_id);
        }
        if fails { Err(Self::no_answer()) } else { Ok(()) }
    }

    fn page(&self, _: Option<&str>) -> Result<ProductPage, CallError> {
        let mut products = self.shown();
        if self.mishap(2) {
            // An index that lags shows neither all that is there nor only that.
            let mut shelf = self.shelf.lock().unwrap();
            let old = std::mem::replace(&mut shelf.shown, products.clone());
            products = if self.world.dice.below(2) == 0 { old } else { products.split_off(products.len() / 2) };
        }
        Ok(ProductPage::new(products))
    }
}
