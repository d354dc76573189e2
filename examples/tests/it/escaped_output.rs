//! The programs escape text of other origin, for example names of files and rows, in all their output.

use std::fs;
use std::process::{Command, Output, Stdio};

use fieldfen_testkit::wait::output;

use crate::pipeline_process::{Workdir, document, example, package};

/// Text that sets a title and colours, moves to another line and changes the direction of writing.
const EVIL: &str = "a\u{1b}]0;owned\u{7}\u{9b}31m\nok: b\u{202e}";
const HARMLESS: &str = "a\\u{1b}]0;owned\\u{7}\\u{9b}31m\\nok: b\\u{202e}";

/// The text of both streams, which must not contain control sequences for a terminal.
#[track_caller]
fn printed(output: &Output) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains(|c: char| c != '\n' && c.is_control() || c == '\u{202e}'), "{text:?}");
    text
}

#[cfg(unix)]
#[test]
fn the_pipeline_escapes_the_names_of_files_and_keeps_them_in_its_document() {
    let pictures = tempfile::tempdir().unwrap();
    let name = format!("{EVIL}.jpg");
    fs::copy(package().join("pictures/red-fox-first-snow.jpg"), pictures.path().join(&name)).unwrap();
    fs::write(pictures.path().join(format!("{EVIL}.txt")), "no picture").unwrap();
    let workdir = Workdir::new(pictures.path());
    let text = printed(&output(workdir.command().arg("-v")));
    assert!(text.contains(&format!("{HARMLESS}.jpg")) && text.contains(&format!("{HARMLESS}.txt: ")), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("ok: b")), "{text}");
    let report = document(&output(workdir.command().arg("--json")));
    assert!(report["files"].as_array().unwrap().iter().any(|file| file["name"] == name), "{report:#}");
}

#[test]
fn the_worker_escapes_the_kinds_of_jobs() {
    let workdir = Workdir::samples();
    let worker = |arguments: &[&str]| {
        let mut command = Command::new(example("worker"));
        command.args(["--database", "data/fieldfen.db", "--try-out", "0"]).args(arguments);
        command.current_dir(workdir.folder.path()).env_remove("RUST_LOG").stdin(Stdio::null());
        output(&mut command)
    };
    printed(&worker(&["--create"]));
    let kind = EVIL.replace('\u{9b}', "");
    workdir.execute(&format!("INSERT INTO jobs (id, command_type, status) VALUES ('j', '{kind}', 'pending')"));
    let text = printed(&worker(&[]));
    assert!(text.contains("a\\u{1b}]0;owned\\u{7}31m\\nok: b\\u{202e}\" pending: 1"), "{text}");
    let counts = document(&worker(&["--json"]));
    assert!(counts["jobs"].as_array().unwrap().iter().any(|count| count["kind"] == format!("{kind:?}")), "{counts:#}");
}

#[test]
fn the_programs_end_with_the_codes_of_their_table() {
    let workdir = Workdir::samples();
    let code = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(example(name));
        command.args(arguments).current_dir(workdir.folder.path()).env_remove("RUST_LOG").stdin(Stdio::null());
        let ended = output(&mut command);
        let text = printed(&ended);
        assert!(!text.contains("hunter2"), "{text}");
        ended.status.code()
    };
    let secret = "postgres://shop:hunter2@db/shop";
    let github = ["--secret", "github=hunter2"];
    assert_eq!(code("worker", &["--database", secret]), Some(2));
    assert_eq!(code("worker", &["--create", "--database", secret]), Some(2));
    assert_eq!(code("pipeline", &["--database", secret]), Some(2));
    assert_eq!(code("webhook_server", &[&github[..], &["--database", secret]].concat()), Some(2));
    for wrong in [&["github=hunter2"][..], &["--secret", "hunter2="], &["--secrets", "none"], &["--secrets", "."]] {
        assert_eq!(code("webhook_server", wrong), Some(2), "{wrong:?}");
    }
    fs::write(workdir.path("secrets"), "github hunter2").unwrap();
    assert_eq!(code("webhook_server", &["--secrets", "secrets"]), Some(2));
    fs::write(workdir.path("secrets"), "github=hunter2").unwrap();
    assert_eq!(code("webhook_server", &["--secrets", "secrets", "--database", secret]), Some(2));
    assert_eq!(code("worker", &["--database", "none.db"]), Some(3));
    fs::write(workdir.path("garbage.db"), "a text of more than a hundred bytes, ".repeat(5)).unwrap();
    for (name, arguments) in [("worker", &["--create"][..]), ("pipeline", &[]), ("webhook_server", &github)] {
        assert_eq!(code(name, &[arguments, &["--database", "garbage.db"]].concat()), Some(6), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_job_that_finds_no_room_ends_the_worker_with_the_code_of_the_stores_error() {
    let workdir = Workdir::samples();
    let worker = example("worker");
    let script = r#""$1" --create --try-out 0 -q --database x.db && { trap '' XFSZ; ulimit -f $2
        exec "$1" --try-out 4000000 --threads 1 -q --database x.db; }"#;
    // Blocks of 512 bytes: the index of the log, the database or the log does not fit.
    for blocks in ["32", "64", "400", "1000", "3000"] {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(&worker).arg(blocks).current_dir(workdir.folder.path());
        let ended = output(&mut command);
        assert_eq!(ended.status.code(), Some(8), "{blocks}: {}", printed(&ended));
    }
}
