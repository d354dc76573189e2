//! The keys of the view.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::dialog::{Answer, Dialog};
use super::job_act::Verb;
use super::layout::Areas;
use super::pane::Pane;
use super::row::Target;
use super::state::{Effect, OpenJob, State};

/// The keys, and what each does, for the help.
pub(super) const HELP: [(&str, &str); 13] = [
    ("Tab, Shift-Tab, 1 to 6", "another pane"),
    ("Up, Down, PgUp, PgDn, Home, End", "choose a row, or scroll a job"),
    ("Enter", "open it, or list its jobs"),
    ("Esc", "close a job, or clear the filter"),
    ("/", "filter the list of jobs"),
    ("r", "retry a failed or parked job"),
    ("c", "cancel a job"),
    ("p", "pause the updates, or go on"),
    ("?", "this help"),
    ("Ctrl-L", "draw the screen again"),
    ("Ctrl-Z", "stop, until fg"),
    ("q, Ctrl-C", "quit"),
    ("", "fieldfen log lists r and c"),
];

impl State {
    /// Takes a key.
    pub(super) fn press(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        self.message = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return vec![Effect::Quit],
                KeyCode::Char('z') => return vec![Effect::Suspend],
                KeyCode::Char('l') => return vec![Effect::Redraw],
                _ => {}
            }
        }
        if let Some(dialog) = &mut self.dialog {
            let answer = dialog.press(key);
            return self.answered(answer);
        }
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return Vec::new();
        }
        match key.code {
            KeyCode::Char('q') if self.is_acting && !self.ends_after_action => {
                self.ends_after_action = true;
                self.message = Some("the action has no answer yet: q again quits without it".to_owned());
            }
            KeyCode::Char('q') => return vec![Effect::Quit],
            KeyCode::Char('?') | KeyCode::F(1) => self.dialog = Some(Dialog::Help),
            KeyCode::Char('/') => self.dialog = Some(Dialog::Filter { text: self.filter.clone(), error: None }),
            KeyCode::Char('p') => self.is_paused = !self.is_paused,
            KeyCode::Char('r') => self.ask(Verb::Retry),
            KeyCode::Char('c') => self.ask(Verb::Cancel),
            KeyCode::Tab | KeyCode::Right => self.go_to(self.pane.further(1)),
            KeyCode::BackTab | KeyCode::Left => self.go_to(self.pane.further(Pane::ALL.len() - 1)),
            KeyCode::Char(digit @ '1'..='6') => {
                let place = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(1);
                self.go_to(Pane::default().further(place - 1));
            }
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-self.page()),
            KeyCode::PageDown => self.go(self.page()),
            KeyCode::Home | KeyCode::Char('g') => self.go(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.go(isize::MAX),
            KeyCode::Enter => self.open_chosen(),
            KeyCode::Esc | KeyCode::Backspace => self.close(),
            _ => {}
        }
        Vec::new()
    }

    fn answered(&mut self, answer: Answer) -> Vec<Effect> {
        if answer != Answer::NotYet {
            self.dialog = None;
        }
        match answer {
            Answer::NotYet | Answer::Leave => Vec::new(),
            Answer::Filter(filter) => {
                self.filter = filter;
                self.go_to(Pane::Jobs);
                Vec::new()
            }
            Answer::Act(act) => {
                self.is_acting = true;
                self.message = Some(format!("{} of job {}: waiting for the answer", act.verb.name(), act.job));
                vec![Effect::Act(act)]
            }
        }
    }

    fn ask(&mut self, verb: Verb) {
        match self.job() {
            _ if self.is_acting => self.message = Some("the action before has no answer yet".to_owned()),
            Some((job, kind)) => self.dialog = Some(Dialog::confirm(verb, job, kind)),
            None => self.message = Some(format!("{}: choose a job first; Enter lists the jobs of a row", verb.name())),
        }
    }

    fn go_to(&mut self, pane: Pane) {
        self.open = None;
        self.pane = pane;
    }

    /// Chooses another row, or scrolls the open job.
    fn go(&mut self, places: isize) {
        let lines = self.job_lines().len();
        let height = usize::from(Areas::of(self.screen).inner_body().height);
        match &mut self.open {
            Some(open) => {
                open.scroll = open.scroll.saturating_add_signed(places).min(lines.saturating_sub(height));
            }
            None => self.choose(places),
        }
    }

    /// The number of rows that a page up or down passes.
    fn page(&self) -> isize {
        let areas = Areas::of(self.screen);
        let height = areas.panes(self.screen, self.pane).first().map_or(0, |(_, area)| area.height);
        isize::try_from(height.saturating_sub(3)).unwrap_or(1).max(1)
    }

    fn open_chosen(&mut self) {
        if self.open.is_some() {
            return self.close();
        }
        match self.chosen() {
            Target::Job(id, kind) => self.open = Some(OpenJob { id, kind, scroll: 0 }),
            Target::Filter(filter) => {
                self.filter = filter;
                self.go_to(Pane::Jobs);
            }
            Target::None => self.dialog = self.chosen_row().map(Dialog::Row),
        }
    }

    /// Closes the open job; without one, clears the filter.
    fn close(&mut self) {
        if self.open.take().is_none() && self.pane == Pane::Jobs {
            self.filter.clear();
        }
    }
}
