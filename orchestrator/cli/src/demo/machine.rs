//! A machine of the demo: a real `haven daemon`, its guests, and the plug.
//!
//! Never: a process that this demo did not start: only those with this machine's mark are ended.

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use haven_daemon::demo::{self, Mark};

/// What a daemon printed, below its machine's folder.
const LOG: &str = "daemon.log";
/// The kernel's own source of a random identifier.
pub(super) const UUID: &str = "/proc/sys/kernel/random/uuid";

/// Copies what the daemons below `folder` have printed to where it outlives the demo; the folder of the copies.
pub(super) fn keep_logs(folder: &Path) -> PathBuf {
    let kept = std::env::temp_dir().join(format!("haven-demo-logs-{}", std::process::id()));
    let _ = fs::create_dir_all(&kept);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{}.log", entry.file_name().to_string_lossy());
        let _ = fs::copy(entry.path().join(LOG), kept.join(name));
    }
    kept
}

/// One machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: String,
    /// Where its guests and its daemon listen, a loopback address of its own.
    pub(super) address: Ipv4Addr,
    /// Port of its daemon.
    pub(super) port: u16,
    folder: PathBuf,
    mark: Mark,
    daemon: Option<Child>,
}

impl Machine {
    /// A machine without power, with a folder of its own below `folder`. `word` is this demo's random word.
    pub(super) fn new(folder: &Path, word: &str, name: &str, address: Ipv4Addr, port: u16) -> io::Result<Self> {
        let own = folder.join(name);
        fs::create_dir(&own)?;
        let mark = Mark::machine(format!("{word}/{name}"));
        Ok(Self { name: name.to_owned(), address, port, folder: own, mark, daemon: None })
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    pub(super) fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// What the daemon printed, for trouble.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }

    /// The program `haven` with `words`, for this machine's state and daemon.
    pub(super) fn haven(&self, words: &[&str]) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.args(words).env("HAVEN_STATE", self.state()).env("HAVEN_RUN", self.run());
        command.env(self.mark.variable(), self.mark.value());
        command.env(demo::agent::ADDRESS, self.address.to_string());
        command.stdin(Stdio::null());
        command
    }

    /// Switches it on: its daemon begins a new boot. Does nothing if it runs.
    pub(super) fn boot(&mut self) -> io::Result<()> {
        if self.lives()? {
            return Ok(());
        }
        self.reap();
        let log = File::options().create(true).append(true).open(self.log())?;
        let boot = fs::read_to_string(UUID)?;
        let mut daemon = self.haven(&["daemon", "--demo", "--boot-id", boot.trim()]);
        // The terminal's Ctrl-C is for the demo, which ends its machines itself.
        daemon.process_group(0).stdout(log.try_clone()?).stderr(log);
        self.daemon = Some(daemon.spawn()?);
        Ok(())
    }

    /// Whether anything of it runs.
    pub(super) fn lives(&self) -> io::Result<bool> {
        self.mark.lives()
    }

    /// Pulls the plug: everything of it is killed at once. Returns when nothing is left.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        if let Some(daemon) = &mut self.daemon {
            let _ = daemon.kill();
        }
        self.mark.kill()?;
        self.reap();
        Ok(())
    }

    fn reap(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.wait();
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
