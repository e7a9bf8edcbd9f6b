//! A machine of the lab: its first process in namespaces of its own, and everything that runs below it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::net::Network;
use super::shell::{self, Fallible, until};
use super::{Aboard, Disk, ECHO_PORT, Programs, SERVICE_PORT, sweep};

const INIT: &str = include_str!("node_init.sh");
const SERVICE: &str = include_str!("some-service.sh");
/// The same as a program that stays in the foreground, for `ocf:heartbeat:anything`.
pub const SERVER: &str = "/usr/sbin/haven-lab-server";
const SERVICE_SCRIPT: &str = "etc/init.d/some-service";
/// The word for a daemon.
const DAEMON_WORD: &str = "daemon";
/// Longest time for a machine to come up, or to be gone, on a busy computer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether a machine has power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It has.
    On,
    /// It has not.
    Off,
}

/// One machine. It is killed when it is dropped.
#[derive(Debug)]
pub struct Machine {
    name: String,
    address: String,
    folder: PathBuf,
    cgroup: PathBuf,
    network: Network,
    programs: Programs,
    /// `unshare`, whose one child is the first process.
    parent: Option<Child>,
    init: Option<Pid>,
    children: Vec<Child>,
    /// Of earlier boots: killed, and not yet waited for.
    ended: Vec<Child>,
    power: Power,
}

impl Machine {
    pub(super) fn new(
        network: &Network,
        folder: &Path,
        cgroup: &Path,
        name: &str,
        last: u8,
        programs: &Programs,
    ) -> Fallible<Self> {
        let own = folder.join(name);
        for below in ["state", "overlay/etc/init.d", "overlay/usr/sbin", "overlay/usr/lib/ocf/resource.d"] {
            fs::create_dir_all(own.join(below))?;
        }
        let machine = Self {
            name: name.to_owned(),
            address: format!("10.77.0.{last}"),
            cgroup: cgroup.join(name),
            folder: own,
            network: network.clone(),
            programs: programs.clone(),
            parent: None,
            init: None,
            children: Vec::new(),
            ended: Vec::new(),
            power: Power::Off,
        };
        machine.write("node_init.sh", INIT)?;
        if let Disk::Small(room) = programs.disk {
            let size = format!("size={room}m,mode=755");
            shell::output("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &machine.state().display().to_string()])?;
        }
        if let Aboard::Echo(program) = &programs.aboard {
            let lab = program.to_str().ok_or("the lab's program has no plain path")?;
            let service = SERVICE.replace("@LAB@", lab).replace("@PORT@", &SERVICE_PORT.to_string());
            machine.write(&format!("overlay/{SERVICE_SCRIPT}"), &service)?;
            let server = format!("#!/bin/sh\nexec {lab} echo {SERVICE_PORT} \"$(hostname)\"\n");
            machine.write(&format!("overlay{SERVER}"), &server)?;
        }
        Ok(machine)
    }

    /// Writes an executable file into the machine's folder; what lies below `overlay/` it sees at its root.
    pub fn write(&self, path: &str, text: &str) -> Fallible<()> {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().ok_or("a path without a folder")?)?;
        fs::write(&path, text)?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
    }

    /// Its address on the lab's network.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its folder, at the same place inside and outside.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state folder of its node, seen from outside.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Switches it on with a new boot id, and starts the echo on it. Does nothing if it is on.
    pub fn boot(&mut self) -> Fallible<()> {
        self.power = Power::On;
        if self.init.is_some() {
            return Ok(());
        }
        self.bury()?;
        self.network.forget(&self.name);
        let namespace = self.network.of(&self.name);
        shell::line(&format!("ip netns add {namespace}"))?;
        self.network.cable(&self.name, &namespace, &format!("{}/24", self.address))?;
        fs::create_dir_all(&self.cgroup)?;
        fs::copy("/proc/sys/kernel/random/uuid", self.folder.join("boot_id"))?;
        let ready = self.folder.join("ready");
        let _ = fs::remove_file(&ready);
        let parent = self.start_init(&namespace)?;
        let children = format!("/proc/{0}/task/{0}/children", parent.id());
        self.parent = Some(parent);
        let name = self.name.clone();
        let init = until(&format!("{name} boots"), PATIENCE, || {
            if !ready.exists() {
                return Ok(None);
            }
            let child = fs::read_to_string(&children)?.trim().parse().ok().and_then(Pid::from_raw);
            Ok(child)
        });
        let log = fs::read_to_string(self.folder.join("init.log")).unwrap_or_default();
        self.init = Some(init.map_err(|trouble| format!("{trouble}: {log}"))?);
        match self.programs.aboard.clone() {
            Aboard::Nothing => Ok(()),
            Aboard::Echo(program) => {
                let program = program.display().to_string();
                self.start(&[&program, "echo", &ECHO_PORT.to_string(), &name], "echo.log")
            }
        }
    }

    fn start_init(&self, namespace: &str) -> Fallible<Child> {
        let log = File::create(self.folder.join("init.log"))?;
        let mount = shell::cgroup_mount().ok_or("cgroup v2 is not mounted")?;
        let script = "echo $$ >$1/cgroup.procs; shift; exec \"$@\"";
        let child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&self.cgroup)
            .args(["nsenter", &format!("--net=/run/netns/{namespace}")])
            .args(["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--kill-child"])
            .arg(self.folder.join("node_init.sh"))
            .arg(&self.name)
            .arg(&self.folder)
            .arg(mount)
            .arg(&self.cgroup)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        Ok(child)
    }

    /// `words` as a command that runs on this machine. Errors: it is off.
    pub fn command(&self, words: &[&str]) -> Fallible<Command> {
        let init = self.init.ok_or_else(|| format!("{} is off", self.name))?;
        let script = "echo $$ >$1/cgroup.procs; shift; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(&self.cgroup);
        command.args(["nsenter", "-t", &init.as_raw_nonzero().to_string()]);
        command.args(["-m", "-p", "-u", "-n", "-i", "-C", "--"]).args(words);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        Ok(command)
    }

    /// Starts `words` on it, with their output in `log` in its folder.
    pub fn start(&mut self, words: &[&str], log: &str) -> Fallible<()> {
        let log = File::options().create(true).append(true).open(self.folder.join(log))?;
        let mut command = self.command(words)?;
        let child = command.stdout(log.try_clone()?).stderr(log).process_group(0).spawn()?;
        self.children.push(child);
        Ok(())
    }

    /// Starts its daemon.
    pub fn start_daemon(&mut self) -> Fallible<()> {
        let haven = self.programs.haven.display().to_string();
        self.start(&[&haven, DAEMON_WORD], "daemon.log")
    }

    /// What its daemons have printed, over all their lives; nothing if none was ever started.
    pub fn daemon_log(&self) -> Fallible<String> {
        match fs::read(self.folder.join("daemon.log")) {
            // One that dies within a letter prints half of it.
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Its first process, as the host numbers it, while it is up.
    pub fn init(&self) -> Option<i32> {
        Some(self.init?.as_raw_nonzero().get())
    }

    /// The path of the daemon's socket, seen from outside.
    pub fn socket(&self) -> Option<PathBuf> {
        let init = self.init?.as_raw_nonzero();
        Some(Path::new("/proc").join(init.to_string()).join("root").join("run/haven/haven.sock"))
    }

    /// Whether its first process runs: nothing runs on a machine that has crashed, though it may have power.
    pub fn is_up(&self) -> bool {
        self.init.is_some()
    }

    /// Its boot, while it is up.
    pub fn boot_id(&self) -> Option<String> {
        self.init?;
        Some(fs::read_to_string(self.folder.join("boot_id")).ok()?.trim().to_owned())
    }

    /// Whether it has power, as a BMC would know.
    pub fn power(&self) -> Power {
        self.power
    }

    /// It dies at once, with everything that runs on it, and its link goes down. It keeps its power, as a machine whose
    /// kernel has crashed.
    pub fn crash(&mut self) -> Fallible<Instant> {
        let at = Instant::now();
        if let Some(init) = self.init.take() {
            let _ = kill_process(init, Signal::KILL);
            // A wrapper stops itself when what it wraps is stopped. It would never see the end of it, and the machine
            // ends only when everybody's end was seen.
            for child in &mut self.children {
                let _ = child.kill();
            }
            self.network.link(&self.name, "down")?;
            self.ended.extend(self.parent.take());
            self.ended.append(&mut self.children);
            // Dead is who runs no more. That everybody's end was seen takes a second more, of whoever adopts orphans on
            // this computer, and no power switch would wait for it.
            let nobody = || Ok(self.pids()?.iter().all(|pid| *pid == init).then_some(()));
            until(&format!("{} is dead", self.name), PATIENCE, nobody)?;
        }
        Ok(at)
    }

    /// Waits for the end of what died in earlier boots.
    fn bury(&mut self) -> Fallible<()> {
        for mut child in self.ended.drain(..) {
            child.wait()?;
        }
        Ok(())
    }

    /// The same by its BMC: it has no power afterwards.
    pub fn switch_off(&mut self) -> Fallible<()> {
        self.crash()?;
        self.power = Power::Off;
        Ok(())
    }

    /// Every process of it, as this computer numbers them, the first process not among them.
    pub fn pids(&self) -> Fallible<Vec<Pid>> {
        let mut found = Vec::new();
        collect(&self.cgroup, &mut found)?;
        // Wrappers stand outside; who has ended here may have one that waits for it.
        let wrappers: Vec<u32> = self.parent.iter().chain(&self.ended).map(Child::id).collect();
        let wraps = |pid: &Pid| u32::try_from(pid.as_raw_nonzero().get()).is_ok_and(|pid| wrappers.contains(&pid));
        found.retain(|pid| Some(*pid) != self.init && !wraps(pid));
        Ok(found)
    }

    /// Its processes that run `haven` with `word` first.
    pub fn running(&self, word: &str) -> Fallible<Vec<Pid>> {
        let haven = self.programs.haven.as_os_str().as_encoded_bytes();
        let runs = |pid: &Pid| {
            let words = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            let mut words = words.split(|byte| *byte == 0);
            words.next() == Some(haven) && words.next() == Some(word.as_bytes())
        };
        Ok(self.pids()?.into_iter().filter(runs).collect())
    }

    /// Whether its daemon runs, or is about to: what starts it waits for its end.
    pub fn has_daemon(&self) -> bool {
        let haven = self.programs.haven.as_os_str().as_encoded_bytes();
        let starts = |child: &Child| {
            // One that has ended, and was not waited for, has no words.
            let words = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
            let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
            words.ends_with(&[haven, DAEMON_WORD.as_bytes(), b""])
        };
        self.children.iter().any(starts)
    }

    /// Sends a signal to the processes that stand outside and wait for what they have started on it. They stop when that
    /// is stopped, and what they hand on when they go on is going on.
    pub fn signal_wrappers(&self, signal: Signal) {
        for pid in self.children.iter().filter_map(|child| i32::try_from(child.id()).ok()).filter_map(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Sends a signal to every process of it but the first.
    pub fn signal(&self, signal: Signal) -> Fallible<()> {
        for pid in self.pids()? {
            let _ = kill_process(pid, signal);
        }
        Ok(())
    }
}

fn collect(folder: &Path, found: &mut Vec<Pid>) -> Fallible<()> {
    let text = fs::read_to_string(folder.join("cgroup.procs"))?;
    found.extend(text.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw));
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), found)?;
        }
    }
    Ok(())
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.crash();
        let _ = self.bury();
        if let Some(mut parent) = self.parent.take() {
            let _ = parent.kill();
            let _ = parent.wait();
        }
        self.network.forget(&self.name);
        sweep::remove(&self.cgroup);
    }
}
