//! A marketplace that fails in every way there is.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::{ClientKey, ListingStatus, Platform};
use fieldfen_services::environment::{ManualClock, Randomness, SeededRandomness};
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage};

use crate::shop::HOLD;

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

/// A marketplace that fails in every way there is, until its mishaps are used up.
#[derive(Clone)]
pub(super) struct Chaos(pub(super) Arc<ChaosState>);

pub(super) struct ChaosState {
    pub(super) dice: Dice,
    pub(super) clock: ManualClock,
    pub(super) now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Whether a second call with a key meets the product of the first.
    pub(super) knows_keys: bool,
    /// Whether calls may last longer than reservations hold, against the rule.
    pub(super) overruns: bool,
    pub(super) mishaps: AtomicU32,
    pub(super) depth: AtomicU32,
    pub(super) shelf: Mutex<Shelf>,
    /// What the rest of the world does while a call is under way.
    pub(super) meanwhile: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

#[derive(Default)]
pub(super) struct Shelf {
    pub(super) products: Vec<Product>,
    made: u64,
    /// What a page showed some time ago.
    shown: Vec<Product>,
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
    pub(super) fn deliver(&self, all: bool) {
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

    pub(super) fn products(&self) -> Vec<Product> {
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

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        if self.mishap(4) {
            if self.0.dice.below(2) == 0 {
                resume_unwind(Box::new(Died));
            }
            return Err(Self::no_answer());
        }
        Ok(self.products().into_iter().find(|product| product.platform_id == platform_id))
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
        let mut products = self.products();
        if self.mishap(2) {
            // An index that lags shows neither all that is there nor only that.
            let mut shelf = self.0.shelf.lock().unwrap();
            let old = std::mem::replace(&mut shelf.shown, products.clone());
            products = if self.0.dice.below(2) == 0 { old } else { products.split_off(products.len() / 2) };
        }
        Ok(ProductPage { products, next: None })
    }
}
