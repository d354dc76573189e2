//! Runs a program's main function, with arguments, versions, errors and exit code.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::builder::StyledStr;
use clap::error::{ContextValue, ErrorKind};
use fieldfen_domain::{redacted, with_causes};
use serde::Serialize;
use serde_json::json;

use crate::arguments::CommonArgs;
use crate::escape::{escape_controls, escape_controls_in_lines};
use crate::exit_code::{Exit, ExitError};
use crate::logging;
use crate::terminal::{StdoutError, Terminal, write_document};

/// The versions that `--version` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// The program's own version: `env!("CARGO_PKG_VERSION")`.
    #[serde(rename = "version")]
    pub program: &'static str,
    /// The version of SQLite that it runs on.
    pub sqlite: &'static str,
    /// The newest migration that it knows, for example `0006_recurring_jobs`.
    pub newest_migration: String,
}

/// Runs a program and returns its exit code: a `main` function needs nothing else.
///
/// Reads the arguments, starts the logs and calls `main`. An error becomes one line on stderr, `error: what was tried:
/// cause: cause`, and an exit code, see [`Exit`]. Under `--json` it also becomes a document on stdout, unless the
/// result was printed there. If the reader of stdout has gone away, that is no error.
pub fn run<A, V, F>(versions: V, main: F) -> ExitCode
where
    A: clap::Parser + AsRef<CommonArgs>,
    V: FnOnce() -> anyhow::Result<Versions>,
    F: FnOnce(&A, &Terminal) -> anyhow::Result<()>,
{
    outlive_file_size_limit();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let exit = run_on::<A, V, F>(&arguments, versions, main, &mut io::stdout(), &mut io::stderr());
    ExitCode::from(exit.code())
}

/// Makes a write beyond the system's limit on the size of a file (`ulimit -f`) fail, as on a full disk, instead of
/// killing the process.
fn outlive_file_size_limit() {
    #[cfg(unix)]
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default()) {
        tracing::debug!(%error, "SIGXFSZ not ignored: a limit on file sizes kills the process");
    }
}

fn run_on<A, V, F>(arguments: &[OsString], versions: V, main: F, out: &mut dyn Write, err: &mut dyn Write) -> Exit
where
    A: clap::Parser + AsRef<CommonArgs>,
    V: FnOnce() -> anyhow::Result<Versions>,
    F: FnOnce(&A, &Terminal) -> anyhow::Result<()>,
{
    // The output format must be known even if clap cannot parse the arguments.
    let json = arguments.iter().skip(1).take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    let mut started = None;
    let ended = versions().context("cannot determine the versions of this program").and_then(|versions| {
        match parse::<A>(arguments, &versions) {
            Ok(args) => {
                let terminal = started.insert(Terminal::new(args.as_ref()));
                logging::start(args.as_ref(), terminal.messages()).map_err(|error| Exit::Usage.with(error)).context(
                    "the environment variable RUST_LOG must be a filter such as info or fieldfen_services=debug",
                )?;
                main(&args, terminal)
            }
            Err(error) if error.kind() == ErrorKind::DisplayVersion && json => {
                Ok(write_document(out, &versions).and_then(|()| out.flush()).map_err(StdoutError)?)
            }
            Err(error) if error.use_stderr() => Err(Exit::Usage.with(UsageError(without_secrets(error))).into()),
            Err(help) => {
                let help = escape_controls_in_lines(&help.to_string());
                Ok(out.write_all(help.as_bytes()).and_then(|()| out.flush()).map_err(StdoutError)?)
            }
        }
    });
    match ended {
        Ok(()) => Exit::Ok,
        Err(error) if reader_has_gone(&error) => Exit::Ok,
        Err(error) => {
            let exit = Exit::of(&error);
            let document = json && !started.is_some_and(|terminal| terminal.has_printed_result());
            report(&error, exit, document, out, err);
            exit
        }
    }
}

fn parse<A: clap::Parser>(arguments: &[OsString], versions: &Versions) -> Result<A, clap::Error> {
    let Versions { program, sqlite, newest_migration } = versions;
    let version = format!("{program} (SQLite {sqlite}, newest migration {newest_migration})");
    let mut command = A::command().version(version);
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    A::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// The same error, without secrets in the repeated arguments.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    let typed: Vec<String> = context
        .iter()
        .flat_map(|(_, value)| match value {
            ContextValue::String(text) => std::slice::from_ref(text),
            ContextValue::Strings(texts) => texts,
            _ => &[],
        })
        .cloned()
        .collect();
    // The tips repeat arguments.
    let tip = |tip: &StyledStr| {
        StyledStr::from(typed.iter().fold(tip.to_string(), |tip, text| tip.replace(text, &shown_argument(text))))
    };
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(shown_argument(&text)),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(|text| shown_argument(text)).collect())
            }
            ContextValue::StyledStr(text) => ContextValue::StyledStr(tip(&text)),
            ContextValue::StyledStrs(texts) => ContextValue::StyledStrs(texts.iter().map(tip).collect()),
            other => other,
        };
        error.insert(kind, value);
    }
    error
}

/// An argument without secrets: an address is redacted, a text like `NAME=KEY` is cut to its name, and control
/// characters are escaped.
fn shown_argument(text: &str) -> String {
    let shown = match text.split_once('=') {
        Some((name, _)) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) => {
            format!("{name}=***")
        }
        _ => redacted(text),
    };
    escape_controls(&shown).into_owned()
}

/// The error of wrong arguments, in one line.
#[derive(Debug)]
struct UsageError(clap::Error);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let said = text.split("\n\nUsage:").next().unwrap_or_default();
        let said = said.split("\n\nFor more information").next().unwrap_or_default();
        f.write_str(&one_line(said.strip_prefix("error: ").unwrap_or(said)))
    }
}

impl Error for UsageError {}

/// Returns whether the error only means that the reader of stdout has gone away.
fn reader_has_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<StdoutError>().is_some_and(|StdoutError(error)| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints the error. A failure to print is ignored, since nobody reads the output then.
fn report(error: &anyhow::Error, exit: Exit, json: bool, out: &mut dyn Write, err: &mut dyn Write) {
    let usage = error.downcast_ref::<ExitError>().and_then(|error| error.inner().downcast_ref::<UsageError>());
    match usage {
        Some(UsageError(usage)) => write!(err, "{}", escape_controls_in_lines(&usage.to_string())).ok(),
        None => writeln!(err, "error: {}", escape_controls(&with_causes(error.as_ref()))).ok(),
    };
    if json {
        let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
        let document = json!({"error": {
            "message": error.to_string(), "causes": causes, "kind": exit.name(), "exit_code": exit.code(),
        }});
        write_document(out, &document).and_then(|()| out.flush()).ok();
    }
}

/// The text without line ends: logs and cron mails show one line for one failure.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use fieldfen_domain::store::StoreError;
    use serde_json::Value;

    use super::*;

    /// A program for tests
    #[derive(Parser)]
    #[command(name = "count")]
    struct Count {
        #[command(flatten)]
        common: CommonArgs,
        #[command(subcommand)]
        what: What,
    }

    #[derive(clap::Subcommand)]
    enum What {
        /// Count files
        Files { limit: u32 },
    }

    impl AsRef<CommonArgs> for Count {
        fn as_ref(&self) -> &CommonArgs {
            &self.common
        }
    }

    fn versions() -> anyhow::Result<Versions> {
        Ok(Versions { program: "1.2.3", sqlite: "3.53.1", newest_migration: "0006_recurring_jobs".to_owned() })
    }

    /// The output on stdout and stderr of a program with this main function and these arguments, and its exit code.
    fn outcome(
        arguments: &[&str],
        main: impl FnOnce(&Count, &Terminal) -> anyhow::Result<()>,
    ) -> (Exit, String, String) {
        let arguments: Vec<_> = ["count"].iter().chain(arguments).map(OsString::from).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = run_on::<Count, _, _>(&arguments, versions, main, &mut out, &mut err);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn busy(_: &Count, _: &Terminal) -> anyhow::Result<()> {
        let busy = StoreError::Busy { waited_ms: 5, source: "database\nis locked".into() };
        Err(busy).context("cannot count the files")
    }

    #[test]
    fn the_arguments_stand_before_or_after_the_subcommand() {
        for arguments in
            [["--json", "--database", "x.db", "files", "3"], ["files", "--json", "3", "--database", "x.db"]]
        {
            let (exit, ..) = outcome(&arguments, |args, terminal| {
                assert_eq!((&*terminal.database_url()?, terminal.is_json()), ("x.db", true));
                let What::Files { limit } = args.what;
                assert_eq!(limit, 3);
                Ok(())
            });
            assert_eq!(exit, Exit::Ok);
        }
    }

    #[test]
    fn an_error_is_one_line_on_stderr_and_a_code() {
        let (exit, out, err) = outcome(&["files", "3"], busy);
        assert_eq!((exit, out.as_str()), (Exit::Busy, ""));
        assert_eq!(
            err,
            "error: cannot count the files: the database was busy for longer than 5 ms: others are writing; \
             try again: database\\nis locked\n"
        );
    }

    #[test]
    fn with_json_an_error_is_a_document_too() {
        let (exit, out, err) = outcome(&["files", "3", "--json"], busy);
        assert_eq!(exit, Exit::Busy);
        let error = &serde_json::from_str::<Value>(&out).unwrap()["error"];
        assert_eq!(error["message"], "cannot count the files");
        assert_eq!(error["causes"].as_array().unwrap().len(), 2);
        assert_eq!((&error["kind"], &error["exit_code"]), (&"busy".into(), &4.into()));
        assert!(err.starts_with("error: cannot count the files: "));
    }

    #[test]
    fn an_error_after_the_result_leaves_stdout_to_the_result() {
        let (exit, out, err) = outcome(&["files", "3", "--json"], |_, terminal| {
            // In this test, the document is printed on the test's own stdout.
            terminal.print_result(&json!({"files": 3}), |_| Ok(()))?;
            Err(Exit::Schema.with("a file is missing").into())
        });
        assert_eq!((exit, out.as_str()), (Exit::Schema, ""));
        assert_eq!(err, "error: a file is missing\n");
    }

    #[test]
    fn wrong_arguments_end_with_2_and_name_the_argument() {
        let (exit, out, err) = outcome(&["files", "many"], |_, _| unreachable!("the arguments are wrong"));
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
        assert!(err.contains("'many'"), "{err}");

        let (exit, out, _) = outcome(&["--json", "--filez"], |_, _| unreachable!("the arguments are wrong"));
        let error = &serde_json::from_str::<Value>(&out).unwrap()["error"];
        assert_eq!((exit, error["kind"].as_str()), (Exit::Usage, Some("usage")));
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("--filez") && !message.contains('\n') && !message.contains("Usage"), "{message}");
    }

    #[test]
    fn the_version_names_the_program_sqlite_and_the_newest_migration() {
        let unreachable = |_: &Count, _: &Terminal| -> anyhow::Result<()> { unreachable!("only the version is asked") };
        let (exit, out, _) = outcome(&["--version"], unreachable);
        assert_eq!(exit, Exit::Ok);
        assert_eq!(out, "count 1.2.3 (SQLite 3.53.1, newest migration 0006_recurring_jobs)\n");
        let (_, out, _) = outcome(&["--version", "--json"], unreachable);
        let document: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(document["sqlite"], "3.53.1");
        assert_eq!(document["newest_migration"], "0006_recurring_jobs");
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error() {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let (exit, out, err) = outcome(&["files", "3"], |_, _| Err(StdoutError(gone()).into()));
        assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Ok, "", ""));
        let (exit, ..) = outcome(&["files", "3"], |_, _| Err(gone().into()));
        assert_eq!(exit, Exit::Failure, "another pipe that broke is an error");
    }

    #[test]
    fn a_full_stdout_is_named_and_ends_with_8() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let (exit, _, err) = outcome(&["files", "3"], |_, _| Err(StdoutError(full).into()));
        assert_eq!(exit, Exit::Full);
        assert!(err.starts_with("error: cannot write to stdout: "), "{err}");
    }

    #[test]
    fn what_an_error_says_twice_is_printed_once() {
        let (_, _, err) = outcome(&["files", "3"], |_, _| {
            let source = io::Error::other("the disk is on fire");
            Err(anyhow::Error::new(source).context("cannot read x.db: the disk is on fire"))
        });
        assert_eq!(err, "error: cannot read x.db: the disk is on fire\n");
    }

    #[test]
    fn an_error_reaches_the_terminal_in_one_line_without_controls_and_json_as_it_is() {
        let evil = "a\u{1b}]0;owned\u{7}\nok: b\u{202e}";
        let (_, out, err) = outcome(&["files", "3", "--json"], |_, _| anyhow::bail!("cannot open {evil}"));
        assert_eq!(err, "error: cannot open a\\u{1b}]0;owned\\u{7}\\nok: b\\u{202e}\n");
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["error"]["message"], format!("cannot open {evil}"));
    }

    #[test]
    fn wrong_arguments_are_shown_without_secrets_and_controls() {
        for (arguments, shown) in [
            (vec!["files", "postgres://shop:hunter2@db/x"], "postgres://***@db/***"),
            (vec!["files", "3", "https://hunter2@host"], "https://***@host"),
            (vec!["files", "3", "sqlite://x.db?authToken=hunter2"], "sqlite://x.db?***"),
            (vec!["files", "3", "github=hunter2"], "github=***"),
            (vec!["files", "3", "postgres://u:hunter2@h/x?sslmode=off"], "postgres://***@h/***"),
            (vec!["files", "3", "hunter2@h?sslmode=off"], "***"),
            (vec!["files", "3", "Server=h;Password=hunter2"], "Server=***"),
            (vec!["files", "3", "https://h/hunter2"], "https://h/***"),
            (vec!["postgres:u:hunter2@h"], "'***'"),
            (vec!["files", "3", "--databse=postgres://u:hunter2@h"], "--databse"),
            (vec!["files", "3", "-dpostgres://u:hunter2@h"], "-d"),
            (vec!["files", "3", "--quiet=mysql://u:hunter2@h"], "--quiet"),
            (vec!["files", "--postgres://u:hunter2@h"], "unexpected argument '***'"),
            (vec!["fils"], "'fils'"),
            (vec!["files", "a\u{1b}[2J\nok"], "a\\u{1b}[2J\\nok"),
            (vec!["files", "3", "--\u{1b}[2J"], "--\\u{1b}[2J"),
        ] {
            for json in [false, true] {
                let mut arguments = arguments.clone();
                if json {
                    arguments.insert(0, "--json");
                }
                let (exit, out, err) = outcome(&arguments, |_, _| unreachable!("the arguments are wrong"));
                assert_eq!(exit, Exit::Usage, "{arguments:?}");
                assert!(err.contains(shown), "{arguments:?}: {err}");
                assert!(!out.contains("hunter2") && !err.contains("hunter2") && !err.contains('\u{1b}'), "{out}{err}");
            }
        }
    }
}
