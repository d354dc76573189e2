//! Adopts rows of other programs as publications, or gives them up.

use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, Confirmation, IdempotencyKey, ListingStatus, ListingUpdate, PlatformRow, ReserveRequest,
    Target,
};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId, Timestamp};

use super::confirmation::follow_confirmation;
use super::ownership::all_of_file;
use super::remote_item::RemoteItem;
use crate::Environment;
use crate::pipeline::Pipeline;

/// Makes a row the publication of a target. The jobs that were parked for a person run again, and the answer names
/// them.
pub(super) fn adopt_row(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    (file_id, target): (&FileId, &Target),
    row: &PlatformRow,
    item: &RemoteItem,
    client_key: Option<&IdempotencyKey>,
) -> Result<(AdoptOutcome, Vec<JobId>), StoreError> {
    let (environment, at) = (pipeline.environment(), pipeline.environment().now());
    let request =
        ReserveRequest::new(environment.publication_id(), *file_id, target.clone(), environment.token(), at, at);
    let confirmation =
        Confirmation::new(item.platform_id.clone(), item.kind.row(environment), item.as_of.unwrap_or(at), at)
            .url(item.url.clone());
    // The row proves that the product belongs to the file, whatever key another program has given it.
    let client_key = client_key.or_else(|| item.reported_key()).cloned();
    let adoption = Adoption::new(request, row.id(), confirmation).client_key(client_key);
    let adopted = s.publications().adopt(&adoption)?;
    let mut jobs = Vec::new();
    if let AdoptOutcome::Done(publication) = &adopted {
        log!(INFO, file = %file_id, %target, id = item.platform_id, "row of another program adopted");
        follow_confirmation(pipeline, s, publication, None, item)?;
        jobs = pipeline.retry_jobs_parked_for_person(s, file_id)?;
    }
    Ok((adopted, jobs))
}

/// Records that the product or post of a row is gone, unless the row has changed or belongs to a publication by now.
pub(super) fn give_up_row(
    environment: &Environment,
    s: &mut dyn Session,
    row: &PlatformRow,
    event_at: Timestamp,
) -> Result<(), StoreError> {
    let at = environment.now();
    let file_id = match row {
        PlatformRow::Listing(listing) => &listing.file_id,
        PlatformRow::Post(post) => &post.file_id,
    };
    if !all_of_file(s.reads(), file_id)?.all_untracked().contains(row) {
        return Ok(());
    }
    match row {
        PlatformRow::Listing(listing) => {
            let update = ListingUpdate::new(ListingStatus::Delisted, event_at, at);
            s.listings().update(&listing.id, &update).map(drop)
        }
        PlatformRow::Post(post) => s.listings().mark_post_gone(&post.id, at).map(drop),
    }
}
