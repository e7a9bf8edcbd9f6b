//! The shell for a person: a prompt with completion, history and help.

mod complete;
mod history;

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use haven_config::Source;
use haven_config::crm::lines;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use self::complete::{Names, agent_of, candidates};
use super::agents;
use super::edits::refused;
use super::input::Input;
use super::shell::{Flow, Shell};
use super::words::Level;
use crate::commands::block_on;
use crate::look::LookHost;
use crate::trouble::Trouble;

/// The name of what is typed, as faults call it.
const TYPED: &str = "line";

/// What completes words.
struct Words {
    level: Rc<Cell<Level>>,
    names: Rc<RefCell<Names>>,
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..at).unwrap_or_default();
        let begin = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let begun = typed.get(begin..).unwrap_or_default();
        let mut words: Vec<&str> = typed.get(..begin).unwrap_or_default().split_whitespace().collect();
        self.look_up(&words);
        words.push(begun);
        let names = self.names.borrow();
        let all = candidates(self.level.get(), &words, &names);
        let pair = |word: String| {
            let more = if word.ends_with('=') { "" } else { " " };
            Pair { display: word.clone(), replacement: format!("{word}{more}") }
        };
        Ok((begin, all.into_iter().map(pair).collect()))
    }
}

impl Words {
    /// Asks the machine for its agents, and an agent for its parameters, when they are wanted for the first time.
    fn look_up(&self, words: &[&str]) {
        let wants_agents =
            words.iter().any(|word| matches!(*word, "primitive" | "rsc_template" | "ra" | "info" | "meta"));
        let mut names = self.names.borrow_mut();
        if (wants_agents || self.level.get() == Level::Ra) && names.agents.is_empty() {
            let found = block_on(haven_agents::inventory(&LookHost)).unwrap_or_default();
            names.agents = agents::written(&found);
        }
        if let Some(agent) = agent_of(words).filter(|agent| !names.parameters.contains_key(*agent)) {
            let meta = block_on(agents::of(agent)).ok().and_then(Result::ok).unwrap_or_default();
            let known = meta.parameters.into_iter().map(|parameter| parameter.name).collect();
            names.parameters.insert(agent.to_owned(), known);
        }
    }
}

impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}

/// Reads lines from a person until they end.
pub(crate) fn run(shell: &mut Shell<'_>) -> Result<(), Trouble> {
    let failed = |error: ReadlineError| Trouble::file("use the terminal", &std::io::Error::other(error.to_string()));
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(false);
    let config = config.max_history_size(history::LINES_MAX).map_err(failed)?.history_ignore_space(true).build();
    let mut editor: Editor<Words, FileHistory> = Editor::with_config(config).map_err(failed)?;
    let (level, names) = (Rc::new(Cell::new(shell.level)), Rc::new(RefCell::new(Names::default())));
    editor.set_helper(Some(Words { level: Rc::clone(&level), names: Rc::clone(&names) }));
    let file = history::file();
    file.iter().for_each(|file| drop(editor.load_history(file)));
    let mut gone = false;
    let ended = loop {
        know(shell, &mut names.borrow_mut());
        level.set(shell.level);
        let text = match whole(&mut editor, &prompt(shell)) {
            Ok(text) => {
                gone = false;
                text
            }
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) if gone => break Err(Trouble::not_sure("the end")),
            Err(ReadlineError::Eof) => {
                // The second time nobody is there who could say what becomes of the edits.
                gone = true;
                "quit".to_owned()
            }
            Err(error) => break Err(failed(error)),
        };
        if history::is_kept(&text) {
            let _ = editor.add_history_entry(text.replace("\\\n", " "));
        }
        match done(shell, &text) {
            Ok(Flow::On) => {}
            Ok(Flow::Over) => break Ok(()),
            Err(trouble) => shell.session.terminal.trouble(&trouble),
        }
    };
    file.iter().for_each(|file| drop(editor.save_history(file)));
    ended
}

/// A statement: a line, and those that a `\` joins to it.
fn whole(editor: &mut Editor<Words, FileHistory>, prompt: &str) -> Result<String, ReadlineError> {
    let mut text = editor.readline(prompt)?;
    while text.trim_end().bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1 {
        let more = editor.readline("   > ")?;
        text = format!("{}\n{more}", text.trim_end());
    }
    Ok(text)
}

/// Does one statement.
fn done(shell: &mut Shell<'_>, text: &str) -> Result<Flow, Trouble> {
    let source = Source::of_crm(TYPED, text.as_bytes());
    let (found, said) = lines(&source);
    refused(&source, &said, "the line", shell.session.terminal)?;
    for line in &found {
        if block_on(shell.line(Input { source: &source, line }))?? == Flow::Over {
            return Ok(Flow::Over);
        }
    }
    Ok(Flow::On)
}

/// Takes the names that words may become. Nothing is said if there are none to be had.
fn know(shell: &mut Shell<'_>, names: &mut Names) {
    if let Some(edits) = &shell.edits {
        names.take(&edits.now);
    } else if let Ok(Ok(edits)) = block_on(shell.read()) {
        names.take(&edits.now);
    }
}

/// Where the shell is: `crm(live)configure# `.
fn prompt(shell: &Shell<'_>) -> String {
    let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let at = shell.asked.cib.as_deref().map_or_else(|| "live".to_owned(), name);
    format!("crm({at}){}# ", shell.level.word())
}
