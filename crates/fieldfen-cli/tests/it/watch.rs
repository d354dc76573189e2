//! `fieldfen watch` in a pseudo terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::shop_harness::Shop;

/// The longest wait for something that always comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pseudo terminal with a screen, and `fieldfen watch` on it.
pub(crate) struct View {
    terminal: File,
    /// The other end, which keeps the modes of the terminal after the program has ended.
    line: File,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Whether the thread that reads the output ends with the next output.
    is_closed: Arc<AtomicBool>,
    program: Child,
}

impl View {
    fn start(shop: &Shop, variables: &[(&str, &str)]) -> Self {
        // The program must not inherit the terminal's own end: closing it would not be seen.
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let line = File::options().read(true).write(true).open(name).unwrap();
        let terminal = File::from(terminal);
        tcsetwinsize(&terminal, size(80, 24)).unwrap();
        // In a session of its own, the pseudo terminal is the program's controlling terminal, and not that of the test.
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_fieldfen"), "watch"]).current_dir(shop.folder());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| ["NO_COLOR", "DATABASE_URL", "RUST_LOG"].contains(&name)) {
                command.env_remove(name);
            }
        }
        command.env("TERM", "xterm-256color").env("FIELDFEN_OPERATOR", "ann").envs(variables.iter().copied());
        let end = || Stdio::from(line.try_clone().unwrap());
        let program = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(number(24), number(80), 0)));
        let is_closed = Arc::new(AtomicBool::new(false));
        let (mut output, parser, closes) = (terminal.try_clone().unwrap(), Arc::clone(&screen), Arc::clone(&is_closed));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                parser.lock().unwrap().process(&bytes[..read]);
                if closes.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        Self { terminal, line, screen, is_closed, program }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is so.
    #[track_caller]
    fn wait(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let begin = Instant::now();
        while !is_so(self.screen.lock().unwrap().screen()) {
            let ended = self.program.try_wait().unwrap();
            assert!(begin.elapsed() < PATIENCE, "{what}; {ended:?}: {}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn shows(&mut self, part: &str) {
        self.wait(part, |screen| screen.contents().contains(part));
    }

    fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.program), signal).unwrap();
    }

    /// Closes the terminal, as a person closes a window. The clock on the screen is drawn every second.
    fn close_terminal(&mut self) {
        self.terminal = File::open("/dev/null").unwrap();
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Waits for the end of the program. The terminal must be as it was.
    #[track_caller]
    fn ends(mut self) -> ExitStatus {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.program.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "it goes on: {}", self.text());
            thread::sleep(Duration::from_millis(10));
        };
        self.wait("the screen is given back", is_given_back);
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
        status
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

fn number(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

const fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }
}

fn is_given_back(screen: &vt100::Screen) -> bool {
    !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
}

fn is_taken(screen: &vt100::Screen) -> bool {
    screen.alternate_screen() && screen.contents().contains("? help  q quit")
}

#[test]
fn it_draws_acts_and_quits_with_the_terminal_restored() {
    let shop = Shop::new();
    shop.run(&["jobs", "enqueue", "acme.count", "--payload", "{\"text\": \"red fox\"}"]).ends_with(0);
    let mut view = View::start(&shop, &[]);
    view.shows("1 job of acme.count waits, and no living worker handles this kind ");
    assert!(is_taken(view.screen.lock().unwrap().screen()));
    view.press("3");
    view.shows("pending");
    view.press("\r");
    view.shows("{\"text\": \"red fox\"}");
    view.press("cwrong picture\r");
    view.shows("it has failed for good");
    view.shows("wrong picture");
    view.press("\u{1b}");
    view.shows("failed");
    // A commit of another process is seen.
    shop.run(&["jobs", "enqueue", "acme.print"]).ends_with(0);
    view.shows("acme.print");
    view.press("q");
    assert_eq!(view.ends().code(), Some(0));

    let log = shop.run(&["log", "--json"]).document(0);
    let action = &log["items"][0];
    assert_eq!((&action["by"], &action["reason"]), (&"ann".into(), &"wrong picture".into()), "{action}");
}

#[test]
fn signals_end_it_with_the_terminal_restored() {
    let shop = Shop::new();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1, Signal::ALARM, Signal::XCPU] {
        let mut view = View::start(&shop, &[]);
        view.shows("there is no backup in backups");
        view.signal(signal);
        let status = view.ends();
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{signal:?}");
    }
}

#[test]
fn it_ends_without_a_panic_when_its_terminal_is_closed() {
    let shop = Shop::new();
    let mut view = View::start(&shop, &[]);
    view.shows("there is no backup in backups");
    view.close_terminal();
    let status = fieldfen_testkit::wait::exit_status(&mut view.program);
    assert_eq!((status.code(), status.signal()), (Some(0), None), "SIGHUP ends it");
}

#[test]
fn it_stops_and_goes_on_and_follows_the_size() {
    let shop = Shop::new();
    let mut view = View::start(&shop, &[]);
    view.shows("there is no backup in backups");
    for by_key in [true, false] {
        if by_key {
            view.press("\u{1a}")
        } else {
            view.signal(Signal::TSTP)
        }
        view.wait("the screen is given back", is_given_back);
        let modes = tcgetattr(&view.line).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
        view.signal(Signal::CONT);
        view.wait("the screen is taken again", is_taken);
        view.shows("there is no backup in backups");
    }
    view.screen.lock().unwrap().screen_mut().set_size(number(9), number(30));
    tcsetwinsize(&view.terminal, size(30, 9)).unwrap();
    view.shows("too small: 30x9 of 40x10");
    view.press("\u{3}");
    assert_eq!(view.ends().code(), Some(0));
}

#[test]
fn it_goes_on_while_the_database_is_away() {
    let shop = Shop::new();
    let mut view = View::start(&shop, &[("NO_COLOR", "1")]);
    view.shows("there is no backup in backups");
    let (data, away) = (shop.folder().join("data"), shop.folder().join("away"));
    std::fs::rename(&data, &away).unwrap();
    view.shows("trying again:");
    std::fs::rename(&away, &data).unwrap();
    view.wait("the error is gone", is_taken);
    shop.run(&["jobs", "enqueue", "acme.print"]).ends_with(0);
    view.shows("acme.print");
    let screen = view.screen.lock().unwrap();
    let cells = (0..24).flat_map(|row| (0..80).map(move |column| (row, column)));
    let colours = cells.filter_map(|(row, column)| screen.screen().cell(row, column)).map(|cell| cell.fgcolor());
    assert!(colours.into_iter().all(|colour| colour == vt100::Color::Default), "NO_COLOR");
    drop(screen);
    view.press("q");
    assert_eq!(view.ends().code(), Some(0));
}

#[test]
fn it_refuses_where_a_screen_cannot_be_shown() {
    let shop = Shop::new();
    for arguments in [&["watch"][..], &["watch", "--json"][..]] {
        let answer = shop.run(arguments);
        answer.ends_with(2);
        assert!(answer.err.contains("fieldfen status"), "{}", answer.err);
    }
    let answer = shop.run(&["watch", "--interval", "0"]);
    answer.ends_with(2);
    assert!(answer.err.contains("--interval"), "{}", answer.err);
    shop.run(&["migrate", "down"]).ends_with(0);
    for (variables, code, part) in [
        (&[("TERM", "dumb")][..], 2, "fieldfen status"),
        (&[("DATABASE_URL", "missing.db")][..], 3, "missing.db"),
        (&[][..], 5, "fieldfen migrate up"),
    ] {
        let mut view = View::start(&shop, variables);
        view.shows(part);
        let screen = view.screen.lock().unwrap();
        assert!(is_given_back(screen.screen()), "the screen has changed before the error");
        drop(screen);
        assert_eq!(view.ends().code(), Some(code), "{variables:?}");
    }
}
