#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod environment;
pub mod pipeline;
pub mod queue;

pub use environment::Environment;
