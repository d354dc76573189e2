//! The questions that the view asks a person, and its help.

use fieldfen_domain::JobId;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::filter_line;
use super::job_act::{JobAct, Verb};

/// The most characters that a person can type.
const MOST_CHARS: usize = 1000;

/// A question, or a text to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dialog {
    Help,
    /// Shows all of a row, whose cells are cut in its table.
    Row(Vec<String>),
    /// Asks for the filter of the list of jobs.
    Filter {
        text: String,
        /// The error of the text that was refused.
        error: Option<String>,
    },
    /// Asks for the reason of an action, and for a confirmation.
    Confirm {
        verb: Verb,
        job: JobId,
        kind: String,
        reason: String,
        error: Option<String>,
    },
}

/// The answer of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The dialog stays open.
    NotYet,
    /// Nothing shall be done.
    Leave,
    /// The list of jobs gets this filter.
    Filter(String),
    /// The action is confirmed.
    Act(JobAct),
}

impl Dialog {
    pub(super) const fn confirm(verb: Verb, job: JobId, kind: String) -> Self {
        Self::Confirm { verb, job, kind, reason: String::new(), error: None }
    }

    /// Whether there is nothing to answer.
    const fn is_text(&self) -> bool {
        matches!(self, Self::Help | Self::Row(_))
    }

    /// Takes a key.
    pub(super) fn press(&mut self, key: KeyEvent) -> Answer {
        let is_control = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Esc => return Answer::Leave,
            KeyCode::Enter => return self.answer(),
            KeyCode::Char('?' | 'q') if self.is_text() => return Answer::Leave,
            KeyCode::Char('u') if is_control => self.edit(String::clear),
            KeyCode::Char('w') if is_control => self.edit(|text| {
                let kept = text.trim_end().rfind(' ').map_or(0, |blank| blank + 1);
                text.truncate(kept);
            }),
            KeyCode::Char('h') if is_control => self.edit(pop),
            KeyCode::Char(c) if !is_control => self.paste(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => self.edit(pop),
            _ => {}
        }
        Answer::NotYet
    }

    /// Appends a text without its controls.
    pub(super) fn paste(&mut self, pasted: &str) {
        self.edit(|text| {
            let room = MOST_CHARS.saturating_sub(text.chars().count());
            let plain = pasted.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
            text.extend(plain.filter(|c| !c.is_control()).take(room));
        });
    }

    fn edit(&mut self, edit: impl FnOnce(&mut String)) {
        match self {
            Self::Help | Self::Row(_) => {}
            Self::Filter { text, error } | Self::Confirm { reason: text, error, .. } => {
                *error = None;
                edit(text);
            }
        }
    }

    fn answer(&mut self) -> Answer {
        match self {
            Self::Help | Self::Row(_) => Answer::Leave,
            Self::Filter { text, error } => match filter_line::parse(text) {
                Ok(_) => Answer::Filter(text.trim().to_owned()),
                Err(refused) => {
                    *error = Some(refused);
                    Answer::NotYet
                }
            },
            Self::Confirm { verb, job, reason, error, .. } => {
                let reason = match (reason.trim(), &verb) {
                    // As the command does.
                    ("", Verb::Retry) => "no reason given",
                    ("", Verb::Cancel) => {
                        *error = Some("a reason must be given: it becomes the last error of the job".to_owned());
                        return Answer::NotYet;
                    }
                    (reason, _) => reason,
                };
                Answer::Act(JobAct { verb: *verb, job: *job, reason: reason.to_owned() })
            }
        }
    }
}

fn pop(text: &mut String) {
    text.pop();
}
