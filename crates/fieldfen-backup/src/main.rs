//! The program `fieldfen-backup`: a checked copy of a database, for operators and cron.

use std::process::ExitCode;

use clap::Parser;
use fieldfen_backup::BackupCommand;
use fieldfen_persistence::{migrations, sqlite_version};
use fieldfen_terminal::{CommonArgs, Versions, run};

/// Backs up a fieldfen database while programs are at work on it
#[derive(Parser)]
#[command(
    name = "fieldfen-backup",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 database not there, 4 busy \
    or another backup running, 5 unknown schema, 6 damaged, 7 read-only, 8 disk full, 9 I/O"
)]
struct Backup {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: BackupCommand,
}

impl AsRef<CommonArgs> for Backup {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

fn main() -> ExitCode {
    let versions = || {
        let newest_migration = migrations::newest().to_string();
        Ok(Versions { program: env!("CARGO_PKG_VERSION"), sqlite: sqlite_version(), newest_migration })
    };
    run(versions, |args: &Backup, terminal| args.command.run(terminal))
}
