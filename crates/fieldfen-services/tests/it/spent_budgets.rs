//! Spent budgets pause the jobs whose calls they would refuse, until their period ends, they are raised, or a person lifts
//! the pause.

use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money, Price, PriceTable};
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::job::{JobStatus, Pause, PauseScope};
use fieldfen_domain::rate_limit::{
    AcquireOutcome, Availability, CallAnswer, ClosedBy, PAUSED_BY_LIMITER, PermitRequest,
};
use fieldfen_domain::store::Store;
use fieldfen_domain::{JobId, Timestamp};
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, NewCall};
use fieldfen_services::pauses::Pauses;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_services::worker::{Outcome, Task, Worker};
use fieldfen_testkit::faults::suspended;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::wait_until;

use crate::{Bench, Note};

on_every_store!(
    a_spent_budget_pauses_its_account_until_the_end_of_its_period,
    the_jobs_of_a_raised_budget_run_after_the_restart_of_the_worker,
    a_running_worker_notices_that_a_cost_was_lower_than_its_guess,
    a_lifted_pause_is_written_again_only_while_the_budget_is_spent,
    a_budget_that_was_removed_or_renamed_pauses_nothing,
    the_pause_of_a_person_stays_and_outlives_that_of_a_budget,
    a_call_that_costs_nothing_passes_a_pause_of_a_budget,
    a_process_without_budgets_keeps_to_the_pause_of_a_budget,
    a_budget_without_a_nameable_scope_pauses_nothing,
    the_end_of_a_pause_of_a_budget_ends_no_block,
    two_spent_budgets_of_one_service_both_hold_calls_back,
);

fn money(micros: u64) -> BudgetLimit {
    BudgetLimit::Money(Money::from_micros(micros, Currency::USD).unwrap())
}

fn owned(name: &str) -> Option<String> {
    Some(name.to_owned())
}

/// A budget of this many calls a day to the account `etsy/main`.
fn calls_a_day(calls: u64) -> Budget {
    of_main("listings", BudgetPeriod::Day, calls)
}

/// A budget of this many calls to the account `etsy/main`.
fn of_main(name: &str, per: BudgetPeriod, calls: u64) -> Budget {
    Budget::new(name, per, BudgetLimit::Calls(calls)).service(owned("etsy")).account(owned("main"))
}

fn costs<S: Store>(bench: &Bench<S>, budgets: impl IntoIterator<Item = Budget>) -> ApiCosts<S> {
    let prices = [Price::per_call("replicate", 40, Currency::USD), Price::per_call("status", 0, Currency::USD)];
    let costs = ApiCosts::new(bench.queue.store().clone(), bench.queue.environment().clone());
    costs.prices(PriceTable::of(prices).unwrap()).budgets(budgets).unwrap()
}

fn limiter<S: Store>(bench: &Bench<S>, budgets: impl IntoIterator<Item = Budget>) -> RateLimiter<S> {
    RateLimiter::new(bench.queue.store().clone(), bench.queue.environment().clone()).budgets(costs(bench, budgets))
}

fn recorder<S: Store>(bench: &Bench<S>, limiter: &RateLimiter<S>) -> CallRecorder<S> {
    let usage = ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone());
    CallRecorder::new(usage).rate_limiter(limiter.clone())
}

/// A worker whose handlers make one call with the account `main` to Etsy.
fn worker<S: Store>(bench: &Bench<S>, limiter: &RateLimiter<S>) -> Worker {
    let calls = recorder(bench, limiter);
    Worker::builder(bench.queue.store().clone(), bench.queue.environment().clone())
        .threads(1)
        .rate_limiter(limiter.clone())
        .handle(move |_: Task<Note>| {
            calls.limited_call(&NewCall::new("etsy", "create").account("main"), |_| Ok::<_, Outcome>(()))
        })
        .start()
        .unwrap()
}

fn stop(worker: Worker) {
    worker.stop_handle().stop();
    worker.join().unwrap();
}

fn job<S: Store>(bench: &Bench<S>, text: &str) -> JobId {
    let job = bench.queue.job(&Note::new(text)).unwrap().account(Some("etsy/main".parse().unwrap()));
    suspended(|| *bench.queue.enqueue(&job).unwrap().id())
}

fn is_done<S: Store>(bench: &Bench<S>, ids: &[JobId]) -> bool {
    ids.iter().all(|id| bench.status(id) == JobStatus::Completed)
}

/// Records a call with the account `etsy/main`.
fn spend_a_call<S: Store>(bench: &Bench<S>) {
    let call = ApiCall::new("etsy", bench.now()).account(owned("main"));
    suspended(|| bench.queue.store().write(|s| s.api_usage().record(&call))).unwrap();
}

fn handle<S: Store>(bench: &Bench<S>) -> Pauses<S> {
    Pauses::new(bench.queue.store().clone(), bench.queue.environment().clone())
}

fn pauses<S: Store>(bench: &Bench<S>) -> Vec<(String, String, Option<Timestamp>)> {
    let pauses = handle(bench).list().unwrap();
    pauses.into_iter().map(|pause| (pause.scope.to_string(), pause.by, pause.until)).collect()
}

fn scope(name: &str) -> PauseScope {
    PauseScope::Account(name.parse().unwrap())
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn midnight() -> Timestamp {
    time("2026-11-24T00:00:00Z")
}

fn of_etsy() -> PermitRequest {
    PermitRequest::new("etsy").account(owned("main"))
}

/// Whether the limiter lets the call pass. The permit is given back.
fn passes<S: Store>(limiter: &RateLimiter<S>, request: &PermitRequest) -> bool {
    match limiter.acquire(request).unwrap() {
        AcquireOutcome::Acquired(permit) => {
            limiter.settle(permit, CallAnswer::NotSent).unwrap();
            true
        }
        _ => false,
    }
}

fn a_spent_budget_pauses_its_account_until_the_end_of_its_period(store: impl Store) {
    let bench = Bench::new(store);
    let limiter = limiter(&bench, [calls_a_day(1)]);
    spend_a_call(&bench);
    let (refused, waiting) = (job(&bench, "refused"), job(&bench, "waiting"));
    let worker = worker(&bench, &limiter);
    let expected = [("account etsy/main".to_owned(), "budget listings".to_owned(), Some(midnight()))];
    wait_until("the refusal pauses the account", || pauses(&bench) == expected);
    wait_until("the refused job is released", || bench.status(&refused) == JobStatus::Pending);
    assert_eq!((bench.status(&waiting), bench.job(&waiting).throttled), (JobStatus::Pending, 0));
    bench.clock.set(midnight());
    wait_until("both jobs complete in the next period", || {
        // Each day has one call.
        bench.clock.advance(Duration::from_secs(6 * 60 * 60));
        is_done(&bench, &[refused, waiting])
    });
    stop(worker);
    assert_eq!(bench.job(&refused).attempts, 0);
}

fn the_jobs_of_a_raised_budget_run_after_the_restart_of_the_worker(store: impl Store) {
    let bench = Bench::new(store);
    spend_a_call(&bench);
    let jobs = [job(&bench, "refused"), job(&bench, "waiting")];
    let before = worker(&bench, &limiter(&bench, [calls_a_day(1)]));
    wait_until("the account is paused", || pauses(&bench).len() == 1);
    stop(before);
    assert!(!is_done(&bench, &jobs));
    let raised = worker(&bench, &limiter(&bench, [calls_a_day(9)]));
    // The job that was refused is due after the least wait of a throttled job.
    bench.clock.advance(Duration::from_secs(5));
    wait_until("the jobs complete on the same day", || is_done(&bench, &jobs));
    stop(raised);
    assert_eq!(pauses(&bench), []);
    assert!(bench.now() < midnight());
}

fn a_running_worker_notices_that_a_cost_was_lower_than_its_guess(store: impl Store) {
    let bench = Bench::new(store);
    let budget = Budget::new("images", BudgetPeriod::Month, money(40)).service(owned("replicate"));
    let (limiter, costs) = (limiter(&bench, [budget.clone()]), costs(&bench, [budget]));
    let guess = Money::from_micros(40, Currency::USD).unwrap();
    costs.record(&NewCost::started("replicate", "1").guess(guess)).unwrap();
    assert!(!passes(&limiter, &PermitRequest::new("replicate")) && pauses(&bench).len() == 1);
    let waiting = bench.queue.job(&Note::new("waiting")).unwrap().account(Some("replicate".parse().unwrap()));
    let waiting = suspended(|| *bench.queue.enqueue(&waiting).unwrap().id());
    let worker = Worker::builder(bench.queue.store().clone(), bench.queue.environment().clone());
    let worker = worker.threads(1).rate_limiter(limiter).handle(|_: Task<Note>| ()).start().unwrap();
    let cheaper = Money::from_micros(1, Currency::USD).unwrap();
    costs.record(&NewCost::charged("replicate", "1").price(cheaper)).unwrap();
    wait_until("the job completes", || {
        bench.clock.advance(Duration::from_secs(5));
        is_done(&bench, &[waiting])
    });
    stop(worker);
    assert!(bench.now() < time("2026-12-01T00:00:00Z"));
}

fn a_lifted_pause_is_written_again_only_while_the_budget_is_spent(store: impl Store) {
    let bench = Bench::new(store);
    let (spent, raised) = (limiter(&bench, [calls_a_day(1)]), limiter(&bench, [calls_a_day(2)]));
    spend_a_call(&bench);
    assert!(!passes(&spent, &of_etsy()) && pauses(&bench).len() == 1);
    assert!(handle(&bench).lift(&scope("etsy/main"), &by_ann("a mistake")).unwrap());
    assert_eq!(pauses(&bench), []);
    assert!(!passes(&spent, &of_etsy()) && pauses(&bench).len() == 1);
    assert!(passes(&raised, &of_etsy()), "a raised budget lets calls go at once");
    assert_eq!(pauses(&bench), []);
}

fn a_budget_that_was_removed_or_renamed_pauses_nothing(store: impl Store) {
    let bench = Bench::new(store);
    let spent = limiter(&bench, [calls_a_day(1)]);
    spend_a_call(&bench);
    let renamed = of_main("other", BudgetPeriod::Day, 9);
    for after in [limiter(&bench, []), limiter(&bench, [renamed]), limiter(&bench, [calls_a_day(1).account(None)])] {
        assert!(!passes(&spent, &of_etsy()) && pauses(&bench).len() == 1);
        assert_eq!(after.lift_pauses_of_budgets().unwrap().len(), 1);
        assert_eq!(pauses(&bench), []);
    }
    assert!(!passes(&spent, &of_etsy()));
    assert_eq!(spent.lift_pauses_of_budgets().unwrap(), []);
    assert_eq!(pauses(&bench).len(), 1);
}

fn the_pause_of_a_person_stays_and_outlives_that_of_a_budget(store: impl Store) {
    let bench = Bench::new(store);
    let (spent, raised) = (limiter(&bench, [calls_a_day(1)]), limiter(&bench, [calls_a_day(2)]));
    spend_a_call(&bench);
    let soon = bench.now() + TimeDelta::minutes(10);
    let by_person = [("account etsy/main".to_owned(), "ann".to_owned(), Some(soon))];
    assert!(!passes(&spent, &of_etsy()));
    assert!(handle(&bench).pause(&scope("etsy/main"), Some(soon), &by_ann("review")).unwrap());
    assert_eq!(pauses(&bench), by_person, "a shorter pause of a person replaces that of the budget");
    assert!(!passes(&spent, &of_etsy()));
    assert_eq!(pauses(&bench), by_person);
    assert!(!passes(&raised, &of_etsy()), "the person's pause holds whatever the budget says");
    assert_eq!(pauses(&bench), by_person);
    bench.clock.set(soon);
    assert!(!passes(&spent, &of_etsy()));
    assert_eq!(pauses(&bench)[0].1, "budget listings");
}

fn a_call_that_costs_nothing_passes_a_pause_of_a_budget(store: impl Store) {
    let bench = Bench::new(store);
    let budget = Budget::new("images", BudgetPeriod::Month, money(40)).service(owned("status"));
    let limiter = limiter(&bench, [budget]);
    let cost = NewCost::charged("status", "1").price(Money::from_micros(40, Currency::USD).unwrap());
    costs(&bench, []).record(&cost).unwrap();
    let dear = PermitRequest::new("status").guess(Money::from_micros(7, Currency::USD).unwrap());
    assert!(!passes(&limiter, &dear) && pauses(&bench).len() == 1);
    assert_eq!(limiter.look("status", None).unwrap(), Availability::Open);
    assert!(passes(&limiter, &PermitRequest::new("status")));
    assert_eq!(pauses(&bench).len(), 1, "the pause stays for the calls that cost something");
}

fn a_process_without_budgets_keeps_to_the_pause_of_a_budget(store: impl Store) {
    let bench = Bench::new(store);
    let spent = limiter(&bench, [calls_a_day(1)]);
    spend_a_call(&bench);
    assert!(!passes(&spent, &of_etsy()));
    let other = RateLimiter::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let AcquireOutcome::NotBefore(closed) = other.acquire(&of_etsy()).unwrap() else { panic!("a permit") };
    assert!(matches!(closed.by, ClosedBy::Paused { .. }), "{closed}");
    assert!(matches!(other.look("etsy", Some("main")).unwrap(), Availability::Closed(_)));
    assert_eq!(other.lift_pauses_of_budgets().unwrap(), []);
    assert!(passes(&other, &PermitRequest::new("etsy").account(owned("second"))));
}

fn a_budget_without_a_nameable_scope_pauses_nothing(store: impl Store) {
    let bench = Bench::new(store);
    spend_a_call(&bench);
    for budget in [calls_a_day(1).service(None), calls_a_day(1).service(None).account(None)] {
        assert!(!passes(&limiter(&bench, [budget]), &of_etsy()));
        assert_eq!(pauses(&bench), []);
    }
}

fn the_end_of_a_pause_of_a_budget_ends_no_block(store: impl Store) {
    let bench = Bench::new(store);
    let (spent, raised) = (limiter(&bench, [calls_a_day(1)]), limiter(&bench, [calls_a_day(9)]));
    let AcquireOutcome::Acquired(permit) = raised.acquire(&of_etsy()).unwrap() else { panic!("no permit") };
    let until = bench.now() + TimeDelta::minutes(10);
    raised.settle(permit, CallAnswer::throttled(Vec::new(), until)).unwrap();
    assert_eq!(pauses(&bench)[0].1, PAUSED_BY_LIMITER);
    spend_a_call(&bench);
    assert!(!passes(&spent, &of_etsy()));
    assert_eq!(pauses(&bench)[0].1, "budget listings");
    assert_eq!(raised.lift_pauses_of_budgets().unwrap().len(), 1);
    let AcquireOutcome::NotBefore(closed) = raised.acquire(&of_etsy()).unwrap() else { panic!("a permit") };
    assert_eq!(closed.until, until, "{closed}");
}

fn two_spent_budgets_of_one_service_both_hold_calls_back(store: impl Store) {
    let bench = Bench::new(store);
    let month = |calls| of_main("month", BudgetPeriod::Month, calls);
    let all = Budget::new("all", BudgetPeriod::Month, BudgetLimit::Calls(1));
    let spent = limiter(&bench, [calls_a_day(1), month(1), all.clone()]);
    spend_a_call(&bench);
    assert!(!passes(&spent, &of_etsy()));
    assert_eq!(pauses(&bench)[0].1, "budget month");
    let raised = limiter(&bench, [all, calls_a_day(1), month(9)]);
    assert!(!passes(&raised, &of_etsy()));
    let expected: Vec<Pause> = handle(&bench).list().unwrap();
    assert_eq!((expected.len(), expected[0].by.as_str(), expected[0].until), (1, "budget listings", Some(midnight())));
}
