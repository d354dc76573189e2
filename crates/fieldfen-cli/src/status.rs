//! `status`: what needs a person, and the jobs of each kind.

use std::io;

use fieldfen_backup::newest_backup;
use fieldfen_domain::{Timestamp, with_causes};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::overview::{Need, NeedKind, Overview, Overviews};
use fieldfen_terminal::{TextOutput, escape_controls};

use crate::context::Context;
use crate::shell_word::shell_word;
use crate::text_width::{width, wrap};
use crate::workers::NO_WORKER;
use crate::{schema, shop_file};

/// The largest number of characters of a reason.
const REASON: usize = 120;

/// The columns of the age, with the blanks behind it.
const INDENT: usize = 6;

/// Shows what needs a person, the oldest first, and then the jobs of each kind.
pub(crate) fn run(context: &Context<'_>) -> anyhow::Result<()> {
    let store = match context.store_to_read() {
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
    let columns = context.terminal.columns();
    for line in overview.needs.iter().flat_map(|need| lines(need, now, columns)) {
        writeln!(out, "{line}")?;
    }
    match overview.live_workers {
        0 => writeln!(out, "{NO_WORKER}")?,
        1 => writeln!(out, "1 worker is alive")?,
        workers => writeln!(out, "{workers} workers are alive")?,
    }
    if overview.kinds.is_empty() {
        return writeln!(out, "no job waits, runs, is parked or dead, or was completed in the last hour");
    }
    let mut table = context.terminal.table(["kind", "waiting", "oldest", "running", "parked", "dead", "done/h"]);
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

/// One need: its age, the need, its reason, and the command that shows it. If they do not fit in one line, the sentence
/// is broken at blanks, and the command gets a line of its own, so that it can be copied.
fn lines(need: &Need, now: Timestamp, columns: Option<usize>) -> Vec<String> {
    let since = need.since.map_or_else(|| "now".to_owned(), |since| age(since, now));
    let (sentence, command) = parts(need);
    let sentence = escape_controls(&sentence);
    let command = if command.is_empty() { command } else { format!("[{command}]") };
    let line = format!("{since:>4}  {sentence}  {command}").trim_end().to_owned();
    let Some(columns) = columns.filter(|columns| width(&line) > *columns) else { return vec![line] };
    let indent = " ".repeat(INDENT);
    let mut lines: Vec<String> =
        wrap(&sentence, columns.saturating_sub(INDENT)).iter().map(|line| format!("{indent}{line}")).collect();
    if let Some(first) = lines.first_mut() {
        *first = format!("{since:>4}  {}", first.trim_start());
    }
    match lines.last_mut() {
        _ if command.is_empty() => {}
        Some(last) if width(last) + 2 + width(&command) <= columns => *last = format!("{last}  {command}"),
        _ => lines.push(format!("{indent}{command}")),
    }
    lines
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
            one_or_many(&format!("dead letter of {name}"), &format!("dead letters of {name}")),
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
        NeedKind::UnfinishedBulkActions if count.number == 1 => {
            (format!("a bulk action, {name}, has not finished"), format!("fieldfen jobs bulk resume {example}"))
        }
        NeedKind::UnfinishedBulkActions => {
            (format!("{count} bulk actions have not finished"), "fieldfen jobs bulk list".to_owned())
        }
        NeedKind::NoLiveWorker => (
            one_or_many(
                &format!("job of {name} waits, and no living worker handles this kind"),
                &format!("jobs of {name} wait, and no living worker handles this kind"),
            ),
            "fieldfen workers".to_owned(),
        ),
        NeedKind::Paused => (format!("{name} is paused"), resume(name)),
        NeedKind::Blocked => (format!("{name} takes no call"), "fieldfen usage limits".to_owned()),
        NeedKind::Budget => (format!("budget {name:?}"), "fieldfen usage budget".to_owned()),
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

/// The command that resumes a scope such as `service etsy`.
fn resume(scope: &str) -> String {
    match scope.split_once(' ') {
        Some((kind, name)) => format!("fieldfen resume --{kind} {}", shell_word(name)),
        None => "fieldfen pauses".to_owned(),
    }
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
    use fieldfen_domain::job::{JobKind, PauseScope};
    use fieldfen_domain::operator::{Action, Actor, Via};
    use fieldfen_services::pauses::Pauses;
    use fieldfen_testkit::ModelStore;

    use super::*;

    #[test]
    fn a_need_that_does_not_fit_is_broken_and_its_command_is_not() {
        let (store, environment) = (ModelStore::new(), Environment::system());
        let ann = Action::new(Actor::new("ann", Via::Tool).unwrap(), "the printer\nis away 狐").unwrap();
        let pause = PauseScope::Kind(JobKind::UpscaleImage);
        Pauses::new(store.clone(), environment.clone()).pause(&pause, None, &ann).unwrap();
        let overview = Overviews::new(store, environment).overview().unwrap();
        let lines = |columns| lines(&overview.needs[0], overview.at, columns);
        let command = parts(&overview.needs[0]).1;
        let whole = format!("  0s  kind UpscaleImage is paused: by ann: the printer\\nis away 狐  [{command}]");
        assert_eq!(lines(None), [whole.as_str()]);
        assert_eq!(lines(Some(width(&whole))), [whole.as_str()]);
        let narrow = [
            "  0s  kind UpscaleImage is paused: by ann:".to_owned(),
            "      the printer\\nis away 狐".to_owned(),
            format!("      [{command}]"),
        ];
        assert_eq!(lines(Some(43)), narrow);
    }

    #[test]
    fn an_age_has_its_largest_unit() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        for (seconds, text) in [(-5, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (86_400 * 3, "3d")] {
            assert_eq!(age(now - chrono::TimeDelta::seconds(seconds), now), text);
        }
    }
}
