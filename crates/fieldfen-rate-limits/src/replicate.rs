//! Replicate's HTTP API.
//!
//! - Limits: <https://replicate.com/docs/topics/predictions/rate-limits>. Predictions are created at up to 600 requests
//!   per minute, everything else is called at up to 3,000, and less when credit runs low. `ratelimit-remaining` and
//!   `ratelimit-reset`, in seconds, come with most answers; the page does not name them, recorded answers have them. An
//!   answer with status 429 has the body `{"detail":"Request was throttled. Your rate limit resets in ~30s."}`.
//! - The price of a prediction: <https://replicate.com/docs/topics/predictions/lifecycle> and
//!   <https://replicate.com/changelog/2025-10-16-prediction-deadlines>. A prediction that is `canceled` is charged. One
//!   that is `aborted`, because its deadline came before it started, is not (said of public models). The amounts are in
//!   `metrics`, of which `predict_time` is the seconds that the model ran. They are final once the prediction has ended.
//!   Trainings have the same form. A prediction that is `starting` or `processing` may be charged later.
//! - A prediction that is `failed` is read as charged. The page on the lifecycle does not say whether it is, and
//!   <https://replicate.com/docs/topics/billing> says that a public model costs the time in which it processes a request.
//!   The terms (<https://replicate.com/terms>) could not be read; another site's summary says that they charge for failed
//!   runs of private models and deployments. If a failed prediction is not charged, its cost here is too high.

use serde::Deserialize;
use serde_json::Value;

use crate::time::after_seconds;
use crate::{Answer, Block, BlockSource, Charge, ChargedAmount, MAX_CHARGES, PendingCharge, Reading, json};

/// If a prediction has more metrics, the first ones are kept.
const MAX_AMOUNTS: usize = 16;

#[derive(Deserialize)]
struct Prediction {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    model: Value,
    #[serde(default)]
    metrics: Value,
}

#[derive(Deserialize)]
struct PageOfPredictions {
    results: Vec<Prediction>,
}

#[derive(Deserialize)]
struct Refusal {
    detail: Value,
}

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    if answer.status() < 400 {
        let one = json::body::<Prediction>(answer).filter(|prediction| prediction.status.is_string());
        let page = || json::body::<PageOfPredictions>(answer).map(|page| page.results);
        let predictions = one.map(|prediction| vec![prediction]).or_else(page).unwrap_or_default();
        reading.charges.extend(predictions.iter().filter_map(charge).take(MAX_CHARGES));
        reading.pending_charges.extend(predictions.iter().filter_map(pending_charge).take(MAX_CHARGES));
    } else if answer.status() == 429 && reading.blocked.is_none() {
        let detail = json::body::<Refusal>(answer).map(|refusal| refusal.detail);
        let seconds = detail.as_ref().and_then(Value::as_str).and_then(seconds_to_wait);
        let until = seconds.and_then(|seconds| after_seconds(answer.received_at(), seconds));
        reading.blocked = until.map(|until| Block::new(until, BlockSource::Stated));
    }
}

/// The number of seconds in `Your rate limit resets in ~30s.`
fn seconds_to_wait(detail: &str) -> Option<&str> {
    let (_, wait) = detail.split_once("resets in")?;
    let wait = wait.trim_start_matches([' ', '~']);
    let end = wait.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = wait.split_at(end);
    let unit = unit.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    (unit == "s").then_some(number)
}

fn charge(prediction: &Prediction) -> Option<Charge> {
    let billable = match prediction.status.as_str()? {
        "succeeded" | "failed" | "canceled" => true,
        "aborted" => false,
        _ => return None,
    };
    let PendingCharge { external_id, item } = prediction.charged_thing()?;
    let metrics = prediction.metrics.as_object().into_iter().flatten();
    let amount = |(name, value): (&String, &Value)| {
        Some(ChargedAmount { name: json::name(name)?, micros: json::micros(value)? })
    };
    Some(Charge { external_id, billable, item, amounts: metrics.filter_map(amount).take(MAX_AMOUNTS).collect() })
}

fn pending_charge(prediction: &Prediction) -> Option<PendingCharge> {
    matches!(prediction.status.as_str()?, "starting" | "processing").then(|| prediction.charged_thing())?
}

impl Prediction {
    /// The id and the model.
    fn charged_thing(&self) -> Option<PendingCharge> {
        let external_id = self.id.as_str().and_then(json::name)?;
        Some(PendingCharge { external_id, item: self.model.as_str().and_then(json::name) })
    }
}
