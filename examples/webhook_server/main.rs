//! Receives webhooks over HTTP, each once; see `fieldfen_examples::webhooks`.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use fieldfen_domain::with_causes;
use fieldfen_examples::webhooks::{Senders, routes, secrets_of, serve};
use fieldfen_persistence::{SqliteOptions, SqliteStore, SqliteUrl, migrations, sqlite_version};
use fieldfen_services::webhooks::WebhookIntake;
use fieldfen_services::{AsyncStore, Environment};
use fieldfen_terminal::{CommonArgs, Exit, Terminal, Versions, is_readable_by_all, run};
use serde_json::json;

/// The time limit of a client's request, and of requests in progress after a request to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest wait of a delivery for the database, after which its sender is asked to repeat it. Shopify closes the
/// connection [after 5 seconds](https://shopify.dev/docs/apps/build/webhooks/subscribe/https), GitHub [after
/// 10](https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks).
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The interval between two deletions of expired hashes.
const PURGE_EVERY: Duration = Duration::from_secs(3600);

/// The number of rows that one transaction deletes.
const PURGE_BATCH: u32 = 1000;

/// Take webhooks in over HTTP, each once, as jobs of the kind webhook.received
///
/// POST /webhooks/NAME answers 202 for a new delivery and 200 for a repetition, in both cases after the commit.
#[derive(clap::Parser)]
#[command(
    name = "webhook_server",
    after_help = "It stops by SIGINT or SIGTERM, after the requests that are under way, at most 10 seconds later; a \
                  second signal stops it at once. Exit codes: 0 stopped, 1 failure, 2 usage, 3 database not opened, \
                  4 busy, 5 schema, 6 damaged, 7 read-only, 8 disk full, 9 input/output."
)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// The address to listen on; with port 0 the system chooses one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// A file of senders and keys, one NAME=KEY or NAME:SCHEME=KEY on each line: other users cannot see these keys
    ///
    /// The names github, shopify, slack and stripe have a scheme of their own. Clerk, etsy, replicate, resend and svix use
    /// the scheme standard-webhooks. Give any other name a scheme, stripe-live:stripe=whsec_…, and give a name twice to
    /// exchange its key. Lines that begin with # are comments.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,

    /// One line of such a file. Use it for trials only: every user of the machine can see the key, with ps for example
    #[arg(long = "secret", value_name = "NAME[:SCHEME]=KEY")]
    trials: Vec<String>,
}

impl AsRef<CommonArgs> for Args {
    fn as_ref(&self) -> &CommonArgs {
        &self.common
    }
}

fn main() -> ExitCode {
    let versions = || {
        let newest_migration = migrations::newest().to_string();
        Ok(Versions { program: env!("CARGO_PKG_VERSION"), sqlite: sqlite_version(), newest_migration })
    };
    run(versions, |args: &Args, terminal| {
        let senders = senders(args, terminal).map_err(|error| Exit::Usage.with(error))?;
        let url = terminal.database_url()?;
        url.parse::<SqliteUrl>()?;
        let mut options = SqliteOptions::default();
        options.busy_timeout = BUSY_TIMEOUT;
        let store = SqliteStore::create_with(&url, &options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(listen(args, terminal, senders, store))?;
        // A delivery that is being written ends with its transaction. The server does not wait for slow clients.
        runtime.shutdown_timeout(BUSY_TIMEOUT);
        terminal.print_result(&json!({ "stopped": true }), |out| writeln!(out, "stopped"))?;
        Ok(())
    })
}

fn senders(args: &Args, terminal: &Terminal) -> anyhow::Result<Senders> {
    let file = match &args.secrets {
        Some(path) => read_secrets(path, terminal).with_context(|| format!("cannot read the secrets in {path:?}"))?,
        None => String::new(),
    };
    Ok(Senders::parse(secrets_of(&file).chain(args.trials.iter().map(String::as_str)))?)
}

fn read_secrets(path: &Path, terminal: &Terminal) -> io::Result<String> {
    let file = File::open(path)?;
    if is_readable_by_all(&file.metadata()?) {
        terminal.print_message(&format!(
            "warning: every user of this machine can read the keys in {path:?}: `chmod 600` it"
        ));
    }
    io::read_to_string(file)
}

async fn listen(args: &Args, terminal: &Terminal, senders: Senders, store: SqliteStore) -> anyhow::Result<()> {
    let listener = std::net::TcpListener::bind(args.listen)
        .with_context(|| format!("cannot listen on {}: is another program there?", args.listen))?;
    terminal.print_message(&format!("listening on http://{}/webhooks/", listener.local_addr()?));
    let environment = Environment::system();
    let intake = WebhookIntake::new(store.clone(), environment.clone());
    let purging = tokio::spawn(purge(AsyncStore::new(store.clone()), intake));
    serve(listener, routes(store, environment, senders, PATIENCE), PATIENCE, stop).await?;
    purging.abort();
    Ok(())
}

async fn purge(store: AsyncStore<SqliteStore>, intake: WebhookIntake<SqliteStore>) {
    let mut ticks = tokio::time::interval(PURGE_EVERY);
    loop {
        ticks.tick().await;
        let intake = intake.clone();
        match store.run(move |_| intake.purge(PURGE_BATCH)).await {
            Ok(purged) => tracing::info!(purged, "expired deliveries deleted"),
            Err(error) => tracing::warn!(error = with_causes(&error), "deleting expired deliveries failed"),
        }
    }
}

#[cfg(unix)]
async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        }
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
