//! Asks the database, in a thread of its own: at most one look in each interval, and none without a commit or a new
//! question, except for a rare one, because time alone makes jobs due.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use anyhow::Context as _;
use fieldfen_domain::operator::Action;
use fieldfen_domain::store::{Store, StoreError, Watch};
use fieldfen_domain::{Timestamp, with_causes};
use fieldfen_services::Environment;
use fieldfen_services::pipeline::FileFailureHook;
use fieldfen_services::queue::Queue;

use super::job_act::{JobAct, Verb};
use super::look::{Look, Opened, Question, Reader};
use super::state::Event;
use crate::answer::Answer;

/// The longest time between two looks while nothing is committed.
const IDLE: Duration = Duration::from_secs(10);

/// The time after which a wait for a commit is broken off to see whether a person wants something.
const WAIT_STEP: Duration = Duration::from_millis(100);

/// A wish of the view.
#[derive(Debug)]
pub(super) enum Request {
    /// Ask this from now on.
    Ask(Question),
    /// Act on a job.
    Act(JobAct),
}

/// Opens the database.
pub(super) type Connect<S> = Box<dyn Fn() -> anyhow::Result<Opened<S>> + Send>;

/// Makes the action of the operator for a reason.
pub(super) type NewAction = Box<dyn Fn(&str) -> anyhow::Result<Action> + Send>;

/// The database, opened, with its commits.
struct Connection<S> {
    reader: Reader<S>,
    watch: Box<dyn Watch>,
}

/// Asks the database.
pub(super) struct Asker<S> {
    connect: Connect<S>,
    new_action: NewAction,
    environment: Environment,
    interval: Duration,
    question: Question,
    /// `None` after an error: the next look opens the database anew, in case that its file was replaced.
    connection: Option<Connection<S>>,
    /// The end of the last count of completed jobs, kept over connections.
    counted_until: Option<Timestamp>,
    last_look: Duration,
    /// Whether there was a commit, or a new question, since the last look.
    is_due: bool,
}

enum Wake {
    Look,
    Request(Request),
    Closed,
}

impl<S: Store> Asker<S> {
    /// Opens the database and takes the first look.
    ///
    /// # Errors
    /// The error of opening or reading the database: it is missing, or has another schema.
    pub(super) fn open(
        (connect, new_action): (Connect<S>, NewAction),
        environment: Environment,
        interval: Duration,
        question: Question,
    ) -> anyhow::Result<(Self, Look)> {
        let mut asker = Self {
            connect,
            new_action,
            environment,
            interval,
            question,
            connection: None,
            counted_until: None,
            last_look: Duration::ZERO,
            is_due: true,
        };
        let look = asker.look()?;
        Ok((asker, look))
    }

    /// Answers requests and takes looks until the view is gone.
    pub(super) fn run(mut self, requests: &Receiver<Request>, events: &Sender<Event>) {
        loop {
            let event = match self.wait(requests) {
                Wake::Closed => return,
                Wake::Request(Request::Ask(question)) => {
                    self.is_due |= !question.is_paused;
                    self.question = question;
                    continue;
                }
                Wake::Request(Request::Act(act)) => {
                    self.is_due = true;
                    Event::Acted(self.act(&act).map_err(|error| with_causes(error.as_ref())))
                }
                Wake::Look => match self.look() {
                    Ok(look) => Event::Looked(Box::new(look)),
                    Err(error) => Event::NotLooked(with_causes(error.as_ref())),
                },
            };
            if events.send(event).is_err() {
                return;
            }
        }
    }

    /// Waits for a request, or until a look is due.
    fn wait(&mut self, requests: &Receiver<Request>) -> Wake {
        loop {
            match requests.try_recv() {
                Ok(request) => return Wake::Request(request),
                Err(TryRecvError::Disconnected) => return Wake::Closed,
                Err(TryRecvError::Empty) => {}
            }
            if self.question.is_paused {
                return requests.recv().map_or(Wake::Closed, Wake::Request);
            }
            let passed = self.environment.monotonic().saturating_sub(self.last_look);
            if let Some(rest) = self.interval.checked_sub(passed).filter(|rest| !rest.is_zero()) {
                match requests.recv_timeout(rest) {
                    Ok(request) => return Wake::Request(request),
                    Err(RecvTimeoutError::Disconnected) => return Wake::Closed,
                    Err(RecvTimeoutError::Timeout) => continue,
                }
            }
            if self.is_due || passed >= IDLE {
                return Wake::Look;
            }
            self.is_due = match &mut self.connection {
                // The look says what is wrong.
                Some(connection) => connection.watch.wait(WAIT_STEP).unwrap_or(true),
                None => true,
            };
        }
    }

    /// Takes a look. After an error, the next one opens the database anew.
    fn look(&mut self) -> anyhow::Result<Look> {
        let look = self.look_once();
        self.last_look = self.environment.monotonic();
        self.is_due = look.is_err();
        if look.as_ref().is_err_and(|error| !is_busy(error)) {
            self.connection = None;
        }
        look
    }

    fn look_once(&mut self) -> anyhow::Result<Look> {
        if self.connection.is_none() {
            self.connection = Some(self.connect()?);
        }
        let connection = self.connection.as_mut().context("the database is not open")?;
        let look = connection.reader.look(&self.question)?;
        self.counted_until = connection.reader.counted_until();
        Ok(look)
    }

    fn connect(&self) -> anyhow::Result<Connection<S>> {
        let opened = (self.connect)()?;
        // Before the first look, so that it misses no commit.
        let watch = opened.store.watch()?;
        let mut reader = Reader::new(opened, self.environment.clone());
        reader.count_from(self.counted_until);
        Ok(Connection { reader, watch })
    }

    /// Acts on a job as the commands do: the action is recorded with the operator and the reason.
    fn act(&mut self, act: &JobAct) -> anyhow::Result<String> {
        let action = (self.new_action)(&act.reason)?;
        let store = match &self.connection {
            Some(connection) => connection.reader.store().clone(),
            None => (self.connect)()?.store,
        };
        let queue = Queue::new(store, self.environment.clone()).with_failure_hook(FileFailureHook);
        let (verb, outcome) = match act.verb {
            Verb::Retry => ("retried", queue.retry(&act.job, &action)?),
            Verb::Cancel => ("cancelled", queue.cancel(&act.job, &action)?),
        };
        Ok(Answer::of_job(&act.job, verb, outcome).to_string())
    }
}

/// Whether the same connection may succeed later.
fn is_busy(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Busy { .. } | StoreError::Unavailable { .. }))
}
