//! A marketplace whose behaviour the test sets.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::FileMetadata;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage};

/// The behaviour of a marketplace at its next call of `create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Refuses the call.
    Refuse,
    /// Throttles the call until this time.
    Throttle(Timestamp),
    /// Breaks the connection before the request is sent.
    NotSent,
    /// Carries out the call and gives no answer.
    CreateInSilence,
    /// Neither carries out the call nor answers.
    Ignore,
    /// Gives no answer, and carries out the call when [`FakeMarketplace::deliver`] is called.
    Delay,
    /// Answers with this product.
    Answer(Product),
}

/// The results of a lookup by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Finds {
    /// The products with exactly this key.
    #[default]
    Exactly,
    /// Every product whose key begins with the first characters of this one, ignoring case.
    ByPrefix,
    /// As [`Finds::ByPrefix`], without the keys of the products.
    ByPrefixWithoutKeys,
    /// As [`Finds::ByPrefix`], with empty keys.
    ByPrefixWithEmptyKeys,
}

/// A marketplace in memory. A clone is the same one.
#[derive(Clone)]
pub(crate) struct FakeMarketplace {
    platform: Platform,
    account: String,
    /// Whether a second call with a key returns the product of the first one.
    knows_keys: bool,
    state: Arc<Mutex<FakeState>>,
}

#[derive(Default)]
struct FakeState {
    products: Vec<(Product, String)>,
    made: u64,
    next: VecDeque<Next>,
    delayed: Vec<(IdempotencyKey, String)>,
    lookups: u64,
    lookup_fails: bool,
    refuses_lookups: bool,
    finds: Finds,
    keeps: BTreeSet<String>,
    lies_about: BTreeSet<String>,
    hides: BTreeSet<String>,
    pages_lag: bool,
    pages_lead_back: bool,
    during_call: Option<Meanwhile>,
    during_lookup: Option<Meanwhile>,
}

/// An action elsewhere.
type Meanwhile = Box<dyn FnOnce() + Send>;

impl FakeMarketplace {
    pub(crate) fn new(platform: Platform) -> Self {
        Self { platform, account: String::new(), knows_keys: false, state: Arc::default() }
    }

    /// The account of another seller, whose product numbers also begin at 1.
    pub(crate) fn account(mut self, account: &str) -> Self {
        self.account = account.to_owned();
        self
    }

    pub(crate) fn knowing_keys(mut self) -> Self {
        self.knows_keys = true;
        self
    }

    /// Sets the behaviour of the next calls, one after the other. Later calls succeed.
    pub(crate) fn next(&self, next: impl IntoIterator<Item = Next>) {
        self.state.lock().unwrap().next.extend(next);
    }

    /// Sets whether lookups get no answer.
    pub(crate) fn lookup_fails(&self, fails: bool) {
        self.state.lock().unwrap().lookup_fails = fails;
    }

    /// Sets whether lookups by id are not supported.
    pub(crate) fn refuses_lookups(&self, refuses: bool) {
        self.state.lock().unwrap().refuses_lookups = refuses;
    }

    /// Sets the results of lookups by key.
    pub(crate) fn finds(&self, finds: Finds) {
        self.state.lock().unwrap().finds = finds;
    }

    /// Makes every takedown of this product fail.
    pub(crate) fn keeps(&self, platform_id: &str) {
        self.state.lock().unwrap().keeps.insert(platform_id.to_owned());
    }

    /// Makes every takedown of this product report success without effect.
    pub(crate) fn lies_about(&self, platform_id: &str, lies: bool) {
        let mut state = self.state.lock().unwrap();
        if lies {
            state.lies_about.insert(platform_id.to_owned());
        } else {
            state.lies_about.remove(platform_id);
        }
    }

    /// Hides these products, like a lagging index; with no ids, the index has caught up.
    pub(crate) fn hides(&self, platform_ids: &[&str]) {
        self.state.lock().unwrap().hides = platform_ids.iter().map(|&id| id.to_owned()).collect();
    }

    /// Adds a product that was made by hand, with or without a key.
    pub(crate) fn by_hand(&self, platform_id: &str, key: Option<&str>) -> Product {
        let product = Product::new(platform_id.to_owned(), ListingStatus::Active)
            .key(key.map(|key| IdempotencyKey::from_text(key.to_owned())))
            .platform_status("ACTIVE");
        self.bring_back(&product);
        product
    }

    /// Takes down by hand all products except those with these ids.
    pub(crate) fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.state.lock().unwrap().products.retain(|(product, _)| keep(&product.platform_id));
    }

    /// Sets the platform's own name of a product's status.
    pub(crate) fn says(&self, platform_id: &str, platform_status: &str) {
        let mut state = self.state.lock().unwrap();
        let product = state.products.iter_mut().find(|(product, _)| product.platform_id == platform_id).unwrap();
        product.0.platform_status = Some(platform_status.to_owned());
    }

    /// Sets whether the pages are empty.
    pub(crate) fn pages_lag(&self, lag: bool) {
        self.state.lock().unwrap().pages_lag = lag;
    }

    /// Sets whether each page has the first one as its next.
    pub(crate) fn pages_lead_back(&self, back: bool) {
        self.state.lock().unwrap().pages_lead_back = back;
    }

    /// Lists another product under the key of this one, like a call whose answer was lost.
    pub(crate) fn copy(&self, platform_id: &str) -> Product {
        let mut state = self.state.lock().unwrap();
        let original = state.products.iter().find(|(product, _)| product.platform_id == platform_id).unwrap().clone();
        state.make(&original.0.key.unwrap(), original.1, false)
    }

    /// Makes a product live again after its takedown.
    pub(crate) fn bring_back(&self, product: &Product) {
        self.state.lock().unwrap().products.push((product.clone(), String::new()));
    }

    /// The ids of the live products.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.live().into_iter().map(|product| product.platform_id).collect()
    }

    /// Sets an action elsewhere during the next call.
    pub(crate) fn during_call(&self, meanwhile: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().during_call = Some(Box::new(meanwhile));
    }

    /// Sets an action elsewhere during the next lookup.
    pub(crate) fn during_lookup(&self, meanwhile: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().during_lookup = Some(Box::new(meanwhile));
    }

    /// Runs an action that may call this marketplace.
    fn meanwhile(&self, which: fn(&mut FakeState) -> &mut Option<Meanwhile>) {
        let meanwhile = which(&mut self.state.lock().unwrap()).take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
    }

    /// Carries out the delayed call, and returns its answer.
    pub(crate) fn deliver(&self) -> Vec<Product> {
        let mut state = self.state.lock().unwrap();
        let delayed = std::mem::take(&mut state.delayed);
        delayed.into_iter().map(|(key, title)| state.make(&key, title, self.knows_keys)).collect()
    }

    pub(crate) fn live(&self) -> Vec<Product> {
        self.state.lock().unwrap().products.iter().map(|(product, _)| product.clone()).collect()
    }

    /// The titles of the live products.
    pub(crate) fn titles(&self) -> Vec<String> {
        self.state.lock().unwrap().products.iter().map(|(_, title)| title.clone()).collect()
    }

    /// The number of products that were ever made.
    pub(crate) fn made(&self) -> u64 {
        self.state.lock().unwrap().made
    }

    pub(crate) fn lookups(&self) -> u64 {
        self.state.lock().unwrap().lookups
    }

    /// Changes a product at the platform by hand.
    pub(crate) fn set(&self, platform_id: &str, status: ListingStatus) {
        let mut state = self.state.lock().unwrap();
        let product = state.products.iter_mut().find(|(product, _)| product.platform_id == platform_id).unwrap();
        product.0.status = status;
        product.0.platform_status = Some(status.as_str().to_uppercase());
    }
}

impl FakeState {
    /// The products that it shows.
    fn shown(&self) -> impl Iterator<Item = Product> {
        let all = self.products.iter().map(|(product, _)| product);
        all.filter(|product| !self.hides.contains(&product.platform_id)).cloned()
    }

    fn make(&mut self, key: &IdempotencyKey, title: String, knows_keys: bool) -> Product {
        if knows_keys && let Some((known, _)) = self.products.iter().find(|(known, _)| known.key.as_ref() == Some(key))
        {
            return known.clone();
        }
        self.made += 1;
        let product = Product::new(format!("p{}", self.made), ListingStatus::Active)
            .key(Some(key.clone()))
            .platform_status("ACTIVE");
        self.products.push((product.clone(), title));
        product
    }
}

fn title_of(offer: &Offer<'_>) -> String {
    let metadata = offer.file.metadata.as_ref().map(|json| FileMetadata::from_json(json).unwrap());
    metadata.map_or_else(String::new, |metadata| metadata.title)
}

impl Marketplace for FakeMarketplace {
    fn platform(&self) -> Platform {
        self.platform
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        let next = self.state.lock().unwrap().next.pop_front();
        self.meanwhile(|state| &mut state.during_call);
        let mut state = self.state.lock().unwrap();
        let no_answer = || CallError::NoAnswer { reason: "time-out".to_owned() };
        match next {
            None => Ok(state.make(key, title_of(offer), self.knows_keys)),
            Some(Next::Refuse) => Err(CallError::Refused { reason: "no antlers, please".to_owned() }),
            Some(Next::Throttle(until)) => Err(CallError::Throttled { until, reason: "429".to_owned() }),
            Some(Next::NotSent) => Err(CallError::NotSent { reason: "no route".to_owned() }),
            Some(Next::Ignore) => Err(no_answer()),
            Some(Next::Answer(product)) => Ok(product),
            Some(Next::CreateInSilence) => {
                state.make(key, title_of(offer), self.knows_keys);
                Err(no_answer())
            }
            Some(Next::Delay) => {
                state.delayed.push((key.clone(), title_of(offer)));
                Err(no_answer())
            }
        }
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        self.meanwhile(|state| &mut state.during_lookup);
        let mut state = self.state.lock().unwrap();
        state.lookups += 1;
        if state.lookup_fails {
            return Err(CallError::NoAnswer { reason: "502".to_owned() });
        }
        let prefix = key.as_str()[..3].to_lowercase();
        let begins_so = |p: &Product| p.key.as_ref().is_some_and(|k| k.as_str().to_lowercase().starts_with(&prefix));
        let found = state.shown();
        Ok(match state.finds {
            Finds::Exactly => found.filter(|p| p.key.as_ref() == Some(key)).collect(),
            Finds::ByPrefix => found.filter(begins_so).collect(),
            Finds::ByPrefixWithoutKeys => found.filter(begins_so).map(|p| p.key(None)).collect(),
            Finds::ByPrefixWithEmptyKeys => {
                found.filter(begins_so).map(|p| p.key(Some(IdempotencyKey::from_text(String::new())))).collect()
            }
        })
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        self.meanwhile(|state| &mut state.during_lookup);
        let state = self.state.lock().unwrap();
        if state.lookup_fails {
            return Err(CallError::NoAnswer { reason: "502".to_owned() });
        }
        if state.refuses_lookups {
            return Err(CallError::Refused { reason: "no such question".to_owned() });
        }
        Ok(state.shown().find(|product| product.platform_id == platform_id))
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        let mut state = self.state.lock().unwrap();
        if state.hides.contains(platform_id) {
            return Ok(None);
        }
        let found = state.products.iter_mut().find(|(product, _)| product.platform_id == platform_id);
        Ok(found.map(|(product, title)| {
            *title = title_of(offer);
            product.clone()
        }))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        let mut state = self.state.lock().unwrap();
        if state.keeps.contains(platform_id) {
            return Err(CallError::Refused { reason: "it is in somebody's cart".to_owned() });
        }
        if !state.lies_about.contains(platform_id) {
            state.products.retain(|(product, _)| product.platform_id != platform_id);
        }
        Ok(())
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        let state = self.state.lock().unwrap();
        if state.pages_lag {
            return Ok(ProductPage::default());
        }
        let from: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let products: Vec<Product> = state.shown().skip(from).take(2).collect();
        if state.pages_lead_back {
            return Ok(ProductPage::new(products).next("0"));
        }
        let next = (from + 2 < state.shown().count()).then(|| (from + 2).to_string());
        Ok(ProductPage::new(products).next(next))
    }
}
