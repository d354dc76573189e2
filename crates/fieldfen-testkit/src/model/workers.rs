//! The registry of workers.

use fieldfen_domain::job::OnWorkerDeath;
use fieldfen_domain::store::{StoreError, WorkerReads, Workers};
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_domain::{JobId, Timestamp, UnreadableRow, WorkerId, truncate_to_micros};

use super::ModelSession;
use super::keys::JobKey;
use super::table::Row;

#[derive(Clone)]
pub(super) struct WorkerRow(RegisteredWorker);

impl Row for WorkerRow {
    type Key = WorkerId;

    fn keys(&self) -> Vec<WorkerId> {
        vec![self.0.id]
    }
}

impl WorkerReads for ModelSession<'_> {
    fn seen_since(&mut self, since: Timestamp) -> Result<Vec<Result<RegisteredWorker, UnreadableRow>>, StoreError> {
        let seen =
            self.state.workers.rows().filter(|WorkerRow(worker)| worker.last_seen_at >= truncate_to_micros(since));
        let mut seen: Vec<_> = seen.map(|WorkerRow(worker)| worker.clone()).collect();
        seen.sort_by_key(|worker| worker.last_seen_at);
        Ok(seen.into_iter().map(Ok).collect())
    }

    fn on_worker_death(&mut self, id: &JobId) -> Result<Option<OnWorkerDeath>, StoreError> {
        Ok(self.state.jobs.find(&JobKey::Id(*id)).and_then(|(_, row)| row.on_worker_death))
    }
}

impl Workers for ModelSession<'_> {
    fn register(&mut self, worker: &RegisteredWorker) -> Result<(), StoreError> {
        let mut worker = worker.clone();
        worker.started_at = truncate_to_micros(worker.started_at);
        worker.last_seen_at = truncate_to_micros(worker.last_seen_at);
        match self.state.workers.find(&worker.id) {
            Some((number, _)) => self.state.workers.update(number, WorkerRow(worker)),
            None => self.state.workers.insert(WorkerRow(worker)),
        }
        Ok(())
    }

    fn unregister(&mut self, id: &WorkerId) -> Result<bool, StoreError> {
        let found = self.state.workers.find(id);
        if let Some((number, _)) = &found {
            self.state.workers.remove(*number);
        }
        Ok(found.is_some())
    }

    fn forget_silent(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let silent =
            self.state.workers.rows().filter(|WorkerRow(worker)| worker.last_seen_at < truncate_to_micros(before));
        let silent: Vec<WorkerId> = silent.map(|WorkerRow(worker)| worker.id).collect();
        silent.iter().for_each(|id| self.state.workers.remove_all(id));
        Ok(silent.len() as u64)
    }
}
