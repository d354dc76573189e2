//! The same webhooks many times: each takes effect once.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::Transaction;
use fieldfen_services::webhooks::{ReceiveError, ReceiveOutcome, WebhookIntake};
use fieldfen_testkit::wait::scope_within;
use fieldfen_tests::commands::{EFFECT_KIND, body, delivery_id};
use fieldfen_tests::event::Event;
use fieldfen_tests::rng::Rng;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::database::Database;
use crate::parameters::{seed, size};
use crate::process::{PATIENCE, PROGRAM, Process};

/// Asserts that each webhook took effect exactly once.
fn assert_effects(database: &Database, webhooks: u64) {
    database.assert_sound();
    let effects = format!("SELECT payload_json FROM jobs WHERE command_type = '{EFFECT_KIND}'");
    let mut effects: Vec<u64> = database.texts(&effects).iter().map(|number| number.parse().unwrap()).collect();
    effects.sort_unstable();
    assert_eq!(effects, (0..webhooks).collect::<Vec<_>>());
}

fn effect(t: &mut Transaction<'_>, environment: &Environment, number: u64) -> Result<(), StoreError> {
    let kind = JobKind::custom(EFFECT_KIND).unwrap();
    let payload = RawJson::from_value(&number).unwrap();
    let job = NewJob::untyped(environment.job_id(), kind, Some(payload), environment.now()).unwrap();
    t.enqueue(&job).unwrap();
    Ok(())
}

#[test]
fn processes_that_are_killed_take_each_webhook_in_once() {
    let (seed, kills) = (seed(), size("FIELDFEN_WEBHOOK_KILLS", 20));
    let (webhooks, times) = (size("FIELDFEN_WEBHOOKS", 300), size("FIELDFEN_DELIVERIES", 2));
    let database = Database::new();
    let rng = Rng::new(seed);
    let start = || {
        let seed = rng.below(u64::from(u32::MAX));
        let command = format!("receive-webhooks --threads 8 --webhooks {webhooks} --times {times} --seed {seed}");
        Process::start(database.path(), &command)
    };
    let mut processes: Vec<Process> = (0..4).map(|_| start()).collect();
    let mut events = Vec::new();
    for _ in 0..kills {
        let chosen = usize::try_from(rng.below(4)).unwrap();
        for _ in 0..rng.below(webhooks / 10) {
            if processes[chosen].next_event().is_none() {
                break;
            }
        }
        thread::sleep(Duration::from_micros(rng.below(2000)));
        events.extend(std::mem::replace(&mut processes[chosen], start()).kill());
    }
    for process in processes {
        let (status, of_process) = process.finish();
        assert!(status.success(), "{status}: {:?}", of_process.last());
        // A process that was not killed has received each of its deliveries completely.
        let answers = of_process
            .iter()
            .filter(|event| matches!(event, Event::WebhookNew(_) | Event::WebhookDuplicate(_)))
            .count();
        assert_eq!(answers as u64, webhooks * times);
        events.extend(of_process);
    }
    assert_effects(&database, webhooks);
    let mut new: BTreeMap<u64, u32> = BTreeMap::new();
    for event in &events {
        match event {
            Event::WebhookNew(number) => *new.entry(*number).or_default() += 1,
            Event::StoreFailed(failure) => panic!("{failure:?}"),
            _ => {}
        }
    }
    assert!(new.values().all(|times| *times == 1), "{new:?}");
    println!("{} of {} answers were new, after {kills} kills", new.len(), events.len());
}

#[test]
fn threads_take_each_webhook_in_once_although_some_effects_fail() {
    const THREADS: usize = 32;
    let (seed, webhooks, times) = (seed(), size("FIELDFEN_WEBHOOKS", 300), size("FIELDFEN_DELIVERIES", 2) * 4);
    let database = Database::new();
    let environment = Environment::system();
    let intake = WebhookIntake::new(database.store(), environment.clone());
    let mut order: Vec<u64> = (0..times).flat_map(|_| 0..webhooks).collect();
    Rng::new(seed).shuffle(&mut order);
    // The first effect of each webhook fails, so the delivery counts as never received.
    let tries: Vec<AtomicU64> = (0..webhooks).map(|_| AtomicU64::new(0)).collect();
    let (new, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    scope_within(PATIENCE, "all deliveries have their answers", |scope| {
        for numbers in order.chunks(order.len().div_ceil(THREADS)) {
            let (intake, environment, tries, new, failed) = (&intake, &environment, &tries, &new, &failed);
            scope.spawn(move || {
                for &number in numbers {
                    let (id, body) = (delivery_id(number), body(number));
                    let scope = id.as_ref().map(|_| "acme");
                    let received = intake.receive("shop", id.as_deref(), scope, body.as_bytes(), |t| {
                        effect(t, environment, number)?;
                        let first = tries[usize::try_from(number).unwrap()].fetch_add(1, Ordering::SeqCst) == 0;
                        if first { Err(StoreError::Full("an error of the effect".into())) } else { Ok(()) }
                    });
                    match received {
                        Ok(ReceiveOutcome::New(())) => new.fetch_add(1, Ordering::SeqCst),
                        Ok(ReceiveOutcome::Duplicate { first_seen, .. }) => u64::from(first_seen.is_some()),
                        Err(ReceiveError::Effect(StoreError::Full(_))) => failed.fetch_add(1, Ordering::SeqCst),
                        Err(error) => panic!("{error:?}"),
                    };
                }
            });
        }
    });
    assert_eq!((new.into_inner(), failed.into_inner()), (webhooks, webhooks));
    assert!(tries.iter().all(|tries| tries.load(Ordering::SeqCst) == 2), "no effect was tried once it had happened");
    assert_effects(&database, webhooks);
}

#[derive(Deserialize)]
struct RecordedEvent<'a> {
    #[serde(borrow)]
    examples: Vec<&'a RawValue>,
}

/// The folder of the npm package `@octokit/webhooks-examples`: hundreds of webhooks in GitHub's format.
fn recorded_webhooks() -> PathBuf {
    std::env::var_os("FIELDFEN_WEBHOOK_EXAMPLES").map_or_else(
        || {
            let target = Path::new(PROGRAM).ancestors().nth(2).unwrap();
            target.join("webhook-examples/node_modules/@octokit/webhooks-examples")
        },
        PathBuf::from,
    )
}

#[test]
#[ignore = "needs `npm install --prefix target/webhook-examples @octokit/webhooks-examples`, or its folder in FIELDFEN_WEBHOOK_EXAMPLES"]
fn recorded_webhooks_are_new_once_and_duplicates_to_the_byte() {
    let folder = recorded_webhooks();
    let Ok(entries) = fs::read_dir(&folder) else { panic!("there are no recorded webhooks in {folder:?}") };
    let files = entries.map(|entry| entry.unwrap().path().join("index.json"));
    let texts: Vec<String> =
        files.filter(|file| file.is_file()).map(|file| fs::read_to_string(file).unwrap()).collect();
    let events: Vec<RecordedEvent<'_>> =
        texts.iter().flat_map(|text| serde_json::from_str::<Vec<RecordedEvent<'_>>>(text).unwrap()).collect();
    let bodies: Vec<&str> = events.iter().flat_map(|event| event.examples.iter().map(|body| body.get())).collect();
    let distinct: HashSet<&str> = bodies.iter().copied().collect();
    println!("{} webhooks, {} distinct bodies", bodies.len(), distinct.len());
    assert!(distinct.len() > 300);

    let database = Database::new();
    let intake = WebhookIntake::new(database.store(), Environment::system());
    let mut seen = HashSet::new();
    for round in 0..3 {
        for (number, body) in bodies.iter().enumerate() {
            assert_eq!(is_new(&intake, None, body), seen.insert(*body), "round {round}, webhook {number}");
            let id = format!("72d3162e-cc78-11e3-81ab-{number:012}");
            assert_eq!(is_new(&intake, Some(&id), body), round == 0, "round {round}, delivery {id}");
        }
    }
    for body in distinct {
        assert!(is_new(&intake, None, &format!("{body}\n")), "one more byte is another body");
    }
    // A sender that gives ids to its deliveries may change bytes in a repetition.
    assert!(!is_new(&intake, Some("72d3162e-cc78-11e3-81ab-000000000000"), "{\"attempt\":2}"));
    database.assert_sound();
}

fn is_new(intake: &WebhookIntake<SqliteStore>, delivery_id: Option<&str>, body: &str) -> bool {
    let received = intake.receive("github", delivery_id, None, body.as_bytes(), |_| Ok::<_, StoreError>(()));
    matches!(received.unwrap(), ReceiveOutcome::New(()))
}
