//! The operations of the cases. Each runs in its own transaction.

use std::fmt::Debug;
use std::time::Duration;

use fieldfen_domain::file::{File, FileHistoryEntry, FileStatus};
use fieldfen_domain::job::{
    ClaimRef, ClaimRequest, EnqueueOutcome, FailOutcome, FencedResult, HeartbeatOutcome, Job, JobActionOutcome,
    JobFilter, NewJob, Priority, ReclaimRequest, ReclaimedJob, Retry,
};
use fieldfen_domain::publication::{
    Listing, Publication, PublicationFilter, PublicationState, ReserveOutcome, ReserveRequest,
};
use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};
use fieldfen_domain::{FileId, JobId, Page, PageRequest, RawJson, Timestamp};

use crate::fixtures::{
    LEASE, at, claim_request, failure, file_id, file_in, job_id, lost_lease_backoff, publication_id, reclaim_request,
};

/// A store, with operations that panic if they fail.
pub(super) struct On<'s, S>(pub(super) &'s S);

impl<S: Store> On<'_, S> {
    pub(super) fn write<T>(&self, f: impl FnMut(&mut dyn Session) -> Result<T, StoreError>) -> T {
        self.0.write(f).unwrap_or_else(|error| panic!("a write failed: {error} ({error:?})"))
    }

    pub(super) fn read<T>(&self, f: impl FnMut(&mut dyn ReadSession) -> Result<T, StoreError>) -> T {
        self.0.read(f).unwrap_or_else(|error| panic!("a read failed: {error} ({error:?})"))
    }

    /// The error of a write that must fail.
    pub(super) fn refuse<T>(&self, f: impl FnMut(&mut dyn Session) -> Result<T, StoreError>) -> StoreError {
        match self.0.write(f) {
            Ok(_) => panic!("a write that must fail succeeded"),
            Err(error) => error,
        }
    }

    /// Inserts file `number` in this status.
    pub(super) fn file_in(&self, number: u64, status: FileStatus) -> FileId {
        self.write(|s| file_in(s, number, status))
    }

    pub(super) fn file(&self, number: u64) -> File {
        self.read(|s| s.files().find(&file_id(number))).unwrap_or_else(|| panic!("file {number} is not there"))
    }

    pub(super) fn history(&self, number: u64) -> Vec<FileHistoryEntry> {
        walk(|page| self.read(|s| s.files().history(&file_id(number), page)))
    }

    pub(super) fn enqueue(&self, job: &NewJob) -> EnqueueOutcome {
        self.write(|s| s.jobs().enqueue(job))
    }

    /// Enqueues several jobs in one transaction.
    pub(super) fn enqueue_all(&self, jobs: &[NewJob]) -> Vec<EnqueueOutcome> {
        self.write(|s| s.jobs().enqueue_many(jobs))
    }

    pub(super) fn claim(&self, token: u64, limit: u32, now: Timestamp) -> Vec<Job> {
        self.claim_by(&claim_request(token, limit, now))
    }

    pub(super) fn claim_by(&self, request: &ClaimRequest) -> Vec<Job> {
        let claimed = self.write(|s| s.jobs().claim(request));
        assert!(claimed.unreadable.is_empty(), "unreadable: {:?}", claimed.unreadable);
        claimed.jobs
    }

    pub(super) fn complete(&self, claim: ClaimRef, at: Timestamp) -> FencedResult<()> {
        self.write(|s| s.jobs().complete(&claim, Some(&RawJson::unchecked("true".to_owned())), at))
    }

    pub(super) fn fail(&self, claim: ClaimRef, retry: Retry, at: Timestamp) -> FencedResult<FailOutcome> {
        self.write(|s| s.jobs().fail(&claim, &failure("lens cap", retry, at)))
    }

    pub(super) fn release(&self, claim: ClaimRef, run_at: Timestamp) -> FencedResult<()> {
        self.write(|s| s.jobs().release(&claim, run_at, at(0)))
    }

    pub(super) fn heartbeat(&self, claim: ClaimRef, now: Timestamp) -> FencedResult<HeartbeatOutcome> {
        let lease = LEASE.to_std().unwrap_or(Duration::ZERO);
        self.write(|s| s.jobs().heartbeat(&claim, None, now, lease))
    }

    pub(super) fn reclaim(&self, now: Timestamp, limit: u32) -> Vec<ReclaimedJob> {
        self.reclaim_by(&reclaim_request(now, limit))
    }

    pub(super) fn reclaim_by(&self, request: &ReclaimRequest) -> Vec<ReclaimedJob> {
        let taken = self.write(|s| s.jobs().reclaim(request, &lost_lease_backoff));
        assert!(taken.unreadable.is_empty(), "unreadable: {:?}", taken.unreadable);
        taken.jobs
    }

    pub(super) fn run_alone(&self, claim: ClaimRef) -> FencedResult<()> {
        self.write(|s| s.jobs().run_alone(&claim))
    }

    pub(super) fn find_job(&self, number: u64) -> Option<Job> {
        self.read(|s| s.jobs().find(&job_id(number)))
    }

    pub(super) fn job(&self, number: u64) -> Job {
        self.find_job(number).unwrap_or_else(|| panic!("job {number} is not there"))
    }

    /// The ids of all jobs in the order of insertion.
    pub(super) fn jobs(&self, filter: &JobFilter) -> Vec<JobId> {
        walk(|page| self.read(|s| s.jobs().page(filter, page))).iter().map(|job| job.id).collect()
    }

    pub(super) fn retry(&self, number: u64, at: Timestamp) -> JobActionOutcome {
        self.write(|s| s.job_actions().retry(&job_id(number), at))
    }

    pub(super) fn cancel(&self, number: u64, at: Timestamp) -> JobActionOutcome {
        self.write(|s| s.job_actions().cancel(&job_id(number), "not wanted any more", at))
    }

    pub(super) fn kill(&self, number: u64, at: Timestamp) -> JobActionOutcome {
        self.write(|s| s.job_actions().kill(&job_id(number), "its worker hangs", at))
    }

    pub(super) fn release_running(&self, number: u64, at: Timestamp) -> JobActionOutcome {
        self.write(|s| s.job_actions().release_running(&job_id(number), "another worker is faster", at))
    }

    pub(super) fn reschedule(&self, number: u64, run_at: Timestamp, at: Timestamp) -> JobActionOutcome {
        self.write(|s| s.job_actions().reschedule(&job_id(number), run_at, at))
    }

    pub(super) fn set_priority(&self, number: u64, priority: Priority) -> JobActionOutcome {
        self.write(|s| s.job_actions().set_priority(&job_id(number), priority))
    }

    pub(super) fn delete(&self, number: u64) -> JobActionOutcome {
        self.write(|s| s.job_actions().delete(&job_id(number)))
    }

    pub(super) fn reserve(&self, request: &ReserveRequest) -> ReserveOutcome {
        self.write(|s| s.publications().reserve(request))
    }

    pub(super) fn listings(&self, file: u64) -> Vec<Listing> {
        self.read(|s| s.listings().list_by_file(&file_id(file)))
    }

    pub(super) fn publication(&self, number: u64) -> Publication {
        self.read(|s| s.publications().find(&publication_id(number)))
            .unwrap_or_else(|| panic!("publication {number} is not there"))
    }

    pub(super) fn in_state(&self, state: PublicationState) -> Vec<Publication> {
        walk(|page| self.read(|s| s.publications().page(&PublicationFilter::new().state(state), page)))
    }
}

/// All rows on all pages, the oldest first. The pages are small, so that there are several. They are read in both
/// orders, to the end and back.
pub(super) fn walk<T: Debug + PartialEq>(page: impl Fn(&PageRequest) -> Page<T>) -> Vec<T> {
    let oldest = there_and_back(&page, &PageRequest::first(2));
    let mut newest = there_and_back(&page, &PageRequest::first(2).newest_first());
    newest.reverse();
    assert_eq!(newest, oldest, "the pages with the newest row first have other rows");
    oldest
}

fn there_and_back<T: Debug + PartialEq>(page: &impl Fn(&PageRequest) -> Page<T>, first: &PageRequest) -> Vec<T> {
    let mut pages = vec![page(first)];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        pages.push(page(&first.clone().after(next)));
    }
    assert_eq!(pages[0].previous, None, "there is nothing before the first page");
    for (before, after) in pages.iter().zip(&pages[1..]).rev() {
        let Some(previous) = after.previous.clone() else { panic!("a page that follows another leads back to none") };
        let back = page(&first.clone().before(previous));
        assert_eq!((&back.items, &back.next), (&before.items, &before.next), "the way back has another page");
    }
    pages
        .into_iter()
        .flat_map(|page| {
            assert!(page.items.len() <= 2, "a page of at most 2 rows has {}", page.items.len());
            page.items
        })
        .collect()
}

/// The ids of these jobs.
pub(super) fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// The ids of the jobs with these numbers.
pub(super) fn numbered(numbers: &[u64]) -> Vec<JobId> {
    numbers.iter().map(|&number| job_id(number)).collect()
}

/// A point in time with a fraction that no store keeps.
pub(super) fn with_nanoseconds(time: Timestamp) -> Timestamp {
    time + chrono::TimeDelta::nanoseconds(999)
}
