//! A marketplace that fails in every way.

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

/// Random choices that are the same for the same seed.
#[derive(Clone)]
pub(super) struct Choices(pub(super) SeededRandomness);

impl Choices {
    pub(super) fn below(&self, sides: u64) -> u64 {
        u64::try_from(self.0.bits() % u128::from(sides)).unwrap()
    }

    pub(super) fn seconds(&self, most: u64) -> Duration {
        Duration::from_secs(self.below(most) + 1)
    }
}

/// The panic payload of a process that dies in a call.
pub(super) struct ProcessDied;

/// The results of a search by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Searches {
    /// Only products with exactly this key.
    Exactly,
    /// Also products whose keys differ only in case.
    InAnyCase,
    /// All products whose keys have the same beginning: fieldfen's, and similar ones.
    ByPrefix,
}

/// The account of a marketplace that fails in every way until its failures are used up.
#[derive(Clone)]
pub(super) struct Chaos {
    pub(super) account: &'static str,
    pub(super) account_state: Arc<Mutex<AccountState>>,
    pub(super) shared: Arc<SharedState>,
}

/// The shared state of a marketplace's accounts.
pub(super) struct SharedState {
    pub(super) choices: Choices,
    pub(super) clock: ManualClock,
    pub(super) now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Whether a second call with a key returns the product of the first one.
    pub(super) knows_keys: bool,
    /// Whether calls may last longer than reservations, against the rule.
    pub(super) overruns: bool,
    pub(super) searches: Searches,
    /// The time for which searches, lookups and pages do not show a new product. With the call it is shorter than a
    /// reservation.
    pub(super) lag: Duration,
    pub(super) mishaps: AtomicU32,
    pub(super) depth: AtomicU32,
    /// The latest end of the outermost call that keeps its time limit.
    pub(super) latest: Mutex<Timestamp>,
    /// The actions of other parties during a call.
    pub(super) meanwhile: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

#[derive(Default)]
pub(super) struct AccountState {
    pub(super) products: Vec<Product>,
    made: u64,
    /// The time at which each product was made.
    made_at: BTreeMap<String, Timestamp>,
    /// The content of a page some time ago.
    shown: Vec<Product>,
    /// Requests that take effect later: the latest time, and the key.
    on_their_way: Vec<(Timestamp, IdempotencyKey)>,
}

impl AccountState {
    fn make(&mut self, key: Option<IdempotencyKey>, at: Timestamp) -> Product {
        self.made += 1;
        let product = Product::new(format!("p{}", self.made), ListingStatus::Active).key(key).platform_status("ACTIVE");
        self.made_at.insert(product.platform_id.clone(), at);
        self.products.push(product.clone());
        product
    }
}

impl Chaos {
    /// Returns whether a failure happens now.
    fn mishap(&self, one_in: u64) -> bool {
        let state = &self.shared;
        state.mishaps.load(Ordering::Relaxed) > 0
            && state.choices.below(one_in) == 0
            && state.mishaps.fetch_sub(1, Ordering::Relaxed) > 0
    }

    fn no_answer() -> CallError {
        CallError::NoAnswer { reason: "500".to_owned() }
    }

    fn make(&self, key: &IdempotencyKey) -> Product {
        self.make_at(key, (self.shared.now)())
    }

    fn make_at(&self, key: &IdempotencyKey, at: Timestamp) -> Product {
        let mut account_state = self.account_state.lock().unwrap();
        if self.shared.knows_keys
            && let Some(known) = account_state.products.iter().find(|product| product.key.as_ref() == Some(key))
        {
            return known.clone();
        }
        account_state.make(Some(key.clone()), at)
    }

    /// Lists a product by hand or with another program.
    pub(super) fn by_hand(&self, key: Option<IdempotencyKey>) -> Product {
        self.account_state.lock().unwrap().make(key, (self.shared.now)())
    }

    /// As `make_by_hand`, under an id that no call returns. Returns the id.
    pub(super) fn keep_by_hand(&self, key: Option<IdempotencyKey>) -> String {
        let mut account_state = self.account_state.lock().unwrap();
        let mut product = account_state.make(key, (self.shared.now)());
        account_state.products.pop();
        product.platform_id = product.platform_id.replace('p', "h");
        account_state.made_at.insert(product.platform_id.clone(), (self.shared.now)());
        account_state.products.push(product.clone());
        product.platform_id
    }

    /// Takes a product down by hand.
    pub(super) fn remove(&self, platform_id: &str) {
        self.account_state.lock().unwrap().products.retain(|product| product.platform_id != platform_id);
    }

    /// The products that searches, lookups and pages show.
    fn shown(&self) -> Vec<Product> {
        self.deliver_those(|| false);
        let now = (self.shared.now)();
        let account_state = self.account_state.lock().unwrap();
        let is_shown = |product: &&Product| account_state.made_at[&product.platform_id] + self.shared.lag <= now;
        account_state.products.iter().filter(is_shown).cloned().collect()
    }

    /// Delivers the requests whose time has come, and some others.
    pub(super) fn deliver(&self, all: bool) {
        self.deliver_those(|| all || self.shared.choices.below(3) == 0);
    }

    /// Delivers the requests whose time has come, and the chosen ones.
    fn deliver_those(&self, chosen: impl Fn() -> bool) {
        let now = (self.shared.now)();
        let due: Vec<_> = {
            let mut account_state = self.account_state.lock().unwrap();
            let waiting = std::mem::take(&mut account_state.on_their_way);
            let (due, waiting) = waiting.into_iter().partition(|(deadline, _)| *deadline <= now || chosen());
            account_state.on_their_way = waiting;
            due
        };
        for (deadline, key) in due {
            self.make_at(&key, deadline.min(now));
        }
    }

    /// Lets time pass during a call, while others work.
    fn linger(&self) {
        let depth = self.shared.depth.fetch_add(1, Ordering::Relaxed);
        if depth < 2 {
            let now = (self.shared.now)();
            let mut span = self.shared.choices.seconds(2 * HOLD.as_secs());
            if !self.shared.overruns {
                // Nested calls do not last longer than this one.
                let mut latest = self.shared.latest.lock().unwrap();
                if depth == 0 {
                    *latest = now + HOLD / 4;
                }
                span = span.min((*latest - now).to_std().unwrap_or_default());
            }
            self.shared.clock.advance(span);
            self.deliver(false);
            let meanwhile = self.shared.meanwhile.lock().unwrap().clone();
            if let Some(meanwhile) = meanwhile {
                meanwhile();
            }
        }
        self.shared.depth.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn products(&self) -> Vec<Product> {
        self.deliver_those(|| false);
        self.account_state.lock().unwrap().products.clone()
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
        let until = (self.shared.now)() + Duration::from_secs(20);
        match self.shared.choices.below(11) {
            0 => Err(CallError::Refused { reason: "no".to_owned() }),
            1 => Err(CallError::Throttled { until, reason: "429".to_owned() }),
            2 => Err(CallError::NotSent { reason: "no route".to_owned() }),
            3 => Err(Self::no_answer()),
            4 => {
                self.make(key);
                Err(Self::no_answer())
            }
            5 => {
                // The request is in transit at most as long as its reservation holds.
                let deadline = (self.shared.now)() + self.shared.choices.seconds(HOLD.as_secs() / 2);
                self.account_state.lock().unwrap().on_their_way.push((deadline, key.clone()));
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
            9 => resume_unwind(Box::new(ProcessDied)),
            _ => {
                self.make(key);
                resume_unwind(Box::new(ProcessDied))
            }
        }
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        if self.mishap(4) {
            if self.shared.choices.below(2) == 0 {
                resume_unwind(Box::new(ProcessDied));
            }
            return Err(Self::no_answer());
        }
        let lower = key.as_str().to_lowercase();
        let is_found = |its: &str| match self.shared.searches {
            Searches::Exactly => its == key.as_str(),
            Searches::InAnyCase => its.to_lowercase() == lower,
            Searches::ByPrefix => its.to_lowercase().starts_with(&lower[..3]),
        };
        Ok(self.shown().into_iter().filter(|p| p.key.as_ref().is_some_and(|its| is_found(its.as_str()))).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        if self.mishap(4) {
            if self.shared.choices.below(2) == 0 {
                resume_unwind(Box::new(ProcessDied));
            }
            return Err(Self::no_answer());
        }
        Ok(self.shown().into_iter().find(|product| product.platform_id == platform_id))
    }

    fn update(&self, platform_id: &str, _: &Offer<'_>) -> Result<Option<Product>, CallError> {
        Ok(self.shown().into_iter().find(|product| product.platform_id == platform_id))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        // The platform may also report success and do nothing.
        let (fails, does_nothing) = (self.mishap(3), self.mishap(4));
        if !does_nothing && (!fails || self.shared.choices.below(2) == 0) {
            self.remove(platform_id);
        }
        if fails { Err(Self::no_answer()) } else { Ok(()) }
    }

    fn page(&self, _: Option<&str>) -> Result<ProductPage, CallError> {
        let mut products = self.shown();
        if self.mishap(2) {
            // A lagging index misses some products and shows some that are gone.
            let mut account_state = self.account_state.lock().unwrap();
            let old = std::mem::replace(&mut account_state.shown, products.clone());
            products = if self.shared.choices.below(2) == 0 { old } else { products.split_off(products.len() / 2) };
        }
        Ok(ProductPage::new(products))
    }
}
