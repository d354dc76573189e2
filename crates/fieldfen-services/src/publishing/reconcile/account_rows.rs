//! Reads the rows of one account, for one product or one page at a time.
//!
//! A row of `listings` does not contain the account; its publication does. A listing without a publication may belong
//! to any account.

use fieldfen_domain::publication::{
    IdempotencyKey, Listing, ListingFilter, Platform, Publication, PublicationFilter, PublicationState, publication_of,
};
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::{Cursor, FileId, PageRequest, UnreadableRow};

use crate::publishing::all_pages::{ROWS_AT_ONCE, all_listings, all_publications};

/// The rows of one account.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccountRows<'a> {
    pub(super) platform: Platform,
    pub(super) account: &'a str,
}

/// A listing that may belong to the account.
#[derive(Debug, Clone)]
pub(super) struct KnownListing {
    pub(super) listing: Listing,
    /// Its id at the account.
    pub(super) platform_id: String,
    /// Its publication; `None` if it has none, so that it may belong to any account.
    pub(super) publication: Option<Publication>,
}

impl KnownListing {
    pub(super) fn is_confirmed(&self) -> bool {
        self.publication.as_ref().is_some_and(|its| its.state == PublicationState::Confirmed)
    }

    /// Returns whether this listing may be a product with the key of a publication. `owner` is that key and the file of
    /// the publication. Platforms reuse ids.
    pub(super) fn may_be_of(&self, owner: Option<(&IdempotencyKey, FileId)>) -> bool {
        owner.is_none_or(|(key, file_id)| match &self.publication {
            Some(its) => its.client_key == *key,
            None => file_id == self.listing.file_id,
        })
    }

    /// The certainty that the product with its id is this listing; a greater value is more certain.
    pub(super) fn weight(&self) -> (bool, bool) {
        (self.is_confirmed(), self.publication.is_some())
    }
}

/// Files with rows at the account, from one page of rows.
pub(super) struct FilesPage {
    pub(super) files: Vec<FileId>,
    pub(super) next: Option<Cursor>,
}

impl AccountRows<'_> {
    /// The publication of a key. If several have the key, a live one comes first, then one that may be live. A key that
    /// a person or another program has given may belong to several products, and leads to no publication.
    pub(super) fn owner_of_key(
        &self,
        s: &mut dyn ReadSession,
        key: &IdempotencyKey,
        unreadable: &mut Vec<UnreadableRow>,
    ) -> Result<Option<Publication>, StoreError> {
        if !key.is_derived() {
            return Ok(None);
        }
        let all = all_publications(s, &self.publications().key(key.clone()), unreadable)?;
        Ok(all.into_iter().rev().max_by_key(|its| weight(its.state)))
    }

    /// The listings that may be the product with this id.
    pub(super) fn with_id(
        &self,
        s: &mut dyn ReadSession,
        platform_id: &str,
        unreadable: &mut Vec<UnreadableRow>,
    ) -> Result<Vec<KnownListing>, StoreError> {
        let publications = self.publications().platform_id(platform_id.to_owned());
        let listings = ListingFilter::new().platform(self.platform).platform_listing_id(platform_id.to_owned());
        let mut files: Vec<FileId> =
            all_publications(s, &publications, unreadable)?.into_iter().map(|its| its.file_id).collect();
        files.extend(all_listings(s, &listings, unreadable)?.into_iter().map(|row| row.file_id));
        let mut known = Vec::new();
        for file_id in distinct(files) {
            known.extend(self.list_by_file(s, &file_id, unreadable)?);
        }
        known.retain(|listing| listing.platform_id == platform_id);
        Ok(known)
    }

    /// The listings of a file that may belong to the account.
    pub(super) fn list_by_file(
        &self,
        s: &mut dyn ReadSession,
        file_id: &FileId,
        unreadable: &mut Vec<UnreadableRow>,
    ) -> Result<Vec<KnownListing>, StoreError> {
        // Publications at other accounts are read too: a listing of another account does not belong to this one.
        let publications = PublicationFilter::new().file_id(*file_id).platform(self.platform);
        let publications = all_publications(s, &publications, unreadable)?;
        let listings = ListingFilter::new().file_id(*file_id).platform(self.platform);
        let listings = all_listings(s, &listings, unreadable)?;
        let known = listings.iter().filter_map(|listing| {
            let publication = publication_of(listing, &listings, &publications).cloned();
            if publication.as_ref().is_some_and(|its| its.target.account() != self.account) {
                return None;
            }
            let platform_id = publication.as_ref().and_then(|its| its.platform_id.clone());
            let platform_id = platform_id.unwrap_or_else(|| listing.platform_listing_id.clone());
            Some(KnownListing { listing: listing.clone(), platform_id, publication })
        });
        Ok(known.collect())
    }

    /// The publication of a file that is confirmed at the account.
    pub(super) fn confirmed_of_file(
        &self,
        s: &mut dyn ReadSession,
        file_id: &FileId,
    ) -> Result<Option<Publication>, StoreError> {
        let confirmed = self.publications().file_id(*file_id).state(PublicationState::Confirmed);
        // Unreadable rows of the file are reported when its listings are read.
        Ok(all_publications(s, &confirmed, &mut Vec::new())?.into_iter().next())
    }

    /// A page of the files that may have a live listing at the account, in any order.
    ///
    /// If the account is the only one, each live listing at the platform belongs to it or to nobody. With several
    /// accounts, only a publication leads from the account to a listing.
    pub(super) fn files(
        &self,
        s: &mut dyn ReadSession,
        is_only: bool,
        after: Option<&Cursor>,
        unreadable: &mut Vec<UnreadableRow>,
    ) -> Result<FilesPage, StoreError> {
        let request = PageRequest::first(ROWS_AT_ONCE);
        let request = after.map_or(request.clone(), |after| request.after(after.clone()));
        let (files, next) = if is_only {
            let page = s.listings().page(&ListingFilter::new().platform(self.platform).live(), &request)?;
            unreadable.extend(page.unreadable);
            (page.items.into_iter().map(|listing| listing.file_id).collect(), page.next)
        } else {
            let page = s.publications().page(&self.publications(), &request)?;
            unreadable.extend(page.unreadable);
            let had_product = page.items.into_iter().filter(|its| its.platform_id.is_some());
            (had_product.map(|its| its.file_id).collect(), page.next)
        };
        Ok(FilesPage { files: distinct(files), next })
    }

    fn publications(&self) -> PublicationFilter {
        PublicationFilter::new().platform(self.platform).account(self.account.to_owned())
    }
}

/// Each file once, in the order of its first mention.
fn distinct(files: Vec<FileId>) -> Vec<FileId> {
    let mut seen = std::collections::BTreeSet::new();
    files.into_iter().filter(|file_id| seen.insert(*file_id)).collect()
}

const fn weight(state: PublicationState) -> u8 {
    match state {
        PublicationState::Confirmed => 4,
        PublicationState::Reserved | PublicationState::Unknown => 3,
        PublicationState::Released => 2,
        PublicationState::Ended => 1,
    }
}
