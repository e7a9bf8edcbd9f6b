//! What the demo says while it goes on: to people on the screen, beside the JSON for programs.

use serde::Serialize;

use crate::terminal::{Format, Terminal};

/// The voice of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Talk {
    terminal: Terminal,
}

impl Talk {
    pub(super) const fn new(terminal: Terminal) -> Self {
        Self { terminal }
    }

    pub(super) fn format(&self) -> Format {
        self.terminal.format()
    }

    /// A line of the story.
    pub(super) fn say(&self, line: &str) {
        match self.terminal.format() {
            Format::Text => self.terminal.line(line),
            Format::Json => self.terminal.aside(line),
        }
    }

    /// The result, for programs.
    pub(super) fn json<T: Serialize>(&self, value: &T) {
        self.terminal.json(value);
    }
}
