//! Claims and completions: against the baseline, and with each kind of backlog.

use anyhow::{Result, ensure};
use fieldfen_persistence::Durability;

use super::{Stage, grouped, micros};
use crate::backlog::{Backlog, KIND, LATER, NOW};
use crate::baseline::{BaselineWorker, Claim, Connection};
use crate::fieldfen::FieldfenWorker;
use crate::report::{Bound, Report, Row};
use crate::rounds::{self, Contestant};

const TOKEN: &str = "5f6e7d8c-9b0a-4a3b-8c2d-1e0f1e2d3c4b";

const CLAIM: Claim<'static> =
    Claim { token: TOKEN, expires_at: LATER, worker: "bench", kind: KIND_NAME, now: NOW, limit: 1 };

const KIND_NAME: &str = "UpscaleImage";

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    for (name, durability, most, pairs, rounds) in
        [("NORMAL", Durability::Normal, 1.3, 300, 31), ("FULL", Durability::Full, 1.25, 100, 31)]
    {
        let times = against_baseline(stage, durability, 1, pairs, rounds)?;
        let mut row = Row::new(
            format!("claim one, complete one, one thread, {name}: fieldfen / baseline"),
            rounds::ratio(&times.fieldfen, &times.baseline),
            "x",
            Bound::AtMost(most),
        );
        if durability == Durability::Normal {
            let over = rounds::median(&times.fieldfen) - rounds::median(&times.baseline);
            row = row.or("baseline + 10 µs", over <= 10.0);
        }
        report.row(row.parts(times.parts()));
    }
    let times = against_baseline(stage, Durability::Normal, 100, 10, 31)?;
    report.row(
        Row::new(
            "claim of 100 + completion of 100, NORMAL: fieldfen / baseline",
            rounds::ratio(&times.fieldfen, &times.baseline),
            "x",
            Bound::AtMost(1.3),
        )
        .parts(times.parts()),
    );
    report.note(
        "claim: a queue of as many due jobs as are claimed, the time of a claim and its completion, each a transaction \
         of its own; the completions of 100 are one transaction, for fieldfen and for the baseline. The baseline is libsqlite3-sys: \
         the same schema, settings and statements, prepared once, committing by themselves.",
    );
    limits(stage, report)?;
    backlogs(stage, report)
}

struct Times {
    fieldfen: rounds::Figures,
    baseline: rounds::Figures,
}

impl Times {
    fn parts(&self) -> String {
        format!("{:.1} µs / {:.1} µs", rounds::median(&self.fieldfen), rounds::median(&self.baseline))
    }
}

/// Claims and completes `limit` jobs at a time, `claims` times a round, each contestant on its own database.
fn against_baseline(stage: &Stage, durability: Durability, limit: u32, claims: u32, rounds: usize) -> Result<Times> {
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let (fieldfen_path, baseline_path) = (folder.path().join("fieldfen.db"), folder.path().join("baseline.db"));
    let pending = limit * claims * (u32::try_from(rounds)? + 1);
    for path in [&fieldfen_path, &baseline_path] {
        Backlog { pending, ..Backlog::default() }.create(path)?;
    }
    let mut fieldfen = FieldfenWorker::open(&fieldfen_path, durability)?;
    let mut baseline = BaselineWorker::open(&baseline_path, durability)?;
    ensure!(KIND.as_str() == KIND_NAME, "the baseline claims another kind");
    let wanted = limit as usize;
    let fieldfen = || {
        median_time(claims, || {
            let jobs = fieldfen.claim(limit)?;
            let done = match &*jobs {
                [job] => usize::from(fieldfen.complete(job)?.is_done()),
                jobs => fieldfen.complete_all(jobs)?,
            };
            ensure!(done == wanted, "{done} jobs of {wanted} were completed");
            Ok(())
        })
    };
    let mut ids = Vec::new();
    let baseline = || {
        median_time(claims, || {
            ids.clear();
            baseline.claim(&Claim { limit: limit.into(), ..CLAIM }, &mut ids)?;
            let done = match &*ids {
                [id] => usize::from(baseline.complete(id, TOKEN, NOW)?),
                ids => baseline.complete_all(ids, TOKEN, NOW)?,
            };
            ensure!(done == wanted, "{done} jobs of {wanted} were completed by the baseline");
            Ok(())
        })
    };
    let mut figures = rounds::interleave(rounds, &mut [Box::new(fieldfen), Box::new(baseline)])?;
    let baseline = figures.pop().unwrap_or_default();
    let fieldfen = figures.pop().unwrap_or_default();
    Ok(Times { fieldfen, baseline })
}

/// The median time of one of this many calls.
fn median_time(calls: u32, mut f: impl FnMut() -> Result<()>) -> Result<f64> {
    let times = (0..calls).map(|_| micros(&mut f)).collect::<Result<Vec<f64>>>()?;
    Ok(rounds::median(&times))
}

/// The time of a claim for eight kinds with a limit each, divided by that for one kind.
fn limits(stage: &Stage, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let (limited, plain) = (folder.path().join("limited.db"), folder.path().join("plain.db"));
    for path in [&limited, &plain] {
        CLEAN.create(path)?;
    }
    let mut limited = FieldfenWorker::open(&limited, Durability::Normal)?.with_limits();
    let mut plain = FieldfenWorker::open(&plain, Durability::Normal)?;
    let mut contestants: [Contestant<'_>; 2] = [Box::new(|| claims(&mut limited)), Box::new(|| claims(&mut plain))];
    let figures = rounds::interleave(CLAIM_ROUNDS, &mut contestants)?;
    drop(contestants);
    let [limited, plain] = &*figures else { return Ok(()) };
    report.row(
        Row::unbounded("claim for eight kinds with a limit each / for one kind", rounds::ratio(limited, plain), "x")
            .parts(format!("{:.1} µs / {:.1} µs", rounds::median(limited), rounds::median(plain))),
    );
    Ok(())
}

const CLEAN: Backlog = Backlog { pending: 1000, completed: 0, in_flight: 0, future: 0, other_kind: 0, accounts: 0 };

/// The time of a claim with each backlog, divided by that with a clean queue.
fn backlogs(stage: &Stage, report: &mut Report) -> Result<()> {
    let (million, many) = stage.scale.pick((200_000, 50_000), (1_000_000, 100_000));
    let shapes = [
        (format!("(a) {} completed", grouped(million)), Backlog { completed: million, ..CLEAN }),
        (format!("(b) {} pending", grouped(many)), Backlog { pending: many, ..CLEAN }),
        (format!("(c) {} in flight", grouped(many)), Backlog { in_flight: many, ..CLEAN }),
        (format!("(d) {} future-dated at a higher priority", grouped(many)), Backlog { future: many, ..CLEAN }),
        (format!("(e) {} pending of other kinds", grouped(many)), Backlog { other_kind: many, ..CLEAN }),
        (
            format!("(f) all of them, {} completed and {} each", grouped(million), grouped(many)),
            Backlog { pending: many, completed: million, in_flight: many, future: many, other_kind: many, accounts: 0 },
        ),
    ];
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let mut paths = Vec::new();
    for (index, backlog) in std::iter::once(&CLEAN).chain(shapes.iter().map(|(_, backlog)| backlog)).enumerate() {
        let path = folder.path().join(format!("{index}.db"));
        backlog.create(&path)?;
        paths.push(path);
    }
    for analyzed in [false, true] {
        if analyzed {
            // The clean queue gets no statistics, so that its claims show whether statistics make the others slower.
            for path in paths.iter().skip(1) {
                Connection::open(path, Durability::Normal)?.execute("ANALYZE")?;
            }
        }
        let mut workers = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let statistics = Connection::open(path, Durability::Normal)?
                .number("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'")?;
            let wanted = analyzed && index > 0;
            ensure!((statistics == 1) == wanted, "{}: ANALYZE has run, or has not run", path.display());
            workers.push(FieldfenWorker::open(path, Durability::Normal)?);
        }
        let mut contestants: Vec<Contestant<'_>> = Vec::new();
        for worker in &mut workers {
            contestants.push(Box::new(move || claims(worker)));
        }
        let figures = rounds::interleave(CLAIM_ROUNDS, &mut contestants)?;
        drop(contestants);
        let Some((clean, others)) = figures.split_first() else { continue };
        for ((name, _), times) in shapes.iter().zip(others) {
            let statistics = if analyzed { "after ANALYZE" } else { "never ANALYZEd" };
            report.row(
                Row::new(
                    format!("claim with {name}, {statistics} / clean queue of 1,000"),
                    rounds::ratio(times, clean),
                    "x",
                    Bound::AtMost(1.5),
                )
                .parts(format!("{:.1} µs / {:.1} µs", rounds::median(times), rounds::median(clean))),
            );
        }
    }
    report.note("backlogs: the median time of one claim under NORMAL; what has been claimed is completed unmeasured.");
    Ok(())
}

/// The number of rounds for the backlogs.
const CLAIM_ROUNDS: usize = 20;

/// The median time of a claim. All rounds together claim half of a clean queue of 1,000.
fn claims(worker: &mut FieldfenWorker) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..12 {
        let mut jobs = Vec::new();
        times.push(micros(|| {
            jobs = worker.claim(1)?;
            Ok(())
        })?);
        ensure!(worker.complete_all(&jobs)? == 1, "a claim gave no job");
    }
    Ok(rounds::median(&times))
}
