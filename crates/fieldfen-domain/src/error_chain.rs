//! An error and its causes as one text.

use std::error::Error;

/// An error and its causes in one line: `error: cause: cause`. A cause is left out if the text before it ends with it.
#[must_use]
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Said>>);

    #[test]
    fn every_cause_is_said_once() {
        let chain = |texts: &[&'static str]| {
            texts
                .iter()
                .rev()
                .fold(None, |cause, text| Some(Box::new(Said(text, cause))))
                .map(|error| with_causes(&*error))
        };
        assert_eq!(chain(&["cannot read", "no such file"]).as_deref(), Some("cannot read: no such file"));
        assert_eq!(chain(&["cannot read: gone", "gone", "why"]).as_deref(), Some("cannot read: gone: why"));
    }
}
