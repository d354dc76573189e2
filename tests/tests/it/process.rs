//! Worker processes, and what they tell.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use fieldfen_tests::fact::{Fact, Refusal};
use rustix::process::{Pid, Signal, kill_process};

/// After this time without a word a worker hangs, however slow the machine is: it is longer than a worker waits for a
/// lock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// The program of the worker processes.
pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_fieldfen-test-worker");

/// A worker process. It ends with this value, and with this process at the latest.
pub(crate) struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    facts: Receiver<Fact>,
    told: Vec<Fact>,
}

/// The arguments of a worker on this database.
pub(crate) fn arguments(database: &Path, duty: &str) -> Vec<String> {
    let mut arguments = vec!["--url".to_owned(), database.display().to_string()];
    arguments.extend(duty.split_whitespace().map(str::to_owned));
    arguments
}

impl Process {
    /// Starts a worker on this database; `duty` is the rest of its command line.
    pub(crate) fn start(database: &Path, duty: &str) -> Self {
        Self::spawn(Command::new(WORKER).args(arguments(database, duty)))
    }

    /// Starts a command that becomes a worker.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, out) = (child.stdin.take(), child.stdout.take().unwrap());
        let (heard, facts) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // A line that is no fact ends the listening, and the test notices the silence.
                let Ok(fact) = line.parse() else { return eprintln!("not a fact: {line}") };
                if heard.send(fact).is_err() {
                    return;
                }
            }
        });
        Self { child, orders, facts, told: Vec::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives an order.
    pub(crate) fn order(&mut self, order: &str) {
        if let Some(pipe) = &mut self.orders {
            // A worker that has ended hears nothing; what it told shows that.
            let _ = writeln!(pipe, "{order}");
        }
    }

    /// Gives an order, waits until it is carried out, and answers with what was told meanwhile.
    pub(crate) fn ask(&mut self, order: &str) -> Vec<Fact> {
        self.order(order);
        self.hear_until(&Fact::Done, order)
    }

    /// Gives an order that the store must refuse once.
    pub(crate) fn ask_in_vain(&mut self, order: &str) -> Refusal {
        match self.ask(order).as_slice() {
            [Fact::Refused(refusal)] => refusal.clone(),
            other => panic!("{order} should be refused once, but: {other:?}"),
        }
    }

    /// Waits until the worker works.
    pub(crate) fn until_ready(mut self) -> Self {
        self.hear_until(&Fact::Ready, "start");
        self
    }

    fn hear_until(&mut self, end: &Fact, order: &str) -> Vec<Fact> {
        let mut told = Vec::new();
        loop {
            match self.hear() {
                Some(fact) if fact == *end => return told,
                Some(fact) => told.push(fact),
                None => panic!("the worker ended at {order:?}, after {told:?}"),
            }
        }
    }

    /// The next fact; `None` when the worker has ended.
    pub(crate) fn hear(&mut self) -> Option<Fact> {
        match self.facts.recv_timeout(PATIENCE) {
            Ok(fact) => {
                self.told.push(fact.clone());
                Some(fact)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("a worker says nothing any more; the last: {:?}", self.told.last())
            }
        }
    }

    /// Whether the worker has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Lets the worker end by itself; everything it told.
    pub(crate) fn finish(mut self) -> (ExitStatus, Vec<Fact>) {
        while self.hear().is_some() {}
        (self.child.wait().unwrap(), std::mem::take(&mut self.told))
    }

    /// Closes the pipe, on which a worker that obeys ends; everything it told.
    pub(crate) fn dismiss(mut self) -> Vec<Fact> {
        self.orders = None;
        let (status, told) = self.finish();
        assert!(status.success(), "{status}");
        told
    }

    /// Kills the worker (SIGKILL); everything it told.
    pub(crate) fn kill(self) -> Vec<Fact> {
        self.send_kill();
        self.finish().1
    }

    /// Kills the worker without waiting for its end.
    pub(crate) fn send_kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Stops the worker wherever it is (SIGSTOP) until [`Process::go_on`].
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a stopped worker go on (SIGCONT).
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // It may have been killed by a job just now.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asserts that all of these workers ended well and were refused nothing; everything they told.
pub(crate) fn finish_all(processes: Vec<Process>) -> Vec<Fact> {
    let ended: Vec<_> = processes.into_iter().map(Process::finish).collect();
    let told: Vec<Fact> = ended.iter().flat_map(|(_, told)| told.clone()).collect();
    let refusals: Vec<&Fact> = told.iter().filter(|fact| matches!(fact, Fact::Refused(_))).collect();
    assert!(refusals.is_empty(), "{refusals:?}");
    for (status, _) in ended {
        assert!(status.success(), "{status}");
    }
    told
}
