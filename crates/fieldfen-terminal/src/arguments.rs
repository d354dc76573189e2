//! The arguments that every program takes.

use crate::database::DatabaseAddress;

/// The heading in the help above the arguments that every command of a program takes.
pub const GLOBAL_OPTIONS: &str = "Global options";

/// The arguments that every program takes. Flatten them into the program's own.
///
/// All of them may stand before or after a subcommand.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct CommonArgs {
    /// The database: a path, or a URL such as sqlite://./data/fieldfen.db [default: DATABASE_URL from the environment,
    /// then from the file .env in the current folder, then from fieldfen.toml there, then sqlite://./data/fieldfen.db]
    #[arg(long, global = true, help_heading = GLOBAL_OPTIONS, value_name = "URL")]
    pub database: Option<DatabaseAddress>,

    /// Print exactly one JSON document on stdout, for errors too
    #[arg(long, global = true, help_heading = GLOBAL_OPTIONS)]
    pub json: bool,

    /// Print nothing but errors (and, with --json, the document)
    #[arg(short, long, global = true, help_heading = GLOBAL_OPTIONS, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Log on stderr: -v each step, -vv every detail. Without it, RUST_LOG chooses what is logged
    #[arg(short, long, global = true, help_heading = GLOBAL_OPTIONS, action = clap::ArgAction::Count)]
    pub verbose: u8,
}
