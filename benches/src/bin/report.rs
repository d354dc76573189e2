//! Prints one table with the cost of the job engine, and the bounds for it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use fieldfen_benches::machine::Machine;
use fieldfen_benches::report::Report;
use fieldfen_benches::sections::{Scale, Section, Stage, adoption, idle, latency, memory, processes, rehearsal};

/// Measures the job engine against raw SQLite and says which figures fall short
///
/// Ends with 0 when every figure reaches its bound, with 1 when one does not or could not be measured.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// One JSON document on stdout instead of a table
    #[arg(long)]
    json: bool,
    /// Only these sections, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Section>,
    /// The size of the measurements: small ends within 5 minutes, full has the sizes of the promised bounds
    #[arg(long, value_enum, default_value = "small")]
    scale: Scale,
    /// A folder on the disk to be measured; by default that of this program
    #[arg(long)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

/// The other commands of this program.
#[derive(clap::Subcommand)]
enum Role {
    /// Trace the writes of several processes, and explain the longest ones
    TraceWrites(processes::TraceWrites),
    #[command(hide = true)]
    ProcessWorker(processes::Worker),
    #[command(hide = true)]
    Enqueuer(latency::Enqueuer),
    #[command(hide = true)]
    Idler(idle::Idler),
    #[command(hide = true)]
    Drainer(memory::Drainer),
    #[command(hide = true)]
    Rehearser(rehearsal::Rehearser),
    #[command(hide = true)]
    Adopter(adoption::Adopter),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.role {
        None => report(&arguments),
        Some(Role::TraceWrites(trace)) => folder(&arguments).and_then(|dir| trace.run(&dir)).map(|()| true),
        Some(Role::ProcessWorker(process)) => process.run().map(|()| true),
        Some(Role::Enqueuer(process)) => process.run().map(|()| true),
        Some(Role::Idler(process)) => process.run().map(|()| true),
        Some(Role::Drainer(process)) => process.run().map(|()| true),
        Some(Role::Rehearser(process)) => process.run().map(|()| true),
        Some(Role::Adopter(process)) => process.run().map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the report. Returns whether every figure is within its bound.
fn report(arguments: &Arguments) -> Result<bool> {
    let dir = folder(arguments)?;
    let folder = tempfile::Builder::new()
        .prefix("report-")
        .tempdir_in(&dir)
        .with_context(|| format!("cannot make a folder in {}: name another one with --dir", dir.display()))?;
    let stage = Stage { folder: folder.path().to_owned(), scale: arguments.scale };
    let mut report = Report::new(Machine::look(&stage.folder)?);
    for section in Section::ALL {
        if arguments.only.is_empty() || arguments.only.contains(&section) {
            section.run(&stage, &mut report).with_context(|| format!("section {section:?}"))?;
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", report.text());
    }
    Ok(report.ok())
}

/// The folder for the measurements.
fn folder(arguments: &Arguments) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let dir = arguments.dir.as_deref().or(own.parent()).context("no folder to measure in: name one with --dir")?;
    Ok(dir.to_owned())
}
