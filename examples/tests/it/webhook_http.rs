//! The webhook server with a real HTTP client, and with slow clients.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diesel::connection::SimpleConnection as _;
use fieldfen_examples::webhooks::BODY_LIMIT;
use fieldfen_persistence::{OpenMode, connect};
use fieldfen_services::Environment;
use fieldfen_services::webhooks::{Deliveries, hash};
use fieldfen_testkit::wait::{PATIENCE, scope_with_deadline};
use serde_json::{Value, json};

use crate::server_harness::{ETSY_KEY, GITHUB_KEY, LONG, SHOPIFY_KEY, Server, digest, hex};

/// The longest time for an end that should come at once.
const DEADLINE: Duration = Duration::from_secs(30);

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

    let deliveries = Deliveries::new(server.store.clone(), Environment::system());
    let of_delivery = deliveries.jobs(&hash("github", Some("d-1"), None, body).unwrap()).unwrap();
    assert_eq!(of_delivery, jobs, "operators find the job of the delivery");

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
    let agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().new_agent();
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
            // This request came after the server had closed the connection.
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        assert!(told.starts_with(answer) && told.is_empty() == answer.is_empty(), "{told}");
    }
}

#[test]
fn a_connection_ends_with_its_answer() {
    let server = Server::start();
    let request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    // A client that stays connected after its answer, and one that sends requests without end and reads no answers.
    for requests in [1, 100_000] {
        let mut client = TcpStream::connect(server.address).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        client.set_write_timeout(Some(DEADLINE)).unwrap();
        let sent = (0..requests).try_for_each(|_| client.write_all(request.as_bytes()));
        let ended = sent.err().or_else(|| client.read_to_end(&mut Vec::new()).err());
        let reset = |error: &io::Error| matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
        assert!(ended.as_ref().is_none_or(reset), "{requests} requests: {ended:?}");
    }
    // With HTTP/2, one connection carries any number of requests. The server closes it without an answer.
    let mut client = server.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty(), "{answer:?}");
}

#[test]
fn a_slow_client_does_not_hold_up_the_end() {
    let slow = "POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    // One server reaches its time limit, the other one is asked to stop twice.
    for (patience, asked) in [(Duration::from_millis(50), 1), (LONG, 2)] {
        let mut server = Server::with_patience(patience, LONG);
        let _open = server.say(slow);
        server.stop.add_permits(asked);
        let ended = server.runtime.block_on(async { tokio::time::timeout(PATIENCE, &mut server.served).await });
        ended.expect("the server has ended in time").unwrap().unwrap();
    }
}

#[test]
fn a_busy_database_asks_the_sender_to_come_back() {
    let server = Server::start();
    let url = server.folder.path().join("fieldfen.db").to_str().unwrap().to_owned();
    let mut writer = connect(&url.parse().unwrap(), OpenMode::ExistingOnly).unwrap();
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    let busy = server.github("d-1", b"{}");
    assert_eq!((busy.status, busy.retry_after.as_deref()), (503, Some("5")), "{busy:?}");
    writer.batch_execute("ROLLBACK").unwrap();
    assert_eq!(server.github("d-1", b"{}").status, 202);
}

#[test]
fn deliveries_that_arrive_together_have_one_effect_each() {
    let server = Server::start();
    let statuses: Vec<u16> = scope_with_deadline("all deliveries have their answers", |scope| {
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
