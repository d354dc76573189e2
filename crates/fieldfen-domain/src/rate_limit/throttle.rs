//! The pause after a call that the service has refused because of a limit.

use std::time::Duration;

use super::limit::RateLimit;
use super::limit_values::{Block, MAX_REPORTED_SPAN};
use crate::time::{Timestamp, is_ahead, later};

/// The pause after the first refusal; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause where no window is known.
const USUAL_WINDOW: Duration = Duration::from_secs(60);

impl RateLimit {
    /// Makes no call for a time after the service has refused one that was acquired at `acquired_at`: until `retry_at`
    /// if the service stated it, or else for 1, 2, 4, … seconds, at most for a window.
    ///
    /// Calls that were in flight when a refusal arrived are refused too. Their answers lengthen the pause only if they
    /// name a later time.
    pub fn throttle(&mut self, retry_at: Option<Timestamp>, acquired_at: Timestamp, now: Timestamp) {
        let is_newer =
            self.blocked.as_ref().is_none_or(|known| is_ahead(known.since, now) || acquired_at >= known.since);
        if is_newer {
            self.throttles = self.throttles.saturating_add(1);
        }
        let doubled =
            FIRST_PAUSE.saturating_mul(1_u32.checked_shl(self.throttles.saturating_sub(1)).unwrap_or(u32::MAX));
        let pause = doubled.min(self.window().unwrap_or(USUAL_WINDOW).max(FIRST_PAUSE)).min(MAX_REPORTED_SPAN);
        let said = retry_at.filter(|at| *at > now).map(|at| at.min(later(now, MAX_REPORTED_SPAN)));
        let until = match said {
            Some(said) => said,
            None if is_newer => later(now, pause),
            None => return,
        };
        let reason = match said {
            Some(_) => "the service refused a call and stated the end of the refusal".to_owned(),
            None => format!("the service refused a call, {} in a row", self.throttles),
        };
        // A block that goes on keeps the time at which it began.
        let since = if is_newer { now } else { self.blocked.as_ref().map_or(now, |known| known.since) };
        match self.blocked_at(now).map(|known| known.until) {
            Some(known) if known >= until => {
                if let Some(blocked) = &mut self.blocked {
                    blocked.since = since;
                }
            }
            _ => self.blocked = Some(Block::new(since, until, reason)),
        }
    }

    /// Ends the row of refusals, after the service has taken a call that was acquired at `acquired_at`.
    pub fn taken_again(&mut self, acquired_at: Timestamp) {
        if self.blocked.as_ref().is_none_or(|known| acquired_at >= known.since) {
            self.throttles = 0;
        }
    }
}
