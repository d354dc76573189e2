//! The recurring work that a worker defines at its start.

use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::recurring::Recurring;
use fieldfen_services::shop::{Shop, ShopFile};
use fieldfen_services::upkeep;
use fieldfen_terminal::Exit;

use super::SHOP_FILE;
use crate::context::Context;

/// The schedule of the upkeep: every ten minutes.
const UPKEEP: &str = "*/10 * * * *";

/// Defines the upkeep and the work of `[[recurring]]`. Work that the file has defined earlier and no longer does goes on;
/// a message names it.
pub(super) fn define(
    shop: &Shop,
    file: Option<&ShopFile>,
    store: &SqliteStore,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let start = Action::new(Actor::new("fieldfen work", Via::Tool)?, "the worker defines it at its start")?;
    let recurring = Recurring::new(store.clone(), context.environment.clone());
    recurring.define(&upkeep::name(), &UPKEEP.parse()?, &shop.upkeep(), &start)?;
    if file.is_none() {
        return Ok(());
    }
    let now = context.environment.now();
    let definitions = shop.recurring()?;
    if let Some(never) = definitions.iter().find(|work| work.schedule.next_after(now).is_none()) {
        let (name, schedule) = (&never.name, &never.schedule);
        return Err(Exit::Usage
            .with(format!("recurring work {name}, schedule {:?}: it has no run in the future", schedule.as_str()))
            .into());
    }
    for name in recurring.define_file(SHOP_FILE, &definitions, &start)? {
        context.terminal.print_message(&format!(
            "warning: {SHOP_FILE} no longer defines the recurring work {name}, which goes on; to end it: fieldfen recurring \
             remove {name}"
        ));
    }
    Ok(())
}
