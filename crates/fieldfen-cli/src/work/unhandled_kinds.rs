//! Warns of jobs that no living worker handles.

use std::collections::BTreeSet;
use std::io;
use std::thread;
use std::time::Duration;

use fieldfen_domain::job::{JobKind, JobStatus};
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::Queue;
use fieldfen_services::workers::Workers;
use fieldfen_terminal::Terminal;

use crate::context::Context;

/// The time until the first look. The worker has to be in the registry by then.
const FIRST: Duration = Duration::from_secs(2);

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(3600);

/// The kinds that have pending jobs and no living worker.
pub(super) struct UnhandledKinds {
    queue: Queue<SqliteStore>,
    workers: Workers<SqliteStore>,
    terminal: Terminal,
}

impl UnhandledKinds {
    pub(super) fn new(store: SqliteStore, context: &Context<'_>) -> Self {
        let environment = context.environment.clone();
        Self {
            queue: Queue::new(store.clone(), environment.clone()),
            workers: Workers::new(store, environment),
            terminal: context.terminal.clone(),
        }
    }

    /// Looks now and then on a thread of its own, which ends with the process.
    pub(super) fn watch(self) -> io::Result<()> {
        let look = move || {
            thread::sleep(FIRST);
            loop {
                self.warn();
                thread::sleep(EVERY);
            }
        };
        thread::Builder::new().name("unhandled".to_owned()).spawn(look).map(drop)
    }

    fn warn(&self) {
        match self.find() {
            Ok(kinds) => {
                for (kind, jobs) in kinds {
                    let (noun, verb) = if jobs == 1 { ("job", "waits") } else { ("jobs", "wait") };
                    self.terminal.print_message(&format!(
                        "warning: {jobs} {noun} of {kind} {verb}, and no living worker handles this kind"
                    ));
                }
            }
            Err(error) => {
                self.terminal.print_message(&format!("warning: cannot look for jobs without a worker: {error}"))
            }
        }
    }

    fn find(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let workers = self.workers.all_alive()?;
        let handled: BTreeSet<&str> = workers.iter().flat_map(|worker| &worker.kinds).map(JobKind::as_str).collect();
        let counts = self.queue.count()?.into_iter().filter(|count| count.status == JobStatus::Pending);
        Ok(counts
            .filter(|count| !handled.contains(count.kind.as_str()))
            .map(|count| (count.kind, count.jobs))
            .collect())
    }
}
