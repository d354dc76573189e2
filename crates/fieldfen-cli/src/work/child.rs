//! Runs a program for one job, and ends its process group when it has to end.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::child_output::{EndOfText, Lines, MAX_STDOUT};
use super::supervisor::{self, input_message};

/// The pause between two looks at interruptions and at the exit.
const LOOK: Duration = Duration::from_millis(20);

/// The time for which output is read after the program has ended. Only a process that has left the group can hold
/// stdout open for so long.
const DRAIN: Duration = Duration::from_millis(500);

/// The path of this program. On Linux, it stays valid when the file is replaced.
fn own_path() -> io::Result<OsString> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { Ok(std::env::current_exe()?.into()) }
}

/// One run of a program.
pub(super) struct Run<'a> {
    pub(super) command: &'a [OsString],
    /// The whole environment of the program.
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) input: &'a [u8],
}

/// The reason why a program was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    TooMuchOutput,
    /// The job was cancelled, has timed out or was lost, or the worker stops.
    Interrupted {
        /// The time between the request to end and the kill.
        grace: Duration,
    },
}

impl Stopped {
    const fn grace(self) -> Duration {
        match self {
            Self::TooMuchOutput => Duration::ZERO,
            Self::Interrupted { grace } => grace,
        }
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The exit code, as a shell reports it; `None` if the process between worker and program was killed.
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    /// The last bytes of stderr.
    pub(super) stderr: String,
    /// `None` if the program ended by itself.
    pub(super) stopped: Option<Stopped>,
}

impl Run<'_> {
    /// Runs the program until it and all processes of its group have ended. Calls `interrupted` several times a second,
    /// and `progress` for each line of progress.
    pub(super) fn until_end(
        &self,
        interrupted: impl Fn() -> Option<Duration>,
        mut progress: impl FnMut(&[u8]),
    ) -> io::Result<Ended> {
        let mut running = self.start()?;
        let mut read = [0; 16 << 10];
        let mut kill_at = None;
        let mut stopped = None;
        while !running.has_exited()? {
            running.exchange(&mut read, LOOK, &mut progress)?;
            if stopped.is_none() {
                stopped = if running.stdout.len() > MAX_STDOUT {
                    Some(Stopped::TooMuchOutput)
                } else {
                    interrupted().map(|grace| Stopped::Interrupted { grace })
                };
                if let Some(stopped) = stopped {
                    kill_at = Some(Instant::now() + stopped.grace());
                    running.signal(Signal::TERM);
                }
            }
            if kill_at.is_some_and(|at| Instant::now() >= at) {
                running.signal(Signal::KILL);
            }
        }
        // The processes that the program has left behind end before its output is read to the end, and before its id
        // can be used again.
        running.signal(Signal::KILL);
        let drained = Instant::now() + DRAIN;
        while running.has_output() && Instant::now() < drained {
            running.exchange(&mut read, LOOK, &mut progress)?;
        }
        let code = running.child.wait()?.code();
        let stdout = std::mem::take(&mut running.stdout);
        if stdout.len() > MAX_STDOUT {
            stopped = Some(Stopped::TooMuchOutput);
        }
        Ok(Ended { code, stdout, stderr: running.stderr.text(), stopped })
    }

    fn start(&self) -> io::Result<Running> {
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let mut child = Command::new(own_path()?)
            .arg(supervisor::COMMAND)
            .arg("--")
            .args(self.command)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name.as_os_str(), OsStr::new(value))))
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (stdout_pipe, stderr_pipe) = (child.stdout.take(), child.stderr.take());
        Ok(Running {
            child,
            socket: Some(socket),
            to_send: input_message(self.input),
            progress: Lines::default(),
            stdout_pipe,
            stderr_pipe,
            stdout: Vec::new(),
            stderr: EndOfText::default(),
            ended: false,
        })
    }
}

/// A program that runs. If it is dropped, its process group is killed.
struct Running {
    child: Child,
    socket: Option<UnixStream>,
    /// The rest of the input.
    to_send: Vec<u8>,
    progress: Lines,
    stdout_pipe: Option<ChildStdout>,
    stderr_pipe: Option<ChildStderr>,
    stdout: Vec<u8>,
    stderr: EndOfText,
    /// Whether the process has exited. Its id is still its own.
    ended: bool,
}

impl Running {
    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Sends a signal to the process group. The group may have ended.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            kill_process_group(pid, signal).ok();
        }
    }

    /// Returns whether the process has exited. It is not reaped, so that its id stays its own.
    fn has_exited(&mut self) -> io::Result<bool> {
        if let Some(pid) = self.pid().filter(|_| !self.ended) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            self.ended = waitid(WaitId::Pid(pid), options)?.is_some();
        }
        Ok(self.ended)
    }

    /// Returns whether a pipe is open.
    const fn has_output(&self) -> bool {
        self.stdout_pipe.is_some() || self.stderr_pipe.is_some()
    }

    /// Waits until there is something to read or to send, at most for this time, and reads and sends it.
    fn exchange(&mut self, read: &mut [u8], wait: Duration, progress: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let nanos = i64::from(wait.subsec_nanos());
        let timeout = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: nanos };
        let wanted = if self.to_send.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        let fds = [
            self.socket.as_ref().map(|socket| (socket.as_fd(), wanted)),
            self.stdout_pipe.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN)),
            self.stderr_pipe.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN)),
        ];
        let mut open: Vec<_> = fds.iter().flatten().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        match poll(&mut open, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut answers = open.iter().map(PollFd::revents);
        let [socket, stdout, stderr] = fds.map(|fd| fd.and_then(|_| answers.next()).unwrap_or_else(PollFlags::empty));
        if !socket.is_empty() {
            self.exchange_with_socket(read, progress);
        }
        if !stdout.is_empty()
            && let Some(bytes) = read_some(&mut self.stdout_pipe, read)
            && self.stdout.len() <= MAX_STDOUT
        {
            self.stdout.extend_from_slice(bytes);
        }
        if !stderr.is_empty()
            && let Some(bytes) = read_some(&mut self.stderr_pipe, read)
        {
            self.stderr.push(bytes);
        }
        Ok(())
    }

    fn exchange_with_socket(&mut self, read: &mut [u8], progress: &mut impl FnMut(&[u8])) {
        let Some(socket) = self.socket.as_mut() else { return };
        if !self.to_send.is_empty() {
            match socket.write(&self.to_send) {
                Ok(sent) => drop(self.to_send.drain(..sent)),
                Err(error) if would_block(&error) => {}
                // The process has ended.
                Err(_) => self.to_send.clear(),
            }
        }
        match socket.read(read) {
            // The program has ended. If the socket stayed in the poll, each poll would return at once.
            Ok(0) => self.socket = None,
            Ok(length) => self.progress.push(&read[..length], progress),
            Err(error) if would_block(&error) => {}
            Err(_) => self.socket = None,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a wait, the id may be another process's.
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::KILL);
            self.child.wait().ok();
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Reads what a pipe has, and closes a pipe that has ended.
fn read_some<'b>(pipe: &mut Option<impl Read>, read: &'b mut [u8]) -> Option<&'b [u8]> {
    match pipe.as_mut()?.read(read) {
        Err(error) if would_block(&error) => None,
        Ok(0) | Err(_) => {
            *pipe = None;
            None
        }
        Ok(length) => read.get(..length),
    }
}
