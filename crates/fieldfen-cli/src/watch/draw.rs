//! Draws the state. The same state on a screen of the same size is the same picture.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Sparkline};

use super::draw_dialog;
use super::layout::Areas;
use super::pane::{Pane, SMALLEST};
use super::row::Tone;
use super::state::State;
use super::table;
use super::theme::Theme;
use crate::text_width::{cut, one_line, width};

/// The keys in the last line. The first ones are seen on a narrow screen too.
const KEYS: &str = "? help  q quit  Tab pane  Enter open  / filter  r retry  c cancel  p pause";

/// Draws the state on the whole screen.
pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>) {
    let screen = frame.area();
    if screen.width < SMALLEST.width || screen.height < SMALLEST.height {
        let text = format!(
            "too small: {}x{} of {}x{} needed; q quits",
            screen.width, screen.height, SMALLEST.width, SMALLEST.height
        );
        let lines = crate::text_width::wrap(&text, screen.width.into());
        return frame.render_widget(Paragraph::new(lines.into_iter().map(Line::from).collect::<Vec<_>>()), screen);
    }
    let areas = Areas::of(screen.as_size());
    header(state, theme, areas.header, frame);
    tabs(state, theme, areas.tabs, frame);
    throughput(state, theme, areas.throughput, frame);
    if state.open.is_some() {
        job(state, theme, areas.body, frame);
    } else {
        for (pane, area) in areas.panes(screen.as_size(), state.pane) {
            draw_pane(state, pane, theme, area, frame);
        }
    }
    status(state, theme, areas.status, frame);
    if let Some(dialog) = &state.dialog {
        draw_dialog::draw(dialog, theme, areas.body, frame);
    }
}

fn header(state: &State, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let overview = state.overview();
    let time = |at: fieldfen_domain::Timestamp| at.format("%H:%M:%S");
    let time = if state.is_paused {
        format!("PAUSED, as of {}", time(overview.at))
    } else if state.error.is_some() {
        format!("as of {}", time(overview.at))
    } else {
        format!("{} UTC", time(state.now))
    };
    let workers = match overview.live_workers {
        0 => "no worker".to_owned(),
        1 => "1 worker".to_owned(),
        workers => format!("{workers} workers"),
    };
    let right = format!("{workers}  {time}");
    let room = usize::from(area.width).saturating_sub(width(&right) + 2);
    let left = cut(&format!("fieldfen  {}", state.database), room);
    let blanks = " ".repeat(usize::from(area.width).saturating_sub(width(&left) + width(&right)));
    let tone = if overview.live_workers == 0 || state.is_paused { Tone::Warning } else { Tone::Plain };
    let line =
        Line::from(vec![Span::styled(left, theme.title()), Span::raw(blanks), Span::styled(right, theme.tone(tone))]);
    frame.render_widget(Paragraph::new(line), area);
}

fn tabs(state: &State, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let names: Vec<String> = Pane::ALL.iter().map(|pane| format!("{} {}", pane.index() + 1, pane.title())).collect();
    let all: usize = names.iter().map(|name| width(name) + 2).sum();
    let is_narrow = all > usize::from(area.width);
    let shown = Pane::ALL.iter().zip(names).filter(|(pane, _)| !is_narrow || **pane == state.pane);
    let mut spans: Vec<Span<'_>> = Vec::new();
    for (pane, name) in shown {
        let style = if *pane == state.pane { theme.chosen(theme.title()) } else { ratatui::style::Style::new() };
        spans.extend([Span::styled(name, style), Span::raw("  ")]);
    }
    if is_narrow {
        spans.push(Span::raw(format!("of {}: Tab", Pane::ALL.len())));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn throughput(state: &State, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    if area.height < 2 {
        return;
    }
    let text = state.throughput.text(area.width.into()).unwrap_or_else(|| "throughput: counting…".to_owned());
    let title = Rect { height: 1, ..area };
    let graph = Rect { y: area.y + 1, height: area.height - 1, ..area };
    frame.render_widget(Paragraph::new(cut(&text, area.width.into())), title);
    // The latest second is at the right.
    let mut seconds = state.throughput.bars(area.width.into());
    let missing = usize::from(area.width).saturating_sub(seconds.len());
    seconds.splice(0..0, std::iter::repeat_n(0, missing));
    frame.render_widget(Sparkline::default().data(&seconds).style(theme.sparkline()), graph);
}

fn framed(title: &str, is_chosen: bool, theme: Theme, area: Rect, frame: &mut Frame<'_>) -> Rect {
    let title = cut(title, usize::from(area.width).saturating_sub(4));
    let title = Span::styled(format!(" {title} "), theme.title());
    let block = Block::bordered().border_style(theme.frame(is_chosen)).title(title);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inner
}

fn draw_pane(state: &State, pane: Pane, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let rows = state.rows(pane);
    let mut title = pane.title().to_owned();
    if let Some(rows) = rows.as_ref().filter(|rows| !rows.is_empty()) {
        title = format!("{title} ({})", rows.len());
    }
    if pane == Pane::Jobs && !state.filter.is_empty() {
        title = format!("{title}: {}", one_line(&state.filter));
    }
    let is_chosen = pane == state.pane;
    let inner = framed(&title, is_chosen, theme, area, frame);
    let room = (usize::from(inner.width), usize::from(inner.height));
    let lines = match rows {
        None if state.is_paused => vec![Line::raw("updates are paused: p goes on")],
        None => vec![Line::raw("reading…")],
        Some(rows) if rows.is_empty() => {
            crate::text_width::wrap(nothing(pane, &state.filter), room.0).into_iter().map(Line::from).collect()
        }
        Some(rows) => {
            let chosen = is_chosen.then(|| state.place(pane, &rows));
            table::lines(pane, &rows, chosen, room, theme)
        }
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The text of a pane without rows.
const fn nothing(pane: Pane, filter: &str) -> &'static str {
    match pane {
        Pane::Needs => "nothing needs a person",
        Pane::Queue => "no job waits, runs, has failed, or was completed in the last hour",
        Pane::Jobs if filter.is_empty() => "no job",
        Pane::Jobs => "no job passes the filter; Esc clears it",
        Pane::Failures => "no dead letters",
        Pane::Limits => "no pause, no limit and no budget",
        Pane::Workers => "no worker is alive: jobs wait until one starts",
    }
}

fn job(state: &State, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let Some(open) = &state.open else { return };
    let lines = state.job_lines();
    let title = format!("Job of {}", one_line(&open.kind));
    let inner = framed(&title, true, theme, area, frame);
    let height = usize::from(inner.height);
    let first = open.scroll.min(lines.len().saturating_sub(height));
    let shown: Vec<Line<'_>> = lines.iter().skip(first).take(height).map(|line| Line::raw(line.as_str())).collect();
    frame.render_widget(Paragraph::new(shown), inner);
    if lines.len() > height {
        let text = format!(" {} to {} of {} ", first + 1, (first + height).min(lines.len()), lines.len());
        let columns = u16::try_from(width(&text)).unwrap_or(u16::MAX).min(area.width.saturating_sub(2));
        let (x, y) = (area.right().saturating_sub(columns + 1), area.bottom().saturating_sub(1));
        frame.render_widget(Paragraph::new(text), Rect::new(x, y, columns, 1));
    }
}

fn status(state: &State, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let (text, tone) = match (&state.message, &state.error) {
        (Some(message), _) => (one_line(message), Tone::Warning),
        (None, Some(error)) => (format!("trying again: {}", one_line(error)), Tone::Bad),
        (None, None) => (KEYS.to_owned(), Tone::Plain),
    };
    let text = cut(&text, area.width.into());
    frame.render_widget(Paragraph::new(Line::styled(text, theme.tone(tone))), area);
}
