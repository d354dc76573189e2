//! Ends the checks that read whole tables after a time.

use std::time::{Duration, Instant};

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::connection::hooks::OpenConnection;

/// The time that a check may take. Each check begins it anew.
#[derive(Debug)]
pub(super) struct TimeBudget {
    /// `None` if a check may take any time.
    budget: Option<Duration>,
    began: Instant,
}

/// The end of a statement under a [`TimeBudget`].
pub(super) enum Ended<T> {
    Done(T),
    /// The statement was ended because the time was over.
    TimeOver,
}

impl TimeBudget {
    pub(super) fn new(budget: Option<Duration>) -> Self {
        Self { budget, began: Instant::now() }
    }

    /// Begins the time of the next check.
    pub(super) fn begin(&mut self) {
        self.began = Instant::now();
    }

    pub(super) fn is_left(&self) -> bool {
        self.budget.is_none_or(|budget| self.began.elapsed() < budget)
    }

    /// The length of the time in words.
    pub(super) fn name(&self) -> String {
        self.budget.map_or_else(|| "any time".to_owned(), |budget| format!("{} s", budget.as_secs_f64()))
    }

    /// Runs statements until the time is over.
    pub(super) fn run<T>(
        &self,
        opened: &mut OpenConnection,
        f: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<Ended<T>, StoreError> {
        let mut is_over = false;
        let go_on = || {
            is_over = !self.is_left();
            !is_over
        };
        match opened.handle.while_allowed(&mut opened.conn, go_on, f) {
            Ok(done) => Ok(Ended::Done(done)),
            Err(_) if is_over => Ok(Ended::TimeOver),
            Err(error) => Err(error),
        }
    }
}
