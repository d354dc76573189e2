//! Applies a person's decision about a target whose call got no answer.

use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{
    ListingStatus, Publication, PublicationState, ReleaseReason, ReserveOutcome, ReserveRequest, Target,
};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId, OperatorActionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Transaction;
use crate::action_row::record;
use crate::pipeline::Pipeline;
use crate::publishing::confirmation::{ReservationConfirmOutcome, confirm};
use crate::publishing::remote_item::{RemoteItem, RemoteItemKind};

/// A person's decision about a target whose call got no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum UnknownResolution {
    /// The product or post is at the platform. Its row gets the status active. The `UpdateListing` that follows for a
    /// product reads the platform's own status.
    There {
        /// Its id at the platform.
        platform_id: String,
        /// The address of its page at the platform; `None` if it is unknown.
        #[serde(default)]
        url: Option<String>,
    },
    /// The platform has no such product or post.
    NothingThere,
}

/// The answer to an [`UnknownResolution`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownResolutionOutcome {
    /// The row of the product or post was written.
    Confirmed {
        /// The jobs that were parked for a person and run again.
        jobs: Vec<JobId>,
    },
    /// The target is free. The next job publishes it without a lookup.
    Freed {
        /// The jobs that were parked for a person and run again.
        jobs: Vec<JobId>,
    },
    /// Nothing was changed: the last call may still take effect. Repeat the decision after its end.
    InProgress {
        /// The latest end of the last call.
        until: Timestamp,
    },
    /// Nothing was changed: another target or file is confirmed as this very product, or has its row.
    IdTaken {
        /// The file of that other publication or row.
        file_id: FileId,
    },
    /// Nothing was changed: the target is free or published.
    NotUnknown,
}

impl UnknownResolution {
    pub(crate) const fn action_kind(&self) -> ActionKind {
        match self {
            Self::There { .. } => ActionKind::Resolve,
            Self::NothingThere => ActionKind::NothingIsThere,
        }
    }
}

impl Pipeline {
    /// Applies a person's decision about a target whose call got no answer, and writes the row of the action. Jobs that
    /// waited for the decision run again.
    ///
    /// # Errors
    /// As [`Publisher::resolve_unknown`](crate::publishing::Publisher::resolve_unknown).
    pub fn resolve_unknown(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        target: &Target,
        resolution: &UnknownResolution,
        action: &Action,
    ) -> Result<UnknownResolutionOutcome, StoreError> {
        self.resolve_unknown_in(t.session(), (file_id, target), resolution, action).map(|(outcome, _)| outcome)
    }

    /// Applies the decision, and also returns the id of the action's row.
    pub(super) fn resolve_unknown_in(
        &self,
        s: &mut dyn Session,
        (file_id, target): (&FileId, &Target),
        resolution: &UnknownResolution,
        action: &Action,
    ) -> Result<(UnknownResolutionOutcome, OperatorActionId), StoreError> {
        let (outcome, subject) = match take_over(self, s, file_id, target)? {
            TakeOver::Unknown(its) => {
                let outcome = match resolution {
                    UnknownResolution::There { platform_id, url } => {
                        confirm_as_said(self, s, &its, platform_id, url.as_deref())?
                    }
                    UnknownResolution::NothingThere => release(self, s, &its, action.reason())?,
                };
                (outcome, Subject::Publication(its.id))
            }
            TakeOver::InProgress(its) => {
                let until = its.held_until;
                (UnknownResolutionOutcome::InProgress { until }, Subject::Publication(its.id))
            }
            TakeOver::NotUnknown => (UnknownResolutionOutcome::NotUnknown, Subject::File(*file_id)),
        };
        let recorded = match outcome {
            UnknownResolutionOutcome::Confirmed { .. } | UnknownResolutionOutcome::Freed { .. } => ActionOutcome::Done,
            UnknownResolutionOutcome::InProgress { .. }
            | UnknownResolutionOutcome::IdTaken { .. }
            | UnknownResolutionOutcome::NotUnknown => ActionOutcome::Refused,
        };
        let id = record(s, action, resolution.action_kind(), subject, recorded, self.environment())?;
        Ok((outcome, id))
    }
}

enum TakeOver {
    /// The outcome is unknown, and no caller publishes at the target.
    Unknown(Box<Publication>),
    InProgress(Box<Publication>),
    /// The target is free or published. A reservation made here would not be used for a call.
    NotUnknown,
}

fn take_over(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    file_id: &FileId,
    target: &Target,
) -> Result<TakeOver, StoreError> {
    let (environment, at) = (pipeline.environment(), pipeline.environment().now());
    let open = s.publications().list_by_file(file_id)?.into_iter().find(|its| {
        its.target.is_same_place(target) && its.state.is_live() && its.state != PublicationState::Confirmed
    });
    let Some(open) = open else { return Ok(TakeOver::NotUnknown) };
    let held_until = open.restarted_hold_end(at).unwrap_or(open.held_until);
    let (id, token) = (environment.publication_id(), environment.token());
    let request = ReserveRequest::new(id, *file_id, target.clone(), token, held_until, at);
    Ok(match s.publications().reserve(&request)? {
        ReserveOutcome::Unresolved(its) => TakeOver::Unknown(Box::new(its)),
        ReserveOutcome::Held(its) => TakeOver::InProgress(Box::new(its)),
        ReserveOutcome::Granted(_) | ReserveOutcome::Published(_) | ReserveOutcome::Untracked(_) => {
            TakeOver::NotUnknown
        }
    })
}

fn confirm_as_said(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    publication: &Publication,
    platform_id: &str,
    url: Option<&str>,
) -> Result<UnknownResolutionOutcome, StoreError> {
    let kind = match publication.target {
        Target::Listing { .. } => RemoteItemKind::Listing { status: ListingStatus::Active, platform_status: None },
        Target::Post { .. } => RemoteItemKind::Post,
    };
    let item = RemoteItem::new(platform_id, kind).url(url.map(str::to_owned));
    Ok(match confirm(pipeline, s, publication, None, &item)? {
        ReservationConfirmOutcome::Confirmed
        | ReservationConfirmOutcome::AlreadyConfirmed
        | ReservationConfirmOutcome::Delisted => UnknownResolutionOutcome::Confirmed {
            jobs: pipeline.retry_jobs_parked_for_person(s, &publication.file_id)?,
        },
        ReservationConfirmOutcome::IdTaken { file_id } => UnknownResolutionOutcome::IdTaken { file_id },
        ReservationConfirmOutcome::InProgress { until } => UnknownResolutionOutcome::InProgress { until },
        ReservationConfirmOutcome::Duplicate { .. } | ReservationConfirmOutcome::NotWanted => {
            UnknownResolutionOutcome::NotUnknown
        }
    })
}

/// Releases the target of an unknown publication.
fn release(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    publication: &Publication,
    reason: &str,
) -> Result<UnknownResolutionOutcome, StoreError> {
    let at = pipeline.environment().now();
    if publication.is_held(at) {
        return Ok(UnknownResolutionOutcome::InProgress { until: publication.held_until });
    }
    let said = format!("a person says that nothing is there: {reason}");
    let released = s.publications().release(&publication.id, &publication.token, ReleaseReason::Absent, &said, at)?;
    if !released.is_done() {
        return Ok(UnknownResolutionOutcome::NotUnknown);
    }
    Ok(UnknownResolutionOutcome::Freed { jobs: pipeline.retry_jobs_parked_for_person(s, &publication.file_id)? })
}
