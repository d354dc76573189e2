//! Finds the file of an arrival: the file with its Drive id, or the file with its bytes.
//!
//! A write transaction holds SQLite's write lock, so that no other program inserts between the query and the insert.
//! This makes a unique index unnecessary, and rows of other programs are never refused.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::file::{ContentHash, File, NewFile};
use fieldfen_domain::store::{FileReads, StoreError};

use super::row::{FileColumns, FileRow, file_columns};
use crate::rules::file_identity::{has_drive_id, known_file, missing_identity};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// The oldest file whose row has this Drive id.
    HoldsDriveId<'a> { drive_file_id: &'a str as Text } -> FileColumns = concat!(
        "SELECT ", file_columns!(), " FROM files INDEXED BY idx_files_drive_file_id WHERE drive_file_id = ? \
         ORDER BY rowid LIMIT 1"
    )
}
statement! {
    /// The file that an earlier arrival with this Drive id became.
    ArrivedByDriveId<'a> { drive_file_id: &'a str as Text } -> FileColumns = concat!(
        "SELECT ", file_columns!(), " FROM files WHERE id = (SELECT file_id FROM file_drive_ids WHERE drive_file_id = ?)"
    )
}
statement! {
    /// Records the file of a Drive id. The new file replaces one that another program has deleted with foreign keys
    /// disabled.
    RememberDriveId<'a> { drive_file_id: &'a str as Text, file_id: &'a str as Text } =
        "INSERT INTO file_drive_ids (drive_file_id, file_id) VALUES (?, ?) ON CONFLICT (drive_file_id) \
         DO UPDATE SET file_id = excluded.file_id WHERE file_drive_ids.file_id IS NOT excluded.file_id"
}
statement! {
    /// The oldest file with these bytes.
    ByContent<'a> { hash: &'a str as Text } -> FileColumns = concat!(
        "SELECT ", file_columns!(), " FROM files INDEXED BY idx_files_content_hash WHERE content_hash = ? \
         ORDER BY rowid LIMIT 1"
    )
}
statement! {
    /// Sets the Drive id and the content hash of a file where they are missing.
    FillIn<'a> {
        drive_file_id: Option<&'a str> as Nullable<Text>,
        content_hash: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
    } = "UPDATE files SET drive_file_id = coalesce(?, drive_file_id), content_hash = coalesce(?, content_hash), \
         updated_at = ? WHERE id = ?"
}

impl SqliteSession<'_> {
    /// The file of a Drive id. This is the file of an earlier arrival, unless its row now has another Drive id and the
    /// row of another file has this one.
    pub(super) fn file_of_drive_id(&mut self, drive_file_id: &str) -> Result<Option<File>, StoreError> {
        if drive_file_id.trim().is_empty() {
            return Ok(None);
        }
        let arrived = ArrivedByDriveId { drive_file_id }.get_result::<FileRow>(self.conn).optional().store()?;
        let arrived = arrived.map(FileRow::read).transpose()?;
        if arrived.as_ref().is_some_and(|file| has_drive_id(file, drive_file_id)) {
            return Ok(arrived);
        }
        let holder = HoldsDriveId { drive_file_id }.get_result::<FileRow>(self.conn).optional().store()?;
        Ok(holder.map(FileRow::read).transpose()?.or(arrived))
    }

    pub(super) fn file_of_content(&mut self, hash: &ContentHash) -> Result<Option<File>, StoreError> {
        let hash = hash.to_string();
        let row = ByContent { hash: &hash }.get_result::<FileRow>(self.conn).optional().store()?;
        row.map(FileRow::read).transpose()
    }

    /// The known file of an arrival, with its missing values filled in; `None` for a new file.
    pub(super) fn known_file(&mut self, new: &NewFile) -> Result<Option<File>, StoreError> {
        let by_drive_id = match &new.drive_file_id {
            Some(drive_file_id) => self.file_of_drive_id(drive_file_id)?,
            None => None,
        };
        let by_content = match &new.content_hash {
            Some(hash) => self.file_of_content(hash)?,
            None => None,
        };
        let Some(known) = known_file(new, by_drive_id, by_content)? else { return Ok(None) };
        let key = self.key_of_file(&known.id)?;
        self.remember_drive_id(new, &key)?;
        self.fill_in(known, &key, new).map(Some)
    }

    /// Records the Drive id of an arrival. `file_id` is the file's id as its row holds it.
    pub(super) fn remember_drive_id(&mut self, new: &NewFile, file_id: &str) -> Result<(), StoreError> {
        if let Some(drive_file_id) = &new.drive_file_id {
            RememberDriveId { drive_file_id, file_id }.execute(self.conn).store()?;
        }
        Ok(())
    }

    fn fill_in(&mut self, known: File, id: &str, new: &NewFile) -> Result<File, StoreError> {
        let Some(missing) = missing_identity(&known, new) else { return Ok(known) };
        let content_hash = missing.content_hash.map(|hash| hash.to_string());
        let (drive_file_id, content_hash) = (missing.drive_file_id, content_hash.as_deref());
        FillIn { drive_file_id, content_hash, at: SqlTime(new.at), id }.execute(self.conn).store()?;
        Ok(FileReads::find(self, &known.id)?.unwrap_or(known))
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(super) fn statements() -> [(&'static str, &'static str); 5] {
    [
        ("HoldsDriveId", HoldsDriveId::SQL),
        ("ArrivedByDriveId", ArrivedByDriveId::SQL),
        ("RememberDriveId", RememberDriveId::SQL),
        ("ByContent", ByContent::SQL),
        ("FillIn", FillIn::SQL),
    ]
}
