//! Transactions: all or nothing, one snapshot for readers, and no nesting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{EnqueueOutcome, JobFilter};
use fieldfen_domain::store::{Session, Store, StoreError};

use super::operations::{On, numbered};
use super::{Case, named};
use crate::fixtures::{
    api_call, at, claim_request, file, file_id, file_in, hash, job, listing_target, recurring, reserve_request,
    upscale_job,
};
use crate::wait::scope_with_deadline;

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["transactions":
        a_closure_that_fails_leaves_nothing,
        a_closure_that_panics_leaves_nothing,
        an_operation_that_fails_takes_its_transaction_along,
        a_session_sees_its_own_writes,
        a_session_inside_another_is_refused,
        a_store_is_open_again_after_a_refusal_a_failure_and_a_panic,
        a_reader_sees_one_moment,
        a_clone_is_the_same_store,
        a_watch_sees_what_was_committed_since_it_was_made,
        a_watch_waits_for_a_commit,
        a_watch_that_is_closed_waits_no_longer_and_tells_of_commits_all_the_same,
        maintenance_changes_nothing,
    ]
}

/// Inserts a row into every table.
fn write_everywhere(s: &mut dyn Session) -> Result<(), StoreError> {
    let id = file_in(s, 1, FileStatus::Approved)?;
    s.jobs().enqueue(&upscale_job(1, id))?;
    s.jobs().enqueue(&job(2))?;
    s.jobs().claim(&claim_request(1, 1, at(0)))?;
    s.hashes().insert(&hash(1, at(0)))?;
    s.hashes().link(&hash(1, at(0)).hash, &id)?;
    s.api_usage().record(&api_call("etsy", 1, at(0)))?;
    s.publications().reserve(&reserve_request(1, id, listing_target(""), at(0)))?;
    s.recurring().define(&recurring("upkeep", "0 * * * *", at(0)))
}

/// Asserts that no row of [`write_everywhere`] exists.
fn assert_empty<S: Store>(on: &On<'_, S>) {
    on.read(|s| {
        assert_eq!(s.files().count()?, []);
        assert_eq!(s.jobs().count()?, []);
        assert_eq!(s.api_usage().totals(at(-1))?.services, []);
        assert_eq!(s.publications().list_by_file(&file_id(1))?, []);
        assert_eq!(s.recurring().list()?, []);
        Ok(())
    });
    assert_eq!(on.history(1), []);
    let unknown = on.write(|s| s.hashes().link(&hash(1, at(0)).hash, &file_id(1)));
    assert!(!unknown, "the hash is still there");
}

/// An error type of the caller's.
#[derive(Debug)]
enum OwnError {
    Store,
    Own(u32),
}

impl From<StoreError> for OwnError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

fn a_closure_that_fails_leaves_nothing<S: Store>(store: &S) {
    let result = store.try_write(|s| {
        write_everywhere(s)?;
        Err::<(), _>(OwnError::Own(7))
    });
    assert!(matches!(result, Err(OwnError::Own(7))), "the closure's own error comes back: {result:?}");
    assert_empty(&On(store));
    On(store).write(write_everywhere);
}

fn a_closure_that_panics_leaves_nothing<S: Store>(store: &S) {
    panic_in_a_write(store);
    assert_empty(&On(store));
    On(store).write(write_everywhere);
}

fn panic_in_a_write<S: Store>(store: &S) {
    let result = catch_unwind(AssertUnwindSafe(|| {
        store.write(|s| {
            write_everywhere(s)?;
            // Raised without the message of the panic hook, since this panic is intended.
            std::panic::resume_unwind(Box::new("a handler's bug"));
            #[expect(unreachable_code, reason = "it says what the closure would return")]
            Ok::<(), StoreError>(())
        })
    }));
    let payload = result.err().unwrap_or_else(|| panic!("the panic did not come through"));
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"a handler's bug"));
}

fn an_operation_that_fails_takes_its_transaction_along<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let missing = on.refuse(|s| {
        s.jobs().enqueue(&job(2))?;
        s.jobs().enqueue(&upscale_job(3, file_id(9)))
    });
    assert!(matches!(missing, StoreError::MissingReference { .. }), "{missing:?}");
    let taken = on.refuse(|s| {
        s.jobs().enqueue(&job(4))?;
        s.jobs().enqueue(&job(1))
    });
    assert!(matches!(taken, StoreError::AlreadyExists { .. }), "{taken:?}");
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1]));
}

fn a_session_sees_its_own_writes<S: Store>(store: &S) {
    On(store).write(|s| {
        write_everywhere(s)?;
        assert!(s.files().find(&file_id(1))?.is_some());
        assert_eq!(s.files().count()?, [(FileStatus::Approved, 1)]);
        assert_eq!(s.jobs().count()?.len(), 2);
        assert_eq!(s.publications().list_by_file(&file_id(1))?.len(), 1);
        assert_eq!(s.api_usage().totals(at(0))?.services.len(), 1);
        assert_eq!(s.recurring().list()?.len(), 1);
        Ok(())
    });
}

fn a_session_inside_another_is_refused<S: Store>(store: &S) {
    let nested = |store: &S| {
        let read = store.read(|_| Ok::<(), StoreError>(()));
        assert!(matches!(read, Err(StoreError::Nested)), "{read:?}");
        let write = store.write(|_| Ok::<(), StoreError>(()));
        assert!(matches!(write, Err(StoreError::Nested)), "{write:?}");
    };
    let on = On(store);
    on.read(|_| {
        nested(store);
        Ok(())
    });
    on.write(|s| {
        nested(store);
        nested(&store.clone());
        s.jobs().enqueue(&job(1))
    });
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1]), "the outer one has gone on");
}

fn a_store_is_open_again_after_a_refusal_a_failure_and_a_panic<S: Store>(store: &S) {
    let on = On(store);
    on.read(|_| {
        assert!(store.read(|_| Ok::<(), StoreError>(())).is_err());
        Ok(())
    });
    on.refuse(|_| Err::<(), _>(StoreError::Nested));
    panic_in_a_write(store);
    let panicking_read = catch_unwind(AssertUnwindSafe(|| {
        store.read(|_| -> Result<(), StoreError> { std::panic::resume_unwind(Box::new("a reader's bug")) })
    }));
    assert!(panicking_read.is_err());
    assert_empty(&on);
    assert_eq!(on.enqueue(&job(1)), EnqueueOutcome::Created(job(1).id));
}

fn a_reader_sees_one_moment<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let started = AtomicBool::new(false);
    scope_with_deadline("the writer has written", |scope| {
        on.read(|s| {
            // A store that runs the closure again may do so after the writer.
            let (jobs, files) = (s.jobs().count()?, s.files().count()?);
            if !started.swap(true, Ordering::SeqCst) {
                scope.spawn(|| On(store).write(|s| write_more(s)));
            }
            // A store with one connection blocks the writer, others let it commit. In both cases, and however long this
            // takes, the reader does not see the write.
            for _ in 0..20 {
                std::thread::sleep(Duration::from_millis(1));
                assert_eq!(s.jobs().count()?, jobs);
                assert_eq!(s.files().count()?, files);
            }
            Ok(())
        });
    });
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1, 2]));
}

fn write_more(s: &mut dyn Session) -> Result<(), StoreError> {
    s.jobs().enqueue(&job(2))?;
    s.files().insert(&file(1)).map(drop)
}

fn a_clone_is_the_same_store<S: Store>(store: &S) {
    On(&store.clone()).enqueue(&job(1));
    assert_eq!(On(store).jobs(&JobFilter::default()), numbered(&[1]));
}

fn a_watch_sees_what_was_committed_since_it_was_made<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let mut watch = store.watch().unwrap();
    assert!(!watch.wait(Duration::ZERO).unwrap(), "what was committed before is not news");
    on.enqueue(&job(2));
    on.enqueue(&job(3));
    assert!(watch.wait(Duration::from_secs(300)).unwrap());
    assert!(!watch.wait(Duration::ZERO).unwrap(), "news are told once");
}

fn a_watch_waits_for_a_commit<S: Store>(store: &S) {
    let mut watch = store.watch().unwrap();
    scope_with_deadline("the other thread has written", |scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(5));
            On(store).enqueue(&job(1));
        });
        assert!(watch.wait(Duration::from_secs(300)).unwrap());
    });
}

fn a_watch_that_is_closed_waits_no_longer_and_tells_of_commits_all_the_same<S: Store>(store: &S) {
    let long = Duration::from_secs(300);
    let (mut closed, mut open) = (store.watch().unwrap(), store.watch().unwrap());
    let closer = closed.closer();
    scope_with_deadline("the watch has returned", |scope| {
        let waiting = scope.spawn(|| closed.wait(long).unwrap());
        closer.close();
        assert!(!waiting.join().unwrap());
    });
    assert!(!closed.wait(long).unwrap());
    On(store).enqueue(&job(1));
    assert!(closed.wait(long).unwrap() && open.wait(long).unwrap());
    assert!(!closed.wait(long).unwrap());
    drop((closed, open));
    closer.close();
}

fn maintenance_changes_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.write(write_everywhere);
    let before = (on.file(1), on.job(1), on.job(2), on.publication(1));
    assert_eq!(store.maintain().unwrap().log_held, None);
    assert_eq!((on.file(1), on.job(1), on.job(2), on.publication(1)), before);
}
