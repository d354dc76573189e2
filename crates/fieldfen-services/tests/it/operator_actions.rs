//! The recorded actions of operators.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fieldfen_domain::file::{Deletion, FileDeleteOutcome, FileEdit, FileStatus};
use fieldfen_domain::job::{JobActionOutcome, JobKind, JobStatus, Payload};
use fieldfen_domain::operator::{Action, Actor, OperatorAction, OperatorActionFilter, Subject, Via};
use fieldfen_domain::publication::{ListingStatus, Platform, PlatformRowId};
use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};
use fieldfen_domain::{FileId, PageRequest, RawJson};
use fieldfen_services::environment::{ManualClock, SeededRandomness};
use fieldfen_services::pipeline::FileActionOutcome;
use fieldfen_services::publishing::{
    RemoteItem, RemoteItemKind, ReservationAttempt, ReservationConfirmOutcome, RowResolution, UnknownResolution,
    UnknownResolutionOutcome,
};
use fieldfen_services::queue::Queue;
use fieldfen_services::{Environment, Transaction};
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::fixtures::{at, by_ann, foreign_listing};

use crate::fake_marketplace::FakeMarketplace;
use crate::shop_harness::{Shop, approved, listing_on, publisher, titled};
use crate::{Note, SetUp as _};

on_every_store!(
    each_action_on_a_job_is_recorded_with_its_outcome,
    each_action_on_a_file_is_recorded_with_its_outcome,
    a_refused_action_changes_nothing_and_is_recorded,
    an_action_that_fails_is_not_recorded,
    what_a_person_says_of_publications_is_recorded,
    what_a_person_has_seen_at_a_platform_is_recorded_once,
    recurring_work_is_recorded_where_it_changes,
    a_rejected_file_loses_its_jobs_and_can_be_taken_up_again,
);

/// The actions on a subject, or on all subjects, as kind, outcome and reason.
fn recorded<S: Store>(store: &S, subject: Option<Subject>) -> Vec<String> {
    let filter = subject.map_or_else(OperatorActionFilter::all, OperatorActionFilter::of);
    let page = store.read(|s| s.operator_actions().page(&filter, &PageRequest::first(100))).unwrap();
    let line = |action: &OperatorAction| {
        assert_eq!((action.action.by().name(), action.action.by().via()), ("ann", Via::Tool));
        format!("{} {}: {}", action.kind, action.outcome, action.action.reason())
    };
    page.items.iter().map(line).collect()
}

fn of_file<S: Store>(shop: &Shop<S>, id: FileId) -> Vec<String> {
    recorded(shop.bench.queue.store(), Some(Subject::File(id)))
}

fn each_action_on_a_job_is_recorded_with_its_outcome(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let queue = &shop.bench.queue;
    let id = *queue.enqueue(&queue.job(&Note::new("a")).unwrap()).unwrap().id();
    assert_eq!(
        queue.retry(&id, &by_ann("too early")).unwrap(),
        JobActionOutcome::Refused { status: JobStatus::Pending }
    );
    assert_eq!(queue.cancel(&id, &by_ann("wrong picture")).unwrap(), JobActionOutcome::Done);
    assert_eq!(queue.retry(&id, &by_ann("the right one")).unwrap(), JobActionOutcome::Done);
    let claimed = shop.bench.claim(Note::kind(), 1);
    assert_eq!(claimed.len(), 1);
    assert_eq!(queue.cancel(&id, &by_ann("slow")).unwrap(), JobActionOutcome::CancelRequested);
    assert_eq!(queue.kill(&id, &by_ann("it hangs")).unwrap(), JobActionOutcome::Done);
    assert_eq!(queue.delete(&id, &by_ann("nobody needs it")).unwrap(), JobActionOutcome::Done);
    assert_eq!(queue.delete(&id, &by_ann("once more")).unwrap(), JobActionOutcome::NotFound);
    assert_eq!(
        recorded(queue.store(), Some(Subject::Job(id))),
        [
            "retry refused: too early",
            "cancel done: wrong picture",
            "retry done: the right one",
            "cancel requested: slow",
            "kill done: it hangs",
            "delete done: nobody needs it",
            "delete not_found: once more",
        ]
    );
}

fn each_action_on_a_file_is_recorded_with_its_outcome(store: impl Store) {
    let shop = Shop::wanting(store, &[Platform::Etsy]);
    let id = shop.process("buck");
    let edit = FileEdit::new().metadata(titled("Buck at Dawn"));
    shop.write(|s| shop.pipeline.edit(&mut Transaction::new(s), &id, &edit, &by_ann("dawn"))).unwrap();
    for reason in ["sharp", "still sharp"] {
        let _ = shop.write(|s| shop.pipeline.approve(&mut Transaction::new(s), &id, &by_ann(reason))).unwrap();
    }
    for reason in ["ebay too", "now"] {
        let _ = shop
            .write(|s| {
                shop.pipeline.publish(&mut Transaction::new(s), &id, &listing_on(Platform::Ebay), &by_ann(reason))
            })
            .unwrap();
    }
    for reason in ["a crack", "a crack?"] {
        let _ = shop.write(|s| shop.pipeline.fail(&mut Transaction::new(s), &id, &by_ann(reason))).unwrap();
    }
    for reason in ["no crack", "none"] {
        let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann(reason))).unwrap();
    }
    for reason in ["blurred", "still blurred"] {
        let _ = shop.write(|s| shop.pipeline.reject(&mut Transaction::new(s), &id, &by_ann(reason))).unwrap();
    }
    let deleted = shop
        .write(|s| shop.pipeline.delete(&mut Transaction::new(s), &id, Deletion::KeepLiveListings, &by_ann("sold")))
        .unwrap();
    assert_eq!(deleted, FileDeleteOutcome::Done);
    let _ = shop.write(|s| shop.pipeline.approve(&mut Transaction::new(s), &id, &by_ann("back"))).unwrap();
    assert_eq!(
        of_file(&shop, id),
        [
            "edit done: dawn",
            "approve done: sharp",
            "approve unchanged: still sharp",
            "publish done: ebay too",
            "publish unchanged: now",
            "fail done: a crack",
            "fail unchanged: a crack?",
            "retry done: no crack",
            "retry unchanged: none",
            "reject done: blurred",
            "reject refused: still blurred",
            "delete done: sold",
            "approve not_found: back",
        ]
    );
}

fn a_refused_action_changes_nothing_and_is_recorded(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let id = shop.ingest("buck");
    let etsy = listing_on(Platform::Etsy);
    for refused in [
        shop.write(|s| shop.pipeline.approve(&mut Transaction::new(s), &id, &by_ann("sharp"))).unwrap(),
        shop.write(|s| shop.pipeline.reject(&mut Transaction::new(s), &id, &by_ann("blurred"))).unwrap(),
        shop.write(|s| shop.pipeline.publish(&mut Transaction::new(s), &id, &etsy, &by_ann("wanted"))).unwrap(),
    ] {
        let is_refused = matches!(refused, FileActionOutcome::Refused { status: FileStatus::Ingested, .. });
        assert!(is_refused, "{refused:?}");
    }
    assert_eq!(of_file(&shop, id), ["approve refused: sharp", "reject refused: blurred", "publish refused: wanted"]);
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Ingested, vec!["CreateFileRecord".to_owned()]));
}

fn an_action_that_fails_is_not_recorded(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let id = shop.ingest("buck");
    let edit = FileEdit::new().metadata(RawJson::unchecked("{\"title\":".to_owned()));
    let failed = shop.write(|s| shop.pipeline.edit(&mut Transaction::new(s), &id, &edit, &by_ann("no JSON")));
    assert!(matches!(failed, Err(StoreError::Invalid { .. })), "{failed:?}");
    assert_eq!(of_file(&shop, id), [""; 0]);
}

fn what_a_person_says_of_publications_is_recorded(store: impl Store) {
    let (shop, id) = approved(store, &[Platform::Etsy]);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let publisher = publisher(&shop, &[&etsy]);
    let row = foreign_listing(1, id);
    shop.write(|s| s.listings().insert_listing(&row)).unwrap();
    let of_row = || recorded(shop.bench.queue.store(), Some(Subject::Listing(row.id)));
    let listing = PlatformRowId::Listing(row.id);
    let adopt = RowResolution::Adopt { target: listing_on(Platform::Etsy), platform_id: None };
    publisher.resolve_row(&id, listing, &adopt, &by_ann("it is ours")).unwrap();
    publisher.resolve_row(&id, listing, &RowResolution::NotThere, &by_ann("it is gone")).unwrap();
    assert_eq!(of_row(), ["adopt done: it is ours", "resolve refused: it is gone"]);
    let target = listing_on(Platform::Etsy);
    let nothing =
        publisher.resolve_unknown(&id, &target, &UnknownResolution::NothingThere, &by_ann("I have looked")).unwrap();
    assert_eq!(nothing, UnknownResolutionOutcome::NotUnknown);
    let last = of_file(&shop, id).pop();
    assert_eq!(last.as_deref(), Some("nothing_is_there refused: I have looked"));
}

fn what_a_person_has_seen_at_a_platform_is_recorded_once(store: impl Store) {
    let (shop, id) = approved(store, &[Platform::Etsy]);
    let publisher = publisher(&shop, &[]);
    let target = listing_on(Platform::Etsy);
    let ReservationAttempt::Granted(reservation) = publisher.reserve(&id, &target).unwrap() else {
        panic!("not granted")
    };
    assert!(reservation.mark_unknown("time-out").unwrap().is_done());
    let ReservationAttempt::Unresolved(unresolved) = publisher.reserve(&id, &target).unwrap() else {
        panic!("not unresolved")
    };
    let kind = RemoteItemKind::Listing { status: ListingStatus::Active, platform_status: None };
    let confirmed = unresolved.found(&RemoteItem::new("777", kind), &by_ann("I see it")).unwrap();
    assert_eq!(confirmed, ReservationConfirmOutcome::Confirmed);
    let publication = Subject::Publication(shop.publications(&id)[0].id);
    assert_eq!(recorded(shop.bench.queue.store(), Some(publication)), ["resolve done: I see it"]);
}

fn recurring_work_is_recorded_where_it_changes(store: impl Store) {
    let shop = Shop::wanting(store, &[]);
    let (store, recurring) = (shop.bench.queue.store(), shop.bench.recurring());
    let name = "sweep".parse().unwrap();
    let define = |schedule: &str, text: &str, reason: &str| {
        let schedule = schedule.parse().unwrap();
        let (note, action) = (Note::new(text), by_ann(reason));
        store.try_set_up(|s| recurring.define_in(&mut Transaction::new(s), &name, &schedule, &note, &action)).unwrap();
    };
    define("0 * * * *", "a", "new");
    define("0 * * * *", "a", "the program starts again");
    define("5 * * * *", "a", "later");
    define("5 * * * *", "b", "other words");
    assert!(store.set_up(|s| recurring.remove_in(&mut Transaction::new(s), &name, &by_ann("over"))).unwrap());
    assert!(!store.set_up(|s| recurring.remove_in(&mut Transaction::new(s), &name, &by_ann("over?"))).unwrap());
    assert_eq!(
        recorded(store, Some(Subject::Recurring(name.clone()))),
        [
            "define done: new",
            "define done: later",
            "define done: other words",
            "remove done: over",
            "remove not_found: over?"
        ]
    );
}

fn a_rejected_file_loses_its_jobs_and_can_be_taken_up_again(store: impl Store) {
    let (shop, id) = approved(store, &[Platform::Etsy]);
    assert_eq!(shop.live_jobs(&id), ["CreateListing"]);
    let bo = Action::new(Actor::new("bo", Via::Console).unwrap(), "blurred").unwrap();
    let followed =
        shop.write(|s| shop.pipeline.reject(&mut Transaction::new(s), &id, &bo)).unwrap().event_outcome().unwrap();
    assert_eq!((followed.status, shop.live_jobs(&id)), (FileStatus::Failed, vec![]));
    let failure = shop.bench.queue.store().read(|s| s.files().find(&id)).unwrap().unwrap();
    let reason = failure.state.failure().map(|failure| failure.reason.clone());
    assert_eq!(reason.as_deref(), Some("reject by bo: blurred"));
    let _ = shop.write(|s| shop.pipeline.retry(&mut Transaction::new(s), &id, &by_ann("it is sharp"))).unwrap();
    assert_eq!((shop.status(&id), shop.live_jobs(&id)), (FileStatus::Approved, vec!["CreateListing".to_owned()]));
    shop.finish(JobKind::CreateListing, |_, _, _| Ok(()));
}

/// Commits the next write, sets the clock back by an hour, and reports an unknown outcome.
#[derive(Clone)]
struct ForgetsOneAnswer<S> {
    inner: S,
    clock: ManualClock,
    forgets: Arc<AtomicBool>,
}

impl<S: Store> Store for ForgetsOneAnswer<S> {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.inner.try_read(f)
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        let answer = self.inner.try_write(f)?;
        if !self.forgets.swap(false, Ordering::SeqCst) {
            return Ok(answer);
        }
        self.clock.set(at(0));
        Err(StoreError::OutcomeUnknown("the test keeps the answer to itself".into()).into())
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch()
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.inner.maintain()
    }
}

#[test]
fn an_action_whose_answer_is_lost_is_done_once_although_the_clock_steps_back() {
    let clock = ManualClock::new(at(3600));
    let environment = Environment::new(clock.clone(), SeededRandomness::new(7));
    let store = ForgetsOneAnswer { inner: ModelStore::new(), clock, forgets: Arc::default() };
    let queue = Queue::new(store.clone(), environment);
    let id = *queue.enqueue(&queue.job(&Note::new("a")).unwrap()).unwrap().id();
    store.forgets.store(true, Ordering::SeqCst);
    assert_eq!(queue.cancel(&id, &by_ann("wrong picture")).unwrap(), JobActionOutcome::Done);
    assert!(!store.forgets.load(Ordering::SeqCst));
    assert_eq!(recorded(&store, Some(Subject::Job(id))), ["cancel done: wrong picture"]);
    // The same action once more has its own row.
    let refused = JobActionOutcome::Refused { status: JobStatus::Failed };
    assert_eq!(queue.cancel(&id, &by_ann("wrong picture")).unwrap(), refused);
    assert_eq!(recorded(&store, Some(Subject::Job(id))).len(), 2);
}
