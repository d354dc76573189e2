//! Operators' actions: who did what to which thing, and why.
//!
//! A person acts through a program: one of an importer's own, a command line tool, a web console. Every action is given
//! an [`Action`], and its row in `operator_actions` is written in the transaction of the action.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{FileId, InvalidId, JobId, ListingId, PublicationId, SocialPostId};
use crate::reason::cut_reason;
use crate::recurring::{InvalidRecurringName, RecurringName};
use crate::text_enum::text_enum;
use crate::time::Timestamp;
use crate::webhook::{InvalidPayloadHash, PayloadHash};

/// The longest name of an actor, in bytes.
const MAX_NAME: usize = 200;

text_enum! {
    /// The way on which an action came.
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
    /// The actor with this name.
    ///
    /// # Errors
    /// [`InvalidAction::Name`] when the name is blank, longer than 200 bytes, or has control characters.
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

    /// The way on which the action came.
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

/// Who acts, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredAction")]
pub struct Action {
    by: Actor,
    reason: String,
}

impl Action {
    /// An action of this actor for this reason. A reason that is too long is [cut](crate::cut_reason).
    ///
    /// # Errors
    /// [`InvalidAction::Reason`] when the reason is blank.
    pub fn new(by: Actor, reason: impl Into<String>) -> Result<Self, InvalidAction> {
        let reason = reason.into();
        if reason.trim().is_empty() {
            return Err(InvalidAction::Reason(reason));
        }
        Ok(Self { by, reason: cut_reason(&reason).into_owned() })
    }

    /// Who acts.
    #[must_use]
    pub const fn by(&self) -> &Actor {
        &self.by
    }

    /// Why.
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

/// A name or reason that no action can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAction {
    /// A name that no actor can have.
    #[error(
        "name of an operator {0:?} must have 1 to {MAX_NAME} bytes, not all of them blank, without control characters"
    )]
    Name(String),
    /// A reason that says nothing.
    #[error("reason of an action {0:?} must not be blank")]
    Reason(String),
}

text_enum! {
    /// What was done.
    #[non_exhaustive]
    pub enum ActionKind as "kind of action" {
        /// A file was approved.
        Approve = "approve",
        /// A file was rejected.
        Reject = "reject",
        /// A file was failed.
        Fail = "fail",
        /// A failed file or job was taken up again.
        Retry = "retry",
        /// The details of a file were changed.
        Edit = "edit",
        /// A file or job was deleted.
        Delete = "delete",
        /// The publications of a file were enqueued.
        Publish = "publish",
        /// A job was stopped.
        Cancel = "cancel",
        /// A running job was failed without its worker.
        Kill = "kill",
        /// An unclear publication was confirmed as a product or post that is out there.
        Resolve = "resolve",
        /// An unclear publication was released, since nothing is out there.
        NothingIsThere = "nothing_is_there",
        /// A listing or post that belonged to no publication was given one.
        Adopt = "adopt",
        /// A listing or post was written down that somebody has made without fieldfen.
        WriteDown = "write_down",
        /// Recurring work was set up or changed.
        Define = "define",
        /// Recurring work was suspended.
        Pause = "pause",
        /// Recurring work was taken up again.
        Resume = "resume",
        /// Recurring work was run before its time.
        RunNow = "run_now",
        /// Recurring work was ended.
        Remove = "remove",
        /// A webhook's delivery was forgotten, so that it may come again.
        Forget = "forget",
    }
}

text_enum! {
    /// The result of the action.
    #[non_exhaustive]
    pub enum ActionOutcome as "outcome of an action" {
        /// It was done.
        Done = "done",
        /// The running job was asked to stop.
        Requested = "requested",
        /// Everything was so already.
        Unchanged = "unchanged",
        /// The subject was not in a state for it, or a rule forbids it.
        Refused = "refused",
        /// The subject is not there.
        NotFound = "not_found",
    }
}

/// The thing that an action was done to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// A file.
    File(FileId),
    /// A job.
    Job(JobId),
    /// A publication.
    Publication(PublicationId),
    /// A listing.
    Listing(ListingId),
    /// A social post.
    SocialPost(SocialPostId),
    /// Recurring work.
    Recurring(RecurringName),
    /// A webhook's delivery.
    Delivery(PayloadHash),
}

text_enum! {
    /// The kinds of [`Subject`].
    #[non_exhaustive]
    pub enum SubjectKind as "subject of an action" {
        /// A file.
        File = "file",
        /// A job.
        Job = "job",
        /// A publication.
        Publication = "publication",
        /// A listing.
        Listing = "listing",
        /// A social post.
        SocialPost = "social_post",
        /// Recurring work.
        Recurring = "recurring",
        /// A webhook's delivery.
        Delivery = "delivery",
    }
}

/// A text that identifies no subject of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// Not an id.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// Not a name of recurring work.
    #[error(transparent)]
    Recurring(#[from] InvalidRecurringName),
    /// Not a hash of a delivery.
    #[error(transparent)]
    Delivery(#[from] InvalidPayloadHash),
}

impl Subject {
    /// The subject of this kind with this id.
    ///
    /// # Errors
    /// [`InvalidSubject`] when the text is no id of this kind.
    pub fn parse(kind: SubjectKind, id: &str) -> Result<Self, InvalidSubject> {
        Ok(match kind {
            SubjectKind::File => Self::File(FileId::from_str(id)?),
            SubjectKind::Job => Self::Job(JobId::from_str(id)?),
            SubjectKind::Publication => Self::Publication(PublicationId::from_str(id)?),
            SubjectKind::Listing => Self::Listing(ListingId::from_str(id)?),
            SubjectKind::SocialPost => Self::SocialPost(SocialPostId::from_str(id)?),
            SubjectKind::Recurring => Self::Recurring(RecurringName::from_str(id)?),
            SubjectKind::Delivery => Self::Delivery(PayloadHash::from_str(id)?),
        })
    }

    /// The kind of the subject.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::File(_) => SubjectKind::File,
            Self::Job(_) => SubjectKind::Job,
            Self::Publication(_) => SubjectKind::Publication,
            Self::Listing(_) => SubjectKind::Listing,
            Self::SocialPost(_) => SubjectKind::SocialPost,
            Self::Recurring(_) => SubjectKind::Recurring,
            Self::Delivery(_) => SubjectKind::Delivery,
        }
    }

    /// The id or name of the subject, without its kind.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::File(id) => id.to_string(),
            Self::Job(id) => id.to_string(),
            Self::Publication(id) => id.to_string(),
            Self::Listing(id) => id.to_string(),
            Self::SocialPost(id) => id.to_string(),
            Self::Recurring(name) => name.to_string(),
            Self::Delivery(hash) => hash.to_string(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.id())
    }
}

/// A row of `operator_actions`. The row outlives its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperatorAction {
    /// When it was done.
    pub at: Timestamp,
    /// Who did it, and why.
    pub action: Action,
    /// What was done.
    pub kind: ActionKind,
    /// What it was done to.
    pub subject: Subject,
    /// What it led to.
    pub outcome: ActionOutcome,
}

impl OperatorAction {
    /// What was done to a subject at this time, and what it led to.
    #[must_use]
    pub const fn new(
        at: Timestamp,
        action: Action,
        kind: ActionKind,
        subject: Subject,
        outcome: ActionOutcome,
    ) -> Self {
        Self { at, action, kind, subject, outcome }
    }
}

/// Which actions are wanted. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperatorActionFilter {
    /// Only what was done to this.
    pub subject: Option<Subject>,
    /// Only what the actors of this name did.
    pub by: Option<String>,
    /// Only actions of this kind.
    pub kind: Option<ActionKind>,
    /// Only what was done at this time or later.
    pub since: Option<Timestamp>,
    /// Only what was done before this time.
    pub until: Option<Timestamp>,
}

impl OperatorActionFilter {
    /// All actions.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// What was done to a subject.
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    /// Only what the actors of this name did.
    #[must_use]
    pub fn by(self, name: impl Into<String>) -> Self {
        Self { by: Some(name.into()), ..self }
    }

    /// Only actions of this kind; `None` for any.
    #[must_use]
    pub fn kind(self, kind: impl Into<Option<ActionKind>>) -> Self {
        Self { kind: kind.into(), ..self }
    }

    /// Only what was done at this time or later; `None` for any time.
    #[must_use]
    pub fn since(self, since: impl Into<Option<Timestamp>>) -> Self {
        Self { since: since.into(), ..self }
    }

    /// Only what was done before this time; `None` for any time.
    #[must_use]
    pub fn until(self, until: impl Into<Option<Timestamp>>) -> Self {
        Self { until: until.into(), ..self }
    }
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
        // A condition of a newer version must not be passed over.
        for newer in
            [json.replace("\"via\"", "\"role\":\"guest\",\"via\""), json.replace("\"reason\"", "\"if\":1,\"reason\"")]
        {
            assert!(serde_json::from_str::<Action>(&newer).is_err(), "{newer}");
        }
    }

    #[test]
    fn subjects_survive_their_texts() {
        for subject in [
            Subject::File(FileId::from_random(1)),
            Subject::Job(JobId::from_random(2)),
            Subject::Publication(PublicationId::from_random(3)),
            Subject::Listing(ListingId::from_random(4)),
            Subject::SocialPost(SocialPostId::from_random(5)),
            Subject::Recurring("upkeep".parse().unwrap()),
            Subject::Delivery(PayloadHash::of_body(b"news")),
        ] {
            assert_eq!(Subject::parse(subject.kind(), &subject.id()), Ok(subject));
        }
        assert!(Subject::parse(SubjectKind::Job, "7").is_err());
    }
}
