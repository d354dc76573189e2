//! The reason that is stored with a job whose lease has expired.

use std::fmt::Display;

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{Job, OnWorkerDeath};

/// The reason why a job was reclaimed, for people. `expires_at` is the end of the lease, or the error of reading it.
pub(crate) fn reason(
    job: &Job,
    worker: Option<&str>,
    expires_at: Result<Option<Timestamp>, impl Display>,
    consequence: OnWorkerDeath,
    now: Timestamp,
) -> String {
    let mut reason = format!("the lease of {} expired", worker.unwrap_or("its worker"));
    match expires_at {
        Ok(Some(expires_at)) if expires_at > now => reason += &format!(", since it was to end at {expires_at} only"),
        Ok(_) => {}
        Err(error) => reason += &format!(": {error}"),
    }
    reason += &match consequence {
        OnWorkerDeath::Retry => String::new(),
        OnWorkerDeath::Hold => {
            format!("; nobody knows whether the work was done: retry or cancel the job; noticed at {now}")
        }
        OnWorkerDeath::Fail => format!("; noticed at {now}; the job fails with its worker, as its kind says"),
    };
    match (job.cancel_requested_at, &job.last_error) {
        // An operator's request to stop the job names its own reason, which comes first.
        (Some(_), Some(asked)) => format!("{asked} ({reason})"),
        _ => reason,
    }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::job::JobState;
    use fieldfen_testkit::fixtures::{at, job_id};

    use super::*;

    #[test]
    fn the_reason_names_the_worker_a_lease_that_is_too_long_and_a_request_to_stop() {
        type Expiry = Result<Option<Timestamp>, &'static str>;
        let job = |asked: Option<&str>| {
            let mut job = Job::new(job_id(1), "test.work".parse().unwrap(), JobState::Pending, at(0));
            job.cancel_requested_at = asked.map(|_| at(1));
            job.last_error = asked.map(str::to_owned);
            job
        };
        let far = at(1000);
        let cases: [(Option<&str>, Option<&str>, Expiry, String); 5] = [
            (None, Some("den"), Ok(Some(at(4))), "the lease of den expired".into()),
            (None, None, Ok(None), "the lease of its worker expired".into()),
            (None, Some("den"), Ok(Some(far)), format!("the lease of den expired, since it was to end at {far} only")),
            (None, Some("den"), Err("a blob"), "the lease of den expired: a blob".into()),
            (Some("not wanted"), Some("den"), Ok(None), "not wanted (the lease of den expired)".into()),
        ];
        for (asked, worker, expires_at, expected) in cases {
            assert_eq!(reason(&job(asked), worker, expires_at, OnWorkerDeath::Retry, at(5)), expected);
        }
        for (consequence, begin) in [
            (OnWorkerDeath::Hold, "the lease of den expired; nobody knows".to_owned()),
            (OnWorkerDeath::Fail, format!("the lease of den expired; noticed at {}; the job fails", at(5))),
        ] {
            let reason = reason(&job(None), Some("den"), Ok::<_, &str>(None), consequence, at(5));
            assert!(reason.starts_with(&begin), "{reason}");
        }
    }
}
