//! Files: arrival, changes of state, edits and deletion.

mod history;
mod identity;
#[cfg(test)]
mod identity_test;
mod page;
#[cfg(test)]
mod page_test;
mod row;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::file::{
    ContentHash, Deletion, Dimensions, File, FileChange, FileChangeOutcome, FileDeleteOutcome, FileDetails, FileEdit,
    FileEditOutcome, FileFilter, FileHistoryEntry, FileStatus, IngestOutcome, NewFile,
};
use fieldfen_domain::store::{FileReads, Files, StoreError};
use fieldfen_domain::{CappedCount, FileId, Page, PageRequest, RawJson, Timestamp};

use crate::rules::unchanged_file::why_unchanged;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, SqlTime, StoredText};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use row::{FileColumns, FileRow, file_columns};

statement! {
    /// The id of this file as its row holds it.
    Spelling<'a> { id: &'a str as Text, other: &'a str as Text } -> (Text,) =
        "SELECT id FROM files WHERE id IN (?, ?)"
}
statement! {
    ById<'a> { id: &'a str as Text, other: &'a str as Text } -> FileColumns =
        concat!("SELECT ", file_columns!(), " FROM files WHERE id IN (?, ?)")
}
statement! {
    /// The number of files by status.
    CountAll {} -> (Text, BigInt) =
        "SELECT status, count(*) FROM files INDEXED BY idx_files_status GROUP BY status"
}
statement! {
    /// The number of files in a status, up to a bound.
    CountUpTo<'a> { status: &'a str as Text, most: i64 as BigInt } -> (BigInt,) =
        "SELECT count(*) FROM (SELECT 1 FROM files INDEXED BY idx_files_status WHERE status = ? LIMIT ?)"
}
statement! {
    /// Inserts a file, unless its id exists in either format.
    Insert<'a> {
        id: &'a str as Text,
        original_filename: &'a str as Text,
        species: Option<&'a str> as Nullable<Text>,
        drive_file_id: Option<&'a str> as Nullable<Text>,
        content_hash: Option<&'a str> as Nullable<Text>,
        width: Option<i64> as Nullable<BigInt>,
        height: Option<i64> as Nullable<BigInt>,
        aspect_ratio: Option<&'a str> as Nullable<Text>,
        created_at: SqlTime as SqlTimestamp,
        updated_at: SqlTime as SqlTimestamp,
        other: &'a str as Text,
    } = "INSERT INTO files (id, original_filename, species, drive_file_id, content_hash, width, height, aspect_ratio, \
         created_at, updated_at, status) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'ingested' \
         WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = ?) ON CONFLICT DO NOTHING"
}
statement! {
    /// Changes the state of a file that has the required status and not the new one.
    ChangeState<'a> {
        status: &'a str as Text,
        failed_from: Option<&'a str> as Nullable<Text>,
        failure: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        other: &'a str as Text,
        from: &'a str as Text,
        to: &'a str as Text,
        to_failed_from: Option<&'a str> as Nullable<Text>,
    } -> (Text,) =
        "UPDATE files SET status = ?, failed_from = ?, failure = ?, updated_at = ? \
         WHERE id IN (?, ?) AND status = ? AND (status <> ? OR failed_from IS NOT ?) RETURNING id"
}
statement! {
    /// Sets the given values, and clears the values whose `clear` flag is set.
    Edit<'a> {
        clear_processed_filename: bool as Bool,
        processed_filename: Option<&'a str> as Nullable<Text>,
        clear_species: bool as Bool,
        species: Option<&'a str> as Nullable<Text>,
        clear_metadata: bool as Bool,
        metadata: Option<&'a str> as Nullable<Text>,
        clear_width: bool as Bool,
        width: Option<i64> as Nullable<BigInt>,
        clear_height: bool as Bool,
        height: Option<i64> as Nullable<BigInt>,
        clear_aspect_ratio: bool as Bool,
        aspect_ratio: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        other: &'a str as Text,
    } = "UPDATE files SET processed_filename = iif(?, NULL, coalesce(?, processed_filename)), \
         species = iif(?, NULL, coalesce(?, species)), metadata_json = iif(?, NULL, coalesce(?, metadata_json)), \
         width = iif(?, NULL, coalesce(?, width)), height = iif(?, NULL, coalesce(?, height)), \
         aspect_ratio = iif(?, NULL, coalesce(?, aspect_ratio)), updated_at = ? WHERE id IN (?, ?)"
}
statement! {
    /// The live listings of a file and the calls that may be in progress: deleting the file would orphan them at the
    /// platforms. A row counts unless its columns say that it is neither.
    LiveReferences<'a> {
        listed: &'a str as Text,
        listed_as: &'a str as Text,
        published: &'a str as Text,
        published_as: &'a str as Text,
    } -> (Text, Text) =
        "SELECT platform, platform_listing_id FROM listings INDEXED BY idx_listings_file_id \
         WHERE file_id IN (?, ?) AND status <> 'delisted' \
         UNION ALL SELECT platform, id FROM publications INDEXED BY idx_publications_file_id \
         WHERE file_id IN (?, ?) AND state NOT IN ('confirmed', 'released', 'ended')"
}
statement! {
    /// Deletes a file. Foreign keys delete the rows that refer to it.
    Delete<'a> { id: &'a str as Text } = "DELETE FROM files WHERE id = ?"
}

/// The columns that hold a size.
struct Sides {
    width: Option<i64>,
    height: Option<i64>,
    aspect_ratio: Option<String>,
}

impl Sides {
    fn of(size: Option<Dimensions>) -> Self {
        Self {
            width: size.map(|size| size.width().into()),
            height: size.map(|size| size.height().into()),
            aspect_ratio: size.map(|size| size.aspect_ratio().to_string()),
        }
    }
}

impl SqliteSession<'_> {
    /// The id of a file as its row holds it, because foreign keys compare texts. If the file does not exist, the text
    /// matches no row.
    pub(in crate::sqlite) fn key_of_file(&mut self, id: &FileId) -> Result<String, StoreError> {
        let [id, other] = id.formats();
        let found = Spelling { id: &id, other: &other }.get_result::<(String,)>(self.conn).optional().store()?;
        Ok(found.map_or(id, |(found,)| found))
    }
}

impl FileReads for SqliteSession<'_> {
    fn find(&mut self, id: &FileId) -> Result<Option<File>, StoreError> {
        let [id, other] = id.formats();
        let row = ById { id: &id, other: &other }.get_result::<FileRow>(self.conn).optional().store()?;
        row.map(FileRow::read).transpose()
    }

    fn find_by_drive_id(&mut self, drive_file_id: &str) -> Result<Option<File>, StoreError> {
        self.file_of_drive_id(drive_file_id)
    }

    fn find_by_content(&mut self, hash: &ContentHash) -> Result<Option<File>, StoreError> {
        self.file_of_content(hash)
    }

    fn page(&mut self, filter: &FileFilter, page: &PageRequest) -> Result<Page<File>, StoreError> {
        self.file_page(filter, page)
    }

    fn count(&mut self) -> Result<Vec<(FileStatus, u64)>, StoreError> {
        let rows = CountAll {}.load::<(StoredText, i64)>(self.conn).store()?;
        let mut counts = Vec::with_capacity(rows.len());
        for (status, files) in rows {
            match status.as_str().and_then(|status| status.parse().ok()) {
                Some(status) => counts.push((status, u64::try_from(files).unwrap_or_default())),
                None => log!(ERROR, %status, files, "files with an unknown status not counted"),
            }
        }
        counts.sort_unstable();
        Ok(counts)
    }

    fn count_up_to(&mut self, status: FileStatus, most: u32) -> Result<CappedCount, StoreError> {
        let count = CountUpTo { status: status.as_str(), most: most.into() };
        let (files,) = count.get_result::<(i64,)>(self.conn).store()?;
        Ok(CappedCount::new(u64::try_from(files).unwrap_or_default(), most.into()))
    }

    fn history(&mut self, id: &FileId, page: &PageRequest) -> Result<Page<FileHistoryEntry>, StoreError> {
        self.history_page(id, page)
    }
}

impl Files for SqliteSession<'_> {
    fn insert(&mut self, file: &NewFile) -> Result<IngestOutcome, StoreError> {
        file.check()?;
        if let Some(known) = self.known_file(file)? {
            return Ok(IngestOutcome::of_known_file(known, file));
        }
        let [id, other] = file.id.formats();
        let content_hash = file.content_hash.map(|hash| hash.to_string());
        let sides = Sides::of(file.size);
        let insert = Insert {
            id: &id,
            original_filename: &file.original_filename,
            species: file.species.as_deref(),
            drive_file_id: file.drive_file_id.as_deref(),
            content_hash: content_hash.as_deref(),
            width: sides.width,
            height: sides.height,
            aspect_ratio: sides.aspect_ratio.as_deref(),
            created_at: SqlTime(file.at),
            updated_at: SqlTime(file.at),
            other: &other,
        };
        if insert.execute(self.conn).store()? == 0 {
            let source = "a row of files has this id".into();
            return Err(StoreError::AlreadyExists { what: format!("file {id}"), source });
        }
        self.remember_drive_id(file, &id)?;
        self.write_history(&id, None, FileStatus::Ingested, "ingested", file.at)?;
        Ok(IngestOutcome::Created)
    }

    fn change(&mut self, change: &FileChange) -> Result<FileChangeOutcome, StoreError> {
        let [id, other] = change.file_id().formats();
        let (from, to) = (change.from(), change.to().status());
        let failure = change.to().failure();
        let failed_from = failure.map(|failure| failure.from.as_str());
        let update = ChangeState {
            status: to.as_str(),
            failed_from,
            failure: failure.map(|failure| failure.reason.as_str()),
            at: SqlTime(change.at()),
            id: &id,
            other: &other,
            from: from.as_str(),
            to: to.as_str(),
            to_failed_from: failed_from,
        };
        if let Some((id,)) = update.get_result::<(String,)>(self.conn).optional().store()? {
            self.write_history(&id, Some(from), to, change.reason(), change.at())?;
            return Ok(FileChangeOutcome::Done);
        }
        Ok(why_unchanged(FileReads::find(self, change.file_id())?.as_ref(), change))
    }

    fn edit(&mut self, id: &FileId, edit: &FileEdit, at: Timestamp) -> Result<FileEditOutcome, StoreError> {
        edit.check()?;
        if edit.seen.is_some() {
            let Some(file) = FileReads::find(self, id)? else { return Ok(FileEditOutcome::NotFound) };
            let now = FileDetails::from(&file);
            if edit.is_outdated(&now) {
                return Ok(FileEditOutcome::Conflict(Box::new(now)));
            }
        }
        let [id, other] = id.formats();
        let sides = Sides::of(edit.size.value().copied());
        let update = Edit {
            clear_processed_filename: edit.processed_filename.clears(),
            processed_filename: edit.processed_filename.value().map(String::as_str),
            clear_species: edit.species.clears(),
            species: edit.species.value().map(String::as_str),
            clear_metadata: edit.metadata.clears(),
            metadata: edit.metadata.value().map(RawJson::as_str),
            clear_width: edit.size.clears(),
            width: sides.width,
            clear_height: edit.size.clears(),
            height: sides.height,
            clear_aspect_ratio: edit.size.clears(),
            aspect_ratio: sides.aspect_ratio.as_deref(),
            at: SqlTime(at),
            id: &id,
            other: &other,
        };
        Ok(match update.execute(self.conn).store()? {
            0 => FileEditOutcome::NotFound,
            _ => FileEditOutcome::Done,
        })
    }

    fn delete(&mut self, id: &FileId, deletion: Deletion) -> Result<FileDeleteOutcome, StoreError> {
        let [one, other] = id.formats();
        let id = self.key_of_file(id)?;
        if deletion == Deletion::KeepLiveListings {
            let live = LiveReferences { listed: &one, listed_as: &other, published: &one, published_as: &other };
            let live = live.load::<(StoredText, StoredText)>(self.conn).store()?;
            if !live.is_empty() {
                let live = live.into_iter().map(|(platform, id)| format!("{}: {}", platform.name(), id.name()));
                return Ok(FileDeleteOutcome::Refused(live.collect()));
            }
        }
        let left = self.partitions_of_file(&[one, other])?;
        match (Delete { id: &id }).execute(self.conn).store()? {
            0 => Ok(FileDeleteOutcome::NotFound),
            _ => {
                self.admit_after(left)?;
                Ok(FileDeleteOutcome::Done)
            }
        }
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let mut all = page::statements();
    all.extend(history::statements());
    let constant = [
        ("Spelling", Spelling::SQL),
        ("ById", ById::SQL),
        ("CountAll", CountAll::SQL),
        ("CountUpTo", CountUpTo::SQL),
        ("Insert", Insert::SQL),
        ("ChangeState", ChangeState::SQL),
        ("Edit", Edit::SQL),
        ("LiveReferences", LiveReferences::SQL),
        ("Delete", Delete::SQL),
    ];
    all.extend(constant.into_iter().chain(identity::statements()).map(|(name, sql)| (name, sql.to_owned())));
    all
}
