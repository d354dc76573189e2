//! A worker to copy: three kinds of jobs, recurring upkeep, and a clean end on SIGINT and SIGTERM.
//!
//! `cargo run --example worker -- --database /tmp/try.db --create --try-out 5` fills a new database with a few jobs and
//! runs them. A second worker may run beside it, and either may be killed: no job is lost. On the database of
//! `webhook_server`, the worker runs the jobs of the received webhooks, and names the webhooks in the log under `-v`.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use fieldfen_domain::job::{Backoff, InvalidPayload, Payload, Priority};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::store::Store;
use fieldfen_examples::webhooks::WebhookReceived;
use fieldfen_persistence::{SqliteStore, SqliteUrl, migrations, sqlite_version};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::queue::Queue;
use fieldfen_services::recurring::Recurring;
use fieldfen_services::upkeep::{self, Upkeep};
use fieldfen_services::worker::{Completion, Outcome, StopHandle, Task, Worker};
use fieldfen_terminal::{CommonArgs, Terminal, Versions, run};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Run the jobs of this example until a signal comes
///
/// After SIGINT or SIGTERM it claims no more jobs, gives back those that have not begun, and lets the others go on for the
/// grace period. A second signal ends the grace period.
#[derive(Debug, Parser)]
#[command(name = "worker")]
struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// Create and migrate the database first
    #[arg(long)]
    create: bool,

    /// Enqueue this many jobs of each example kind first, and end when all jobs are done
    #[arg(long, value_name = "JOBS")]
    try_out: Option<u32>,

    /// The number of jobs that run at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,

    /// The seconds that running jobs have after the first signal
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    grace: u16,
}

impl AsRef<CommonArgs> for Args {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

/// Counts the words of a text.
#[derive(Debug, Serialize, Deserialize)]
struct CountWords {
    text: String,
}

impl Payload for CountWords {
    const KIND: &'static str = "example.count-words";
}

/// Counts down to zero, one step each tenth of a second.
#[derive(Debug, Serialize, Deserialize)]
struct CountDown {
    from: u32,
}

impl Payload for CountDown {
    const KIND: &'static str = "example.count-down";

    fn check(&self) -> Result<(), InvalidPayload> {
        if (1..=1000).contains(&self.from) {
            return Ok(());
        }
        let (value, rule) = (self.from.to_string(), "1 to 1000");
        Err(InvalidPayload::Field { kind: Self::kind(), field: "from", value, rule })
    }
}

/// The shortest handler: its value is stored as the job's result.
fn count_words(task: Task<CountWords>) -> Completion {
    Completion::new().result(&task.text.split_whitespace().count())
}

/// A long handler: it reports its progress, checks whether the job was cancelled, and enqueues a follow-up job in the
/// transaction that completes this one.
fn count_down<S: Store>(queue: &Queue<S>, task: &Task<CountDown>) -> Result<Completion, Outcome> {
    for left in (1..=task.from).rev() {
        task.progress(&json!({"left": left}))?;
        if task.is_cancelled() {
            return Err(Outcome::retry("told to stop"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    let report = queue.job(&CountWords { text: format!("counted down from {}", task.from) })?;
    Ok(Completion::new().result(&"zero").then(report.priority(Priority::Low)))
}

/// The handler of the webhooks that `webhook_server` has received. It logs the event and the ids in it, stores them as the
/// result, and records the charges in it. A real program would for example look up the product here.
fn webhook_received<S: Store>(
    costs: &ApiCosts<S>,
    environment: &Environment,
    task: &Task<WebhookReceived>,
) -> Result<Completion, Outcome> {
    let webhook = task.summary().map_err(Outcome::fail)?;
    // Text of other origin is logged with escaped control characters.
    tracing::info!(source = webhook.source, event = ?webhook.event, ids = ?webhook.ids, "webhook received");
    let (costs, (service, reading)) = (costs.clone(), task.charges(environment.now()));
    let completion = Completion::new().result(&webhook);
    Ok(completion.writing(move |t| costs.record_charges_in(t, service, &reading)))
}

fn work(args: &Args, terminal: &Terminal) -> anyhow::Result<()> {
    let url = terminal.database_url()?;
    url.parse::<SqliteUrl>()?;
    let store = if args.create { SqliteStore::create(&url)? } else { SqliteStore::open(&url)? };
    let environment = Environment::system();
    let queue = Queue::new(store.clone(), environment.clone());
    let every_ten_minutes = "*/10 * * * *".parse()?;
    let start = Action::new(Actor::new("fieldfen-worker", Via::Library)?, "the program defines it at its start")?;
    let recurring = Recurring::new(store.clone(), environment.clone());
    recurring.define(&upkeep::name(), &every_ten_minutes, &Upkeep::default(), &start)?;

    if let Some(jobs) = args.try_out {
        for number in 1..=jobs {
            queue.enqueue(&queue.job(&CountWords { text: "one two ".repeat(number as usize) })?)?;
            queue.enqueue(&queue.job(&CountDown { from: 10 + number })?)?;
        }
    }

    // Installed before the worker starts: a signal in between would end the process with jobs in hand.
    let signals = Signals::new([SIGINT, SIGTERM])?;
    let quickly = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    let for_follow_ups = queue.clone();
    // A real program has a price table: without one, each charge is unknown.
    let (costs, for_webhooks) = (ApiCosts::new(store.clone(), environment.clone()), environment.clone());
    let worker = Worker::builder(store.clone(), environment)
        .threads(usize::from(args.threads))
        .lease(Duration::from_secs(15))
        .grace(Duration::from_secs(u64::from(args.grace)))
        .backoff::<CountDown>(quickly)
        .handle(count_words)
        .handle(move |task: Task<WebhookReceived>| webhook_received(&costs, &for_webhooks, &task))
        .handle(move |task: Task<CountDown>| count_down(&for_follow_ups, &task))
        .handle(upkeep::handler(store))
        .start()?;
    stop_on_signals(signals, worker.stop_handle())?;
    if args.try_out.is_some() {
        worker.stop_handle().stop_when_idle();
    }
    terminal.print_message("working; stop with Ctrl-C");
    let stopped = worker.join()?;

    let counts = queue.count()?;
    let rows: Vec<_> =
        counts.iter().map(|count| json!({"kind": count.kind, "status": count.status, "jobs": count.jobs})).collect();
    let left = json!({"given_back": stopped.released, "kept": stopped.unreleased, "still_running": stopped.still_running.len(), "jobs": rows});
    terminal.print_result(&left, |out| {
        writeln!(out, "given back: {}", stopped.released)?;
        counts.iter().try_for_each(|count| writeln!(out, "{} {}: {}", count.kind, count.status, count.jobs))
    })?;
    Ok(())
}

/// The first signal stops the worker gracefully, the second one at once.
fn stop_on_signals(mut signals: Signals, stop: StopHandle) -> std::io::Result<()> {
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            if stop.is_stopping() {
                stop.stop_now();
            } else {
                stop.stop();
            }
        }
    })?;
    Ok(())
}

fn main() -> ExitCode {
    let versions = || {
        let newest_migration = migrations::newest().to_string();
        Ok(Versions { program: env!("CARGO_PKG_VERSION"), sqlite: sqlite_version(), newest_migration })
    };
    run(versions, work)
}
