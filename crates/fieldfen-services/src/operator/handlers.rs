//! The handlers of operators' requests. They run in the program that has the shop's rules.

use std::time::Duration;

use fieldfen_domain::file::{Deletion, FileDeleteOutcome, FileDetails, FileEdit};
use fieldfen_domain::job::{Backoff, Payload};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, OperatorActionFilter, Subject};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, InvalidJson, PageRequest, RawJson};

use super::answer::{LastEdit, OperatorAnswer};
use super::jobs::{
    ApproveRequest, DeleteRequest, EditRequest, FailRequest, PublishRequest, RejectRequest, ResolveKeyRequest,
    ResolveRowRequest, ResolveUnknownRequest, RetryRequest,
};
use crate::Transaction;
use crate::action_row::record;
use crate::pipeline::{EditOutcome, EventOutcome, FileActionOutcome, Pipeline};
use crate::queue::Completion;
use crate::worker::{Task, WorkerBuilder};

/// The retry delays of a request. They are short, because a person waits for the answer.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));

/// The number of a file's newest actions that are searched for an edit.
const NEWEST: u32 = 20;

impl Pipeline {
    /// Registers the handlers of operators' requests with a worker. The handlers apply the rules of this pipeline; see
    /// [`Operator`](super::Operator). All workers of one shop must have the same rules.
    ///
    /// [`Publisher::serve`](crate::publishing::Publisher::serve) registers them too. While all threads of a worker are
    /// busy, requests wait. A second worker with these handlers alone answers at once.
    pub fn serve_operators<S: Store>(&self, worker: WorkerBuilder<S>) -> WorkerBuilder<S> {
        let worker = serve::<ApproveRequest, S>(self, worker);
        let worker = serve::<RejectRequest, S>(self, worker);
        let worker = serve::<FailRequest, S>(self, worker);
        let worker = serve::<RetryRequest, S>(self, worker);
        let worker = serve::<EditRequest, S>(self, worker);
        let worker = serve::<DeleteRequest, S>(self, worker);
        let worker = serve::<PublishRequest, S>(self, worker);
        let worker = serve::<ResolveRowRequest, S>(self, worker);
        let worker = serve::<ResolveKeyRequest, S>(self, worker);
        serve::<ResolveUnknownRequest, S>(self, worker)
    }
}

fn serve<R: Request, S: Store>(pipeline: &Pipeline, worker: WorkerBuilder<S>) -> WorkerBuilder<S> {
    let pipeline = pipeline.clone();
    worker.backoff::<R>(BACKOFF).handle(move |task: Task<R>| {
        let (pipeline, request) = (pipeline.clone(), task.payload().clone());
        // The action, its record and the answer are written in the transaction that ends the job. A second run of the
        // job therefore finds the job ended.
        Completion::new().answering(move |t| request.carry_out(&pipeline, t))
    })
}

/// A request for an operator's action.
pub(super) trait Request: Payload + Clone + Send + 'static {
    /// The kind and the subject under which the action is recorded.
    fn recorded_as(&self) -> (ActionKind, Subject);

    fn action(&self) -> &Action;

    /// Carries out the request and records the action.
    fn carry_out(&self, pipeline: &Pipeline, t: &mut Transaction<'_>) -> Result<OperatorAnswer, StoreError>;
}

/// Records an action that was refused before it changed anything.
pub(super) fn refused<R: Request>(
    pipeline: &Pipeline,
    s: &mut dyn Session,
    request: &R,
    reason: String,
) -> Result<OperatorAnswer, StoreError> {
    let (kind, subject) = request.recorded_as();
    record(s, request.action(), kind, subject, ActionOutcome::Refused, pipeline.environment())?;
    Ok(OperatorAnswer::Refused { reason })
}

fn done(EventOutcome { status, jobs }: EventOutcome) -> OperatorAnswer {
    OperatorAnswer::Done { status: Some(status), jobs }
}

fn answer(outcome: FileActionOutcome) -> OperatorAnswer {
    match outcome {
        FileActionOutcome::Done(followed) => done(followed),
        FileActionOutcome::Unchanged { status } => OperatorAnswer::Unchanged { status: Some(status) },
        FileActionOutcome::Refused { status, rule } => {
            OperatorAnswer::Refused { reason: format!("the file is {status}: {rule}") }
        }
        FileActionOutcome::NotFound => OperatorAnswer::NotFound,
    }
}

macro_rules! request {
    ($name:ident, $action:ident, |$request:ident, $pipeline:ident, $t:ident| $carry_out:expr) => {
        impl Request for $name {
            fn recorded_as(&self) -> (ActionKind, Subject) {
                (ActionKind::$action, Subject::File(self.file_id))
            }

            fn action(&self) -> &Action {
                &self.action
            }

            fn carry_out(&self, $pipeline: &Pipeline, $t: &mut Transaction<'_>) -> Result<OperatorAnswer, StoreError> {
                let $request = self;
                $carry_out
            }
        }
    };
}

request!(ApproveRequest, Approve, |request, pipeline, t| {
    pipeline.approve(t, &request.file_id, &request.action).map(answer)
});

request!(RejectRequest, Reject, |request, pipeline, t| {
    pipeline.reject(t, &request.file_id, &request.action).map(answer)
});

request!(FailRequest, Fail, |request, pipeline, t| pipeline.fail(t, &request.file_id, &request.action).map(answer));

request!(RetryRequest, Retry, |request, pipeline, t| {
    pipeline.retry(t, &request.file_id, &request.action).map(answer)
});

request!(EditRequest, Edit, |request, pipeline, t| {
    if let Err(error) = request.edit.check() {
        return refused(pipeline, t.session(), request, error.to_string());
    }
    Ok(match pipeline.edit(t, &request.file_id, &request.edit, &request.action)? {
        EditOutcome::Edited(followed) => done(followed),
        EditOutcome::Changed(now) => changed(t.session(), &request.file_id, &request.edit, now)?,
        EditOutcome::NotFound => OperatorAnswer::NotFound,
    })
});

request!(DeleteRequest, Delete, |request, pipeline, t| {
    let deletion = if request.force { Deletion::Forced } else { Deletion::KeepLiveListings };
    Ok(match pipeline.delete(t, &request.file_id, deletion, &request.action)? {
        FileDeleteOutcome::Done => OperatorAnswer::Done { status: None, jobs: Vec::new() },
        FileDeleteOutcome::NotFound => OperatorAnswer::NotFound,
        FileDeleteOutcome::Refused(live) => OperatorAnswer::Refused {
            reason: format!("live listings ({}): take them down first, or force the deletion", live.join(", ")),
        },
    })
});

request!(PublishRequest, Publish, |request, pipeline, t| {
    pipeline.publish(t, &request.file_id, &request.target, &request.action).map(answer)
});

/// The columns that have changed since the editor read the file, and the last edit by an operator.
fn changed(
    s: &mut dyn Session,
    file_id: &FileId,
    edit: &FileEdit,
    now: Box<FileDetails>,
) -> Result<OperatorAnswer, StoreError> {
    let seen = edit.seen.clone().unwrap_or_default();
    let columns = seen.differences(&now).into_iter().map(str::to_owned).collect();
    let filter = OperatorActionFilter::of(Subject::File(*file_id));
    let newest = s.operator_actions().page(&filter, &PageRequest::first(NEWEST).newest_first())?;
    let mut edits =
        newest.items.into_iter().filter(|row| row.kind == ActionKind::Edit && row.outcome == ActionOutcome::Done);
    let last_edit = edits.next().map(|row| LastEdit {
        by: row.action.by().clone(),
        reason: row.action.reason().to_owned(),
        at: row.at,
    });
    let mut answer = OperatorAnswer::Changed { columns, now: Some(now), last_edit };
    if let Err(InvalidJson::TooLarge { .. }) = RawJson::from_value(&answer)
        && let OperatorAnswer::Changed { now, .. } = &mut answer
    {
        *now = None;
    }
    Ok(answer)
}
