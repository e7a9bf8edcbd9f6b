//! Machines that were away: cut off, crashed, without power, or with a daemon that was gone.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::event::{Event, IsolationCause, Proof};
use haven_core::export::Header;
use haven_core::ids::{Incarnation, NodeId, OrderId};
use haven_core::units::Millis;

use super::hearing::Hearing;
use super::known::Known;
use super::left::Left;

/// Time in which a daemon that restarts is away if nothing tells how long it was.
const RESTART: Millis = Millis(500);
/// Time for a boot of which nobody was told before it was over.
pub(super) const BOOT: Millis = Millis::secs(3);

/// How the end of a boot was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proven {
    Not,
    Power,
    Reboot,
    Watchdog,
    Storage,
    Word,
}

/// What was heard of the machine next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    Never,
    SameLife,
    NewLife,
    NewBoot,
}

/// Whether a device was told to switch the machine off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shot {
    Yes,
    No,
}

/// A machine that was away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) node: NodeId,
    /// When it was heard last.
    pub(super) from: Millis,
    /// When it was heard again.
    pub(super) to: Option<Millis>,
    pub(super) shot: Shot,
    pub(super) proven: Proven,
    pub(super) back: Back,
    life: Option<Incarnation>,
}

/// What is gathered while the log is read.
#[derive(Debug, Default)]
pub(super) struct Power {
    open: BTreeMap<NodeId, Trouble>,
    pub(super) troubles: Vec<Trouble>,
    orders: BTreeMap<OrderId, NodeId>,
    /// Nodes that said that they would be away.
    leaving: BTreeMap<NodeId, Millis>,
    stopped: BTreeSet<NodeId>,
}

impl Power {
    /// Machines that were away before the recording begins are without power in it.
    pub(super) fn before(header: &Header, known: &Known) -> Self {
        let mut power = Self { orders: header.before.orders.iter().cloned().collect(), ..Self::default() };
        let away = ["LOST", "ISOLATED", "stopped"];
        for member in known.members.values().filter(|m| m.off || away.contains(&m.standing.as_str())) {
            let trouble =
                Trouble { proven: Proven::Power, ..Trouble::new(&member.node, Millis::ZERO, member.incarnation) };
            power.open.insert(member.node.clone(), trouble);
        }
        power
    }

    pub(super) fn is_away(&self, node: &NodeId) -> bool {
        self.open.contains_key(node)
    }

    /// Takes an event over, before `known` does.
    pub(super) fn hear(&mut self, event: &Event, at: Millis, known: &Known, hearing: &Hearing, left: &mut Left) {
        let silent = |node: &NodeId| hearing.silent_since(node);
        if let Event::NodeLost { node, boot, testimonies } = event {
            let silence = testimonies.iter().map(|testimony| testimony.silence).max().unwrap_or(Millis::ZERO);
            if known.life(node).is_none_or(|life| life.boot == *boot) {
                self.open_one(node, at.minus(silence), known);
            }
        } else if let Event::NodeIsolated { node, cause: IsolationCause::Unreachable, .. } = event {
            // The cuts that isolate it are told by who hears whom; without any, it is cut off from all.
            match silent(node) {
                Some(_) => left.assume("isolated nodes: taken for what their silences say"),
                None => self.open_one(node, at, known),
            }
        } else if let Event::NodeReturned { node, incarnation } = event {
            let heard = self.open.get(node).map(|trouble| trouble.life);
            if let Some(life) = heard {
                let back = if life.is_some_and(|life| life != *incarnation) { Back::NewLife } else { Back::SameLife };
                self.close(node, at, back);
            }
        } else if let Event::FenceConfirmed { node, proof, .. } = event {
            if let Some(trouble) = self.open.get_mut(node) {
                trouble.proven = proven(proof);
            }
        } else if let Event::FenceSent { order, .. } = event {
            let node = self.orders.get(order);
            if let Some(trouble) = node.and_then(|node| self.open.get_mut(node)) {
                trouble.shot = Shot::Yes;
            }
        } else if let Event::NodePaused { node, .. } = event {
            self.leaving.insert(node.clone(), at);
        } else if let Event::NodeStopped { node, .. } = event {
            self.stopped.insert(node.clone());
        } else if let Event::NodeBooted { node, incarnation, .. } = event {
            self.booted(node, *incarnation, at, known, silent(node));
        }
    }

    /// An order has its entry's index as its number.
    pub(super) fn ordered(&mut self, order: OrderId, node: &NodeId) {
        self.orders.insert(order, node.clone());
    }

    fn open_one(&mut self, node: &NodeId, from: Millis, known: &Known) {
        let trouble = || Trouble::new(node, from, known.life(node));
        self.open.entry(node.clone()).or_insert_with(trouble);
    }

    fn booted(&mut self, node: &NodeId, life: Incarnation, at: Millis, known: &Known, silent: Option<Millis>) {
        let left = self.leaving.remove(node);
        // A first life ends nothing, and one that is known by now was told twice.
        let Some(before) = known.life(node) else { return };
        if before.boot == life.boot && before.generation >= life.generation {
            return;
        }
        if self.stopped.remove(node) {
            return;
        }
        let back = if before.boot == life.boot { Back::NewLife } else { Back::NewBoot };
        if !self.open.contains_key(node) {
            let unheard = match back {
                Back::NewBoot => BOOT + RESTART,
                Back::NewLife | Back::SameLife | Back::Never => RESTART,
            };
            let from = left.or(silent).unwrap_or(at.minus(unheard));
            self.open_one(node, from, known);
        }
        self.close(node, at, back);
    }

    fn close(&mut self, node: &NodeId, at: Millis, back: Back) {
        if let Some(trouble) = self.open.remove(node) {
            self.troubles.push(Trouble { to: Some(at.max(trouble.from)), back, ..trouble });
        }
    }

    /// Nothing comes any more: who is away stays so.
    pub(super) fn end(&mut self) {
        self.troubles.extend(std::mem::take(&mut self.open).into_values());
        self.troubles.sort_by_key(|trouble| trouble.from);
    }
}

impl Trouble {
    fn new(node: &NodeId, from: Millis, life: Option<Incarnation>) -> Self {
        let (shot, proven, back) = (Shot::No, Proven::Not, Back::Never);
        Self { node: node.clone(), from, to: None, shot, proven, back, life }
    }
}

fn proven(proof: &Proof) -> Proven {
    match proof {
        Proof::PoweredOff { .. } => Proven::Power,
        Proof::Rebooted { .. } => Proven::Reboot,
        Proof::SelfFenced { .. } => Proven::Watchdog,
        Proof::StorageTaken { .. } => Proven::Storage,
        Proof::PersonsWord { .. } => Proven::Word,
    }
}
