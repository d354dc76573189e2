//! An operator looks for the reason why jobs have failed: attempts, dead letters by error, and filters.

use fieldfen_domain::JobId;
use fieldfen_domain::file::FileEvent;
use fieldfen_domain::job::{JobKind, NewJob, Retry};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_testkit::fixtures::{at, claim_ref, claim_request, failure, file, file_id, job, job_id};
use serde_json::Value;

use crate::shop_harness::Shop;

/// Enqueues jobs with these numbers, each of which fails for good with its error.
fn fail(shop: &Shop, jobs: &[(u64, &str)]) {
    for &(number, error) in jobs {
        let failed = shop.store().write(|s| {
            let _ = s.jobs().enqueue(&job(number))?;
            assert_eq!(s.jobs().claim(&claim_request(number, 1, at(0)))?.jobs.len(), 1);
            let report = failure(error, Retry::Never, at(i64::try_from(number).unwrap()));
            Ok::<_, StoreError>(s.jobs().fail(&claim_ref(number, number), &report)?.is_done())
        });
        assert!(failed.unwrap());
    }
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().unwrap()
}

/// The ids of the jobs that this filter finds, the oldest first.
fn found(shop: &Shop, filter: &[&str]) -> Vec<String> {
    let list = shop.run(&[&["jobs", "list", "--oldest", "--json"], filter].concat()).document(0);
    items(&list).iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

fn ids(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|number| job_id(*number).to_string()).collect()
}

#[test]
fn a_retried_job_shows_the_attempt_before_the_retry() {
    let shop = Shop::new();
    fail(&shop, &[(1, "no \u{1b}[2Jpaper")]);
    let id: JobId = job_id(1);
    shop.run(&["jobs", "retry", &id.to_string()]).ends_with(0);
    let shown = shop.run(&["jobs", "show", &id.to_string(), "--json"]).document(0);
    let attempt = &shown["attempts"][0];
    assert_eq!(
        (&shown["status"], &attempt["number"], &attempt["outcome"]),
        (&"pending".into(), &1.into(), &"failed".into())
    );
    assert_eq!(attempt["error"], "no \u{1b}[2Jpaper");
    let text = shop.run(&["jobs", "show", &id.to_string()]);
    text.ends_with(0);
    assert!(text.out.contains("outcome") && text.out.contains("worker of the tests"), "{}", text.out);
    assert!(!text.out.contains('\u{1b}'), "{:?}", text.out);
}

#[test]
fn a_job_that_has_completed_after_a_failure_shows_both_attempts_and_an_earlier_error() {
    let shop = Shop::new();
    let written = shop.store().write(|s| {
        let _ = s.jobs().enqueue(&job(1))?;
        assert_eq!(s.jobs().claim(&claim_request(1, 1, at(0)))?.jobs.len(), 1);
        let _ = s.jobs().fail(&claim_ref(1, 1), &failure("out of paper", Retry::At(at(2)), at(1)))?;
        assert_eq!(s.jobs().claim(&claim_request(2, 1, at(2)))?.jobs.len(), 1);
        let _ = s.jobs().complete(&claim_ref(1, 2), None, at(3))?;
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    let id = job_id(1).to_string();
    let shown = shop.run(&["jobs", "show", &id, "--json"]).document(0);
    let attempts: Vec<_> =
        shown["attempts"].as_array().unwrap().iter().map(|attempt| (&attempt["number"], &attempt["outcome"])).collect();
    assert_eq!(attempts, [(&1.into(), &"failed".into()), (&2.into(), &"completed".into())], "{shown}");
    let text = shop.run(&["jobs", "show", &id]).out;
    assert!(text.contains("\nearlier error    out of paper\n"), "{text}");
    assert!(!shop.run(&["jobs", "list"]).out.contains("out of paper"), "the error needs nobody any more");
}

#[test]
fn the_file_of_a_cancelled_job_fails_with_the_job() {
    let shop = Shop::new();
    let upscale = |number: u64| {
        let job = NewJob::untyped(job_id(number), JobKind::UpscaleImage, None, at(0)).unwrap();
        job.file_id(file_id(number))
    };
    let written = shop.store().write(|s| {
        for number in 1..=3 {
            let _ = s.files().insert(&file(number))?;
            let found = s.files().find(&file_id(number))?.unwrap();
            s.files().change(&found.after(FileEvent::ProcessingStarted, "begins", at(1))?)?;
            let _ = s.jobs().enqueue(&upscale(number))?;
        }
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    let file_status = |number: u64| {
        let shown = shop.run(&["files", "show", &file_id(number).to_string(), "--json"]).document(0);
        shown["status"].as_str().unwrap().to_owned()
    };
    shop.run(&["jobs", "cancel", &job_id(1).to_string(), "--reason", "wrong picture"]).ends_with(0);
    assert_eq!([1, 2, 3].map(file_status), ["failed", "processing", "processing"]);
    shop.run(&["jobs", "cancel", "--all", "--kind", "UpscaleImage", "--reason", "closed", "--yes"]).ends_with(0);
    assert_eq!([1, 2, 3].map(file_status), ["failed"; 3]);
}

#[test]
fn dead_letters_are_counted_by_error_and_listed_by_fingerprint() {
    let shop = Shop::new();
    assert!(shop.run(&["jobs", "errors"]).out.starts_with("no dead letters: "));
    fail(&shop, &[(1, "out of paper"), (2, "listing 17 is gone"), (3, "listing 4 is gone")]);
    let errors = shop.run(&["jobs", "errors", "--json"]).document(0);
    let groups: Vec<_> = items(&errors).iter().map(|group| (&group["fingerprint"], &group["jobs"])).collect();
    assert_eq!(groups, [(&"listing <n> is gone".into(), &2.into()), (&"out of paper".into(), &1.into())]);
    assert_eq!((&errors["more"], &items(&errors)[0]["example"]), (&false.into(), &job_id(3).to_string().into()));
    let text = shop.run(&["jobs", "errors", "--limit", "1"]);
    assert!(text.out.contains("listing <n> is gone") && text.out.contains("--limit"), "{}", text.out);
    assert_eq!(found(&shop, &["--dead", "--fingerprint", "listing <n> is gone"]), ids(&[2, 3]));
    assert_eq!(found(&shop, &["--fingerprint", ""]), ids(&[]));
}

#[test]
fn jobs_are_found_by_end_worker_and_payload() {
    let shop = Shop::new();
    fail(&shop, &[(1, "no"), (2, "no"), (3, "no")]);
    let time = |second: i64| at(second).to_rfc3339();
    assert_eq!(found(&shop, &["--since", &time(2), "--until", &time(3)]), ids(&[2]));
    assert_eq!(found(&shop, &["--worker", "worker of the tests", "--payload", "\"number\":3"]), ids(&[3]));
    assert_eq!(found(&shop, &["--account", "etsy"]), ids(&[]));
    shop.run(&["jobs", "list", "--since", "yesterday"]).ends_with(2);
}
