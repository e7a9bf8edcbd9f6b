//! An exclusive resource: a process that writes into the history of its resource, several times a second, for as long
//! as it lives.
//!
//! Never: a line with a time that was taken for an earlier one.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::history::{HostTime, Line, Mark, Owner};

/// Time between two lines.
pub const PERIOD: Duration = Duration::from_millis(100);

/// Acts as the resource with the arguments `HISTORY`, until it is killed. Returns the code to end with if it cannot write.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let Some(history) = arguments.next() else {
        super::complain("an exclusive resource needs the file of its history");
        return 64;
    };
    match write(Path::new(&history)) {
        Ok(()) => 0,
        Err(error) => {
            super::complain(&format!("cannot write {}: {error}", history.display()));
            1
        }
    }
}

fn write(history: &Path) -> io::Result<()> {
    let owner = owner(std::process::id())?;
    let mut sequence = 0;
    loop {
        let mark = if sequence == 0 { Mark::Start } else { Mark::Beat };
        append(history, &Line { at: HostTime::now(), mark, sequence, owner: owner.clone() })?;
        sequence += 1;
        std::thread::park_timeout(PERIOD);
    }
}

/// A process of this machine, on its boot.
pub(super) fn owner(pid: u32) -> io::Result<Owner> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
    Ok(Owner { node: node(), boot, pid })
}

/// The name of this machine.
pub(super) fn node() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// One write, so that the lines of two owners never mix.
pub(super) fn append(history: &Path, line: &Line) -> io::Result<()> {
    File::options().create(true).append(true).open(history)?.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    #[test]
    fn what_is_appended_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db");
        let owner = owner(std::process::id()).unwrap();
        for sequence in 0..3 {
            append(&file, &Line { at: HostTime::now(), mark: Mark::Beat, sequence, owner: owner.clone() }).unwrap();
        }
        let history = History::parse("db", &std::fs::read_to_string(&file).unwrap());
        assert_eq!((history.lines.len(), history.broken, history.tenures().len()), (3, 0, 1));
    }
}
