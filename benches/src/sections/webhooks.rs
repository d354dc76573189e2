//! Webhooks with many hashes stored.

use std::cell::Cell;

use anyhow::{Result, ensure};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::webhook::PayloadHash;
use fieldfen_persistence::Durability;
use fieldfen_services::Environment;
use fieldfen_services::webhooks::{ReceiveOutcome, WebhookIntake};

use super::{Stage, grouped, micros};
use crate::backlog;
use crate::baseline::{Connection, Value};
use crate::fieldfen;
use crate::report::{Bound, Report, Row};
use crate::rounds::{self, Contestant};

const FEW: u32 = 1000;

const SOURCE: &str = "bench";

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let many = stage.scale.pick(1_000_000, 10_000_000);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let mut stores = Vec::new();
    for hashes in [many, FEW] {
        let path = folder.path().join(format!("{hashes}.db"));
        create(&path, hashes)?;
        stores.push((fieldfen::open(&path, Durability::Normal)?, hashes));
    }
    let newest: Vec<Cell<u32>> = stores.iter().map(|(_, hashes)| Cell::new(*hashes - 1)).collect();
    let mut contestants: Vec<Contestant<'_>> = Vec::new();
    for ((store, hashes), newest) in stores.iter().zip(&newest) {
        let intake = WebhookIntake::new(store.clone(), Environment::system());
        let (again, long_ago) = (intake.clone(), intake.clone());
        contestants.push(Box::new(move || {
            let next = || {
                newest.set(newest.get() + 1);
                newest.get()
            };
            median(next, |delivery| Ok(matches!(receive(&intake, delivery)?, ReceiveOutcome::New(()))))
        }));
        let mut back = 0;
        contestants.push(Box::new(move || {
            let recent = || {
                back = (back + 379) % FEW;
                newest.get() - back
            };
            median(recent, |delivery| Ok(matches!(receive(&again, delivery)?, ReceiveOutcome::Duplicate { .. })))
        }));
        let mut earlier = 0;
        contestants.push(Box::new(move || {
            let any = || {
                earlier = (earlier + 7_919) % hashes;
                earlier
            };
            median(any, |delivery| Ok(matches!(receive(&long_ago, delivery)?, ReceiveOutcome::Duplicate { .. })))
        }));
    }
    let figures = rounds::interleave(21, &mut contestants)?;
    drop(contestants);
    let [new, recent, any, new_few, recent_few, any_few] = &*figures else { return Ok(()) };
    for (name, times, few) in [
        ("new", new, new_few),
        ("duplicate of one of the last 1,000", recent, recent_few),
        ("duplicate of any", any, any_few),
    ] {
        report.row(
            Row::new(
                format!("webhook receive, {name}, with {} hashes stored / with 1,000", grouped(many)),
                rounds::ratio(times, few),
                "x",
                Bound::AtMost(1.5),
            )
            .parts(format!("{:.1} µs / {:.1} µs", rounds::median(times), rounds::median(few))),
        );
    }
    report.note(
        "webhooks: one delivery a transaction, under NORMAL, without rows or jobs that follow from it. Senders repeat \
         what they have sent lately; a repetition of any delivery at all reads two or three pages that nobody has read \
         for long.",
    );
    Ok(())
}

/// The median time of 100 deliveries. `is` checks the answer to each of them.
fn median(mut next: impl FnMut() -> u32, mut is: impl FnMut(u32) -> Result<bool>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..100 {
        let delivery = next();
        times.push(micros(|| {
            ensure!(is(delivery)?, "delivery {delivery} was taken for another one");
            Ok(())
        })?);
    }
    Ok(rounds::median(&times))
}

fn receive(intake: &WebhookIntake<fieldfen_persistence::SqliteStore>, delivery: u32) -> Result<ReceiveOutcome<()>> {
    let id = delivery.to_string();
    Ok(intake.receive(SOURCE, Some(&id), None, b"{}", |_| Ok::<(), StoreError>(()))?)
}

/// A database that remembers deliveries 0 to `hashes`.
fn create(path: &std::path::Path, hashes: u32) -> Result<()> {
    backlog::migrate(path)?;
    let connection = Connection::open(path, Durability::Normal)?;
    connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000; BEGIN IMMEDIATE")?;
    let mut insert = connection.prepare(
        "INSERT INTO processed_hashes (hash, source, created_at, expires_at) \
         VALUES (?, ?, '2026-03-02 12:00:00.000000', '9999-01-01 00:00:00.000000')",
    )?;
    for delivery in 0..hashes {
        let hash = PayloadHash::of_delivery(SOURCE, "", &delivery.to_string()).to_string();
        insert.run(&[Value::Text(&hash), Value::Text(SOURCE)], |_| {})?;
    }
    connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
}
