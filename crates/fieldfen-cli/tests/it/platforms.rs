//! Commands that only a worker with the client of a platform carries out: withdraw and reconcile.

use std::sync::{Arc, Mutex};

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use fieldfen_domain::store::Store as _;
use fieldfen_services::Environment;
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage, Publisher};
use fieldfen_services::shop::Shop as Rules;
use fieldfen_services::worker::Worker;
use fieldfen_testkit::fixtures::{
    at, file_id, file_in, listing_confirmation, listing_id, listing_target, platform_id, publication_id,
    reserve_request,
};
use serde_json::Value;

use crate::shop_harness::Shop;

/// An account of Etsy that has one product.
#[derive(Clone)]
struct Etsy {
    key: IdempotencyKey,
    live: Arc<Mutex<bool>>,
}

impl Etsy {
    fn product(&self) -> Option<Product> {
        let product = Product::new(platform_id(1), ListingStatus::Active).key(self.key.clone());
        self.live.lock().unwrap().then_some(product)
    }
}

impl Marketplace for Etsy {
    fn platform(&self) -> Platform {
        Platform::Etsy
    }

    fn create(&self, _key: &IdempotencyKey, _offer: &Offer<'_>) -> Result<Product, CallError> {
        Err(CallError::Refused { reason: "it sells nothing new".to_owned() })
    }

    fn find(&self, _key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        Ok(self.product().into_iter().collect())
    }

    fn lookup(&self, id: &str) -> Result<Option<Product>, CallError> {
        Ok(self.product().filter(|product| product.platform_id == id))
    }

    fn update(&self, id: &str, _offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        self.lookup(id)
    }

    fn withdraw(&self, id: &str) -> Result<(), CallError> {
        assert_eq!(id, platform_id(1));
        *self.live.lock().unwrap() = false;
        Ok(())
    }

    fn page(&self, _cursor: Option<&str>) -> Result<ProductPage, CallError> {
        Ok(ProductPage::new(self.product().into_iter().collect()))
    }
}

/// A shop with a file that is listed at Etsy, and that account of Etsy.
fn listed() -> (Shop, Etsy) {
    let shop = Shop::new();
    let key = shop
        .store()
        .write(|s| {
            file_in(s, 1, FileStatus::Approved)?;
            let _ = s.publications().reserve(&reserve_request(1, file_id(1), listing_target(""), at(0)))?;
            let _ = s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1)))?;
            Ok(s.publications().find(&publication_id(1))?.map(|its| its.client_key))
        })
        .unwrap();
    (shop, Etsy { key: key.unwrap(), live: Arc::new(Mutex::new(true)) })
}

fn worker(shop: &Shop, etsy: Option<&Etsy>) -> Worker {
    let pipeline = Rules::new().pipeline(Environment::system()).unwrap();
    let publisher = Publisher::new(shop.store(), pipeline);
    let publisher = etsy.into_iter().fold(publisher, |publisher, etsy| publisher.marketplace(etsy.clone()));
    publisher.serve(Worker::builder(shop.store(), Environment::system())).start().unwrap()
}

fn end(worker: Worker) {
    worker.stop_handle().stop();
    worker.join().unwrap();
}

#[test]
fn a_listing_is_withdrawn_by_a_worker_with_the_platforms_client() {
    let (shop, etsy) = listed();
    let id = listing_id(1).to_string();
    let withdraw = ["listings", "withdraw", id.as_str(), "--reason", "a wrong species"];
    let unconfirmed = shop.run(&withdraw);
    unconfirmed.ends_with(2);
    assert!(unconfirmed.err.contains("--yes"), "{}", unconfirmed.err);
    let waiting = shop.run(&[&withdraw[..], &["--yes", "--wait", "0"]].concat());
    waiting.ends_with(13);
    assert!(waiting.out.contains("no worker for fieldfen.withdraw is alive"), "{}", waiting.out);
    assert!(waiting.out.contains("with the clients of the platforms"), "{}", waiting.out);
    let again = shop.run(&[&withdraw[..], &["--yes", "--wait", "0"]].concat());
    again.ends_with(13);
    assert!(again.err.contains("the same request waits already"), "{}", again.err);
    let worker = worker(&shop, Some(&etsy));
    let done = shop.run(&[&withdraw[..], &["--yes", "--wait", "60", "--json"]].concat()).document(0);
    assert!(done["outcome"] == "done" || done["outcome"] == "unchanged", "{done}");
    end(worker);
    assert!(!*etsy.live.lock().unwrap());
    let shown = shop.run(&["listings", "show", &id, "--json"]).document(0);
    assert_eq!((&shown["status"], &shown["publication"]["state"]), (&"delisted".into(), &"ended".into()));
    let log = shop.run(&["log", "--subject", "listing", &id, "--json"]).document(0);
    let action = &log["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&action["action"], &action["outcome"]), (&"withdraw".into(), &"done".into()), "{log}");
}

#[test]
fn a_worker_without_the_platforms_client_names_what_is_missing() {
    let (shop, etsy) = listed();
    let worker = worker(&shop, None);
    let id = listing_id(1).to_string();
    let withdraw = ["listings", "withdraw", &id, "--reason", "a wrong species", "--yes", "--wait", "2"];
    let declined = shop.run(&withdraw);
    declined.ends_with(13);
    assert!(declined.out.contains("no marketplace or network is configured"), "{}", declined.out);
    end(worker);
    assert!(*etsy.live.lock().unwrap());
}

#[test]
fn an_account_is_reconciled_by_a_worker_with_the_platforms_client() {
    let (shop, etsy) = listed();
    let reconcile = ["listings", "reconcile", "--platform", "etsy"];
    let waiting = shop.run(&[&reconcile[..], &["--wait", "0"]].concat());
    waiting.ends_with(13);
    assert!(waiting.out.contains("no worker for fieldfen.reconcile is alive"), "{}", waiting.out);
    *etsy.live.lock().unwrap() = false;
    let worker = worker(&shop, Some(&etsy));
    let done = shop.run(&[&reconcile[..], &["--wait", "60", "--json"]].concat()).document(0);
    let message = done["message"].as_str().unwrap();
    let (_, found) = message.split_once("reconciled: ").unwrap();
    let found: Value = serde_json::from_str(found).unwrap();
    assert_eq!(shop.run(&["listings", "show", &listing_id(1).to_string(), "--json"]).document(0)["status"], "delisted");
    assert!(found["delisted"].is_u64(), "{found}");
    let elsewhere = shop.run(&["listings", "reconcile", "--platform", "etsy", "--account", "second", "--wait", "2"]);
    elsewhere.ends_with(13);
    assert!(elsewhere.out.contains("etsy/second"), "{}", elsewhere.out);
    assert!(elsewhere.out.contains("no marketplace or network is configured"), "{}", elsewhere.out);
    end(worker);
}
