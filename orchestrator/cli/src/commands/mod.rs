//! One module per group of commands: what the words mean together, and what is said at the end.

mod import;

use std::io::Write;

use clap::CommandFactory;

use crate::args::{Cli, Import, Verb};
use crate::terminal::Terminal;
use crate::trouble::{Exit, Trouble};

/// Does what was asked for.
pub(crate) fn run(cli: Cli, terminal: &Terminal) -> Result<Exit, Trouble> {
    match cli.verb {
        Verb::Import(Import::Haresources(asked)) => import::haresources(&cli.globals, &asked, terminal),
        Verb::Completions { shell } => Ok(completions(shell)),
    }
}

fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "haven", &mut script);
    let _ = anstream::stdout().write_all(&script);
    Exit::Fine
}

/// Runs `work` on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| Trouble::file("begin", &error))?.block_on(work))
}
