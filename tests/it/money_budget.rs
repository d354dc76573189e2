//! Four processes of two threads that call a service which charges: the service charges no more than the budget, also for the
//! calls of killed processes, and the budget is used.

use std::thread;
use std::time::Duration;

use fieldfen_domain::Timestamp;
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
fn a_service_charges_no_more_than_the_budget_of_four_processes_that_are_killed_at_random() {
    let calls = size("FIELDFEN_BUDGET_CALLS", 600);
    let budget = calls * HIGHEST_PRICE / 2;
    let (database, service, rng) = (Database::new(), ChargingService::start(), Rng::new(seed()));
    // All clocks begin at noon in the middle of a month, so that no period ends during the test.
    let now = Environment::system().now();
    let shift = "2026-11-15T12:00:00Z".parse::<Timestamp>().unwrap() - now;
    let command = format!(
        "--normal call-charged-api --threads {THREADS} --service {} --budget-micros {budget} --shift-clock-ms={}",
        service.address(),
        shift.num_milliseconds(),
    );
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(database.path(), &command)).collect();
    wait_for("the first call arrives", || service.charges().first().copied());

    let (store, environment) = (database.store(), shifted_clock(shift.num_milliseconds()));
    let costs = charging_costs(store.clone(), environment.clone(), budget).unwrap();
    let status = || costs.budget_reports().unwrap()[0].status;
    // The guesses of killed calls, and the costs that wait for their charge.
    let guessed =
        || database.number("SELECT coalesce(sum(guess_micros), 0) FROM api_costs WHERE external_id LIKE 'permit:%'");
    let waiting = || {
        database.number(
            "SELECT count(*) FROM api_costs WHERE status IN ('pending', 'unknown') AND external_id NOT LIKE 'permit:%'",
        )
    };
    let mut kills = 0;
    while (service.charges().iter().sum::<u64>() + guessed().unsigned_abs()) * 100 < budget * 95 {
        let victim = usize::try_from(rng.below(PROCESSES as u64)).unwrap();
        std::mem::replace(&mut processes[victim], Process::start(database.path(), &command)).kill();
        kills += 1;
        thread::sleep(Duration::from_millis(20 + rng.below(400)));
    }
    let in_flight =
        || store.read(|s| s.rate_limits().in_flight(&SpendScope::new(), None, environment.now())).unwrap().units;
    wait_until("the budget is spent", || waiting() == 0 && status().left < HIGHEST_PRICE && in_flight() == 0);
    drop(processes);

    // A call of a killed process is charged and not on record under the service's id. The guess of its permit is.
    let (mut of_killed, mut lost) = (0, 0);
    for (number, charge) in service.charges().into_iter().enumerate() {
        if costs.find(CHARGING_SERVICE, &number.to_string()).unwrap().is_none() {
            (of_killed, lost) = (of_killed + 1, lost + charge);
        }
    }
    let guessed = guessed().unsigned_abs();
    let (used, charged) = (status().used, service.charges().iter().sum::<u64>());
    println!(
        "{kills} kills: {used} of {budget} used by {} calls, {charged} charged, {lost} of them by {of_killed} calls of \
         killed processes, for which {guessed} are guessed",
        service.charges().len(),
    );
    assert!(charged <= budget + PROCESSES as u64 * THREADS as u64 * HIGHEST_PRICE, "{charged} charged");
    assert!(used <= budget && used * 100 >= budget * 95, "{used} of {budget}");
    assert!(lost <= guessed && of_killed <= kills * THREADS, "{of_killed} calls of {kills} killed processes");
    assert_ne!(status().state, BudgetState::Ok);
    database.assert_sound();
}
