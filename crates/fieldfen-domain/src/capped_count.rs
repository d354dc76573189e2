//! Counts that end at a bound, so that counting a large table takes a bounded time.

use std::fmt;
use std::ops::AddAssign;

use serde::Serialize;

/// The number of rows that a question has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CappedCount {
    /// The number of rows, or the bound if there are more.
    pub number: u64,
    /// Whether there may be more rows than `number`.
    pub is_capped: bool,
}

impl CappedCount {
    /// The count of these rows, of which at most `most` were counted.
    #[must_use]
    pub const fn new(number: u64, most: u64) -> Self {
        Self { number, is_capped: number >= most }
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.number == 0
    }
}

impl AddAssign for CappedCount {
    fn add_assign(&mut self, other: Self) {
        self.number = self.number.saturating_add(other.number);
        if other.is_capped {
            self.is_capped = true;
        }
    }
}

/// `12`, or `2000+` if there may be more.
impl fmt::Display for CappedCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.is_capped { "+" } else { "" };
        f.pad(&format!("{}{more}", self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_reaches_its_bound_says_so() {
        let mut count = CappedCount::new(9, 10);
        assert_eq!((count.to_string(), CappedCount::new(10, 10).to_string()), ("9".to_owned(), "10+".to_owned()));
        count += CappedCount::new(10, 10);
        assert_eq!(count.to_string(), "19+");
    }
}
