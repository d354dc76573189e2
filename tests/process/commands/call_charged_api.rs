//! Calls a service that charges, as often as the budget lets it.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Error, anyhow};
use chrono::TimeDelta;
use clap::Args;
use fieldfen_domain::api_cost::{
    ApiCostFilter, Budget, BudgetLimit, BudgetPeriod, CostStatus, Currency, Money, Price, PriceTable,
};
use fieldfen_domain::rate_limit::{AcquireOutcome, CallAnswer, PermitRequest};
use fieldfen_domain::{PageRequest, Timestamp};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::environment::{Clock, Randomness};
use fieldfen_services::rate_limiter::RateLimiter;

use super::call_api::{STEP_TIMEOUT, exchange, header};
use super::or_emit;
use super::stdin::drain_flag;
use crate::event::{Event, emit};

/// The service.
pub const CHARGING_SERVICE: &str = "charging";

/// The guess for each call: the highest price, in millionths.
const GUESS: u64 = 1000;

/// The pause after a refusal.
const PAUSE: Duration = Duration::from_millis(10);

/// Calls a service until the process is killed.
#[derive(Debug, Args)]
pub struct CallChargedApi {
    /// The number of threads that call.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// The address of the service.
    #[arg(long)]
    service: SocketAddr,
    /// The budget of the month, in millionths.
    #[arg(long)]
    budget_micros: u64,
    /// The time by which the clock is ahead, in milliseconds.
    #[arg(long)]
    shift_clock_ms: i64,
}

/// The costs of the service under a budget for a month.
///
/// # Errors
/// When the budget or the price breaks a rule.
pub fn charging_costs(
    store: SqliteStore,
    environment: Environment,
    budget_micros: u64,
) -> Result<ApiCosts<SqliteStore>, Error> {
    let price = Price::per_output(CHARGING_SERVICE, "micros", 1, Currency::USD);
    let prices = PriceTable::of([price]).map_err(|(_, error)| error)?;
    let limit = BudgetLimit::Money(Money::from_micros(budget_micros, Currency::USD)?);
    Ok(ApiCosts::new(store, environment).prices(prices).budgets([Budget::new("all", BudgetPeriod::Month, limit)])?)
}

/// The machine's clock, set ahead.
#[must_use]
pub fn shifted_clock(milliseconds: i64) -> Environment {
    let system = Environment::system();
    Environment::new(Shifted(system.clone(), TimeDelta::milliseconds(milliseconds)), Bits(system))
}

struct Shifted(Environment, TimeDelta);

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        self.0.now() + self.1
    }
}

/// The randomness of another environment.
pub(super) struct Bits(pub(super) Environment);

impl Randomness for Bits {
    fn bits(&self) -> u128 {
        self.0.bits()
    }
}

impl CallChargedApi {
    /// Runs the command until the process is killed.
    ///
    /// # Errors
    /// When the store returns an error, or the test has closed the pipe from stdout.
    pub fn run(&self, store: &SqliteStore) -> Result<(), Error> {
        drain_flag(true);
        let environment = shifted_clock(self.shift_clock_ms);
        let costs = charging_costs(store.clone(), environment.clone(), self.budget_micros)?;
        let limiter =
            RateLimiter::new(store.clone(), environment).budgets(costs.clone()).call_timeout(2 * STEP_TIMEOUT);
        emit(&Event::Ready)?;
        thread::scope(|scope| {
            let threads: Vec<_> =
                (0..self.threads).map(|_| scope.spawn(|| self.call_for_ever(&limiter, &costs))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }

    fn call_for_ever(&self, limiter: &RateLimiter<SqliteStore>, costs: &ApiCosts<SqliteStore>) -> Result<(), Error> {
        let guess = Money::from_micros(GUESS, Currency::USD)?;
        let request = PermitRequest::new(CHARGING_SERVICE).guess(guess);
        loop {
            let AcquireOutcome::Acquired(permit) = or_emit(limiter.acquire(&request))? else {
                self.ask_for_charges(costs)?;
                thread::sleep(PAUSE);
                continue;
            };
            let answer = match limiter.start(&permit) {
                Ok(()) => self.call(costs, guess)?,
                Err(_) => CallAnswer::NotSent,
            };
            or_emit(limiter.settle(permit, answer))?;
        }
    }

    /// One call. Its cost is recorded: as a known one, as a pending one, or as one whose price is unknown.
    fn call(&self, costs: &ApiCosts<SqliteStore>, guess: Money) -> Result<CallAnswer, Error> {
        let answer = match exchange(self.service, "/calls") {
            Ok(answer) => answer,
            Err(ended) => return Ok(ended),
        };
        let number = header(&answer, "X-Call").context("the answer names no call")?;
        let cost = match header(&answer, "X-Charge") {
            Some(micros) => charged(&number.to_string(), micros),
            None if number % 2 == 0 => NewCost::started(CHARGING_SERVICE, number.to_string()).guess(guess),
            None => NewCost::charged(CHARGING_SERVICE, number.to_string()).guess(guess),
        };
        or_emit(costs.record(&cost))?;
        Ok(CallAnswer::silent())
    }

    /// Asks for the charges that are not known. The service does not know the calls of killed processes by their permits.
    fn ask_for_charges(&self, costs: &ApiCosts<SqliteStore>) -> Result<(), Error> {
        for status in [CostStatus::Pending, CostStatus::Unknown] {
            let mut request = PageRequest::first(1000);
            loop {
                let page = or_emit(costs.list(&ApiCostFilter::new().status(status), &request))?;
                for cost in page.items.iter().filter(|cost| !cost.external_id.starts_with("permit:")) {
                    let answer = exchange(self.service, &format!("/charges/{}", cost.external_id));
                    if let Some(micros) = answer.ok().and_then(|answer| header(&answer, "X-Charge")) {
                        or_emit(costs.record(&charged(&cost.external_id, micros)))?;
                    }
                }
                let Some(next) = page.next else { break };
                request = PageRequest::first(1000).after(next);
            }
        }
        Ok(())
    }
}

/// A charge of so many millionths.
fn charged(external_id: &str, micros: u64) -> NewCost {
    NewCost::charged(CHARGING_SERVICE, external_id).amount("micros", micros * 1_000_000)
}
