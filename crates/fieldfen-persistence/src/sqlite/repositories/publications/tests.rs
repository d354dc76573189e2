use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fieldfen_domain::FileId;
use fieldfen_domain::publication::{
    ConfirmOutcome, ListingStatus, ListingUpdateOutcome, Platform, PublicationState, ReserveOutcome, Target,
};
use fieldfen_domain::store::{Listings, PublicationReads, Publications, StoreError};
use fieldfen_testkit::fixtures::{
    at, listing_confirmation, listing_id, listing_target, listing_update, post_confirmation, post_target,
    publication_id, reserve_request,
};

use crate::sqlite::columns::test_database::{database, session, text};

/// An id as SQLAlchemy writes it. `HYPHENATED` is the same id with hyphens.
const PLAIN: &str = "c3b1a7a06f0e4a3e9d2a5b8c7d6e5f40";
const HYPHENATED: &str = "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40";

fn id() -> FileId {
    HYPHENATED.parse().unwrap()
}

/// A database with a file of a program that knows only the specification.
fn with_file_of_another_program() -> SqliteConnection {
    let mut conn = database();
    let row = format!("INSERT INTO files (id, original_filename, status) VALUES ('{PLAIN}', 'buck.jpg', 'approved')");
    conn.batch_execute(&row).unwrap();
    conn
}

/// Inserts a listing of that file as such a program does.
fn insert_listing_of_another_program(conn: &mut SqliteConnection) {
    let row = format!(
        "INSERT INTO listings (id, file_id, platform, platform_listing_id, status)
         VALUES ('0a0b0c0d0e0f4a3e9d2a5b8c7d6e5f40', '{PLAIN}', 'etsy', 'at-platform-1', 'draft')"
    );
    conn.batch_execute(&row).unwrap();
}

#[test]
fn what_refers_to_a_file_is_spelled_as_its_row() {
    let mut conn = with_file_of_another_program();
    let mut s = session(&mut conn);
    for (number, target) in [(1, listing_target("")), (2, post_target(""))] {
        let reserved = s.reserve(&reserve_request(number, id(), target.clone(), at(0))).unwrap();
        assert!(matches!(reserved, ReserveOutcome::Granted(_)), "{reserved:?}");
        let again = s.reserve(&reserve_request(9, PLAIN.parse().unwrap(), target, at(0))).unwrap();
        assert!(matches!(again, ReserveOutcome::Held(_)), "{again:?}");
    }
    assert_eq!(s.confirm(&publication_id(1), &listing_confirmation(1, at(1))).unwrap(), ConfirmOutcome::Done);
    assert_eq!(s.confirm(&publication_id(2), &post_confirmation(2, at(1))).unwrap(), ConfirmOutcome::Done);
    for id in [id(), PLAIN.parse().unwrap()] {
        assert_eq!(s.list_by_file(&id).unwrap().len(), 2);
        assert_eq!((s.listings_of(&id).unwrap().len(), s.posts_of(&id).unwrap().len()), (1, 1));
    }
    for table in ["publications", "listings", "social_posts"] {
        assert_eq!(text(&mut conn, &format!("SELECT DISTINCT file_id FROM {table}")), PLAIN);
    }
}

#[test]
fn a_listing_that_another_program_has_made_is_brought_up_to_date() {
    let mut conn = with_file_of_another_program();
    session(&mut conn).reserve(&reserve_request(1, id(), listing_target(""), at(0))).unwrap();
    insert_listing_of_another_program(&mut conn);
    let mut s = session(&mut conn);
    assert_eq!(s.confirm(&publication_id(1), &listing_confirmation(1, at(1))).unwrap(), ConfirmOutcome::Done);
    let listings = s.listings_of(&id()).unwrap();
    assert_eq!(listings.len(), 1);
    assert_eq!(listings[0].id.to_string(), "0a0b0c0d-0e0f-4a3e-9d2a-5b8c7d6e5f40");
    assert_eq!((listings[0].status, listings[0].status_event_at), (ListingStatus::Active, Some(at(1))));
}

#[test]
fn a_listing_of_another_program_keeps_its_platform_from_being_reserved() {
    let mut conn = with_file_of_another_program();
    insert_listing_of_another_program(&mut conn);
    let mut s = session(&mut conn);
    let reserved = s.reserve(&reserve_request(1, id(), listing_target(""), at(0))).unwrap();
    let ReserveOutcome::Untracked(rows) = reserved else { panic!("{reserved:?}") };
    assert_eq!(rows.iter().map(|row| row.platform_id()).collect::<Vec<_>>(), [Some("at-platform-1")]);
    // An unreadable row also blocks the platform, whichever column is unreadable.
    for (column, value) in [("status", "Active"), ("platform", "Etsy")] {
        s.conn.batch_execute(&format!("UPDATE listings SET {column} = '{value}'")).unwrap();
        let error = s.reserve(&reserve_request(1, id(), listing_target(""), at(0))).unwrap_err().to_string();
        assert!(error.contains(&format!("column {column} holds {value:?}")), "{error}");
        s.conn.batch_execute("UPDATE listings SET status = 'active', platform = 'etsy'").unwrap();
    }
}

#[test]
fn news_of_a_listing_without_earlier_news_counts_and_ends_its_publication_only() {
    let mut conn = with_file_of_another_program();
    let mut s = session(&mut conn);
    for (number, variant) in [(1, "print"), (2, "canvas")] {
        s.reserve(&reserve_request(number, id(), listing_target(variant), at(0))).unwrap();
        s.confirm(&publication_id(number), &listing_confirmation(number, at(1))).unwrap();
    }
    s.conn.batch_execute("UPDATE listings SET status_event_at = NULL").unwrap();
    let delisted = listing_update(ListingStatus::Delisted, at(0));
    assert_eq!(s.update(&listing_id(1), &delisted).unwrap(), ListingUpdateOutcome::Done);
    let stale = s.update(&listing_id(1), &listing_update(ListingStatus::Active, at(-1))).unwrap();
    assert_eq!(stale, ListingUpdateOutcome::Stale { known: at(0) });
    let states: Vec<_> = s.list_by_file(&id()).unwrap().into_iter().map(|publication| publication.state).collect();
    assert_eq!(states, [PublicationState::Ended, PublicationState::Confirmed]);
    let anew = s.reserve(&reserve_request(3, id(), listing_target("print"), at(2))).unwrap();
    let ReserveOutcome::Granted(anew) = anew else { panic!("{anew:?}") };
    assert_ne!(anew.client_key, s.find(&publication_id(1)).unwrap().unwrap().client_key);
}

#[test]
fn a_reservation_of_a_file_that_is_not_there_is_refused_by_name() {
    let mut conn = database();
    let error = session(&mut conn).reserve(&reserve_request(1, id(), listing_target(""), at(0))).unwrap_err();
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
    assert!(error.to_string().contains(HYPHENATED), "{error}");
}

#[test]
fn what_no_publication_can_hold_is_named_with_table_row_and_column() {
    for (set, column) in [
        ("channel = 'radio'", "channel"),
        ("file_id = NULL", "file_id"),
        ("platform = 'Walmart'", "platform"),
        ("channel = 'post', platform = 'tiktok', post_type = 'song'", "post_type"),
        ("state = 'Reserved'", "state"),
        ("token = 'none'", "token"),
        ("held_until = ''", "held_until"),
        ("calls = -1", "calls"),
        ("created_at = 5", "created_at"),
        ("updated_at = '2026-11-23'", "updated_at"),
    ] {
        let mut conn = with_file_of_another_program();
        session(&mut conn).reserve(&reserve_request(1, id(), listing_target(""), at(0))).unwrap();
        conn.batch_execute(&format!("UPDATE publications SET {set}")).unwrap();
        let error = session(&mut conn).find(&publication_id(1)).unwrap_err().to_string();
        let expected = format!("publications {}: column {column} holds", publication_id(1));
        assert!(error.starts_with(&expected), "{set}: {error}");
    }
}

#[test]
fn what_no_listing_or_post_can_hold_is_named_with_table_row_and_column() {
    let mut conn = with_file_of_another_program();
    insert_listing_of_another_program(&mut conn);
    let message = |conn: &mut SqliteConnection| session(conn).listings_of(&id()).unwrap_err().to_string();
    conn.batch_execute("UPDATE listings SET status = 'Active'").unwrap();
    let error = message(&mut conn);
    assert!(error.starts_with("listings 0a0b0c0d0e0f4a3e9d2a5b8c7d6e5f40: column status holds \"Active\""), "{error}");
    conn.batch_execute("UPDATE listings SET id = NULL").unwrap();
    assert_eq!(message(&mut conn), "listings without id (rowid 1): column id holds NULL; it must not be NULL");

    let row = format!(
        "INSERT INTO social_posts (id, file_id, platform, posted_at)
         VALUES ('0a0b0c0d0e0f4a3e9d2a5b8c7d6e5f40', '{PLAIN}', 'facebook', NULL)"
    );
    conn.batch_execute(&row).unwrap();
    let posts = session(&mut conn).posts_of(&id()).unwrap();
    assert_eq!((posts[0].post_type, posts[0].posted_at, &posts[0].platform_post_id), (None, None, &None));
    conn.batch_execute("UPDATE social_posts SET platform = 'MySpace'").unwrap();
    let error = session(&mut conn).posts_of(&id()).unwrap_err().to_string();
    assert!(error.contains("column platform holds \"MySpace\""), "{error}");
}

#[test]
fn a_target_survives_the_way_through_its_row() {
    let mut conn = with_file_of_another_program();
    let mut s = session(&mut conn);
    let targets = [
        Target::listing(Platform::Amazon).at_account("de").with_variant("30 × 40 \"matt\""),
        listing_target(""),
        post_target("2026-11"),
    ];
    for (number, target) in targets.iter().enumerate() {
        s.reserve(&reserve_request(number as u64, id(), target.clone(), at(0))).unwrap();
    }
    let found: Vec<Target> = s.list_by_file(&id()).unwrap().into_iter().map(|publication| publication.target).collect();
    assert_eq!(found, targets);
}

#[test]
fn a_confirmed_publication_without_its_platform_id_is_a_bad_row() {
    let mut conn = with_file_of_another_program();
    let mut s = session(&mut conn);
    s.reserve(&reserve_request(1, id(), listing_target(""), at(0))).unwrap();
    s.confirm(&publication_id(1), &listing_confirmation(1, at(1))).unwrap();
    conn.batch_execute("UPDATE publications SET platform_id = NULL").unwrap();
    let error = PublicationReads::find(&mut session(&mut conn), &publication_id(1)).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("platform_id holds NULL; a confirmed publication has one"), "{message}");
}
