//! Reading jobs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{Job, JobCount, JobFilter, JobKind, JobStatus, JobSummary, Priority};
use fieldfen_domain::store::{JobReads, StoreError};
use fieldfen_domain::{JobId, Page, PageRequest, Timestamp};

use super::row::{JobColumns, JobRow, job_columns, job_summary_columns};
use crate::rows::{ReachedAt, Spellings, StoredText, read_page};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::statement::statement;

statement! {
    /// The job with this id.
    ById<'a> { id: &'a str as Text } -> JobColumns =
        concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = ?")
}
statement! {
    /// A page of all jobs.
    PageOfAll { after: i64 as BigInt, limit: i64 as BigInt } -> JobColumns =
        concat!("SELECT ", job_summary_columns!(), " FROM jobs WHERE rowid > ? ORDER BY rowid LIMIT ?")
}
statement! {
    /// A page of the jobs of one status, perhaps of one kind.
    PageOfStatus<'a> {
        status: &'a str as Text,
        after: i64 as BigInt,
        kind: Option<&'a str> as Nullable<Text>,
        limit: i64 as BigInt,
    } -> JobColumns = concat!(
        "SELECT ", job_summary_columns!(), " FROM jobs INDEXED BY idx_jobs_status WHERE status = ? AND rowid > ? \
         AND command_type = coalesce(?, command_type) ORDER BY rowid LIMIT ?"
    )
}
statement! {
    /// A page of the jobs of one kind.
    PageOfKind<'a> { kind: &'a str as Text, after: i64 as BigInt, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_summary_columns!(), " FROM jobs INDEXED BY idx_jobs_command_type WHERE command_type = ? AND rowid > ? \
         ORDER BY rowid LIMIT ?"
    )
}
statement! {
    /// A page of the jobs about one file, perhaps of one status or kind.
    PageOfFile<'a> {
        file_id: &'a str as Text,
        after: i64 as BigInt,
        status: Option<&'a str> as Nullable<Text>,
        kind: Option<&'a str> as Nullable<Text>,
        limit: i64 as BigInt,
    } -> JobColumns = concat!(
        "SELECT ", job_summary_columns!(), " FROM jobs INDEXED BY idx_jobs_file_id WHERE file_id = ? AND rowid > ? \
         AND status = coalesce(?, status) AND command_type = coalesce(?, command_type) ORDER BY rowid LIMIT ?"
    )
}
statement! {
    /// When the first pending job of one kind and priority is due.
    FirstDue<'a> { kind: &'a str as Text, priority: i64 as BigInt } -> (SqlTimestamp,) =
        "SELECT run_at FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND command_type = ? \
         AND priority = ? AND run_at >= '' ORDER BY run_at LIMIT 1"
}
statement! {
    /// How many jobs of each kind are in each status.
    CountAll {} -> (Text, Text, BigInt) =
        "SELECT command_type, status, count(*) FROM jobs GROUP BY command_type, status"
}

impl JobReads for SqliteSession<'_> {
    fn find(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        for id in id.spellings() {
            if let Some(row) = (ById { id: &id }).get_result::<JobRow>(self.conn).optional().store()? {
                return row.read().map(Some);
            }
        }
        Ok(None)
    }

    fn page(&mut self, filter: &JobFilter, page: PageRequest) -> Result<Page<JobSummary>, StoreError> {
        let after = page.after.map_or(i64::MIN, |cursor| cursor.sequence());
        let limit = i64::from(page.limit.get()) + 1;
        let status = filter.status.map(JobStatus::as_str);
        let kind = filter.kind.as_ref().map(JobKind::as_str);
        let rows: Vec<JobRow> = match (&filter.file_id, status, kind) {
            (Some(file_id), ..) => {
                // Jobs of one file may refer to it by the one spelling its row has.
                let mut rows = Vec::new();
                for file_id in file_id.spellings() {
                    if rows.is_empty() {
                        rows = PageOfFile { file_id: &file_id, after, status, kind, limit }.load(self.conn).store()?;
                    }
                }
                rows
            }
            (None, Some(status), _) => PageOfStatus { status, after, kind, limit }.load(self.conn).store()?,
            (None, None, Some(kind)) => PageOfKind { kind, after, limit }.load(self.conn).store()?,
            (None, None, None) => PageOfAll { after, limit }.load(self.conn).store()?,
        };
        read_page(rows.into_iter().map(|row| (row.rowid, row.read().map(JobSummary::from))), page)
    }

    fn count(&mut self) -> Result<Vec<JobCount>, StoreError> {
        let rows = CountAll {}.load::<(StoredText, StoredText, i64)>(self.conn).store()?;
        let mut counts = Vec::with_capacity(rows.len());
        for (kind, status, jobs) in rows {
            let kind = kind.name();
            match status.as_str().and_then(|status| status.parse().ok()) {
                Some(status) => counts.push(JobCount { kind, status, jobs: u64::try_from(jobs).unwrap_or_default() }),
                None => log!(ERROR, kind, %status, jobs, "jobs with a status that there is not are not counted"),
            }
        }
        Ok(counts)
    }

    fn count_ended(&mut self, status: JobStatus) -> Result<u64, StoreError> {
        self.count_ended_jobs(status)
    }

    fn next_due(&mut self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError> {
        let mut next: Option<Timestamp> = None;
        for kind in kinds {
            for priority in Priority::ALL {
                let first = FirstDue { kind: kind.as_str(), priority: priority.number().into() };
                // The claim compares texts, and it is the claim that ends a job whose time it cannot read.
                if let Some((ReachedAt(Some(due)),)) = first.get_result(self.conn).optional().store()? {
                    next = Some(next.map_or(due, |next| next.min(due)));
                }
            }
        }
        Ok(next)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("ById", ById::SQL),
        ("PageOfAll", PageOfAll::SQL),
        ("PageOfStatus", PageOfStatus::SQL),
        ("PageOfKind", PageOfKind::SQL),
        ("PageOfFile", PageOfFile::SQL),
        ("FirstDue", FirstDue::SQL),
        ("CountAll", CountAll::SQL),
    ]
}
