#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod arguments;
mod database;
mod escape;
mod exit_code;
mod logging;
mod output;
mod program;
mod regular_file;
mod shop_file;
mod terminal;

pub use arguments::CommonArgs;
pub use database::{DEFAULT_DATABASE, DatabaseAddress, DatabaseAddressError};
pub use escape::escape_controls;
pub use exit_code::{Exit, ExitError};
pub use indicatif::ProgressBar;
pub use output::{Table, TextOutput};
pub use program::{Versions, run};
pub use regular_file::{file_kind, is_readable_by_all, open_regular_file};
pub use terminal::{StdoutError, Terminal};
