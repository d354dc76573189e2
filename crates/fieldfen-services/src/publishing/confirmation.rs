//! Confirming a publication: the row of its listing or post, and what follows from it, in one transaction.

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
    /// The listing or post has its row.
    Confirmed,
    /// It had its row before.
    AlreadyConfirmed,
    /// It is not live: the platform says that it is delisted, or a newer status update does. Its row says so, the
    /// publication has ended, and the file was not moved.
    Delisted,
    /// Another target or file is confirmed as this very product, or has its row: nothing was changed. The reservation
    /// stays on its row, and a person has to look.
    IdTaken {
        /// The file of the other one.
        file_id: FileId,
    },
    /// Another one is live for the same target: the one just confirmed has to be taken down at the platform.
    Duplicate {
        /// The platform id of the other one.
        live: String,
    },
    /// Somebody else has a call under way for the same target: which of the two stays is seen when it is over.
    InProgress {
        /// When the other call is over at the latest.
        until: Timestamp,
    },
    /// The file was deleted in the meantime, or the product had been taken down before it was confirmed: what is at the
    /// platform belongs to nothing here.
    NotWanted,
}

/// Confirms a publication. An `UpdateListing` follows unless the product shows the file as it is: as `shown`.
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

/// Makes what follows when a publication was confirmed: the move of its file, and the update of a product that shows
/// another version of it.
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
        pipeline.enqueue_update(s, publication.file_id, listing.id)?;
    }
    Ok(())
}

/// Whether an attempt at a confirmation, whose outcome is unknown, has taken effect.
pub(super) fn is_confirmed_as(now: &Publication, before: &ReservationConfirmOutcome, item: &RemoteItem) -> bool {
    let state = match before {
        ReservationConfirmOutcome::Confirmed => PublicationState::Confirmed,
        ReservationConfirmOutcome::Delisted => PublicationState::Ended,
        _ => return false,
    };
    now.state == state && now.platform_id.as_ref() == Some(&item.platform_id)
}

/// Confirms a publication whose product was another's until that one has ended just now.
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

/// Confirms a publication that the platform turns out to have, even if it had ended; `None` while somebody holds it.
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
