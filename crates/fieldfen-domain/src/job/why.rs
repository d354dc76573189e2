//! The reason for which a job runs, or does not run, now.

use std::fmt;

use serde::Serialize;

use super::{JobKind, OnWorkerDeath, ParkedFor, Partition, PauseScopeKind};
use crate::ids::JobId;
use crate::time::Timestamp;

/// The reason for which a job runs, or does not run, at one time. As JSON, `why` names the variant.
///
/// If several reasons hold, it is the one that ends last in the order of a claim: due time, pause, limit, other jobs,
/// and then workers and services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// The job is not due yet.
    DueLater {
        /// The time at which it is due.
        at: Timestamp,
        /// The number of retries that it has used.
        retries: u32,
        /// The number of retries before it fails for good.
        max_retries: u32,
        /// The number of times that a rate limit has delayed it.
        throttled: u32,
        /// Since when workers have declined it, because it was written for another version.
        declined_since: Option<Timestamp>,
        /// The error of its last attempt.
        error: Option<String>,
    },
    /// Its kind, its service or its account is paused.
    Paused {
        /// The kind of scope.
        scope: PauseScopeKind,
        /// The name of the kind, service or account.
        name: String,
        /// The reason of the pause, for people.
        reason: String,
        /// The time at which the pause ends by itself; `None` if somebody must resume it.
        until: Option<Timestamp>,
        /// The person or the part of the program that paused.
        by: String,
    },
    /// As many jobs run as a concurrency limit allows.
    LimitReached {
        /// The jobs that the limit counts together.
        partition: Partition,
        /// The most jobs that may run.
        max_running: u32,
        /// The number of jobs that run.
        running: u32,
        /// The first of the running jobs.
        jobs: Vec<JobId>,
    },
    /// A concurrency limit has room, and other jobs take the room before this one.
    LimitReachedByJobsBefore {
        /// The jobs that the limit counts together.
        partition: Partition,
        /// The most jobs that may run.
        max_running: u32,
        /// The number of jobs that run.
        running: u32,
        /// The number of jobs that take the remaining places.
        before: u32,
    },
    /// Many due jobs of its kind come before it.
    FarBehind {
        /// The number of jobs that come before it, or more.
        before: u32,
    },
    /// The next reclaim of a worker puts the job in the order of the claims.
    AfterReclaim,
    /// Claims take the job, but no living worker handles its kind.
    NoLiveWorker {
        /// The kind.
        kind: JobKind,
        /// The number of jobs of its kind that claims take before it.
        before: u32,
    },
    /// Claims take the job, but its service takes no call.
    ServiceClosed {
        /// The service or account that the job uses.
        account: String,
        /// The reason, for people.
        reason: String,
        /// The time at which a call may be made, as far as it is known.
        until: Timestamp,
    },
    /// Claims take the job, but a budget of its service is spent.
    BudgetSpent {
        /// The name of the budget.
        budget: String,
        /// The used part, for people.
        reason: String,
        /// The time at which a call may be made.
        until: Timestamp,
    },
    /// A worker takes the job next.
    Claimable {
        /// The number of jobs of its kind that claims take before it.
        before: u32,
        /// Whether the job must run alone in its worker, because workers that ran it have died.
        runs_alone: bool,
    },
    /// A worker runs the job.
    Running {
        /// The name of the worker.
        worker: String,
        /// The time of the claim.
        since: Option<Timestamp>,
        /// The time until which the worker holds it, unless it extends its lease.
        lease_until: Timestamp,
        /// Whether a worker of this name is registered as alive.
        is_alive: bool,
        /// The time at which somebody asked the job to stop.
        cancel_requested: Option<Timestamp>,
        /// The consequence for the job if the worker dies.
        on_worker_death: OnWorkerDeath,
    },
    /// A program that knows no leases runs the job. It is never reclaimed.
    RunByOtherProgram {
        /// The time at which it began.
        since: Option<Timestamp>,
    },
    /// The lease of the worker has ended. The next reclaim of a worker makes the job pending again, parks it, or fails
    /// it.
    LeaseExpired {
        /// The name of the worker.
        worker: String,
        /// The end of the lease.
        lease_until: Timestamp,
        /// The consequence for the job.
        on_worker_death: OnWorkerDeath,
    },
    /// The job waits for an event.
    Parked {
        /// The event.
        parked_for: String,
        /// The time since which it waits.
        since: Option<Timestamp>,
        /// The reason of the handler.
        error: Option<String>,
    },
    /// The job was asked to stop while it ran, and has ended.
    Cancelled {
        /// The time at which it ended.
        at: Option<Timestamp>,
        /// The reason.
        error: Option<String>,
    },
    /// The job has failed for good, or was cancelled before it ran. Only a retry makes it run again.
    Failed {
        /// The time at which it ended.
        at: Option<Timestamp>,
        /// The number of retries that it has used.
        retries: u32,
        /// The last error, or the reason of the cancellation.
        error: Option<String>,
    },
    /// The job is done.
    Completed {
        /// The time at which it ended.
        at: Option<Timestamp>,
    },
}

impl Why {
    /// Whether claims of its kind take the job now; `None` if so many jobs come before it that the store has not
    /// looked.
    #[must_use]
    pub const fn is_claimable(&self) -> Option<bool> {
        match self {
            Self::Claimable { .. }
            | Self::NoLiveWorker { .. }
            | Self::ServiceClosed { .. }
            | Self::BudgetSpent { .. } => Some(true),
            Self::FarBehind { .. } => None,
            _ => Some(false),
        }
    }
}

/// One or two sentences.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DueLater { at, retries, max_retries, throttled, declined_since, error } => {
                write!(f, "it is due at {at}")?;
                if *retries > 0 {
                    write!(f, "; retry {retries} of {max_retries}")?;
                }
                if *throttled > 0 {
                    write!(f, "; a rate limit has delayed it {}", times(*throttled))?;
                }
                if let Some(since) = declined_since {
                    write!(f, "; workers that cannot run it have declined it since {since}")?;
                }
                after_error(f, error.as_deref())
            }
            Self::Paused { scope, name, reason, until, by } => {
                write!(f, "{by} has paused {scope} {name}")?;
                match until {
                    Some(until) => write!(f, " until {until}")?,
                    None => write!(f, " until somebody resumes it")?,
                }
                write!(f, ": {reason}")
            }
            Self::LimitReached { partition, max_running, running, jobs } => {
                write!(f, "{running} of {max_running} allowed jobs run{}", of_partition(*partition))?;
                let mut between = ": ";
                for job in jobs {
                    write!(f, "{between}{job}")?;
                    between = ", ";
                }
                if (jobs.len() as u64) < u64::from(*running) && !jobs.is_empty() { write!(f, ", …") } else { Ok(()) }
            }
            Self::LimitReachedByJobsBefore { partition, max_running, running, before } => write!(
                f,
                "{max_running} jobs may run{}: {running} run, and {} before it",
                of_partition(*partition),
                if *before == 1 { "1 comes".to_owned() } else { format!("{before} come") }
            ),
            Self::FarBehind { before } => write!(f, "{before} or more due jobs of its kind come before it"),
            Self::AfterReclaim => write!(f, "the next reclaim of a worker puts it in order, within seconds"),
            Self::NoLiveWorker { kind, before } => {
                write!(f, "no living worker handles {kind}")?;
                before_it(f, *before)
            }
            Self::ServiceClosed { account, reason, until } => {
                write!(f, "{account} takes no call before {until}: {reason}")
            }
            Self::BudgetSpent { budget, reason, until } => {
                write!(f, "the budget {budget:?} allows no call before {until}: {reason}")
            }
            Self::Claimable { before, runs_alone } => {
                write!(f, "a worker takes it next")?;
                before_it(f, *before)?;
                if *runs_alone { write!(f, "; it runs alone, because its workers have died") } else { Ok(()) }
            }
            Self::Running { worker, since, lease_until, is_alive, cancel_requested, on_worker_death } => {
                write!(f, "worker {worker} runs it")?;
                since_time(f, *since)?;
                write!(f, " and holds it until {lease_until}")?;
                if !is_alive {
                    write!(f, "; no worker of this name is alive")?;
                }
                if let Some(at) = cancel_requested {
                    write!(f, "; it was asked to stop at {at}")?;
                }
                match on_worker_death {
                    OnWorkerDeath::Retry => Ok(()),
                    OnWorkerDeath::Hold => write!(f, "; if the worker dies, it waits for a person"),
                    OnWorkerDeath::Fail => write!(f, "; if the worker dies, it fails"),
                }
            }
            Self::RunByOtherProgram { since } => {
                write!(f, "another program runs it")?;
                since_time(f, *since)
            }
            Self::LeaseExpired { worker, lease_until, on_worker_death } => {
                let next = match on_worker_death {
                    OnWorkerDeath::Retry => "takes it",
                    OnWorkerDeath::Hold => "parks it for a person",
                    OnWorkerDeath::Fail => "fails it",
                };
                write!(f, "worker {worker} has lost it: its lease ended at {lease_until}, and the next reclaim {next}")
            }
            Self::Parked { parked_for, since, error } => {
                match parked_for.as_str() {
                    word if word == ParkedFor::Approval.as_str() => write!(f, "it waits for the approval of its file")?,
                    word if word == ParkedFor::Person.as_str() => write!(f, "it waits for the answer of a person")?,
                    word => write!(f, "it waits for the event {word}")?,
                }
                since_time(f, *since)?;
                match error {
                    Some(error) => write!(f, ": {error}"),
                    None => Ok(()),
                }
            }
            Self::Cancelled { at, error } => ended(f, "it was cancelled", *at, error.as_deref()),
            Self::Failed { at, retries, error } => {
                let after = format!("it has failed for good after {} of its work", attempts(*retries));
                ended(f, &after, *at, error.as_deref())
            }
            Self::Completed { at } => ended(f, "it is completed", *at, None),
        }
    }
}

fn of_partition(partition: Partition) -> &'static str {
    match partition {
        Partition::All => " of its kind",
        Partition::File => " for its file",
        Partition::Account => " for its account",
    }
}

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn attempts(retries: u32) -> String {
    match retries {
        0 => "one attempt".to_owned(),
        retries => format!("{} attempts", u64::from(retries) + 1),
    }
}

fn before_it(f: &mut fmt::Formatter<'_>, before: u32) -> fmt::Result {
    match before {
        0 => Ok(()),
        1 => write!(f, "; 1 job of its kind comes before it"),
        before => write!(f, "; {before} jobs of its kind come before it"),
    }
}

fn since_time(f: &mut fmt::Formatter<'_>, since: Option<Timestamp>) -> fmt::Result {
    match since {
        Some(since) => write!(f, " since {since}"),
        None => Ok(()),
    }
}

fn after_error(f: &mut fmt::Formatter<'_>, error: Option<&str>) -> fmt::Result {
    match error {
        Some(error) => write!(f, "; its last error: {error}"),
        None => Ok(()),
    }
}

fn ended(f: &mut fmt::Formatter<'_>, how: &str, at: Option<Timestamp>, error: Option<&str>) -> fmt::Result {
    write!(f, "{how}")?;
    if let Some(at) = at {
        write!(f, ", at {at}")?;
    }
    match error {
        Some(error) => write!(f, ": {error}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_sentence_and_a_document() {
        let at: Timestamp = "2026-11-26T01:00:00Z".parse().unwrap();
        let paused = Why::Paused {
            scope: PauseScopeKind::Service,
            name: "etsy".into(),
            reason: "Etsy reviews the shop".into(),
            until: Some(at),
            by: "ann".into(),
        };
        let sentence = "ann has paused service etsy until 2026-11-26 01:00:00 UTC: Etsy reviews the shop";
        assert_eq!(paused.to_string(), sentence);
        let document = serde_json::to_value(&paused).unwrap();
        assert_eq!((&document["why"], &document["scope"]), (&"paused".into(), &"service".into()));

        let limit = Why::LimitReached {
            partition: Partition::Account,
            max_running: 2,
            running: 2,
            jobs: vec![JobId::from_random(1)],
        };
        let job = JobId::from_random(1);
        assert_eq!(limit.to_string(), format!("2 of 2 allowed jobs run for its account: {job}, …"), "one is not named");
        let failed = Why::Failed { at: None, retries: 5, error: Some("no paper".into()) };
        assert_eq!(failed.to_string(), "it has failed for good after 6 attempts of its work: no paper");
        let claimable = Why::Claimable { before: 3, runs_alone: false };
        assert_eq!((failed.is_claimable(), claimable.is_claimable()), (Some(false), Some(true)));
    }

    #[test]
    fn an_expired_lease_and_a_running_job_say_what_the_death_of_the_worker_means() {
        let at: Timestamp = "2026-11-26T01:00:00Z".parse().unwrap();
        use OnWorkerDeath::{Fail, Hold, Retry};
        let ends = [(Retry, "the next reclaim takes it"), (Hold, "parks it for a person"), (Fail, "reclaim fails it")];
        for (on_worker_death, end) in ends {
            let expired = Why::LeaseExpired { worker: "den".into(), lease_until: at, on_worker_death };
            assert!(expired.to_string().ends_with(end), "{expired}");
        }
        let ends = [
            (Retry, "until 2026-11-26 01:00:00 UTC"),
            (Hold, "; if the worker dies, it waits for a person"),
            (Fail, "; if the worker dies, it fails"),
        ];
        for (on_worker_death, end) in ends {
            let (worker, since, lease_until) = ("den".into(), None, at);
            let running =
                Why::Running { worker, since, lease_until, is_alive: true, cancel_requested: None, on_worker_death };
            assert!(running.to_string().ends_with(end), "{running}");
        }
    }
}
