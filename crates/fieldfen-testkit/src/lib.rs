#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod model;

pub use model::ModelStore;
