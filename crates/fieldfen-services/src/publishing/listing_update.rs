//! Updates a listing, so that the product at the platform shows the present version of the file.

use fieldfen_domain::file::{File, FileStatus};
use fieldfen_domain::job::UpdateListing;
use fieldfen_domain::publication::{
    IdempotencyKey, Listing, ListingStatus, ListingUpdate, PlatformRow, Publication, publication_of,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{PublicationId, Timestamp};

use super::adoption::give_up_row;
use super::call_error::CallError;
use super::duplicates::{DedupOutcome, Duplicates};
use super::error::PublishError;
use super::lookup_lag::LookupLag;
use super::marketplace::{Marketplace, Offer, Product};
use super::ownership::{all_of_file, has_key_of_another};
use super::publisher::Publisher;
use super::remote_catalogue::{ListingCatalogue, RemoteCatalogue as _, answered};
use super::remote_item::RemoteItem;
use super::status_update::apply_status_update;
use super::unknown_key::unknown_key;
use super::untracked_rows::UntrackedRows;
use crate::Transaction;
use crate::pipeline::shows_the_same;
use crate::write_retry::write;

/// The answer to [`Publisher::update`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateOutcome {
    /// The product shows the present version of the file.
    Updated,
    /// The platform no longer has the product. The listing is delisted.
    Delisted,
    /// The file is not approved. An approval updates its listings.
    NotApproved {
        /// The status of the file.
        status: FileStatus,
    },
    /// The listing or the file does not exist, or the listing was delisted before.
    NotFound,
    /// The product with the id of the listing has an unknown key, which fieldfen has not given. The product was not
    /// changed. A person decides with [`Publisher::resolve_key`] whose it is.
    WaitsForPerson {
        /// The publication of the listing.
        publication: PublicationId,
        /// The key that the product has at the platform.
        key: IdempotencyKey,
    },
    /// The platform does not show the product. It was confirmed so recently that the platform may not show it yet.
    /// Nothing was changed.
    NotVisible {
        /// The time of the next attempt.
        until: Timestamp,
    },
}

impl<S: Store> Publisher<S> {
    /// Updates a listing as an `UpdateListing` job requests.
    ///
    /// The product is first looked up by its id. If it has the key of another publication, the platform has reused the
    /// id: the product is not changed, and the listing is delisted. If it has a key that fieldfen has not given, the
    /// product is not changed either, and the update waits for a person. If the platform reports no key, only the id
    /// counts, and the product is updated. If the file changes during the call, another `UpdateListing` follows.
    ///
    /// # Errors
    /// [`PublishError`]. The job can be retried unless the platform refuses the call.
    pub fn update(&self, job: &UpdateListing) -> Result<UpdateOutcome, PublishError> {
        let read = self.store().read(|s| {
            let of_file = all_of_file(s, &job.file_id)?;
            Ok::<_, StoreError>((s.files().find(&job.file_id)?, of_file))
        })?;
        let (Some(file), of_file) = read else { return Ok(UpdateOutcome::NotFound) };
        let listing = of_file.listings.iter().find(|listing| listing.id == job.listing_id);
        let Some(listing) = listing.filter(|listing| listing.status.is_live()) else {
            return Ok(UpdateOutcome::NotFound);
        };
        let status = file.state.status();
        if !matches!(status, FileStatus::Approved | FileStatus::Published) {
            return Ok(UpdateOutcome::NotApproved { status });
        }
        let called_at = self.environment().now();
        let its = publication_of(listing, &of_file.listings, &of_file.publications);
        let (marketplace, platform_id, variant) = match its {
            Some(its) => {
                let marketplace = self.marketplace_of(listing.platform, its.target.account())?;
                let platform_id = its.platform_id.as_deref().unwrap_or(&listing.platform_listing_id);
                if let Some(outcome) = unless_own(self, marketplace, its, platform_id)? {
                    return Ok(outcome);
                }
                (marketplace, platform_id, its.target.variant_or_key())
            }
            None => {
                let marketplace = only_marketplace(self, listing)?;
                let untracked = UntrackedRows::new(self, &listing.file_id);
                let Some(platform_id) = untracked.id_of_listing(marketplace, listing)? else {
                    let row = PlatformRow::Listing(listing.clone());
                    if let Some(until) = LookupLag::of(self).hides_row(&row) {
                        return Ok(UpdateOutcome::NotVisible { until });
                    }
                    write(self.store(), |s| give_up_row(self.environment(), s, &row, called_at))?;
                    return Ok(UpdateOutcome::Delisted);
                };
                (marketplace, platform_id, "")
            }
        };
        let offer = Offer::new(&file, variant, &job.other);
        let failed = |source| PublishError::Update { platform_id: platform_id.to_owned(), source };
        let product = marketplace.update(platform_id, &offer).map_err(failed)?;
        answered(platform_id, product.clone().map(RemoteItem::from)).map_err(failed)?;
        if product.is_none()
            && let Some(until) = LookupLag::of(self).hides_listing(listing, its)
        {
            return Ok(UpdateOutcome::NotVisible { until });
        }
        let at = (listing, marketplace.account(), platform_id);
        let record = |s: &mut dyn Session| record_update(self, s, &file, at, product.as_ref(), called_at);
        write(self.store(), record).map_err(PublishError::from)
    }
}

/// The outcome of an update whose id may belong to another product by now: the listing has ended, or a person must
/// decide. `None` if the product is the listing's own.
fn unless_own<S: Store>(
    publisher: &Publisher<S>,
    marketplace: &dyn Marketplace,
    its: &Publication,
    platform_id: &str,
) -> Result<Option<UpdateOutcome>, PublishError> {
    let catalogue = ListingCatalogue(marketplace);
    let item = match catalogue.lookup(platform_id) {
        // If a platform cannot be asked, the product is updated without a lookup.
        Err(CallError::Refused { .. }) | Ok(None) => return Ok(None),
        Ok(Some(item)) => item,
        Err(source) => return Err(PublishError::Lookup { key: platform_id.to_owned(), source }),
    };
    if !has_key_of_another(publisher.store(), its, &item)? {
        let waits = |key: &IdempotencyKey| UpdateOutcome::WaitsForPerson { publication: its.id, key: key.clone() };
        return Ok(unknown_key(its, &item).map(waits));
    }
    let outcome = Duplicates::new(publisher, &catalogue).give_up_id(its)?;
    let lag = LookupLag::of(publisher);
    Ok(match outcome {
        DedupOutcome::StillThere => None,
        DedupOutcome::Unclear if let Some(until) = lag.hides_publication(its) => {
            Some(UpdateOutcome::NotVisible { until })
        }
        DedupOutcome::Replaced { .. } | DedupOutcome::Missing | DedupOutcome::Unclear => Some(UpdateOutcome::Delisted),
    })
}

/// The marketplace of a listing without a publication: the only one of the platform.
pub(super) fn only_marketplace<'p, S: Store>(
    publisher: &'p Publisher<S>,
    listing: &Listing,
) -> Result<&'p dyn Marketplace, PublishError> {
    match publisher.marketplaces_of(listing.platform).as_slice() {
        [only] => Ok(*only),
        [] => publisher.marketplace_of(listing.platform, ""),
        several => Err(PublishError::WhichAccount {
            platform_id: listing.platform_listing_id.clone(),
            accounts: several.len(),
        }),
    }
}

/// Writes the status in the platform's answer, and enqueues another update if the file has changed meanwhile.
fn record_update<S: Store>(
    publisher: &Publisher<S>,
    s: &mut dyn Session,
    sent: &File,
    (listing, account, platform_id): (&Listing, &str, &str),
    product: Option<&Product>,
    called_at: Timestamp,
) -> Result<UpdateOutcome, StoreError> {
    let update = ListingUpdate::new(
        product.map_or(ListingStatus::Delisted, |product| product.status),
        product.and_then(|product| product.as_of).unwrap_or(called_at),
        publisher.environment().now(),
    )
    .platform_status(product.and_then(|product| product.platform_status.clone()));
    apply_status_update(&mut Transaction::new(s), listing.platform, account, platform_id, &update)?;
    if !update.status.is_live() {
        return Ok(UpdateOutcome::Delisted);
    }
    if s.files().find(&sent.id)?.is_some_and(|now| !shows_the_same(&now, sent)) {
        publisher.pipeline().enqueue_update(s, listing, account)?;
    }
    Ok(UpdateOutcome::Updated)
}
