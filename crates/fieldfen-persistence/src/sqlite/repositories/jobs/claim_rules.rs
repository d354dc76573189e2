//! Reads the pauses and the concurrency limits: one statement before each claim, next due time and enqueue.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{JobKind, PauseScope};
use fieldfen_domain::store::StoreError;

use crate::rules::claim_rules::ClaimRules;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// All limits and pauses. A row of a limit has kind, partition, numbers, and whether other programs run jobs of the kind
    /// that are not counted yet; a row of a pause has scope, name and end.
    AllRules {} -> (Text, Text, Nullable<BigInt>, Nullable<BigInt>, Bool, Nullable<SqlTimestamp>) =
        "SELECT kind, partition, max_running, running, EXISTS (SELECT 1 FROM jobs INDEXED BY idx_jobs_uncounted \
         WHERE status = 'running' AND lease_expires_at IS NULL AND (partition_key IS NULL OR waits_for <> '') \
         AND command_type = kind), NULL FROM concurrency_limits WHERE kind >= '' \
         UNION ALL SELECT scope, name, NULL, NULL, 0, until FROM pauses WHERE scope >= ''"
}

impl SqliteSession<'_> {
    /// The pauses and limits of all kinds. A row with an unreadable name concerns no job and is left out; a pause with an
    /// unreadable end has none.
    pub(in crate::sqlite) fn claim_rules(&mut self) -> Result<ClaimRules, StoreError> {
        type Rule = (StoredText, StoredText, Option<i64>, Option<i64>, bool, Option<StoredTime>);
        let rows = AllRules {}.load::<Rule>(self.conn).store()?;
        let mut rules = ClaimRules::default();
        for (first, second, max_running, running, has_uncounted, until) in rows {
            let (Some(first), Some(second)) = (first.as_str(), second.as_str()) else { continue };
            if let Some(max_running) = max_running {
                if let (Ok(kind), Ok(partition)) = (first.parse::<JobKind>(), second.parse()) {
                    if has_uncounted {
                        rules.has_uncounted(kind.clone());
                    }
                    let number = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
                    rules.limit(kind, partition, number(max_running), number(running.unwrap_or_default()));
                }
            } else if let Some(scope) = scope(first, second) {
                rules.pause(scope, until.and_then(|until| until.time()));
            }
        }
        Ok(rules)
    }
}

/// The scope of a pause; `None` if the name is invalid.
pub(in crate::sqlite) fn scope(scope: &str, name: &str) -> Option<PauseScope> {
    match scope {
        "kind" => name.parse().ok().map(PauseScope::Kind),
        _ => name.parse().ok().map(PauseScope::Account),
    }
}

/// The statements of this file with their names.
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("AllRules", AllRules::SQL)]
}
