//! Every operation of the repositories: once for all or for the sound rows, and once for the victim.

use std::fmt::Debug;
use std::time::Duration;

use fieldfen_domain::file::{ContentHash, Deletion, FileEdit, FileEvent};
use fieldfen_domain::job::{JobStatus, PruneRequest, Retry};
use fieldfen_domain::publication::{ListingStatus, Platform, ReleaseReason};
use fieldfen_domain::recurring::Tick;
use fieldfen_domain::store::{ReadSession, Session, StoreError};
use fieldfen_testkit::fixtures::{
    api_call, at, claim_ref, claim_request, dedup_key, failure, file, file_id, hash, job, job_id, kind,
    listing_confirmation, listing_id, listing_target, listing_update, lost_lease_backoff, platform_id, publication_id,
    reclaim_request, recurring, recurring_name, reserve_request, token,
};
use fieldfen_testkit::with;

use crate::reads::{
    all_files, all_jobs, all_recurring_work, files_of_a_status, files_of_a_window, found_files, found_jobs, histories,
    jobs_by_filter, listings_at_a_platform, publications_by_state, published, usage,
};
use crate::rows::{name, open_target, owner};

pub(crate) type Answer = Result<Vec<String>, StoreError>;

/// The rows that an operation reads or writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    /// The operation must succeed, and its answer for the sound rows must not depend on the bad one.
    AllRows,
    /// The operation may fail with an error that names the row.
    Victim,
}

/// One operation.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) about: About,
    pub(crate) run: Run,
}

pub(crate) enum Run {
    Read(fn(&mut dyn ReadSession) -> Answer),
    Write(fn(&mut dyn Session) -> Answer),
}

macro_rules! operations {
    ($($about:ident $run:ident: $($name:ident)+;)+) => {
        vec![$($(Operation { name: stringify!($name), about: About::$about, run: Run::$run($name) }),+),+]
    };
}

pub(crate) fn operations() -> Vec<Operation> {
    operations! {
        AllRows Read: all_files files_of_a_window files_of_a_status histories found_files all_jobs jobs_by_filter
            found_jobs usage published publications_by_state listings_at_a_platform all_recurring_work;
        AllRows Write: claims a_claim_of_one_kind a_reclaim claims_of_others the_end_of_claims administration pruning
            new_rows arrivals moved_files webhooks reservations recurring_work;
        Victim Write: the_victims_file the_victims_drive_id the_victims_job the_victims_claim
            the_victims_publications the_victims_listing the_victims_webhook the_victims_recurring_work
            the_victims_deletion;
    }
}

pub(crate) const SOUND: [u64; 2] = [1, 3];

pub(crate) fn line(lines: &mut Vec<String>, what: &str, item: impl Debug) {
    lines.push(format!("{what}: {item:?}"));
}

/// Two of three rows, since one may be a victim.
pub(crate) fn counted(lines: &mut Vec<String>, what: &str, rows: u64) {
    lines.extend((1..=rows.min(2)).map(|row| format!("{what}: row {row}")));
}

fn claims(s: &mut dyn Session) -> Answer {
    let mut request = claim_request(99, 9, at(1));
    request.kinds = [kind("test.pending"), kind("test.running"), kind("test.failed")].into();
    let claimed = s.jobs().claim(&request)?;
    Ok(claimed.jobs.iter().map(|job| format!("{job:?}")).collect())
}

fn a_claim_of_one_kind(s: &mut dyn Session) -> Answer {
    let mut request = claim_request(99, 9, at(1));
    request.kinds = [kind("test.pending")].into();
    let claimed = s.jobs().claim(&request)?;
    Ok(claimed.jobs.iter().map(|job| format!("{job:?}")).collect())
}

fn a_reclaim(s: &mut dyn Session) -> Answer {
    let taken = s.jobs().reclaim(&reclaim_request(at(1), 9), &lost_lease_backoff)?;
    Ok(taken.jobs.iter().map(|reclaimed| format!("{reclaimed:?}")).collect())
}

fn claims_of_others(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    let progress = fieldfen_domain::RawJson::unchecked("{}".to_owned());
    for number in [11, 13] {
        let claim = claim_ref(number, number);
        line(&mut lines, "alone", s.jobs().run_alone(&claim)?);
        line(&mut lines, "beat", s.jobs().heartbeat(&claim, Some(&progress), at(0), Duration::from_secs(60))?);
    }
    Ok(lines)
}

fn the_end_of_claims(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    line(&mut lines, "done", s.jobs().complete(&claim_ref(11, 11), None, at(1))?);
    line(&mut lines, "again", s.jobs().complete(&claim_ref(11, 11), None, at(2))?);
    line(&mut lines, "failed", s.jobs().fail(&claim_ref(13, 13), &failure("no", Retry::At(at(9)), at(1)))?);
    line(&mut lines, "lost", s.jobs().release(&claim_ref(13, 13), at(1), at(1))?);
    line(&mut lines, "declined", s.jobs().decline(&claim_ref(21, 21), "no", at(9), at(1))?);
    Ok(lines)
}

fn administration(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    line(&mut lines, "retried", s.job_actions().retry(&job_id(21), at(1))?);
    line(&mut lines, "cancelled", s.job_actions().cancel(&job_id(1), "no", at(1))?);
    line(&mut lines, "asked", s.job_actions().cancel(&job_id(11), "no", at(1))?);
    line(&mut lines, "killed", s.job_actions().kill(&job_id(13), "no", at(1))?);
    line(&mut lines, "deleted", s.job_actions().delete(&job_id(3))?);
    Ok(lines)
}

fn pruning(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    let request = PruneRequest::new(JobStatus::Failed, at(99), 9).also_oldest(1);
    counted(&mut lines, "pruned", s.job_actions().prune(&request)?);
    counted(&mut lines, "purged", s.hashes().purge(at(999_999), 9)?);
    Ok(lines)
}

fn new_rows(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    line(&mut lines, "file", s.files().insert(&file(50))?);
    line(&mut lines, "job", s.jobs().enqueue(&job(50))?);
    line(&mut lines, "met", s.jobs().enqueue(&job(51).dedup_key(dedup_key("key 1")))?);
    line(&mut lines, "hash", s.hashes().insert(&hash(50, at(0)))?);
    line(&mut lines, "call", s.api_usage().record(&api_call("a service", 1, at(0)))?);
    line(&mut lines, "work", s.recurring().define(&recurring("other", "0 * * * *", at(0)))?);
    Ok(lines)
}

fn arrivals(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    for number in SOUND {
        line(&mut lines, "met", s.files().insert(&file(number).id(file_id(60)))?);
    }
    Ok(lines)
}

fn moved_files(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    if let Some(file) = s.files().find(&file_id(1))? {
        line(&mut lines, "moved", s.files().change(&file.after(FileEvent::Failed, "no", at(1))?)?);
    }
    let edit = FileEdit::new().species("fox");
    line(&mut lines, "edited", s.files().edit(&file_id(1), &edit, at(1))?);
    line(&mut lines, "refused", s.files().delete(&file_id(1), Deletion::KeepLiveListings)?);
    line(&mut lines, "deleted", s.files().delete(&file_id(3), Deletion::Forced)?);
    Ok(lines)
}

fn webhooks(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    for number in SOUND {
        line(&mut lines, "seen", s.hashes().insert(&hash(number, at(1)))?);
        line(&mut lines, "linked", s.hashes().link(&hash(number, at(0)).hash, &file_id(3))?);
    }
    Ok(lines)
}

fn reservations(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    for number in SOUND {
        let id = file_id(number);
        line(&mut lines, "there", s.publications().reserve(&reserve_request(70, id, listing_target(""), at(2)))?);
        let open = 20 + number;
        let held = reserve_request(71, owner(open), open_target(open), at(2));
        line(&mut lines, "held", s.publications().reserve(&held)?);
        let delisted = listing_update(ListingStatus::Delisted, at(5));
        line(&mut lines, "updated", s.listings().update(&listing_id(number), &delisted)?);
    }
    line(&mut lines, "unknown", s.publications().mark_unknown(&publication_id(21), &token(21), "lost", None, at(2))?);
    line(
        &mut lines,
        "released",
        s.publications().release(&publication_id(21), &token(21), ReleaseReason::NotMade, "no", at(3))?,
    );
    line(&mut lines, "confirmed", s.publications().confirm(&publication_id(23), &listing_confirmation(80, at(3)))?);
    Ok(lines)
}

fn recurring_work(s: &mut dyn Session) -> Answer {
    let mut lines = Vec::new();
    for number in SOUND {
        let name = recurring_name(&name(number));
        let tick = Tick::new(name.clone(), at(0), at(60), at(1));
        line(&mut lines, "taken", s.recurring().take(&tick)?);
        let moved = with!(tick, due: at(60), next_at: at(90));
        line(&mut lines, "set", s.recurring().set_next(&moved)?);
        line(&mut lines, "removed", s.recurring().remove(&name)?);
    }
    Ok(lines)
}

fn the_victims_file(s: &mut dyn Session) -> Answer {
    let edit = FileEdit::new().species("fox");
    s.files().edit(&file_id(2), &edit, at(1))?;
    s.files().find_by_content(&ContentHash::of(&2_u64.to_be_bytes()))?;
    if let Some(file) = s.files().find(&file_id(2))? {
        s.files().change(&file.after(FileEvent::Failed, "no", at(1))?)?;
    }
    Ok(Vec::new())
}

fn the_victims_drive_id(s: &mut dyn Session) -> Answer {
    s.files().find_by_drive_id("drive-2")?;
    s.files().insert(&file(2).id(file_id(60)))?;
    Ok(Vec::new())
}

fn the_victims_job(s: &mut dyn Session) -> Answer {
    for number in [2, 12, 22] {
        let _ = s.job_actions().retry(&job_id(number), at(1))?;
        let _ = s.job_actions().cancel(&job_id(number), "no", at(1))?;
        let _ = s.job_actions().kill(&job_id(number), "no", at(1))?;
        let _ = s.job_actions().delete(&job_id(number))?;
    }
    Ok(Vec::new())
}

fn the_victims_claim(s: &mut dyn Session) -> Answer {
    let claim = claim_ref(12, 12);
    let _ = s.jobs().run_alone(&claim)?;
    let _ = s.jobs().heartbeat(&claim, None, at(0), Duration::from_secs(60))?;
    let _ = s.jobs().decline(&claim, "no", at(9), at(1))?;
    let _ = s.jobs().fail(&claim, &failure("no", Retry::Never, at(1)))?;
    let _ = s.jobs().complete(&claim, None, at(1))?;
    Ok(Vec::new())
}

fn the_victims_publications(s: &mut dyn Session) -> Answer {
    s.publications().reserve(&reserve_request(70, file_id(2), listing_target(""), at(9999)))?;
    let _ = s.publications().mark_unknown(&publication_id(22), &token(22), "lost", None, at(2))?;
    s.publications().confirm(&publication_id(22), &listing_confirmation(81, at(3)))?;
    let _ = s.publications().list_by_file(&file_id(2))?;
    let _ = s.listings().list_posts_by_file(&file_id(2))?;
    Ok(Vec::new())
}

fn the_victims_listing(s: &mut dyn Session) -> Answer {
    for at_second in [0, 5] {
        s.listings().update(&listing_id(2), &listing_update(ListingStatus::Delisted, at(at_second)))?;
    }
    s.listings().list_by_file(&file_id(2))?;
    s.listings().find_by_platform_id(Platform::Etsy, "", &platform_id(2))?;
    Ok(Vec::new())
}

fn the_victims_webhook(s: &mut dyn Session) -> Answer {
    s.hashes().insert(&hash(2, at(1)))?;
    s.hashes().link(&hash(2, at(0)).hash, &file_id(3))?;
    Ok(Vec::new())
}

fn the_victims_recurring_work(s: &mut dyn Session) -> Answer {
    let name = recurring_name(&name(2));
    s.recurring().take(&Tick::new(name.clone(), at(0), at(60), at(1)))?;
    s.recurring().define(&recurring(name.as_str(), "0 0 * * *", at(9)))?;
    s.recurring().remove(&name)?;
    Ok(Vec::new())
}

fn the_victims_deletion(s: &mut dyn Session) -> Answer {
    s.files().delete(&file_id(2), Deletion::KeepLiveListings)?;
    s.files().delete(&file_id(2), Deletion::Forced)?;
    Ok(Vec::new())
}
