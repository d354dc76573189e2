//! Listings at shops, and the events that change them.

use crate::OptionalText;
use crate::ids::{FileId, ListingId};
use crate::open_enum::open_enum;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

open_enum! {
    /// The shops, as the specification's values of `listings.platform`.
    pub enum Platform as "platform" {
        /// `shopify`: products of a Shopify store.
        Shopify = "shopify",
        /// `etsy`: listings of an Etsy shop.
        Etsy = "etsy",
        /// `ebay`: offers of an eBay seller.
        Ebay = "ebay",
        /// `amazon`: offers of an Amazon seller.
        Amazon = "amazon",
    }
}

text_enum! {
    /// The specification's values of `listings.status`.
    pub enum ListingStatus as "listing status" {
        /// The product exists, but buyers cannot see it.
        Draft = "draft",
        /// Buyers can see and buy the product.
        Active = "active",
        /// Buyers can see the product, but cannot buy it.
        SoldOut = "sold_out",
        /// The product is gone from the shop.
        Delisted = "delisted",
    }
}

text_enum! {
    /// An event that changes the status of a listing.
    pub enum ListingEvent as "listing event" {
        /// A draft goes on sale.
        Activated = "activated",
        /// The product becomes a draft again.
        Unpublished = "unpublished",
        /// The last item is sold.
        SoldOut = "sold out",
        /// There are items to buy again.
        Restocked = "restocked",
        /// The product is removed from the shop.
        Delisted = "delisted",
    }
}

impl ListingStatus {
    /// The status after this event. A delisted listing stays delisted. Selling the product again makes a new listing.
    ///
    /// # Errors
    /// [`IllegalListingTransition`] if the event is not possible in this status.
    pub const fn after(self, event: ListingEvent) -> Result<Self, IllegalListingTransition> {
        use ListingEvent as E;
        Ok(match (self, event) {
            (Self::Draft, E::Activated) | (Self::SoldOut, E::Restocked) => Self::Active,
            (Self::Active | Self::SoldOut, E::Unpublished) => Self::Draft,
            (Self::Active, E::SoldOut) => Self::SoldOut,
            (Self::Draft | Self::Active | Self::SoldOut, E::Delisted) => Self::Delisted,
            _ => return Err(IllegalListingTransition { status: self, event }),
        })
    }

    /// Returns whether the product is still at the platform.
    #[must_use]
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Delisted)
    }
}

/// The error of an event that is not possible in the status of the listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a listing that is {status} cannot be {event} ({event:?})")]
pub struct IllegalListingTransition {
    /// The status of the listing.
    pub status: ListingStatus,
    /// The event that was attempted.
    pub event: ListingEvent,
}

/// A row of `listings`: a product that is, or was, at a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Primary key of the row.
    pub id: ListingId,
    /// The file of the product.
    pub file_id: FileId,
    /// The platform that sells the product.
    pub platform: Platform,
    /// The platform's id of the product. The column is unique for each platform: if a listing of another account has
    /// the same id, it holds `account:id`.
    pub platform_listing_id: String,
    /// The address of the product's public page; `None` if it is unknown.
    pub url: Option<String>,
    /// The status at the platform, as far as it is known.
    pub status: ListingStatus,
    /// The platform's own name of the status; `None` if it is unknown.
    pub platform_status: Option<String>,
    /// The time since which the product has the status, by the platform. An older update changes nothing. A time [in
    /// the future](crate::is_ahead) was written by a clock that was ahead, and any update replaces it.
    pub status_event_at: Option<Timestamp>,
    /// The time at which the row was made.
    pub created_at: Option<Timestamp>,
    /// The time of the last change of the row.
    pub updated_at: Option<Timestamp>,
}

impl Listing {
    /// A row without a page, a platform's name of the status, and times. A store sets the other columns.
    #[must_use]
    pub fn new(
        id: ListingId,
        file_id: FileId,
        platform: Platform,
        platform_listing_id: impl Into<String>,
        status: ListingStatus,
    ) -> Self {
        Self {
            id,
            file_id,
            platform,
            platform_listing_id: platform_listing_id.into(),
            url: None,
            status,
            platform_status: None,
            status_event_at: None,
            created_at: None,
            updated_at: None,
        }
    }
}

/// An update of a listing's status.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListingUpdate {
    /// The new status.
    pub status: ListingStatus,
    /// The platform's own name of the status; `None` if it is unknown.
    pub platform_status: Option<String>,
    /// The time since which the product has the status, by the platform.
    pub event_at: Timestamp,
    /// The time at which the update arrived, by the caller's clock.
    pub at: Timestamp,
}

impl ListingUpdate {
    /// An update to this status, which the product has had since `event_at`, and which arrived at `at`.
    #[must_use]
    pub const fn new(status: ListingStatus, event_at: Timestamp, at: Timestamp) -> Self {
        Self { status, platform_status: None, event_at, at }
    }

    /// Sets the platform's own name of the status.
    #[must_use]
    pub fn platform_status(mut self, platform_status: impl Into<OptionalText>) -> Self {
        self.platform_status = platform_status.into().0;
        self
    }

    /// Sets the time of the event.
    #[must_use]
    pub fn event_at(mut self, event_at: Timestamp) -> Self {
        self.event_at = event_at;
        self
    }

    /// Sets the time of the arrival.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}

/// The answer to a [`ListingUpdate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingUpdateOutcome {
    /// The status was written.
    Done,
    /// A newer update was applied before. Nothing was changed.
    Stale {
        /// The time of the newer update's event.
        known: Timestamp,
    },
    /// The listing does not exist.
    NotFound,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ListingStatus::{Active, Delisted, Draft, SoldOut};

    /// The status after each event, for draft, active, sold out and delisted listings; `None` is illegal. Written by
    /// hand.
    const TABLE: [(ListingEvent, [Option<ListingStatus>; 4]); 5] = [
        (ListingEvent::Activated, [Some(Active), None, None, None]),
        (ListingEvent::Unpublished, [None, Some(Draft), Some(Draft), None]),
        (ListingEvent::SoldOut, [None, Some(SoldOut), None, None]),
        (ListingEvent::Restocked, [None, None, Some(Active), None]),
        (ListingEvent::Delisted, [Some(Delisted), Some(Delisted), Some(Delisted), None]),
    ];

    #[test]
    fn every_status_and_event_is_as_the_table_says() {
        assert_eq!(TABLE.len(), ListingEvent::ALL.len());
        for (event, row) in TABLE {
            for (&status, expected) in ListingStatus::ALL.iter().zip(row) {
                assert_eq!(status.after(event).ok(), expected, "{status} + {event}");
                if let Err(error) = status.after(event) {
                    let message = error.to_string();
                    assert!(message.contains(status.as_str()) && message.contains(event.as_str()), "{message}");
                }
            }
        }
    }
}
