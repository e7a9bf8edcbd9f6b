//! `cargo ci`: the everyday part of `.ci/run`.

use std::process::{Command, ExitCode};

#[allow(clippy::print_stderr, reason = "a program says why it cannot start")]
fn main() -> ExitCode {
    let status = Command::new("bash").args([".ci/run", "everyday"]).current_dir(haven_tidy::Tree::root()).status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run bash .ci/run: {error}");
            ExitCode::FAILURE
        }
    }
}
