//! Reads a row of `files` as a file.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::file::{Dimensions, File, FileStatus, InvalidDimensions};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows;

use crate::sqlite::columns::{RowRef, StoredNumber, StoredText, StoredTime};

/// The columns of [`FileRow`], in its order.
macro_rules! file_columns {
    () => {
        "rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, \
         content_hash, metadata_json, width, height, created_at, updated_at"
    };
}

pub(super) use file_columns;

/// The SQL types of [`file_columns`].
pub(super) type FileColumns = (
    BigInt,
    Nullable<Text>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
);

#[derive(Debug, Queryable)]
pub(super) struct FileRow {
    pub(super) rowid: i64,
    id: Option<StoredText>,
    original_filename: StoredText,
    processed_filename: Option<StoredText>,
    species: Option<StoredText>,
    status: StoredText,
    failed_from: Option<StoredText>,
    failure: Option<StoredText>,
    drive_file_id: Option<StoredText>,
    content_hash: Option<StoredText>,
    metadata_json: Option<StoredText>,
    width: Option<StoredNumber>,
    height: Option<StoredNumber>,
    created_at: Option<StoredTime>,
    updated_at: Option<StoredTime>,
}

impl FileRow {
    pub(super) fn read(self) -> Result<File, StoreError> {
        let row = RowRef::stored("files", self.id.as_ref(), self.rowid);
        let failed_from = row.parse_nullable("failed_from", self.failed_from.as_ref())?;
        // An unreadable reason of a failure is no error: it is only shown to people.
        let failure = self.failure.map(StoredText::into_prose);
        let state = rows::file_state(row.parse("status", &self.status)?, failed_from, failure).map_err(|error| {
            row.bad("failed_from", format_args!("{:?}", failed_from.map(FileStatus::as_str)), error)
        })?;
        let drive_file_id = row.nullable_text("drive_file_id", self.drive_file_id)?;
        let mut file =
            File::new(row.key("id", self.id.as_ref())?, row.text("original_filename", self.original_filename)?, state);
        file.processed_filename = row.nullable_text("processed_filename", self.processed_filename)?;
        file.species = row.nullable_text("species", self.species)?;
        file.drive_file_id = drive_file_id.filter(|id| !id.trim().is_empty());
        file.content_hash = row.parse_nullable("content_hash", self.content_hash.as_ref())?;
        file.metadata = row.json("metadata_json", self.metadata_json)?;
        file.size = size(row, self.width, self.height)?;
        file.created_at = row.nullable_time("created_at", self.created_at)?;
        file.updated_at = row.nullable_time("updated_at", self.updated_at)?;
        Ok(file)
    }
}

/// Reads width and height: both or none. `aspect_ratio` is not read, because the two sides determine it.
fn size(
    row: RowRef<'_>,
    width: Option<StoredNumber>,
    height: Option<StoredNumber>,
) -> Result<Option<Dimensions>, StoreError> {
    let (width, height) = match (width, height) {
        (None, None) => return Ok(None),
        (Some(width), Some(height)) => (row.number("width", width)?, row.number("height", height)?),
        (None, Some(_)) => return Err(row.bad("width", "NULL", "a picture with a height has a width")),
        (Some(_), None) => return Err(row.bad("height", "NULL", "a picture with a width has a height")),
    };
    let sides = u32::try_from(width).ok().zip(u32::try_from(height).ok());
    match sides.map(|(width, height)| Dimensions::new(width, height)) {
        Some(Ok(size)) => Ok(Some(size)),
        Some(Err(error)) => Err(row.bad("width", width, error)),
        None => Err(row.bad("width", width, InvalidDimensions::Size { width, height })),
    }
}
