//! Compares several measurements: in rounds, by medians.
//!
//! The speed of a machine changes from minute to minute. Measurements that are compared are therefore made in the same
//! rounds, each contestant once a round and in another order each time. The result is the median of the rounds' ratios.

use anyhow::Result;

/// A measurement, which returns one figure for each call.
pub type Contestant<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

/// The figures of one contestant, one for each round.
pub type Figures = Vec<f64>;

/// Runs this many rounds, after one round that does not count.
///
/// # Errors
/// The first error of a contestant.
pub fn interleave(rounds: usize, contestants: &mut [Contestant<'_>]) -> Result<Vec<Figures>> {
    let mut figures = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..=rounds {
        for turn in 0..contestants.len() {
            let who = (turn + round) % contestants.len();
            let figure = contestants[who]()?;
            if round > 0 {
                figures[who].push(figure);
            }
        }
    }
    Ok(figures)
}

/// The median; 0 without figures.
#[must_use]
pub fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

/// The value that this part of all figures does not exceed; 0 without figures.
#[must_use]
pub fn quantile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the figures")]
    let index = ((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

/// The median of the rounds' ratios.
#[must_use]
pub fn ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios: Figures = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_figures_that_were_measured() {
        let figures = [4.0, 1.0, 3.0, 2.0];
        assert_eq!([0.0, 0.5, 0.75, 0.99].map(|part| quantile(&figures, part)), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(ratio(&[2.0, 9.0, 30.0], &[1.0, 3.0, 10.0]), 3.0);
    }

    #[test]
    fn every_contestant_has_its_turn_in_every_round_and_the_first_round_does_not_count() {
        let order = std::cell::RefCell::new(Vec::new());
        let contestant = |name: f64| -> Contestant<'_> {
            let order = &order;
            Box::new(move || {
                order.borrow_mut().push(name);
                Ok(name)
            })
        };
        let figures = interleave(2, &mut [contestant(1.0), contestant(2.0)]).unwrap();
        assert_eq!(figures, [[1.0, 1.0], [2.0, 2.0]]);
        assert_eq!(*order.borrow(), [1.0, 2.0, 2.0, 1.0, 1.0, 2.0]);
    }
}
