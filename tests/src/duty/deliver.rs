//! Receiving the same webhooks over and over.

use std::thread;

use anyhow::{Error, anyhow};
use chrono::TimeDelta;
use clap::Args;
use fieldfen_domain::RawJson;
use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_domain::store::{Session, Store as _, StoreError};
use fieldfen_domain::webhook::{HashSeen, NewHash, PayloadHash};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;

use super::orders::drain_flag;
use super::told;
use crate::dice::Dice;
use crate::fact::{Fact, tell};

/// The job that a webhook leads to; its payload is the webhook's number.
pub const EFFECT_KIND: &str = "test.effect";

/// Receives webhooks 0, 1, 2, … several times each in random order.
#[derive(Debug, Args)]
pub struct Deliver {
    /// How many threads share the store.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// How many webhooks there are.
    #[arg(long)]
    webhooks: u64,
    /// How often each comes.
    #[arg(long)]
    times: u64,
    /// What the order is made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The body of webhook `number`.
#[must_use]
pub fn body(number: u64) -> String {
    format!(r#"{{"order":{number}}}"#)
}

/// The delivery id of webhook `number`; every third sender gives none.
#[must_use]
pub fn delivery_id(number: u64) -> Option<String> {
    (!number.is_multiple_of(3)).then(|| format!("delivery-{number}"))
}

impl Deliver {
    /// Does the duty.
    ///
    /// # Errors
    /// When the store refuses anything, or the parent listens no more.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        drain_flag(true);
        tell(&Fact::Ready)?;
        let mut order: Vec<u64> = (0..self.times).flat_map(|_| 0..self.webhooks).collect();
        Dice::new(self.seed).shuffle(&mut order);
        let share = order.len().div_ceil(usize::try_from(self.threads.max(1))?).max(1);
        thread::scope(|scope| {
            let threads: Vec<_> = order
                .chunks(share)
                .map(|numbers| scope.spawn(|| numbers.iter().try_for_each(|&number| receive(store, number))))
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }
}

fn receive(store: &SqliteStore, number: u64) -> Result<(), Error> {
    let environment = Environment::system();
    let now = environment.now();
    let payload = RawJson::from_value(&number)?;
    let effect = NewJob::untyped(environment.job_id(), JobKind::custom(EFFECT_KIND)?, Some(payload), now)?;
    let hash = NewHash {
        hash: match delivery_id(number) {
            Some(id) => PayloadHash::of_delivery("shop", "", &id),
            None => PayloadHash::of_body(body(number).as_bytes()),
        },
        source: "shop".to_owned(),
        at: now,
        expires_at: now + TimeDelta::hours(24),
    };
    let seen = told(store.write(|s: &mut dyn Session| -> Result<HashSeen, StoreError> {
        let seen = s.hashes().insert(&hash)?;
        if seen == HashSeen::New {
            s.jobs().enqueue(&effect)?;
        }
        Ok(seen)
    }))?;
    tell(&match seen {
        HashSeen::New => Fact::New(number),
        HashSeen::Duplicate { .. } => Fact::Duplicate(number),
    })
}
