//! The record of a long sweep: one line of JSON for each seed, in their order, so that it can be gone on with.
//!
//! For: 20,000 seeds in several sittings.
//! Never: seeds of two programs in one sum; a file that was not understood is not written to.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use haven_simulator::sweep::{Summary, Tally};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::trouble::Trouble;

/// What the first line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: Format,
    /// The SHA-256 of the program.
    build: String,
    /// As words of `sim run`.
    draws: String,
    /// The first seed.
    from: u64,
}

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "haven-sweep-1")]
    Sweep1,
}

/// A record that is written to.
#[derive(Debug)]
pub(super) struct Record {
    file: File,
    name: String,
}

impl Record {
    /// Opens or begins the record of `seeds`, and adds to `summary` what it holds of them. Returns the first seed that
    /// is not in it.
    pub(super) fn open(path: &Path, seeds: &Range<u64>, summary: &mut Summary) -> Result<(Self, u64), Trouble> {
        let head =
            Head { format: Format::Sweep1, build: build()?, draws: summary.draws.to_string(), from: seeds.start };
        Self::open_as(path, &head, seeds.end, summary)
    }

    fn open_as(path: &Path, head: &Head, end: u64, summary: &mut Summary) -> Result<(Self, u64), Trouble> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| Trouble::file(&format!("keep the sweep in {name}"), &error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (whole, next) = fold(&bytes, head, end, summary).map_err(|why| Trouble::sweep(&name, &why))?;
        // A line that was not written to its end is of a seed that is run again.
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).map_err(failed)?;
        let mut record = Self { file, name };
        if whole == 0 {
            record.line(head)?;
        }
        Ok((record, next))
    }

    /// Keeps what came of the next seed.
    pub(super) fn keep(&mut self, next: &Tally) -> Result<(), Trouble> {
        self.line(next)
    }

    fn line(&mut self, what: &impl Serialize) -> Result<(), Trouble> {
        let text = serde_json::to_string(what).map_err(std::io::Error::from);
        let written = text.and_then(|text| self.file.write_all(format!("{text}\n").as_bytes()));
        written.map_err(|error| Trouble::file(&format!("keep the sweep in {}", self.name), &error))
    }
}

/// Adds the seeds below `end` to `summary`. Returns how many bytes are whole lines, and the first seed that is missing.
fn fold(bytes: &[u8], head: &Head, end: u64, summary: &mut Summary) -> Result<(u64, u64), String> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let text = bytes.get(..whole).unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).zip(1_u32..);
    let Some((first, _)) = lines.next() else {
        // Nothing, or a file that never had a line and is none of ours.
        return if bytes.first().is_none_or(|byte| *byte == b'{') {
            Ok((0, head.from))
        } else {
            Err("line 1: it is no record of a sweep".to_owned())
        };
    };
    let found: Head = parse(first, 1)?;
    if found.build != head.build {
        return Err("it is of another build of this program".to_owned());
    }
    if found != *head {
        let of = |head: &Head| format!("seeds {}..{}", head.from, head.draws);
        return Err(format!("it holds {}, and {} are asked for", of(&found), of(head)));
    }
    let mut next = head.from;
    for (line, number) in lines {
        let tally: Tally = parse(line, number)?;
        if tally.seed != next {
            return Err(format!("line {number}: seed {} follows where seed {next} is due", tally.seed));
        }
        next += 1;
        if tally.seed < end {
            summary.add(&tally);
        }
    }
    Ok((u64::try_from(whole).unwrap_or(u64::MAX), next))
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8], number: u32) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| format!("line {number}, column {}: {error}", error.column()))
}

/// Which program this is: a sweep is of one.
fn build() -> Result<String, Trouble> {
    let read = || -> std::io::Result<String> {
        let mut hash = Sha256::new();
        std::io::copy(&mut File::open(std::env::current_exe()?)?, &mut hash)?;
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    read().map_err(|error| Trouble::file("read this program", &error))
}

#[cfg(test)]
mod tests {
    use haven_core::units::Millis;
    use haven_simulator::sweep::Draws;

    use super::*;

    fn head() -> Head {
        Head { format: Format::Sweep1, build: "b1".to_owned(), draws: String::new(), from: 5 }
    }

    fn tally(seed: u64) -> Tally {
        Tally {
            hash: seed + 1,
            simulated: Millis(1000),
            first: (seed == 6).then(|| "S1".to_owned()),
            ..Tally::of(seed)
        }
    }

    fn open(path: &Path, head: &Head, end: u64) -> Result<(Record, u64, Summary), Trouble> {
        let mut summary = Summary::of(Draws::default());
        Record::open_as(path, head, end, &mut summary).map(|(record, next)| (record, next, summary))
    }

    #[test]
    fn a_sweep_goes_on_where_it_was_ended_and_sums_up_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep");
        let (mut record, next, _) = open(&path, &head(), 9).unwrap();
        assert_eq!(next, 5);
        let mut at_once = Summary::of(Draws::default());
        for seed in 5..8 {
            at_once.add(&tally(seed));
            record.keep(&tally(seed)).unwrap();
        }
        // The power fails in the middle of a line.
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, [text.as_slice(), b"{\"seed\":8,\"ha"].concat()).unwrap();
        let (mut record, next, summary) = open(&path, &head(), 9).unwrap();
        assert_eq!((next, summary.hash, summary.failed), (8, at_once.hash, vec![(6, "S1".to_owned())]));
        record.keep(&tally(8)).unwrap();
        let (_, next, summary) = open(&path, &head(), 9).unwrap();
        assert_eq!((next, summary.seeds), (9, 4));
        let (_, _, fewer) = open(&path, &head(), 7).unwrap();
        assert_eq!(fewer.seeds, 2, "only what is asked for is summed up");
    }

    #[test]
    fn what_is_of_another_sweep_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep");
        let (mut record, _, _) = open(&path, &head(), 9).unwrap();
        record.keep(&tally(5)).unwrap();
        let kept = std::fs::read(&path).unwrap();
        let refused = |text: &[u8], head: &Head| {
            std::fs::write(&path, text).unwrap();
            let why = open(&path, head, 9).unwrap_err().message;
            assert_eq!(std::fs::read(&path).unwrap(), text, "{why}");
            why
        };
        assert!(refused(&kept, &Head { build: "b2".to_owned(), ..head() }).contains("another build"));
        assert!(refused(&kept, &Head { from: 6, ..head() }).contains("seeds 5.."));
        assert!(refused(&kept, &Head { draws: " --faults 600s".to_owned(), ..head() }).contains("--faults 600s"));
        assert!(refused(b"my notes", &head()).contains("line 1"));
        assert!(refused(b"my notes\n", &head()).contains("line 1, column 1"));
        let torn = [kept.as_slice(), b"{}\n"].concat();
        assert!(refused(&torn, &head()).contains("line 3, column 2"));
        let twice = [kept.as_slice(), kept.split_inclusive(|b| *b == b'\n').next_back().unwrap()].concat();
        assert!(refused(&twice, &head()).contains("line 3: seed 5 follows where seed 6 is due"));
    }
}
