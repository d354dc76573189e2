//! Rows of other programs, which belong to no publication.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, ConfirmOutcome, Confirmation, IdempotencyKey, Listing, ListingStatus, Platform,
    PlatformRow, PlatformRowId, PrunePublications, PublicationState, ReleaseReason, ReserveOutcome, SocialPost, Target,
    qualified_id,
};
use fieldfen_domain::store::{Store, StoreError};

use super::steps::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{
    at, file_id, foreign_listing, foreign_post, listing_confirmation, listing_id, listing_target, listing_update,
    platform_id, post_confirmation, post_id, post_target, publication_id, reserve_request, token,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["unclaimed":
        rows_of_other_programs_read_back_as_they_were_written,
        rows_of_other_programs_are_refused_as_those_of_the_store,
        a_live_listing_without_a_publication_keeps_its_platform_from_being_reserved,
        a_post_without_a_publication_keeps_its_network_from_being_reserved,
        a_listing_whose_publication_has_ended_keeps_its_platform_from_being_reserved,
        a_released_target_is_not_reserved_again_beside_an_unclaimed_listing,
        what_is_live_for_the_target_goes_before_unclaimed_listings,
        an_adopted_listing_belongs_to_its_publication,
        an_adopted_post_belongs_to_its_publication,
        a_post_without_an_id_gets_it_when_it_is_adopted,
        a_listing_that_comes_back_is_adopted_by_the_publication_that_had_ended,
        an_adoption_beside_a_live_publication_changes_nothing,
        only_an_unclaimed_row_is_adopted,
        an_adoption_under_another_id_is_refused,
        a_product_of_another_file_is_not_adopted,
        an_adopted_listing_may_have_the_key_that_the_platform_says,
        a_publication_takes_the_key_that_a_person_has_given_its_product,
        a_confirmation_takes_the_row_that_another_program_has_made,
        publications_that_are_over_are_pruned,
        what_may_still_be_answered_or_is_live_is_not_pruned,
        keys_are_not_given_twice_after_pruning,
    ]
}

/// A file that may be published, with the rows of another program.
fn with<S: Store>(on: &On<'_, S>, listings: &[Listing], posts: &[SocialPost]) {
    on.file_in(1, FileStatus::Approved);
    on.write(|s| {
        listings.iter().try_for_each(|listing| s.listings().insert_listing(listing))?;
        posts.iter().try_for_each(|post| s.listings().insert_post(post))
    });
}

fn first() -> Listing {
    foreign_listing(1, file_id(1))
}

fn reserve<S: Store>(on: &On<'_, S>, number: u64, target: Target, second: i64) -> ReserveOutcome {
    on.reserve(&reserve_request(number, file_id(1), target, at(second)))
}

fn adoption(number: u64, target: Target, row: PlatformRowId, confirmation: Confirmation) -> Adoption {
    let request = reserve_request(number, file_id(1), target, at(5));
    Adoption::new(request, row, confirmation)
}

/// The wish to adopt listing `number` as publication `number` of this variant.
fn adopt_listing<S: Store>(on: &On<'_, S>, number: u64, variant: &str) -> AdoptOutcome {
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
    let unclaimed = ReserveOutcome::Unclaimed(vec![PlatformRow::Listing(first())]);
    for variant in ["", "canvas"] {
        assert_eq!(reserve(&on, 1, listing_target(variant), 1), unclaimed);
    }
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(1))), []);
    let ebay = Target::Listing { platform: Platform::Ebay, account: String::new(), variant: String::new() };
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
            ReserveOutcome::Unclaimed(vec![PlatformRow::Post(post.clone())])
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
    // Somebody sets the row active again.
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Active, at(3))));
    assert_eq!(on.publication(1).state, PublicationState::Ended);
    assert!(matches!(reserve(&on, 2, listing_target(""), 4), ReserveOutcome::Unclaimed(_)));
}

fn a_released_target_is_not_reserved_again_beside_an_unclaimed_listing<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target(""), 0);
    let release = ReleaseReason::NotMade;
    assert!(on.write(|s| s.publications().release(&publication_id(1), &token(1), release, "refused", at(1))).is_done());
    on.write(|s| s.listings().insert_listing(&first()));
    let before = on.publication(1);
    assert!(matches!(reserve(&on, 2, listing_target(""), 2), ReserveOutcome::Unclaimed(_)));
    assert_eq!(on.publication(1), before);
    let AdoptOutcome::Done(adopted) = adopt_listing(&on, 1, "") else { panic!("it was not adopted") };
    assert_eq!((adopted.id, &adopted.client_key), (publication_id(1), &before.client_key));
}

fn what_is_live_for_the_target_goes_before_unclaimed_listings<S: Store>(store: &S) {
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
    assert_eq!(reserve(&on, 5, listing_target(""), 2), ReserveOutcome::Unclaimed(vec![PlatformRow::Listing(first())]));
}

fn an_adopted_listing_belongs_to_its_publication<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[first()], &[]);
    let AdoptOutcome::Done(adopted) = adopt_listing(&on, 1, "") else { panic!("it was not adopted") };
    assert_eq!((adopted.state, adopted.platform_id.as_deref()), (PublicationState::Confirmed, Some("at-platform-1")));
    assert_eq!(adopted.client_key, IdempotencyKey::derive(&file_id(1), &listing_target(""), 0));
    assert_eq!(on.publication(1), adopted);
    let confirmation = listing_confirmation(1, at(5));
    let expected = with!(
        first(),
        url: confirmation.url,
        platform_status: Some("live".to_owned()),
        status_event_at: Some(at(5)),
        updated_at: Some(at(5)),
    );
    assert_eq!(on.listings(1), std::slice::from_ref(&expected));
    assert_eq!(on.read(|s| s.listings().find_by_platform_id(Platform::Etsy, "", &platform_id(1))), Some(expected));
    assert_eq!(reserve(&on, 2, listing_target(""), 6), ReserveOutcome::Published(adopted));
    assert!(matches!(reserve(&on, 2, listing_target("canvas"), 6), ReserveOutcome::Granted(_)));
    // The end of the row ends the publication.
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(7))));
    assert_eq!(on.publication(1).state, PublicationState::Ended);
}

fn an_adopted_post_belongs_to_its_publication<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[foreign_post(1, file_id(1))]);
    let row = PlatformRowId::Post(post_id(1));
    let adoption = adoption(1, post_target("launch"), row, post_confirmation(1, at(5)));
    let AdoptOutcome::Done(adopted) = on.write(|s| s.publications().adopt(&adoption)) else {
        panic!("it was not adopted")
    };
    assert_eq!(reserve(&on, 2, post_target("launch"), 6), ReserveOutcome::Published(adopted));
    assert!(matches!(reserve(&on, 2, post_target("christmas"), 6), ReserveOutcome::Granted(_)));
    assert_eq!(
        on.read(|s| s.listings().list_posts_by_file(&file_id(1))),
        [foreign_post(1, file_id(1))],
        "no second row"
    );
}

fn a_post_without_an_id_gets_it_when_it_is_adopted<S: Store>(store: &S) {
    let on = On(store);
    let unnamed = with!(foreign_post(1, file_id(1)), platform_post_id: None);
    with(&on, &[], &[unnamed]);
    let row = PlatformRowId::Post(post_id(1));
    let adoption = adoption(1, post_target("launch"), row, post_confirmation(1, at(5)));
    assert!(matches!(on.write(|s| s.publications().adopt(&adoption)), AdoptOutcome::Done(_)));
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&file_id(1))), [foreign_post(1, file_id(1))]);
}

fn a_listing_that_comes_back_is_adopted_by_the_publication_that_had_ended<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target(""), 0);
    on.write(|s| s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1))));
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(2))));
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Active, at(3))));
    let row = PlatformRowId::Listing(listing_id(1));
    let adoption = adoption(2, listing_target(""), row, listing_confirmation(1, at(5)));
    let AdoptOutcome::Done(adopted) = on.write(|s| s.publications().adopt(&adoption)) else {
        panic!("it was not adopted")
    };
    assert_eq!((adopted.id, adopted.state), (publication_id(1), PublicationState::Confirmed));
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(1))), [adopted]);
}

fn an_adoption_beside_a_live_publication_changes_nothing<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 2, listing_target(""), 0);
    on.write(|s| s.listings().insert_listing(&first()));
    let live = on.publication(2);
    assert_eq!(adopt_listing(&on, 1, ""), AdoptOutcome::Live(live));
    assert_eq!((on.read(|s| s.publications().list_by_file(&file_id(1))).len(), on.listings(1)), (1, vec![first()]));
}

fn only_an_unclaimed_row_is_adopted<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[first()], &[foreign_post(1, file_id(1))]);
    assert_eq!(adopt_listing(&on, 2, ""), AdoptOutcome::NotUnclaimed, "no such row");
    let row = PlatformRowId::Post(post_id(1));
    let wrong = adoption(2, listing_target(""), row, listing_confirmation(1, at(5)));
    assert_eq!(on.write(|s| s.publications().adopt(&wrong)), AdoptOutcome::NotUnclaimed, "a post for a listing");
    assert!(matches!(adopt_listing(&on, 1, ""), AdoptOutcome::Done(_)));
    assert_eq!(adopt_listing(&on, 1, "canvas"), AdoptOutcome::NotUnclaimed, "it belongs to a publication");
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(6))));
    assert_eq!(adopt_listing(&on, 1, "canvas"), AdoptOutcome::NotUnclaimed, "it is over");
}

fn an_adoption_under_another_id_is_refused<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[first()], &[foreign_post(1, file_id(1))]);
    let listing = PlatformRowId::Listing(listing_id(1));
    let delisted = listing_confirmation(1, at(5)).row(fieldfen_domain::publication::ConfirmedRow::Listing {
        id: listing_id(9),
        status: ListingStatus::Delisted,
        platform_status: None,
    });
    for adoption in [
        adoption(1, listing_target(""), listing, listing_confirmation(2, at(5))),
        adoption(1, listing_target(""), listing, delisted),
        adoption(1, listing_target(""), listing, post_confirmation(1, at(5))),
        adoption(1, post_target(""), PlatformRowId::Post(post_id(1)), post_confirmation(2, at(5))),
    ] {
        let error = on.refuse(|s| s.publications().adopt(&adoption));
        assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    }
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(1))), []);
}

fn a_product_of_another_file_is_not_adopted<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(2, FileStatus::Approved);
    on.reserve(&reserve_request(2, file_id(2), listing_target(""), at(0)));
    on.write(|s| s.publications().confirm(&publication_id(2), &listing_confirmation(1, at(1))));
    let theirs = on.publication(2);
    // The same product under the spelling that another account would have.
    let held = qualified_id("", &platform_id(1));
    with(&on, &[with!(first(), id: listing_id(3), platform_listing_id: held)], &[]);
    let row = PlatformRowId::Listing(listing_id(3));
    let adoption = adoption(1, listing_target(""), row, listing_confirmation(1, at(5)));
    assert_eq!(on.write(|s| s.publications().adopt(&adoption)), AdoptOutcome::Taken(theirs));
}

fn an_adopted_listing_may_have_the_key_that_the_platform_says<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[first()], &[]);
    let key = IdempotencyKey::derive(&file_id(1), &listing_target(""), 3);
    let row = PlatformRowId::Listing(listing_id(1));
    let client_key = Some(key.clone());
    let adoption = adoption(1, listing_target(""), row, listing_confirmation(1, at(5))).client_key(client_key);
    let AdoptOutcome::Done(adopted) = on.write(|s| s.publications().adopt(&adoption)) else {
        panic!("it was not adopted")
    };
    assert_eq!(adopted.client_key, key);
}

fn a_publication_takes_the_key_that_a_person_has_given_its_product<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target(""), 0);
    let key = IdempotencyKey::stored("SKU-7".to_owned());
    let take =
        |number, key: &IdempotencyKey| on.write(|s| s.publications().set_key(&publication_id(number), key, at(2)));
    assert!(!take(1, &key), "the call is under way");
    assert!(!take(2, &key), "no such publication");
    on.write(|s| s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1))));
    assert!(take(1, &key));
    let found = on.read(|s| s.publications().find(&publication_id(1))).unwrap();
    assert_eq!((&found.client_key, found.state, found.updated_at), (&key, PublicationState::Confirmed, at(2)));
    let blank =
        store.write(|s| s.publications().set_key(&publication_id(1), &IdempotencyKey::stored(" ".to_owned()), at(3)));
    assert!(matches!(blank, Err(StoreError::Invalid { .. })), "{blank:?}");
    // What is published after it has a key of its own.
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(4))));
    let ReserveOutcome::Granted(next) = reserve(&on, 2, listing_target(""), 5) else { panic!("it was not reserved") };
    assert_eq!(next.client_key, IdempotencyKey::derive(&file_id(1), &listing_target(""), 1));
}

fn a_confirmation_takes_the_row_that_another_program_has_made<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target(""), 0);
    reserve(&on, 2, post_target(""), 0);
    // While the calls are under way, it writes down what they have made.
    with(&on, &[first()], &[foreign_post(1, file_id(1))]);
    let confirmation = listing_confirmation(7, at(1)).platform_id(platform_id(1));
    assert_eq!(on.write(|s| s.publications().confirm(&publication_id(1), &confirmation)), ConfirmOutcome::Done);
    let confirmation = post_confirmation(7, at(1)).platform_id(platform_id(1));
    assert_eq!(on.write(|s| s.publications().confirm(&publication_id(2), &confirmation)), ConfirmOutcome::Done);
    assert_eq!(on.listings(1).iter().map(|row| row.id).collect::<Vec<_>>(), [listing_id(1)]);
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&file_id(1))), [foreign_post(1, file_id(1))]);
}

fn prune<S: Store>(on: &On<'_, S>, second: i64, limit: u32) -> u64 {
    on.write(|s| s.publications().prune(&PrunePublications::new(at(second), limit)))
}

fn publications_that_are_over_are_pruned<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    for number in 1..=6 {
        reserve(&on, number, listing_target(&number.to_string()), 0);
        let (id, token) = (publication_id(number), token(number));
        match number {
            1..=3 => {
                let second = at(70 - i64::try_from(number).unwrap_or(0));
                let released = on.write(|s| s.publications().release(&id, &token, ReleaseReason::NotMade, "", second));
                assert!(released.is_done());
            }
            4 => {
                on.write(|s| s.publications().confirm(&id, &listing_confirmation(number, at(1))));
                on.write(|s| {
                    s.listings().update(&listing_id(number), &listing_update(ListingStatus::Delisted, at(80)))
                });
            }
            5 => drop(on.write(|s| s.publications().confirm(&id, &listing_confirmation(number, at(1))))),
            _ => {}
        }
    }
    assert_eq!(prune(&on, 67, 100), 0, "nothing is over for so long");
    assert_eq!(prune(&on, 100, 0), 0);
    assert_eq!(prune(&on, 100, 2), 2, "those that changed longest ago");
    let left: Vec<_> = on.read(|s| s.publications().list_by_file(&file_id(1))).into_iter().map(|row| row.id).collect();
    assert_eq!(left, [1, 4, 5, 6].map(publication_id));
    assert_eq!(prune(&on, 100, 100), 2);
    let left: Vec<_> = on.read(|s| s.publications().list_by_file(&file_id(1))).into_iter().map(|row| row.id).collect();
    assert_eq!(left, [5, 6].map(publication_id));
    assert_eq!(on.listings(1).len(), 2, "rows of what was out there stay");
}

fn what_may_still_be_answered_or_is_live_is_not_pruned<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    reserve(&on, 1, listing_target("held"), 0);
    let release = ReleaseReason::NotMade;
    assert!(on.write(|s| s.publications().release(&publication_id(1), &token(1), release, "", at(1))).is_done());
    reserve(&on, 2, listing_target("back"), 0);
    on.write(|s| s.publications().confirm(&publication_id(2), &listing_confirmation(2, at(1))));
    on.write(|s| s.listings().update(&listing_id(2), &listing_update(ListingStatus::Delisted, at(2))));
    on.write(|s| s.listings().update(&listing_id(2), &listing_update(ListingStatus::Active, at(3))));
    assert_eq!(prune(&on, 60, 100), 0, "the time of the first is over only then");
    assert_eq!(prune(&on, 61, 100), 1);
    assert_eq!(on.publication(2).state, PublicationState::Ended);
}

fn keys_are_not_given_twice_after_pruning<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[], &[]);
    let mut keys = Vec::new();
    for number in 1..=4 {
        let second = 100 * i64::try_from(number).unwrap_or(0);
        let ReserveOutcome::Granted(granted) = reserve(&on, number, listing_target(""), second) else {
            panic!("it was not granted")
        };
        assert!(!keys.contains(&granted.client_key), "{keys:?}");
        keys.push(granted.client_key);
        on.write(|s| s.publications().confirm(&publication_id(number), &listing_confirmation(number, at(second))));
        let delisted = listing_update(ListingStatus::Delisted, at(second + 1));
        on.write(|s| s.listings().update(&listing_id(number), &delisted));
        assert_eq!(prune(&on, second + 99, 100), 1);
    }
}
