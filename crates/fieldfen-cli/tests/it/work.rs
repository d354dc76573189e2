//! `fieldfen work`: programs as handlers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use fieldfen_domain::job::{Job, JobActionOutcome, JobState, JobStatus, NewJob, ParkedFor};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::{JobId, RawJson};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_testkit::wait::{exit_status, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use crate::shop_harness::Shop;

const KIND: &str = "acme.script";

/// A shop whose fieldfen.toml names a shell script for the jobs of [`KIND`].
pub(crate) struct Workshop {
    pub(crate) shop: Shop,
    pub(crate) queue: Queue<SqliteStore>,
}

/// A worker, which is killed at the end of a test that fails.
pub(crate) struct WorkProcess(Child);

impl Workshop {
    pub(crate) fn new(name: &str, script: &str, command: &str, settings: &str) -> Self {
        let shop = Shop::new();
        write_script(&shop, name, script);
        let rules = format!("[[handler]]\nkind = \"{KIND}\"\ncommand = {command}\n{settings}\n");
        fs::write(shop.folder().join("fieldfen.toml"), rules).unwrap();
        let queue = Queue::new(shop.store(), Environment::system());
        Self { shop, queue }
    }

    /// The script runs as it is, with these further settings.
    fn of_script(script: &str, settings: &str) -> Self {
        Self::new("handle.sh", &format!("#!/bin/sh\n{script}\n"), "[\"./handle.sh\"]", settings)
    }

    pub(crate) fn enqueue(&self, payload: &str, retries: u32) -> JobId {
        let environment = self.queue.environment();
        let payload = RawJson::parse(payload).unwrap();
        let job = NewJob::untyped(environment.job_id(), KIND.parse().unwrap(), Some(payload), environment.now());
        *self.queue.enqueue(&job.unwrap().max_retries(retries)).unwrap().id()
    }

    /// Cancels a job, which may have ended.
    pub(crate) fn cancel(&self, id: &JobId) {
        let action = Action::new(Actor::new("ann", Via::Library).unwrap(), "a test").unwrap();
        let answer = self.queue.cancel(id, &action).unwrap();
        assert_ne!(answer, JobActionOutcome::NotFound);
    }

    pub(crate) fn job(&self, id: &JobId) -> Job {
        self.queue.find(id).unwrap().unwrap()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> WorkProcess {
        WorkProcess(self.command(arguments).spawn().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen"));
        command.arg("work").args(arguments).current_dir(self.shop.folder()).stdin(Stdio::null());
        command.stdout(Stdio::null()).env("ACME_KEY", "hunter2hunter2").env("ACME_OTHER", "not for programs");
        for name in ["DATABASE_URL", "RUST_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// The job after a worker has worked until it was idle.
    fn ended(&self, payload: &str, retries: u32) -> Job {
        let id = self.enqueue(payload, retries);
        self.start(&["--until-idle"]).ends_well();
        self.job(&id)
    }

    /// The ids of the living processes that a script has written into this file of the folder, one a line.
    pub(crate) fn living(&self, file: &str) -> Vec<i32> {
        let text = fs::read_to_string(self.shop.folder().join(file)).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).filter(|pid| is_alive(*pid)).collect()
    }
}

/// Writes a program into the folder of a shop.
fn write_script(shop: &Shop, name: &str, script: &str) {
    let path = shop.folder().join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Whether a process with this id lives and is no zombie.
fn is_alive(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

impl WorkProcess {
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.id().cast_signed()).unwrap(), signal).unwrap();
    }

    pub(crate) fn ends_well(mut self) {
        let status = exit_status(&mut self.0);
        assert!(status.success(), "{status}");
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for WorkProcess {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn is_failed(job: &Job) -> bool {
    matches!(job.state, JobState::Failed { .. })
}

fn error(job: &Job) -> &str {
    job.last_error.as_deref().unwrap_or_default()
}

#[test]
fn a_script_gets_its_payload_and_its_environment_and_nothing_else() {
    let workshop = Workshop::of_script(
        r#"read -r payload
        names=$(env | sed 's/=.*//' | sort | grep -v -e '^_$' -e PWD -e SHLVL -e OLDPWD -e '^HOME$' -e LANG -e TZ -e TMPDIR | tr '\n' ' ')
        printf '{"payload": %s, "names": "%s", "key": "%s", "attempt": "%s", "kind": "%s"}' \
            "$payload" "$names" "$ACME_KEY" "$FIELDFEN_ATTEMPT" "$FIELDFEN_KIND""#,
        "env = [\"ACME_KEY\"]",
    );
    let job = workshop.ended(r#"{"n":12345678901234567890123,"text":"$(touch hurt); `id`"}"#, 0);
    let result = job.result.as_ref().unwrap_or_else(|| panic!("{job:?}")).as_str();
    assert_eq!(
        result,
        "{\"payload\": {\"n\":12345678901234567890123,\"text\":\"$(touch hurt); `id`\"}, \
         \"names\": \"ACME_KEY FIELDFEN_ATTEMPT FIELDFEN_DEADLINE FIELDFEN_JOB_ID FIELDFEN_KIND FIELDFEN_PROGRESS_FD PATH \", \
         \"key\": \"hunter2hunter2\", \"attempt\": \"1\", \"kind\": \"acme.script\"}"
    );
    assert!(!workshop.shop.folder().join("hurt").exists());
}

#[test]
fn the_exit_code_decides_and_the_end_of_stderr_without_secrets_is_the_error() {
    let workshop = Workshop::of_script(
        r#"read -r code
        echo "no disk for $ACME_KEY" >&2
        exit "$code""#,
        "env = [\"ACME_KEY\"]",
    );
    let failed = workshop.ended("65", 3);
    assert!(is_failed(&failed), "{failed:?}");
    assert_eq!(error(&failed), "exit code 65: no disk for ***");
    for code in ["75", "3"] {
        let id = workshop.enqueue(code, 3);
        let worker = workshop.start(&[]);
        let job = wait_for("an attempt has failed", || Some(workshop.job(&id)).filter(|job| job.attempts == 1));
        assert!(matches!(job.state, JobState::Pending), "{job:?}");
        assert_eq!(error(&job), format!("exit code {code}: no disk for ***"));
        drop(worker);
        workshop.cancel(&id);
    }
    let done = workshop.ended("0", 0);
    assert!(matches!(done.state, JobState::Completed { .. }) && done.result.is_none(), "{done:?}");
}

#[test]
fn an_answer_on_stdout_completes_the_job_and_enqueues_the_jobs_that_follow() {
    let workshop = Workshop::of_script(
        r#"read -r n
        [ "$n" -gt 0 ] || { echo '"end"'; exit 0; }
        echo "{\"result\": $n, \"then\": [{\"kind\": \"acme.script\", \"payload\": $((n - 1)), \"priority\": 1}]}""#,
        "",
    );
    let job = workshop.ended("2", 0);
    assert_eq!(job.result.unwrap().as_str(), "2");
    let page = fieldfen_domain::PageRequest::first(10);
    let all = workshop.queue.list(&fieldfen_domain::job::JobFilter::new(), &page).unwrap().items;
    let of_kind: Vec<_> = all.iter().filter(|job| job.kind.as_str() == KIND).collect();
    assert_eq!(of_kind.len(), 3, "{all:?}");
    assert_eq!(workshop.job(&of_kind[2].id).result.unwrap().as_str(), "\"end\"");

    let wrong = Workshop::of_script("echo '{\"result\": 1, \"thn\": []}'", "").ended("1", 3);
    assert!(is_failed(&wrong) && error(&wrong).contains("unknown field `thn`"), "{wrong:?}");
    let endless = Workshop::of_script("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "").ended("1", 3);
    assert!(is_failed(&endless) && error(&endless).contains("more than 1048576 bytes"), "{endless:?}");
    let huge = format!("\"{}\"", "x".repeat(1_000_000));
    let unread = Workshop::of_script("echo 1", "").ended(&huge, 0);
    assert_eq!(unread.result.unwrap().as_str(), "1");
}

#[test]
fn lines_on_the_descriptor_of_progress_are_the_progress_of_the_job() {
    let workshop = Workshop::of_script(
        r#"echo '{"left": null}' >&"$FIELDFEN_PROGRESS_FD"
        while [ ! -e go ]; do sleep 0.05; done
        echo 'almost done' >&"$FIELDFEN_PROGRESS_FD"
        while [ ! -e stop ]; do sleep 0.05; done"#,
        "",
    );
    let id = workshop.enqueue("1", 0);
    let worker = workshop.start(&[]);
    let progress = |text: &str| workshop.job(&id).progress.is_some_and(|json| json.as_str() == text);
    wait_until("the first line is stored", || progress(r#"{"left": null}"#));
    fs::write(workshop.shop.folder().join("go"), "").unwrap();
    wait_until("a line that is no JSON is stored as a text", || progress(r#""almost done""#));
    fs::write(workshop.shop.folder().join("stop"), "").unwrap();
    wait_until("the job is done", || matches!(workshop.job(&id).state, JobState::Completed { .. }));
    worker.signal(Signal::TERM);
    worker.ends_well();
}

/// A script that starts another process, ignores SIGTERM, and writes the ids of both.
const STUBBORN: &str = r#"trap '' TERM
        sleep 1000 & echo $! >> pids
        echo $$ >> pids
        while :; do sleep 0.1; done"#;

#[test]
fn a_program_that_runs_too_long_is_ended_with_all_that_it_has_started() {
    let workshop = Workshop::of_script(STUBBORN, "timeout_seconds = 1");
    let job = workshop.ended("1", 0);
    assert!(is_failed(&job) && error(&job).starts_with("timed out after 1 s: killed"), "{job:?}");
    assert!(workshop.living("pids").is_empty());
    assert_eq!(fs::read_to_string(workshop.shop.folder().join("pids")).unwrap().lines().count(), 2);
}

#[test]
fn a_cancelled_job_ends_its_program() {
    let workshop = Workshop::of_script(STUBBORN, "");
    let id = workshop.enqueue("1", 9);
    let worker = workshop.start(&["--lease", "1"]);
    wait_until("the script runs", || workshop.living("pids").len() == 2);
    workshop.cancel(&id);
    wait_until("the job has failed", || is_failed(&workshop.job(&id)));
    wait_until("its processes have ended", || workshop.living("pids").is_empty());
    worker.signal(Signal::TERM);
    worker.ends_well();
}

#[test]
fn a_worker_that_is_killed_takes_its_programs_with_it() {
    let workshop = Workshop::of_script(STUBBORN, "");
    workshop.enqueue("1", 9);
    let worker = workshop.start(&[]);
    wait_until("the script runs", || workshop.living("pids").len() == 2);
    worker.kill();
    wait_until("its processes have ended", || workshop.living("pids").is_empty());
}

/// Each job is inserted with the columns of the specification alone, and reclaimed by a worker without a handler of
/// its kind.
#[test]
fn a_job_that_another_program_inserted_follows_the_rule_of_its_kind_when_its_worker_is_killed() {
    for (rule, expected) in [
        ("retry", (JobStatus::Pending, None)),
        ("hold", (JobStatus::Failed, Some(ParkedFor::Person))),
        ("fail", (JobStatus::Failed, None)),
    ] {
        let workshop = Workshop::of_script("sleep 1000", &format!("on_worker_death = \"{rule}\""));
        let id: JobId = "11111111-1111-4111-8111-111111111111".parse().unwrap();
        workshop.shop.sql(&format!(
            "INSERT INTO jobs (id, command_type, payload_json, status, attempts) \
             VALUES ('{id}', '{KIND}', '{{}}', 'pending', 0)"
        ));
        let killed = workshop.start(&["--lease", "1", "--quiet"]);
        wait_until("the job runs", || workshop.job(&id).state.status() == JobStatus::Running);
        killed.kill();
        fs::write(workshop.shop.folder().join("fieldfen.toml"), "").unwrap();
        let other = workshop.start(&["--lease", "1", "--quiet"]);
        wait_until("the job is reclaimed", || workshop.job(&id).state.status() != JobStatus::Running);
        let job = workshop.job(&id);
        assert_eq!((job.state.status(), job.state.parked_for()), expected, "{rule}: {job:?}");
        assert_eq!(job.lost_leases, 1, "{rule}");
        other.signal(Signal::TERM);
        other.ends_well();
    }
}

#[test]
fn a_worker_that_stops_gives_the_job_back_without_spending_a_retry() {
    let workshop = Workshop::of_script(STUBBORN, "");
    let id = workshop.enqueue("1", 0);
    let worker = workshop.start(&["--grace", "0"]);
    wait_until("the script runs", || workshop.living("pids").len() == 2);
    worker.signal(Signal::INT);
    worker.ends_well();
    let job = workshop.job(&id);
    assert!(matches!(job.state, JobState::Pending) && job.attempts == 0, "{job:?}");
    assert!(workshop.living("pids").is_empty());
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let workshop = Workshop::of_script("sleep 1000 & echo $! >> pids\necho 1", "");
    let job = workshop.ended("1", 0);
    assert_eq!(job.result.unwrap().as_str(), "1");
    assert!(workshop.living("pids").is_empty());
}

#[test]
fn a_shell_runs_a_line_only_if_the_handler_says_so() {
    let with = Workshop::new("unused", "", "[\"tr a b | tr c d\"]", "shell = true").ended("\"ac\"", 0);
    assert_eq!(with.result.unwrap().as_str(), "\"bd\"");
    let without = Workshop::new("unused", "", "[\"tr a b | tr c d\"]", "");
    let refused = without.shop.run(&["work"]);
    refused.ends_with(2);
    assert!(refused.err.contains("handler #1, command is [\"tr a b | tr c d\"]: no folder in PATH"), "{}", refused.err);
}

#[test]
fn a_missing_program_or_variable_is_named_at_the_start_with_its_line() {
    let workshop = Workshop::new("unused", "", "[\"./missing.py\"]", "");
    let refused = workshop.shop.run(&["work"]);
    refused.ends_with(2);
    assert!(
        refused.err.contains("line 3, column 11: handler #1, command") && refused.err.contains("missing.py"),
        "{}",
        refused.err
    );
    let workshop = Workshop::of_script("exit 0", "env = [\"ACME_MISSING\"]");
    let refused = workshop.shop.run(&["work"]);
    refused.ends_with(2);
    assert!(refused.err.contains("line 4") && refused.err.contains("ACME_MISSING"), "{}", refused.err);
}

#[test]
fn a_program_that_was_deleted_after_the_start_fails_its_jobs_until_it_is_back() {
    let workshop = Workshop::of_script("echo 1", "");
    let script = workshop.shop.folder().join("handle.sh");
    let worker = workshop.start(&[]);
    let first = workshop.enqueue("1", 0);
    wait_until("the program has run", || matches!(workshop.job(&first).state, JobState::Completed { .. }));
    fs::rename(&script, workshop.shop.folder().join("elsewhere.sh")).unwrap();
    let second = workshop.enqueue("1", 9);
    wait_until("an attempt has failed", || workshop.job(&second).attempts == 1);
    let job = workshop.job(&second);
    assert!(error(&job).contains("./handle.sh") && error(&job).contains("No such file"), "{job:?}");
    fs::rename(workshop.shop.folder().join("elsewhere.sh"), &script).unwrap();
    wait_until("the next attempt succeeds", || matches!(workshop.job(&second).state, JobState::Completed { .. }));
    worker.signal(Signal::TERM);
    worker.ends_well();
}

#[test]
fn jobs_that_no_living_worker_handles_are_warned_of() {
    let workshop = Workshop::of_script("exit 0", "");
    let environment = Environment::system();
    let job = NewJob::untyped(environment.job_id(), "acme.other".parse().unwrap(), None, environment.now()).unwrap();
    workshop.queue.enqueue(&job).unwrap();
    let mut worker = WorkProcess(workshop.command(&[]).stderr(Stdio::piped()).spawn().unwrap());
    let err = std::io::BufReader::new(worker.0.stderr.take().unwrap());
    let warning = fieldfen_testkit::wait::with_deadline("the worker warns", move || {
        std::io::BufRead::lines(err).map_while(Result::ok).find(|line| line.contains("acme.other"))
    });
    assert_eq!(warning.unwrap(), "warning: 1 job of acme.other waits, and no living worker handles this kind");
}

#[test]
fn programs_take_a_picture_from_its_arrival_to_its_approval() {
    let upscale = r#"#!/bin/sh
        printf '{"file_event": {"upscaled": {"processed_filename": "x4-%s", "width": 8000, "height": 6000}}}' "$FIELDFEN_FILE_NAME""#;
    let rules = "[[handler]]\nkind = \"UpscaleImage\"\ncommand = [\"./upscale.sh\"]\nconcurrency = 1\n\
        [[handler]]\nkind = \"GenerateMetadata\"\ncommand = [\"./describe.sh\"]\n";
    let shop = Shop::new();
    write_script(&shop, "upscale.sh", upscale);
    write_script(&shop, "describe.sh", "#!/bin/sh\necho '{\"file_event\": {\"described\": {\"title\": \"Red fox\"}}}'");
    fs::write(shop.folder().join("fieldfen.toml"), rules).unwrap();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let end = shop.run(&["work", "--until-idle", "--json"]).document(0);
    assert_eq!(
        end,
        serde_json::json!({
            "completed": 3, "failed": 0, "retried_later": 0, "parked": 0, "others": 0,
            "given_back": 0, "kept": 0, "still_running": []
        })
    );
    let files = shop.run(&["files", "list", "--status", "processed", "--json"]).document(0);
    let id = files["items"][0]["id"].as_str().unwrap();
    let shown = shop.run(&["files", "show", id]).out;
    assert!(shown.contains("x4-red-fox-first-snow.jpg") && shown.contains("Red fox"), "{shown}");
}
