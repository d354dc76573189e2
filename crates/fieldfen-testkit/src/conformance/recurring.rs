//! Recurring work.

use std::sync::atomic::{AtomicU32, Ordering};

use fieldfen_domain::job::ApiAccount;
use fieldfen_domain::recurring::{MAX_RUNS, NewRecurringJob, PauseOutcome, RecurringJob, RecurringRun, Tick};
use fieldfen_domain::store::Store;

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, at, job_id, kind, recurring, recurring_name, work};
use crate::wait::scope_with_deadline;

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["recurring":
        defined_work_is_listed_by_name,
        defining_it_again_keeps_the_next_tick,
        another_schedule_has_another_next_tick,
        another_time_zone_has_another_next_tick,
        zone_account_and_file_are_kept_until_it_is_defined_without_them,
        a_tick_is_taken_once,
        a_tick_that_is_not_the_next_one_is_not_taken,
        a_tick_of_work_that_is_gone_is_not_taken,
        removed_work_is_gone,
        paused_work_has_no_ticks_until_it_is_resumed,
        paused_work_stays_paused_when_it_is_defined_again,
        work_is_found_by_its_name,
        due_work_comes_by_its_tick_and_no_more_than_asked_for,
        work_that_a_clock_ahead_has_set_is_doubtful_until_it_is_set_again,
        a_tick_is_set_only_while_it_is_the_next_one,
        the_last_runs_are_kept,
        runs_of_work_that_is_gone_are_not_recorded,
        many_threads_take_each_tick_once,
    ]
}

fn define<S: Store>(on: &On<'_, S>, work: &NewRecurringJob) {
    on.write(|s| s.recurring().define(work));
}

fn list<S: Store>(on: &On<'_, S>) -> Vec<RecurringJob> {
    on.read(|s| s.recurring().list()).into_iter().map(Result::unwrap).collect()
}

fn take<S: Store>(on: &On<'_, S>, due: fieldfen_domain::Timestamp, next: i64) -> bool {
    let tick = Tick::new(recurring_name("upkeep"), due, at(next), due);
    on.write(|s| s.recurring().take(&tick))
}

fn defined_work_is_listed_by_name<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(list(&on), []);
    for name in ["purge", "backup", "upkeep"] {
        define(&on, &recurring(name, "0 * * * *", with_nanoseconds(at(60))));
    }
    let all = list(&on);
    assert_eq!(all.iter().map(|work| work.name.as_str()).collect::<Vec<_>>(), ["backup", "purge", "upkeep"]);
    let new = recurring("backup", "0 * * * *", at(60));
    let expected = with!(RecurringJob::new(new.name, new.schedule, work(), at(60)), payload: new.payload);
    assert_eq!(all[0], expected);
}

fn defining_it_again_keeps_the_next_tick<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    take(&on, at(60), 120);
    let changed = recurring("upkeep", "0 * * * *", at(999)).kind(kind("test.other")).payload(None);
    define(&on, &changed);
    let work = list(&on).remove(0);
    assert_eq!((work.next_at, work.last_at), (at(120), Some(at(60))));
    assert_eq!((work.kind, work.payload), (kind("test.other"), None));
}

fn another_schedule_has_another_next_tick<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    take(&on, at(60), 120);
    define(&on, &recurring("upkeep", "30 * * * *", at(90)));
    let work = list(&on).remove(0);
    assert_eq!((work.schedule.as_str(), work.next_at, work.last_at), ("30 * * * *", at(90), Some(at(60))));
    assert_eq!(list(&on).len(), 1);
}

fn another_time_zone_has_another_next_tick<S: Store>(store: &S) {
    let on = On(store);
    let zone = |zone: Option<&str>| zone.map(str::to_owned);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    for (time_zone, next_at, expected) in [
        (Some("Europe/Berlin"), 90, 90),
        (Some("Europe/Berlin"), 95, 90),
        (Some("Asia/Kathmandu"), 75, 75),
        (None, 80, 80),
        (None, 85, 80),
    ] {
        define(&on, &recurring("upkeep", "0 * * * *", at(next_at)).time_zone(zone(time_zone)));
        let work = list(&on).remove(0);
        assert_eq!((work.time_zone, work.next_at), (zone(time_zone), at(expected)));
    }
}

fn zone_account_and_file_are_kept_until_it_is_defined_without_them<S: Store>(store: &S) {
    let on = On(store);
    let plain = recurring("upkeep", "0 * * * *", at(60));
    let full = plain
        .clone()
        .time_zone("Mars/Olympus_Mons")
        .account("etsy/main".parse::<ApiAccount>().ok())
        .defined_in("fieldfen.toml");
    for new in [&full, &plain] {
        define(&on, new);
        let work = list(&on).remove(0);
        assert_eq!((&work.time_zone, &work.account, &work.defined_in), (&new.time_zone, &new.account, &new.defined_in));
        let due = on.read(|s| s.recurring().due(at(60), 9)).remove(0).unwrap();
        let found = on.read(|s| s.recurring().find(&new.name)).unwrap();
        assert_eq!((&due, &found), (&work, &work));
    }
}

fn runs<S: Store>(on: &On<'_, S>, name: &str) -> Vec<RecurringRun> {
    on.read(|s| s.recurring().runs(&recurring_name(name))).into_iter().map(Result::unwrap).collect()
}

fn run(name: &str, second: i64, number: u32) -> RecurringRun {
    RecurringRun::new(recurring_name(name), at(second), job_id(number.into()), at(second - 1))
}

fn the_last_runs_are_kept<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    define(&on, &recurring("backup", "0 * * * *", at(60)));
    assert_eq!(runs(&on, "upkeep"), []);
    let record = |run: &RecurringRun| on.write(|s| s.recurring().record_run(run));
    record(&run("backup", 1, 999));
    // The first one comes again, and the order of recording is not that of the times.
    let all: Vec<_> = (0..MAX_RUNS + 3).map(|number| run("upkeep", 100 + i64::from(number), number)).collect();
    for number in [0, 0, 2, 1] {
        record(&all[number]);
    }
    assert_eq!(runs(&on, "upkeep"), [2, 1, 0].map(|number: usize| all[number].clone()));
    let asked_for = with!(run("upkeep", 500, 77), due: None);
    all[3..].iter().chain([&asked_for]).for_each(record);
    let mut latest: Vec<_> = all.iter().rev().take(MAX_RUNS as usize - 1).cloned().collect();
    latest.insert(0, asked_for);
    assert_eq!(runs(&on, "upkeep"), latest);
    record(&with!(run("upkeep", 99, 5), at: with_nanoseconds(at(99))));
    assert_eq!(runs(&on, "upkeep"), latest, "a run older than those that are kept is not kept");
    assert_eq!(runs(&on, "backup"), [run("backup", 1, 999)]);
    define(&on, &recurring("upkeep", "30 * * * *", at(60)));
    assert_eq!(runs(&on, "upkeep").len(), MAX_RUNS as usize, "a new schedule forgets no runs");
}

fn runs_of_work_that_is_gone_are_not_recorded<S: Store>(store: &S) {
    let on = On(store);
    let record = |run: &RecurringRun| on.write(|s| s.recurring().record_run(run));
    record(&run("upkeep", 1, 1));
    assert_eq!(runs(&on, "upkeep"), []);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    record(&run("upkeep", 1, 1));
    assert!(on.write(|s| s.recurring().remove(&recurring_name("upkeep"))));
    assert_eq!(runs(&on, "upkeep"), []);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    assert_eq!(runs(&on, "upkeep"), [], "it begins anew");
}

fn a_tick_is_taken_once<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    assert!(take(&on, with_nanoseconds(at(60)), 120));
    assert!(!take(&on, at(60), 120));
    let work = list(&on).remove(0);
    assert_eq!((work.next_at, work.last_at), (at(120), Some(at(60))));
    assert!(take(&on, at(120), 180));
}

fn a_tick_that_is_not_the_next_one_is_not_taken<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    let before = list(&on);
    for due in [at(60) - TICK, at(60) + TICK, at(0), at(120)] {
        assert!(!take(&on, due, 180), "{due}");
    }
    assert_eq!(list(&on), before);
}

fn a_tick_of_work_that_is_gone_is_not_taken<S: Store>(store: &S) {
    let on = On(store);
    assert!(!take(&on, at(60), 120));
    assert_eq!(list(&on), []);
}

fn removed_work_is_gone<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    define(&on, &recurring("backup", "0 * * * *", at(60)));
    let remove = || on.write(|s| s.recurring().remove(&recurring_name("upkeep")));
    assert!(remove());
    assert!(!remove());
    assert_eq!(list(&on).len(), 1);
    define(&on, &recurring("upkeep", "0 * * * *", at(600)));
    assert_eq!((list(&on)[1].next_at, list(&on)[1].last_at), (at(600), None), "it begins anew");
}

fn pause<S: Store>(on: &On<'_, S>, name: &str, second: i64) -> PauseOutcome {
    on.write(|s| s.recurring().pause(&recurring_name(name), with_nanoseconds(at(second))))
}

fn resume<S: Store>(on: &On<'_, S>, name: &str) -> PauseOutcome {
    on.write(|s| s.recurring().resume(&recurring_name(name)))
}

fn paused_work_has_no_ticks_until_it_is_resumed<S: Store>(store: &S) {
    let on = On(store);
    let ahead = recurring("upkeep", "0 * * * *", at(60)).at(at(1000));
    define(&on, &ahead);
    define(&on, &recurring("backup", "0 * * * *", at(70)));
    assert_eq!((pause(&on, "upkeep", 50), pause(&on, "upkeep", 55)), (PauseOutcome::Done, PauseOutcome::Unchanged));
    let read = || {
        let due = names(on.read(|s| s.recurring().due(at(100), 9)));
        let doubtful = names(on.read(|s| s.recurring().doubtful(at(100), 9)));
        (due, doubtful, on.read(|s| s.recurring().next_tick(at(0))))
    };
    assert_eq!(read(), (vec!["backup".to_owned()], vec![], Some(at(70))));
    assert!(!take(&on, at(60), 120), "another process that has read it before cannot take it");
    let paused = list(&on).remove(1);
    assert_eq!((paused.paused_at, paused.next_at, paused.last_at), (Some(at(50)), at(60), None));
    assert_eq!((resume(&on, "upkeep"), resume(&on, "upkeep")), (PauseOutcome::Done, PauseOutcome::Unchanged));
    let both = vec!["upkeep".to_owned(), "backup".to_owned()];
    assert_eq!(read(), (both, vec!["upkeep".to_owned()], Some(at(60))));
    assert!(take(&on, at(60), 120), "the tick that came due meanwhile");
}

fn paused_work_stays_paused_when_it_is_defined_again<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!((pause(&on, "upkeep", 1), resume(&on, "upkeep")), (PauseOutcome::NotFound, PauseOutcome::NotFound));
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    pause(&on, "upkeep", 5);
    define(&on, &recurring("upkeep", "30 * * * *", at(90)));
    let work = list(&on).remove(0);
    assert_eq!((work.schedule.as_str(), work.next_at, work.paused_at), ("30 * * * *", at(90), Some(at(5))));
    assert!(on.write(|s| s.recurring().remove(&recurring_name("upkeep"))));
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    assert_eq!(list(&on)[0].paused_at, None, "it begins anew");
}

fn work_is_found_by_its_name<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    define(&on, &recurring("backup", "0 * * * *", at(70)));
    let find = |name| on.read(|s| s.recurring().find(&recurring_name(name)));
    assert_eq!(find("upkeep"), Some(list(&on).remove(1)));
    assert_eq!(find("Upkeep"), None);
}

fn names(work: Vec<Result<RecurringJob, fieldfen_domain::UnreadableRow>>) -> Vec<String> {
    work.into_iter().map(|work| work.unwrap().name.as_str().to_owned()).collect()
}

fn due_work_comes_by_its_tick_and_no_more_than_asked_for<S: Store>(store: &S) {
    let on = On(store);
    for (name, second) in [("c", 30), ("a", 20), ("b", 10), ("d", 20), ("later", 31)] {
        define(&on, &recurring(name, "0 * * * *", at(second)));
    }
    let due = |now, limit| names(on.read(|s| s.recurring().due(now, limit)));
    assert_eq!(due(at(30), 9), ["b", "a", "d", "c"]);
    assert_eq!(due(at(30) - TICK, 9), ["b", "a", "d"]);
    assert_eq!(due(at(30), 2), ["b", "a"]);
    assert_eq!((due(at(30), 0), due(at(9), 9)), (vec![], vec![]));
    let next = |after| on.read(|s| s.recurring().next_tick(after));
    assert_eq!(
        (next(at(9)), next(at(10)), next(at(30)), next(at(31))),
        (Some(at(10)), Some(at(20)), Some(at(31)), None)
    );
}

fn work_that_a_clock_ahead_has_set_is_doubtful_until_it_is_set_again<S: Store>(store: &S) {
    let on = On(store);
    let doubtful = |now| names(on.read(|s| s.recurring().doubtful(now, 9)));
    let defined = |second| recurring("upkeep", "0 * * * *", at(1060)).at(at(second));
    define(&on, &defined(1000));
    assert_eq!((doubtful(at(1000)), doubtful(at(1000) - TICK)), (vec![], vec!["upkeep".to_owned()]));
    define(&on, &defined(5));
    assert_eq!(doubtful(at(5)), ["upkeep"], "its next tick is still that of the other clock");
    let tick = Tick::new(recurring_name("upkeep"), at(1060), at(60), at(5));
    assert!(on.write(|s| s.recurring().set_next(&tick)));
    assert_eq!(doubtful(at(5)), [""; 0]);
    assert!(take(&on, at(60), 120));
    assert_eq!(doubtful(at(59)), ["upkeep"]);
}

fn a_tick_is_set_only_while_it_is_the_next_one<S: Store>(store: &S) {
    let on = On(store);
    define(&on, &recurring("upkeep", "0 * * * *", at(60)));
    take(&on, at(60), 120);
    let set = |due, next_at| {
        let tick = Tick::new(recurring_name("upkeep"), due, next_at, at(61));
        on.write(|s| s.recurring().set_next(&tick))
    };
    assert!(!set(at(60), at(90)));
    assert!(set(with_nanoseconds(at(120)), at(90)));
    let work = list(&on).remove(0);
    assert_eq!((work.next_at, work.last_at), (at(90), Some(at(60))), "no tick was taken");
}

fn many_threads_take_each_tick_once<S: Store>(store: &S) {
    define(&On(store), &recurring("upkeep", "0 * * * *", at(0)));
    let taken = AtomicU32::new(0);
    scope_with_deadline("all threads have taken their ticks", |scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for second in 0..20 {
                    taken.fetch_add(take(&On(store), at(second), second + 1).into(), Ordering::SeqCst);
                }
            });
        }
    });
    // A thread may be too early for a tick whose predecessor is still the next one. No tick is taken twice, and the
    // thread that takes one goes on until another thread is ahead of it.
    let reached = (list(&On(store)).remove(0).next_at - at(0)).num_seconds();
    assert_eq!(i64::from(taken.into_inner()), reached, "as many takers as the work has moved on");
}
