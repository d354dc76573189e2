//! `work-child`: the process between a worker and a program, which ends the program when the worker dies.
//!
//! The worker and this process share a socket: stdin of this process. The worker sends the length of the input and the
//! input. After that, the socket stays open for as long as the worker lives. When it is closed, this process kills its
//! process group, which holds itself, the program, and all processes that the program has started. The kernel closes the
//! socket, however the worker ends. Progress of the program goes over the same socket in the other direction.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use anyhow::Context as _;
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The name of the subcommand.
pub(super) const COMMAND: &str = "work-child";

/// The exit code of a program that cannot be started, as of a shell.
const NOT_STARTED: i32 = 127;

/// The exit code of a program that a signal has ended is this number plus that of the signal, as of a shell.
const SIGNALLED: i32 = 128;

/// The program and its arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkChildArgs {
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl WorkChildArgs {
    /// Runs the program, and ends with its exit code.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        // The worker sends these signals to the whole group. This process has to outlive the program.
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            signal_hook::flag::register(signal, Arc::default()).context("cannot take a signal over")?;
        }
        let input = read_input(&mut io::stdin().lock()).context("cannot read the input of the program")?;
        let code = match self.supervise(input) {
            Ok(status) => exit_code(status),
            Err(error) => {
                let program = self.command.first().map(|name| name.to_string_lossy()).unwrap_or_default();
                writeln!(io::stderr(), "cannot start {program:?}: {error}").ok();
                NOT_STARTED
            }
        };
        process::exit(code)
    }

    fn supervise(&self, input: Vec<u8>) -> io::Result<ExitStatus> {
        let (program, arguments) = self.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        // Without FD_CLOEXEC: the program inherits it. No other thread starts a process here.
        let progress = rustix::io::dup(io::stdin())?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("FIELDFEN_PROGRESS_FD", progress.as_raw_fd().to_string())
            .stdin(Stdio::piped())
            .spawn()?;
        drop(progress);
        let stdin = child.stdin.take();
        thread::spawn(move || {
            // A program need not read its input.
            stdin.map(|mut stdin| stdin.write_all(&input).ok());
        });
        thread::spawn(end_with_worker);
        child.wait()
    }
}

/// Waits until the worker has closed the socket, and kills the process group.
fn end_with_worker() {
    let mut stdin = io::stdin().lock();
    let mut rest = [0; 64];
    while !matches!(stdin.read(&mut rest), Ok(0) | Err(_)) {}
    kill_current_process_group(Signal::KILL).ok();
}

/// The message that begins the socket: the length of the input, and the input.
pub(super) fn input_message(input: &[u8]) -> Vec<u8> {
    let mut message = (input.len() as u64).to_le_bytes().to_vec();
    message.extend_from_slice(input);
    message
}

fn read_input(socket: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    socket.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut input = Vec::new();
    if socket.take(length).read_to_end(&mut input)? as u64 == length {
        return Ok(input);
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the worker has ended"))
}

/// The exit code of a program, as a shell reports it.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal)).unwrap_or(NOT_STARTED)
}
