//! The error of a job as its row holds it.

use std::borrow::Cow;

use fieldfen_domain::cut_reason;
use fieldfen_domain::job::error_fingerprint;

/// An error or a reason, cut to the length that is stored, and its fingerprint.
#[derive(Debug)]
pub(super) struct ErrorText<'a> {
    text: Cow<'a, str>,
    fingerprint: String,
}

impl<'a> ErrorText<'a> {
    pub(super) fn new(error: &'a str) -> Self {
        Self { text: cut_reason(error), fingerprint: error_fingerprint(error) }
    }

    /// The value of `last_error`.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The value of `error_fingerprint`; `None` if the error has no visible character.
    pub(super) fn fingerprint(&self) -> Option<&str> {
        Some(self.fingerprint.as_str()).filter(|fingerprint| !fingerprint.is_empty())
    }
}
