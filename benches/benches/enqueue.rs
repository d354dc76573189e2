//! Enqueues one job per transaction, and many jobs in one transaction.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run may as well panic")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fieldfen_benches::backlog::{self, KIND};
use fieldfen_benches::fieldfen;
use fieldfen_domain::JobId;
use fieldfen_domain::job::NewJob;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_persistence::Durability;
use fieldfen_services::environment::{Randomness, SeededRandomness};

fn enqueue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("enqueue");
    for (name, durability) in [("NORMAL", Durability::Normal), ("FULL", Durability::Full)] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = folder.path().join("enqueue.db");
        backlog::migrate(&path).unwrap();
        let store = fieldfen::open(&path, durability).unwrap();
        let random = SeededRandomness::new(1);
        let now = fieldfen::now().unwrap();
        for jobs in [1_u32, 1000] {
            group.throughput(Throughput::Elements(jobs.into()));
            group.bench_function(BenchmarkId::new(name, jobs), |bencher| {
                bencher.iter(|| {
                    store
                        .write(|s| {
                            for _ in 0..jobs {
                                let job = NewJob::untyped(JobId::from_random(random.bits()), KIND, None, now).unwrap();
                                s.jobs().enqueue(&job)?;
                            }
                            Ok::<(), StoreError>(())
                        })
                        .unwrap();
                });
            });
        }
    }
}

criterion_group!(benches, enqueue);
criterion_main!(benches);
