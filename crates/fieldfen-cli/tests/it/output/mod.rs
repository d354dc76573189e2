//! The output of every command, as snapshots: help, tables for people, JSON documents, errors and exit codes.
//!
//! `INSTA_UPDATE=always cargo test -p fieldfen-cli --test it output::` writes the snapshots anew.

mod command_tree;
mod filled_shop;
mod help;
mod snapshots;
mod stable_text;
mod steps;
mod typed;

pub(crate) use command_tree::commands;
pub(crate) use filled_shop::all_rows;
pub(crate) use stable_text::StableText;
pub(crate) use steps::{list_commands, reading_commands};
pub(crate) use typed::Typed;
