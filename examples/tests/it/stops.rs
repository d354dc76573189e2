//! Stopping politely, going on, and having nothing to do.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::program::{Place, document, package};

/// Many pictures: the samples again and again, each with something behind its end that makes it another file.
fn many(count: usize) -> Place {
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
    Place::new(&pictures.keep())
}

/// A place whose run was stopped by this signal; `None` when it was done before.
#[cfg(unix)]
fn stopped_by(signal: &str) -> Option<Place> {
    let place = many(40);
    let child = place.command().arg("--json").spawn().unwrap();
    while !place.path("data/pictures/originals").is_dir() || place.names("data/pictures/originals").len() < 2 {
        thread::sleep(Duration::from_millis(2));
    }
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let stopped = document(&child.wait_with_output().unwrap());
    if stopped["interrupted"] == true {
        return Some(place);
    }
    assert_eq!(stopped["published"], 40, "{stopped:#}");
    fs::remove_dir_all(&place.pictures).unwrap();
    None
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_cleanly_and_the_next_run_goes_on() {
    for signal in ["TERM", "INT"] {
        let place = (0..20).find_map(|_| stopped_by(signal)).expect("one of 20 runs is stopped before it is done");
        place.assert_sound();
        // What was being done has ended or was given back, so that the next run need not wait for leases.
        assert_eq!(place.number("SELECT count(*) AS n FROM jobs WHERE status = 'running'"), 0);
        assert_eq!(place.number("SELECT count(*) AS n FROM jobs WHERE attempts > 0"), 0);
        let finished = place.run();
        assert_eq!((&finished["interrupted"], &finished["published"]), (&Value::from(false), &Value::from(40)));
        place.assert_done(40);
        fs::remove_dir_all(&place.pictures).unwrap();
    }
}

#[test]
fn a_second_run_finds_nothing_to_do_and_says_so() {
    let place = Place::samples();
    let first = place.command().output().unwrap();
    let text = String::from_utf8(first.stdout).unwrap();
    for expected in ["red-fox-first-snow.jpg", "960×1200", "6 published", "index.html", " active "] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("Nothing to do"), "{text}");
    assert_eq!(String::from_utf8(first.stderr).unwrap(), "");
    let calls = "SELECT count(*) AS n FROM api_usage WHERE service = ";
    assert_eq!(place.number(&format!("{calls}'upscaler'")), 6);
    assert_eq!(place.number(&format!("{calls}'catalogue'")), 6);
    let second = String::from_utf8(place.command().output().unwrap().stdout).unwrap();
    assert!(second.contains("Nothing to do: 6 published"), "{second}");
    place.assert_done(6);
    assert_eq!(place.number(&format!("{calls}'catalogue'")), 6, "nothing more was called");
}

#[test]
fn a_picture_that_arrives_later_is_published_beside_the_others() {
    let place = many(2);
    assert_eq!(place.run()["published"], 2);
    let fox = package().join("pictures/red-fox-first-snow.jpg");
    fs::copy(&fox, place.pictures.join("new.jpg")).unwrap();
    fs::copy(&fox, place.pictures.join("the same again.jpg")).unwrap();
    let document = place.run();
    assert_eq!((&document["idle"], &document["published"]), (&Value::from(false), &Value::from(4)));
    let twin = document["files"].as_array().unwrap().iter().find(|line| line["name"] == "the same again.jpg");
    assert_eq!(twin.unwrap()["same_as"], "new.jpg");
    place.assert_done(3);
    fs::remove_dir_all(&place.pictures).unwrap();
}

#[test]
fn jobs_of_other_programs_are_neither_waited_for_nor_touched() {
    let place = Place::samples();
    place.run();
    // One that a program runs which knows no leases, and one of a kind that the pipeline does not do.
    place.execute(
        "INSERT INTO jobs (id, command_type, status) VALUES
         ('7d5a5c0e-0d35-4b0e-9d68-1f6f5f1b2a01', 'UpscaleImage', 'running'),
         ('7d5a5c0e-0d35-4b0e-9d68-1f6f5f1b2a02', 'acme.newsletter', 'pending')",
    );
    assert_eq!(place.run()["idle"], true);
    assert_eq!(place.number("SELECT count(*) AS n FROM jobs WHERE status = 'running'"), 1);
    assert_eq!(place.number("SELECT count(*) AS n FROM jobs WHERE status = 'pending'"), 1);

    // One of a kind that it does, with nothing in it that could be done, fails and holds nothing up.
    place.execute(
        "INSERT INTO jobs (id, command_type, status, payload_json) VALUES
         ('7d5a5c0e-0d35-4b0e-9d68-1f6f5f1b2a03', 'GenerateMetadata', 'pending', '{\"file_id\": \"abc123\"}')",
    );
    assert_eq!(place.run()["idle"], false);
    assert_eq!(
        place.number("SELECT count(*) AS n FROM jobs WHERE status = 'failed' AND last_error LIKE '%abc123%'"),
        1
    );
}

#[test]
fn what_it_cannot_work_with_is_named() {
    let place = Place::new(&package().join("no such folder"));
    let output = place.command().output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.starts_with("error: cannot read the folder ") && errors.contains("no such folder"), "{errors}");
    assert_eq!(errors.lines().count(), 1);
    assert!(!place.path("data").exists());

    let place = Place::samples();
    fs::write(place.path("data"), "a file where a folder should be").unwrap();
    let output = place.command().output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}
