//! Seeded random numbers: they decide which job fails, which process is killed, and in which order webhooks arrive.

use fieldfen_services::environment::{Randomness, SeededRandomness};

/// A random number generator. The same seed gives the same numbers.
#[derive(Debug, Clone)]
pub struct Rng(SeededRandomness);

impl Rng {
    /// Starts the sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SeededRandomness::new(seed))
    }

    /// A number below `bound`; 0 if `bound` is 0.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        u64::try_from(self.0.bits() % u128::from(bound.max(1))).unwrap_or(0)
    }

    /// True with the probability 1 / `times`.
    #[must_use]
    pub fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Puts a list into a random order.
    pub fn shuffle<T>(&self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            list.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffled_list_holds_what_it_held() {
        let mut list: Vec<u64> = (0..100).collect();
        Rng::new(7).shuffle(&mut list);
        assert_ne!(list, (0..100).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..100).collect::<Vec<_>>());
    }
}
