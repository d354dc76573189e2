//! The pipeline example as a program: killed, stopped, doubled, and given what it cannot use.

#[cfg(unix)]
mod horrors;
mod kills;
mod program;
mod stops;
