//! Running words, and waiting.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Whatever went wrong in a lab; it ends the test or the benchmark.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
/// A result of a lab.
pub type Fallible<T> = Result<T, Trouble>;

/// Wait between two looks at a condition.
const LOOK: Duration = Duration::from_millis(10);

/// Runs `program` with `words`; what it printed. Errors: it failed; both outputs are in the text.
pub fn output(program: &str, words: &[&str]) -> Fallible<String> {
    finish(Command::new(program).args(words))
}

/// Runs a line of words separated by blanks.
pub fn line(text: &str) -> Fallible<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (program, words) = words.split_first().ok_or("nothing to run")?;
    output(program, words)
}

pub(crate) fn finish(command: &mut Command) -> Fallible<String> {
    let done = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() {
        return Ok(text(&done.stdout));
    }
    let shown = format!("{command:?}: {}: {} {}", done.status, text(&done.stderr).trim(), text(&done.stdout).trim());
    Err(shown.into())
}

/// Waits for something that is about to be so. Errors: it is not so within `span`; the text names `what`.
pub fn until<T>(what: &str, span: Duration, mut is: impl FnMut() -> Fallible<Option<T>>) -> Fallible<T> {
    let end = Instant::now() + span;
    loop {
        let trouble = match is() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => String::new(),
            Err(trouble) => format!(": {trouble}"),
        };
        if Instant::now() >= end {
            return Err(format!("did not come within {span:?}: {what}{trouble}").into());
        }
        std::thread::park_timeout(LOOK);
    }
}

/// Where cgroup v2 is mounted.
pub(crate) fn cgroup_mount() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let line = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    line.split(' ').nth(4).map(PathBuf::from)
}
