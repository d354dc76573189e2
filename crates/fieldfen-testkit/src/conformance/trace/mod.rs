//! Random traces: the same operations on two stores must get the same answers and lead to the same state.
//!
//! Ids, kinds, keys and times have few values, so that operations affect each other. Every operation of a store can
//! occur in a trace, also transactions that are rolled back.

mod answer;
#[cfg(any(test, feature = "proptest"))]
mod generate;
mod jobs;
mod limits;
#[cfg(any(test, feature = "proptest"))]
mod limits_generate;
mod publishing;
mod race;
mod state;

use fieldfen_domain::file::{ContentHash, Deletion, FileEdit, FileEvent, FileState};
use fieldfen_domain::store::{Session, Store, StoreError};

use crate::fixtures::{api_call, at, file, file_id, hash};
use answer::{Answer, answer, masked_deletion, masked_file};
#[cfg(any(test, feature = "proptest"))]
pub use generate::{any_op, any_ops};
pub use jobs::{JobOp, Report, TraceJob};
pub use limits::LimitOp;
#[cfg(any(test, feature = "proptest"))]
pub use limits_generate::any_limited_ops;
pub use publishing::{PublishingOp, RecurringOp};
pub use race::race;
pub use state::state;

/// A second of the trace's own time, see [`at`].
pub type Second = i64;

/// One step of a trace.
///
/// A number stands for the fixture with that number: `file: 3` is [`file_id(3)`](file_id), `drive` its Drive id,
/// `content` its bytes, `token` a fence token, `hash` a webhook. Times (`at`, `now`) are seconds of the trace.
#[expect(
    missing_docs,
    reason = "a field without a line is the number of a fixture, or a time in seconds of the trace: see Op"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Inserts a file that arrives, with this Drive id and these bytes, if it has any.
    InsertFile { file: u64, drive: Option<u64>, content: Option<u64>, at: Second },
    /// Applies an event to a file.
    MoveFile {
        file: u64,
        event: FileEvent,
        /// The state from which the change is made; `None` reads the present state.
        believed: Option<FileState>,
        at: Second,
    },
    /// Sets the species of a file.
    EditFile { file: u64, species: u64, at: Second },
    /// Deletes a file.
    DeleteFile {
        file: u64,
        /// Whether live listings prevent the deletion.
        deletion: Deletion,
    },
    /// A step for jobs.
    Job(JobOp),
    /// Receives a webhook.
    InsertHash {
        hash: u64,
        at: Second,
        /// The number of seconds for which it is remembered.
        remembered: Second,
    },
    /// Links a webhook to a file.
    LinkHash { hash: u64, file: u64 },
    /// Forgets a webhook.
    ForgetHash { hash: u64 },
    /// Deletes expired hashes.
    PurgeHashes { now: Second },
    /// Records a call to an API.
    RecordCall {
        service: u64,
        /// The number of requests of the call.
        requests: u32,
        at: Second,
    },
    /// A step for publications or listings.
    Publishing(PublishingOp),
    /// A step for recurring work.
    Recurring(RecurringOp),
    /// Something happens to limits and pauses.
    Limit(LimitOp),
    /// Several steps in one transaction. A step that fails ends the transaction and rolls it back.
    Transaction {
        steps: Vec<Op>,
        /// Whether it is committed. Otherwise the closure fails at the end.
        commits: bool,
    },
}

/// Applies one step to a store, and describes the answer: the full value, or the kind of an error. The first error ends
/// a transaction and rolls it back.
///
/// # Panics
/// If the transaction cannot be opened or committed.
pub fn apply<S: Store>(store: &S, op: &Op) -> String {
    apply_numbered(store, op, || ()).0
}

/// As [`apply`], with the value of `number` inside the transaction that counts.
fn apply_numbered<S: Store, N>(store: &S, op: &Op, number: impl Fn() -> N) -> (String, Option<N>) {
    let (steps, commits) = match op {
        Op::Transaction { steps, commits } => (steps.as_slice(), *commits),
        single => (std::slice::from_ref(single), true),
    };
    let (mut answers, mut numbered) = (Vec::new(), None);
    let result = store.try_write(|s| {
        numbered = Some(number());
        answers.clear();
        for step in steps {
            let answer = run(s, step);
            let failed = answer.is_err();
            answers.push(answer.unwrap_or_else(|error| error));
            if failed {
                return Err(RolledBack::OnPurpose);
            }
        }
        if commits { Ok(()) } else { Err(RolledBack::OnPurpose) }
    });
    let answers = answers.join("; ");
    match result {
        Ok(()) => (answers, numbered),
        Err(RolledBack::OnPurpose) => (format!("rolled back: {answers}"), numbered),
        Err(RolledBack::By(error)) => panic!("the transaction failed: {error} ({error:?})"),
    }
}

/// The reason why a transaction of a trace was rolled back.
enum RolledBack {
    /// A step failed, or the trace requires it.
    OnPurpose,
    /// The store could not run or commit it.
    By(StoreError),
}

impl From<StoreError> for RolledBack {
    fn from(error: StoreError) -> Self {
        Self::By(error)
    }
}

/// Applies every step to both stores.
///
/// # Panics
/// If the stores answer differently, or if their states differ afterwards. The message contains the step.
pub fn compare<A: Store, B: Store>(a: &A, b: &B, ops: &[Op]) {
    for (number, op) in ops.iter().enumerate() {
        let (one, other) = (apply(a, op), apply(b, op));
        assert_eq!(one, other, "answers to step {number}: {op:?}");
    }
    same_state(a, b, ops.len());
}

/// As [`compare`], for traces with limits and pauses. A store may report a due time for a job whose limit is reached, so
/// that the next due times are not compared.
///
/// # Panics
/// As [`compare`].
pub fn compare_with_limits<A: Store, B: Store>(a: &A, b: &B, ops: &[Op]) {
    for (number, op) in ops.iter().enumerate() {
        let (one, other) = (apply(a, op), apply(b, op));
        assert_eq!(one, other, "answers to step {number}: {op:?}");
    }
    let without_next_due =
        |lines: Vec<String>| -> Vec<String> { lines.into_iter().filter(|line| !line.starts_with(NEXT_DUE)).collect() };
    same_lines(&without_next_due(state(a)), &without_next_due(state(b)), ops.len());
}

/// The beginning of the lines of the next due times.
const NEXT_DUE: &str = "next of kind ";

/// Asserts that both stores return the same for every read.
fn same_state<A: Store, B: Store>(a: &A, b: &B, steps: usize) {
    same_lines(&state(a), &state(b), steps);
}

fn same_lines(one: &[String], other: &[String], steps: usize) {
    for (line, other) in one.iter().zip(other) {
        assert_eq!(line, other, "states after {steps} steps");
    }
    assert_eq!(one.len(), other.len(), "lines of the states after {steps} steps");
}

/// Runs one step in an open session.
fn run(s: &mut dyn Session, op: &Op) -> Answer {
    match op {
        Op::InsertFile { file: number, drive, content, at: second } => {
            let new = file(*number)
                .drive_file_id(drive.map(|number| format!("drive-{number}")))
                .content_hash(content.map(|number| ContentHash::of(&number.to_be_bytes())))
                .at(at(*second));
            answer(s.files().insert(&new))
        }
        Op::MoveFile { file, event, believed, at } => answer(move_file(s, *file, *event, believed.as_ref(), *at)),
        Op::EditFile { file, species, at: second } => {
            let edit = FileEdit::new().species(format!("species-{species}"));
            answer(s.files().edit(&file_id(*file), &edit, at(*second)))
        }
        Op::DeleteFile { file, deletion } => answer(s.files().delete(&file_id(*file), *deletion).map(masked_deletion)),
        Op::Job(op) => jobs::run(s, op),
        Op::InsertHash { hash: number, at: second, remembered } => {
            let new = hash(*number, at(*second)).expires_at(at(second + remembered));
            answer(s.hashes().insert(&new))
        }
        Op::LinkHash { hash: number, file } => answer(s.hashes().link(&hash(*number, at(0)).hash, &file_id(*file))),
        Op::ForgetHash { hash: number } => answer(s.hashes().forget(&hash(*number, at(0)).hash)),
        Op::PurgeHashes { now } => answer(s.hashes().purge(at(*now), 1000)),
        Op::RecordCall { service, requests, at: second } => {
            answer(s.api_usage().record(&api_call(&format!("service-{service}"), *requests, at(*second))))
        }
        Op::Publishing(op) => publishing::run(s, op),
        Op::Recurring(op) => publishing::run_recurring(s, op),
        Op::Limit(op) => limits::run(s, op),
        Op::Transaction { steps, .. } => {
            let answers: Vec<String> = steps.iter().map(|step| run(s, step)).collect::<Result<_, _>>()?;
            Ok(answers.join("; "))
        }
    }
}

fn move_file(
    s: &mut dyn Session,
    number: u64,
    event: FileEvent,
    believed: Option<&FileState>,
    second: Second,
) -> Result<String, StoreError> {
    let Some(found) = s.files().find(&file_id(number))? else { return Ok("no such file".to_owned()) };
    let state = believed.unwrap_or(&found.state).clone();
    let change = with!(found, state).after(event, format!("trace: {event}"), at(second))?;
    let moved = s.files().change(&change)?;
    let now = s.files().find(&file_id(number))?.map(masked_file);
    Ok(format!("{moved:?}, now {now:?}"))
}
