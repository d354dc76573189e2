//! Hashes of webhooks.

use chrono::TimeDelta;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::webhook::{Delivery, HashInsertOutcome, NewHash};
use fieldfen_domain::{CLOCK_TOLERANCE, PageRequest};

use super::operations::{On, walk, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, at, file_id, hash};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["hashes":
        the_first_is_new_and_the_second_a_duplicate,
        other_hashes_are_new,
        a_hash_is_new_again_from_its_expiry_on_and_not_a_tick_before,
        a_hash_that_is_new_again_begins_anew,
        a_duplicate_does_not_put_off_the_expiry,
        a_linked_file_is_named_to_duplicates,
        a_link_to_a_file_that_is_not_there_is_refused,
        a_link_of_a_hash_that_is_not_there_says_so,
        a_failing_transaction_releases_the_hash,
        deliveries_are_found_and_listed_as_they_were_taken_in,
        a_forgotten_delivery_is_new,
        a_purge_takes_what_has_expired_and_no_more_than_its_limit,
        a_hash_first_seen_in_the_future_is_remembered_from_its_repetition_on,
        a_hash_first_seen_in_the_future_is_remembered_from_a_purge_on,
    ]
}

fn seen<S: Store>(on: &On<'_, S>, hash: &NewHash) -> HashInsertOutcome {
    on.write(|s| s.hashes().insert(hash))
}

const fn duplicate(first_seen: fieldfen_domain::Timestamp) -> HashInsertOutcome {
    HashInsertOutcome::Duplicate { first_seen: Some(first_seen), file_id: None }
}

/// A hash that expires at second 10.
fn short(received_at: fieldfen_domain::Timestamp) -> NewHash {
    hash(1, received_at).expires_at(at(10))
}

fn the_first_is_new_and_the_second_a_duplicate<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(seen(&on, &hash(1, with_nanoseconds(at(3)))), HashInsertOutcome::New);
    for second in [3, 4, 0, 86_400] {
        assert_eq!(seen(&on, &hash(1, at(second))), duplicate(at(3)), "also by a clock that has jumped back");
    }
}

fn other_hashes_are_new<S: Store>(store: &S) {
    let on = On(store);
    for number in 0..4 {
        assert_eq!(seen(&on, &hash(number, at(0))), HashInsertOutcome::New);
    }
}

fn a_hash_is_new_again_from_its_expiry_on_and_not_a_tick_before<S: Store>(store: &S) {
    let on = On(store);
    seen(&on, &short(at(0)));
    assert_eq!(seen(&on, &short(at(10) - TICK)), duplicate(at(0)));
    assert_eq!(seen(&on, &short(with_nanoseconds(at(10) - TICK))), duplicate(at(0)));
    assert_eq!(seen(&on, &hash(1, at(10))), HashInsertOutcome::New);
}

fn a_hash_that_is_new_again_begins_anew<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Ingested);
    seen(&on, &short(at(0)));
    on.write(|s| s.hashes().link(&short(at(0)).hash, &id));
    seen(&on, &hash(1, at(10)));
    assert_eq!(seen(&on, &hash(1, at(11))), duplicate(at(10)), "without the file that the old one led to");
}

fn a_duplicate_does_not_put_off_the_expiry<S: Store>(store: &S) {
    let on = On(store);
    seen(&on, &short(at(0)));
    assert_eq!(seen(&on, &hash(1, at(9))), duplicate(at(0)));
    assert_eq!(seen(&on, &hash(1, at(10))), HashInsertOutcome::New);
}

fn a_linked_file_is_named_to_duplicates<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Ingested);
    seen(&on, &hash(1, at(0)));
    seen(&on, &hash(2, at(0)));
    assert!(on.write(|s| s.hashes().link(&hash(1, at(0)).hash, &id)));
    assert_eq!(seen(&on, &hash(1, at(1))), HashInsertOutcome::Duplicate { first_seen: Some(at(0)), file_id: Some(id) });
    assert_eq!(seen(&on, &hash(2, at(1))), duplicate(at(0)));
}

fn a_link_to_a_file_that_is_not_there_is_refused<S: Store>(store: &S) {
    let on = On(store);
    seen(&on, &hash(1, at(0)));
    let error = on.refuse(|s| s.hashes().link(&hash(1, at(0)).hash, &file_id(1)));
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
    assert_eq!(seen(&on, &hash(1, at(1))), duplicate(at(0)));
}

fn a_link_of_a_hash_that_is_not_there_says_so<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Ingested);
    assert!(!on.write(|s| s.hashes().link(&hash(1, at(0)).hash, &id)));
}

fn a_failing_transaction_releases_the_hash<S: Store>(store: &S) {
    let on = On(store);
    on.refuse(|s| {
        assert_eq!(s.hashes().insert(&hash(1, at(0)))?, HashInsertOutcome::New);
        Err::<(), _>(StoreError::Nested)
    });
    assert_eq!(seen(&on, &hash(1, at(1))), HashInsertOutcome::New);
}

fn deliveries_are_found_and_listed_as_they_were_taken_in<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Ingested);
    let sources = ["shopify", "etsy", "stripe", "etsy", "slack"];
    let taken: Vec<NewHash> = (1..=5_u64)
        .zip(sources)
        .map(|(number, source)| hash(number, with_nanoseconds(at(9))).source(source.to_owned()))
        .collect();
    for hash in &taken {
        seen(&on, hash);
    }
    on.write(|s| s.hashes().link(&taken[1].hash, &id));
    let expected: Vec<Delivery> = taken
        .iter()
        .map(|taken| {
            Delivery::new(taken.hash)
                .source(Some(taken.source.clone()))
                .file_id((taken.hash == hash(2, at(0)).hash).then_some(id))
                .first_seen(Some(at(9)))
                .expires_at(Some(hash(1, at(9)).expires_at))
        })
        .collect();
    assert_eq!(walk(|page| on.read(|s| s.hashes().page(page))), expected);
    let find = |number| on.read(|s| s.hashes().find(&hash(number, at(0)).hash));
    assert_eq!((find(2), find(6)), (Some(expected[1].clone()), None));
    // A write session reads what it has written.
    let again = hash(1, at(800_000)).expires_at(at(900_000));
    let found = on.write(|s| {
        s.hashes().insert(&again)?;
        Ok((s.hashes().find(&again.hash)?, s.hashes().page(&PageRequest::first(1))?.items))
    });
    let anew = Delivery::new(again.hash).source("shopify").first_seen(Some(at(800_000))).expires_at(Some(at(900_000)));
    assert_eq!(found, (Some(anew.clone()), vec![anew]), "it keeps its place");
}

fn a_forgotten_delivery_is_new<S: Store>(store: &S) {
    let on = On(store);
    seen(&on, &hash(1, at(0)));
    seen(&on, &hash(2, at(0)));
    let forget = || on.write(|s| s.hashes().forget(&hash(1, at(0)).hash));
    assert!(forget());
    assert!(!forget());
    assert_eq!(on.read(|s| s.hashes().find(&hash(1, at(0)).hash)), None);
    assert_eq!((seen(&on, &hash(2, at(1))), seen(&on, &hash(1, at(1)))), (duplicate(at(0)), HashInsertOutcome::New));
}

fn a_purge_takes_what_has_expired_and_no_more_than_its_limit<S: Store>(store: &S) {
    let on = On(store);
    for number in 0..5 {
        let expires_at = at(i64::try_from(number).unwrap());
        seen(&on, &hash(number, at(-10)).expires_at(expires_at));
    }
    let purge = |now, limit| on.write(|s| s.hashes().purge(now, limit));
    assert_eq!(purge(at(0) - TICK, 9), 0);
    assert_eq!(purge(at(0), 9), 1);
    assert_eq!(purge(at(3), 0), 0);
    assert_eq!(purge(at(3), 2), 2);
    assert_eq!(purge(at(3), 2), 1);
    assert_eq!(purge(at(3), 2), 0);
    assert_eq!(seen(&on, &hash(4, at(3))), duplicate(at(-10)), "what has not expired stays");
}

fn a_hash_first_seen_in_the_future_is_remembered_from_its_repetition_on<S: Store>(store: &S) {
    let on = On(store);
    let ahead = at(100) + CLOCK_TOLERANCE;
    let short = |received_at| hash(1, received_at).expires_at(received_at + TimeDelta::seconds(10));
    seen(&on, &short(ahead));
    assert_eq!(seen(&on, &short(at(100))), duplicate(ahead), "as far ahead as clocks may differ");
    assert_eq!(seen(&on, &short(with_nanoseconds(at(0)))), duplicate(at(0)));
    assert_eq!(seen(&on, &short(at(10) - TICK)), duplicate(at(0)));
    assert_eq!(seen(&on, &short(at(10))), HashInsertOutcome::New);
}

fn a_hash_first_seen_in_the_future_is_remembered_from_a_purge_on<S: Store>(store: &S) {
    let on = On(store);
    let ahead = at(1_000_000);
    for number in 0..3 {
        let soon = ahead + TimeDelta::seconds(i64::try_from(number).unwrap_or(0));
        seen(&on, &hash(number, soon).expires_at(soon + TimeDelta::seconds(10)));
    }
    let purge = |now, limit| on.write(|s| s.hashes().purge(now, limit));
    assert_eq!(purge(at(0), 2), 0);
    assert_eq!(purge(at(10) - TICK, 2), 0, "two are remembered from then on, and the last from now on");
    assert_eq!((purge(at(10), 9), purge(at(20) - TICK * 2, 9), purge(at(20) - TICK, 9)), (2, 0, 1));
}
