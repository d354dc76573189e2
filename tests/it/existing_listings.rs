//! Listings and posts that another program made before fieldfen was used.

use fieldfen_domain::FileId;
use fieldfen_domain::PageRequest;
use fieldfen_domain::file::File;
use fieldfen_domain::job::{JobFilter, JobStatus};
use fieldfen_domain::publication::{IdempotencyKey, Platform, PublicationState, SocialPlatform, Target};
use fieldfen_domain::store::Store as _;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::Transaction;
use fieldfen_services::pipeline::{FileActionOutcome, Pipeline};
use fieldfen_services::publishing::Publisher;
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::Worker;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::{wait_until, with_deadline};

use crate::database::Database;
use crate::fake_platform::FakePlatform;

/// The rows of a program that knows only the specification: a processed picture that is already listed and posted.
pub(crate) const ROWS: &str = r#"
    INSERT INTO files (id, original_filename, status, width, height, metadata_json)
    VALUES ('0c5f3a52-6f0e-4a3f-9a57-0000000000f1', 'buck.jpg', 'processed', 6000, 4000, '{"title": "Buck"}');
    INSERT INTO listings (id, file_id, platform, platform_listing_id, status)
    VALUES ('0c5f3a52-6f0e-4a3f-9a57-0000000000a1', '0c5f3a52-6f0e-4a3f-9a57-0000000000f1', 'etsy', 'FIRST', 'active');
    INSERT INTO social_posts (id, file_id, platform, post_type, platform_post_id)
    VALUES ('0c5f3a52-6f0e-4a3f-9a57-0000000000b1', '0c5f3a52-6f0e-4a3f-9a57-0000000000f1', 'instagram', 'post', 'FIRST');
"#;

/// The script that reverts the migration of the table of publications.
pub(crate) const DOWN: &str = include_str!("../../migrations/sqlite/0004_publications/down.sql");
pub(crate) const UP: &str = include_str!("../../migrations/sqlite/0004_publications/up.sql");

pub(crate) fn the_file() -> FileId {
    "0c5f3a52-6f0e-4a3f-9a57-0000000000f1".parse().unwrap()
}

/// A program that wants every picture on Etsy and Instagram.
pub(crate) struct Program {
    pub(crate) store: SqliteStore,
    pipeline: Pipeline,
    pub(crate) publisher: Publisher<SqliteStore>,
    pub(crate) shop: FakePlatform,
    pub(crate) network: FakePlatform,
}

impl Program {
    pub(crate) fn new(database: &Database, shop: FakePlatform, network: FakePlatform) -> Self {
        let wanted = |_: &File| {
            let (account, variant, post_key) = (String::new(), String::new(), "launch".to_owned());
            vec![
                Target::listing(Platform::Etsy).at_account(&account).with_variant(variant),
                Target::post(SocialPlatform::Instagram, post_key).at_account(&account),
            ]
        };
        let (store, pipeline) = (database.store(), Pipeline::new(Environment::system()).wanting(wanted));
        let publisher = Publisher::new(store.clone(), pipeline.clone());
        let publisher = publisher.marketplace(shop.clone()).network(network.clone());
        Self { store, pipeline, publisher, shop, network }
    }

    pub(crate) fn approve(&self) {
        let id = the_file();
        let approved =
            self.store.write(|s| self.pipeline.approve(&mut Transaction::new(s), &id, &by_ann("by Ann"))).unwrap();
        let is_approved = matches!(approved, FileActionOutcome::Done(_) | FileActionOutcome::Unchanged { .. });
        assert!(is_approved, "{approved:?}");
    }

    /// Runs a worker until no job is left.
    pub(crate) fn work(&self) {
        let worker = self.publisher.serve(Worker::builder(self.store.clone(), Environment::system())).start().unwrap();
        wait_until("every job has ended", || self.jobs().iter().all(|(_, status)| status.is_final()));
        worker.stop_handle().stop();
        with_deadline("the worker has stopped", || worker.join()).unwrap();
    }

    pub(crate) fn jobs(&self) -> Vec<(String, JobStatus)> {
        let queue = Queue::new(self.store.clone(), Environment::system());
        let jobs = queue.list(&JobFilter::default(), &PageRequest::first(1000)).unwrap().items;
        jobs.iter().map(|job| (job.kind.to_string(), job.state.status())).collect()
    }

    /// The ids at the platforms of the confirmed publications.
    pub(crate) fn confirmed(&self) -> Vec<String> {
        let read = self.store.read(|s| s.publications().list_by_file(&the_file())).unwrap();
        assert!(read.iter().all(|publication| publication.state == PublicationState::Confirmed), "{read:?}");
        read.into_iter().filter_map(|publication| publication.platform_id).collect()
    }
}

#[test]
fn what_another_program_has_listed_and_posted_is_not_published_again() {
    let database = Database::new();
    database.foreign().execute_batch(ROWS).unwrap();
    let program = Program::new(&database, FakePlatform::with(&["FIRST"]), FakePlatform::with(&["FIRST"]));
    program.approve();
    assert_eq!(
        program.jobs().iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["CreateListing", "PublishSocial"]
    );
    program.work();
    assert_eq!((program.shop.ids(), program.network.ids()), (vec!["FIRST".to_owned()], vec!["FIRST".to_owned()]));
    assert_eq!(program.confirmed(), ["FIRST", "FIRST"]);
    assert_eq!(program.jobs().last(), Some(&("UpdateListing".to_owned(), JobStatus::Completed)));
}

#[test]
fn what_was_published_before_down_and_up_is_not_published_again() {
    let database = Database::new();
    database.foreign().execute_batch(ROWS).unwrap();
    database.foreign().execute_batch("DELETE FROM listings; DELETE FROM social_posts").unwrap();
    let program = Program::new(&database, FakePlatform::default(), FakePlatform::default());
    program.approve();
    program.work();
    let (shop, network) = (program.shop, program.network);
    assert_eq!((shop.ids(), network.ids()), (vec!["made-0".to_owned()], vec!["made-0".to_owned()]));
    drop(program.publisher);
    drop(program.store);

    database.foreign().execute_batch(DOWN).unwrap();
    database.foreign().execute_batch(UP).unwrap();
    database.foreign().execute_batch("UPDATE files SET status = 'processed'").unwrap();
    let program = Program::new(&database, shop, network);
    program.approve();
    program.work();
    assert_eq!((program.shop.ids().len(), program.network.ids().len()), (1, 1));
    assert_eq!(program.confirmed(), ["made-0", "made-0"]);
}

#[test]
fn a_row_that_cannot_be_read_does_not_stop_reconciling() {
    let database = Database::new();
    database.foreign().execute_batch(ROWS).unwrap();
    // A copy of the picture, with a status that only its program knows.
    let other = ROWS.replace("00f1", "00f2").replace("00a1", "00a2").replace("00b1", "00b2").replace("FIRST", "OTHER");
    database.foreign().execute_batch(&other.replace("'active'", "'sold'")).unwrap();
    let program = Program::new(&database, FakePlatform::with(&["FIRST", "OTHER"]), FakePlatform::with(&["FIRST"]));
    program.approve();
    program.work();
    let key = IdempotencyKey::derive(&the_file(), &Target::listing(Platform::Etsy), 0);
    program.shop.make(&key);
    let found = program.publisher.reconcile(Platform::Etsy, "").unwrap();
    assert_eq!(found.unreadable.iter().map(|row| row.value.as_str()).collect::<Vec<_>>(), ["\"sold\""]);
    assert_eq!(program.publisher.repair(&found).unwrap().taken_down, 1);
    assert_eq!(program.shop.ids(), ["FIRST", "OTHER"]);
}
