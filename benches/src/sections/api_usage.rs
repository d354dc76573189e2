//! Recording a call to an external API, and the report on a million calls.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money};
use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::store::Store;
use fieldfen_domain::{JobId, Timestamp};
use fieldfen_persistence::{Durability, SqliteStore};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::api_report::ApiReports;
use fieldfen_services::api_usage::ApiUsage;

use super::{Stage, grouped, micros};
use crate::backlog;
use crate::baseline::{Connection, Value};
use crate::fieldfen;
use crate::report::{Bound, Report, Row};
use crate::rounds::{self, Contestant};

/// The number of recorded calls.
const CALLS: u32 = 1_000_000;

/// The calls that are in no total of a day yet.
const TAIL: u32 = 256;

const DAYS: u32 = 30;

const SERVICES: [&str; 5] = ["etsy", "pinterest", "replicate", "shopify", "tiktok"];

/// The endpoints of each service.
const ENDPOINTS: u32 = 20;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The calls of one contestant in one round.
const BATCH: u32 = 100;

const INSERT: &str = "\
    INSERT INTO api_usage (service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, \
    http_status, error, duration_ms, job_id, file_id, external_id, recorded_at) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("calls.db");
    let environment = Environment::system();
    create(&path, environment.now())?;
    let store = fieldfen::open(&path, Durability::Normal)?;
    while store.write(|s| s.api_usage().roll_up(50_000))? == 50_000 {}
    calls_of_other_programs(&path, environment.now(), TAIL)?;
    report_of_many(&store, &environment, report)?;
    record(&path, &store, &environment, report)
}

/// The report on all calls.
fn report_of_many(store: &SqliteStore, environment: &Environment, report: &mut Report) -> Result<()> {
    let limit = |dollars: &str| Ok::<_, anyhow::Error>(BudgetLimit::Money(Money::parse(dollars, Currency::USD)?));
    let budgets = [
        Budget::new("all", BudgetPeriod::Month, limit("100000")?),
        Budget::new("etsy", BudgetPeriod::Day, limit("1000")?).service("etsy"),
        Budget::new("calls", BudgetPeriod::Month, BudgetLimit::Calls(10_000_000)).service("replicate"),
    ];
    let reports = ApiReports::new(ApiCosts::new(store.clone(), environment.clone()).budgets(budgets)?);
    let today = environment.now().date_naive();
    let days = (environment.now() - DAY * DAYS).date_naive()..=today;
    let mut times = Vec::new();
    for round in 0..12 {
        let time = micros(|| {
            let made = reports.report(&days)?;
            let calls: u64 = made.services.iter().map(|service| service.figures.calls).sum();
            ensure!(calls == u64::from(CALLS + TAIL), "the report counts {calls} calls");
            Ok(())
        })?;
        if round > 0 {
            times.push(time);
        }
    }
    report.row(
        Row::new(
            format!("report over {} API calls, warm", grouped(CALLS)),
            rounds::median(&times) / 1000.0,
            "ms",
            Bound::Below(100.0),
        )
        .parts(format!("longest of {}: {:.1} ms", times.len(), rounds::quantile(&times, 1.0) / 1000.0)),
    );
    report.note(format!(
        "API calls: {DAYS} days, {} services of {ENDPOINTS} endpoints, 3 budgets; {TAIL} calls are in no total of a day yet.",
        SERVICES.len()
    ));
    Ok(())
}

/// Records calls one by one, against a plain INSERT of the same row on the same file.
fn record(path: &Path, store: &SqliteStore, environment: &Environment, report: &mut Report) -> Result<()> {
    let usage = ApiUsage::new(store.clone(), environment.clone());
    let job = JobId::from_random(1);
    let call = ApiCall::new("replicate", environment.now())
        .account("main")
        .endpoint("POST /v1/predictions")
        .rate_limit_remaining(599)
        .rate_limit_reset_at(environment.now())
        .outcome(CallOutcome::Ok)
        .http_status(201)
        .duration(Duration::from_millis(120))
        .job_id(job)
        .external_id("gm3qorzdhgbfurvjtvhg6dckhu");
    let connection = Connection::open(path, Durability::Normal)?;
    let mut insert = connection.prepare(INSERT)?;
    let (mut begin, mut commit) = (connection.prepare("BEGIN IMMEDIATE")?, connection.prepare("COMMIT")?);
    let (now, job) = (text(environment.now()), job.to_string());
    let row = [
        Value::Text("replicate"),
        Value::Text("main"),
        Value::Text("POST /v1/predictions"),
        Value::Int(1),
        Value::Int(599),
        Value::Text(&now),
        Value::Text("ok"),
        Value::Int(201),
        Value::Null,
        Value::Int(120),
        Value::Text(&job),
        Value::Null,
        Value::Text("gm3qorzdhgbfurvjtvhg6dckhu"),
        Value::Text(&now),
    ];
    let mut contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| of_batch(|| usage.record(&call).map_err(anyhow::Error::from))),
        Box::new(|| {
            of_batch(|| {
                begin.run(&[], |_| {})?;
                insert.run(&row, |_| {})?;
                commit.run(&[], |_| {})
            })
        }),
    ];
    let figures = rounds::interleave(41, &mut contestants)?;
    drop(contestants);
    let [ours, plain] = &*figures else { return Ok(()) };
    report.row(
        Row::new("usage record / floor insert", rounds::ratio(ours, plain), "x", Bound::AtMost(1.5)).parts(format!(
            "{:.1} µs / {:.1} µs",
            rounds::median(ours),
            rounds::median(plain)
        )),
    );
    Ok(())
}

/// The median time of one of many calls.
fn of_batch(mut f: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..BATCH {
        times.push(micros(&mut f)?);
    }
    Ok(rounds::median(&times))
}

/// A time as SQLite stores it.
fn text(time: Timestamp) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// A database with calls and costs of the last days.
fn create(path: &Path, now: Timestamp) -> Result<()> {
    backlog::migrate(path)?;
    calls_of_other_programs(path, now, CALLS)?;
    let connection = Connection::open(path, Durability::Normal)?;
    connection.execute("PRAGMA synchronous = OFF; BEGIN IMMEDIATE")?;
    let mut day = connection.prepare(
        "INSERT INTO api_cost_daily (day, service, account, endpoint, currency, known_micros, guessed_micros, items, \
         unknown_items) VALUES (?, ?, 'main', ?, 'USD', 2000000, 10000, 300, 2)",
    )?;
    let mut month = connection.prepare(
        "INSERT OR REPLACE INTO api_cost_monthly (month, service, account, currency, known_micros, guessed_micros, items, \
         unknown_items) VALUES (?, ?, 'main', 'USD', 60000000, 300000, 9000, 60)",
    )?;
    for back in 0..DAYS {
        let name = (now - DAY * back).date_naive().to_string();
        for service in SERVICES {
            for endpoint in 0..ENDPOINTS {
                let endpoint = format!("POST /v1/{endpoint}");
                day.run(&[Value::Text(&name), Value::Text(service), Value::Text(&endpoint)], |_| {})?;
            }
            month.run(&[Value::Text(&name[..7]), Value::Text(service)], |_| {})?;
        }
    }
    connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
}

/// Inserts calls that are spread over the last days.
fn calls_of_other_programs(path: &Path, now: Timestamp, calls: u32) -> Result<()> {
    let connection = Connection::open(path, Durability::Normal)?;
    connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; BEGIN IMMEDIATE")?;
    let mut insert = connection.prepare(INSERT)?;
    let days: Vec<String> = (0..DAYS).map(|back| text(now - DAY * back)).collect();
    let endpoints: Vec<String> = (0..ENDPOINTS).map(|endpoint| format!("POST /v1/{endpoint}")).collect();
    for call in 0..calls {
        let index = call as usize;
        let at = &days[days.len() - 1 - index * days.len() / calls as usize];
        let (outcome, status) = match call % 50 {
            0 => ("throttled", 429),
            1 => ("no_answer", 503),
            _ => ("ok", 200),
        };
        let row = [
            Value::Text(SERVICES[index % SERVICES.len()]),
            Value::Text("main"),
            Value::Text(&endpoints[index / 7 % endpoints.len()]),
            Value::Int(1),
            Value::Int(599),
            Value::Text(at),
            Value::Text(outcome),
            Value::Int(status),
            Value::Null,
            Value::Int(120),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Text(at),
        ];
        insert.run(&row, |_| {})?;
    }
    connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
}
