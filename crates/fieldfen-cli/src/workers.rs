//! `workers`: the registered workers, and the jobs that each runs now.

use fieldfen_domain::job::{JobFilter, JobStatus};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{JobId, PageRequest, Timestamp};
use fieldfen_services::queue::Queue;
use fieldfen_services::workers::Workers;
use serde::Serialize;

use crate::context::Context;
use crate::jobs::{JobLine, write_table};
use crate::page::List;
use crate::time_argument::shown;

/// The largest number of running jobs that are shown.
const RUNNING: u32 = 200;

/// The JSON document of a living worker.
#[derive(Debug, Serialize)]
struct WorkerLine {
    name: String,
    process: u32,
    host: String,
    version: String,
    kinds: Vec<String>,
    threads: u32,
    /// The jobs whose handlers do not return although they were interrupted.
    stuck_jobs: Vec<JobId>,
    started: Timestamp,
    last_seen: Timestamp,
    /// Whether it has missed a renewal of its row, so that it has probably died.
    late: bool,
}

impl WorkerLine {
    fn new(worker: RegisteredWorker, now: Timestamp) -> Self {
        Self {
            late: worker.is_late(now),
            name: worker.name.to_string(),
            process: worker.process,
            host: worker.host,
            version: worker.version,
            kinds: worker.kinds.iter().map(ToString::to_string).collect(),
            threads: worker.threads,
            stuck_jobs: worker.stuck_jobs,
            started: worker.started_at,
            last_seen: worker.last_seen_at,
        }
    }
}

/// The JSON document of the living workers and the running jobs.
#[derive(Debug, Serialize)]
struct WorkersDocument {
    workers: Vec<WorkerLine>,
    running: List<JobLine>,
}

/// The answer without a living worker.
pub(crate) const NO_WORKER: &str = "no worker is alive: jobs wait until one starts, for example `fieldfen work`";

pub(crate) fn list(context: &Context<'_>) -> anyhow::Result<()> {
    let store = context.store_to_read()?;
    let workers = Workers::new(store.clone(), context.environment.clone()).all_alive()?;
    let now = context.environment.now();
    let workers: Vec<_> = workers.into_iter().map(|worker| WorkerLine::new(worker, now)).collect();
    let running = Queue::new(store, context.environment.clone())
        .list(&JobFilter::new().status(JobStatus::Running), &PageRequest::first(RUNNING))?;
    let running = List::of(running, JobLine::from);
    let document = WorkersDocument { workers, running };
    context.terminal.print_result(&document, |out| {
        let WorkersDocument { workers, running } = &document;
        if workers.is_empty() {
            writeln!(out, "{NO_WORKER}")?;
        } else {
            let mut table = context.terminal.table([
                "worker",
                "process",
                "host",
                "threads",
                "stuck",
                "started",
                "last seen",
                "kinds",
            ]);
            for worker in workers {
                let WorkerLine { name, process, host, kinds, threads, stuck_jobs, started, last_seen, .. } = worker;
                let seen = format!("{} s ago", seconds_since(*last_seen, now));
                let [process, threads, stuck] =
                    [process.to_string(), threads.to_string(), stuck_jobs.len().to_string()];
                table.add_row([name, &process, host, &threads, &stuck, &shown(*started), &seen, &kinds.join(", ")]);
            }
            out.table(&table)?;
            for WorkerLine { name, last_seen, .. } in workers.iter().filter(|worker| worker.late) {
                let seconds = seconds_since(*last_seen, now);
                writeln!(
                    out,
                    "{name} was last seen {seconds} s ago, a living worker every 15 s: it has probably died"
                )?;
            }
        }
        write_table(running.items(), out, context.terminal)?;
        running.write_end(out, "running job", "a worker runs those that are due, see `fieldfen work`")
    })?;
    Ok(())
}

fn seconds_since(at: Timestamp, now: Timestamp) -> i64 {
    now.signed_duration_since(at).num_seconds().max(0)
}
