//! `fieldfen doctor` on healthy and on broken databases: each fault is a finding, and no byte changes.

use std::fs;

use fieldfen_domain::job::JobKind;
use fieldfen_domain::store::Store as _;
use serde_json::Value;

use crate::shop_harness::{ProgramOutput, Shop};

impl Shop {
    /// The content of the database and of its log.
    fn content(&self) -> Vec<Option<Vec<u8>>> {
        ["fieldfen.db", "fieldfen.db-wal"].map(|name| fs::read(self.folder().join("data").join(name)).ok()).into()
    }

    /// The findings of `doctor` with these arguments, which must end with this code and change nothing.
    #[track_caller]
    fn doctor(&self, arguments: &[&str], code: i32) -> Findings {
        let before = self.content();
        let run = self.run(&[&["doctor", "--json"], arguments].concat());
        let document = run.document(code);
        assert!(self.content() == before, "the database has changed");
        Findings(document)
    }
}

/// The JSON document of `doctor`.
struct Findings(Value);

impl Findings {
    /// The only finding, or the heaviest one, of a check.
    #[track_caller]
    fn of(&self, check: &str) -> &Value {
        let findings = self.0["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("{check}: {}", self.0))
    }

    #[track_caller]
    fn has(&self, check: &str, severity: &str, found: &str) {
        let finding = self.of(check);
        assert_eq!(finding["severity"], severity, "{finding}");
        assert!(finding["found"].as_str().unwrap().contains(found), "{found}: {finding}");
        assert_eq!(finding["advice"].is_string(), severity != "ok", "{finding}");
    }

    fn details(&self, check: &str) -> String {
        self.of(check)["details"].to_string()
    }
}

#[test]
fn a_healthy_shop_has_no_problem_and_each_check_says_what_it_looked_at() {
    let shop = Shop::new();
    shop.run(&["backup", "run"]).ends_with(0);
    for arguments in [&[][..], &["--full"]] {
        let findings = shop.doctor(arguments, 0);
        assert_eq!(findings.0["severity"], "ok", "{}", findings.0);
        for check in [
            "configuration",
            "settings",
            "sqlite_versions",
            "write_ahead_log",
            "integrity",
            "foreign_keys",
            "schema",
            "claim_plan",
            "disk_space",
            "permissions",
            "backup",
            "unreadable_rows",
            "jobs_without_lease",
            "future_times",
            "dead_workers",
            "publications_in_doubt",
        ] {
            findings.has(check, "ok", "");
            assert_ne!(findings.of(check)["looked_at"], "", "{check}");
        }
        for setting in ["journal_mode = wal", "synchronous = 2", "foreign_keys = 1"] {
            assert!(findings.details("settings").contains(setting), "{setting}");
        }
    }
    let text = shop.run(&["doctor"]);
    text.ends_with(0);
    assert!(text.out.ends_with(": everything is in order\n"), "{}", text.out);
    assert!(text.out.lines().all(|line| line.len() < 200), "{}", text.out);
}

#[test]
fn a_database_that_a_worker_has_open_is_checked_without_disturbing_it() {
    let shop = Shop::new();
    let worker = shop.operators_worker();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let document = shop.run(&["doctor", "--json"]).document(0);
    Findings(document).has("backup", "warning", "there is no backup");
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    worker.stop_handle().stop();
    worker.join().unwrap();
}

#[test]
fn problems_come_first_and_end_the_program_with_a_code_of_their_own() {
    let shop = Shop::new();
    shop.sql(
        "INSERT INTO jobs (id, file_id, command_type, status) VALUES ('j\u{1b}[2J', 'gone', 'test.work', 'failed')",
    );
    let run = shop.run(&["doctor"]);
    run.ends_with(14);
    let first = run.out.lines().next().unwrap();
    assert!(first.starts_with("problem  "), "{}", run.out);
    assert!(
        run.out.contains("foreign keys, foreign_key_check: 1 row refers to a row that does not exist"),
        "{}",
        run.out
    );
    assert!(run.out.contains("'gone' is not in files") && !run.out.contains('\u{1b}'), "{}", run.out);
    assert!(run.err.contains("problems were found") || run.err.contains("1 problem was found"), "{}", run.err);
}

#[test]
fn rows_that_nobody_can_read_are_named_by_table_row_and_column() {
    let shop = Shop::new();
    shop.sql(
        "INSERT INTO files (id, original_filename, status) VALUES ('not an id', 'a.jpg', 'ingested');
         INSERT INTO jobs (id, command_type, status, max_retries) VALUES (1, 'test.work', 'pending', 'many');
         INSERT INTO workers VALUES ('w', 'w', 1, 'h', '1', '[]', 1, 'soon', 'soon', '[]');
         INSERT INTO pauses VALUES ('kind', 'test.work', 'r', 'soon', NULL, 'ann')",
    );
    let findings = shop.doctor(&[], 14);
    findings.has("unreadable_rows", "problem", "rows cannot be read");
    for part in ["files not an id", "jobs 1", "workers w", "pauses "] {
        assert!(findings.details("unreadable_rows").contains(part), "{part}: {}", findings.of("unreadable_rows"));
    }
}

#[test]
fn running_jobs_of_other_programs_dead_workers_and_publications_in_doubt_are_warnings() {
    let shop = Shop::new();
    shop.sql(
        "INSERT INTO jobs (id, command_type, status) VALUES ('0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11', 'test.work', 'running');
         INSERT INTO workers SELECT '0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a12', 'darkroom', 1, 'host', '1', '[]', 1,
            strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 hour'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 hour'), '[]';
         INSERT INTO files (id, original_filename, status, created_at)
         VALUES ('0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a13', 'a.jpg', 'approved', '2999-01-01 00:00:00')",
    );
    let findings = shop.doctor(&[], 0);
    findings.has("jobs_without_lease", "warning", "1 without a lease");
    findings.has("dead_workers", "warning", "1 died");
    findings.has("future_times", "warning", "a clock is or was ahead");
    assert!(findings.details("dead_workers").contains("darkroom"));
    assert!(findings.details("future_times").contains("created_at 2999"));
}

#[test]
fn older_and_newer_schemas_are_problems_that_name_the_migrations() {
    let shop = Shop::new();
    shop.run(&["migrate", "down", "--to", "0009"]).ends_with(0);
    let findings = shop.doctor(&[], 14);
    findings.has("schema", "problem", "the database lacks");
    assert!(findings.details("schema").contains("0010_workers"));
    shop.run(&["migrate", "up"]).ends_with(0);
    shop.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')");
    let findings = shop.doctor(&[], 14);
    findings.has("schema", "problem", "does not know");
    findings.has("integrity", "ok", "");
}

#[test]
fn triggers_and_unique_indexes_of_other_programs_are_named() {
    let shop = Shop::new();
    shop.sql(
        "CREATE TRIGGER eats AFTER INSERT ON jobs BEGIN DELETE FROM jobs WHERE id = new.id; END;
         CREATE UNIQUE INDEX one_of_each ON jobs (command_type);
         CREATE INDEX harmless ON jobs (result_json);
         CREATE TABLE theirs (a UNIQUE); CREATE TRIGGER on_theirs AFTER INSERT ON theirs BEGIN DELETE FROM theirs; END",
    );
    let findings = shop.doctor(&[], 0);
    findings.has("schema", "warning", "can change or refuse writes");
    let details = findings.details("schema");
    assert!(details.contains("trigger eats of jobs: CREATE TRIGGER eats"), "{details}");
    assert!(details.contains("index one_of_each of jobs") && !details.contains("theirs"), "{details}");
    assert!(!details.contains("harmless"), "{details}");
    findings.has("unreadable_rows", "ok", "");
}

#[test]
fn an_empty_file_with_the_name_of_a_backup_is_no_backup() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("backups")).unwrap();
    fs::write(shop.folder().join("backups/fieldfen-20991231.db"), "").unwrap();
    let findings = shop.doctor(&[], 0);
    findings.has("backup", "warning", "there is no backup");
    assert!(
        findings.details("backup").contains("has 0 bytes, and holds no database"),
        "{}",
        findings.details("backup")
    );
    assert!(shop.run(&["status"]).out.contains("there is no backup in backups"));
}

#[test]
fn a_damaged_file_a_text_a_folder_and_nothing_are_problems() {
    let shop = Shop::new();
    shop.sql(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO files (id, original_filename, status) SELECT printf('%032x', i), 'a.jpg', 'ingested' FROM n;
         PRAGMA wal_checkpoint(TRUNCATE)",
    );
    let mut bytes = fs::read(shop.database()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 16_384].fill(0xab);
    fs::write(shop.database(), &bytes).unwrap();
    for arguments in [&[][..], &["--full"]] {
        shop.doctor(arguments, 14).has("integrity", "problem", "");
    }
    // Not even the first page can be read.
    bytes[..4096].fill(0xab);
    fs::write(shop.database(), &bytes).unwrap();
    shop.doctor(&[], 14).has("database", "problem", "not a database");
    fs::remove_file(shop.database()).unwrap();
    shop.doctor(&[], 14).has("database", "problem", "no such file");
    assert!(!shop.database().exists(), "doctor has made a database");
    shop.doctor(&["--database", "data"], 14).has("database", "problem", "it is a folder");
}

#[test]
fn a_wrong_shop_file_a_wrong_address_and_a_wrong_env_file_are_problems() {
    let shop = Shop::new();
    let file = shop.folder().join("fieldfen.toml");
    fs::write(&file, "[backups]\nmax_age_hours = 0\n").unwrap();
    let findings = shop.doctor(&[], 14);
    findings.has("configuration", "problem", "backups.max_age_hours is 0: it must be 1 to 876000");
    findings.has("integrity", "ok", "");
    fs::write(&file, "[database\nurl = ").unwrap();
    shop.doctor(&[], 14).has("configuration", "problem", "fieldfen.toml");
    fs::write(&file, "[backups]\nfolder = \"copies\"\nmax_age_hours = 2\n").unwrap();
    let findings = shop.doctor(&[], 0);
    findings.has("configuration", "ok", "");
    assert_eq!(findings.of("backup")["looked_at"], "copies");
    assert!(findings.of("backup")["advice"].as_str().unwrap().contains("--dir copies"));
    shop.doctor(&["--database", "postgres://u:hunter2@h/x"], 14).has("configuration", "problem", "");
    fs::write(shop.folder().join(".env"), "not an assignment\n").unwrap();
    shop.doctor(&[], 14).has("configuration", "problem", ".env");
}

#[test]
fn a_log_that_a_reader_holds_is_named_with_the_process() {
    let shop = Shop::new();
    let store = shop.store();
    let (began, go_on) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            store.read(|s| {
                s.jobs().count()?;
                began.wait();
                go_on.wait();
                Ok(())
            })
        });
        began.wait();
        let big = format!("\"{}\"", "x".repeat(900_000));
        for _ in 0..24 {
            shop.sql(&format!(
                "INSERT INTO jobs (command_type, status, payload_json) VALUES ('test.work', 'failed', '{big}')"
            ));
        }
        let findings = Findings(shop.run(&["doctor", "--json"]).document(14));
        go_on.wait();
        findings.has("write_ahead_log", "warning", "keep it from being truncated");
        assert!(findings.details("write_ahead_log").contains(&format!("process {}", std::process::id())));
    });
}

#[test]
fn statistics_of_another_program_are_a_warning_until_the_upkeep_removes_them() {
    let shop = Shop::new();
    shop.sql(
        "INSERT INTO jobs (id, command_type, status)
         VALUES ('0b5a4f0e-4f5c-4b0e-9a53-000000000000', 'test.work', 'pending'); ANALYZE",
    );
    let findings = shop.doctor(&[], 0);
    findings.has("claim_plan", "warning", "ANALYZE");
    assert!(findings.details("claim_plan").contains("jobs"));
    shop.run(&["upkeep", "run"]).ends_with(0);
    shop.doctor(&[], 0).has("claim_plan", "ok", "every step is a search");
}

#[cfg(unix)]
#[test]
fn without_room_for_a_single_byte_doctor_still_reports() {
    let shop = Shop::new();
    let mut command = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_fieldfen");
    command.args(["-c", "ulimit -f 0; exec \"$0\" doctor --json", program]).current_dir(shop.folder());
    command.env_remove("DATABASE_URL");
    let before = shop.content();
    let run = ProgramOutput::from(fieldfen_testkit::wait::output(&mut command));
    Findings(run.document(0)).has("integrity", "ok", "");
    assert!(shop.content() == before);
}

#[cfg(unix)]
#[test]
fn a_read_only_file_in_a_read_only_folder_is_checked_and_said_to_be_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::new();
    for (path, mode) in [(shop.database(), 0o444), (shop.folder().join("data"), 0o555), (shop.folder().into(), 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let before = shop.content();
    let findings = Findings(shop.run_unprivileged(&["doctor", "--json"]).document(0));
    fs::set_permissions(shop.folder().join("data"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(shop.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    findings.has("permissions", "warning", "this user can only read them");
    findings.has("integrity", "ok", "");
    assert!(shop.content() == before);
}

#[test]
fn the_upkeep_runs_once_and_says_when_a_worker_does_it() {
    let shop = Shop::new();
    shop.sql(
        "INSERT INTO jobs (id, command_type, status, completed_at)
         VALUES ('0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11', 'test.work', 'completed', '2020-01-01 00:00:00.000000')",
    );
    let report = shop.run(&["upkeep", "run", "--json"]).document(0);
    assert_eq!((&report["completed_jobs"], &report["failed_jobs"]), (&1.into(), &0.into()), "{report}");
    let again = shop.run(&["upkeep", "run"]);
    again.ends_with(0);
    assert!(again.out.contains("completed jobs deleted") && again.out.contains("bytes"), "{}", again.out);

    shop.run(&["jobs", "enqueue", "fieldfen.upkeep"]).ends_with(0);
    let (store, environment) = (shop.store(), fieldfen_services::Environment::system());
    let queue = fieldfen_services::queue::Queue::new(store, environment);
    let kind: JobKind = "fieldfen.upkeep".parse().unwrap();
    let worker = fieldfen_domain::job::WorkerName::new("night shift");
    let claimed = queue.claim(&[kind].into(), 1, std::time::Duration::from_secs(600), &worker).unwrap();
    let job = claimed.jobs[0].job.id.to_string();
    let refused = shop.run(&["upkeep", "run"]);
    refused.ends_with(12);
    assert!(refused.err.contains(&job) && refused.err.contains("night shift"), "{}", refused.err);
    fs::write(shop.folder().join("fieldfen.toml"), "[retention]\nfailed_jobs_days = 0\n").unwrap();
    shop.run(&["upkeep", "run"]).ends_with(2);
}

#[test]
fn an_empty_file_is_made_a_database_or_restored_and_not_backed_up() {
    let shop = Shop::without_database();
    fs::create_dir(shop.folder().join("data")).unwrap();
    fs::write(shop.database(), "").unwrap();
    let findings = shop.doctor(&[], 14);
    findings.has("database", "problem", "0 bytes");
    let advice = findings.of("database")["advice"].as_str().unwrap();
    assert!(advice.contains("`fieldfen migrate up`") && advice.contains("the newest backup"), "{advice}");
    assert!(!findings.0.to_string().contains("back it up"), "{}", findings.0);
}
