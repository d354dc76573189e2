//! Starts the test process, sends commands to it, and reads the events that it reports.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use fieldfen_testkit::wait::{exit_status, wait_until};
use fieldfen_tests::event::{Event, StoreFailure};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// A process that reports no event for this time hangs, however slow the machine is: a process waits for a lock for a
/// shorter time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// The program of the test process.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldfen-test-process");

/// A test process. It is killed when this value is dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    incoming: Receiver<Event>,
    /// The events that were read so far.
    events: Vec<Event>,
}

/// The arguments of a process on this database. `command` is the rest of its command line.
pub(crate) fn arguments(database: &Path, command: &str) -> Vec<String> {
    let mut arguments = vec!["--url".to_owned(), database.display().to_string()];
    arguments.extend(command.split_whitespace().map(str::to_owned));
    arguments
}

impl Process {
    /// Starts a process on this database. `command` is the rest of its command line.
    pub(crate) fn start(database: &Path, command: &str) -> Self {
        Self::spawn(Command::new(PROGRAM).args(arguments(database, command)))
    }

    /// Starts a command that becomes a test process.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, incoming) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A line that is not an event ends this thread, and the next read of an event fails the test.
                let Ok(event) = line.parse() else { return eprintln!("not an event: {line:?}") };
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, incoming, events: Vec::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command without waiting for its end.
    pub(crate) fn send(&mut self, command: &str) {
        if let Some(stdin) = &mut self.stdin {
            // A process that has ended reads nothing. The next read of an event shows that.
            let _ = writeln!(stdin, "{command}");
        }
    }

    /// Sends a command, waits until it has been carried out, and returns the events that came before its end.
    pub(crate) fn run(&mut self, command: &str) -> Vec<Event> {
        self.send(command);
        self.events_until(&Event::CommandDone, command)
    }

    /// Sends a command for which the store must return one error, and returns that error.
    pub(crate) fn run_refused(&mut self, command: &str) -> StoreFailure {
        match self.run(command).as_slice() {
            [Event::StoreFailed(failure)] => failure.clone(),
            other => panic!("{command:?} should be refused once, but: {other:?}"),
        }
    }

    /// Waits until the process has opened its store, or reads commands.
    pub(crate) fn wait_until_ready(mut self) -> Self {
        self.events_until(&Event::Ready, "start");
        self
    }

    /// Reads events up to this one, for a command that the process got, and returns the events before it.
    pub(crate) fn events_until(&mut self, end: &Event, command: &str) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.next_event() {
                Some(event) if event == *end => return events,
                Some(event) => events.push(event),
                None => panic!("the process ended at {command:?}, after {events:?}"),
            }
        }
    }

    /// The next event; `None` if the process has ended.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        match self.incoming.recv_timeout(PATIENCE) {
            Ok(event) => {
                self.events.push(event.clone());
                Some(event)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("no event has come for {PATIENCE:?}; the last was {:?}", self.events.last())
            }
        }
    }

    /// Returns whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end of the process, and returns all its events.
    pub(crate) fn finish(mut self) -> (ExitStatus, Vec<Event>) {
        while self.next_event().is_some() {}
        (exit_status(&mut self.child), std::mem::take(&mut self.events))
    }

    /// Closes stdin, which ends an interpreter with success, and returns all events.
    pub(crate) fn close(mut self) -> Vec<Event> {
        self.stdin = None;
        let (status, events) = self.finish();
        assert!(status.success(), "{status}");
        events
    }

    /// Kills the process (SIGKILL), and returns all its events.
    pub(crate) fn kill(self) -> Vec<Event> {
        self.send_kill();
        self.finish().1
    }

    /// Kills the process without waiting for its end.
    pub(crate) fn send_kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Stops the process at any point (SIGSTOP) until [`Process::resume`].
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Waits until the process has stopped itself.
    pub(crate) fn wait_until_stopped(&self) {
        let pid = Pid::from_child(&self.child);
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        wait_until("the process stops", || waitid(WaitId::Pid(pid), options).unwrap().is_some());
    }

    /// Continues a stopped process (SIGCONT).
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // A job may have killed the process at this moment.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asserts that all of these processes ended with success and that their stores returned no error. Returns all their
/// events.
pub(crate) fn finish_all(processes: Vec<Process>) -> Vec<Event> {
    let ended: Vec<_> = processes.into_iter().map(Process::finish).collect();
    let events: Vec<Event> = ended.iter().flat_map(|(_, events)| events.clone()).collect();
    let failures: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::StoreFailed(_))).collect();
    assert!(failures.is_empty(), "{failures:?}");
    for (status, _) in ended {
        assert!(status.success(), "{status}");
    }
    events
}
