//! `watch`: a live view of the queue, the failures, the limits and the workers.
//!
//! The state is pure: an event changes it, and it answers with effects. The drawing is a function of the state. The
//! loop connects both with the terminal, the signals and the database.

mod asker;
#[cfg(test)]
mod asker_test;
mod dialog;
mod draw;
mod draw_dialog;
#[cfg(test)]
mod draw_test;
mod filter_line;
#[cfg(test)]
mod fixture;
mod job_act;
mod job_view;
mod keys;
mod layout;
mod look;
mod pane;
mod row;
mod rows;
mod rows_of_jobs;
mod run;
mod screen;
mod state;
#[cfg(test)]
mod state_test;
mod table;
mod theme;
mod throughput;

use std::env;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::Context as _;
use fieldfen_persistence::SqliteStore;
use fieldfen_terminal::Exit;
use ratatui::crossterm::terminal;

use crate::context::Context;
use crate::text_width::one_line;
use crate::{schema, status};
use asker::{Asker, Connect, NewAction};
use look::{Opened, Question};
use state::State;
use theme::Theme;

/// Watch the queue, the failures, the limits and the workers, and act on jobs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Keys: Tab changes the pane, Enter opens a job or lists the jobs of a row, / filters the jobs with \
    the words of `jobs list`, r retries, c cancels, p pauses the updates, ? lists all keys, q quits. \
    The database is asked after commits only, and at least every 10 seconds. Without a terminal, use `fieldfen status`"
)]
pub(crate) struct WatchArgs {
    /// Ask the database at most once in this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
}

impl WatchArgs {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        require_screen(context)?;
        let screen = terminal::size().context("cannot read the size of the terminal")?.into();
        let address = one_line(&context.terminal.database_url()?.to_string());
        // An error of the database is reported before the screen changes.
        let interval = Duration::from_secs(self.interval);
        let question = Question::first(screen);
        let (asker, first) = match Asker::open(database(context), context.environment.clone(), interval, question) {
            Ok(opened) => opened,
            Err(error) => return Err(schema::explain(error, context)?),
        };
        let state = State::new(address, screen, first);
        // By https://no-color.org, a variable that is not empty switches colours off.
        let has_colours = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        // Logs would write over the screen.
        let held = context.terminal.hold_messages();
        let ended = run::run(state, asker, Theme::new(has_colours), &context.environment);
        drop(held);
        ended
    }
}

/// Opens the database as the other commands do, and makes the actions of the operator as they do.
fn database(context: &Context<'_>) -> (Connect<SqliteStore>, NewAction) {
    let (terminal, operator) = (context.terminal.clone(), context.operator.clone());
    let connect = move || {
        let context = Context::new(&terminal, &operator);
        let store = context.store()?;
        let costs = context.costs(&store)?;
        let (overviews, message) = status::overviews(&store, &costs, &context.environment);
        if let Some(message) = message {
            context.terminal.print_message(&message);
        }
        Ok(Opened { store, costs, overviews })
    };
    let (terminal, operator) = (context.terminal.clone(), context.operator.clone());
    let new_action = move |reason: &str| Context::new(&terminal, &operator).action(reason);
    (Box::new(connect), Box::new(new_action))
}

/// Refuses to run where a screen cannot be shown.
fn require_screen(context: &Context<'_>) -> anyhow::Result<()> {
    let instead = "use `fieldfen status`, with --json for programs";
    if context.terminal.is_json() {
        return Err(Exit::Usage.with(format!("watch is a view for people and has no JSON document: {instead}")).into());
    }
    for (is_terminal, name) in [(io::stdin().is_terminal(), "stdin"), (io::stdout().is_terminal(), "stdout")] {
        if !is_terminal {
            return Err(Exit::Usage.with(format!("watch needs a terminal, and {name} is none: {instead}")).into());
        }
    }
    match env::var("TERM") {
        Ok(term) if term == "dumb" => {
            let text = format!("watch needs a terminal that can move its cursor, and TERM is {term:?}: {instead}");
            Err(Exit::Usage.with(text).into())
        }
        _ => Ok(()),
    }
}
