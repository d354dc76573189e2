//! Operations that only read.

use std::fmt::Debug;

use fieldfen_domain::file::{Arrival, ContentHash, FileFilter, FileStatus};
use fieldfen_domain::job::{JobFilter, JobStatus};
use fieldfen_domain::publication::{ListingFilter, Platform, PublicationFilter, PublicationState};
use fieldfen_domain::store::ReadSession;
use fieldfen_domain::{Page, PageRequest, UnreadableRow};
use fieldfen_testkit::fixtures::{at, file_id, job_id, kind, platform_id, publication_id};

use crate::operations::{Answer, SOUND, counted, line};
use crate::rows::LONG_AGO;

pub(crate) fn all_files(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    page(&mut lines, "file", s.files().page(&FileFilter::default(), &PageRequest::first(9))?, true);
    for (status, files) in s.files().count()? {
        counted(&mut lines, status.as_str(), files);
    }
    Ok(lines)
}

pub(crate) fn files_of_a_window(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    for (since, before) in [(Some(LONG_AGO), None), (None, Some(1)), (Some(0), Some(1)), (Some(-86_400), Some(86_400))]
    {
        let arrival = Some(Arrival::Window { since: since.map(at), before: before.map(at) });
        let filter = FileFilter::new().arrival(arrival);
        page(&mut lines, "file", s.files().page(&filter, &PageRequest::first(9))?, false);
    }
    let mut rows = 0;
    for arrival in [Arrival::ANY_TIME, Arrival::OtherForms] {
        let filter = FileFilter::new().arrival(Some(arrival));
        let found = s.files().page(&filter, &PageRequest::first(9))?;
        rows += found.items.len() + found.unreadable.len();
    }
    lines.push(format!("file in a window or among the other forms: {rows} rows"));
    Ok(lines)
}

pub(crate) fn files_of_a_status(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    let species = Some("whitetail-deer".to_owned());
    for (status, species) in
        [(Some(FileStatus::Processing), None), (Some(FileStatus::Processing), species.clone()), (None, species)]
    {
        let filter = FileFilter::new().status(status).species(species);
        page(&mut lines, "file", s.files().page(&filter, &PageRequest::first(9))?, false);
    }
    Ok(lines)
}

pub(crate) fn histories(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    for number in SOUND {
        page(&mut lines, "history", s.files().history(&file_id(number), &PageRequest::first(9))?, false);
    }
    // The lines of the victim do not contain its number.
    let victims = s.files().history(&file_id(2), &PageRequest::first(9))?;
    lines.push(format!("history of {}: {} rows", file_id(2), victims.items.len() + victims.unreadable.len()));
    Ok(lines)
}

pub(crate) fn found_files(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    for number in SOUND {
        line(&mut lines, "file", s.files().find(&file_id(number))?);
        line(&mut lines, "file", s.files().find_by_drive_id(&format!("drive-{number}"))?);
        line(&mut lines, "file", s.files().find_by_content(&ContentHash::of(&number.to_be_bytes()))?);
    }
    Ok(lines)
}

pub(crate) fn all_jobs(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    page(&mut lines, "job", s.jobs().page(&JobFilter::default(), &PageRequest::first(9))?, true);
    for count in s.jobs().count()? {
        counted(&mut lines, &format!("{} {}", count.kind, count.status), count.jobs);
    }
    Ok(lines)
}

pub(crate) fn jobs_by_filter(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    for (status, kind_name) in
        [(JobStatus::Pending, "test.pending"), (JobStatus::Running, "test.running"), (JobStatus::Failed, "test.failed")]
    {
        for filter in [
            JobFilter::new().status(Some(status)),
            JobFilter::new().kind(Some(kind(kind_name))),
            JobFilter::new().file_id(Some(file_id(1))).status(Some(status)),
        ] {
            page(&mut lines, "job", s.jobs().page(&filter, &PageRequest::first(9))?, false);
        }
        line(&mut lines, "due", s.jobs().next_due(&[kind(kind_name)])?.is_some());
    }
    counted(&mut lines, "ended", s.jobs().count_ended(JobStatus::Failed)?);
    Ok(lines)
}

pub(crate) fn found_jobs(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    for number in [1, 3, 11, 13, 21, 23] {
        line(&mut lines, "job", s.jobs().find(&job_id(number))?);
    }
    Ok(lines)
}

pub(crate) fn usage(s: &mut dyn ReadSession) -> Answer {
    let totals = s.api_usage().totals(at(0))?;
    Ok(totals.services.iter().map(|total| format!("{total:?}")).collect())
}

pub(crate) fn published(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    for number in SOUND {
        line(&mut lines, "publications", s.publications().list_by_file(&file_id(number))?);
        line(&mut lines, "listings", s.listings().list_by_file(&file_id(number))?);
        line(&mut lines, "posts", s.listings().list_posts_by_file(&file_id(number))?);
        line(&mut lines, "listing", s.listings().find_by_platform_id(Platform::Etsy, "", &platform_id(number))?);
    }
    for number in [1, 3, 11, 13, 21, 23] {
        line(&mut lines, "publication", s.publications().find(&publication_id(number))?);
    }
    Ok(lines)
}

pub(crate) fn publications_by_state(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    for state in [PublicationState::Confirmed, PublicationState::Reserved] {
        page(
            &mut lines,
            "publication",
            s.publications().page(&PublicationFilter::new().state(state), &PageRequest::first(9))?,
            false,
        );
    }
    Ok(lines)
}

pub(crate) fn listings_at_a_platform(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    page(
        &mut lines,
        "listing",
        s.listings().page(&ListingFilter::new().platform(Platform::Etsy), &PageRequest::first(9))?,
        false,
    );
    Ok(lines)
}

pub(crate) fn all_recurring_work(s: &mut dyn ReadSession) -> Answer {
    let mut lines = Vec::new();
    let all = s.recurring().list()?;
    lines.push(format!("work: {} rows", all.len()));
    let readable = |work: Vec<Result<_, UnreadableRow>>| work.into_iter().filter_map(Result::ok);
    readable(all).for_each(|work| line(&mut lines, "work", work));
    readable(s.recurring().due(at(0), 9)?).for_each(|work| line(&mut lines, "due", work));
    s.recurring().doubtful(at(0), 9)?;
    s.recurring().next_tick(at(-1))?;
    Ok(lines)
}

/// The rows of a page. For a page of all rows, the number of all of them, readable or not.
fn page<T: Debug>(lines: &mut Vec<String>, what: &str, page: Page<T>, all: bool) {
    if all {
        lines.push(format!("{what}: {} rows", page.items.len() + page.unreadable.len()));
    }
    page.items.iter().for_each(|item| line(lines, what, item));
}
