//! Answers to actions: their documents, sentences and exit codes.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use fieldfen_domain::JobId;
use fieldfen_domain::job::JobActionOutcome;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::operator::{Operator, OperatorAnswer, Request, RequestOutcome};
use fieldfen_terminal::Exit;
use serde::Serialize;

use crate::context::Context;

/// The waiting time for the answer of a worker.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct WaitArgs {
    /// Wait this many seconds for a worker to carry the action out; 0 does not wait
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=86_400))]
    wait: u64,
}

impl WaitArgs {
    pub(crate) const fn timeout(self) -> Duration {
        Duration::from_secs(self.wait)
    }
}

/// The result of an action on one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The action took effect.
    Done,
    /// The subject already had the requested state.
    Unchanged,
    /// The running job was asked to stop.
    Requested,
    /// A rule or the state of the subject does not allow the action.
    Refused,
    /// The subject does not exist.
    NotFound,
    /// A job for the action waits for a worker.
    Queued,
}

/// The JSON document of an action.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Answer {
    /// The subject, for example `file 0b5a…`.
    subject: String,
    outcome: Outcome,
    /// The outcome in a sentence, for people.
    message: String,
    /// The job that carries the action out; `null` if the program itself did it.
    job: Option<JobId>,
}

impl Answer {
    pub(crate) fn new(subject: impl fmt::Display, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { subject: subject.to_string(), outcome, message: message.into(), job: None }
    }

    /// The answer to an action on a job.
    pub(crate) fn of_job(id: &JobId, verb: &str, answer: JobActionOutcome) -> Self {
        let (outcome, message) = match answer {
            JobActionOutcome::Done => (Outcome::Done, format!("{verb}: done")),
            JobActionOutcome::Requeued(id) => (Outcome::Done, format!("{verb}: job {id} has its payload")),
            JobActionOutcome::CancelRequested => {
                (Outcome::Requested, "the job runs, and its worker was asked to stop it".to_owned())
            }
            JobActionOutcome::Refused { status } => (Outcome::Refused, format!("refused: the job is {status}")),
            JobActionOutcome::Duplicate(live) => {
                (Outcome::Refused, format!("refused: job {live} has the same dedup key and has not ended"))
            }
            JobActionOutcome::NotFound => (Outcome::NotFound, "there is no such job".to_owned()),
        };
        Self::new(format_args!("job {id}"), outcome, message)
    }

    /// Asks a worker with the shop's rules to carry a request out, and waits for its answer.
    pub(crate) fn of_request(
        operator: &Operator<SqliteStore>,
        subject: impl fmt::Display,
        request: &Request,
        (wait, context): (WaitArgs, &Context<'_>),
    ) -> anyhow::Result<Self> {
        let queued = operator.ask(request)?;
        if queued.was_asked_before {
            let text = format!("the same request waits already, in job {}: it is not made a second time", queued.job);
            context.terminal.print_message(&text);
        }
        let waited = operator
            .wait(&queued.job, wait.timeout())
            .with_context(|| format!("job {} carries the action out, but its answer could not be read", queued.job))?;
        let (outcome, message) = match waited {
            RequestOutcome::Answered(answer) => (of_answer(&answer), answer.to_string()),
            RequestOutcome::Failed { reason } => (Outcome::Refused, format!("not done: {reason}")),
            RequestOutcome::TimedOut { declined: Some(declined), .. } => (Outcome::Queued, no_worker_can(&declined)),
            RequestOutcome::TimedOut { .. } => (Outcome::Queued, queued.to_string()),
            RequestOutcome::NotFound => (Outcome::Refused, "somebody has deleted the job of the request".to_owned()),
            other => (Outcome::Queued, format!("{other:?}")),
        };
        Ok(Self::new(subject, outcome, message).by(queued.job))
    }

    /// The same answer, of an action that this job carries out.
    pub(crate) fn by(self, job: JobId) -> Self {
        Self { job: Some(job), ..self }
    }

    /// Prints the answer, and returns the error that its outcome stands for.
    pub(crate) fn print(self, context: &Context<'_>) -> anyhow::Result<()> {
        context.terminal.print_result(&self, |out| writeln!(out, "{self}"))?;
        self.into_result()
    }

    /// The error that the outcome stands for.
    fn into_result(self) -> anyhow::Result<()> {
        match self.outcome {
            Outcome::Done | Outcome::Unchanged | Outcome::Requested => Ok(()),
            Outcome::NotFound => Err(Exit::NotFound.with(format!("{} does not exist", self.subject)).into()),
            Outcome::Refused => Err(Exit::Refused.with(format!("{}: {}", self.subject, self.message)).into()),
            Outcome::Queued => Err(Exit::NotDoneYet.with(format!("{}: not done yet", self.subject)).into()),
        }
    }
}

/// The subject and the outcome in a sentence.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.message)
    }
}

/// Prints the answers to an action on several subjects as `{"items": [...]}`, and returns the error of the first one
/// that was not done. One answer is printed as [`Answer::print`] does.
pub(crate) fn print_all(answers: Vec<Answer>, context: &Context<'_>) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Answers<'a> {
        items: &'a [Answer],
    }

    if let [_] = &*answers {
        return answers.into_iter().try_for_each(|answer| answer.print(context));
    }
    context.terminal.print_result(&Answers { items: &answers }, |out| {
        answers.iter().try_for_each(|answer| writeln!(out, "{answer}"))
    })?;
    answers.into_iter().try_for_each(Answer::into_result)
}

/// The sentence about a request that a worker has declined for this reason.
pub(crate) fn no_worker_can(declined: &str) -> String {
    format!("no worker that is alive can carry it out; one has declined it: {declined}")
}

fn of_answer(answer: &OperatorAnswer) -> Outcome {
    match answer {
        OperatorAnswer::Done { .. } => Outcome::Done,
        OperatorAnswer::Unchanged { .. } => Outcome::Unchanged,
        OperatorAnswer::NotFound => Outcome::NotFound,
        _ => Outcome::Refused,
    }
}
