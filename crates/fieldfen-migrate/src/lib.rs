#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod adopt;
mod backup;
mod command;
mod compat;
mod diesel_schema;
pub mod drift;
mod drift_command;
mod error;
mod event;
mod folder_lock;
pub mod lint;
mod lint_command;
mod migrator;
mod plan;
mod rehearsal;
mod report;
mod scratch;
mod scratch_schema;

pub use adopt::{
    AdoptArguments, AdoptError, Adoption, AdoptionOutcome, AdoptionReport, ConfirmedRows, Example, FormCount,
    MOST_NAMED, OrphanCount, Rewritten, Treatment, UnconfirmedRow,
};
pub use command::{MigrateCommand, Safety};
pub use compat::BrokenStatement;
pub use error::MigrateError;
pub use event::{AdoptionStep, MigrateEvent};
pub use migrator::{MigrateOutcome, Migrator};
pub use plan::{MigrationPlan, PlannedMigration};
pub use rehearsal::report::{RehearsalReport, RehearsedMigration};
pub use report::{DifferenceLine, MigrationLine, SchemaReport};
