//! Deletes old publications that were released or have ended.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamp as SqlTimestamp};
use fieldfen_domain::publication::PrunePublications;
use fieldfen_domain::store::StoreError;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Deletes released and ended publications, unless their listing is live.
    Prune {
        updated_before: SqlTime as SqlTimestamp,
        held_before: SqlTime as SqlTimestamp,
        limit: i64 as BigInt,
    } = "DELETE FROM publications WHERE rowid IN (\
         SELECT rowid FROM publications AS over INDEXED BY idx_publications_over \
         WHERE state IN ('released', 'ended') AND updated_at < ? AND held_until < ? AND NOT EXISTS (\
         SELECT 1 FROM listings WHERE platform = over.platform \
         AND platform_listing_id IN (over.platform_id, over.account || ':' || over.platform_id) \
         AND file_id = over.file_id AND status <> 'delisted') ORDER BY updated_at, rowid LIMIT ?)"
}

impl SqliteSession<'_> {
    pub(super) fn prune_publications(&mut self, request: &PrunePublications) -> Result<u64, StoreError> {
        let before = SqlTime(request.before);
        let prune = Prune { updated_before: before, held_before: before, limit: i64::from(request.limit) };
        Ok(prune.execute(self.conn).store()? as u64)
    }
}
