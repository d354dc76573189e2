//! A process that migrates or adopts, and says on stdout which phase it is in, so that a test can kill it in each phase.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_migrate::{MigrateEvent, Migrator};
use fieldfen_persistence::migrations::MigrationEvent;
use fieldfen_testkit::wait::exit_status_within;

use crate::shop_harness::Shop;

/// The variable with the database of the process.
const DATABASE: &str = "FIELDFEN_KILLED_DATABASE";

/// The variable with the folder of its backups.
const BACKUPS: &str = "FIELDFEN_KILLED_BACKUPS";

/// The text before the name of a phase.
const BEGINS: &str = "phase begins: ";

const PATIENCE: Duration = Duration::from_secs(600);

/// The phases of `up` and of an adoption, in their order. The last one lasts until the connection is closed, which copies
/// the log into the database.
pub(crate) const PHASES: [&str; 5] = ["copy", "rehearsal", "backup", "run", "commit"];

/// The number of the phase to which an event belongs.
fn phase(event: &MigrateEvent<'_>, before: usize) -> usize {
    match event {
        MigrateEvent::Copying { .. } => 0,
        MigrateEvent::Rehearsing(_) | MigrateEvent::CheckingCopy => 1,
        MigrateEvent::BackingUp(_) => 2,
        MigrateEvent::Running(MigrationEvent::Committing) => 4,
        MigrateEvent::Running(_) => 3,
        // The run of an adoption begins with the values of the database.
        MigrateEvent::Adopting { .. } if before == 2 => 3,
        _ => before,
    }
}

#[test]
#[ignore = "is a process that other tests start and kill"]
fn killed_process() {
    let (Ok(database), Ok(backups)) = (std::env::var(DATABASE), std::env::var(BACKUPS)) else { return };
    let present = Mutex::new(usize::MAX);
    let migrator = Migrator::new(database.parse().unwrap()).unwrap().backups(Some(PathBuf::from(backups)));
    let migrator = migrator.observer(move |event| {
        let mut present = present.lock().unwrap();
        let now = phase(event, *present);
        if now != *present {
            *present = now;
            say(PHASES.get(now).copied().unwrap_or("none"));
        }
    });
    migrator.up().unwrap();
    say("end");
}

fn say(phase: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{BEGINS}{phase}").unwrap();
    out.flush().unwrap();
}

/// A started process.
pub(crate) struct KilledProcess {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl KilledProcess {
    pub(crate) fn start(shop: &Shop) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", "killed_process::killed_process"]);
        command.env(DATABASE, shop.database()).env(BACKUPS, shop.folder().join("backups"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// The next phase; `None` if the process has ended.
    fn next_phase(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            if let Some(phase) = line.trim_end().strip_prefix(BEGINS) {
                return Some(phase.to_owned());
            }
            line.clear();
        }
        None
    }

    /// Lets the process end, and returns the length of each phase.
    pub(crate) fn lengths(mut self) -> [Duration; PHASES.len()] {
        let mut lengths = [Duration::ZERO; PHASES.len()];
        let mut present: Option<(usize, Instant)> = None;
        let mut has_ended = false;
        while let Some(name) = self.next_phase() {
            if let Some((phase, since)) = present.take() {
                lengths[phase] += since.elapsed();
            }
            has_ended = name == "end";
            present = PHASES.iter().position(|phase| *phase == name).map(|phase| (phase, Instant::now()));
        }
        assert!(exit_status_within(PATIENCE, &mut self.child).success() && has_ended);
        lengths
    }

    /// Kills the process after a part of a phase, and returns the phase in which it was; `None` if it had ended.
    pub(crate) fn kill_in(mut self, phase: usize, after: Duration) -> Option<usize> {
        let mut last = None;
        while let Some(name) = self.next_phase() {
            let is_it = name == PHASES[phase];
            last = Some(name);
            if is_it {
                break;
            }
        }
        thread::sleep(after);
        self.child.kill().unwrap();
        exit_status_within(PATIENCE, &mut self.child);
        while let Some(name) = self.next_phase() {
            last = Some(name);
        }
        PHASES.iter().position(|phase| last.as_deref() == Some(*phase))
    }
}
