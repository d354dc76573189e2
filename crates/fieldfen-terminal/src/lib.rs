#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod address_error;
mod arguments;
mod database;
mod escape;
mod exit_code;
mod logging;
mod messages;
mod output;
mod program;
mod regular_file;
mod shop_file;
mod table;
mod terminal;

pub use address_error::{DEFAULT_DATABASE, DatabaseAddressError};
pub use arguments::{CommonArgs, GLOBAL_OPTIONS};
pub use database::DatabaseAddress;
pub use escape::escape_controls;
pub use exit_code::{Exit, ExitError};
pub use indicatif::ProgressBar;
pub use messages::HeldMessages;
pub use output::TextOutput;
pub use program::{Versions, run};
pub use regular_file::{file_kind, is_readable_by_all, open_regular_file};
pub use table::Table;
pub use terminal::{StdoutError, Terminal};
