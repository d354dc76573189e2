//! Repairs the differences that a reconciliation has found.
//!
//! A list of products may be incomplete or old: a product was added between two pages, or a search index lags. No
//! listing is therefore delisted, confirmed or taken down before its product was looked up by key or id. A failure at
//! one product is reported and does not stop the repair of the others.

use fieldfen_domain::publication::{
    Listing, ListingStatus, ListingUpdate, PlatformRow, Publication, PublicationState, publication_of,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Timestamp, with_causes};

use super::report::{ReconcileReport, StatusMismatch, UnconfirmedProduct};
use crate::publishing::adoption::give_up_row;
use crate::publishing::call_error::CallError;
use crate::publishing::confirmation::{ReservationConfirmOutcome, confirm_unattended};
use crate::publishing::duplicates::{DedupOutcome, Duplicates};
use crate::publishing::error::PublishError;
use crate::publishing::lookup_lag::LookupLag;
use crate::publishing::ownership::{all_of_file, has_key_of_another, sort_by_owner};
use crate::publishing::publisher::Publisher;
use crate::publishing::remote_catalogue::{ListingCatalogue, RemoteCatalogue as _, take_down};
use crate::publishing::remote_item::{RemoteItem, RemoteItemKind};
use crate::publishing::status_update::{StatusUpdateOutcome, apply_status_update, write_status_update};
use crate::publishing::unknown_key::unknown_key;
use crate::publishing::untracked_rows::UntrackedRows;
use crate::write_retry::write;

/// The number of repairs by [`Publisher::repair`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RepairReport {
    /// The number of listings that were delisted.
    pub delisted: u64,
    /// The number of listings that got the platform's status.
    pub updated: u64,
    /// The number of publications that were confirmed.
    pub confirmed: u64,
    /// The number of products that were taken down.
    pub taken_down: u64,
    /// The repairs that failed. Another reconciliation finds their differences again.
    pub failed: Vec<FailedRepair>,
}

/// A product that could not be repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedRepair {
    /// Its id at the platform.
    pub platform_id: String,
    /// The error with its causes, as one text.
    pub reason: String,
    /// The time from which the platform accepts calls again; `None` if it named none.
    pub until: Option<Timestamp>,
}

impl RepairReport {
    fn add_failure(&mut self, platform_id: &str, error: &PublishError) {
        let until = match error.call() {
            Some(CallError::Throttled { until, .. }) => Some(*until),
            _ => None,
        };
        // The error of a product that was not taken down has the product's id.
        let platform_id =
            if let PublishError::NotTakenDown { platform_id, .. } = error { platform_id } else { platform_id };
        self.failed.push(FailedRepair { platform_id: platform_id.to_owned(), reason: with_causes(error), until });
    }

    fn add_step(&mut self, platform_id: &str, step: Result<(), PublishError>) {
        if let Err(error) = step {
            self.add_failure(platform_id, &error);
        }
    }
}

impl<S: Store> Publisher<S> {
    /// Repairs the differences in a report that a lookup confirms. A missing listing is delisted or replaced by a
    /// duplicate, a listing gets the platform's status, an unconfirmed product is confirmed, and a duplicate is taken
    /// down. Orphaned products and products that another program has listed are not changed, because their owner is
    /// unknown.
    ///
    /// # Errors
    /// [`PublishError::NotConfigured`] if the publisher does not have the account. Failures at single products are part
    /// of the result.
    pub fn repair(&self, found: &ReconcileReport) -> Result<RepairReport, PublishError> {
        let catalogue = ListingCatalogue(self.marketplace_of(found.platform, &found.account)?);
        let mut repair = Repair { publisher: self, catalogue: &catalogue, found, report: RepairReport::default() };
        for listing in &found.missing {
            let step = repair.missing(listing);
            repair.report.add_step(&listing.platform_listing_id, step);
        }
        for mismatch in &found.mismatched {
            let step = repair.mismatch(mismatch);
            repair.report.add_step(&mismatch.product.platform_id, step);
        }
        for unconfirmed in &found.unconfirmed {
            let step = repair.unconfirmed(unconfirmed);
            repair.report.add_step(&unconfirmed.product.platform_id, step);
        }
        for duplicate in &found.duplicates {
            let step = repair.keep_single(&duplicate.publication).map(drop);
            repair.report.add_step(&duplicate.product.platform_id, step);
        }
        Ok(repair.report)
    }
}

/// A repair in progress.
struct Repair<'a, S: Store> {
    publisher: &'a Publisher<S>,
    catalogue: &'a ListingCatalogue<'a>,
    found: &'a ReconcileReport,
    report: RepairReport,
}

impl<S: Store> Repair<'_, S> {
    fn missing(&mut self, listing: &Listing) -> Result<(), PublishError> {
        let publication = self.publication_of(listing)?;
        let (store, environment) = (self.publisher.store(), self.publisher.environment());
        let at = environment.now();
        let is_confirmed = publication.as_ref().is_some_and(|its| its.state == PublicationState::Confirmed);
        let lag = LookupLag::of(self.publisher);
        if !is_confirmed && lag.hides_listing(listing, publication.as_ref()).is_some() {
            return Ok(());
        }
        let Some(its) = publication else {
            let untracked = UntrackedRows::new(self.publisher, &listing.file_id);
            if untracked.id_of_listing(self.catalogue.0, listing)?.is_none() {
                let row = PlatformRow::Listing(listing.clone());
                write(store, |s| give_up_row(environment, s, &row, at))?;
                self.report.delisted += 1;
            }
            return Ok(());
        };
        let Some(platform_id) = its.platform_id.clone() else { return Ok(()) };
        if is_confirmed {
            if self.keep_single(&its)? != DedupOutcome::Missing {
                return Ok(());
            }
        } else if let Some(there) = self.look_up(&platform_id)?
            && !has_key_of_another(store, &its, &there)?
        {
            return Ok(());
        }
        let update = ListingUpdate::new(ListingStatus::Delisted, at, at);
        let outcome = self.write_status(&platform_id, &update)?;
        self.report.delisted += u64::from(matches!(outcome, StatusUpdateOutcome::Applied { .. }));
        Ok(())
    }

    fn mismatch(&mut self, StatusMismatch { listing, product }: &StatusMismatch) -> Result<(), PublishError> {
        let at = self.publisher.environment().now();
        let mut update = ListingUpdate::new(product.status, product.as_of.unwrap_or(self.found.asked_at), at)
            .platform_status(product.platform_status.clone());
        if listing.status.is_live() && !product.status.is_live() {
            return self.missing(listing);
        }
        if !listing.status.is_live() && product.status.is_live() {
            let there = self.look_up(&product.platform_id)?;
            // A product that a person has assigned elsewhere does not make the listing live again.
            if let (Some(there), Some(its)) = (&there, self.publication_of(listing)?)
                && unknown_key(&its, there).is_some()
            {
                return Ok(());
            }
            let Some(RemoteItem { kind: RemoteItemKind::Listing { status, platform_status }, as_of, .. }) = there
            else {
                return Ok(());
            };
            (update.status, update.platform_status, update.event_at) = (status, platform_status, as_of.unwrap_or(at));
        }
        match self.write_status(&product.platform_id, &update)? {
            StatusUpdateOutcome::Applied { .. } => self.report.updated += 1,
            StatusUpdateOutcome::Duplicate { .. } => {
                if let Some(publication) = self.publication_of(listing)? {
                    self.take_down_second(&publication, &product.platform_id)?;
                }
            }
            StatusUpdateOutcome::Stale { .. }
            | StatusUpdateOutcome::StaysDelisted
            | StatusUpdateOutcome::ListingNotFound => {}
        }
        Ok(())
    }

    fn unconfirmed(
        &mut self,
        UnconfirmedProduct { publication, product }: &UnconfirmedProduct,
    ) -> Result<(), PublishError> {
        let at = self.publisher.environment().now();
        let Some(item) = self.look_up_by_key(publication, &product.platform_id)? else { return Ok(()) };
        let item = RemoteItem { as_of: item.as_of.or(Some(at)), ..item };
        match confirm_unattended(self.publisher, &publication.id, &item)? {
            Some(ReservationConfirmOutcome::Confirmed) => self.report.confirmed += 1,
            Some(ReservationConfirmOutcome::Duplicate { .. }) => {
                self.take_down_second(publication, &product.platform_id)?;
            }
            Some(
                ReservationConfirmOutcome::AlreadyConfirmed
                | ReservationConfirmOutcome::Delisted
                | ReservationConfirmOutcome::IdTaken { .. }
                | ReservationConfirmOutcome::InProgress { .. }
                | ReservationConfirmOutcome::NotWanted,
            )
            | None => {}
        }
        Ok(())
    }

    /// Takes down a product that a publication was, or may have been, confirmed as. The product that is confirmed for
    /// the target must first have been seen at the platform.
    fn take_down_second(&mut self, publication: &Publication, platform_id: &str) -> Result<(), PublishError> {
        let duplicates = Duplicates::new(self.publisher, self.catalogue);
        let Some(confirmed) = duplicates.confirmed_at(publication)? else { return Ok(()) };
        if self.keep_single(&confirmed)? == DedupOutcome::StillThere
            && confirmed.platform_id.as_deref() != Some(platform_id)
            && confirmed.client_key != publication.client_key
            && let Some(second) = self.look_up_by_key(publication, platform_id)?
        {
            let platform_id = platform_id.to_owned();
            take_down(self.catalogue, &second).map_err(|source| PublishError::NotTakenDown { platform_id, source })?;
            self.report.taken_down += 1;
        }
        Ok(())
    }

    fn keep_single(&mut self, confirmed: &Publication) -> Result<DedupOutcome, PublishError> {
        let dedup = Duplicates::new(self.publisher, self.catalogue).keep_single(confirmed, None)?;
        self.report.taken_down += dedup.taken_down;
        for error in &dedup.failed {
            self.report.add_failure("", error);
        }
        if matches!(dedup.outcome, DedupOutcome::Replaced { .. }) {
            self.report.delisted += 1;
            self.report.confirmed += 1;
        }
        Ok(dedup.outcome)
    }

    fn write_status(&self, id: &str, update: &ListingUpdate) -> Result<StatusUpdateOutcome, StoreError> {
        let (platform, account) = (self.found.platform, &self.found.account);
        write_status_update(self.publisher.store(), |t| apply_status_update(t, platform, account, id, update))
    }

    /// The publication that was last confirmed as this listing.
    fn publication_of(&self, listing: &Listing) -> Result<Option<Publication>, StoreError> {
        let all = self.publisher.store().read(|s| all_of_file(s, &listing.file_id))?;
        Ok(publication_of(listing, &all.listings, &all.publications).cloned())
    }

    /// The live product with this id.
    fn look_up(&self, platform_id: &str) -> Result<Option<RemoteItem>, PublishError> {
        let item = self.catalogue.lookup(platform_id);
        let item = item.map_err(|source| PublishError::Lookup { key: platform_id.to_owned(), source })?;
        Ok(item.filter(RemoteItem::is_live))
    }

    /// The product with this id, if a search by a publication's key finds it as the publication's own.
    fn look_up_by_key(&self, publication: &Publication, platform_id: &str) -> Result<Option<RemoteItem>, PublishError> {
        let key = &publication.client_key;
        let found = self.catalogue.find(key);
        let found = found.map_err(|source| PublishError::Lookup { key: key.to_string(), source })?;
        let own = sort_by_owner(self.publisher.store(), publication, found)?.own;
        Ok(own.into_iter().find(|item| item.platform_id == platform_id))
    }
}
