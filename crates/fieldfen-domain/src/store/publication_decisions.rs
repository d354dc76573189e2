//! The rules by which every store reserves, confirms and adopts.

use std::collections::BTreeSet;

use super::StoreError;
use crate::ids::FileId;
use crate::publication::{
    Adoption, Confirmation, ConfirmedRow, FileOnPlatforms, IdempotencyKey, Listing, ListingRowChoice, PlatformRow,
    Publication, PublicationEvent, PublicationState, ReserveRequest, SamePlatformId, SocialPost, Target,
};
use crate::time::{is_ahead, truncate_to_micros};

/// The decision of a store on a [`ReserveRequest`]. A number is a position in the publications of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveDecision {
    /// This publication is confirmed: nothing is written.
    Published(usize),
    /// Another caller holds this publication: nothing is written.
    Held(usize),
    /// This publication is taken over, and its caller looks it up.
    TakeOver(usize),
    /// These live rows belong to no publication: nothing is written.
    Untracked(Vec<PlatformRow>),
    /// This released publication is reserved again.
    Again(usize),
    /// A new publication is reserved with this key.
    New(IdempotencyKey),
}

/// The decision of a store on a [`Confirmation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmDecision {
    /// The publication was confirmed with the same id before: nothing is written.
    AlreadyDone,
    /// Another product or post is live for the target: nothing is written.
    Duplicate {
        /// The id of the other one at the platform; `None` if it is unknown.
        live: Option<String>,
    },
    /// Another target or file has this product: nothing is written.
    Taken {
        /// The file of the other one.
        file_id: FileId,
    },
    /// The publication is confirmed with this row of `listings`.
    Listing {
        /// The new row.
        row: Listing,
        /// Whether the row exists already.
        is_there: bool,
        /// The delisted listing of another file that has the row's text now, and gets
        /// [`given_up_id`](crate::publication::given_up_id).
        given_up_by: Option<Box<Listing>>,
    },
    /// The publication is confirmed with this row of `social_posts`.
    Post {
        /// The new row.
        row: SocialPost,
        /// Whether the row exists already.
        is_there: bool,
    },
}

/// The decision of a store on an [`Adoption`]. A number is a position in the publications of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdoptDecision {
    /// This publication of the target is live: nothing is written.
    Live(usize),
    /// This publication is confirmed as the product: nothing is written.
    Taken(Box<Publication>),
    /// The row may not be adopted: nothing is written.
    NotUntracked,
    /// The publication that has the row belongs to the target from now on: it is written with these values.
    Assigned(Box<Publication>),
    /// This publication, which had ended as the same product, is confirmed again.
    Ended(usize),
    /// This released publication is reserved again and confirmed.
    Again(usize),
    /// A new publication is reserved with this key and confirmed.
    New(IdempotencyKey),
}

impl FileOnPlatforms {
    /// Corrects the reservation of the live publication of a target, if it began [in the future](crate::is_ahead): it
    /// begins now. Returns the publication as the store must write it; `None` if nothing changes.
    pub fn restart_future_hold(&mut self, request: &ReserveRequest) -> Option<&Publication> {
        let (position, live) = self.live(&request.target)?;
        if live.state == PublicationState::Confirmed {
            return None;
        }
        let held_until = live.restarted_hold_end(request.at)?;
        let live = self.publications.get_mut(position)?;
        (live.held_since, live.held_until) = (Some(truncate_to_micros(request.at)), held_until);
        Some(live)
    }

    /// Decides about a request to reserve a target for the file.
    #[must_use]
    pub fn decide_reserve(&self, request: &ReserveRequest) -> ReserveDecision {
        let target = &request.target;
        if let Some((position, live)) = self.live(target) {
            return match live.state {
                PublicationState::Confirmed => ReserveDecision::Published(position),
                PublicationState::Reserved if live.is_held(request.at) => ReserveDecision::Held(position),
                _ => ReserveDecision::TakeOver(position),
            };
        }
        let untracked = self.untracked(target);
        if untracked.is_empty() { self.free(&request.file_id, target) } else { ReserveDecision::Untracked(untracked) }
    }

    /// Decides about the report that the product or post of one of the file's publications is at its platform.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the platform id is empty or the row does not fit the target,
    /// [`StoreError::PublicationTransition`] if the publication cannot be confirmed in its state.
    pub fn decide_confirm(
        &self,
        publication: &Publication,
        confirmation: &Confirmation,
        same: &SamePlatformId,
    ) -> Result<ConfirmDecision, StoreError> {
        let (target, platform_id) = (&publication.target, &confirmation.platform_id);
        confirmation.check(target)?;
        if publication.state == PublicationState::Confirmed {
            return Ok(match &publication.platform_id {
                Some(its) if its == platform_id => ConfirmDecision::AlreadyDone,
                live => ConfirmDecision::Duplicate { live: live.clone() },
            });
        }
        publication.state.after(PublicationEvent::Confirmed)?;
        if let Some((_, live)) = self.live(target).filter(|(_, live)| live.id != publication.id) {
            return Ok(ConfirmDecision::Duplicate { live: live.platform_id.clone() });
        }
        if let Some(other) = same.confirmed_publication(target, Some(publication.id)) {
            return Ok(ConfirmDecision::Taken { file_id: other.file_id });
        }
        let at = truncate_to_micros(confirmation.at);
        match (target, &confirmation.row) {
            (Target::Listing { platform, account, .. }, ConfirmedRow::Listing { id, status, platform_status }) => {
                let place = same.choose_row(&publication.file_id, *platform, account, platform_id);
                let (held, given_up_by) = match place {
                    ListingRowChoice::Row { held, given_up_by } => (held, given_up_by),
                    ListingRowChoice::Taken { file_id } => return Ok(ConfirmDecision::Taken { file_id }),
                };
                let known =
                    self.listings.iter().find(|row| row.platform == *platform && row.platform_listing_id == held);
                let event_at = truncate_to_micros(confirmation.event_at.min(confirmation.at));
                let mut row = Listing {
                    id: known.map_or(*id, |known| known.id),
                    file_id: publication.file_id,
                    platform: *platform,
                    platform_listing_id: held,
                    url: confirmation.url.clone(),
                    status: *status,
                    platform_status: platform_status.clone(),
                    status_event_at: Some(event_at),
                    created_at: known.map_or(Some(at), |known| known.created_at),
                    updated_at: Some(at),
                };
                let is_newer = |newer| newer > event_at && !is_ahead(newer, at);
                if let Some(newer) = known.filter(|known| known.status_event_at.is_some_and(is_newer)) {
                    (row.status, row.status_event_at) = (newer.status, newer.status_event_at);
                    row.platform_status.clone_from(&newer.platform_status);
                }
                Ok(ConfirmDecision::Listing { row, is_there: known.is_some(), given_up_by: given_up_by.map(Box::new) })
            }
            (Target::Post { platform, post_type, .. }, ConfirmedRow::Post { id }) => {
                let is_its = |post: &&SocialPost| {
                    post.platform == *platform && post.platform_post_id.as_ref() == Some(platform_id)
                };
                let known = self.posts.iter().find(is_its);
                let row = SocialPost {
                    id: known.map_or(*id, |known| known.id),
                    file_id: publication.file_id,
                    platform: *platform,
                    post_type: known.map_or(*post_type, |known| known.post_type),
                    platform_post_id: Some(platform_id.clone()),
                    url: confirmation.url.clone().or_else(|| known?.url.clone()),
                    posted_at: known.map_or(Some(at), |known| known.posted_at),
                    gone_at: None,
                };
                Ok(ConfirmDecision::Post { row, is_there: known.is_some() })
            }
            _ => Err(confirmation.not_for(target)),
        }
    }

    /// Decides about a request to adopt a row of the file.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the row has another id than the confirmation.
    pub fn decide_adopt(&self, adoption: &Adoption, same: &SamePlatformId) -> Result<AdoptDecision, StoreError> {
        let (request, target) = (&adoption.request, &adoption.request.target);
        let row = self.untracked(target).into_iter().find(|row| row.id() == adoption.row);
        let open = row.as_ref().and_then(|row| self.open_publication_of(row));
        if let Some((position, _)) = self.live(target).filter(|(_, live)| Some(live.id) != open.map(|open| open.id)) {
            return Ok(AdoptDecision::Live(position));
        }
        let Some(row) = row else { return Ok(AdoptDecision::NotUntracked) };
        let platform_id = &adoption.confirmation.platform_id;
        if !row.may_be(target.account(), platform_id) {
            let rule = "it must be the id that the row has";
            return Err(StoreError::Invalid { what: "platform id", value: platform_id.clone(), rule });
        }
        if let Some(other) = same.confirmed_publication(target, open.map(|open| open.id)) {
            return Ok(AdoptDecision::Taken(Box::new(other.clone())));
        }
        if let Some(open) = open {
            return Ok(AdoptDecision::Assigned(Box::new(self.assigned(open, adoption))));
        }
        if let (PlatformRow::Listing(listing), Target::Listing { platform, account, .. }) = (&row, target)
            && !matches!(same.choose_row(&request.file_id, *platform, account, platform_id),
                ListingRowChoice::Row { held, .. } if held == listing.platform_listing_id)
        {
            return Ok(AdoptDecision::NotUntracked);
        }
        let had_it = |(_, other): &(usize, &Publication)| {
            other.state == PublicationState::Ended && other.platform_id.as_ref() == Some(platform_id)
        };
        if let Some((position, _)) = self.of_target(target).rev().find(had_it) {
            return Ok(AdoptDecision::Ended(position));
        }
        Ok(match (self.free(&request.file_id, target), &adoption.client_key) {
            (ReserveDecision::Again(position), key)
                if key.as_ref().is_none_or(|key| self.publications[position].client_key == *key) =>
            {
                AdoptDecision::Again(position)
            }
            (_, Some(key)) => AdoptDecision::New(key.clone()),
            (ReserveDecision::New(key), None) => AdoptDecision::New(key),
            (_, None) => AdoptDecision::NotUntracked,
        })
    }

    /// The publication with an open target, after somebody has said that this target is its own.
    fn assigned(&self, open: &Publication, adoption: &Adoption) -> Publication {
        let target = &adoption.request.target;
        let mut next = open.clone();
        let key = if open.target.is_same_place(target) {
            open.client_key.clone()
        } else {
            let known: BTreeSet<&IdempotencyKey> = self.publications.iter().map(|its| &its.client_key).collect();
            self.unused_key(&open.file_id, target, &known)
        };
        next.client_key = adoption.client_key.clone().unwrap_or(key);
        let post_type = match (target, &open.target) {
            (Target::Post { post_type, .. }, Target::Post { post_type: its, .. }) => post_type.or(*its),
            _ => None,
        };
        next.target = target.clone().with_post_type(post_type);
        next.platform_id = Some(adoption.confirmation.platform_id.clone());
        next.parked_for = None;
        next.updated_at = truncate_to_micros(adoption.confirmation.at);
        next
    }

    /// The live publication of a target.
    fn live(&self, target: &Target) -> Option<(usize, &Publication)> {
        self.of_target(target).find(|(_, other)| other.state.is_live())
    }

    fn of_target(&self, target: &Target) -> impl DoubleEndedIterator<Item = (usize, &Publication)> {
        let all = self.publications.iter().enumerate();
        all.filter(move |(_, other)| other.target.is_same_place(target))
    }

    /// Decides how a free target is reserved. The last released row is reserved again, so that refused calls leave
    /// one row, unless its key belongs to a publication that has ended.
    fn free(&self, file_id: &FileId, target: &Target) -> ReserveDecision {
        let ended = || self.of_target(target).filter(|(_, other)| other.state == PublicationState::Ended);
        let over: BTreeSet<&IdempotencyKey> = ended().map(|(_, other)| &other.client_key).collect();
        let released = self
            .of_target(target)
            .rev()
            .find(|(_, other)| other.state == PublicationState::Released && !over.contains(&other.client_key));
        if let Some((position, _)) = released {
            return ReserveDecision::Again(position);
        }
        ReserveDecision::New(self.unused_key(file_id, target, &over))
    }

    /// The first key of a target that is none of these, after those of its ended publications.
    fn unused_key(&self, file_id: &FileId, target: &Target, but: &BTreeSet<&IdempotencyKey>) -> IdempotencyKey {
        let ended = self.of_target(target).filter(|(_, other)| other.state == PublicationState::Ended).count();
        // Ended publications are pruned after some time; the delisted rows remain.
        let delisted = match target {
            Target::Listing { platform, .. } => {
                self.listings.iter().filter(|row| row.platform == *platform && !row.status.is_live()).count()
            }
            Target::Post { .. } => 0,
        };
        let first = u32::try_from(ended.max(delisted)).unwrap_or(u32::MAX);
        let mut keys = (first..=u32::MAX).map(|number| IdempotencyKey::derive(file_id, target, number));
        let free = keys.find(|key| !but.contains(key));
        free.unwrap_or_else(|| IdempotencyKey::derive(file_id, target, u32::MAX))
    }
}
