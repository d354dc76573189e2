//! The products and posts of an adopted database are not published again under another variant, post key or account.

use std::sync::{Arc, Mutex};

use fieldfen_domain::FileId;
use fieldfen_domain::job::{CreateListing, PublishSocial};
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform, Publication, SocialPlatform, Target};
use fieldfen_domain::store::Store as _;
use fieldfen_migrate::{Adoption, Migrator};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::pipeline::Pipeline;
use fieldfen_services::publishing::{
    CallError, Marketplace, Message, Offer, Post, Product, ProductPage, PublishOutcome, Publisher, RowResolution,
    RowResolutionOutcome, SocialNetwork,
};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::sqlalchemy::ShopDatabase;

use crate::adopt::shop_of;
use crate::shop_harness::Shop;

/// The file of the fixture that is at Etsy as 7001 and at Instagram as p0.
const FILE: &str = "3a46e6b0-99f9-46b1-9d45-af1cb0caae1c";

/// A platform that has the product or post of the fixture, unless it is gone, and those that were made since.
#[derive(Clone)]
struct FakePlatform {
    account: &'static str,
    has_old: bool,
    /// The keys and the variants of what was made.
    made: Arc<Mutex<Vec<(IdempotencyKey, String)>>>,
}

impl FakePlatform {
    fn at(account: &'static str) -> Self {
        Self { account, has_old: true, made: Arc::default() }
    }

    fn made(&self) -> Vec<String> {
        self.made.lock().unwrap().iter().map(|(_, variant)| variant.clone()).collect()
    }

    fn make(&self, key: &IdempotencyKey, variant: &str) -> String {
        let mut made = self.made.lock().unwrap();
        made.push((key.clone(), variant.to_owned()));
        format!("new-{}", made.len())
    }

    /// The ids and keys of what was made.
    fn products(&self) -> Vec<(String, IdempotencyKey)> {
        let made = self.made.lock().unwrap();
        made.iter().enumerate().map(|(at, (key, _))| (format!("new-{}", at + 1), key.clone())).collect()
    }

    fn has(&self, old: &str, id: &str) -> bool {
        self.has_old && id == old || self.products().iter().any(|(new, _)| new == id)
    }
}

fn product(id: &str) -> Product {
    Product::new(id, ListingStatus::Active)
}

impl Marketplace for FakePlatform {
    fn platform(&self) -> Platform {
        Platform::Etsy
    }

    fn account(&self) -> &str {
        self.account
    }

    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        Ok(product(&self.make(key, offer.variant)).key(key.clone()))
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        let new = self.products().into_iter().filter(|(_, its)| its == key);
        Ok(new.map(|(id, key)| product(&id).key(key)).collect())
    }

    fn lookup(&self, id: &str) -> Result<Option<Product>, CallError> {
        Ok(self.has("7001", id).then(|| product(id)))
    }

    fn update(&self, id: &str, _: &Offer<'_>) -> Result<Option<Product>, CallError> {
        Marketplace::lookup(self, id)
    }

    fn withdraw(&self, _: &str) -> Result<(), CallError> {
        Err(CallError::Refused { reason: "nothing may be taken down here".to_owned() })
    }

    fn page(&self, _: Option<&str>) -> Result<ProductPage, CallError> {
        Ok(ProductPage::new(Vec::new()))
    }
}

impl SocialNetwork for FakePlatform {
    fn platform(&self) -> SocialPlatform {
        SocialPlatform::Instagram
    }

    fn account(&self) -> &str {
        self.account
    }

    fn post(&self, key: &IdempotencyKey, _: &Message<'_>) -> Result<Post, CallError> {
        Ok(Post::new(self.make(key, "a post")).key(key.clone()))
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Post>, CallError> {
        let new = self.products().into_iter().filter(|(_, its)| its == key);
        Ok(new.map(|(id, key)| Post::new(id).key(key)).collect())
    }

    fn lookup(&self, id: &str) -> Result<Option<Post>, CallError> {
        Ok(self.has("p0", id).then(|| Post::new(id)))
    }

    fn delete(&self, _: &str) -> Result<(), CallError> {
        Err(CallError::Refused { reason: "nothing may be deleted here".to_owned() })
    }
}

/// An adopted shop whose rules want these targets for each file.
struct Adopted {
    _shop: Shop,
    platform: FakePlatform,
    publisher: Publisher<SqliteStore>,
}

impl Adopted {
    fn wanting(wanted: &[Target], platform: FakePlatform) -> Self {
        Self::with_settings(wanted, platform, Adoption::new())
    }

    fn with_settings(wanted: &[Target], platform: FakePlatform, settings: Adoption) -> Self {
        let shop = shop_of(&ShopDatabase::named("clean"));
        let adopted = Migrator::new(shop.url()).unwrap().backups(None).adoption(settings).up().unwrap();
        assert_eq!(adopted.adoption.unwrap().publications.confirmed, 5);
        let (store, wanted) = (SqliteStore::open(shop.database()).unwrap(), wanted.to_vec());
        let pipeline = Pipeline::new(Environment::system()).wanting(move |_| wanted.clone());
        let publisher = Publisher::new(store, pipeline).marketplace(platform.clone()).network(platform.clone());
        Self { _shop: shop, platform, publisher }
    }

    fn list(&self, variant: &str) -> PublishOutcome {
        let job = CreateListing::new(file(), Platform::Etsy).account(self.platform.account).variant(variant);
        self.publisher.list(&job).unwrap()
    }

    fn post(&self, key: &str) -> PublishOutcome {
        let job = PublishSocial::new(file(), SocialPlatform::Instagram).account(self.platform.account).post_key(key);
        self.publisher.post(&job).unwrap()
    }

    fn publications(&self, platform: &str) -> Vec<Publication> {
        let all = self.publisher.store().read(|s| s.publications().list_by_file(&file())).unwrap();
        all.into_iter().filter(|its| its.target.platform() == platform && its.state.is_live()).collect()
    }

    /// The accounts, variants and ids of the live publications at a platform.
    fn live(&self, platform: &str) -> Vec<(String, String, String)> {
        let of = |its: Publication| {
            let (account, variant) = (its.target.account().to_owned(), its.target.variant_or_key().to_owned());
            (account, variant, its.platform_id.unwrap_or_default())
        };
        self.publications(platform).into_iter().map(of).collect()
    }
}

fn file() -> FileId {
    FILE.parse().unwrap()
}

fn etsy(variant: &str) -> Target {
    Target::listing(Platform::Etsy).with_variant(variant)
}

fn instagram(key: &str) -> Target {
    Target::post(SocialPlatform::Instagram, key)
}

fn already(id: &str) -> PublishOutcome {
    PublishOutcome::AlreadyPublished { platform_id: id.to_owned() }
}

fn live(account: &str, variant: &str, id: &str) -> (String, String, String) {
    (account.to_owned(), variant.to_owned(), id.to_owned())
}

#[track_caller]
fn assert_waits(outcome: &PublishOutcome, named: &[&str]) {
    let PublishOutcome::WaitsForPerson { reason } = outcome else { panic!("{outcome:?}") };
    assert!(named.iter().all(|text| reason.contains(text)), "{reason}");
}

#[test]
fn a_product_becomes_the_only_variant_that_the_rules_want() {
    let shop = Adopted::wanting(&[etsy("canvas")], FakePlatform::at(""));
    assert!(shop.publications("etsy")[0].has_open_target());
    for _ in 0..2 {
        assert_eq!(shop.list("canvas"), already("7001"));
        assert_eq!(shop.live("etsy"), [live("", "canvas", "7001")]);
    }
    let publications = shop.publications("etsy");
    assert!(!publications[0].has_open_target());
    assert_eq!(publications[0].client_key, IdempotencyKey::derive(&file(), &etsy("canvas"), 0));
    assert!(shop.platform.made().is_empty());
}

#[test]
fn of_several_wanted_variants_a_person_says_which_one_the_product_is() {
    let shop = Adopted::wanting(&[etsy("canvas"), etsy("print")], FakePlatform::at(""));
    for variant in ["canvas", "print"] {
        assert_waits(&shop.list(variant), &["7001", "\"canvas\"", "\"print\""]);
    }
    assert!(shop.platform.made().is_empty());
    let row = shop.publisher.untracked(&file(), &etsy("print")).unwrap()[0].id();
    let is_print = RowResolution::Adopt { target: etsy("print"), platform_id: None };
    let resolved = shop.publisher.resolve_row(&file(), row, &is_print, &by_ann("looked")).unwrap();
    assert!(matches!(&resolved, RowResolutionOutcome::Adopted { .. }), "{resolved:?}");
    let again = shop.publisher.resolve_row(&file(), row, &is_print, &by_ann("looked")).unwrap();
    assert_eq!(again, RowResolutionOutcome::NotUntracked);
    assert_eq!(shop.list("print"), already("7001"));
    assert!(matches!(shop.list("canvas"), PublishOutcome::Published { .. }));
    assert_eq!(shop.platform.made(), ["canvas"]);
}

#[test]
fn a_job_without_a_rule_waits_for_a_person() {
    let shop = Adopted::wanting(&[], FakePlatform::at(""));
    assert_waits(&shop.list("canvas"), &["7001", "rules"]);
    assert_waits(&shop.post("launch"), &["p0", "rules"]);
    assert!(shop.platform.made().is_empty());
    assert_eq!((shop.list(""), shop.post("")), (already("7001"), already("p0")));
}

#[test]
fn what_the_rules_want_without_variant_or_key_is_the_old_one_and_another_key_is_a_deliberate_repost() {
    let shop = Adopted::wanting(&[etsy(""), instagram("")], FakePlatform::at(""));
    assert!(matches!(shop.post("again"), PublishOutcome::Published { .. }));
    assert_eq!((shop.post(""), shop.list("")), (already("p0"), already("7001")));
    assert_eq!(shop.platform.made(), ["a post"]);
    assert_eq!(shop.live("instagram"), [live("", "", "p0"), live("", "again", "new-1")]);
}

#[test]
fn a_post_becomes_the_only_one_that_the_rules_want() {
    let shop = Adopted::wanting(&[instagram("launch")], FakePlatform::at(""));
    assert_eq!(shop.post("launch"), already("p0"));
    assert!(matches!(shop.post("christmas"), PublishOutcome::Published { .. }));
    assert_eq!(shop.platform.made(), ["a post"]);
}

#[test]
fn a_product_gets_the_account_at_which_it_is_found() {
    let wanted = etsy("canvas").at_account("prints");
    let shop = Adopted::wanting(std::slice::from_ref(&wanted), FakePlatform::at("prints"));
    assert_eq!(shop.list("canvas"), already("7001"));
    assert_eq!(shop.live("etsy"), [live("prints", "canvas", "7001")]);
    // An account that the adoption was told is no other one.
    let settings = Adoption::new().account("etsy", "posters");
    let shop =
        Adopted::with_settings(&[wanted], FakePlatform { has_old: false, ..FakePlatform::at("prints") }, settings);
    assert!(matches!(shop.list("canvas"), PublishOutcome::Published { .. }));
}

#[test]
fn a_product_that_is_gone_gives_way_to_one_new_one() {
    let gone = FakePlatform { has_old: false, ..FakePlatform::at("") };
    let shop = Adopted::wanting(&[etsy("canvas")], gone);
    assert!(matches!(shop.list("canvas"), PublishOutcome::Published { .. }));
    assert_eq!(shop.list("canvas"), already("new-1"));
    assert_eq!(
        (shop.platform.made(), shop.live("etsy")),
        (vec!["canvas".to_owned()], vec![live("", "canvas", "new-1")])
    );
}
