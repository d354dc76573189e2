//! The form of a value: how a program has written it, and what an adoption does with it.

use serde::Serialize;

use super::value::Value;

/// The treatment of the values of a form by an adoption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// The value has the form that fieldfen writes, or one that it reads as well.
    Kept,
    /// The time is rewritten as UTC text with six fraction digits.
    Normalised,
    /// The value keeps its spelling, since Python programs look rows up by it. A conversion rewrites it.
    Convertible,
    /// The value has no certain meaning, so that the database is not adopted.
    Refused,
}

impl Treatment {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Normalised => "normalised",
            Self::Convertible => "kept, `--convert` rewrites it",
            Self::Refused => "refused",
        }
    }
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    /// The name of the form in reports.
    pub(super) name: &'static str,
    pub(super) treatment: Treatment,
}

impl Form {
    pub(super) const fn kept(name: &'static str) -> Self {
        Self { name, treatment: Treatment::Kept }
    }

    pub(super) const fn normalised(name: &'static str) -> Self {
        Self { name, treatment: Treatment::Normalised }
    }

    pub(super) const fn convertible(name: &'static str) -> Self {
        Self { name, treatment: Treatment::Convertible }
    }

    pub(super) const fn refused(name: &'static str) -> Self {
        Self { name, treatment: Treatment::Refused }
    }
}

/// NULL, in a column that allows it.
pub(super) const NULL: Form = Form::kept("NULL");

/// The form of a value that should be a text and is none.
pub(super) const fn no_text(value: &Value) -> Form {
    Form::refused(match value {
        Value::Null => "NULL",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real number",
        Value::Text(_) => "a text",
        Value::NotUtf8(_) => "a text that is not UTF-8",
        Value::Blob(_) => "a blob",
    })
}

/// The form of a text without further rules.
pub(super) const fn of_text(value: &Value) -> Form {
    match value {
        Value::Null => NULL,
        Value::Text(_) => Form::kept("text"),
        other => no_text(other),
    }
}

/// The form of a whole number.
pub(super) const fn of_number(value: &Value) -> Form {
    match value {
        Value::Null => NULL,
        Value::Integer(_) => Form::kept("integer"),
        other => no_text(other),
    }
}
