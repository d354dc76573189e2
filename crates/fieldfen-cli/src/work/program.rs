//! The handler of a kind of jobs that runs a program.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use fieldfen_domain::store::StoreError;
use fieldfen_domain::{RawJson, Secrets, Timestamp, later};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::files::Files;
use fieldfen_services::pipeline::Pipeline;
use fieldfen_services::queue::{Completion, RetryPolicies};
use fieldfen_services::shop::{HandlerProgram, InvalidShop};
use fieldfen_services::worker::{Interruption, Outcome, Task};
use fieldfen_terminal::Exit;
use serde_json::value::RawValue;

use super::answer::{AnswerError, Rules};
use super::child::{Ended, Run, Stopped};
use super::child_output::MAX_STDOUT;

/// The variables that every program gets, if the worker has them.
const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/// The shell of `shell = true`.
const SHELL: &str = "/bin/sh";

/// The exit code EX_DATAERR of sysexits.h: every later attempt would fail too.
const FAILED: i32 = 65;

/// The exit code EX_TEMPFAIL of sysexits.h.
const TRY_AGAIN: i32 = 75;

/// The time between SIGTERM and SIGKILL for a program whose job was cancelled or has timed out.
const GRACE: Duration = Duration::from_secs(5);

/// The same time if the worker stops, since a stopping worker waits one second for its handlers; and if the job was
/// lost, since another worker may run it already.
const SHORT_GRACE: Duration = Duration::from_millis(500);

/// The handler of one kind of jobs.
pub(super) struct Program {
    command: Vec<OsString>,
    /// The variables that are the same for every job.
    variables: Vec<(OsString, OsString)>,
    secrets: Secrets,
    pipeline: Pipeline,
    files: Files<SqliteStore>,
    environment: Environment,
    policies: RetryPolicies,
}

/// Checks that a program exists and that its variables are set.
pub(super) fn check(program: &HandlerProgram) -> Result<(), InvalidShop> {
    if !program.shell
        && let Some(name) = program.command.first()
        && !is_executable(name)
    {
        let value = format!("{:?}", program.command);
        let rule = if name.contains('/') {
            format!("{name:?} is no executable file: correct the path, or make it executable")
        } else {
            format!("no folder in PATH has an executable file {name:?}; a program in this folder is written ./{name}")
        };
        return Err(program.invalid("command", value, rule));
    }
    match program.env.iter().find(|name| std::env::var_os(name).is_none()) {
        Some(name) => {
            Err(program.invalid("env", format!("{name:?}"), "the environment of this worker does not have it"))
        }
        None => Ok(()),
    }
}

fn is_executable(name: &str) -> bool {
    let is_executable =
        |path: &Path| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        return is_executable(Path::new(name));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_executable(&folder.join(name)))
}

impl Program {
    pub(super) fn new(
        program: HandlerProgram,
        (pipeline, policies): (Pipeline, RetryPolicies),
        store: SqliteStore,
        environment: Environment,
    ) -> anyhow::Result<Self> {
        let HandlerProgram { kind, command, env, shell, .. } = program;
        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        for name in PASSED_ON {
            variables.extend(std::env::var_os(name).map(|value| (name.into(), value)));
        }
        let mut secrets = Secrets::default();
        for name in env {
            let value = std::env::var_os(&name).ok_or_else(|| {
                Exit::Usage.with(format!("the environment has no {name}, which the handler of {kind} needs"))
            })?;
            secrets = secrets.and(value.to_string_lossy().into_owned());
            variables.push((name.into(), value));
        }
        variables.push(("FIELDFEN_KIND".into(), kind.as_str().into()));
        let shell: &[&str] = if shell { &[SHELL, "-c"] } else { &[] };
        let command = shell.iter().map(OsString::from).chain(command.into_iter().map(OsString::from)).collect();
        let files = Files::new(store, environment.clone());
        Ok(Self { command, variables, secrets, pipeline, files, environment, policies })
    }

    /// Runs the program for one job.
    pub(super) fn run(&self, task: &Task<Option<RawJson>>) -> Result<Completion, Outcome> {
        let environment = self.variables_of(task)?;
        let input = task.payload().as_ref().map_or("null", RawJson::as_str);
        let run = Run { command: &self.command, environment: &environment, input: input.as_bytes() };
        let ended = run.until_end(|| grace(task.interruption()?), |line| record_progress(task, line));
        self.outcome(&ended.map_err(|error| Outcome::retry(format!("cannot run its program: {error}")))?, task)
    }

    fn variables_of(&self, task: &Task<Option<RawJson>>) -> Result<Vec<(OsString, OsString)>, Outcome> {
        let mut variables = self.variables.clone();
        let mut set = |name: &str, value: String| variables.push((name.into(), value.into()));
        set("FIELDFEN_JOB_ID", task.id().to_string());
        set("FIELDFEN_ATTEMPT", task.attempt().to_string());
        if let Some(left) = task.time_left() {
            let deadline: Timestamp = later(task.now(), left);
            set("FIELDFEN_DEADLINE", deadline.to_rfc3339());
        }
        if let Some(id) = task.job().file_id {
            let file = self.files.find(&id)?.ok_or_else(|| Outcome::fail(format!("its file {id} is gone")))?;
            set("FIELDFEN_FILE_ID", id.to_string());
            // No variable can hold a NUL character.
            set("FIELDFEN_FILE_NAME", file.original_filename.replace('\0', "\u{fffd}"));
        }
        Ok(variables)
    }

    fn outcome(&self, ended: &Ended, task: &Task<Option<RawJson>>) -> Result<Completion, Outcome> {
        if ended.stopped == Some(Stopped::TooMuchOutput) {
            return Err(Outcome::fail(format!("stdout has more than {MAX_STDOUT} bytes")));
        }
        if ended.code == Some(0) {
            let rules = Rules {
                pipeline: &self.pipeline,
                environment: &self.environment,
                policies: &self.policies,
                file_exists: &|id| match self.files.find(id) {
                    // The row is there, although it cannot be read.
                    Err(StoreError::BadRow { .. }) => Ok(true),
                    found => Ok(found?.is_some()),
                },
            };
            let completion = rules.completion(&ended.stdout, task.job().file_id);
            return completion.map_err(|error| match error {
                AnswerError::NoAnswer(problem) => Outcome::fail(self.secrets.remove(&problem)),
                AnswerError::Store(error) => Outcome::retry(error),
            });
        }
        let code = match ended.code {
            Some(code @ 129..=192) => format!("exit code {code}, as after signal {}", code - 128),
            Some(code) => format!("exit code {code}"),
            None => "killed".to_owned(),
        };
        let why = match ended.stopped {
            // The worker says so itself.
            Some(_) if task.interruption() == Some(Interruption::TimedOut) => code,
            Some(_) => format!("asked to stop, {code}"),
            None => code,
        };
        let stderr = self.secrets.remove(&ended.stderr);
        let error = if stderr.is_empty() { why } else { format!("{why}: {stderr}") };
        Err(match ended.code {
            Some(FAILED) => Outcome::fail(error),
            // Both are retried. A program uses the first to say that it knows the reason.
            Some(TRY_AGAIN) | Some(_) | None => Outcome::retry(error),
        })
    }
}

/// The time that an interrupted program has to end.
const fn grace(interruption: Interruption) -> Option<Duration> {
    Some(match interruption {
        Interruption::WorkerStops | Interruption::LeaseLost => SHORT_GRACE,
        _ => GRACE,
    })
}

/// Stores a line of progress. A line that is no JSON is stored as a text.
fn record_progress(task: &Task<Option<RawJson>>, line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim();
    // Progress is for people: a line that cannot be stored is left out.
    match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => task.progress(json).ok(),
        Err(_) => task.progress(text).ok(),
    };
}
