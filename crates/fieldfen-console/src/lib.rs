#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod arguments;
mod console;
mod database;
mod exit;
mod logging;
mod program;

pub use arguments::CommonArgs;
pub use comfy_table;
pub use console::Console;
pub use database::{DEFAULT_DATABASE, DatabaseAddressError};
pub use exit::{Exit, ExitError};
pub use indicatif::ProgressBar;
pub use program::{Versions, run};
