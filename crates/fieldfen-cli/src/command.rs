//! The commands of the program, for a program that adds commands of its own.

use clap::{ArgMatches, FromArgMatches, Subcommand};
use fieldfen_backup::BackupCommand;
use fieldfen_migrate::MigrateCommand;
use fieldfen_persistence::migrations;
use fieldfen_terminal::Terminal;

use crate::context::{Context, OperatorArgs};
use crate::{
    completions, doctor, files, jobs, log, metrics, pauses, publications, recurring, status, upkeep, usage, webhooks,
    workers,
};
#[cfg(unix)]
use crate::{watch, work};

/// A command of the program `fieldfen`. Flatten it into the commands of a program of your own.
///
/// The commands `completions` and `man` know only the commands of `fieldfen`.
#[derive(Debug)]
pub struct FieldfenCommand(Command);

impl FieldfenCommand {
    /// Runs the command on this terminal.
    ///
    /// # Errors
    /// The error of the command, whose exit code [`Exit::of`](fieldfen_terminal::Exit::of) returns.
    pub fn run(&self, operator: &OperatorArgs, terminal: &Terminal) -> anyhow::Result<()> {
        migrations::set_command("fieldfen migrate up");
        let context = Context::new(terminal, operator);
        match &self.0 {
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

impl FromArgMatches for FieldfenCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Command::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Subcommand for FieldfenCommand {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        Command::augment_subcommands(command)
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Command::augment_subcommands_for_update(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Command::has_subcommand(name)
    }
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
    /// Resume a paused kind of job, service or account
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
