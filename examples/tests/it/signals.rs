//! Stops by a signal, the runs after them, and runs with nothing to do.

use std::fs;
use std::process::Command;

use fieldfen_testkit::wait::{output, output_of, wait_until};
use serde_json::Value;

use crate::pipeline_process::{Workdir, document, package};

/// Many pictures: copies of the samples with different bytes after their ends.
fn many(count: usize) -> Workdir {
    let pictures = tempfile::tempdir().unwrap();
    let samples: Vec<_> =
        fs::read_dir(package().join("pictures")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for number in 0..count {
        let sample = &samples[number % samples.len()];
        let mut bytes = fs::read(sample).unwrap();
        bytes.extend(number.to_be_bytes());
        fs::write(pictures.path().join(format!("{number:03}-{}", sample.file_name().unwrap().display())), bytes)
            .unwrap();
    }
    Workdir::new(&pictures.keep())
}

/// A folder whose run was stopped by this signal; `None` if the run had ended before.
#[cfg(unix)]
fn stopped_by(signal: &str) -> Option<Workdir> {
    let workdir = many(40);
    let child = workdir.command().arg("--json").spawn().unwrap();
    wait_until("two pictures were taken in", || {
        workdir.path("data/pictures/originals").is_dir() && workdir.names("data/pictures/originals").len() >= 2
    });
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let stopped = document(&output_of(child));
    if stopped["interrupted"] == true {
        return Some(workdir);
    }
    assert_eq!(stopped["published"], 40, "{stopped:#}");
    fs::remove_dir_all(&workdir.pictures).unwrap();
    None
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_cleanly_and_the_next_run_goes_on() {
    for signal in ["TERM", "INT"] {
        let workdir = (0..20).find_map(|_| stopped_by(signal)).expect("one of 20 runs is stopped before it is done");
        workdir.assert_sound();
        // Running jobs have ended or were released, so that the next run need not wait for leases.
        assert_eq!(workdir.number("SELECT count(*) AS n FROM jobs WHERE status = 'running'"), 0);
        assert_eq!(workdir.number("SELECT count(*) AS n FROM jobs WHERE attempts > 0"), 0);
        let finished = workdir.run();
        assert_eq!((&finished["interrupted"], &finished["published"]), (&Value::from(false), &Value::from(40)));
        workdir.assert_done(40);
        fs::remove_dir_all(&workdir.pictures).unwrap();
    }
}

#[test]
fn a_second_run_finds_nothing_to_do_and_says_so() {
    let workdir = Workdir::samples();
    let first = output(&mut workdir.command());
    let text = String::from_utf8(first.stdout).unwrap();
    for expected in ["red-fox-first-snow.jpg", "960×1200", "6 published", "index.html", " active "] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    for expected in [
        "upscaler this month: 6 calls, 0 errors, 0.0",
        "catalogue this month: 6 calls, 0 errors, 1.20 USD",
        "budget pictures: 48.",
        " of 50.00 USD left until ",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("Nothing to do"), "{text}");
    assert_eq!(String::from_utf8(first.stderr).unwrap(), "");
    let calls = "SELECT count(*) AS n FROM api_usage WHERE service = ";
    assert_eq!(workdir.number(&format!("{calls}'upscaler'")), 6);
    assert_eq!(workdir.number(&format!("{calls}'catalogue'")), 6);
    let costs = "SELECT count(*) AS n FROM api_costs WHERE status = 'known' AND service = ";
    assert_eq!(workdir.number(&format!("{costs}'upscaler'")), 6);
    assert_eq!(workdir.number(&format!("{costs}'catalogue'")), 6);
    let second = String::from_utf8(output(&mut workdir.command()).stdout).unwrap();
    assert!(second.contains("Nothing to do: 6 published"), "{second}");
    workdir.assert_done(6);
    assert_eq!(workdir.number(&format!("{calls}'catalogue'")), 6, "nothing more was called");
}

#[test]
fn a_picture_that_arrives_later_is_published_beside_the_others() {
    let workdir = many(2);
    assert_eq!(workdir.run()["published"], 2);
    let fox = package().join("pictures/red-fox-first-snow.jpg");
    fs::copy(&fox, workdir.pictures.join("new.jpg")).unwrap();
    fs::copy(&fox, workdir.pictures.join("the same again.jpg")).unwrap();
    let document = workdir.run();
    assert_eq!((&document["idle"], &document["published"]), (&Value::from(false), &Value::from(4)));
    let twin = document["files"].as_array().unwrap().iter().find(|line| line["name"] == "the same again.jpg");
    assert_eq!(twin.unwrap()["same_as"], "new.jpg");
    workdir.assert_done(3);
    fs::remove_dir_all(&workdir.pictures).unwrap();
}

#[test]
fn jobs_of_other_programs_are_neither_waited_for_nor_touched() {
    let workdir = Workdir::samples();
    workdir.run();
    // A job of a program without leases, and a job of a kind that the pipeline does not run.
    workdir.execute(
        "INSERT INTO jobs (id, command_type, status) VALUES
         ('7d5a5c0e-0d35-4b0e-9d68-1f6f5f1b2a01', 'UpscaleImage', 'running'),
         ('7d5a5c0e-0d35-4b0e-9d68-1f6f5f1b2a02', 'acme.newsletter', 'pending')",
    );
    assert_eq!(workdir.run()["idle"], true);
    assert_eq!(workdir.number("SELECT count(*) AS n FROM jobs WHERE status = 'running'"), 1);
    assert_eq!(workdir.number("SELECT count(*) AS n FROM jobs WHERE status = 'pending'"), 1);

    // A job of a known kind with an unusable payload fails and blocks nothing.
    workdir.execute(
        "INSERT INTO jobs (id, command_type, status, payload_json) VALUES
         ('7d5a5c0e-0d35-4b0e-9d68-1f6f5f1b2a03', 'GenerateMetadata', 'pending', '{\"file_id\": \"abc123\"}')",
    );
    assert_eq!(workdir.run()["idle"], false);
    assert_eq!(
        workdir.number("SELECT count(*) AS n FROM jobs WHERE status = 'failed' AND last_error LIKE '%abc123%'"),
        1
    );
}

#[test]
fn what_it_cannot_work_with_is_named() {
    let workdir = Workdir::new(&package().join("no such folder"));
    let ended = output(&mut workdir.command());
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(errors.starts_with("error: cannot read the folder ") && errors.contains("no such folder"), "{errors}");
    assert_eq!(errors.lines().count(), 1);
    assert!(!workdir.path("data").exists());

    let workdir = Workdir::samples();
    fs::write(workdir.path("data"), "a file where a folder should be").unwrap();
    let ended = output(&mut workdir.command());
    assert_eq!(ended.status.code(), Some(3), "{}", String::from_utf8_lossy(&ended.stderr));
}
