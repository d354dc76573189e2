//! Acquires and settles permits, on one thread and on eight, and looks whether a service is open.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run may as well panic")]

use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fieldfen_benches::{backlog, fieldfen};
use fieldfen_domain::rate_limit::{ApiLimit, CallAnswer, PermitRequest, SaidLimit};
use fieldfen_persistence::{Durability, SqliteStore};
use fieldfen_services::Environment;
use fieldfen_services::rate_limiter::RateLimiter;

/// More than any benchmark calls in a window.
const LIMIT: u64 = 1_000_000_000;

fn acquire_and_settle(limiter: &RateLimiter<SqliteStore>, times: u64) {
    let request = PermitRequest::new("bench");
    for _ in 0..times {
        let permit = limiter.acquire(&request).unwrap().permit().unwrap();
        let said = SaidLimit::new("minute".to_owned()).limit(LIMIT).remaining(LIMIT / 2);
        limiter.settle(permit, CallAnswer::said(vec![said])).unwrap();
    }
}

fn rate_limit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rate-limit");
    for (name, durability) in [("NORMAL", Durability::Normal), ("FULL", Durability::Full)] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = folder.path().join("rate-limit.db");
        backlog::migrate(&path).unwrap();
        let limiter = RateLimiter::new(fieldfen::open(&path, durability).unwrap(), Environment::system())
            .limit(ApiLimit::new("bench", "minute", LIMIT, Duration::from_secs(60)).unwrap());
        for threads in [1_u64, 8] {
            let id = BenchmarkId::new(format!("acquire and settle, {name}, threads"), threads);
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|pairs| {
                    let began = Instant::now();
                    thread::scope(|scope| {
                        for _ in 0..threads {
                            scope.spawn(|| acquire_and_settle(&limiter, pairs.div_ceil(threads)));
                        }
                    });
                    began.elapsed()
                });
            });
        }
        group.bench_function(BenchmarkId::new("look", name), |bencher| {
            bencher.iter(|| limiter.look("bench", None).unwrap());
        });
    }
}

criterion_group!(benches, rate_limit);
criterion_main!(benches);
