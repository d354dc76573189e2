//! What happens to listings after they were published.

use fieldfen_domain::file::{File, FileStatus};
use fieldfen_domain::job::UpdateListing;
use fieldfen_domain::publication::{
    ConfirmOutcome, Confirmation, ConfirmedRow, IdempotencyKey, Listing, ListingStatus, ListingUpdate,
    ListingUpdateOutcome, Platform, PlatformRow, Publication, PublicationState, Target, ids_at, publication_of,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{PublicationId, Timestamp, is_ahead, truncate_to_micros};

use super::channels::{ListingShelf, Shelf as _, answered};
use super::copies::Kept;
use super::error::PublishError;
use super::found::Found;
use super::lookup::all_of_file;
use super::other_key::other_key;
use super::platforms::{CallError, Marketplace, Offer, Product};
use super::publisher::Publisher;
use super::unclaimed::can_be_looked_up;
use crate::Transaction;
use crate::pipeline::shows_the_same;
use crate::settled::{write, write_once};

/// What came of news about a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewsTaken {
    /// The row says so now.
    Done {
        /// What it said before.
        from: ListingStatus,
    },
    /// Newer news had arrived before; nothing was changed.
    Stale {
        /// When that newer news happened.
        known: Timestamp,
    },
    /// The listing was delisted and is there again, but another product is live for the same target: nothing was
    /// changed. Take this one down; [`Publisher::mend`] does so too.
    Duplicate {
        /// The platform id of the other one.
        live: String,
    },
    /// The listing was delisted, and another may be taking its place just now: nothing was changed. If it is really
    /// there again, reconciling shows it.
    StaysDelisted,
    /// There is no listing with this id. It may be one whose confirmation is still to come: return an error from the
    /// webhook's handler, so that the event counts as not received and its sender delivers it again.
    Unknown,
}

/// Takes in what a platform says about one of its listings, as a webhook or a lookup brings it.
///
/// A delisted listing ends its publication, so that the file can be listed there anew; sold out and restocked ones stay
/// published. A delisted one of which newer news says that it is there is confirmed anew, unless another has taken its
/// place. No news of a listing moves its file.
///
/// `account` is that of the target; empty where there is only one. Platforms count the products of each account by
/// themselves, so that one id may be the product of several.
///
/// # Errors
/// [`StoreError`]s as the store has them.
pub fn listing_news(
    t: &mut Transaction<'_>,
    platform: Platform,
    account: &str,
    platform_id: &str,
    news: &ListingUpdate,
) -> Result<NewsTaken, StoreError> {
    let s = t.session();
    let Some(listing) = s.listings().find_by_platform_id(platform, account, platform_id)? else {
        return Ok(NewsTaken::Unknown);
    };
    if !listing.status.is_live() && news.status.is_live() {
        return back(s, account, platform_id, &listing, news);
    }
    update(s, &listing, news)
}

/// Takes news in a transaction of its own. A repetition finds the listing as the news have left it, and only the first
/// attempt knows the status before.
pub(super) fn take_news<S: Store>(
    store: &S,
    mut take: impl FnMut(&mut Transaction<'_>) -> Result<NewsTaken, StoreError>,
) -> Result<NewsTaken, StoreError> {
    write_once(store, |s, before| match take(&mut Transaction::new(s))? {
        NewsTaken::Done { .. } if matches!(before, Some(NewsTaken::Done { .. })) => Ok(None),
        taken => Ok(Some(taken)),
    })
}

fn update(s: &mut dyn Session, listing: &Listing, news: &ListingUpdate) -> Result<NewsTaken, StoreError> {
    Ok(match s.listings().update(&listing.id, news)? {
        ListingUpdateOutcome::Done => NewsTaken::Done { from: listing.status },
        ListingUpdateOutcome::Stale { known } => NewsTaken::Stale { known },
        ListingUpdateOutcome::NotFound => NewsTaken::Unknown,
    })
}

/// A delisted listing is there again, or was never gone.
fn back(
    s: &mut dyn Session,
    account: &str,
    platform_id: &str,
    listing: &Listing,
    news: &ListingUpdate,
) -> Result<NewsTaken, StoreError> {
    let event_at = news.event_at.min(news.at);
    // Of news of the same time, the end counts.
    let is_newer = |known: &Timestamp| *known >= truncate_to_micros(event_at) && !is_ahead(*known, news.at);
    if let Some(known) = listing.status_event_at.filter(is_newer) {
        return Ok(NewsTaken::Stale { known });
    }
    let (listings, publications) =
        (s.listings().list_by_file(&listing.file_id)?, s.publications().list_by_file(&listing.file_id)?);
    let its = publication_of(listing, &listings, &publications);
    let Some(its) = its.filter(|its| its.state != PublicationState::Confirmed) else {
        // Which target it belonged to is not known: whatever is live may have taken its place.
        let is_there = |target: &Target| {
            matches!(target, Target::Listing { platform, account: its, .. }
                if *platform == listing.platform && its == account)
        };
        let replaced =
            its.is_none() && publications.iter().any(|other| other.state.is_live() && is_there(&other.target));
        return if replaced { Ok(NewsTaken::StaysDelisted) } else { update(s, listing, news) };
    };
    let confirmation = Confirmation::new(
        platform_id.to_owned(),
        ConfirmedRow::Listing { id: listing.id, status: news.status, platform_status: news.platform_status.clone() },
        event_at,
        news.at,
    )
    .url(listing.url.clone());
    Ok(match s.publications().confirm(&its.id, &confirmation)? {
        ConfirmOutcome::Done | ConfirmOutcome::AlreadyDone => NewsTaken::Done { from: listing.status },
        ConfirmOutcome::Duplicate { live: Some(live) } => NewsTaken::Duplicate { live },
        ConfirmOutcome::Duplicate { live: None } | ConfirmOutcome::Ended | ConfirmOutcome::Taken { .. } => {
            NewsTaken::StaysDelisted
        }
        ConfirmOutcome::NotFound => NewsTaken::Unknown,
    })
}

/// What came of bringing a listing up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Updating {
    /// The platform shows the file as it is.
    Updated,
    /// The platform does not have it any more: it is delisted.
    Delisted,
    /// The file is not approved; an approval brings its listings up to date.
    NotApproved {
        /// The status it has.
        status: FileStatus,
    },
    /// There is no such listing or file, or it was delisted before.
    Gone,
    /// The product with the id of the listing has a key that nobody here has given. It was left alone. A person says by
    /// [`Publisher::resolve_key`] whose it is.
    WaitsForPerson {
        /// The publication of the listing.
        publication: PublicationId,
        /// The key that the product has at the platform.
        key: IdempotencyKey,
    },
    /// The platform does not show the product, which was confirmed so recently that it may not show it yet. Nothing was
    /// changed.
    NotVisible {
        /// When to try again.
        until: Timestamp,
    },
}

impl<S: Store> Publisher<S> {
    /// Brings a listing up to date as an `UpdateListing` job says.
    ///
    /// The product is looked up by its id first. If it has the key of another publication, the platform has used the id
    /// again: the product is left alone, and the listing is delisted. If it has a key that nobody here has given, it is
    /// left alone too, and the update waits for a person. If the platform says no key, nothing is known beyond the id,
    /// and the product is updated. If the file changes while the platform is called, another `UpdateListing` follows.
    ///
    /// # Errors
    /// [`PublishError`]; the job can be tried again unless the platform refuses it.
    pub fn update(&self, job: &UpdateListing) -> Result<Updating, PublishError> {
        let read = self.store().read(|s| {
            let of_file = all_of_file(s, &job.file_id)?;
            Ok::<_, StoreError>((s.files().find(&job.file_id)?, of_file))
        })?;
        let (Some(file), of_file) = read else { return Ok(Updating::Gone) };
        let listing = of_file.listings.iter().find(|listing| listing.id == job.listing_id);
        let Some(listing) = listing.filter(|listing| listing.status.is_live()) else { return Ok(Updating::Gone) };
        let status = file.state.status();
        if !matches!(status, FileStatus::Approved | FileStatus::Published) {
            return Ok(Updating::NotApproved { status });
        }
        let called_at = self.environment().now();
        let its = publication_of(listing, &of_file.listings, &of_file.publications);
        let (marketplace, platform_id, variant) = match its {
            Some(its) => {
                let marketplace = self.configured(listing.platform, its.target.account())?;
                let platform_id = its.platform_id.as_deref().unwrap_or(&listing.platform_listing_id);
                if let Some(updating) = self.used_again(marketplace, its, platform_id)? {
                    return Ok(updating);
                }
                (marketplace, platform_id, its.target.variant_or_key())
            }
            None => {
                let marketplace = self.only_marketplace(listing)?;
                let Some(platform_id) = self.id_of_unclaimed(marketplace, listing)? else {
                    let row = PlatformRow::Listing(listing.clone());
                    if let Some(until) = self.row_hidden_until(&row) {
                        return Ok(Updating::NotVisible { until });
                    }
                    write(self.store(), |s| self.give_up_row(s, &row, called_at))?;
                    return Ok(Updating::Delisted);
                };
                (marketplace, platform_id, "")
            }
        };
        let offer = Offer::new(&file, variant, &job.other);
        let failed = |source| PublishError::Update { platform_id: platform_id.to_owned(), source };
        let product = marketplace.update(platform_id, &offer).map_err(failed)?;
        answered(platform_id, product.clone().map(Found::from)).map_err(failed)?;
        if product.is_none()
            && let Some(until) = self.listing_hidden_until(listing, its)
        {
            return Ok(Updating::NotVisible { until });
        }
        let at = (listing, marketplace.account(), platform_id);
        write(self.store(), |s| self.updated(s, &file, at, product.as_ref(), called_at)).map_err(PublishError::from)
    }

    /// What an update comes to whose id may be another product's by now: the listing has ended, or a person has to look.
    fn used_again(
        &self,
        marketplace: &dyn Marketplace,
        its: &Publication,
        platform_id: &str,
    ) -> Result<Option<Updating>, PublishError> {
        let shelf = ListingShelf(marketplace);
        let found = match shelf.lookup(platform_id) {
            // A platform that cannot be asked is brought up to date without.
            Err(CallError::Refused { .. }) | Ok(None) => return Ok(None),
            Ok(Some(found)) => found,
            Err(source) => return Err(PublishError::Lookup { key: platform_id.to_owned(), source }),
        };
        if !self.has_key_of_another(its, &found)? {
            let waits = |key: &IdempotencyKey| Updating::WaitsForPerson { publication: its.id, key: key.clone() };
            return Ok(other_key(its, &found).map(waits));
        }
        Ok(match self.give_up_id(&shelf, its)? {
            Kept::There => None,
            Kept::Unclear if let Some(until) = self.hidden_until(its) => Some(Updating::NotVisible { until }),
            Kept::Adopted { .. } | Kept::Absent | Kept::Unclear => Some(Updating::Delisted),
        })
    }

    /// The account of a listing that no publication knows: the one there is.
    fn only_marketplace(&self, listing: &Listing) -> Result<&dyn Marketplace, PublishError> {
        match self.marketplaces_of(listing.platform).as_slice() {
            [only] => Ok(*only),
            [] => self.configured(listing.platform, ""),
            several => Err(PublishError::WhichAccount {
                platform_id: listing.platform_listing_id.clone(),
                accounts: several.len(),
            }),
        }
    }

    /// The id at the account of a listing that no publication knows; `None` when the account has no such product.
    pub(super) fn id_of_unclaimed<'l>(
        &self,
        marketplace: &dyn Marketplace,
        listing: &'l Listing,
    ) -> Result<Option<&'l str>, PublishError> {
        let platform_id = &listing.platform_listing_id;
        if !can_be_looked_up(platform_id) {
            return Err(PublishError::NoId { listing: listing.id, platform_id: platform_id.clone() });
        }
        let (platform, account) = (listing.platform, marketplace.account().to_owned());
        let target = Target::Listing { platform, account, variant: String::new() };
        let unknown = self.unknown_accounts(&listing.file_id, &target)?;
        if !unknown.is_empty() {
            let accounts = self.marketplaces_of(platform).len() + unknown.len();
            return Err(PublishError::WhichAccount { platform_id: platform_id.clone(), accounts });
        }
        for id in ids_at(marketplace.account(), platform_id) {
            let found = ListingShelf(marketplace).lookup(id);
            let found = found.map_err(|source| PublishError::Lookup { key: id.to_owned(), source })?;
            let Some(found) = found.filter(Found::is_live) else { continue };
            // Platforms use ids again: the product of another file is not this listing.
            let other = found.said_key().map(|key| self.with_key(key)).transpose()?.flatten();
            if other.is_none_or(|other| other.file_id == listing.file_id) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn updated(
        &self,
        s: &mut dyn Session,
        sent: &File,
        (listing, account, platform_id): (&Listing, &str, &str),
        product: Option<&Product>,
        called_at: Timestamp,
    ) -> Result<Updating, StoreError> {
        let news = ListingUpdate::new(
            product.map_or(ListingStatus::Delisted, |product| product.status),
            product.and_then(|product| product.as_of).unwrap_or(called_at),
            self.environment().now(),
        )
        .platform_status(product.and_then(|product| product.platform_status.clone()));
        listing_news(&mut Transaction::new(s), listing.platform, account, platform_id, &news)?;
        if !news.status.is_live() {
            return Ok(Updating::Delisted);
        }
        if s.files().find(&sent.id)?.is_some_and(|now| !shows_the_same(&now, sent)) {
            self.pipeline().enqueue_update(s, sent.id, listing.id)?;
        }
        Ok(Updating::Updated)
    }
}
