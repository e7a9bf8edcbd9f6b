//! Reading an export: line by line, and nothing of a file that is not whole.

use haven_core::export::{FORMAT, Header, Recorded, VERSION};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Recording;

/// The longest line: a plan of as many steps as a plan may have, several times over.
const LINE_MAX: usize = 16 << 20;

/// Why a file is no export of a log, or not a whole one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {why}")]
pub struct BadRecording {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub why: String,
}

/// What of the first line must be right before the rest of it means anything.
#[derive(Deserialize)]
struct Probe {
    format: String,
    version: u32,
}

pub(super) fn read(text: &str) -> Result<Recording, BadRecording> {
    let mut lines = (1..).zip(text.lines());
    let bad = |line, column, why: String| BadRecording { line, column, why };
    let Some((_, first)) = lines.next() else {
        return Err(bad(1, 1, "the file is empty, the first line of an export is needed".to_owned()));
    };
    let header = header(first)?;
    let (mut entries, mut next) = (Vec::new(), header.first);
    let mut time = header.before.time;
    let mut end = 1;
    for (number, line) in lines {
        end = number;
        let entry: Recorded = parse(number, line)?;
        if entry.index != next {
            let why = format!("entry {} is here, and {next} must be: the log has an order", entry.index);
            return Err(bad(number, column_of(line, "\"index\":"), why));
        }
        if entry.index > header.last {
            let why =
                format!("entry {} is here, and the first line says that {} is the last", entry.index, header.last);
            return Err(bad(number, column_of(line, "\"index\":"), why));
        }
        if let Some(at) = entry.time {
            if at < time {
                let why = format!("its time is {}, before {} of an earlier line: time does not go back", at.0, time.0);
                return Err(bad(number, column_of(line, "\"time\":"), why));
            }
            time = at;
        }
        next = next.next();
        entries.push(entry);
    }
    if next <= header.last {
        let why = format!("entries {next} to {} are missing: the file was cut off", header.last);
        return Err(bad(end + 1, 1, why));
    }
    Ok(Recording { header, entries })
}

fn header(line: &str) -> Result<Header, BadRecording> {
    let probe: Probe = parse(1, line)?;
    let at = |key: &str, why: String| BadRecording { line: 1, column: column_of(line, key), why };
    if probe.format != FORMAT {
        return Err(at("\"format\":", format!("`{}` is no log of haven, `{FORMAT}` is", probe.format)));
    }
    if probe.version != VERSION {
        let why = format!("it is of version {}, this haven reads version {VERSION}", probe.version);
        return Err(at("\"version\":", why));
    }
    parse(1, line)
}

fn parse<T: DeserializeOwned>(number: usize, line: &str) -> Result<T, BadRecording> {
    if line.len() > LINE_MAX {
        let why = format!("the line has {} bytes, {LINE_MAX} are read at most", line.len());
        return Err(BadRecording { line: number, column: 1, why });
    }
    serde_json::from_str(line).map_err(|error| {
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
        let why = if error.is_eof() {
            "the line ends too early: the file was cut off".to_owned()
        } else if said.starts_with("unknown variant") {
            let said = said.split(", expected").next().unwrap_or(said);
            format!("{said}: a newer haven may have written it")
        } else {
            said.to_owned()
        };
        // Bytes are told; characters are what an editor counts.
        let at = if error.is_eof() { line.len() } else { error.column().saturating_sub(1) };
        let before = line.get(..at).unwrap_or(line);
        BadRecording { line: number, column: before.chars().count() + 1, why }
    })
}

/// The column of the value of `key`; 1 if it is not written as usual.
fn column_of(line: &str, key: &str) -> usize {
    let at = line.find(key).map_or(0, |at| at + key.len());
    line.get(..at).map_or(1, |before| before.chars().count() + 1)
}
