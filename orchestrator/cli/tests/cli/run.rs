//! Runs the program and gives back what it said.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `haven` with the words of `line`, split at blanks. No daemon is where it looks.
pub(crate) fn haven(line: &str) -> Said {
    named("haven", &line.split_whitespace().collect::<Vec<_>>())
}

/// The program, with no daemon where it looks.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haven"));
    command.env("HAVEN_RUN", "/nonexistent/run").env("HAVEN_STATE", "/nonexistent/state").stdin(Stdio::null());
    command
}

/// Runs the program under another name.
pub(crate) fn named(name: &str, words: &[&str]) -> Said {
    said(program().arg0(name).args(words))
}

/// Runs a command to its end.
pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
