//! Machines of a test: a state folder, a port, and a daemon while it runs.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use haven_api::model::{TokenAsk, TokenGiven};
use haven_api::{ApiError, Client, ClientError};
use haven_core::control::Command as Order;
use haven_core::event::MemberKind;
use haven_core::ids::NodeId;
use haven_core::spec::Profile;
use haven_core::state::{ClusterState, Standing};
use haven_core::units::Millis;
use haven_daemon::folder::{Card, Folders, MachineOptions, OnDeath};
use haven_daemon::setup::{self, Advertise, Init, Join, SetupError};
use haven_tests::lab::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longest wait for anything: two elections and a readmission on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// One machine.
pub(crate) struct Machine {
    pub(crate) name: NodeId,
    pub(crate) folders: Folders,
    pub(crate) folder: PathBuf,
    port: u16,
    /// What stands for the service manager's socket.
    manager: UnixDatagram,
    daemon: Option<Child>,
    runtime: tokio::runtime::Runtime,
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Machine {
    /// A machine that belongs to no cluster. Its name is unique among all tests, since its cgroups are named by it.
    pub(crate) fn new(name: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = NodeId::new(&format!("{name}-{}-{number}", std::process::id())).unwrap();
        let folder = std::env::temp_dir().join(format!("haven-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let folders = Folders { state: folder.join("state"), run: folder.join("run") };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let manager = UnixDatagram::bind(folder.join("notify")).unwrap();
        manager.set_nonblocking(true).unwrap();
        Self { name, folders, folder, port: free_port(), manager, daemon: None, runtime }
    }

    fn links(&self) -> Vec<haven_daemon::folder::CardLink> {
        let address: Advertise = format!("127.0.0.1:{}", self.port).parse().unwrap();
        setup::addresses(&[address], &[]).unwrap()
    }

    fn options() -> MachineOptions {
        MachineOptions { watchdog: String::new(), on_death: OnDeath::KillNode, ..MachineOptions::default() }
    }

    /// Founds a cluster here.
    pub(crate) fn init(&self) -> Result<Card, SetupError> {
        let init = Init {
            name: "bench".to_owned(),
            node: self.name.clone(),
            links: self.links(),
            profile: Profile::Lan,
            machine: Self::options(),
        };
        self.runtime.block_on(setup::init(&self.folders, init))
    }

    /// Joins with a token.
    pub(crate) fn join(&self, token: &str) -> Result<Card, SetupError> {
        let join = Join {
            token: token.to_owned(),
            node: self.name.clone(),
            links: self.links(),
            machine: Self::options(),
            kind: None,
        };
        self.runtime.block_on(setup::join(&self.folders, join))
    }

    /// Starts the daemon; its log goes to the file `log` of the machine's folder.
    pub(crate) fn start(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        self.start_saying(log.try_clone().unwrap(), log);
    }

    /// Starts the daemon with these for its standard output and its standard error.
    pub(crate) fn start_saying(&mut self, output: impl Into<Stdio>, lines: impl Into<Stdio>) {
        let child = Command::new(haven_tests::haven().unwrap())
            .arg("daemon")
            .arg("--state")
            .arg(&self.folders.state)
            .arg("--run")
            .arg(&self.folders.run)
            .env("NOTIFY_SOCKET", self.folder.join("notify"))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(lines)
            .spawn()
            .unwrap();
        self.daemon = Some(child);
    }

    /// The daemon's process.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("a daemon runs").id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    /// Waits for the daemon to end by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut child = self.daemon.take().expect("a daemon runs");
        let ended = until("the daemon ends", PATIENCE, || Ok(child.try_wait()?));
        if ended.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        ended.unwrap_or_else(|error| panic!("{error}; it said:\n{}", self.log()))
    }

    /// The end that SIGTERM leads to.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Ends the daemon without a word.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.ended().signal(), Some(9));
    }

    /// What the daemon has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// What the daemon has told the service manager since this was asked last.
    pub(crate) fn told_manager(&self) -> Vec<String> {
        let mut bytes = [0; 1024];
        let next = || {
            let count = self.manager.recv(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
        };
        std::iter::from_fn(next).collect()
    }

    /// Waits until the daemon has logged this.
    #[track_caller]
    pub(crate) fn says(&self, what: &str) {
        until(&format!("{} says `{what}`", self.name), PATIENCE, || Ok(self.log().contains(what).then_some(())))
            .unwrap();
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.folders.socket())
    }

    /// Runs a call of the client to its end.
    pub(crate) fn ask<T>(&self, call: impl AsyncFnOnce(Client) -> Result<T, ClientError>) -> Result<T, ClientError> {
        self.runtime.block_on(call(self.client()))
    }

    pub(crate) fn state(&self) -> Result<ClusterState, ClientError> {
        self.ask(async |client| client.state(None).await)
    }

    /// Waits until the state as this machine has it is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&ClusterState) -> bool) -> ClusterState {
        let found = until(what, PATIENCE, || {
            let state = self.state()?;
            Ok(wanted(&state).then_some(state))
        });
        found.unwrap_or_else(|error| panic!("{} of {}: {error}; its log ends:\n{}", what, self.name, tail(&self.log())))
    }

    /// Whether this machine leads, by its own metrics.
    pub(crate) fn leads(&self) -> bool {
        let metrics = self.ask(async |client| client.metrics().await).unwrap_or_default();
        metrics.lines().any(|line| line == "haven_raft_leader 1")
    }

    pub(crate) fn order(&self, order: &Order) -> Result<(), ApiError> {
        self.ask(async |client| client.command(order).await).map(drop).map_err(|error| error.to_api())
    }

    /// As [`Machine::order`], again and again while nobody leads.
    #[track_caller]
    pub(crate) fn insist(&self, order: &Order) {
        until("a command is committed", PATIENCE, || match self.order(order) {
            Ok(()) => Ok(Some(())),
            Err(error) => Err(format!("{}: {}", error.code, error.message).into()),
        })
        .unwrap();
    }

    /// Makes a join token.
    #[track_caller]
    pub(crate) fn token(&self, kind: MemberKind) -> String {
        let ask = TokenAsk { kind, span: Millis::secs(3600) };
        let given: TokenGiven =
            until("a token", PATIENCE, || Ok(Some(self.ask(async |client| client.issue_token(ask).await)?))).unwrap();
        given.token
    }

    /// Waits until this machine takes part, as `seen_by` has it.
    #[track_caller]
    pub(crate) fn online(&self, seen_by: &Self) -> ClusterState {
        seen_by.until(&format!("{} online", self.name), |state| standing(state, &self.name) == Some(Standing::Online))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        kill_left(&self.folder, self.name.as_str());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Ends what actions have left in cgroups of the node.
fn kill_left(_: &Path, node: &str) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).and_then(|line| line.split(' ').nth(4));
    let Some(mount) = mount else { return };
    let base = Path::new(mount).join("haven").join(node);
    let _ = fs::write(base.join("cgroup.kill"), "1");
}

pub(crate) fn standing(state: &ClusterState, node: &NodeId) -> Option<Standing> {
    state.members.get(node).map(|member| member.standing.clone())
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// A cluster of `count` machines, all of them online.
pub(crate) fn cluster(count: usize) -> Vec<Machine> {
    let mut machines = vec![Machine::new("m1")];
    machines[0].init().unwrap();
    machines[0].start();
    machines[0].online(&machines[0]);
    for number in 2..=count {
        let mut machine = Machine::new(&format!("m{number}"));
        let token = machines[0].token(MemberKind::Full);
        machine.join(&token).unwrap();
        machine.start();
        machine.online(&machines[0]);
        machines.push(machine);
    }
    if count >= 3 {
        machines[0].until("three vote", |state| state.voters().len() >= 3 && state.voting.sets.len() == 1);
    }
    machines
}

/// Which of the machines leads.
#[track_caller]
pub(crate) fn leader(machines: &[Machine]) -> usize {
    until("somebody leads", PATIENCE, || Ok(machines.iter().position(Machine::leads))).unwrap()
}
