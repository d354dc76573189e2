//! The states of a publication, and the events that lead from one to another.

use crate::text_enum::text_enum;

text_enum! {
    /// The values of `publications.state`.
    pub enum PublicationState as "publication state" {
        /// The call to the platform may be in progress.
        Reserved = "reserved",
        /// The answer to the call is unknown. Only a lookup can show whether it made a product or post.
        Unknown = "unknown",
        /// The product or post is at the platform.
        Confirmed = "confirmed",
        /// The product or post is not at the platform, and no call is in progress.
        Released = "released",
        /// The product or post was at the platform and has been taken down.
        Ended = "ended",
    }
}

text_enum! {
    /// An event that changes the state of a publication.
    pub enum PublicationEvent as "publication event" {
        /// The platform reports that it has the product or post.
        Confirmed = "confirmed",
        /// The platform reports that it does not have the product or post.
        Released = "released",
        /// No answer came, or the caller that waited for it has died.
        AnswerLost = "answer lost",
        /// The product or post was taken down.
        Ended = "ended",
    }
}

impl PublicationState {
    /// The state after this event.
    ///
    /// A confirmation counts even after a release or an end, because it corrects a late answer or an incomplete list.
    ///
    /// # Errors
    /// [`IllegalPublicationTransition`] if the event is not possible in this state.
    pub const fn after(self, event: PublicationEvent) -> Result<Self, IllegalPublicationTransition> {
        use PublicationEvent as E;
        Ok(match (self, event) {
            (Self::Reserved | Self::Unknown | Self::Released | Self::Ended, E::Confirmed) => Self::Confirmed,
            (Self::Reserved | Self::Unknown, E::Released) => Self::Released,
            (Self::Reserved, E::AnswerLost) => Self::Unknown,
            (Self::Confirmed, E::Ended) => Self::Ended,
            _ => return Err(IllegalPublicationTransition { state: self, event }),
        })
    }

    /// Returns whether it keeps the same target from being reserved again.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Reserved | Self::Unknown | Self::Confirmed)
    }
}

/// The error of an event that is not possible in the state of the publication.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a publication that is {state} cannot be {event} ({event:?})")]
pub struct IllegalPublicationTransition {
    /// The state of the publication.
    pub state: PublicationState,
    /// The event that was attempted.
    pub event: PublicationEvent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use PublicationState::{Confirmed, Ended, Released, Unknown};

    /// The state after each event, for reserved, unknown, confirmed, released and ended publications. Written by hand.
    const TABLE: [(PublicationEvent, [Option<PublicationState>; 5]); 4] = [
        (PublicationEvent::Confirmed, [Some(Confirmed), Some(Confirmed), None, Some(Confirmed), Some(Confirmed)]),
        (PublicationEvent::Released, [Some(Released), Some(Released), None, None, None]),
        (PublicationEvent::AnswerLost, [Some(Unknown), None, None, None, None]),
        (PublicationEvent::Ended, [None, None, Some(Ended), None, None]),
    ];

    #[test]
    fn every_state_and_event_is_as_the_table_says() {
        assert_eq!(TABLE.len(), PublicationEvent::ALL.len());
        for (event, row) in TABLE {
            for (&state, expected) in PublicationState::ALL.iter().zip(row) {
                assert_eq!(state.after(event).ok(), expected, "{state} + {event}");
            }
        }
    }
}
