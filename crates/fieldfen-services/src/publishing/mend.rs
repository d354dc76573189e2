//! Putting right what a reconciliation has found.
//!
//! A list of products may be incomplete or old: a page that was turned while a product was added, a search index that
//! lags. So nothing is delisted, taken back or taken down before it was looked up by its key or its id. What cannot be put
//! right is reported, and keeps nothing else from being put right.

use fieldfen_domain::publication::{
    Listing, ListingStatus, ListingUpdate, PlatformRow, Publication, PublicationState, publication_of,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Timestamp, with_causes};

use super::channels::{ListingShelf, Shelf, take_down};
use super::copies::Kept;
use super::error::PublishError;
use super::found::{Found, FoundState};
use super::lookup::all_of_file;
use super::news::{NewsTaken, listing_news, take_news};
use super::other_key::other_key;
use super::platforms::CallError;
use super::publisher::Publisher;
use super::reconcile::{Difference, Reconciliation, Stray};
use super::reservation::Settled;
use crate::settled::write;

/// How much [`Publisher::mend`] has put right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Mended {
    /// Listings that are delisted now.
    pub delisted: u64,
    /// Listings whose status was brought up to date.
    pub updated: u64,
    /// Publications that are confirmed now.
    pub confirmed: u64,
    /// Products that were taken down.
    pub taken_down: u64,
    /// What could not be put right; another reconciliation finds it again.
    pub failed: Vec<NotMended>,
}

/// A product that could not be put right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotMended {
    /// Its id at the platform.
    pub platform_id: String,
    /// What went wrong.
    pub reason: String,
    /// When the platform takes calls again, where it has said so.
    pub until: Option<Timestamp>,
}

impl Mended {
    fn fail(&mut self, platform_id: &str, error: &PublishError) {
        let until = match error.call() {
            Some(CallError::Throttled { until, .. }) => Some(*until),
            _ => None,
        };
        // What stays names itself.
        let platform_id = if let PublishError::Stays { platform_id, .. } = error { platform_id } else { platform_id };
        self.failed.push(NotMended { platform_id: platform_id.to_owned(), reason: with_causes(error), until });
    }

    /// Notes what a step has come to.
    fn note(&mut self, platform_id: &str, step: Result<(), PublishError>) {
        if let Err(error) = step {
            self.fail(platform_id, &error);
        }
    }
}

impl<S: Store> Publisher<S> {
    /// Puts right what a reconciliation has found, as far as a lookup confirms it: missing listings are delisted or a
    /// copy takes their place, differences taken over, strays confirmed, duplicates taken down. What is orphaned stays,
    /// and so does what another program has listed: nobody here knows whose it is.
    ///
    /// # Errors
    /// [`PublishError::NotConfigured`] when there is no such account. What fails at one product is among the result.
    pub fn mend(&self, found: &Reconciliation) -> Result<Mended, PublishError> {
        let shelf = ListingShelf(self.configured(found.platform, &found.account)?);
        let mut mended = Mended::default();
        for listing in &found.missing {
            let step = self.mend_missing(&shelf, found, listing, &mut mended);
            mended.note(&listing.platform_listing_id, step);
        }
        for difference in &found.different {
            let step = self.mend_different(&shelf, found, difference, &mut mended);
            mended.note(&difference.product.platform_id, step);
        }
        for stray in &found.strays {
            let step = self.mend_stray(&shelf, stray, &mut mended);
            mended.note(&stray.product.platform_id, step);
        }
        for duplicate in &found.duplicates {
            let step = self.keep(&shelf, &duplicate.publication, &mut mended).map(drop);
            mended.note(&duplicate.product.platform_id, step);
        }
        Ok(mended)
    }

    fn mend_missing(
        &self,
        shelf: &ListingShelf<'_>,
        found: &Reconciliation,
        listing: &Listing,
        mended: &mut Mended,
    ) -> Result<(), PublishError> {
        let publication = self.publication_of(listing)?;
        let at = self.environment().now();
        let is_confirmed = publication.as_ref().is_some_and(|its| its.state == PublicationState::Confirmed);
        if !is_confirmed && self.listing_hidden_until(listing, publication.as_ref()).is_some() {
            return Ok(());
        }
        let Some(its) = publication else {
            if self.id_of_unclaimed(shelf.0, listing)?.is_none() {
                let row = PlatformRow::Listing(listing.clone());
                write(self.store(), |s| self.give_up_row(s, &row, at))?;
                mended.delisted += 1;
            }
            return Ok(());
        };
        let Some(platform_id) = its.platform_id.clone() else { return Ok(()) };
        if is_confirmed {
            if self.keep(shelf, &its, mended)? != Kept::Absent {
                return Ok(());
            }
        } else if let Some(there) = looked_up(shelf, &platform_id)?
            && !self.has_key_of_another(&its, &there)?
        {
            return Ok(());
        }
        let news = ListingUpdate::new(ListingStatus::Delisted, at, at);
        let taken = self.take_news(found, &platform_id, &news)?;
        mended.delisted += u64::from(matches!(taken, NewsTaken::Done { .. }));
        Ok(())
    }

    fn mend_different(
        &self,
        shelf: &ListingShelf<'_>,
        found: &Reconciliation,
        Difference { listing, product }: &Difference,
        mended: &mut Mended,
    ) -> Result<(), PublishError> {
        let at = self.environment().now();
        let mut news = ListingUpdate::new(product.status, product.as_of.unwrap_or(found.asked_at), at)
            .platform_status(product.platform_status.clone());
        if listing.status.is_live() && !product.status.is_live() {
            return self.mend_missing(shelf, found, listing, mended);
        }
        if !listing.status.is_live() && product.status.is_live() {
            let there = looked_up(shelf, &product.platform_id)?;
            // What a person has said to be another's does not bring the listing back.
            if let (Some(there), Some(its)) = (&there, self.publication_of(listing)?)
                && other_key(&its, there).is_some()
            {
                return Ok(());
            }
            let Some(Found { state: FoundState::Listing { status, platform_status }, as_of, .. }) = there else {
                return Ok(());
            };
            (news.status, news.platform_status, news.event_at) = (status, platform_status, as_of.unwrap_or(at));
        }
        match self.take_news(found, &product.platform_id, &news)? {
            NewsTaken::Done { .. } => mended.updated += 1,
            NewsTaken::Duplicate { .. } => {
                if let Some(publication) = self.publication_of(listing)? {
                    self.mend_second(shelf, &publication, &product.platform_id, mended)?;
                }
            }
            NewsTaken::Stale { .. } | NewsTaken::StaysDelisted | NewsTaken::Unknown => {}
        }
        Ok(())
    }

    fn mend_stray(
        &self,
        shelf: &dyn Shelf,
        Stray { publication, product }: &Stray,
        mended: &mut Mended,
    ) -> Result<(), PublishError> {
        let at = self.environment().now();
        let Some(found) = self.looked_up_by_key(shelf, publication, &product.platform_id)? else { return Ok(()) };
        let found = Found { as_of: found.as_of.or(Some(at)), ..found };
        match self.confirm_unattended(&publication.id, &found)? {
            Some(Settled::Done) => mended.confirmed += 1,
            Some(Settled::Duplicate { .. }) => self.mend_second(shelf, publication, &product.platform_id, mended)?,
            Some(
                Settled::AlreadyDone
                | Settled::Delisted
                | Settled::Taken { .. }
                | Settled::Contested { .. }
                | Settled::Unwanted,
            )
            | None => {}
        }
        Ok(())
    }

    /// Takes down a product that a publication has been, or may have been, confirmed as, once the one that is confirmed
    /// for its target has been seen at the platform.
    fn mend_second(
        &self,
        shelf: &dyn Shelf,
        publication: &Publication,
        platform_id: &str,
        mended: &mut Mended,
    ) -> Result<(), PublishError> {
        let Some(confirmed) = self.confirmed_at(publication)? else { return Ok(()) };
        if self.keep(shelf, &confirmed, mended)? == Kept::There
            && confirmed.platform_id.as_deref() != Some(platform_id)
            && confirmed.client_key != publication.client_key
            && let Some(second) = self.looked_up_by_key(shelf, publication, platform_id)?
        {
            let platform_id = platform_id.to_owned();
            take_down(shelf, &second).map_err(|source| PublishError::Stays { platform_id, source })?;
            mended.taken_down += 1;
        }
        Ok(())
    }

    fn keep(&self, shelf: &dyn Shelf, confirmed: &Publication, mended: &mut Mended) -> Result<Kept, PublishError> {
        let kept = self.keep_one(shelf, confirmed, None)?;
        mended.taken_down += kept.taken_down;
        for error in &kept.stays {
            mended.fail("", error);
        }
        if matches!(kept.kept, Kept::Adopted { .. }) {
            mended.delisted += 1;
            mended.confirmed += 1;
        }
        Ok(kept.kept)
    }

    fn take_news(&self, found: &Reconciliation, id: &str, news: &ListingUpdate) -> Result<NewsTaken, StoreError> {
        take_news(self.store(), |t| listing_news(t, found.platform, &found.account, id, news))
    }

    /// The publication that was last confirmed as this listing.
    fn publication_of(&self, listing: &Listing) -> Result<Option<Publication>, StoreError> {
        let all = self.store().read(|s| all_of_file(s, &listing.file_id))?;
        Ok(publication_of(listing, &all.listings, &all.publications).cloned())
    }

    /// What a search by a publication's key says of its product with this id.
    fn looked_up_by_key(
        &self,
        shelf: &dyn Shelf,
        publication: &Publication,
        platform_id: &str,
    ) -> Result<Option<Found>, PublishError> {
        let key = &publication.client_key;
        let found = shelf.find(key).map_err(|source| PublishError::Lookup { key: key.to_string(), source })?;
        let own = self.sift(publication, found)?.own;
        Ok(own.into_iter().find(|found| found.platform_id == platform_id))
    }
}

/// What is live under this id.
fn looked_up(shelf: &dyn Shelf, platform_id: &str) -> Result<Option<Found>, PublishError> {
    let found = shelf.lookup(platform_id);
    let found = found.map_err(|source| PublishError::Lookup { key: platform_id.to_owned(), source })?;
    Ok(found.filter(Found::is_live))
}
