//! The leader's decisions about disks that fill up [S-25].
//!
//! A leader whose disk is nearly full hands over while it still can. A node that writes into its ballast is drained
//! while it still follows; one that cannot write at all falls behind the log, and is isolated for that.
//! Never: leadership or resources given to a node that is no better off.

use super::Node;
use super::io::{Facts, Output};
use super::judge::Matter;
use super::loss::Better;
use crate::event::{Event, Standby};
use crate::heartbeat::Shortage;
use crate::ids::NodeId;
use crate::plant::{self, Plant};
use crate::state::Member;

/// Who sends a node to standby for want of room, and takes it back: nobody else's standby is ended here.
pub const NO_ROOM: &str = "its disk is full";

impl Node {
    /// Leadership and resources go where there is room.
    pub(super) fn judge_room(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        if facts.raft.shortage.is_some()
            && !self.is_damped(facts)
            && !plant::on(Plant::ShortLeaderStays)
            && let Some((id, to)) = self.better_leader(facts, Better::HasRoom)
        {
            let reason = format!("the disk of {} is nearly full, that of {to} is not", self.id.node);
            self.hand_over(facts, (id, to), reason, out);
        }
        if plant::on(Plant::ShortNodeKeepsResources) {
            return;
        }
        for member in facts.state.members.values().filter(|m| m.runs_resources() && m.death().is_none()) {
            let Some(standby) = self.wanted_standby(facts, member) else { continue };
            let node = member.node.clone();
            let event = Event::StandbySet { node: node.clone(), standby, by: NO_ROOM.to_owned() };
            self.judge.propose(facts.now, Matter::Standby(node), event, out);
        }
    }

    /// What the standby of `member` is to become; `None` if it stays.
    fn wanted_standby(&self, facts: &Facts, member: &Member) -> Option<Standby> {
        let shortage = self.shortage_of(facts, &member.node)?;
        let has_room = |m: &Member| {
            m.is_admitted()
                && m.runs_resources()
                && m.standby == Standby::Off
                && m.node != member.node
                && self.shortage_of(facts, &m.node) == Some(None)
        };
        let others = facts.state.members.values().any(has_room);
        let short = matches!(shortage, Some(Shortage::Ballast | Shortage::Writes));
        match member.standby {
            Standby::Off => (short && others && member.is_admitted()).then_some(Standby::On),
            // Where no node is better off, resources run on.
            Standby::On => (member.standby_by == NO_ROOM && (shortage.is_none() || !others)).then_some(Standby::Off),
        }
    }

    /// What the log of `node` is short of by its last word; `None` if that word is too old.
    #[allow(clippy::option_option, reason = "not heard, and heard to have room, are two things")]
    fn shortage_of(&self, facts: &Facts, node: &NodeId) -> Option<Option<Shortage>> {
        if *node == self.id.node {
            return Some(facts.raft.shortage);
        }
        let fresh = self.ears.silence(node, facts.now) < facts.state.timing.silence();
        self.ears.last(node).filter(|_| fresh).map(|(_, heartbeat)| heartbeat.shortage)
    }
}
