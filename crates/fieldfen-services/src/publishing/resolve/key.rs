//! Applies a person's decision about a product that has the id of a publication and an unknown key.

use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{
    IdempotencyKey, ListingStatus, ListingUpdate, ListingUpdateOutcome, publication_of,
};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{JobId, PublicationId};
use serde::{Deserialize, Serialize};

use crate::Transaction;
use crate::action_row::record;
use crate::pipeline::Pipeline;
use crate::publishing::ownership::all_of_file;

/// A person's decision about a product with a key that fieldfen has not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyResolution {
    /// It is the product of the publication, which has this key from now on.
    Ours(IdempotencyKey),
    /// It is not the product of the publication, whose product is gone.
    NotOurs,
}

/// The answer to a [`KeyResolution`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyResolutionOutcome {
    /// The publication has the key, or its listing is delisted.
    Done {
        /// The jobs that were parked for a person and run again.
        jobs: Vec<JobId>,
    },
    /// Nothing was changed: the publication does not exist, or has no live product.
    NotLive,
}

impl KeyResolution {
    pub(crate) const fn action_kind(&self) -> ActionKind {
        match self {
            Self::Ours(_) => ActionKind::Adopt,
            Self::NotOurs => ActionKind::Resolve,
        }
    }
}

/// The publication as the subject of an operator's action.
pub(crate) const fn subject(id: &PublicationId) -> Subject {
    Subject::Publication(*id)
}

impl Pipeline {
    /// Applies a person's decision about a product that has the id of a publication and an unknown key, and writes the
    /// row of the action. Jobs that waited for the decision run again.
    ///
    /// # Errors
    /// As [`Publisher::resolve_key`](crate::publishing::Publisher::resolve_key).
    pub fn resolve_key(
        &self,
        t: &mut Transaction<'_>,
        id: &PublicationId,
        resolution: &KeyResolution,
        action: &Action,
    ) -> Result<KeyResolutionOutcome, StoreError> {
        let s = t.session();
        let outcome = resolve(self, s, id, resolution)?;
        let recorded = match outcome {
            KeyResolutionOutcome::Done { .. } => ActionOutcome::Done,
            KeyResolutionOutcome::NotLive => ActionOutcome::Refused,
        };
        record(s, action, resolution.action_kind(), subject(id), recorded, self.environment())?;
        Ok(outcome)
    }
}

fn resolve(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    id: &PublicationId,
    resolution: &KeyResolution,
) -> Result<KeyResolutionOutcome, StoreError> {
    let at = pipeline.environment().now();
    let Some(publication) = s.publications().find(id)? else { return Ok(KeyResolutionOutcome::NotLive) };
    let all = all_of_file(s.reads(), &publication.file_id)?;
    let is_its =
        |listing: &_| publication_of(listing, &all.listings, &all.publications).is_some_and(|its| its.id == *id);
    let listing = all.listings.iter().find(|listing| listing.status.is_live() && is_its(listing));
    let Some(listing) = listing else { return Ok(KeyResolutionOutcome::NotLive) };
    let is_done = match resolution {
        KeyResolution::Ours(key) => s.publications().set_key(id, key, at)?,
        KeyResolution::NotOurs => {
            let update = ListingUpdate::new(ListingStatus::Delisted, at, at);
            s.listings().update(&listing.id, &update)? == ListingUpdateOutcome::Done
        }
    };
    if !is_done {
        return Ok(KeyResolutionOutcome::NotLive);
    }
    Ok(KeyResolutionOutcome::Done { jobs: pipeline.retry_jobs_parked_for_person(s, &publication.file_id)? })
}
