//! Explains the time of a write.

use std::fmt;

use super::{COMMIT, PHASES, Stall, TracedWrite};
use crate::rounds;

/// The phases in which a process holds SQLite's write lock.
const HOLDING: [usize; 2] = [3, COMMIT];

/// The phase of a checkpoint.
const CHECKPOINT: usize = 5;

/// The events during the longest phase of one write.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The number of the process.
    pub process: usize,
    /// The write.
    pub write: TracedWrite,
    /// The activity of each other process meanwhile.
    pub others: Vec<Other>,
    /// The time for which the machine did not run, in microseconds.
    pub stalled_us: u64,
    /// The time that the hypervisor gave to other guests, in milliseconds.
    pub steal_ms: u64,
}

/// The activity of another process during the longest phase of a write.
#[derive(Debug, Clone, Copy)]
pub struct Other {
    /// The number of the process.
    pub process: usize,
    /// The number of its commits.
    pub commits: usize,
    /// The time for which it held SQLite's write lock, in microseconds.
    pub held_us: u64,
    /// Its longest commit, in microseconds.
    pub longest_commit_us: u64,
    /// The time of its checkpoints, in microseconds.
    pub checkpoint_us: u64,
}

impl Explanation {
    /// The largest part of the longest phase, as text.
    #[must_use]
    pub fn cause(&self) -> String {
        self.found_cause().unwrap_or_else(|| {
            let phase = self.write.longest_phase();
            let (took, held) = (self.write.phases_us[phase] as f64, self.held_us() as f64);
            format!("{}, while the lock was free for {:.0} % of it", PHASES[phase], 100.0 - held * 100.0 / took)
        })
    }

    /// Returns whether the trace shows the cause of the largest part of the longest phase.
    #[must_use]
    pub fn has_cause(&self) -> bool {
        self.found_cause().is_some()
    }

    fn found_cause(&self) -> Option<String> {
        let phase = self.write.longest_phase();
        let took = self.write.phases_us[phase];
        let checkpoints: u64 = self.others.iter().map(|other| other.checkpoint_us).sum();
        let cause = match PHASES[phase] {
            _ if self.stalled_us * 2 >= took => format!("the machine stalled, with {} ms of steal", self.steal_ms),
            _ if self.write.run_delay_us * 2 >= took => "no processor was free".to_owned(),
            "commit" => "the flush of the log".to_owned(),
            phase @ ("closure" | "checkpoint") => format!("its own {phase}"),
            _ if self.held_us() * 2 >= took => "other processes held the lock".to_owned(),
            _ if checkpoints * 2 >= took => "other processes checkpointed".to_owned(),
            _ => return None,
        };
        Some(cause)
    }

    /// The time for which the other processes held SQLite's write lock, in microseconds.
    fn held_us(&self) -> u64 {
        self.others.iter().map(|other| other.held_us).sum()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| us as f64 / 1e3;
        write!(f, "process {}: {:.1} ms:", self.process, ms(self.write.total_us()))?;
        for (name, us) in PHASES.iter().zip(self.write.phases_us).filter(|(_, us)| *us >= 1000) {
            write!(f, " {name} {:.1}", ms(us))?;
        }
        write!(f, "; no processor for {:.1}", ms(self.write.run_delay_us))?;
        write!(f, "; machine stalled {:.1}, steal {}; cause: {}", ms(self.stalled_us), self.steal_ms, self.cause())?;
        for other in &self.others {
            write!(
                f,
                "\n    process {} meanwhile: {} commits, held the lock {:.1} ms, longest commit {:.1}, checkpoint {:.1}",
                other.process,
                other.commits,
                ms(other.held_us),
                ms(other.longest_commit_us),
                ms(other.checkpoint_us)
            )?;
        }
        Ok(())
    }
}

/// Explains the longest writes of all processes, the longest first.
#[must_use]
pub fn explain(processes: &[&[TracedWrite]], stalls: &[Stall], count: usize) -> Vec<Explanation> {
    let mut all: Vec<(usize, &TracedWrite)> = Vec::new();
    for (process, writes) in processes.iter().enumerate() {
        all.extend(writes.iter().map(|write| (process, write)));
    }
    all.sort_unstable_by_key(|(_, write)| std::cmp::Reverse(write.total_us()));
    all.truncate(count);
    all.into_iter().map(|(process, write)| explain_one(process, *write, processes, stalls)).collect()
}

fn explain_one(process: usize, write: TracedWrite, processes: &[&[TracedWrite]], stalls: &[Stall]) -> Explanation {
    let during = write.interval(write.longest_phase());
    let mut others = Vec::new();
    for (number, writes) in processes.iter().enumerate().filter(|(number, _)| *number != process) {
        let mut other = Other { process: number, commits: 0, held_us: 0, longest_commit_us: 0, checkpoint_us: 0 };
        for write in *writes {
            let held: u64 = HOLDING.iter().map(|phase| overlap(write.interval(*phase), during)).sum();
            if held > 0 {
                other.commits += 1;
                other.held_us += held;
                other.longest_commit_us = other.longest_commit_us.max(write.commit_us());
            }
            other.checkpoint_us += overlap(write.interval(CHECKPOINT), during);
        }
        others.push(other);
    }
    let met = || stalls.iter().filter(|stall| overlap((stall.from_us, stall.to_us), during) > 0);
    let stalled_us = met().map(|stall| overlap((stall.from_us, stall.to_us), during)).sum();
    Explanation { process, write, others, stalled_us, steal_ms: met().map(|stall| stall.steal_ms).sum() }
}

fn overlap(one: (u64, u64), other: (u64, u64)) -> u64 {
    one.1.min(other.1).saturating_sub(one.0.max(other.0))
}

/// One line for each phase: its quantiles and its share of the total time.
#[must_use]
pub fn phase_table(processes: &[&[TracedWrite]]) -> String {
    let writes: Vec<&TracedWrite> = processes.iter().flat_map(|writes| writes.iter()).collect();
    let all: u64 = writes.iter().map(|write| write.total_us()).sum();
    let mut text =
        format!("{:>10} {:>9} {:>9} {:>9} {:>9} {:>6}\n", "phase", "p50 us", "p99", "p99.9", "longest", "part");
    let mut line = |name: &str, us: Vec<f64>| {
        let [p50, p99, p999, longest] = [0.5, 0.99, 0.999, 1.0].map(|part| rounds::quantile(&us, part));
        let part = us.iter().sum::<f64>() * 100.0 / all as f64;
        text.push_str(&format!("{name:>10} {p50:>9.0} {p99:>9.0} {p999:>9.0} {longest:>9.0} {part:>4.1} %\n"));
    };
    for (phase, name) in PHASES.iter().enumerate() {
        line(name, writes.iter().map(|write| write.phases_us[phase] as f64).collect());
    }
    line("write", writes.iter().map(|write| write.total_us() as f64).collect());
    line("no cpu", writes.iter().map(|write| write.run_delay_us as f64).collect());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_waited_for_the_lock_is_explained_by_the_processes_that_held_it() {
        let waited = TracedWrite { end_us: 10_000, phases_us: [0, 0, 5000, 10, 20, 0, 0], run_delay_us: 0 };
        // The interval of the wait: from 4,970 to 9,970.
        assert_eq!(waited.interval(2), (4970, 9970));
        let holder = TracedWrite { end_us: 8000, phases_us: [0, 0, 0, 3000, 1000, 0, 0], run_delay_us: 0 };
        let before = TracedWrite { end_us: 4000, ..holder };
        let found = explain(&[&[waited], &[before, holder]], &[], 1);
        let [other] = found[0].others[..] else { panic!("{found:?}") };
        assert_eq!((other.commits, other.held_us, other.longest_commit_us), (1, 3030, 1000));
        assert_eq!(found[0].cause(), "other processes held the lock");
        let stall = Stall { from_us: 0, to_us: 9000, steal_ms: 7 };
        let found = explain(&[&[waited], &[]], &[stall], 1);
        assert_eq!(found[0].cause(), "the machine stalled, with 7 ms of steal");
    }
}
