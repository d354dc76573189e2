//! The handlers of requests that resolve the state of a platform.

use fieldfen_domain::operator::{Action, ActionKind, Subject};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, JobId};

use super::answer::OperatorAnswer;
use super::handlers::{Request, refused};
use super::jobs::{ResolveKeyRequest, ResolveRowRequest, ResolveUnknownRequest};
use crate::Transaction;
use crate::pipeline::Pipeline;
use crate::publishing::resolve::{key, row};
use crate::publishing::{KeyResolutionOutcome, RowResolutionOutcome, UnknownResolutionOutcome};

impl Request for ResolveRowRequest {
    fn recorded_as(&self) -> (ActionKind, Subject) {
        (self.resolution.action_kind(), row::subject(self.row))
    }

    fn action(&self) -> &Action {
        &self.action
    }

    fn carry_out(&self, pipeline: &Pipeline, t: &mut Transaction<'_>) -> Result<OperatorAnswer, StoreError> {
        let resolved = match pipeline.resolve_row(t, &self.file_id, self.row, &self.resolution, &self.action) {
            Err(error @ StoreError::Invalid { .. }) => return refused(pipeline, t.session(), self, error.to_string()),
            resolved => resolved?,
        };
        Ok(match resolved {
            RowResolutionOutcome::Adopted { jobs, .. } | RowResolutionOutcome::GivenUp { jobs } => {
                done(t.session(), &self.file_id, jobs)?
            }
            RowResolutionOutcome::TargetIsLive(its) => OperatorAnswer::Refused {
                reason: format!("publication {} is live at {}: only one can be", its.id, its.target),
            },
            RowResolutionOutcome::ItemIsTaken(its) => OperatorAnswer::Refused {
                reason: format!("the product or post is that of publication {} of file {}", its.id, its.file_id),
            },
            RowResolutionOutcome::NotUntracked => OperatorAnswer::Refused {
                reason: "the row is not there, shows nothing live, or belongs to a publication by now".to_owned(),
            },
        })
    }
}

impl Request for ResolveKeyRequest {
    fn recorded_as(&self) -> (ActionKind, Subject) {
        (self.resolution.action_kind(), key::subject(&self.publication_id))
    }

    fn action(&self) -> &Action {
        &self.action
    }

    fn carry_out(&self, pipeline: &Pipeline, t: &mut Transaction<'_>) -> Result<OperatorAnswer, StoreError> {
        let resolved = match pipeline.resolve_key(t, &self.publication_id, &self.resolution, &self.action) {
            Err(error @ StoreError::Invalid { .. }) => return refused(pipeline, t.session(), self, error.to_string()),
            resolved => resolved?,
        };
        Ok(match resolved {
            KeyResolutionOutcome::Done { jobs } => {
                let s = t.session();
                match s.publications().find(&self.publication_id)? {
                    Some(its) => done(s, &its.file_id, jobs)?,
                    None => OperatorAnswer::Done { status: None, jobs },
                }
            }
            KeyResolutionOutcome::NotLive => OperatorAnswer::Refused {
                reason: format!("publication {} is not there, or no listing of it is live", self.publication_id),
            },
        })
    }
}

impl Request for ResolveUnknownRequest {
    fn recorded_as(&self) -> (ActionKind, Subject) {
        (self.resolution.action_kind(), Subject::File(self.file_id))
    }

    fn action(&self) -> &Action {
        &self.action
    }

    fn carry_out(&self, pipeline: &Pipeline, t: &mut Transaction<'_>) -> Result<OperatorAnswer, StoreError> {
        let Self { file_id, target, resolution, action } = self;
        let resolved = match pipeline.resolve_unknown(t, file_id, target, resolution, action) {
            Err(error @ StoreError::Invalid { .. }) => return refused(pipeline, t.session(), self, error.to_string()),
            resolved => resolved?,
        };
        Ok(match resolved {
            UnknownResolutionOutcome::Confirmed { jobs } | UnknownResolutionOutcome::Freed { jobs } => {
                done(t.session(), file_id, jobs)?
            }
            UnknownResolutionOutcome::InProgress { until } => OperatorAnswer::Refused {
                reason: format!("{target}: the last call may still take effect until {until}; say so again after that"),
            },
            UnknownResolutionOutcome::IdTaken { file_id } => {
                OperatorAnswer::Refused { reason: format!("the product or post is that of file {file_id}") }
            }
            UnknownResolutionOutcome::NotUnknown => {
                OperatorAnswer::Refused { reason: format!("{target}: no call waits for an answer") }
            }
        })
    }
}

fn done(s: &mut dyn Session, file_id: &FileId, jobs: Vec<JobId>) -> Result<OperatorAnswer, StoreError> {
    let status = s.files().find(file_id)?.map(|file| file.state.status());
    Ok(OperatorAnswer::Done { status, jobs })
}
