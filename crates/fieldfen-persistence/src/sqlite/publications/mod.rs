//! Publications: reserving, giving up, and reading what came of them.

mod confirm;
mod listings;
mod posts;
mod row;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::Fenced;
use fieldfen_domain::publication::{
    ClientKey, Confirmation, Confirmed, Listing, Platform, Publication, PublicationEvent, PublicationState,
    ReserveRequest, Reserved, SocialPost, Target,
};
use fieldfen_domain::store::{PublicationReads, Publications, StoreError};
use fieldfen_domain::{FenceToken, FileId, Page, PageRequest, PublicationId, Timestamp, cut_reason, to_micros};

use super::error::Classify;
use super::session::SqliteSession;
use super::statement::statement;
use crate::rows::{SqlTime, read_page};
use row::{PublicationColumns, PublicationRow, publication_columns};

statement! {
    /// The publication with this id.
    ById<'a> { id: &'a str as Text, other: &'a str as Text } -> PublicationColumns =
        concat!("SELECT ", publication_columns!(), " FROM publications WHERE id IN (?, ?)")
}
statement! {
    /// All publications of a file, under either spelling of its id.
    OfFile<'a> { file_id: &'a str as Text, other: &'a str as Text } -> PublicationColumns = concat!(
        "SELECT ", publication_columns!(), " FROM publications INDEXED BY idx_publications_file_id \
         WHERE file_id IN (?, ?) ORDER BY rowid"
    )
}
statement! {
    /// A page of the publications in one state.
    PageInState<'a> { state: &'a str as Text, after: i64 as BigInt, limit: i64 as BigInt } -> PublicationColumns =
        concat!(
            "SELECT ", publication_columns!(), " FROM publications INDEXED BY idx_publications_state \
             WHERE state = ? AND rowid > ? ORDER BY rowid LIMIT ?"
        )
}
statement! {
    /// The live publication of a target.
    LiveOf<'a> {
        file_id: &'a str as Text,
        channel: &'a str as Text,
        platform: &'a str as Text,
        account: &'a str as Text,
        discriminator: &'a str as Text,
    } -> PublicationColumns = concat!(
        "SELECT ", publication_columns!(), " FROM publications INDEXED BY idx_publications_live WHERE file_id = ? \
         AND channel = ? AND platform = ? AND account = ? AND discriminator = ? \
         AND state IN ('reserved', 'unknown', 'confirmed')"
    )
}
statement! {
    /// How many publications of a target have ended.
    EndedOf<'a> {
        file_id: &'a str as Text,
        channel: &'a str as Text,
        platform: &'a str as Text,
        account: &'a str as Text,
        discriminator: &'a str as Text,
    } -> (BigInt,) =
        "SELECT count(*) FROM publications INDEXED BY idx_publications_file_id WHERE file_id = ? AND channel = ? \
         AND platform = ? AND account = ? AND discriminator = ? AND state = 'ended'"
}
statement! {
    /// Reserves a target that nothing stands in the way of.
    Reserve<'a> {
        id: &'a str as Text,
        file_id: &'a str as Text,
        channel: &'a str as Text,
        platform: &'a str as Text,
        account: &'a str as Text,
        discriminator: &'a str as Text,
        post_type: Option<&'a str> as Nullable<Text>,
        client_key: &'a str as Text,
        token: &'a str as Text,
        held_until: SqlTime as SqlTimestamp,
        created_at: SqlTime as SqlTimestamp,
        updated_at: SqlTime as SqlTimestamp,
    } = "INSERT INTO publications (id, file_id, channel, platform, account, discriminator, post_type, client_key, token, \
         held_until, created_at, updated_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved')"
}
statement! {
    /// Takes over a reservation that is over, or one whose outcome nobody knows.
    TakeOver<'a> {
        token: &'a str as Text,
        held_until: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_token: &'a str as Text,
        known_state: &'a str as Text,
    } = "UPDATE publications SET state = 'unknown', token = ?, held_until = ?, updated_at = ? \
         WHERE id = ? AND token = ? AND state = ?"
}
statement! {
    /// Moves a publication on without a confirmation.
    GiveUp<'a> {
        state: &'a str as Text,
        reason: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_token: &'a str as Text,
        known_state: &'a str as Text,
    } = "UPDATE publications SET state = ?, last_error = ?, updated_at = ? WHERE id = ? AND token = ? AND state = ?"
}

impl SqliteSession<'_> {
    fn publication_row(&mut self, id: &PublicationId) -> Result<Option<PublicationRow>, StoreError> {
        let [id, other] = id.spellings();
        ById { id: &id, other: &other }.get_result(self.conn).optional().store()
    }

    /// The live publication of a file, spelled as in its row, and a target.
    fn live_publication(&mut self, file_id: &str, target: &Target) -> Result<Option<PublicationRow>, StoreError> {
        let live = LiveOf {
            file_id,
            channel: target.channel(),
            platform: target.platform(),
            account: target.account(),
            discriminator: target.discriminator(),
        };
        live.get_result(self.conn).optional().store()
    }

    fn reserve_anew(&mut self, request: &ReserveRequest, file_id: &str) -> Result<Reserved, StoreError> {
        let target = &request.target;
        let (channel, platform) = (target.channel(), target.platform());
        let (account, discriminator) = (target.account(), target.discriminator());
        let ended = EndedOf { file_id, channel, platform, account, discriminator };
        let (ended,): (i64,) = ended.get_result(self.conn).store()?;
        let client_key = ClientKey::derive(&request.file_id, target, u32::try_from(ended).unwrap_or(u32::MAX));
        let publication = Publication {
            id: request.id,
            file_id: request.file_id,
            target: target.clone(),
            client_key,
            state: PublicationState::Reserved,
            token: request.token,
            held_until: to_micros(request.held_until),
            last_error: None,
            platform_id: None,
            created_at: to_micros(request.at),
            updated_at: to_micros(request.at),
        };
        let (id, token) = (request.id.to_string(), request.token.to_string());
        let reserve = Reserve {
            id: &id,
            file_id,
            channel,
            platform,
            account,
            discriminator,
            post_type: match target {
                Target::Post { post_type, .. } => post_type.map(|post_type| post_type.as_str()),
                Target::Listing { .. } => None,
            },
            client_key: publication.client_key.as_str(),
            token: &token,
            held_until: SqlTime(request.held_until),
            created_at: SqlTime(request.at),
            updated_at: SqlTime(request.at),
        };
        reserve.execute(self.conn).writing(|| format!("publication {id} of file {file_id}"))?;
        Ok(Reserved::Granted(publication))
    }

    /// Release and mark unknown: an event that needs the token, and leads to one state only.
    fn give_up(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        event: PublicationEvent,
        (reason, at): (&str, Timestamp),
    ) -> Result<Fenced<()>, StoreError> {
        let Some(row) = self.publication_row(id)? else { return Ok(Fenced::Gone) };
        let publication = row.read()?;
        if publication.token != *token {
            return Ok(Fenced::LeaseLost);
        }
        let given_up = match event {
            PublicationEvent::AnswerLost => PublicationState::Unknown,
            _ => PublicationState::Released,
        };
        if publication.state == given_up {
            return Ok(Fenced::AlreadyDone { at: Some(publication.updated_at) });
        }
        let give_up = GiveUp {
            state: publication.state.after(event)?.as_str(),
            reason: &cut_reason(reason),
            at: SqlTime(at),
            id: &publication.id.to_string(),
            known_token: &publication.token.to_string(),
            known_state: publication.state.as_str(),
        };
        Ok(match give_up.execute(self.conn).store()? {
            0 => Fenced::LeaseLost,
            _ => Fenced::Done(()),
        })
    }
}

impl PublicationReads for SqliteSession<'_> {
    fn find(&mut self, id: &PublicationId) -> Result<Option<Publication>, StoreError> {
        self.publication_row(id)?.map(PublicationRow::read).transpose()
    }

    fn of_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError> {
        let [file_id, other] = file_id.spellings();
        let rows: Vec<PublicationRow> = OfFile { file_id: &file_id, other: &other }.load(self.conn).store()?;
        rows.into_iter().map(PublicationRow::read).collect()
    }

    fn in_state(&mut self, state: PublicationState, page: PageRequest) -> Result<Page<Publication>, StoreError> {
        let after = page.after.map_or(i64::MIN, |cursor| cursor.sequence());
        let limit = i64::from(page.limit.get()) + 1;
        let rows: Vec<PublicationRow> = PageInState { state: state.as_str(), after, limit }.load(self.conn).store()?;
        read_page(rows.into_iter().map(|row| (row.rowid, row.read())), page)
    }

    fn listings(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError> {
        self.listings_of(file_id)
    }

    fn listings_at(&mut self, platform: Platform, page: PageRequest) -> Result<Page<Listing>, StoreError> {
        self.listing_page(platform, page)
    }

    fn listing_at(&mut self, platform: Platform, platform_id: &str) -> Result<Option<Listing>, StoreError> {
        self.listing_with(platform, platform_id)
    }

    fn posts(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError> {
        self.posts_of(file_id)
    }
}

impl Publications for SqliteSession<'_> {
    fn reserve(&mut self, request: &ReserveRequest) -> Result<Reserved, StoreError> {
        let file_id = self.spelling_of_file(&request.file_id)?.unwrap_or_else(|| request.file_id.to_string());
        let Some(row) = self.live_publication(&file_id, &request.target)? else {
            return self.reserve_anew(request, &file_id);
        };
        let mut live = row.read()?;
        match live.state {
            PublicationState::Confirmed => return Ok(Reserved::Published(live)),
            PublicationState::Reserved if live.held_until > to_micros(request.at) => return Ok(Reserved::Held(live)),
            _ => {}
        }
        let token = request.token.to_string();
        let take_over = TakeOver {
            token: &token,
            held_until: SqlTime(request.held_until),
            at: SqlTime(request.at),
            id: &live.id.to_string(),
            known_token: &live.token.to_string(),
            known_state: live.state.as_str(),
        };
        if take_over.execute(self.conn).store()? == 0 {
            return Ok(Reserved::Held(live));
        }
        live.state = PublicationState::Unknown;
        live.token = request.token;
        live.held_until = to_micros(request.held_until);
        live.updated_at = to_micros(request.at);
        Ok(Reserved::Unresolved(live))
    }

    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<Confirmed, StoreError> {
        self.confirm_publication(id, confirmation)
    }

    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        self.give_up(id, token, PublicationEvent::Released, (reason, at))
    }

    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        self.give_up(id, token, PublicationEvent::AnswerLost, (reason, at))
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let mut all = listings::statements();
    all.extend([
        ("PostsOfFile", posts::PostsOfFile::SQL),
        ("PutListing", confirm::PutListing::SQL),
        ("Confirm", confirm::Confirm::SQL),
        ("ById", ById::SQL),
        ("OfFile", OfFile::SQL),
        ("PageInState", PageInState::SQL),
        ("LiveOf", LiveOf::SQL),
        ("EndedOf", EndedOf::SQL),
        ("Reserve", Reserve::SQL),
        ("TakeOver", TakeOver::SQL),
        ("GiveUp", GiveUp::SQL),
    ]);
    all.into_iter().map(|(name, sql)| (name, sql.to_owned())).collect()
}
