//! Rows of other programs, which belong to no publication, and the reservations that they prevent.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, ConfirmOutcome, Confirmation, Listing, ListingStatus, Platform, PlatformRow, PlatformRowId,
    PublicationState, ReleaseReason, ReserveOutcome, SocialPost, Target,
};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{
    at, file_id, foreign_listing, foreign_post, listing_confirmation, listing_id, listing_target, listing_update,
    platform_id, post_confirmation, post_id, post_target, publication_id, reserve_request, token,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["foreign_rows":
        rows_of_other_programs_read_back_as_they_were_written,
        rows_of_other_programs_are_refused_as_those_of_the_store,
        a_live_listing_without_a_publication_keeps_its_platform_from_being_reserved,
        a_post_without_a_publication_keeps_its_network_from_being_reserved,
        a_listing_whose_publication_has_ended_keeps_its_platform_from_being_reserved,
        a_released_target_is_not_reserved_again_beside_an_untracked_listing,
        what_is_live_for_the_target_goes_before_untracked_listings,
        a_confirmation_takes_the_row_that_another_program_has_made,
    ]
}

/// A file that may be published, with the rows of another program.
pub(super) fn with<S: Store>(on: &On<'_, S>, listings: &[Listing], posts: &[SocialPost]) {
    on.file_in(1, FileStatus::Approved);
    on.write(|s| {
        listings.iter().try_for_each(|listing| s.listings().insert_listing(listing))?;
        posts.iter().try_for_each(|post| s.listings().insert_post(post))
    });
}

pub(super) fn first() -> Listing {
    foreign_listing(1, file_id(1))
}

pub(super) fn reserve<S: Store>(on: &On<'_, S>, number: u64, target: Target, second: i64) -> ReserveOutcome {
    on.reserve(&reserve_request(number, file_id(1), target, at(second)))
}

pub(super) fn adoption(number: u64, target: Target, row: PlatformRowId, confirmation: Confirmation) -> Adoption {
    let request = reserve_request(number, file_id(1), target, at(5));
    Adoption::new(request, row, confirmation)
}

/// Adopts listing `number` as publication `number` of this variant.
pub(super) fn adopt_listing<S: Store>(on: &On<'_, S>, number: u64, variant: &str) -> AdoptOutcome {
    let row = PlatformRowId::Listing(listing_id(number));
    let adoption = adoption(number, listing_target(variant), row, listing_confirmation(number, at(5)));
    on.write(|s| s.publications().adopt(&adoption))
}

fn rows_of_other_programs_read_back_as_they_were_written<S: Store>(store: &S) {
    let on = On(store);
    let listing = with!(
        first(),
        url: Some("https://shop.example/1".to_owned()),
        status: ListingStatus::Draft,
        platform_status: Some("inactive".to_owned()),
        status_event_at: Some(at(1)),
        created_at: Some(with_nanoseconds(at(2))),
        updated_at: Some(at(3)),
    );
    let post = with!(foreign_post(1, file_id(1)), posted_at: Some(with_nanoseconds(at(4))));
    with(&on, std::slice::from_ref(&listing), std::slice::from_ref(&post));
    assert_eq!(on.listings(1), [with!(listing, created_at: Some(at(2)))]);
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&file_id(1))), [with!(post, posted_at: Some(at(4)))]);
}

fn rows_of_other_programs_are_refused_as_those_of_the_store<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[first()], &[foreign_post(1, file_id(1))]);
    let same_id = with!(first(), platform_listing_id: "another".to_owned());
    let same_product = with!(first(), id: listing_id(2));
    for listing in [same_id, same_product] {
        let error = on.refuse(|s| s.listings().insert_listing(&listing));
        assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    }
    let error = on.refuse(|s| s.listings().insert_post(&foreign_post(1, file_id(1))));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    let error = on.refuse(|s| s.listings().insert_listing(&foreign_listing(2, file_id(2))));
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
    let error = on.refuse(|s| s.listings().insert_post(&foreign_post(2, file_id(2))));
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
}

fn a_live_listing_without_a_publication_keeps_its_platform_from_being_reserved<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[first()], &[]);
    let untracked = ReserveOutcome::Untracked(vec![PlatformRow::Listing(first())]);
    for variant in ["", "canvas"] {
        assert_eq!(reserve(&on, 1, listing_target(variant), 1), untracked);
    }
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(1))), []);
    let ebay = Target::listing(Platform::Ebay);
    assert!(matches!(reserve(&on, 1, ebay, 1), ReserveOutcome::Granted(_)), "another platform");
    assert!(matches!(reserve(&on, 2, post_target(""), 1), ReserveOutcome::Granted(_)), "a post");
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(2))));
    assert!(matches!(reserve(&on, 3, listing_target(""), 3), ReserveOutcome::Granted(_)), "it is over");
}

fn a_post_without_a_publication_keeps_its_network_from_being_reserved<S: Store>(store: &S) {
    let on = On(store);
    let post = with!(foreign_post(1, file_id(1)), platform_post_id: None);
    with(&on, &[], std::slice::from_ref(&post));
    for key in ["launch", "christmas"] {
        assert_eq!(
            reserve(&on, 1, post_target(key), 1),
            ReserveOutcome::Untracked(vec![PlatformRow::Post(post.clone())])
        );
    }
    assert!(on.write(|s| s.listings().mark_post_gone(&post_id(1), at(2))));
    assert!(!on.write(|s| s.listings().mark_post_gone(&post_id(1), at(3))), "noted before");
    assert!(!on.write(|s| s.listings().mark_post_gone(&post_id(2), at(3))), "no such post");
    let posts = on.read(|s| s.listings().list_posts_by_file(&file_id(1)));
    assert_eq!(posts, [with!(post, gone_at: Some(at(2)))]);
    assert!(matches!(reserve(&on, 1, post_target("launch"), 4), ReserveOutcome::Granted(_)));
}

fn a_listing_whose_publication_has_ended_keeps_its_platform_from_being_reserved<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target(""), 0);
    on.write(|s| s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1))));
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(2))));
    // Another program sets the row active again.
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Active, at(3))));
    assert_eq!(on.publication(1).state, PublicationState::Ended);
    assert!(matches!(reserve(&on, 2, listing_target(""), 4), ReserveOutcome::Untracked(_)));
}

fn a_released_target_is_not_reserved_again_beside_an_untracked_listing<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target(""), 0);
    let release = ReleaseReason::NotMade;
    assert!(on.write(|s| s.publications().release(&publication_id(1), &token(1), release, "refused", at(1))).is_done());
    on.write(|s| s.listings().insert_listing(&first()));
    let before = on.publication(1);
    assert!(matches!(reserve(&on, 2, listing_target(""), 2), ReserveOutcome::Untracked(_)));
    assert_eq!(on.publication(1), before);
    let AdoptOutcome::Done(adopted) = adopt_listing(&on, 1, "") else { panic!("it was not adopted") };
    assert_eq!((adopted.id, &adopted.client_key), (publication_id(1), &before.client_key));
}

fn what_is_live_for_the_target_goes_before_untracked_listings<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    for (number, variant) in [(2, "held"), (3, "unknown"), (4, "confirmed")] {
        reserve(&on, number, listing_target(variant), 0);
    }
    assert!(
        on.write(|s| s.publications().mark_unknown(&publication_id(3), &token(3), "time-out", None, at(1))).is_done()
    );
    on.write(|s| s.publications().confirm(&publication_id(4), &listing_confirmation(4, at(1))));
    on.write(|s| s.listings().insert_listing(&first()));
    assert!(matches!(reserve(&on, 5, listing_target("held"), 2), ReserveOutcome::Held(_)));
    assert!(matches!(reserve(&on, 5, listing_target("unknown"), 2), ReserveOutcome::Unresolved(_)));
    assert!(matches!(reserve(&on, 5, listing_target("confirmed"), 2), ReserveOutcome::Published(_)));
    assert_eq!(reserve(&on, 5, listing_target(""), 2), ReserveOutcome::Untracked(vec![PlatformRow::Listing(first())]));
}

fn a_confirmation_takes_the_row_that_another_program_has_made<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target(""), 0);
    reserve(&on, 2, post_target(""), 0);
    // While the calls are in progress, another program inserts rows for their products.
    with(&on, &[first()], &[foreign_post(1, file_id(1))]);
    let confirmation = listing_confirmation(7, at(1)).platform_id(platform_id(1));
    assert_eq!(on.write(|s| s.publications().confirm(&publication_id(1), &confirmation)), ConfirmOutcome::Done);
    let confirmation = post_confirmation(7, at(1)).platform_id(platform_id(1));
    assert_eq!(on.write(|s| s.publications().confirm(&publication_id(2), &confirmation)), ConfirmOutcome::Done);
    assert_eq!(on.listings(1).iter().map(|row| row.id).collect::<Vec<_>>(), [listing_id(1)]);
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&file_id(1))), [foreign_post(1, file_id(1))]);
}
