#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod answer;
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

use clap::{Parser, Subcommand};
use fieldfen_backup::BackupCommand;
use fieldfen_migrate::MigrateCommand;
use fieldfen_persistence::{migrations, sqlite_version};
use fieldfen_terminal::{CommonArgs, Terminal, Versions, run};

use context::{Context, OperatorArgs};

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
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what needs a person, the oldest first, and the jobs of each kind
    Status,
    /// Check the database, its settings and its backups; say what is wrong and what to do
    Doctor(doctor::DoctorArgs),
    /// Pictures, from their arrival to their publication
    #[command(subcommand)]
    Files(files::FilesCommand),
    /// Jobs, and actions on them
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// The publications: the knowledge of each picture at each marketplace and network
    #[command(subcommand)]
    Publications(publications::PublicationsCommand),
    /// Products at marketplaces
    #[command(subcommand)]
    Listings(publications::ListingsCommand),
    /// Posts at social networks
    #[command(subcommand)]
    Posts(publications::PostsCommand),
    /// Webhooks: the remembered deliveries, and receiving from a file
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    /// Pause a kind of job, a service or an account
    Pause(pauses::PauseArgs),
    /// Lift a pause
    Resume(pauses::ResumeArgs),
    /// List the pauses that hold now
    Pauses,
    /// Calls of external services, and their rate limits
    #[command(subcommand)]
    Usage(usage::UsageCommand),
    /// Work that recurs by a schedule
    #[command(subcommand)]
    Recurring(recurring::RecurringCommand),
    /// List the living workers, and the jobs that run now
    Workers,
    /// Watch the queue, the failures, the limits and the workers, and act on jobs
    #[cfg(unix)]
    Watch(watch::WatchArgs),
    /// Print the waiting, running, parked and failed jobs and the rest of the budgets in the text format of Prometheus
    Metrics,
    /// Run jobs: the requests of operators, upkeep, and the programs that fieldfen.toml names
    #[cfg(unix)]
    Work(work::WorkArgs),
    /// Run one program for a worker, and end it when the worker ends
    #[cfg(unix)]
    #[command(hide = true)]
    WorkChild(work::WorkChildArgs),
    /// Delete what is old, and maintain the database
    #[command(subcommand)]
    Upkeep(upkeep::UpkeepCommand),
    /// List the actions of operators, the newest first
    Log(log::LogArgs),
    /// Move the database from schema to schema and back
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Print the completions of a shell on stdout
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program, or of one of its commands, on stdout
    Man {
        /// The command, for example jobs, or jobs list
        command: Vec<String>,
    },
    /// Back the database up while programs are at work on it
    #[command(subcommand)]
    Backup(BackupCommand),
}

impl AsRef<CommonArgs> for Fieldfen {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

/// Runs the program with the arguments of this process, and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let versions = || {
        let newest_migration = migrations::newest().to_string();
        Ok(Versions { program: env!("CARGO_PKG_VERSION"), sqlite: sqlite_version(), newest_migration })
    };
    run(versions, |args: &Fieldfen, terminal| args.run(terminal))
}

impl Fieldfen {
    /// Runs the command on this terminal. A program of your own can parse a [`Fieldfen`] and call this.
    ///
    /// # Errors
    /// The error of the command, whose exit code [`Exit::of`](fieldfen_terminal::Exit::of) returns.
    pub fn run(&self, terminal: &Terminal) -> anyhow::Result<()> {
        migrations::set_command("fieldfen migrate up");
        let context = Context::new(terminal, &self.operator);
        match &self.command {
            Command::Status => status::run(&context),
            Command::Doctor(args) => args.run(&context),
            Command::Files(command) => command.run(&context),
            Command::Jobs(command) => command.run(&context),
            Command::Publications(command) => command.run(&context),
            Command::Listings(command) => command.run(&context),
            Command::Posts(command) => command.run(&context),
            Command::Webhooks(command) => command.run(&context),
            Command::Pause(args) => args.run(&context),
            Command::Resume(args) => args.run(&context),
            Command::Pauses => pauses::list(&context),
            Command::Usage(command) => command.run(&context),
            Command::Recurring(command) => command.run(&context),
            Command::Workers => workers::list(&context),
            Command::Metrics => metrics::print(&context),
            #[cfg(unix)]
            Command::Watch(args) => args.run(&context),
            #[cfg(unix)]
            Command::Work(args) => args.run(&context),
            #[cfg(unix)]
            Command::WorkChild(args) => args.run(),
            Command::Upkeep(command) => command.run(&context),
            Command::Log(args) => args.run(&context),
            Command::Completions { shell } => completions::completions(*shell),
            Command::Man { command } => completions::man(command),
            Command::Migrate(command) => command.run(terminal),
            Command::Backup(command) => command.run(terminal),
        }
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
