//! Rows by their id, and ids by their beginning.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::EnqueueOutcome;
use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, IdPrefix, IdTable, JobId, ListingId, PublicationId, SocialPostId};

use super::operations::On;
use super::{Case, named};
use crate::fixtures::{
    at, file, file_id, foreign_listing, foreign_post, job, listing_id, listing_target, post_id, reserve_request,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["ids":
        a_listing_and_a_post_are_found_by_their_id,
        ids_are_found_by_their_beginning_in_each_table,
        the_ids_of_a_beginning_are_sorted_and_limited,
    ]
}

/// An id whose first digits are `0b5a4f0`, this digit and `-1`.
const fn bits(digit: u128) -> u128 {
    (0x0b5a_4f00 + digit) << 96 | 0x1000 << 80
}

fn ids<S: Store>(on: &On<'_, S>, table: IdTable, prefix: &str, limit: u32) -> Vec<String> {
    let prefix: IdPrefix = prefix.parse().unwrap_or_else(|error| panic!("{error}"));
    on.read(|s| s.ids().ids(table, &prefix, limit))
}

fn a_listing_and_a_post_are_found_by_their_id<S: Store>(store: &S) {
    let on = On(store);
    let file = on.file_in(1, FileStatus::Approved);
    let (listing, post) = (foreign_listing(1, file), foreign_post(1, file));
    on.write(|s| s.listings().insert_listing(&listing));
    on.write(|s| s.listings().insert_post(&post));
    assert_eq!(on.read(|s| s.listings().find_listing(&listing.id)).map(|found| found.id), Some(listing.id));
    assert_eq!(on.read(|s| s.listings().find_post(&post.id)).map(|found| found.id), Some(post.id));
    assert_eq!(on.read(|s| s.listings().find_listing(&listing_id(2))), None);
    assert_eq!(on.read(|s| s.listings().find_post(&post_id(2))), None);
}

fn ids_are_found_by_their_beginning_in_each_table<S: Store>(store: &S) {
    let on = On(store);
    let bits = bits(0xe);
    let mut wanted = file(1);
    wanted.id = FileId::from_random(bits);
    on.write(|s| s.files().insert(&wanted));
    on.file_in(2, FileStatus::Approved);
    let mut enqueued = job(1);
    enqueued.id = JobId::from_random(bits);
    assert_eq!(on.enqueue(&enqueued), EnqueueOutcome::Created(enqueued.id));
    let (mut listing, mut post) = (foreign_listing(1, file_id(2)), foreign_post(1, file_id(2)));
    (listing.id, post.id) = (ListingId::from_random(bits), SocialPostId::from_random(bits));
    on.write(|s| s.listings().insert_listing(&listing));
    on.write(|s| s.listings().insert_post(&post));
    let mut reserve = reserve_request(1, wanted.id, listing_target(""), at(0));
    reserve.id = PublicationId::from_random(bits);
    on.reserve(&reserve);
    let whole = wanted.id.to_string();
    for table in [IdTable::Files, IdTable::Jobs, IdTable::Publications, IdTable::Listings, IdTable::SocialPosts] {
        let simple = whole.replace('-', "");
        for prefix in [&whole[..8], &whole[..11], &simple[..13], &whole[..], &simple[..]] {
            assert_eq!(ids(&on, table, prefix, 9), [whole.as_str()], "{table:?} {prefix}");
        }
        for prefix in ["0b5a4f0f", "0b5a4f0e2", "00000001"] {
            assert!(ids(&on, table, prefix, 9).is_empty(), "{table:?} {prefix}");
        }
    }
}

fn the_ids_of_a_beginning_are_sorted_and_limited<S: Store>(store: &S) {
    let on = On(store);
    let digit = |digit: u128| bits(0xe) | digit << 64;
    for (number, last) in [(1, 3), (2, 1), (3, 2)] {
        let mut enqueued = job(number);
        enqueued.id = JobId::from_random(digit(last) | u128::from(number));
        assert_eq!(on.enqueue(&enqueued), EnqueueOutcome::Created(enqueued.id));
    }
    let sorted = |numbers: &[(u128, u128)]| {
        numbers.iter().map(|&(last, number)| JobId::from_random(digit(last) | number).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&on, IdTable::Jobs, "0b5a4f0e", 9), sorted(&[(1, 2), (2, 3), (3, 1)]));
    assert_eq!(ids(&on, IdTable::Jobs, "0b5a4f0e", 2), sorted(&[(1, 2), (2, 3)]));
}
