//! The report: one row for each figure, with its bound.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::machine::Machine;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The name of the figure.
    pub figure: String,
    /// The figure.
    pub value: f64,
    /// Its unit; `x` for a ratio.
    pub unit: &'static str,
    /// The bound, as text.
    pub bound: String,
    /// Whether the value is within the bound.
    pub ok: bool,
    /// The values from which the figure was computed, for people.
    #[serde(skip)]
    pub parts: String,
}

/// The bound of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// At most this.
    AtMost(f64),
    /// Less than this.
    Below(f64),
    /// At least this.
    AtLeast(f64),
}

impl Bound {
    /// Returns whether a value is within the bound.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::Below(most) => value < most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {}", number(most)),
            Self::Below(most) => format!("< {}", number(most)),
            Self::AtLeast(least) => format!("≥ {}", number(least)),
        }
    }
}

impl Row {
    /// A figure with its bound.
    #[must_use]
    pub fn new(figure: impl Into<String>, value: f64, unit: &'static str, bound: Bound) -> Self {
        let (bound, ok) = (bound.text(), bound.holds(value));
        Self { figure: figure.into(), value, unit, bound, ok, parts: String::new() }
    }

    /// A figure without a bound.
    #[must_use]
    pub fn unbounded(figure: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { figure: figure.into(), value, unit, bound: "none".to_owned(), ok: true, parts: String::new() }
    }

    /// Adds the values from which the figure was computed.
    #[must_use]
    pub fn parts(mut self, parts: impl Into<String>) -> Self {
        self.parts = parts.into();
        self
    }

    /// Adds a condition that suffices in place of the bound.
    #[must_use]
    pub fn or(mut self, condition: &str, holds: bool) -> Self {
        self.bound = format!("{}, or {condition}", self.bound);
        self.ok |= holds;
        self
    }

    /// Restricts the bound to machines with this condition.
    #[must_use]
    pub fn only_where(mut self, condition: &str, holds: bool) -> Self {
        self.bound = format!("{} where {condition}", self.bound);
        self.ok |= !holds;
        self
    }
}

/// All figures.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The machine of the measurements.
    pub machine: Machine,
    /// The figures.
    pub rows: Vec<Row>,
    /// Notes on the measurements, for people.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl Report {
    /// A report without figures.
    #[must_use]
    pub const fn new(machine: Machine) -> Self {
        Self { machine, rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a figure.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds a note on a measurement.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Returns whether every figure is within its bound.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.rows.iter().all(|row| row.ok)
    }

    /// The table with the notes below it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["figure", "value", "must reach", "", "made of"]);
        for row in &self.rows {
            table.add_row([
                Cell::new(&row.figure),
                Cell::new(format!("{} {}", number(row.value), row.unit)).set_alignment(CellAlignment::Right),
                Cell::new(&row.bound),
                Cell::new(if row.ok { "ok" } else { "SHORT" }),
                Cell::new(&row.parts),
            ]);
        }
        let mut text = format!("{table}\n{}\n", self.machine);
        for note in &self.notes {
            text.push_str(note);
            text.push('\n');
        }
        text
    }
}

/// A value with a readable number of digits.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}
