//! The findings of the linter, and its report.

use std::fmt;

use serde::Serialize;

use super::Rule;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Place {
    /// The path of the file, as given or below the given folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Something in a migration that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The place of the statement or comment.
    pub place: Place,
    /// The broken rule.
    pub rule: Rule,
    /// The finding, with the names that it is about.
    pub message: String,
    /// The reason of the comment that allows the finding.
    pub allowed_because: Option<String>,
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            file: &'a str,
            line: usize,
            column: usize,
            code: &'static str,
            message: &'a str,
            why: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            allowed_because: Option<&'a str>,
        }
        let Self { place: Place { file, line, column }, rule, message, allowed_because } = self;
        let (code, why, allowed_because) = (rule.code(), rule.why(), allowed_because.as_deref());
        Document { file, line: *line, column: *column, code, message, why, allowed_because }.serialize(serializer)
    }
}

/// The result of a lint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct LintReport {
    /// The number of files that were read.
    pub files: usize,
    /// The number of statements in them.
    pub statements: usize,
    /// The statements that break a rule, in the order of the files and their lines.
    pub findings: Vec<Finding>,
    /// The statements that break a rule and have a comment that allows it for a reason.
    pub allowed: Vec<Finding>,
}
