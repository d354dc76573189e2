//! A row of `publications`, and what it means.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::publication::{ClientKey, Publication, PublicationState, Target};
use fieldfen_domain::store::StoreError;

use crate::rows::{RowRef, StoredTime};

/// The columns that [`PublicationRow`] reads, in its order.
macro_rules! publication_columns {
    () => {
        "rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, \
         last_error, platform_id, created_at, updated_at"
    };
}

pub(super) use publication_columns;

/// The SQL types of [`publication_columns`].
pub(super) type PublicationColumns = (
    BigInt,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Text,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Text,
    SqlTimestamp,
    Nullable<Text>,
    Nullable<Text>,
    SqlTimestamp,
    SqlTimestamp,
);

#[derive(Debug, Clone, Queryable)]
pub(super) struct PublicationRow {
    pub(super) rowid: i64,
    pub(super) id: String,
    file_id: Option<String>,
    channel: String,
    platform: String,
    account: String,
    discriminator: String,
    post_type: Option<String>,
    client_key: String,
    pub(super) state: String,
    pub(super) token: String,
    held_until: StoredTime,
    last_error: Option<String>,
    platform_id: Option<String>,
    created_at: StoredTime,
    updated_at: StoredTime,
}

impl PublicationRow {
    /// Reads the row as a publication.
    pub(super) fn read(self) -> Result<Publication, StoreError> {
        let row = RowRef { table: "publications", key: &self.id };
        let target = match self.channel.as_str() {
            "listing" => Target::Listing {
                platform: row.parse("platform", &self.platform)?,
                account: self.account,
                variant: self.discriminator,
            },
            "post" => Target::Post {
                platform: row.parse("platform", &self.platform)?,
                account: self.account,
                post_key: self.discriminator,
                post_type: row.parse_nullable("post_type", self.post_type.as_deref())?,
            },
            other => return Err(row.bad("channel", format_args!("{other:?}"), "it must be listing or post")),
        };
        let state: PublicationState = row.parse("state", &self.state)?;
        if state == PublicationState::Confirmed && self.platform_id.is_none() {
            return Err(row.bad("platform_id", "NULL", "a confirmed publication has one"));
        }
        Ok(Publication {
            id: row.parse("id", &self.id)?,
            file_id: row.key("file_id", self.file_id.as_deref())?,
            target,
            client_key: ClientKey::stored(self.client_key),
            state,
            token: row.parse("token", &self.token)?,
            held_until: row.time("held_until", self.held_until)?,
            last_error: self.last_error,
            platform_id: self.platform_id,
            created_at: row.time("created_at", self.created_at)?,
            updated_at: row.time("updated_at", self.updated_at)?,
        })
    }
}
