//! The argument of a setter whose text may be absent.

/// A text or none. Setters take it as `impl Into<OptionalText>`: pass a `&str`, a `String`, an `Option<String>`, or
/// `None` to clear the value.
///
/// ```
/// use fieldfen_domain::rate_limit::CallScope;
///
/// let of_account = CallScope::new("etsy").account("main");
/// assert_eq!(of_account.account.as_deref(), Some("main"));
/// assert_eq!(of_account.account(None), CallScope::new("etsy"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionalText(pub Option<String>);

impl From<&str> for OptionalText {
    fn from(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

impl From<String> for OptionalText {
    fn from(text: String) -> Self {
        Self(Some(text))
    }
}

impl From<&String> for OptionalText {
    fn from(text: &String) -> Self {
        Self(Some(text.clone()))
    }
}

// This is the only source that is an `Option`, so that the compiler knows the type of `None`.
impl From<Option<String>> for OptionalText {
    fn from(text: Option<String>) -> Self {
        Self(text)
    }
}
