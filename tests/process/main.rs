//! The process that the tests start. It ends when the test closes the pipe to its stdin.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use fieldfen_tests::commands::TestProcess;

fn main() -> ExitCode {
    match TestProcess::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fieldfen-test-process {}: {error:#}", std::process::id());
            ExitCode::FAILURE
        }
    }
}
