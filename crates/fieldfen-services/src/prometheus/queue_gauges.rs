//! The gauges of the queue, as they were read last.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use fieldfen_domain::job::KindFlow;
use fieldfen_domain::{CappedCount, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::kind_labels::{KindLabels, OTHER};
use crate::overview::QueueFigures;

/// The figures of the queue; `None` until they are read first.
#[derive(Debug, Default)]
pub(super) struct QueueGauges(Mutex<Option<QueueFigures>>);

impl QueueGauges {
    pub(super) fn set(&self, figures: QueueFigures) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(figures);
    }
}

impl Collector for QueueGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(figures) = figures else { return Ok(()) };
        let kinds = labelled(figures.kinds, figures.at);
        let counts: Vec<_> = kinds.iter().flat_map(KindGauges::counts).collect();
        let encoder = &mut encoder;
        let number = counts.iter().map(|(labels, count)| (labels.as_slice(), count.number));
        gauges(encoder, "fieldfen_jobs", "Jobs by kind and status. A count ends at 2000.", number)?;
        let capped = counts.iter().map(|(labels, count)| (labels.as_slice(), u64::from(count.is_capped)));
        gauges(encoder, "fieldfen_jobs_capped", "1 if there may be more jobs than fieldfen_jobs says.", capped)?;
        let oldest = kinds.iter().map(|kind| ([("kind", kind.label.as_str())], kind.oldest_waiting));
        let help = "The time for which the oldest waiting job has been due.";
        gauges(encoder, "fieldfen_oldest_waiting_seconds", help, oldest)?;
        let money = figures.budgets.iter().filter_map(|report| {
            let currency = report.status.currency?;
            let labels = [("budget", report.budget.name.as_str().to_owned()), ("currency", currency.to_string())];
            Some((labels, currency.minor_units(report.status.left)))
        });
        let help = "The money left of a budget, in minor units of its currency.";
        gauges(encoder, "fieldfen_budget_left_minor_units", help, money)?;
        let in_calls = figures.budgets.iter().filter(|report| report.status.currency.is_none());
        let calls = in_calls.map(|report| ([("budget", report.budget.name.as_str())], report.status.left));
        gauges(encoder, "fieldfen_budget_left_calls", "The calls left of a budget.", calls)?;
        gauge(encoder, "fieldfen_live_workers", "Workers that are alive.", figures.live_workers)?;
        let read_at = seconds(figures.at.timestamp_micros());
        gauge(encoder, "fieldfen_queue_read_timestamp_seconds", "The time at which the queue was read.", read_at)
    }
}

/// The figures of one kind, or of all kinds without a label of their own.
struct KindGauges {
    label: String,
    waiting: CappedCount,
    running: CappedCount,
    parked: CappedCount,
    dead: CappedCount,
    /// In seconds.
    oldest_waiting: f64,
}

impl KindGauges {
    fn new(label: String, flow: &KindFlow, now: Timestamp) -> Self {
        let waited = flow.waiting_since.map_or(0, |since| (now - since).num_microseconds().unwrap_or(i64::MAX));
        Self {
            label,
            waiting: flow.waiting,
            running: flow.running,
            parked: flow.parked,
            dead: flow.dead.count,
            oldest_waiting: seconds(waited.max(0)),
        }
    }

    fn add(&mut self, other: &Self) {
        self.waiting += other.waiting;
        self.running += other.running;
        self.parked += other.parked;
        self.dead += other.dead;
        self.oldest_waiting = self.oldest_waiting.max(other.oldest_waiting);
    }

    /// The counts with their labels.
    fn counts(&self) -> [([(&'static str, String); 2], CappedCount); 4] {
        let by_status = |status: &str, count| ([("kind", self.label.clone()), ("status", status.to_owned())], count);
        [
            by_status("waiting", self.waiting),
            by_status("running", self.running),
            by_status("parked", self.parked),
            by_status("dead", self.dead),
        ]
    }
}

/// The figures by label, those without a label of their own together at the end.
fn labelled(kinds: Vec<KindFlow>, now: Timestamp) -> Vec<KindGauges> {
    let labels = KindLabels::default();
    let (mut all, mut others) = (Vec::new(), None::<KindGauges>);
    for flow in kinds {
        let kind = KindGauges::new(labels.label(&flow.kind), &flow, now);
        match &mut others {
            _ if kind.label != OTHER => all.push(kind),
            Some(others) => others.add(&kind),
            None => others = Some(kind),
        }
    }
    all.extend(others);
    all
}

/// Writes one gauge for each set of labels; nothing if there is none.
fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (L, V)>,
) -> fmt::Result {
    let mut samples = samples.peekable();
    if samples.peek().is_none() {
        return Ok(());
    }
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in samples {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Writes a gauge without labels.
fn gauge<V: EncodeGaugeValue>(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: V) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// Microseconds as seconds. A float holds them exactly for 285 years.
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
