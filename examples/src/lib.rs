#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod catalogue;
pub mod describe;
pub mod journey;
pub mod partial_file;
pub mod picture;
pub mod readers;
pub mod webhooks;
