//! Colours and other attributes of text.

use ratatui::style::{Color, Modifier, Style};

use super::row::Tone;

/// Colours and other attributes of text. Without colours, bold and reversed text remain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    has_colours: bool,
}

impl Theme {
    pub(super) const fn new(has_colours: bool) -> Self {
        Self { has_colours }
    }

    pub(super) const fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Bad => self.colour(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Warning => self.colour(Color::Yellow),
            Tone::Faint => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// Titles, and the names of columns.
    pub(super) const fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The frame of a pane.
    pub(super) const fn frame(self, is_chosen: bool) -> Style {
        if is_chosen { self.colour(Color::Cyan) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    pub(super) const fn sparkline(self) -> Style {
        self.colour(Color::Green)
    }

    /// The chosen row and the chosen tab.
    pub(super) const fn chosen(self, style: Style) -> Style {
        style.add_modifier(Modifier::REVERSED)
    }

    const fn colour(self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }
}
