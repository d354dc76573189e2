//! Hashes of webhooks.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::store::{Hashes, StoreError};
use fieldfen_domain::webhook::{HashSeen, NewHash, PayloadHash};
use fieldfen_domain::{FileId, Timestamp};

use super::error::Classify;
use super::session::SqliteSession;
use super::statement::statement;
use crate::rows::{RowRef, SqlTime, StoredTime};

/// How long a row without `expires_at` counts, as the specification says.
const SPECIFIED_RETENTION: TimeDelta = TimeDelta::hours(24);

statement! {
    /// Remembers a hash, unless it is there and has not expired. A row that says neither when it was made nor when it
    /// expires never does.
    Remember<'a> {
        hash: &'a str as Text,
        source: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        expires_at: SqlTime as SqlTimestamp,
        now: SqlTime as SqlTimestamp,
        made_until: SqlTime as SqlTimestamp,
    } = "INSERT INTO processed_hashes (hash, source, created_at, expires_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (hash) DO UPDATE SET file_id = NULL, source = excluded.source, created_at = excluded.created_at, \
         expires_at = excluded.expires_at \
         WHERE expires_at <= ? OR (expires_at IS NULL AND created_at <= ?)"
}
statement! {
    /// What is remembered of a hash.
    Remembered<'a> { hash: &'a str as Text } -> (Nullable<SqlTimestamp>, Nullable<Text>) =
        "SELECT created_at, file_id FROM processed_hashes WHERE hash = ?"
}
statement! {
    /// Says which file a delivery has led to.
    Link<'a> { file_id: &'a str as Text, hash: &'a str as Text } =
        "UPDATE processed_hashes SET file_id = ? WHERE hash = ?"
}
statement! {
    /// Deletes some hashes whose time is over, the longest expired first.
    Purge { now: SqlTime as SqlTimestamp, limit: i64 as BigInt } =
        "DELETE FROM processed_hashes WHERE rowid IN (SELECT rowid FROM processed_hashes \
         INDEXED BY idx_processed_hashes_expires_at WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
}
statement! {
    /// Deletes some old hashes of programs that know only the specification, the oldest first.
    PurgeUnlimited { made_until: SqlTime as SqlTimestamp, limit: i64 as BigInt } =
        "DELETE FROM processed_hashes WHERE rowid IN (SELECT rowid FROM processed_hashes \
         INDEXED BY idx_processed_hashes_unlimited WHERE expires_at IS NULL AND created_at <= ? \
         ORDER BY created_at LIMIT ?)"
}

/// Rows without `expires_at` that were made until then have expired.
fn made_until(now: Timestamp) -> SqlTime {
    SqlTime(now.checked_sub_signed(SPECIFIED_RETENTION).unwrap_or(now))
}

impl Hashes for SqliteSession<'_> {
    fn insert(&mut self, hash: &NewHash) -> Result<HashSeen, StoreError> {
        let text = hash.hash.to_string();
        let remember = Remember {
            hash: &text,
            source: &hash.source,
            at: SqlTime(hash.at),
            expires_at: SqlTime(hash.expires_at),
            now: SqlTime(hash.at),
            made_until: made_until(hash.at),
        };
        if remember.execute(self.conn).store()? > 0 {
            return Ok(HashSeen::New);
        }
        let (first_seen, file_id): (Option<StoredTime>, Option<String>) =
            Remembered { hash: &text }.get_result(self.conn).store()?;
        let row = RowRef { table: "processed_hashes", key: &text };
        Ok(HashSeen::Duplicate {
            first_seen: row.nullable_time("created_at", first_seen)?,
            file_id: row.parse_nullable("file_id", file_id.as_deref())?,
        })
    }

    fn link(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError> {
        let hash = hash.to_string();
        let file_id = self.spelling_of_file(file_id)?.unwrap_or_else(|| file_id.to_string());
        let link = Link { file_id: &file_id, hash: &hash };
        let linked = link.execute(self.conn).writing(|| format!("hash {hash} of file {file_id}"))?;
        Ok(linked > 0)
    }

    fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let limit = i64::from(limit);
        let expired = Purge { now: SqlTime(now), limit }.execute(self.conn).store()?;
        let left = limit.saturating_sub(i64::try_from(expired).unwrap_or(i64::MAX));
        let unlimited = PurgeUnlimited { made_until: made_until(now), limit: left }.execute(self.conn).store()?;
        Ok((expired + unlimited) as u64)
    }
}
