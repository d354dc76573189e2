//! All rows of a store as lines of text.

use std::fmt::Debug;

use fieldfen_domain::api_usage::ApiCallFilter;
use fieldfen_domain::file::{Arrival, FileFilter, FileStatus};
use fieldfen_domain::job::{FailedJobs, JobFilter, JobStatus, JobSummary, ParkedFor};
use fieldfen_domain::publication::{ListingFilter, Platform, PostFilter, PublicationFilter, PublicationState};
use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};
use fieldfen_domain::{FileId, Page, PageRequest};

use super::NEXT_DUE;
use super::answer::{Answer, answer, masked_attempt, masked_entry, masked_job, masked_publication};
use super::jobs::kind_numbered;
use crate::fixtures::{at, file_id, hash};

/// The number of values of each kind in generated traces. Rows with higher numbers are not looked for.
const NUMBERS: u64 = 8;

/// All rows of a store as lines of text, in an order that does not depend on the store.
///
/// # Panics
/// If the store cannot be read.
pub fn state<S: Store>(store: &S) -> Vec<String> {
    let mut lines = Vec::new();
    let read = store.read(|s| {
        lines.clear();
        files(s, &mut lines)?;
        jobs(s, &mut lines)?;
        publications(s, &mut lines)?;
        for second in [0, 5] {
            lines.push(format!("used since {second}: {:?}", s.api_usage().totals(at(second))?));
        }
        list(&mut lines, "call", walk(|page| s.api_usage().page(&ApiCallFilter::new(), page))?);
        let work = s.recurring().list()?;
        for work in work.iter().flatten() {
            list(&mut lines, "run", s.recurring().runs(&work.name)?);
        }
        list(&mut lines, "recurring", work);
        for second in [0, 5] {
            lines.push(format!("due at {second}: {:?}", s.recurring().due(at(second), 9)?));
            lines.push(format!("next tick after {second}: {:?}", s.recurring().next_tick(at(second))?));
        }
        list(&mut lines, "delivery", walk(|page| s.hashes().page(page))?);
        Ok::<(), StoreError>(())
    });
    if let Err(error) = read {
        panic!("the state cannot be read: {error} ({error:?})");
    }
    hashes(store, &mut lines);
    lines
}

fn list<T: Debug>(lines: &mut Vec<String>, what: &str, items: impl IntoIterator<Item = T>) {
    lines.extend(items.into_iter().map(|item| format!("{what}: {item:?}")));
}

/// Everything on all pages, three rows each.
/// Every row of a list, the oldest first.
fn walk<T>(page: impl FnMut(&PageRequest) -> Result<Page<T>, StoreError>) -> Result<Vec<T>, StoreError> {
    walk_from(PageRequest::first(3), page)
}

fn walk_from<T>(
    mut request: PageRequest,
    mut page: impl FnMut(&PageRequest) -> Result<Page<T>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    loop {
        let page = page(&request)?;
        all.extend(page.items);
        match page.next {
            Some(cursor) => request = request.after(cursor),
            None => return Ok(all),
        }
    }
}

fn files(s: &mut dyn ReadSession, lines: &mut Vec<String>) -> Result<(), StoreError> {
    let all = walk(|page| s.files().page(&FileFilter::default(), page))?;
    for file in &all {
        list(lines, "history", walk(|page| s.files().history(&file.id, page))?.into_iter().map(masked_entry));
    }
    list(lines, "file", all);
    for number in 0..NUMBERS {
        let by_drive_id = s.files().find_by_drive_id(&format!("drive-{number}"))?.map(|file| file.id);
        lines.push(format!("drive {number}: {by_drive_id:?}"));
    }
    let mut counts = s.files().count()?;
    counts.sort_unstable();
    list(lines, "files", counts);
    let mut filters: Vec<FileFilter> = Vec::new();
    for status in FileStatus::ALL.iter().copied().map(Some).chain([None]) {
        for species in [None, Some("species-0".to_owned())] {
            for arrival in
                [None, Some(Arrival::since(at(3))), Some(Arrival::between(at(2), at(6))), Some(Arrival::OtherForms)]
            {
                filters.push(FileFilter::new().status(status).species(species.clone()).arrival(arrival));
            }
        }
    }
    for filter in filters {
        for (order, first) in [("oldest", PageRequest::first(3)), ("newest", PageRequest::first(3).newest_first())] {
            let found = walk_from(first, |page| s.files().page(&filter, page))?;
            lines.push(format!("{filter:?}, {order}: {:?}", found.iter().map(|file| file.id).collect::<Vec<FileId>>()));
        }
    }
    Ok(())
}

fn jobs(s: &mut dyn ReadSession, lines: &mut Vec<String>) -> Result<(), StoreError> {
    for summary in walk(|page| s.jobs().page(&JobFilter::default(), page))? {
        let job = s.jobs().find(&summary.id)?;
        assert_eq!(job.clone().map(JobSummary::from).as_ref(), Some(&summary), "a page shows the jobs that are there");
        list(lines, "job", job.map(masked_job));
        list(lines, "attempt", s.jobs().attempts(&summary.id)?.into_iter().map(masked_attempt));
    }
    let mut counts = s.jobs().count()?;
    counts.sort_by_key(|count| (count.kind.clone(), count.status, count.parked_for.clone()));
    list(lines, "jobs", counts);
    for kind in 0..NUMBERS {
        lines.push(format!("{NEXT_DUE}{kind}: {:?}", s.jobs().next_due(&[kind_numbered(kind)])?));
    }
    for status in JobStatus::ALL.iter().copied().map(Some).chain([None]) {
        for (kind, file_id) in [(None, None), (Some(kind_numbered(0)), None), (None, Some(file_id(0)))] {
            let filter = JobFilter::new().status(status).kind(kind).file_id(file_id);
            let failed = [FailedJobs::DeadLetters, FailedJobs::Parked, FailedJobs::ParkedFor(ParkedFor::Person)];
            for failed in failed.map(Some).into_iter().chain([None]) {
                let filter = filter.clone().failed(failed);
                let found = walk(|page| s.jobs().page(&filter, page))?;
                lines.push(format!("{filter:?}: {:?}", found.iter().map(|job| job.id).collect::<Vec<_>>()));
            }
        }
    }
    Ok(())
}

fn publications(s: &mut dyn ReadSession, lines: &mut Vec<String>) -> Result<(), StoreError> {
    for number in 0..NUMBERS {
        let id = file_id(number);
        list(lines, "publication", s.publications().list_by_file(&id)?.into_iter().map(masked_publication));
        list(lines, "listing", s.listings().list_by_file(&id)?);
        list(lines, "post", s.listings().list_posts_by_file(&id)?);
    }
    for &state in PublicationState::ALL {
        let found = walk(|page| s.publications().page(&PublicationFilter::new().state(state), page))?;
        lines.push(format!("{state}: {:?}", found.iter().map(|publication| publication.id).collect::<Vec<_>>()));
    }
    list(lines, "posted", walk(|page| s.listings().page_of_posts(&PostFilter::new(), page))?);
    for &platform in Platform::SPECIFIED {
        list(
            lines,
            "publication at platform",
            walk(|page| s.publications().page(&PublicationFilter::new().platform(platform), page))?
                .into_iter()
                .map(masked_publication),
        );
        for account in ["", "account-1"] {
            let at_account = PublicationFilter::new().platform(platform).account(account.to_owned());
            for filter in [at_account.clone(), at_account.state(PublicationState::Confirmed)] {
                let found = walk(|page| s.publications().page(&filter, page))?;
                list(lines, "publication at account", found.into_iter().map(masked_publication));
            }
        }
        let at_platform = ListingFilter::new().platform(platform);
        list(lines, "at platform", walk(|page| s.listings().page(&at_platform, page))?);
        list(lines, "live at platform", walk(|page| s.listings().page(&at_platform.clone().live(), page))?);
    }
    Ok(())
}

/// The answers to a repetition of each hash, in transactions that are rolled back.
fn hashes<S: Store>(store: &S, lines: &mut Vec<String>) {
    for number in 0..NUMBERS {
        for second in [0, 5, 10] {
            let asked = hash(number, at(second));
            let link = rolled_back(store, |s| answer(s.hashes().link(&asked.hash, &file_id(u64::MAX))));
            let insert = rolled_back(store, |s| answer(s.hashes().insert(&asked)));
            lines.push(format!("hash {number} at {second}: {link:?}, {insert:?}"));
        }
    }
}

fn rolled_back<S: Store>(store: &S, ask: impl Fn(&mut dyn Session) -> Answer) -> Option<Answer> {
    let mut answer = None;
    let result = store.write(|s| {
        answer = Some(ask(s));
        Err::<(), _>(StoreError::Nested)
    });
    assert!(matches!(result, Err(StoreError::Nested)), "{result:?}");
    answer
}
