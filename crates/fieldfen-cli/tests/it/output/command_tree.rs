//! The commands of the program, from its own definition.

use clap::{Command, CommandFactory as _};
use fieldfen_cli::Fieldfen;

/// The whole tree, with the arguments that all commands have.
pub(super) fn program() -> Command {
    let mut program = Fieldfen::command();
    program.build();
    program
}

/// The commands that do something, as `jobs list`: those without commands below them.
pub(crate) fn commands() -> Vec<String> {
    let mut found = Vec::new();
    collect(&program(), "", &mut found);
    found
}

fn collect(command: &Command, path: &str, found: &mut Vec<String>) {
    for child in visible(command) {
        let path = format!("{path} {}", child.get_name());
        if visible(child).next().is_some() {
            collect(child, &path, found);
        } else {
            found.push(path.trim().to_owned());
        }
    }
}

/// The commands below this one, without `help` and hidden ones.
pub(super) fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|child| child.get_name() != "help" && !child.is_hide_set())
}
