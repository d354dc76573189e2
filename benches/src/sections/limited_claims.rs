//! Claims of a kind with pauses and concurrency limits, against the same claims without them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use fieldfen_domain::FenceToken;
use fieldfen_domain::JobId;
use fieldfen_domain::job::{
    ClaimRequest, ConcurrencyLimit, JobKind, NewJob, Partition, Pause, PauseScope, Priority, WorkerName,
};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::store::Store as _;
use fieldfen_persistence::{Durability, SqliteStore};
use fieldfen_services::Environment;
use fieldfen_services::concurrency_limits::ConcurrencyLimits;
use fieldfen_services::environment::{Randomness, SeededRandomness};

use super::{Stage, grouped, micros};
use crate::backlog::{Backlog, KIND, migrate};
use crate::fieldfen::{FieldfenWorker, now, open};
use crate::report::{Bound, Report, Row};

/// The number of claims in one turn.
const TURN: u32 = 100;

/// The number of batches that are claimed and completed, each of [`TURN`] jobs.
const BATCHES: u32 = 8;

/// Fills a new database at a path, with limits or without.
type Fill = Box<dyn Fn(&Path, bool) -> Result<()>>;

/// A queue.
struct Shape {
    name: String,
    fill: Fill,
    /// Whether a hundred jobs can run at the same time.
    has_room: bool,
}

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let claims = stage.scale.pick(2_000, 10_000);
    for shape in shapes(stage, claims) {
        let folder = tempfile::tempdir_in(&stage.folder)?;
        let paths = [true, false].map(|limited| (folder.path().join(format!("{limited}.db")), limited));
        let mut contestants = Vec::new();
        for (path, limited) in &paths {
            (shape.fill)(path, *limited)?;
            contestants.push((FieldfenWorker::open(path, Durability::Normal)?, Times::default()));
        }
        for turn in 0..claims / TURN {
            if turn % 2 == 1 {
                contestants.reverse();
            }
            for (worker, times) in &mut contestants {
                times.turn(worker)?;
            }
            if turn % 2 == 1 {
                contestants.reverse();
            }
        }
        if shape.has_room {
            for _ in 0..BATCHES {
                for (worker, times) in &mut contestants {
                    times.batch(worker)?;
                }
            }
        }
        let [(_, limited), (_, plain)] = &*contestants else { continue };
        let each = |micros: f64| micros / f64::from(claims);
        let (with, without) = (each(limited.claims), each(plain.claims));
        let (name, ratio) = (format!("claim with pauses and limits, {} / without", shape.name), with / without);
        let row = Row::new(name, ratio, "x", Bound::AtMost(1.5));
        report.row(row.parts(format!("{with:.1} µs / {without:.1} µs")));
        let (with, without) = (each(limited.completions), each(plain.completions));
        report.row(
            Row::unbounded(format!("completion with limits, {} / without", shape.name), with / without, "x")
                .parts(format!("{with:.1} µs / {without:.1} µs")),
        );
        if shape.has_room {
            let (with, without) = (limited.batches / f64::from(BATCHES), plain.batches / f64::from(BATCHES));
            let name = format!("completion of {TURN} together with limits, {} / without", shape.name);
            report.row(Row::unbounded(name, with / without, "x").parts(format!("{with:.1} µs / {without:.1} µs")));
        }
    }
    report.note(format!(
        "claims with limits: the time of {} claims and of as many completions, each a transaction under NORMAL, divided by \
         their number. The kind has a limit in all and one per account; another kind and another service are paused.",
        grouped(claims)
    ));
    Ok(())
}

/// The time of all claims and completions, in microseconds.
#[derive(Default)]
struct Times {
    claims: f64,
    completions: f64,
    /// The completions of [`TURN`] jobs in one call.
    batches: f64,
}

impl Times {
    fn turn(&mut self, worker: &mut FieldfenWorker) -> Result<()> {
        for _ in 0..TURN {
            let mut jobs = Vec::new();
            self.claims += micros(|| {
                // Where a claim has only set jobs aside, a worker claims again at once.
                while jobs.is_empty() {
                    jobs = worker.claim(1)?;
                }
                Ok(())
            })?;
            self.completions += micros(|| {
                ensure!(worker.complete_all(&jobs)? == 1, "a claimed job was not completed");
                Ok(())
            })?;
        }
        Ok(())
    }

    fn batch(&mut self, worker: &mut FieldfenWorker) -> Result<()> {
        let jobs = worker.claim(TURN)?;
        self.batches += micros(|| {
            ensure!(worker.complete_many(&jobs)? == TURN as usize, "not all claimed jobs were completed");
            Ok(())
        })?;
        Ok(())
    }
}

fn shapes(stage: &Stage, claims: u32) -> Vec<Shape> {
    let (million, many) = stage.scale.pick((200_000, 50_000), (1_000_000, 100_000));
    let clean = Backlog { pending: claims + 1000, accounts: 1000, ..Backlog::default() };
    let all = Backlog {
        pending: clean.pending.max(many),
        completed: million,
        in_flight: many,
        future: many,
        other_kind: many,
        accounts: 1000,
    };
    let backlogs = [
        ("clean queue".to_owned(), clean),
        (format!("(a) {} completed", grouped(million)), Backlog { completed: million, ..clean }),
        (format!("(b) {} pending", grouped(many)), Backlog { pending: clean.pending.max(many), ..clean }),
        (format!("(c) {} in flight", grouped(many)), Backlog { in_flight: many, ..clean }),
        (format!("(d) {} future-dated at a higher priority", grouped(many)), Backlog { future: many, ..clean }),
        (format!("(e) {} pending of other kinds", grouped(many)), Backlog { other_kind: many, ..clean }),
        ("(f) all of them".to_owned(), all),
    ];
    let of_backlog = |(name, backlog): (String, Backlog)| Shape {
        name,
        fill: Box::new(move |path, limited| {
            backlog.create(path)?;
            // So many jobs are in flight, in each account and in all, and there is still room.
            if limited { limit(&open(path, Durability::Normal)?, 1_000_000, 1_000) } else { Ok(()) }
        }),
        has_room: true,
    };
    let mut shapes: Vec<Shape> = backlogs.into_iter().map(of_backlog).collect();
    let keys = stage.scale.pick(2_000, 10_000);
    shapes.push(Shape {
        name: format!("(g) {} urgent jobs of a full account before the others", grouped(many)),
        fill: Box::new(move |path, limited| full_account(path, limited, many, claims, true)),
        has_room: false,
    });
    shapes.push(Shape {
        name: format!("(h) {} accounts, all but one full", grouped(keys)),
        fill: Box::new(move |path, limited| full_accounts(path, limited, keys, claims)),
        has_room: false,
    });
    shapes.push(Shape {
        name: "(g) enqueued before there was a limit".to_owned(),
        fill: Box::new(move |path, limited| full_account(path, limited, many, claims, false)),
        has_room: false,
    });
    shapes
}

/// Limits the claimed kind, and pauses another kind and another service.
fn limit(store: &SqliteStore, all: u32, per_account: u32) -> Result<()> {
    let limits = [(Partition::All, all), (Partition::Account, per_account)];
    let limits: Vec<ConcurrencyLimit> = limits
        .into_iter()
        .map(|(partition, max_running)| ConcurrencyLimit::new(KIND, partition, max_running))
        .collect::<Result<_, _>>()?;
    let scopes = [PauseScope::Kind(JobKind::DeleteFile), PauseScope::Account("ebay".parse()?)];
    let (now, handle) = (now()?, ConcurrencyLimits::new(store.clone(), Environment::system()));
    let action = Action::new(Actor::new("bench", Via::Library)?, "the benchmark limits its jobs")?;
    limits.iter().try_for_each(|limit| handle.set(limit, &action))?;
    store.write(|s| {
        for scope in &scopes {
            s.pauses().pause(&Pause::new(scope.clone(), "bench", now, "bench"))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A queue with one account that is full and has many urgent jobs, before jobs of other accounts.
fn full_account(path: &Path, limited: bool, many: u32, claims: u32, limited_first: bool) -> Result<()> {
    let queue = Queue::create(path)?;
    queue.enqueue(1, |_| "full".to_owned(), Priority::Urgent)?;
    queue.claim(1)?;
    if limited && limited_first {
        limit(&queue.store, 1_000_000, 1)?;
    }
    queue.enqueue(many, |_| "full".to_owned(), Priority::Urgent)?;
    queue.enqueue(claims + 1000, |number| number.to_string(), Priority::Normal)?;
    if limited && !limited_first {
        limit(&queue.store, 1_000_000, 1)?;
    }
    Ok(())
}

/// A queue with so many accounts, of which each but the first runs a job and has ten that wait.
fn full_accounts(path: &Path, limited: bool, accounts: u32, claims: u32) -> Result<()> {
    let queue = Queue::create(path)?;
    queue.enqueue(accounts - 1, |number| number.to_string(), Priority::Urgent)?;
    queue.claim(accounts - 1)?;
    if limited {
        limit(&queue.store, 1_000_000, 1)?;
    }
    queue.enqueue(10 * (accounts - 1), |number| (number % (accounts - 1)).to_string(), Priority::Normal)?;
    queue.enqueue(claims + 1000, |_| "free".to_owned(), Priority::Normal)
}

/// A database that is filled through the store.
struct Queue {
    store: SqliteStore,
    random: SeededRandomness,
}

impl Queue {
    fn create(path: &Path) -> Result<Self> {
        migrate(path)?;
        Ok(Self { store: open(path, Durability::Normal)?, random: SeededRandomness::new(11) })
    }

    fn enqueue(&self, jobs: u32, account: impl Fn(u32) -> String, priority: Priority) -> Result<()> {
        let now = now()?;
        let numbers: Vec<u32> = (0..jobs).collect();
        for numbers in numbers.chunks(1000) {
            let mut new = Vec::with_capacity(numbers.len());
            for number in numbers {
                let id = JobId::from_random(self.random.bits());
                let account = format!("etsy/{}", account(*number)).parse::<fieldfen_domain::job::ApiAccount>()?;
                new.push(NewJob::untyped(id, KIND, None, now)?.account(account).priority(priority));
            }
            self.store.write(|s| s.jobs().enqueue_many(&new))?;
        }
        Ok(())
    }

    fn claim(&self, jobs: u32) -> Result<()> {
        let token = FenceToken::from_random(self.random.bits());
        let request =
            ClaimRequest::new([KIND].into(), jobs, token, now()?, Duration::from_secs(7200), WorkerName::new("bench"));
        let claimed = self.store.write(|s| s.jobs().claim(&request))?.jobs.len();
        ensure!(claimed == jobs as usize, "{claimed} jobs of {jobs} were claimed");
        Ok(())
    }
}
