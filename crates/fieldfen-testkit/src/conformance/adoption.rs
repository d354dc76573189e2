//! Adopting rows that belong to no publication, and giving a publication another key.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    AdoptOutcome, IdempotencyKey, ListingStatus, Platform, PlatformRowId, PublicationState, ReserveOutcome,
    qualified_id,
};
use fieldfen_domain::store::{Store, StoreError};

use super::foreign_rows::{adopt_listing, adoption, first, reserve, with};
use super::operations::On;
use super::{Case, named};
use crate::fixtures::{
    at, file_id, foreign_post, listing_confirmation, listing_id, listing_target, listing_update, platform_id,
    post_confirmation, post_id, post_target, publication_id, reserve_request,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["adoption":
        an_adopted_listing_belongs_to_its_publication,
        an_adopted_post_belongs_to_its_publication,
        a_post_without_an_id_gets_it_when_it_is_adopted,
        a_listing_that_comes_back_is_adopted_by_the_publication_that_had_ended,
        an_adoption_beside_a_live_publication_changes_nothing,
        only_an_untracked_row_is_adopted,
        an_adoption_under_another_id_is_refused,
        a_product_of_another_file_is_not_adopted,
        an_adopted_listing_may_have_the_key_that_the_platform_says,
        a_publication_takes_the_key_that_a_person_has_given_its_product,
    ]
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

fn only_an_untracked_row_is_adopted<S: Store>(store: &S) {
    let on = On(store);
    with(&on, &[first()], &[foreign_post(1, file_id(1))]);
    assert_eq!(adopt_listing(&on, 2, ""), AdoptOutcome::NotUntracked, "no such row");
    let row = PlatformRowId::Post(post_id(1));
    let wrong = adoption(2, listing_target(""), row, listing_confirmation(1, at(5)));
    assert_eq!(on.write(|s| s.publications().adopt(&wrong)), AdoptOutcome::NotUntracked, "a post for a listing");
    assert!(matches!(adopt_listing(&on, 1, ""), AdoptOutcome::Done(_)));
    assert_eq!(adopt_listing(&on, 1, "canvas"), AdoptOutcome::NotUntracked, "it belongs to a publication");
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(6))));
    assert_eq!(adopt_listing(&on, 1, "canvas"), AdoptOutcome::NotUntracked, "it is over");
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
    let key = IdempotencyKey::from_text("SKU-7".to_owned());
    let take =
        |number, key: &IdempotencyKey| on.write(|s| s.publications().set_key(&publication_id(number), key, at(2)));
    assert!(!take(1, &key), "the call is under way");
    assert!(!take(2, &key), "no such publication");
    on.write(|s| s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1))));
    assert!(take(1, &key));
    let found = on.read(|s| s.publications().find(&publication_id(1))).unwrap();
    assert_eq!((&found.client_key, found.state, found.updated_at), (&key, PublicationState::Confirmed, at(2)));
    let blank = store
        .write(|s| s.publications().set_key(&publication_id(1), &IdempotencyKey::from_text(" ".to_owned()), at(3)));
    assert!(matches!(blank, Err(StoreError::Invalid { .. })), "{blank:?}");
    // The publication after it has a key of its own.
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(4))));
    let ReserveOutcome::Granted(next) = reserve(&on, 2, listing_target(""), 5) else { panic!("it was not reserved") };
    assert_eq!(next.client_key, IdempotencyKey::derive(&file_id(1), &listing_target(""), 1));
}
