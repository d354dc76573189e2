//! A fake platform: Etsy as a marketplace and Instagram as a social network, in memory.

use std::sync::{Arc, Mutex};

use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform, SocialPlatform};
use fieldfen_services::publishing::{
    CallError, Marketplace, Message, Offer, Post, Product, ProductPage, SocialNetwork,
};

/// A product or post: its id, and the key with which it was made.
type Item = (String, Option<IdempotencyKey>);

/// A marketplace and a social network in memory.
#[derive(Clone, Default)]
pub(crate) struct FakePlatform {
    items: Arc<Mutex<Vec<Item>>>,
}

impl FakePlatform {
    /// A platform with products or posts that another program has made, without keys.
    pub(crate) fn with(ids: &[&str]) -> Self {
        let items = ids.iter().map(|id| ((*id).to_owned(), None)).collect();
        Self { items: Arc::new(Mutex::new(items)) }
    }

    /// The ids of all products or posts, the oldest first.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.items.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    /// Makes a product or post with this key.
    pub(crate) fn make(&self, key: &IdempotencyKey) -> Item {
        let mut items = self.items.lock().unwrap();
        let made = (format!("made-{}", items.len()), Some(key.clone()));
        items.push(made.clone());
        made
    }

    fn with_key(&self, key: &IdempotencyKey) -> Vec<Item> {
        self.items.lock().unwrap().iter().filter(|(_, its)| its.as_ref() == Some(key)).cloned().collect()
    }

    fn with_id(&self, platform_id: &str) -> Option<Item> {
        self.items.lock().unwrap().iter().find(|(id, _)| id == platform_id).cloned()
    }

    fn remove(&self, platform_id: &str) {
        self.items.lock().unwrap().retain(|(id, _)| id != platform_id);
    }
}

fn product((platform_id, key): Item) -> Product {
    Product::new(platform_id, ListingStatus::Active).key(key)
}

fn post((platform_id, key): Item) -> Post {
    Post::new(platform_id).key(key)
}

impl Marketplace for FakePlatform {
    fn platform(&self) -> Platform {
        Platform::Etsy
    }

    fn create(&self, key: &IdempotencyKey, _: &Offer<'_>) -> Result<Product, CallError> {
        Ok(product(self.make(key)))
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        Ok(self.with_key(key).into_iter().map(product).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        Ok(self.with_id(platform_id).map(product))
    }

    fn update(&self, platform_id: &str, _: &Offer<'_>) -> Result<Option<Product>, CallError> {
        Ok(self.with_id(platform_id).map(product))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.remove(platform_id);
        Ok(())
    }

    fn page(&self, _: Option<&str>) -> Result<ProductPage, CallError> {
        let products = self.items.lock().unwrap().iter().cloned().map(product).collect();
        Ok(ProductPage::new(products))
    }
}

impl SocialNetwork for FakePlatform {
    fn platform(&self) -> SocialPlatform {
        SocialPlatform::Instagram
    }

    fn post(&self, key: &IdempotencyKey, _: &Message<'_>) -> Result<Post, CallError> {
        Ok(post(self.make(key)))
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Post>, CallError> {
        Ok(self.with_key(key).into_iter().map(post).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Post>, CallError> {
        Ok(self.with_id(platform_id).map(post))
    }

    fn delete(&self, platform_id: &str) -> Result<(), CallError> {
        self.remove(platform_id);
        Ok(())
    }
}
