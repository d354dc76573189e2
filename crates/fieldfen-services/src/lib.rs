//! placeholder

pub mod pipeline;
