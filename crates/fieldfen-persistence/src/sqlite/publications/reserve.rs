//! Reserving a target, and giving it up.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{FencedResult, ParkedFor};
use fieldfen_domain::publication::{
    FileOnPlatforms, IdempotencyKey, Publication, PublicationEvent, PublicationState, ReleaseReason, ReserveOutcome,
    ReserveRequest, Target,
};
use fieldfen_domain::store::decisions::ReserveDecision;
use fieldfen_domain::store::{PublicationReads as _, StoreError};
use fieldfen_domain::{FenceToken, FileId, PublicationId, Timestamp, cut_reason, truncate_to_micros};

use crate::rows::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::statement::statement;

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
        held_since: SqlTime as SqlTimestamp,
        created_at: SqlTime as SqlTimestamp,
        updated_at: SqlTime as SqlTimestamp,
        calls: i64 as BigInt,
    } = "INSERT INTO publications (id, file_id, channel, platform, account, discriminator, post_type, client_key, token, \
         held_until, held_since, created_at, updated_at, calls, state) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved')"
}
statement! {
    /// Reserves a target again whose publication was released.
    ReserveAgain<'a> {
        post_type: Option<&'a str> as Nullable<Text>,
        token: &'a str as Text,
        held_until: SqlTime as SqlTimestamp,
        held_since: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        calls: i64 as BigInt,
        id: &'a str as Text,
    } = "UPDATE publications SET state = 'reserved', post_type = ?, token = ?, held_until = ?, held_since = ?, \
         updated_at = ?, calls = ? \
         WHERE id = ? AND state = 'released'"
}
statement! {
    /// Lets a hold begin anew that a clock has written which was ahead.
    HoldAnew<'a> {
        held_since: SqlTime as SqlTimestamp,
        held_until: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_token: &'a str as Text,
    } = "UPDATE publications SET held_since = ?, held_until = ? WHERE id = ? AND token = ?"
}
statement! {
    /// Takes over a reservation that is over, or one whose outcome nobody knows.
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
    /// Moves a publication on without a confirmation.
    GiveUp<'a> {
        state: &'a str as Text,
        calls: i64 as BigInt,
        reason: &'a str as Text,
        parked_for: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        known_token: &'a str as Text,
        known_state: &'a str as Text,
    } = "UPDATE publications SET state = ?, calls = ?, last_error = ?, parked_for = ?, updated_at = ? \
         WHERE id = ? AND token = ? AND state = ?"
}

/// What the platform has not said.
#[derive(Debug, Clone, Copy)]
pub(super) enum GivenUp {
    Released(ReleaseReason),
    Unknown(Option<ParkedFor>),
}

impl SqliteSession<'_> {
    pub(super) fn reserve_target(&mut self, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError> {
        let mut known = self.all_of_file(&request.file_id, &request.target)?;
        if let Some(publication) = known.restart_future_hold(request) {
            let hold = HoldAnew {
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
            ReserveDecision::Unclaimed(unclaimed) => ReserveOutcome::Unclaimed(unclaimed),
            ReserveDecision::TakeOver(position) => self.take_over(publications.swap_remove(position), request)?,
            ReserveDecision::Again(position) => {
                ReserveOutcome::Granted(self.reserve_again(publications.swap_remove(position), request)?)
            }
            ReserveDecision::New(client_key) => ReserveOutcome::Granted(self.reserve_new(request, client_key)?),
        })
    }

    /// What decides about a target: the publications of its file, and the rows of what is out there.
    pub(super) fn all_of_file(&mut self, file_id: &FileId, target: &Target) -> Result<FileOnPlatforms, StoreError> {
        let (mut listings, mut posts) = (Vec::new(), Vec::new());
        match target {
            Target::Listing { .. } => listings = self.listings_of(file_id)?,
            Target::Post { .. } => posts = self.posts_of(file_id)?,
        }
        Ok(FileOnPlatforms { publications: self.list_by_file(file_id)?, listings, posts })
    }

    fn take_over(&mut self, mut live: Publication, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError> {
        let token = request.token.to_string();
        // A hold that stays has its beginning still: counted from another one, a clock that was ahead would shorten it.
        if live.held_until != truncate_to_micros(request.held_until) {
            live.held_since = Some(truncate_to_micros(request.at));
        }
        let take_over = TakeOver {
            token: &token,
            held_until: SqlTime(request.held_until),
            held_since: live.held_since.map(SqlTime),
            at: SqlTime(request.at),
            id: &live.id.to_string(),
            known_token: &live.token.to_string(),
            known_state: live.state.as_str(),
        };
        if take_over.execute(self.conn).store()? == 0 {
            return Ok(ReserveOutcome::Held(live));
        }
        live.state = PublicationState::Unknown;
        live.token = request.token;
        live.held_until = truncate_to_micros(request.held_until);
        live.updated_at = truncate_to_micros(request.at);
        Ok(ReserveOutcome::Unresolved(live))
    }

    pub(super) fn reserve_again(
        &mut self,
        mut released: Publication,
        request: &ReserveRequest,
    ) -> Result<Publication, StoreError> {
        let token = request.token.to_string();
        released.calls = released.calls.saturating_add(1);
        let again = ReserveAgain {
            post_type: post_type(&request.target),
            token: &token,
            held_until: SqlTime(request.held_until),
            held_since: SqlTime(request.at),
            at: SqlTime(request.at),
            calls: i64::from(released.calls),
            id: &released.id.to_string(),
        };
        if again.execute(self.conn).store()? == 0 {
            let changed = format!("publication {} changed while it was being reserved", released.id);
            return Err(StoreError::Database(changed.into()));
        }
        released.target = request.target.clone();
        released.state = PublicationState::Reserved;
        released.token = request.token;
        released.held_until = truncate_to_micros(request.held_until);
        released.held_since = Some(truncate_to_micros(request.at));
        released.updated_at = truncate_to_micros(request.at);
        Ok(released)
    }

    pub(super) fn reserve_new(
        &mut self,
        request: &ReserveRequest,
        client_key: IdempotencyKey,
    ) -> Result<Publication, StoreError> {
        let file_id = self.key_of_file(&request.file_id)?;
        let target = &request.target;
        let (id, token) = (request.id.to_string(), request.token.to_string());
        let calls = if self.may_miss_publications(&file_id)? { 2 } else { 1 };
        let reserve = Reserve {
            id: &id,
            file_id: &file_id,
            channel: target.channel(),
            platform: target.platform(),
            account: target.account(),
            discriminator: target.variant_or_key(),
            post_type: post_type(target),
            client_key: client_key.as_str(),
            token: &token,
            held_until: SqlTime(request.held_until),
            held_since: SqlTime(request.at),
            created_at: SqlTime(request.at),
            updated_at: SqlTime(request.at),
            calls: i64::from(calls),
        };
        reserve.execute(self.conn).writing(|| format!("publication {id} of file {file_id}"))?;
        let mut publication = Publication::new(
            request.id,
            request.file_id,
            target.clone(),
            client_key,
            PublicationState::Reserved,
            request.token,
            truncate_to_micros(request.at),
        );
        publication.held_since = Some(truncate_to_micros(request.at));
        publication.held_until = truncate_to_micros(request.held_until);
        publication.calls = calls;
        Ok(publication)
    }

    /// Release and mark unknown: an event that needs the token, and leads to one state only.
    pub(super) fn give_up(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        given_up: GivenUp,
        (reason, at): (&str, Timestamp),
    ) -> Result<FencedResult<()>, StoreError> {
        let Some(row) = self.publication_row(id)? else { return Ok(FencedResult::NotFound) };
        let publication = row.read()?;
        if publication.token != *token || publication.state == PublicationState::Confirmed {
            return Ok(FencedResult::LeaseLost);
        }
        let (event, state, parked_for) = match given_up {
            GivenUp::Released(_) => (PublicationEvent::Released, PublicationState::Released, None),
            GivenUp::Unknown(parked_for) => (PublicationEvent::AnswerLost, PublicationState::Unknown, parked_for),
        };
        if publication.state == state {
            return Ok(FencedResult::AlreadyDone { at: Some(publication.updated_at) });
        }
        let calls = if matches!(given_up, GivenUp::Released(ReleaseReason::Absent)) { 0 } else { publication.calls };
        let give_up = GiveUp {
            state: publication.state.after(event)?.as_str(),
            calls: i64::from(calls),
            reason: &cut_reason(reason),
            parked_for: parked_for.as_ref().map(ParkedFor::as_str),
            at: SqlTime(at),
            id: &publication.id.to_string(),
            known_token: &publication.token.to_string(),
            known_state: publication.state.as_str(),
        };
        Ok(match give_up.execute(self.conn).store()? {
            0 => FencedResult::LeaseLost,
            _ => FencedResult::Done(()),
        })
    }
}

fn post_type(target: &Target) -> Option<&'static str> {
    match target {
        Target::Post { post_type, .. } => post_type.map(|post_type| post_type.as_str()),
        Target::Listing { .. } => None,
    }
}
