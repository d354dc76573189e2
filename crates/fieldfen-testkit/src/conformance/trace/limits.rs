//! Steps of a trace that concern limits and pauses.

use fieldfen_domain::job::{ConcurrencyLimit, Partition, Pause, PauseScope};
use fieldfen_domain::store::Session;

use super::Second;
use super::answer::{Answer, answer};
use super::jobs::kind_numbered;
use crate::fixtures::{account, at};

/// Something that happens to limits and pauses.
#[expect(
    missing_docs,
    reason = "a field without a line is the number of a fixture, or a time in seconds of the trace: see Op"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitOp {
    /// A limit is set.
    Set {
        kind: u64,
        partition: Partition,
        /// The number of jobs that may run.
        max_running: u32,
    },
    /// A limit is removed.
    Remove { kind: u64, partition: Partition },
    /// Something is paused.
    Pause { scope: PausedScope, at: Second, until: Option<Second> },
    /// A pause is lifted.
    Lift { scope: PausedScope, at: Second },
}

/// The scope of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PausedScope {
    /// A kind of the trace.
    Kind(u64),
    /// An account of the trace.
    Account(u64),
    /// The service of all accounts.
    Service,
}

impl PausedScope {
    fn scope(self) -> PauseScope {
        match self {
            Self::Kind(number) => PauseScope::Kind(kind_numbered(number)),
            Self::Account(number) => PauseScope::Account(account(number)),
            Self::Service => PauseScope::Account(account(0).service().parse().unwrap()),
        }
    }
}

/// Runs one step in an open session.
pub(super) fn run(s: &mut dyn Session, op: &LimitOp) -> Answer {
    match op {
        LimitOp::Set { kind, partition, max_running } => {
            let limit = ConcurrencyLimit::new(kind_numbered(*kind), *partition, *max_running).unwrap();
            answer(s.concurrency_limits().set(&limit).and_then(|()| s.concurrency_limits().list()))
        }
        LimitOp::Remove { kind, partition } => answer(s.concurrency_limits().remove(&kind_numbered(*kind), *partition)),
        LimitOp::Pause { scope, at: second, until } => {
            let pause = Pause::new(scope.scope(), "trace: paused", at(*second), "ann").until(until.map(at));
            answer(s.pauses().pause(&pause).and_then(|written| Ok((written, s.pauses().list(at(*second))?))))
        }
        LimitOp::Lift { scope, at: second } => {
            let lifted = s.pauses().lift(&scope.scope(), at(*second));
            answer(lifted.and_then(|lifted| Ok((lifted, s.pauses().list(at(*second))?))))
        }
    }
}
