//! What of a script can be done to real processes, and why the rest cannot.
//!
//! For: scenarios and seeds of the simulator, whose world has clocks, disks and cables of its own.
//! Never: a fault that is done in another way than it is written, or that is left out without a word.

use std::fmt;

use haven_core::ids::LinkId;
use haven_simulator::scenario::{Action, Condition, Order};
use haven_simulator::world::{AgentOp, Ailment, Cut, DeviceAil, Fault, FreezePoint, Pair, PathChange};

use super::draw::STALE_MAX;

/// Yes, or why not.
pub(crate) type Able = Result<(), &'static str>;

const CLOCK: &str = "all machines share one clock";
const KERNEL: &str = "all machines share one kernel";
const NO_CORDS: &str = "these machines hang on no cords";
const NO_SERVICES: &str = "these machines start nothing at boot";
const NO_ADDRESS: &str = "no resource here is an address";
const ONE_CABLE: &str = "these machines have one cable each";
const ONE_KIND: &str = "heartbeats and calls are datagrams alike";
const NO_WIRES: &str = "nftables cannot do it";
const ONE_END: &str = "packets are delayed right before one machine only, from everywhere: `path *>NODE delay`";
const DISK: &str = "the kernel keeps what these disks have taken";
const UNSEEN: &str = "nobody outside a daemon sees what it is about to start";
const STRIP: &str = "there is no power strip";
const DEVICE: &str = "these devices cannot do it";
const STALE: &str = "a busy computer would make it longer than any device may lag behind";
const AGENT: &str = "this agent cannot do it";
const ITS_AGENT: &str = "its agent is not on these machines";
const LOOKED: &str = "no command says when a machine was looked at";
const INSIDE: &str = "only the simulator sees it";

/// A fault, in a cluster whose script knows so many links.
pub(crate) fn fault(fault: &Fault, links: u8) -> Able {
    match fault {
        Fault::Cut { link, cut, .. } => on_link(*link, links).and_then(|()| self::cut(*cut)),
        Fault::Heal { link, .. } => on_link(*link, links),
        Fault::Path { pair, link, change } => on_link(*link, links).and_then(|()| path(pair, *change)),
        Fault::FreezeDaemon { point, .. } => match point {
            // There is no watchdog whose feed could be met.
            FreezePoint::Anywhere | FreezePoint::MidFeed => Ok(()),
            FreezePoint::Before(_) => Err(UNSEEN),
        },
        Fault::Agent { op, ailment, .. } => agent(*op, *ailment),
        Fault::Device { device, ail } if device.starts_with("bmc-") => self::ail(ail),
        Fault::Device { .. } => Err(STRIP),
        Fault::Disk { order, .. } if order == "room" || order.starts_with("full ") => Ok(()),
        Fault::Disk { .. } => Err(DISK),
        Fault::StandStill(_) | Fault::GoOn(_) | Fault::ClockRate { .. } | Fault::WallClock { .. } => Err(CLOCK),
        Fault::NoCgroups(_) | Fault::Cgroups(_) => Err(KERNEL),
        Fault::PullPlug(_) | Fault::RestorePlug(_) | Fault::StaysOff(_) | Fault::StartsAgain(_) => Err(NO_CORDS),
        Fault::Autostart { .. } => Err(NO_SERVICES),
        Fault::Claim { .. } => Err(NO_ADDRESS),
        Fault::HealLinks
        | Fault::Partition(_)
        | Fault::PowerOn(_)
        | Fault::PowerOff(_)
        | Fault::Reset(_)
        | Fault::Crash { .. }
        | Fault::KillDaemon { .. }
        | Fault::StartDaemon(_)
        | Fault::ThawDaemon(_)
        | Fault::FreezePrograms(_)
        | Fault::ThawPrograms(_)
        | Fault::Die { .. }
        | Fault::HealAll => Ok(()),
    }
}

/// What is on one of several links would be on all of them here.
fn on_link(link: Option<LinkId>, links: u8) -> Able {
    if links > 1 && link.is_some() { Err(ONE_CABLE) } else { Ok(()) }
}

fn cut(cut: Cut) -> Able {
    match cut {
        Cut::All | Cut::Large => Ok(()),
        Cut::Datagrams | Cut::Calls => Err(ONE_KIND),
    }
}

fn path(pair: &Pair, change: PathChange) -> Able {
    match change {
        PathChange::Loss(_) => Ok(()),
        PathChange::Delay(..) if pair.from.is_none() && pair.to.is_some() => Ok(()),
        PathChange::Delay(..) => Err(ONE_END),
        PathChange::Jitter(..) | PathChange::Duplicates(_) | PathChange::Reorder(_) | PathChange::Bandwidth(_) => {
            Err(NO_WIRES)
        }
    }
}

fn agent(op: AgentOp, ailment: Ailment) -> Able {
    match op {
        AgentOp::Start | AgentOp::Stop | AgentOp::Monitor => {}
        AgentOp::Promote | AgentOp::Demote | AgentOp::Migrate => return Err(AGENT),
    }
    match ailment {
        Ailment::Well | Ailment::Fail(_) | Ailment::FailHalfway(_) | Ailment::Hang | Ailment::Slow(_) => Ok(()),
        Ailment::Stuck(_) | Ailment::Stale(_) => Err(AGENT),
    }
}

fn ail(ail: &DeviceAil) -> Able {
    match ail {
        DeviceAil::Early(span) | DeviceAil::Late(span) if span.0 > STALE_MAX => Err(STALE),
        DeviceAil::Well
        | DeviceAil::Unreachable
        | DeviceAil::UnreachableFrom(_)
        | DeviceAil::Refuses
        | DeviceAil::Denies
        | DeviceAil::Lies
        | DeviceAil::Early(_)
        | DeviceAil::Late(_)
        | DeviceAil::Slow(_)
        | DeviceAil::Latency(_) => Ok(()),
        DeviceAil::AutoOn(_) | DeviceAil::Wired { .. } => Err(DEVICE),
    }
}

/// An order: whether people can give it to daemons.
pub(crate) fn order(order: &Order) -> Able {
    match order {
        Order::AddAs(..) => Err(ITS_AGENT),
        Order::ConfirmAfter(..) => Err(LOOKED),
        Order::RedefineAs(_, ail) => self::ail(ail),
        Order::Add(..)
        | Order::Remove(_)
        | Order::Cleanup(_)
        | Order::Confirm(_)
        | Order::Redefine(_)
        | Order::Fence(_)
        | Order::Standby(_)
        | Order::Online(_)
        | Order::Pause(..)
        | Order::Disarm(_)
        | Order::Maintenance(_)
        | Order::Unfreeze(_)
        | Order::Attribute(..)
        | Order::Set(..) => Ok(()),
    }
}

/// A condition: whether logs, machines and processes show it.
pub(crate) fn condition(condition: &Condition) -> Able {
    match condition {
        Condition::Log(_)
        | Condition::Runs(..)
        | Condition::Owned(_)
        | Condition::Stopped(_)
        | Condition::Up(_)
        | Condition::Off(_) => Ok(()),
        Condition::Not(other) => self::condition(other),
        Condition::Began(..)
        | Condition::Reaches(..)
        | Condition::Leads(_)
        | Condition::Holds(_)
        | Condition::Acts(_)
        | Condition::Frozen(_)
        | Condition::Well => Err(INSIDE),
    }
}

/// A step of a script. Of orders that go on, each is looked at by itself.
pub(crate) fn action(action: &Action, links: u8) -> Able {
    match action {
        Action::Fault(fault) => self::fault(fault, links),
        Action::Wait(condition) | Action::Expect(condition) => self::condition(condition),
        Action::Do(order) | Action::Try(order) | Action::Ask(order) | Action::Denied(order) => self::order(order),
        Action::Every { .. } | Action::Pass => Ok(()),
    }
}

/// The first word of something.
pub(crate) fn word(of: &dyn fmt::Display) -> String {
    of.to_string().split(' ').next().unwrap_or_default().to_owned()
}

/// The kind of a step in a word or two, as it is counted.
pub(crate) fn kind(action: &Action) -> String {
    let second = match action {
        Action::Fault(Fault::Disk { order, .. }) => word(order),
        Action::Fault(Fault::Device { ail, .. }) => word(ail),
        Action::Fault(Fault::Path { change, .. }) => word(change),
        Action::Fault(Fault::Agent { ailment, .. }) => word(ailment),
        Action::Wait(condition) | Action::Expect(condition) => word(plain(condition)),
        Action::Do(order) | Action::Try(order) | Action::Ask(order) | Action::Denied(order) => word(order),
        Action::Fault(_) | Action::Every { .. } | Action::Pass => String::new(),
    };
    format!("{} {second}", word(action)).trim_end().to_owned()
}

fn plain(condition: &Condition) -> &Condition {
    if let Condition::Not(other) = condition { plain(other) } else { condition }
}
