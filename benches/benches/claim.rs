//! Claims and completions through the store and by the baseline, under both durabilities.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run may as well panic")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fieldfen_benches::backlog::{Backlog, KIND, LATER, NOW};
use fieldfen_benches::baseline::{BaselineWorker, Claim, Connection};
use fieldfen_benches::fieldfen::FieldfenWorker;
use fieldfen_persistence::Durability;

const TOKEN: &str = "5f6e7d8c-9b0a-4a3b-8c2d-1e0f1e2d3c4b";

/// The number of jobs in the queue. Completed jobs are made due again before they run out.
const JOBS: u32 = 10_000;

/// Also truncates the log. Otherwise the first claims would take longer.
const AGAIN: &str = "UPDATE jobs SET status = 'pending', completed_at = NULL WHERE status = 'completed'; \
                     PRAGMA wal_checkpoint(TRUNCATE)";

fn claim_and_complete(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("claim + complete");
    for (name, durability) in [("NORMAL", Durability::Normal), ("FULL", Durability::Full)] {
        for limit in [1, 100] {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let path = folder.path().join("claim.db");
            Backlog { pending: JOBS, ..Backlog::default() }.create(&path).unwrap();
            let refill = Connection::open(&path, Durability::Normal).unwrap();
            group.throughput(Throughput::Elements(limit.into()));

            let mut fieldfen = FieldfenWorker::open(&path, durability).unwrap();
            group.bench_function(BenchmarkId::new(format!("fieldfen, {name}"), limit), |bencher| {
                bencher.iter_custom(|iterations| {
                    timed(iterations, limit, &refill, || {
                        let jobs = fieldfen.claim(limit).unwrap();
                        assert_eq!(fieldfen.complete_all(&jobs).unwrap(), limit as usize);
                    })
                });
            });

            let mut baseline = BaselineWorker::open(&path, durability).unwrap();
            let claim = Claim {
                token: TOKEN,
                expires_at: LATER,
                worker: "bench",
                kind: KIND.as_str(),
                now: NOW,
                limit: limit.into(),
            };
            let mut ids = Vec::new();
            group.bench_function(BenchmarkId::new(format!("baseline, {name}"), limit), |bencher| {
                bencher.iter_custom(|iterations| {
                    timed(iterations, limit, &refill, || {
                        ids.clear();
                        baseline.claim(&claim, &mut ids).unwrap();
                        let completed = match &*ids {
                            [id] => usize::from(baseline.complete(id, TOKEN, NOW).unwrap()),
                            ids => baseline.complete_all(ids, TOKEN, NOW).unwrap(),
                        };
                        assert_eq!(completed, limit as usize);
                    })
                });
            });
        }
    }
}

/// Runs `f` this many times on enough jobs. Returns the time, without that of making jobs due again.
fn timed(iterations: u64, limit: u32, refill: &Connection, mut f: impl FnMut()) -> std::time::Duration {
    let mut time = std::time::Duration::ZERO;
    let batch = u64::from(JOBS / limit);
    let mut left = iterations;
    while left > 0 {
        refill.execute(AGAIN).unwrap();
        let now = left.min(batch);
        let began = std::time::Instant::now();
        for _ in 0..now {
            f();
        }
        time += began.elapsed();
        left -= now;
    }
    time
}

criterion_group!(benches, claim_and_complete);
criterion_main!(benches);
