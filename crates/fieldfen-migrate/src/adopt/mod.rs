//! Takes over a database that another program has created by the specification, with SQLAlchemy and Alembic or without.

mod adopter;
mod command;
mod contents;
mod error;
mod form;
mod forms;
mod id_form;
mod json_form;
mod origin;
mod progress;
mod publications;
mod report;
mod rewrite;
mod scan;
mod settings;
mod tables;
mod time_form;
mod triggers;
mod value;
mod word_form;

pub(crate) use adopter::absolute;
pub use command::AdoptArguments;
pub(crate) use command::{adopt, print, report_or_error};
pub use error::AdoptError;
pub use form::Treatment;
pub use forms::{Example, FormCount, MOST_NAMED, OrphanCount};
pub(crate) use origin::{Origin, alembic_revisions};
pub use publications::{ConfirmedRows, UnconfirmedRow};
pub(crate) use report::origin_in_words;
pub use report::{AdoptionOutcome, AdoptionReport};
pub use rewrite::Rewritten;
pub use settings::Adoption;
