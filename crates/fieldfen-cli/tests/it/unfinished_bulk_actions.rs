//! A bulk action that has not finished needs a person, and says how far it has come.

use fieldfen_domain::job::{BulkAction, JobAction, JobFilter};
use fieldfen_domain::store::Store as _;
use fieldfen_services::Environment;
use fieldfen_services::bulk_actions::BulkActions;
use fieldfen_services::queue::Queue;
use fieldfen_testkit::fixtures::{at, by_ann, job};

use crate::shop_harness::Shop;

/// A shop with 250 pending jobs, and an action on them of which one transaction is done.
fn stopped(shop: &Shop) -> BulkAction {
    for number in 1..=250 {
        shop.store().write(|s| s.jobs().enqueue(&job(number).run_at(at(0)))).map(drop).unwrap();
    }
    let bulk = BulkActions::new(Queue::new(shop.store(), Environment::system()));
    let started = bulk.start(&JobFilter::new(), JobAction::RunNow, &by_ann("the paper is there")).unwrap();
    bulk.step(&started.order.id).unwrap().unwrap()
}

#[test]
fn a_stopped_bulk_action_is_a_need_until_it_is_resumed() {
    let shop = Shop::new();
    let id = stopped(&shop).order.id.to_string();
    let status = shop.run(&["status"]).out;
    assert!(
        status.contains("a bulk action, run_now, has not finished: 100 jobs so far, by ann: the paper"),
        "{status}"
    );
    assert!(status.contains(&format!("[fieldfen jobs bulk resume {id}]")), "{status}");
    let needs = |shop: &Shop| shop.run(&["status", "--json"]).document(0)["needs"].clone();
    let of_bulk = |needs: &serde_json::Value| {
        let all = needs.as_array().unwrap();
        all.iter()
            .filter(|need| need["what"] == "unfinished_bulk_actions")
            .map(|need| need["example"].clone())
            .collect()
    };
    let found: Vec<_> = of_bulk(&needs(&shop));
    assert_eq!(found, [id.as_str()]);

    assert!(shop.run(&["jobs", "bulk", "show", &id]).out.contains("100 of 250"));
    assert!(shop.run(&["jobs", "bulk", "list"]).out.contains("100 of 250"));
    let shown = shop.run(&["jobs", "bulk", "show", &id, "--json"]).document(0);
    assert_eq!(
        (&shown["matched"], &shown["left"]["number"], &shown["finished"]),
        (&100.into(), &150.into(), &().into())
    );

    let resumed = shop.run(&["jobs", "bulk", "resume", &id]);
    resumed.ends_with(0);
    assert!(resumed.out.contains("finished: 250 of 250 jobs, 250 done, 0 refused"), "{}", resumed.out);
    assert_eq!(of_bulk(&needs(&shop)), Vec::<serde_json::Value>::new());
}

#[test]
fn the_list_cuts_a_long_filter_and_show_has_all_of_it() {
    let shop = Shop::new();
    let bulk = BulkActions::new(Queue::new(shop.store(), Environment::system()));
    let filter = JobFilter::new().payload("x".repeat(100_000));
    let id = bulk.start(&filter, JobAction::Retry, &by_ann("a test")).unwrap().order.id.to_string();
    let list = shop.run(&["jobs", "bulk", "list"]).out;
    assert!(list.len() < 5_000 && list.contains("xxx…"), "{} bytes", list.len());
    assert!(shop.run(&["jobs", "bulk", "show", &id]).out.contains(&"x".repeat(100_000)));
}
