//! Steps of a trace that concern publications, listings and recurring work.

use fieldfen_domain::publication::{
    Confirmation, ConfirmedRow, ListingStatus, ListingUpdate, ReserveRequest, Reserved,
};
use fieldfen_domain::recurring::Tick;
use fieldfen_domain::store::Session;

use super::Second;
use super::answer::{answer, masked_publication};
use crate::fixtures::{
    at, file_id, listing_confirmation, listing_id, listing_target, platform_id, post_confirmation, post_id,
    post_target, publication_id, recurring, recurring_name, reserve_request, token,
};

/// Something is published, or news of it arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishingOp {
    /// A target is reserved.
    Reserve {
        /// The publication, if one is made.
        publication: u64,
        /// The file.
        file: u64,
        /// A post, rather than a listing.
        post: bool,
        /// Which variant or post key.
        discriminator: u64,
        /// With which token.
        token: u64,
        /// When.
        at: Second,
        /// For how many seconds.
        hold: Second,
    },
    /// A platform says that something is there.
    Confirm {
        /// The publication.
        publication: u64,
        /// A post, rather than a listing.
        post: bool,
        /// The id that the platform has given.
        platform_id: u64,
        /// The row to be made.
        row: u64,
        /// The status of the listing.
        status: ListingStatus,
        /// When.
        at: Second,
    },
    /// A platform says that nothing is there.
    Release {
        /// The publication.
        publication: u64,
        /// With which token.
        token: u64,
        /// When.
        at: Second,
    },
    /// No answer came.
    MarkUnknown {
        /// The publication.
        publication: u64,
        /// With which token.
        token: u64,
        /// When.
        at: Second,
    },
    /// News of a listing arrive.
    UpdateListing {
        /// The listing.
        listing: u64,
        /// Its status.
        status: ListingStatus,
        /// When it was so.
        event_at: Second,
        /// When the news arrive.
        at: Second,
    },
}

/// Something happens to recurring work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecurringOp {
    /// Work is set up or changed.
    Define {
        /// Which work.
        work: u64,
        /// Which schedule.
        schedule: u64,
        /// Its next tick.
        next_at: Second,
    },
    /// A tick is taken.
    Take {
        /// Of which work.
        work: u64,
        /// When it was due.
        due: Second,
        /// The tick after it.
        next_at: Second,
    },
    /// Work is ended.
    Remove {
        /// Which work.
        work: u64,
    },
}

/// Runs one step in an open session.
pub(super) fn run(s: &mut dyn Session, op: &PublishingOp) -> String {
    match op {
        PublishingOp::Reserve { publication, file, post, discriminator, token: proof, at: second, hold } => {
            let discriminator = discriminator.to_string();
            let target = if *post { post_target(&discriminator) } else { listing_target(&discriminator) };
            let request = ReserveRequest {
                token: token(*proof),
                held_until: at(second + hold),
                ..reserve_request(*publication, file_id(*file), target, at(*second))
            };
            answer(s.publications().reserve(&request).map(masked_reserved))
        }
        PublishingOp::Confirm { publication, post, platform_id: given, row, status, at: second } => {
            let confirmation = if *post {
                Confirmation { row: ConfirmedRow::Post { id: post_id(*row) }, ..post_confirmation(*row, at(*second)) }
            } else {
                let platform_status = Some(format!("word-{row}"));
                let row = ConfirmedRow::Listing { id: listing_id(*row), status: *status, platform_status };
                Confirmation { row, ..listing_confirmation(*given, at(*second)) }
            };
            let confirmation = Confirmation { platform_id: platform_id(*given), ..confirmation };
            answer(s.publications().confirm(&publication_id(*publication), &confirmation))
        }
        PublishingOp::Release { publication, token: proof, at: second } => {
            let (id, proof) = (publication_id(*publication), token(*proof));
            answer(s.publications().release(&id, &proof, "trace: refused", at(*second)))
        }
        PublishingOp::MarkUnknown { publication, token: proof, at: second } => {
            let (id, proof) = (publication_id(*publication), token(*proof));
            answer(s.publications().mark_unknown(&id, &proof, "trace: timeout", at(*second)))
        }
        PublishingOp::UpdateListing { listing, status, event_at, at: second } => {
            let update =
                ListingUpdate { status: *status, platform_status: None, event_at: at(*event_at), at: at(*second) };
            answer(s.listings().update(&listing_id(*listing), &update))
        }
    }
}

fn masked_reserved(reserved: Reserved) -> Reserved {
    match reserved {
        Reserved::Granted(publication) => Reserved::Granted(masked_publication(publication)),
        Reserved::Unresolved(publication) => Reserved::Unresolved(masked_publication(publication)),
        Reserved::Held(publication) => Reserved::Held(masked_publication(publication)),
        Reserved::Published(publication) => Reserved::Published(masked_publication(publication)),
    }
}

/// Runs one step in an open session.
pub(super) fn run_recurring(s: &mut dyn Session, op: &RecurringOp) -> String {
    let name = |number: &u64| format!("work-{number}");
    match op {
        RecurringOp::Define { work, schedule, next_at } => {
            answer(s.recurring().define(&recurring(&name(work), &schedule.to_string(), at(*next_at))))
        }
        RecurringOp::Take { work, due, next_at } => {
            let name = recurring_name(&name(work));
            answer(s.recurring().take(&Tick { name, due: at(*due), next_at: at(*next_at), at: at(*due) }))
        }
        RecurringOp::Remove { work } => answer(s.recurring().remove(&recurring_name(&name(work)))),
    }
}
