//! Programs that know only the specification, on the same file.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fieldfen_domain::file::{FileFilter, FileStatus, NewFile};
use fieldfen_domain::job::{Job, JobFilter, JobKind, JobState, NewJob, UpscaleImage, WorkerName};
use fieldfen_domain::publication::{ListingStatus, Platform};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_domain::{FileId, JobId, PageRequest};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::{ClaimedJob, Completion, Queue};
use fieldfen_services::webhooks::{ReceiveOutcome, WebhookIntake};
use fieldfen_testkit::wait::{exit_status, output_of};
use serde_json::Value;

use crate::database::Database;
use crate::parameters::size;
use crate::process::{PROGRAM, Process, finish_all};

const LEASE: std::time::Duration = std::time::Duration::from_secs(3600);

/// The interpreter: the one in the environment, the one beside the build, or the system's.
fn interpreter() -> PathBuf {
    let built = Path::new(PROGRAM).ancestors().nth(2).unwrap().join("python/bin/python");
    std::env::var("FIELDFEN_PYTHON").map_or_else(|_| if built.exists() { built } else { "python3".into() }, Into::into)
}

/// A script in `tests/python`.
pub(crate) fn script(name: &str) -> Command {
    let mut python = Command::new(interpreter());
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name));
    python
}

/// The output of a script, which must succeed.
pub(crate) fn output(mut script: Command) -> Vec<u8> {
    let started = script.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let python = started.unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", interpreter()));
    let output = output_of(python);
    assert!(output.status.success(), "{script:?}");
    output.stdout
}

/// The answer of a shop's program to a command, in one of the styles of `shop_models.py`.
pub(crate) fn program(style: &str, path: &Path, command: &[&str]) -> Value {
    let mut program = script("program.py");
    program.arg(style).arg(path).args(command);
    serde_json::from_slice(&output(program)).unwrap()
}

/// The output of a script that reads or writes a database, which must be JSON.
fn answer(name: &str, command: &str, database: &Database) -> Value {
    let mut script = script(name);
    script.arg(command).arg(database.path());
    serde_json::from_slice(&output(script)).unwrap()
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(ids: &Value, name: &str) -> T {
    ids[name].as_str().unwrap().parse().unwrap()
}

fn find(store: &SqliteStore, id: JobId) -> Job {
    store.read(|s| s.jobs().find(&id)).unwrap().unwrap()
}

fn claim_upscales(queue: &Queue<SqliteStore>) -> Vec<ClaimedJob> {
    let claims = queue.claim(&[JobKind::UpscaleImage].into(), 10, LEASE, &WorkerName::new("ours")).unwrap();
    assert_eq!(claims.unreadable, []);
    claims.jobs
}

#[test]
#[ignore = "needs Python 3; FIELDFEN_PYTHON names it"]
fn rows_of_a_program_that_knows_only_the_specification_are_understood() {
    let database = Database::new();
    let ids = answer("specification.py", "write", &database);
    let (store, environment) = (database.store(), Environment::system());
    let queue = Queue::new(store.clone(), environment.clone());

    // The jobs of the program are due at once, in the order of insertion, whatever columns it has left out.
    let claimed = claim_upscales(&queue);
    let wanted: Vec<JobId> = ["due", "undated_job", "retried"].map(|name| id(&ids, name)).into();
    assert_eq!(claimed.iter().map(|claimed| claimed.job.id).collect::<Vec<_>>(), wanted);
    assert_eq!(claimed[0].job.file_id, Some(id::<FileId>(&ids, "ingested")));
    assert_eq!((claimed[1].job.created_at, claimed[1].job.attempts), (None, 0));
    assert_eq!((claimed[2].job.attempts, claimed[2].job.max_retries), (3, 5));
    assert_eq!(ids["due"].as_str().unwrap().len(), 32, "a row of theirs spells its id without hyphens");
    for claimed in &claimed {
        assert!(queue.complete(claimed, &mut Completion::new().result("done")).unwrap().is_done());
    }
    // Jobs that the program runs itself are never reclaimed.
    assert_eq!(queue.reclaim(10).unwrap(), []);
    assert!(matches!(find(&store, id(&ids, "theirs")).state, JobState::Running { lease: None, .. }));
    assert!(matches!(find(&store, id(&ids, "done")).state, JobState::Completed { at: Some(_) }));
    let page = PageRequest::first(100);
    let files = store.read(|s| s.files().page(&FileFilter::default(), &page)).unwrap().items;
    let statuses: Vec<FileStatus> = files.iter().map(|file| file.state.status()).collect();
    assert_eq!(statuses, [FileStatus::ALL, &[FileStatus::Ingested]].concat());
    assert_eq!((files[6].created_at, files[0].created_at.is_some()), (None, true));
    let by_drive_id = store.read(|s| s.files().find_by_drive_id("approved")).unwrap().unwrap();
    assert_eq!(by_drive_id.id, id(&ids, "approved"));
    let of_file = JobFilter::new().file_id(id::<FileId>(&ids, "processing"));
    assert_eq!(queue.list(&of_file, &page).unwrap().items.len(), 2);

    let listing = store.read(|s| s.listings().find_by_platform_id(Platform::Etsy, "", "77")).unwrap().unwrap();
    assert_eq!((listing.file_id, listing.status), (id(&ids, "published"), ListingStatus::Active));
    let posts = store.read(|s| s.listings().list_posts_by_file(&id(&ids, "published"))).unwrap();
    assert_eq!(posts.len(), 1);
    let since = "2026-01-01T00:00:00Z".parse().unwrap();
    let totals = store.read(|s| s.api_usage().totals(since)).unwrap().services;
    assert_eq!((totals[0].service.as_str(), totals[0].requests), ("replicate", 1));

    // A webhook that the program has handled is a repetition, with its file.
    let intake = WebhookIntake::new(store, environment);
    let received = intake.receive("shop", None, None, br#"{"order": 7}"#, |_| Ok::<_, StoreError>(()));
    let ReceiveOutcome::Duplicate { first_seen: Some(_), file_id: Some(file_id) } = received.unwrap() else { panic!() };
    assert_eq!(file_id, id(&ids, "ingested"));
}

/// Ingests a file, and enqueues and completes a job of it.
fn write_ours(store: &SqliteStore) -> (FileId, JobId) {
    let environment = Environment::system();
    let file = NewFile::new(environment.file_id(), "ours.jpg".to_owned(), environment.now())
        .species("fox")
        .drive_file_id("drive-ours")
        .size(fieldfen_domain::file::Dimensions::new(3000, 2000).ok());
    let payload = UpscaleImage::new(file.id, 4, 300);
    let job = NewJob::new(environment.job_id(), &payload, environment.now()).unwrap();
    store
        .write(|s| {
            s.files().insert(&file)?;
            s.jobs().enqueue(&job)
        })
        .unwrap();
    let queue = Queue::new(store.clone(), environment);
    let claimed = claim_upscales(&queue);
    assert_eq!(claimed.len(), 1);
    assert!(queue.complete(&claimed[0], &mut Completion::new().result(&7)).unwrap().is_done());
    (file.id, job.id)
}

#[test]
#[ignore = "needs Python 3; FIELDFEN_PYTHON names it"]
fn rows_of_ours_are_understood_by_a_program_that_knows_only_the_specification() {
    let database = Database::new();
    let (file_id, job_id) = write_ours(&database.store());
    let rows = answer("specification.py", "read", &database);
    let (file, job) = (&rows["files"][0], &rows["jobs"][0]);
    assert_eq!((&file["id"], &job["id"]), (&Value::from(file_id.to_string()), &Value::from(job_id.to_string())));
    assert_eq!((&file["status"], &file["aspect_ratio"]), (&"ingested".into(), &"3:2".into()));
    assert_eq!((&file["width"], &file["height"]), (&3000.into(), &2000.into()));
    assert_eq!((&job["file_id"], &job["command_type"]), (&file["id"], &"UpscaleImage".into()));
    assert_eq!((&job["status"], &job["attempts"], &job["result_json"]), (&"completed".into(), &0.into(), &"7".into()));
    for time in [&file["created_at"], &job["created_at"], &job["started_at"], &job["completed_at"]] {
        assert_eq!(time.as_str().unwrap().len(), "2026-11-23 14:05:09.000000".len());
    }
}

#[test]
#[ignore = "needs Python 3 with SQLAlchemy 2; FIELDFEN_PYTHON names it"]
fn sqlalchemy_and_fieldfen_read_each_others_rows() {
    let database = Database::new();
    let ask = |command: &[&str]| program("text", database.path(), command);
    let ids = ask(&["insert"]);
    let store = database.store();
    let queue = Queue::new(store.clone(), Environment::system());
    let [claimed] = &claim_upscales(&queue)[..] else { panic!() };
    assert_eq!((claimed.job.id, claimed.job.file_id), (id(&ids, "job"), Some(id::<FileId>(&ids, "file"))));
    assert!(queue.complete(claimed, &mut Completion::new()).unwrap().is_done());
    let file = store.read(|s| s.files().find(&id(&ids, "file"))).unwrap().unwrap();
    assert!(file.created_at.is_some() && file.updated_at.is_some());

    let (file_id, job_id) = write_ours(&store);
    let rows = ask(&["read"]);
    let column = |table: &str, name: &str| -> Vec<String> {
        rows[table].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(column("files", "id")[1], file_id.to_string());
    assert_eq!(column("jobs", "id")[1], job_id.to_string());
    assert_eq!(column("jobs", "status"), ["completed", "completed"]);
    assert_eq!(column("jobs", "file_id"), column("files", "id"));

    // Every table, every column, and a job from its claim to its end.
    let filled = ask(&["fill"]);
    assert_eq!(filled.as_object().unwrap().len(), 6, "{filled}");
    assert_eq!(ask(&["work"]), serde_json::json!(["pending", "running", "failed", "pending", "completed"]));
    let hash = filled["processed_hashes"][0].as_str().unwrap();
    assert_eq!(
        (ask(&["hash", hash]), ask(&["hash", "new"]), ask(&["hash", "new"])),
        (true.into(), false.into(), true.into())
    );
    assert_eq!(ask(&["purge", "2020-01-04T00:00:00"]), 2, "the hashes of `fill` are old");
}

#[test]
#[ignore = "needs Python 3; FIELDFEN_PYTHON names it"]
fn a_foreign_writer_and_our_workers_do_not_lose_each_others_work() {
    let jobs = size("FIELDFEN_FOREIGN_JOBS", 300);
    let database = Database::new();
    database.enqueue("test.work", jobs);
    let workers =
        ["--normal claim-loop", "claim-loop --threads 2"].map(|command| Process::start(database.path(), command));
    let mut enqueue = script("specification.py");
    enqueue.arg("enqueue").arg(database.path()).arg(jobs.to_string());
    let mut python = enqueue.stdout(Stdio::piped()).spawn().unwrap();
    let store = database.store();
    let queue = Queue::new(store, Environment::system());
    let kinds = [JobKind::custom("test.foreign").unwrap()].into();
    let mut done = BTreeSet::new();
    for line in BufReader::new(python.stdout.take().unwrap()).lines() {
        // A worker can see and complete the jobs that the program has committed.
        let id: JobId = line.unwrap().parse().unwrap();
        let claims = queue.claim(&kinds, 10, LEASE, &WorkerName::new("ours")).unwrap();
        for claimed in claims.jobs {
            assert!(queue.complete(&claimed, &mut Completion::new()).unwrap().is_done());
            assert!(done.insert(claimed.job.id), "done twice");
        }
        assert!(done.contains(&id));
    }
    assert!(exit_status(&mut python).success());
    assert_eq!(done.len() as u64, jobs);
    finish_all(workers.into());
    let completed = "SELECT count(*) FROM jobs WHERE status = 'completed'";
    assert_eq!(database.number(completed) as u64, 3 * jobs, "ours, what followed them, and theirs");
    database.assert_sound();
}
