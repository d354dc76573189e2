//! Applies a person's decision about a row that belongs to no publication.

use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{AdoptOutcome, PlatformRow, PlatformRowId, Publication, Target, ids_at};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId};
use serde::{Deserialize, Serialize};

use crate::Transaction;
use crate::action_row::record;
use crate::pipeline::Pipeline;
use crate::publishing::adoption::{adopt_row, give_up_row};
use crate::publishing::ownership::all_of_file;
use crate::publishing::remote_item::{RemoteItem, RemoteItemKind};

/// A person's decision about a row that belongs to no publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RowResolution {
    /// It is the product or post of this target.
    Adopt {
        /// The target, with the account of the product or post.
        target: Target,
        /// The id at the platform; only needed if the row has none.
        #[serde(default)]
        platform_id: Option<String>,
    },
    /// The product or post is gone, or does not belong to this file.
    NotThere,
}

/// The answer to a [`RowResolution`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowResolutionOutcome {
    /// The row now belongs to this publication.
    Adopted {
        /// The publication, which is confirmed as the row.
        publication: Box<Publication>,
        /// The jobs that were parked for a person and run again.
        jobs: Vec<JobId>,
    },
    /// The listing is delisted, or the post is recorded as gone.
    GivenUp {
        /// The jobs that were parked for a person and run again.
        jobs: Vec<JobId>,
    },
    /// Nothing was changed: this publication of the target is live.
    TargetIsLive(Box<Publication>),
    /// Nothing was changed: this publication is confirmed as the product or post.
    ItemIsTaken(Box<Publication>),
    /// Nothing was changed: the row does not exist, is not live, or belongs to a publication by now.
    NotUntracked,
}

impl RowResolution {
    pub(crate) const fn action_kind(&self) -> ActionKind {
        match self {
            Self::Adopt { .. } => ActionKind::Adopt,
            Self::NotThere => ActionKind::Resolve,
        }
    }
}

/// The row as the subject of an operator's action.
pub(crate) const fn subject(row: PlatformRowId) -> Subject {
    match row {
        PlatformRowId::Listing(id) => Subject::Listing(id),
        PlatformRowId::Post(id) => Subject::SocialPost(id),
    }
}

impl Pipeline {
    /// Applies a person's decision about a row of a file that belongs to no publication, and writes the row of the
    /// action. Jobs that waited for the decision run again.
    ///
    /// # Errors
    /// As [`Publisher::resolve_row`](crate::publishing::Publisher::resolve_row).
    pub fn resolve_row(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        row: PlatformRowId,
        resolution: &RowResolution,
        action: &Action,
    ) -> Result<RowResolutionOutcome, StoreError> {
        let s = t.session();
        let outcome = resolve(self, s, file_id, row, resolution)?;
        let recorded = match outcome {
            RowResolutionOutcome::Adopted { .. } | RowResolutionOutcome::GivenUp { .. } => ActionOutcome::Done,
            RowResolutionOutcome::TargetIsLive(_)
            | RowResolutionOutcome::ItemIsTaken(_)
            | RowResolutionOutcome::NotUntracked => ActionOutcome::Refused,
        };
        record(s, action, resolution.action_kind(), subject(row), recorded, self.environment())?;
        Ok(outcome)
    }
}

fn resolve(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    file_id: &FileId,
    row: PlatformRowId,
    resolution: &RowResolution,
) -> Result<RowResolutionOutcome, StoreError> {
    let untracked = all_of_file(s.reads(), file_id)?.all_untracked();
    let Some(row) = untracked.into_iter().find(|its| its.id() == row) else {
        return Ok(RowResolutionOutcome::NotUntracked);
    };
    match resolution {
        RowResolution::NotThere => {
            give_up_row(pipeline.environment(), s, &row, pipeline.environment().now())?;
            Ok(RowResolutionOutcome::GivenUp { jobs: pipeline.retry_jobs_parked_for_person(s, file_id)? })
        }
        RowResolution::Adopt { target, platform_id } => {
            let item = as_said(&row, target, platform_id.as_deref())?;
            let (adopted, jobs) = adopt_row(pipeline, s, (file_id, target), &row, &item, None)?;
            Ok(match adopted {
                AdoptOutcome::Done(its) => RowResolutionOutcome::Adopted { publication: Box::new(its), jobs },
                AdoptOutcome::Live(its) => RowResolutionOutcome::TargetIsLive(Box::new(its)),
                AdoptOutcome::Taken(its) => RowResolutionOutcome::ItemIsTaken(Box::new(its)),
                AdoptOutcome::NotUntracked => RowResolutionOutcome::NotUntracked,
            })
        }
    }
}

/// The product or post at the platform, by the row and the person's decision.
pub(in crate::publishing) fn as_said(
    row: &PlatformRow,
    target: &Target,
    platform_id: Option<&str>,
) -> Result<RemoteItem, StoreError> {
    if !row.is_at(target) {
        let rule = "a row is adopted by a target of its own platform";
        return Err(StoreError::Invalid { what: "target", value: target.to_string(), rule });
    }
    // The row of a listing has the account before the id if another account's listing had the same id.
    let held = row.platform_id().and_then(|held| match row {
        PlatformRow::Listing(_) => ids_at(target.account(), held).pop(),
        PlatformRow::Post(_) => Some(held),
    });
    let Some(platform_id) = platform_id.or(held) else {
        let rule = "it must be given, because the row has none";
        return Err(StoreError::Invalid { what: "platform id", value: String::new(), rule });
    };
    let (url, kind) = match row {
        PlatformRow::Listing(listing) => {
            let (status, platform_status) = (listing.status, listing.platform_status.clone());
            (listing.url.clone(), RemoteItemKind::Listing { status, platform_status })
        }
        PlatformRow::Post(post) => (post.url.clone(), RemoteItemKind::Post),
    };
    Ok(RemoteItem::new(platform_id, kind).url(url))
}
