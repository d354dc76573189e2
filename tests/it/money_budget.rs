//! Four processes of two threads that call a service which charges: no budget is overrun, and it is used.

use std::thread;
use std::time::Duration;

use fieldfen_domain::api_cost::{BudgetState, SpendScope};
use fieldfen_domain::store::Store as _;
use fieldfen_services::Environment;
use fieldfen_testkit::wait::{wait_for, wait_until};
use fieldfen_tests::commands::{CHARGING_SERVICE, charging_costs, shifted_clock};
use fieldfen_tests::rng::Rng;

use crate::charging_service::{ChargingService, HIGHEST_PRICE};
use crate::database::Database;
use crate::parameters::{seed, size};
use crate::process::Process;

const PROCESSES: usize = 4;
const THREADS: usize = 2;

#[test]
fn four_processes_use_a_budget_and_overrun_it_by_no_call_but_those_of_killed_processes() {
    let calls = size("FIELDFEN_BUDGET_CALLS", 600);
    let budget = calls * HIGHEST_PRICE / 2;
    let (database, service, rng) = (Database::new(), ChargingService::start(), Rng::new(seed()));
    // All clocks begin at noon in the middle of a month, so that no period ends during the test.
    let now = Environment::system().now();
    let shift = "2026-11-15T12:00:00Z".parse::<fieldfen_domain::Timestamp>().unwrap() - now;
    let command = format!(
        "--normal call-charged-api --threads {THREADS} --service {} --budget-micros {budget} --shift-clock-ms={}",
        service.address(),
        shift.num_milliseconds(),
    );
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(database.path(), &command)).collect();
    wait_for("the first call arrives", || service.charges().first().copied());

    let mut kills = 0;
    while service.charges().iter().sum::<u64>() * 100 < budget * 95 {
        let victim = usize::try_from(rng.below(PROCESSES as u64)).unwrap();
        std::mem::replace(&mut processes[victim], Process::start(database.path(), &command)).kill();
        kills += 1;
        thread::sleep(Duration::from_millis(20 + rng.below(400)));
    }
    let (store, environment) = (database.store(), shifted_clock(shift.num_milliseconds()));
    let costs = charging_costs(store.clone(), environment.clone(), budget).unwrap();
    let status = || costs.budget_reports().unwrap()[0].status;
    let in_flight =
        || store.read(|s| s.rate_limits().in_flight(&SpendScope::new(), None, environment.now())).unwrap().units;
    wait_until("the budget is spent", || status().left < HIGHEST_PRICE && in_flight() == 0);
    drop(processes);

    // A call is charged and not on record if its process was killed in between.
    let (mut of_killed, mut lost) = (0, 0);
    for (number, charge) in service.charges().into_iter().enumerate() {
        if costs.find(CHARGING_SERVICE, &number.to_string()).unwrap().is_none() {
            (of_killed, lost) = (of_killed + 1, lost + charge);
        }
    }
    let (used, charged) = (status().used, service.charges().iter().sum::<u64>());
    println!(
        "{kills} kills: {used} of {budget} used by {} calls, {charged} charged, {lost} of them by {of_killed} calls of \
         killed processes",
        service.charges().len()
    );
    assert!(used <= budget && used * 100 >= budget * 95, "{used} of {budget}");
    assert!(charged <= used + lost, "{charged} charged");
    assert!(of_killed <= kills * THREADS, "{of_killed} calls of {kills} killed processes");
    assert_ne!(status().state, BudgetState::Ok);
    database.assert_sound();
}
