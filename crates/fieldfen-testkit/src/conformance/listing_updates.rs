//! Updates of listings, which may arrive late and out of order.

use fieldfen_domain::CLOCK_TOLERANCE;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    ConfirmOutcome, Listing, ListingFilter, ListingStatus, ListingUpdate, ListingUpdateOutcome, Platform, PostFilter,
    PublicationState, SocialPlatform, SocialPost,
};
use fieldfen_domain::store::Store;

use super::operations::{On, walk, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{
    TICK, at, file_id, foreign_listing, foreign_post, listing_confirmation, listing_id, listing_target, listing_update,
    platform_id, publication_id, reserve_request,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["listing_updates":
        news_bring_a_listing_up_to_date,
        older_news_change_nothing,
        news_of_the_same_time_are_taken,
        an_event_in_the_future_counts_as_of_now,
        news_of_a_listing_that_is_not_there_say_so,
        a_delisted_listing_ends_its_publication_and_no_other,
        any_other_news_leave_the_publication_confirmed,
        stale_news_of_a_delisting_end_nothing,
        news_dated_in_the_future_are_older_than_all_others,
        listings_are_listed_by_file_and_by_platform,
        posts_are_listed_by_network_and_by_file,
    ]
}

/// Listing `number` of the file with this number, confirmed at second 2.
fn listed<S: Store>(on: &On<'_, S>, number: u64, file: u64, variant: &str) {
    on.file_in(file, FileStatus::Approved);
    on.reserve(&reserve_request(number, file_id(file), listing_target(variant), at(1)));
    on.write(|s| s.publications().confirm(&publication_id(number), &listing_confirmation(number, at(2))));
}

fn listing<S: Store>(on: &On<'_, S>, number: u64) -> Listing {
    on.read(|s| s.listings().find_by_platform_id(Platform::Etsy, "", &platform_id(number)))
        .unwrap_or_else(|| panic!("listing {number} is not there"))
}

fn update<S: Store>(on: &On<'_, S>, number: u64, update: &ListingUpdate) -> ListingUpdateOutcome {
    on.write(|s| s.listings().update(&listing_id(number), update))
}

fn news_bring_a_listing_up_to_date<S: Store>(store: &S) {
    let on = On(store);
    listed(&on, 1, 1, "");
    let before = listing(&on, 1);
    let news = ListingUpdate::new(ListingStatus::SoldOut, with_nanoseconds(at(5)), with_nanoseconds(at(9)))
        .platform_status("SOLD");
    assert_eq!(update(&on, 1, &news), ListingUpdateOutcome::Done);
    let expected = with!(
        before,
        status: ListingStatus::SoldOut,
        platform_status: news.platform_status.clone(),
        status_event_at: Some(at(5)),
        updated_at: Some(at(9)),
    );
    assert_eq!(listing(&on, 1), expected);
    assert_eq!(update(&on, 1, &news.platform_status(None)), ListingUpdateOutcome::Done);
    assert_eq!(listing(&on, 1).platform_status, None, "the platform's word goes with the news, also when it has none");
}

fn older_news_change_nothing<S: Store>(store: &S) {
    let on = On(store);
    listed(&on, 1, 1, "");
    let before = listing(&on, 1);
    let stale = ListingUpdateOutcome::Stale { known: at(2) };
    let older = listing_update(ListingStatus::Draft, at(2) - TICK);
    assert_eq!(update(&on, 1, &older), stale, "older than the confirmation");
    assert_eq!(listing(&on, 1), before);
    update(&on, 1, &listing_update(ListingStatus::SoldOut, at(5)));
    let before = listing(&on, 1);
    assert_eq!(
        update(&on, 1, &listing_update(ListingStatus::Active, at(5) - TICK)),
        ListingUpdateOutcome::Stale { known: at(5) }
    );
    assert_eq!(listing(&on, 1), before);
}

fn news_of_the_same_time_are_taken<S: Store>(store: &S) {
    let on = On(store);
    listed(&on, 1, 1, "");
    for status in [ListingStatus::SoldOut, ListingStatus::Draft] {
        assert_eq!(update(&on, 1, &listing_update(status, at(5))), ListingUpdateOutcome::Done);
        assert_eq!(listing(&on, 1).status, status);
    }
}

fn an_event_in_the_future_counts_as_of_now<S: Store>(store: &S) {
    let on = On(store);
    let future = at(1_000_000);
    on.file_in(1, FileStatus::Approved);
    on.reserve(&reserve_request(1, file_id(1), listing_target(""), at(1)));
    let confirmation = listing_confirmation(1, at(2)).event_at(future);
    on.write(|s| s.publications().confirm(&publication_id(1), &confirmation));
    assert_eq!(listing(&on, 1).status_event_at, Some(at(2)));
    let news = listing_update(ListingStatus::SoldOut, at(5)).event_at(future).at(at(5));
    assert_eq!(update(&on, 1, &news), ListingUpdateOutcome::Done);
    assert_eq!(listing(&on, 1).status_event_at, Some(at(5)));
    assert_eq!(update(&on, 1, &listing_update(ListingStatus::Active, at(6))), ListingUpdateOutcome::Done);
}

fn news_of_a_listing_that_is_not_there_say_so<S: Store>(store: &S) {
    let news = listing_update(ListingStatus::Active, at(5));
    assert_eq!(update(&On(store), 1, &news), ListingUpdateOutcome::NotFound);
}

fn a_delisted_listing_ends_its_publication_and_no_other<S: Store>(store: &S) {
    let on = On(store);
    listed(&on, 1, 1, "");
    listed(&on, 2, 1, "canvas");
    listed(&on, 3, 2, "");
    on.reserve(&reserve_request(4, file_id(1), listing_target("poster"), at(1)));
    let others = [on.publication(2), on.publication(3), on.publication(4)];
    assert_eq!(update(&on, 1, &listing_update(ListingStatus::Delisted, at(5))), ListingUpdateOutcome::Done);
    let ended = on.publication(1);
    assert_eq!(
        (ended.state, ended.updated_at, ended.platform_id),
        (PublicationState::Ended, at(6), Some(platform_id(1)))
    );
    assert_eq!([on.publication(2), on.publication(3), on.publication(4)], others);
    assert_eq!(update(&on, 1, &listing_update(ListingStatus::Delisted, at(7))), ListingUpdateOutcome::Done);
    assert_eq!(on.publication(1).updated_at, at(6), "it has ended once");
}

fn any_other_news_leave_the_publication_confirmed<S: Store>(store: &S) {
    let on = On(store);
    listed(&on, 1, 1, "");
    let before = on.publication(1);
    for status in [ListingStatus::Draft, ListingStatus::Active, ListingStatus::SoldOut] {
        update(&on, 1, &listing_update(status, at(5)));
        assert_eq!(on.publication(1), before);
    }
}

fn stale_news_of_a_delisting_end_nothing<S: Store>(store: &S) {
    let on = On(store);
    listed(&on, 1, 1, "");
    let before = on.publication(1);
    update(&on, 1, &listing_update(ListingStatus::Delisted, at(1)));
    assert_eq!((on.publication(1), listing(&on, 1).status), (before, ListingStatus::Active));
}

fn listings_are_listed_by_file_and_by_platform<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=5 {
        listed(&on, number, 1 + number % 2, &number.to_string());
    }
    let expected = |numbers: &[u64]| numbers.iter().map(|&number| listing(&on, number)).collect::<Vec<_>>();
    assert_eq!(on.read(|s| s.listings().list_by_file(&file_id(1))), expected(&[2, 4]));
    assert_eq!(on.read(|s| s.listings().list_by_file(&file_id(3))), []);
    update(&on, 3, &listing_update(ListingStatus::SoldOut, at(9)));
    let ebay = with!(foreign_listing(6, file_id(1)), platform: Platform::Ebay);
    on.write(|s| s.listings().insert_listing(&ebay));
    let at_etsy = expected;
    let expected = |numbers: &[u64]| match numbers.split_last() {
        Some((6, numbers)) => [at_etsy(numbers), vec![ebay.clone()]].concat(),
        _ => at_etsy(numbers),
    };
    let all = ListingFilter::new();
    let (etsy, sold_out) = (all.clone().platform(Platform::Etsy), all.clone().status(ListingStatus::SoldOut));
    for (filter, numbers) in [
        (all.clone(), &[1, 2, 3, 4, 5, 6][..]),
        (etsy.clone(), &[1, 2, 3, 4, 5]),
        (all.clone().platform(Platform::Ebay), &[6]),
        (all.clone().platform(Platform::Amazon), &[]),
        (sold_out.clone(), &[3]),
        (sold_out.clone().platform(Platform::Ebay), &[]),
        (etsy.clone().status(ListingStatus::Active), &[1, 2, 4, 5]),
        (all.clone().file_id(file_id(1)), &[2, 4, 6]),
        (etsy.clone().file_id(file_id(1)), &[2, 4]),
        (sold_out.clone().file_id(file_id(1)), &[]),
        (etsy.clone().status(ListingStatus::SoldOut).file_id(file_id(2)), &[3]),
        (all.clone().file_id(file_id(3)), &[]),
    ] {
        assert_eq!(walk(|page| on.read(|s| s.listings().page(&filter, page))), expected(numbers), "{filter:?}");
    }
    update(&on, 2, &listing_update(ListingStatus::Delisted, at(9)));
    let with_id = |number| all.clone().platform_listing_id(platform_id(number));
    for (filter, numbers) in [
        (all.clone().live(), &[1, 3, 4, 5, 6][..]),
        (etsy.clone().live(), &[1, 3, 4, 5]),
        (all.clone().platform(Platform::Amazon).live(), &[]),
        (sold_out.live(), &[3]),
        (etsy.clone().status(ListingStatus::Delisted).live(), &[]),
        (all.clone().file_id(file_id(1)).live(), &[4, 6]),
        (with_id(3), &[3]),
        (with_id(3).platform(Platform::Etsy), &[3]),
        (with_id(3).platform(Platform::Ebay), &[]),
        (with_id(2).platform(Platform::Etsy), &[2]),
        (with_id(2).platform(Platform::Etsy).live(), &[]),
        (with_id(4).file_id(file_id(2)), &[]),
    ] {
        assert_eq!(walk(|page| on.read(|s| s.listings().page(&filter, page))), expected(numbers), "{filter:?}");
    }
    assert_eq!(on.read(|s| s.listings().find_by_platform_id(Platform::Etsy, "", "nowhere")), None);
    assert_eq!(on.read(|s| s.listings().find_by_platform_id(Platform::Ebay, "", &platform_id(1))), None);
}

fn posts_are_listed_by_network_and_by_file<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(1, FileStatus::Approved);
    on.file_in(2, FileStatus::Approved);
    let posts: Vec<_> = (1..=7)
        .map(|number| {
            let platform = if number % 3 == 0 { SocialPlatform::Instagram } else { SocialPlatform::Tiktok };
            with!(foreign_post(number, file_id(1 + number % 2)), platform)
        })
        .collect();
    for post in &posts {
        on.write(|s| s.listings().insert_post(post));
    }
    for network in
        [None, Some(SocialPlatform::Instagram), Some(SocialPlatform::Tiktok), Some(SocialPlatform::Pinterest)]
    {
        for file in [None, Some(file_id(1)), Some(file_id(2)), Some(file_id(3))] {
            let filter = PostFilter::new().network(network).file_id(file);
            let wanted = |post: &&SocialPost| {
                network.is_none_or(|network| post.platform == network) && file.is_none_or(|file| post.file_id == file)
            };
            let expected: Vec<_> = posts.iter().filter(wanted).cloned().collect();
            assert_eq!(walk(|page| on.read(|s| s.listings().page_of_posts(&filter, page))), expected, "{filter:?}");
        }
    }
}

fn news_dated_in_the_future_are_older_than_all_others<S: Store>(store: &S) {
    let on = On(store);
    listed(&on, 1, 1, "");
    let ahead = at(1_000_000);
    assert_eq!(update(&on, 1, &listing_update(ListingStatus::Draft, ahead)), ListingUpdateOutcome::Done);
    let heard = |status, at| listing_update(status, at).at(at);
    let news = heard(ListingStatus::SoldOut, ahead - CLOCK_TOLERANCE);
    assert_eq!(update(&on, 1, &news), ListingUpdateOutcome::Stale { known: ahead }, "as far as clocks may differ");
    assert_eq!(update(&on, 1, &heard(ListingStatus::SoldOut, with_nanoseconds(at(5)))), ListingUpdateOutcome::Done);
    let sold_out = listing(&on, 1);
    assert_eq!((sold_out.status, sold_out.status_event_at), (ListingStatus::SoldOut, Some(at(5))));

    on.reserve(&reserve_request(2, file_id(1), listing_target("canvas"), at(1)));
    assert!(matches!(
        on.write(|s| s.publications().confirm(&publication_id(2), &listing_confirmation(2, ahead))),
        ConfirmOutcome::Done
    ));
    assert_eq!(update(&on, 2, &listing_update(ListingStatus::Delisted, ahead)), ListingUpdateOutcome::Done);
    let again = listing_confirmation(2, at(6)).at(at(6)).event_at(at(6));
    assert_eq!(on.write(|s| s.publications().confirm(&publication_id(2), &again)), ConfirmOutcome::Done);
    assert_eq!(listing(&on, 2).status, ListingStatus::Active);
}
