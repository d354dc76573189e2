//! Reservations of a target: the caller that gets it, callers that wait, and callers that must look it up.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::FencedResult;
use fieldfen_domain::publication::{
    IdempotencyKey, ListingStatus, Platform, PostType, Publication, PublicationState, ReleaseReason, ReserveOutcome,
    ReserveRequest, SocialPlatform, Target,
};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{
    HOLD, TICK, at, file_id, listing_confirmation, listing_id, listing_target, listing_update, post_target,
    publication_id, reserve_request, token,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["reservations":
        a_free_target_is_granted_and_read_back_as_it_came,
        a_file_that_is_not_there_is_refused,
        an_id_that_is_taken_is_refused,
        a_held_target_is_held_until_the_last_tick,
        a_hold_that_began_in_the_future_begins_anew,
        a_reservation_whose_time_is_over_is_taken_over_to_be_looked_up,
        an_unknown_publication_is_taken_over_at_once,
        a_confirmed_target_is_published_already,
        other_targets_and_files_are_not_in_the_way,
        the_type_of_a_post_does_not_make_another_target,
        a_released_target_is_granted_again_in_the_same_row,
        an_ended_target_is_granted_anew_with_another_client_key,
    ]
}

/// An approved file with the number 1.
pub(super) fn approved<S: Store>(on: &On<'_, S>) {
    on.file_in(1, FileStatus::Approved);
}

/// The request to reserve publication `number` of file 1 for its only listing.
pub(super) fn listing_request(number: u64, second: i64) -> ReserveRequest {
    reserve_request(number, file_id(1), listing_target(""), at(second))
}

pub(super) fn release<S: Store>(on: &On<'_, S>, number: u64, token_number: u64) -> FencedResult<()> {
    on.write(|s| {
        s.publications().release(
            &publication_id(number),
            &token(token_number),
            ReleaseReason::NotMade,
            "they refused",
            at(5),
        )
    })
}

pub(super) fn mark_unknown<S: Store>(on: &On<'_, S>, number: u64, token_number: u64) -> FencedResult<()> {
    on.write(|s| s.publications().mark_unknown(&publication_id(number), &token(token_number), "timeout", None, at(5)))
}

fn a_free_target_is_granted_and_read_back_as_it_came<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    let target = Target::listing(Platform::Ebay).at_account("shop 2").with_variant("canvas");
    let request =
        reserve_request(1, file_id(1), target.clone(), with_nanoseconds(at(1))).held_until(with_nanoseconds(at(60)));
    let (key, state) = (IdempotencyKey::derive(&file_id(1), &target, 0), PublicationState::Reserved);
    let expected = with!(
        Publication::new(publication_id(1), file_id(1), target, key, state, token(1), at(1)),
        held_since: Some(at(1)),
        held_until: at(60),
    );
    assert_eq!(on.reserve(&request), ReserveOutcome::Granted(expected.clone()));
    assert_eq!(on.publication(1), expected);
    let post = reserve_request(2, file_id(1), post_target("monday"), at(1));
    assert!(matches!(on.reserve(&post), ReserveOutcome::Granted(_)));
    assert_eq!(on.publication(2).target, post_target("monday"));
    assert_eq!(on.read(|s| s.publications().find(&publication_id(3))), None);
}

fn a_file_that_is_not_there_is_refused<S: Store>(store: &S) {
    let on = On(store);
    let error = on.refuse(|s| s.publications().reserve(&listing_request(1, 0)));
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
}

fn an_id_that_is_taken_is_refused<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    let other = reserve_request(1, file_id(1), listing_target("canvas"), at(0));
    let error = on.refuse(|s| s.publications().reserve(&other));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(on.publication(1).target, listing_target(""));
}

fn a_held_target_is_held_until_the_last_tick<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    let before = on.publication(1);
    for now in [at(0), at(0) + HOLD - TICK, with_nanoseconds(at(0) + HOLD - TICK), at(-60)] {
        let request = reserve_request(2, file_id(1), listing_target(""), now);
        assert_eq!(on.reserve(&request), ReserveOutcome::Held(before.clone()), "{now}");
    }
    assert_eq!(on.reserve(&listing_request(1, 1)), ReserveOutcome::Held(before.clone()), "also to who holds it");
    assert_eq!(on.publication(1), before);
}

fn a_hold_that_began_in_the_future_begins_anew<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    for (ahead, number) in [(61, 1), (12 * 3600, 2), (400 * 86_400, 3)] {
        let target = listing_target(&number.to_string());
        let request = |now| reserve_request(number, file_id(1), target.clone(), now).token(token(9));
        on.reserve(&request(at(ahead)));
        let found = with!(on.publication(number), held_since: Some(at(0)), held_until: at(0) + HOLD);
        for now in [at(0), at(0) + HOLD - TICK] {
            assert_eq!(on.reserve(&request(now)), ReserveOutcome::Held(found.clone()), "{ahead} at {now}");
            assert_eq!(on.publication(number), found, "{ahead} at {now}: it is found once");
        }
        assert!(matches!(on.reserve(&request(at(0) + HOLD)), ReserveOutcome::Unresolved(_)), "{ahead}");
    }
    // A publication with unknown outcome is taken over at once, and keeps its end.
    let target = listing_target("unknown");
    let request = reserve_request(7, file_id(1), target.clone(), at(7200));
    on.reserve(&request);
    assert!(mark_unknown(&on, 7, 7).is_done());
    let again = reserve_request(8, file_id(1), target, at(5)).held_until(at(30));
    let ReserveOutcome::Unresolved(taken) = on.reserve(&again) else { panic!("it was not taken over") };
    assert_eq!((taken.held_since, taken.held_until), (Some(at(5)), at(30)));
    // It also does so if a clock that is ahead takes it over in between.
    for now in [at(7200), at(6)] {
        let mut again = again.clone();
        again.at = now;
        let ReserveOutcome::Unresolved(taken) = on.reserve(&again) else { panic!("it was not taken over at {now}") };
        assert_eq!((taken.held_since, taken.held_until), (Some(at(5)), at(30)), "{now}");
        assert_eq!(on.publication(7), taken, "{now}");
    }
}

fn a_reservation_whose_time_is_over_is_taken_over_to_be_looked_up<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    let before = on.publication(1);
    let now = at(0) + HOLD;
    let expected = with!(
        before,
        state: PublicationState::Unknown,
        token: token(2),
        held_since: Some(now),
        held_until: now + HOLD,
        updated_at: now,
    );
    let request = reserve_request(2, file_id(1), listing_target(""), now);
    let ReserveOutcome::Unresolved(taken) = on.reserve(&request) else { panic!("it was not taken over") };
    assert_eq!(with!(taken.clone(), last_error: None), expected);
    assert_eq!(on.publication(1), taken);
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(1))).len(), 1, "no second row was made");
    assert_eq!(release(&on, 1, 1), FencedResult::LeaseLost);
    assert_eq!(release(&on, 1, 2), FencedResult::Done(()));
}

fn an_unknown_publication_is_taken_over_at_once<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    assert!(mark_unknown(&on, 1, 1).is_done());
    for (number, second) in [(2, 6), (3, 7)] {
        let ReserveOutcome::Unresolved(taken) = on.reserve(&listing_request(number, second)) else {
            panic!("it was not taken over")
        };
        assert_eq!((taken.id, taken.token, taken.state), (publication_id(1), token(number), PublicationState::Unknown));
        assert_eq!(taken.last_error.as_deref(), Some("timeout"), "what was known is kept");
    }
    assert_eq!(release(&on, 1, 2), FencedResult::LeaseLost, "the last one to take it over holds it");
}

fn a_confirmed_target_is_published_already<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    on.write(|s| s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1))));
    let confirmed = on.publication(1);
    assert_eq!(on.reserve(&listing_request(2, 1000)), ReserveOutcome::Published(confirmed.clone()), "however long ago");
    assert_eq!(on.publication(1), confirmed);
}

fn other_targets_and_files_are_not_in_the_way<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.file_in(2, FileStatus::Approved);
    let listing =
        |platform, account: &str, variant: &str| Target::listing(platform).at_account(account).with_variant(variant);
    let post = |platform, account: &str, post_key: &str| {
        let (account, post_key) = (account.to_owned(), post_key.to_owned());
        Target::post(platform, post_key).at_account(&account)
    };
    let requests = [
        (1, listing(Platform::Etsy, "", "")),
        (2, listing(Platform::Etsy, "", "")),
        (1, listing(Platform::Ebay, "", "")),
        (1, listing(Platform::Etsy, "a", "")),
        (1, listing(Platform::Etsy, "", "a")),
        (1, listing(Platform::Etsy, "a", "a")),
        (1, post(SocialPlatform::Instagram, "", "")),
        (1, post(SocialPlatform::Tiktok, "", "")),
        (1, post(SocialPlatform::Instagram, "a", "")),
        (1, post(SocialPlatform::Instagram, "", "a")),
    ];
    for ((file, target), number) in requests.into_iter().zip(1..) {
        let answer = on.reserve(&reserve_request(number, file_id(file), target.clone(), at(0)));
        assert!(matches!(answer, ReserveOutcome::Granted(_)), "{target:?} of file {file}: {answer:?}");
    }
}

fn the_type_of_a_post_does_not_make_another_target<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    let target = |post_type| Target::post(SocialPlatform::Instagram, "monday").with_post_type(post_type);
    on.reserve(&reserve_request(1, file_id(1), target(Some(PostType::Reel)), at(0)));
    let before = on.publication(1);
    for other in [target(Some(PostType::Story)), target(None)] {
        assert_eq!(on.reserve(&reserve_request(2, file_id(1), other, at(1))), ReserveOutcome::Held(before.clone()));
    }
}

fn a_released_target_is_granted_again_in_the_same_row<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.reserve(&listing_request(1, 0));
    assert_eq!(release(&on, 1, 1), FencedResult::Done(()));
    let released = on.publication(1);
    assert_eq!(released.state, PublicationState::Released);
    assert_eq!((released.last_error.as_deref(), released.updated_at), (Some("they refused"), at(5)));
    let expected = with!(
        released,
        state: PublicationState::Reserved,
        token: token(2),
        held_since: Some(at(6)),
        held_until: at(6) + HOLD,
        calls: 2,
        updated_at: at(6),
    );
    assert_eq!(
        on.reserve(&listing_request(2, 6)),
        ReserveOutcome::Granted(expected.clone()),
        "with its key and what they said"
    );
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(1))), [expected]);
    assert_eq!(release(&on, 1, 1), FencedResult::LeaseLost);
}

fn an_ended_target_is_granted_anew_with_another_client_key<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    let mut keys = Vec::new();
    for number in 1..=3 {
        let ReserveOutcome::Granted(granted) = on.reserve(&listing_request(number, 0)) else {
            panic!("it was not granted")
        };
        let ended = u32::try_from(number - 1).unwrap();
        assert_eq!(granted.client_key, IdempotencyKey::derive(&file_id(1), &listing_target(""), ended));
        keys.push(granted.client_key);
        on.write(|s| s.publications().confirm(&publication_id(number), &listing_confirmation(number, at(1))));
        let update = listing_update(ListingStatus::Delisted, at(2));
        on.write(|s| s.listings().update(&listing_id(number), &update));
    }
    keys.dedup();
    assert_eq!(keys.len(), 3);
}
