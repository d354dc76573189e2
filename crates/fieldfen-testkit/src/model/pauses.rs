//! Pauses.

use fieldfen_domain::job::{Job, Pause, PauseScope};
use fieldfen_domain::store::{PauseReads, Pauses, StoreError};
use fieldfen_domain::{Timestamp, corrected_end, truncate_to_micros};

use super::table::Row;
use super::{ModelSession, State};

impl Row for Pause {
    type Key = PauseScope;

    fn keys(&self) -> Vec<PauseScope> {
        vec![self.scope.clone()]
    }
}

impl PauseReads for ModelSession<'_> {
    fn list(&mut self, now: Timestamp) -> Result<Vec<Pause>, StoreError> {
        let mut pauses: Vec<Pause> = self.state.pauses.rows().filter(|pause| pause.holds(now)).cloned().collect();
        pauses.sort_by_key(|pause| (pause.scope.kind().as_str(), pause.scope.name().to_owned()));
        Ok(pauses)
    }

    fn find(&mut self, scope: &PauseScope, now: Timestamp) -> Result<Option<Pause>, StoreError> {
        Ok(self.state.pauses.find(scope).map(|(_, pause)| pause).filter(|pause| pause.holds(now)))
    }
}

impl Pauses for ModelSession<'_> {
    fn pause(&mut self, pause: &Pause) -> Result<bool, StoreError> {
        let mut pause = pause.clone();
        (pause.since, pause.until) = (truncate_to_micros(pause.since), pause.until.map(truncate_to_micros));
        if let Some((number, before)) = self.state.pauses.find(&pause.scope) {
            if before.holds(pause.since) && before.outlasts(&pause) {
                return Ok(false);
            }
            self.state.pauses.update(number, pause);
        } else {
            self.state.pauses.insert(pause);
        }
        Ok(true)
    }

    fn lift(&mut self, scope: &PauseScope, at: Timestamp) -> Result<bool, StoreError> {
        let held = PauseReads::find(self, scope, at)?.is_some();
        if held {
            self.state.pauses.remove_all(scope);
            self.state.end_blocks(scope, truncate_to_micros(at));
        }
        Ok(held)
    }

    fn lift_own(&mut self, scope: &PauseScope, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let held = PauseReads::find(self, scope, at)?.is_some_and(|pause| pause.by == by);
        if held {
            self.state.pauses.remove_all(scope);
        }
        Ok(held)
    }
}

impl State {
    /// The first time, from this one on, at which the job is not paused; `None` if its pause has no end.
    pub(super) fn unpaused_from(&self, job: &Job, from: Timestamp) -> Option<Timestamp> {
        let concerns = |pause: &&Pause| match &pause.scope {
            PauseScope::Kind(kind) => *kind == job.kind,
            PauseScope::Account(account) => job.account.as_ref().is_some_and(|of_job| account.covers(of_job)),
        };
        self.pauses.rows().filter(concerns).try_fold(from, |from, pause| Some(from.max(pause.until?)))
    }

    /// Lets pauses begin now that begin in the future, and forgets those that are over.
    pub(super) fn correct_pauses(&mut self, now: Timestamp) {
        let ahead = |pause: &Pause| Some((pause.scope.clone(), corrected_end(pause.since, pause.until?, now)?));
        let ahead: Vec<_> = self.pauses.rows().filter_map(ahead).collect();
        for (scope, until) in ahead {
            if let Some((number, pause)) = self.pauses.find(&scope) {
                self.pauses.update(number, with!(pause, since: now, until: Some(until)));
            }
        }
        let over: Vec<_> =
            self.pauses.rows().filter(|pause| !pause.holds(now)).map(|pause| pause.scope.clone()).collect();
        for scope in over {
            self.pauses.remove_all(&scope);
        }
    }
}
