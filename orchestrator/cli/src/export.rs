//! A file of the log that is being written: a new one, or standard output.
//!
//! Never: a file that was there, or one that is left half written; a line of which not all is known.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use haven_core::export::{Header, Recorded};
use serde::Serialize;

use crate::terminal::Terminal;
use crate::trouble::Trouble;

/// Where the lines of an export go.
pub(crate) struct Exporter<'a> {
    terminal: &'a Terminal,
    /// `None` is standard output.
    file: Option<(PathBuf, BufWriter<File>)>,
    header: Header,
    entries: u64,
}

/// What was written into a file, for programs.
#[derive(Debug, Serialize)]
struct Written<'a> {
    file: &'a Path,
    first: u64,
    last: u64,
    entries: u64,
}

impl<'a> Exporter<'a> {
    /// Begins with the header. Errors: the file is there already, or cannot be made.
    pub(crate) fn begin(terminal: &'a Terminal, out: Option<&Path>, header: Header) -> Result<Self, Trouble> {
        let file = match out {
            Some(path) => Some((path.to_owned(), BufWriter::new(new_file(path)?))),
            None => None,
        };
        let line = json(&header)?;
        let mut exporter = Self { terminal, file, header, entries: 0 };
        exporter.line(&line)?;
        Ok(exporter)
    }

    /// Writes the next entries.
    pub(crate) fn add(&mut self, entries: &[Recorded]) -> Result<(), Trouble> {
        for entry in entries {
            let line = json(entry)?;
            self.line(&line)?;
            self.entries += 1;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), Trouble> {
        match &mut self.file {
            None => self.terminal.line(line),
            Some((path, file)) => {
                writeln!(file, "{line}").map_err(|error| cannot_write(path, &error))?;
            }
        }
        Ok(())
    }

    /// The file is whole: says so, if it is not the answer itself. Errors: entries are missing at its end.
    pub(crate) fn end(mut self) -> Result<(), Trouble> {
        let wanted = (self.header.last.0 + 1).saturating_sub(self.header.first.0);
        if self.entries != wanted {
            let what = format!("{} of {wanted} entries came", self.entries);
            return Err(Trouble::file("export the log", &std::io::Error::other(what)));
        }
        let Some((path, mut file)) = self.file.take() else { return Ok(()) };
        if let Err(error) = file.flush() {
            let _ = std::fs::remove_file(&path);
            return Err(cannot_write(&path, &error));
        }
        let (first, last, entries) = (self.header.first.0, self.header.last.0, self.entries);
        let written = Written { file: &path, first, last, entries };
        self.terminal.answer(&written, || format!("{}: entries {first} to {last}\n", path.display()));
        Ok(())
    }
}

impl Drop for Exporter<'_> {
    /// What did not come to its end is no export.
    fn drop(&mut self) {
        if let Some((path, _)) = self.file.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|error| Trouble::file("write an entry as JSON", &error.into()))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::file(&format!("write {}", path.display()), error)
}

/// A file that was not there.
pub(crate) fn new_file(path: &Path) -> Result<File, Trouble> {
    File::create_new(path).map_err(|error| {
        if error.kind() != std::io::ErrorKind::AlreadyExists {
            return cannot_write(path, &error);
        }
        let what = format!("cannot write {}: it is there already", path.display());
        Trouble::usage(what, "name a file that is not there")
    })
}
