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
}

impl From<RegisteredWorker> for WorkerLine {
    fn from(worker: RegisteredWorker) -> Self {
        Self {
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
    let store = context.store()?;
    let workers = Workers::new(store.clone(), context.environment.clone()).all_alive()?;
    let workers: Vec<_> = workers.into_iter().map(WorkerLine::from).collect();
    let running = Queue::new(store, context.environment.clone())
        .list(&JobFilter::new().status(JobStatus::Running), &PageRequest::first(RUNNING))?;
    let running = List::of(running, JobLine::from);
    let document = WorkersDocument { workers, running };
    context.terminal.print_result(&document, |out| {
        let WorkersDocument { workers, running } = &document;
        if workers.is_empty() {
            writeln!(out, "{NO_WORKER}")?;
        } else {
            let mut table =
                context.terminal.table(["worker", "process", "host", "threads", "stuck", "started", "kinds"]);
            for worker in workers {
                let WorkerLine { name, process, host, kinds, threads, stuck_jobs, started, .. } = worker;
                let [process, threads, stuck] =
                    [process.to_string(), threads.to_string(), stuck_jobs.len().to_string()];
                table.add_row([name, &process, host, &threads, &stuck, &shown(*started), &kinds.join(", ")]);
            }
            out.table(&table)?;
        }
        write_table(running.items(), out, context.terminal)?;
        running.write_end(out, "running job", "a worker runs those that are due, see `fieldfen work`")
    })?;
    Ok(())
}
