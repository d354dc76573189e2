//! Operators' actions: who did what to which subject, and why.
//!
//! A person acts through a program: an importer's own, a command line tool or a web console. Every action has an
//! [`Action`], and the transaction of the action inserts its row into `operator_actions`.

mod row;
mod subject;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use row::{ActionKind, ActionOutcome, OperatorAction, OperatorActionFilter};
pub use subject::{InvalidSubject, Subject, SubjectKind};

use crate::secrets::Secrets;
use crate::text_enum::text_enum;

/// The longest name of an actor, in bytes.
const MAX_NAME: usize = 200;

text_enum! {
    /// The kind of program through which an action came.
    #[non_exhaustive]
    pub enum Via as "way of an action" {
        /// A program that calls the services itself.
        Library = "library",
        /// A command line tool.
        Tool = "tool",
        /// A web console.
        Console = "console",
    }
}

/// A person or program that acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredActor")]
pub struct Actor {
    name: String,
    via: Via,
}

impl Actor {
    /// An actor with this name.
    ///
    /// # Errors
    /// [`InvalidAction::Name`] if the name is blank, longer than 200 bytes, or has control characters.
    ///
    /// ```
    /// use fieldfen_domain::operator::{Actor, Via};
    ///
    /// assert_eq!(Actor::new("ann", Via::Console)?.name(), "ann");
    /// assert!(Actor::new(" ", Via::Console).is_err());
    /// # Ok::<(), fieldfen_domain::operator::InvalidAction>(())
    /// ```
    pub fn new(name: impl Into<String>, via: Via) -> Result<Self, InvalidAction> {
        let name = name.into();
        if name.trim().is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
            return Err(InvalidAction::Name(name));
        }
        Ok(Self { name, via })
    }

    /// The name of the person or program.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of program through which the action came.
    #[must_use]
    pub const fn via(&self) -> Via {
        self.via
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.via)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredActor {
    name: String,
    via: Via,
}

impl TryFrom<StoredActor> for Actor {
    type Error = InvalidAction;

    fn try_from(StoredActor { name, via }: StoredActor) -> Result<Self, InvalidAction> {
        Self::new(name, via)
    }
}

/// The actor and the reason of an action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredAction")]
pub struct Action {
    by: Actor,
    reason: String,
}

impl Action {
    /// An action of this actor for this reason. [`Secrets`] in the usual forms are removed from the reason
    /// ([`Secrets::clean_reason`]), and a reason that is too long is [cut](crate::cut_reason).
    ///
    /// # Errors
    /// [`InvalidAction::Reason`] if the reason is blank.
    pub fn new(by: Actor, reason: impl Into<String>) -> Result<Self, InvalidAction> {
        let reason = reason.into();
        if reason.trim().is_empty() {
            return Err(InvalidAction::Reason(reason));
        }
        Ok(Self { by, reason: Secrets::default().clean_reason(&reason) })
    }

    /// The person or program that acts.
    #[must_use]
    pub const fn by(&self) -> &Actor {
        &self.by
    }

    /// The reason, cut to [`MAX_REASON_BYTES`](crate::MAX_REASON_BYTES).
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAction {
    by: Actor,
    reason: String,
}

impl TryFrom<StoredAction> for Action {
    type Error = InvalidAction;

    fn try_from(StoredAction { by, reason }: StoredAction) -> Result<Self, InvalidAction> {
        Self::new(by, reason)
    }
}

/// The error of a name or reason that no action can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAction {
    /// The name is not valid.
    #[error(
        "name of an operator {0:?} must have 1 to {MAX_NAME} bytes, not all of them blank, without control characters"
    )]
    Name(String),
    /// The reason is blank.
    #[error("reason of an action {0:?} must not be blank")]
    Reason(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_names_somebody_and_a_reason() {
        let ann = Actor::new("Ann <ann@shop.example>", Via::Console).unwrap();
        assert_eq!(ann.to_string(), "Ann <ann@shop.example> (console)");
        for name in ["", " \u{a0}", "ann\n", &"n".repeat(201)] {
            assert_eq!(Actor::new(name, Via::Tool), Err(InvalidAction::Name(name.to_owned())), "{name:?}");
        }
        assert!(Action::new(ann.clone(), "\t").is_err());
        assert_eq!(Action::new(ann.clone(), "token=abcdef123").unwrap().reason(), "token=***");
        assert_eq!(Action::new(ann, "sharp").unwrap().reason(), "sharp");
    }

    #[test]
    fn an_action_in_json_keeps_the_rules() {
        let json = r#"{"by":{"name":"ann","via":"tool"},"reason":"sharp"}"#;
        let action: Action = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&action).unwrap(), json);
        for bad in [json.replace("ann", " "), json.replace("tool", "telepathy"), json.replace("sharp", " ")] {
            assert!(serde_json::from_str::<Action>(&bad).is_err(), "{bad}");
        }
        // A condition of a newer version must not be ignored.
        for newer in
            [json.replace("\"via\"", "\"role\":\"guest\",\"via\""), json.replace("\"reason\"", "\"if\":1,\"reason\"")]
        {
            assert!(serde_json::from_str::<Action>(&newer).is_err(), "{newer}");
        }
    }
}
