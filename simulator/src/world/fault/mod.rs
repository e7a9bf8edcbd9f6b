//! Faults as data: what scenario files and fault schedules say, one line each.
//!
//! Never: a fault that text cannot express, or text that does not come back as the same fault.
//!
//! | line | meaning |
//! | --- | --- |
//! | `cut n1>n2` `cut n1-n2 link 0 datagrams` | nothing, or only the named traffic (`datagrams`, `calls`, `large`), gets through |
//! | `heal n1-* link 0` `heal-links` | ends cuts; ends whatever is wrong with any path |
//! | `partition n1 n2 / n3` | cuts everything between the sides |
//! | `path n1>n2 delay 1ms..5ms` (`jitter 50 20ms`, `loss 30`, `duplicates 5`, `reorder 10`, `bandwidth 64000`) | changes paths; rates are per mille and bytes per second |
//! | `power-on n1` `power-off n1` `reset n1` `pull-plug n1` `restore-plug n1` | power |
//! | `stays-off n1` `starts-again n1` | what its firmware does once there is electricity again |
//! | `crash n1` `crash n1 reboot 5s` | the kernel panics |
//! | `kill-daemon n1` `kill-daemon n1 restart 500ms` `start-daemon n1` | the daemon dies, is started |
//! | `freeze-daemon n1` `freeze-daemon n1 mid-feed` `thaw-daemon n1` | SIGSTOP, SIGCONT |
//! | `freeze-daemon n1 before fence_` | the same, at the moment at which it is about to start such a program |
//! | `freeze-programs n1` `thaw-programs n1` | the same for all programs that its agents run |
//! | `no-cgroups n1` `cgroups n1` | its kernel's cgroups cannot be used or read, and can be again |
//! | `stand-still n1` `go-on n1` | the machine and its clock stop, go on |
//! | `clock-rate n1 5000` `wall-clock n1 -3600s` | parts per million, a jump |
//! | `agent n2 db start hang` `agent * db monitor stale 3s` `agent n2 db stop well` | see [`Ailment`] |
//! | `die n2 db` `autostart n2 db unit` | a resource ends by itself; is started by the boot |
//! | `device bmc-n1 early 3s` or `bmc n1 early 3s` | see [`DeviceAil`] |
//! | `claim 10.0.0.100 for 300ms` | a machine that is not of the cluster announces an address, for so long |
//! | `disk n1 ...` | whatever the model of the disks understands |
//! | `heal-all` | ends every fault, and starts what is off |

mod parse;
mod show;
#[cfg(test)]
mod tests;

use haven_core::ids::{LinkId, NodeId};
use haven_core::units::Millis;

use super::config::{Bandwidth, Micros, PerMille};
use super::daemon::{FreezePoint, Restart};
use super::machine::AfterCrash;

/// One thing that goes wrong, or right again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Cuts paths.
    Cut {
        /// Which.
        pair: Pair,
        /// On one link, or on all.
        link: Option<LinkId>,
        /// For what.
        cut: Cut,
    },
    /// Ends all cuts of paths.
    Heal {
        /// Which.
        pair: Pair,
        /// On one link, or on all.
        link: Option<LinkId>,
    },
    /// Ends all cuts, and lets every path behave as at first.
    HealLinks,
    /// Cuts everything between the sides, in both directions, on all links. A machine on no side is on all of them.
    Partition(Vec<Vec<NodeId>>),
    /// Changes how paths behave.
    Path {
        /// Which.
        pair: Pair,
        /// On one link, or on all.
        link: Option<LinkId>,
        /// In what.
        change: PathChange,
    },
    /// Switches a machine on.
    PowerOn(NodeId),
    /// Switches a machine off.
    PowerOff(NodeId),
    /// Resets a machine.
    Reset(NodeId),
    /// Pulls all cords of a machine.
    PullPlug(NodeId),
    /// Puts them back.
    RestorePlug(NodeId),
    /// A machine stays off once it has had no electricity, until something switches it on.
    StaysOff(NodeId),
    /// It starts again when it has electricity, as before.
    StartsAgain(NodeId),
    /// The kernel of a machine panics.
    Crash {
        /// Whose.
        node: NodeId,
        /// What it does then.
        then: AfterCrash,
    },
    /// A daemon is killed.
    KillDaemon {
        /// Whose.
        node: NodeId,
        /// What the service manager does then.
        restart: Restart,
    },
    /// A daemon is started where there is none.
    StartDaemon(NodeId),
    /// A daemon is stopped.
    FreezeDaemon {
        /// Whose.
        node: NodeId,
        /// Where.
        point: FreezePoint,
    },
    /// A stopped daemon goes on.
    ThawDaemon(NodeId),
    /// The programs of a machine are stopped (SIGSTOP), with the jobs of its service manager. Their clock goes on.
    FreezePrograms(NodeId),
    /// They go on.
    ThawPrograms(NodeId),
    /// The cgroups of a machine can neither be used nor read.
    NoCgroups(NodeId),
    /// They can be again.
    Cgroups(NodeId),
    /// A machine stops together with its clock.
    StandStill(NodeId),
    /// A machine that stands still goes on.
    GoOn(NodeId),
    /// A clock runs at another rate from now on.
    ClockRate {
        /// Whose.
        node: NodeId,
        /// Parts per million, more is faster.
        ppm: i64,
    },
    /// A wall clock jumps.
    WallClock {
        /// Whose.
        node: NodeId,
        /// By so many milliseconds.
        ms: i64,
    },
    /// An agent has an ailment.
    Agent {
        /// On one machine, or on all.
        node: Option<NodeId>,
        /// The resource's instance.
        resource: String,
        /// Which of its actions.
        op: AgentOp,
        /// What is wrong with it.
        ailment: Ailment,
    },
    /// A resource ends by itself.
    Die {
        /// Where.
        node: NodeId,
        /// The resource's instance.
        resource: String,
    },
    /// A machine's own boot starts a resource, or does so no more.
    Autostart {
        /// Which machine's.
        node: NodeId,
        /// The resource's instance.
        resource: String,
        /// By what.
        way: Autostart,
    },
    /// A fence device has an ailment.
    Device {
        /// Its name.
        device: String,
        /// What is wrong with it.
        ail: DeviceAil,
    },
    /// A machine that is not of the cluster announces an address, and falls silent again.
    Claim {
        /// Which address, without the length of a prefix.
        address: String,
        /// For how long.
        span: Millis,
    },
    /// A disk has a fault; [`super::Disks::fault`] reads the order.
    Disk {
        /// Whose.
        node: NodeId,
        /// The fault, in the words of the model of the disks.
        order: String,
    },
    /// Ends every fault, switches everything on and starts every daemon. What was changed for good stays: wall clocks,
    /// autostart, and what runs.
    HealAll,
}

/// Paths, by where they begin and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Where they begin; `None` is everywhere.
    pub from: Option<NodeId>,
    /// Where they end; `None` is everywhere.
    pub to: Option<NodeId>,
    /// Whether those back are meant, too.
    pub way: Way,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// There.
    There,
    /// There and back.
    Both,
}

/// What a cut cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Everything.
    All,
    /// Datagrams: heartbeats.
    Datagrams,
    /// Calls: log entries, snapshots, requests.
    Calls,
    /// Everything longer than a heartbeat, as behind a broken path MTU.
    Large,
}

/// How a path changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathChange {
    /// The shortest and the longest way.
    Delay(Micros, Micros),
    /// How many messages take how much longer at most.
    Jitter(PerMille, Micros),
    /// How many packets are lost.
    Loss(PerMille),
    /// How many messages arrive twice.
    Duplicates(PerMille),
    /// How many messages are overtaken.
    Reorder(PerMille),
    /// How much fits through.
    Bandwidth(Bandwidth),
}

/// What an agent is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentOp {
    /// `start`.
    Start,
    /// `stop`.
    Stop,
    /// `monitor`.
    Monitor,
    /// `promote`.
    Promote,
    /// `demote`.
    Demote,
    /// `migrate_to`.
    Migrate,
}

impl AgentOp {
    const ALL: [Self; 6] = [Self::Start, Self::Stop, Self::Monitor, Self::Promote, Self::Demote, Self::Migrate];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Monitor => "monitor",
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Migrate => "migrate",
        }
    }
}

/// What is wrong with one action of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// Nothing.
    Well,
    /// It fails with this code and changes nothing. 5 is hopeless: not installed.
    Fail(i32),
    /// It fails with this code, and has done it all the same.
    FailHalfway(i32),
    /// It hangs, and ends at KILL only.
    Hang,
    /// It waits in the kernel, no signal ends it, and it does its work after this time. As a job of a unit it does the
    /// same, without a process [S-5, H-25].
    Stuck(Millis),
    /// It takes so many times as long.
    Slow(u64),
    /// A monitor that reports for this time what was true when the fault began.
    Stale(Millis),
}

impl Ailment {
    /// It fails as an agent does whose software is not installed: on this machine it never succeeds.
    pub const HOPELESS: Self = Self::Fail(5);
}

/// What starts a resource at boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autostart {
    /// Nothing.
    Off,
    /// The enabled unit `<resource>.service`.
    Unit,
    /// A line of `/etc/fstab` that mounts `/srv/<resource>`.
    Fstab,
    /// `/etc/libvirt/qemu/autostart/<resource>.xml`.
    Libvirt,
}

impl Autostart {
    const ALL: [Self; 4] = [Self::Off, Self::Unit, Self::Fstab, Self::Libvirt];

    const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Unit => "unit",
            Self::Fstab => "fstab",
            Self::Libvirt => "libvirt",
        }
    }
}

/// What is wrong with a fence device. Several may be at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceAil {
    /// Nothing any more, cabling included.
    Well,
    /// Nobody reaches it.
    Unreachable,
    /// One machine does not reach it.
    UnreachableFrom(NodeId),
    /// It refuses to switch.
    Refuses,
    /// It lets nobody in, and says so at once: its password is another one.
    Denies,
    /// It says that it has switched, and does not.
    Lies,
    /// It reads Off up to this long before the machine is off.
    Early(Millis),
    /// It goes on reading what was true for up to this long.
    Late(Millis),
    /// Off takes up to this much longer.
    Slow(Millis),
    /// Every login takes this much longer.
    Latency(Millis),
    /// It switches on again by itself, this long after off.
    AutoOn(Millis),
    /// It, or one of its outlets, is wired to another machine. An outlet that fed several feeds this one only.
    Wired {
        /// The outlet; `None` for a BMC.
        outlet: Option<String>,
        /// The machine that it does switch.
        node: NodeId,
    },
}

/// Why a fault cannot be read or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault `{text}` cannot be understood: {why}")]
pub struct BadFault {
    /// The fault.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}
