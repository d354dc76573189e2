//! One row of a pane.

use fieldfen_domain::JobId;

use crate::text_width::one_line;

/// One row of a pane.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Tells the row from the others of its pane, also after the next look.
    pub(super) key: String,
    /// The cells, escaped.
    pub(super) cells: Vec<String>,
    pub(super) tone: Tone,
    pub(super) target: Target,
}

/// The weight of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tone {
    #[default]
    Plain,
    /// Something has failed or stands still.
    Bad,
    /// Something may stand still soon, or for a known time.
    Warning,
    /// Something that is over, or only a remark.
    Faint,
}

/// The view that Enter opens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Target {
    #[default]
    None,
    /// A job, with its kind.
    Job(JobId, String),
    /// The list of jobs with this filter.
    Filter(String),
}

impl Row {
    pub(super) fn new<const N: usize>(key: impl Into<String>, cells: [&str; N]) -> Self {
        Self { key: key.into(), cells: cells.map(one_line).into(), ..Self::default() }
    }

    pub(super) const fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    pub(super) fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }
}
