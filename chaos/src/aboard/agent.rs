//! The agent of an exclusive resource, `ocf:chaos:Writer`: starts, stops and finds a writer, by the rules of the OCF, and
//! is ill when the run says so.
//!
//! Never: a start that returns before the writer has begun, or a stop that returns before it is gone.
//! Source: OCF resource agent API 1.1.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use haven_simulator::world::Ailment;
use rustix::process::{Pid, Signal, kill_process};

use super::{WRITER_WORD, say, writer};
use crate::history::{HostTime, Line, Mark};

/// The name of the agent's file, below `/usr/lib/ocf/resource.d`.
pub const FILE: &str = "chaos/Writer";
/// The name of the agent.
pub const NAME: &str = "ocf:chaos:Writer";
/// The parameter with the folder of the run.
pub const FOLDER: &str = "folder";
/// Below the folder of the run: the histories, by resource.
pub const HISTORIES: &str = "histories";
/// Below the folder of the run: what the agent is ill with, by machine, resource and action.
pub const ILLS: &str = "ills";

const SUCCESS: i32 = 0;
const FAILED: i32 = 1;
const UNIMPLEMENTED: i32 = 3;
const NOT_CONFIGURED: i32 = 6;
const NOT_RUNNING: i32 = 7;

/// How long an action takes that is well: what "so many times as long" is counted from.
const USUAL: Duration = Duration::from_millis(50);
/// Longer than every deadline of an action.
const HANGS: Duration = Duration::from_secs(3600);
/// How long a writer may take to begin, on a busy computer.
const BEGINS: Duration = Duration::from_secs(10);
/// How long a writer may take to end before it is killed.
const ENDS: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(5);

const META_DATA: &str = r#"<?xml version="1.0"?>
<resource-agent name="Writer">
<version>1.0</version>
<longdesc lang="en">An exclusive resource of `haven chaos run`: it writes its own history.</longdesc>
<shortdesc lang="en">writes its history</shortdesc>
<parameters>
<parameter name="folder" required="1"><shortdesc lang="en">folder of the run</shortdesc><content type="string"/></parameter>
</parameters>
<actions>
<action name="start" timeout="10s"/>
<action name="stop" timeout="10s"/>
<action name="monitor" timeout="10s" interval="2s" depth="0"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
"#;

/// Acts as the agent: the action is the first argument. Returns the OCF code.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let action = arguments.next().unwrap_or_default().to_string_lossy().into_owned();
    if action == "meta-data" {
        say(META_DATA.trim_end());
        return SUCCESS;
    }
    let Some(agent) = Agent::of_environment() else {
        super::complain("ocf-exit-reason:it runs only below `haven chaos run`, with the parameter folder");
        return NOT_CONFIGURED;
    };
    agent.act(&action).unwrap_or_else(|error| {
        super::complain(&format!("ocf-exit-reason:{error}"));
        FAILED
    })
}

/// The file that says what `action` of a resource is ill with on a machine.
pub fn ill(folder: &Path, node: &str, resource: &str, action: &str) -> PathBuf {
    folder.join(ILLS).join(format!("{node}.{resource}.{action}"))
}

struct Agent {
    folder: PathBuf,
    resource: String,
}

impl Agent {
    fn of_environment() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let resource = variable("OCF_RESOURCE_INSTANCE").filter(|name| !name.contains(['/', '.']))?;
        Some(Self { folder: PathBuf::from(variable("OCF_RESKEY_folder")?), resource })
    }

    fn act(&self, action: &str) -> io::Result<i32> {
        match self.ailment(action) {
            Ailment::Well | Ailment::Stuck(_) | Ailment::Stale(_) => {}
            Ailment::Fail(code) => return Ok(code),
            Ailment::FailHalfway(code) => {
                self.well(action)?;
                return Ok(code);
            }
            Ailment::Hang => std::thread::park_timeout(HANGS),
            Ailment::Slow(times) => {
                std::thread::park_timeout(USUAL.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)));
            }
        }
        self.well(action)
    }

    fn ailment(&self, action: &str) -> Ailment {
        let text = fs::read_to_string(ill(&self.folder, &writer::node(), &self.resource, action)).unwrap_or_default();
        read(text.trim())
    }

    fn well(&self, action: &str) -> io::Result<i32> {
        match action {
            "start" => self.start(),
            "stop" => self.stop(),
            "monitor" | "status" => Ok(if self.lives().is_some() { SUCCESS } else { NOT_RUNNING }),
            "validate-all" => Ok(SUCCESS),
            _ => Ok(UNIMPLEMENTED),
        }
    }

    fn history(&self) -> PathBuf {
        self.folder.join(HISTORIES).join(&self.resource)
    }

    /// Gone with the boot, as `/run` is.
    fn pid_file(&self) -> PathBuf {
        Path::new("/run").join(format!("chaos-{}.pid", self.resource))
    }

    /// The writer, if it lives.
    fn lives(&self) -> Option<Pid> {
        let pid: i32 = fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()?;
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = words.split(|byte| *byte == 0).skip(1);
        let is = words.next() == Some(WRITER_WORD.as_bytes())
            && words.next() == Some(self.history().as_os_str().as_encoded_bytes());
        if is { Pid::from_raw(pid) } else { None }
    }

    fn start(&self) -> io::Result<i32> {
        if self.lives().is_some() {
            return Ok(SUCCESS);
        }
        let mut child = Command::new(std::env::current_exe()?)
            .arg(WRITER_WORD)
            .arg(self.history())
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let owner = writer::owner(child.id())?;
        fs::write(self.pid_file(), child.id().to_string())?;
        let end = Instant::now() + BEGINS;
        while Instant::now() < end {
            // Its first line has its node, its boot and its process.
            let written = tail(&self.history()).unwrap_or_default();
            if written.lines().filter_map(|line| Line::from_str(line).ok()).any(|line| line.owner == owner) {
                return Ok(SUCCESS);
            }
            if let Some(status) = child.try_wait()? {
                return Err(io::Error::other(format!("the writer has ended: {status}")));
            }
            std::thread::park_timeout(LOOK);
        }
        Err(io::Error::other("the writer does not begin"))
    }

    fn stop(&self) -> io::Result<i32> {
        let Some(pid) = self.lives() else { return Ok(SUCCESS) };
        let _ = kill_process(pid, Signal::TERM);
        let kill = Instant::now() + ENDS;
        while self.lives().is_some() {
            if Instant::now() >= kill {
                // One that is stopped hears no TERM.
                let _ = kill_process(pid, Signal::KILL);
            }
            std::thread::park_timeout(LOOK);
        }
        let owner = writer::owner(pid.as_raw_nonzero().get().unsigned_abs())?;
        writer::append(&self.history(), &Line { at: HostTime::now(), mark: Mark::End, sequence: 0, owner })?;
        let _ = fs::remove_file(self.pid_file());
        Ok(SUCCESS)
    }
}

/// The end of a history: all that may have been written since a writer began.
const TAIL: u64 = 16 * 1024;

fn tail(history: &Path) -> io::Result<String> {
    let mut file = File::open(history)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads what [`Ailment`] writes; what is none is well.
fn read(text: &str) -> Ailment {
    match text.split_once(' ') {
        Some(("slow", times)) => times.parse().map_or(Ailment::Well, Ailment::Slow),
        Some(("fail", code)) => code.parse().map_or(Ailment::Well, Ailment::Fail),
        Some(("fail-halfway", code)) => code.parse().map_or(Ailment::Well, Ailment::FailHalfway),
        None if text == "hang" => Ailment::Hang,
        Some(_) | None => Ailment::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ailment_is_read_as_it_is_written() {
        for ailment in [Ailment::Well, Ailment::Slow(7), Ailment::Fail(1), Ailment::FailHalfway(5), Ailment::Hang] {
            assert_eq!(read(&ailment.to_string()), ailment);
        }
        assert_eq!(read("no ailment"), Ailment::Well);
    }
}
