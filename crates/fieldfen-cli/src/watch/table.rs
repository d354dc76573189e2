//! Tables that fit any width: the widest column is cut, and columns of less weight are left out.

use ratatui::text::{Line, Span};

use super::pane::Pane;
use super::row::Row;
use super::theme::Theme;
use crate::text_width::{cut, width};

/// The blanks between two columns.
const GAP: usize = 2;

/// The columns before the first cell, which mark the chosen row.
const MARK: usize = 2;

/// A column of a pane.
#[derive(Debug, Clone, Copy)]
struct Column {
    title: &'static str,
    /// The largest width; `None` for the one column that gets the rest.
    most: Option<usize>,
    /// The smallest width of the column that gets the rest, before other columns are left out.
    least: usize,
    is_number: bool,
    /// On a narrow screen, the columns with the largest number are left out first. A column with 0 is never left out.
    weight: u8,
}

const fn text(title: &'static str, most: usize, weight: u8) -> Column {
    Column { title, most: Some(most), least: 0, is_number: false, weight }
}

const fn number(title: &'static str, weight: u8) -> Column {
    Column { title, most: Some(12), least: 0, is_number: true, weight }
}

const fn rest(title: &'static str, least: usize) -> Column {
    Column { title, most: None, least, is_number: false, weight: 0 }
}

const NEEDS: &[Column] = &[number("age", 0), rest("what", 60), text("command", 70, 1)];
const QUEUE: &[Column] = &[
    rest("kind", 14),
    number("waiting", 0),
    number("oldest", 1),
    number("running", 0),
    number("parked", 3),
    number("dead", 0),
    number("done/h", 2),
];
const JOBS: &[Column] =
    &[text("id", 8, 2), text("kind", 28, 0), text("status", 18, 0), number("age", 1), rest("error", 14)];
const FAILURES: &[Column] = &[number("jobs", 0), text("kind", 28, 1), number("last", 2), rest("error", 14)];
const LIMITS: &[Column] = &[text("what", 6, 0), text("name", 40, 0), rest("state", 14)];
const WORKERS: &[Column] =
    &[text("worker, job", 40, 0), text("runs", 12, 0), number("age", 0), text("where, id", 36, 1), rest("kinds", 14)];

const fn columns(pane: Pane) -> &'static [Column] {
    match pane {
        Pane::Needs => NEEDS,
        Pane::Queue => QUEUE,
        Pane::Jobs => JOBS,
        Pane::Failures => FAILURES,
        Pane::Limits => LIMITS,
        Pane::Workers => WORKERS,
    }
}

/// The heading and the rows that fit below it, in this many columns and lines. `chosen` is always among them.
pub(super) fn lines(
    pane: Pane,
    rows: &[Row],
    chosen: Option<usize>,
    (room, height): (usize, usize),
    theme: Theme,
) -> Vec<Line<'static>> {
    let columns = columns(pane);
    let widths = widths(columns, rows, room.saturating_sub(MARK));
    let below = height.saturating_sub(1);
    // The chosen row stays in the middle, except at the ends of the list.
    let first = chosen.unwrap_or_default().saturating_sub(below / 2).min(rows.len().saturating_sub(below));
    let titles: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    let mut lines = vec![Line::styled(line("  ", columns, &widths, &titles), theme.title())];
    lines.extend(rows.iter().enumerate().skip(first).take(below).map(|(place, row)| {
        let (mark, style) = match chosen {
            Some(chosen) if chosen == place => ("> ", theme.chosen(theme.tone(row.tone))),
            _ => ("  ", theme.tone(row.tone)),
        };
        let line = line(mark, columns, &widths, &row.cells);
        let rest = " ".repeat(room.saturating_sub(width(&line)));
        Line::from(vec![Span::styled(line, style), Span::styled(rest, style)])
    }));
    lines
}

/// The width of each column; `None` for a column that is left out.
fn widths(columns: &[Column], rows: &[Row], room: usize) -> Vec<Option<usize>> {
    let natural = |(index, column): (usize, &Column)| {
        let cells = rows.iter().filter_map(|row| row.cells.get(index)).map(|cell| width(cell));
        let widest = cells.chain([width(column.title)]).max().unwrap_or_default();
        column.most.map_or(widest, |most| widest.min(most))
    };
    let natural: Vec<usize> = columns.iter().enumerate().map(natural).collect();
    let mut widths: Vec<Option<usize>> = natural.iter().copied().map(Some).collect();
    let rest = columns.iter().position(|column| column.most.is_none());
    let others = |widths: &[Option<usize>]| -> usize {
        let kept = widths.iter().enumerate().filter(|(index, _)| Some(*index) != rest);
        kept.filter_map(|(_, width)| *width).map(|width| width + GAP).sum()
    };
    let least = rest.and_then(|rest| Some((*natural.get(rest)?).min(columns.get(rest)?.least))).unwrap_or_default();
    while others(&widths) + least > room {
        let kept = columns.iter().enumerate().filter(|(index, _)| widths.get(*index).is_some_and(Option::is_some));
        match kept.max_by_key(|(_, column)| column.weight) {
            Some((index, column)) if column.weight > 0 => {
                if let Some(width) = widths.get_mut(index) {
                    *width = None;
                }
            }
            _ => break,
        }
    }
    let left = room.saturating_sub(others(&widths));
    if let Some(width) = rest.and_then(|rest| widths.get_mut(rest)) {
        *width = width.map(|natural| natural.min(left));
    }
    widths
}

fn line(mark: &str, columns: &[Column], widths: &[Option<usize>], cells: &[String]) -> String {
    let mut line = mark.to_owned();
    for ((column, room), cell) in columns.iter().zip(widths).zip(cells) {
        let Some(room) = *room else { continue };
        let shown = cut(cell, room);
        let blanks = " ".repeat(room.saturating_sub(width(&shown)));
        let parts = if column.is_number { [blanks, shown] } else { [shown, blanks] };
        line.extend(parts);
        line.push_str("  ");
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(room: usize, height: usize, chosen: usize) -> Vec<String> {
        let rows: Vec<Row> = (1..=9)
            .map(|number| Row::new(number.to_string(), ["UpscaleImage", &number.to_string(), "5m", "1", "", "2", "30"]))
            .collect();
        let lines = lines(Pane::Queue, &rows, Some(chosen), (room, height), Theme::new(false));
        lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect()
    }

    #[test]
    fn columns_of_less_weight_are_left_out_of_a_narrow_table() {
        assert_eq!(
            texts(80, 3, 0),
            [
                "  kind          waiting  oldest  running  parked  dead  done/h",
                "> UpscaleImage        1      5m        1             2      30",
                "  UpscaleImage        2      5m        1             2      30",
            ]
        );
        assert_eq!(
            texts(40, 2, 0),
            ["  kind          waiting  running  dead", "> UpscaleImage        1        1     2"]
        );
        assert_eq!(texts(30, 2, 0)[1], "> Ups…        1        1     2");
    }

    #[test]
    fn the_chosen_row_is_always_shown() {
        for chosen in 0..9 {
            let lines = texts(80, 4, chosen);
            assert_eq!(lines.len(), 4);
            let marked: Vec<_> = lines.iter().filter(|line| line.starts_with('>')).collect();
            assert!(marked.len() == 1 && marked[0].contains(&(chosen + 1).to_string()), "{lines:?}");
        }
        assert_eq!(texts(80, 1, 5).len(), 1, "no room for a row");
        assert!(texts(0, 4, 5).iter().all(|line| width(line) < 60), "no panic without any room");
    }
}
