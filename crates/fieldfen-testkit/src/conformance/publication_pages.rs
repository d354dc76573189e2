//! Lists of publications by file and by filter.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    Platform, Publication, PublicationFilter, PublicationState, SocialPlatform, Target,
};
use fieldfen_domain::store::Store;

use super::operations::{On, walk};
use super::reservations::{approved, mark_unknown};
use super::{Case, named};
use crate::fixtures::{at, file_id, listing_target, post_target, reserve_request};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["publication_pages":
        publications_are_listed_by_file_and_by_state,
        publications_are_listed_by_all_that_a_filter_names,
    ]
}

fn publications_are_listed_by_file_and_by_state<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.file_in(2, FileStatus::Approved);
    for number in 1..=8 {
        let file = 1 + number % 2;
        on.reserve(&reserve_request(number, file_id(file), listing_target(&number.to_string()), at(0)));
        if number > 4 {
            assert!(mark_unknown(&on, number, number).is_done());
        }
    }
    let expected = |numbers: &[u64]| numbers.iter().map(|&number| on.publication(number)).collect::<Vec<_>>();
    assert_eq!(on.in_state(PublicationState::Reserved), expected(&[1, 2, 3, 4]));
    assert_eq!(on.in_state(PublicationState::Unknown), expected(&[5, 6, 7, 8]));
    assert_eq!(on.in_state(PublicationState::Confirmed), []);
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(1))), expected(&[2, 4, 6, 8]));
    assert_eq!(on.read(|s| s.publications().list_by_file(&file_id(3))), []);
}

fn publications_are_listed_by_all_that_a_filter_names<S: Store>(store: &S) {
    let on = On(store);
    approved(&on);
    on.file_in(2, FileStatus::Approved);
    for number in 1..=24 {
        let key = number.to_string();
        let target = match number % 3 {
            0 => listing_target(&key),
            1 => Target::listing(Platform::Ebay).at_account("b").with_variant(key),
            _ => post_target(&key).at_account(if number % 2 == 0 { "b" } else { "" }),
        };
        on.reserve(&reserve_request(number, file_id(1 + number / 2 % 2), target, at(0)));
        if number % 5 == 0 {
            assert!(mark_unknown(&on, number, number).is_done());
        }
    }
    let all: Vec<_> = (1..=24).map(|number| on.publication(number)).collect();
    let places = [
        (None, None),
        (Some(Platform::Etsy), None),
        (Some(Platform::Ebay), None),
        (None, Some(SocialPlatform::Instagram)),
        (Some(Platform::Etsy), Some(SocialPlatform::Instagram)),
    ];
    for state in [None, Some(PublicationState::Unknown), Some(PublicationState::Reserved)] {
        for file in [None, Some(file_id(1)), Some(file_id(3))] {
            for (platform, network) in places {
                for account in [None, Some(""), Some("b")] {
                    let filter = PublicationFilter::new().state(state).file_id(file).platform(platform);
                    let filter = filter.network(network).account(account.map(str::to_owned));
                    let wanted = |row: &&Publication| {
                        let its = match row.target {
                            Target::Listing { platform, .. } => (Some(platform), None),
                            Target::Post { platform, .. } => (None, Some(platform)),
                        };
                        state.is_none_or(|state| row.state == state)
                            && file.is_none_or(|file| row.file_id == file)
                            && (platform.is_none() || platform == its.0)
                            && (network.is_none() || network == its.1)
                            && account.is_none_or(|account| row.target.account() == account)
                    };
                    let expected: Vec<_> = all.iter().filter(wanted).cloned().collect();
                    let found = walk(|page| on.read(|s| s.publications().page(&filter, page)));
                    assert_eq!(found, expected, "{filter:?}");
                    for row in all.iter().step_by(5) {
                        let filter = filter.clone().key(row.client_key.clone());
                        let expected: Vec<_> = expected.iter().filter(|its| its.id == row.id).cloned().collect();
                        let found = walk(|page| on.read(|s| s.publications().page(&filter, page)));
                        assert_eq!(found, expected, "{filter:?}");
                    }
                }
            }
        }
    }
}
