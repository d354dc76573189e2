#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod adopt;
mod command;
mod diesel_schema;
pub mod drift;
mod drift_command;
pub mod lint;
mod lint_command;
mod migrator;
mod report;
mod scratch_schema;

pub use adopt::{
    AdoptArguments, AdoptError, Adoption, AdoptionOutcome, AdoptionReport, ConfirmedRows, Example, FormCount,
    MOST_NAMED, OrphanCount, Rewritten, Treatment, UnconfirmedRow,
};
pub use command::MigrateCommand;
pub use migrator::{Down, DownPlan, MigrateError, Migrator};
pub use report::{DifferenceLine, MigrationLine, SchemaReport};
