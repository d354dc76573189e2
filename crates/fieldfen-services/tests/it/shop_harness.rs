//! A shop for the tests of pipeline and publishing: files in processing, and jobs that the test runs itself.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldfen_domain::file::{ContentHash, FileEdit, FileMetadata, FileStatus, IngestOutcome, NewFile};
use fieldfen_domain::job::{CreateListing, Job, JobFilter, JobKind, JobStatus, Payload, PublishSocial, WorkerName};
use fieldfen_domain::publication::{
    Listing, Platform, PostType, Publication, PublicationState, SocialPlatform, Target,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, PageRequest};
use fieldfen_services::Transaction;
use fieldfen_services::pipeline::{Approval, FileActionOutcome, Pipeline};
use fieldfen_services::publishing::Publisher;
use fieldfen_services::queue::Completion;
use fieldfen_services::worker::Outcome;
use fieldfen_testkit::fixtures::by_ann;

use crate::Bench;
use crate::SetUp as _;
use crate::fake_marketplace::FakeMarketplace;

pub(crate) const ETSY: &[Platform] = &[Platform::Etsy];
pub(crate) const BOTH: &[Platform] = &[Platform::Etsy, Platform::Shopify];

/// The length of the reservations in these tests.
pub(crate) const HOLD: Duration = Duration::from_secs(300);

/// A pipeline on a bench.
pub(crate) struct Shop<S> {
    pub(crate) bench: Bench<S>,
    pub(crate) pipeline: Pipeline,
}

impl<S: Store> Shop<S> {
    /// A shop that wants every picture on these platforms.
    pub(crate) fn wanting(store: S, platforms: &'static [Platform]) -> Self {
        let bench = Bench::new(store);
        let pipeline = Pipeline::new(bench.queue.environment().clone())
            .wanting(|_| platforms.iter().map(|&platform| listing_on(platform)).collect());
        Self { bench, pipeline }
    }

    pub(crate) fn automatic(mut self) -> Self {
        self.pipeline = self.pipeline.approved_by(Approval::Automatic);
        self
    }

    pub(crate) fn write<T>(&self, f: impl FnMut(&mut dyn Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.bench.queue.store().set_up(f)
    }

    pub(crate) fn new_file(&self, name: &str) -> NewFile {
        NewFile::new(self.bench.queue.environment().file_id(), name.to_owned(), self.bench.now())
            .drive_file_id(format!("drive-{name}"))
            .content_hash(ContentHash::of(name.as_bytes()))
    }

    pub(crate) fn ingest(&self, name: &str) -> FileId {
        let file = self.new_file(name);
        assert_eq!(
            self.write(|s| self.pipeline.ingest(&mut Transaction::new(s), &file)).unwrap(),
            IngestOutcome::Created
        );
        file.id
    }

    pub(crate) fn status(&self, id: &FileId) -> FileStatus {
        self.bench.file_status(id)
    }

    /// Claims the only due job of this kind, and completes it with the writes of the event.
    pub(crate) fn finish(&self, kind: JobKind, event: Event) {
        let claimed = self.bench.claim(kind, 2);
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        let (pipeline, file_id) = (self.pipeline.clone(), claimed[0].job.file_id.unwrap());
        let mut completion = Completion::new().writing(move |t| event(&pipeline, t, &file_id));
        assert!(self.bench.queue.complete(&claimed[0], &mut completion).unwrap().is_done());
    }

    /// Claims the only due job of this kind, and fails it for good.
    pub(crate) fn kill(&self, kind: JobKind) {
        let claimed = self.bench.claim(kind, 2);
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        assert!(self.bench.queue.fail_for_good(&claimed[0], "out of paint").unwrap().is_done());
    }

    /// Runs every due publishing job once, like a worker, and returns their number.
    pub(crate) fn work(&self, publisher: &Publisher<S>) -> usize {
        let queue = &self.bench.queue;
        let kinds = BTreeSet::from([JobKind::CreateListing, JobKind::UpdateListing, JobKind::PublishSocial]);
        let claims = queue.claim(&kinds, 1000, crate::LEASE, &WorkerName::new("test")).unwrap();
        for claimed in &claims.jobs {
            let payload = claimed.job.payload.as_ref().unwrap();
            let outcome = match claimed.job.kind {
                JobKind::CreateListing => publisher.run_create_listing(&Payload::from_json(payload).unwrap()),
                JobKind::UpdateListing => publisher.run_update_listing(&Payload::from_json(payload).unwrap()),
                _ => publisher.run_publish_social(&Payload::from_json(payload).unwrap()),
            };
            match outcome {
                Outcome::Complete(mut completion) => drop(queue.complete(claimed, &mut completion).unwrap()),
                Outcome::Retry { error } => drop(queue.fail(claimed, &error).unwrap()),
                Outcome::Fail { error } => drop(queue.fail_for_good(claimed, &error).unwrap()),
                Outcome::Park { parked_for, reason } => drop(queue.park(claimed, parked_for, &reason).unwrap()),
                Outcome::Throttled { until, .. } => drop(queue.snooze(claimed, until).unwrap()),
                other => panic!("{other:?}"),
            }
        }
        claims.jobs.len()
    }

    /// Takes a file through its processing.
    pub(crate) fn process(&self, name: &str) -> FileId {
        let id = self.ingest(name);
        self.finish(JobKind::CreateFileRecord, confirm);
        self.finish(JobKind::UpscaleImage, upscale);
        self.finish(JobKind::GenerateMetadata, describe);
        id
    }

    pub(crate) fn approve(&self, id: &FileId) {
        let outcome = self.write(|s| self.pipeline.approve(&mut Transaction::new(s), id, &by_ann("by Ann"))).unwrap();
        let is_approved = matches!(outcome, FileActionOutcome::Done(_) | FileActionOutcome::Unchanged { .. });
        assert!(is_approved, "{outcome:?}");
    }

    pub(crate) fn retitle(&self, id: &FileId, title: &str) {
        let edit = FileEdit::new().metadata(titled(title));
        self.write(|s| self.pipeline.edit(&mut Transaction::new(s), id, &edit, &by_ann("retitled")))
            .unwrap()
            .event_outcome()
            .unwrap();
    }

    /// The jobs of a file, as kind and status in the order of insertion.
    pub(crate) fn jobs(&self, id: &FileId) -> Vec<(String, JobStatus)> {
        self.all_jobs(id).iter().map(|job| (job.kind.to_string(), job.state.status())).collect()
    }

    pub(crate) fn all_jobs(&self, id: &FileId) -> Vec<Job> {
        let filter = JobFilter::new().file_id(*id);
        let page = self.bench.queue.list(&filter, &PageRequest::first(1000)).unwrap();
        page.items.iter().map(|job| self.bench.job(&job.id)).collect()
    }

    pub(crate) fn live_jobs(&self, id: &FileId) -> Vec<String> {
        self.jobs(id).into_iter().filter(|(_, status)| !status.is_final()).map(|(kind, _)| kind).collect()
    }

    pub(crate) fn listings(&self, id: &FileId) -> Vec<Listing> {
        self.bench.queue.store().read(|s| s.listings().list_by_file(id)).unwrap()
    }

    pub(crate) fn publications(&self, id: &FileId) -> Vec<Publication> {
        self.bench.queue.store().read(|s| s.publications().list_by_file(id)).unwrap()
    }

    /// The states of the publications of a file, the oldest first.
    pub(crate) fn states(&self, id: &FileId) -> Vec<PublicationState> {
        self.publications(id).iter().map(|publication| publication.state).collect()
    }

    /// The statuses before and after each line of the file's history, `-` for none.
    pub(crate) fn history(&self, id: &FileId) -> Vec<String> {
        let read = self.bench.queue.store().read(|s| s.files().history(id, &PageRequest::first(100)));
        read.unwrap().items.iter().map(|line| line.to.to_string()).collect()
    }
}

type Event = fn(&Pipeline, &mut Transaction<'_>, &FileId) -> Result<(), StoreError>;

pub(crate) fn confirm(pipeline: &Pipeline, t: &mut Transaction<'_>, id: &FileId) -> Result<(), StoreError> {
    pipeline.record_confirmed(t, id).map(drop)
}

pub(crate) fn upscale(pipeline: &Pipeline, t: &mut Transaction<'_>, id: &FileId) -> Result<(), StoreError> {
    let edit = FileEdit::new().processed_filename("big.png");
    pipeline.upscaled(t, id, &edit).map(drop)
}

pub(crate) fn describe(pipeline: &Pipeline, t: &mut Transaction<'_>, id: &FileId) -> Result<(), StoreError> {
    pipeline.described(t, id, &FileMetadata::new("Buck").unwrap()).map(drop)
}

pub(crate) fn titled(title: &str) -> fieldfen_domain::RawJson {
    FileMetadata::new(title).unwrap().to_json().unwrap()
}

pub(crate) fn listing_on(platform: Platform) -> Target {
    Target::listing(platform)
}

pub(crate) fn post(post_key: &str) -> Target {
    Target::post(SocialPlatform::Instagram, post_key).with_post_type(Some(PostType::Reel))
}

/// A shop that wants every picture on these platforms, and whose only file is approved.
pub(crate) fn approved<S: Store>(store: S, platforms: &'static [Platform]) -> (Shop<S>, FileId) {
    let shop = Shop::wanting(store, platforms);
    let id = shop.process("buck");
    shop.approve(&id);
    (shop, id)
}

/// A publisher with these marketplaces.
pub(crate) fn publisher<S: Store>(shop: &Shop<S>, stalls: &[&FakeMarketplace]) -> Publisher<S> {
    let publisher = Publisher::new(shop.bench.queue.store().clone(), shop.pipeline.clone()).with_hold(HOLD);
    stalls.iter().fold(publisher, |publisher, &stall| publisher.marketplace(stall.clone()))
}

pub(crate) fn on_etsy(file_id: FileId) -> CreateListing {
    CreateListing::new(file_id, Platform::Etsy)
}

pub(crate) fn reel(file_id: FileId, post_key: &str) -> PublishSocial {
    PublishSocial::new(file_id, SocialPlatform::Instagram).post_type(PostType::Reel).post_key(post_key)
}
