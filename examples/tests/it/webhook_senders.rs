//! Deliveries of each sender, and unusable deliveries.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fieldfen_examples::webhooks::{BODY_LIMIT, Senders};
use fieldfen_services::Environment;
use serde_json::{Value, json};

use crate::server_harness::{ETSY_KEY, GITHUB_KEY, SHOPIFY_KEY, Server, digest, hex};

fn now() -> i64 {
    Environment::system().now().timestamp()
}

impl Server {
    /// The payloads of all jobs.
    fn payloads(&self) -> Vec<Value> {
        self.jobs().iter().map(|job| serde_json::from_str(job.payload.as_ref().unwrap().as_str()).unwrap()).collect()
    }

    fn github_form(&self, delivery: &str, body: &[u8]) -> u16 {
        let signature = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[body]));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-github-delivery", delivery),
            ("x-github-event", "push"),
            ("x-hub-signature-256", signature.as_str()),
        ];
        self.post("github", &headers, body).status
    }

    /// Sends a delivery by Standard Webhooks, signed for this time, with headers that begin with `prefix`.
    fn standard(&self, prefix: &str, id: &str, key: &[u8], seconds: i64, others: &[&str]) -> u16 {
        let body = br#"{"type": "email.sent", "data": {"id": "m-1"}}"#;
        let seconds = seconds.to_string();
        let good = digest(key, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body]);
        let good = format!("v1,{}", BASE64.encode(good));
        let [name_of_id, name_of_time, name_of_signature] =
            ["id", "timestamp", "signature"].map(|name| format!("{prefix}-{name}"));
        let mut headers = vec![(name_of_id.as_str(), id), (name_of_time.as_str(), seconds.as_str())];
        headers.extend(others.iter().map(|other| (name_of_signature.as_str(), *other)));
        headers.push((&name_of_signature, &good));
        self.post("etsy", &headers, body).status
    }
}

#[test]
fn a_delivery_of_stripe_is_taken_once_for_each_event() {
    let server = Server::for_senders(&["Stripe=whsec_old", "stripe=whsec_new", "stripe-live:stripe=whsec_live"]);
    let deliver = |source: &str, key: &[u8], body: &str, seconds: i64| {
        let seconds = seconds.to_string();
        let digest = hex(key, &[seconds.as_bytes(), b".", body.as_bytes()]);
        let header = format!("t={seconds},v1={},v1={digest},v0=00", "0".repeat(64));
        server.post(source, &[("Stripe-Signature", &header)], body.as_bytes()).status
    };
    let charge =
        |waiting: u32| format!(r#"{{"id": "evt_1", "type": "charge.succeeded", "pending_webhooks": {waiting}}}"#);
    assert_eq!(deliver("stripe", b"whsec_old", &charge(2), now()), 202);
    assert_eq!(deliver("stripe", b"whsec_new", &charge(1), now() - 200), 200, "another try of the same event");
    assert_eq!(deliver("stripe-live", b"whsec_live", &charge(1), now()), 202, "the events of another account");
    for off in [-400, 400] {
        assert_eq!(deliver("stripe", b"whsec_new", &charge(0), now() + off), 401, "{off} s");
    }
    assert_eq!(deliver("stripe", b"whsec_live", &charge(0), now()), 401);
    let payloads = server.payloads();
    assert_eq!(payloads.len(), 2);
    assert_eq!((&payloads[0]["delivery_id"], &payloads[0]["event"]), (&json!("evt_1"), &json!("charge.succeeded")));
    assert_eq!(payloads[1]["source"], "stripe-live");
}

#[test]
fn deliveries_of_slack_are_taken_as_json_or_form_and_its_challenge_is_answered() {
    let server = Server::for_senders(&["slack=hush"]);
    let deliver = |content_type: &str, body: &str, seconds: i64| {
        let seconds = seconds.to_string();
        let signature = format!("v0={}", hex(b"hush", &[b"v0:", seconds.as_bytes(), b":", body.as_bytes()]));
        let headers = [
            ("Content-Type", content_type),
            ("X-Slack-Request-Timestamp", seconds.as_str()),
            ("X-Slack-Signature", signature.as_str()),
        ];
        server.post("slack", &headers, body.as_bytes())
    };
    let challenge = deliver("application/json", r#"{"type": "url_verification", "challenge": "3eZb"}"#, now());
    assert_eq!((challenge.status, challenge.document), (200, json!({"challenge": "3eZb"})));
    assert_eq!(server.remembered(), 0);

    let event = r#"{"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention"}}"#;
    assert_eq!(deliver("application/json", event, now()).status, 202);
    assert_eq!(deliver("application/json", event, now() + 1).status, 200);
    assert_eq!(deliver("application/json", event, now() - 400).status, 401);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(deliver(form, "command=%2Flist&text=a+b&trigger_id=1.2", now()).status, 202);
    let action = "payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%223%22%7D";
    assert_eq!(deliver(form, action, now()).status, 202);
    let taken: Vec<_> = server
        .payloads()
        .into_iter()
        .map(|payload| (payload["delivery_id"].clone(), payload["event"].clone(), payload["body"].clone()))
        .collect();
    let expected = [
        (json!("Ev1"), json!("app_mention"), serde_json::from_str(event).unwrap()),
        (json!("1.2"), json!("/list"), json!({"command": "/list", "text": "a b", "trigger_id": "1.2"})),
        (json!("3"), json!("block_actions"), json!({"type": "block_actions", "trigger_id": "3"})),
    ];
    assert_eq!(taken, expected);
}

#[test]
fn standard_webhooks_are_taken_under_either_name_and_with_signatures_on_several_lines() {
    let server = Server::start();
    assert_eq!(server.standard("svix", "msg_1", ETSY_KEY, now(), &[]), 202);
    assert_eq!(server.standard("webhook", "msg_1", ETSY_KEY, now(), &["v1a,AAAA"]), 200, "the same delivery");
    assert_eq!(server.standard("webhook", "msg_2", ETSY_KEY, now(), &["v1,AAAA", "v1a,AAAA"]), 202);
    assert_eq!(server.standard("svix", "msg_3", b"guessed", now(), &[]), 401);
    assert_eq!(server.standard("webhook", "msg_3", ETSY_KEY, now() + 400, &[]), 401, "from the future");
    let payloads = server.payloads();
    assert_eq!((payloads.len(), &payloads[0]["event"]), (2, &json!("email.sent")));
    // A key of 23 bytes, whose text needs padding and has none.
    let unpadded = Server::for_senders(&["etsy=MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"]);
    let key = &BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=").unwrap();
    assert_eq!(unpadded.standard("webhook", "msg_1", key, now(), &[]), 202);
}

#[test]
fn a_form_of_github_is_signed_as_sent_and_taken_as_the_json_in_it() {
    let server = Server::start();
    let json = r#"{"id": 9007199254740993, "title": "a&b=c+d é"}"#;
    let form = format!("payload={}", json.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
    assert_eq!(server.github_form("d-1", form.as_bytes()), 202);
    assert_eq!(server.github_form("d-1", form.as_bytes()), 200);
    assert_eq!(server.github_form("d-2", b"payload=%7B"), 400, "it is no JSON");
    assert_eq!(server.github_form("d-2", b"payload=%22%E9%22"), 400, "it is not UTF-8");
    assert_eq!(server.github_form("d-2", b"payload=\"\xe9\""), 400, "it is not UTF-8");
    assert_eq!(server.github_form("d-3", br#"{"title": "&payload=7&"}"#), 202, "and JSON is no form");
    let payload = server.jobs()[0].payload.as_ref().unwrap().as_str().to_owned();
    assert!(payload.contains(&format!(r#""event":"push","body":{json}"#)), "{payload}");
    assert_eq!(server.payloads()[1]["body"]["title"], "&payload=7&");
}

#[test]
fn equal_bodies_without_an_id_are_one_delivery_of_each_sender() {
    let server = Server::start();
    let body = br#"{"id": 1}"#;
    let github = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[body]));
    let shopify = BASE64.encode(digest(SHOPIFY_KEY.as_bytes(), &[body]));
    let deliver =
        |source: &str, header: &str, signature: &str| server.post(source, &[(header, signature)], body).status;
    assert_eq!(deliver("github", "x-hub-signature-256", &github), 202);
    assert_eq!(deliver("shopify", "x-shopify-hmac-sha256", &shopify), 202);
    assert_eq!(deliver("github", "x-hub-signature-256", &github), 200);
    assert_eq!((server.jobs().len(), &server.payloads()[1]["delivery_id"]), (2, &Value::Null));
}

#[test]
fn a_sender_whose_scheme_is_not_known_is_refused_at_the_start() {
    for name in ["stripe-live", "amazon", "ebay", "github2"] {
        let secret = format!("{name}=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let error = Senders::parse([secret.as_str()]).unwrap_err().to_string();
        assert!(error.contains("standard-webhooks") && error.contains("stripe"), "{error}");
        assert!(!error.contains("MfKQ"), "{error}");
    }
}

#[test]
fn json_that_no_worker_can_read_is_refused_with_the_reason() {
    let server = Server::start();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (body, reason) in [
        ("[1e999]", "number out of range"),
        (r#"{"name": "\ud800"}"#, "hex escape"),
        (deep.as_str(), "recursion limit"),
        // One level less than JSON alone may have, since the job's payload adds a level.
        (&deep[200 - 127..200 + 127], "recursion limit"),
        ("{\"a\": \"\0\"}", "control character"),
        ("{} {}", "trailing"),
        (r#"1,"source":"stripe""#, "trailing"),
        ("\u{feff}{}", "byte order mark"),
        ("not json", "expected"),
    ] {
        let answer = server.github("d-1", body.as_bytes());
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.document["error"].as_str().unwrap().contains(reason), "{answer:?}");
    }
    for (body, reason) in
        [(&b"\xff\xfe{\0}\0"[..], "UTF-16"), (&b"\0{\0}"[..], "UTF-16"), (&b"\"\xe9\""[..], "not UTF-8")]
    {
        let answer = server.github("d-1", body);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.document["error"].as_str().unwrap().contains(reason), "{answer:?}");
    }
    assert_eq!((server.jobs().len(), server.remembered()), (0, 0));
    let as_deep_as_can_be = &deep[200 - 126..200 + 126];
    assert_eq!(server.github("d-1", as_deep_as_can_be.as_bytes()).status, 202);
    assert_eq!(server.github("d-2", br#"{"a": "\u0000", "a": 2}"#).status, 202, "names may come twice");
    assert_eq!(server.github("d-3", b"").status, 202);
    assert_eq!(server.payloads().last().unwrap()["body"], Value::Null);
}

#[test]
fn headers_that_cannot_be_kept_are_refused() {
    let server = Server::start();
    assert_eq!(server.github("", b"{}").status, 400);
    assert_eq!(server.github(&"d".repeat(10_000), b"{}").status, 400);
    let mut fits = vec![b' '; BODY_LIMIT];
    fits[..2].copy_from_slice(b"{}");
    let signature = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[&fits]));
    // Spaces at the end are dropped, unless something follows them.
    let mut large = fits.clone();
    large[1] = b' ';
    large[BODY_LIMIT - 1] = b'}';
    let signature_of_large = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[&large]));
    let deliver = |event: &str, signature: &str, body: &[u8]| {
        let headers = [("X-GitHub-Delivery", "d-1"), ("X-GitHub-Event", event), ("X-Hub-Signature-256", signature)];
        server.post("github", &headers, body)
    };
    let answer = deliver(&"push ".repeat(1500), &signature_of_large, &large);
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.document["error"].as_str().unwrap().contains("1048576"), "{answer:?}");
    assert_eq!(deliver(&"push ".repeat(1500), &signature, &fits).status, 202);
    assert_eq!(deliver("push", &signature_of_large, &large).status, 200, "the same delivery");

    let signature = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[b"{}"]));
    let head = "POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n";
    let request = format!("{head}x-hub-signature-256: {signature}\r\nx-github-event: pösh\r\n\r\n{{}}");
    let mut answer = String::new();
    server.say(&request).read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("x-github-event"), "{answer}");
}

#[test]
fn a_body_in_chunks_is_a_body() {
    let server = Server::start();
    let deliver = |body: &str, chunks: &str| {
        let signature = format!("sha256={}", hex(GITHUB_KEY.as_bytes(), &[body.as_bytes()]));
        let head = "POST /webhooks/GitHub HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n";
        let request = format!(
            "{head}x-hub-signature-256: {signature}\r\nx-github-delivery: d-1\r\ncontent-type: application/json\r\n\r\n{chunks}"
        );
        let mut answer = String::new();
        server.say(&request).read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = deliver(r#"{"a": 1}"#, "4\r\n{\"a\"\r\n4\r\n: 1}\r\n0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let answer = deliver("", "0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(server.payloads().len(), 1);
    assert_eq!(server.payloads()[0]["source"], "github", "names are the same in upper and lower case");
}
