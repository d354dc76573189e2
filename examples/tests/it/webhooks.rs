//! The webhook server, asked by a real HTTP client, and by clients that are slow.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diesel::connection::SimpleConnection as _;
use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{Job, JobFilter};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_examples::webhooks::{BODY_LIMIT, Senders, routes, serve};
use fieldfen_persistence::{Missing, SqliteOptions, SqliteStore, connect, migrations};
use fieldfen_services::Environment;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

const GITHUB_KEY: &str = "octopus";
const SHOPIFY_KEY: &str = "bags";
const ETSY_KEY: &[u8] = b"needles and thread, 24 bytes";

/// More patience than any test needs.
const LONG: Duration = Duration::from_secs(3600);

/// A server on a port of its own, on a database of its own.
struct Server {
    address: SocketAddr,
    folder: TempDir,
    store: SqliteStore,
    stop: Arc<Semaphore>,
    served: JoinHandle<std::io::Result<()>>,
    runtime: tokio::runtime::Runtime,
}

/// An answer: status, `Retry-After` and document.
#[derive(Debug)]
struct Answer {
    status: u16,
    retry_after: Option<String>,
    document: Value,
}

impl Server {
    fn start() -> Self {
        Self::with_patience(LONG, LONG)
    }

    /// With so much patience for the head of a request, and so much for its body.
    fn with_patience(head: Duration, body: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("fieldfen.db").to_str().unwrap().to_owned();
        migrations::run_pending(&mut connect(&url.parse().unwrap(), Missing::Create).unwrap()).unwrap();
        let mut options = SqliteOptions::default();
        options.busy_timeout = Duration::from_millis(100);
        let store = SqliteStore::open_with(&url, &options).unwrap();
        let etsy = format!("etsy=whsec_{}", BASE64.encode(ETSY_KEY));
        let github = format!("github={GITHUB_KEY}");
        let shopify = format!("shopify={SHOPIFY_KEY}");
        let secrets = ["github=an older key", &github, &shopify, &etsy];
        let routes = routes(store.clone(), Environment::system(), Senders::parse(secrets).unwrap(), body);
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

    /// A connection on which this has been sent.
    fn say(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    }

    fn post(&self, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
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

    fn github(&self, delivery: &str, body: &[u8]) -> Answer {
        let signature = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[body]));
        let headers =
            [("X-GitHub-Delivery", delivery), ("X-GitHub-Event", "push"), ("X-Hub-Signature-256", signature.as_str())];
        self.post("github", &headers, body)
    }

    fn jobs(&self) -> Vec<Job> {
        let filter = JobFilter::default();
        let page = self.store.read::<_, StoreError, _>(|s| s.jobs().page(&filter, PageRequest::first(1000)));
        page.unwrap().items
    }

    /// How many deliveries are remembered.
    fn remembered(&self) -> i64 {
        use diesel::prelude::*;
        let url = self.folder.path().join("fieldfen.db").to_str().unwrap().to_owned();
        let mut connection = connect(&url.parse().unwrap(), Missing::Refuse).unwrap();
        let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("SELECT count(*) FROM processed_hashes");
        count.get_result(&mut connection).unwrap()
    }
}

fn digest(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hex(key: &[u8], parts: &[&[u8]]) -> String {
    digest(key, parts).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_delivery_is_answered_after_its_commit_and_a_repetition_is_named() {
    let server = Server::start();
    let body = br#"{"id": 9007199254740993, "ratio": 1.10}"#;
    let first = server.github("d-1", body);
    assert_eq!((first.status, first.document), (202, json!({"result": "new"})));
    let jobs = server.jobs();
    assert_eq!((jobs.len(), jobs[0].kind.as_str()), (1, "webhook.received"));
    let payload = jobs[0].payload.as_ref().unwrap().as_str();
    assert!(payload.contains(r#""body":{"id": 9007199254740993, "ratio": 1.10}"#), "{payload}");
    assert!(payload.contains(r#""source":"github","delivery_id":"d-1","event":"push""#), "{payload}");

    let again = server.github("d-1", body);
    assert_eq!((again.status, &again.document["result"]), (200, &json!("duplicate")));
    let first_seen: fieldfen_domain::Timestamp = again.document["first_seen"].as_str().unwrap().parse().unwrap();
    assert!((first_seen - jobs[0].created_at.unwrap()).num_seconds().abs() < 60);
    assert_eq!(server.github("d-2", body).status, 202);
    assert_eq!(server.jobs().len(), 2);
}

#[test]
fn every_sender_signs_in_its_own_way() {
    let server = Server::start();
    let body = br#"{"shop": "needles"}"#;
    let signature = BASE64.encode(digest(SHOPIFY_KEY.as_bytes(), &[body]));
    let shopify = [
        ("X-Shopify-Webhook-Id", "w-1"),
        ("X-Shopify-Topic", "orders/create"),
        ("X-Shopify-Hmac-Sha256", signature.as_str()),
    ];
    assert_eq!(server.post("shopify", &shopify, body).status, 202);
    assert_eq!(server.post("shopify", &shopify, body).status, 200);

    let deliver = |seconds: i64| {
        let seconds = seconds.to_string();
        let signature = BASE64.encode(digest(ETSY_KEY, &[b"msg_1.", seconds.as_bytes(), b".", body]));
        let signature = format!("v1a,AAAA v1,{signature}");
        let headers = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", seconds.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        server.post("etsy", &headers, body).status
    };
    let now = Environment::system().now().timestamp();
    assert_eq!(deliver(now - 600), 401, "too old");
    assert_eq!(deliver(now), 202);
    assert_eq!(deliver(now + 1), 200, "another try of the same delivery");
    assert_eq!(server.jobs().len(), 2);
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let server = Server::start();
    let body = b"{}";
    let good = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[body]));
    let other = format!("sha256={}", hex(b"guessed", &[body]));
    for signature in [other.as_str(), "sha256=", "nonsense"] {
        let answer = server.post("github", &[("X-GitHub-Delivery", "d"), ("X-Hub-Signature-256", signature)], body);
        assert_eq!(answer.status, 401, "{signature}: {answer:?}");
    }
    assert_eq!(server.post("github", &[("X-GitHub-Delivery", "d")], body).status, 401);
    assert_eq!(server.post("github", &[("X-Hub-Signature-256", &good)], b"{ }").status, 401);
    assert_eq!(server.post("ebay", &[("X-Hub-Signature-256", &good)], body).status, 404);
    assert_eq!(server.github(" ", body).status, 400, "an id that is blank identifies nothing");
    assert_eq!(server.github("d", b"not json").status, 400);
    let large = vec![b' '; BODY_LIMIT + 1];
    let answer = server.github("large", &large);
    assert_eq!(answer.status, 413);
    assert!(answer.document["error"].as_str().unwrap().contains(&BODY_LIMIT.to_string()), "{answer:?}");
    let mut fits = vec![b' '; BODY_LIMIT];
    fits[0] = b'1';
    assert_eq!(server.github("fits", &fits).status, 202);
    assert_eq!((server.jobs().len(), server.remembered()), (1, 1));
}

#[test]
fn what_is_no_delivery_is_told_so_in_json() {
    let server = Server::start();
    assert_eq!(server.post("%FF", &[], b"{}").status, 404);
    assert_eq!(server.post("github/more", &[], b"{}").status, 404);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut looked = agent.get(format!("http://{}/webhooks/github", server.address)).call().unwrap();
    assert_eq!(looked.status(), 405);
    let told: Value = serde_json::from_str(&looked.body_mut().read_to_string().unwrap()).unwrap();
    assert!(told["error"].as_str().unwrap().contains("POST"), "{told}");

    let signature = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[b"{}"]));
    let head = "POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n";
    let mut answer = Vec::new();
    let request = format!("{head}x-hub-signature-256: {signature}\r\nx-github-delivery: dé\r\n\r\n{{}}");
    server.say(&request).read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("x-github-delivery"), "{answer}");
    assert_eq!(server.remembered(), 0);
}

#[test]
fn who_is_slow_is_not_waited_for() {
    const SHORT: Duration = Duration::from_millis(200);
    let servers = [Server::with_patience(SHORT, LONG), Server::with_patience(LONG, SHORT)];
    let head = "POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n";
    let body_begun = format!("{head}\r\n{{");
    let [of_heads, of_bodies] = &servers;
    let said = [(of_heads, "", ""), (of_heads, head, ""), (of_bodies, &body_begun, "HTTP/1.1 408")];
    for (mut client, answer) in said.map(|(server, text, answer)| (server.say(text), answer)) {
        let mut told = String::new();
        if let Err(error) = client.read_to_string(&mut told) {
            // What was said came after the server had hung up.
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        assert!(told.starts_with(answer) && told.is_empty() == answer.is_empty(), "{told}");
    }
}

#[test]
fn a_slow_client_does_not_hold_up_the_end() {
    let slow = "POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    // One server runs out of patience, the other is asked twice.
    for (patience, asked) in [(Duration::from_millis(50), 1), (LONG, 2)] {
        let mut server = Server::with_patience(patience, LONG);
        let _open = server.say(slow);
        server.stop.add_permits(asked);
        server.runtime.block_on(&mut server.served).unwrap().unwrap();
    }
}

#[test]
fn a_busy_database_asks_the_sender_to_come_back() {
    let server = Server::start();
    let url = server.folder.path().join("fieldfen.db").to_str().unwrap().to_owned();
    let mut writer = connect(&url.parse().unwrap(), Missing::Refuse).unwrap();
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    let busy = server.github("d-1", b"{}");
    assert_eq!((busy.status, busy.retry_after.as_deref()), (503, Some("5")), "{busy:?}");
    writer.batch_execute("ROLLBACK").unwrap();
    assert_eq!(server.github("d-1", b"{}").status, 202);
}

#[test]
fn deliveries_that_arrive_together_have_one_effect_each() {
    let server = Server::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let deliver = |thread: usize| {
            let server = &server;
            move || {
                (0..20)
                    .map(|step| server.github(&format!("d-{}", (step * 7 + thread) % 20), b"{}").status)
                    .collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..6).map(|thread| scope.spawn(deliver(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let count = |wanted| statuses.iter().filter(|&&status| status == wanted).count();
    assert_eq!(count(202) + count(200), statuses.len(), "{statuses:?}");
    assert_eq!((count(202), server.jobs().len()), (20, 20));
}
