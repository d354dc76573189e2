//! The programs that handle jobs: `[[handler]]`.

use std::time::Duration;

use fieldfen_domain::job::{JobKind, OnWorkerDeath};
use serde::Deserialize;

use super::setting::{InvalidShop, Setting};

/// The longest time for which a program may run, in seconds: a week.
const LONGEST_SECS: u32 = 7 * 24 * 60 * 60;

/// The time for which a program may run if nothing is set.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// The beginning of the kinds whose handlers are part of fieldfen.
const OWN_KINDS: &str = "fieldfen.";

/// One `[[handler]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with kind, command, timeout_seconds, concurrency, on_worker_death, env and shell"
)]
pub(super) struct HandlerRule {
    kind: JobKind,
    command: Vec<String>,
    timeout_seconds: Option<u32>,
    concurrency: Option<u32>,
    on_worker_death: Option<OnWorkerDeath>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    shell: bool,
}

/// A program that handles the jobs of one kind. The command-line tool runs it for each job: see its command `work`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerProgram {
    /// The kind of the jobs.
    pub kind: JobKind,
    /// The program and its arguments. With [`shell`](Self::shell), one line for the shell. Never empty.
    pub command: Vec<String>,
    /// The time after which the program is ended, from 1 second to a week. By default an hour.
    pub timeout: Duration,
    /// The largest number of jobs of the kind that one worker runs at once, at least 1; `None` for no limit of its own.
    pub concurrency: Option<u32>,
    /// The names of the environment variables that the program gets from its worker.
    pub env: Vec<String>,
    /// Whether `/bin/sh` runs the command.
    pub shell: bool,
    index: usize,
}

impl HandlerProgram {
    /// The error of a program that a worker cannot use, with its place for [`ShopFile::locate`](super::ShopFile::locate).
    #[must_use]
    pub fn invalid(&self, setting: &str, value: impl Into<String>, rule: impl Into<String>) -> InvalidShop {
        InvalidShop::at(Setting::of("handler").item(self.index).key(setting), value, rule)
    }
}

/// The programs of these rules.
pub(super) fn programs(rules: &[HandlerRule]) -> Result<Vec<HandlerProgram>, InvalidShop> {
    let mut programs: Vec<HandlerProgram> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let program = rule.program(index)?;
        if let Some(other) = programs.iter().find(|other| other.kind == program.kind) {
            let rule = format!("handler #{} is for this kind too, and a kind has one handler", other.index + 1);
            return Err(program.invalid("kind", format!("{:?}", program.kind.as_str()), rule));
        }
        programs.push(program);
    }
    Ok(programs)
}

impl HandlerRule {
    pub(super) const fn kind(&self) -> &JobKind {
        &self.kind
    }

    pub(super) const fn on_worker_death(&self) -> Option<OnWorkerDeath> {
        self.on_worker_death
    }

    fn program(&self, index: usize) -> Result<HandlerProgram, InvalidShop> {
        let program = HandlerProgram {
            kind: self.kind.clone(),
            command: self.command.clone(),
            timeout: self.timeout_seconds.map_or(DEFAULT_TIMEOUT, |secs| Duration::from_secs(secs.into())),
            concurrency: self.concurrency,
            env: self.env.clone(),
            shell: self.shell,
            index,
        };
        if let Some(rule) = not_for_programs(&self.kind) {
            return Err(program.invalid("kind", format!("{:?}", self.kind.as_str()), rule));
        }
        let command = |rule| Err(program.invalid("command", format!("{:?}", self.command), rule));
        match self.command.first() {
            None => return command("it must name a program"),
            Some(name) if name.trim().is_empty() => return command("the name of the program must not be blank"),
            Some(_) if self.shell && self.command.len() > 1 => {
                return command("with shell = true, it must be one line for the shell");
            }
            Some(_) if self.command.iter().any(|part| part.contains('\0')) => {
                return command("no part may contain a NUL character");
            }
            Some(_) => {}
        }
        if let Some(secs) = self.timeout_seconds.filter(|secs| !(1..=LONGEST_SECS).contains(secs)) {
            return Err(program.invalid("timeout_seconds", secs.to_string(), "it must be 1 to 604800"));
        }
        if self.concurrency == Some(0) {
            return Err(program.invalid("concurrency", "0", "it must be at least 1; a pause stops a kind"));
        }
        if let Some(name) = self.env.iter().find(|name| !is_variable(name)) {
            let rule = "it must be the name of an environment variable: letters, digits and _";
            return Err(program.invalid("env", format!("{name:?}"), rule));
        }
        if let Some(name) = self.env.iter().find(|name| name.starts_with("FIELDFEN_")) {
            let rule = "names that begin with FIELDFEN_ are for the worker itself";
            return Err(program.invalid("env", format!("{name:?}"), rule));
        }
        Ok(program)
    }
}

/// The reason why no program can handle a kind; `None` if one can.
fn not_for_programs(kind: &JobKind) -> Option<&'static str> {
    match kind {
        JobKind::CreateListing | JobKind::UpdateListing | JobKind::PublishSocial => Some(
            "a publishing job must reserve its publication before it calls the platform, which only a handler in Rust can do",
        ),
        JobKind::DeleteFile => Some("fieldfen deletes files itself"),
        kind if kind.as_str().starts_with(OWN_KINDS) => Some("fieldfen handles its own kinds itself"),
        _ => None,
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
