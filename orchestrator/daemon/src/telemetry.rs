//! Logs on standard error, for people or for machines.
//!
//! Never: a secret, whose types print as `***`; a wait for whoever reads the lines. A journal that hangs, or a pager at
//! its first page, must not silence the node or hold up the end of its boot.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Stat, fstat};
use rustix::io::write;
use tracing::error;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::settings::LogFormat;

/// The variable that says what is logged, such as `haven=debug,info`.
const VARIABLE: &str = "HAVEN_LOG";

/// Lines that may wait for their reader. What comes then is left out.
const LINES_WAITING: usize = 4096;
/// What a pipe takes in one piece, without a wait, once it says that it can be written to; the least of POSIX.
const AT_ONCE: usize = 512;

/// Begins to log, until the guard is dropped, which lets waiting lines out for a second at most. Does nothing if this
/// process logs already. Libraries below are heard from warnings on.
#[must_use = "lines are written for as long as it is kept"]
pub(crate) fn begin(format: LogFormat) -> Lines {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| {
        let quiet = ["quinn", "rustls", "redb", "hyper", "zbus"].map(|name| format!("{name}=error"));
        // What Raft cannot do, the node says itself; Raft's own words also tell of every planned end.
        let quiet = quiet.into_iter().chain(["openraft=off".to_owned()]).collect::<Vec<_>>();
        let quiet = quiet.iter().filter_map(|text| text.parse().ok());
        let base = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy("");
        quiet.fold(base, EnvFilter::add_directive)
    });
    let (lines, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_WAITING)
        .thread_name("haven-lines")
        .finish(Stderr::open());
    let lost = lines.error_counter();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines);
    let _ = match format {
        LogFormat::Human => builder.with_ansi(false).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Lines { guard: Some(guard), lost }
}

/// What lets waiting lines out at the end.
pub(crate) struct Lines {
    guard: Option<WorkerGuard>,
    lost: ErrorCounter,
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Whoever did not read in time will not read now, and the guard would complain on standard output, whose reader is
        // mostly the same.
        if self.lost.dropped_lines() > 0 {
            std::mem::forget(self.guard.take());
        }
    }
}

/// Standard error past the lock of the standard library: who waits in a write holds nobody else up.
enum Stderr {
    Itself(File),
    /// There are no descriptors left.
    Shared(io::Stderr),
}

impl Stderr {
    fn open() -> Self {
        let stderr = io::stderr();
        let itself = stderr.as_fd().try_clone_to_owned().map(File::from);
        itself.map_or(Self::Shared(stderr), Self::Itself)
    }
}

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self {
            Self::Itself(file) => file.write(line),
            Self::Shared(stderr) => stderr.write(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Itself(file) => file.flush(),
            Self::Shared(stderr) => stderr.flush(),
        }
    }
}

/// Says the last words of a process, past the lines that wait. If nobody takes them at once, or they would go to a file,
/// whose disk may hang, they wait with the others and may be lost.
pub(crate) fn say_at_once(text: &str) {
    // The descriptor itself: the standard library's lock may be held by a write that waits.
    if !said_at_once(io::stderr().as_fd(), &format!("haven: {text}\n")) {
        error!("{text}");
    }
}

/// Writes the beginning of a line if that waits for nobody.
fn said_at_once(reader: BorrowedFd, line: &str) -> bool {
    let by_memory = |stat: Stat| {
        matches!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo | FileType::Socket | FileType::CharacterDevice)
    };
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let takes = fstat(reader).is_ok_and(by_memory)
        && poll(&mut [PollFd::from_borrowed_fd(reader, PollFlags::OUT)], Some(&now)).is_ok_and(|ready| ready > 0);
    let end = line.len().min(AT_ONCE);
    takes && write(reader, line.as_bytes().get(..end).unwrap_or_default()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn last_words_are_said_where_somebody_reads() {
        let (mut reader, writer) = io::pipe().unwrap();
        assert!(said_at_once(writer.as_fd(), &format!("ends: {}", "x".repeat(10_000))));
        drop(writer);
        let mut heard = String::new();
        reader.read_to_string(&mut heard).unwrap();
        assert!(heard.starts_with("ends: x") && heard.len() == AT_ONCE, "{heard}");
    }

    #[test]
    fn last_words_wait_for_nobody() {
        let (reader, mut writer) = io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        while writer.write(&[b'x'; 4096]).is_ok() {}
        rustix::io::ioctl_fionbio(&writer, false).unwrap();
        assert!(!said_at_once(writer.as_fd(), "ends\n"), "a full pipe");
        drop(reader);
        let file = tempfile::tempfile().unwrap();
        assert!(!said_at_once(file.as_fd(), "ends\n"));
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
