//! The panes of the view, and which of them fit on the screen.

use ratatui::layout::Size;

/// The smallest screen on which anything can be shown.
pub(super) const SMALLEST: Size = Size::new(40, 10);

/// The smallest screen that shows all panes at once.
const ALL_PANES: Size = Size::new(150, 40);

/// A part of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pane {
    /// The things that need a person.
    #[default]
    Needs,
    /// The jobs of each kind.
    Queue,
    /// The list of jobs.
    Jobs,
    /// The dead letters by error.
    Failures,
    /// Pauses, limits and budgets.
    Limits,
    /// The workers, and what each runs.
    Workers,
}

impl Pane {
    pub(super) const ALL: [Self; 6] =
        [Self::Needs, Self::Queue, Self::Jobs, Self::Failures, Self::Limits, Self::Workers];

    /// The title, and the name in the row of tabs.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Needs => "Needs",
            Self::Queue => "Queue",
            Self::Jobs => "Jobs",
            Self::Failures => "Failures",
            Self::Limits => "Limits",
            Self::Workers => "Workers",
        }
    }

    /// The place among the panes.
    pub(super) fn index(self) -> usize {
        Self::ALL.iter().position(|pane| *pane == self).unwrap_or_default()
    }

    /// The pane that is this many places further, in a circle.
    pub(super) fn further(self, places: usize) -> Self {
        Self::ALL.get((self.index() + places) % Self::ALL.len()).copied().unwrap_or_default()
    }
}

/// The panes on a screen of this size, of which this one is chosen.
pub(super) fn on_screen(screen: Size, chosen: Pane) -> Vec<Pane> {
    if fit_together(screen) { Pane::ALL.to_vec() } else { vec![chosen] }
}

/// Whether all panes are shown at once, and not only the chosen one.
pub(super) const fn fit_together(screen: Size) -> bool {
    screen.width >= ALL_PANES.width && screen.height >= ALL_PANES.height
}
