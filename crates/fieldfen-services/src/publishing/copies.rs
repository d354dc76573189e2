//! Several products under one key: which of them stays.
//!
//! The one that is confirmed stays if the platform has it, and the others are taken down. If it is gone, the oldest of
//! the others takes its place. What another publication of the file is confirmed as belongs to that one, and is neither
//! taken down nor taken over; what may be another post, whose answer has not come yet, is taken for neither.

use std::collections::BTreeSet;

use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::{
    ListingStatus, ListingUpdate, ListingUpdated, Publication, PublicationState, Target,
};
use fieldfen_domain::store::{Session, Store, StoreError};

use super::channels::Shelf;
use super::error::PublishError;
use super::found::Found;
use super::platforms::CallError;
use super::publisher::Publisher;
use super::reservation::Settled;
use crate::pipeline::same_place;

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
    /// Nothing with its key is there.
    Absent,
    /// The platform cannot be asked, or the publication has changed meanwhile.
    Unclear,
}

impl<S: Store> Publisher<S> {
    /// Looks a confirmed publication up, and sees to it that one product stays; says too how many were taken down.
    ///
    /// `known` is there by the platform's own answer, though a lookup may not show it yet.
    pub(super) fn keep_one(
        &self,
        shelf: &dyn Shelf,
        publication: &Publication,
        known: Option<&Found>,
    ) -> Result<(Kept, u64), PublishError> {
        let asked_at = self.environment().now();
        let there = match shelf.find(&publication.client_key) {
            Ok(there) => there,
            // A network that cannot be asked has what it has said that it has.
            Err(CallError::Refused { .. }) if known.is_none() => return Ok((Kept::Unclear, 0)),
            Err(CallError::Refused { .. }) => Vec::new(),
            Err(source) => return Err(PublishError::Lookup { key: publication.client_key.to_string(), source }),
        };
        let mut there = self.own(publication, there)?;
        if let Some(known) = known
            && there.iter().all(|found| found.platform_id != known.platform_id)
        {
            there.push(known.clone());
        }
        let Some(stays) = &publication.platform_id else { return Ok((Kept::Unclear, 0)) };
        if there.iter().any(|found| found.platform_id == *stays) {
            return Ok((Kept::There, self.take_down_copies(shelf, publication, stays, &there)?));
        }
        let Some(oldest) = there.first() else { return Ok((Kept::Absent, 0)) };
        let oldest = Found { as_of: oldest.as_of.or(Some(asked_at)), ..oldest.clone() };
        if !self.store().write(|s| self.adopt(s, publication, &oldest, asked_at))? {
            return Ok((Kept::Unclear, 0));
        }
        let taken_down = self.take_down_copies(shelf, publication, &oldest.platform_id, &there)?;
        Ok((Kept::Adopted { platform_id: oldest.platform_id }, taken_down))
    }

    /// Leaves out what another publication of the same file is confirmed as: a network without a place for keys is
    /// searched for the post itself, and finds a deliberate repost too.
    pub(super) fn own(&self, publication: &Publication, mut found: Vec<Found>) -> Result<Vec<Found>, StoreError> {
        let others = self.beside(publication)?;
        let theirs: BTreeSet<&str> = others
            .iter()
            .filter(|other| other.state == PublicationState::Confirmed)
            .filter_map(|other| other.platform_id.as_deref())
            .collect();
        found.retain(|found| !theirs.contains(found.platform_id.as_str()));
        Ok(found)
    }

    /// The publication that is confirmed at a target of a file.
    pub(super) fn confirmed_at(&self, publication: &Publication) -> Result<Option<Publication>, StoreError> {
        let all = self.store().read(|s| s.publications().of_file(&publication.file_id))?;
        Ok(all
            .into_iter()
            .find(|other| other.state == PublicationState::Confirmed && same_place(&other.target, &publication.target)))
    }

    fn take_down_copies(
        &self,
        shelf: &dyn Shelf,
        publication: &Publication,
        stays: &str,
        there: &[Found],
    ) -> Result<u64, PublishError> {
        let copies: Vec<_> = there.iter().filter(|found| found.platform_id != stays).collect();
        // What looks like a second post may be the repost whose answer has not come yet.
        if copies.is_empty()
            || (matches!(publication.target, Target::Post { .. }) && self.repost_is_open(publication)?)
        {
            return Ok(0);
        }
        for copy in &copies {
            let platform_id = copy.platform_id.clone();
            shelf.withdraw(&platform_id).map_err(|source| PublishError::Stays { platform_id, source })?;
        }
        Ok(copies.len() as u64)
    }

    /// Whether posts that were found may be those of another publication of the file whose answer has not come yet.
    ///
    /// A network that looks posts up by their keys tells them apart; one without a place for keys finds the same ones
    /// under either key.
    pub(super) fn may_be_anothers(
        &self,
        shelf: &dyn Shelf,
        publication: &Publication,
        found: &[Found],
    ) -> Result<bool, StoreError> {
        // A product always has its key.
        if matches!(publication.target, Target::Listing { .. }) {
            return Ok(false);
        }
        let is_found = |id: &str| found.iter().any(|found| found.platform_id == id);
        Ok(self.beside(publication)?.iter().any(|other| match other.state {
            PublicationState::Reserved | PublicationState::Unknown => match shelf.find(&other.client_key) {
                Ok(theirs) => theirs.iter().any(|theirs| is_found(&theirs.platform_id)),
                Err(_) => true,
            },
            // Its answer has come since it was left out of what was found.
            PublicationState::Confirmed => other.platform_id.as_deref().is_some_and(is_found),
            PublicationState::Released | PublicationState::Ended => false,
        }))
    }

    fn repost_is_open(&self, publication: &Publication) -> Result<bool, StoreError> {
        let is_open = |state| matches!(state, PublicationState::Reserved | PublicationState::Unknown);
        Ok(self.beside(publication)?.iter().any(|other| is_open(other.state)))
    }

    /// The other publications of the same file and account.
    fn beside(&self, publication: &Publication) -> Result<Vec<Publication>, StoreError> {
        let account = |target: &Target| (target.channel(), target.platform(), target.account().to_owned());
        let its = account(&publication.target);
        let mut all = self.store().read(|s| s.publications().of_file(&publication.file_id))?;
        all.retain(|other| other.id != publication.id && account(&other.target) == its);
        Ok(all)
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
        let Target::Listing { platform, .. } = publication.target else { return Ok(false) };
        let current = s.publications().find(&publication.id)?;
        let (Some(gone), Some(current)) = (&publication.platform_id, current) else { return Ok(false) };
        if current.state != PublicationState::Confirmed || current.platform_id != publication.platform_id {
            return Ok(false);
        }
        let Some(listing) = s.publications().listing_at(platform, gone)? else { return Ok(false) };
        let status = ListingStatus::Delisted;
        let news = ListingUpdate { status, platform_status: None, event_at: asked_at, at: self.environment().now() };
        if s.listings().update(&listing.id, &news)? != ListingUpdated::Done {
            return Ok(false);
        }
        Ok(self.confirm_in(s, publication, None, copy)? == Settled::Done)
    }
}
