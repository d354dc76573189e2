//! Reads the consequence of a worker's death for its jobs. The claim writes it, if the job was enqueued without one.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::JobId;
use fieldfen_domain::job::OnWorkerDeath;
use fieldfen_domain::store::StoreError;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    OnWorkerDeathOfRow { rowid: i64 as BigInt } -> (Nullable<Text>,) =
        "SELECT on_worker_death FROM jobs WHERE rowid = ?"
}
statement! {
    OnWorkerDeathOf<'a> { id: &'a str as Text } -> (Nullable<Text>,) =
        "SELECT on_worker_death FROM jobs WHERE id = ?"
}

impl SqliteSession<'_> {
    /// The consequence for the job of a row. `id` names the row in an error.
    pub(super) fn on_worker_death_of(&mut self, rowid: i64, id: &str) -> Result<OnWorkerDeath, StoreError> {
        let (word,) = OnWorkerDeathOfRow { rowid }.get_result(self.conn).store()?;
        Ok(read(id, word)?.unwrap_or_default())
    }

    /// The consequence for a job; `None` if there is no such job or if it has none.
    pub(in crate::sqlite) fn on_worker_death_of_job(
        &mut self,
        id: &JobId,
    ) -> Result<Option<OnWorkerDeath>, StoreError> {
        for id in id.formats() {
            let found = OnWorkerDeathOf { id: &id }.get_result(self.conn).optional().store()?;
            if let Some((word,)) = found {
                return read(&id, word);
            }
        }
        Ok(None)
    }
}

/// The word of a row. Programs that know only the initial schema leave it empty.
fn read(id: &str, word: Option<StoredText>) -> Result<Option<OnWorkerDeath>, StoreError> {
    RowRef::known("jobs", id).parse_nullable("on_worker_death", word.as_ref())
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("OnWorkerDeathOfRow", OnWorkerDeathOfRow::SQL), ("OnWorkerDeathOf", OnWorkerDeathOf::SQL)]
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_domain::store::{JobQueue, JobReads, WorkerReads};
    use fieldfen_testkit::fixtures::{at, claim_request, job, job_id, reclaim_request};

    use crate::sqlite::columns::test_database::{database, session};

    #[test]
    fn a_job_with_an_unknown_word_fails_when_its_worker_dies_and_runs_well_before() {
        let mut conn = database();
        session(&mut conn).enqueue(&job(1)).unwrap();
        conn.batch_execute("UPDATE jobs SET on_worker_death = 'wait'").unwrap();
        let error = session(&mut conn).on_worker_death(&job_id(1)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("jobs {}: column on_worker_death holds \"wait\"", job_id(1))), "{error}");
        assert_eq!(session(&mut conn).claim(&claim_request(1, 1, at(0))).unwrap().jobs.len(), 1);
        let taken = session(&mut conn).reclaim(&reclaim_request(at(1000), 9), &|_| Default::default()).unwrap();
        assert_eq!((taken.jobs.len(), taken.unreadable.len()), (0, 1));
        let failed = session(&mut conn).find(&job_id(1)).unwrap().unwrap();
        assert!(failed.state.status().is_final(), "{failed:?}");
    }
}
