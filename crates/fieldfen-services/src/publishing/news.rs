//! What happens to listings after they were published.

use fieldfen_domain::file::{File, FileStatus};
use fieldfen_domain::job::UpdateListing;
use fieldfen_domain::publication::{
    Confirmation, Confirmed, ConfirmedRow, Listing, ListingStatus, ListingUpdate, ListingUpdated, Platform,
    PublicationState, Target,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{Timestamp, to_micros};

use super::error::PublishError;
use super::platforms::{Offer, Product};
use super::publisher::Publisher;
use crate::pipeline::shows_the_same;

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
/// # Errors
/// [`StoreError`]s as the store has them.
pub fn listing_news(
    s: &mut dyn Session,
    platform: Platform,
    platform_id: &str,
    news: &ListingUpdate,
) -> Result<NewsTaken, StoreError> {
    let Some(listing) = s.publications().listing_at(platform, platform_id)? else { return Ok(NewsTaken::Unknown) };
    if !listing.status.is_live() && news.status.is_live() {
        return back(s, &listing, news);
    }
    update(s, &listing, news)
}

fn update(s: &mut dyn Session, listing: &Listing, news: &ListingUpdate) -> Result<NewsTaken, StoreError> {
    Ok(match s.listings().update(&listing.id, news)? {
        ListingUpdated::Done => NewsTaken::Done { from: listing.status },
        ListingUpdated::Stale { known } => NewsTaken::Stale { known },
        ListingUpdated::Gone => NewsTaken::Unknown,
    })
}

/// A delisted listing is there again, or was never gone.
fn back(s: &mut dyn Session, listing: &Listing, news: &ListingUpdate) -> Result<NewsTaken, StoreError> {
    let event_at = news.event_at.min(news.at);
    // Of news of the same time, the end counts.
    if let Some(known) = listing.status_event_at.filter(|known| *known >= to_micros(event_at)) {
        return Ok(NewsTaken::Stale { known });
    }
    let mut publications = s.publications().of_file(&listing.file_id)?;
    publications
        .retain(|other| matches!(other.target, Target::Listing { platform, .. } if platform == listing.platform));
    let its = publications.iter().rev().find(|its| its.platform_id.as_ref() == Some(&listing.platform_listing_id));
    let Some(its) = its.filter(|its| its.state != PublicationState::Confirmed) else {
        // Which target it belonged to is not known: whatever is live may have taken its place.
        let replaced = its.is_none() && publications.iter().any(|other| other.state.is_live());
        return if replaced { Ok(NewsTaken::StaysDelisted) } else { update(s, listing, news) };
    };
    let confirmation = Confirmation {
        platform_id: listing.platform_listing_id.clone(),
        url: listing.url.clone(),
        row: ConfirmedRow::Listing {
            id: listing.id,
            status: news.status,
            platform_status: news.platform_status.clone(),
        },
        event_at,
        at: news.at,
    };
    Ok(match s.publications().confirm(&its.id, &confirmation)? {
        Confirmed::Done | Confirmed::AlreadyDone => NewsTaken::Done { from: listing.status },
        Confirmed::Duplicate { live: Some(live) } => NewsTaken::Duplicate { live },
        Confirmed::Duplicate { live: None } | Confirmed::Ended => NewsTaken::StaysDelisted,
        Confirmed::Gone => NewsTaken::Unknown,
    })
}

/// What came of bringing a listing up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl<S: Store> Publisher<S> {
    /// Brings a listing up to date as an `UpdateListing` job says.
    ///
    /// If the file changes while the platform is called, another `UpdateListing` follows.
    ///
    /// # Errors
    /// [`PublishError`]; the job can be tried again unless the platform refuses it.
    pub fn update(&self, job: &UpdateListing) -> Result<Updating, PublishError> {
        let read = self.store().read(|s| {
            let listings = s.publications().listings(&job.file_id)?;
            let listing = listings.into_iter().find(|listing| listing.id == job.listing_id);
            let publications = s.publications().of_file(&job.file_id)?;
            Ok::<_, StoreError>((s.files().find(&job.file_id)?, listing, publications))
        })?;
        let (Some(file), Some(listing), publications) = read else { return Ok(Updating::Gone) };
        let status = file.state.status();
        if !listing.status.is_live() {
            return Ok(Updating::Gone);
        }
        if !matches!(status, FileStatus::Approved | FileStatus::Published) {
            return Ok(Updating::NotApproved { status });
        }
        // A listing that a program without publications has made belongs to the one account there is.
        let (account, variant) = publications
            .iter()
            .find(|publication| {
                publication.target.platform() == listing.platform.as_str()
                    && publication.platform_id.as_ref() == Some(&listing.platform_listing_id)
            })
            .map_or(("", ""), |publication| (publication.target.account(), publication.target.discriminator()));
        let Some(marketplace) = self.marketplace_of(listing.platform, account) else {
            let (account, variant) = (account.to_owned(), variant.to_owned());
            let target = Target::Listing { platform: listing.platform, account, variant };
            return Err(PublishError::NotConfigured { target: target.to_string() });
        };
        let called_at = self.environment().now();
        let offer = Offer { file: &file, variant, options: &job.other };
        let product = marketplace
            .update(&listing.platform_listing_id, &offer)
            .map_err(|source| PublishError::Update { platform_id: listing.platform_listing_id.clone(), source })?;
        self.store().write(|s| self.updated(s, &file, &listing, product.as_ref(), called_at)).map_err(Into::into)
    }

    fn updated(
        &self,
        s: &mut dyn Session,
        sent: &File,
        listing: &Listing,
        product: Option<&Product>,
        called_at: Timestamp,
    ) -> Result<Updating, StoreError> {
        let news = ListingUpdate {
            status: product.map_or(ListingStatus::Delisted, |product| product.status),
            platform_status: product.and_then(|product| product.platform_status.clone()),
            event_at: product.and_then(|product| product.as_of).unwrap_or(called_at),
            at: self.environment().now(),
        };
        listing_news(s, listing.platform, &listing.platform_listing_id, &news)?;
        if !news.status.is_live() {
            return Ok(Updating::Delisted);
        }
        if s.files().find(&sent.id)?.is_some_and(|now| !shows_the_same(&now, sent)) {
            self.pipeline().enqueue_update(s, sent.id, listing.id)?;
        }
        Ok(Updating::Updated)
    }
}
