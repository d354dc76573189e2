#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "test support: a failure in it must fail the test")]

/// A value with some fields changed. It replaces `Struct { field: value, ..base }`, which only the struct's own crate
/// may write if the struct may grow.
///
/// ```
/// use fieldfen_testkit::{fixtures, with};
///
/// let job = with!(fixtures::job(1), max_retries: 9);
/// assert_eq!(job, fixtures::job(1).max_retries(9));
///
/// let max_retries = 9;
/// assert_eq!(with!(fixtures::job(1), max_retries), job);
/// ```
#[macro_export]
macro_rules! with {
    (@value $field:ident) => { $field };
    (@value $field:ident $value:expr) => { $value };
    ($base:expr, $($field:ident $(: $value:expr)?),+ $(,)?) => {{
        let mut changed = $base;
        $(changed.$field = $crate::with!(@value $field $($value)?);)+
        changed
    }};
}

pub mod conformance;
pub mod faults;
pub mod fixtures;
mod model;
mod program_output;
pub mod sqlalchemy;
pub mod wait;

pub use model::ModelStore;
pub use program_output::ProgramOutput;
