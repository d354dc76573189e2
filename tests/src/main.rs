//! The worker process of the tests. It ends when its parent closes the pipe to it.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use fieldfen_tests::duty::Worker;

fn main() -> ExitCode {
    match Worker::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fieldfen-test-worker {}: {error:#}", std::process::id());
            ExitCode::FAILURE
        }
    }
}
