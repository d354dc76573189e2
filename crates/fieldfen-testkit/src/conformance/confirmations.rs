//! Confirmations: the products and posts that a platform says it has.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    ConfirmOutcome, Confirmation, ConfirmedRow, Listing, ListingStatus, Platform, PostType, PublicationState,
    ReleaseReason, SocialPlatform, SocialPost, Target,
};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{
    at, file_id, listing_confirmation, listing_id, listing_target, listing_update, platform_id, post_confirmation,
    post_id, post_target, publication_id, reserve_request, token,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["confirmations":
        a_confirmed_listing_has_its_row,
        a_confirmed_post_has_its_row,
        a_confirmation_needs_no_token_and_counts_after_a_takeover,
        a_confirmation_counts_while_unknown,
        a_late_confirmation_counts_after_a_release,
        of_two_calls_under_one_key_the_first_answer_counts,
        a_late_confirmation_is_a_duplicate_when_another_is_under_way,
        the_same_confirmation_twice_changes_nothing,
        another_thing_at_the_platform_is_a_duplicate,
        an_ended_publication_is_confirmed_anew,
        an_ended_publication_is_a_duplicate_when_another_is_live,
        a_confirmation_keeps_newer_news,
        a_confirmation_of_what_was_taken_down_since_ends_the_publication,
        a_publication_that_is_not_there_says_so,
        a_product_that_another_target_or_file_is_confirmed_as_is_taken,
        a_post_that_another_post_is_confirmed_as_is_taken,
        an_empty_platform_id_is_refused,
        the_same_files_listing_with_the_same_platform_id_is_brought_up_to_date,
        the_same_platform_id_at_another_platform_is_another_listing,
        the_row_must_go_with_the_target,
        a_row_id_that_is_taken_is_a_conflict,
    ]
}

/// Reserves a listing of this variant, as publication `number` of the approved file `file`.
fn reserve<S: Store>(on: &On<'_, S>, number: u64, file: u64, variant: &str) {
    on.file_in(file, FileStatus::Approved);
    on.reserve(&reserve_request(number, file_id(file), listing_target(variant), at(0)));
}

fn confirm<S: Store>(on: &On<'_, S>, number: u64, confirmation: &Confirmation) -> ConfirmOutcome {
    on.write(|s| s.publications().confirm(&publication_id(number), confirmation))
}

fn listings<S: Store>(on: &On<'_, S>, file: u64) -> Vec<Listing> {
    on.read(|s| s.listings().list_by_file(&file_id(file)))
}

fn release<S: Store>(on: &On<'_, S>, number: u64) {
    assert!(
        on.write(|s| s.publications().release(
            &publication_id(number),
            &token(number),
            ReleaseReason::NotMade,
            "refused",
            at(1)
        ))
        .is_done()
    );
}

fn a_confirmed_listing_has_its_row<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    let reserved = on.publication(1);
    let confirmation = listing_confirmation(1, with_nanoseconds(at(7)));
    assert_eq!(confirm(&on, 1, &confirmation), ConfirmOutcome::Done);
    let expected = with!(
        Listing::new(listing_id(1), file_id(1), Platform::Etsy, platform_id(1), ListingStatus::Active),
        url: confirmation.url,
        platform_status: Some("live".to_owned()),
        status_event_at: Some(at(7)),
        created_at: Some(at(7)),
        updated_at: Some(at(7)),
    );
    assert_eq!(listings(&on, 1), std::slice::from_ref(&expected));
    assert_eq!(on.read(|s| s.listings().find_by_platform_id(Platform::Etsy, "", &platform_id(1))), Some(expected));
    let platform_id = Some(platform_id(1));
    let expected = with!(reserved, state: PublicationState::Confirmed, platform_id, updated_at: at(7));
    assert_eq!(on.publication(1), expected);
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&file_id(1))), []);
}

fn a_confirmed_post_has_its_row<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(1, FileStatus::Approved);
    on.reserve(&reserve_request(1, file_id(1), post_target("monday"), at(0)));
    assert_eq!(confirm(&on, 1, &post_confirmation(1, with_nanoseconds(at(7)))), ConfirmOutcome::Done);
    let expected = with!(
        SocialPost::new(post_id(1), file_id(1), SocialPlatform::Instagram),
        post_type: Some(PostType::Reel),
        platform_post_id: Some(platform_id(1)),
        posted_at: Some(at(7)),
    );
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&file_id(1))), [expected]);
    assert_eq!(on.publication(1).state, PublicationState::Confirmed);
    assert_eq!(listings(&on, 1), []);
}

fn a_confirmation_needs_no_token_and_counts_after_a_takeover<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    on.reserve(&reserve_request(2, file_id(1), listing_target(""), at(1000)));
    assert_eq!(on.publication(1).token, token(2));
    assert_eq!(confirm(&on, 1, &listing_confirmation(1, at(1001))), ConfirmOutcome::Done);
    assert_eq!(listings(&on, 1).len(), 1);
}

fn a_confirmation_counts_while_unknown<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    assert!(
        on.write(|s| s.publications().mark_unknown(&publication_id(1), &token(1), "timeout", None, at(1))).is_done()
    );
    assert_eq!(confirm(&on, 1, &listing_confirmation(1, at(2))), ConfirmOutcome::Done);
    assert_eq!(on.publication(1).state, PublicationState::Confirmed);
}

fn a_late_confirmation_counts_after_a_release<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    release(&on, 1);
    assert_eq!(confirm(&on, 1, &listing_confirmation(1, at(2))), ConfirmOutcome::Done);
    assert_eq!(on.publication(1).state, PublicationState::Confirmed);
    assert_eq!(listings(&on, 1).len(), 1);
}

fn of_two_calls_under_one_key_the_first_answer_counts<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    release(&on, 1);
    // The second call takes the row of the first again.
    reserve(&on, 2, 1, "");
    assert_eq!(confirm(&on, 1, &listing_confirmation(1, at(2))), ConfirmOutcome::Done);
    let before = (on.publication(1), listings(&on, 1));
    let duplicate = ConfirmOutcome::Duplicate { live: Some(platform_id(1)) };
    assert_eq!(confirm(&on, 1, &listing_confirmation(2, at(3))), duplicate);
    assert_eq!((on.publication(1), listings(&on, 1)), before);
    assert_eq!(confirm(&on, 2, &listing_confirmation(2, at(3))), ConfirmOutcome::NotFound, "no second row was made");
}

fn a_late_confirmation_is_a_duplicate_when_another_is_under_way<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    delist(&on, 1, 3);
    reserve(&on, 2, 1, "");
    let before = (on.publication(1), on.publication(2), listings(&on, 1));
    assert_eq!(confirm(&on, 1, &listing_confirmation(1, at(5))), ConfirmOutcome::Duplicate { live: None });
    assert_eq!((on.publication(1), on.publication(2), listings(&on, 1)), before);
}

fn the_same_confirmation_twice_changes_nothing<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    let before = (on.publication(1), listings(&on, 1));
    let again = listing_confirmation(1, at(3)).url(None);
    assert_eq!(confirm(&on, 1, &again), ConfirmOutcome::AlreadyDone);
    assert_eq!((on.publication(1), listings(&on, 1)), before);
}

fn another_thing_at_the_platform_is_a_duplicate<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    let before = (on.publication(1), listings(&on, 1));
    let duplicate = ConfirmOutcome::Duplicate { live: Some(platform_id(1)) };
    assert_eq!(confirm(&on, 1, &listing_confirmation(2, at(3))), duplicate);
    assert_eq!((on.publication(1), listings(&on, 1)), before);
}

/// Delists listing `number` at this second.
fn delist<S: Store>(on: &On<'_, S>, number: u64, second: i64) {
    let news = listing_update(ListingStatus::Delisted, at(second));
    on.write(|s| s.listings().update(&listing_id(number), &news));
}

fn an_ended_publication_is_confirmed_anew<S: Store>(store: &S) {
    for number in [1, 2] {
        let (on, file) = (On(store), number);
        reserve(&on, number, file, "");
        confirm(&on, number, &listing_confirmation(number, at(2)));
        delist(&on, number, 3);
        // As the same product and as another.
        for product in [number, number + 10] {
            assert_eq!(confirm(&on, number, &listing_confirmation(product, at(5))), ConfirmOutcome::Done);
            let publication = on.publication(number);
            let expected = (PublicationState::Confirmed, Some(platform_id(product)));
            assert_eq!((publication.state, publication.platform_id), expected);
            let row = listings(&on, file).into_iter().find(|row| row.platform_listing_id == platform_id(product));
            assert_eq!(row.map(|row| (row.status, row.status_event_at)), Some((ListingStatus::Active, Some(at(5)))));
            delist(&on, product, 6);
            assert_eq!(on.publication(number).state, PublicationState::Ended);
            delist(&on, number, 4);
        }
    }
}

fn an_ended_publication_is_a_duplicate_when_another_is_live<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    delist(&on, 1, 3);
    reserve(&on, 2, 1, "");
    confirm(&on, 2, &listing_confirmation(2, at(5)));
    let before = (on.publication(1), on.publication(2), listings(&on, 1));
    let duplicate = ConfirmOutcome::Duplicate { live: Some(platform_id(2)) };
    assert_eq!(confirm(&on, 1, &listing_confirmation(1, at(6))), duplicate);
    assert_eq!((on.publication(1), on.publication(2), listings(&on, 1)), before);
}

fn a_confirmation_keeps_newer_news<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    delist(&on, 1, 3);
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::SoldOut, at(7))));
    let earlier = listing_confirmation(1, at(9)).event_at(at(6));
    assert_eq!(confirm(&on, 1, &earlier), ConfirmOutcome::Done);
    let row = listings(&on, 1).remove(0);
    assert_eq!((row.status, row.platform_status.as_deref()), (ListingStatus::SoldOut, Some("SOLD_OUT")));
    assert_eq!((row.status_event_at, row.updated_at), (Some(at(7)), Some(at(9))));
}

fn a_confirmation_of_what_was_taken_down_since_ends_the_publication<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    delist(&on, 1, 7);
    let earlier = listing_confirmation(1, at(9)).event_at(at(6));
    assert_eq!(confirm(&on, 1, &earlier), ConfirmOutcome::Ended);
    let publication = on.publication(1);
    assert_eq!((publication.state, publication.updated_at), (PublicationState::Ended, at(9)));
    assert_eq!(listings(&on, 1).remove(0).status, ListingStatus::Delisted);
}

fn a_publication_that_is_not_there_says_so<S: Store>(store: &S) {
    assert_eq!(confirm(&On(store), 1, &listing_confirmation(1, at(2))), ConfirmOutcome::NotFound);
}

fn a_product_that_another_target_or_file_is_confirmed_as_is_taken<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    reserve(&on, 2, 1, "canvas");
    reserve(&on, 3, 2, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    for (number, file) in [(2, 1), (3, 2)] {
        let before = (on.publication(number), listings(&on, file));
        let same = listing_confirmation(number, at(3)).platform_id(platform_id(1));
        assert_eq!(confirm(&on, number, &same), ConfirmOutcome::Taken { file_id: file_id(1) });
        assert_eq!((on.publication(number), listings(&on, file)), before);
    }
}

fn a_post_that_another_post_is_confirmed_as_is_taken<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(1, FileStatus::Approved);
    for (number, key) in [(1, "launch"), (2, "christmas")] {
        on.reserve(&reserve_request(number, file_id(1), post_target(key), at(0)));
    }
    assert_eq!(confirm(&on, 1, &post_confirmation(1, at(2))), ConfirmOutcome::Done);
    let same = post_confirmation(2, at(3)).platform_id(platform_id(1));
    assert_eq!(confirm(&on, 2, &same), ConfirmOutcome::Taken { file_id: file_id(1) });
    assert_eq!(on.publication(2).state, PublicationState::Reserved);
}

fn an_empty_platform_id_is_refused<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    for empty in ["", " \t"] {
        let confirmation = listing_confirmation(1, at(2)).platform_id(empty.to_owned());
        let error = on.refuse(|s| s.publications().confirm(&publication_id(1), &confirmation));
        assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    }
    assert_eq!((on.publication(1).state, listings(&on, 1)), (PublicationState::Reserved, vec![]));
}

fn the_same_files_listing_with_the_same_platform_id_is_brought_up_to_date<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(3))));
    reserve(&on, 2, 1, "");
    let same = listing_confirmation(2, at(5)).platform_id(platform_id(1));
    assert_eq!(confirm(&on, 2, &same), ConfirmOutcome::Done);
    let all = listings(&on, 1);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].id, all[0].status, &all[0].url), (listing_id(1), ListingStatus::Active, &same.url));
    assert_eq!((all[0].created_at, all[0].updated_at), (Some(at(2)), Some(at(5))));
    assert_eq!(on.publication(2).state, PublicationState::Confirmed);
}

fn the_same_platform_id_at_another_platform_is_another_listing<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    on.file_in(2, FileStatus::Approved);
    let ebay = Target::listing(Platform::Ebay);
    on.reserve(&reserve_request(2, file_id(2), ebay, at(0)));
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    let same = listing_confirmation(2, at(2)).platform_id(platform_id(1));
    assert_eq!(confirm(&on, 2, &same), ConfirmOutcome::Done);
    let at_ebay = on.read(|s| s.listings().find_by_platform_id(Platform::Ebay, "", &platform_id(1)));
    assert_eq!(at_ebay.map(|listing| listing.id), Some(listing_id(2)));
}

fn the_row_must_go_with_the_target<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    on.reserve(&reserve_request(2, file_id(1), post_target(""), at(0)));
    let before = (on.publication(1), on.publication(2));
    for (number, confirmation) in [(1, post_confirmation(1, at(2))), (2, listing_confirmation(2, at(2)))] {
        let error = on.refuse(|s| s.publications().confirm(&publication_id(number), &confirmation));
        assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    }
    assert_eq!((on.publication(1), on.publication(2)), before);
    assert_eq!(listings(&on, 1), []);
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&file_id(1))), []);
}

fn a_row_id_that_is_taken_is_a_conflict<S: Store>(store: &S) {
    let on = On(store);
    reserve(&on, 1, 1, "");
    reserve(&on, 2, 2, "");
    confirm(&on, 1, &listing_confirmation(1, at(2)));
    let row = ConfirmedRow::Listing { id: listing_id(1), status: ListingStatus::Draft, platform_status: None };
    let error =
        on.refuse(|s| s.publications().confirm(&publication_id(2), &listing_confirmation(2, at(3)).row(row.clone())));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(on.publication(2).state, PublicationState::Reserved);
}
