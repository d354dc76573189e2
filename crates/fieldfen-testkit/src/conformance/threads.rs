//! Many threads on one store: every job runs exactly once.

use std::collections::BTreeMap;
use std::sync::Mutex;

use fieldfen_domain::JobId;
use fieldfen_domain::job::{ClaimRef, FencedResult, JobStatus, NewJob};
use fieldfen_domain::store::Store;

use super::operations::On;
use crate::fixtures::{at, claim_request, job, token};
use crate::wait::scope_with_deadline;

/// Lets this many threads claim and complete this many jobs, one to four at a time.
///
/// # Panics
/// If a job was claimed twice, a completion did not take effect, or a job is left.
pub fn threads<S: Store>(store: &S, threads: u64, jobs: u64) {
    let new: Vec<NewJob> = (0..jobs).map(job).collect();
    On(store).enqueue_all(&new);
    let done: Mutex<BTreeMap<JobId, u32>> = Mutex::default();
    scope_with_deadline("no job is left", |scope| {
        for thread in 0..threads {
            let done = &done;
            scope.spawn(move || {
                for number in done_by(&On(store), thread) {
                    *done.lock().unwrap().entry(number).or_default() += 1;
                }
            });
        }
    });
    let done = done.into_inner().unwrap();
    assert!(done.values().all(|&times| times == 1), "every job at most once");
    assert_eq!(done.len() as u64, jobs, "every job at least once");
    let counts = On(store).read(|s| s.jobs().count());
    let left: Vec<_> = counts.iter().filter(|count| count.status != JobStatus::Completed).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Claims and completes jobs until none is left, each claim with its own token. Returns the completed jobs.
fn done_by<S: Store>(on: &On<'_, S>, thread: u64) -> Vec<JobId> {
    let mut done = Vec::new();
    for round in 0.. {
        let number = (thread << 32) + round;
        let limit = 1 + u32::try_from(number % 4).unwrap_or(0);
        let claimed = on.claim_by(&claim_request(number, limit, at(1)));
        if claimed.is_empty() {
            break;
        }
        for job in claimed {
            let claim = ClaimRef { id: job.id, token: token(number) };
            assert_eq!(on.complete(claim, at(2)), FencedResult::Done(()), "{job:?}");
            done.push(job.id);
        }
    }
    done
}
