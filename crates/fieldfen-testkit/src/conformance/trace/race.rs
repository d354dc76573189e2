//! Several threads at once: what they do together must be what one thread could have done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fieldfen_domain::store::Store;

use super::{Op, apply, apply_numbered, same_state};

/// Lets each thread apply its own steps to a store, all at the same time, and then applies all of them to the other
/// store in the order in which their transactions ran.
///
/// The order is taken down inside the transactions, so that the first store must run them one at a time, as the stores
/// of this workspace do.
///
/// # Panics
/// When a step was answered differently than in that order, or when the states differ afterwards. The message holds the
/// step.
pub fn race<A: Store, B: Store>(a: &A, b: &B, threads: &[Vec<Op>]) {
    let next = AtomicUsize::new(0);
    let number = || next.fetch_add(1, Ordering::SeqCst);
    let mut ran: Vec<(usize, &Op, String)> = thread::scope(|scope| {
        let running: Vec<_> = threads
            .iter()
            .map(|ops| {
                scope.spawn(move || {
                    let numbered = |op| {
                        let (answer, number) = apply_numbered(a, op, number);
                        (number.unwrap(), op, answer)
                    };
                    ops.iter().map(numbered).collect::<Vec<_>>()
                })
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    ran.sort_by_key(|(number, ..)| *number);
    for (number, op, answer) in &ran {
        assert_eq!(answer, &apply(b, op), "answers to step {number}: {op:?}");
    }
    same_state(a, b, ran.len());
}
