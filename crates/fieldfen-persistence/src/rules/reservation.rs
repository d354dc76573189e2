//! Computes the rows of publications that are reserved, taken over, confirmed or given up.
//!
//! Each rule returns the new row. The store writes it if the stored row still has the token and the state that were
//! read.

use fieldfen_domain::job::{FencedResult, ParkedFor};
use fieldfen_domain::publication::{
    ConfirmOutcome, IdempotencyKey, Publication, PublicationEvent, PublicationState, ReleaseReason, ReserveRequest,
};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FenceToken, Timestamp, cut_reason, truncate_to_micros};

/// The row of a target that is reserved for the first time.
///
/// If the database may lack an earlier call (`may_miss_calls`), the first call counts as the second one. The platform
/// is then looked up by key before it is called.
pub(crate) fn first_reservation(
    request: &ReserveRequest,
    client_key: IdempotencyKey,
    may_miss_calls: bool,
) -> Publication {
    let mut publication = Publication::new(
        request.id,
        request.file_id,
        request.target.clone(),
        client_key,
        PublicationState::Reserved,
        request.token,
        truncate_to_micros(request.at),
    );
    publication.held_since = Some(truncate_to_micros(request.at));
    publication.held_until = truncate_to_micros(request.held_until);
    publication.calls = if may_miss_calls { 2 } else { 1 };
    publication
}

/// The row of a target whose publication was released and is reserved again. It counts one more call under the same
/// key.
pub(crate) fn repeated_reservation(released: &Publication, request: &ReserveRequest) -> Publication {
    let mut publication = released.clone();
    publication.target = request.target.clone();
    publication.state = PublicationState::Reserved;
    publication.token = request.token;
    publication.calls = released.calls.saturating_add(1);
    publication.held_until = truncate_to_micros(request.held_until);
    publication.held_since = Some(truncate_to_micros(request.at));
    publication.updated_at = truncate_to_micros(request.at);
    publication
}

/// The row of an expired reservation, or of a publication with unknown outcome, which its next holder takes over to
/// look it up.
pub(crate) fn taken_over(live: &Publication, request: &ReserveRequest) -> Publication {
    let mut publication = live.clone();
    publication.state = PublicationState::Unknown;
    publication.token = request.token;
    // An unchanged end keeps its start: with a new start, a clock that was ahead would shorten the reservation.
    if live.held_until != truncate_to_micros(request.held_until) {
        publication.held_since = Some(truncate_to_micros(request.at));
    }
    publication.held_until = truncate_to_micros(request.held_until);
    publication.updated_at = truncate_to_micros(request.at);
    publication
}

/// The reason why a publication is given up without a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GiveUp {
    /// The platform refused the call, or a lookup found nothing.
    Released(ReleaseReason),
    /// The outcome of the call is unknown. With a value, the publication also waits for that event.
    Unknown(Option<ParkedFor>),
}

/// The decision about a publication that is to be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GiveUpDecision {
    /// The store writes this row.
    Write(Box<Publication>),
    /// The store writes nothing and returns this answer.
    Answer(FencedResult<()>),
}

/// Decides about giving up a publication. `token` is the token of the caller.
///
/// # Errors
/// [`StoreError::PublicationTransition`] if a publication in its present state cannot be given up.
pub(crate) fn given_up(
    publication: &Publication,
    token: FenceToken,
    give_up: GiveUp,
    reason: &str,
    at: Timestamp,
) -> Result<GiveUpDecision, StoreError> {
    if publication.token != token || publication.state == PublicationState::Confirmed {
        return Ok(GiveUpDecision::Answer(FencedResult::LeaseLost));
    }
    let (event, state) = match give_up {
        GiveUp::Released(_) => (PublicationEvent::Released, PublicationState::Released),
        GiveUp::Unknown(_) => (PublicationEvent::AnswerLost, PublicationState::Unknown),
    };
    if publication.state == state {
        return Ok(GiveUpDecision::Answer(FencedResult::AlreadyDone { at: Some(publication.updated_at) }));
    }
    let mut next = publication.clone();
    next.state = publication.state.after(event)?;
    if give_up == GiveUp::Released(ReleaseReason::Absent) {
        next.calls = 0;
    }
    next.last_error = Some(cut_reason(reason).into_owned());
    next.parked_for = match give_up {
        GiveUp::Released(_) => None,
        GiveUp::Unknown(parked_for) => parked_for,
    };
    next.updated_at = truncate_to_micros(at);
    Ok(GiveUpDecision::Write(Box::new(next)))
}

/// The state of a confirmed publication, whose product or post is live or no longer live at the platform; and the
/// answer to the confirmation.
///
/// # Errors
/// [`StoreError::PublicationTransition`] if a publication in its present state cannot be confirmed.
pub(crate) fn confirmed_state(
    state: PublicationState,
    is_live: bool,
) -> Result<(PublicationState, ConfirmOutcome), StoreError> {
    let confirmed = state.after(PublicationEvent::Confirmed)?;
    if is_live {
        return Ok((confirmed, ConfirmOutcome::Done));
    }
    Ok((confirmed.after(PublicationEvent::Ended)?, ConfirmOutcome::Ended))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldfen_domain::publication::{Platform, Target};
    use fieldfen_domain::{FileId, PublicationId};
    use fieldfen_testkit::fixtures::at;

    use super::*;

    const STATES: [PublicationState; 5] = {
        use PublicationState::{Confirmed, Ended, Released, Reserved, Unknown};
        [Reserved, Confirmed, Released, Unknown, Ended]
    };

    fn request(token: u128, seconds: i64) -> ReserveRequest {
        let target = Target::listing(Platform::Etsy);
        let (id, file_id) = (PublicationId::from_random(1), FileId::from_random(1));
        let until = at(seconds) + Duration::from_secs(60);
        ReserveRequest::new(id, file_id, target, FenceToken::from_random(token), until, at(seconds))
    }

    fn reserved(may_miss_calls: bool) -> Publication {
        let request = request(1, 0);
        first_reservation(&request, IdempotencyKey::derive(&request.file_id, &request.target, 0), may_miss_calls)
    }

    fn in_state(state: PublicationState) -> Publication {
        let mut publication = reserved(false);
        publication.state = state;
        publication
    }

    fn written(decision: GiveUpDecision) -> Option<Publication> {
        match decision {
            GiveUpDecision::Write(publication) => Some(*publication),
            GiveUpDecision::Answer(_) => None,
        }
    }

    #[test]
    fn each_reservation_under_one_key_counts_as_one_call_and_a_missing_one_counts_too() {
        assert_eq!([false, true].map(|may_miss| reserved(may_miss).calls), [1, 2]);
        let again = repeated_reservation(&in_state(PublicationState::Released), &request(2, 100));
        assert_eq!(
            (again.calls, again.state, again.token),
            (2, PublicationState::Reserved, FenceToken::from_random(2))
        );
        assert_eq!((again.held_since, again.held_until, again.updated_at), (Some(at(100)), at(160), at(100)));
        assert_eq!(again.created_at, at(0));
    }

    #[test]
    fn a_hold_that_is_taken_over_unchanged_keeps_its_beginning() {
        let live = reserved(false);
        for (seconds, held_since) in [(0, Some(at(0))), (100, Some(at(100)))] {
            let mut request = request(2, seconds);
            request.at = at(100);
            let next = taken_over(&live, &request);
            assert_eq!(next.held_since, held_since, "the hold from {seconds}");
            assert_eq!((next.state, next.token, next.calls), (PublicationState::Unknown, request.token, 1));
        }
    }

    #[test]
    fn every_state_is_given_up_as_the_table_says() {
        use PublicationState::{Confirmed, Ended, Released, Reserved, Unknown};
        // The state that follows a release and a lost answer. `None` stands for an answer or an error that leaves the
        // row unchanged.
        let table = [
            (Reserved, Some(Released), Some(Unknown)),
            (Confirmed, None, None),
            (Released, None, None),
            (Unknown, Some(Released), None),
            (Ended, None, None),
        ];
        assert_eq!(table.map(|(state, ..)| state), STATES);
        for (state, released, unknown) in table {
            for (give_up, expected) in
                [(GiveUp::Released(ReleaseReason::NotMade), released), (GiveUp::Unknown(None), unknown)]
            {
                let publication = in_state(state);
                let next = given_up(&publication, publication.token, give_up, "no", at(5));
                let next = next.ok().and_then(written);
                assert_eq!(next.as_ref().map(|next| next.state), expected, "{state:?}, {give_up:?}");
                if let Some(next) = next {
                    assert_eq!((next.calls, next.last_error.as_deref(), next.updated_at), (1, Some("no"), at(5)));
                }
                let other = FenceToken::from_random(9);
                let lost = given_up(&publication, other, give_up, "no", at(5)).unwrap();
                assert_eq!(lost, GiveUpDecision::Answer(FencedResult::LeaseLost), "{state:?} with another token");
            }
        }
    }

    #[test]
    fn only_a_lookup_that_finds_nothing_forgets_the_calls() {
        let publication = reserved(true);
        for (release, calls) in [(ReleaseReason::NotMade, 2), (ReleaseReason::Absent, 0)] {
            let next = given_up(&publication, publication.token, GiveUp::Released(release), "no", at(5));
            assert_eq!(written(next.unwrap()).unwrap().calls, calls, "{release:?}");
        }
        let parked_for = Some(ParkedFor::Person);
        let next = given_up(&publication, publication.token, GiveUp::Unknown(parked_for), "no", at(5));
        let next = written(next.unwrap()).unwrap();
        assert_eq!((next.parked_for, next.calls), (parked_for, 2));
    }

    #[test]
    fn a_product_that_is_gone_by_now_ends_its_publication_at_once() {
        use PublicationState::{Confirmed, Ended, Released, Reserved, Unknown};
        let table = [(Reserved, true), (Confirmed, false), (Released, true), (Unknown, true), (Ended, true)];
        assert_eq!(table.map(|(state, _)| state), STATES);
        for (state, can_be_confirmed) in table {
            for (is_live, next) in [(true, (Confirmed, ConfirmOutcome::Done)), (false, (Ended, ConfirmOutcome::Ended))]
            {
                assert_eq!(confirmed_state(state, is_live).ok(), can_be_confirmed.then_some(next), "{state:?}");
            }
        }
    }
}
