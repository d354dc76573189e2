//! The calls and costs of a service, an endpoint or a day.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldfen_domain::api_cost::{ApiCostDays, Currency, DailyApiCost};
use fieldfen_domain::api_usage::{ApiUsageDays, CallOutcome, DailyApiUsage, Day};
use serde::Serialize;

/// The number of calls by outcome. The sum of the outcomes is the number of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CallsByOutcome {
    /// Calls that the service carried out.
    pub ok: u64,
    /// Calls that the service refused for good.
    pub refused: u64,
    /// Calls that the service refused because of a limit.
    pub throttled: u64,
    /// Calls that did not reach the service.
    pub not_sent: u64,
    /// Calls that may have taken effect.
    pub no_answer: u64,
    /// Calls whose row states no outcome, because another program wrote it.
    pub unstated: u64,
}

/// The money that was spent in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CostFigures {
    /// The currency.
    pub currency: Currency,
    /// The sum of the known costs, in millionths.
    pub known_micros: u64,
    /// The sum of the guesses of pending and unknown costs, in millionths.
    pub guessed_micros: u64,
    /// The number of costs, known or not.
    pub items: u64,
    /// The number of costs whose price is unknown.
    pub unknown_items: u64,
}

/// The calls and costs of a service, an endpoint or a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApiFigures {
    /// The number of recorded calls.
    pub calls: u64,
    /// The number of requests: a call can be a batch.
    pub requests: u64,
    /// The number of calls that did not end with `ok`, without those that state no outcome.
    pub errors: u64,
    /// The calls by outcome.
    pub outcomes: CallsByOutcome,
    /// The mean duration of a call in milliseconds, rounded down. A call without a duration counts as 0. `None` without
    /// calls, and if no call states a duration of a millisecond or more.
    pub mean_duration_ms: Option<u64>,
    /// The costs, one row for each currency, sorted by currency.
    pub costs: Vec<CostFigures>,
    /// The number of things that the service did not charge for.
    pub free_items: u64,
}

/// The figures of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServiceFigures {
    /// The service.
    pub service: String,
    /// Its calls and costs.
    #[serde(flatten)]
    pub figures: ApiFigures,
}

/// The figures of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndpointFigures {
    /// The service.
    pub service: String,
    /// The endpoint or action; empty for calls and costs that name none.
    pub endpoint: String,
    /// Its calls and costs.
    #[serde(flatten)]
    pub figures: ApiFigures,
}

/// The figures of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DayFigures {
    /// The day, in UTC.
    pub day: Day,
    /// Its calls and costs.
    #[serde(flatten)]
    pub figures: ApiFigures,
}

/// Sums of calls and costs.
#[derive(Debug, Default)]
struct Sum {
    figures: ApiFigures,
    duration: Duration,
    costs: BTreeMap<Currency, CostFigures>,
}

impl Sum {
    fn add_calls(&mut self, day: &DailyApiUsage) {
        let outcomes = &mut self.figures.outcomes;
        let outcome = match day.outcome {
            Some(CallOutcome::Ok) => &mut outcomes.ok,
            Some(CallOutcome::Refused) => &mut outcomes.refused,
            Some(CallOutcome::Throttled) => &mut outcomes.throttled,
            Some(CallOutcome::NotSent) => &mut outcomes.not_sent,
            Some(CallOutcome::NoAnswer) => &mut outcomes.no_answer,
            None => &mut outcomes.unstated,
        };
        add(outcome, day.calls);
        add(&mut self.figures.calls, day.calls);
        add(&mut self.figures.requests, day.requests);
        if day.outcome.is_some_and(|outcome| !outcome.is_ok()) {
            add(&mut self.figures.errors, day.calls);
        }
        self.duration = self.duration.saturating_add(day.duration);
    }

    fn add_costs(&mut self, day: &DailyApiCost) {
        let Some(currency) = day.currency else { return add(&mut self.figures.free_items, day.items) };
        let none = CostFigures { currency, known_micros: 0, guessed_micros: 0, items: 0, unknown_items: 0 };
        let costs = self.costs.entry(currency).or_insert(none);
        add(&mut costs.known_micros, day.known_micros);
        add(&mut costs.guessed_micros, day.guessed_micros);
        add(&mut costs.items, day.items);
        add(&mut costs.unknown_items, day.unknown_items);
    }

    fn figures(self) -> ApiFigures {
        let millis = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        ApiFigures {
            mean_duration_ms: Some(millis)
                .filter(|millis| *millis > 0)
                .and_then(|millis| millis.checked_div(self.figures.calls)),
            costs: self.costs.into_values().collect(),
            ..self.figures
        }
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// The figures of each service, endpoint and day.
pub(super) struct Breakdown {
    pub(super) services: Vec<ServiceFigures>,
    pub(super) endpoints: Vec<EndpointFigures>,
    pub(super) days: Vec<DayFigures>,
}

impl Breakdown {
    pub(super) fn of(usage: &ApiUsageDays, costs: &ApiCostDays) -> Self {
        let mut services: BTreeMap<&str, Sum> = BTreeMap::new();
        let mut endpoints: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
        let mut days: BTreeMap<Day, Sum> = BTreeMap::new();
        for day in &usage.days {
            services.entry(&day.service).or_default().add_calls(day);
            endpoints.entry((&day.service, &day.endpoint)).or_default().add_calls(day);
            days.entry(day.day).or_default().add_calls(day);
        }
        for day in &costs.days {
            services.entry(&day.service).or_default().add_costs(day);
            endpoints.entry((&day.service, &day.endpoint)).or_default().add_costs(day);
            days.entry(day.day).or_default().add_costs(day);
        }
        let service = |(service, sum): (&str, Sum)| ServiceFigures { service: service.into(), figures: sum.figures() };
        let endpoint = |((service, endpoint), sum): ((&str, &str), Sum)| EndpointFigures {
            service: service.into(),
            endpoint: endpoint.into(),
            figures: sum.figures(),
        };
        Self {
            services: services.into_iter().map(service).collect(),
            endpoints: endpoints.into_iter().map(endpoint).collect(),
            days: days.into_iter().map(|(day, sum)| DayFigures { day, figures: sum.figures() }).collect(),
        }
    }
}
