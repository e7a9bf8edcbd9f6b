//! The machine that a node runs on, as agents see it: programs in cgroups, and requests as data.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use haven_core::ids::BootId;
use haven_core::units::{Millis, Monotonic};

use crate::{BoxFuture, Secret};

/// Output of a program that is kept, in bytes per stream; the rest is read and thrown away.
pub const OUTPUT_MAX: usize = 64 * 1024;
/// Names of a folder that are kept: far more than any folder of agents or units has.
pub const NAMES_MAX: usize = 16 * 1024;
/// Where the names are installed under which OCF agents call the cluster, such as `crm_attribute`.
pub const FACES: &str = "/usr/lib/haven/faces";

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// Absolute path.
    pub path: String,
    /// Arguments after the program's name. Never a secret: every user of the machine can read them.
    pub args: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// Environment variables that are secret; shown as `***`.
    pub secret_env: BTreeMap<String, Secret>,
    /// What it reads on standard input; may hold secrets, hence shown as `***`.
    pub stdin: Secret,
    /// When it is told to end, and [`Program::grace`] later killed.
    pub deadline: Millis,
    /// When it must have begun, on this machine's clock. Checked last in the new process itself, so that a daemon that
    /// is frozen between its decision and the start begins nothing late [S-11]. `None`: any time will do.
    pub latest: Option<Monotonic>,
    /// Time between TERM and KILL.
    pub grace: Millis,
    /// The cgroup in which it and all its children run: the action's id, of letters, digits and `._:-`, beginning with
    /// a letter or digit. `None`: the daemon's own, for programs whose children do no harm.
    pub group: Option<String>,
    /// Whether the kernel ends it at the deadline even if the daemon is frozen: for programs that switch power.
    pub guard: Guard,
}

/// Who enforces a program's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The daemon.
    Daemon,
    /// The kernel as well, by a timer that no frozen daemon holds up.
    Kernel,
}

impl Program {
    /// `path` with `args`, a clean environment, and `deadline`.
    pub fn new(path: impl Into<String>, args: impl IntoIterator<Item = impl Into<String>>, deadline: Millis) -> Self {
        Self {
            path: path.into(),
            args: args.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            secret_env: BTreeMap::new(),
            stdin: Secret::default(),
            deadline,
            latest: None,
            grace: Millis::secs(2),
            group: None,
            guard: Guard::Daemon,
        }
    }
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With this code.
    Exited(i32),
    /// By this signal, which nobody here sent.
    Signalled(i32),
    /// It was ended at its deadline. What it had done by then is unknown.
    TimedOut,
    /// It did not start and never will; the text says why.
    NotStarted(String),
    /// [`Program::latest`] had passed: it did nothing.
    TooLate,
}

/// What is left of a cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupState {
    /// No process.
    Empty,
    /// At least one process that did not end.
    Lingering,
    /// This machine has no cgroups, so nobody knows.
    Unknown,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// How the program itself ended.
    pub ended: Ended,
    /// The beginning of what it printed, at most [`OUTPUT_MAX`] bytes.
    pub stdout: Vec<u8>,
    /// The beginning of what it complained, at most [`OUTPUT_MAX`] bytes.
    pub stderr: Vec<u8>,
    /// What is left of its cgroup; [`GroupState::Empty`] if it had none of its own.
    pub group: GroupState,
}

/// A request that a native agent makes of the machine, as data, so that the simulator can answer it, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The addresses of an interface, or of all: `family/prefix` texts per interface.
    Addresses,
    /// Adds an address to an interface. Succeeds if it is there already. It can be used at once: the kernel does not
    /// look for duplicates of an IPv6 address, so [`Request::AddressProbe`] comes first.
    AddressAdd {
        /// Interface name.
        interface: String,
        /// Address with prefix length, such as `10.77.0.200/24`.
        address: String,
        /// Broadcast address of an IPv4 address; `None`: the last one of its network.
        broadcast: Option<String>,
        /// Label for tools that show one; at most 15 bytes, IPv4 only.
        label: Option<String>,
        /// When it must be asked for, see [`Program::latest`].
        latest: Option<Monotonic>,
    },
    /// Removes an address. Succeeds if it is not there. Nothing announces it any more, see [`Request::AddressAnnounce`].
    AddressRemove {
        /// Interface name.
        interface: String,
        /// Address with prefix length.
        address: String,
    },
    /// Asks on the wire whether another machine has the address: an ARP probe without a sender address (RFC 5227), or
    /// a neighbour solicitation from the unspecified address (RFC 4862). Answers [`Reply::Conflict`] at once, or
    /// [`Reply::NoConflict`] after `wait`.
    AddressProbe {
        /// Interface name.
        interface: String,
        /// Address without prefix length.
        address: String,
        /// How long to listen.
        wait: Millis,
    },
    /// Tells the neighbours who has the address now (gratuitous ARP as request and as reply, unsolicited neighbour
    /// advertisement). Answers after the first; the others follow 200 ms apart, as long as the address is still here.
    /// From then on, and until [`Request::AddressRemove`] or the end of this daemon life, the host announces the address
    /// again when another machine claims it, by the rule of `haven_agents::Defence`. Nobody is told but the neighbours.
    AddressAnnounce {
        /// Interface name.
        interface: String,
        /// Address without prefix length.
        address: String,
        /// How often, at least 1.
        count: u32,
    },
    /// The interface whose network contains the address.
    InterfaceFor {
        /// Address without prefix length.
        address: String,
    },
    /// A call to the service manager over D-Bus.
    Unit {
        /// What to do.
        verb: UnitVerb,
        /// The unit, such as `nginx.service`.
        unit: String,
        /// Longest wait for the job.
        deadline: Millis,
        /// When it must be asked for, see [`Program::latest`].
        latest: Option<Monotonic>,
    },
    /// The beginning of a file, at most [`OUTPUT_MAX`] bytes.
    ReadFile {
        /// Absolute path.
        path: String,
    },
    /// The names in a folder, sorted, at most [`NAMES_MAX`].
    ReadFolder {
        /// Absolute path.
        path: String,
    },
}

/// What the service manager is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitVerb {
    /// Start it and wait for the job.
    Start,
    /// Stop it and wait for the job.
    Stop,
    /// Its active state, and whether a job is queued for it.
    Status,
    /// Whether it starts at boot.
    IsEnabled,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    Done,
    /// Interface and address with prefix length, one pair each.
    Addresses(Vec<(String, String)>),
    /// The hardware address that answered.
    Conflict(String),
    /// Nobody answered.
    NoConflict,
    /// An interface.
    Interface(String),
    /// A unit's state.
    Unit(UnitState),
    /// A file's beginning.
    Bytes(Vec<u8>),
    /// Names.
    Names(Vec<String>),
}

/// What the service manager says of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitState {
    /// `active`, `inactive`, `failed`, `activating`, ...; empty if it was not asked.
    pub active: String,
    /// `running`, `dead`, `exited`, ...; empty if it was not asked.
    pub sub: String,
    /// The result of the job that was waited for: `done`, `failed`, `timeout`, ...; empty if there was none.
    pub job_result: String,
    /// Whether a job is queued: then nothing about the unit is settled.
    pub job_queued: JobQueued,
    /// What is left of the unit's own cgroup: a unit may be called inactive while processes of it live on.
    pub processes: GroupState,
    /// `enabled`, `disabled`, `static`, `masked`, ...; empty if it was not asked.
    pub enabled: String,
}

/// Whether the service manager has a job queued for a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobQueued {
    /// It has.
    Yes,
    /// It has not.
    No,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// The thing asked for does not exist on this machine.
    NotFound(String),
    /// This machine cannot do that at all; the text says what is missing.
    Unsupported(String),
    /// The deadline passed; what was done by then is unknown.
    TimedOut(String),
    /// The time by which it had to be asked for had passed: nothing was done.
    TooLate,
    /// Anything else.
    Failed(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "{what} does not exist here"),
            Self::Unsupported(what) => write!(f, "this machine cannot do it: {what}"),
            Self::TimedOut(what) => write!(f, "{what} did not end in time"),
            Self::TooLate => f.write_str("it is too late to begin"),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for HostError {}

/// One machine.
pub trait Host: Debug + Send + Sync + 'static {
    /// The kernel's boot.
    fn boot_id(&self) -> BootId;

    /// Runs a program to its end, or to its deadline. Dropping the future changes nothing for the program: it goes on
    /// to its end or deadline.
    fn run(&self, program: Program) -> BoxFuture<'_, RunReport>;

    /// Whether a program can be run: it exists and is executable.
    fn has_program(&self, path: &str) -> bool;

    /// The folder with the names under which OCF agents call the cluster.
    fn faces(&self) -> String {
        FACES.to_owned()
    }

    /// Answers a request.
    fn request(&self, request: Request) -> BoxFuture<'_, Result<Reply, HostError>>;

    /// Waits.
    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()>;

    /// The cgroups of actions that still have processes, those of earlier daemon lives included; sorted. `Unknown`
    /// machines return an error, and no status read there is proof of anything before another boot [S-5].
    fn groups(&self) -> Result<Vec<String>, HostError>;

    /// Kills every process of a cgroup and waits a moment for them to end.
    fn kill_group(&self, group: &str) -> BoxFuture<'_, GroupState>;

    /// Keeps a small value until the next boot, not longer: across daemon lives, in memory.
    fn remember(&self, key: &str, value: &[u8]);

    /// What was remembered under `key` on this boot.
    fn recall(&self, key: &str) -> Option<Vec<u8>>;

    /// Ends this boot at once, without syncing anything: what is still in memory must not reach a disk.
    fn reset_now(&self, why: &str);
}
