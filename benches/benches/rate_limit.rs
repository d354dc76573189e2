//! Acquires and settles permits, on one thread and on eight and under budgets, and looks whether a service is open.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run may as well panic")]

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fieldfen_benches::baseline::Connection;
use fieldfen_benches::{backlog, fieldfen};
use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, MAX_MONEY_MICROS, Money};
use fieldfen_domain::rate_limit::{ApiLimit, CallAnswer, PermitRequest, ReportedLimit};
use fieldfen_persistence::{Durability, SqliteStore};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::rate_limiter::RateLimiter;

/// More than any benchmark calls in a window.
const LIMIT: u64 = 1_000_000_000;

fn acquire_and_settle(limiter: &RateLimiter<SqliteStore>, times: u64) {
    let request = PermitRequest::new("bench");
    for _ in 0..times {
        let permit = limiter.acquire(&request).unwrap().permit().unwrap();
        let said = ReportedLimit::new("minute").limit(LIMIT).remaining(LIMIT / 2);
        limiter.settle(permit, CallAnswer::reported(vec![said])).unwrap();
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
        if durability == Durability::Full {
            continue;
        }
        record_a_month(&path);
        for (budget, limit) in [
            ("money", BudgetLimit::Money(Money::from_micros(MAX_MONEY_MICROS, Currency::USD).unwrap())),
            ("calls", BudgetLimit::Calls(LIMIT)),
        ] {
            let budgets = [Budget::new(budget, BudgetPeriod::Month, limit)];
            let store = fieldfen::open(&path, durability).unwrap();
            let costs = ApiCosts::new(store, Environment::system()).budgets(budgets).unwrap();
            let limiter = limiter.clone().budgets(costs);
            // The first acquisition rolls the calls up.
            acquire_and_settle(&limiter, 1);
            group.bench_function(BenchmarkId::new("acquire and settle, NORMAL, budget in", budget), |bencher| {
                bencher.iter(|| acquire_and_settle(&limiter, 1));
            });
            group.bench_function(BenchmarkId::new("look, NORMAL, budget in", budget), |bencher| {
                bencher.iter(|| limiter.look("bench", None).unwrap());
            });
        }
    }
}

/// Records 1,000,000 calls of this month, to 10 endpoints.
fn record_a_month(path: &Path) {
    let connection = Connection::open(path, Durability::Normal).unwrap();
    connection
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) \
             INSERT INTO api_usage (service, endpoint, outcome, recorded_at) \
             SELECT 'bench', 'GET /' || (i % 10), 'ok', strftime('%Y-%m-', 'now') || printf('%02d', 1 + i % 28) || ' 12:00:00' FROM n",
        )
        .unwrap();
}

criterion_group!(benches, rate_limit);
criterion_main!(benches);
