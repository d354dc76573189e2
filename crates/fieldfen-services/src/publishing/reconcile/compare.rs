//! Compares the products of a platform with the rows of an account. It changes nothing.
//!
//! The platform returns its products page by page. Each product is compared with the rows of its key and of its id. The
//! live listings are then read page by page, and each is searched among the ids that were seen. Of a whole account,
//! only these ids are kept. Otherwise memory holds one page and the rows of one file.

use std::collections::{BTreeMap, BTreeSet};

use fieldfen_domain::publication::{IdempotencyKey, Listing, Platform, Publication, PublicationState};
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{Cursor, FileId, ListingId, UnreadableRow};

use super::account_rows::AccountRows;
use super::report::{DuplicateProduct, ReconcileReport, StatusMismatch, UnconfirmedProduct};
use crate::publishing::error::PublishError;
use crate::publishing::lookup_lag::LookupLag;
use crate::publishing::marketplace::{Marketplace, Product};
use crate::publishing::publisher::Publisher;

/// A list with more pages than this counts as endless.
const MAX_PAGES: usize = 100_000;

impl<S: Store> Publisher<S> {
    /// Reads all products of one account from its platform and reports the differences from the rows of the account.
    /// Changes nothing.
    ///
    /// # Errors
    /// [`PublishError`] if the platform cannot be asked or the store fails.
    pub fn reconcile(&self, platform: Platform, account: &str) -> Result<ReconcileReport, PublishError> {
        let marketplace = self.marketplace_of(platform, account)?;
        let report = ReconcileReport::new(platform, account.to_owned(), self.environment().now());
        let rows = AccountRows { platform, account };
        let mut comparison = Comparison { publisher: self, rows, seen: BTreeMap::new(), report };
        for_each_page(marketplace, |products| comparison.add_products(products))?;
        comparison.add_missing()?;
        Ok(comparison.report)
    }
}

/// A comparison in progress.
struct Comparison<'a, S: Store> {
    publisher: &'a Publisher<S>,
    rows: AccountRows<'a>,
    /// The ids at the platform. A product with the key of a publication also has that key and the file of the
    /// publication.
    seen: BTreeMap<String, Option<(IdempotencyKey, FileId)>>,
    report: ReconcileReport,
}

/// The rows that a product leads to.
enum Finding {
    Agrees,
    Mismatch(Listing),
    Unconfirmed(Publication),
    Duplicate(Publication, String),
    Orphaned,
}

impl<S: Store> Comparison<'_, S> {
    /// Compares the products of a page with the rows to which they lead.
    fn add_products(&mut self, mut products: Vec<Product>) -> Result<(), StoreError> {
        let AccountRows { platform, account } = self.rows;
        products.retain(|product| {
            let has_id = !product.platform_id.trim().is_empty();
            if !has_id {
                log!(WARN, %platform, account, "product without an id ignored");
            }
            has_id
        });
        let (found, unreadable) = self.publisher.store().read(|s| {
            let mut unreadable = Vec::new();
            let found = products.iter().map(|product| look_up(s, self.rows, product, &mut unreadable));
            Ok((found.collect::<Result<Vec<_>, StoreError>>()?, unreadable))
        })?;
        self.add_unreadable(unreadable);
        for (product, (finding, owner)) in products.into_iter().zip(found) {
            self.seen.insert(product.platform_id.clone(), owner);
            let report = &mut self.report;
            match finding {
                Finding::Agrees => {}
                Finding::Mismatch(listing) => report.mismatched.push(StatusMismatch { listing, product }),
                Finding::Unconfirmed(publication) => {
                    report.unconfirmed.push(UnconfirmedProduct { publication, product });
                }
                Finding::Duplicate(publication, confirmed_id) => {
                    report.duplicates.push(DuplicateProduct { publication, product, confirmed_id });
                }
                Finding::Orphaned => report.orphaned.push(product),
            }
        }
        Ok(())
    }

    /// Searches each live listing among the products that were seen.
    fn add_missing(&mut self) -> Result<(), StoreError> {
        let is_only = self.publisher.marketplaces_of(self.rows.platform).len() == 1;
        let lag = LookupLag::of(self.publisher);
        let (mut after, mut reported): (Option<Cursor>, BTreeSet<ListingId>) = (None, BTreeSet::new());
        loop {
            let (missing, unreadable, next) = self.publisher.store().read(|s| {
                let (mut missing, mut unreadable) = (Vec::new(), Vec::new());
                let page = self.rows.files(s, is_only, after.as_ref(), &mut unreadable)?;
                for file_id in page.files {
                    for known in self.rows.list_by_file(s, &file_id, &mut unreadable)? {
                        let is_seen = self
                            .seen
                            .get(&known.platform_id)
                            .is_some_and(|owner| known.may_be_of(owner.as_ref().map(|(key, file_id)| (key, *file_id))));
                        if known.listing.status.is_live()
                            && (known.publication.is_some() || is_only)
                            && !is_seen
                            && lag.hides_listing(&known.listing, known.publication.as_ref()).is_none()
                        {
                            missing.push(known.listing);
                        }
                    }
                }
                Ok((missing, unreadable, page.next))
            })?;
            self.add_unreadable(unreadable);
            self.report.missing.extend(missing.into_iter().filter(|listing| reported.insert(listing.id)));
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Adds rows that cannot be read to the report, each once.
    fn add_unreadable(&mut self, rows: Vec<UnreadableRow>) {
        for row in rows {
            if !self.report.unreadable.contains(&row) {
                self.report.unreadable.push(row);
            }
        }
    }
}

/// Passes each page of an account's products to `add`.
fn for_each_page(
    marketplace: &dyn Marketplace,
    mut add: impl FnMut(Vec<Product>) -> Result<(), StoreError>,
) -> Result<(), PublishError> {
    let platform = || marketplace.platform().to_string();
    let mut cursor: Option<String> = None;
    let mut cursors = BTreeSet::new();
    loop {
        let page = marketplace.page(cursor.as_deref());
        let page = page.map_err(|source| PublishError::Page { platform: platform(), source })?;
        add(page.products)?;
        match page.next {
            Some(next) if cursors.len() >= MAX_PAGES || !cursors.insert(next.clone()) => {
                return Err(PublishError::Endless { platform: platform(), pages: cursors.len() + 1, cursor: next });
            }
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// Compares one product with the rows of its key and its id. Also returns the publication of its key.
fn look_up(
    s: &mut dyn ReadSession,
    rows: AccountRows<'_>,
    product: &Product,
    unreadable: &mut Vec<UnreadableRow>,
) -> Result<(Finding, Option<(IdempotencyKey, FileId)>), StoreError> {
    let owner = match &product.key {
        Some(key) => rows.owner_of_key(s, key, unreadable)?,
        None => None,
    };
    let owner_key = owner.as_ref().map(|owner| (&owner.client_key, owner.file_id));
    let known = rows.with_id(s, &product.platform_id, unreadable)?;
    let listing = known.into_iter().filter(|known| known.may_be_of(owner_key)).max_by_key(|known| known.weight());
    let seen_as = owner.as_ref().map(|owner| (owner.client_key.clone(), owner.file_id));
    let is_live = listing.as_ref().is_some_and(|known| known.listing.status.is_live());
    // The product of a delisted listing whose place another product has taken is back or was never gone, or another
    // program has listed the file too.
    let beside = match &listing {
        Some(known) if is_live && !known.is_confirmed() => rows.confirmed_of_file(s, &known.listing.file_id)?,
        Some(_) if is_live => None,
        _ => owner.clone().filter(|owner| owner.state == PublicationState::Confirmed),
    };
    if let Some(confirmed) = beside
        && let Some(confirmed_id) = confirmed.platform_id.clone()
        && confirmed_id != product.platform_id
    {
        return Ok((Finding::Duplicate(confirmed, confirmed_id), seen_as));
    }
    let finding = match (owner, listing.map(|known| known.listing)) {
        (_, Some(listing))
            if listing.status == product.status && listing.platform_status == product.platform_status =>
        {
            Finding::Agrees
        }
        (_, Some(listing)) => Finding::Mismatch(listing),
        (Some(publication), None) => Finding::Unconfirmed(publication),
        (None, None) => Finding::Orphaned,
    };
    Ok((finding, seen_as))
}
