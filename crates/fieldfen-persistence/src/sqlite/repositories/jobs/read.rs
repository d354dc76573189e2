//! Queries for jobs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{
    ClaimPlace, DeadLetterGroup, FailedJobs, FingerprintFilter, Job, JobAttempt, JobCount, JobFilter, JobKind,
    JobStatus, JobSummary, KindFlow, Priority,
};
use fieldfen_domain::store::{JobReads, StoreError};
use fieldfen_domain::{CappedCount, JobId, Page, PageRequest, Timestamp};

use super::limited_claim::after_pause;
use super::row::{JobColumns, JobRow, job_columns, job_summary_columns};
use crate::rules::claim_rules::pause_mark;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{DueFrom, IdFormats, StoredText, least_text};
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::keyset_page::{TablePage, in_either_id_format};
use crate::sqlite::session::SqliteSession;

statement! {
    ById<'a> { id: &'a str as Text } -> JobColumns =
        concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = ?")
}
statement! {
    /// The due time of the first pending job of one kind and priority.
    FirstDue<'a> { kind: &'a str as Text, priority: i64 as BigInt } -> (SqlTimestamp,) =
        "SELECT run_at FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' \
         AND command_type = ? AND priority = ? AND run_at >= '' ORDER BY run_at LIMIT 1"
}
statement! {
    /// The number of jobs by kind, status and, for parked jobs, reason for parking.
    CountAll {} -> (Text, Text, Nullable<Text>, BigInt) =
        "SELECT command_type, status, iif(status = 'failed', parked_for, NULL) AS parked, count(*) FROM jobs \
         GROUP BY command_type, status, parked"
}

/// The values of a filter as the database compares them.
#[derive(Debug)]
struct FilterTexts {
    ended_since: Option<String>,
    ended_before: Option<String>,
    created_before: Option<String>,
    account: Option<String>,
}

impl FilterTexts {
    fn new(filter: &JobFilter) -> Self {
        Self {
            ended_since: filter.ended_since.map(least_text),
            ended_before: filter.ended_before.map(least_text),
            created_before: filter.created_before.map(least_text),
            account: filter.account.as_ref().map(ToString::to_string),
        }
    }
}

/// A page of the jobs that match a filter. `file_id` is the id of the filter's file, as the file's row holds it.
fn job_page<'a>(
    filter: &'a JobFilter,
    texts: &'a FilterTexts,
    file_id: Option<&'a str>,
    request: &PageRequest,
) -> Result<TablePage<'a, JobColumns>, StoreError> {
    let status = filter.status.map(JobStatus::as_str);
    let kind = filter.kind.as_ref().map(JobKind::as_str);
    let failed = JobStatus::Failed.as_str();
    let is_parked = matches!(filter.failed, Some(FailedJobs::Parked | FailedJobs::ParkedFor(_)));
    let select = match (file_id, status.or(filter.failed.map(|_| failed)), kind) {
        (None, ..) if is_parked => {
            concat!("SELECT ", job_summary_columns!(), " FROM jobs INDEXED BY idx_jobs_parked")
        }
        (Some(_), ..) => concat!("SELECT ", job_summary_columns!(), " FROM jobs INDEXED BY idx_jobs_file_id"),
        (None, Some(_), _) => concat!("SELECT ", job_summary_columns!(), " FROM jobs INDEXED BY idx_jobs_status"),
        (None, None, Some(_)) => {
            concat!("SELECT ", job_summary_columns!(), " FROM jobs INDEXED BY idx_jobs_command_type")
        }
        (None, None, None) => concat!("SELECT ", job_summary_columns!(), " FROM jobs"),
    };
    let page = TablePage::new("jobs", select, request)?.with(" AND file_id = ", file_id).with(" AND status = ", status);
    let page = match &filter.failed {
        None => page,
        Some(FailedJobs::DeadLetters) => page.with(" AND parked_for IS NULL AND status = ", Some(failed)),
        Some(FailedJobs::Parked) => page.with(" AND parked_for IS NOT NULL AND status = ", Some(failed)),
        Some(FailedJobs::ParkedFor(parked_for)) => page
            .with(" AND parked_for IS NOT NULL AND status = ", Some(failed))
            .with(" AND parked_for = ", Some(parked_for.as_str())),
    };
    let page = match &filter.fingerprint {
        Some(FingerprintFilter::Missing) => page.with_unindexed(" AND error_fingerprint IS NULL"),
        Some(FingerprintFilter::Is(_)) | None => page,
    };
    let fingerprint = filter.fingerprint.as_ref().and_then(|wanted| match wanted {
        FingerprintFilter::Is(fingerprint) => Some(fingerprint.as_str()),
        FingerprintFilter::Missing => None,
    });
    let page = page
        .and_beyond_the_index(" AND error_fingerprint = ", fingerprint)
        .and_beyond_the_index(" AND completed_at >= ", texts.ended_since.as_deref())
        .and_beyond_the_index(" AND completed_at < ", texts.ended_before.as_deref())
        .and_beyond_the_index(" AND created_at < ", texts.created_before.as_deref())
        .and_beyond_the_index(" AND worker = ", filter.worker.as_deref())
        .and_beyond_the_index(" AND account = ", texts.account.as_deref())
        .and_beyond_the_index(" AND instr(payload_json, ?) > 0", filter.payload.as_deref());
    // A file has few jobs, while a status may have a million.
    Ok(match (file_id, status.or(filter.failed.map(|_| failed))) {
        (None, Some(_)) => page.and_beyond_the_index(" AND command_type = ", kind),
        _ => page.with(" AND command_type = ", kind),
    })
}

impl JobReads for SqliteSession<'_> {
    fn find(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        for id in id.formats() {
            if let Some(row) = (ById { id: &id }).get_result::<JobRow>(self.conn).optional().store()? {
                return row.read().map(Some);
            }
        }
        Ok(None)
    }

    fn page(&mut self, filter: &JobFilter, request: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        let texts = FilterTexts::new(filter);
        in_either_id_format(filter.file_id.as_ref(), |file_id| {
            let read = |row: JobRow| (row.rowid, row.read().map(JobSummary::from));
            job_page(filter, &texts, file_id, request)?.read(self.conn, request, read)
        })
    }

    fn attempts(&mut self, id: &JobId) -> Result<Vec<JobAttempt>, StoreError> {
        self.attempts_of(id)
    }

    fn dead_letters_by_error(&mut self, limit: u32, most: u32) -> Result<Vec<DeadLetterGroup>, StoreError> {
        self.groups_of_dead_letters(limit, most)
    }

    fn count(&mut self) -> Result<Vec<JobCount>, StoreError> {
        let rows = CountAll {}.load::<(StoredText, StoredText, Option<StoredText>, i64)>(self.conn).store()?;
        let mut counts = Vec::with_capacity(rows.len());
        for (kind, status, parked_for, jobs) in rows {
            let (kind, parked_for) = (kind.name(), parked_for.map(|parked_for| parked_for.name()));
            match status.as_str().and_then(|status| status.parse().ok()) {
                Some(status) => {
                    counts.push(JobCount::new(kind, status, parked_for, u64::try_from(jobs).unwrap_or_default()));
                }
                None => log!(ERROR, kind, %status, jobs, "jobs with an unknown status not counted"),
            }
        }
        Ok(counts)
    }

    fn count_ended(&mut self, status: JobStatus) -> Result<u64, StoreError> {
        self.count_ended_jobs(status)
    }

    fn next_due(&mut self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError> {
        let rules = self.claim_rules()?;
        let mut next: Option<Timestamp> = None;
        for kind in kinds {
            let (limits, pause) = (rules.limits(kind), rules.pause_of_kind(kind));
            if pause == Some(None) || (limits.all.is_some() && self.seen_room_of_kind(kind, limits)? == 0) {
                continue;
            }
            let mut dues = Vec::new();
            for priority in Priority::ALL {
                let first = FirstDue { kind: kind.as_str(), priority: priority.number().into() };
                // The statement compares texts, as the claim does. The claim fails a job whose time is not readable.
                if let Some((DueFrom(Some(due)),)) = first.get_result(self.conn).optional().store()? {
                    dues.push(due);
                }
            }
            for (account, until) in rules.account_pauses() {
                if let Some(until) = until
                    && self.does_wait(kind.as_str(), &pause_mark(account))?
                {
                    dues.push(until);
                }
            }
            let first = dues.into_iter().min().and_then(|due| after_pause(due, pause));
            next = next.into_iter().chain(first).min();
        }
        Ok(next)
    }

    fn claim_place(&mut self, id: &JobId, now: Timestamp) -> Result<Option<ClaimPlace>, StoreError> {
        self.place_of_job(id, now)
    }

    fn flow(&mut self, since: Timestamp, now: Timestamp, most: u32) -> Result<Vec<KindFlow>, StoreError> {
        self.job_flow(since, now, most)
    }

    fn count_completed(&mut self, since: Timestamp, until: Timestamp, most: u32) -> Result<CappedCount, StoreError> {
        self.count_completed_jobs(since, until, most)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    use fieldfen_domain::MIN_TIMESTAMP;
    use fieldfen_domain::job::{ApiAccount, ParkedFor};

    let first = PageRequest::first(1);
    let newest = first.clone().newest_first();
    let all = JobFilter::new();
    let kind = all.clone().kind(JobKind::CreateListing);
    let status = all.clone().status(JobStatus::Failed);
    let both = status.clone().kind(kind.kind.clone());
    let page = |filter: &JobFilter, file_id, request| {
        sql(&job_page(filter, &FilterTexts::new(filter), file_id, request).unwrap())
    };
    let last_examined = |filter: &JobFilter| {
        sql(&job_page(filter, &FilterTexts::new(filter), None, &first).unwrap().last_examined().unwrap())
    };
    let details = all
        .clone()
        .dead_letters()
        .fingerprint(FingerprintFilter::Is(String::new()))
        .ended_since(MIN_TIMESTAMP)
        .ended_before(MIN_TIMESTAMP)
        .created_before(MIN_TIMESTAMP)
        .worker(String::new())
        .account("etsy".parse::<ApiAccount>().unwrap())
        .payload(String::new());
    vec![
        ("ById", ById::SQL.to_owned()),
        ("PageOfAll", page(&all, None, &first)),
        ("PageOfAll, newest first", page(&all, None, &newest)),
        ("PageOfStatus", page(&status, None, &first)),
        ("PageOfStatus, newest first", page(&status, None, &newest)),
        ("PageOfStatus, kind", page(&both, None, &first)),
        ("PageOfStatus, kind, last examined", last_examined(&both)),
        ("PageOfDeadLetters", page(&all.clone().dead_letters(), None, &first)),
        ("PageOfDeadLetters, details", page(&details, None, &first)),
        ("PageOfDeadLetters, details, last examined", last_examined(&details)),
        ("PageOfKind, without fingerprint", page(&kind.clone().fingerprint(FingerprintFilter::Missing), None, &first)),
        ("PageOfParked", page(&all.clone().parked(), None, &first)),
        ("PageOfParked, newest first", page(&all.clone().parked(), None, &newest)),
        ("PageOfParkedFor, kind", page(&kind.clone().parked_for(ParkedFor::Approval), None, &first)),
        ("PageOfKind", page(&kind, None, &first)),
        ("PageOfKind, newest first", page(&kind, None, &newest)),
        ("PageOfFile", page(&all, Some(""), &first)),
        ("PageOfFile, status and kind", page(&both, Some(""), &first)),
        ("PageOfFile, parked", page(&all.clone().parked_for(ParkedFor::Person), Some(""), &first)),
        ("PageOfFile, newest first", page(&all, Some(""), &newest)),
        ("FirstDue", FirstDue::SQL.to_owned()),
        ("CountAll", CountAll::SQL.to_owned()),
    ]
}
