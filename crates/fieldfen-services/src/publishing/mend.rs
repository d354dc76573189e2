//! Putting right what a reconciliation has found.
//!
//! A list of products may be incomplete or old: a page that was turned while a product was added, a search index that
//! lags. So nothing is delisted, taken back or taken down before it was looked up by its key.

use fieldfen_domain::publication::{
    Listing, ListingStatus, ListingUpdate, Platform, Publication, PublicationState, Target,
};
use fieldfen_domain::store::{Store, StoreError};

use super::channels::{ListingShelf, Shelf};
use super::copies::Kept;
use super::error::PublishError;
use super::found::{Found, FoundState};
use super::news::{NewsTaken, listing_news};
use super::publisher::Publisher;
use super::reconcile::{Difference, Duplicate, Reconciliation, Stray};
use super::reservation::Settled;

/// How much [`Publisher::mend`] has put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mended {
    /// Listings that are delisted now.
    pub delisted: u64,
    /// Listings whose status was brought up to date.
    pub updated: u64,
    /// Publications that are confirmed now.
    pub confirmed: u64,
    /// Products that were taken down.
    pub taken_down: u64,
}

impl<S: Store> Publisher<S> {
    /// Puts right what a reconciliation has found, as far as a lookup by key confirms it: missing listings are delisted
    /// or a copy takes their place, differences taken over, strays confirmed, duplicates taken down. What is orphaned
    /// stays: nobody here knows whose it is.
    ///
    /// # Errors
    /// [`PublishError`] at the first thing that cannot be put right; what was done by then stays done.
    pub fn mend(&self, found: &Reconciliation) -> Result<Mended, PublishError> {
        let shelf = ListingShelf(self.configured(found.platform, &found.account)?);
        let mut mended = Mended::default();
        for listing in &found.missing {
            self.mend_missing(&shelf, found, listing, &mut mended)?;
        }
        for difference in &found.different {
            self.mend_different(&shelf, found, difference, &mut mended)?;
        }
        for stray in &found.strays {
            self.mend_stray(&shelf, stray, &mut mended)?;
        }
        for Duplicate { publication, .. } in &found.duplicates {
            self.keep(&shelf, publication, &mut mended)?;
        }
        Ok(mended)
    }

    fn mend_missing(
        &self,
        shelf: &dyn Shelf,
        found: &Reconciliation,
        listing: &Listing,
        mended: &mut Mended,
    ) -> Result<(), PublishError> {
        let at = self.environment().now();
        let event_at = match self.publication_of(listing)? {
            Some(confirmed) if confirmed.state == PublicationState::Confirmed => {
                if self.keep(shelf, &confirmed, mended)? != Kept::Absent {
                    return Ok(());
                }
                at
            }
            // Listings that another program has made have no key to look them up by.
            _ => found.asked_at,
        };
        let news = ListingUpdate { status: ListingStatus::Delisted, platform_status: None, event_at, at };
        let taken = self.take_news(listing.platform, &listing.platform_listing_id, &news)?;
        mended.delisted += u64::from(matches!(taken, NewsTaken::Done { .. }));
        Ok(())
    }

    fn mend_different(
        &self,
        shelf: &dyn Shelf,
        found: &Reconciliation,
        Difference { listing, product }: &Difference,
        mended: &mut Mended,
    ) -> Result<(), PublishError> {
        let at = self.environment().now();
        let mut news = ListingUpdate {
            status: product.status,
            platform_status: product.platform_status.clone(),
            event_at: product.as_of.unwrap_or(found.asked_at),
            at,
        };
        if !listing.status.is_live()
            && product.status.is_live()
            && let Some(publication) = self.publication_of(listing)?
        {
            let there = looked_up(shelf, &publication, &product.platform_id)?;
            let Some(Found { state: FoundState::Listing { status, platform_status }, as_of, .. }) = there else {
                return Ok(());
            };
            (news.status, news.platform_status, news.event_at) = (status, platform_status, as_of.unwrap_or(at));
        }
        match self.take_news(found.platform, &product.platform_id, &news)? {
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
        let Some(found) = looked_up(shelf, publication, &product.platform_id)? else { return Ok(()) };
        let found = Found { as_of: found.as_of.or(Some(at)), ..found };
        match self.confirm_unattended(&publication.id, &found)? {
            Some(Settled::Done) => mended.confirmed += 1,
            Some(Settled::Duplicate { .. }) => self.mend_second(shelf, publication, &product.platform_id, mended)?,
            Some(Settled::AlreadyDone | Settled::Contested { .. } | Settled::Unwanted) | None => {}
        }
        Ok(())
    }

    /// Takes a product down, once the one that is confirmed for its target has been seen at the platform.
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
        {
            let platform_id = platform_id.to_owned();
            shelf.withdraw(&platform_id).map_err(|source| PublishError::Stays { platform_id, source })?;
            mended.taken_down += 1;
        }
        Ok(())
    }

    fn keep(&self, shelf: &dyn Shelf, confirmed: &Publication, mended: &mut Mended) -> Result<Kept, PublishError> {
        let (kept, taken_down) = self.keep_one(shelf, confirmed, None)?;
        mended.taken_down += taken_down;
        if matches!(kept, Kept::Adopted { .. }) {
            mended.delisted += 1;
            mended.confirmed += 1;
        }
        Ok(kept)
    }

    fn take_news(&self, platform: Platform, id: &str, news: &ListingUpdate) -> Result<NewsTaken, StoreError> {
        self.store().write(|s| listing_news(s, platform, id, news))
    }

    /// The publication that was last confirmed as this listing.
    fn publication_of(&self, listing: &Listing) -> Result<Option<Publication>, StoreError> {
        let all = self.store().read(|s| s.publications().of_file(&listing.file_id))?;
        Ok(all.into_iter().rev().find(|publication| {
            matches!(publication.target, Target::Listing { platform, .. } if platform == listing.platform)
                && publication.platform_id.as_ref() == Some(&listing.platform_listing_id)
        }))
    }
}

/// What a lookup by a publication's key says of the product with this id.
fn looked_up(shelf: &dyn Shelf, publication: &Publication, platform_id: &str) -> Result<Option<Found>, PublishError> {
    let key = &publication.client_key;
    let found = shelf.find(key).map_err(|source| PublishError::Lookup { key: key.to_string(), source })?;
    Ok(found.into_iter().find(|found| found.platform_id == platform_id))
}
