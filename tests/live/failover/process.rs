//! What the daemon takes for itself on a machine, and what it does where it may take nothing.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use haven_tests::lab::{self, Lab, PATIENCE, until};
use rustix::process::{Pid, Signal, kill_process};

use crate::programs;

/// A user without any rights, as every distribution has one.
const NOBODY: u32 = 65_534;
const SETPRIV: &str = "/usr/bin/setpriv";
const DUMMY: &str = "/usr/lib/ocf/resource.d/heartbeat/Dummy";

/// Real-time policy (2 is SCHED_RR), its priority, the out-of-memory score, and kilobytes of locked memory.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    policy: u32,
    priority: u32,
    oom: String,
    locked: u64,
}

/// What the machine's `/proc` says of a task.
fn taken(lab: &Lab, task: &str) -> Taken {
    let read = |name: &str| lab.run("m1", &["cat", &format!("/proc/{task}/{name}")]).unwrap();
    let stat = read("stat");
    // After the name in brackets, proc(5) counts from 3; the priority is field 40, the policy 41.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let status = read("status");
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    Taken {
        priority: fields[37].parse().unwrap(),
        policy: fields[38].parse().unwrap(),
        oom: read("oom_score_adj").trim().to_owned(),
        locked: locked.trim().trim_end_matches(" kB").parse().unwrap(),
    }
}

#[test]
fn a_daemon_of_root_takes_what_it_needs_and_hands_none_of_it_on() {
    if !lab::able(&[]) {
        return;
    }
    let lab = Lab::new(&["m1"], &programs()).unwrap();
    let haven = programs().haven.display().to_string();
    let haven = |words: &[&str]| lab.run("m1", &[&[haven.as_str()], words].concat());
    let address = lab.with("m1", |machine| machine.address().to_owned()).unwrap();
    // A machine of the lab cannot reset this computer: it has no trigger, and only its own process ids.
    let place = ["--node", "m1", "--advertise", &address, "--watchdog", "none", "--on-death", "reset-machine"];
    haven(&[&["init", "--name", "lab"][..], &place].concat()).unwrap();
    lab.with("m1", |machine| machine.start_daemon()).unwrap().unwrap();
    until("the daemon answers", PATIENCE, || Ok(haven(&["config", "show"]).ok())).unwrap();

    let log = lab.with("m1", |machine| machine.daemon_log()).unwrap().unwrap();
    let pid = lab.run("m1", &["pgrep", "-o", "-x", "haven"]).unwrap().trim().to_owned();
    let mine = taken(&lab, &pid);
    // Each is taken or said to be missing, never neither.
    let permitted = |what: &str| !log.contains(what);
    assert_eq!(mine.locked > 0, permitted("memory is not locked"), "{mine:?}\n{log}");
    assert_eq!(mine.oom == "-1000", permitted("not protected from the out-of-memory killer"), "{mine:?}\n{log}");
    let real_time = permitted("not scheduled in real time");
    let tasks = lab.run("m1", &["ls", &format!("/proc/{pid}/task")]).unwrap();
    let tasks: Vec<&str> = tasks.split_whitespace().collect();
    assert!(tasks.len() > 2, "{tasks:?}");
    for task in tasks {
        let found = taken(&lab, &format!("{pid}/task/{task}"));
        // Who writes the log's lines has time.
        let writes = lab.run("m1", &["cat", &format!("/proc/{pid}/task/{task}/comm")]).unwrap().trim() == "haven-lines";
        let expected = if real_time && !writes { (2, 10) } else { (0, 0) };
        assert_eq!((found.policy, found.priority), expected, "task {task}: {found:?}\n{log}");
    }

    haven(&["resource", "add", "srv", "lsb:some-service"]).unwrap();
    let child = lab.run("m1", &["cat", "/run/some-service.pid"]).unwrap().trim().to_owned();
    let ordinary = Taken { policy: 0, priority: 0, oom: "0".to_owned(), locked: 0 };
    assert_eq!(taken(&lab, &child), ordinary, "what it starts is an ordinary process");
}

/// A daemon of a user without rights, with its folders; it ends when it is dropped.
struct Nobody {
    folder: PathBuf,
    haven: PathBuf,
    daemon: Option<Child>,
}

impl Nobody {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("haven-nobody-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("home")).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        chown(folder.join("home"), Some(NOBODY), Some(NOBODY)).unwrap();
        // Where it was built may be closed to others.
        let haven = folder.join("haven");
        let built = programs().haven;
        fs::hard_link(&built, &haven).or_else(|_| fs::copy(&built, &haven).map(drop)).unwrap();
        Self { folder, haven, daemon: None }
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// `haven` as that user.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(SETPRIV);
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups", "--"]);
        command.arg(&self.haven).args(words).stdin(Stdio::null()).env_remove("NOTIFY_SOCKET");
        command.env("TMPDIR", self.home()).env("HOME", self.home()).current_dir("/");
        command
    }

    /// The same, with the folders of its daemon.
    fn at_home(&self, words: &[&str]) -> Command {
        let mut command = self.command(words);
        command.env("HAVEN_STATE", self.home().join("state")).env("HAVEN_RUN", self.home().join("run"));
        command
    }

    fn haven(&self, words: &[&str]) -> Result<String, String> {
        finish(&mut self.at_home(words))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn start(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let daemon = self.at_home(&["daemon"]).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.daemon = Some(daemon);
        until("the daemon answers", PATIENCE, || Ok(Some(self.haven(&["config", "show"])?)))
            .unwrap_or_else(|trouble| panic!("{trouble}\n{}", self.log()));
    }

    /// Ends the daemon as a service manager does; its code.
    fn terminate(&mut self) -> Option<i32> {
        let mut daemon = self.daemon.take().unwrap();
        // setpriv becomes what it starts.
        let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        until("the daemon ends", PATIENCE, || Ok(daemon.try_wait()?)).unwrap().code()
    }
}

/// What it printed, and whether it ended well.
fn finish(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(text) } else { Err(format!("{}: {text}", output.status)) }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn able(programs: &[&str]) -> bool {
    lab::able(&[&[SETPRIV], programs].concat())
}

#[test]
fn a_daemon_without_rights_says_what_it_may_not_and_takes_part_without_running_scripts() {
    if !able(&[DUMMY]) {
        return;
    }
    let mut nobody = Nobody::new("daemon");
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let place = ["--node", "m1", "--advertise", &address, "--watchdog", "none", "--on-death", "reset-machine"];
    nobody.haven(&[&["init", "--name", "small"][..], &place].concat()).unwrap();
    nobody.start();
    for said in ["not scheduled in real time", "not protected from the out-of-memory killer", "no cgroups"] {
        assert_eq!(nobody.log().matches(said).count(), 1, "{said}\n{}", nobody.log());
    }
    let doctor = nobody.haven(&["doctor", "--json"]).unwrap_or_else(|said| said);
    assert!(doctor.contains("their resources do not start here"), "{doctor}");

    // Whatever an agent's script leaves behind would go unseen, so nothing that it says of a stop is believed.
    let state = nobody.home().join("dummy.state");
    let param = format!("state={}", state.display());
    let held = nobody.haven(&["resource", "add", "dummy", "ocf:heartbeat:Dummy", "params", &param]).unwrap_err();
    assert!(held.contains("held"), "{held}");
    let why = nobody.haven(&["why", "dummy", "--json"]).unwrap_or_else(|said| said);
    assert!(why.contains("this machine has no cgroups"), "{why}");
    assert!(!state.exists(), "it was started");
    assert_eq!(nobody.terminate(), Some(0), "{}", nobody.log());
    nobody.start();
}

#[test]
fn the_demo_fails_over_without_rights() {
    if !able(&[]) {
        return;
    }
    let nobody = Nobody::new("demo");
    let mut demo = nobody.command(&["demo", "--script", "crash", "--exit", "--json"]);
    let output = demo.output().unwrap();
    let story = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{story}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(told["outage_s"].as_f64().is_some_and(|outage| outage > 0.0), "{told}");
}
