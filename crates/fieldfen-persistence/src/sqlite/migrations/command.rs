//! The command by which the users of a program migrate its database, for error messages.

use std::sync::OnceLock;

/// The command of the program `fieldfen-migrate`.
const DEFAULT: &str = "fieldfen-migrate up";

static COMMAND: OnceLock<&'static str> = OnceLock::new();
static REMEDY: OnceLock<String> = OnceLock::new();

/// Sets the command that error messages of this process name, for a program that has a command of its own, for example
/// `fieldfen migrate up`. By default they name `fieldfen-migrate up`. The first call counts: make it before a store is
/// opened.
pub fn set_command(command: &'static str) {
    let _ = COMMAND.set(command);
}

pub(crate) fn command() -> &'static str {
    COMMAND.get_or_init(|| DEFAULT)
}

/// The remedy for a database with an older schema.
pub(super) fn remedy() -> &'static str {
    REMEDY.get_or_init(|| format!("run `{}` first, after a backup", command()))
}

/// The command that accepts an edited migration: that of [`command`] with `repair` in place of `up`.
pub(super) fn repair_command() -> String {
    let command = command();
    format!("{} repair", command.strip_suffix(" up").unwrap_or(command))
}
