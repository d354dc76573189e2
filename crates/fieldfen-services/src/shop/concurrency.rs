//! The concurrency limits of jobs: `[[concurrency]]`.

use fieldfen_domain::job::{ConcurrencyLimit, JobKind, Partition};
use serde::Deserialize;

use super::setting::{InvalidShop, Setting};

/// One `[[concurrency]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with kind, per and max_running")]
pub(super) struct ConcurrencyRule {
    kind: JobKind,
    per: Partition,
    max_running: u32,
}

/// The concurrency limits of these rules.
pub(super) fn limits(rules: &[ConcurrencyRule]) -> Result<Vec<ConcurrencyLimit>, InvalidShop> {
    let limit = |(index, rule): (usize, &ConcurrencyRule)| {
        let at = |key| Setting::of("concurrency").item(index).key(key);
        let earlier = rules.iter().take(index).position(|other| other.kind == rule.kind && !rule.goes_with(other));
        if let Some(other) = earlier {
            let reason = format!(
                "concurrency #{} is for this kind too; a kind has one limit of all its jobs, and one per file or per account",
                other + 1
            );
            return Err(InvalidShop::at(at("per"), rule.per.as_str(), reason));
        }
        let needs_one = "it must be at least 1; a pause stops a kind";
        ConcurrencyLimit::new(rule.kind.clone(), rule.per, rule.max_running)
            .map_err(|_| InvalidShop::at(at("max_running"), rule.max_running.to_string(), needs_one))
    };
    rules.iter().enumerate().map(limit).collect()
}

impl ConcurrencyRule {
    /// Whether a kind can have both limits.
    fn goes_with(&self, other: &Self) -> bool {
        self.per != other.per && (self.per == Partition::All || other.per == Partition::All)
    }
}
