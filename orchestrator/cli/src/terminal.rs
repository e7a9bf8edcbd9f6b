//! Where answers go: text for people, or JSON for programs.
//!
//! Never: colour that carries the meaning alone, or colour where nobody asked for it (`NO_COLOR`, no terminal).

use std::io::{IsTerminal, Write};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::args::Colour;
use crate::trouble::Trouble;

/// What kind of answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for people.
    Text,
    /// JSON, one document per answer.
    Json,
}

/// The two outputs of the command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    format: Format,
}

/// What is broken.
const RED: Style = AnsiColor::Red.on_default().bold();
/// What is a way out.
const BOLD: Style = Style::new().bold();

impl Terminal {
    /// Decides about colour for the whole program.
    pub(crate) fn new(colour: Colour, format: Format) -> Self {
        let choice = match colour {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
        };
        choice.write_global();
        Self { format }
    }

    /// What kind of answer is wanted.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints a text as it is; nothing if the reader has gone.
    pub(crate) fn text(&self, text: &str) {
        let _ = anstream::stdout().write_all(text.as_bytes());
    }

    /// Prints a line.
    pub(crate) fn line(&self, line: &str) {
        self.text(&format!("{line}\n"));
    }

    /// Says something beside the answer, which stays what it is for programs.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "note: {text}");
    }

    /// Prints a value as JSON.
    pub(crate) fn json<T: Serialize>(&self, value: &T) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.aside(&format!("the answer cannot be written as JSON: {error}")),
        }
    }

    /// Prints one of several values as JSON, in a line of its own.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.aside(&format!("the answer cannot be written as JSON: {error}")),
        }
    }

    /// The answer in the format that is wanted.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) {
        match self.format {
            Format::Text => self.text(&text()),
            Format::Json => self.json(value),
        }
    }

    /// Whether colours reach a person's eyes.
    pub(crate) fn has_colour(&self) -> bool {
        match anstream::AutoStream::choice(&std::io::stdout()) {
            ColorChoice::Never => false,
            ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
        }
    }

    /// The columns of the terminal; 80 if it is none.
    pub(crate) fn width(&self) -> usize {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
        size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
    }

    /// What is going on, for people who watch; nothing for scripts.
    pub(crate) fn progress(&self, line: &str) {
        if self.format == Format::Text && std::io::stderr().is_terminal() {
            self.aside(&format!("  {line}"));
        }
    }

    /// Has a person type `name` to confirm `what`. Without a terminal nobody can.
    pub(crate) fn typed(&self, what: &str, name: &str) -> bool {
        if !std::io::stdin().is_terminal() {
            return false;
        }
        let _ = write!(anstream::stderr(), "{what}\nType {name} to go on: ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == name
    }

    /// What a person types behind a question, in small letters; nothing if nobody can.
    pub(crate) fn answered(&self, question: &str) -> String {
        let _ = write!(anstream::stderr(), "{question}");
        let mut answer = String::new();
        let _ = std::io::stdin().read_line(&mut answer);
        answer.trim().to_lowercase()
    }

    /// Waits for Enter behind what was printed last; whether anybody can still press it.
    pub(crate) fn entered(&self) -> bool {
        let _ = anstream::stdout().flush();
        std::io::stdin().read_line(&mut String::new()).is_ok_and(|read| read > 0)
    }

    /// A line for people beside the answer, on standard error: progress and warnings.
    pub(crate) fn aside(&self, line: &str) {
        let _ = writeln!(anstream::stderr(), "{line}");
    }

    /// Why the command did not do what it was asked for.
    pub(crate) fn trouble(&self, trouble: &Trouble) {
        if self.format == Format::Json {
            self.json(trouble);
            return;
        }
        self.aside(&format!("{RED}error{RED:#} {}: {}", trouble.code, trouble.message));
        for line in &trouble.detail {
            self.aside(&format!("  {line}"));
        }
        self.aside(&format!("{BOLD}needed{BOLD:#}: {}", trouble.remedy));
    }
}
