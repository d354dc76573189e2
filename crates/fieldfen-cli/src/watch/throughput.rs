//! The completed jobs of each second since the view was started.

use std::collections::VecDeque;

use fieldfen_domain::{CappedCount, Timestamp};

/// The most seconds that are kept.
const MOST_SECONDS: usize = 3600;

/// The completed jobs of each second since the view was started, at most of the last hour.
#[derive(Debug, Clone, Default)]
pub(super) struct Throughput {
    seconds: VecDeque<u64>,
    /// The begin of the first second, and the number of seconds since, the forgotten ones too.
    began: Option<Timestamp>,
    counted: usize,
    is_capped: bool,
}

impl Throughput {
    /// Adds the jobs that were completed in a span. They are spread evenly over the seconds that have begun in it.
    pub(super) fn add(&mut self, jobs: CappedCount, since: Timestamp, until: Timestamp) {
        let began = *self.began.get_or_insert(since);
        self.is_capped = jobs.is_capped;
        let seconds = until.signed_duration_since(began).num_seconds();
        let new = usize::try_from(seconds).unwrap_or_default().saturating_sub(self.counted);
        self.counted += new;
        if new == 0 {
            match self.seconds.back_mut() {
                Some(last) => *last = last.saturating_add(jobs.number),
                None => {
                    self.seconds.push_back(jobs.number);
                    self.counted = 1;
                }
            }
            return;
        }
        let (each, rest) = (jobs.number / new as u64, jobs.number % new as u64);
        let first_shown = new.saturating_sub(MOST_SECONDS);
        self.seconds.extend((first_shown..new).map(|second| each + u64::from((second as u64) < rest)));
        self.seconds.drain(..self.seconds.len().saturating_sub(MOST_SECONDS));
    }

    /// All seconds as at most this many bars, the latest one at the end. A bar has the height of its busiest second.
    pub(super) fn bars(&self, columns: usize) -> Vec<u64> {
        let seconds: Vec<u64> = self.seconds.iter().copied().collect();
        let bars = seconds.chunks(self.seconds_of_bar(columns));
        bars.map(|bar| bar.iter().copied().max().unwrap_or_default()).collect()
    }

    /// The throughput in a few words, above a graph of this many columns; `None` before the first count.
    pub(super) fn text(&self, columns: usize) -> Option<String> {
        let now = self.seconds.back()?;
        let most = self.seconds.iter().max()?;
        let more = if self.is_capped { "+" } else { "" };
        let bar = match self.seconds_of_bar(columns) {
            1 => String::new(),
            seconds => format!("; a bar is {seconds} s"),
        };
        Some(format!("{now}{more}/s done now, {most}/s at most, {} s watched{bar}", self.counted))
    }

    fn seconds_of_bar(&self, columns: usize) -> usize {
        self.seconds.len().div_ceil(columns.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        "2026-11-26T12:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::milliseconds(milliseconds)
    }

    fn count(jobs: u64) -> CappedCount {
        CappedCount::new(jobs, 20_000)
    }

    #[test]
    fn jobs_are_spread_over_the_seconds_of_their_span() {
        let mut throughput = Throughput::default();
        assert_eq!(throughput.text(100), None);
        for (jobs, since, until) in [(5, 0, 1000), (7, 1000, 4100), (2, 4100, 4900)] {
            throughput.add(count(jobs), at(since), at(until));
        }
        assert_eq!(throughput.bars(100), [5, 3, 2, 4]);
        assert_eq!((throughput.bars(4), throughput.bars(3)), (vec![5, 3, 2, 4], vec![5, 4]));
        assert_eq!(throughput.text(3).unwrap(), "4/s done now, 5/s at most, 4 s watched; a bar is 2 s");
        assert_eq!(throughput.bars(0), [5], "no room does not end the view");
        assert_eq!(throughput.text(100).unwrap(), "4/s done now, 5/s at most, 4 s watched");
    }

    #[test]
    fn a_span_of_a_week_and_a_clock_that_was_set_back_are_bounded() {
        let mut throughput = Throughput::default();
        throughput.add(count(3), at(0), at(7 * 86_400_000));
        assert_eq!(throughput.bars(usize::MAX).len(), MOST_SECONDS);
        throughput.add(CappedCount::new(20_000, 20_000), at(0), at(-5000));
        assert!(throughput.text(100).unwrap().starts_with("20000+/s done now"), "{:?}", throughput.text(100));
    }
}
