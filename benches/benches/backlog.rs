//! The time of a claim with each shape of backlog.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run may as well panic")]

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use fieldfen_benches::backlog::Backlog;
use fieldfen_benches::fieldfen::FieldfenWorker;
use fieldfen_persistence::Durability;

/// Due jobs for every backlog. Claimed jobs are released, so that they never run out.
const CLEAN: Backlog = Backlog { pending: 1000, completed: 0, in_flight: 0, future: 0, other_kind: 0, accounts: 0 };

const MANY: u32 = 100_000;

fn claim(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("claim with backlog");
    for (name, backlog) in [
        ("clean", CLEAN),
        ("completed", Backlog { completed: MANY, ..CLEAN }),
        ("pending", Backlog { pending: MANY, ..CLEAN }),
        ("in flight", Backlog { in_flight: MANY, ..CLEAN }),
        ("future-dated", Backlog { future: MANY, ..CLEAN }),
        ("other kinds", Backlog { other_kind: MANY, ..CLEAN }),
        (
            "all",
            Backlog { pending: MANY, completed: MANY, in_flight: MANY, future: MANY, other_kind: MANY, accounts: 0 },
        ),
    ] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = folder.path().join("backlog.db");
        backlog.create(&path).unwrap();
        let mut worker = FieldfenWorker::open(&path, Durability::Normal).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut time = Duration::ZERO;
                for _ in 0..iterations {
                    let began = Instant::now();
                    let jobs = worker.claim(1).unwrap();
                    time += began.elapsed();
                    assert_eq!(worker.release_all(&jobs).unwrap(), 1);
                }
                time
            });
        });
    }
}

criterion_group!(benches, claim);
criterion_main!(benches);
