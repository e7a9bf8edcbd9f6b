//! `haven crm`: the words of the crm shell, as a command line and as a script.
//!
//! For: people who have known them for years, and scripts that were written in them.
//! Never: a second way to do something: what changes the cluster is done by the native commands; a word that is guessed.
//! Source: crm(8), and what crmsh 4.4.1 does. `docs/reference/crm.md` says what differs, and why.

mod agents;
mod attribute;
mod cib_file;
mod configure;
mod edits;
mod help;
mod history;
mod input;
mod interactive;
mod node;
mod resource;
mod shell;
mod words;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use haven_config::crm::lines;
use haven_config::{FILE_MAX, Source};

use crate::args::{Crm, Globals};
use crate::commands::block_on;
use crate::session::Session;
use crate::terminal::Terminal;
use crate::trouble::{Exit, Trouble};

use self::edits::refused;
use self::input::{COMMAND, Input, written};
use self::shell::{Asking, Flow, Shell};
use self::words::Level;

/// `crm`.
pub(crate) fn run(globals: &Globals, asked: &Crm, terminal: &Terminal) -> Result<Exit, Trouble> {
    if let Some(flag) = asked.words.first().filter(|word| word.starts_with('-') && word.len() > 1) {
        return Err(flag_lacks(flag));
    }
    let asked = with_last_words(asked);
    let mut shell = Shell::new(Session::new(globals, terminal), &asked, Asking::Nobody);
    if block_on(all(&mut shell))?? == Then::Prompt {
        shell.asking = Asking::Person;
        shell.edits = None;
        interactive::run(&mut shell)?;
    }
    Ok(shell.exit)
}

/// Options of haven may stand behind the words, too, as with its other commands.
fn with_last_words(asked: &Crm) -> Crm {
    let mut asked = asked.clone();
    let mut words = std::mem::take(&mut asked.words);
    words.retain(|word| {
        match word.as_str() {
            "--plan" => asked.doing.plan = true,
            "--no-wait" => asked.doing.no_wait = true,
            "--yes" => asked.force = true,
            _ => return true,
        }
        false
    });
    asked.words = words;
    asked
}

/// A flag of crmsh that means something else here, or nothing.
fn flag_lacks(flag: &str) -> Trouble {
    let remedy = match flag {
        "-c" => "give the CIB as a file, by --cib FILE",
        "-H" => "use `history` for the log of the cluster",
        "-d" | "-X" | "-R" | "-o" => "leave it out",
        _ => "see `haven crm --help` for the options",
    };
    Trouble::crm_lacks(format!("`{flag}` is no option of `haven crm`"), remedy)
}

/// What is done behind the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Nothing.
    End,
    /// A person types.
    Prompt,
}

/// The words first, then a script, if there is one.
async fn all(shell: &mut Shell<'_>) -> Result<Then, Trouble> {
    let source = Source::of_crm(COMMAND, written(&shell.asked.words).as_bytes());
    let (found, said) = lines(&source);
    refused(&source, &said, "the command", shell.session.terminal)?;
    for line in &found {
        if shell.line(Input { source: &source, line }).await? == Flow::Over {
            return Ok(Then::End);
        }
    }
    let file = match &shell.asked.file {
        Some(path) => path.clone(),
        // The words have led to a level, or there were none.
        None if found.is_empty() || shell.level != Level::Root => {
            if std::io::stdin().is_terminal() {
                return Ok(Then::Prompt);
            }
            PathBuf::from("-")
        }
        None => return Ok(Then::End),
    };
    let source = script(&file)?;
    shell.source(&source).await?;
    Ok(Then::End)
}

/// A file of lines; `-` is standard input.
fn script(path: &Path) -> Result<Source, Trouble> {
    let most = u64::try_from(FILE_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let (name, read) = if path == Path::new("-") {
        ("standard input".to_owned(), std::io::stdin().take(most).read_to_end(&mut bytes))
    } else {
        let file = std::fs::File::open(path);
        (path.display().to_string(), file.and_then(|file| file.take(most).read_to_end(&mut bytes)))
    };
    read.map_err(|error| Trouble::file(&format!("read {name}"), &error))?;
    Ok(Source::of_crm(&name, &bytes))
}
