//! Processes by a mark in their environment.
//!
//! For: finding and ending everything of a pretended machine, or of one action on it, without cgroups. A child has its
//! parent's environment, and the demo runs only haven's own programs, which never clear it; so what carries no mark is
//! not of the demo.
//! Never: a guess by name or by parent. A mark holds a random word, so no other demo's processes are meant.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};

/// The environment variable that holds the mark of a machine.
pub const VARIABLE: &str = "HAVEN_DEMO_MACHINE";
/// Rounds of killing, a moment apart. Each round ends everything that it finds, so only what forked meanwhile is left.
const ROUNDS: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(5);
/// Looks at a process whose environment is empty: it may be in the middle of an `exec`.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A variable and the value that marks processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    variable: &'static str,
    value: String,
}

impl Mark {
    /// The mark of a machine: `value` is `WORD/NODE` with a random word.
    pub const fn machine(value: String) -> Self {
        Self { variable: VARIABLE, value }
    }

    /// The mark `value` in another variable.
    pub const fn named(variable: &'static str, value: String) -> Self {
        Self { variable, value }
    }

    /// The variable.
    pub const fn variable(&self) -> &'static str {
        self.variable
    }

    /// Its value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a process carries it. Errors: processes cannot be listed.
    pub fn lives(&self) -> io::Result<bool> {
        Ok(!self.pids()?.is_empty())
    }

    fn pids(&self) -> io::Result<Vec<Pid>> {
        let found = values(self.variable)?;
        Ok(found.into_iter().filter(|(_, value)| *value == self.value).map(|(pid, _)| pid).collect())
    }

    /// Sends `signal` to every process that carries it, except this one. Errors: processes cannot be listed.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        for pid in self.pids()?.into_iter().filter(|pid| *pid != getpid()) {
            // It may have ended since, which is what was wanted.
            let _ = kill_process(pid, signal);
        }
        Ok(())
    }

    /// Kills every process that carries it, except this one, until none is left. Errors: one does not end within a
    /// second, or processes cannot be listed.
    pub fn kill(&self) -> io::Result<()> {
        for _ in 0..ROUNDS {
            self.signal(Signal::KILL)?;
            if self.pids()?.iter().all(|pid| *pid == getpid()) {
                return Ok(());
            }
            std::thread::sleep(BETWEEN);
        }
        Err(io::Error::other(format!("a process of {} does not end", self.value)))
    }
}

/// The values that `variable` has in the environments of this user's processes. Errors: `/proc` cannot be read.
pub(crate) fn marks(variable: &str) -> io::Result<Vec<String>> {
    Ok(values(variable)?.into_iter().map(|(_, value)| value).collect())
}

/// The processes of this user that have `variable` in their environment, with its value. What has ended and is only
/// not yet reaped has no environment, and is not among them. Errors: `/proc` cannot be read.
fn values(variable: &str) -> io::Result<Vec<(Pid, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else { continue };
        if let Some(value) = value_of(pid, variable) {
            found.push((pid, value));
        }
    }
    Ok(found)
}

fn value_of(pid: Pid, variable: &str) -> Option<String> {
    let folder = format!("/proc/{}", pid.as_raw_nonzero());
    for _ in 0..LOOKS {
        // Another user's process cannot be read, and is none of ours.
        let environment = fs::read(format!("{folder}/environ")).ok()?;
        if !environment.is_empty() {
            let mut entries = environment.split(|byte| *byte == 0);
            let value = entries.find_map(|entry| entry.strip_prefix(variable.as_bytes())?.strip_prefix(b"="))?;
            return String::from_utf8(value.to_vec()).ok();
        }
        // A thread of the kernel, or what has ended, has no program.
        fs::read_link(format!("{folder}/exe")).ok()?;
        std::thread::sleep(LOOK_AGAIN);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn sleeper(mark: &Mark) -> Child {
        let line = "sleep 1000 & sleep 1000";
        Command::new("/bin/sh").args(["-c", line]).env(mark.variable(), mark.value()).spawn().unwrap()
    }

    #[test]
    fn everything_with_the_mark_is_ended_and_nothing_else() {
        let mark = |name: &str| Mark::machine(format!("test-{}/{name}", std::process::id()));
        let (mut one, mut other) = (sleeper(&mark("m1")), sleeper(&mark("m11")));
        assert!(mark("m1").lives().unwrap());
        mark("m1").kill().unwrap();
        assert!(!mark("m1").lives().unwrap());
        assert!(mark("m11").lives().unwrap());
        assert!(other.try_wait().unwrap().is_none());
        mark("m11").kill().unwrap();
        one.wait().unwrap();
        other.wait().unwrap();
    }
}
