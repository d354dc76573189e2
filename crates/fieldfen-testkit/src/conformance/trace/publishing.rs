//! The steps of a trace for publications, listings and recurring work.

use fieldfen_domain::job::ParkedFor;
use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, Confirmation, ConfirmedRow, IdempotencyKey, ListingStatus, ListingUpdate, Platform,
    PlatformRowId, PrunePublications, ReleaseReason, ReserveOutcome, Target, qualified_id,
};
use fieldfen_domain::recurring::{RecurringRun, Tick};
use fieldfen_domain::store::Session;

use super::Second;
use super::answer::{Answer, answer, masked_publication};
use crate::fixtures::{
    at, file_id, foreign_listing, foreign_post, job_id, listing_confirmation, listing_id, listing_target, platform_id,
    post_confirmation, post_id, post_target, publication_id, recurring, recurring_name, reserve_request, token,
};

/// A step for publications or listings.
#[expect(
    missing_docs,
    reason = "a field without a line is the number of a fixture, or a time in seconds of the trace: see Op"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishingOp {
    /// Reserves a target.
    Reserve {
        /// The number of a new publication.
        publication: u64,
        file: u64,
        /// Whether it is a post instead of a listing.
        post: bool,
        account: u64,
        /// The number of the variant or post key.
        discriminator: u64,
        token: u64,
        at: Second,
        hold: Second,
    },
    /// Confirms a product or post.
    Confirm {
        publication: u64,
        /// Whether it is a post instead of a listing.
        post: bool,
        /// The number of the id at the platform.
        platform_id: u64,
        row: u64,
        /// The status of the listing.
        status: ListingStatus,
        at: Second,
    },
    /// Releases a publication.
    Release {
        publication: u64,
        token: u64,
        /// Whether a lookup found nothing.
        absent: bool,
        at: Second,
    },
    /// Marks a publication unknown.
    MarkUnknown {
        publication: u64,
        token: u64,
        /// Whether it waits for a person.
        parked: bool,
        at: Second,
    },
    /// Inserts the row of a product or post of another program.
    InsertRow {
        row: u64,
        file: u64,
        /// Whether it is a post instead of a listing.
        post: bool,
        /// The number of the id at the platform.
        platform_id: u64,
        /// The account in a qualified id; `None` for a plain id.
        qualified: Option<u64>,
        /// The status of the listing.
        status: ListingStatus,
    },
    /// Adopts a row of another program.
    Adopt {
        /// The number of a new publication.
        publication: u64,
        file: u64,
        /// Whether it is a post instead of a listing.
        post: bool,
        account: u64,
        /// The number of the variant or post key.
        discriminator: u64,
        /// The number of the id at the platform.
        platform_id: u64,
        row: u64,
        at: Second,
    },
    /// Marks a post as gone.
    PostGone { row: u64, at: Second },
    /// Sets the key that a person has given to the product of a publication.
    TakeKey { publication: u64, key: u64, at: Second },
    /// Prunes released and ended publications.
    Prune {
        /// The time before which they were released or ended.
        before: Second,
        limit: u32,
    },
    /// Finds the listing of a product.
    FindListing {
        account: u64,
        /// The number of the id at the platform.
        platform_id: u64,
    },
    /// Updates the status of a listing.
    UpdateListing { listing: u64, status: ListingStatus, event_at: Second, at: Second },
}

/// A step for recurring work.
#[expect(
    missing_docs,
    reason = "a field without a line is the number of a fixture, or a time in seconds of the trace: see Op"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecurringOp {
    /// Defines or changes work.
    Define { work: u64, schedule: u64, has_zone: bool, next_at: Second },
    /// Takes a tick.
    Take { work: u64, due: Second, next_at: Second },
    /// Pauses work.
    Pause { work: u64, at: Second },
    /// Resumes work.
    Resume { work: u64 },
    /// Records a run.
    RecordRun { work: u64, job: u64, at: Second },
    /// Removes work.
    Remove { work: u64 },
}

/// Runs one step in an open session.
pub(super) fn run(s: &mut dyn Session, op: &PublishingOp) -> Answer {
    match op {
        PublishingOp::Reserve { publication, file, post, account, discriminator, token: proof, at: second, hold } => {
            let target = target(*post, *account, *discriminator);
            let request = reserve_request(*publication, file_id(*file), target, at(*second))
                .token(token(*proof))
                .held_until(at(second + hold));
            answer(s.publications().reserve(&request).map(masked_reserved))
        }
        PublishingOp::Confirm { publication, post, platform_id: given, row, status, at: second } => {
            let confirmation = confirmation(*post, *given, *row, *status, *second);
            answer(s.publications().confirm(&publication_id(*publication), &confirmation))
        }
        PublishingOp::Release { publication, token: proof, absent, at: second } => {
            let (id, proof) = (publication_id(*publication), token(*proof));
            let release = if *absent { ReleaseReason::Absent } else { ReleaseReason::NotMade };
            answer(s.publications().release(&id, &proof, release, "trace: refused", at(*second)))
        }
        PublishingOp::MarkUnknown { publication, token: proof, parked, at: second } => {
            let (id, proof) = (publication_id(*publication), token(*proof));
            let parked_for = parked.then_some(ParkedFor::Person);
            answer(s.publications().mark_unknown(&id, &proof, "trace: timeout", parked_for, at(*second)))
        }
        PublishingOp::InsertRow { row, file, post: true, platform_id: given, .. } => {
            let post = with!(foreign_post(*row, file_id(*file)), platform_post_id: Some(platform_id(*given)));
            answer(s.listings().insert_post(&post))
        }
        PublishingOp::InsertRow { row, file, post: false, platform_id: given, qualified, status } => {
            let id = platform_id(*given);
            let platform_listing_id = qualified.map_or(id.clone(), |account| qualified_id(&name(account), &id));
            let listing = with!(foreign_listing(*row, file_id(*file)), platform_listing_id, status: *status);
            answer(s.listings().insert_listing(&listing))
        }
        PublishingOp::Adopt { publication, file, post, account, discriminator, platform_id, row, at: second } => {
            let target = target(*post, *account, *discriminator);
            let confirmation = confirmation(*post, *platform_id, *row, ListingStatus::Active, *second);
            let request = reserve_request(*publication, file_id(*file), target, at(*second));
            let row = if *post { PlatformRowId::Post(post_id(*row)) } else { PlatformRowId::Listing(listing_id(*row)) };
            let adoption = Adoption::new(request, row, confirmation);
            answer(s.publications().adopt(&adoption).map(masked_adopted))
        }
        PublishingOp::PostGone { row, at: second } => answer(s.listings().mark_post_gone(&post_id(*row), at(*second))),
        PublishingOp::TakeKey { publication, key, at: second } => {
            let key = IdempotencyKey::from_text(format!("SKU-{key}"));
            answer(s.publications().set_key(&publication_id(*publication), &key, at(*second)))
        }
        PublishingOp::Prune { before, limit } => {
            answer(s.publications().prune(&PrunePublications::new(at(*before), *limit)))
        }
        PublishingOp::FindListing { account, platform_id: given } => {
            answer(s.listings().find_by_platform_id(Platform::Etsy, &name(*account), &platform_id(*given)))
        }
        PublishingOp::UpdateListing { listing, status, event_at, at: second } => {
            let update = ListingUpdate::new(*status, at(*event_at), at(*second));
            answer(s.listings().update(&listing_id(*listing), &update))
        }
    }
}

/// The name of an account; the first one has the empty name.
fn name(account: u64) -> String {
    if account == 0 { String::new() } else { format!("account-{account}") }
}

fn target(post: bool, account: u64, discriminator: u64) -> Target {
    let (name, discriminator) = (name(account), discriminator.to_string());
    match if post { post_target(&discriminator) } else { listing_target(&discriminator) } {
        Target::Listing { platform, variant, .. } => Target::listing(platform).at_account(&name).with_variant(variant),
        Target::Post { platform, post_key, post_type, .. } => {
            Target::post(platform, post_key).at_account(&name).with_post_type(post_type)
        }
    }
}

fn confirmation(post: bool, given: u64, row: u64, status: ListingStatus, second: Second) -> Confirmation {
    let confirmation = if post {
        post_confirmation(row, at(second)).row(ConfirmedRow::Post { id: post_id(row) })
    } else {
        let platform_status = Some(format!("word-{row}"));
        let row = ConfirmedRow::Listing { id: listing_id(row), status, platform_status };
        listing_confirmation(given, at(second)).row(row)
    };
    confirmation.platform_id(platform_id(given))
}

fn masked_adopted(adopted: AdoptOutcome) -> AdoptOutcome {
    match adopted {
        AdoptOutcome::Done(publication) => AdoptOutcome::Done(masked_publication(publication)),
        AdoptOutcome::Live(publication) => AdoptOutcome::Live(masked_publication(publication)),
        AdoptOutcome::Taken(publication) => AdoptOutcome::Taken(masked_publication(publication)),
        AdoptOutcome::NotUntracked => AdoptOutcome::NotUntracked,
    }
}

fn masked_reserved(reserved: ReserveOutcome) -> ReserveOutcome {
    match reserved {
        ReserveOutcome::Granted(publication) => ReserveOutcome::Granted(masked_publication(publication)),
        ReserveOutcome::Unresolved(publication) => ReserveOutcome::Unresolved(masked_publication(publication)),
        ReserveOutcome::Held(publication) => ReserveOutcome::Held(masked_publication(publication)),
        ReserveOutcome::Published(publication) => ReserveOutcome::Published(masked_publication(publication)),
        ReserveOutcome::Untracked(rows) => ReserveOutcome::Untracked(rows),
    }
}

/// Runs one step in an open session.
pub(super) fn run_recurring(s: &mut dyn Session, op: &RecurringOp) -> Answer {
    let name = |number: &u64| format!("work-{number}");
    match op {
        RecurringOp::Define { work, schedule, has_zone, next_at } => {
            let zone = has_zone.then(|| "Europe/Berlin".to_owned());
            answer(s.recurring().define(&recurring(&name(work), &schedule.to_string(), at(*next_at)).time_zone(zone)))
        }
        RecurringOp::Take { work, due, next_at } => {
            let name = recurring_name(&name(work));
            answer(s.recurring().take(&Tick::new(name, at(*due), at(*next_at), at(*due))))
        }
        RecurringOp::Pause { work, at: second } => {
            answer(s.recurring().pause(&recurring_name(&name(work)), at(*second)))
        }
        RecurringOp::Resume { work } => answer(s.recurring().resume(&recurring_name(&name(work)))),
        RecurringOp::RecordRun { work, job, at: second } => {
            let name = recurring_name(&name(work));
            answer(s.recurring().record_run(&RecurringRun::new(name, at(*second), job_id(*job), None)))
        }
        RecurringOp::Remove { work } => answer(s.recurring().remove(&recurring_name(&name(work)))),
    }
}
