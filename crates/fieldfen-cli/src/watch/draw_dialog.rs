//! Draws the dialogs over the body of the screen.

use clap::CommandFactory as _;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use super::dialog::Dialog;
use super::filter_line::FilterLine;
use super::keys::HELP;
use super::row::Tone;
use super::theme::Theme;
use crate::text_width::{cut, one_line, width, wrap};

/// The largest width of a dialog.
const MOST_COLUMNS: u16 = 76;

/// Draws a dialog in the middle of an area.
pub(super) fn draw(dialog: &Dialog, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let columns = area.width.min(MOST_COLUMNS);
    let room = usize::from(columns).saturating_sub(4);
    let (title, mut lines) = match dialog {
        Dialog::Help => ("Keys", help(room)),
        Dialog::Row(cells) => ("Row", cells.iter().flat_map(|cell| wrapped(cell, room)).collect()),
        Dialog::Filter { text, error } => ("Filter, as of `jobs list`", filter(text, error.as_deref(), room, theme)),
        Dialog::Confirm { verb, job, kind, reason, error } => {
            let what = format!("{} job {job} of {}?", verb.name(), one_line(kind));
            let mut lines = wrapped(&what, room);
            lines.push(input("reason: ", reason, room));
            match error {
                Some(error) => lines.extend(wrap(error, room).into_iter().map(|line| bad(line, theme))),
                None => lines.push(Line::raw(cut(&format!("Enter: {}   Esc: leave it", verb.name()), room))),
            }
            ("Confirm", lines)
        }
    };
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    lines.truncate(usize::from(height.saturating_sub(2)));
    let place = Rect::new(area.x + (area.width - columns) / 2, area.y + (area.height - height) / 2, columns, height);
    let block =
        Block::bordered().border_style(theme.frame(true)).title(Line::styled(format!(" {title} "), theme.title()));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block.padding(ratatui::widgets::Padding::horizontal(1))), place);
}

fn help(room: usize) -> Vec<Line<'static>> {
    let names = HELP.iter().map(|(keys, _)| width(keys)).max().unwrap_or_default();
    let line = |keys: &str, text: &str| {
        if room < names + 20 { format!("{keys}: {text}") } else { format!("{keys:<names$}  {text}") }
    };
    HELP.iter().map(|(keys, text)| Line::raw(cut(&line(keys, text), room))).collect()
}

fn filter(text: &str, error: Option<&str>, room: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = vec![input("", text, room), Line::default()];
    if let Some(error) = error {
        lines.extend(wrap(&one_line(error), room).into_iter().map(|line| bad(line, theme)));
        return lines;
    }
    let command = FilterLine::command();
    let words: Vec<String> =
        command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect();
    lines.push(Line::raw(cut("Enter: apply   Esc: leave it as it is", room)));
    lines.extend(wrapped(&words.join(" "), room));
    lines.extend(wrapped("for example: --dead --kind UpscaleImage --since 2h", room));
    lines
}

/// The typed text with a cursor. Of a long text, the end is shown.
fn input(name: &str, text: &str, room: usize) -> Line<'static> {
    let text = one_line(text);
    let room = room.saturating_sub(width(name) + 1);
    let mut skipped = 0;
    while width(text.get(skipped..).unwrap_or_default()) > room {
        skipped += text.get(skipped..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    }
    Line::raw(format!("{name}{}_", text.get(skipped..).unwrap_or_default()))
}

fn wrapped(text: &str, room: usize) -> Vec<Line<'static>> {
    wrap(text, room).into_iter().map(Line::from).collect()
}

fn bad(line: String, theme: Theme) -> Line<'static> {
    Line::styled(line, theme.tone(Tone::Bad))
}
