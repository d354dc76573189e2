//! The targets of files by the rules of a shop, and rules that are invalid.

use fieldfen_domain::file::{Dimensions, File, FileState};
use fieldfen_domain::job::{JobKind, Payload};
use fieldfen_domain::publication::{Platform, PostType, SocialPlatform, Target};
use fieldfen_domain::{FileId, Timestamp};
use fieldfen_testkit::with;

use super::{ListingRule, PostRule, Retention, Shop, Variants};
use crate::Environment;
use crate::environment::{ManualClock, SeededRandomness};
use crate::upkeep::Upkeep;

fn file(species: &str, size: Option<(u32, u32)>) -> File {
    with!(
        File::new(FileId::from_random(1), "a.jpg", FileState::Approved),
        species: Some(species.to_owned()).filter(|species| !species.is_empty()),
        size: size.map(|(width, height)| Dimensions::new(width, height).unwrap()),
    )
}

/// The targets as `platform/account/variant or key`.
fn wanted(shop: &Shop, file: &File) -> Vec<String> {
    let text = |target: &Target| format!("{}/{}/{}", target.platform(), target.account(), target.variant_or_key());
    shop.targets(file).iter().map(text).collect()
}

#[test]
fn a_rule_is_for_the_files_of_its_shapes_and_species() {
    let shop = Shop::new()
        .publish(ListingRule::at(Platform::Etsy).species(["fox", "owl"]).aspect_ratios(["3:2".parse().unwrap()]))
        .post(PostRule::at(SocialPlatform::Instagram).post_type(PostType::Reel).post_key("first").species(["fox"]))
        .post(PostRule::at(SocialPlatform::Pinterest));
    shop.check().unwrap();
    let all = ["etsy//", "instagram//first", "pinterest//"];
    assert_eq!(wanted(&shop, &file("fox", Some((3000, 2000)))), all);
    assert_eq!(wanted(&shop, &file("owl", Some((3000, 2000)))), ["etsy//", "pinterest//"]);
    assert_eq!(wanted(&shop, &file("fox", Some((2000, 2000)))), all[1..]);
    assert_eq!(wanted(&shop, &file("fox", None)), all[1..]);
    assert_eq!(wanted(&shop, &file("", Some((3000, 2000)))), ["pinterest//"]);
}

#[test]
fn print_sizes_are_for_the_pictures_that_fill_them() {
    let prints = Shop::new().publish(ListingRule::at(Platform::Etsy).variants(Variants::Prints));
    assert_eq!(wanted(&prints, &file("", Some((3000, 2000)))), ["etsy//12x8", "etsy//18x12", "etsy//36x24"]);
    assert!(wanted(&prints, &file("", Some((2100, 900)))).is_empty() && wanted(&prints, &file("", None)).is_empty());
    let these = Variants::These(["18x12", "16x20", "canvas"].map(str::to_owned).to_vec());
    let some = Shop::new().publish(ListingRule::at(Platform::Etsy).variants(these));
    assert_eq!(wanted(&some, &file("", Some((3000, 2000)))), ["etsy//18x12", "etsy//canvas"]);
    assert_eq!(wanted(&some, &file("", Some((800, 1000)))), ["etsy//16x20", "etsy//canvas"]);
    assert_eq!(wanted(&some, &file("", None)), ["etsy//canvas"]);
}

#[test]
fn a_target_is_wanted_once_however_many_rules_and_closures_name_it() {
    let own = Platform::own("prints.example").unwrap();
    let shop = Shop::new()
        .marketplace(Platform::Etsy, ["main"])
        .marketplace(own, [])
        .publish(ListingRule::at(Platform::Etsy))
        .publish(ListingRule::at(Platform::Etsy).account("main").species(["fox"]))
        .publish(ListingRule::at(own))
        .wanting(|file| {
            let target = |variant: &str| Target::listing(Platform::Etsy).at_account("main").with_variant(variant);
            vec![target(""), target(&file.original_filename)]
        });
    shop.check().unwrap();
    assert_eq!(wanted(&shop, &file("fox", None)), ["etsy/main/", "prints.example//", "etsy/main/a.jpg"]);
}

#[test]
fn a_rule_that_cannot_be_is_named_with_its_value() {
    let etsy = || ListingRule::at(Platform::Etsy);
    let these = |variants: &[&str]| Variants::These(variants.iter().map(|&variant| variant.to_owned()).collect());
    let own = Platform::own("esty").unwrap();
    let reel = || PostRule::at(SocialPlatform::Instagram).post_type(PostType::Reel);
    let story = || reel().post_type(PostType::Story);
    Shop::new().post(reel().species(["owl"])).post(story().species(["fox"])).check().unwrap();
    Shop::new().post(reel()).post(story().post_key("story")).post(reel().species(["fox"])).check().unwrap();
    for (shop, message) in [
        (Shop::new().upscaling(65, 300), "upscaling.scale_factor is 65: it must be 1 to 64"),
        (
            Shop::new().publish(etsy()).publish(ListingRule::at(own)),
            "publish #2, platform is \"esty\": a platform of the shop's own must be declared in [marketplaces], with its \
             accounts or with []",
        ),
        (
            Shop::new().marketplace(Platform::Etsy, ["a", "b"]).publish(etsy()),
            "publish #1, account is \"\": it must be one of the accounts of etsy in [marketplaces]: [\"a\", \"b\"]",
        ),
        (
            Shop::new().marketplace(Platform::Etsy, ["main"]).publish(etsy().account("mian")),
            "publish #1, account is \"mian\": it must be one of the accounts of etsy in [marketplaces]: [\"main\"]",
        ),
        (
            Shop::new().post(PostRule::at(SocialPlatform::Tiktok).account("a")),
            "post #1, account is \"a\": tiktok has a single account without a name: leave it out, or declare it in [networks]",
        ),
        (
            Shop::new().marketplace(Platform::Etsy, ["", "b"]),
            "marketplaces.etsy is {\"\", \"b\"}: of several accounts, each must have a name",
        ),
        (
            Shop::new().publish(etsy().species([])),
            "publish #1, species is []: the rule is for no file: leave it out for all files",
        ),
        (
            Shop::new().publish(etsy().species(["fox", " "])),
            "publish #1, species #2 is blank: no file has this species",
        ),
        (
            Shop::new().publish(etsy().variants(these(&[]))),
            "publish #1, variants is []: the rule makes no product: leave it out for one without a variant",
        ),
        (
            Shop::new().publish(etsy().variants(these(&["a", "a"]))),
            "publish #1, variants #2 is \"a\": it is there twice",
        ),
        (
            Shop::new().publish(etsy().variants(these(&["16x20"])).aspect_ratios(["3:2".parse().unwrap()])),
            "publish #1, variants #1 is \"16x20\": a print of this size is 4:5, and the rule is for 3:2 only",
        ),
        (
            Shop::new().publish(etsy().variants(these(&["a", "b\0"]))),
            "publish #1, variants #2 is \"b\\0\": a name must have at most 255 bytes, no control characters, and no blank at \
             an end",
        ),
        (
            Shop::new().marketplace(Platform::Etsy, ["main "]).publish(etsy()),
            "marketplaces.etsy is \"main \": a name must have at most 255 bytes, no control characters, and no blank at an end",
        ),
        (
            Shop::new().post(reel().species(["owl"])).post(story().species(["fox", "owl"])),
            "post #2, post_key is \"\": a file is posted once for each key, and post #1 has it for another post_type",
        ),
        (Shop::new().retries(1_000_001), "retries.otherwise is 1000001: it must be 0 to 1000000"),
        (
            Shop::new().retries_of(JobKind::CreateListing, 2_000_000),
            "retries.CreateListing is 2000000: it must be 0 to 1000000",
        ),
    ] {
        assert_eq!(shop.check().unwrap_err().to_string(), message);
        assert!(shop.pipeline(Environment::system()).is_err());
    }
    let retention = Retention { failed_jobs_days: Some(0), ..Retention::default() };
    let error = Shop::new().retention(retention).check().unwrap_err();
    assert_eq!(error.to_string(), "retention.failed_jobs_days is 0: it must be 1 to 36500");
}

#[test]
fn retries_and_retention_reach_the_queue_and_the_upkeep() {
    let deliveries_hours = [("stripe".to_owned(), 800), ("otherwise".to_owned(), 48)].into();
    let retention = Retention { completed_jobs_days: Some(2), deliveries_hours, ..Retention::default() };
    let shop =
        Shop::new().retries(3).retries_of(JobKind::CreateListing, 8).retries_of(Upkeep::kind(), 0).retention(retention);
    shop.check().unwrap();
    let policies = shop.retry_policies();
    let retries =
        [JobKind::CreateListing, JobKind::UpscaleImage, Upkeep::kind()].map(|kind| policies.of(&kind).max_retries);
    assert_eq!(retries, [8, 3, 0]);
    let upkeep = shop.upkeep();
    assert_eq!(upkeep, Upkeep { completed_max_age_secs: 172_800, ..Upkeep::default() });
    let hours = |source: &str| shop.deliveries().of(source).as_secs() / 3600;
    assert_eq!((hours("stripe"), hours("shopify"), hours("github")), (800, 48, 169));
}

#[test]
fn the_pipeline_of_a_shop_has_its_rules() {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let environment = Environment::new(clock, SeededRandomness::new(1));
    let shop =
        Shop::new().upscaling(2, 150).retries_of(JobKind::CreateListing, 8).publish(ListingRule::at(Platform::Etsy));
    let pipeline = shop.pipeline(environment).unwrap();
    assert_eq!(pipeline.targets(&file("fox", None)).len(), 1);
    let shown = format!("{pipeline:?}");
    for rule in ["approval: Operator", "scale_factor: 2", "target_dpi: 150", "max_retries: 5", "CreateListing: 8"] {
        assert!(shown.contains(rule), "{shown}");
    }
}
