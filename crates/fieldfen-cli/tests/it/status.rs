//! `fieldfen status` and `fieldfen jobs why`.

use crate::shop_harness::Shop;

#[test]
fn an_empty_shop_needs_nobody() {
    let shop = Shop::new();
    shop.run(&["backup", "run"]).ends_with(0);
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
        "1 dead letter of CreateFileRecord: wrong picture",
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
    assert_eq!(needs, ["no_live_worker", "dead_letters", "paused", "backup"], "the oldest first: {document}");
}

#[test]
fn dead_letters_are_shown_by_error_and_not_one_by_one() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg", "grey-heron-evening-pond.jpg", "whitetail-deer-morning-mist.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let jobs = shop.run(&["jobs", "list", "--json"]).document(0);
    for (index, reason) in ["tray 1 is empty", "tray 22 is empty", "no ink"].into_iter().enumerate() {
        let job = jobs["items"][index]["id"].as_str().unwrap();
        shop.run(&["jobs", "cancel", job, "--reason", reason]).ends_with(0);
    }
    let status = shop.run(&["status"]);
    for part in [
        "2 dead letters of CreateFileRecord: tray 22 is empty  [fieldfen jobs errors]",
        "1 dead letter of CreateFileRecord: no ink  [fieldfen jobs show ",
    ] {
        assert!(status.out.contains(part), "{part}: {}", status.out);
    }
    let needs = shop.run(&["status", "--json"]).document(0)["needs"].clone();
    let dead: Vec<_> = needs.as_array().unwrap().iter().filter(|need| need["what"] == "dead_letters").collect();
    let shown: Vec<_> = dead.iter().map(|need| (&need["count"]["number"], &need["fingerprint"])).collect();
    assert_eq!(shown, [(&2.into(), &"tray <n> is empty".into()), (&1.into(), &"no ink".into())], "{needs}");
}

#[test]
fn a_backup_that_is_too_old_needs_a_person() {
    let shop = Shop::new();
    let backups = |shop: &Shop| {
        let needs = shop.run(&["status", "--json"]).document(0)["needs"].clone();
        needs.as_array().unwrap().iter().filter(|need| need["what"] == "backup").cloned().collect::<Vec<_>>()
    };
    assert_eq!(backups(&shop)[0]["since"], serde_json::Value::Null, "there is no backup");
    assert!(shop.run(&["status"]).out.contains("there is no backup in backups  [fieldfen backup run]"));
    shop.run(&["backup", "run"]).ends_with(0);
    assert_eq!(backups(&shop), Vec::<serde_json::Value>::new());
    let folder = shop.folder().join("backups");
    let made = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let made = made.into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).unwrap();
    std::fs::rename(made, folder.join("fieldfen-20260101.db")).unwrap();
    assert_eq!(backups(&shop)[0]["since"], "2026-01-02T00:00:00Z");
    assert!(shop.run(&["status"]).out.contains("the newest backup in backups is too old"));
    std::fs::write(shop.folder().join("fieldfen.toml"), "[backups]\nmax_age_hours = 800000\n").unwrap();
    assert_eq!(backups(&shop), Vec::<serde_json::Value>::new());
}

#[test]
fn rows_that_cannot_be_read_are_counted_and_one_is_named() {
    let shop = Shop::new();
    shop.sql("INSERT INTO jobs (id, command_type, status) VALUES ('not an id', 'test.work', 'completed')");
    let status = shop.run(&["status"]);
    status.ends_with(0);
    assert!(status.out.contains("1+ rows cannot be read: jobs not an id: column id holds"), "{}", status.out);
    assert!(status.out.contains("[fieldfen doctor]"), "{}", status.out);
}

#[test]
fn a_pause_that_cannot_be_read_hides_nothing_else() {
    let shop = Shop::new();
    shop.sql("INSERT INTO pauses VALUES ('kind', 'test.work', 'r', 'soon', NULL, 'ann')");
    let status = shop.run(&["status"]);
    status.ends_with(0);
    assert!(status.out.contains("1 row cannot be read: pauses kind test.work: column"), "{}", status.out);
    assert!(status.out.contains("there is no backup in backups"), "{}", status.out);
    let report = shop.run(&["usage", "report"]);
    report.ends_with(0);
    assert!(report.out.contains("not readable: pauses kind test.work: column"), "{}", report.out);
}

#[test]
fn migrations_that_are_pending_or_unknown_are_the_first_line() {
    let shop = Shop::new();
    shop.run(&["migrate", "down", "--to", "0014"]).ends_with(0);
    let pending = shop.run(&["status"]);
    pending.ends_with(5);
    let first = pending.out.lines().next().unwrap();
    assert!(
        first.contains("migrations are pending: run `fieldfen migrate up`, which also backs the database up (0015_"),
        "{first}"
    );
    let document = shop.run(&["status", "--json"]).document(5);
    assert_eq!(
        (&document["needs"][0]["what"], &document["needs"][0]["since"]),
        (&"pending_migrations".into(), &serde_json::Value::Null)
    );
    shop.run(&["migrate", "up"]).ends_with(0);
    shop.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')");
    let unknown = shop.run(&["status"]);
    unknown.ends_with(5);
    assert_eq!(unknown.out, "1 migration is unknown to this program: use the newer program (9999)\n");
    shop.sql("DELETE FROM __diesel_schema_migrations WHERE version = '9999'; DROP INDEX idx_jobs_lease");
    let changed = shop.run(&["status"]);
    changed.ends_with(5);
    assert!(changed.out.starts_with("1 object is changed by another program"), "{}", changed.out);
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
    assert_eq!(why.out, format!("job {job}: no living worker handles CreateFileRecord\nwhat helps: fieldfen work\n"));
    shop.run(&["pause", "--kind", "CreateFileRecord", "--reason", "the disk is full"]).ends_with(0);
    let why = shop.run(&["jobs", "why", job, "--json"]).document(0);
    assert_eq!((&why["why"], &why["by"], &why["job"]), (&"paused".into(), &"ann".into(), &job.into()));
    let shown = shop.run(&["jobs", "show", job]);
    let lines: Vec<_> = shown.out.lines().collect();
    let [.., why, helps] = &*lines else { panic!("{}", shown.out) };
    assert!(why.starts_with("why ") && why.ends_with("until somebody resumes it: the disk is full"), "{why}");
    assert!(helps.starts_with("what helps ") && helps.ends_with("fieldfen resume --kind CreateFileRecord"), "{helps}");
    assert_eq!(shop.run(&["jobs", "show", job, "--json"]).document(0)["reason"]["why"], "paused");
    let nowhere = shop.run(&["jobs", "why", "00000000-0000-4000-8000-000000000000"]);
    nowhere.ends_with(11);
}
