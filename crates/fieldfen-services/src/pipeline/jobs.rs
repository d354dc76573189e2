//! The jobs of the pipeline. Each has a dedup key, so that the same job is not enqueued twice while it is live.

use std::collections::BTreeSet;

use fieldfen_domain::file::File;
use fieldfen_domain::job::{
    ApiAccount, CreateFileRecord, CreateListing, DedupKey, EnqueueOutcome, GenerateMetadata, InvalidJob, NewJob,
    Payload, PublishSocial, UpdateListing, UpscaleImage,
};
use fieldfen_domain::publication::{
    IdempotencyKey, Listing, Platform, Publication, PublicationState, Target, publication_of, untracked_listings,
};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, ListingId};

use super::{EventOutcome, Pipeline};

impl Pipeline {
    pub(super) fn enqueue_record(&self, s: &mut dyn Session, file_id: FileId) -> Result<EnqueueOutcome, StoreError> {
        self.enqueue(s, &CreateFileRecord::new(file_id), Some(&file_id.uuid().to_string()))
    }

    pub(super) fn enqueue_upscale(&self, s: &mut dyn Session, file_id: FileId) -> Result<EnqueueOutcome, StoreError> {
        let (scale_factor, target_dpi) = (self.scale_factor, self.target_dpi);
        let payload = UpscaleImage::new(file_id, scale_factor, target_dpi);
        self.enqueue(s, &payload, Some(&file_id.uuid().to_string()))
    }

    pub(super) fn enqueue_metadata(&self, s: &mut dyn Session, file_id: FileId) -> Result<EnqueueOutcome, StoreError> {
        self.enqueue(s, &GenerateMetadata::new(file_id), Some(&file_id.uuid().to_string()))
    }

    /// Enqueues a job that publishes at a target. The dedup key is the same for the same target. Its length is fixed,
    /// however long the names of account and variant are.
    pub(super) fn enqueue_target(
        &self,
        s: &mut dyn Session,
        file_id: FileId,
        target: &Target,
    ) -> Result<EnqueueOutcome, StoreError> {
        let key = IdempotencyKey::derive(&file_id, target, 0);
        match target.clone() {
            Target::Listing { platform, account, variant, .. } => {
                let payload = CreateListing::new(file_id, platform).account(account).variant(variant);
                self.enqueue(s, &payload, Some(key.as_str()))
            }
            Target::Post { platform, account, post_key, post_type, .. } => {
                let payload =
                    PublishSocial::new(file_id, platform).post_type(post_type).account(account).post_key(post_key);
                self.enqueue(s, &payload, Some(key.as_str()))
            }
        }
    }

    /// Enqueues a job for each wanted target without a confirmed publication.
    pub(super) fn enqueue_wanted(
        &self,
        s: &mut dyn Session,
        file: &File,
        followed: &mut EventOutcome,
    ) -> Result<(), StoreError> {
        self.enqueue_wanted_but(s, file, &[PublicationState::Confirmed], followed)
    }

    /// Enqueues a job for each wanted target whose publications are in none of these states.
    pub(super) fn enqueue_wanted_but(
        &self,
        s: &mut dyn Session,
        file: &File,
        states: &[PublicationState],
        followed: &mut EventOutcome,
    ) -> Result<(), StoreError> {
        let publications = s.publications().list_by_file(&file.id)?;
        for target in self.targets(file) {
            let has_been = |its: &Publication| states.contains(&its.state) && its.target.is_same_place(&target);
            if !publications.iter().any(has_been) {
                followed.add(self.enqueue_target(s, file.id, &target)?);
            }
        }
        Ok(())
    }

    /// The live listings of a file without a publication for which [`Pipeline::enqueue_wanted`] enqueues a
    /// `CreateListing`. That job looks the listings up, adopts them, and lets an `UpdateListing` follow.
    pub(super) fn adopting(&self, s: &mut dyn Session, file: &File) -> Result<BTreeSet<ListingId>, StoreError> {
        let (listings, publications) = (s.listings().list_by_file(&file.id)?, s.publications().list_by_file(&file.id)?);
        let confirmed = |target: &Target| {
            publications
                .iter()
                .any(|other| other.state == PublicationState::Confirmed && other.target.is_same_place(target))
        };
        let platforms =
            self.targets(file).into_iter().filter(|target| !confirmed(target)).filter_map(|target| match target {
                Target::Listing { platform, .. } => Some(platform),
                Target::Post { .. } => None,
            });
        let platforms: BTreeSet<Platform> = platforms.collect();
        let untracked = platforms.into_iter().flat_map(|at| untracked_listings(at, &listings, &publications));
        Ok(untracked.map(|listing| listing.id).collect())
    }

    /// Enqueues an update for each live listing of a file, except these.
    ///
    /// These jobs have no dedup key: a running job may have read the file before the change, so another job must follow
    /// it.
    pub(super) fn enqueue_updates(
        &self,
        s: &mut dyn Session,
        file_id: FileId,
        but: &BTreeSet<ListingId>,
        followed: &mut EventOutcome,
    ) -> Result<(), StoreError> {
        let (listings, publications) = (s.listings().list_by_file(&file_id)?, s.publications().list_by_file(&file_id)?);
        for listing in listings.iter().filter(|listing| listing.status.is_live() && !but.contains(&listing.id)) {
            let its = publication_of(listing, &listings, &publications);
            followed.add(self.enqueue_update(s, listing, its.map_or("", |its| its.target.account()))?);
        }
        Ok(())
    }

    /// Enqueues an update of one listing of this account. The account is empty if it is not known.
    pub(crate) fn enqueue_update(
        &self,
        s: &mut dyn Session,
        listing: &Listing,
        account: &str,
    ) -> Result<EnqueueOutcome, StoreError> {
        let job = self.job(&UpdateListing::new(listing.file_id, listing.id), None)?;
        s.jobs().enqueue(&job.account(ApiAccount::of(listing.platform.as_str(), account)))
    }

    fn enqueue<P: Payload>(
        &self,
        s: &mut dyn Session,
        payload: &P,
        key: Option<&str>,
    ) -> Result<EnqueueOutcome, StoreError> {
        s.jobs().enqueue(&self.job(payload, key)?)
    }

    fn job<P: Payload>(&self, payload: &P, key: Option<&str>) -> Result<NewJob, StoreError> {
        let refused = |error: InvalidJob| StoreError::Invalid {
            what: "job of the pipeline",
            value: error.to_string(),
            rule: "its payload must be within the limits of its kind",
        };
        let job = NewJob::new(self.environment.job_id(), payload, self.environment.now()).map_err(refused)?;
        let kind = P::kind();
        let retries = self.retries_by_kind.get(&kind).copied().unwrap_or(self.max_retries);
        let consequence = self.on_worker_death_by_kind.get(&kind).copied();
        let consequence = consequence.or(job.on_worker_death).or(self.on_worker_death);
        let mut job = job.max_retries(retries).on_worker_death(consequence);
        if let Some(key) = key {
            job = job.dedup_key(DedupKey::new(format!("{}:{key}", P::kind())).map_err(refused)?);
        }
        Ok(job)
    }
}
