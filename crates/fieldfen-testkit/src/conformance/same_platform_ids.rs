//! Products with the same id: of two accounts, of two files, and at two times.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, ConfirmOutcome, Listing, ListingStatus, Platform, PlatformRowId, PublicationFilter,
    PublicationState, ReserveOutcome, Target,
};
use fieldfen_domain::store::Store;

use super::operations::{On, walk};
use super::{Case, named};
use crate::fixtures::{
    at, file_id, foreign_listing, listing_confirmation, listing_id, listing_update, platform_id, publication_id,
    reserve_request,
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["same_platform_ids":
        two_accounts_list_products_with_one_id,
        the_end_of_one_accounts_product_ends_no_other,
        an_id_that_a_delisted_listing_has_held_goes_to_the_live_product,
        a_product_that_comes_back_after_its_id_was_given_up_has_a_row_again,
        the_row_of_another_file_that_no_publication_knows_is_left_alone,
        a_qualified_row_is_adopted_under_the_id_itself,
    ]
}

fn target(account: &str) -> Target {
    Target::listing(Platform::Etsy).at_account(account)
}

/// Confirms publication `number` of a file as the product with id 1 of an account, at second `10 * number`.
fn list<S: Store>(on: &On<'_, S>, number: u64, file: u64, account: &str) -> ConfirmOutcome {
    on.file_in(file, FileStatus::Approved);
    let second = 10 * i64::try_from(number).unwrap_or(0);
    let reserved = on.reserve(&reserve_request(number, file_id(file), target(account), at(second)));
    assert!(matches!(reserved, ReserveOutcome::Granted(_)), "{reserved:?}");
    confirm(on, number, second)
}

fn confirm<S: Store>(on: &On<'_, S>, number: u64, second: i64) -> ConfirmOutcome {
    let confirmation = listing_confirmation(number, at(second)).platform_id(platform_id(1));
    on.write(|s| s.publications().confirm(&publication_id(number), &confirmation))
}

fn held<S: Store>(on: &On<'_, S>, file: u64) -> Vec<String> {
    on.listings(file).into_iter().map(|row| row.platform_listing_id).collect()
}

fn listing_at<S: Store>(on: &On<'_, S>, account: &str) -> Option<Listing> {
    on.read(|s| s.listings().find_by_platform_id(Platform::Etsy, account, &platform_id(1)))
}

fn delist<S: Store>(on: &On<'_, S>, number: u64, second: i64) {
    on.write(|s| s.listings().update(&listing_id(number), &listing_update(ListingStatus::Delisted, at(second))));
}

fn two_accounts_list_products_with_one_id<S: Store>(store: &S) {
    let on = On(store);
    // Products of two files, and of one file.
    for (number, file, account) in [(1, 1, "north"), (2, 2, "south"), (3, 1, "east")] {
        assert_eq!(list(&on, number, file, account), ConfirmOutcome::Done, "{account}");
        assert_eq!(on.publication(number).platform_id, Some(platform_id(1)));
    }
    assert_eq!(held(&on, 1), ["at-platform-1", "east:at-platform-1"]);
    assert_eq!(held(&on, 2), ["south:at-platform-1"]);
    for (number, account) in [(1, "north"), (2, "south"), (3, "east")] {
        assert_eq!(listing_at(&on, account).map(|row| row.id), Some(listing_id(number)), "{account}");
    }
    assert_eq!(listing_at(&on, "west"), None, "it is another account's");
    let with_id = || PublicationFilter::new().platform_id(platform_id(1));
    for (filter, numbers) in [
        (with_id(), &[1, 2, 3][..]),
        (with_id().platform(Platform::Etsy), &[1, 2, 3]),
        (with_id().platform(Platform::Etsy).account("south"), &[2]),
        (with_id().account("south"), &[2]),
        (with_id().platform(Platform::Etsy).state(PublicationState::Ended), &[]),
        (with_id().platform(Platform::Ebay), &[]),
        (with_id().file_id(file_id(1)), &[1, 3]),
        (PublicationFilter::new().platform_id(platform_id(2)).platform(Platform::Etsy), &[]),
    ] {
        let expected: Vec<_> = numbers.iter().map(|&number| on.publication(number)).collect();
        assert_eq!(walk(|page| on.read(|s| s.publications().page(&filter, page))), expected, "{filter:?}");
    }
}

fn the_end_of_one_accounts_product_ends_no_other<S: Store>(store: &S) {
    let on = On(store);
    for (number, account) in [(1, "north"), (2, "south")] {
        list(&on, number, 1, account);
    }
    delist(&on, 1, 50);
    let states = || [1, 2].map(|number| on.publication(number).state);
    assert_eq!(states(), [PublicationState::Ended, PublicationState::Confirmed]);
    delist(&on, 2, 50);
    assert_eq!(states(), [PublicationState::Ended; 2]);
    // Each listing returns with its own row.
    for number in [2, 1] {
        assert_eq!(confirm(&on, number, 60), ConfirmOutcome::Done);
    }
    assert_eq!(states(), [PublicationState::Confirmed; 2]);
    assert_eq!(held(&on, 1), ["at-platform-1", "south:at-platform-1"]);
}

fn an_id_that_a_delisted_listing_has_held_goes_to_the_live_product<S: Store>(store: &S) {
    let on = On(store);
    for (number, file) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(list(&on, number, file, ""), ConfirmOutcome::Done);
        assert_eq!(listing_at(&on, "").map(|row| row.id), Some(listing_id(number)));
        assert_eq!(held(&on, file), ["at-platform-1"]);
        delist(&on, number, 10 * i64::try_from(number).unwrap_or(0) + 1);
    }
    assert_eq!(held(&on, 1), [format!("at-platform-1#{}", listing_id(1))]);
    assert_eq!(on.listings(1)[0].status, ListingStatus::Delisted);
}

fn a_product_that_comes_back_after_its_id_was_given_up_has_a_row_again<S: Store>(store: &S) {
    let on = On(store);
    list(&on, 1, 1, "north");
    delist(&on, 1, 11);
    list(&on, 2, 2, "south");
    assert_eq!(held(&on, 2), ["at-platform-1"]);
    let confirmation = listing_confirmation(9, at(30)).platform_id(platform_id(1));
    assert_eq!(on.write(|s| s.publications().confirm(&publication_id(1), &confirmation)), ConfirmOutcome::Done);
    assert_eq!(held(&on, 1)[1..], ["north:at-platform-1"]);
    for (account, number) in [("north", 9), ("south", 2)] {
        assert_eq!(listing_at(&on, account).map(|row| row.id), Some(listing_id(number)));
    }
}

fn the_row_of_another_file_that_no_publication_knows_is_left_alone<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(2, FileStatus::Approved);
    let theirs = foreign_listing(1, file_id(2));
    on.write(|s| s.listings().insert_listing(&theirs));
    on.file_in(1, FileStatus::Approved);
    on.reserve(&reserve_request(2, file_id(1), target(""), at(0)));
    assert_eq!(confirm(&on, 2, 1), ConfirmOutcome::Done);
    assert_eq!((held(&on, 1), on.listings(2)), (vec![":at-platform-1".to_owned()], vec![theirs]));
    assert_eq!(listing_at(&on, "").map(|row| row.id), Some(listing_id(2)), "the one that is confirmed");
}

fn a_qualified_row_is_adopted_under_the_id_itself<S: Store>(store: &S) {
    let on = On(store);
    on.file_in(1, FileStatus::Approved);
    // The rows as they are after the migration of publications was reverted.
    let qualified = with!(foreign_listing(2, file_id(1)), platform_listing_id: "south:at-platform-1".to_owned());
    for listing in [foreign_listing(1, file_id(1)), qualified] {
        on.write(|s| s.listings().insert_listing(&listing));
    }
    for (number, account) in [(2, "south"), (1, "north")] {
        let confirmation = listing_confirmation(number, at(5)).platform_id(platform_id(1));
        let request = reserve_request(number, file_id(1), target(account), at(5));
        let row = PlatformRowId::Listing(listing_id(number));
        let adoption = Adoption::new(request, row, confirmation);
        assert!(matches!(on.write(|s| s.publications().adopt(&adoption)), AdoptOutcome::Done(_)), "{account}");
        assert_eq!(listing_at(&on, account).map(|row| row.id), Some(listing_id(number)));
    }
    assert_eq!(held(&on, 1), ["at-platform-1", "south:at-platform-1"]);
}
