//! The end of a program under test.

use std::process::Output;

use serde_json::Value;

/// The exit code and the output of a program that has ended.
///
/// ```
/// use std::process::Command;
/// use fieldfen_testkit::{ProgramOutput, wait::output};
///
/// let ended = ProgramOutput::from(output(Command::new("cargo").arg("--version")));
/// ended.ends_with(0);
/// assert!(ended.out.starts_with("cargo "));
/// ```
#[derive(Debug)]
pub struct ProgramOutput {
    /// The exit code; -1 if a signal has ended the program.
    pub code: i32,
    /// The text on stdout.
    pub out: String,
    /// The text on stderr.
    pub err: String,
}

impl From<Output> for ProgramOutput {
    /// # Panics
    /// If stdout or stderr is not UTF-8.
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|error| panic!("{error}"));
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl ProgramOutput {
    /// Checks the exit code.
    ///
    /// # Panics
    /// If the program has ended with another code. The message has its output.
    #[track_caller]
    pub fn ends_with(&self, code: i32) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
    }

    /// The JSON document on stdout of a program that ended with this code.
    ///
    /// # Panics
    /// If the program has ended with another code, or if stdout is no JSON document.
    #[track_caller]
    pub fn document(&self, code: i32) -> Value {
        self.ends_with(code);
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}
