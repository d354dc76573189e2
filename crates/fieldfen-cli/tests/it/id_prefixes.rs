//! Ids by their first digits.

use fieldfen_domain::FileId;
use fieldfen_domain::job::NewJob;
use fieldfen_domain::store::Store as _;
use fieldfen_testkit::fixtures::{at, file, kind};

use crate::shop_harness::Shop;

/// A shop with files `0b5a4f0e-1…` and `0b5a4f0e-2…`, and a job of the first one.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.store()
        .write(|s| {
            for (number, third) in [(1, 1), (2, 2)] {
                let mut new = file(number);
                new.id = FileId::from_random(0x0b5a_4f0e << 96 | third << 92);
                s.files().insert(&new)?;
                if number == 1 {
                    let id = fieldfen_domain::JobId::from_random(0xabcd_ef01 << 96);
                    let job = NewJob::untyped(id, kind("acme.count"), None, at(0)).unwrap().file_id(new.id);
                    let _ = s.jobs().enqueue(&job)?;
                }
            }
            Ok(())
        })
        .unwrap();
    shop
}

#[test]
fn the_first_digits_of_an_id_stand_for_it() {
    let shop = shop();
    let shown = shop.run(&["files", "show", "0b5a4f0e-1", "--json"]).document(0);
    assert_eq!(shown["id"], "0b5a4f0e-1000-4000-8000-000000000000");
    let edited = shop.run(&["files", "edit", "0b5a4f0e2", "--species", "red-fox", "--wait", "0"]);
    edited.ends_with(13);
    assert!(edited.out.contains("0b5a4f0e-2000-4000-8000-000000000000"), "{}", edited.out);
    for command in [&["jobs", "show"][..], &["jobs", "why"]] {
        let shown = shop.run(&[command, &["abcdef01"]].concat());
        shown.ends_with(0);
        assert!(shown.out.contains("abcdef01-0000-4000-8000-000000000000"), "{}", shown.out);
    }
    let jobs = shop.run(&["jobs", "list", "--file", "0b5a4f0e-1", "--json"]).document(0);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1);
    shop.run(&["jobs", "cancel", "abcdef01", "--reason", "a test"]).ends_with(0);
    let log = shop.run(&["log", "--subject", "job", "abcdef01", "--json"]).document(0);
    assert_eq!(log["items"][0]["subject"], "abcdef01-0000-4000-8000-000000000000", "{log}");
    shop.run(&["log", "--subject", "job", "abcdef02"]).ends_with(11);
    shop.run(&["log", "--subject", "file", "0b5a4f0e"]).ends_with(2);
}

#[test]
fn digits_of_several_ids_are_refused_with_the_candidates_and_others_are_not_found() {
    let shop = shop();
    let several = shop.run(&["files", "show", "0b5a4f0e"]);
    several.ends_with(2);
    for id in ["0b5a4f0e-1000-4000-8000-000000000000", "0b5a4f0e-2000-4000-8000-000000000000"] {
        assert!(several.err.contains(id), "{}", several.err);
    }
    let none = shop.run(&["files", "show", "0b5a4f0f"]);
    none.ends_with(11);
    assert!(none.err.contains("the id of no file begins with 0b5a4f0f"), "{}", none.err);
    let short = shop.run(&["files", "show", "0b5a4f0"]);
    short.ends_with(2);
    assert!(short.err.contains("8 or more digits"), "{}", short.err);
}

#[test]
fn a_request_about_a_row_that_is_not_there_is_not_made() {
    let shop = shop();
    let (file, other) = ("0b5a4f0e-1000-4000-8000-000000000000", "11111111-1111-4111-8111-111111111111");
    for (command, noun) in [
        (format!("files approve {other}"), "file"),
        (format!("files reject {other} --reason x"), "file"),
        (format!("files fail {other} --reason x"), "file"),
        (format!("files retry {other}"), "file"),
        (format!("files delete {other} --reason x --yes"), "file"),
        (format!("publications resolve {other} --not-ours --reason x"), "publication"),
        (format!("publications resolve {other} --nothing-there --reason x"), "publication"),
        (format!("listings resolve {other} --file {file} --not-there --reason x"), "listing"),
        (format!("posts resolve {other} --file {file} --not-there --reason x"), "post"),
        (format!("listings withdraw {other} --reason x --yes"), "listing"),
    ] {
        let refused = shop.run(&format!("{command} --wait 0").split(' ').collect::<Vec<_>>());
        refused.ends_with(11);
        assert!(refused.err.contains(&format!("there is no {noun} {other}")), "{command}: {}", refused.err);
    }
    let jobs = shop.run(&["jobs", "list", "--json"]).document(0);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "{jobs}");
}
