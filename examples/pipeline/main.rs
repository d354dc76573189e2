//! Processes every picture of a folder, from ingest to a published listing; see the package's README.

use std::path::PathBuf;
use std::process::ExitCode;

use fieldfen_examples::pipeline::{self, Options};
use fieldfen_examples::read_access::ReadAccess;
use fieldfen_persistence::{migrations, sqlite_version};
use fieldfen_terminal::{CommonArgs, Versions, run};

/// Take every picture of a folder from ingest to a published listing in a local catalogue
///
/// Each JPEG or PNG file is taken in by its content, upscaled by 4 at 300 dpi, described, approved and listed once,
/// however often this program is stopped, killed and started again.
#[derive(Debug, clap::Parser)]
#[command(
    name = "pipeline",
    after_help = "A file that cannot be used is reported and leaves the exit code at 0, and so does a stop by SIGINT or \
                  SIGTERM: the report says how many files were published, failed, could not be read or are still on \
                  their way. Other exit codes: 1 failure, 2 usage, 3 database not opened, 4 busy, 5 schema, \
                  6 damaged, 7 read-only, 8 disk full, 9 input/output."
)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// The folder with the pictures; folders in it and hidden files are left alone [default: the samples that come
    /// with this example]
    folder: Option<PathBuf>,

    /// The folder for copies of the originals, print files and previews
    #[arg(long, value_name = "FOLDER", default_value = "./data/pictures")]
    output: PathBuf,

    /// The folder of the catalogue
    #[arg(long, value_name = "FOLDER", default_value = "./data/catalogue")]
    catalogue: PathBuf,

    /// Let every user of this machine read the catalogue, a web server for example; without it only this user can
    #[arg(long)]
    public_catalogue: bool,

    /// A fieldfen.toml with the rules: who approves, what is published, how much is upscaled [default: those of this
    /// example, which approves everything and lists it in the catalogue]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

impl AsRef<CommonArgs> for Args {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

fn main() -> ExitCode {
    let versions = || {
        let newest_migration = migrations::newest().to_string();
        Ok(Versions { program: env!("CARGO_PKG_VERSION"), sqlite: sqlite_version(), newest_migration })
    };
    run(versions, |args: &Args, terminal| {
        let samples = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/pictures"));
        let options = Options {
            folder: args.folder.clone().unwrap_or_else(samples),
            output: args.output.clone(),
            catalogue: args.catalogue.clone(),
            catalogue_access: if args.public_catalogue { ReadAccess::Everybody } else { ReadAccess::Owner },
            rules: args.rules.clone(),
        };
        pipeline::run(&options, terminal)
    })
}
