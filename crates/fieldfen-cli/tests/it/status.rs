//! `fieldfen status` and `fieldfen jobs why`.

use crate::shop_harness::Shop;

#[test]
fn an_empty_shop_needs_nobody() {
    let shop = Shop::new();
    let status = shop.run(&["status"]);
    status.ends_with(0);
    assert!(status.out.starts_with("nothing needs a person\n"), "{}", status.out);
    let document = shop.run(&["status", "--json"]).document(0);
    assert_eq!((&document["needs"], &document["live_workers"]), (&serde_json::json!([]), &0.into()));
}

#[test]
fn what_needs_a_person_is_named_with_the_command_that_shows_it() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg", "grey-heron-evening-pond.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let jobs = shop.run(&["jobs", "list", "--json"]).document(0);
    let job = |index: usize| jobs["items"][index]["id"].as_str().unwrap();
    shop.run(&["jobs", "cancel", job(0), "--reason", "wrong picture"]).ends_with(0);
    shop.run(&["pause", "--service", "etsy", "--until", "2h", "--reason", "Etsy reviews the shop"]).ends_with(0);

    let status = shop.run(&["status"]);
    status.ends_with(0);
    for part in [
        "1 job of CreateFileRecord has failed: wrong picture",
        &format!("fieldfen jobs show {}", job(0)),
        "1 job of CreateFileRecord waits, and no living worker handles this kind",
        "service etsy is paused until",
        "by ann: Etsy reviews the shop",
        "no worker is alive",
    ] {
        assert!(status.out.contains(part), "{part}: {}", status.out);
    }
    let document = shop.run(&["status", "--json"]).document(0);
    let kind = &document["kinds"][0];
    assert_eq!((&kind["waiting"]["number"], &kind["dead"]["count"]["number"]), (&1.into(), &1.into()));
    let needs: Vec<_> = document["needs"].as_array().unwrap().iter().map(|need| &need["what"]).collect();
    assert_eq!(needs, ["no_live_worker", "dead_letters", "paused"], "the oldest first: {document}");
}

#[test]
fn a_job_says_why_it_does_not_run() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let jobs = shop.run(&["jobs", "list", "--json"]).document(0);
    let job = jobs["items"][0]["id"].as_str().unwrap();
    let why = shop.run(&["jobs", "why", job]);
    why.ends_with(0);
    assert_eq!(why.out, format!("job {job}: no living worker handles CreateFileRecord\n"));
    shop.run(&["pause", "--kind", "CreateFileRecord", "--reason", "the disk is full"]).ends_with(0);
    let why = shop.run(&["jobs", "why", job, "--json"]).document(0);
    assert_eq!((&why["why"], &why["by"], &why["job"]), (&"paused".into(), &"ann".into(), &job.into()));
    let shown = shop.run(&["jobs", "show", job]);
    let last = shown.out.lines().last().unwrap();
    assert!(last.starts_with("why ") && last.ends_with("until somebody resumes it: the disk is full"), "{last}");
    assert_eq!(shop.run(&["jobs", "show", job, "--json"]).document(0)["reason"]["why"], "paused");
    let nowhere = shop.run(&["jobs", "why", "00000000-0000-4000-8000-000000000000"]);
    nowhere.ends_with(11);
}
