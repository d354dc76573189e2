//! The run times of handlers, by kind of job.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldfen_domain::job::JobKind;

/// The divisor of the difference by which one run moves the mean, so that roughly the last dozen runs count.
const WEIGHT: u32 = 8;

/// The decayed mean run time of each kind's handlers.
#[derive(Default)]
pub(super) struct RunTimes(BTreeMap<JobKind, Duration>);

impl RunTimes {
    /// Records the run time of a handler of this kind.
    pub(super) fn record(&mut self, kind: &JobKind, took: Duration) {
        match self.0.get_mut(kind) {
            Some(mean) if took >= *mean => *mean += (took - *mean) / WEIGHT,
            Some(mean) => *mean -= (*mean - took) / WEIGHT,
            None => {
                self.0.insert(kind.clone(), took);
            }
        }
    }

    /// The mean run time of this kind; `None` before the first run.
    pub(super) fn mean(&self, kind: &JobKind) -> Option<Duration> {
        self.0.get(kind).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_follows_the_last_runs_of_its_kind() {
        let (build, clean) = (JobKind::custom("build").unwrap(), JobKind::custom("clean").unwrap());
        let mut times = RunTimes::default();
        assert_eq!(times.mean(&build), None);
        times.record(&build, Duration::from_millis(800));
        times.record(&clean, Duration::from_millis(1));
        assert_eq!(times.mean(&build), Some(Duration::from_millis(800)));
        times.record(&build, Duration::ZERO);
        assert_eq!(times.mean(&build), Some(Duration::from_millis(700)));
        times.record(&build, Duration::from_millis(1500));
        assert_eq!(times.mean(&build), Some(Duration::from_millis(800)));
        for _ in 0..60 {
            times.record(&build, Duration::from_millis(2));
        }
        let mean = times.mean(&build).unwrap();
        assert!(mean < Duration::from_millis(3), "{mean:?}");
        assert_eq!(times.mean(&clean), Some(Duration::from_millis(1)));
    }
}
