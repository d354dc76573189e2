//! Runs steps on several threads at once: some order of their transactions must explain all answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use fieldfen_domain::store::Store;

use super::{Op, apply, apply_numbered, state};
use crate::wait::scope_with_deadline;

/// The number of steps that the search for an order tries before it gives up.
const MOST_TRIED: usize = 20_000;

/// A step of one thread.
struct Ran<'a> {
    op: &'a Op,
    answer: String,
    /// The position of its transaction, as the closure saw it. It is only a hint, since a store may commit in another
    /// order.
    number: usize,
}

/// Lets each thread apply its own steps to a store, all at the same time. Then searches an order of the transactions in
/// which one thread alone gets the same answers from an empty store of `fresh`, and reaches the same state.
///
/// The order keeps the sequence of each thread's steps. The store may run transactions at once and commit them in any
/// order, if there is such an order.
///
/// # Panics
/// If no order was found. The message contains the first step that the most likely order does not explain.
pub fn race<A: Store, B: Store>(store: &A, fresh: impl Fn() -> B, threads: &[Vec<Op>]) {
    let next = AtomicUsize::new(0);
    let number = || next.fetch_add(1, Ordering::SeqCst);
    let histories: Vec<Vec<Ran<'_>>> = scope_with_deadline("all threads have run their steps", |scope| {
        let running: Vec<_> = threads
            .iter()
            .map(|ops| {
                scope.spawn(move || {
                    let ran = |op| {
                        let (answer, number) = apply_numbered(store, op, number);
                        Ran { op, answer, number: number.unwrap() }
                    };
                    ops.iter().map(ran).collect()
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    if let Err(unexplained) = explain(&histories, &state(store), fresh) {
        panic!("no order of the transactions explains what {} threads were answered: {unexplained}", threads.len());
    }
}

/// Searches an order. If there is none, returns the first step that the most likely order does not explain.
fn explain<B: Store>(histories: &[Vec<Ran<'_>>], after: &[String], fresh: impl Fn() -> B) -> Result<(), String> {
    let done = vec![0; histories.len()];
    let mut search =
        Search { histories, after, store: fresh(), fresh, order: Vec::new(), done, tried: 0, unexplained: None };
    if search.goes_on() {
        return Ok(());
    }
    let unexplained = search.unexplained.unwrap_or_default();
    Err(format!("{unexplained}; {} steps were tried", search.tried))
}

struct Search<'a, B, F> {
    histories: &'a [Vec<Ran<'a>>],
    after: &'a [String],
    fresh: F,
    /// The store on which all steps of the order have run.
    store: B,
    /// The thread of each step, in the order.
    order: Vec<usize>,
    /// The number of steps of each thread in the order.
    done: Vec<usize>,
    tried: usize,
    unexplained: Option<String>,
}

impl<'a, B: Store, F: Fn() -> B> Search<'a, B, F> {
    /// Returns whether the order so far can be the beginning of one that explains everything.
    fn goes_on(&mut self) -> bool {
        let mut heads: Vec<(&'a Ran<'a>, usize)> =
            (0..self.histories.len()).filter_map(|thread| Some((self.head(thread)?, thread))).collect();
        if heads.is_empty() {
            return self.is_at_the_end();
        }
        heads.sort_by_key(|(ran, _)| ran.number);
        for (ran, thread) in heads {
            if self.tried == MOST_TRIED {
                return false;
            }
            self.tried += 1;
            let answer = apply(&self.store, ran.op);
            if answer == ran.answer {
                self.order.push(thread);
                self.done[thread] += 1;
                if self.goes_on() {
                    return true;
                }
                self.done[thread] -= 1;
                self.order.pop();
            } else {
                let (number, expected) = (self.order.len(), &ran.answer);
                self.note(|| format!("step {number}, {:?}, was answered {expected}, not {answer}", ran.op));
            }
            self.store_again();
        }
        false
    }

    fn head(&self, thread: usize) -> Option<&'a Ran<'a>> {
        self.histories[thread].get(self.done[thread])
    }

    fn is_at_the_end(&mut self) -> bool {
        let state = state(&self.store);
        let is_same = state == self.after;
        if !is_same {
            let differs = state.iter().zip(self.after).find(|(one, other)| one != other);
            self.note(|| format!("the states differ in the end: {differs:?}"));
        }
        is_same
    }

    /// Keeps the first unexplained step.
    fn note(&mut self, unexplained: impl FnOnce() -> String) {
        self.unexplained.get_or_insert_with(unexplained);
    }

    /// Makes a new store, and runs the steps of the order on it.
    fn store_again(&mut self) {
        self.store = (self.fresh)();
        let mut done = vec![0; self.histories.len()];
        for &thread in &self.order {
            apply(&self.store, self.histories[thread][done[thread]].op);
            done[thread] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelStore;
    use crate::conformance::trace::JobOp;

    fn arrives(file: u64) -> Op {
        Op::InsertFile { file, drive: Some(1), content: None, at: 0 }
    }

    /// Two threads that each insert a file with the same Drive id, with the answers of a store that runs them in this
    /// order.
    fn histories(ops: &[Op; 2], first: usize) -> (Vec<Vec<Ran<'_>>>, Vec<String>) {
        let store = ModelStore::new();
        let mut answers = [String::new(), String::new()];
        for thread in [first, 1 - first] {
            answers[thread] = apply(&store, &ops[thread]);
        }
        let ran = |(number, (op, answer))| vec![Ran { op, answer, number }];
        (ops.iter().zip(answers).enumerate().map(ran).collect(), state(&store))
    }

    #[test]
    fn an_order_is_found_though_the_closures_saw_another() {
        for first in 0..2 {
            let ops = [arrives(1), arrives(2)];
            let (histories, after) = histories(&ops, first);
            assert_eq!(explain(&histories, &after, ModelStore::new), Ok(()));
        }
    }

    #[test]
    fn two_transactions_that_each_came_first_have_no_order() {
        let ops = [arrives(1), arrives(2)];
        let (mut both, after) = histories(&ops, 0);
        let (other, _) = histories(&ops, 1);
        both[1][0].answer.clone_from(&other[1][0].answer);
        let unexplained = explain(&both, &after, ModelStore::new).unwrap_err();
        assert!(unexplained.contains("step 1, InsertFile { file: 2,"), "{unexplained}");
    }

    #[test]
    fn a_state_that_no_order_leads_to_is_noticed() {
        let ops = [arrives(1), Op::Job(JobOp::Delete { job: 1 })];
        let (histories, mut after) = histories(&ops, 0);
        after[0].push_str(" and more");
        let unexplained = explain(&histories, &after, ModelStore::new).unwrap_err();
        assert!(unexplained.contains("the states differ in the end"), "{unexplained}");
    }
}
