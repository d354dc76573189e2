//! Deletes files with the rows that belong to them.

use fieldfen_domain::FileId;
use fieldfen_domain::file::{Deletion, FileDeleteOutcome, FileStatus};
use fieldfen_domain::job::{FencedResult, JobFilter};
use fieldfen_domain::publication::{ListingStatus, Platform, ReleaseReason};
use fieldfen_domain::store::Store;
use fieldfen_domain::webhook::HashInsertOutcome;

use super::operations::{On, numbered};
use super::{Case, named};
use crate::fixtures::{
    at, claim_ref, dedup_key, file_id, hash, job, listing_confirmation, listing_id, listing_target, listing_update,
    platform_id, post_confirmation, post_target, publication_id, reserve_request, token,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["deletions":
        a_deleted_file_takes_along_all_that_hangs_on_it_and_nothing_else,
        a_hash_outlives_its_file_without_it,
        a_dedup_key_is_free_again_after_its_job_went_with_the_file,
        a_live_listing_refuses_the_deletion_until_it_is_delisted,
        a_call_that_may_be_under_way_refuses_the_deletion,
        a_confirmed_post_does_not_refuse_the_deletion,
        a_forced_deletion_asks_nobody,
        a_file_that_is_gone_says_so,
    ]
}

fn delete<S: Store>(on: &On<'_, S>, id: FileId, deletion: Deletion) -> FileDeleteOutcome {
    on.write(|s| s.files().delete(&id, deletion))
}

/// File `number`, with a listing that has the same number.
fn listed<S: Store>(on: &On<'_, S>, number: u64) -> FileId {
    let id = on.file_in(number, FileStatus::Approved);
    on.reserve(&reserve_request(number, id, listing_target(""), at(1)));
    on.write(|s| s.publications().confirm(&publication_id(number), &listing_confirmation(number, at(2))));
    id
}

fn a_deleted_file_takes_along_all_that_hangs_on_it_and_nothing_else<S: Store>(store: &S) {
    let on = On(store);
    let (doomed, other) = (listed(&on, 1), listed(&on, 2));
    for (number, id) in [(11, doomed), (12, other)] {
        on.reserve(&reserve_request(number, id, post_target(""), at(1)));
        on.write(|s| s.publications().confirm(&publication_id(number), &post_confirmation(number, at(2))));
    }
    for (number, id) in [(21, Some(doomed)), (22, Some(other)), (23, None), (24, Some(doomed))] {
        let mut new = job(number);
        new.file_id = id;
        on.enqueue(&new);
    }
    on.claim(1, 1, at(0));
    assert_eq!(delete(&on, doomed, Deletion::Forced), FileDeleteOutcome::Done);

    assert_eq!(on.read(|s| s.files().find(&doomed)), None);
    assert_eq!(on.history(1), []);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[22, 23]));
    assert_eq!(on.complete(claim_ref(21, 1), at(1)), FencedResult::NotFound, "also the one that was running");
    assert_eq!(on.read(|s| s.publications().list_by_file(&doomed)), []);
    assert_eq!(on.read(|s| s.listings().list_by_file(&doomed)), []);
    assert_eq!(on.read(|s| s.listings().find_by_platform_id(Platform::Etsy, "", &platform_id(1))), None);
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&doomed)), []);

    assert_eq!(on.history(2).len(), 4);
    assert_eq!(on.read(|s| s.publications().list_by_file(&other)).len(), 2);
    assert_eq!(on.read(|s| s.listings().list_by_file(&other)).len(), 1);
    assert_eq!(on.read(|s| s.listings().list_posts_by_file(&other)).len(), 1);
}

fn a_hash_outlives_its_file_without_it<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Ingested);
    on.write(|s| s.hashes().insert(&hash(1, at(0))));
    assert!(on.write(|s| s.hashes().link(&hash(1, at(0)).hash, &id)));
    assert_eq!(delete(&on, id, Deletion::KeepLiveListings), FileDeleteOutcome::Done);
    let seen = on.write(|s| s.hashes().insert(&hash(1, at(5))));
    assert_eq!(seen, HashInsertOutcome::Duplicate { first_seen: Some(at(0)), file_id: None });
}

fn a_dedup_key_is_free_again_after_its_job_went_with_the_file<S: Store>(store: &S) {
    let on = On(store);
    let mut first = job(1).dedup_key(dedup_key("only one"));
    first.file_id = Some(on.file_in(1, FileStatus::Ingested));
    on.enqueue(&first);
    delete(&on, file_id(1), Deletion::KeepLiveListings);
    on.enqueue(&job(2).dedup_key(dedup_key("only one")));
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[2]));
}

fn a_live_listing_refuses_the_deletion_until_it_is_delisted<S: Store>(store: &S) {
    let on = On(store);
    let id = listed(&on, 1);
    for status in [ListingStatus::Active, ListingStatus::Draft, ListingStatus::SoldOut] {
        on.write(|s| s.listings().update(&listing_id(1), &listing_update(status, at(3))));
        let refused = FileDeleteOutcome::Refused(vec!["etsy: at-platform-1".to_owned()]);
        assert_eq!(delete(&on, id, Deletion::KeepLiveListings), refused, "{status}");
        assert_eq!(on.history(1).len(), 4);
    }
    on.write(|s| s.listings().update(&listing_id(1), &listing_update(ListingStatus::Delisted, at(4))));
    assert_eq!(delete(&on, id, Deletion::KeepLiveListings), FileDeleteOutcome::Done);
}

fn a_call_that_may_be_under_way_refuses_the_deletion<S: Store>(store: &S) {
    let on = On(store);
    for (number, target) in [(1, listing_target("")), (2, post_target(""))] {
        let id = on.file_in(number, FileStatus::Approved);
        let publication = publication_id(number);
        on.reserve(&reserve_request(number, id, target, at(1)));
        let platform = on.publication(number).target.platform().to_owned();
        let refused = FileDeleteOutcome::Refused(vec![format!("{platform}: {publication}")]);
        assert_eq!(delete(&on, id, Deletion::KeepLiveListings), refused);
        assert!(
            on.write(|s| s.publications().mark_unknown(&publication, &token(number), "timeout", None, at(2))).is_done()
        );
        assert_eq!(delete(&on, id, Deletion::KeepLiveListings), refused);
        assert!(
            on.write(|s| s.publications().release(
                &publication,
                &token(number),
                ReleaseReason::Absent,
                "looked up",
                at(3)
            ))
            .is_done()
        );
        assert_eq!(delete(&on, id, Deletion::KeepLiveListings), FileDeleteOutcome::Done);
    }
}

fn a_confirmed_post_does_not_refuse_the_deletion<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Approved);
    on.reserve(&reserve_request(1, id, post_target(""), at(1)));
    on.write(|s| s.publications().confirm(&publication_id(1), &post_confirmation(1, at(2))));
    assert_eq!(delete(&on, id, Deletion::KeepLiveListings), FileDeleteOutcome::Done);
}

fn a_forced_deletion_asks_nobody<S: Store>(store: &S) {
    let on = On(store);
    let id = listed(&on, 1);
    on.reserve(&reserve_request(2, id, listing_target("canvas"), at(1)));
    assert_eq!(delete(&on, id, Deletion::Forced), FileDeleteOutcome::Done);
    assert_eq!(on.read(|s| s.files().count()), []);
}

fn a_file_that_is_gone_says_so<S: Store>(store: &S) {
    let on = On(store);
    for deletion in [Deletion::KeepLiveListings, Deletion::Forced] {
        assert_eq!(delete(&on, file_id(1), deletion), FileDeleteOutcome::NotFound);
    }
}
