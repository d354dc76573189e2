//! Looks at the queue become rare while commits follow each other closely and make no job due for this worker.
//!
//! The dispatcher looks at the queue after each commit, because the commit may have made a job due. A job that becomes due
//! while the looks are rare starts up to [`SPACING`] later.

use std::time::{Duration, Instant};

/// The time between two looks while each one finds nothing. A look wakes three threads, and 20 looks a second cost less than
/// 1 % of a core.
const SPACING: Duration = Duration::from_millis(50);

/// The number of looks in a row that may find nothing before the next one waits. Two workers that share the jobs of one kind
/// often find that the other one has claimed the job already.
const TOLERATED: u32 = 16;

/// Delays looks while commits follow each other closely and none makes a job due.
pub(super) struct CommitBackoff {
    /// The time of the last look, if it found nothing.
    looked: Option<Instant>,
    /// The number of commits in a row that were noticed less than [`SPACING`] after such a look.
    commits: u32,
}

impl CommitBackoff {
    pub(super) const fn new() -> Self {
        Self { looked: None, commits: 0 }
    }

    /// Notes a look at the queue, and whether it found a job that is due.
    pub(super) fn looked(&mut self, found: bool, now: Instant) {
        *self = if found { Self::new() } else { Self { looked: Some(now), ..*self } };
    }

    /// The wait before the look at the queue, for a commit that was noticed now.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        let Some(looked) = self.looked else { return Duration::ZERO };
        let left = SPACING.saturating_sub(now.saturating_duration_since(looked));
        self.commits = if left.is_zero() { 0 } else { self.commits.saturating_add(1) };
        if self.commits > TOLERATED { left } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of looks in the next second at commits that follow each other so closely and make nothing due.
    fn looks(backoff: &mut CommitBackoff, began: Instant, commits_apart: Duration) -> u32 {
        let (mut looks, mut now) = (0, began);
        while now < began + Duration::from_secs(1) {
            now += commits_apart;
            now += backoff.pause(now);
            backoff.looked(false, now);
            looks += 1;
        }
        looks
    }

    #[test]
    fn commits_without_end_that_make_nothing_due_bring_a_look_every_50_ms() {
        let began = Instant::now();
        for (microseconds, expected) in [(100, 16 + 20), (1_000, 16 + 20), (20_000, 16 + 14), (60_000, 17)] {
            let found = looks(&mut CommitBackoff::new(), began, Duration::from_micros(microseconds));
            assert!((expected..=expected + 1).contains(&found), "{found} looks, a commit every {microseconds} µs");
        }
    }

    #[test]
    fn a_commit_after_a_pause_or_after_a_found_job_is_looked_at_at_once() {
        let (mut backoff, began) = (CommitBackoff::new(), Instant::now());
        assert_eq!(backoff.pause(began), Duration::ZERO, "the first commit of all");
        looks(&mut backoff, began, Duration::from_millis(1));
        let mut now = began + Duration::from_secs(2);
        assert_eq!(backoff.pause(now), Duration::ZERO, "after a pause");
        looks(&mut backoff, now, Duration::from_millis(1));
        now += Duration::from_secs(1);
        assert!(backoff.pause(now) > Duration::ZERO);
        backoff.looked(true, now);
        assert_eq!(backoff.pause(now), Duration::ZERO, "after a found job");
    }
}
