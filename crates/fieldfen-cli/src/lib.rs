#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod answer;
mod command;
mod completions;
mod context;
mod doctor;
mod files;
mod id_argument;
mod jobs;
mod json_text;
mod log;
mod metrics;
mod page;
mod pauses;
mod publications;
mod recurring;
mod schema;
mod shell_word;
mod shop_file;
mod status;
mod text_width;
mod time_argument;
mod upkeep;
mod usage;
#[cfg(unix)]
mod watch;
mod webhooks;
#[cfg(unix)]
mod work;
mod workers;

use std::process::ExitCode;

use clap::Parser;
use fieldfen_persistence::{migrations, sqlite_version};
use fieldfen_terminal::{CommonArgs, Terminal, Versions, run};

pub use command::FieldfenCommand;
pub use context::OperatorArgs;

/// See, understand and repair the state of a shop
#[derive(Debug, Parser)]
#[command(
    name = "fieldfen",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments or not confirmed, 3 database not there, 4 busy, \
    5 unknown schema, 6 damaged, 7 read-only, 8 disk full, 9 I/O, 10 outcome of a commit unknown, \
    11 not found, 12 refused by a rule, 13 not done yet, \
    14 problems found by doctor"
)]
pub struct Fieldfen {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(subcommand)]
    command: FieldfenCommand,
}

impl AsRef<CommonArgs> for Fieldfen {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

/// Runs the program with the arguments of this process, and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    run(|| Ok(versions(env!("CARGO_PKG_VERSION"))), |args: &Fieldfen, terminal| args.run(terminal))
}

/// The versions that `--version` prints, for a program with this version of its own.
#[must_use]
pub fn versions(program: &'static str) -> Versions {
    Versions { program, sqlite: sqlite_version(), newest_migration: migrations::newest().to_string() }
}

impl Fieldfen {
    /// Runs the command on this terminal. A program with more commands has a [`FieldfenCommand`] among its own.
    ///
    /// # Errors
    /// The error of the command, whose exit code [`Exit::of`](fieldfen_terminal::Exit::of) returns.
    pub fn run(&self, terminal: &Terminal) -> anyhow::Result<()> {
        self.command.run(&self.operator, terminal)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_of_no_command_contradict_each_other() {
        Fieldfen::command().debug_assert();
    }
}
