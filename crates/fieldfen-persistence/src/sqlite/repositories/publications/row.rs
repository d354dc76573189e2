//! Reads a row of `publications` as a publication.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::publication::{IdempotencyKey, Publication, PublicationState, Target};
use fieldfen_domain::store::StoreError;

use crate::sqlite::columns::{RowRef, StoredNumber, StoredText, StoredTime};

/// The columns of [`PublicationRow`], in its order.
macro_rules! publication_columns {
    () => {
        "rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, \
         calls, last_error, parked_for, platform_id, created_at, updated_at, held_since"
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
    BigInt,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    SqlTimestamp,
    SqlTimestamp,
    Nullable<SqlTimestamp>,
);

#[derive(Debug, Queryable)]
pub(super) struct PublicationRow {
    pub(super) rowid: i64,
    id: StoredText,
    file_id: Option<StoredText>,
    channel: StoredText,
    platform: StoredText,
    account: StoredText,
    discriminator: StoredText,
    post_type: Option<StoredText>,
    client_key: StoredText,
    state: StoredText,
    token: StoredText,
    held_until: StoredTime,
    calls: StoredNumber,
    last_error: Option<StoredText>,
    parked_for: Option<StoredText>,
    platform_id: Option<StoredText>,
    created_at: StoredTime,
    updated_at: StoredTime,
    held_since: Option<StoredTime>,
}

impl PublicationRow {
    /// Reads the row as a publication. An unreadable last error is no error: it is only shown to people.
    pub(super) fn read(self) -> Result<Publication, StoreError> {
        let row = RowRef::stored("publications", Some(&self.id), self.rowid);
        let account = row.text("account", self.account)?;
        let discriminator = row.text("discriminator", self.discriminator)?;
        let target = match self.channel.as_str() {
            Some("listing") => {
                Target::listing(row.parse("platform", &self.platform)?).at_account(&account).with_variant(discriminator)
            }
            Some("post") => Target::post(row.parse("platform", &self.platform)?, discriminator)
                .at_account(&account)
                .with_post_type(row.parse_nullable("post_type", self.post_type.as_ref())?),
            _ => return Err(row.bad("channel", &self.channel, "it must be listing or post")),
        };
        let state: PublicationState = row.parse("state", &self.state)?;
        if state == PublicationState::Confirmed && self.platform_id.is_none() {
            return Err(row.bad("platform_id", "NULL", "a confirmed publication has one"));
        }
        let mut publication = Publication::new(
            row.parse("id", &self.id)?,
            row.key("file_id", self.file_id.as_ref())?,
            target,
            IdempotencyKey::from_text(row.text("client_key", self.client_key)?),
            state,
            row.parse("token", &self.token)?,
            row.time("created_at", self.created_at)?,
        );
        publication.held_since = row.nullable_time("held_since", self.held_since)?;
        publication.held_until = row.time("held_until", self.held_until)?;
        publication.calls = row.count("calls", row.number("calls", self.calls)?)?;
        publication.last_error = self.last_error.map(StoredText::into_prose);
        publication.parked_for = row.parse_nullable("parked_for", self.parked_for.as_ref())?;
        publication.platform_id = row.nullable_text("platform_id", self.platform_id)?;
        publication.updated_at = row.time("updated_at", self.updated_at)?;
        Ok(publication)
    }
}
