//! Waits with a deadline. A test that would hang fails instead, and names the event that it waited for.

use std::io::{self, Read, Write as _};
use std::process::{self, Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Condvar, Mutex};
use std::thread::{self, JoinHandle, Scope};
use std::time::{Duration, Instant};

/// A wait that takes longer has failed. It is far longer than any wait on a slow and busy machine.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until a condition holds. `what` completes the sentence "waited in vain until …".
///
/// # Panics
/// If the condition does not hold within [`PATIENCE`].
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}

/// Waits until `find` returns a value, and returns that value. `what` completes the sentence "waited in vain until …".
///
/// # Panics
/// If `find` returns no value within [`PATIENCE`].
#[track_caller]
pub fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}, for {PATIENCE:?}");
        thread::sleep(PAUSE);
    }
}

/// Waits until a channel has a message, and returns that message. `what` completes the sentence "waited in vain until …".
///
/// # Panics
/// If no message comes within [`PATIENCE`], or every sender is dropped before one has come.
#[track_caller]
pub fn received<T>(what: &str, receiver: &Receiver<T>) -> T {
    match receiver.recv_timeout(PATIENCE) {
        Ok(message) => message,
        Err(RecvTimeoutError::Timeout) => panic!("waited in vain until {what}, for {PATIENCE:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("waited in vain until {what}: every sender is gone"),
    }
}

/// A barrier for threads that meet once, like [`std::sync::Barrier`]. A thread whose partners do not come fails.
#[derive(Debug)]
pub struct DeadlineBarrier {
    missing: Mutex<usize>,
    all_have_come: Condvar,
}

impl DeadlineBarrier {
    /// A barrier for this many threads.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self { missing: Mutex::new(threads), all_have_come: Condvar::new() }
    }

    /// Waits until all threads have come. `what` completes the sentence "waited in vain until …".
    ///
    /// # Panics
    /// If they do not come within [`PATIENCE`], or if more threads come than expected.
    #[track_caller]
    pub fn wait(&self, what: &str) {
        let mut missing = self.missing.lock().unwrap();
        *missing = missing.checked_sub(1).unwrap();
        self.all_have_come.notify_all();
        let (missing, _) = self.all_have_come.wait_timeout_while(missing, PATIENCE, |missing| *missing > 0).unwrap();
        let left = *missing;
        // A panic under the lock would poison it for the other threads, which must report their own waits.
        drop(missing);
        assert!(left == 0, "waited in vain until {what}, for {PATIENCE:?}: {left} threads have not come");
    }
}

/// Raises a flag when it is dropped. Threads of a scope that run until the flag is raised then also end if the test
/// fails: a scope waits for its threads even after a panic.
#[derive(Debug)]
pub struct RaiseOnDrop<'f>(pub &'f AtomicBool);

impl Drop for RaiseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs a call that itself waits, for example for the end of a worker, on its own thread, and returns its result.
/// `what` completes the sentence "waited in vain until …".
///
/// # Panics
/// If the call panics, or does not return within [`PATIENCE`].
#[track_caller]
pub fn with_deadline<T: Send + 'static>(what: &str, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || drop(sender.send(call())));
    match receiver.recv_timeout(PATIENCE) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("waited in vain until {what}, for {PATIENCE:?}"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => panic!("the call that waits until {what} has returned nothing"),
        },
    }
}

/// Runs a scope of threads, as [`thread::scope`] does. `what` completes the sentence "waited in vain until …".
///
/// A scope waits for all its threads, even after a panic, and no thread can be ended from outside. If the scope has not
/// ended within [`PATIENCE`], the process writes `what` to stderr and aborts.
pub fn scope_with_deadline<'env, T>(
    what: &str,
    threads: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
) -> T {
    scope_within(PATIENCE, what, threads)
}

/// Like [`scope_with_deadline`], for threads whose work grows with a size that the caller chooses.
pub fn scope_within<'env, T>(
    patience: Duration,
    what: &str,
    threads: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
) -> T {
    let message = format!("waited in vain until {what}, for {patience:?}; --nocapture shows what came before\n");
    let (_ended, has_ended) = channel::<()>();
    thread::spawn(move || {
        if has_ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            // The test harness keeps what a macro prints, and an abort would lose it.
            let _ = io::stderr().write_all(message.as_bytes());
            process::abort();
        }
    });
    thread::scope(threads)
}

/// Waits until a process has ended, and returns its status.
///
/// # Panics
/// If the process does not end within [`PATIENCE`]. It is killed then.
#[track_caller]
pub fn exit_status(child: &mut Child) -> ExitStatus {
    exit_status_within(PATIENCE, child)
}

/// Like [`exit_status`], for a process that may take longer, such as a build.
///
/// # Panics
/// If the process does not end within `patience`. It is killed then.
#[track_caller]
pub fn exit_status_within(patience: Duration, child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > patience {
            let id = child.id();
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("process {id} has not ended within {patience:?} and was killed");
        }
        thread::sleep(PAUSE);
    }
}

/// Runs a program to its end and returns its output, as [`Command::output`] does.
///
/// # Panics
/// If the program cannot be started, or does not end within [`PATIENCE`]. It is killed then.
#[track_caller]
pub fn output(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    output_of(child.unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", command.get_program())))
}

/// Waits for the end of a started program and returns its output on the pipes of its stdout and stderr.
///
/// # Panics
/// If the program does not end within [`PATIENCE`]. It is killed then.
#[track_caller]
pub fn output_of(mut child: Child) -> Output {
    // A program blocks if nobody reads its pipes.
    let (stdout, stderr) = (child.stdout.take().map(read_to_end), child.stderr.take().map(read_to_end));
    drop(child.stdin.take());
    let status = exit_status(&mut child);
    let written = |reader: Option<JoinHandle<Vec<u8>>>| reader.map_or_else(Vec::new, |reader| reader.join().unwrap());
    Output { status, stdout: written(stdout), stderr: written(stderr) }
}

fn read_to_end(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_writes_more_than_a_pipe_holds_is_read_to_its_end() {
        let written =
            output(Command::new("sh").args(["-c", "head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2; exit 3"]));
        assert_eq!((written.stdout.len(), written.stderr.len()), (300_000, 200_000));
        assert_eq!(written.status.code(), Some(3));
    }

    #[test]
    fn a_process_that_does_not_end_in_time_is_killed() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let waited = std::panic::AssertUnwindSafe(|| exit_status_within(Duration::from_millis(10), &mut child));
        let failed = std::panic::catch_unwind(waited).unwrap_err();
        assert!(failed.downcast_ref::<String>().unwrap().ends_with("has not ended within 10ms and was killed"));
        assert_eq!(child.try_wait().unwrap().unwrap().code(), None, "ended by a signal");
    }

    #[test]
    fn a_wait_returns_what_was_found_in_the_end() {
        let mut looks = 0;
        let found = wait_for("the third look", || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found, 3);
    }

    #[test]
    fn a_message_is_received_and_a_channel_without_senders_fails_at_once() {
        let (sender, receiver) = channel();
        sender.send(7).unwrap();
        assert_eq!(received("a number has come", &receiver), 7);
        drop(sender);
        let failed = thread::spawn(move || received("a number has come", &receiver)).join().unwrap_err();
        let message = failed.downcast_ref::<String>().unwrap();
        assert_eq!(message, "waited in vain until a number has come: every sender is gone");
    }

    #[test]
    fn a_scope_whose_threads_do_not_end_aborts_the_process_and_says_what_it_waited_for() {
        const ENDLESS: &str = "FIELDFEN_TEST_ENDLESS_SCOPE";
        if std::env::var_os(ENDLESS).is_some() {
            return scope_within(Duration::from_millis(10), "the job has ended", |scope| {
                scope.spawn(|| wait_until("this test has aborted", || false));
                panic!("a panic does not end the thread");
            });
        }
        let name = "wait::tests::a_scope_whose_threads_do_not_end_aborts_the_process_and_says_what_it_waited_for";
        let mut command = Command::new(std::env::current_exe().unwrap());
        let aborted = output(command.args(["--exact", name]).env(ENDLESS, "").stdin(Stdio::null()));
        let told = String::from_utf8_lossy(&aborted.stderr);
        assert!(told.contains("waited in vain until the job has ended, for 10ms"), "{aborted:?}");
        assert_eq!(aborted.status.code(), None, "ended by a signal: {aborted:?}");
    }

    #[test]
    fn a_scope_that_ends_in_time_returns_what_its_closure_returns() {
        let is_up = AtomicBool::new(false);
        let joined = scope_with_deadline("the thread has ended", |scope| {
            scope.spawn(|| is_up.swap(true, Ordering::SeqCst)).join().unwrap()
        });
        assert_eq!((joined, is_up.into_inner()), (false, true));
    }

    #[test]
    fn no_thread_passes_a_barrier_before_all_have_come() {
        let (barrier, come) = (DeadlineBarrier::new(3), std::sync::atomic::AtomicUsize::new(0));
        scope_with_deadline("all threads have passed the barrier", |scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    come.fetch_add(1, Ordering::SeqCst);
                    barrier.wait("three threads have come");
                    assert_eq!(come.load(Ordering::SeqCst), 3);
                });
            }
        });
    }
}
