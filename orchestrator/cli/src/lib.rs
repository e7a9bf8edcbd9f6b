//! The one program `haven`: daemon, command line, simulator, demo.
//!
//! For: what people and scripts type. It reads words, asks the daemon or the machine, and says what came of it; which
//! part of it acts is decided by the name under which it is called, then by the first words.
//! Never: a decision about the cluster, a change that nobody asked for by name, a secret on the screen or in an
//! argument.

mod advice;
mod args;
mod chaos;
mod commands;
mod crm;
mod demo;
mod dispatch;
mod export;
mod look;
mod plural;
mod probe;
mod session;
mod sim;
mod table;
mod terminal;
mod trouble;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Colour};
use terminal::{Format, Terminal};
use trouble::{Exit, Trouble};

/// Acts as the program: by the name under which it was called and by its arguments.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    match dispatch::by_name(&words) {
        Some(code) => code,
        None => command_line(&words),
    }
}

/// Whether `--json` is among words that could not be read. What comes after `--` is no option.
fn wants_json(words: &[OsString]) -> bool {
    words.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// The command line of `haven`.
pub(crate) fn command_line(words: &[OsString]) -> ExitCode {
    let parsed = Cli::command().try_get_matches_from(words).and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is wrong usage.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Fine };
            if code == Exit::Usage && wants_json(words) {
                Terminal::new(Colour::Never, Format::Json).trouble(&Trouble::words(&error.to_string()));
            } else {
                let _ = error.print();
            }
            return code.into();
        }
    };
    let terminal = Terminal::new(cli.globals.colour, cli.globals.format());
    match commands::run(cli, &terminal) {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            terminal.trouble(&trouble);
            trouble.exit.into()
        }
    }
}
