//! `completions` and `man`: made from the arguments of the program.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_complete::Shell;
use fieldfen_terminal::Exit;

use crate::Fieldfen;

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Fieldfen::command(), "fieldfen", &mut text);
    print(&text)
}

/// Prints the manual page of the program, or of the command with this name: `jobs`, or `jobs list`.
pub(crate) fn man(command: &[String]) -> anyhow::Result<()> {
    let mut page = Fieldfen::command();
    page.build();
    for name in command.iter().flat_map(|names| names.split_whitespace()) {
        let found = page.find_subcommand(name).cloned();
        let of = page.get_bin_name().unwrap_or("fieldfen").to_owned();
        page = found.ok_or_else(|| Exit::Usage.with(format!("{name:?} is no command of {of}: see {of} --help")))?;
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    print(&text)
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
