//! An HTTP service that allows a number of calls in a sliding window, counts them as they arrive, and refuses the others
//! with status 429.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::http_service::serve;

/// A call, as it arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    /// Whether it was within the limit.
    pub(crate) taken: bool,
}

/// A service on a port of its own, which answers until the test process ends.
pub(crate) struct CountingService {
    address: SocketAddr,
    counter: Arc<Mutex<Counter>>,
}

struct Counter {
    limit: usize,
    window: Duration,
    /// The calls that count in the window.
    counted: VecDeque<Instant>,
    arrivals: Vec<Arrival>,
}

impl CountingService {
    pub(crate) fn start(limit: usize, window: Duration) -> Self {
        let counter = Counter { limit, window, counted: VecDeque::new(), arrivals: Vec::new() };
        let counter = Arc::new(Mutex::new(counter));
        let counting = Arc::clone(&counter);
        let address = serve(move |_| {
            let (taken, limit, left) = counting.lock().unwrap().count();
            let status = if taken { "200 OK" } else { "429 Too Many Requests" };
            (status, format!("X-RateLimit-Limit: {limit}\r\nX-RateLimit-Remaining: {left}\r\n"))
        });
        Self { address, counter }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Allows another number of calls from now on.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.counter.lock().unwrap().limit = limit;
    }

    /// All calls that have arrived.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.counter.lock().unwrap().arrivals.clone()
    }
}

impl Counter {
    /// Counts a call that arrives now: whether it is within the limit, the limit, and what is left.
    fn count(&mut self) -> (bool, usize, usize) {
        let now = Instant::now();
        while self.counted.front().is_some_and(|counted| now.duration_since(*counted) > self.window) {
            self.counted.pop_front();
        }
        let taken = self.counted.len() < self.limit;
        if taken {
            self.counted.push_back(now);
        }
        self.arrivals.push(Arrival { at: now, taken });
        (taken, self.limit, self.limit.saturating_sub(self.counted.len()))
    }
}
