//! The figures of a worker and its store in the text format of Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money};
use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_domain::store::Store;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::overview::Overviews;
use fieldfen_services::prometheus::{MOST_KINDS, PrometheusMetrics, queue_text};
use fieldfen_services::worker::{IntoOutcome as _, Metrics as _, Outcome, Task};
use fieldfen_testkit::wait::wait_until;

use super::{Bench, Note};
use crate::SetUp as _;

on_every_store!(
    a_worker_counts_its_attempts_by_kind_and_outcome,
    gauges_have_the_queue_of_the_store_and_the_budgets,
    lost_leases_are_counted,
    kinds_beyond_the_bound_are_counted_together,
);

/// The samples of a text: the value by name and labels. The text must have the form that Prometheus reads.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut types = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').unwrap();
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is there twice");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let is_typed = |name: &str| types.contains_key(name);
            let of_histogram =
                ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end).is_some_and(is_typed));
            assert!(types.contains_key(name) || of_histogram, "{line}");
            assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "{series} is there twice");
        }
    }
    samples
}

fn a_worker_counts_its_attempts_by_kind_and_outcome(store: impl Store) {
    let bench = Bench::new(store);
    for text in ["good", "good", "bad"] {
        bench.queue.enqueue(&bench.queue.job(&Note::new(text)).unwrap().max_retries(1)).unwrap();
    }
    bench.clock.advance(Duration::from_secs(20));
    let metrics = PrometheusMetrics::with_labels([("worker", "a \"quoted\" name")]);
    let handler = |task: Task<Note>| match task.text.as_str() {
        "good" => ().into_outcome(),
        _ => Outcome::fail("bad"),
    };
    bench.drain(bench.worker().metrics(metrics.clone()).handle(handler));
    let text = metrics.text().unwrap();
    let samples = samples(&text);
    let with =
        |name: &str, labels: &str| samples.get(&format!("{name}{{worker=\"a \\\"quoted\\\" name\"{labels}}}")).copied();
    let ended =
        |outcome: &str| with("fieldfen_jobs_ended_total", &format!(",kind=\"test.note\",outcome=\"{outcome}\""));
    assert_eq!((ended("completed"), ended("failed"), ended("lost")), (Some(2.0), Some(1.0), None), "{text}");
    let kind = ",kind=\"test.note\"";
    assert_eq!(with("fieldfen_job_start_delay_seconds_count", kind), Some(3.0), "{text}");
    assert_eq!(with("fieldfen_job_start_delay_seconds_bucket", ",kind=\"test.note\",le=\"15\""), Some(0.0), "{text}");
    assert_eq!(with("fieldfen_job_start_delay_seconds_bucket", ",kind=\"test.note\",le=\"60\""), Some(3.0), "{text}");
    assert_eq!(with("fieldfen_job_run_seconds_count", kind), Some(3.0), "{text}");
    assert_eq!(with("fieldfen_leases_lost_total", ""), Some(0.0), "{text}");
}

fn gauges_have_the_queue_of_the_store_and_the_budgets(store: impl Store) {
    let bench = Bench::new(store);
    for _ in 0..3 {
        bench.note("waits");
    }
    assert_eq!(bench.claim_notes(1).len(), 1);
    bench.clock.advance(Duration::from_millis(90_500));
    let euros = BudgetLimit::Money(Money::parse("12.345", Currency::EUR).unwrap());
    let budgets = [
        Budget::new("pictures", BudgetPeriod::Month, euros),
        Budget::new("calls", BudgetPeriod::Day, BudgetLimit::Calls(500)),
    ];
    let costs = ApiCosts::new(bench.queue.store().clone(), bench.queue.environment().clone()).budgets(budgets).unwrap();
    let overviews = Overviews::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let text = queue_text(&overviews.clone().budgets(costs.clone()).figures().unwrap()).unwrap();
    let found = samples(&text);
    for (series, value) in [
        ("fieldfen_jobs{kind=\"test.note\",status=\"waiting\"}", 2.0),
        ("fieldfen_jobs{kind=\"test.note\",status=\"running\"}", 1.0),
        ("fieldfen_jobs{kind=\"test.note\",status=\"dead\"}", 0.0),
        ("fieldfen_jobs_capped{kind=\"test.note\",status=\"waiting\"}", 0.0),
        ("fieldfen_oldest_waiting_seconds{kind=\"test.note\"}", 90.5),
        ("fieldfen_budget_left_minor_units{budget=\"pictures\",currency=\"EUR\"}", 1234.0),
        ("fieldfen_budget_left_calls{budget=\"calls\"}", 500.0),
        ("fieldfen_live_workers", 0.0),
    ] {
        assert_eq!(found.get(series), Some(&value), "{series}: {text}");
    }
    assert!(!text.contains("fieldfen_jobs_ended"), "{text}");
    // A worker reads them by itself, with the budgets that it is given.
    let metrics = PrometheusMetrics::new();
    let running = bench.worker().metrics(metrics.clone()).budgets(costs).handle(|_: Task<Note>| ()).start().unwrap();
    let left = "fieldfen_budget_left_calls{budget=\"calls\"}";
    wait_until("the worker has read the queue", || samples(&metrics.text().unwrap()).get(left) == Some(&500.0));
    running.stop_handle().stop();
    super::panics::end_of(running).unwrap();
}

fn lost_leases_are_counted(store: impl Store) {
    let bench = Bench::new(store);
    bench.note("of a worker that has died");
    assert_eq!(bench.claim_notes(1).len(), 1);
    bench.clock.advance(Duration::from_secs(86_400));
    let metrics = PrometheusMetrics::new();
    let running = bench.worker().metrics(metrics.clone()).handle(|_: Task<Note>| ()).start().unwrap();
    wait_until("the lost lease was counted", || {
        samples(&metrics.text().unwrap()).get("fieldfen_leases_lost_total") == Some(&1.0)
    });
    running.stop_handle().stop();
    super::panics::end_of(running).unwrap();
}

fn kinds_beyond_the_bound_are_counted_together(store: impl Store) {
    let bench = Bench::new(store);
    let kind = |number: usize| JobKind::custom(format!("test.kind-{number:03}")).unwrap();
    let jobs: Vec<_> = (0..MOST_KINDS + 20)
        .map(|number| NewJob::untyped(bench.queue.environment().job_id(), kind(number), None, bench.now()).unwrap())
        .collect();
    bench.queue.store().set_up(|s| jobs.iter().try_for_each(|job| s.jobs().enqueue(job).map(drop))).unwrap();
    let overviews = Overviews::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let figures = overviews.figures().unwrap();
    let text = queue_text(&figures).unwrap();
    let found = samples(&text);
    let waiting = |kind: &str| found.get(&format!("fieldfen_jobs{{kind=\"{kind}\",status=\"waiting\"}}")).copied();
    assert_eq!((waiting("test.kind-099"), waiting("test.kind-100")), (Some(1.0), None), "{text}");
    assert_eq!(waiting("(other)"), Some(20.0), "{text}");
    // The kinds that a worker runs have a bound of their own.
    let metrics = PrometheusMetrics::new();
    for job in &jobs {
        metrics.job_started(&bench.job(&job.id), Duration::ZERO);
    }
    let counts: Vec<_> = samples(&metrics.text().unwrap())
        .into_iter()
        .filter(|(series, _)| series.starts_with("fieldfen_job_start_delay_seconds_count"))
        .collect();
    assert_eq!((counts.len(), counts.iter().map(|(_, count)| count).sum::<f64>()), (MOST_KINDS + 1, 120.0));
}
