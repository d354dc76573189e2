//! `fieldfen recurring`, and the section `[[recurring]]` of fieldfen.toml.

use std::fs;
use std::process::{Command, Output};

use fieldfen_domain::recurring::NewRecurringJob;
use fieldfen_domain::store::Store as _;
use fieldfen_services::Environment;

use crate::shop_harness::Shop;

const REPORT: &str = "[[recurring]]\nname = \"report\"\nschedule = \"30 6 * * MON\"\ntime_zone = \"Europe/Berlin\"\n\
                      kind = \"acme.report\"\npayload = { days = 7 }\naccount = \"etsy/main\"\n";

/// Starts a worker that works until it is idle.
fn work(shop: &Shop, rules: &str) -> Output {
    fs::write(shop.folder().join("fieldfen.toml"), rules).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen"));
    command.args(["work", "--until-idle"]).current_dir(shop.folder()).env_remove("DATABASE_URL").env_remove("RUST_LOG");
    command.output().unwrap()
}

#[test]
fn the_work_of_the_file_is_defined_shown_and_run() {
    let shop = Shop::new();
    let started = work(&shop, REPORT);
    assert!(started.status.success(), "{started:?}");
    let document = shop.run(&["recurring", "show", "report", "--json"]).document(0);
    let text = |field: &str| document[field].as_str().unwrap_or_default();
    assert_eq!((text("schedule"), text("time_zone"), text("kind")), ("30 6 * * MON", "Europe/Berlin", "acme.report"));
    assert_eq!((text("account"), text("defined_in")), ("etsy/main", "fieldfen.toml"));
    assert_eq!(document["payload"], serde_json::json!({"days": 7}));
    let next = document["next_runs"].as_array().unwrap();
    assert_eq!((next.len(), &document["last_runs"]), (5, &serde_json::json!([])));
    for run in next {
        let local = run["local"].as_str().unwrap();
        assert!(local.contains("T06:30:00+0"), "{run}");
        let at = |time: &serde_json::Value| time.as_str().unwrap().parse::<fieldfen_domain::Timestamp>().unwrap();
        assert_eq!(at(&run["utc"]), at(&run["local"]));
    }

    shop.run(&["recurring", "run", "report", "--reason", "the board meets"]).ends_with(0);
    shop.run(&["recurring", "pause", "report", "--reason", "holidays"]).ends_with(0);
    let shown = shop.run(&["recurring", "show", "report"]);
    shown.ends_with(0);
    for part in
        ["time zone     Europe/Berlin", "account       etsy/main", "paused since", "asked for", "pending", "06:30:00+0"]
    {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let jobs = shop.run(&["jobs", "list", "--json"]).document(0);
    let job = jobs["items"].as_array().unwrap().iter().find(|job| job["kind"] == "acme.report").unwrap().clone();
    assert_eq!(job["account"], "etsy/main");
    let runs = &shop.run(&["recurring", "show", "report", "--json"]).document(0)["last_runs"];
    assert_eq!(
        (&runs[0]["job"], &runs[0]["status"], &runs[0]["tick"]),
        (&job["id"], &job["status"], &serde_json::Value::Null)
    );
    let id = job["id"].as_str().unwrap();
    shop.run(&["jobs", "cancel", id, "--reason", "no meeting"]).ends_with(0);
    shop.run(&["jobs", "delete", id, "--reason", "no meeting", "--yes"]).ends_with(0);
    assert!(shop.run(&["recurring", "show", "report"]).out.contains("deleted"));
    let list = shop.run(&["recurring", "list"]);
    assert!(list.out.contains("Europe/Berlin") && list.out.contains("paused since"), "{}", list.out);
}

#[test]
fn work_that_the_file_no_longer_defines_goes_on_and_is_named() {
    let shop = Shop::new();
    assert!(work(&shop, REPORT).status.success());
    let started = work(&shop, "");
    let warning =
        "fieldfen.toml no longer defines the recurring work report, which goes on; to end it: fieldfen recurring";
    assert!(String::from_utf8_lossy(&started.stderr).contains(warning), "{started:?}");
    shop.run(&["recurring", "show", "report"]).ends_with(0);
    shop.run(&["recurring", "remove", "report", "--yes"]).ends_with(0);
    assert!(!String::from_utf8_lossy(&work(&shop, "").stderr).contains("no longer"));
}

#[test]
fn work_that_another_version_of_the_file_changes_is_named_with_both_schedules() {
    let shop = Shop::new();
    let message = |rules: &str| String::from_utf8_lossy(&work(&shop, rules).stderr).into_owned();
    assert!(!message(REPORT).contains("changes the recurring work"), "it is new");
    let newer = REPORT.replace("30 6 * * MON", "0 7 * * MON");
    let changed = "fieldfen.toml changes the recurring work report: it was acme.report at \"30 6 * * MON\" in \
                   Europe/Berlin, and is acme.report at \"0 7 * * MON\" in Europe/Berlin";
    let said = message(&newer);
    assert!(said.contains(changed), "{said}");
    assert!(!message(&newer).contains("changes the recurring work"));
    let said = message(&newer.replace("days = 7", "days = 8"));
    assert!(said.contains("recurring work report: its payload or account is another one"), "{said}");
}

#[test]
fn the_work_of_a_deleted_file_goes_on_and_is_named() {
    let shop = Shop::new();
    assert!(work(&shop, REPORT).status.success());
    fs::remove_file(shop.folder().join("fieldfen.toml")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen"));
    command.args(["work", "--until-idle"]).current_dir(shop.folder()).env_remove("DATABASE_URL").env_remove("RUST_LOG");
    let started = command.output().unwrap();
    let warning = "fieldfen.toml is not here, and has defined the recurring work report, which goes on";
    assert!(String::from_utf8_lossy(&started.stderr).contains(warning), "{started:?}");
}

#[test]
fn a_worker_that_does_not_start_defines_no_work() {
    let shop = Shop::new();
    fs::write(shop.folder().join("fieldfen.toml"), REPORT).unwrap();
    shop.run(&["work", "--until-idle", "--metrics-file", "nowhere/shop.prom"]).ends_with(1);
    let list = shop.run(&["recurring", "list", "--json"]).document(0);
    assert_eq!(list["items"], serde_json::json!([]));
}

#[test]
fn a_wrong_schedule_and_an_unknown_zone_end_the_worker_at_its_start() {
    let shop = Shop::new();
    for (rules, problem) in [
        (
            REPORT.replace("Europe/Berlin", "Europe/Atlantis"),
            "time zone \"Europe/Atlantis\": it must be a name of the IANA",
        ),
        (REPORT.replace("30 6 * * MON", "*/0 6 * * *"), "recurring #1, schedule is"),
        (REPORT.replace("30 6 * * MON", "0 6 30 2 *"), "recurring work report, schedule \"0 6 30 2 *\": it has no run"),
    ] {
        let ended = work(&shop, &rules);
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{err}");
        assert!(err.contains(problem), "{err}");
    }
    shop.run(&["recurring", "show", "report"]).ends_with(11);
    let list = shop.run(&["recurring", "list", "--json"]).document(0);
    assert_eq!(list["items"], serde_json::json!([]), "nor is the upkeep defined");
}

#[test]
fn a_zone_of_a_newer_program_is_a_problem_of_its_work_only() {
    let shop = Shop::new();
    assert!(work(&shop, REPORT).status.success());
    let now = Environment::system().now();
    let kind = "acme.report".parse().unwrap();
    let newer = NewRecurringJob::new("newer".parse().unwrap(), "0 3 * * *", kind, now, now);
    let newer = newer.time_zone("Mars/Olympus_Mons");
    shop.store().write(|s| s.recurring().define(&newer)).unwrap();
    let document = shop.run(&["recurring", "show", "newer", "--json"]).document(0);
    assert!(document["problem"].as_str().unwrap().starts_with("time zone \"Mars/Olympus_Mons\""), "{document}");
    assert_eq!(document["next_runs"], serde_json::json!([]));
    let list = shop.run(&["recurring", "list", "--json"]).document(0);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(3), "{list}");
    assert!(work(&shop, REPORT).status.success());
}
