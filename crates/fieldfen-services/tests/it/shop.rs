//! A shop for the tests of pipeline and publishing: files on their way, jobs done by hand, and a marketplace that does
//! what the test says.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::file::{ContentHash, FileEdit, FileMetadata, FileStatus, Ingested, NewFile};
use fieldfen_domain::job::{Job, JobFilter, JobKind, JobStatus, Payload, WorkerName};
use fieldfen_domain::publication::{ClientKey, Listing, ListingStatus, Platform, PostType, SocialPlatform, Target};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, PageRequest, Timestamp};
use fieldfen_services::environment::ManualClock;
use fieldfen_services::pipeline::{Approval, Pipeline};
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage, Publisher};
use fieldfen_services::queue::Completion;
use fieldfen_services::worker::Outcome;

use crate::Bench;

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
        self.bench.queue.store().write(f)
    }

    pub(crate) fn new_file(&self, name: &str) -> NewFile {
        NewFile {
            id: self.bench.queue.environment().file_id(),
            original_filename: name.to_owned(),
            species: None,
            drive_file_id: Some(format!("drive-{name}")),
            content_hash: Some(ContentHash::of(name.as_bytes())),
            size: None,
            at: self.bench.now(),
        }
    }

    pub(crate) fn ingest(&self, name: &str) -> FileId {
        let file = self.new_file(name);
        assert_eq!(self.write(|s| self.pipeline.ingest(s, &file)).unwrap(), Ingested::Created);
        file.id
    }

    pub(crate) fn status(&self, id: &FileId) -> FileStatus {
        self.bench.file_status(id)
    }

    /// Claims the only due job of this kind, and completes it with what the event writes.
    pub(crate) fn finish(&self, kind: JobKind, event: Event) {
        let claimed = self.bench.claim(kind, 2);
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        let (pipeline, file_id) = (self.pipeline.clone(), claimed[0].job.file_id.unwrap());
        let mut completion = Completion::new().writing(move |s| event(&pipeline, s, &file_id));
        assert!(self.bench.queue.complete(&claimed[0], &mut completion).unwrap().is_done());
    }

    /// Claims the only due job of this kind, and lets it fail for good.
    pub(crate) fn kill(&self, kind: JobKind) {
        let claimed = self.bench.claim(kind, 2);
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        self.bench.queue.fail_for_good(&claimed[0], "out of paint").unwrap();
    }

    /// Runs every due job of publishing once, as a worker would, and says how many there were.
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
                Outcome::Throttled { until, .. } => drop(queue.release(claimed, until).unwrap()),
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
        self.write(|s| self.pipeline.approve(s, id, "by Ann")).unwrap().unwrap();
    }

    pub(crate) fn retitle(&self, id: &FileId, title: &str) {
        let edit = FileEdit { metadata: Some(titled(title)), ..FileEdit::default() };
        self.write(|s| self.pipeline.edit(s, id, &edit, "retitled")).unwrap().unwrap();
    }

    /// The jobs of a file, as kind and status in the order of insertion.
    pub(crate) fn jobs(&self, id: &FileId) -> Vec<(String, JobStatus)> {
        self.all_jobs(id).iter().map(|job| (job.kind.to_string(), job.state.status())).collect()
    }

    pub(crate) fn all_jobs(&self, id: &FileId) -> Vec<Job> {
        let filter = JobFilter { file_id: Some(*id), ..JobFilter::default() };
        self.bench.queue.page(&filter, PageRequest::first(1000)).unwrap().items
    }

    pub(crate) fn live_jobs(&self, id: &FileId) -> Vec<String> {
        self.jobs(id).into_iter().filter(|(_, status)| !status.is_final()).map(|(kind, _)| kind).collect()
    }

    pub(crate) fn listings(&self, id: &FileId) -> Vec<Listing> {
        self.bench.queue.store().read::<_, StoreError, _>(|s| s.publications().listings(id)).unwrap()
    }

    /// From and to of the file's history, `-` for nothing.
    pub(crate) fn history(&self, id: &FileId) -> Vec<String> {
        let read =
            self.bench.queue.store().read::<_, StoreError, _>(|s| s.files().history(id, PageRequest::first(100)));
        read.unwrap().items.iter().map(|line| line.to.to_string()).collect()
    }
}

type Event = fn(&Pipeline, &mut dyn Session, &FileId) -> Result<(), StoreError>;

pub(crate) fn confirm(pipeline: &Pipeline, s: &mut dyn Session, id: &FileId) -> Result<(), StoreError> {
    pipeline.record_confirmed(s, id).map(drop)
}

pub(crate) fn upscale(pipeline: &Pipeline, s: &mut dyn Session, id: &FileId) -> Result<(), StoreError> {
    let edit = FileEdit { processed_filename: Some("big.png".to_owned()), ..FileEdit::default() };
    pipeline.upscaled(s, id, &edit).map(drop)
}

pub(crate) fn describe(pipeline: &Pipeline, s: &mut dyn Session, id: &FileId) -> Result<(), StoreError> {
    pipeline.described(s, id, &FileMetadata::new("Buck").unwrap()).map(drop)
}

pub(crate) fn titled(title: &str) -> fieldfen_domain::RawJson {
    FileMetadata::new(title).unwrap().to_json().unwrap()
}

pub(crate) fn listing_on(platform: Platform) -> Target {
    Target::Listing { platform, account: String::new(), variant: String::new() }
}

pub(crate) fn post(post_key: &str) -> Target {
    Target::Post {
        platform: SocialPlatform::Instagram,
        account: String::new(),
        post_key: post_key.to_owned(),
        post_type: Some(PostType::Reel),
    }
}

/// What a marketplace does with its next call of `create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Refuse it.
    Refuse,
    /// Throttle it until then.
    Throttle(Timestamp),
    /// Break the connection before anything was sent.
    NotSent,
    /// Carry it out and give no answer.
    CreateInSilence,
    /// Neither carry it out nor answer.
    Ignore,
    /// Take in nothing, and carry it out when [`Stall::deliver`] is called.
    Delay,
}

/// A marketplace in memory, whose clones are the same one.
#[derive(Clone)]
pub(crate) struct Stall {
    platform: Platform,
    /// Whether a second call with a key meets the product of the first.
    knows_keys: bool,
    state: Arc<Mutex<StallState>>,
}

#[derive(Default)]
struct StallState {
    products: Vec<(Product, String)>,
    made: u64,
    next: Vec<Next>,
    delayed: Vec<(ClientKey, String)>,
    lookups: u64,
    lookup_fails: bool,
    pages_lag: bool,
    pages_lead_back: bool,
    lookups_take: Option<(ManualClock, Duration)>,
}

impl Stall {
    pub(crate) fn new(platform: Platform) -> Self {
        Self { platform, knows_keys: false, state: Arc::default() }
    }

    pub(crate) fn knowing_keys(mut self) -> Self {
        self.knows_keys = true;
        self
    }

    /// What its next calls do, one after the other; then they succeed.
    pub(crate) fn next(&self, next: impl IntoIterator<Item = Next>) {
        self.state.lock().unwrap().next.extend(next);
    }

    /// Whether lookups get no answer.
    pub(crate) fn lookup_fails(&self, fails: bool) {
        self.state.lock().unwrap().lookup_fails = fails;
    }

    /// Whether its pages show nothing of what it has.
    pub(crate) fn pages_lag(&self, lag: bool) {
        self.state.lock().unwrap().pages_lag = lag;
    }

    /// Whether each of its pages says that the first one follows.
    pub(crate) fn pages_lead_back(&self, back: bool) {
        self.state.lock().unwrap().pages_lead_back = back;
    }

    /// Lists another product under the key of this one, as a call does whose answer was lost.
    pub(crate) fn copy(&self, platform_id: &str) -> Product {
        let mut state = self.state.lock().unwrap();
        let original = state.products.iter().find(|(product, _)| product.platform_id == platform_id).unwrap().clone();
        state.make(&original.0.key.unwrap(), original.1, false)
    }

    /// Brings back a product that was taken down.
    pub(crate) fn bring_back(&self, product: &Product) {
        self.state.lock().unwrap().products.push((product.clone(), String::new()));
    }

    /// The ids of what is live.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.live().into_iter().map(|product| product.platform_id).collect()
    }

    /// How much time passes with each lookup.
    pub(crate) fn lookups_take(&self, clock: ManualClock, time: Duration) {
        self.state.lock().unwrap().lookups_take = Some((clock, time));
    }

    /// Carries out what was delayed, and returns what that call would have answered.
    pub(crate) fn deliver(&self) -> Vec<Product> {
        let mut state = self.state.lock().unwrap();
        let delayed = std::mem::take(&mut state.delayed);
        delayed.into_iter().map(|(key, title)| state.make(&key, title, self.knows_keys)).collect()
    }

    pub(crate) fn live(&self) -> Vec<Product> {
        self.state.lock().unwrap().products.iter().map(|(product, _)| product.clone()).collect()
    }

    /// The titles of what is live.
    pub(crate) fn titles(&self) -> Vec<String> {
        self.state.lock().unwrap().products.iter().map(|(_, title)| title.clone()).collect()
    }

    /// How many products were ever made.
    pub(crate) fn made(&self) -> u64 {
        self.state.lock().unwrap().made
    }

    pub(crate) fn lookups(&self) -> u64 {
        self.state.lock().unwrap().lookups
    }

    /// Somebody changes a product at the platform by hand.
    pub(crate) fn set(&self, platform_id: &str, status: ListingStatus) {
        let mut state = self.state.lock().unwrap();
        let product = state.products.iter_mut().find(|(product, _)| product.platform_id == platform_id).unwrap();
        product.0.status = status;
        product.0.platform_status = Some(status.as_str().to_uppercase());
    }
}

impl StallState {
    fn make(&mut self, key: &ClientKey, title: String, knows_keys: bool) -> Product {
        if knows_keys && let Some((known, _)) = self.products.iter().find(|(known, _)| known.key.as_ref() == Some(key))
        {
            return known.clone();
        }
        self.made += 1;
        let product = Product {
            platform_id: format!("p{}", self.made),
            url: None,
            key: Some(key.clone()),
            status: ListingStatus::Active,
            platform_status: Some("ACTIVE".to_owned()),
            as_of: None,
        };
        self.products.push((product.clone(), title));
        product
    }
}

fn title_of(offer: &Offer<'_>) -> String {
    let metadata = offer.file.metadata.as_ref().map(|json| FileMetadata::from_json(json).unwrap());
    metadata.map_or_else(String::new, |metadata| metadata.title)
}

impl Marketplace for Stall {
    fn platform(&self) -> Platform {
        self.platform
    }

    fn create(&self, key: &ClientKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        let mut state = self.state.lock().unwrap();
        let next = if state.next.is_empty() { None } else { Some(state.next.remove(0)) };
        let no_answer = || CallError::NoAnswer { reason: "time-out".to_owned() };
        match next {
            None => Ok(state.make(key, title_of(offer), self.knows_keys)),
            Some(Next::Refuse) => Err(CallError::Refused { reason: "no antlers, please".to_owned() }),
            Some(Next::Throttle(until)) => Err(CallError::Throttled { until, reason: "429".to_owned() }),
            Some(Next::NotSent) => Err(CallError::NotSent { reason: "no route".to_owned() }),
            Some(Next::Ignore) => Err(no_answer()),
            Some(Next::CreateInSilence) => {
                state.make(key, title_of(offer), self.knows_keys);
                Err(no_answer())
            }
            Some(Next::Delay) => {
                state.delayed.push((key.clone(), title_of(offer)));
                Err(no_answer())
            }
        }
    }

    fn find(&self, key: &ClientKey) -> Result<Vec<Product>, CallError> {
        let mut state = self.state.lock().unwrap();
        state.lookups += 1;
        if let Some((clock, time)) = &state.lookups_take {
            clock.advance(*time);
        }
        if state.lookup_fails {
            return Err(CallError::NoAnswer { reason: "502".to_owned() });
        }
        Ok(state.products.iter().filter(|(p, _)| p.key.as_ref() == Some(key)).map(|(p, _)| p.clone()).collect())
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        let mut state = self.state.lock().unwrap();
        let found = state.products.iter_mut().find(|(product, _)| product.platform_id == platform_id);
        Ok(found.map(|(product, title)| {
            *title = title_of(offer);
            product.clone()
        }))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.state.lock().unwrap().products.retain(|(product, _)| product.platform_id != platform_id);
        Ok(())
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        let state = self.state.lock().unwrap();
        if state.pages_lag {
            return Ok(ProductPage::default());
        }
        let from: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let products: Vec<Product> = state.products.iter().skip(from).take(2).map(|(p, _)| p.clone()).collect();
        if state.pages_lead_back {
            return Ok(ProductPage { products, next: Some("0".to_owned()) });
        }
        let next = (from + 2 < state.products.len()).then(|| (from + 2).to_string());
        Ok(ProductPage { products, next })
    }
}
