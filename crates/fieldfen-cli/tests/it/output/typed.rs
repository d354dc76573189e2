//! A command line as a person types it, and its output.

use std::path::Path;
use std::process::{Command, Stdio};

use fieldfen_testkit::wait::output;

use super::StableText;
use crate::shop_harness::{ProgramOutput, Shop};

/// A command line, and the output and exit code that it ended with.
pub(crate) struct Typed {
    line: String,
    pub(crate) output: ProgramOutput,
}

impl Typed {
    /// Runs a command line by a shell in the folder of the shop, where `fieldfen` is the program under test.
    pub(crate) fn run(shop: &Shop, line: &str) -> Self {
        let folder = Path::new(env!("CARGO_BIN_EXE_fieldfen")).parent().unwrap();
        let path = std::env::join_paths(
            [folder.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).current_dir(shop.folder()).stdin(Stdio::null());
        command.env("PATH", path.unwrap()).env("FIELDFEN_OPERATOR", "ann").env("COLUMNS", "100").env("TZ", "UTC");
        command.env("ID", "00000000-0000-4000-8000-0000000000");
        for name in ["DATABASE_URL", "RUST_LOG", "NO_COLOR"] {
            command.env_remove(name);
        }
        Self { line: line.to_owned(), output: output(&mut command).into() }
    }

    /// The command line with its output, as in a terminal.
    pub(crate) fn transcript(&self, stable: &mut StableText) -> String {
        let ProgramOutput { code, out, err } = &self.output;
        let mut text = format!("$ {}\n{out}", self.line);
        for line in err.lines() {
            text.push_str(&format!("[stderr] {line}\n"));
        }
        if *code != 0 {
            text.push_str(&format!("[exit code {code}]\n"));
        }
        stable.of(&text)
    }
}
