//! The loop of the view: events in, effects out. One thread reads the keys, one takes signals, one asks the database.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use fieldfen_domain::catch_panic;
use fieldfen_domain::store::Store;
use fieldfen_services::Environment;
use ratatui::crossterm::event::{self, Event as TerminalEvent};
use ratatui::layout::Size;
use signal_hook::consts::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::asker::{Asker, Request};
use super::screen::{Screen, give_back};
use super::state::{Effect, Event, State};
use super::theme::Theme;

/// The time after which the ages on the screen are drawn again.
const TICK: Duration = Duration::from_secs(1);

/// The time after which the wait for a key is broken off to see whether the view is over.
const KEYS_STEP: Duration = Duration::from_millis(250);

/// The most events that are taken in before the screen is drawn.
const MOST_EVENTS: usize = 100;

/// The signals that would end the process without giving the terminal back. `ulimit -t` sends SIGXCPU.
const ENDS: [i32; 10] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU];

/// Shows the state until a person or a signal ends the view, or its terminal is closed.
pub(super) fn run<S: Store>(
    state: State,
    asker: Asker<S>,
    theme: Theme,
    environment: &Environment,
) -> anyhow::Result<()> {
    match show(state, asker, theme, environment) {
        // SIGHUP, which ends the view too, may come later than the error.
        Err(error) if error.downcast_ref().is_some_and(is_closed) => Ok(()),
        ended => ended,
    }
}

/// Whether the error is that of a terminal that was closed.
fn is_closed(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

fn show<S: Store>(mut state: State, asker: Asker<S>, theme: Theme, environment: &Environment) -> anyhow::Result<()> {
    let (send_event, events) = mpsc::channel();
    let (send_request, requests) = mpsc::channel();
    // Signals before the terminal is taken over: none of them may leave it behind.
    let signals = Signals::new(ENDS.into_iter().chain([SIGTSTP, SIGCONT])).context("cannot wait for signals")?;
    start("signals", &send_event, move |events| take_signals(signals, events))?;
    start("database", &send_event, move |events| asker.run(&requests, events))?;
    let mut screen = Screen::take(theme).context("cannot take the terminal over")?;
    let is_over = EndOfView::default();
    let of_keys = Arc::clone(&is_over.0);
    start("keys", &send_event, move |events| read_keys(events, &of_keys))?;
    drop(send_event);
    let mut effects = Vec::new();
    loop {
        for effect in effects.drain(..) {
            match effect {
                Effect::Ask(question) => request(&send_request, Request::Ask(question))?,
                Effect::Act(act) => request(&send_request, Request::Act(act))?,
                Effect::Suspend => {
                    give_back();
                    emulate_default_handler(SIGTSTP).context("cannot stop the process")?;
                    screen.take_again().context("cannot take the terminal over again")?;
                }
                Effect::Redraw => screen.take_again().context("cannot take the terminal over again")?,
                Effect::Quit => return Ok(()),
                Effect::Fail(what) => anyhow::bail!("the view has ended: {what}"),
            }
        }
        // The size may have changed while the process was stopped.
        let size = screen.size().context("cannot read the size of the terminal")?;
        if size != state.screen {
            effects.extend(state.update(Event::Resized(size), environment.now()));
            continue;
        }
        screen.draw(&state).context("cannot write to the terminal")?;
        for event in next_events(&events)? {
            effects.extend(state.update(event, environment.now()));
        }
    }
}

/// Tells the thread that reads keys that the view is over, when it is dropped.
#[derive(Default)]
struct EndOfView(Arc<AtomicBool>);

impl Drop for EndOfView {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits for an event, and takes those that have come meanwhile.
fn next_events(events: &Receiver<Event>) -> anyhow::Result<Vec<Event>> {
    let first = match events.recv_timeout(TICK) {
        Ok(event) => event,
        Err(RecvTimeoutError::Timeout) => Event::Tick,
        Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the view has ended: all its threads have"),
    };
    Ok(std::iter::once(first).chain(events.try_iter()).take(MOST_EVENTS).collect())
}

fn request(requests: &Sender<Request>, request: Request) -> anyhow::Result<()> {
    requests.send(request).map_err(|_| anyhow::anyhow!("the view has ended: the thread of the database has"))
}

/// Starts a thread, which reports its end if it panics.
fn start(
    name: &'static str,
    events: &Sender<Event>,
    work: impl FnOnce(&Sender<Event>) + Send + 'static,
) -> anyhow::Result<()> {
    let events = events.clone();
    let work = move || {
        if let Err(panic) = catch_panic(|| work(&events)) {
            // A view that has ended needs no report.
            events.send(Event::Broken(format!("the thread of the {name} has panicked: {panic}"))).ok();
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(work).context("cannot start a thread")?;
    Ok(())
}

fn take_signals(mut signals: Signals, events: &Sender<Event>) {
    for signal in signals.forever() {
        let event = match signal {
            SIGTSTP => Event::Suspend,
            SIGCONT => Event::Resumed,
            _ => Event::End,
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

/// Reads keys until the view is over. A program that goes on afterwards reads its own input.
fn read_keys(events: &Sender<Event>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let is_there = event::poll(KEYS_STEP);
        let event = match is_there.and_then(|is_there| is_there.then(event::read).transpose()) {
            Ok(Some(TerminalEvent::Key(key))) => Event::Key(key),
            Ok(Some(TerminalEvent::Paste(text))) => Event::Pasted(text),
            Ok(Some(TerminalEvent::Resize(width, height))) => Event::Resized(Size::new(width, height)),
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if is_closed(&error) => Event::End,
            Err(error) => Event::Broken(format!("the keys cannot be read: {error}")),
        };
        let is_last = matches!(event, Event::Broken(_) | Event::End);
        if events.send(event).is_err() || is_last {
            return;
        }
    }
}
