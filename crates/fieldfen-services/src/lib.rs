#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod environment;
pub mod pipeline;

pub use environment::Environment;
