//! The job whose handler runs on this thread, so that its calls are recorded with it.

use std::cell::Cell;

use fieldfen_domain::job::Job;
use fieldfen_domain::{FileId, JobId};

/// The ids that a call gets from the job that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CurrentJob {
    pub(crate) id: JobId,
    pub(crate) file_id: Option<FileId>,
}

impl CurrentJob {
    pub(crate) const fn of(job: &Job) -> Self {
        Self { id: job.id, file_id: job.file_id }
    }
}

thread_local! {
    static CURRENT: Cell<Option<CurrentJob>> = const { Cell::new(None) };
}

/// The job whose handler runs on this thread, if one does.
pub(crate) fn current() -> Option<CurrentJob> {
    CURRENT.get()
}

/// Runs `f` as part of a job's handler. A panic of `f` ends that, too.
pub(crate) fn within<T>(job: CurrentJob, f: impl FnOnce() -> T) -> T {
    let _restore = Restore(CURRENT.replace(Some(job)));
    f()
}

struct Restore(Option<CurrentJob>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_current_until_its_handler_returns_or_panics() {
        let job = |number| CurrentJob { id: JobId::from_random(number), file_id: None };
        within(job(1), || {
            assert_eq!(current(), Some(job(1)));
            fieldfen_domain::catch_panic(|| within(job(2), || panic!("a handler panics"))).unwrap_err();
            assert_eq!(current(), Some(job(1)));
        });
        assert_eq!(current(), None);
    }
}
