//! Written histories: what owners of a resource have written of themselves, a line several times a second.
//!
//! A line is `NANOSECONDS KIND SEQUENCE NODE BOOT PID`. The time is CLOCK_BOOTTIME, which all namespaces of a computer
//! share, so lines of different machines can be compared.
//! Never: a time that the reader has taken.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A moment of the computer on which all machines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostTime(pub u64);

impl HostTime {
    /// The present.
    pub fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// The time since an earlier moment; none if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The owner begins.
    Start,
    /// It goes on.
    Beat,
    /// Whoever stopped it has seen that it is gone.
    End,
}

impl Mark {
    const ALL: [Self; 3] = [Self::Start, Self::Beat, Self::End];

    const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Beat => "beat",
            Self::End => "end",
        }
    }
}

/// Who writes: one process on one boot of one machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The machine.
    pub node: String,
    /// Its boot.
    pub boot: String,
    /// The process, as its machine numbers it.
    pub pid: u32,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let boot: String = self.boot.chars().take(8).collect();
        write!(f, "{} (boot {boot}, process {})", self.node, self.pid)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at: HostTime,
    /// What it says.
    pub mark: Mark,
    /// Which line of its owner it is, from 0.
    pub sequence: u64,
    /// Who wrote it, or was seen to be gone.
    pub owner: Owner,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Owner { node, boot, pid } = &self.owner;
        write!(f, "{} {} {} {node} {boot} {pid}", self.at.0, self.mark.word(), self.sequence)
    }
}

impl FromStr for Line {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split(' ').collect();
        let [at, mark, sequence, node, boot, pid] = words.as_slice() else { return Err(()) };
        Ok(Self {
            at: HostTime(at.parse().map_err(drop)?),
            mark: Mark::ALL.into_iter().find(|known| known.word() == *mark).ok_or(())?,
            sequence: sequence.parse().map_err(drop)?,
            owner: Owner { node: (*node).to_owned(), boot: (*boot).to_owned(), pid: pid.parse().map_err(drop)? },
        })
    }
}

/// The time from an owner's first line to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// Who.
    pub owner: Owner,
    /// Its first line.
    pub from: HostTime,
    /// The last line that it wrote itself.
    pub to: HostTime,
    /// How many lines it wrote itself.
    pub lines: u64,
}

/// A time in which nobody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The last line before.
    pub from: HostTime,
    /// How long.
    pub span: Duration,
    /// Who wrote before.
    pub before: Owner,
    /// Who wrote after.
    pub after: Owner,
}

/// The history of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The resource.
    pub resource: String,
    /// Its lines, in the order in which they were written.
    pub lines: Vec<Line>,
    /// Lines that are none.
    pub broken: usize,
}

impl History {
    /// Reads what was written.
    pub fn parse(resource: &str, text: &str) -> Self {
        let (mut lines, mut broken) = (Vec::new(), 0);
        for line in text.lines() {
            match line.parse() {
                Ok(line) => lines.push(line),
                Err(()) => broken += 1,
            }
        }
        Self { resource: resource.to_owned(), lines, broken }
    }

    /// The owners, in the order in which they began.
    pub fn tenures(&self) -> Vec<Tenure> {
        let mut found: BTreeMap<&Owner, Tenure> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.mark != Mark::End) {
            let new = || Tenure { owner: line.owner.clone(), from: line.at, to: line.at, lines: 0 };
            let tenure = found.entry(&line.owner).or_insert_with(new);
            tenure.from = tenure.from.min(line.at);
            tenure.to = tenure.to.max(line.at);
            tenure.lines += 1;
        }
        let mut tenures: Vec<Tenure> = found.into_values().collect();
        tenures.sort_by_key(|tenure| tenure.from);
        tenures
    }

    /// The times of at least `least` in which nobody wrote, between two lines.
    pub fn gaps(&self, least: Duration) -> Vec<Gap> {
        let mut written: Vec<&Line> = self.lines.iter().filter(|line| line.mark != Mark::End).collect();
        written.sort_by_key(|line| line.at);
        let pairs = written.iter().zip(written.iter().skip(1));
        let gap = |(a, b): (&&Line, &&Line)| Gap {
            from: a.at,
            span: b.at.since(a.at),
            before: a.owner.clone(),
            after: b.owner.clone(),
        };
        pairs.map(gap).filter(|gap| gap.span >= least).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "100 start 0 n1 b1 7\n200 beat 1 n1 b1 7\nnot a line\n250 end 0 n1 b1 7\n900 start 0 n2 b2 7\n";

    #[test]
    fn a_history_is_read_as_it_was_written() {
        let history = History::parse("db", TEXT);
        assert_eq!((history.lines.len(), history.broken), (4, 1));
        let again: Vec<String> = history.lines.iter().map(ToString::to_string).collect();
        assert_eq!(again, TEXT.lines().filter(|line| *line != "not a line").collect::<Vec<_>>());
    }

    #[test]
    fn an_owner_goes_from_its_first_line_to_the_last_that_it_wrote_itself() {
        let tenures = History::parse("db", TEXT).tenures();
        let told: Vec<(&str, u64, u64)> = tenures.iter().map(|t| (t.owner.node.as_str(), t.from.0, t.to.0)).collect();
        assert_eq!(told, [("n1", 100, 200), ("n2", 900, 900)]);
    }

    #[test]
    fn an_outage_is_a_gap_between_lines() {
        let gaps = History::parse("db", TEXT).gaps(Duration::from_nanos(500));
        let told: Vec<(u64, u128, &str)> =
            gaps.iter().map(|gap| (gap.from.0, gap.span.as_nanos(), gap.after.node.as_str())).collect();
        assert_eq!(told, [(200, 700, "n2")]);
    }
}
