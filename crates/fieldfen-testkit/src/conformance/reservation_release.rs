//! Releasing a reservation, and marking it unknown.

use fieldfen_domain::job::FencedResult;
use fieldfen_domain::publication::{PublicationState, ReleaseReason, ReserveOutcome};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::On;
use super::reservations::{approved, listing_request, mark_unknown, release};
use super::{Case, named};
use crate::fixtures::{at, listing_confirmation, publication_id, token};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["reservation_release":
        a_word_that_nothing_is_there_forgets_earlier_calls,
        only_the_current_token_releases,
        only_the_current_token_marks_unknown,
        what_is_given_up_twice_was_done_already,
        who_gives_up_what_was_confirmed_meanwhile_has_lost_it,
        a_released_publication_cannot_become_unknown,
        an_unknown_publication_is_released_by_who_took_it_over,
    ]
}

fn a_word_that_nothing_is_there_forgets_earlier_calls<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    assert!(release(&on, 1, 1).is_done());
    on.reserve(&listing_request(2, 6));
    assert!(mark_unknown(&on, 1, 2).is_done());
    on.reserve(&listing_request(3, 7));
    assert_eq!(on.publication(1).calls, 2, "who looks it up calls nothing");
    let absent = |s: &mut dyn fieldfen_domain::store::Session| {
        s.publications().release(&publication_id(1), &token(3), ReleaseReason::Absent, "looked up", at(8))
    };
    assert!(on.write(absent).is_done());
    assert_eq!(on.publication(1).calls, 0);
    let ReserveOutcome::Granted(granted) = on.reserve(&listing_request(4, 9)) else { panic!("it was not granted") };
    assert_eq!(granted.calls, 1);
}

fn only_the_current_token_releases<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    let before = on.publication(1);
    assert_eq!(release(&on, 1, 2), FencedResult::LeaseLost);
    assert_eq!(release(&on, 2, 1), FencedResult::NotFound);
    assert_eq!(on.publication(1), before);
    assert_eq!(release(&on, 1, 1), FencedResult::Done(()));
}

fn only_the_current_token_marks_unknown<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    let before = on.publication(1);
    assert_eq!(mark_unknown(&on, 1, 2), FencedResult::LeaseLost);
    assert_eq!(mark_unknown(&on, 2, 1), FencedResult::NotFound);
    assert_eq!(on.publication(1), before);
    assert_eq!(mark_unknown(&on, 1, 1), FencedResult::Done(()));
    let last_error = Some("timeout".to_owned());
    let expected = with!(before, state: PublicationState::Unknown, last_error, updated_at: at(5));
    assert_eq!(on.publication(1), expected);
}

fn what_is_given_up_twice_was_done_already<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    assert!(mark_unknown(&on, 1, 1).is_done());
    let unknown = on.publication(1);
    assert_eq!(mark_unknown(&on, 1, 1), FencedResult::AlreadyDone { at: Some(at(5)) });
    assert_eq!(on.publication(1), unknown);
    assert!(release(&on, 1, 1).is_done());
    let released = on.publication(1);
    assert_eq!(release(&on, 1, 1), FencedResult::AlreadyDone { at: Some(at(5)) });
    assert_eq!(on.publication(1), released);
}

fn who_gives_up_what_was_confirmed_meanwhile_has_lost_it<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    on.write(|s| s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1))));
    let before = on.publication(1);
    for token_number in [1, 2] {
        assert_eq!(release(&on, 1, token_number), FencedResult::LeaseLost);
        assert_eq!(mark_unknown(&on, 1, token_number), FencedResult::LeaseLost);
    }
    assert_eq!(on.publication(1), before);
}

fn a_released_publication_cannot_become_unknown<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    assert!(release(&on, 1, 1).is_done());
    let before = on.publication(1);
    let error = on.refuse(|s| s.publications().mark_unknown(&publication_id(1), &token(1), "", None, at(9)));
    assert!(matches!(error, StoreError::PublicationTransition(_)), "{error:?}");
    assert_eq!(on.publication(1), before);
}

fn an_unknown_publication_is_released_by_who_took_it_over<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    assert!(mark_unknown(&on, 1, 1).is_done());
    on.reserve(&listing_request(2, 6));
    assert_eq!(release(&on, 1, 1), FencedResult::LeaseLost);
    assert_eq!(release(&on, 1, 2), FencedResult::Done(()));
    assert!(matches!(on.reserve(&listing_request(3, 7)), ReserveOutcome::Granted(_)));
}
