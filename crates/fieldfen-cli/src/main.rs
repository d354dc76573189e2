//! The program `fieldfen`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fieldfen_cli::main()
}
