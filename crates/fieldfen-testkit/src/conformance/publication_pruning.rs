//! Pruning of released and ended publications.

use fieldfen_domain::publication::{ListingStatus, PrunePublications, PublicationState, ReleaseReason, ReserveOutcome};
use fieldfen_domain::store::Store;

use super::foreign_rows::{reserve, with};
use super::operations::On;
use super::{Case, named};
use crate::fixtures::{
    at, file_id, listing_confirmation, listing_id, listing_target, listing_update, publication_id, token,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["publication_pruning":
        publications_that_are_over_are_pruned,
        what_may_still_be_answered_or_is_live_is_not_pruned,
        keys_are_not_given_twice_after_pruning,
    ]
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
