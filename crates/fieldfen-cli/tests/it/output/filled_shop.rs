//! Shops with rows of every kind. The ids are those of the fixtures; the times count back from now.

use std::fs;
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::file::{FileEdit, FileEvent, FileStatus};
use fieldfen_domain::job::{ClaimRequest, JobKind, NewJob, ParkedFor, Priority, Retry, WorkerName};
use fieldfen_domain::rate_limit::{ApiLimit, CallAnswer, PermitRequest};
use fieldfen_domain::store::{Session, Store as _, StoreError};
use fieldfen_domain::{RawJson, Timestamp};
use fieldfen_services::Environment;
use fieldfen_services::api_usage::ApiUsage;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_services::worker::Worker;
use fieldfen_testkit::fixtures::{
    claim_ref, failure, file_id, foreign_listing, foreign_post, job_id, kind, listing_confirmation, listing_target,
    metadata, post_confirmation, post_target, publication_id, recurring, registered_worker, reserve_request, token,
};

use crate::shop_harness::Shop;
use crate::usage::charge_listing;

/// A worker of the test's own process, which carries requests of operators out.
pub(super) type OperatorsWorker = Option<Worker>;

const STATUSES: [FileStatus; 6] = [
    FileStatus::Ingested,
    FileStatus::Processing,
    FileStatus::Processed,
    FileStatus::Approved,
    FileStatus::Published,
    FileStatus::Failed,
];

/// The time this many minutes ago. Half a minute more keeps ages the same while the test runs.
fn ago(minutes: i64) -> Timestamp {
    Environment::system().now() - TimeDelta::minutes(minutes) - TimeDelta::seconds(30)
}

fn write(shop: &Shop, mut rows: impl FnMut(&mut dyn Session) -> Result<(), StoreError>) {
    shop.store().write(|s| rows(s)).unwrap();
}

/// Nothing but the tables.
pub(super) fn nothing(_: &Shop) -> OperatorsWorker {
    None
}

/// Two pictures in a folder, and a body of a webhook.
pub(super) fn pictures(shop: &Shop) -> OperatorsWorker {
    shop.pictures(&["red-fox-first-snow.jpg", "grey-heron-evening-pond.jpg"]);
    fs::write(shop.folder().join("pictures/notes.txt"), "no picture").unwrap();
    fs::write(shop.folder().join("order.json"), r#"{"id": 9007199254740993, "total_price": "19.00"}"#).unwrap();
    None
}

/// Files 1 to 6, one of each status, and 7 to 12, again one of each.
pub(super) fn files(shop: &Shop) -> OperatorsWorker {
    use FileEvent as E;

    let _ = pictures(shop);
    for number in 1..=12_u64 {
        let status = STATUSES[usize::try_from((number - 1) % 6).unwrap()];
        let events: &[FileEvent] = match status {
            FileStatus::Ingested => &[],
            FileStatus::Processing => &[E::ProcessingStarted],
            FileStatus::Processed => &[E::ProcessingStarted, E::ProcessingFinished],
            FileStatus::Approved => &[E::ProcessingStarted, E::ProcessingFinished, E::Approved],
            FileStatus::Published => &[E::ProcessingStarted, E::ProcessingFinished, E::Approved, E::ListingConfirmed],
            FileStatus::Failed => &[E::ProcessingStarted, E::Failed],
        };
        write(shop, |s| {
            let mut new = fieldfen_testkit::fixtures::file(number);
            new.at = ago(200);
            assert_eq!(s.files().insert(&new)?, fieldfen_domain::file::IngestOutcome::Created);
            for &event in events {
                let file = s.files().find(&new.id)?.unwrap();
                s.files().change(&file.after(event, event.as_str(), ago(90))?)?;
            }
            let edit = FileEdit::new().metadata(metadata().to_json().unwrap()).processed_filename("picture-x4.png");
            if status == FileStatus::Published {
                let _ = s.files().edit(&new.id, &edit, ago(80))?;
            }
            Ok(())
        });
    }
    None
}

/// Jobs 11 to 19: due later, running, completed, two failed with one error, one with another, parked, due, of an
/// account.
pub(super) fn jobs(shop: &Shop) -> OperatorsWorker {
    let _ = files(shop);
    let new = |number: u64, kind: JobKind, payload: &str| {
        NewJob::untyped(job_id(number), kind, Some(RawJson::unchecked(payload.to_owned())), ago(120)).unwrap()
    };
    let claim = |kind: JobKind, number: u64| {
        let day = Duration::from_secs(86_400);
        ClaimRequest::new([kind].into(), 1, token(number), ago(60), day, WorkerName::new("kestrel 4711"))
    };
    write(shop, |s| {
        for (number, error) in [
            (14, "exit code 1: line 17: out of memory"),
            (15, "exit code 1: line 4: out of memory"),
            (16, "no paper\u{1b}[2J"),
        ] {
            let job = new(number, JobKind::UpscaleImage, r#"{"scale": 4}"#).file_id(file_id(number - 8)).max_retries(0);
            let _ = s.jobs().enqueue(&job)?;
            let _ = s.jobs().claim(&claim(JobKind::UpscaleImage, number))?;
            let _ = s.jobs().fail(&claim_ref(number, number), &failure(error, Retry::Never, ago(50)))?;
        }
        let _ = s.jobs().enqueue(&new(17, JobKind::CreateListing, r#"{"platform": "etsy"}"#).file_id(file_id(3)))?;
        let _ = s.jobs().claim(&claim(JobKind::CreateListing, 17))?;
        let parked = failure("the file is not approved", Retry::Parked(ParkedFor::Approval), ago(50));
        let _ = s.jobs().fail(&claim_ref(17, 17), &parked)?;
        let _ = s.jobs().enqueue(&new(13, kind("acme.count"), r#"{"text": "red fox"}"#))?;
        let _ = s.jobs().claim(&claim(kind("acme.count"), 13))?;
        let _ = s.jobs().complete(&claim_ref(13, 13), Some(&RawJson::unchecked("2".to_owned())), ago(40))?;
        let _ = s.jobs().enqueue(&new(12, JobKind::GenerateMetadata, r#"{"language": "en"}"#).file_id(file_id(2)))?;
        let _ = s.jobs().claim(&claim(JobKind::GenerateMetadata, 12))?;
        let _ = s
            .jobs()
            .enqueue(&new(11, JobKind::UpscaleImage, r#"{"scale": 4}"#).file_id(file_id(1)).run_at(ago(-600)))?;
        let _ = s
            .jobs()
            .enqueue(&new(18, kind("webhook.received"), r#"{"id": 9007199254740993}"#).priority(Priority::High))?;
        let account = "etsy/main".parse().unwrap();
        let _ = s.jobs().enqueue(&new(19, kind("acme.report"), "null").account(Some(account)))?;
        Ok(())
    });
    None
}

/// Publications 21 to 25 and 35: in doubt, listed, posted, reserved, in doubt twice more. Listing 32 and post 42, and
/// 33 and 43, are of another program.
pub(super) fn publications(shop: &Shop) -> OperatorsWorker {
    let _ = jobs(shop);
    write(shop, |s| {
        for (number, file, target) in [
            (21, 4, listing_target("print")),
            (22, 5, listing_target("")),
            (23, 5, post_target("monday")),
            (24, 4, listing_target("mug")),
            (25, 10, listing_target("")),
            (26, 10, listing_target("print")),
        ] {
            let _ = s.publications().reserve(&reserve_request(number, file_id(file), target, ago(70)))?;
        }
        for number in [21, 25, 26] {
            let why = "no answer from https://openapi.etsy.com within 30 s";
            let _ = s.publications().mark_unknown(&publication_id(number), &token(number), why, None, ago(65))?;
        }
        let _ = s.publications().confirm(&publication_id(22), &listing_confirmation(31, ago(65)))?;
        let _ = s.publications().confirm(&publication_id(23), &post_confirmation(41, ago(65)))?;
        for (number, file) in [(32, 5), (33, 11)] {
            s.listings().insert_listing(&foreign_listing(number, file_id(file)))?;
            s.listings().insert_post(&foreign_post(number + 10, file_id(file)))?;
        }
        Ok(())
    });
    None
}

/// Recurring work, and a worker that lives on another machine.
pub(super) fn recurring_work(shop: &Shop) -> OperatorsWorker {
    let _ = jobs(shop);
    add_recurring_work(shop);
    None
}

fn add_recurring_work(shop: &Shop) {
    write(shop, |s| {
        s.recurring().define(&recurring("nightly", "0 3 * * *", ago(-600)))?;
        s.recurring().define(&recurring("report", "0 8 * * 1", ago(-600)))?;
        let mut worker = registered_worker(1, &["UpscaleImage", "GenerateMetadata"], Environment::system().now());
        worker.started_at = ago(300);
        s.workers().register(&worker)
    });
}

/// Three calls to Etsy, one listing of 20 cents, and a limit of which two units are used.
pub(super) fn usage(shop: &Shop) -> OperatorsWorker {
    let _ = jobs(shop);
    add_usage(shop);
    None
}

fn add_usage(shop: &Shop) {
    let environment = Environment::system();
    let calls = ApiUsage::new(shop.store(), environment.clone());
    for (outcome, status, error, external_id) in [
        (CallOutcome::Ok, Some(201), None, Some("listing 1")),
        (CallOutcome::Throttled, Some(429), Some("Too Many Requests"), None),
        (CallOutcome::NoAnswer, None, Some("time-out\nafter 30 s"), None),
    ] {
        let call = ApiCall::new("etsy", environment.now()).endpoint("createListing").outcome(outcome);
        let call = call.external_id(external_id.map(str::to_owned));
        let call = call.http_status(status).error(error.map(str::to_owned)).duration(Duration::from_millis(250));
        calls.record(&call.account("main").job_id(job_id(12)).rate_limit_remaining(38)).unwrap();
    }
    charge_listing(shop);
    let limit = ApiLimit::new("replicate", "predictions", 600, Duration::from_secs(3600)).unwrap();
    let limiter = RateLimiter::new(shop.store(), environment).limit(limit);
    for _ in 0..2 {
        let permit = limiter.acquire(&PermitRequest::new("replicate")).unwrap().permit().unwrap();
        limiter.start(&permit).unwrap();
        limiter.settle(permit, CallAnswer::silent()).unwrap();
    }
}

/// The rows of all other shops, and what the commands make: a pause, a webhook, a bulk action, a rolled-up day.
pub(crate) fn all_rows(shop: &Shop) {
    let _ = publications(shop);
    add_recurring_work(shop);
    add_usage(shop);
    for line in [
        "webhooks receive order.json --source shopify --event orders/paid",
        "pause --service printful --reason closed",
        "jobs priority --all --to 0 --yes",
        "recurring run nightly",
    ] {
        shop.run(&line.split(' ').collect::<Vec<_>>()).ends_with(0);
    }
    // Rows that come with time, or stay only after a crash.
    shop.sql(
        "INSERT OR IGNORE INTO concurrency_limits (kind, partition, max_running) VALUES ('UpscaleImage', 'all', 3);
         INSERT OR IGNORE INTO api_usage_daily VALUES ('2026-11-01', 'etsy', 'main', 'createListing', 'ok', 1, 1, 250);
         INSERT OR IGNORE INTO api_usage_monthly VALUES ('2026-11', 'etsy', 'main', 1);
         INSERT OR IGNORE INTO rate_limit_usage VALUES (1, '2099-01-01 00:00:00.000000', 1);
         INSERT OR IGNORE INTO api_permits (id, service, units, worker, acquired_at, start_by, lapses_at)
         VALUES ('00000000-0000-4000-8000-0000000000aa', 'etsy', 1, 'kestrel', '2026-11-01 00:00:00.000000',
                 '2026-11-01 00:00:01.000000', '2026-11-01 00:00:02.000000');
         INSERT OR IGNORE INTO api_permit_limits VALUES ('00000000-0000-4000-8000-0000000000aa', 1, 1, 0)",
    );
}

/// All rows of the other shops, and a worker that carries requests of operators out.
pub(super) fn publications_with_worker(shop: &Shop) -> OperatorsWorker {
    let _ = publications(shop);
    Some(shop.operators_worker())
}
