//! A bounded number of labels for kinds of jobs.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The largest number of kinds that have a label of their own.
pub const MOST_KINDS: usize = 100;

/// The label of all other kinds. No kind of a program has parentheses.
pub(super) const OTHER: &str = "(other)";

/// The longest name of a kind, in bytes. Other programs may have written a longer one.
const LONGEST: usize = 64;

/// The kinds that have a label of their own: the first ones that came.
#[derive(Debug, Default)]
pub(super) struct KindLabels(Mutex<BTreeSet<String>>);

impl KindLabels {
    /// The label of a kind.
    pub(super) fn label(&self, kind: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(kind) {
            if known.len() >= MOST_KINDS || kind.len() > LONGEST {
                return OTHER.to_owned();
            }
            known.insert(kind.to_owned());
        }
        kind.to_owned()
    }
}
