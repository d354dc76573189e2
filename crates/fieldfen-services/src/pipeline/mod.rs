//! Which event moves a file, and what follows.

mod death;

pub use death::job_died;
