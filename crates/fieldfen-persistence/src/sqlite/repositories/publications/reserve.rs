//! Reserves a target, and gives up a reservation.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{FencedResult, ParkedFor};
use fieldfen_domain::publication::{
    FileOnPlatforms, IdempotencyKey, Publication, ReserveOutcome, ReserveRequest, Target,
};
use fieldfen_domain::store::publication_decisions::ReserveDecision;
use fieldfen_domain::store::{PublicationReads as _, StoreError};
use fieldfen_domain::{FenceToken, FileId, PublicationId, Timestamp};

use crate::rules::reservation::{
    GiveUp, GiveUpDecision, first_reservation, given_up, repeated_reservation, taken_over,
};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Inserts the reservation of a free target.
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
        held_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        created_at: SqlTime as SqlTimestamp,
        updated_at: SqlTime as SqlTimestamp,
        calls: i64 as BigInt,
    } = "INSERT INTO publications (id, file_id, channel, platform, account, discriminator, post_type, client_key, token, \
         held_until, held_since, created_at, updated_at, calls, state) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved')"
}
statement! {
    /// Reserves the target of a released publication again.
    ReserveAgain<'a> {
        post_type: Option<&'a str> as Nullable<Text>,
        token: &'a str as Text,
        held_until: SqlTime as SqlTimestamp,
        held_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        at: SqlTime as SqlTimestamp,
        calls: i64 as BigInt,
        id: &'a str as Text,
    } = "UPDATE publications SET state = 'reserved', post_type = ?, token = ?, held_until = ?, held_since = ?, \
         updated_at = ?, calls = ? \
         WHERE id = ? AND state = 'released'"
}
statement! {
    /// Restarts a reservation whose start a fast clock has set in the future.
    RestartHold<'a> {
        held_since: SqlTime as SqlTimestamp,
        held_until: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_token: &'a str as Text,
    } = "UPDATE publications SET held_since = ?, held_until = ? WHERE id = ? AND token = ?"
}
statement! {
    /// Takes over an expired reservation, or a publication whose outcome is unknown.
    TakeOver<'a> {
        token: &'a str as Text,
        held_until: SqlTime as SqlTimestamp,
        held_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_token: &'a str as Text,
        known_state: &'a str as Text,
    } = "UPDATE publications SET state = 'unknown', token = ?, held_until = ?, held_since = ?, updated_at = ? \
         WHERE id = ? AND token = ? AND state = ?"
}
statement! {
    /// Changes the state of a publication without a confirmation.
    WriteGivenUp<'a> {
        state: &'a str as Text,
        calls: i64 as BigInt,
        reason: Option<&'a str> as Nullable<Text>,
        parked_for: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_token: &'a str as Text,
        known_state: &'a str as Text,
    } = "UPDATE publications SET state = ?, calls = ?, last_error = ?, parked_for = ?, updated_at = ? \
         WHERE id = ? AND token = ? AND state = ?"
}

impl SqliteSession<'_> {
    pub(super) fn reserve_target(&mut self, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError> {
        let mut known = self.all_of_file(&request.file_id, &request.target)?;
        if let Some(publication) = known.restart_future_hold(request) {
            let hold = RestartHold {
                held_since: SqlTime(request.at),
                held_until: SqlTime(publication.held_until),
                id: &publication.id.to_string(),
                known_token: &publication.token.to_string(),
            };
            hold.execute(self.conn).store()?;
        }
        let decision = known.decide_reserve(request);
        let mut publications = known.publications;
        Ok(match decision {
            ReserveDecision::Published(position) => ReserveOutcome::Published(publications.swap_remove(position)),
            ReserveDecision::Held(position) => ReserveOutcome::Held(publications.swap_remove(position)),
            ReserveDecision::Untracked(untracked) => ReserveOutcome::Untracked(untracked),
            ReserveDecision::TakeOver(position) => self.take_over(publications.swap_remove(position), request)?,
            ReserveDecision::Again(position) => {
                ReserveOutcome::Granted(self.reserve_again(&publications.swap_remove(position), request)?)
            }
            ReserveDecision::New(client_key) => ReserveOutcome::Granted(self.reserve_new(request, client_key)?),
        })
    }

    /// The publications of the file and the rows of its listings and posts. Together they decide about a target.
    pub(super) fn all_of_file(&mut self, file_id: &FileId, target: &Target) -> Result<FileOnPlatforms, StoreError> {
        let (mut listings, mut posts) = (Vec::new(), Vec::new());
        match target {
            Target::Listing { .. } => listings = self.listings_of(file_id)?,
            Target::Post { .. } => posts = self.posts_of(file_id)?,
        }
        Ok(FileOnPlatforms { publications: self.list_by_file(file_id)?, listings, posts })
    }

    fn take_over(&mut self, live: Publication, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError> {
        let next = taken_over(&live, request);
        let take_over = TakeOver {
            token: &next.token.to_string(),
            held_until: SqlTime(next.held_until),
            held_since: next.held_since.map(SqlTime),
            at: SqlTime(next.updated_at),
            id: &next.id.to_string(),
            known_token: &live.token.to_string(),
            known_state: live.state.as_str(),
        };
        Ok(match take_over.execute(self.conn).store()? {
            0 => ReserveOutcome::Held(live),
            _ => ReserveOutcome::Unresolved(next),
        })
    }

    pub(super) fn reserve_again(
        &mut self,
        released: &Publication,
        request: &ReserveRequest,
    ) -> Result<Publication, StoreError> {
        let next = repeated_reservation(released, request);
        let again = ReserveAgain {
            post_type: post_type(&next.target),
            token: &next.token.to_string(),
            held_until: SqlTime(next.held_until),
            held_since: next.held_since.map(SqlTime),
            at: SqlTime(next.updated_at),
            calls: i64::from(next.calls),
            id: &next.id.to_string(),
        };
        if again.execute(self.conn).store()? == 0 {
            let changed = format!("publication {} changed while it was being reserved", next.id);
            return Err(StoreError::Database(changed.into()));
        }
        Ok(next)
    }

    pub(super) fn reserve_new(
        &mut self,
        request: &ReserveRequest,
        client_key: IdempotencyKey,
    ) -> Result<Publication, StoreError> {
        let file_id = self.key_of_file(&request.file_id)?;
        let new = first_reservation(request, client_key, self.may_miss_publications(&file_id)?);
        let (id, target) = (new.id.to_string(), &new.target);
        let reserve = Reserve {
            id: &id,
            file_id: &file_id,
            channel: target.channel(),
            platform: target.platform(),
            account: target.account(),
            discriminator: target.variant_or_key(),
            post_type: post_type(target),
            client_key: new.client_key.as_str(),
            token: &new.token.to_string(),
            held_until: SqlTime(new.held_until),
            held_since: new.held_since.map(SqlTime),
            created_at: SqlTime(new.created_at),
            updated_at: SqlTime(new.updated_at),
            calls: i64::from(new.calls),
        };
        reserve.execute(self.conn).writing(|| format!("publication {id} of file {file_id}"))?;
        Ok(new)
    }

    /// Releases a publication, or sets it to unknown.
    pub(super) fn give_up(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        give_up: GiveUp,
        (reason, at): (&str, Timestamp),
    ) -> Result<FencedResult<()>, StoreError> {
        let Some(row) = self.publication_row(id)? else { return Ok(FencedResult::NotFound) };
        let publication = row.read()?;
        let next = match given_up(&publication, *token, give_up, reason, at)? {
            GiveUpDecision::Write(next) => next,
            GiveUpDecision::Answer(answer) => return Ok(answer),
        };
        let give_up = WriteGivenUp {
            state: next.state.as_str(),
            calls: i64::from(next.calls),
            reason: next.last_error.as_deref(),
            parked_for: next.parked_for.as_ref().map(ParkedFor::as_str),
            at: SqlTime(next.updated_at),
            id: &next.id.to_string(),
            known_token: &publication.token.to_string(),
            known_state: publication.state.as_str(),
        };
        Ok(match give_up.execute(self.conn).store()? {
            0 => FencedResult::LeaseLost,
            _ => FencedResult::Done(()),
        })
    }
}

pub(super) fn post_type(target: &Target) -> Option<&'static str> {
    match target {
        Target::Post { post_type, .. } => post_type.map(|post_type| post_type.as_str()),
        Target::Listing { .. } => None,
    }
}
