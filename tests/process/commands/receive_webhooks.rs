//! Receives each of some webhooks several times.

use std::thread;

use anyhow::{Error, anyhow};
use clap::Args;
use fieldfen_domain::RawJson;
use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::webhooks::{ReceiveError, ReceiveOutcome, WebhookIntake};

use super::stdin::drain_flag;
use super::{or_emit, queue_or_emit};
use crate::event::{Event, emit};
use crate::rng::Rng;

/// The kind of the job of a webhook. Its payload is the webhook's number.
pub const EFFECT_KIND: &str = "test.effect";

/// Receives webhooks 0, 1, 2, … several times each in random order.
#[derive(Debug, Args)]
pub struct ReceiveWebhooks {
    /// The number of threads that share the store.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// The number of webhooks.
    #[arg(long)]
    webhooks: u64,
    /// The number of deliveries of each webhook.
    #[arg(long)]
    times: u64,
    /// The seed of the order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The body of webhook `number`.
#[must_use]
pub fn body(number: u64) -> String {
    format!(r#"{{"order":{number}}}"#)
}

/// The delivery id of webhook `number`. Every third webhook has none.
#[must_use]
pub fn delivery_id(number: u64) -> Option<String> {
    (!number.is_multiple_of(3)).then(|| format!("delivery-{number}"))
}

impl ReceiveWebhooks {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store refuses a call, or the test has closed the pipe from stdout.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        drain_flag(true);
        let environment = Environment::system();
        let intake = WebhookIntake::new(store.clone(), environment.clone());
        emit(&Event::Ready)?;
        let mut order: Vec<u64> = (0..self.times).flat_map(|_| 0..self.webhooks).collect();
        Rng::new(self.seed).shuffle(&mut order);
        let share = order.len().div_ceil(usize::try_from(self.threads.max(1))?).max(1);
        thread::scope(|scope| {
            let threads: Vec<_> = order
                .chunks(share)
                .map(|numbers| {
                    let (intake, environment) = (&intake, &environment);
                    scope.spawn(move || numbers.iter().try_for_each(|&number| receive(intake, environment, number)))
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }
}

fn receive(intake: &WebhookIntake<SqliteStore>, environment: &Environment, number: u64) -> Result<(), Error> {
    let payload = RawJson::from_value(&number)?;
    let kind = JobKind::custom(EFFECT_KIND)?;
    let effect = NewJob::untyped(environment.job_id(), kind, Some(payload), environment.now())?;
    let (id, body) = (delivery_id(number), body(number));
    let received = intake.receive("shop", id.as_deref(), None, body.as_bytes(), |t| t.enqueue(&effect));
    match received {
        Ok(ReceiveOutcome::New(_)) => emit(&Event::WebhookNew(number)),
        Ok(ReceiveOutcome::Duplicate { .. }) => emit(&Event::WebhookDuplicate(number)),
        Err(ReceiveError::Store(error)) => or_emit(Err(error)),
        Err(ReceiveError::Effect(error)) => queue_or_emit(Err(error)),
        Err(ReceiveError::Delivery(error)) => Err(error.into()),
    }
}
