//! Enqueues many jobs at once, against the baseline.

use anyhow::{Result, ensure};
use fieldfen_domain::JobId;
use fieldfen_domain::job::{EnqueueOutcome, NewJob};
use fieldfen_domain::{FileId, RawJson};
use fieldfen_persistence::Durability;
use fieldfen_services::Environment;
use fieldfen_services::environment::{Randomness, SeededRandomness};
use fieldfen_services::queue::Queue;

use super::{Stage, grouped, micros};
use crate::backlog::{self, KIND, NOW};
use crate::baseline::{Connection, NewRow, insert_all};
use crate::fieldfen;
use crate::report::{Bound, Report, Row};
use crate::rounds;

const JOBS: u32 = 10_000;

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let rounds = stage.scale.pick(15, 31);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let (fieldfen_path, baseline_path) = (folder.path().join("fieldfen.db"), folder.path().join("baseline.db"));
    for path in [&fieldfen_path, &baseline_path] {
        backlog::migrate(path)?;
    }
    let queue = Queue::new(fieldfen::open(&fieldfen_path, Durability::Normal)?, Environment::system());
    let connection = Connection::open(&baseline_path, Durability::Normal)?;
    let (ids, others) = (SeededRandomness::new(11), SeededRandomness::new(11));
    let fieldfen = || {
        let jobs = (0..JOBS).map(|_| new_job(&ids)).collect::<Result<Vec<NewJob>>>()?;
        let mut answers = Vec::new();
        let time = micros(|| {
            answers = queue.enqueue_many(&jobs)?;
            Ok(())
        })?;
        ensure!(
            answers.iter().zip(&jobs).all(|(answer, job)| *answer == EnqueueOutcome::Created(job.id)),
            "a job was met"
        );
        Ok(time)
    };
    let baseline = || {
        let jobs = (0..JOBS).map(|_| new_job(&others)).collect::<Result<Vec<NewJob>>>()?;
        let ids: Vec<String> = jobs.iter().map(|job| job.id.to_string()).collect();
        let rows: Vec<NewRow<'_>> = jobs
            .iter()
            .zip(&ids)
            .map(|(job, id)| NewRow {
                id,
                kind: job.kind.as_str(),
                payload: job.payload.as_ref().map_or("", RawJson::as_str),
                priority: job.priority.number().into(),
                max_retries: job.max_retries.into(),
                now: NOW,
            })
            .collect();
        micros(|| insert_all(&connection, &rows))
    };
    let figures = rounds::interleave(rounds, &mut [Box::new(fieldfen), Box::new(baseline)])?;
    let [fieldfen, baseline] = &*figures else { return Ok(()) };
    report.row(
        Row::new(
            format!("enqueue of {} at once through the service, NORMAL: fieldfen / baseline", grouped(JOBS)),
            rounds::ratio(fieldfen, baseline),
            "x",
            Bound::AtMost(1.3),
        )
        .parts(format!("{:.1} ms / {:.1} ms", rounds::median(fieldfen) / 1e3, rounds::median(baseline) / 1e3)),
    );
    report.note(
        "enqueue: one transaction of jobs with a payload each, which were made beforehand, into a table that grows by as \
         many jobs a round. The baseline has the same schema and settings and runs one prepared insert for each job.",
    );
    Ok(())
}

fn new_job(random: &SeededRandomness) -> Result<NewJob> {
    let file = FileId::from_random(random.bits());
    let payload = RawJson::parse(format!(r#"{{"file_id":"{file}","scale_factor":4,"target_dpi":300}}"#))?;
    Ok(NewJob::untyped(JobId::from_random(random.bits()), KIND, Some(payload), fieldfen::now()?)?)
}
