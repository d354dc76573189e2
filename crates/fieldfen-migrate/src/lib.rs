#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod command;
mod migrator;
mod report;

pub use command::MigrateCommand;
pub use migrator::{Down, DownPlan, MigrateError, Migrator};
pub use report::{DifferenceLine, MigrationLine, SchemaReport};
