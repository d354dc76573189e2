//! Chooses the writes that fail.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

thread_local! {
    /// The number of calls of [`suspended`] that this thread is in.
    static SUSPENDED: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f` without faults in this thread, for example to prepare data.
pub fn suspended<T>(f: impl FnOnce() -> T) -> T {
    struct Resume;
    impl Drop for Resume {
        fn drop(&mut self) {
            SUSPENDED.set(SUSPENDED.get() - 1);
        }
    }
    SUSPENDED.set(SUSPENDED.get() + 1);
    let _resume = Resume;
    f()
}

/// Chooses the writes that fail. Clones share one sequence.
#[derive(Debug, Clone)]
pub(super) struct FailingWrites {
    in_a_row: u32,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    sequence: u64,
    /// The number of further failures before a write succeeds, for each thread whose last write has failed.
    left: HashMap<ThreadId, u32>,
}

impl FailingWrites {
    /// Chooses one write of two, by a sequence from `seed`. `in_a_row` attempts at a chosen write fail.
    pub(super) fn new(seed: u64, in_a_row: u32) -> Self {
        let state = State { sequence: seed, left: HashMap::new() };
        Self { in_a_row, state: Arc::new(Mutex::new(state)) }
    }

    /// Returns whether this write of this thread fails.
    pub(super) fn is_hit(&self) -> bool {
        if SUSPENDED.get() > 0 || self.in_a_row == 0 {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = thread::current().id();
        let left = match state.left.remove(&thread) {
            Some(0) => return false,
            Some(left) => left,
            None if state.draws() => self.in_a_row,
            None => return false,
        };
        state.left.insert(thread, left - 1);
        true
    }
}

impl State {
    /// The next bit of the sequence, by the SplitMix64 generator.
    fn draws(&mut self) -> bool {
        self.sequence = self.sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.sequence;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) & 1 == 1
    }
}
