//! Writing faults as text: what [`super::parse`] reads back.

use std::fmt;

use haven_core::ids::{LinkId, NodeId};
use haven_core::units::Millis;

use super::{
    AfterCrash, Ailment, Bandwidth, Cut, DeviceAil, Fault, FreezePoint, Micros, Pair, PathChange, Restart, Way,
};

fn any(node: &Option<NodeId>) -> &str {
    node.as_ref().map_or("*", NodeId::as_str)
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (from, to) = (any(&self.from), any(&self.to));
        let sign = match self.way {
            Way::There => ">",
            // A name may contain dashes.
            Way::Both if from.contains('-') || to.contains('-') => "<>",
            Way::Both => "-",
        };
        write!(f, "{from}{sign}{to}")
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0.is_multiple_of(1000) { Millis(self.0 / 1000).fmt(f) } else { write!(f, "{}us", self.0) }
    }
}

impl fmt::Display for PathChange {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Delay(min, max) => write!(f, "delay {min}..{max}"),
            Self::Jitter(often, most) => write!(f, "jitter {} {most}", often.0),
            Self::Loss(often) => write!(f, "loss {}", often.0),
            Self::Duplicates(often) => write!(f, "duplicates {}", often.0),
            Self::Reorder(often) => write!(f, "reorder {}", often.0),
            Self::Bandwidth(Bandwidth::Unlimited) => f.write_str("bandwidth unlimited"),
            Self::Bandwidth(Bandwidth::BytesPerSecond(rate)) => write!(f, "bandwidth {rate}"),
        }
    }
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Well => f.write_str("well"),
            Self::Fail(code) => write!(f, "fail {code}"),
            Self::FailHalfway(code) => write!(f, "fail-halfway {code}"),
            Self::Hang => f.write_str("hang"),
            Self::Stuck(late) => write!(f, "stuck {late}"),
            Self::Slow(factor) => write!(f, "slow {factor}"),
            Self::Stale(span) => write!(f, "stale {span}"),
        }
    }
}

impl fmt::Display for DeviceAil {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Well => f.write_str("well"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::UnreachableFrom(node) => write!(f, "unreachable from {node}"),
            Self::Refuses => f.write_str("refuses"),
            Self::Denies => f.write_str("denies"),
            Self::Lies => f.write_str("lies"),
            Self::Early(most) => write!(f, "early {most}"),
            Self::Late(most) => write!(f, "late {most}"),
            Self::Slow(most) => write!(f, "slow {most}"),
            Self::Latency(span) => write!(f, "latency {span}"),
            Self::AutoOn(wait) => write!(f, "auto-on {wait}"),
            Self::Wired { outlet: None, node } => write!(f, "wired {node}"),
            Self::Wired { outlet: Some(outlet), node } => write!(f, "wired {outlet} {node}"),
        }
    }
}

fn on_link(f: &mut fmt::Formatter, link: Option<LinkId>) -> fmt::Result {
    link.map_or(Ok(()), |link| write!(f, " {link}"))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cut { pair, link, cut } => {
                write!(f, "cut {pair}")?;
                on_link(f, *link)?;
                f.write_str(match cut {
                    Cut::All => "",
                    Cut::Datagrams => " datagrams",
                    Cut::Calls => " calls",
                    Cut::Large => " large",
                })
            }
            Self::Heal { pair, link } => {
                write!(f, "heal {pair}")?;
                on_link(f, *link)
            }
            Self::HealLinks => f.write_str("heal-links"),
            Self::Partition(sides) => {
                let side = |side: &Vec<NodeId>| side.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" ");
                write!(f, "partition {}", sides.iter().map(side).collect::<Vec<_>>().join(" / "))
            }
            Self::Path { pair, link, change } => {
                write!(f, "path {pair}")?;
                on_link(f, *link)?;
                write!(f, " {change}")
            }
            Self::Agent { node, resource, op, ailment } => {
                write!(f, "agent {} {resource} {} {ailment}", any(node), op.word())
            }
            Self::Die { node, resource } => write!(f, "die {node} {resource}"),
            Self::Autostart { node, resource, way } => write!(f, "autostart {node} {resource} {}", way.word()),
            Self::Device { device, ail } => write!(f, "device {device} {ail}"),
            Self::Claim { address, span } => write!(f, "claim {address} for {span}"),
            Self::Disk { node, order } => write!(f, "disk {node} {order}"),
            Self::HealAll => f.write_str("heal-all"),
            Self::PowerOn(_)
            | Self::PowerOff(_)
            | Self::Reset(_)
            | Self::PullPlug(_)
            | Self::RestorePlug(_)
            | Self::StaysOff(_)
            | Self::StartsAgain(_)
            | Self::Crash { .. }
            | Self::KillDaemon { .. }
            | Self::StartDaemon(_)
            | Self::FreezeDaemon { .. }
            | Self::ThawDaemon(_)
            | Self::FreezePrograms(_)
            | Self::ThawPrograms(_)
            | Self::StandStill(_)
            | Self::GoOn(_)
            | Self::ClockRate { .. }
            | Self::NoCgroups(_)
            | Self::Cgroups(_)
            | Self::WallClock { .. } => self.write_of_machine(f),
        }
    }
}

impl Fault {
    /// Those that are about one machine only.
    fn write_of_machine(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::PowerOn(node) => write!(f, "power-on {node}"),
            Self::PowerOff(node) => write!(f, "power-off {node}"),
            Self::Reset(node) => write!(f, "reset {node}"),
            Self::PullPlug(node) => write!(f, "pull-plug {node}"),
            Self::RestorePlug(node) => write!(f, "restore-plug {node}"),
            Self::StaysOff(node) => write!(f, "stays-off {node}"),
            Self::StartsAgain(node) => write!(f, "starts-again {node}"),
            Self::Crash { node, then: AfterCrash::Hang } => write!(f, "crash {node}"),
            Self::Crash { node, then: AfterCrash::Reboot(wait) } => write!(f, "crash {node} reboot {wait}"),
            Self::KillDaemon { node, restart: Restart::Never } => write!(f, "kill-daemon {node}"),
            Self::KillDaemon { node, restart: Restart::After(wait) } => write!(f, "kill-daemon {node} restart {wait}"),
            Self::StartDaemon(node) => write!(f, "start-daemon {node}"),
            Self::FreezeDaemon { node, point: FreezePoint::Anywhere } => write!(f, "freeze-daemon {node}"),
            Self::FreezeDaemon { node, point: FreezePoint::MidFeed } => write!(f, "freeze-daemon {node} mid-feed"),
            Self::FreezeDaemon { node, point: FreezePoint::Before(word) } => {
                write!(f, "freeze-daemon {node} before {word}")
            }
            Self::ThawDaemon(node) => write!(f, "thaw-daemon {node}"),
            Self::FreezePrograms(node) => write!(f, "freeze-programs {node}"),
            Self::ThawPrograms(node) => write!(f, "thaw-programs {node}"),
            Self::NoCgroups(node) => write!(f, "no-cgroups {node}"),
            Self::Cgroups(node) => write!(f, "cgroups {node}"),
            Self::StandStill(node) => write!(f, "stand-still {node}"),
            Self::GoOn(node) => write!(f, "go-on {node}"),
            Self::ClockRate { node, ppm } => write!(f, "clock-rate {node} {ppm}"),
            Self::WallClock { node, ms } => {
                let sign = if *ms < 0 { '-' } else { '+' };
                write!(f, "wall-clock {node} {sign}{}", Millis(ms.unsigned_abs()))
            }
            Self::Cut { .. }
            | Self::Heal { .. }
            | Self::HealLinks
            | Self::Partition(_)
            | Self::Path { .. }
            | Self::Agent { .. }
            | Self::Die { .. }
            | Self::Autostart { .. }
            | Self::Device { .. }
            | Self::Claim { .. }
            | Self::Disk { .. }
            | Self::HealAll => Ok(()),
        }
    }
}
