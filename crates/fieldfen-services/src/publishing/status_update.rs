//! Applies a platform's status of a listing, from a webhook or a lookup, to its row.

use fieldfen_domain::publication::{
    ConfirmOutcome, Confirmation, ConfirmedRow, Listing, ListingStatus, ListingUpdate, ListingUpdateOutcome, Platform,
    PublicationState, Target, publication_of,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{Timestamp, is_ahead, truncate_to_micros};

use crate::Transaction;
use crate::write_retry::write_once;

/// The answer to [`apply_status_update`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusUpdateOutcome {
    /// The row has the new status.
    Applied {
        /// The status that the row had before.
        from: ListingStatus,
    },
    /// A newer update was applied before. Nothing was changed.
    Stale {
        /// The time of the newer update's event.
        known: Timestamp,
    },
    /// The listing was delisted and is live again, but another product is live for the same target. Nothing was
    /// changed. Take this product down; [`Publisher::repair`](super::Publisher::repair) does so too.
    Duplicate {
        /// The id of the other product at the platform.
        live: String,
    },
    /// The listing was delisted, and another product may be replacing it at this moment. Nothing was changed. If the
    /// listing is really live again, a reconciliation finds that.
    StaysDelisted,
    /// No listing has this id. Its confirmation may still follow: return an error from the webhook's handler, so that
    /// the event does not count as received and its sender delivers it again.
    ListingNotFound,
}

/// Applies a platform's status of a listing, from a webhook or a lookup.
///
/// A delisted listing ends its publication, so that the file can be listed there again. Sold-out and restocked listings
/// stay published. If a newer update reports a delisted listing as live, its publication is confirmed again, unless
/// another product has replaced it. No status of a listing moves its file.
///
/// `account` is the account of the target; empty if there is only one. Platforms number the products of each account
/// separately, so that one id may belong to several products.
pub fn apply_status_update(
    t: &mut Transaction<'_>,
    platform: Platform,
    account: &str,
    platform_id: &str,
    update: &ListingUpdate,
) -> Result<StatusUpdateOutcome, StoreError> {
    let s = t.session();
    let Some(listing) = s.listings().find_by_platform_id(platform, account, platform_id)? else {
        return Ok(StatusUpdateOutcome::ListingNotFound);
    };
    if !listing.status.is_live() && update.status.is_live() {
        return apply_return(s, account, platform_id, &listing, update);
    }
    apply_to_row(s, &listing, update)
}

/// Applies an update in its own transaction. A repeated attempt finds the listing as the update has left it, so only
/// the first attempt knows the earlier status.
pub(super) fn write_status_update<S: Store>(
    store: &S,
    mut apply: impl FnMut(&mut Transaction<'_>) -> Result<StatusUpdateOutcome, StoreError>,
) -> Result<StatusUpdateOutcome, StoreError> {
    write_once(store, |s, before| match apply(&mut Transaction::new(s))? {
        StatusUpdateOutcome::Applied { .. } if matches!(before, Some(StatusUpdateOutcome::Applied { .. })) => Ok(None),
        outcome => Ok(Some(outcome)),
    })
}

fn apply_to_row(
    s: &mut dyn Session,
    listing: &Listing,
    update: &ListingUpdate,
) -> Result<StatusUpdateOutcome, StoreError> {
    Ok(match s.listings().update(&listing.id, update)? {
        ListingUpdateOutcome::Done => StatusUpdateOutcome::Applied { from: listing.status },
        ListingUpdateOutcome::Stale { known } => StatusUpdateOutcome::Stale { known },
        ListingUpdateOutcome::NotFound => StatusUpdateOutcome::ListingNotFound,
    })
}

/// Applies an update that reports a delisted listing as live.
fn apply_return(
    s: &mut dyn Session,
    account: &str,
    platform_id: &str,
    listing: &Listing,
    update: &ListingUpdate,
) -> Result<StatusUpdateOutcome, StoreError> {
    let event_at = update.event_at.min(update.at);
    // Of two updates with the same time, the one that ends the listing counts.
    let is_newer = |known: &Timestamp| *known >= truncate_to_micros(event_at) && !is_ahead(*known, update.at);
    if let Some(known) = listing.status_event_at.filter(is_newer) {
        return Ok(StatusUpdateOutcome::Stale { known });
    }
    let (listings, publications) =
        (s.listings().list_by_file(&listing.file_id)?, s.publications().list_by_file(&listing.file_id)?);
    let its = publication_of(listing, &listings, &publications);
    let Some(its) = its.filter(|its| its.state != PublicationState::Confirmed) else {
        // The target of the listing is unknown: any live product may have replaced it.
        let is_there = |target: &Target| {
            matches!(target, Target::Listing { platform, account: its, .. }
                if *platform == listing.platform && its == account)
        };
        let replaced =
            its.is_none() && publications.iter().any(|other| other.state.is_live() && is_there(&other.target));
        return if replaced { Ok(StatusUpdateOutcome::StaysDelisted) } else { apply_to_row(s, listing, update) };
    };
    let confirmation = Confirmation::new(
        platform_id.to_owned(),
        ConfirmedRow::Listing {
            id: listing.id,
            status: update.status,
            platform_status: update.platform_status.clone(),
        },
        event_at,
        update.at,
    )
    .url(listing.url.clone());
    Ok(match s.publications().confirm(&its.id, &confirmation)? {
        ConfirmOutcome::Done | ConfirmOutcome::AlreadyDone => StatusUpdateOutcome::Applied { from: listing.status },
        ConfirmOutcome::Duplicate { live: Some(live) } => StatusUpdateOutcome::Duplicate { live },
        ConfirmOutcome::Duplicate { live: None } | ConfirmOutcome::Ended | ConfirmOutcome::Taken { .. } => {
            StatusUpdateOutcome::StaysDelisted
        }
        ConfirmOutcome::NotFound => StatusUpdateOutcome::ListingNotFound,
    })
}
