//! Jobs of a Python script while their workers are killed at random.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::job::{Job, JobFilter, JobKind, JobState};
use fieldfen_domain::{JobId, PageRequest};
use fieldfen_services::environment::{Randomness as _, SeededRandomness};
use fieldfen_testkit::wait::wait_until;
use rustix::process::Signal;

use crate::work::{WorkProcess, Workshop};

const README: &str = include_str!("../../README.md");

/// The number of workers.
const WORKERS: usize = 3;

/// The test fails if it takes longer.
const LONGEST: Duration = Duration::from_secs(1800);

/// The fate that a job is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Completed,
    TimedOut,
    Cancelled,
}

/// A number from the environment, or this default. It is printed, so that a run can be repeated.
fn size(name: &str, default: u64) -> u64 {
    let number = std::env::var(name).map_or(default, |text| text.parse().unwrap());
    println!("{name}={number}");
    number
}

/// The script in the README.
fn script() -> &'static str {
    let (_, rest) = README.split_once("```python\n").unwrap();
    rest.split_once("```").unwrap().0
}

fn start(workshop: &Workshop) -> WorkProcess {
    workshop.start(&["--lease", "2", "--grace", "5", "--quiet"])
}

/// The processes whose current folder is this one: workers, programs, and the processes between them.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let here = all.filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder));
    here.map(|process| fs::read_to_string(process.path().join("cmdline")).unwrap_or_default()).collect()
}

fn has_ended(job: &Job) -> bool {
    matches!(job.state, JobState::Completed { .. } | JobState::Failed { .. })
}

#[test]
#[ignore = "needs Python 3; FIELDFEN_PYTHON names it"]
fn each_result_of_a_python_script_counts_once_and_no_child_is_left_while_workers_are_killed() {
    let (jobs, mut kills) = (size("FIELDFEN_PROGRAM_JOBS", 60), size("FIELDFEN_PROGRAM_KILLS", 6));
    let random = SeededRandomness::new(size("FIELDFEN_SEED", 20_261_126));
    let below = |limit: u64| u64::try_from(random.bits() % u128::from(limit)).unwrap();
    let python = std::env::var("FIELDFEN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let python = if python.contains('/') {
        fs::canonicalize(&python).map_or(python, |path| path.display().to_string())
    } else {
        python
    };
    let workshop = Workshop::new(
        "count.py",
        script(),
        &format!("[{python:?}, \"count.py\"]"),
        "timeout_seconds = 4\n[retries]\notherwise = 1000",
    );

    let mut fates: BTreeMap<JobId, (u64, Fate)> = BTreeMap::new();
    for n in 0..jobs {
        let (fate, seconds, retries) = match n % 20 {
            7 => (Fate::TimedOut, "1000", 0),
            13 => (Fate::Cancelled, "1000", 1000),
            _ => (Fate::Completed, "0.05", 1000),
        };
        let payload = format!(r#"{{"n": {n}, "text": "one two {n}", "seconds": {seconds}}}"#);
        fates.insert(workshop.enqueue(&payload, retries), (n, fate));
    }
    let began = Instant::now();
    let mut workers: Vec<WorkProcess> = (0..WORKERS).map(|_| start(&workshop)).collect();
    let mut to_cancel: Vec<JobId> =
        fates.iter().filter(|(_, (_, fate))| *fate == Fate::Cancelled).map(|(id, _)| *id).collect();
    let half = kills / 2;
    let mut open: Vec<JobId> = fates.keys().copied().collect();
    while kills > 0 || !open.is_empty() {
        assert!(
            began.elapsed() < LONGEST,
            "{kills} kills and {} jobs are left: {:?}",
            open.len(),
            open.first().map(|id| workshop.job(id))
        );
        thread::sleep(Duration::from_millis(100 + below(700)));
        open.retain(|id| !has_ended(&workshop.job(id)));
        // Running jobs before pending ones, so that programs are ended.
        if let Some(at) = to_cancel.iter().position(|id| matches!(workshop.job(id).state, JobState::Running { .. })) {
            workshop.cancel(&to_cancel.swap_remove(at));
        } else if below(20) == 0
            && let Some(id) = to_cancel.pop()
        {
            workshop.cancel(&id);
        }
        if kills == half && kills > 0 {
            // All at once: then no process may be left.
            workers.drain(..).for_each(WorkProcess::kill);
            wait_until("all programs have ended with their workers", || {
                processes_in(workshop.shop.folder()).is_empty()
            });
            workers.extend((0..WORKERS).map(|_| start(&workshop)));
            kills -= 1;
        } else if kills > 0 {
            let at = usize::try_from(below(WORKERS as u64)).unwrap();
            workers.swap_remove(at).kill();
            workers.push(start(&workshop));
            kills -= 1;
        }
    }
    workers.iter().for_each(|worker| worker.signal(Signal::TERM));
    workers.drain(..).for_each(WorkProcess::ends_well);
    assert_eq!(processes_in(workshop.shop.folder()), Vec::<String>::new());

    let mut expected = BTreeSet::new();
    let (mut timed_out, mut asked) = (0, 0);
    for (id, (n, fate)) in &fates {
        let job = workshop.job(id);
        match fate {
            Fate::Completed => {
                assert!(matches!(job.state, JobState::Completed { .. }), "{job:?}");
                assert_eq!(job.result.as_ref().map(|json| json.as_str()), Some("3"), "{job:?}");
                expected.insert(*n);
            }
            Fate::TimedOut | Fate::Cancelled => {
                assert!(matches!(job.state, JobState::Failed { .. }), "{fate:?}: {job:?}");
                let error = job.last_error.unwrap_or_default();
                timed_out += u64::from(error.contains("timed out after 4 s"));
                asked += u64::from(error.contains("asked to stop"));
            }
        }
    }
    let counted = JobFilter::new().kind(JobKind::custom("acme.counted").unwrap());
    let (mut counts, mut request) = (BTreeMap::<u64, u32>::new(), PageRequest::first(200));
    loop {
        let page = workshop.queue.list(&counted, &request).unwrap();
        for job in &page.items {
            assert!(matches!(job.state, JobState::Pending), "{job:?}");
            let payload = workshop.job(&job.id).payload.unwrap();
            let value: serde_json::Value = serde_json::from_str(payload.as_str()).unwrap();
            *counts.entry(value["n"].as_u64().unwrap()).or_default() += 1;
        }
        match page.next {
            Some(cursor) => request = PageRequest::first(200).after(cursor),
            None => break,
        }
    }
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), expected);
    assert!(counts.values().all(|times| *times == 1), "{counts:?}");
    // A small run may end all of them in other ways: pending, or with their worker.
    assert!(jobs < 500 || (timed_out > 0 && asked > 0), "{timed_out} jobs timed out, {asked} were asked to stop");
    println!(
        "{} results in {:?}; {timed_out} jobs timed out, {asked} were asked to stop",
        expected.len(),
        began.elapsed()
    );
}
