//! The commands of an operator's day: take pictures in, list, approve, retry, pause.

use std::fs;

use crate::shop_harness::Shop;

#[test]
fn a_folder_of_pictures_is_taken_in_once() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg", "grey-heron-evening-pond.jpg"]);
    fs::write(shop.folder().join("pictures/.hidden"), "no picture").unwrap();
    let first = shop.run(&["files", "ingest", "pictures", "--json"]).document(0);
    let outcomes: Vec<_> = first["items"].as_array().unwrap().iter().map(|item| &item["outcome"]).collect();
    assert_eq!(outcomes, ["created", "created"]);
    let again = shop.run(&["files", "ingest", "pictures", "--json"]).document(0);
    for (first, again) in first["items"].as_array().unwrap().iter().zip(again["items"].as_array().unwrap()) {
        assert_eq!((&again["outcome"], &again["id"]), (&"known".into(), &first["id"]));
    }
    let list = shop.run(&["files", "list", "--json"]).document(0);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert_eq!(list["items"][0]["name"], "red-fox-first-snow.jpg", "the newest comes first");
    assert!(list["items"][0]["width"].as_u64().is_some_and(|width| width > 0), "{list}");
}

#[test]
fn what_is_no_picture_is_refused_by_name_and_the_others_are_taken() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    fs::write(shop.folder().join("pictures/notes.txt"), "no picture").unwrap();
    let answer = shop.run(&["files", "ingest", "pictures"]);
    answer.ends_with(12);
    assert!(answer.out.contains("notes.txt: refused"), "{}", answer.out);
    assert!(answer.err.contains("1 of 2"), "{}", answer.err);
    assert_eq!(shop.run(&["files", "list", "--json"]).document(0)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn pages_follow_each_other_by_cursor() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg", "grey-heron-evening-pond.jpg", "brown-bear-autumn-ridge.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let mut names = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..4 {
        let mut arguments = vec!["files", "list", "--json", "--limit", "1", "--oldest"];
        arguments.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor]));
        let page = shop.run(&arguments).document(0);
        names.extend(page["items"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(names, ["brown-bear-autumn-ridge.jpg", "grey-heron-evening-pond.jpg", "red-fox-first-snow.jpg"]);
}

#[test]
fn an_action_waits_for_a_worker_and_its_refusal_is_told() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    let ingested = shop.run(&["files", "ingest", "pictures", "--json"]).document(0);
    let file = ingested["items"][0]["id"].as_str().unwrap();
    let waits = shop.run(&["files", "approve", file, "--wait", "0"]);
    waits.ends_with(13);
    assert!(waits.out.contains("no worker"), "{}", waits.out);

    let worker = shop.operators_worker();
    let refused = shop.run(&["files", "approve", file, "--wait", "60", "--json"]);
    assert_eq!(refused.document(12)["outcome"], "refused", "a file that is not processed cannot be approved");
    let failed = shop.run(&["files", "fail", file, "--reason", "not sharp", "--wait", "60"]);
    failed.ends_with(0);
    worker.stop_handle().stop();
    worker.join().unwrap();

    let shown = shop.run(&["files", "show", file, "--json"]).document(0);
    assert_eq!((&shown["status"], &shown["failure"]), (&"failed".into(), &"fail by ann: not sharp".into()));
    let log = shop.run(&["log", "--subject", "file", file, "--json"]).document(0);
    let actions: Vec<_> = log["items"].as_array().unwrap().iter().map(|action| &action["action"]).collect();
    assert_eq!(actions, ["fail", "approve", "approve"], "{log}");
    assert_eq!(log["items"][0]["by"], "ann");
}

#[test]
fn a_cancelled_job_is_a_dead_letter_until_it_is_retried() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let jobs = shop.run(&["jobs", "list", "--status", "pending", "--json"]).document(0);
    let job = jobs["items"][0]["id"].as_str().unwrap();
    shop.run(&["jobs", "cancel", job, "--reason", "wrong picture"]).ends_with(0);
    let dead = shop.run(&["jobs", "list", "--dead", "--json"]).document(0);
    assert_eq!((&dead["items"][0]["id"], &dead["items"][0]["error"]), (&job.into(), &"wrong picture".into()));
    let shown = shop.run(&["jobs", "show", job]);
    assert!(shown.out.contains("wrong picture"), "{}", shown.out);
    shop.run(&["jobs", "retry", job]).ends_with(0);
    let again = shop.run(&["jobs", "retry", job]);
    again.ends_with(12);
    assert!(again.err.contains("pending"), "{}", again.err);
}

#[test]
fn a_pause_is_listed_and_lifted() {
    let shop = Shop::new();
    shop.run(&["pause", "--service", "etsy", "--until", "2h", "--reason", "Etsy reviews the shop"]).ends_with(0);
    let pauses = shop.run(&["pauses", "--json"]).document(0);
    let pause = &pauses["items"][0];
    assert_eq!((&pause["scope"], &pause["name"], &pause["by"]), (&"service".into(), &"etsy".into(), &"ann".into()));
    let shorter = shop.run(&["pause", "--service", "etsy", "--until", "1h", "--reason", "shorter", "--json"]);
    assert_eq!(shorter.document(0)["outcome"], "unchanged");
    let past = shop.run(&["pause", "--service", "ebay", "--until", "2020-01-01", "--reason", "too late"]);
    past.ends_with(2);
    assert!(past.err.contains("2020-01-01"), "{}", past.err);
    shop.run(&["resume", "--service", "etsy"]).ends_with(0);
    assert_eq!(shop.run(&["resume", "--service", "etsy", "--json"]).document(0)["outcome"], "unchanged");
    assert_eq!(
        shop.run(&["pauses"]).out,
        "nothing is paused: `fieldfen pause` pauses a kind, a service or an account\n"
    );
}

#[test]
fn a_name_of_a_file_controls_no_terminal() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    let hostile = "fox\u{1b}[2J\u{202e}.jpg";
    fs::rename(shop.folder().join("pictures/red-fox-first-snow.jpg"), shop.folder().join("pictures").join(hostile))
        .unwrap();
    let ingest = shop.run(&["files", "ingest", "pictures"]);
    ingest.ends_with(0);
    let list = shop.run(&["files", "list"]);
    for out in [&ingest.out, &list.out] {
        assert!(out.contains("fox") && !out.contains('\u{1b}') && !out.contains('\u{202e}'), "{out:?}");
    }
    assert_eq!(shop.run(&["files", "list", "--json"]).document(0)["items"][0]["name"], hostile);
}
