//! Operators in processes that only know the `fieldfen.toml` of a shop.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fieldfen_domain::FileId;
use fieldfen_domain::file::{Dimensions, FileEdit, FileMetadata, NewFile};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::store::Store as _;
use fieldfen_services::Environment;
use fieldfen_services::Transaction;
use fieldfen_services::pipeline::Pipeline;
use fieldfen_services::shop::ShopFile;
use fieldfen_testkit::wait::wait_until;
use fieldfen_tests::event::Event;

use crate::database::Database;
use crate::process::{PROGRAM, Process};

/// A rule for each way in which a file may be wanted. Only the worker can apply the rules.
const RULES: &str = r#"
[database]
url = "sqlite://./shop.db"
name = "a database of a test"

[upscaling]
scale_factor = 2

[marketplaces]
etsy = ["main"]

[networks]
instagram = []

[[publish]]
platform = "etsy"
variants = "prints"
species = ["red-fox"]

[[publish]]
platform = "ebay"
variants = ["canvas", "16x20"]
aspect_ratios = ["3:2", "4:5"]

[[post]]
platform = "instagram"
post_type = "reel"
post_key = "first"

[retries]
CreateListing = 8
"#;

/// The longest wait for an answer, which takes milliseconds.
const LONG: &str = "wait 300000";

/// A database, and the file with its address.
struct Shop {
    database: Database,
    file: PathBuf,
    pipeline: Pipeline,
}

impl Shop {
    fn new() -> Self {
        let database = Database::new();
        let file = database.folder().join("fieldfen.toml");
        fs::write(&file, RULES).unwrap();
        let pipeline = ShopFile::read(&file).unwrap().shop().unwrap().pipeline(Environment::system()).unwrap();
        Self { database, file, pipeline }
    }

    /// A file that awaits approval.
    fn processed(&self, number: u128) -> FileId {
        let id = FileId::from_random(number);
        let file = NewFile::new(id, format!("{number}.jpg"), Environment::system().now())
            .species("red-fox")
            .size(Dimensions::new(3000, 2000).unwrap());
        let upscaled = FileEdit::new().processed_filename("big.png");
        let metadata = FileMetadata::new("Fox").unwrap();
        self.database
            .store()
            .write(|s| {
                self.pipeline.ingest(&mut Transaction::new(s), &file)?;
                self.pipeline.record_confirmed(&mut Transaction::new(s), &id)?;
                self.pipeline.upscaled(&mut Transaction::new(s), &id, &upscaled)?;
                self.pipeline.described(&mut Transaction::new(s), &id, &metadata).map(drop)
            })
            .unwrap();
        id
    }

    /// Starts a process that only gets the path of the file.
    fn start(&self, command: &str) -> Process {
        let mut process = Command::new(PROGRAM);
        process.arg("--shop-file").arg(&self.file).args(command.split_whitespace());
        Process::spawn(&mut process).wait_until_ready()
    }

    /// The publishing jobs of a file, with all values that a worker sees except the times.
    fn jobs(&self, id: FileId) -> Vec<String> {
        self.database.texts(&format!(
            "SELECT command_type || payload_json || ' ' || max_retries || ' ' || priority || ' ' || status || ' ' || \
             coalesce(dedup_key, '-') FROM jobs WHERE file_id = '{id}' AND command_type IN ('CreateListing', \
             'PublishSocial') ORDER BY rowid"
        ))
    }

    fn actions(&self, id: FileId) -> Vec<String> {
        let columns = "by || ' ' || via || ' ' || action || ' ' || outcome || ' ' || reason";
        self.database.texts(&format!("SELECT {columns} FROM operator_actions WHERE subject_id = '{id}' ORDER BY id"))
    }
}

fn said(events: &[Event]) -> &str {
    match events {
        [Event::Answer(text)] => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_approval_by_a_process_without_rules_leads_to_the_same_jobs_as_one_by_the_worker_itself() {
    let (here, there) = (Shop::new(), Shop::new());
    let id = here.processed(1);
    let ann = Action::new(Actor::new("ann", Via::Tool).unwrap(), "asked for from another process").unwrap();
    let _ = here.database.store().write(|s| here.pipeline.approve(&mut Transaction::new(s), &id, &ann)).unwrap();
    assert_eq!(there.processed(1), id);
    let keeper = there.start("shop-worker");
    let mut operator = there.start("operator");
    operator.run(&format!("approve {id}"));
    assert_eq!(said(&operator.run(LONG)), "done approved 5");
    let jobs = here.jobs(id);
    assert_eq!((jobs.len(), &there.jobs(id)), (5, &jobs));
    assert!(jobs[0].contains(r#""variant":"12x8""#) && jobs[0].contains(" 8 "), "{jobs:?}");
    assert_eq!(there.actions(id), here.actions(id));
    operator.close();
    drop(keeper);
}

#[test]
fn an_approval_without_a_worker_says_so_and_takes_effect_when_one_starts() {
    let shop = Shop::new();
    let id = shop.processed(1);
    let mut operator = shop.start("operator");
    assert_eq!(said(&operator.run(&format!("approve {id}"))), "0 workers are alive");
    assert_eq!(said(&operator.run("wait 50")), "no worker is alive");
    assert_eq!((shop.jobs(id), shop.actions(id)), (vec![], vec![]));
    let keeper = shop.start("shop-worker");
    assert_eq!(said(&operator.run(LONG)), "done approved 5");
    assert_eq!(shop.jobs(id).len(), 5);
    assert_eq!(shop.actions(id), ["ann tool approve done asked for from another process"]);
    operator.close();
    drop(keeper);
}

#[test]
fn of_two_processes_that_edit_one_file_the_second_is_told_what_the_first_has_changed() {
    let shop = Shop::new();
    let id = shop.processed(1);
    let keeper = shop.start("shop-worker");
    let (mut bo, mut cy) = (shop.start("operator --name bo"), shop.start("operator --name cy"));
    for operator in [&mut bo, &mut cy] {
        assert_eq!(said(&operator.run(&format!("look {id}"))), r#""red-fox""#);
    }
    bo.run(&format!("edit {id} arctic-fox"));
    assert_eq!(said(&bo.run(LONG)), "done processed 0");
    cy.run(&format!("edit {id} grey-fox"));
    let events = cy.run(LONG);
    let changed = said(&events);
    assert!(
        changed.starts_with(r#"the file has changed since you saw it: species is "arctic-fox" now; bo (tool) has"#),
        "{changed}"
    );
    cy.run(&format!("look {id}"));
    cy.run(&format!("edit {id} grey-fox"));
    assert_eq!(said(&cy.run(LONG)), "done processed 0");
    bo.close();
    cy.close();
    drop(keeper);
}

#[test]
fn requests_whose_worker_is_killed_take_effect_once() {
    const FILES: u128 = 60;
    let shop = Shop::new();
    let files: Vec<FileId> = (1..=FILES).map(|number| shop.processed(number)).collect();
    let mut operator = shop.start("operator");
    for id in &files {
        operator.run(&format!("approve {id}"));
    }
    let approved = || shop.database.number("SELECT count(*) FROM operator_actions");
    while approved() < FILES as i64 {
        let keeper = shop.start("shop-worker --lease-ms 300");
        let before = approved();
        let enough = (before + 10).min(FILES as i64);
        wait_until("the worker has approved ten more files", || approved() >= enough);
        keeper.kill();
    }
    for id in files {
        assert_eq!(shop.actions(id), ["ann tool approve done asked for from another process"]);
        assert_eq!(shop.jobs(id).len(), 5, "{:?}", shop.jobs(id));
    }
    shop.database.assert_sound();
    operator.close();
}
