//! Confirms a publication and inserts the row of its listing or post.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::publication::{
    ConfirmOutcome, Confirmation, Listing, PostType, Publication, SamePlatformId, SocialPost, Target, given_up_id,
    qualified_id,
};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::publication_decisions::ConfirmDecision;
use fieldfen_domain::{FileId, PublicationId, SocialPostId};

use super::row::{PublicationColumns, PublicationRow, publication_columns};
use crate::rules::reservation::confirmed_state;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, SqlTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// All publications that have or had this id at a platform.
    WithPlatformId<'a> { platform: &'a str as Text, platform_id: &'a str as Text } -> PublicationColumns = concat!(
        "SELECT ", publication_columns!(), " FROM publications INDEXED BY idx_publications_platform_id \
         WHERE platform = ? AND platform_id = ? ORDER BY rowid"
    )
}
statement! {
    InsertListing<'a> {
        id: &'a str as Text,
        file_id: &'a str as Text,
        platform: &'a str as Text,
        platform_listing_id: &'a str as Text,
        url: Option<&'a str> as Nullable<Text>,
        status: &'a str as Text,
        platform_status: Option<&'a str> as Nullable<Text>,
        status_event_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        created_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        updated_at: Option<SqlTime> as Nullable<SqlTimestamp>,
    } = "INSERT INTO listings (id, file_id, platform, platform_listing_id, listing_url, status, platform_status, \
         status_event_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// Updates the row of a confirmed listing.
    UpdateConfirmed<'a> {
        url: Option<&'a str> as Nullable<Text>,
        status: &'a str as Text,
        platform_status: Option<&'a str> as Nullable<Text>,
        status_event_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        updated_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        id: &'a str as Text,
        other: &'a str as Text,
    } = "UPDATE listings SET listing_url = ?, status = ?, platform_status = ?, status_event_at = ?, updated_at = ? \
         WHERE id IN (?, ?)"
}
statement! {
    /// Removes the platform's id from a delisted listing.
    GiveUpId<'a> { held: &'a str as Text, at: SqlTime as SqlTimestamp, id: &'a str as Text, other: &'a str as Text } =
        "UPDATE listings SET platform_listing_id = ?, updated_at = ? WHERE id IN (?, ?)"
}
statement! {
    InsertPost<'a> {
        id: &'a str as Text,
        file_id: &'a str as Text,
        platform: &'a str as Text,
        post_type: Option<&'a str> as Nullable<Text>,
        platform_post_id: Option<&'a str> as Nullable<Text>,
        url: Option<&'a str> as Nullable<Text>,
        posted_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        gone_at: Option<SqlTime> as Nullable<SqlTimestamp>,
    } = "INSERT INTO social_posts (id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// Updates the row of a confirmed post.
    UpdatePost<'a> { url: Option<&'a str> as Nullable<Text>, id: &'a str as Text, other: &'a str as Text } =
        "UPDATE social_posts SET post_url = ?, gone_at = NULL WHERE id IN (?, ?)"
}
statement! {
    /// Sets the platform's id of a post whose row another program inserted without one.
    SetPostId<'a> { platform_id: &'a str as Text, id: &'a str as Text, other: &'a str as Text } =
        "UPDATE social_posts SET platform_post_id = ? WHERE id IN (?, ?) AND platform_post_id IS NULL"
}
statement! {
    /// Sets a publication to confirmed or ended, if its state has not changed since it was read. A product that comes
    /// back keeps an open target.
    Confirm<'a> {
        state: &'a str as Text,
        platform_id: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_state: &'a str as Text,
    } = "UPDATE publications SET state = ?, platform_id = ?, last_error = NULL, \
         parked_for = CASE state WHEN 'ended' THEN parked_for END, updated_at = ? \
         WHERE id = ? AND state = ?"
}

impl SqliteSession<'_> {
    pub(super) fn confirm_publication(
        &mut self,
        id: &PublicationId,
        confirmation: &Confirmation,
    ) -> Result<ConfirmOutcome, StoreError> {
        let Some(row) = self.publication_row(id)? else { return Ok(ConfirmOutcome::NotFound) };
        let publication = row.read()?;
        let file_id = self.key_of_file(&publication.file_id)?;
        let target = &publication.target;
        let known = self.all_of_file(&publication.file_id, target)?;
        let same = self.same_id(target, &confirmation.platform_id)?;
        let is_live = match known.decide_confirm(&publication, confirmation, &same)? {
            ConfirmDecision::AlreadyDone => return Ok(ConfirmOutcome::AlreadyDone),
            ConfirmDecision::Duplicate { live } => return Ok(ConfirmOutcome::Duplicate { live }),
            ConfirmDecision::Taken { file_id } => return Ok(ConfirmOutcome::Taken { file_id }),
            ConfirmDecision::Listing { row: listing, is_there, given_up_by } => {
                if let Some(listing) = given_up_by {
                    self.give_up_id(&listing, confirmation)?;
                }
                if is_there {
                    self.update_confirmed(&listing)?
                } else {
                    self.add_listing(&listing, &file_id)?
                }
                listing.status.is_live()
            }
            ConfirmDecision::Post { row: post, is_there } => {
                if is_there {
                    self.update_post(&post)?
                } else {
                    self.add_post(&post, &file_id)?
                }
                true
            }
        };
        self.confirm_row(&publication, is_live, confirmation)
    }

    fn confirm_row(
        &mut self,
        publication: &Publication,
        is_live: bool,
        confirmation: &Confirmation,
    ) -> Result<ConfirmOutcome, StoreError> {
        let (state, answer) = confirmed_state(publication.state, is_live)?;
        let confirm = Confirm {
            state: state.as_str(),
            platform_id: confirmation.platform_id.as_str(),
            at: SqlTime(confirmation.at),
            id: &publication.id.to_string(),
            known_state: publication.state.as_str(),
        };
        if confirm.execute(self.conn).store()? == 0 {
            let changed = format!("publication {} changed while it was being confirmed", publication.id);
            return Err(StoreError::Database(changed.into()));
        }
        Ok(answer)
    }

    /// The publications and rows with this id at the platform of a target.
    pub(super) fn same_id(&mut self, target: &Target, platform_id: &str) -> Result<SamePlatformId, StoreError> {
        let with_id = WithPlatformId { platform: target.platform(), platform_id };
        let rows: Vec<PublicationRow> = with_id.load(self.conn).store()?;
        let publications = rows.into_iter().map(PublicationRow::read).collect::<Result<Vec<_>, _>>()?;
        let mut listings = Vec::new();
        if let Target::Listing { platform, account, .. } = target {
            let mut files: BTreeSet<FileId> = publications.iter().map(|publication| publication.file_id).collect();
            for held in [platform_id, &qualified_id(account, platform_id)] {
                files.extend(self.listing_with(*platform, held)?.map(|listing| listing.file_id));
            }
            for file_id in files {
                listings.extend(self.listings_of(&file_id)?);
            }
        }
        Ok(SamePlatformId { publications, listings })
    }

    fn give_up_id(&mut self, listing: &Listing, confirmation: &Confirmation) -> Result<(), StoreError> {
        let [id, other] = listing.id.formats();
        let held = given_up_id(listing);
        let give_up = GiveUpId { held: &held, at: SqlTime(confirmation.at), id: &id, other: &other };
        give_up.execute(self.conn).writing(|| format!("listing {id}")).map(drop)
    }

    /// Inserts a listing. `file_id` is the file's id as its row holds it.
    pub(super) fn add_listing(&mut self, listing: &Listing, file_id: &str) -> Result<(), StoreError> {
        let id = listing.id.to_string();
        let insert = InsertListing {
            id: &id,
            file_id,
            platform: listing.platform.as_str(),
            platform_listing_id: &listing.platform_listing_id,
            url: listing.url.as_deref(),
            status: listing.status.as_str(),
            platform_status: listing.platform_status.as_deref(),
            status_event_at: listing.status_event_at.map(SqlTime),
            created_at: listing.created_at.map(SqlTime),
            updated_at: listing.updated_at.map(SqlTime),
        };
        insert.execute(self.conn).writing(|| format!("listing {id} of file {file_id}")).map(drop)
    }

    fn update_confirmed(&mut self, listing: &Listing) -> Result<(), StoreError> {
        let [id, other] = listing.id.formats();
        let update = UpdateConfirmed {
            url: listing.url.as_deref(),
            status: listing.status.as_str(),
            platform_status: listing.platform_status.as_deref(),
            status_event_at: listing.status_event_at.map(SqlTime),
            updated_at: listing.updated_at.map(SqlTime),
            id: &id,
            other: &other,
        };
        update.execute(self.conn).store().map(drop)
    }

    /// Inserts a post. `file_id` is the file's id as its row holds it.
    pub(super) fn add_post(&mut self, post: &SocialPost, file_id: &str) -> Result<(), StoreError> {
        let id = post.id.to_string();
        let insert = InsertPost {
            id: &id,
            file_id,
            platform: post.platform.as_str(),
            post_type: post.post_type.map(PostType::as_str),
            platform_post_id: post.platform_post_id.as_deref(),
            url: post.url.as_deref(),
            posted_at: post.posted_at.map(SqlTime),
            gone_at: post.gone_at.map(SqlTime),
        };
        insert.execute(self.conn).writing(|| format!("post {id} of file {file_id}")).map(drop)
    }

    fn update_post(&mut self, post: &SocialPost) -> Result<(), StoreError> {
        let [id, other] = post.id.formats();
        let update = UpdatePost { url: post.url.as_deref(), id: &id, other: &other };
        update.execute(self.conn).store().map(drop)
    }

    /// Sets the platform's id of a post whose row has none.
    pub(super) fn set_post_id(&mut self, id: &SocialPostId, platform_id: &str) -> Result<(), StoreError> {
        let [id, other] = id.formats();
        SetPostId { platform_id, id: &id, other: &other }.execute(self.conn).store().map(drop)
    }
}
