#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod api_usage;
pub mod environment;
pub mod intake;
pub mod pipeline;
pub mod publishing;
pub mod queue;
pub mod recurring;
pub mod upkeep;
pub mod worker;

pub use environment::Environment;
#[doc(no_inline)]
pub use fieldfen_domain as domain;
