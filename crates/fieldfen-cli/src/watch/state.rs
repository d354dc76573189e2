//! The state of the view, and its answers to events. Nothing here reads a clock, a terminal or a database.

use fieldfen_domain::job::DeadLetterGroup;
use fieldfen_domain::{JobId, Timestamp};
use fieldfen_services::overview::Overview;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Size;

use super::dialog::Dialog;
use super::job_act::JobAct;
use super::job_view;
use super::layout::Areas;
use super::look::{JobLook, JobsLook, LimitsLook, Look, Question, WorkersLook};
use super::pane::{Pane, on_screen};
use super::row::{Row, Target};
use super::throughput::Throughput;
use super::{rows, rows_of_jobs};

/// Something that has happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Pasted(String),
    /// The screen has this size now.
    Resized(Size),
    /// A look has succeeded.
    Looked(Box<Look>),
    /// A look has failed with this error.
    NotLooked(String),
    /// An action has ended, with its answer or its error.
    Acted(Result<String, String>),
    /// Time has passed.
    Tick,
    /// The process was asked to stop for a while.
    Suspend,
    /// The process goes on after it was stopped.
    Resumed,
    /// The process was asked to end.
    End,
    /// A thread of the view has ended, which never happens unless it has panicked.
    Broken(String),
}

/// Something that the loop does for the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Ask this from now on.
    Ask(Question),
    /// Act on a job.
    Act(JobAct),
    /// Leave the screen and stop the process until it is continued.
    Suspend,
    /// Take the screen over again and draw all of it.
    Redraw,
    /// End the view.
    Quit,
    /// End the view with an error.
    Fail(String),
}

/// The job that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenJob {
    pub(super) id: JobId,
    pub(super) kind: String,
    /// The number of lines above the first one on the screen.
    pub(super) scroll: usize,
}

/// The row that is chosen in a pane.
#[derive(Debug, Clone, Default)]
struct Choice {
    key: String,
    /// Its place when it was last seen, for the case that the row is gone.
    place: usize,
}

/// The last answers of the database.
#[derive(Debug)]
struct Answers {
    overview: Overview,
    workers: Option<WorkersLook>,
    jobs: Option<JobsLook>,
    failures: Option<Vec<DeadLetterGroup>>,
    limits: Option<LimitsLook>,
    job: Option<JobLook>,
}

/// The state of the view.
#[derive(Debug)]
pub(super) struct State {
    /// The address of the database, escaped.
    pub(super) database: String,
    pub(super) screen: Size,
    pub(super) now: Timestamp,
    pub(super) pane: Pane,
    pub(super) dialog: Option<Dialog>,
    pub(super) open: Option<OpenJob>,
    pub(super) filter: String,
    pub(super) is_paused: bool,
    /// Whether an action waits for its answer.
    pub(super) is_acting: bool,
    /// Whether the view ends with the answer to the action.
    pub(super) ends_after_action: bool,
    /// A remark on the last key or action, until the next key.
    pub(super) message: Option<String>,
    /// The error of the last look.
    pub(super) error: Option<String>,
    pub(super) throughput: Throughput,
    choices: [Choice; Pane::ALL.len()],
    answers: Answers,
}

impl State {
    /// The state after the first look, which the loop takes before it takes the screen over.
    pub(super) fn new(database: String, screen: Size, first: Look) -> Self {
        let Look { overview, workers, jobs, failures, limits, job, .. } = first;
        Self {
            database,
            screen,
            now: overview.at,
            pane: Pane::default(),
            dialog: None,
            open: None,
            filter: String::new(),
            is_paused: false,
            is_acting: false,
            ends_after_action: false,
            message: None,
            error: None,
            throughput: Throughput::default(),
            choices: Default::default(),
            answers: Answers { overview, workers, jobs, failures, limits, job },
        }
    }

    /// Takes an event in at this time, and returns what the loop has to do.
    pub(super) fn update(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        let before = self.question();
        let mut effects = match event {
            Event::Key(key) => self.press(key),
            Event::Pasted(text) => {
                if let Some(dialog) = &mut self.dialog {
                    dialog.paste(&text);
                }
                Vec::new()
            }
            Event::Resized(screen) => {
                self.screen = screen;
                Vec::new()
            }
            Event::Looked(look) => {
                self.take(*look);
                Vec::new()
            }
            Event::NotLooked(error) => {
                self.error = Some(error);
                Vec::new()
            }
            Event::Acted(answer) => {
                self.is_acting = false;
                self.message = Some(answer.unwrap_or_else(|error| format!("not done: {error}")));
                if self.ends_after_action { vec![Effect::Quit] } else { Vec::new() }
            }
            Event::Tick => Vec::new(),
            Event::Suspend => vec![Effect::Suspend],
            Event::Resumed => vec![Effect::Redraw],
            Event::End => vec![Effect::Quit],
            Event::Broken(thread) => vec![Effect::Fail(thread)],
        };
        let question = self.question();
        if question != before {
            effects.push(Effect::Ask(question));
        }
        effects
    }

    /// The question that the present view asks.
    pub(super) fn question(&self) -> Question {
        Question {
            panes: on_screen(self.screen, self.pane),
            filter: self.filter.clone(),
            job: self.open.as_ref().map(|open| open.id),
            is_paused: self.is_paused,
        }
    }

    /// Takes the answers in. An answer that the look did not read stays as it was.
    fn take(&mut self, look: Look) {
        self.error = None;
        if let Some((jobs, since, until)) = look.completed {
            self.throughput.add(jobs, since, until);
        }
        let answers = &mut self.answers;
        answers.overview = look.overview;
        answers.workers = look.workers.or(answers.workers.take());
        answers.jobs = look.jobs.or(answers.jobs.take());
        answers.failures = look.failures.or(answers.failures.take());
        answers.limits = look.limits.or(answers.limits.take());
        answers.job = look.job.or(answers.job.take());
    }

    pub(super) const fn overview(&self) -> &Overview {
        &self.answers.overview
    }

    /// The rows of a pane; `None` if the database was not asked for them yet.
    pub(super) fn rows(&self, pane: Pane) -> Option<Vec<Row>> {
        let (answers, now) = (&self.answers, self.now);
        match pane {
            Pane::Needs => Some(rows::needs(&answers.overview, now)),
            Pane::Queue => Some(rows::queue(&answers.overview, now)),
            // The list of the former filter is not that of this one.
            Pane::Jobs => {
                answers.jobs.as_ref().filter(|jobs| jobs.filter == self.filter).map(|jobs| rows::jobs(jobs, now))
            }
            Pane::Failures => answers.failures.as_ref().map(|groups| rows::failures(groups, now)),
            Pane::Limits => answers.limits.as_ref().map(|look| rows_of_jobs::limits(look, &answers.overview, now)),
            Pane::Workers => answers.workers.as_ref().map(|look| rows_of_jobs::workers(look, now)),
        }
    }

    /// The place of the chosen row among the rows of a pane.
    pub(super) fn place(&self, pane: Pane, rows: &[Row]) -> usize {
        let Some(choice) = self.choices.get(pane.index()) else { return 0 };
        let known = rows.iter().position(|row| row.key == choice.key);
        known.unwrap_or_else(|| choice.place.min(rows.len().saturating_sub(1)))
    }

    /// Chooses the row of the pane that is this many places below the chosen one.
    pub(super) fn choose(&mut self, places: isize) {
        let rows = self.rows(self.pane).unwrap_or_default();
        let last = rows.len().saturating_sub(1);
        let place = self.place(self.pane, &rows).saturating_add_signed(places).min(last);
        let key = rows.get(place).map(|row| row.key.clone()).unwrap_or_default();
        if let Some(choice) = self.choices.get_mut(self.pane.index()) {
            *choice = Choice { key, place };
        }
    }

    /// The view that Enter opens for the chosen row.
    pub(super) fn chosen(&self) -> Target {
        let rows = self.rows(self.pane).unwrap_or_default();
        rows.get(self.place(self.pane, &rows)).map(|row| row.target.clone()).unwrap_or_default()
    }

    /// The cells of the chosen row that are not empty; `None` without a row.
    pub(super) fn chosen_row(&self) -> Option<Vec<String>> {
        let rows = self.rows(self.pane)?;
        let row = rows.get(self.place(self.pane, &rows))?;
        Some(row.cells.iter().filter(|cell| !cell.is_empty()).cloned().collect())
    }

    /// The job that an action is for: the open one, otherwise the chosen one.
    pub(super) fn job(&self) -> Option<(JobId, String)> {
        match (&self.open, self.chosen()) {
            (Some(open), _) => Some((open.id, open.kind.clone())),
            (None, Target::Job(id, kind)) => Some((id, kind)),
            (None, _) => None,
        }
    }

    /// The lines of the open job; none if no job is open.
    pub(super) fn job_lines(&self) -> Vec<String> {
        let Some(open) = &self.open else { return Vec::new() };
        let waiting = if self.is_paused { "updates are paused: p goes on" } else { "reading…" };
        let columns = usize::from(Areas::of(self.screen).inner_body().width);
        job_view::lines(open.id, &open.kind, self.answers.job.as_ref(), waiting, columns)
    }
}
