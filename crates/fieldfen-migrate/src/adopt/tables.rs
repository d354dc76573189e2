//! The specification's tables and what their columns hold.

use super::form::{Form, of_number, of_text};
use super::value::Value;
use super::word_form::Vocabulary;
use super::{id_form, json_form, time_form};

/// The kind of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Time,
    /// The id of the row.
    Id,
    /// The id of a row of another table.
    Reference,
    Word(Vocabulary),
    Json,
    Text,
    Number,
}

impl Kind {
    /// The form of a value of this kind.
    pub(super) fn form(self, value: &Value) -> Form {
        match self {
            Self::Time => time_form::read(value).0,
            Self::Id => id_form::read(value).0,
            Self::Reference => id_form::read_reference(value).0,
            Self::Word(vocabulary) => vocabulary.read(value).0,
            Self::Json => json_form::read(value),
            Self::Text => of_text(value),
            Self::Number => of_number(value),
        }
    }

    /// The text that fieldfen writes for a value of this kind; `None` if the value stays as it is.
    pub(super) fn rewritten(self, value: &Value, converts: bool) -> Option<String> {
        let new = match self {
            Self::Time => time_form::read(value).1.map(time_form::written),
            Self::Id | Self::Reference if converts => id_form::read_reference(value).1.map(id_form::written),
            Self::Word(vocabulary) if converts => vocabulary.read(value).1,
            _ => None,
        };
        new.filter(|new| !matches!(value, Value::Text(old) if old == new))
    }
}

/// A table of the specification.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The first column names the row in reports.
    pub(super) columns: &'static [(&'static str, Kind)],
}

impl Table {
    /// The names of all columns, separated by commas.
    pub(super) fn column_list(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// All tables of the specification.
pub(super) const TABLES: [Table; 6] = [
    Table {
        name: "files",
        columns: &[
            ("id", Kind::Id),
            ("original_filename", Kind::Text),
            ("processed_filename", Kind::Text),
            ("species", Kind::Text),
            ("status", Kind::Word(Vocabulary::FileStatus)),
            ("drive_file_id", Kind::Text),
            ("metadata_json", Kind::Json),
            ("width", Kind::Number),
            ("height", Kind::Number),
            ("aspect_ratio", Kind::Text),
            ("created_at", Kind::Time),
            ("updated_at", Kind::Time),
        ],
    },
    Table {
        name: "jobs",
        columns: &[
            ("id", Kind::Id),
            ("file_id", Kind::Reference),
            ("command_type", Kind::Word(Vocabulary::JobKind)),
            ("status", Kind::Word(Vocabulary::JobStatus)),
            ("attempts", Kind::Number),
            ("last_error", Kind::Text),
            ("payload_json", Kind::Json),
            ("result_json", Kind::Json),
            ("created_at", Kind::Time),
            ("started_at", Kind::Time),
            ("completed_at", Kind::Time),
        ],
    },
    Table {
        name: "processed_hashes",
        columns: &[("hash", Kind::Text), ("file_id", Kind::Reference), ("created_at", Kind::Time)],
    },
    Table {
        name: "api_usage",
        columns: &[
            ("id", Kind::Number),
            ("service", Kind::Text),
            ("endpoint", Kind::Text),
            ("request_count", Kind::Number),
            ("rate_limit_remaining", Kind::Number),
            ("rate_limit_reset_at", Kind::Time),
            ("recorded_at", Kind::Time),
        ],
    },
    Table {
        name: "listings",
        columns: &[
            ("id", Kind::Id),
            ("file_id", Kind::Reference),
            ("platform", Kind::Word(Vocabulary::Platform)),
            ("platform_listing_id", Kind::Text),
            ("listing_url", Kind::Text),
            ("status", Kind::Word(Vocabulary::ListingStatus)),
            ("created_at", Kind::Time),
            ("updated_at", Kind::Time),
        ],
    },
    Table {
        name: "social_posts",
        columns: &[
            ("id", Kind::Id),
            ("file_id", Kind::Reference),
            ("platform", Kind::Word(Vocabulary::SocialPlatform)),
            ("post_type", Kind::Word(Vocabulary::PostType)),
            ("platform_post_id", Kind::Text),
            ("post_url", Kind::Text),
            ("posted_at", Kind::Time),
        ],
    },
];
