//! Reproducible choices: which job fails, who is killed, in what order webhooks come.

use fieldfen_services::environment::{Randomness, SeededRandomness};

/// A die with any number of sides; the same seed gives the same throws.
#[derive(Debug, Clone)]
pub struct Dice(SeededRandomness);

impl Dice {
    /// The die of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SeededRandomness::new(seed))
    }

    /// A number below `sides`; 0 when there are none.
    #[must_use]
    pub fn throw(&self, sides: u64) -> u64 {
        u64::try_from(self.0.bits() % u128::from(sides.max(1))).unwrap_or(0)
    }

    /// True once in so many times.
    #[must_use]
    pub fn once_in(&self, times: u64) -> bool {
        self.throw(times) == 0
    }

    /// Brings a list into a random order.
    pub fn shuffle<T>(&self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = usize::try_from(self.throw(last as u64 + 1)).unwrap_or(0);
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
        Dice::new(7).shuffle(&mut list);
        assert_ne!(list, (0..100).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..100).collect::<Vec<_>>());
    }
}
