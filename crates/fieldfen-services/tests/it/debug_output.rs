//! Checks that every handle has a debug output on every store, without the secrets of its address.

use std::fmt::Debug;

use fieldfen_persistence::{SqliteOptions, SqliteStore};

fn can_be_shown<T: Debug>() {}

#[test]
fn every_handle_on_a_database_can_be_shown() {
    use fieldfen_services::{
        api_usage::ApiUsage, files::Files, files::ShopFiles, operator::Operator, operator_actions::OperatorActions,
        publications::Publications, publishing::Publisher, queue::Queue, recurring::Recurring, webhooks::Deliveries,
        webhooks::WebhookIntake, worker::Worker, worker::WorkerBuilder, workers::Workers,
    };
    can_be_shown::<Queue<SqliteStore>>();
    can_be_shown::<Files<SqliteStore>>();
    can_be_shown::<ShopFiles<SqliteStore>>();
    can_be_shown::<Publications<SqliteStore>>();
    can_be_shown::<Publisher<SqliteStore>>();
    can_be_shown::<Recurring<SqliteStore>>();
    can_be_shown::<WebhookIntake<SqliteStore>>();
    can_be_shown::<ApiUsage<SqliteStore>>();
    can_be_shown::<Operator<SqliteStore>>();
    can_be_shown::<Workers<SqliteStore>>();
    can_be_shown::<WorkerBuilder<SqliteStore>>();
    can_be_shown::<Worker>();
    can_be_shown::<Deliveries<SqliteStore>>();
    can_be_shown::<OperatorActions<SqliteStore>>();
    can_be_shown::<SqliteOptions>();
    let shown = format!("{:?}", SqliteStore::in_memory().unwrap());
    assert!(shown.starts_with("SqliteStore"), "{shown}");
}
