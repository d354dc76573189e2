//! Publications: reserve, confirm, adopt, release, mark unknown, prune.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fieldfen_domain::job::{FencedResult, ParkedFor};
use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, ConfirmOutcome, Confirmation, FileOnPlatforms, IdempotencyKey, PlatformRowId,
    PrunePublications, Publication, PublicationEvent, PublicationState, ReleaseReason, ReserveOutcome, ReserveRequest,
    SamePlatformId, Target, given_up_id, qualified_id,
};
use fieldfen_domain::store::publication_decisions::{AdoptDecision, ConfirmDecision, ReserveDecision};
use fieldfen_domain::store::{ListingReads, Listings as _, PublicationReads, Publications, StoreError};
use fieldfen_domain::{FenceToken, FileId, PublicationId, Timestamp, cut_reason, truncate_to_micros};

use super::keys::{FileKey, ListingKey, PostKey, PublicationKey};
use super::table::Row;
use super::{ModelSession, missing, taken};

impl Row for Publication {
    type Key = PublicationKey;

    fn keys(&self) -> Vec<PublicationKey> {
        vec![
            PublicationKey::Id(self.id),
            PublicationKey::File(self.file_id),
            PublicationKey::At(self.target.platform().to_owned(), self.platform_id.clone()),
        ]
    }
}

impl Publications for ModelSession<'_> {
    fn reserve(&mut self, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError> {
        self.begin_holds_anew(request);
        let known = self.all_of_file(&request.file_id)?;
        let decision = known.decide_reserve(request);
        let mut publications = known.publications;
        Ok(match decision {
            ReserveDecision::Published(position) => ReserveOutcome::Published(publications.swap_remove(position)),
            ReserveDecision::Held(position) => ReserveOutcome::Held(publications.swap_remove(position)),
            ReserveDecision::Untracked(untracked) => ReserveOutcome::Untracked(untracked),
            ReserveDecision::TakeOver(position) => {
                let mut live = publications.swap_remove(position);
                live.state = PublicationState::Unknown;
                live.token = request.token;
                if live.held_until != truncate_to_micros(request.held_until) {
                    live.held_since = Some(truncate_to_micros(request.at));
                    live.held_until = truncate_to_micros(request.held_until);
                }
                live.updated_at = truncate_to_micros(request.at);
                self.put_publication(live.clone());
                ReserveOutcome::Unresolved(live)
            }
            ReserveDecision::Again(position) => {
                ReserveOutcome::Granted(self.reserve_again(publications.swap_remove(position), request))
            }
            ReserveDecision::New(client_key) => ReserveOutcome::Granted(self.reserve_new(request, client_key)?),
        })
    }

    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<ConfirmOutcome, StoreError> {
        let Some((_, mut publication)) = self.state.publications.find(&PublicationKey::Id(*id)) else {
            return Ok(ConfirmOutcome::NotFound);
        };
        let known = self.all_of_file(&publication.file_id)?;
        let same = self.same_id(&publication.target, &confirmation.platform_id);
        let comes_back = publication.state == PublicationState::Ended;
        publication.state = match known.decide_confirm(&publication, confirmation, &same)? {
            ConfirmDecision::AlreadyDone => return Ok(ConfirmOutcome::AlreadyDone),
            ConfirmDecision::Duplicate { live } => return Ok(ConfirmOutcome::Duplicate { live }),
            ConfirmDecision::Taken { file_id } => return Ok(ConfirmOutcome::Taken { file_id }),
            ConfirmDecision::Listing { row, is_there, given_up_by } => {
                if let Some(mut listing) = given_up_by
                    && let Some((number, _)) = self.state.listings.find(&ListingKey::Id(listing.id))
                {
                    listing.platform_listing_id = given_up_id(&listing);
                    listing.updated_at = Some(truncate_to_micros(confirmation.at));
                    self.state.listings.update(number, *listing);
                }
                let is_live = row.status.is_live();
                match self.state.listings.find(&ListingKey::Id(row.id)) {
                    Some((number, _)) if is_there => self.state.listings.update(number, row),
                    _ => self.insert_listing(&row)?,
                }
                if is_live { PublicationState::Confirmed } else { PublicationState::Ended }
            }
            ConfirmDecision::Post { row, is_there } => {
                match self.state.posts.find(&PostKey::Id(row.id)) {
                    Some((number, _)) if is_there => self.state.posts.update(number, row),
                    _ => self.insert_post(&row)?,
                }
                PublicationState::Confirmed
            }
        };
        publication.platform_id = Some(confirmation.platform_id.clone());
        publication.last_error = None;
        publication.parked_for = publication.parked_for.filter(|_| comes_back);
        publication.updated_at = truncate_to_micros(confirmation.at);
        let ended = publication.state == PublicationState::Ended;
        self.put_publication(publication);
        Ok(if ended { ConfirmOutcome::Ended } else { ConfirmOutcome::Done })
    }

    fn adopt(&mut self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        adoption.check()?;
        let request = &adoption.request;
        let known = self.all_of_file(&request.file_id)?;
        let same = self.same_id(&request.target, &adoption.confirmation.platform_id);
        let decision = known.decide_adopt(adoption, &same)?;
        let mut publications = known.publications;
        let publication = match decision {
            AdoptDecision::Live(position) => return Ok(AdoptOutcome::Live(publications.swap_remove(position))),
            AdoptDecision::Taken(other) => return Ok(AdoptOutcome::Taken(*other)),
            AdoptDecision::NotUntracked => return Ok(AdoptOutcome::NotUntracked),
            AdoptDecision::Assigned(next) => {
                self.put_publication((*next).clone());
                return Ok(AdoptOutcome::Done(*next));
            }
            AdoptDecision::Ended(position) => publications.swap_remove(position),
            AdoptDecision::Again(position) => self.reserve_again(publications.swap_remove(position), request),
            AdoptDecision::New(client_key) => self.reserve_new(request, client_key)?,
        };
        if let PlatformRowId::Post(id) = adoption.row
            && let Some((number, mut post)) = self.state.posts.find(&PostKey::Id(id))
        {
            post.platform_post_id = Some(adoption.confirmation.platform_id.clone());
            self.state.posts.update(number, post);
        }
        let confirmed = self.confirm(&publication.id, &adoption.confirmation)?;
        match (confirmed, self.find(&publication.id)?) {
            (ConfirmOutcome::Done, Some(publication)) => Ok(AdoptOutcome::Done(publication)),
            (other, _) => Err(StoreError::Database(super::words(&format!("an adoption came to {other:?}")))),
        }
    }

    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        release: ReleaseReason,
        reason: &str,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        self.give_up(id, token, PublicationEvent::Released, |publication| {
            if release == ReleaseReason::Absent {
                publication.calls = 0;
            }
            publication.last_error = Some(cut_reason(reason).into_owned());
            publication.parked_for = None;
            publication.updated_at = truncate_to_micros(at);
        })
    }

    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        parked_for: Option<ParkedFor>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        self.give_up(id, token, PublicationEvent::AnswerLost, |publication| {
            publication.last_error = Some(cut_reason(reason).into_owned());
            publication.parked_for = parked_for;
            publication.updated_at = truncate_to_micros(at);
        })
    }

    fn set_key(&mut self, id: &PublicationId, key: &IdempotencyKey, at: Timestamp) -> Result<bool, StoreError> {
        key.check()?;
        let Some((number, mut publication)) = self.state.publications.find(&PublicationKey::Id(*id)) else {
            return Ok(false);
        };
        if !matches!(publication.state, PublicationState::Confirmed | PublicationState::Ended) {
            return Ok(false);
        }
        publication.client_key = key.clone();
        publication.updated_at = truncate_to_micros(at);
        self.state.publications.update(number, publication);
        Ok(true)
    }

    fn prune(&mut self, request: &PrunePublications) -> Result<u64, StoreError> {
        let before = truncate_to_micros(request.before);
        let all: Vec<Publication> = self.state.publications.rows().cloned().collect();
        let mut over = Vec::new();
        for publication in all {
            if publication.is_prunable(before, &ListingReads::list_by_file(self, &publication.file_id)?) {
                over.push(publication);
            }
        }
        // Publications that changed at the same time are sorted by insertion.
        over.sort_by_key(|publication| publication.updated_at);
        over.truncate(usize::try_from(request.limit).unwrap_or(usize::MAX));
        for publication in &over {
            self.state.publications.remove_all(&PublicationKey::Id(publication.id));
        }
        Ok(over.len() as u64)
    }
}

impl ModelSession<'_> {
    /// Restarts reservations that began more than a minute from now, which a clock that was ahead has written.
    fn begin_holds_anew(&mut self, request: &ReserveRequest) {
        let at = truncate_to_micros(request.at);
        for (number, mut row) in self.state.publications.all(&PublicationKey::File(request.file_id)) {
            let is_live = matches!(row.state, PublicationState::Reserved | PublicationState::Unknown);
            let Some(since) = row.held_since.filter(|since| *since - at > TimeDelta::minutes(1)) else { continue };
            if is_live && row.target.is_same_place(&request.target) {
                let span = (row.held_until - since).clamp(TimeDelta::zero(), TimeDelta::hours(24));
                row.held_until = row.held_until.min(at + span);
                row.held_since = Some(at);
                self.state.publications.update(number, row);
            }
        }
    }

    fn all_of_file(&mut self, file_id: &FileId) -> Result<FileOnPlatforms, StoreError> {
        let publications = PublicationReads::list_by_file(self, file_id)?;
        Ok(FileOnPlatforms {
            publications,
            listings: ListingReads::list_by_file(self, file_id)?,
            posts: self.list_posts_by_file(file_id)?,
        })
    }

    /// The publications and rows with this id at the platform of a target.
    pub(super) fn same_id(&self, target: &Target, platform_id: &str) -> SamePlatformId {
        let key = PublicationKey::At(target.platform().to_owned(), Some(platform_id.to_owned()));
        let publications: Vec<Publication> =
            self.state.publications.all(&key).into_iter().map(|(_, row)| row).collect();
        let Target::Listing { platform, account, .. } = target else {
            return SamePlatformId { publications, listings: Vec::new() };
        };
        let held = [platform_id.to_owned(), qualified_id(account, platform_id)];
        let rows = held.into_iter().filter_map(|held| self.state.listings.find(&ListingKey::At(*platform, held)));
        let mut files: BTreeSet<FileId> = rows.map(|(_, row)| row.file_id).collect();
        files.extend(publications.iter().map(|publication| publication.file_id));
        let of_file = |file_id| self.state.listings.all(&ListingKey::File(file_id));
        let listings = files.into_iter().flat_map(of_file).map(|(_, row)| row).collect();
        SamePlatformId { publications, listings }
    }

    fn put_publication(&mut self, publication: Publication) {
        if let Some((number, _)) = self.state.publications.find(&PublicationKey::Id(publication.id)) {
            self.state.publications.update(number, publication);
        }
    }

    fn reserve_again(&mut self, mut released: Publication, request: &ReserveRequest) -> Publication {
        released.target = request.target.clone();
        released.state = PublicationState::Reserved;
        released.token = request.token;
        released.held_until = truncate_to_micros(request.held_until);
        released.held_since = Some(truncate_to_micros(request.at));
        released.calls = released.calls.saturating_add(1);
        released.updated_at = truncate_to_micros(request.at);
        self.put_publication(released.clone());
        released
    }

    fn reserve_new(&mut self, request: &ReserveRequest, client_key: IdempotencyKey) -> Result<Publication, StoreError> {
        if self.state.publications.find(&PublicationKey::Id(request.id)).is_some() {
            return Err(taken(format!("publication {}", request.id)));
        }
        if self.state.files.find(&FileKey::Id(request.file_id)).is_none() {
            return Err(missing(format!("publication {} of file {}", request.id, request.file_id)));
        }
        let at = truncate_to_micros(request.at);
        let publication = with!(
            Publication::new(
                request.id,
                request.file_id,
                request.target.clone(),
                client_key,
                PublicationState::Reserved,
                request.token,
                at,
            ),
            held_since: Some(at),
            held_until: truncate_to_micros(request.held_until),
        );
        self.state.publications.insert(publication.clone());
        Ok(publication)
    }

    /// Applies an event that needs the token: a release or a lost answer.
    fn give_up(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        event: PublicationEvent,
        note: impl FnOnce(&mut Publication),
    ) -> Result<FencedResult<()>, StoreError> {
        let Some((_, mut publication)) = self.state.publications.find(&PublicationKey::Id(*id)) else {
            return Ok(FencedResult::NotFound);
        };
        if publication.token != *token || publication.state == PublicationState::Confirmed {
            return Ok(FencedResult::LeaseLost);
        }
        let given_up = match event {
            PublicationEvent::AnswerLost => PublicationState::Unknown,
            _ => PublicationState::Released,
        };
        if publication.state == given_up {
            return Ok(FencedResult::AlreadyDone { at: Some(publication.updated_at) });
        }
        publication.state = publication.state.after(event)?;
        note(&mut publication);
        self.put_publication(publication);
        Ok(FencedResult::Done(()))
    }
}
