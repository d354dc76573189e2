//! Decides which of several products under one key stays.
//!
//! The confirmed product stays if the platform has it, and the others with its key are taken down. If the confirmed
//! product is gone, the oldest of the others replaces it. A product with another key, or with none, is neither taken
//! down nor adopted. If the id of the confirmed product now belongs to a product with the key of another publication,
//! the confirmed product is gone.

use fieldfen_domain::publication::{
    ListingStatus, ListingUpdate, ListingUpdateOutcome, Publication, PublicationState, Target,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use super::call_error::CallError;
use super::confirmation::{ReservationConfirmOutcome, confirm};
use super::error::PublishError;
use super::lookup_lag::LookupLag;
use super::ownership::{has_key_of_another, is_anothers, sort_by_owner};
use super::publisher::Publisher;
use super::remote_catalogue::{RemoteCatalogue, take_down};
use super::remote_item::RemoteItem;
use super::status_update::{apply_status_update, write_status_update};
use crate::write_retry::write_once;

/// The state of a confirmed publication at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DedupOutcome {
    /// The platform has the confirmed product.
    StillThere,
    /// The confirmed product is gone, and a duplicate has replaced it.
    Replaced {
        /// The id of the duplicate at the platform.
        platform_id: String,
    },
    /// The platform has neither the confirmed product nor another one with its key.
    Missing,
    /// The platform cannot be asked, the publication has changed meanwhile, or it was confirmed so recently that the
    /// platform may not show it yet.
    Unclear,
}

/// The state of a publication whose product was found to belong to another publication.
pub(super) enum FormerOwner {
    /// The publication has ended: its product is gone.
    Ended,
    /// Its product is at the platform, or cannot be looked up.
    StillThere,
    /// It was confirmed so recently that a lookup may not show its product yet.
    Recent {
        /// The time from which a lookup is reliable.
        until: Timestamp,
    },
}

/// The result for the products of a confirmed publication.
pub(super) struct DedupReport {
    pub(super) outcome: DedupOutcome,
    /// The number of products that were taken down.
    pub(super) taken_down: u64,
    /// The error of each product that could not be taken down.
    pub(super) failed: Vec<PublishError>,
}

impl DedupReport {
    const fn nothing_done(outcome: DedupOutcome) -> Self {
        Self { outcome, taken_down: 0, failed: Vec::new() }
    }

    /// The state at the platform, or the first error if a duplicate could not be taken down.
    pub(super) fn all_taken_down(mut self) -> Result<DedupOutcome, PublishError> {
        match self.failed.pop() {
            Some(error) => Err(error),
            None => Ok(self.outcome),
        }
    }
}

/// Finds and takes down duplicates at one account.
pub(super) struct Duplicates<'a, S: Store> {
    publisher: &'a Publisher<S>,
    catalogue: &'a dyn RemoteCatalogue,
}

impl<'a, S: Store> Duplicates<'a, S> {
    pub(super) const fn new(publisher: &'a Publisher<S>, catalogue: &'a dyn RemoteCatalogue) -> Self {
        Self { publisher, catalogue }
    }

    /// Looks up a confirmed publication and ensures that one product remains.
    ///
    /// `known` is at the platform by the platform's own answer to a call, though a lookup may not show it yet.
    pub(super) fn keep_single(
        &self,
        publication: &Publication,
        known: Option<&RemoteItem>,
    ) -> Result<DedupReport, PublishError> {
        let unclear = DedupReport::nothing_done(DedupOutcome::Unclear);
        let (store, catalogue) = (self.publisher.store(), self.catalogue);
        let Some(confirmed_id) = &publication.platform_id else { return Ok(unclear) };
        let asked_at = self.publisher.environment().now();
        // Products to which people have given one SKU are not duplicates of each other.
        let is_derived = publication.client_key.is_derived();
        let mut there = match if is_derived { catalogue.find(&publication.client_key) } else { Ok(Vec::new()) } {
            Ok(there) => sort_by_owner(store, publication, there)?.own,
            // If a network cannot be asked, its answer to the call counts.
            Err(CallError::Refused { .. }) if known.is_none() => return Ok(unclear),
            Err(CallError::Refused { .. }) => Vec::new(),
            Err(source) => return Err(PublishError::Lookup { key: publication.client_key.to_string(), source }),
        };
        if let Some(known) = known
            && there.iter().all(|item| item.platform_id != known.platform_id)
            && !is_anothers(store, publication, &known.platform_id)?
        {
            there.push(known.clone());
        }
        let mut says_gone = false;
        let is_there = there.iter().any(|item| item.platform_id == *confirmed_id)
            || match catalogue.lookup(confirmed_id) {
                Ok(Some(item)) => {
                    let is_anothers = has_key_of_another(store, publication, &item)?;
                    says_gone = !item.is_live() && !is_anothers;
                    item.is_live() && !is_anothers
                }
                Ok(None) => false,
                Err(CallError::Refused { .. }) => return Ok(unclear),
                Err(source) => return Err(PublishError::Lookup { key: confirmed_id.clone(), source }),
            };
        if is_there {
            return Ok(self.take_down_others(DedupOutcome::StillThere, confirmed_id, &there));
        }
        if !says_gone && LookupLag::of(self.publisher).hides_publication(publication).is_some() {
            return Ok(unclear);
        }
        let Some(oldest) = there.first() else { return Ok(DedupReport::nothing_done(DedupOutcome::Missing)) };
        let oldest = RemoteItem { as_of: oldest.as_of.or(Some(asked_at)), ..oldest.clone() };
        let replaced = write_once(store, |s, before| {
            let current = s.publications().find(&publication.id)?;
            let platform_id = current.and_then(|current| current.platform_id);
            if before == Some(&true) && platform_id.as_ref() == Some(&oldest.platform_id) {
                return Ok(None);
            }
            self.replace(s, publication, &oldest, asked_at).map(Some)
        })?;
        if !replaced {
            return Ok(unclear);
        }
        let platform_id = oldest.platform_id;
        let outcome = DedupOutcome::Replaced { platform_id: platform_id.clone() };
        Ok(self.take_down_others(outcome, &platform_id, &there))
    }

    /// Ends a confirmed listing whose id now belongs to a product of another publication, unless its own key leads to a
    /// product.
    pub(super) fn give_up_id(&self, publication: &Publication) -> Result<DedupOutcome, PublishError> {
        let outcome = self.keep_single(publication, None)?.all_taken_down()?;
        if outcome == DedupOutcome::Missing
            && let (Target::Listing { platform, account, .. }, Some(id)) =
                (&publication.target, &publication.platform_id)
        {
            let at = self.publisher.environment().now();
            let update = ListingUpdate::new(ListingStatus::Delisted, at, at);
            write_status_update(self.publisher.store(), |t| apply_status_update(t, *platform, account, id, &update))?;
        }
        Ok(outcome)
    }

    /// Ends the publication that is confirmed as the product of this one, if the platform has no product of it any
    /// more.
    pub(super) fn end_former_owner(
        &self,
        publication: &Publication,
        file_id: &FileId,
        platform_id: &str,
    ) -> Result<FormerOwner, PublishError> {
        let target = &publication.target;
        let is_former = |other: &Publication| {
            other.id != publication.id
                && other.state == PublicationState::Confirmed
                && other.platform_id.as_deref() == Some(platform_id)
                && (other.target.channel(), other.target.platform()) == (target.channel(), target.platform())
                && other.target.account() == target.account()
        };
        let all = self.publisher.store().read(|s| s.publications().list_by_file(file_id))?;
        let Some(former) = all.into_iter().find(is_former) else { return Ok(FormerOwner::StillThere) };
        let outcome = self.give_up_id(&former)?;
        let lag = LookupLag::of(self.publisher);
        Ok(match outcome {
            DedupOutcome::Missing | DedupOutcome::Replaced { .. } => FormerOwner::Ended,
            DedupOutcome::Unclear if let Some(until) = lag.hides_publication(&former) => FormerOwner::Recent { until },
            DedupOutcome::StillThere | DedupOutcome::Unclear => FormerOwner::StillThere,
        })
    }

    /// The publication that is confirmed at the target of another publication of its file.
    pub(super) fn confirmed_at(&self, publication: &Publication) -> Result<Option<Publication>, StoreError> {
        let all = self.publisher.store().read(|s| s.publications().list_by_file(&publication.file_id))?;
        Ok(all.into_iter().find(|other| {
            other.state == PublicationState::Confirmed && other.target.is_same_place(&publication.target)
        }))
    }

    /// Replaces a missing listing with a duplicate. Returns `false` if the publication has changed, or if a newer
    /// status update reports the listing as live.
    fn replace(
        &self,
        s: &mut dyn Session,
        publication: &Publication,
        duplicate: &RemoteItem,
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
        let update = ListingUpdate::new(status, asked_at, self.publisher.environment().now());
        if s.listings().update(&listing.id, &update)? != ListingUpdateOutcome::Done {
            return Ok(false);
        }
        let confirmed = confirm(self.publisher.pipeline(), s, publication, None, duplicate)?;
        Ok(confirmed == ReservationConfirmOutcome::Confirmed)
    }

    /// Takes down all products except `stays`. A failure at one product does not stop the others.
    fn take_down_others(&self, outcome: DedupOutcome, stays: &str, there: &[RemoteItem]) -> DedupReport {
        let mut report = DedupReport::nothing_done(outcome);
        for duplicate in there.iter().filter(|item| item.platform_id != stays) {
            let platform_id = duplicate.platform_id.clone();
            match take_down(self.catalogue, duplicate) {
                Ok(()) => report.taken_down += 1,
                Err(source) => report.failed.push(PublishError::NotTakenDown { platform_id, source }),
            }
        }
        report
    }
}
