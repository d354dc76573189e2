//! The view on screens of several sizes, with colours and without.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Color;

use super::draw::draw;
use super::fixture::{Shop, View};
use super::state::Event;
use super::theme::Theme;

fn buffer(view: &View, has_colours: bool) -> Buffer {
    let screen = view.state.screen;
    let mut terminal = Terminal::new(TestBackend::new(screen.width, screen.height)).unwrap();
    terminal.draw(|frame| draw(&view.state, Theme::new(has_colours), frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as text. Without colours, no cell may have one.
fn text(view: &View) -> String {
    let plain = buffer(view, false);
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let coloured = buffer(view, true);
    let symbols = |buffer: &Buffer| buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect::<Vec<_>>();
    assert_eq!(symbols(&plain), symbols(&coloured), "colours change no text");
    let lines = symbols(&plain).chunks(usize::from(plain.area.width)).map(|line| line.concat()).collect::<Vec<_>>();
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_pane_at_80_columns() {
    let mut view = Shop::busy().view(80, 24);
    let mut screens = Vec::new();
    for pane in '1'..='6' {
        view.go(KeyCode::Char(pane));
        screens.push(text(&view));
    }
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn every_pane_at_40_columns() {
    let mut view = Shop::busy().view(40, 10);
    let mut screens = Vec::new();
    for pane in '1'..='6' {
        view.go(KeyCode::Char(pane));
        screens.push(text(&view));
    }
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn all_panes_at_200_columns() {
    let mut view = Shop::busy().view(200, 50);
    view.go(KeyCode::Tab);
    insta::assert_snapshot!(text(&view));
}

#[test]
fn colours_and_attributes() {
    let mut view = Shop::busy().view(80, 24);
    view.go(KeyCode::Char('3'));
    let styles = |has_colours| {
        let shown = format!("{:?}", buffer(&view, has_colours));
        shown.split_once("styles: [").map(|(_, styles)| styles.to_owned()).unwrap()
    };
    insta::assert_snapshot!("styles_with_colours", styles(true));
    insta::assert_snapshot!("styles_without_colours", styles(false));
}

#[test]
fn a_shop_without_anything() {
    let mut view = Shop::empty().view(150, 40);
    view.look();
    insta::assert_snapshot!(text(&view));
}

#[test]
fn an_open_job_and_its_end() {
    let mut view = Shop::busy().view(80, 24);
    view.go(KeyCode::Char('4'));
    view.go(KeyCode::Enter);
    view.press(KeyCode::Enter);
    let before = text(&view);
    view.look();
    let open = text(&view);
    view.event(Event::Resized(ratatui::layout::Size::new(40, 10)));
    view.press(KeyCode::End);
    insta::assert_snapshot!([before, open, text(&view)].join("\n\n"));
}

#[test]
fn the_dialogs() {
    for (width, height) in [(80, 24), (40, 10)] {
        let mut view = Shop::busy().view(width, height);
        let mut screens = Vec::new();
        view.go(KeyCode::Char('3'));
        view.press(KeyCode::Char('?'));
        screens.push(text(&view));
        view.press(KeyCode::Esc);
        view.press(KeyCode::Char('/'));
        screens.push(text(&view));
        view.type_text("--status sold");
        view.press(KeyCode::Enter);
        screens.push(text(&view));
        view.press(KeyCode::Esc);
        view.press(KeyCode::Char('c'));
        view.press(KeyCode::Enter);
        screens.push(text(&view));
        view.press(KeyCode::Esc);
        view.go(KeyCode::Char('5'));
        view.press(KeyCode::End);
        view.press(KeyCode::Enter);
        screens.push(text(&view));
        insta::assert_snapshot!(format!("the_dialogs_at_{width}"), screens.join("\n\n"));
    }
}

#[test]
fn an_error_and_a_pause_are_seen_with_the_last_answer() {
    let mut view = Shop::busy().view(80, 10);
    view.shop.pass(5);
    view.event(Event::NotLooked("the database was busy for longer than 5000 ms\u{1b}[2J".to_owned()));
    let error = text(&view);
    view.press(KeyCode::Char('p'));
    view.press(KeyCode::Char('4'));
    insta::assert_snapshot!([error, text(&view)].join("\n\n"));
}

#[test]
fn a_screen_that_is_too_small_says_so_and_none_is_too_small_to_draw() {
    let mut view = Shop::busy().view(39, 9);
    assert!(text(&view).starts_with("too small: 39x9 of 40x10 needed"), "{}", text(&view));
    for (width, height) in [(1, 1), (2, 30), (300, 1), (40, 10), (41, 11), (149, 39), (150, 40), (500, 120)] {
        view.event(Event::Resized(ratatui::layout::Size::new(width, height)));
        for key in [KeyCode::Char('3'), KeyCode::Enter, KeyCode::End, KeyCode::Char('c'), KeyCode::Esc, KeyCode::Esc] {
            view.press(key);
            text(&view);
        }
    }
}
