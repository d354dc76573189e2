//! A row of `files`, and what it means.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::RawJson;
use fieldfen_domain::file::{Dimensions, File, FileState, InvalidDimensions};
use fieldfen_domain::store::StoreError;

use crate::rows::{RowRef, StoredNumber, StoredTime, row_name};

/// The columns that [`FileRow`] reads, in its order.
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
    id: Option<String>,
    original_filename: String,
    processed_filename: Option<String>,
    species: Option<String>,
    status: String,
    failed_from: Option<String>,
    failure: Option<String>,
    drive_file_id: Option<String>,
    content_hash: Option<String>,
    metadata_json: Option<String>,
    width: Option<StoredNumber>,
    height: Option<StoredNumber>,
    created_at: Option<StoredTime>,
    updated_at: Option<StoredTime>,
}

impl FileRow {
    /// Reads the row as a file.
    pub(super) fn read(self) -> Result<File, StoreError> {
        let name = row_name(self.id.as_deref(), self.rowid);
        let row = RowRef { table: "files", key: &name };
        let failed_from = row.parse_nullable("failed_from", self.failed_from.as_deref())?;
        let state = FileState::from_columns(row.parse("status", &self.status)?, failed_from, self.failure)
            .map_err(|error| row.bad("failed_from", format_args!("{:?}", self.failed_from), error))?;
        Ok(File {
            id: row.key("id", self.id.as_deref())?,
            original_filename: self.original_filename,
            processed_filename: self.processed_filename,
            species: self.species,
            state,
            drive_file_id: self.drive_file_id.filter(|id| !id.trim().is_empty()),
            content_hash: row.parse_nullable("content_hash", self.content_hash.as_deref())?,
            metadata: self.metadata_json.map(RawJson::unchecked),
            size: size(row, self.width, self.height)?,
            created_at: row.nullable_time("created_at", self.created_at)?,
            updated_at: row.nullable_time("updated_at", self.updated_at)?,
        })
    }
}

/// Reads the two sides: both or none. `aspect_ratio` is not read, since it follows from them.
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
