//! The retention of ended rows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::setting::{InvalidShop, Setting};
use crate::upkeep::Upkeep;
use crate::webhooks;

/// The longest retention, in days: a century.
const MAX_DAYS: u32 = 36_500;

const DAY_SECS: u64 = 24 * 60 * 60;

/// The retention of ended rows. A value that is `None` or absent is the default of [`Upkeep`] or
/// [`webhooks::Retention`](crate::webhooks::Retention).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of times and numbers that are kept")]
#[non_exhaustive]
pub struct Retention {
    /// Days after which completed jobs are deleted, 1 to 36,500.
    pub completed_jobs_days: Option<u32>,
    /// The largest number of completed jobs that are kept.
    pub completed_jobs_keep: Option<u32>,
    /// Days after which failed jobs are deleted, 1 to 36,500.
    pub failed_jobs_days: Option<u32>,
    /// The largest number of failed jobs that are kept.
    pub failed_jobs_keep: Option<u32>,
    /// Days after which released and ended publications are deleted, 1 to 36,500.
    pub publications_days: Option<u32>,
    /// Days after which operators' actions are deleted, 1 to 36,500. By default they are kept for ever.
    pub operator_actions_days: Option<u32>,
    /// Days after which the rows of calls to external APIs are deleted, 1 to 36,500. The totals of each day are kept for
    /// ever.
    pub api_calls_days: Option<u32>,
    /// Hours for which the deliveries of a source of webhooks are remembered, 1 to 876,000. The key `otherwise` stands
    /// for all other sources.
    pub deliveries_hours: BTreeMap<String, u32>,
}

impl Retention {
    pub(super) fn upkeep(&self) -> Upkeep {
        let mut upkeep = Upkeep::default();
        for (days, secs) in [
            (self.completed_jobs_days, &mut upkeep.completed_max_age_secs),
            (self.failed_jobs_days, &mut upkeep.failed_max_age_secs),
            (self.publications_days, &mut upkeep.publications_max_age_secs),
            (self.api_calls_days, &mut upkeep.api_calls_max_age_secs),
        ] {
            if let Some(days) = days {
                *secs = u64::from(days) * DAY_SECS;
            }
        }
        upkeep.operator_actions_max_age_secs = self.operator_actions_days.map(|days| u64::from(days) * DAY_SECS);
        upkeep.completed_keep = self.completed_jobs_keep.or(upkeep.completed_keep);
        upkeep.failed_keep = self.failed_jobs_keep.or(upkeep.failed_keep);
        upkeep
    }

    pub(super) fn deliveries(&self) -> webhooks::Retention {
        self.deliveries_hours.iter().fold(webhooks::Retention::default(), |retention, (source, &hours)| {
            let span = Duration::from_secs(u64::from(hours) * 3600);
            if source == "otherwise" { retention.otherwise(span) } else { retention.with(source, span) }
        })
    }

    pub(super) fn check(&self) -> Result<(), InvalidShop> {
        let at = Setting::of("retention");
        for (name, days) in [
            ("completed_jobs_days", self.completed_jobs_days),
            ("failed_jobs_days", self.failed_jobs_days),
            ("publications_days", self.publications_days),
            ("operator_actions_days", self.operator_actions_days),
            ("api_calls_days", self.api_calls_days),
        ] {
            if let Some(days) = days.filter(|days| !(1..=MAX_DAYS).contains(days)) {
                return Err(InvalidShop::at(at.key(name), days.to_string(), "it must be 1 to 36500"));
            }
        }
        match self.deliveries_hours.iter().find(|(_, hours)| !(1..=MAX_DAYS * 24).contains(*hours)) {
            Some((source, hours)) => {
                let at = at.key("deliveries_hours").key(source);
                Err(InvalidShop::at(at, hours.to_string(), "it must be 1 to 876000"))
            }
            None => Ok(()),
        }
    }
}
