//! `status`: what needs a person, and the jobs of each kind.

use std::io;

use fieldfen_backup::newest_backup;
use fieldfen_domain::{Timestamp, with_causes};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::overview::{Need, NeedKind, Overview, Overviews};
use fieldfen_terminal::TextOutput;

use crate::context::Context;
use crate::{schema, shop_file};

/// The largest number of characters of a reason.
const REASON: usize = 120;

/// Shows what needs a person, the oldest first, and then the jobs of each kind.
pub(crate) fn run(context: &Context<'_>) -> anyhow::Result<()> {
    let store = match context.store() {
        Ok(store) => store,
        Err(error) => return Err(schema::explain(error, context)?),
    };
    let costs = context.costs(&store)?;
    let (overviews, message) = overviews(&store, &costs, &context.environment);
    if let Some(message) = message {
        context.terminal.print_message(&message);
    }
    let overview = overviews().overview()?;
    context.terminal.print_result(&overview, |out| write(&overview, out, context))?;
    Ok(())
}

/// Makes overviews with the budgets, and with the newest backup at the time of each. If the backups cannot be listed, a
/// message says so.
pub(crate) fn overviews(
    store: &SqliteStore,
    costs: &ApiCosts<SqliteStore>,
    environment: &Environment,
) -> (Box<dyn Fn() -> Overviews<SqliteStore> + Send>, Option<String>) {
    // A file with wrong rules was named with the budgets.
    let backups = shop_file::rules().map(|rules| rules.backup_rules().clone()).unwrap_or_default();
    let error = newest_backup(&backups.folder).err();
    let message = error.map(|error| format!("the backups are not shown: {}", with_causes(&error)));
    let overviews = Overviews::new(store.clone(), environment.clone()).budgets(costs.clone());
    let overviews = move || match newest_backup(&backups.folder) {
        Ok(newest) => overviews.clone().newest_backup(newest.map(|newest| newest.made_at), backups.clone()),
        Err(_) => overviews.clone(),
    };
    (Box::new(overviews), message)
}

fn write(overview: &Overview, out: &mut TextOutput<'_>, context: &Context<'_>) -> io::Result<()> {
    let now = overview.at;
    if overview.needs.is_empty() {
        writeln!(out, "nothing needs a person")?;
    }
    for need in &overview.needs {
        writeln!(out, "{}", line(need, now))?;
    }
    match overview.live_workers {
        0 => writeln!(out, "no worker is alive: jobs wait until one starts")?,
        1 => writeln!(out, "1 worker is alive")?,
        workers => writeln!(out, "{workers} workers are alive")?,
    }
    if overview.kinds.is_empty() {
        return writeln!(out, "no job waits, runs, has failed, or was completed in the last hour");
    }
    let mut table = context.terminal.table(["kind", "waiting", "oldest", "running", "parked", "failed", "done/h"]);
    for kind in &overview.kinds {
        table.add_row([
            kind.kind.clone(),
            kind.waiting.to_string(),
            kind.waiting_since.map(|since| age(since, now)).unwrap_or_default(),
            kind.running.to_string(),
            kind.parked.to_string(),
            kind.dead.count.to_string(),
            kind.completed.to_string(),
        ]);
    }
    out.table(&table)
}

/// One need in a line: its age, the need, its reason, and the command that shows it.
fn line(need: &Need, now: Timestamp) -> String {
    let since = need.since.map_or_else(|| "now".to_owned(), |since| age(since, now));
    let (sentence, command) = parts(need);
    let command = if command.is_empty() { command } else { format!("  [{command}]") };
    format!("{since:>4}  {sentence}{command}")
}

/// A need in a sentence, with its end and its reason, and the command that shows it; that is empty if there is none.
pub(crate) fn parts(need: &Need) -> (String, String) {
    let (count, name) = (need.count, need.name.as_deref().unwrap_or_default());
    let example = need.example.as_deref().unwrap_or_default();
    let one_or_many = |one: &str, many: &str| {
        let is_one = count.number == 1 && !count.is_capped;
        if is_one { format!("1 {one}") } else { format!("{count} {many}") }
    };
    let (text, command) = match need.what {
        NeedKind::FilesToApprove => (
            one_or_many("picture waits for an approval", "pictures wait for an approval"),
            "fieldfen files list --status processed".to_owned(),
        ),
        NeedKind::DeadLetters => (
            one_or_many(&format!("job of {name} has failed"), &format!("jobs of {name} have failed")),
            match example {
                "" => "fieldfen jobs errors".to_owned(),
                _ if count.number > 1 || count.is_capped => "fieldfen jobs errors".to_owned(),
                _ => format!("fieldfen jobs show {example}"),
            },
        ),
        NeedKind::JobsParkedForPerson => (
            one_or_many(
                &format!("job of {name} waits for a person's answer"),
                &format!("jobs of {name} wait for a person's answer"),
            ),
            format!("fieldfen jobs show {example}"),
        ),
        NeedKind::PublicationsInDoubt => (
            one_or_many("publication is in doubt", "publications are in doubt"),
            format!("fieldfen publications show {example}"),
        ),
        NeedKind::NoLiveWorker => (
            one_or_many(
                &format!("job of {name} waits, and no living worker handles this kind"),
                &format!("jobs of {name} wait, and no living worker handles this kind"),
            ),
            "fieldfen workers".to_owned(),
        ),
        NeedKind::Paused => (format!("{name} is paused"), "fieldfen resume".to_owned()),
        NeedKind::Blocked => (format!("{name} takes no call"), "fieldfen usage limits".to_owned()),
        NeedKind::Budget => (format!("budget {name:?}"), String::new()),
        NeedKind::Backup if need.since.is_some() => {
            (format!("the newest backup in {name} is too old"), "fieldfen backup run".to_owned())
        }
        NeedKind::Backup => (format!("there is no backup in {name}"), "fieldfen backup run".to_owned()),
        NeedKind::UnreadableRows => {
            (one_or_many("row cannot be read", "rows cannot be read"), "fieldfen doctor".to_owned())
        }
        NeedKind::DeadWorker => (format!("worker {name} has died"), "fieldfen workers".to_owned()),
        other => (format!("{other:?}: {count} {name}"), String::new()),
    };
    let until = need.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let reason: String = need.reason.as_deref().unwrap_or_default().chars().take(REASON).collect();
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    (format!("{text}{until}{reason}"), command)
}

/// A span of time in its largest unit: `12s`, `5m`, `3h`, `2d`.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.signed_duration_since(since).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_its_largest_unit() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        for (seconds, text) in [(-5, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (86_400 * 3, "3d")] {
            assert_eq!(age(now - chrono::TimeDelta::seconds(seconds), now), text);
        }
    }
}
