//! Comparing what a platform has with what is known here.

use std::collections::{BTreeMap, BTreeSet};

use fieldfen_domain::publication::{
    IdempotencyKey, Listing, ListingFilter, Platform, Publication, PublicationFilter, PublicationState, Target,
    publication_of,
};
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{FileId, PageRequest, Timestamp, UnreadableRow};

use super::error::PublishError;
use super::platforms::{Marketplace, Product};
use super::publisher::Publisher;

/// How many rows are read at once.
pub(super) const ROWS_AT_ONCE: u32 = 500;

/// More pages than this are taken for a list that never ends.
pub(super) const MOST_PAGES: usize = 100_000;

/// Where a platform and the store disagree about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciliation {
    /// Which platform.
    pub platform: Platform,
    /// Which account.
    pub account: String,
    /// When the platform was asked; what was confirmed less than one hold before, or later, is not taken for missing.
    pub asked_at: Timestamp,
    /// Listings that are live here and not at the platform; also those whose id a product of another publication has there.
    pub missing: Vec<Listing>,
    /// Listings whose status here is not the platform's.
    pub different: Vec<Difference>,
    /// Products that carry the key of a publication that is not confirmed: its answer was lost or came too late, or
    /// what it was confirmed as is gone.
    pub strays: Vec<Stray>,
    /// Products that carry the key of a publication that is confirmed as another product, and those of a file that another
    /// program has listed beside a publication's own.
    pub duplicates: Vec<Duplicate>,
    /// Products of which nothing is known here: made by hand or by another program, or left behind by a deleted file.
    pub orphaned: Vec<Product>,
    /// Rows that could not be read. Their products may be among the orphaned, and nothing else of their files is changed.
    pub unreadable: Vec<UnreadableRow>,
}

/// A listing whose status is another at its platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As it is known here.
    pub listing: Listing,
    /// As the platform has it.
    pub product: Product,
}

/// A product that belongs to a publication that is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stray {
    /// The publication.
    pub publication: Publication,
    /// The product.
    pub product: Product,
}

/// A second product for one publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The publication.
    pub publication: Publication,
    /// The one too many.
    pub product: Product,
    /// The platform id of the confirmed one.
    pub stays: String,
}

impl Reconciliation {
    /// Whether platform and store agree.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.missing.is_empty()
            && self.different.is_empty()
            && self.strays.is_empty()
            && self.duplicates.is_empty()
            && self.orphaned.is_empty()
            && self.unreadable.is_empty()
    }
}

/// What is known here about one account.
struct Known {
    publications: Vec<Publication>,
    listings: Vec<KnownListing>,
    unreadable: Vec<UnreadableRow>,
}

impl Known {
    /// The publication that speaks for each key.
    fn by_key(&self) -> BTreeMap<&IdempotencyKey, &Publication> {
        let mut by_key: BTreeMap<&IdempotencyKey, &Publication> = BTreeMap::new();
        // A key that a person or another program has given may be that of several products.
        for publication in self.publications.iter().filter(|publication| publication.client_key.is_derived()) {
            let of_key = by_key.entry(&publication.client_key).or_insert(publication);
            if weight(publication.state) > weight(of_key.state) {
                *of_key = publication;
            }
        }
        by_key
    }
}

/// A listing that may be one of the account.
struct KnownListing {
    listing: Listing,
    /// Its id at the account.
    platform_id: String,
    /// Its publication. A listing without one may be of any account.
    publication: Option<Publication>,
}

impl KnownListing {
    fn is_confirmed(&self) -> bool {
        self.publication.as_ref().is_some_and(|its| its.state == PublicationState::Confirmed)
    }

    /// Whether it may be a product with the key of this publication. Platforms use ids again.
    fn may_be_of(&self, owner: Option<&Publication>) -> bool {
        owner.is_none_or(|owner| match &self.publication {
            Some(its) => its.client_key == owner.client_key,
            None => owner.file_id == self.listing.file_id,
        })
    }

    /// How well it is known that the product with its id is this listing.
    fn weight(&self) -> (bool, bool) {
        (self.is_confirmed(), self.publication.is_some())
    }
}

impl<S: Store> Publisher<S> {
    /// Asks a platform for everything it has in one account, and says where that differs from what is known here.
    /// Nothing is changed.
    ///
    /// # Errors
    /// [`PublishError`] when the platform cannot be asked or the store fails.
    pub fn reconcile(&self, platform: Platform, account: &str) -> Result<Reconciliation, PublishError> {
        let marketplace = self.configured(platform, account)?;
        let asked_at = self.environment().now();
        let mut products = Vec::new();
        let mut cursor: Option<String> = None;
        let mut seen = BTreeSet::new();
        loop {
            let page = marketplace
                .page(cursor.as_deref())
                .map_err(|source| PublishError::Page { platform: platform.to_string(), source })?;
            products.extend(page.products);
            match page.next {
                Some(next) if seen.len() >= MOST_PAGES || !seen.insert(next.clone()) => {
                    return Err(PublishError::Endless {
                        platform: platform.to_string(),
                        pages: seen.len() + 1,
                        cursor: next,
                    });
                }
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        products.retain(|product: &Product| {
            let has_id = !product.platform_id.trim().is_empty();
            if !has_id {
                log!(WARN, %platform, account, "a page has a product without an id; it is ignored");
            }
            has_id
        });
        let known = self.store().read(|s| read_known(s, platform, account))?;
        let by_key = known.by_key();
        let owner = |product: &Product| product.key.as_ref().and_then(|key| by_key.get(key).copied());
        let there: BTreeMap<&str, &Product> =
            products.iter().map(|product| (product.platform_id.as_str(), product)).collect();
        let is_only = self.marketplaces_of(platform).len() == 1;
        let is_missing = |known: &&KnownListing| {
            known.listing.status.is_live()
                && (known.publication.is_some() || is_only)
                && there.get(known.platform_id.as_str()).is_none_or(|product| !known.may_be_of(owner(product)))
                && self.listing_hidden_until(&known.listing, known.publication.as_ref()).is_none()
        };
        let missing = known.listings.iter().filter(is_missing).map(|known| known.listing.clone()).collect();
        let mut result = Reconciliation {
            platform,
            account: account.to_owned(),
            asked_at,
            missing,
            different: Vec::new(),
            strays: Vec::new(),
            duplicates: Vec::new(),
            orphaned: Vec::new(),
            unreadable: known.unreadable.clone(),
        };
        compare(&mut result, products, &known, &by_key);
        Ok(result)
    }

    pub(super) fn configured(&self, platform: Platform, account: &str) -> Result<&dyn Marketplace, PublishError> {
        self.marketplace_of(platform, account).ok_or_else(|| PublishError::NotConfigured {
            target: Target::Listing { platform, account: account.to_owned(), variant: String::new() }.to_string(),
        })
    }
}

fn read_known(s: &mut dyn ReadSession, platform: Platform, account: &str) -> Result<Known, StoreError> {
    let (mut publications, mut unreadable) = (Vec::new(), Vec::new());
    // Those of the other accounts too: a listing of theirs is none of this account.
    let at_platform = PublicationFilter::new().platform(platform);
    let mut request = PageRequest::first(ROWS_AT_ONCE);
    loop {
        let page = s.publications().page(&at_platform, &request)?;
        unreadable.extend(page.unreadable);
        publications.extend(page.items);
        let Some(next) = page.next else { break };
        request = request.after(next);
    }
    let mut listings = Vec::new();
    let mut request = PageRequest::first(ROWS_AT_ONCE);
    loop {
        let page = s.listings().page(&ListingFilter::new().platform(platform), &request)?;
        unreadable.extend(page.unreadable);
        listings.extend(page.items);
        let Some(next) = page.next else { break };
        request = request.after(next);
    }
    let mut of_file: BTreeMap<FileId, (Vec<Listing>, Vec<Publication>)> = BTreeMap::new();
    for listing in &listings {
        of_file.entry(listing.file_id).or_default().0.push(listing.clone());
    }
    for publication in &publications {
        of_file.entry(publication.file_id).or_default().1.push(publication.clone());
    }
    let known = listings.into_iter().filter_map(|listing| {
        let (listings, publications) = of_file.get(&listing.file_id)?;
        let publication = publication_of(&listing, listings, publications).cloned();
        if publication.as_ref().is_some_and(|its| its.target.account() != account) {
            return None;
        }
        let platform_id = publication.as_ref().and_then(|its| its.platform_id.clone());
        let platform_id = platform_id.unwrap_or_else(|| listing.platform_listing_id.clone());
        Some(KnownListing { listing, platform_id, publication })
    });
    let listings = known.collect();
    publications.retain(|publication| publication.target.account() == account);
    Ok(Known { publications, listings, unreadable })
}

fn compare(
    result: &mut Reconciliation,
    products: Vec<Product>,
    known: &Known,
    by_key: &BTreeMap<&IdempotencyKey, &Publication>,
) {
    let mut by_id: BTreeMap<&str, Vec<&KnownListing>> = BTreeMap::new();
    for listing in &known.listings {
        by_id.entry(listing.platform_id.as_str()).or_default().push(listing);
    }
    let confirmed = |publication: &&Publication| publication.state == PublicationState::Confirmed;
    for product in products {
        let publication = product.key.as_ref().and_then(|key| by_key.get(key).copied());
        let of_id = by_id.get(product.platform_id.as_str()).into_iter().flatten().copied();
        let listing = of_id.filter(|known| known.may_be_of(publication)).max_by_key(|known| known.weight());
        let is_live = listing.is_some_and(|known| known.listing.status.is_live());
        // A delisted listing whose place another product has taken is back, or was never gone; or another program has
        // listed the file too.
        let beside = match listing {
            Some(known_listing) if is_live && !known_listing.is_confirmed() => {
                let of_file = |other: &&Publication| other.file_id == known_listing.listing.file_id;
                known.publications.iter().filter(confirmed).find(of_file)
            }
            Some(_) if is_live => None,
            _ => publication.filter(confirmed),
        };
        match (beside, publication, listing) {
            (Some(confirmed @ Publication { platform_id: Some(stays), .. }), _, _) if *stays != product.platform_id => {
                result.duplicates.push(Duplicate { publication: confirmed.clone(), product, stays: stays.clone() });
            }
            (_, _, Some(KnownListing { listing, .. })) => {
                if listing.status != product.status || listing.platform_status != product.platform_status {
                    result.different.push(Difference { listing: listing.clone(), product });
                }
            }
            (_, Some(publication), None) => {
                result.strays.push(Stray { publication: publication.clone(), product });
            }
            (_, None, None) => result.orphaned.push(product),
        }
    }
}

/// Which publication of several with one key speaks for it: the one that is there, then the one that may be.
const fn weight(state: PublicationState) -> u8 {
    match state {
        PublicationState::Confirmed => 4,
        PublicationState::Reserved | PublicationState::Unknown => 3,
        PublicationState::Released => 2,
        PublicationState::Ended => 1,
    }
}
