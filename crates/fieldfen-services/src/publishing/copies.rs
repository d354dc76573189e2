//! Several products under one key: which of them stays.
//!
//! The one that is confirmed stays if the platform has it, and the others with its key are taken down. If it is gone, the
//! oldest of the others takes its place. What has another key, or none, is neither taken down nor taken over. If a product
//! with the key of another publication has the id of the one that is confirmed, that one is gone.

use fieldfen_domain::publication::{
    ListingStatus, ListingUpdate, ListingUpdateOutcome, Publication, PublicationState, Target,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use super::channels::{Shelf, take_down};
use super::error::PublishError;
use super::found::Found;
use super::news::{listing_news, take_news};
use super::platforms::CallError;
use super::publisher::Publisher;
use super::reservation::Settled;
use crate::settled::write_once;

/// What a platform has of a confirmed publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// What is confirmed is there.
    There,
    /// A copy has taken its place.
    Adopted {
        /// The copy's id at the platform.
        platform_id: String,
    },
    /// Neither what is confirmed nor anything with its key is there.
    Absent,
    /// The platform cannot be asked, the publication has changed meanwhile, or it was confirmed so recently that the
    /// platform may not show it yet.
    Unclear,
}

/// What became of a publication whose product another one turns out to have.
pub(super) enum Former {
    /// It has ended: its product is gone.
    Ended,
    /// It is there, or cannot be looked up.
    Stays,
    /// It was confirmed so recently that a lookup may not show its product yet.
    Recent {
        /// From then on a lookup counts.
        until: Timestamp,
    },
}

/// What became of the products of a confirmed publication.
pub(super) struct KeptOne {
    pub(super) kept: Kept,
    /// How many were taken down.
    pub(super) taken_down: u64,
    /// Those that could not be taken down, each with what the platform said.
    pub(super) stays: Vec<PublishError>,
}

impl KeptOne {
    const fn untouched(kept: Kept) -> Self {
        Self { kept, taken_down: 0, stays: Vec::new() }
    }

    /// What the platform has, if nothing stays that must not.
    pub(super) fn whole(mut self) -> Result<Kept, PublishError> {
        match self.stays.pop() {
            Some(error) => Err(error),
            None => Ok(self.kept),
        }
    }
}

impl<S: Store> Publisher<S> {
    /// Looks a confirmed publication up, and sees to it that one product stays.
    ///
    /// `known` is there by the platform's own answer to a call, though a lookup may not show it yet.
    pub(super) fn keep_one(
        &self,
        shelf: &dyn Shelf,
        publication: &Publication,
        known: Option<&Found>,
    ) -> Result<KeptOne, PublishError> {
        let Some(stays) = &publication.platform_id else { return Ok(KeptOne::untouched(Kept::Unclear)) };
        let asked_at = self.environment().now();
        // Products that people have given one SKU are no copies of each other.
        let is_derived = publication.client_key.is_derived();
        let mut there = match if is_derived { shelf.find(&publication.client_key) } else { Ok(Vec::new()) } {
            Ok(there) => self.sift(publication, there)?.own,
            // A network that cannot be asked has what it has said that it has.
            Err(CallError::Refused { .. }) if known.is_none() => return Ok(KeptOne::untouched(Kept::Unclear)),
            Err(CallError::Refused { .. }) => Vec::new(),
            Err(source) => return Err(PublishError::Lookup { key: publication.client_key.to_string(), source }),
        };
        if let Some(known) = known
            && there.iter().all(|found| found.platform_id != known.platform_id)
            && !self.is_anothers(publication, &known.platform_id)?
        {
            there.push(known.clone());
        }
        let mut says_gone = false;
        let is_there = there.iter().any(|found| found.platform_id == *stays)
            || match shelf.lookup(stays) {
                Ok(Some(found)) => {
                    let is_anothers = self.has_key_of_another(publication, &found)?;
                    says_gone = !found.is_live() && !is_anothers;
                    found.is_live() && !is_anothers
                }
                Ok(None) => false,
                Err(CallError::Refused { .. }) => return Ok(KeptOne::untouched(Kept::Unclear)),
                Err(source) => return Err(PublishError::Lookup { key: stays.clone(), source }),
            };
        if is_there {
            return Ok(take_down_copies(shelf, Kept::There, stays, &there));
        }
        if !says_gone && self.hidden_until(publication).is_some() {
            return Ok(KeptOne::untouched(Kept::Unclear));
        }
        let Some(oldest) = there.first() else { return Ok(KeptOne::untouched(Kept::Absent)) };
        let oldest = Found { as_of: oldest.as_of.or(Some(asked_at)), ..oldest.clone() };
        let adopted = write_once(self.store(), |s, before| {
            let current = s.publications().find(&publication.id)?;
            let platform_id = current.and_then(|current| current.platform_id);
            if before == Some(&true) && platform_id.as_ref() == Some(&oldest.platform_id) {
                return Ok(None);
            }
            self.adopt(s, publication, &oldest, asked_at).map(Some)
        })?;
        if !adopted {
            return Ok(KeptOne::untouched(Kept::Unclear));
        }
        let platform_id = oldest.platform_id;
        Ok(take_down_copies(shelf, Kept::Adopted { platform_id: platform_id.clone() }, &platform_id, &there))
    }

    /// Ends a confirmed listing whose id a product of another publication has, unless its own key leads to a product.
    pub(super) fn give_up_id(&self, shelf: &dyn Shelf, publication: &Publication) -> Result<Kept, PublishError> {
        let kept = self.keep_one(shelf, publication, None)?.whole()?;
        if kept == Kept::Absent
            && let (Target::Listing { platform, account, .. }, Some(id)) =
                (&publication.target, &publication.platform_id)
        {
            let at = self.environment().now();
            let news = ListingUpdate::new(ListingStatus::Delisted, at, at);
            take_news(self.store(), |t| listing_news(t, *platform, account, id, &news))?;
        }
        Ok(kept)
    }

    /// Ends the publication that is confirmed as the product of this one, if the platform has nothing of it any more.
    pub(super) fn end_former(
        &self,
        shelf: &dyn Shelf,
        publication: &Publication,
        file_id: &FileId,
        platform_id: &str,
    ) -> Result<Former, PublishError> {
        let target = &publication.target;
        let is_former = |other: &Publication| {
            other.id != publication.id
                && other.state == PublicationState::Confirmed
                && other.platform_id.as_deref() == Some(platform_id)
                && (other.target.channel(), other.target.platform()) == (target.channel(), target.platform())
                && other.target.account() == target.account()
        };
        let all = self.store().read(|s| s.publications().list_by_file(file_id))?;
        let Some(former) = all.into_iter().find(is_former) else { return Ok(Former::Stays) };
        Ok(match self.give_up_id(shelf, &former)? {
            Kept::Absent | Kept::Adopted { .. } => Former::Ended,
            Kept::Unclear if let Some(until) = self.hidden_until(&former) => Former::Recent { until },
            Kept::There | Kept::Unclear => Former::Stays,
        })
    }

    /// The publication that is confirmed at a target of a file.
    pub(super) fn confirmed_at(&self, publication: &Publication) -> Result<Option<Publication>, StoreError> {
        let all = self.store().read(|s| s.publications().list_by_file(&publication.file_id))?;
        Ok(all.into_iter().find(|other| {
            other.state == PublicationState::Confirmed && other.target.is_same_place(&publication.target)
        }))
    }

    /// Lets a copy take the place of a listing that is gone; `false` when the publication has changed, or newer news
    /// says that the listing is there.
    fn adopt(
        &self,
        s: &mut dyn Session,
        publication: &Publication,
        copy: &Found,
        asked_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Target::Listing { platform, account, .. } = &publication.target else { return Ok(false) };
        let current = s.publications().find(&publication.id)?;
        let (Some(gone), Some(current)) = (&publication.platform_id, current) else { return Ok(false) };
        if current.state != PublicationState::Confirmed || current.platform_id != publication.platform_id {
            return Ok(false);
        }
        let Some(listing) = s.listings().find_by_platform_id(*platform, account, gone)? else { return Ok(false) };
        let status = ListingStatus::Delisted;
        let news = ListingUpdate::new(status, asked_at, self.environment().now());
        if s.listings().update(&listing.id, &news)? != ListingUpdateOutcome::Done {
            return Ok(false);
        }
        Ok(self.confirm_in(s, publication, None, copy)? == Settled::Done)
    }
}

/// Takes down all but the one that stays. One that cannot be taken down does not keep the others.
fn take_down_copies(shelf: &dyn Shelf, kept: Kept, stays: &str, there: &[Found]) -> KeptOne {
    let mut result = KeptOne::untouched(kept);
    for copy in there.iter().filter(|found| found.platform_id != stays) {
        let platform_id = copy.platform_id.clone();
        match take_down(shelf, copy) {
            Ok(()) => result.taken_down += 1,
            Err(source) => result.stays.push(PublishError::Stays { platform_id, source }),
        }
    }
    result
}
