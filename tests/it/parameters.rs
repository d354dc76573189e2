//! The size and the seed of a run, from the environment.

use std::env;

/// A number from the environment, or this default. It is printed, so that a run can be repeated.
pub(crate) fn size(name: &str, default: u64) -> u64 {
    let number = match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}; it must be a whole number")),
        Err(_) => default,
    };
    println!("{name}={number}");
    number
}

/// The seed of this run.
pub(crate) fn seed() -> u64 {
    size("FIELDFEN_SEED", 20_261_124)
}
