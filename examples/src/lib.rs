#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod atomic_file;
pub mod catalogue;
pub mod describe;
pub mod picture;
pub mod pipeline;
pub mod read_access;
pub mod webhooks;
