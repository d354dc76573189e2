//! A webhook server with its own port and database, and a client for it.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fieldfen_domain::PageRequest;
use fieldfen_domain::job::Job;
use fieldfen_domain::job::JobFilter;
use fieldfen_domain::store::Store as _;
use fieldfen_examples::webhooks::{Senders, routes, serve};
use fieldfen_persistence::{OpenMode, SqliteOptions, SqliteStore, connect};
use fieldfen_services::Environment;
use fieldfen_testkit::wait::PATIENCE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

pub(crate) const GITHUB_KEY: &str = "octopus";
pub(crate) const SHOPIFY_KEY: &str = "bags";
pub(crate) const ETSY_KEY: &[u8] = b"needles and thread, 24 bytes";

/// A time limit that no slow client exceeds.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A server with its own port and database.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) store: SqliteStore,
    pub(crate) stop: Arc<Semaphore>,
    pub(crate) served: JoinHandle<std::io::Result<()>>,
    pub(crate) runtime: tokio::runtime::Runtime,
}

/// An answer: status, `Retry-After` and document.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) document: Value,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with_patience(LONG, LONG)
    }

    /// A server with these time limits for the head and the body of a request.
    pub(crate) fn with_patience(head: Duration, body: Duration) -> Self {
        let etsy = format!("etsy=whsec_{}", BASE64.encode(ETSY_KEY));
        let github = format!("github={GITHUB_KEY}");
        let shopify = format!("shopify={SHOPIFY_KEY}");
        Self::of(&["github=an older key", &github, &shopify, &etsy], head, body)
    }

    /// A server for these senders.
    pub(crate) fn for_senders(secrets: &[&str]) -> Self {
        Self::of(secrets, LONG, LONG)
    }

    fn of(secrets: &[&str], head: Duration, body: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("fieldfen.db").to_str().unwrap().to_owned();
        let mut options = SqliteOptions::default();
        options.busy_timeout = Duration::from_millis(100);
        let store = SqliteStore::create_with(&url, &options).unwrap();
        let senders = Senders::parse(secrets.iter().copied()).unwrap();
        let routes = routes(store.clone(), Environment::system(), senders, body);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(Semaphore::new(0));
        let asked = Arc::clone(&stop);
        let stopping = move || {
            let asked = Arc::clone(&asked);
            async move { asked.acquire().await.unwrap().forget() }
        };
        let served = runtime.spawn(async move { serve(listener, routes, head, stopping).await });
        Self { address, folder, store, stop, served, runtime }
    }

    /// A new connection on which this text has been sent.
    pub(crate) fn say(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    }

    pub(crate) fn post(&self, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        let mut request = agent.post(format!("http://{}/webhooks/{source}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some("application/json"));
        let (status, retry_after) = (response.status().as_u16(), header("retry-after"));
        let document = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        Answer { status, retry_after, document }
    }

    pub(crate) fn github(&self, delivery: &str, body: &[u8]) -> Answer {
        let signature = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[body]));
        let headers =
            [("X-GitHub-Delivery", delivery), ("X-GitHub-Event", "push"), ("X-Hub-Signature-256", signature.as_str())];
        self.post("github", &headers, body)
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        let filter = JobFilter::default();
        let jobs = self.store.read(|s| {
            let page = s.jobs().page(&filter, &PageRequest::first(1000))?;
            page.items.iter().map(|job| s.jobs().find(&job.id)).collect::<Result<Vec<_>, _>>()
        });
        jobs.unwrap().into_iter().flatten().collect()
    }

    /// The number of remembered deliveries.
    pub(crate) fn remembered(&self) -> i64 {
        use diesel::prelude::*;
        let url = self.folder.path().join("fieldfen.db").to_str().unwrap().to_owned();
        let mut connection = connect(&url.parse().unwrap(), OpenMode::ExistingOnly).unwrap();
        let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("SELECT count(*) FROM processed_hashes");
        count.get_result(&mut connection).unwrap()
    }
}

pub(crate) fn digest(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(key: &[u8], parts: &[&[u8]]) -> String {
    digest(key, parts).iter().map(|byte| format!("{byte:02x}")).collect()
}
