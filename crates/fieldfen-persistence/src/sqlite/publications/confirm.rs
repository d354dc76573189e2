//! Confirming a publication, which makes the row of what is out there.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::PublicationId;
use fieldfen_domain::publication::{
    Confirmation, Confirmed, ConfirmedRow, ListingStatus, PostType, PublicationEvent, PublicationState, Target,
};
use fieldfen_domain::store::StoreError;

use crate::rows::{SqlTime, StoredText};
use crate::schema::social_posts;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::statement::statement;

statement! {
    /// Adds a listing, or brings the one of the same file up to date, unless newer news of it is known.
    PutListing<'a> {
        id: &'a str as Text,
        file_id: &'a str as Text,
        platform: &'a str as Text,
        platform_id: &'a str as Text,
        url: Option<&'a str> as Nullable<Text>,
        status: &'a str as Text,
        platform_status: Option<&'a str> as Nullable<Text>,
        event_at: SqlTime as SqlTimestamp,
        created_at: SqlTime as SqlTimestamp,
        updated_at: SqlTime as SqlTimestamp,
    } -> (Text,) = "INSERT INTO listings (id, file_id, platform, platform_listing_id, listing_url, status, platform_status, \
         status_event_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (platform, platform_listing_id) DO UPDATE SET listing_url = excluded.listing_url, \
         status = CASE WHEN status_event_at > excluded.status_event_at THEN status ELSE excluded.status END, \
         platform_status = CASE WHEN status_event_at > excluded.status_event_at THEN platform_status \
         ELSE excluded.platform_status END, \
         status_event_at = max(coalesce(status_event_at, excluded.status_event_at), excluded.status_event_at), \
         updated_at = excluded.updated_at WHERE file_id = excluded.file_id RETURNING status"
}
statement! {
    /// Sets a publication confirmed or ended, if it is still in the state it was seen in.
    Confirm<'a> {
        state: &'a str as Text,
        platform_id: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_state: &'a str as Text,
    } = "UPDATE publications SET state = ?, platform_id = ?, last_error = NULL, updated_at = ? \
         WHERE id = ? AND state = ?"
}

impl SqliteSession<'_> {
    pub(super) fn confirm_publication(
        &mut self,
        id: &PublicationId,
        confirmation: &Confirmation,
    ) -> Result<Confirmed, StoreError> {
        let Some(row) = self.publication_row(id)? else { return Ok(Confirmed::Gone) };
        let publication = row.read()?;
        // As the row spells it: foreign keys compare texts.
        let file_id = publication.file_id.to_string();
        if publication.state == PublicationState::Confirmed {
            return Ok(if publication.platform_id.as_ref() == Some(&confirmation.platform_id) {
                Confirmed::AlreadyDone
            } else {
                Confirmed::Duplicate { live: publication.platform_id }
            });
        }
        let confirmed = publication.state.after(PublicationEvent::Confirmed)?;
        if let Some(live) = self.live_publication(&file_id, &publication.target)? {
            let live = live.read()?;
            if live.id != publication.id {
                return Ok(Confirmed::Duplicate { live: live.platform_id });
            }
        }
        let is_live = match (&publication.target, &confirmation.row) {
            (Target::Listing { platform, .. }, ConfirmedRow::Listing { id, status, platform_status }) => {
                let status = (*status, platform_status.as_deref());
                let stored = self.put_listing(&id.to_string(), &file_id, platform.as_str(), status, confirmation)?;
                stored != ListingStatus::Delisted.as_str()
            }
            (Target::Post { platform, post_type, .. }, ConfirmedRow::Post { id }) => {
                self.put_post(&id.to_string(), &file_id, platform.as_str(), *post_type, confirmation)?;
                true
            }
            (target, _) => {
                let rule = "a listing is confirmed by a row of listings, a post by one of social_posts";
                return Err(StoreError::Invalid { what: "confirmation of", value: target.to_string(), rule });
            }
        };
        let state = if is_live { confirmed } else { confirmed.after(PublicationEvent::Ended)? };
        let confirm = Confirm {
            state: state.as_str(),
            platform_id: confirmation.platform_id.as_str(),
            at: SqlTime(confirmation.at),
            id: &publication.id.to_string(),
            known_state: publication.state.as_str(),
        };
        match confirm.execute(self.conn).store()? {
            0 => Err(StoreError::Database(format!("publication {id} changed while it was being confirmed").into())),
            _ if is_live => Ok(Confirmed::Done),
            _ => Ok(Confirmed::Ended),
        }
    }

    /// Says the status that the row has then.
    fn put_listing(
        &mut self,
        id: &str,
        file_id: &str,
        platform: &str,
        (status, platform_status): (ListingStatus, Option<&str>),
        confirmation: &Confirmation,
    ) -> Result<String, StoreError> {
        let (platform_id, at) = (confirmation.platform_id.as_str(), SqlTime(confirmation.at));
        let put = PutListing {
            id,
            file_id,
            platform,
            platform_id,
            url: confirmation.url.as_deref(),
            status: status.as_str(),
            platform_status,
            event_at: SqlTime(confirmation.event_at.min(confirmation.at)),
            created_at: at,
            updated_at: at,
        };
        let stored = put.get_result::<(StoredText,)>(self.conn).optional();
        match stored.writing(|| format!("listing {id} of file {file_id}"))? {
            // Newer news may have left a status there that is none.
            Some((status,)) => Ok(status.name()),
            None => Err(StoreError::AlreadyExists {
                what: format!("listing {platform_id} at {platform}, which file {file_id} is confirmed as,"),
                source: "the listing with this platform id belongs to another file".into(),
            }),
        }
    }

    fn put_post(
        &mut self,
        id: &str,
        file_id: &str,
        platform: &str,
        post_type: Option<PostType>,
        confirmation: &Confirmation,
    ) -> Result<(), StoreError> {
        let row = (
            social_posts::id.eq(id),
            social_posts::file_id.eq(file_id),
            social_posts::platform.eq(platform),
            social_posts::post_type.eq(post_type.map(PostType::as_str)),
            social_posts::platform_post_id.eq(confirmation.platform_id.as_str()),
            social_posts::post_url.eq(confirmation.url.as_deref()),
            social_posts::posted_at.eq(SqlTime(confirmation.at)),
        );
        diesel::insert_into(social_posts::table)
            .values(row)
            .execute(self.conn)
            .writing(|| format!("post {id} of file {file_id}"))?;
        Ok(())
    }
}
