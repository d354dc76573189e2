//! Confirms a publication. One transaction writes the row of its listing or post and enqueues the jobs that follow.

use fieldfen_domain::file::File;
use fieldfen_domain::publication::{ConfirmOutcome, Confirmation, Publication, PublicationState, Target};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, PublicationId, Timestamp};

use super::publisher::Publisher;
use super::remote_item::RemoteItem;
use crate::pipeline::{Pipeline, listing_confirmed, shows_the_same};
use crate::write_retry::write_once;

/// The answer to the confirmation of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReservationConfirmOutcome {
    /// The row of the listing or post was written.
    Confirmed,
    /// The row existed before.
    AlreadyConfirmed,
    /// The product is not live: the platform reports it as delisted, or a newer status update did. The row says so, the
    /// publication has ended, and the file was not moved.
    Delisted,
    /// Another target or file is confirmed as this very product, or has its row. Nothing was changed. The reservation
    /// stays on its row, and a person must decide.
    IdTaken {
        /// The file of that other publication or row.
        file_id: FileId,
    },
    /// Another product is live for the same target. The product of this call must be taken down at the platform.
    Duplicate {
        /// The id of the live product at the platform.
        live: String,
    },
    /// Another caller has a call in progress for the same target. Its end decides which product stays.
    InProgress {
        /// The latest end of the other call.
        until: Timestamp,
    },
    /// The file was deleted meanwhile, or the product was taken down before its confirmation. The product belongs to no
    /// publication.
    NotWanted,
}

/// Confirms a publication. `shown` is the file as the product shows it. If the file has changed since, an
/// `UpdateListing` follows.
pub(super) fn confirm(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    publication: &Publication,
    shown: Option<&File>,
    item: &RemoteItem,
) -> Result<ReservationConfirmOutcome, StoreError> {
    use ReservationConfirmOutcome as Outcome;

    let at = pipeline.environment().now();
    let confirmation = Confirmation::new(
        item.platform_id.clone(),
        item.kind.row(pipeline.environment()),
        // The row was last written before the call or the lookup.
        item.as_of.unwrap_or(publication.updated_at),
        at,
    )
    .url(item.url.clone());
    match s.publications().confirm(&publication.id, &confirmation)? {
        ConfirmOutcome::Done => {}
        ConfirmOutcome::Ended => return Ok(Outcome::Delisted),
        ConfirmOutcome::Taken { file_id } => return Ok(Outcome::IdTaken { file_id }),
        ConfirmOutcome::AlreadyDone => return Ok(Outcome::AlreadyConfirmed),
        ConfirmOutcome::NotFound => return Ok(Outcome::NotWanted),
        ConfirmOutcome::Duplicate { live: Some(live) } if live == item.platform_id => {
            return Ok(Outcome::AlreadyConfirmed);
        }
        ConfirmOutcome::Duplicate { live: Some(live) } => return Ok(Outcome::Duplicate { live }),
        ConfirmOutcome::Duplicate { live: None } => {
            let publications = s.publications().list_by_file(&publication.file_id)?;
            let other = publications
                .iter()
                .find(|other| other.state.is_live() && other.target.is_same_place(&publication.target));
            return Ok(Outcome::InProgress { until: other.map_or(at, |other| other.held_until) });
        }
    }
    follow_confirmation(pipeline, s, publication, shown, item)?;
    Ok(Outcome::Confirmed)
}

/// Moves the file of a confirmed publication, and enqueues the update of a product that shows another version of the
/// file.
pub(super) fn follow_confirmation(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    publication: &Publication,
    shown: Option<&File>,
    item: &RemoteItem,
) -> Result<(), StoreError> {
    let Target::Listing { platform, account, .. } = &publication.target else { return Ok(()) };
    let name = format!("{} at {platform}", item.platform_id);
    listing_confirmed(s, &publication.file_id, &name, pipeline.environment().now())?;
    let now = s.files().find(&publication.file_id)?;
    let is_shown = shown.zip(now.as_ref()).is_some_and(|(shown, now)| shows_the_same(now, shown));
    let listing = s.listings().find_by_platform_id(*platform, account, &item.platform_id)?;
    if let Some(listing) = listing.filter(|listing| listing.status.is_live() && !is_shown) {
        pipeline.enqueue_update(s, &listing, account)?;
    }
    Ok(())
}

/// Returns whether an attempt at a confirmation whose outcome is unknown has taken effect.
pub(super) fn is_confirmed_as(now: &Publication, before: &ReservationConfirmOutcome, item: &RemoteItem) -> bool {
    let state = match before {
        ReservationConfirmOutcome::Confirmed => PublicationState::Confirmed,
        ReservationConfirmOutcome::Delisted => PublicationState::Ended,
        _ => return false,
    };
    now.state == state && now.platform_id.as_ref() == Some(&item.platform_id)
}

/// Confirms a publication whose product belonged to another publication, which has just ended.
pub(super) fn confirm_after_former_owner<S: Store>(
    publisher: &Publisher<S>,
    reserved: &Publication,
    item: &RemoteItem,
) -> Result<ReservationConfirmOutcome, StoreError> {
    write_once(publisher.store(), |s, before| {
        let now = s.publications().find(&reserved.id)?;
        if before.zip(now).is_some_and(|(before, now)| is_confirmed_as(&now, before, item)) {
            return Ok(None);
        }
        confirm(publisher.pipeline(), s, reserved, None, item).map(Some)
    })
}

/// Confirms a publication whose product the platform has, even if the publication had ended; `None` while it is
/// reserved.
pub(super) fn confirm_unattended<S: Store>(
    publisher: &Publisher<S>,
    id: &PublicationId,
    item: &RemoteItem,
) -> Result<Option<ReservationConfirmOutcome>, StoreError> {
    write_once(publisher.store(), |s, before: Option<&Option<ReservationConfirmOutcome>>| {
        let Some(publication) = s.publications().find(id)? else { return Ok(Some(None)) };
        if let Some(Some(before)) = before
            && is_confirmed_as(&publication, before, item)
        {
            return Ok(None);
        }
        if publication.state == PublicationState::Reserved && publication.is_held(publisher.environment().now()) {
            return Ok(Some(None));
        }
        confirm(publisher.pipeline(), s, &publication, None, item).map(|outcome| Some(Some(outcome)))
    })
}
