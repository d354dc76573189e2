//! The recurring work that a worker defines at its start.

use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::recurring::RecurringJob;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::recurring::{Definition, Recurring};
use fieldfen_services::shop::{Shop, ShopFile};
use fieldfen_services::upkeep::{self, Upkeep};
use fieldfen_terminal::Exit;

use super::SHOP_FILE;
use crate::context::Context;

/// The schedule of the upkeep: every ten minutes.
const UPKEEP: &str = "*/10 * * * *";

/// The recurring work of a worker: its upkeep, and the work of `[[recurring]]`.
pub(super) struct RecurringWork {
    upkeep: Upkeep,
    has_file: bool,
    definitions: Vec<Definition>,
}

impl RecurringWork {
    /// Reads the work of the rules, and checks that all of it will run.
    pub(super) fn of_rules(shop: &Shop, file: Option<&ShopFile>, context: &Context<'_>) -> anyhow::Result<Self> {
        let now = context.environment.now();
        let definitions = shop.recurring()?;
        if let Some(never) = definitions.iter().find(|work| work.schedule.next_after(now).is_none()) {
            let (name, schedule) = (&never.name, &never.schedule);
            return Err(Exit::Usage
                .with(format!("recurring work {name}, schedule {:?}: it has no run in the future", schedule.as_str()))
                .into());
        }
        Ok(Self { upkeep: shop.upkeep(), has_file: file.is_some(), definitions })
    }

    /// Defines the work. Work that the file has defined earlier and no longer does goes on; a message names it. Another
    /// message names each work that this file has changed, because another worker may have an older file, whose next
    /// start changes it back.
    pub(super) fn define(&self, store: &SqliteStore, context: &Context<'_>) -> anyhow::Result<()> {
        let start = Action::new(Actor::new("fieldfen work", Via::Tool)?, "the worker defines it at its start")?;
        let recurring = Recurring::new(store.clone(), context.environment.clone());
        recurring.define(&upkeep::name(), &UPKEEP.parse()?, &self.upkeep, &start)?;
        let defined = recurring.define_file(SHOP_FILE, &self.definitions, &start)?;
        for before in &defined.changed {
            let name = &before.name;
            let Some(now) = self.definitions.iter().find(|work| work.name == *name) else { continue };
            let (was, is) = (was(before), is(now));
            let difference = if was != is {
                format!("it was {was}, and is {is}")
            } else if before.defined_in.is_none() {
                "a program has defined it before".to_owned()
            } else {
                "its payload or account is another one".to_owned()
            };
            context.terminal.print_message(&format!("{SHOP_FILE} changes the recurring work {name}: {difference}"));
        }
        for name in defined.no_longer {
            let without = if self.has_file { "no longer defines" } else { "is not here, and has defined" };
            context.terminal.print_message(&format!(
                "warning: {SHOP_FILE} {without} the recurring work {name}, which goes on; to end it: fieldfen recurring \
                 remove {name}"
            ));
        }
        Ok(())
    }
}

/// The schedule, the time zone and the kind of work in the database.
fn was(work: &RecurringJob) -> String {
    described(&work.schedule, work.time_zone.as_deref(), work.kind.as_str())
}

/// The schedule, the time zone and the kind of work in the file.
fn is(work: &Definition) -> String {
    let zone = work.schedule.time_zone();
    described(work.schedule.as_str(), Some(zone.as_str()), work.kind.as_str())
}

fn described(schedule: &str, time_zone: Option<&str>, kind: &str) -> String {
    format!("{kind} at {schedule:?} in {}", time_zone.unwrap_or("UTC"))
}
