//! The store of async programs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::AsyncStore;
use fieldfen_testkit::fixtures::file;
use fieldfen_testkit::wait::{received, with_deadline};
use tokio::runtime::Runtime;

on_stores_without_faults!(
    reads_and_writes_are_those_of_the_store,
    no_more_calls_run_at_once_than_are_allowed,
    a_call_whose_future_is_dropped_runs_to_its_end,
    a_panic_reaches_the_caller_and_leaves_the_store_usable,
    a_call_after_the_runtime_has_shut_down_is_refused,
);

fn reads_and_writes_are_those_of_the_store(store: impl Store) {
    let store = AsyncStore::new(store);
    with_deadline("all calls have returned", move || {
        Runtime::new().unwrap().block_on(async {
            store.write(|s| s.files().insert(&file(1)).map(drop)).await.unwrap();
            assert_eq!(store.read(|s| s.files().count()).await.unwrap()[0].1, 1);
            let refused =
                store.try_write(|s| s.files().insert(&file(2)).map_err(OwnError::from).and(Err(OwnError::Own)));
            assert!(matches!(refused.await, Err::<(), _>(OwnError::Own)));
            let refused = store.write(|s| s.files().insert(&file(1)).and(s.files().insert(&file(1))).map(drop)).await;
            refused.unwrap();
            assert_eq!(store.blocking().read(|s| s.files().count()).unwrap()[0].1, 1);
        });
    });
}

#[derive(Debug)]
enum OwnError {
    Own,
    Store,
}

impl From<StoreError> for OwnError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

fn no_more_calls_run_at_once_than_are_allowed(store: impl Store) {
    let store = AsyncStore::new(store).at_once(NonZeroUsize::new(2).unwrap());
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    with_deadline("all calls have returned", move || {
        Runtime::new().unwrap().block_on(async {
            let calls: Vec<_> = (0..12)
                .map(|_| {
                    let (store, running, most) = (store.clone(), Arc::clone(&running), Arc::clone(&most));
                    tokio::spawn(async move {
                        let call = move |_: &_| {
                            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            thread::sleep(Duration::from_millis(5));
                            running.fetch_sub(1, Ordering::SeqCst);
                            Ok::<_, StoreError>(())
                        };
                        store.run(call).await.unwrap();
                    })
                })
                .collect();
            for call in calls {
                call.await.unwrap();
            }
        });
    });
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

fn a_call_whose_future_is_dropped_runs_to_its_end(store: impl Store) {
    let store = AsyncStore::new(store);
    let runtime = Runtime::new().unwrap();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let writer = store.clone();
    let call = runtime.spawn(async move {
        let call = writer.run(move |store| {
            begun.send(()).unwrap();
            received("the call may go on", &may_go);
            store.write(|s| s.files().insert(&file(1)).map(drop))
        });
        call.await.unwrap();
    });
    received("the call has begun", &has_begun);
    call.abort();
    go.send(()).unwrap();
    drop(runtime);
    assert_eq!(store.blocking().read(|s| s.files().count()).unwrap()[0].1, 1);
}

fn a_panic_reaches_the_caller_and_leaves_the_store_usable(store: impl Store) {
    let store = AsyncStore::new(store);
    with_deadline("all calls have returned", move || {
        Runtime::new().unwrap().block_on(async {
            let writer = store.clone();
            let call = tokio::spawn(async move { writer.write::<(), _>(|_| panic!("lens cap")).await });
            assert!(call.await.unwrap_err().is_panic());
            store.write(|s| s.files().insert(&file(1)).map(drop)).await.unwrap();
        });
    });
}

fn a_call_after_the_runtime_has_shut_down_is_refused(store: impl Store) {
    let store = AsyncStore::new(store);
    let gone = Runtime::new().unwrap();
    let handle = gone.handle().clone();
    drop(gone);
    let answer = with_deadline("the call is refused", move || {
        Runtime::new().unwrap().block_on(async {
            let _entered = handle.enter();
            store.read(|s| s.files().count()).await
        })
    });
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })));
}
