//! Makes one call, and stops itself (SIGSTOP) between the check of the limits and the call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Error, anyhow};
use clap::Args;
use fieldfen_domain::Timestamp;
use fieldfen_domain::rate_limit::ApiLimit;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, CallRefusal, NewCall, OpenCall};
use fieldfen_services::environment::Clock;
use fieldfen_services::rate_limiter::RateLimiter;
use rustix::process::{Signal, getpid, kill_process};

use super::call_api::COUNTING_SERVICE;
use super::call_charged_api::Bits;
use crate::event::{Event, emit};

/// Makes one limited call. The process stops itself after the permit is acquired and before the call starts, and once more
/// within the call.
#[derive(Debug, Args)]
pub struct SuspendedCall {}

impl SuspendedCall {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// When the call is refused, or the test has closed the pipe from stdout.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        let system = Environment::system();
        let environment = Environment::new(StopsOnce::new(system.clone()), Bits(system));
        let limiter = RateLimiter::new(store.clone(), environment.clone()).limit(ApiLimit::new(
            COUNTING_SERVICE,
            "window",
            100,
            Duration::from_secs(60),
        )?);
        let calls = CallRecorder::new(ApiUsage::new(store.clone(), environment)).rate_limiter(limiter);
        emit(&Event::Ready)?;
        let call = |_: &OpenCall| {
            stop();
            Ok::<_, CallRefusal>(())
        };
        calls.limited_call(&NewCall::new(COUNTING_SERVICE, "GET /"), call).map_err(|refusal| anyhow!("{refusal}"))?;
        emit(&Event::CommandDone)
    }
}

/// A clock that stops the process at the first reading after the first one of the monotonic time: the acquisition of a permit
/// reads that time last, and the start of the call reads the clock next.
struct StopsOnce {
    clock: Environment,
    /// The number of readings of the monotonic time, and a large number once the process was stopped.
    readings: AtomicU32,
}

impl StopsOnce {
    const STOPPED: u32 = 1 << 16;

    const fn new(clock: Environment) -> Self {
        Self { clock, readings: AtomicU32::new(0) }
    }
}

impl Clock for StopsOnce {
    fn now(&self) -> Timestamp {
        if self.readings.compare_exchange(1, Self::STOPPED, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            stop();
        }
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.readings.fetch_add(1, Ordering::SeqCst);
        self.clock.monotonic()
    }
}

/// Stops this process until another one continues it.
fn stop() {
    let _ = kill_process(getpid(), Signal::STOP);
}
