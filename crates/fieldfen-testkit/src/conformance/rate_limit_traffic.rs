//! Simulated traffic to a service that counts calls in a sliding window and refuses the calls beyond its limit.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, CallAnswer, ConfiguredLimit, LimitRule, Permit, PermitRequest, RateLimitKey,
    ReportedLimit, Settlement,
};
use fieldfen_domain::store::Store;
use fieldfen_domain::{PermitId, Timestamp};

use super::operations::On;
use crate::fixtures::at;

/// The longest time from the start of a call to its end.
const CALL_TIMEOUT: i64 = 3_000_000;

/// The settings of a simulation.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    /// The seed of everything that is random.
    pub seed: u64,
    /// The number of threads that call, over all processes.
    pub clients: usize,
    /// The number of calls that the service allows in a window.
    pub limit: usize,
    /// The length of the window, in seconds.
    pub window: i64,
    /// The number of windows that the simulation takes.
    pub windows: i64,
    /// The longest time between two steps of a call, in microseconds.
    pub latency: i64,
    /// One in so many calls is lost with its process; 0 for none.
    pub lost: u64,
    /// One in so many calls is another program's; 0 for none.
    pub others: u64,
    /// Whether answers state the units that are left.
    pub says: bool,
    /// Whether the service halves its limit in the middle.
    pub halves: bool,
}

/// The results of a simulation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficFigures {
    /// Calls that the service has taken, those of other programs too.
    pub taken: usize,
    /// Own calls that the service has refused.
    pub refused: usize,
    /// The number of calls that the service could have taken.
    pub possible: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A client wants a permit.
    Wants(usize),
    /// A call reaches the service.
    Arrives(usize, u128),
    /// The answer reaches the client: the units that were left, or a refusal.
    Answered(usize, u128, Option<u64>, u64),
    /// Another program calls.
    Other,
}

struct Simulation<'s, S> {
    on: On<'s, S>,
    traffic: Traffic,
    random: u64,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    number: u64,
    permits: std::collections::BTreeMap<u128, Permit>,
    /// The arrivals that count in the service's window.
    window: VecDeque<i64>,
    limit: usize,
    figures: TrafficFigures,
}

/// Runs a simulation on an empty store.
///
/// # Panics
/// When the service counts more in a window than it allows, which is an error of the simulation.
pub fn rate_limit_traffic<S: Store>(store: &S, traffic: Traffic) -> TrafficFigures {
    let mut simulation = Simulation {
        on: On(store),
        traffic,
        random: traffic.seed,
        events: BinaryHeap::new(),
        number: 0,
        permits: std::collections::BTreeMap::new(),
        window: VecDeque::new(),
        limit: traffic.limit,
        figures: TrafficFigures::default(),
    };
    for client in 0..traffic.clients {
        let at = simulation.below(1 + traffic.latency);
        simulation.plan(at, Event::Wants(client));
    }
    if traffic.others > 0 {
        simulation.plan(0, Event::Other);
    }
    simulation.run()
}

impl<S: Store> Simulation<'_, S> {
    fn run(mut self) -> TrafficFigures {
        let window = self.traffic.window * 1_000_000;
        let (half, end) = (window * self.traffic.windows / 2, window * self.traffic.windows);
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            if now >= end {
                break;
            }
            if self.traffic.halves && now >= half {
                self.limit = self.traffic.limit / 2;
            }
            match event {
                Event::Wants(client) => self.want(client, now),
                Event::Arrives(client, id) => self.arrive(client, id, now),
                Event::Answered(client, id, left, limit) => self.answered(client, id, left, limit, now),
                Event::Other => {
                    self.counts(now);
                    let mean = window / i64::try_from(self.traffic.limit).unwrap() * self.traffic.others.cast_signed();
                    let next = now + 1 + self.below(2 * mean);
                    self.plan(next, Event::Other);
                }
            }
        }
        let windows = usize::try_from(self.traffic.windows).unwrap();
        self.figures.possible = self.traffic.limit * windows;
        self.figures
    }

    fn want(&mut self, client: usize, now: i64) {
        let rule = LimitRule::Window {
            units: self.traffic.limit as u64,
            window: Duration::from_secs(self.traffic.window.unsigned_abs()),
        };
        let key = RateLimitKey::new("service", "window");
        self.number += 1;
        let id = u128::from(self.number);
        let request = AcquireRequest::new(PermitId::from_random(id), PermitRequest::new("service"), time(now))
            .configured(vec![ConfiguredLimit::new(key, rule)])
            .call_timeout(Duration::from_micros(CALL_TIMEOUT.unsigned_abs()));
        match self.on.write(|s| s.rate_limits().acquire(&request)) {
            AcquireOutcome::Acquired(permit) => {
                let start = now + self.below(self.traffic.latency.min(1_000_000));
                assert!(permit.start(time(start), Duration::ZERO).is_ok());
                self.permits.insert(id, permit);
                let latest = if self.is_lost() { CALL_TIMEOUT } else { self.traffic.latency };
                let arrival = start + self.below(latest);
                self.plan(arrival, Event::Arrives(client, id));
            }
            AcquireOutcome::NotBefore(closed) => {
                let until = (closed.until - at(0)).num_microseconds().unwrap();
                assert!(until > now, "{closed} at {}", time(now));
                let late = self.below(1000);
                self.plan(until + late, Event::Wants(client));
            }
            other => panic!("{other:?}"),
        }
    }

    fn arrive(&mut self, client: usize, id: u128, now: i64) {
        let taken = self.counts(now);
        self.figures.refused += usize::from(!taken);
        let left = taken.then(|| self.limit.saturating_sub(self.window.len()) as u64);
        let limit = self.limit as u64;
        let answer = now + self.below(self.traffic.latency);
        if self.is_lost() {
            // The process dies, and another one begins with new calls.
            self.permits.remove(&id);
            self.plan(answer, Event::Wants(client));
        } else {
            self.plan(answer, Event::Answered(client, id, left, limit));
        }
    }

    fn answered(&mut self, client: usize, id: u128, left: Option<u64>, limit: u64, now: i64) {
        let said = match left {
            _ if !self.traffic.says => Vec::new(),
            left => vec![ReportedLimit::new("window").limit(limit).remaining(left.unwrap_or(0))],
        };
        let answer = if left.is_some() { CallAnswer::reported(said) } else { CallAnswer::throttled(said, None) };
        let permit = self.permits.remove(&id).unwrap();
        let settlement = Settlement::new(permit, answer, time(now));
        self.on.write(|s| s.rate_limits().settle(&settlement));
        self.plan(now, Event::Wants(client));
    }

    /// Counts a call that arrives now, if the service takes it.
    fn counts(&mut self, now: i64) -> bool {
        let passed = now - self.traffic.window * 1_000_000;
        while self.window.front().is_some_and(|arrival| *arrival <= passed) {
            self.window.pop_front();
        }
        let takes = self.window.len() < self.limit;
        if takes {
            self.window.push_back(now);
            self.figures.taken += 1;
        }
        takes
    }

    fn is_lost(&mut self) -> bool {
        self.traffic.lost > 0 && self.below(self.traffic.lost.cast_signed()) == 0
    }

    fn plan(&mut self, at: i64, event: Event) {
        self.number += 1;
        self.events.push(Reverse((at, self.number, event)));
    }

    /// A number from 0 to below `end`, by the SplitMix64 generator.
    fn below(&mut self, end: i64) -> i64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 1).cast_signed() % end.max(1)
    }
}

fn time(micros: i64) -> Timestamp {
    at(0) + TimeDelta::microseconds(micros)
}
