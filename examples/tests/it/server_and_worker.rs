//! The examples `webhook_server` and `worker` on one database: the worker handles the jobs that the server enqueues.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};
use fieldfen_persistence::{OpenMode, connect};
use fieldfen_testkit::wait::{PATIENCE, wait_for};
use serde_json::{Value, json};

use crate::pipeline_process::example;
use crate::server_harness::hex;

/// A program that is killed at the end of its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The program may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts an example on this database, waits for a line on stderr with this beginning, and returns the rest of the
/// line.
fn start(name: &str, database: &Path, arguments: &[&str], says: &str) -> (Running, String) {
    let mut command = Command::new(example(name));
    command.arg("--database").arg(database).args(arguments).env_remove("DATABASE_URL").env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
    let (sender, receiver) = channel();
    // The thread continues to read after the line, so that the program never blocks on its pipe.
    thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    loop {
        let line = receiver.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("{name} has not printed {says:?}: {error}"));
        if let Some(rest) = line.strip_prefix(says) {
            return (running, rest.to_owned());
        }
    }
}

#[derive(Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    result_json: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
}

fn jobs(database: &Path) -> Vec<Row> {
    let mut conn = connect(&database.to_str().unwrap().parse().unwrap(), OpenMode::ExistingOnly).unwrap();
    let query =
        "SELECT status, result_json, last_error FROM jobs WHERE command_type = 'webhook.received' ORDER BY rowid";
    sql_query(query).load(&mut conn).unwrap()
}

#[test]
fn a_webhook_goes_from_the_server_through_the_worker() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("fieldfen.db");
    let secrets = folder.path().join("secrets");
    fs::write(&secrets, "# two keys, of which GitHub uses one\ngithub=an older one\n\ngithub=octopus\r\n").unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--secret", "Stripe=whsec_x", "--secrets", secrets.to_str().unwrap()];
    let (_server, address) = start("webhook_server", &database, &arguments, "listening on ");
    #[cfg(target_os = "linux")]
    assert!(!fs::read_to_string(format!("/proc/{}/cmdline", _server.0.id())).unwrap().contains("octopus"));
    let (_worker, _) = start("worker", &database, &["--threads", "1"], "working");

    let body = br#"{"action": "opened", "number": 7, "repository": {"full_name": "octo/pus"}}"#;
    let signature = format!("sha256={}", hex(b"octopus", &[body]));
    let agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().new_agent();
    let request = agent.post(format!("{address}github")).header("X-GitHub-Delivery", "d-1");
    let request = request.header("X-GitHub-Event", "pull_request").header("X-Hub-Signature-256", &signature);
    assert_eq!(request.send(&body[..]).unwrap().status(), 202);

    let done = wait_for("the job of the webhook has ended", || {
        jobs(&database).pop().filter(|row| row.status == "completed" || row.status == "failed")
    });
    assert_eq!((done.status.as_str(), done.last_error), ("completed", None));
    let result: Value = serde_json::from_str(&done.result_json.unwrap()).unwrap();
    let ids = json!({"action": "opened", "number": "7", "repository": "octo/pus"});
    let expected = json!({"source": "github", "event": "pull_request", "delivery_id": "d-1", "ids": ids});
    assert_eq!(result, expected);
}
