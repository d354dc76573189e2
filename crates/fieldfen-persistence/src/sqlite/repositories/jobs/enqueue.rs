//! Enqueues one job, or many jobs with few statements.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use diesel::sqlite::Sqlite;
use fieldfen_domain::job::{ApiAccount, DedupKey, EnqueueOutcome, NewJob, OnWorkerDeath};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{JobId, RawJson};

use super::admission::Admission;
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The number of rows of one INSERT. Each number of rows is a statement text of its own, so there are only a few; the
/// remaining rows are inserted one by one.
const MANY: usize = 128;
const SOME: usize = 16;

statement! {
    /// The values of a new row.
    NewRow<'a> {
        id: &'a str as Text,
        file_id: Option<&'a str> as Nullable<Text>,
        kind: &'a str as Text,
        payload: Option<&'a str> as Nullable<Text>,
        priority: i64 as BigInt,
        run_at: SqlTime as SqlTimestamp,
        max_retries: i64 as BigInt,
        dedup_key: Option<&'a str> as Nullable<Text>,
        created_at: SqlTime as SqlTimestamp,
        waiting_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        account: Option<&'a str> as Nullable<Text>,
        partition_key: Option<&'a str> as Nullable<Text>,
        waits_for: &'a str as Text,
        on_worker_death: Option<&'a str> as Nullable<Text>,
    } = "(?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// The first live job with this dedup key. There are several if another program has changed the status of one.
    LiveByKey<'a> { key: &'a str as Text } -> (BigInt, Nullable<Text>) =
        "SELECT rowid, id FROM jobs INDEXED BY idx_jobs_dedup_key \
         WHERE dedup_key = ? AND dedup_key IS NOT NULL AND status IN ('pending', 'running') ORDER BY rowid LIMIT 1"
}
statement! {
    /// The live jobs with these dedup keys, given as a JSON array. Each row names its key by the index in the array.
    LiveByKeys<'a> { keys: &'a str as Text } -> (BigInt, BigInt, Nullable<Text>) =
        "SELECT given.key, jobs.rowid, jobs.id FROM json_each(?) AS given \
         CROSS JOIN jobs INDEXED BY idx_jobs_dedup_key ON jobs.dedup_key = given.value \
         AND jobs.dedup_key IS NOT NULL AND jobs.status IN ('pending', 'running')"
}

/// Inserts this number of rows with one statement.
#[derive(Debug, Clone, Copy)]
struct InsertRows<'r, const ROWS: usize>(&'r [NewRow<'r>; ROWS]);

impl<const ROWS: usize> QueryFragment<Sqlite> for InsertRows<'_, ROWS> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, priority, run_at, max_retries, \
             dedup_key, created_at, waiting_since, account, partition_key, waits_for, on_worker_death) VALUES ",
        );
        for (index, row) in self.0.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            row.walk_ast(out.reborrow())?;
        }
        Ok(())
    }
}

impl<const ROWS: usize> QueryId for InsertRows<'_, ROWS> {
    type QueryId = InsertRows<'static, ROWS>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const ROWS: usize> RunQueryDsl<SqliteConnection> for InsertRows<'_, ROWS> {}

/// A job with the texts of its ids.
struct Written<'j> {
    job: &'j NewJob,
    id: String,
    file_id: Option<String>,
    admission: Admission,
}

impl<'j> Written<'j> {
    fn new(job: &'j NewJob, admission: Admission) -> Self {
        Self { job, id: job.id.to_string(), file_id: job.file_id.map(|id| id.to_string()), admission }
    }

    fn row(&self) -> NewRow<'_> {
        let Self { job, id, file_id, admission } = self;
        NewRow {
            id,
            file_id: file_id.as_deref(),
            kind: job.kind.as_str(),
            payload: job.payload.as_ref().map(RawJson::as_str),
            priority: job.priority.number().into(),
            run_at: SqlTime(job.run_at),
            max_retries: job.max_retries.into(),
            dedup_key: job.dedup_key.as_ref().map(DedupKey::as_str),
            created_at: SqlTime(job.created_at),
            waiting_since: job.waiting_since().map(SqlTime),
            account: job.account.as_ref().map(ApiAccount::as_str),
            partition_key: admission.partition_key.as_deref(),
            waits_for: admission.waits_for.as_deref().unwrap_or_default(),
            on_worker_death: job.on_worker_death.map(OnWorkerDeath::as_str),
        }
    }
}

impl SqliteSession<'_> {
    pub(super) fn enqueue_job(&mut self, job: &NewJob) -> Result<EnqueueOutcome, StoreError> {
        StoreError::check_json("payload of a job", job.payload.as_ref())?;
        // The write lock is held: no other program can enqueue a job between this query and the insert.
        let live = job.dedup_key.as_ref().map(|key| self.live_job(key)).transpose()?.flatten();
        if let Some(live) = live {
            return Ok(EnqueueOutcome::Duplicate(live));
        }
        let mut rules = self.new_job_rules()?;
        let admission = self.admission(&mut rules, job)?;
        self.insert_job(&Written::new(job, admission))?;
        Ok(EnqueueOutcome::Created(job.id))
    }

    pub(super) fn enqueue_jobs(&mut self, jobs: &[NewJob]) -> Result<Vec<EnqueueOutcome>, StoreError> {
        if let [job] = jobs {
            return Ok(vec![self.enqueue_job(job)?]);
        }
        let Some(mut by_key) = self.live_jobs(jobs)? else {
            // At least one job is refused. Enqueueing them one by one finds the first of these.
            return jobs.iter().map(|job| self.enqueue_job(job)).collect();
        };
        let mut rules = self.new_job_rules()?;
        let mut answers = Vec::with_capacity(jobs.len());
        let mut new = Vec::with_capacity(jobs.len());
        for job in jobs {
            let met = job.dedup_key.as_ref().and_then(|key| by_key.get(key).copied());
            answers.push(met.map_or(EnqueueOutcome::Created(job.id), EnqueueOutcome::Duplicate));
            if met.is_none() {
                by_key.extend(job.dedup_key.as_ref().map(|key| (key, job.id)));
                new.push(Written::new(job, self.admission(&mut rules, job)?));
            }
        }
        let mut rest = &*new;
        while let Some((group, others)) = rest.split_first_chunk::<MANY>() {
            self.insert_group(group)?;
            rest = others;
        }
        while let Some((group, others)) = rest.split_first_chunk::<SOME>() {
            self.insert_group(group)?;
            rest = others;
        }
        rest.iter().try_for_each(|job| self.insert_job(job))?;
        Ok(answers)
    }

    /// Inserts jobs with one statement. If one job is refused, the whole statement has no effect, and the jobs are
    /// inserted one by one.
    fn insert_group<const ROWS: usize>(&mut self, group: &[Written<'_>; ROWS]) -> Result<(), StoreError> {
        use DatabaseErrorKind::{CheckViolation, ForeignKeyViolation, UniqueViolation};
        match InsertRows(&group.each_ref().map(Written::row)).execute(self.conn) {
            Err(
                Error::DatabaseError(CheckViolation | ForeignKeyViolation | UniqueViolation, _)
                | Error::SerializationError(_),
            ) => group.iter().try_for_each(|job| self.insert_job(job)),
            result => {
                result.store()?;
                self.note(CommitNotice::JobDue);
                Ok(())
            }
        }
    }

    fn insert_job(&mut self, new: &Written<'_>) -> Result<(), StoreError> {
        let mut row = new.row();
        let mut result = InsertRows(&[row]).execute(self.conn);
        if let Err(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) = result
            && let Some([_, other]) = new.job.file_id.map(|id| id.formats())
        {
            // Foreign keys compare texts, and the file's row may hold its id in the other format.
            row.file_id = Some(&other);
            result = InsertRows(&[row]).execute(self.conn);
        }
        result.writing(|| match &new.job.file_id {
            Some(file_id) => format!("job {} about file {file_id}", new.id),
            None => format!("job {}", new.id),
        })?;
        self.note(CommitNotice::JobDue);
        Ok(())
    }

    fn live_job(&mut self, key: &DedupKey) -> Result<Option<JobId>, StoreError> {
        let found =
            LiveByKey { key: key.as_str() }.get_result::<(i64, Option<StoredText>)>(self.conn).optional().store()?;
        found.map(live_id).transpose()
    }

    /// The live jobs with the dedup keys of these jobs. `None` if a payload cannot be stored, if the id of a live job
    /// cannot be read, or if a key contains a NUL: SQLite's JSON texts end at a NUL.
    fn live_jobs<'j>(&mut self, jobs: &'j [NewJob]) -> Result<Option<HashMap<&'j DedupKey, JobId>>, StoreError> {
        if jobs.iter().any(|job| StoreError::check_json("payload of a job", job.payload.as_ref()).is_err()) {
            return Ok(None);
        }
        let keys: Vec<&DedupKey> = jobs.iter().filter_map(|job| job.dedup_key.as_ref()).collect();
        if keys.is_empty() {
            return Ok(Some(HashMap::new()));
        }
        if keys.iter().any(|key| key.as_str().contains('\0')) {
            return Ok(None);
        }
        let texts: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let Ok(json) = RawJson::from_value(&texts) else { return Ok(None) };
        let found = LiveByKeys { keys: json.as_str() }.load::<(i64, i64, Option<StoredText>)>(self.conn).store()?;
        let mut first: HashMap<&DedupKey, (i64, JobId)> = HashMap::with_capacity(found.len());
        for (place, rowid, id) in found {
            let key = usize::try_from(place).ok().and_then(|place| keys.get(place));
            let (Some(key), Ok(id)) = (key, live_id((rowid, id))) else { return Ok(None) };
            let earliest = first.entry(key).or_insert((rowid, id));
            if rowid < earliest.0 {
                *earliest = (rowid, id);
            }
        }
        Ok(Some(first.into_iter().map(|(key, (_, id))| (key, id)).collect()))
    }
}

/// The id of the live job that makes another one a duplicate.
pub(super) fn live_id((rowid, id): (i64, Option<StoredText>)) -> Result<JobId, StoreError> {
    RowRef::stored("jobs", id.as_ref(), rowid).key("id", id.as_ref())
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("LiveByKey", LiveByKey::SQL), ("LiveByKeys", LiveByKeys::SQL)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use diesel::connection::{InstrumentationEvent, SimpleConnection};
    use fieldfen_domain::store::{Files, JobQueue, JobReads};
    use fieldfen_testkit::fixtures::{dedup_key, file, file_id, job, job_id, upscale_job};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session};

    /// More jobs than one statement inserts, so that every group size occurs.
    fn batch() -> Vec<NewJob> {
        (100..).take(MANY + SOME + 3).map(job).collect()
    }

    #[test]
    fn ten_thousand_jobs_are_less_than_a_hundred_statements() {
        let mut conn = database();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let keyed = |number: u64| job(number).dedup_key(dedup_key(&format!("key-{number}")));
        let jobs: Vec<NewJob> = (0..10_000).map(keyed).collect();
        session(&mut conn).enqueue_many(&jobs).unwrap();
        assert_eq!(count.swap(0, Ordering::Relaxed), 81);
        session(&mut conn).enqueue_many(&jobs).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 2, "all of them meet themselves");
    }

    #[test]
    fn jobs_of_a_batch_belong_to_files_in_either_spelling() {
        let mut conn = database();
        session(&mut conn).insert(&file(1)).unwrap();
        session(&mut conn).insert(&file(2)).unwrap();
        let other = file_id(2).uuid().simple().to_string();
        conn.batch_execute(&format!("UPDATE files SET id = '{other}' WHERE id = '{}'", file_id(2))).unwrap();
        let mut jobs = batch();
        for (job, number) in jobs.iter_mut().zip([1, 2].into_iter().cycle()) {
            *job = upscale_job(u64::try_from(job.id.uuid().as_u128() & 0xffff).unwrap(), file_id(number));
        }
        let answers = session(&mut conn).enqueue_many(&jobs).unwrap();
        assert!(answers.iter().zip(&jobs).all(|(answer, job)| *answer == EnqueueOutcome::Created(job.id)));
        for job in &jobs {
            assert_eq!(JobReads::find(&mut session(&mut conn), &job.id).unwrap().unwrap().file_id, job.file_id);
        }
    }

    #[test]
    fn a_batch_meets_the_first_of_several_live_jobs_and_names_one_whose_id_is_none() {
        let mut conn = database();
        let keyed = |number| job(number).dedup_key(dedup_key("one"));
        session(&mut conn).enqueue_many(&[job(1), job(2), job(3)]).unwrap();
        conn.batch_execute("UPDATE jobs SET dedup_key = 'one' WHERE rowid > 1").unwrap();
        let mut jobs = batch();
        jobs[20] = keyed(120);
        let answers = session(&mut conn).enqueue_many(&jobs).unwrap();
        assert_eq!(answers[20], EnqueueOutcome::Duplicate(job_id(2)));
        assert_eq!(answers[21], EnqueueOutcome::Created(jobs[21].id));
        conn.batch_execute("UPDATE jobs SET id = 'two' WHERE rowid = 2").unwrap();
        let error = session(&mut conn).enqueue_many(&[job(4), keyed(5)]).unwrap_err();
        assert!(error.to_string().contains("jobs two: column id"), "{error}");
    }
}
