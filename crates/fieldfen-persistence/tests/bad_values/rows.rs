//! Three rows of each kind; the second is the victim.

use fieldfen_domain::FileId;
use fieldfen_domain::file::FileStatus;

use fieldfen_domain::publication::Target;
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_persistence::SqliteSession;
use fieldfen_testkit::fixtures::{
    api_call, at, claim_ref, claim_request, dedup_key, file_id, file_in, hash, job, job_id, kind, listing_confirmation,
    listing_id, listing_target, platform_id, post_confirmation, post_id, post_target, publication_id, recurring,
    reserve_request,
};

/// The rowids of victims. Jobs and publications have three of them, in different statuses.
pub(crate) const VICTIMS: [i64; 3] = [2, 5, 8];

/// The numbers of the victims in the first, second and third group of three rows.
const NUMBERS: [u64; 3] = [2, 12, 22];

/// A lease that began at this second has expired at `at(0)`.
pub(crate) const LONG_AGO: i64 = -9999;

/// The numbers of the three rows from this one on.
pub(crate) fn three(first: u64) -> [u64; 3] {
    [first, first + 1, first + 2]
}

/// Returns whether a line of an answer belongs to a row that may have a bad value.
pub(crate) fn is_about_a_victim(line: &str) -> bool {
    NUMBERS.iter().any(|&number| {
        [
            file_id(number).to_string(),
            job_id(number).to_string(),
            publication_id(number).to_string(),
            listing_id(number).to_string(),
            post_id(number).to_string(),
            name(number),
        ]
        .iter()
        .any(|mark| line.contains(mark.as_str()))
    })
}

/// The name of recurring work, and of a service.
pub(crate) fn name(number: u64) -> String {
    format!("name-{number}.")
}

/// The target of reservation `number`.
pub(crate) fn open_target(number: u64) -> Target {
    listing_target(&format!("open {number}"))
}

pub(crate) fn populate(s: &mut SqliteSession<'_>) -> Result<(), StoreError> {
    let s: &mut dyn Session = s;
    for number in three(1) {
        file_in(s, number, FileStatus::Ingested)?;
    }
    for number in three(1) {
        // One more line for each file, so that the history has the same order as the files.
        let file = s.files().find(&file_id(number))?.unwrap();
        s.files().change(&file.after(fieldfen_domain::file::FileEvent::ProcessingStarted, "started", at(0))?)?;
        s.hashes().insert(&hash(number, at(0)))?;
        s.hashes().link(&hash(number, at(0)).hash, &file_id(number))?;
        s.api_usage().record(&api_call(&name(number), 3, at(0)))?;
        s.recurring().define(&recurring(&name(number), "0 * * * *", at(0)))?;
    }
    jobs(s)?;
    for (first, target) in [(1, listing_target("")), (11, post_target(""))] {
        for number in three(first) {
            s.publications().reserve(&reserve_request(number, owner(number), target.clone(), at(0)))?;
            let confirmation = match target {
                Target::Listing { .. } => listing_confirmation(number, at(1)),
                Target::Post { .. } => post_confirmation(number, at(1)),
            };
            s.publications().confirm(&publication_id(number), &confirmation)?;
        }
    }
    for number in three(21) {
        s.publications().reserve(&reserve_request(number, owner(number), open_target(number), at(0)))?;
    }
    assert_eq!(platform_id(1), "at-platform-1");
    Ok(())
}

/// The file of a publication or job.
pub(crate) fn owner(number: u64) -> FileId {
    file_id(number % 10)
}

/// Three pending jobs, three jobs with expired leases, and three failed jobs.
fn jobs(s: &mut dyn Session) -> Result<(), StoreError> {
    for (first, kind_name) in [(1, "test.pending"), (11, "test.running"), (21, "test.failed")] {
        for number in three(first) {
            let dedup_key = Some(dedup_key(&format!("key {number}")));
            let new = job(number).file_id(owner(number)).dedup_key(dedup_key).kind(kind(kind_name));
            s.jobs().enqueue(&new)?;
            if first > 1 {
                let mut request = claim_request(number, 1, at(0));
                (request.kinds, request.now) = ([kind(kind_name)].into(), at(0));
                request.lease = std::time::Duration::from_secs(if first == 11 { 0 } else { 60 });
                assert_eq!(s.jobs().claim(&request)?.jobs.len(), 1);
            }
            if first == 21 {
                let report = fieldfen_testkit::fixtures::failure("no", fieldfen_domain::job::Retry::Never, at(1));
                assert!(s.jobs().fail(&claim_ref(number, number), &report)?.is_done());
            }
        }
    }
    Ok(())
}
