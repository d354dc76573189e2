//! The place of a setting in a shop's rules, and the error that names it.

use std::fmt;

/// The place of a setting in a shop's rules, for example `publish #2, account`: the second rule of `publish`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting(pub(super) Vec<Step>);

/// A step on the path to a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    /// The position in a list, from 0.
    Item(usize),
}

impl Setting {
    pub(super) fn of(name: &str) -> Self {
        Self(Vec::new()).key(name)
    }

    pub(super) fn key(mut self, name: &str) -> Self {
        self.0.push(Step::Key(name.to_owned()));
        self
    }

    pub(super) fn item(mut self, index: usize) -> Self {
        self.0.push(Step::Item(index));
        self
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(name) if index == 0 => f.write_str(name)?,
                Step::Key(name) if matches!(self.0.get(index - 1), Some(Step::Item(_))) => write!(f, ", {name}")?,
                Step::Key(name) => write!(f, ".{name}")?,
                Step::Item(item) => write!(f, " #{}", item + 1)?,
            }
        }
        Ok(())
    }
}

/// The error of an invalid rule of a shop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {value}: {rule}")]
#[non_exhaustive]
pub struct InvalidShop {
    /// The position of the rule.
    pub setting: Setting,
    /// The given value, as text for people.
    pub value: String,
    /// The rule for the value.
    pub rule: String,
}

impl InvalidShop {
    pub(super) fn at(setting: Setting, value: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { setting, value: value.into(), rule: rule.into() }
    }
}
