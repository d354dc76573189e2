//! The comments that speak to the linter and to the guard.

use super::Rule;

/// `-- fieldfen:allow CODE because REASON`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Allow {
    pub(super) rule: Rule,
    pub(super) reason: String,
}

/// A comment that is a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Directive {
    Allow(Allow),
    /// The table of `-- fieldfen:changes TABLE because REASON`.
    Changes(String),
    /// A directive that is not valid, with the rule that it breaks and the problem.
    Invalid(Rule, String),
}

impl Directive {
    /// The directive of a comment; `None` for any other comment.
    pub(super) fn of(comment: &str) -> Option<Self> {
        let (subject, reason) = match comment.split_once(" because ") {
            Some((subject, reason)) => (subject, reason.trim()),
            None => (comment, ""),
        };
        let argument = |mark: &str| {
            let rest = subject.strip_prefix(mark)?;
            let is_alone = rest.is_empty() || rest.starts_with(char::is_whitespace);
            is_alone.then(|| rest.trim())
        };
        if comment.starts_with("fieldfen:allow") {
            let code = argument("fieldfen:allow").unwrap_or_default();
            let refuse = |problem: String| Some(Self::Invalid(Rule::InvalidAllow, problem));
            return match Rule::of_code(code) {
                None if code.is_empty() => refuse("an allow names no code".to_owned()),
                None => refuse(format!("there is no code {code:?}")),
                Some(rule) if !rule.can_be_allowed() => refuse(format!("{code} cannot be allowed")),
                Some(_) if reason.is_empty() => refuse(format!("the allow of {code} has no `because REASON`")),
                Some(rule) => Some(Self::Allow(Allow { rule, reason: reason.to_owned() })),
            };
        }
        if comment.starts_with("fieldfen:changes") {
            return match argument("fieldfen:changes") {
                Some(table) if !table.is_empty() && !reason.is_empty() => {
                    Some(Self::Changes(table.trim_matches('"').to_lowercase()))
                }
                _ => Some(Self::Invalid(Rule::InvalidDeclaration, format!("{comment:?} lacks its table or reason"))),
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_need_a_subject_and_a_reason() {
        let allow = Allow { rule: Rule::Renames, reason: "nobody reads it".to_owned() };
        assert_eq!(Directive::of("fieldfen:allow FF307 because nobody reads it"), Some(Directive::Allow(allow)));
        let changes = Directive::Changes("a b".to_owned());
        assert_eq!(Directive::of("fieldfen:changes \"A b\" because of it"), Some(changes));
        for (bad, rule) in [
            ("fieldfen:allow", Rule::InvalidAllow),
            ("fieldfen:allow FF307", Rule::InvalidAllow),
            ("fieldfen:allow FF307 because  ", Rule::InvalidAllow),
            ("fieldfen:allow FF999 because x", Rule::InvalidAllow),
            ("fieldfen:allow FF101 because x", Rule::InvalidAllow),
            ("fieldfen:allowFF307 because x", Rule::InvalidAllow),
            ("fieldfen:changes jobs", Rule::InvalidDeclaration),
            ("fieldfen:changes because x", Rule::InvalidDeclaration),
        ] {
            assert!(matches!(Directive::of(bad), Some(Directive::Invalid(of, _)) if of == rule), "{bad}");
        }
        assert_eq!(Directive::of("why fieldfen:allow is there"), None);
    }
}
