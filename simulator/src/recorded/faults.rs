//! From what was gathered to faults of the simulator, each at its moment.

use haven_core::ids::{LinkId, NodeId};
use haven_core::plan::Task;
use haven_core::units::Millis;

use super::agents::{Agents, Ails, Fails};
use super::hearing::Silence;
use super::left::Left;
use super::power::{BOOT, Back, Proven, Shot, Trouble};
use super::{Names, tale};
use crate::world::{AfterCrash, AgentOp, Ailment, Cut, DeviceAil, Fault, Pair, Restart, Way};

/// From the end of a boot until the cluster is told of it: the daemon's start and the first heartbeats.
const TOLD_AFTER: Millis = Millis(500);
/// What agents take if nothing makes them slower; times are made of multiples of it.
pub(super) const UNIT: Millis = Millis(100);

/// Faults, and the spans in which something is wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) steps: Vec<(Millis, Fault)>,
    pub(super) busy: Vec<(Millis, Option<Millis>)>,
    cuts: Vec<(Pair, Option<LinkId>, Millis, Option<Millis>)>,
}

impl Faults {
    /// How long machines boot, so that each can be back when it was.
    pub(super) fn boot(troubles: &[Trouble]) -> Millis {
        let away = |trouble: &Trouble| trouble.to.map(|to| to.minus(trouble.from).minus(TOLD_AFTER));
        let booted = troubles.iter().filter(|trouble| trouble.back == Back::NewBoot && trouble.shot == Shot::No);
        let shortest = booted.filter_map(away).min().unwrap_or(BOOT);
        BOOT.min(Millis(shortest.0 * 4 / 5)).max(Millis(10))
    }

    /// A machine that was away.
    pub(super) fn machine(&mut self, trouble: &Trouble, boot: Millis, names: &Names, left: &mut Left) {
        if !names.has(&trouble.node) {
            return left.out("absences of nodes that were no members at first");
        }
        let Trouble { from, to, .. } = *trouble;
        let node = names.there(&trouble.node);
        let booted = to.map(|to| to.minus(boot).minus(TOLD_AFTER).max(from + Millis(1)));
        match (trouble.back, trouble.proven, trouble.shot) {
            (Back::SameLife, _, _) => {
                left.assume("nodes that came back on the same boot: taken for cut off, they may have stood still");
                self.cuts.push((Pair { from: Some(node), to: None, way: Way::Both }, None, from, to));
            }
            (Back::NewLife, _, _) => {
                let away = to.map_or(Millis(1), |to| to.minus(from));
                let restart = Restart::After(away.minus(TOLD_AFTER).max(Millis(1)));
                self.steps.push((from, Fault::KillDaemon { node, restart }));
            }
            (Back::NewBoot, Proven::Not | Proven::Reboot, Shot::No) => {
                let after = booted.map_or(Millis(1), |booted| booted.minus(from));
                self.steps.push((from, Fault::Crash { node, then: AfterCrash::Reboot(after) }));
            }
            (Back::NewBoot | Back::Never, Proven::Power | Proven::Word, Shot::No)
            | (Back::NewBoot | Back::Never, Proven::Word, Shot::Yes) => {
                self.steps.push((from, Fault::PullPlug(node.clone())));
                self.steps.extend(booted.map(|booted| (booted, Fault::RestorePlug(node))));
            }
            (Back::NewBoot | Back::Never, _, _) => {
                left.assume(
                    "nodes that fell silent and were switched off: taken for crashed, they may have been cut off",
                );
                self.steps.push((from, Fault::Crash { node, then: AfterCrash::Hang }));
            }
        }
        self.busy.push((from, to));
    }

    /// A direction that carried nothing.
    pub(super) fn silence(&mut self, silence: &Silence, names: &Names) {
        let Silence { observer, subject, link, from, to } = silence;
        let (from_node, to_node) = (names.there(subject), names.there(observer));
        self.cuts.push((Pair { from: Some(from_node), to: Some(to_node), way: Way::There }, *link, *from, *to));
        self.busy.push((*from, *to));
    }

    /// Cuts begin and end. Whatever ends one may end a part of another, which is made anew then.
    pub(super) fn cut(&mut self) {
        let cut = |pair: &Pair, link: Option<LinkId>| Fault::Cut { pair: pair.clone(), link, cut: Cut::All };
        for (pair, link, from, to) in &self.cuts {
            self.steps.push((*from, cut(pair, *link)));
            let Some(to) = *to else { continue };
            self.steps.push((to, Fault::Heal { pair: pair.clone(), link: *link }));
            let open = |(_, _, from, until): &&(Pair, Option<LinkId>, Millis, Option<Millis>)| {
                *from < to && until.is_none_or(|until| until > to)
            };
            self.steps.extend(self.cuts.iter().filter(open).map(|(pair, link, ..)| (to, cut(pair, *link))));
        }
    }

    /// Devices that failed.
    pub(super) fn device(&mut self, fails: &Fails, names: &Names) {
        let device = format!("bmc-{}", names.there(&fails.node));
        self.steps.push((fails.from, Fault::Device { device: device.clone(), ail: fails.ail.clone() }));
        self.steps.push((fails.to + Millis(1), Fault::Device { device, ail: DeviceAil::Well }));
        self.busy.push((fails.from, Some(fails.to)));
    }

    /// Agents that failed, what ended by itself, and how long everything took.
    pub(super) fn agents(&mut self, agents: &Agents, begin: Millis, names: &Names) {
        for (task, op) in [(Task::Start, AgentOp::Start), (Task::Stop, AgentOp::Stop)] {
            for (resource, took) in agents.usual(task) {
                // A slow agent takes a fifth of its usual time longer than the factor says.
                let factor = (took.0 + UNIT.0 * 3 / 10) / UNIT.0;
                let ailment = Ailment::Slow(factor);
                let fault = Fault::Agent { node: None, resource: resource.to_string(), op, ailment };
                self.steps.extend((factor > 1).then_some((begin, fault)));
            }
        }
        for Ails { resource, node, op, ailment, from, to } in &agents.ails {
            let fault = |ailment| {
                let (node, resource) = (Some(names.there(node)), resource.to_string());
                Fault::Agent { node, resource, op: *op, ailment }
            };
            self.steps.push((*from, fault(*ailment)));
            self.steps.extend(to.map(|to| (to, fault(Ailment::Well))));
            self.busy.push((*from, *to));
        }
        for (at, node, resource) in &agents.deaths {
            self.steps.push((*at, Fault::Die { node: names.there(node), resource: resource.to_string() }));
            self.busy.push((*at, Some(*at)));
        }
    }

    /// What is not over when a resource's outage is not.
    pub(super) fn also_busy(&mut self, told: &tale::Tale) {
        self.busy.extend(told.outages.iter().map(|outage| (outage.from, outage.until)));
    }
}

/// The node that a device's name stands for is its machine; whoever has none is not switched.
pub(super) fn without_device<'a>(
    nodes: impl Iterator<Item = &'a NodeId>,
    spec: &haven_core::spec::Spec,
) -> Vec<&'a NodeId> {
    nodes.filter(|node| spec.fence_levels(node).is_empty()).collect()
}
