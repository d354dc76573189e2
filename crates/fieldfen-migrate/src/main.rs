//! The program `fieldfen-migrate`: migrates the schema of a database, for operators.

use std::process::ExitCode;

use clap::Parser;
use fieldfen_migrate::MigrateCommand;
use fieldfen_persistence::{migrations, sqlite_version};
use fieldfen_terminal::{CommonArgs, Versions, run};

/// Moves a fieldfen database from schema to schema and back
#[derive(Parser)]
#[command(
    name = "fieldfen-migrate",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments or data would be lost, \
    3 database not there, 4 busy, 5 another schema, 6 damaged, 7 read-only, 8 disk full, 9 I/O, 12 refused by the guard, \
    the checks or the rehearsal, or adopted already"
)]
struct Migrate {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: MigrateCommand,
}

impl AsRef<CommonArgs> for Migrate {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

fn main() -> ExitCode {
    let versions = || {
        let newest_migration = migrations::newest().to_string();
        Ok(Versions { program: env!("CARGO_PKG_VERSION"), sqlite: sqlite_version(), newest_migration })
    };
    run(versions, |args: &Migrate, terminal| args.command.run(terminal))
}
