//! Prunes ended jobs, of many rows and of few.

use anyhow::{Result, ensure};
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{JobStatus, PruneRequest};
use fieldfen_domain::store::Store;
use fieldfen_persistence::{Durability, SqliteStore};

use super::{Stage, grouped, micros};
use crate::backlog::{Backlog, LATER};
use crate::fieldfen;
use crate::report::{Report, Row};
use crate::rounds::{self, Contestant};

const ROUNDS: usize = 21;

/// The number of rows of a batch.
const BATCH: u32 = 100;

/// Enough rows for all rounds.
const FEW: u32 = 10_000;

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let many = stage.scale.pick(200_000, 1_000_000);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let mut stores = Vec::new();
    for completed in [many, FEW] {
        let path = folder.path().join(format!("{completed}.db"));
        Backlog { completed, ..Backlog::default() }.create(&path)?;
        stores.push(fieldfen::open(&path, Durability::Normal)?);
    }
    let ended_before = format!("{LATER}Z").parse()?;
    let mut contestants: Vec<Contestant<'_>> = Vec::new();
    for store in &stores {
        contestants.push(Box::new(move || prune(store, ended_before)));
    }
    let figures = rounds::interleave(ROUNDS, &mut contestants)?;
    drop(contestants);
    let [of_many, of_few] = &*figures else { return Ok(()) };
    report.row(
        Row::unbounded(
            format!("prune {BATCH} jobs of {} completed ones / of {}", grouped(many), grouped(FEW)),
            rounds::ratio(of_many, of_few),
            "x",
        )
        .parts(format!("{:.0} µs / {:.0} µs", rounds::median(of_many), rounds::median(of_few))),
    );
    report.note(format!(
        "upkeep: {BATCH} rows a transaction, under NORMAL; their entries in the index of ids lie scattered."
    ));
    Ok(())
}

/// The time of one batch.
fn prune(store: &SqliteStore, ended_before: Timestamp) -> Result<f64> {
    let request = PruneRequest::new(JobStatus::Completed, ended_before, BATCH);
    micros(|| {
        let pruned = store.write(|s| s.job_actions().prune(&request))?;
        ensure!(pruned == u64::from(BATCH), "{pruned} jobs were pruned and not {BATCH}");
        Ok(())
    })
}
