//! Calls a service that counts, as often as the rate limiter lets it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Error, anyhow};
use clap::Args;
use fieldfen_domain::rate_limit::{AcquireOutcome, ApiLimit, CallAnswer, PermitRequest, ReportedLimit};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::rate_limiter::RateLimiter;

use super::or_emit;
use super::stdin::drain_flag;
use crate::event::{Event, emit};

/// The service.
pub const COUNTING_SERVICE: &str = "counting";

/// The longest time of connecting and of answering, each.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_millis(500);

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Calls a service until the process is killed.
#[derive(Debug, Args)]
pub struct CallApi {
    /// The number of threads that call.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// The address of the service.
    #[arg(long)]
    service: SocketAddr,
    /// The number of calls that the service allows in a window.
    #[arg(long)]
    limit: u64,
    /// The length of the window, in milliseconds.
    #[arg(long)]
    window_ms: u64,
}

impl CallApi {
    /// Runs the command until the process is killed.
    ///
    /// # Errors
    /// When the store returns an error, or the test has closed the pipe from stdout.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        drain_flag(true);
        let window = Duration::from_millis(self.window_ms);
        let limiter = RateLimiter::new(store.clone(), Environment::system())
            .limit(ApiLimit::new(COUNTING_SERVICE, "window", self.limit, window)?)
            .call_timeout(2 * STEP_TIMEOUT);
        emit(&Event::Ready)?;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads).map(|_| scope.spawn(|| self.call_for_ever(&limiter))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }

    fn call_for_ever(&self, limiter: &RateLimiter<SqliteStore>) -> Result<(), Error> {
        let request = PermitRequest::new(COUNTING_SERVICE);
        loop {
            let AcquireOutcome::Acquired(permit) = or_emit(limiter.acquire_within(&request, FOR_EVER))? else {
                continue;
            };
            let answer = match limiter.start(&permit) {
                Ok(()) => call(self.service),
                Err(_) => CallAnswer::NotSent,
            };
            or_emit(limiter.settle(permit, answer))?;
        }
    }
}

/// One call, and what its answer says.
fn call(service: SocketAddr) -> CallAnswer {
    let answer = match exchange(service, "/") {
        Ok(answer) => answer,
        Err(ended) => return ended,
    };
    let said = ReportedLimit::new("window")
        .limit(header(&answer, "X-RateLimit-Limit"))
        .remaining(header(&answer, "X-RateLimit-Remaining"));
    match answer.starts_with("HTTP/1.1 429") {
        true => CallAnswer::throttled(vec![said], None),
        false => CallAnswer::reported(vec![said]),
    }
}

/// The answer of a service, or how a call without an answer has ended.
pub(super) fn exchange(service: SocketAddr, path: &str) -> Result<String, CallAnswer> {
    let mut stream = TcpStream::connect_timeout(&service, STEP_TIMEOUT).map_err(|_| CallAnswer::NotSent)?;
    let mut exchange = || {
        stream.set_read_timeout(Some(STEP_TIMEOUT))?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    exchange().map_err(|_| CallAnswer::NoAnswer)
}

/// A number in the header of an answer.
pub(super) fn header(answer: &str, name: &str) -> Option<u64> {
    let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
    value.trim().parse().ok()
}
