//! Checks that the handles of the services implement `Debug`.

use std::fmt::Debug;

use fieldfen_persistence::{SqliteOptions, SqliteStore};

fn implements_debug<T: Debug>() {}

#[test]
fn each_handle_on_a_database_implements_debug() {
    use fieldfen_services::{
        api_costs::ApiCosts, api_usage::ApiUsage, files::Files, files::ShopFiles, operator::Operator,
        operator_actions::OperatorActions, publications::Publications, publishing::Publisher, queue::Queue,
        recurring::Recurring, webhooks::Deliveries, webhooks::WebhookIntake, worker::Worker, worker::WorkerBuilder,
        workers::Workers,
    };
    implements_debug::<Queue<SqliteStore>>();
    implements_debug::<Files<SqliteStore>>();
    implements_debug::<ShopFiles<SqliteStore>>();
    implements_debug::<Publications<SqliteStore>>();
    implements_debug::<Publisher<SqliteStore>>();
    implements_debug::<Recurring<SqliteStore>>();
    implements_debug::<WebhookIntake<SqliteStore>>();
    implements_debug::<ApiCosts<SqliteStore>>();
    implements_debug::<ApiUsage<SqliteStore>>();
    implements_debug::<Operator<SqliteStore>>();
    implements_debug::<Workers<SqliteStore>>();
    implements_debug::<WorkerBuilder<SqliteStore>>();
    implements_debug::<Worker>();
    implements_debug::<Deliveries<SqliteStore>>();
    implements_debug::<OperatorActions<SqliteStore>>();
    implements_debug::<SqliteOptions>();
    let shown = format!("{:?}", SqliteStore::in_memory().unwrap());
    assert!(shown.starts_with("SqliteStore"), "{shown}");
}
