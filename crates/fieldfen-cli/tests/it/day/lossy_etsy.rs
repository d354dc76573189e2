//! A worker that publishes at an Etsy that loses its first answer, and whose search is down for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use fieldfen_domain::job::{Backoff, CreateListing};
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder};
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage, Publisher};
use fieldfen_services::shop::ShopFile;
use fieldfen_services::worker::Worker;

use crate::shop_harness::Shop;

/// The id that Etsy gives to the second product.
const ANSWERED: &str = "1234567891";

/// A worker in this process that publishes by the rules of the shop.
pub(super) struct LossyEtsy {
    worker: Worker,
    search_is_up: Arc<AtomicBool>,
}

impl LossyEtsy {
    pub(super) fn start(shop: &Shop) -> Self {
        let environment = Environment::system();
        let search_is_up = Arc::new(AtomicBool::new(false));
        let rules = ShopFile::read(shop.folder().join("fieldfen.toml")).unwrap().shop().unwrap();
        let costs = ApiCosts::new(shop.store(), environment.clone()).prices(rules.prices().unwrap());
        let calls = CallRecorder::new(ApiUsage::new(shop.store(), environment.clone())).costs(costs);
        let etsy = Etsy { search_is_up: Arc::clone(&search_is_up), calls: AtomicU32::new(0) };
        let publisher = Publisher::new(shop.store(), rules.pipeline(environment.clone()).unwrap());
        let publisher = publisher.marketplace(etsy).record_calls(calls);
        // The job of the lost answer is not retried in this test, so that the number of calls is the same in each run.
        let late = Backoff::new(Duration::from_secs(86_400), Duration::from_secs(86_400));
        let worker = Worker::builder(shop.store(), environment).backoff::<CreateListing>(late);
        let worker = publisher.serve(worker).start().unwrap();
        Self { worker, search_is_up }
    }

    pub(super) fn search_is_up(&self) {
        self.search_is_up.store(true, Ordering::SeqCst);
    }

    pub(super) fn stop(self) {
        self.worker.stop_handle().stop();
        self.worker.join().unwrap();
    }
}

/// Etsy, which gives no answer for the first product.
struct Etsy {
    search_is_up: Arc<AtomicBool>,
    calls: AtomicU32,
}

impl Etsy {
    fn lost<T>() -> Result<T, CallError> {
        Err(CallError::NoAnswer { reason: "openapi.etsy.com has not answered within 30 s".to_owned() })
    }

    fn product(id: &str) -> Product {
        Product::new(id, ListingStatus::Active).platform_status("active")
    }
}

impl Marketplace for Etsy {
    fn platform(&self) -> Platform {
        Platform::Etsy
    }

    fn create(&self, _key: &IdempotencyKey, _offer: &Offer<'_>) -> Result<Product, CallError> {
        match self.calls.fetch_add(1, Ordering::SeqCst) {
            0 => Self::lost(),
            _ => Ok(Self::product(ANSWERED)),
        }
    }

    fn find(&self, _key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        Self::lost()
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        if !self.search_is_up.load(Ordering::SeqCst) {
            return Self::lost();
        }
        Ok(Some(Self::product(platform_id)))
    }

    fn update(&self, platform_id: &str, _offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        self.lookup(platform_id)
    }

    fn withdraw(&self, _platform_id: &str) -> Result<(), CallError> {
        Err(CallError::Refused { reason: "nobody withdraws it".to_owned() })
    }

    fn page(&self, _cursor: Option<&str>) -> Result<ProductPage, CallError> {
        Self::lost()
    }
}
