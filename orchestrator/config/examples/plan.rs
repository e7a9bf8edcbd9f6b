//! Prints the outcome of a CIB as JSON: `plan --cib FILE [--now SECONDS]`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program for the command line that is measured by the scorers of other people's cases"
)]

use std::process::ExitCode;

use haven_config::Source;
use haven_core::scheduler::engine;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let after = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let Some(path) = after("--cib") else { return ExitCode::from(64) };
    let Ok(bytes) = std::fs::read(path) else { return ExitCode::from(1) };
    let source = Source::of_cib(path, bytes);
    let (scene, found) = haven_config::cib::read(&source);
    let Some(mut scene) = scene else {
        eprint!("{}", haven_config::render(&source, &found));
        return ExitCode::from(1);
    };
    if let Some(now) = after("--now").and_then(|now| engine::moment(now)) {
        scene.now = now;
    }
    let outcome = engine::outcome(&scene);
    match serde_json::to_string(&outcome) {
        Ok(text) => println!("{text}"),
        Err(error) => eprintln!("{error}"),
    }
    ExitCode::SUCCESS
}
