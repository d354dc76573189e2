//! Takes the terminal over, and gives it back however the view ends.

use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Size;

use super::draw::draw;
use super::state::State;
use super::theme::Theme;

/// Whether the terminal is taken over. A panic may happen in any thread.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Writes to stdout while the terminal is taken over, and drops what comes later.
///
/// `Terminal` shows the cursor when it is dropped, and prints on stderr if that fails. Where both are a terminal that
/// was closed, printing panics.
struct Output(Stdout);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if IS_TAKEN.load(Ordering::SeqCst) { self.0.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if IS_TAKEN.load(Ordering::SeqCst) { self.0.flush() } else { Ok(()) }
    }
}

/// The terminal, as long as the view has it.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Output>>,
    theme: Theme,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn take(theme: Theme) -> io::Result<Self> {
        give_back_before_panics();
        let terminal = Terminal::new(CrosstermBackend::new(Output(io::stdout())))?;
        let mut screen = Self { terminal, theme };
        screen.take_again()?;
        Ok(screen)
    }

    /// Takes the terminal over again, after it was given back or another program has written on it.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        // The mode of the terminal may have changed while the process was stopped.
        give_back();
        IS_TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        // Draws everything anew. `Terminal::clear` would ask the terminal for its cursor, and another thread reads the
        // answer.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// The number of columns and lines.
    pub(super) fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    pub(super) fn draw(&mut self, state: &State) -> io::Result<()> {
        let theme = self.theme;
        self.terminal.draw(|frame| draw(state, theme, frame)).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back as it was. This has no effect if it is not taken.
pub(super) fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        // The rest is tried even if the terminal is gone.
        execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show).ok();
        disable_raw_mode().ok();
    }
}

/// Makes every panic of the process give the terminal back before it is reported.
fn give_back_before_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            report(info);
        }));
    });
}
