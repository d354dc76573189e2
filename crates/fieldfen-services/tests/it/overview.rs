//! The overview of a shop: the things that need a person come first, the oldest first.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fieldfen_domain::WorkerId;
use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money, Price, PriceTable};
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{ParkedFor, Pause, PauseScope, Payload as _};
use fieldfen_domain::store::Store;
use fieldfen_domain::worker::RegisteredWorker;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::overview::{NeedKind, Overviews};
use fieldfen_services::shop::Backups;
use fieldfen_testkit::fixtures::{account, file_in};

use crate::{Bench, LEASE, Note};

on_stores_without_faults!(
    the_oldest_need_comes_first,
    a_kind_whose_worker_has_died_is_named,
    a_spent_budget_is_named,
    dead_letters_are_needs_by_error_up_to_a_bound,
    an_old_or_missing_backup_is_a_need_where_backups_are_looked_after,
);

fn overviews<S: Store>(bench: &Bench<S>) -> Overviews<S> {
    Overviews::new(bench.queue.store().clone(), bench.queue.environment().clone())
}

fn the_oldest_need_comes_first<S: Store>(store: S) {
    let bench = Bench::new(store);
    bench.queue.store().write(|s| file_in(s, 1, FileStatus::Processed)).unwrap();
    let note = bench.note("which size?");
    let claimed = bench.claim_notes(1);
    assert!(bench.queue.park(&claimed[0], ParkedFor::Person, "which size?").unwrap().is_done());
    bench.clock.advance(LEASE);
    let dead = bench.note("no ink");
    let claimed = bench.claim_notes(1);
    assert!(bench.queue.fail_for_good(&claimed[0], "no ink").unwrap().is_done());
    bench.clock.advance(LEASE);
    let pause = Pause::new(PauseScope::Account(account(1)), "review", bench.now(), "ann").until(bench.now() + LEASE);
    bench.queue.store().write(|s| s.pauses().pause(&pause)).unwrap();

    let overview = overviews(&bench).overview().unwrap();
    let needs: Vec<NeedKind> = overview.needs.iter().map(|need| need.what).collect();
    let expected = [NeedKind::FilesToApprove, NeedKind::JobsParkedForPerson, NeedKind::DeadLetters, NeedKind::Paused];
    assert_eq!(needs, sorted_by_time(&overview.needs, &expected), "{overview:?}");
    let parked = overview.needs.iter().find(|need| need.what == NeedKind::JobsParkedForPerson).unwrap();
    assert_eq!(parked.example, Some(note.to_string()));
    let failed = overview.needs.iter().find(|need| need.what == NeedKind::DeadLetters).unwrap();
    assert_eq!((failed.example.clone(), failed.reason.as_deref()), (Some(dead.to_string()), Some("no ink")));
    let paused = overview.needs.iter().find(|need| need.what == NeedKind::Paused).unwrap();
    assert_eq!((paused.name.as_deref(), paused.reason.as_deref()), (Some("account etsy/1"), Some("by ann: review")));
    assert_eq!(paused.until, Some(bench.now() + LEASE));
}

/// The kinds of these needs in the order of their times. All of them must be there.
fn sorted_by_time(needs: &[fieldfen_services::overview::Need], kinds: &[NeedKind]) -> Vec<NeedKind> {
    let mut found: Vec<_> = kinds.iter().map(|kind| needs.iter().find(|need| need.what == *kind).unwrap()).collect();
    found.sort_by_key(|need| need.since);
    found.into_iter().map(|need| need.what).collect()
}

fn dead_letters_are_needs_by_error_up_to_a_bound<S: Store>(store: S) {
    let bench = Bench::new(store);
    let fail = |error: &str| {
        bench.note("dead");
        let claimed = bench.claim_notes(1);
        assert!(bench.queue.fail_for_good(&claimed[0], error).unwrap().is_done());
    };
    let dead = || {
        let mut needs = overviews(&bench).overview().unwrap().needs;
        needs.retain(|need| need.what == NeedKind::DeadLetters);
        needs
    };
    ["tray 1 is empty", "tray 2 is empty", "no ink"].into_iter().for_each(fail);
    let needs = dead();
    let by_error: std::collections::BTreeMap<_, _> =
        needs.iter().map(|need| (need.fingerprint.as_deref(), (need.count.number, need.count.is_capped))).collect();
    let expected = [(Some("no ink"), (1, false)), (Some("tray <n> is empty"), (2, false))];
    assert_eq!(by_error, expected.into(), "{needs:?}");
    assert_eq!(needs.iter().find(|need| need.count.number == 2).unwrap().reason.as_deref(), Some("tray 2 is empty"));
    // Each letter makes a fingerprint of its own.
    ('a'..='z').for_each(|letter| fail(&format!("error {letter}")));
    let needs = dead();
    assert_eq!(needs.len(), 21, "{needs:?}");
    let rest: Vec<_> = needs.iter().filter(|need| need.fingerprint.is_none()).collect();
    assert_eq!((rest.len(), rest[0].count.number), (1, 29), "the kind stands for the errors that are not shown");
}

fn an_old_or_missing_backup_is_a_need_where_backups_are_looked_after<S: Store>(store: S) {
    let bench = Bench::new(store);
    let needs = |made_at| overviews(&bench).newest_backup(made_at, Backups::default()).overview().unwrap().needs;
    assert_eq!(overviews(&bench).overview().unwrap().needs, []);
    assert_eq!(needs(Some(bench.now() - TimeDelta::hours(24))), []);
    for made_at in [None, Some(bench.now() - TimeDelta::hours(25))] {
        let needs = needs(made_at);
        assert_eq!(
            (needs[0].what, needs[0].since, needs[0].name.as_deref()),
            (NeedKind::Backup, made_at, Some("backups"))
        );
    }
}

fn a_kind_whose_worker_has_died_is_named<S: Store>(store: S) {
    let bench = Bench::new(store);
    let worker = RegisteredWorker::new(WorkerId::from_random(1), BTreeSet::from([Note::kind()]), bench.now());
    bench.queue.store().write(|s| s.workers().register(&worker)).unwrap();
    bench.note("one");
    let overview = overviews(&bench).overview().unwrap();
    assert_eq!((overview.needs.len(), overview.live_workers), (0, 1), "{overview:?}");
    assert_eq!((overview.kinds[0].waiting.number, overview.kinds[0].waiting_since), (1, Some(bench.now())));
    bench.clock.advance(LEASE * 2);
    let overview = overviews(&bench).overview().unwrap();
    let needs: BTreeSet<String> = overview.needs.iter().map(|need| format!("{:?}", need.what)).collect();
    assert_eq!(needs, BTreeSet::from(["DeadWorker".to_owned(), "NoLiveWorker".to_owned()]));
    assert_eq!(overview.live_workers, 0);
}

fn a_spent_budget_is_named<S: Store>(store: S) {
    let bench = Bench::new(store);
    let limit = BudgetLimit::Money(Money::parse("0.20", Currency::USD).unwrap());
    let costs = ApiCosts::new(bench.queue.store().clone(), bench.queue.environment().clone())
        .prices(PriceTable::of([Price::per_call("etsy", 200_000, Currency::USD)]).map_err(|(_, error)| error).unwrap())
        .budgets([Budget::new("listings", BudgetPeriod::Month, limit)])
        .unwrap();
    let overviews = overviews(&bench).budgets(costs.clone());
    assert_eq!(overviews.overview().unwrap().needs, []);
    costs.record(&NewCost::charged("etsy", "listing 1")).unwrap();
    let needs = overviews.overview().unwrap().needs;
    assert_eq!((needs[0].what, needs[0].name.as_deref()), (NeedKind::Budget, Some("listings")));
    assert_eq!(needs[0].reason.as_deref(), Some("spent: 100.00 % are used"));
}
