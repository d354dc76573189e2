//! Takes over a database that another program has created by the specification, with SQLAlchemy and Alembic or without.

mod adopter;
mod command;
mod contents;
mod copy;
mod error;
mod form;
mod forms;
mod id_form;
mod json_form;
mod origin;
mod publications;
mod report;
mod rewrite;
mod scan;
mod tables;
mod time_form;
mod triggers;
mod value;
mod word_form;

pub use adopter::Adoption;
pub use command::AdoptArguments;
pub(crate) use command::{adopt, adopt_if_due};
pub use error::AdoptError;
pub use form::Treatment;
pub use forms::{Example, FormCount, MOST_NAMED, OrphanCount};
pub(crate) use origin::alembic_revisions;
pub use publications::{ConfirmedRows, UnconfirmedRow};
pub(crate) use report::origin_in_words;
pub use report::{AdoptionOutcome, AdoptionReport};
pub use rewrite::Rewritten;
