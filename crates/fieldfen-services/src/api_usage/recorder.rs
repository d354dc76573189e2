//! Records calls by itself: one row for each, however it ends.

use std::fmt::Display;
use std::time::Instant;

use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::rate_limit::{AcquireOutcome, CallAnswer, Permit, SettledCosts, Settlement};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, Secrets, Timestamp};
use fieldfen_rate_limits::{Dialect, Reading};

use super::ApiUsage;
use super::call_answer::call_answer;
use super::call_costs::call_costs;
use super::call_record::CallRecord;
use super::call_refusal::CallRefusal;
use super::new_call::NewCall;
use super::open_call::{OpenCall, Told};
use crate::api_costs::{ApiCosts, NewCost};
use crate::rate_limiter::RateLimiter;

/// The number of times that a permit is acquired for a call that does not start in time.
const START_ATTEMPTS: u32 = 3;

/// Records each call of a program in `api_usage`: when it was made and for which job, how it ended, how long it took,
/// and what the answer said of limits. Clones share everything.
///
/// ```
/// use fieldfen_rate_limits::Answer;
/// use fieldfen_services::Environment;
/// use fieldfen_services::api_usage::{ApiUsage, CallRecorder, NewCall};
/// use fieldfen_testkit::ModelStore;
///
/// let environment = Environment::system();
/// let usage = ApiUsage::new(ModelStore::new(), environment.clone());
/// let calls = CallRecorder::new(usage.clone());
/// # struct Response { status: u16, headers: Vec<(String, String)>, body: String }
/// # let post = || -> Result<Response, std::io::Error> { Ok(Response { status: 201, headers: vec![], body: String::new() }) };
/// let response = calls.call(&NewCall::new("replicate", "POST /v1/predictions"), |call| {
///     let response = post()?;
///     let headers = response.headers.iter().map(|(name, value)| (name, value));
///     call.answered(&Answer::new(response.status, environment.now()).headers(headers).body(response.body.as_bytes()));
///     Ok::<_, std::io::Error>(response)
/// })?;
/// # let _ = response;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CallRecorder<S> {
    usage: ApiUsage<S>,
    secrets: Secrets,
    limiter: Option<RateLimiter<S>>,
    costs: Option<ApiCosts<S>>,
}

impl<S: Store> CallRecorder<S> {
    /// A recorder of calls in this store.
    #[must_use]
    pub fn new(usage: ApiUsage<S>) -> Self {
        Self { usage, secrets: Secrets::default(), limiter: None, costs: None }
    }

    /// The same recorder, which removes this text from errors before they are stored, also where it is percent-encoded:
    /// a key or a password of at least 6 bytes. Secrets in the usual forms are removed without that.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets = self.secrets.and(secret.into());
        self
    }

    /// The same recorder, which acquires a permit of this rate limiter for each [limited call](Self::limited_call), and
    /// tells the limiter what the answers say. The limiter and the costs are on the store of the calls.
    #[must_use]
    pub fn rate_limiter(mut self, limiter: RateLimiter<S>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// The same recorder, which records the costs of each call in the transaction that records the call and settles its
    /// permit.
    ///
    /// - If the answer or the [program](OpenCall::charge) tells of charges, those are the costs. They may belong to
    ///   things that earlier calls have made. A thing that has begun and may be charged, for example a prediction of
    ///   Replicate, is a pending cost until a later answer, or a [webhook](ApiCosts::record_charges_in), tells its
    ///   charge.
    /// - Otherwise a call costs its price per call, if the price table has one for its endpoint, times the number of
    ///   requests. The id of the cost is [the id](OpenCall::external_id) of the thing that the call has made, else a
    ///   new id.
    /// - A call that was refused, throttled or not sent costs nothing. A call without an answer may be charged: its
    ///   cost is pending, and stays so until the program records another cost with its id.
    /// - If the costs cannot be written, the guess of the permit becomes an unknown cost with the id
    ///   [`permit:ID`](Permit::cost_id).
    #[must_use]
    pub fn costs(mut self, costs: ApiCosts<S>) -> Self {
        self.costs = Some(costs);
        self
    }

    /// Makes a [call](Self::call) if the rate limiter lets it pass, and settles its permit with the answer. Without
    /// a [rate limiter](Self::rate_limiter) every call passes. A call that does not pass is not recorded.
    ///
    /// # Errors
    /// The error of `f`, or a [`CallRefusal`] if `f` was not called.
    pub fn limited_call<T, E: Display + From<CallRefusal>>(
        &self,
        call: &NewCall,
        f: impl FnOnce(&OpenCall) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(limiter) = &self.limiter else { return self.call(call, f) };
        let request = call.permit_request();
        // A permit that is acquired too long before its call counts for nothing, and another one is acquired.
        for _ in 0..START_ATTEMPTS {
            let permit = match limiter.acquire(&request) {
                Ok(AcquireOutcome::Acquired(permit)) => permit,
                Ok(AcquireOutcome::NotBefore(closed)) => {
                    let closed = closed.asked_again(self.usage.environment.now());
                    return Err(CallRefusal::Closed(Box::new(closed)).into());
                }
                Ok(other) => {
                    log!(ERROR, ?other, "answer of the rate limiter unknown: the call is made");
                    return self.call(call, f);
                }
                Err(error) => return Err(CallRefusal::Store(error).into()),
            };
            if limiter.start(&permit).is_ok() {
                return self.make(call, Some(permit), f);
            }
            if let Err(error) = limiter.settle(permit, CallAnswer::NotSent) {
                return Err(CallRefusal::Store(error).into());
            }
        }
        let rule = "the process is stopped again and again between permit and call";
        Err(CallRefusal::Store(StoreError::Database(rule.into())).into())
    }

    /// Makes a call and records it. The answer is that of `f`. No rate limiter is asked: see
    /// [`limited_call`](Self::limited_call).
    ///
    /// `f` tells the [`OpenCall`] what it has received. If it returns an error and has told no HTTP status, the outcome
    /// is
    /// [`NoAnswer`](CallOutcome::NoAnswer), since the call may have taken effect; [`OpenCall::outcome`] says it more
    /// precisely. A panic of `f` is recorded as well.
    ///
    /// A call whose row cannot be written is not lost: the log has it as a warning. Its permit then lapses with its
    /// guess.
    ///
    /// # Errors
    /// The error of `f`.
    pub fn call<T, E: Display>(&self, call: &NewCall, f: impl FnOnce(&OpenCall) -> Result<T, E>) -> Result<T, E> {
        self.make(call, None, f)
    }

    fn make<T, E: Display>(
        &self,
        call: &NewCall,
        permit: Option<Permit>,
        f: impl FnOnce(&OpenCall) -> Result<T, E>,
    ) -> Result<T, E> {
        let open = OpenCall::new(Dialect::of_service(&call.service));
        let (at, began) = (self.usage.environment.now(), Instant::now());
        let begun = Begun { recorder: self, call, open: &open, at, began, permit };
        let result = open.within(|| f(&open));
        if let Err(error) = &result {
            begun.failed(error);
        }
        drop(begun);
        result
    }

    /// Records a call that has ended with its costs, and settles its permit at the time of the answer.
    fn record(&self, begun: &mut Begun<'_, S>, mut told: Told) {
        let ended_at = self.usage.environment.now();
        let outcome = told.outcome.or(told.http_status.map(CallOutcome::of_http_status)).unwrap_or(CallOutcome::Ok);
        let throttled = told.reading.as_ref().is_some_and(|reading| reading.throttled);
        let outcome = if throttled && outcome.is_ok() { CallOutcome::Throttled } else { outcome };
        let costs: Option<(&ApiCosts<S>, Vec<NewCost>)> = self.costs.as_ref().map(|costs| {
            let (environment, call) = (&self.usage.environment, (begun.call, begun.open.dialect(), &told));
            (costs, call_costs(costs, environment, call, outcome, begun.at))
        });
        let settled_costs = if costs.is_some() { SettledCosts::Recorded } else { SettledCosts::IfAnswered };
        let settlement = begun.permit.take().map(|permit| {
            let answer = call_answer(&told, outcome, begun.open.dialect(), &begun.call.endpoint);
            let further = told.request_count.unwrap_or_default().saturating_sub(begun.call.requests());
            Settlement::new(permit, answer, ended_at).costs(settled_costs).further_requests(further.into())
        });
        let call = self.row(begun, &mut told, outcome);
        let costs = costs.as_ref().map(|(handle, costs)| (*handle, costs.as_slice()));
        CallRecord { store: &self.usage.store, call: &call, costs, settlement }.write();
    }

    fn row(&self, begun: &Begun<'_, S>, told: &mut Told, outcome: CallOutcome) -> ApiCall {
        let limit = told.reading.as_ref().and_then(scarcest);
        let NewCall { service, endpoint, account, job_id, file_id, .. } = begun.call;
        ApiCall::new(service.clone(), begun.at)
            .endpoint(endpoint.clone())
            .account(account.clone())
            .request_count(told.request_count.unwrap_or(begun.call.requests()))
            .rate_limit_remaining(limit.and_then(|(remaining, _)| i64::try_from(remaining).ok()))
            .rate_limit_reset_at(limit.and_then(|(_, reset)| reset))
            .outcome(outcome)
            .http_status(told.http_status)
            .error(told.error.take().map(|error| self.secrets.remove(&error)))
            .duration(begun.began.elapsed())
            .job_id(*job_id)
            .file_id(*file_id)
            .external_id(told.external_id.take())
    }
}

/// The limit of which the smallest part is left: the rest, and the time at which the service allows more.
fn scarcest(reading: &Reading) -> Option<(u64, Option<Timestamp>)> {
    let limits = reading.limits.iter().filter_map(|limit| Some((limit.remaining?, limit)));
    let share = |remaining: u64, limit: Option<u64>| {
        // Without a limit there is no part: the number itself orders such readings behind all parts.
        limit
            .map_or(u128::from(remaining) + (1 << 32), |limit| (u128::from(remaining) << 32) / u128::from(limit.max(1)))
    };
    let (remaining, limit) = limits.min_by_key(|(remaining, limit)| share(*remaining, limit.limit))?;
    Some((remaining, limit.resets_at.filter(|at| (MIN_TIMESTAMP..=MAX_TIMESTAMP).contains(at))))
}

/// A call that has begun, and is recorded when this is dropped.
struct Begun<'a, S: Store> {
    recorder: &'a CallRecorder<S>,
    call: &'a NewCall,
    open: &'a OpenCall,
    at: Timestamp,
    began: Instant,
    permit: Option<Permit>,
}

impl<S: Store> Begun<'_, S> {
    /// Notes the error of the call, unless the caller has told another one.
    fn failed(&self, error: &impl Display) {
        let told = self.open.take();
        let no_status = told.http_status.is_none();
        self.open.put(Told {
            outcome: told.outcome.or(no_status.then_some(CallOutcome::NoAnswer)),
            error: told.error.or_else(|| Some(error.to_string())),
            ..told
        });
    }
}

impl<S: Store> Drop for Begun<'_, S> {
    fn drop(&mut self) {
        let mut told = self.open.take();
        if std::thread::panicking() {
            told.outcome.get_or_insert(CallOutcome::NoAnswer);
            told.error.get_or_insert_with(|| "the call panicked".to_owned());
        }
        let recorder = self.recorder;
        recorder.record(self, told);
    }
}
