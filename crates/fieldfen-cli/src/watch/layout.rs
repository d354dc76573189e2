//! The parts of the screen.

use ratatui::layout::{Constraint, Layout, Margin, Rect, Size};

use super::pane::{Pane, fit_together};

/// The smallest height of the screen that leaves room for the throughput.
const WITH_THROUGHPUT: u16 = 18;

/// The parts of the screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Areas {
    pub(super) header: Rect,
    pub(super) tabs: Rect,
    /// Empty on a low screen.
    pub(super) throughput: Rect,
    pub(super) body: Rect,
    pub(super) status: Rect,
}

impl Areas {
    pub(super) fn of(screen: Size) -> Self {
        let throughput = if screen.height >= WITH_THROUGHPUT { 3 } else { 0 };
        let lines = [1, 1, throughput].map(Constraint::Length);
        let rows = lines.into_iter().chain([Constraint::Fill(1), Constraint::Length(1)]);
        let screen = Rect::new(0, 0, screen.width, screen.height);
        let [header, tabs, throughput, body, status] = Layout::vertical(rows).areas(screen);
        Self { header, tabs, throughput, body, status }
    }

    /// The body within its frame.
    pub(super) const fn inner_body(&self) -> Rect {
        self.body.inner(Margin::new(1, 1))
    }

    /// The panes on the screen and their places.
    pub(super) fn panes(&self, screen: Size, chosen: Pane) -> Vec<(Pane, Rect)> {
        if !fit_together(screen) {
            return vec![(chosen, self.body)];
        }
        let rows: [Rect; 3] = Layout::vertical([Constraint::Fill(1); 3]).areas(self.body);
        let places = rows.iter().flat_map(|row| {
            let columns: [Rect; 2] = Layout::horizontal([Constraint::Fill(1); 2]).areas(*row);
            columns
        });
        Pane::ALL.into_iter().zip(places).collect()
    }
}
