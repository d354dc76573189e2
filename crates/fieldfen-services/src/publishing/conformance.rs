//! Checks for implementations of [`Marketplace`] and [`SocialNetwork`]: does the platform behave as publishing expects?

use std::collections::BTreeSet;

use fieldfen_domain::FileId;
use fieldfen_domain::file::File;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Target};
use serde_json::Map;

use super::call_error::CallError;
use super::marketplace::{Marketplace, Offer, Product};
use super::remote_item::RemoteItem;
use super::social_network::{Message, SocialNetwork};
use crate::Environment;

/// A list with more pages than this counts as endless.
const MOST_PAGES: usize = 10_000;

/// Lists products of `file` under random keys and under similar keys, looks them up, changes them and takes them down.
/// Returns one sentence for each broken rule. No product remains at the platform unless taking down fails.
///
/// Meant for tests and for a platform's sandbox, since it really lists the products. The keys are random, so that
/// concurrent checks do not interfere.
#[must_use]
pub fn check(marketplace: &dyn Marketplace, file: &File, environment: &Environment) -> Vec<String> {
    let options = Map::new();
    let offer = Offer::new(file, "", &options);
    let mut check = Check { marketplace, offer, made: Vec::new(), violations: Vec::new() };
    let [first, second] = [new_key(marketplace, environment), new_key(marketplace, environment)];
    check.listing(&first, &second);
    check.looking_up();
    check.updating();
    let [longer, upper] = [format!("{first}-2"), first.as_str().to_uppercase()].map(IdempotencyKey::from_text);
    check.telling_apart(&first, &longer, &upper);
    check.taking_down(&[first, second, longer, upper]);
    check.violations
}

/// Lists a product of `file`, lets `set` give it the statuses draft and sold out as a seller does by hand, and takes it
/// down. Returns one sentence for each broken rule.
///
/// A product that cannot be bought still exists: if lookups or lists left it out, it would be listed a second time.
#[must_use]
pub fn check_statuses(
    marketplace: &dyn Marketplace,
    file: &File,
    environment: &Environment,
    set: impl Fn(&str, ListingStatus) -> Result<(), CallError>,
) -> Vec<String> {
    let options = Map::new();
    let offer = Offer::new(file, "", &options);
    let mut check = Check { marketplace, offer, made: Vec::new(), violations: Vec::new() };
    let key = new_key(marketplace, environment);
    if let Some(product) = check.create("listing a product", &key) {
        for status in [ListingStatus::Draft, ListingStatus::SoldOut] {
            check.status(&key, &product.platform_id, status, &set);
        }
        check.taking_down(&[key]);
    }
    check.violations
}

/// Posts `file`, looks the post up and deletes it. Returns one sentence for each broken rule.
///
/// A network that cannot be asked for posts breaks no rule.
#[must_use]
pub fn check_network(network: &dyn SocialNetwork, file: &File, environment: &Environment) -> Vec<String> {
    let target = Target::post(network.platform(), "conformance").at_account(network.account());
    let key = IdempotencyKey::derive(&FileId::from_random(environment.bits()), &target, 0);
    let options = Map::new();
    let post = match network.post(&key, &Message { file, post_type: None, options: &options }) {
        Ok(post) if post.platform_id.trim().is_empty() => return vec!["posting: the post has no id".to_owned()],
        Ok(post) => post,
        Err(error) => return vec![format!("posting failed: {error}")],
    };
    let mut violations = Vec::new();
    let id = &post.platform_id;
    let mut look_up = |what: &str, expected: bool| {
        match network.find(&key) {
            Ok(found) if found.iter().any(|found| found.platform_id == *id) == expected => {}
            Ok(found) => violations.push(format!("{what}: a lookup of {id:?} finds {found:?}")),
            Err(CallError::Refused { .. }) => {}
            Err(error) => violations.push(format!("{what}: a lookup failed: {error}")),
        }
        match network.lookup(id) {
            Ok(found) if found.as_ref().is_some_and(|found| found.platform_id == *id) == expected => {}
            Ok(found) => violations.push(format!("{what}: a question for the id {id:?} is answered by {found:?}")),
            Err(CallError::Refused { .. }) => {}
            Err(error) => violations.push(format!("{what}: a question for the id failed: {error}")),
        }
    };
    look_up("after posting", true);
    let deleted = [network.delete(id), network.delete(id)];
    look_up("after deleting", false);
    let what = ["deleting a post", "deleting what is deleted already"];
    violations.extend(
        what.iter().zip(deleted).filter_map(|(what, result)| Some(format!("{what} failed: {}", result.err()?))),
    );
    violations
}

fn new_key(marketplace: &dyn Marketplace, environment: &Environment) -> IdempotencyKey {
    let target = Target::listing(marketplace.platform()).at_account(marketplace.account()).with_variant("conformance");
    IdempotencyKey::derive(&FileId::from_random(environment.bits()), &target, 0)
}

struct Check<'a> {
    marketplace: &'a dyn Marketplace,
    offer: Offer<'a>,
    made: Vec<Product>,
    violations: Vec<String>,
}

impl Check<'_> {
    fn rule(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(violation());
        }
    }

    /// The value of a call that should have succeeded; `None` after an error, which is recorded.
    fn answer<T>(&mut self, what: &str, result: Result<T, CallError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.violations.push(format!("{what} failed: {error}"));
                None
            }
        }
    }

    fn create(&mut self, what: &str, key: &IdempotencyKey) -> Option<Product> {
        let product = self.answer(what, self.marketplace.create(key, &self.offer))?;
        self.rule(!product.platform_id.trim().is_empty(), || format!("{what}: the product has no id"));
        self.rule(product.status.is_live(), || format!("{what}: a new product says that it is {}", product.status));
        self.rule(product.key.as_ref().is_none_or(|said| said == key), || {
            format!("{what}: the product was listed as {key} and says that it was listed as another")
        });
        if self.made.iter().all(|made| made.platform_id != product.platform_id) {
            self.made.push(product.clone());
        }
        Some(product)
    }

    /// The ids that a search for a key finds. As in publishing, products with other keys are ignored.
    fn find(&mut self, what: &str, key: &IdempotencyKey) -> Option<BTreeSet<String>> {
        let found = self.answer(what, self.marketplace.find(key))?.into_iter().map(RemoteItem::from);
        let found: Vec<RemoteItem> =
            found.filter(|found| found.reported_key().is_none_or(|said| said == key)).collect();
        Some(found.into_iter().map(|found| found.platform_id).collect())
    }

    /// Lists products under keys that a search by prefix, or one that ignores case, would confuse with the first key.
    fn telling_apart(&mut self, first: &IdempotencyKey, longer: &IdempotencyKey, upper: &IdempotencyKey) {
        let Some(expected) = self.find("a lookup of a listed key", first) else { return };
        for similar in [longer, upper] {
            // A platform that refuses such a key cannot confuse it with another one.
            match self.marketplace.create(similar, &self.offer) {
                Ok(product) => {
                    let is_new = self.made.iter().all(|made| made.platform_id != product.platform_id);
                    self.rule(is_new, || format!("{similar} was met as the product of another key, {first}"));
                    if is_new {
                        self.made.push(product);
                    }
                }
                Err(CallError::Refused { .. }) => {}
                Err(error) => self.violations.push(format!("listing as {similar} failed: {error}")),
            }
        }
        if let Some(found) = self.find("a lookup beside similar keys", first) {
            self.rule(found == expected, || {
                format!(
                    "{expected:?} are listed as {first}, and a lookup finds {found:?}: it answers with products of \
                     similar keys without saying their keys"
                )
            });
        }
    }

    /// Looks products up by their ids.
    fn looking_up(&mut self) {
        for product in self.made.clone() {
            let id = product.platform_id;
            let found = self.answer("looking up a product by its id", self.marketplace.lookup(&id));
            self.rule(
                found.is_none_or(|found| found.is_some_and(|found| found.platform_id == id && found.status.is_live())),
                || format!("{id:?} is listed, and a lookup by its id does not say so"),
            );
        }
        let unknown = "no-such-product";
        let found = self.answer("looking up what is not there", self.marketplace.lookup(unknown));
        self.rule(found.is_none_or(|found| found.is_none()), || {
            format!("{unknown:?} is not there, and a lookup by its id finds it")
        });
    }

    fn listing(&mut self, first: &IdempotencyKey, second: &IdempotencyKey) {
        if let Some(found) = self.find("a lookup of a new key", first) {
            self.rule(found.is_empty(), || format!("nothing was listed as {first}, and a lookup finds {found:?}"));
        }
        let Some(product) = self.create("listing a product", first) else { return };
        let mut expected = BTreeSet::from([product.platform_id.clone()]);
        if let Some(found) = self.find("a lookup of a listed key", first) {
            self.rule(found == expected, || {
                format!("{expected:?} was listed as {first}, and a lookup finds {found:?}")
            });
        }
        // A second call with the same key may be recognised, refused or carried out. If it was carried out, a lookup
        // must find its product.
        match self.marketplace.create(first, &self.offer) {
            Ok(again) => {
                expected.insert(again.platform_id.clone());
                if again.platform_id != product.platform_id {
                    self.made.push(again);
                }
            }
            Err(CallError::Refused { .. }) => {}
            Err(error) => self.violations.push(format!("listing under the same key again failed: {error}")),
        }
        if let Some(found) = self.find("a lookup of a key that was used twice", first) {
            self.rule(found == expected, || {
                format!("{expected:?} are listed as {first}, and a lookup finds {found:?}")
            });
        }
        if let Some(other) = self.create("listing a second product", second) {
            self.rule(!expected.contains(&other.platform_id), || {
                format!("products of two keys have one id, {:?}", other.platform_id)
            });
        }
        if let Some(all) = self.pages() {
            for id in self.made.iter().map(|made| made.platform_id.clone()).collect::<Vec<_>>() {
                self.rule(all.contains(&id), || format!("{id:?} is listed, and is on no page"));
            }
        }
    }

    /// The ids on all pages.
    fn pages(&mut self) -> Option<BTreeSet<String>> {
        let mut all = BTreeSet::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = self.answer("asking for a page", self.marketplace.page(cursor.as_deref()))?;
            for product in page.products {
                let id = product.platform_id;
                self.rule(!all.contains(&id), || format!("{id:?} is on two pages"));
                all.insert(id);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Some(all),
            }
        }
        self.violations.push(format!("after {MOST_PAGES} pages there is still another one"));
        None
    }

    fn status(
        &mut self,
        key: &IdempotencyKey,
        id: &str,
        status: ListingStatus,
        set: &impl Fn(&str, ListingStatus) -> Result<(), CallError>,
    ) {
        if self.answer("setting a status", set(id, status)).is_none() {
            return;
        }
        let found = self.answer("a lookup", self.marketplace.find(key)).unwrap_or_default();
        let said = found.iter().find(|product| product.platform_id == id).map(|product| product.status);
        self.rule(said == Some(status), || format!("{id:?} is {status}, and a lookup says {said:?}"));
        if let Some(all) = self.pages() {
            self.rule(all.contains(id), || format!("{id:?} is {status}, and is on no page"));
        }
        let said = self.answer("a lookup by id", self.marketplace.lookup(id)).flatten().map(|product| product.status);
        self.rule(said == Some(status), || format!("{id:?} is {status}, and a lookup by its id says {said:?}"));
        let updated = self.answer("bringing a product up to date", self.marketplace.update(id, &self.offer));
        self.rule(updated.is_none_or(|product| product.is_some_and(|product| product.status.is_live())), || {
            format!("{id:?} is {status}, and an update says that it is gone")
        });
    }

    fn updating(&mut self) {
        if let Some(id) = self.made.first().map(|made| made.platform_id.clone()) {
            let updated = self.answer("bringing a product up to date", self.marketplace.update(&id, &self.offer));
            self.rule(updated.is_none_or(|product| product.is_some_and(|product| product.platform_id == id)), || {
                format!("{id:?} was brought up to date, and the answer is about no or another product")
            });
        }
        let unknown = "no-such-product";
        if let Some(answer) = self.answer("updating what is not there", self.marketplace.update(unknown, &self.offer)) {
            self.rule(answer.is_none(), || format!("{unknown:?} is not there, and was brought up to date"));
        }
    }

    fn taking_down(&mut self, keys: &[IdempotencyKey]) {
        for product in std::mem::take(&mut self.made) {
            let id = product.platform_id;
            self.answer("taking a product down", self.marketplace.withdraw(&id));
            self.answer("taking down what is down already", self.marketplace.withdraw(&id));
            if let Some(answer) = self.answer("updating what was taken down", self.marketplace.update(&id, &self.offer))
            {
                self.rule(answer.is_none_or(|product| !product.status.is_live()), || {
                    format!("{id:?} was taken down, and says that it is live")
                });
            }
            let found = self.answer("looking up what was taken down", self.marketplace.lookup(&id)).flatten();
            self.rule(found.is_none_or(|found| !found.status.is_live()), || {
                format!("{id:?} was taken down, and a lookup by its id says that it is live")
            });
            if let Some(all) = self.pages() {
                self.rule(!all.contains(&id), || format!("{id:?} was taken down, and is on a page"));
            }
        }
        for key in keys {
            if let Some(found) = self.find("a lookup after taking down", key) {
                self.rule(found.is_empty(), || format!("all of {key} was taken down, and a lookup finds {found:?}"));
            }
        }
    }
}
