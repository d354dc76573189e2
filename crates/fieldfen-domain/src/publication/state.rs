//! The states of a publication, and which event leads from which to which.

use crate::text_enum::text_enum;

text_enum! {
    /// `publications.state`.
    pub enum PublicationState as "publication state" {
        /// The call to the platform may be under way.
        Reserved = "reserved",
        /// The call was made and its answer is not known: only a lookup can tell.
        Unknown = "unknown",
        /// It is at the platform.
        Confirmed = "confirmed",
        /// It is not at the platform and nothing is under way.
        Released = "released",
        /// It was at the platform and has been taken away.
        Ended = "ended",
    }
}

text_enum! {
    /// What can happen to a publication.
    pub enum PublicationEvent as "publication event" {
        /// The platform says that it is there.
        Confirmed = "confirmed",
        /// The platform says that it is not there.
        Released = "released",
        /// No answer came, or the one who waited for it is gone.
        AnswerLost = "answer lost",
        /// It was taken away from the platform.
        Ended = "ended",
    }
}

impl PublicationState {
    /// The state after this event.
    ///
    /// A confirmation counts even after a release or an end: what is at the platform is there, and an answer that came
    /// late or a list that was incomplete is put right by it.
    ///
    /// # Errors
    /// [`IllegalPublicationTransition`] when the event cannot happen in this state.
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

    /// Whether it stands in the way of another publication of the same thing.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Reserved | Self::Unknown | Self::Confirmed)
    }
}

/// An event that cannot happen in the state the publication has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a publication that is {state} cannot be {event} ({event:?})")]
pub struct IllegalPublicationTransition {
    /// The state the publication has.
    pub state: PublicationState,
    /// What should have happened.
    pub event: PublicationEvent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use PublicationState::{Confirmed, Ended, Released, Unknown};

    /// Where each event leads from reserved, unknown, confirmed, released and ended. Written by hand.
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
