//! Several processes that write to one file: their rate, its distribution, and the time of a single write.

mod contest;
mod trace;

use anyhow::Result;
use fieldfen_persistence::Durability;

pub use self::contest::Worker;
pub(super) use self::contest::{ChildProcess, ready};
use self::contest::{Contest, ProcessResult, contest};
pub use self::trace::TraceWrites;
use super::Stage;
use crate::report::{Bound, Report, Row};
use crate::rounds;
use crate::write_trace::{Explanation, StallWatch, TracedWrite, explain};

/// The number of processes that write at once.
const PROCESSES: u32 = 4;

/// A write that takes longer must have a cause in the trace.
const LONG_US: u64 = 1_000_000;

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    for (name, durability) in [("NORMAL", Durability::Normal), ("FULL", Durability::Full)] {
        let folder = tempfile::tempdir_in(&stage.folder)?;
        let milliseconds = stage.scale.pick(1000, 5000);
        let (mut many, mut longest, mut twice, mut runs) = (Vec::new(), Vec::new(), 0, 0);
        let mut run = |processes| {
            runs += 1;
            let path = folder.path().join(format!("{runs}.db"));
            let stalls = StallWatch::start();
            let (results, wrong) = contest(&path, &Contest { durability, processes, milliseconds, run_delay: false })?;
            let stalls = stalls.end();
            twice += wrong;
            let rate = results.iter().map(|result| f64::from(result.jobs) / result.seconds).sum();
            if processes > 1 {
                longest.extend(explain(&traces(&results), &stalls, 20));
                many.push(results);
            }
            Ok(rate)
        };
        let run = std::cell::RefCell::new(&mut run);
        let figures =
            rounds::interleave(5, &mut [Box::new(|| run.borrow_mut()(1)), Box::new(|| run.borrow_mut()(PROCESSES))])?;
        let [one, four] = &*figures else { return Ok(()) };
        report.row(
            Row::new(
                format!("4 processes of one thread / 1 process of one thread, {name}"),
                rounds::ratio(four, one),
                "x",
                Bound::AtLeast(0.8),
            )
            .parts(format!("{:.0} / {:.0} jobs per second", rounds::median(four), rounds::median(one))),
        );
        let busy: u32 = many.iter().flatten().map(|result| result.busy).sum();
        report.row(Row::new(
            format!("busy errors of the 4 processes, {name}"),
            busy.into(),
            "errors",
            Bound::AtMost(0.0),
        ));
        let jobs: u32 = many.iter().flatten().map(|result| result.jobs).sum();
        report.row(
            Row::new(format!("jobs not run exactly once, {name}"), twice as f64, "jobs", Bound::AtMost(0.0))
                .parts(format!("of {jobs}, by the rows")),
        );
        let shares: Vec<f64> = many.iter().map(|results| least_served(results)).collect();
        report.row(
            Row::new(
                format!("jobs of the least served of the 4 processes / mean, the worst run, {name}"),
                rounds::quantile(&shares, 0.0),
                "x",
                Bound::AtLeast(0.6),
            )
            .parts(shares.iter().map(|share| format!("{share:.2}")).collect::<Vec<_>>().join(" ")),
        );
        single_writes(name, &many, &longest, report);
    }
    report.note(
        "processes: each claims one job and completes it, again and again, from the same moment on. just trace-writes shows \
         the phases of these writes and what the longest ones waited for.",
    );
    Ok(())
}

/// The rows about the time of one write.
fn single_writes(name: &str, runs: &[Vec<ProcessResult>], longest: &[Explanation], report: &mut Report) {
    let writes = || runs.iter().flatten().flat_map(|result| &result.writes);
    let us: Vec<f64> = writes().map(|write| write.total_us() as f64).collect();
    let commits: Vec<f64> = writes().map(TracedWrite::commit_us).filter(|us| *us > 0).map(|us| us as f64).collect();
    let (commit, p999, longest_us) =
        (rounds::median(&commits), rounds::quantile(&us, 0.999), rounds::quantile(&us, 1.0));
    report.row(
        Row::new(format!("p99.9 of one write with 4 processes, {name}"), p999 / 1e3, "ms", Bound::Below(250.0)).parts(
            format!(
                "{:.0} x the median commit of {commit:.0} µs; p50 {:.2} ms",
                p999 / commit,
                rounds::median(&us) / 1e3
            ),
        ),
    );
    let worst = longest.iter().max_by_key(|found| found.write.total_us());
    report.row(Row::unbounded(format!("longest write with 4 processes, {name}"), longest_us / 1e3, "ms").parts(
        format!(
            "{:.0} x the median commit; {}",
            longest_us / commit,
            worst.map(Explanation::cause).unwrap_or_default()
        ),
    ));
    let long: Vec<_> = longest.iter().filter(|found| found.write.total_us() >= LONG_US).collect();
    let unexplained = long.iter().filter(|found| !found.has_cause()).count();
    report.row(
        Row::new(
            format!("writes of a second or longer without a cause in the trace, {name}"),
            unexplained as f64,
            "writes",
            Bound::AtMost(0.0),
        )
        .parts(format!("{} writes of a second or longer", long.len())),
    );
}

fn traces(results: &[ProcessResult]) -> Vec<&[TracedWrite]> {
    results.iter().map(|result| &*result.writes).collect()
}

/// The jobs of the least served process, divided by the mean.
fn least_served(results: &[ProcessResult]) -> f64 {
    let jobs = || results.iter().map(|result| f64::from(result.jobs));
    jobs().fold(f64::INFINITY, f64::min) / (jobs().sum::<f64>() / results.len() as f64)
}
