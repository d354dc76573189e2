//! A program that makes the calls of a trace.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fieldfen_domain::file::{ContentHash, FileEdit, NewFile};
use fieldfen_domain::job::{Backoff, JobFilter, JobKind, NewJob, Payload, RetryPolicy, WorkerName};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{JobId, PageRequest};
use fieldfen_services::Transaction;
use fieldfen_services::environment::{Environment, ManualClock, Randomness};
use fieldfen_services::pipeline::{FileFailureHook, Pipeline};
use fieldfen_services::publications::Publications;
use fieldfen_services::publishing::{Publisher, RowResolution, UnknownResolution};
use fieldfen_services::queue::{ClaimedJob, Completion, Queue, RetryPolicies};
use fieldfen_services::recurring::{self, Recurring};
use fieldfen_services::webhooks::{self, Deliveries, WebhookIntake};
use fieldfen_services::worker::Outcome;
use fieldfen_testkit::fixtures::{by_ann, dedup_key, file_id, foreign_listing, recurring_name};

use super::{End, FileAction, JobAction, Step, WorkAction};
use crate::fake_marketplace::{FakeMarketplace, Next};
use crate::shop_harness::{HOLD, confirm, describe, listing_on, upscale};
use crate::{Bench, LEASE, Note, SetUp as _};

/// Ids that differ, and the same jitter each time, however often a write is repeated.
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn bits(&self) -> u128 {
        (7 << 64) | u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// A program on one store.
pub(super) struct Program<S: Store> {
    bench: Bench<S>,
    pipeline: Pipeline,
    publisher: Publisher<S>,
    pub(super) stall: FakeMarketplace,
    claimed: Vec<ClaimedJob>,
    answers: Vec<String>,
}

impl<S: Store> Program<S> {
    pub(super) fn new(store: S) -> Self {
        let clock = ManualClock::new("2026-11-23T14:05:09Z".parse().unwrap());
        let environment = Environment::new(clock.clone(), Counting(1.into()));
        let backoff = Backoff::new(Duration::from_secs(4), Duration::from_secs(60));
        let policies = RetryPolicies::new(RetryPolicy::new(backoff, 2));
        let queue = Queue::new(store, environment.clone()).with_policies(policies).with_failure_hook(FileFailureHook);
        let pipeline = Pipeline::new(environment.clone()).wanting(|_| vec![listing_on(Platform::Etsy)]);
        let stall = FakeMarketplace::new(Platform::Etsy);
        let publisher = Publisher::new(queue.store().clone(), pipeline.clone()).with_hold(HOLD);
        let publisher = publisher.marketplace(stall.clone());
        let (name, schedule) = (recurring_name("hourly"), "0 * * * *".parse().unwrap());
        let work = Note::new("the hour");
        let recurring = Recurring::new(queue.store().clone(), environment.clone());
        queue
            .store()
            .try_set_up(|s| recurring.define_in(&mut Transaction::new(s), &name, &schedule, &work, &by_ann("hourly")))
            .unwrap();
        Self { bench: Bench { queue, clock }, pipeline, publisher, stall, claimed: Vec::new(), answers: Vec::new() }
    }

    /// Makes one call, a second after the last one.
    pub(super) fn step(&mut self, step: &Step) {
        self.bench.clock.advance(Duration::from_secs(1));
        let answer = self.answer_to(step);
        self.answers.push(answer);
    }

    fn answer_to(&mut self, step: &Step) -> String {
        let (queue, pipeline) = (&self.bench.queue, &self.pipeline);
        let store = queue.store();
        match step {
            Step::Ingest(number) => {
                let file = self.new_file(*number);
                told(pipeline.files(store.clone()).ingest(&file))
            }
            Step::File(number, action) => self.act_on_file(*number, *action),
            Step::Enqueue(keys) => {
                let job = |key: &Option<u64>| {
                    let job = queue.job(&Note::new("work")).unwrap();
                    job.dedup_key(key.map(|key| dedup_key(&format!("key-{key}"))))
                };
                let jobs: Vec<NewJob> = keys.iter().map(job).collect();
                told(queue.enqueue_many(&jobs))
            }
            Step::Claim(limit) => {
                let kinds = [
                    Note::kind(),
                    JobKind::CreateFileRecord,
                    JobKind::UpscaleImage,
                    JobKind::GenerateMetadata,
                    JobKind::CreateListing,
                    JobKind::UpdateListing,
                ];
                let claims = queue.claim(&BTreeSet::from(kinds), *limit, LEASE, &WorkerName::new("test")).unwrap();
                let answer = format!("{claims:?}");
                self.claimed.extend(claims.jobs);
                answer
            }
            Step::Run(number) => self.take_claimed(*number).map_or_else(String::new, |claimed| self.run(&claimed)),
            Step::End(number, end) => {
                self.take_claimed(*number).map_or_else(String::new, |claimed| self.end(&claimed, *end))
            }
            Step::Heartbeat => {
                let beats = self.claimed.iter().map(|claimed| told(queue.heartbeat(&[(claimed.claim, None)], LEASE)));
                beats.collect::<Vec<_>>().join("; ")
            }
            Step::Reclaim => told(queue.reclaim(10)),
            Step::Job(number, action) => self.act_on_job(*number, *action),
            Step::Webhook(number) => {
                let intake = WebhookIntake::new(store.clone(), queue.environment().clone());
                let job = queue.job(&Note::new("news")).unwrap();
                told(intake.receive("etsy", Some(&number.to_string()), None, b"{}", |t| {
                    t.enqueue(&job).map_err(|error| error.to_string())
                }))
            }
            Step::PurgeWebhooks => {
                // The number of rows that a transaction with unknown outcome has deleted is unknown.
                WebhookIntake::new(store.clone(), queue.environment().clone()).purge(10).unwrap();
                String::new()
            }
            Step::ForgetWebhook(number) => {
                let hash = webhooks::hash("etsy", Some(&number.to_string()), None, b"{}").unwrap();
                told(
                    Deliveries::new(store.clone(), queue.environment().clone()).forget(&hash, &by_ann("send it again")),
                )
            }
            Step::TakeDue => told(recurring::take_due(store, queue.environment())),
            Step::Recurring(action) => self.act_on_work(*action),
            Step::InsertListing(number) => {
                let listing = foreign_listing(*number, file_id(*number));
                let publications = Publications::new(store.clone(), queue.environment().clone());
                // Each database has its own text for a refusal.
                told(publications.insert_listing(&listing, &by_ann("listed by hand")).map_err(|_| "refused"))
            }
            Step::Resolve(number, is_product) => self.resolve(*number, *is_product),
            Step::NothingIsThere(number) => {
                let target = listing_on(Platform::Etsy);
                let nothing = UnknownResolution::NothingThere;
                told(self.publisher.resolve_unknown(&file_id(*number), &target, &nothing, &by_ann("looked")))
            }
            Step::Mishap(heard) => {
                self.stall.next([if *heard { Next::CreateInSilence } else { Next::Ignore }]);
                String::new()
            }
            Step::Reconcile => {
                let found = self.publisher.reconcile(Platform::Etsy, "").unwrap();
                let answer = format!("{found:?}");
                format!("{answer}; {}", told(self.publisher.repair(&found)))
            }
            Step::Wait(seconds) => {
                self.bench.clock.advance(Duration::from_secs(*seconds));
                String::new()
            }
        }
    }

    fn new_file(&self, number: u64) -> NewFile {
        let name = format!("buck-{number}.jpg");
        let content_hash = Some(ContentHash::of(name.as_bytes()));
        NewFile::new(file_id(number), name, self.bench.now())
            .drive_file_id(format!("drive-{number}"))
            .content_hash(content_hash)
    }

    fn take_claimed(&mut self, number: usize) -> Option<ClaimedJob> {
        let count = self.claimed.len();
        (count > 0).then(|| self.claimed.remove(number % count))
    }

    fn run(&self, claimed: &ClaimedJob) -> String {
        let (pipeline, file) = (self.pipeline.clone(), claimed.job.file_id);
        let queue = &self.bench.queue;
        let event = match claimed.job.kind {
            JobKind::CreateFileRecord => confirm,
            JobKind::UpscaleImage => upscale,
            JobKind::GenerateMetadata => describe,
            JobKind::CreateListing | JobKind::UpdateListing => return self.publish(claimed),
            _ => {
                let follows = queue.job(&Note::new("more")).unwrap();
                return told(queue.complete(claimed, &mut Completion::new().result("done").then(follows)));
            }
        };
        let mut completion = Completion::new().writing(move |t| file.map_or(Ok(()), |id| event(&pipeline, t, &id)));
        match queue.complete(claimed, &mut completion) {
            Ok(answer) => format!("{answer:?}"),
            // The status of the file does not allow it: a worker then fails the job.
            Err(error) => format!("{error}; {}", told(queue.fail_for_good(claimed, &error.to_string()))),
        }
    }

    fn publish(&self, claimed: &ClaimedJob) -> String {
        let (queue, payload) = (&self.bench.queue, claimed.job.payload.as_ref().unwrap());
        let outcome = match claimed.job.kind {
            JobKind::CreateListing => self.publisher.run_create_listing(&Payload::from_json(payload).unwrap()),
            _ => self.publisher.run_update_listing(&Payload::from_json(payload).unwrap()),
        };
        match outcome {
            Outcome::Complete(mut completion) => told(queue.complete(claimed, &mut completion)),
            Outcome::Retry { error } => format!("{error}; {}", told(queue.fail(claimed, &error))),
            Outcome::Fail { error } => format!("{error}; {}", told(queue.fail_for_good(claimed, &error))),
            Outcome::Park { parked_for, reason } => {
                format!("{reason}; {}", told(queue.park(claimed, parked_for, &reason)))
            }
            Outcome::Throttled { until, reason } => format!("{reason}; {}", told(queue.throttle(claimed, until))),
            other => panic!("{other:?}"),
        }
    }

    fn end(&self, claimed: &ClaimedJob, end: End) -> String {
        let (queue, later) = (&self.bench.queue, self.bench.now() + Duration::from_secs(20));
        match end {
            End::Fail => told(queue.fail(claimed, "lens cap")),
            End::FailForGood => told(queue.fail_for_good(claimed, "out of paint")),
            End::Decline => told(queue.decline(claimed, "too new", Duration::from_secs(100))),
            End::Release => told(queue.snooze(claimed, later)),
            End::Throttle => told(queue.throttle(claimed, later)),
        }
    }

    fn act_on_job(&self, number: usize, action: JobAction) -> String {
        let (queue, jobs) = (&self.bench.queue, self.jobs());
        let Some(id) = jobs.get(number % jobs.len().max(1)) else { return String::new() };
        let by_hand = by_ann("by hand");
        match action {
            JobAction::Retry => told(queue.retry(id, &by_hand)),
            JobAction::Cancel => told(queue.cancel(id, &by_hand)),
            JobAction::Kill => told(queue.kill(id, &by_hand)),
            JobAction::Delete => told(queue.delete(id, &by_hand)),
        }
    }

    fn act_on_file(&self, number: u64, action: FileAction) -> String {
        let (files, id) = (self.pipeline.files(self.bench.queue.store().clone()), file_id(number));
        match action {
            FileAction::Approve => told(files.approve(&id, &by_ann("sharp"))),
            FileAction::Reject => told(files.reject(&id, &by_ann("blurred"))),
            FileAction::Fail => told(files.fail(&id, &by_ann("a copy"))),
            FileAction::Retry => told(files.retry(&id, &by_ann("again"))),
            FileAction::Edit => {
                let Some(file) = files.find(&id).unwrap() else { return String::new() };
                let edit = FileEdit::new().species(format!("deer-{}", self.answers.len())).seen(&file);
                told(files.edit(&id, &edit, &by_ann("named")))
            }
            FileAction::Publish => told(files.publish(&id, &listing_on(Platform::Etsy), &by_ann("for sale"))),
            FileAction::Delete(deletion) => told(files.delete(&id, deletion, &by_ann("not wanted"))),
        }
    }

    fn act_on_work(&self, action: WorkAction) -> String {
        let queue = &self.bench.queue;
        let recurring = Recurring::new(queue.store().clone(), queue.environment().clone());
        let name = recurring_name("hourly");
        match action {
            WorkAction::Define => {
                let schedule = "30 * * * *".parse().unwrap();
                told(recurring.define(&name, &schedule, &Note::new("the half hour"), &by_ann("half past")))
            }
            WorkAction::Pause => told(recurring.pause(&name, &by_ann("the disk is replaced"))),
            WorkAction::Resume => told(recurring.resume(&name, &by_ann("done"))),
            WorkAction::RunNow => told(recurring.run_now(&name, &by_ann("at once"))),
            WorkAction::Remove => told(recurring.remove(&name, &by_ann("not needed"))),
        }
    }

    fn resolve(&self, number: u64, is_product: bool) -> String {
        let (id, target) = (file_id(number), listing_on(Platform::Etsy));
        let rows = self.publisher.untracked(&id, &target).unwrap();
        let Some(row) = rows.first() else { return String::new() };
        let resolution =
            if is_product { RowResolution::Adopt { target, platform_id: None } } else { RowResolution::NotThere };
        told(self.publisher.resolve_row(&id, row.id(), &resolution, &by_ann("looked")))
    }

    fn jobs(&self) -> Vec<JobId> {
        let page = self.bench.queue.list(&JobFilter::default(), &PageRequest::first(1000)).unwrap();
        page.items.iter().map(|job| job.id).collect()
    }

    /// All answers and all rows, with a number for each id in the order of occurrence.
    pub(super) fn account(&self) -> Vec<String> {
        let (mut lines, jobs) = (self.answers.clone(), self.jobs());
        lines.extend(self.bench.queue.store().read(|s| stored(s, &jobs)).unwrap());
        lines.push(format!("at the platform: {:?}", self.stall.live()));
        let mut numbers = HashMap::new();
        lines.iter().map(|line| numbered(line, &mut numbers)).collect()
    }
}

fn told<T: Debug, E: Debug>(answer: Result<T, E>) -> String {
    format!("{answer:?}")
}

/// All rows that the trace may have written.
fn stored(s: &mut dyn ReadSession, jobs: &[JobId]) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    for id in jobs {
        lines.push(format!("{:?}", s.jobs().find(id)?));
    }
    for number in 0..3 {
        let id = file_id(number);
        lines.push(format!("{:?}", s.files().find(&id)?));
        lines.push(format!("{:?}", s.files().history(&id, &PageRequest::first(1000))?.items));
        lines.push(format!("{:?}", s.publications().list_by_file(&id)?));
        lines.push(format!("{:?}", s.listings().list_by_file(&id)?));
        let hash = webhooks::hash("etsy", Some(&number.to_string()), None, b"{}").unwrap();
        lines.push(format!("{:?}", s.hashes().find(&hash)?));
    }
    lines.push(format!("{:?}", s.recurring().list()?));
    let actions = s.operator_actions().page(&Default::default(), &PageRequest::first(1000))?;
    lines.push(format!("{:?}", actions.items));
    Ok(lines)
}

/// The line with a number for each UUID and for each key made of one.
fn numbered(line: &str, numbers: &mut HashMap<String, usize>) -> String {
    let is_id = |text: &str| text.len() >= 32 && text.bytes().filter(u8::is_ascii_hexdigit).count() >= 28;
    let mut numbered = String::new();
    let mut word = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() || c == '-' {
            word.push(c);
            continue;
        }
        if is_id(&word) {
            let next = numbers.len();
            let number = *numbers.entry(word.clone()).or_insert(next);
            let _ = write!(numbered, "#{number}");
        } else {
            numbered.push_str(&word);
        }
        word.clear();
        numbered.push(c);
    }
    numbered
}
