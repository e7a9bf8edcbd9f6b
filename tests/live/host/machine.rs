//! What every live test needs: a host of its own, namespaces, and a way to skip.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use haven_agents::{Answer, Call, Verb};
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::AgentName;
use haven_core::units::Millis;
use haven_daemon::host::{Bus, HostSettings, ProcessHost};
use haven_env::{GroupState, Host, Program};
pub use haven_tests::skip::{installed, skip};

/// The program that acts as launcher and as faces.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_live-host-program");
/// Set inside a namespace to the name of the test that made it.
const INSIDE: &str = "HAVEN_TEST_INSIDE";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A host with a folder and cgroups of its own, which go when it does.
pub struct Machine {
    pub host: ProcessHost,
    pub folder: PathBuf,
    node: NodeId,
}

impl Machine {
    /// Must be called on a runtime.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut HostSettings)) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let node = NodeId::new(&format!("t{}-{number}", std::process::id())).unwrap();
        let folder = std::env::temp_dir().join(format!("haven-live-{node}"));
        fs::create_dir_all(&folder).unwrap();
        let mut settings = settings(&node, &folder);
        change(&mut settings);
        Self { host: ProcessHost::open(settings).unwrap(), folder, node }
    }

    /// Another life of the daemon on the same machine.
    pub fn next_life(&self) -> ProcessHost {
        ProcessHost::open(settings(&self.node, &self.folder)).unwrap()
    }

    pub fn node(&self) -> NodeId {
        self.node.clone()
    }

    /// The folder of a cgroup.
    pub fn cgroup(&self, group: &str) -> PathBuf {
        let mount = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(PathBuf::from);
        let mount = mount.into_iter().find(|mount| mount.join("cgroup.procs").exists()).unwrap();
        mount.join("haven").join(self.node.as_str()).join(group)
    }

    /// A call of an agent, in a cgroup of its own.
    pub fn call(&self, agent: &str, verb: Verb, params: &[(&str, &str)]) -> Call {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Call {
            resource: ResourceId::new("r1").unwrap(),
            agent: AgentName::parse(agent).unwrap(),
            params: params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            verb,
            latest: None,
            timeout: Millis::secs(20),
            interval: Millis::ZERO,
            group: format!("9.{number}"),
            node: self.node(),
            nodes: vec![self.node()],
        }
    }

    pub async fn run(&self, agent: &str, verb: Verb, params: &[(&str, &str)]) -> Answer {
        haven_agents::run(&self.host, &self.call(agent, verb, params)).await
    }

    /// A shell program in the cgroup `1.1`.
    pub fn shell(text: &str, deadline: Millis) -> Program {
        let mut program = Program::new("/bin/sh", ["-c", text], deadline);
        program.group = Some("1.1".to_owned());
        program.grace = Millis(200);
        program.env.insert("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
        program
    }
}

fn settings(node: &NodeId, folder: &Path) -> HostSettings {
    let mut settings = HostSettings::new(node.clone());
    settings.runtime = folder.to_owned();
    settings.launcher = PathBuf::from(PROGRAM);
    settings.faces = folder.join("faces");
    settings.bus = Bus::Address("unix:path=/nonexistent".to_owned());
    settings
}

impl Drop for Machine {
    fn drop(&mut self) {
        let base = self.cgroup("");
        let _ = fs::write(base.join("cgroup.kill"), "1");
        until("the cgroups are empty", || self.host.groups().map_or(true, |groups| groups.is_empty()));
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether this process is root and has cgroups; says why not.
pub fn able(machine: &Machine) -> bool {
    match machine.host.groups() {
        Ok(_) => true,
        Err(error) => {
            skip(error);
            false
        }
    }
}

/// Runs `body` in a runtime of its own.
pub fn block_on<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body)
}

/// Runs the test `name` again in new network and mount namespaces, and `body` in there.
pub fn in_namespaces(name: &str, body: impl FnOnce()) {
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        run_line("ip link set lo up");
        body();
        return;
    }
    if !Command::new("unshare").args(["--net", "--mount", "true"]).status().is_ok_and(|status| status.success()) {
        return skip("namespaces need root");
    }
    let exe = std::env::current_exe().unwrap();
    let status = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private"])
        .arg(exe)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed in its namespaces");
}

/// Lays a writable folder over `path`, seen in this mount namespace only.
pub fn overlay(path: &str) {
    // Any folder will do that exists everywhere; what was in it is hidden from this namespace only.
    let place = "/mnt";
    run_line(&format!("mount -t tmpfs haven {place}"));
    run_line(&format!("mkdir {place}/upper {place}/work"));
    run_line(&format!("mount -t overlay haven -o lowerdir={path},upperdir={place}/upper,workdir={place}/work {path}"));
}

/// Writes an executable script.
pub fn script(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs words without a shell; panics if they fail.
pub fn run_line(line: &str) -> String {
    let Output { status, stdout, stderr } = try_line(line);
    assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

pub fn try_line(line: &str) -> Output {
    let mut words = line.split_whitespace();
    Command::new(words.next().unwrap()).args(words).output().unwrap()
}

/// Waits for something that is about to be so. Panics if it is not so within ten seconds.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is() {
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A program that ends with the test.
pub struct Background(pub Child);

impl Background {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The state of a cgroup by its folder.
pub fn state(cgroup: &Path) -> GroupState {
    match fs::read_to_string(cgroup.join("cgroup.events")) {
        Ok(text) if text.contains("populated 1") => GroupState::Lingering,
        Ok(_) | Err(_) => GroupState::Empty,
    }
}
