//! What histories come to: who is active where, and what failures ask for.
//!
//! For: marks of failed resources, unclean nodes, bans and blocks, after all records of a resource on a node were read.
//! Never: the meaning of a single record; see [`super::history`].

use super::arena::{NodeKey, ResKey};
use super::failures::Handling;
use super::history::Reading;
use super::model::{Kind, Left, Model, Multiple, Needs, Phase, Place};
use super::scene::Record;
use super::table::{Ban, Because, Failed};
use crate::units::{Millis, Score};

impl Model<'_> {
    /// Which recurring operations are believed to be active.
    pub(super) fn note_recurring(&mut self, key: ResKey, node: NodeKey, records: &[Record]) {
        if !self.nodes[node].online {
            return;
        }
        let begun = |record: &Record| matches!(record.operation.as_str(), "start" | "migrate_from");
        let stopped = records.iter().rposition(|record| record.operation == "stop" && record.status == Some(0));
        let started = records.iter().rposition(begun).or_else(|| {
            let role = |record: &Record| matches!(record.operation.as_str(), "promote" | "demote");
            records.iter().rposition(role).or_else(|| {
                let after = stopped.map_or(0, |place| place + 1);
                let found =
                    |record: &Record| record.operation == "monitor" && matches!(record.code, Some(0 | 8 | 190 | 191));
                records.iter().skip(after).position(found).map(|place| place + after)
            })
        });
        let from = match (started, stopped) {
            (Some(started), Some(stopped)) if started < stopped => stopped + 1,
            (Some(started), _) => started,
            (None, Some(stopped)) => stopped + 1,
            (None, None) => 0,
        };
        let active = records
            .iter()
            .skip(from)
            .filter(|record| record.interval > Millis::ZERO && record.status != Some(-1) && record.status != Some(1));
        let active = active.map(|record| (record.operation.clone(), record.interval)).collect();
        if let Some(told) = self.res[key].told.get_mut(&node) {
            told.recurring = active;
        }
    }

    /// After all records: what the role and the failures mean for the resource and its node.
    pub(super) fn settle(&mut self, key: ResKey, node: NodeKey, reading: &Reading) {
        let role = self.res[key].role;
        if role != Phase::Unknown {
            self.res[key].known.insert(node);
        }
        if role.is_active() && !self.nodes[node].online && !self.nodes[node].maintenance && self.res[key].managed {
            self.active_offline(key, node);
        }
        if !self.nodes[node].unclean {
            self.handle(key, node, reading.handling, role);
        }
        if role.is_active() {
            self.run_on(key, node);
        }
    }

    fn active_offline(&mut self, key: ResKey, node: NodeKey) {
        let why = format!("{} is thought to be active there", self.res[key].name);
        match self.nodes[node].place {
            Place::Guest => {
                self.res[key].failed = true;
                self.res[key].must_stop = true;
                self.condemn(node, &why);
            }
            Place::Remote => {
                let failed = self.nodes[node].connection.is_some_and(|connection| self.res[connection].failed);
                if self.options.fencing {
                    self.condemn(node, &why);
                    self.nodes[node].provisional = !failed;
                }
            }
            Place::Member if self.options.fencing => self.condemn(node, &why),
            Place::Member => {}
        }
    }

    fn handle(&mut self, key: ResKey, node: NodeKey, handling: Handling, role: Phase) {
        let active = role.is_active();
        let name = self.res[key].name.clone();
        match handling {
            Handling::Ignore => return,
            Handling::Demote => self.res[key].demote_only = true,
            Handling::Fence => self.condemn(node, &format!("{name} failed there")),
            Handling::Standby => {
                self.nodes[node].standby = true;
                self.nodes[node].rests_for.get_or_insert(key);
            }
            Handling::Block => {
                self.res[key].block(Left::OnFail(node));
            }
            Handling::Ban => {
                self.ban(key, node, Because::Failed(Failed { ban: Ban::Forbidden, res: key, on: node, code: 1 }));
            }
            Handling::Stop => self.res[key].next = Phase::Stopped,
            Handling::Restart => {}
            Handling::RestartContainer => {
                if let Some(container) = self.res[key].container {
                    self.res[container].failed = true;
                    self.res[container].must_stop = true;
                }
                self.res[key].failed = true;
                self.res[key].must_stop = true;
            }
            Handling::ResetRemote => self.reset_remote(key),
        }
        if active {
            self.res[key].failed = true;
            if !matches!(handling, Handling::Demote | Handling::Block) {
                self.res[key].must_stop = true;
            }
        }
    }

    fn reset_remote(&mut self, key: ResKey) {
        let active = self.res[key].role.is_active();
        self.res[key].failed = true;
        if let Some(node) = self.res[key].connects
            && self.options.fencing
            && !self.nodes[node].fenced
        {
            self.condemn(node, "the connection to it has failed");
        }
        if active {
            self.res[key].must_stop = true;
        }
        if self.res[key].meta.contains_key("reconnect_interval") {
            self.res[key].next = Phase::Stopped;
        }
    }

    /// The resource is active on `node`.
    pub(super) fn run_on(&mut self, key: ResKey, node: NodeKey) {
        if self.res[key].active.contains(&node) {
            return;
        }
        self.res[key].active.push(node);
        if self.nodes[node].maintenance {
            self.res[key].leave(Left::NodeMaintenance(node));
            self.res[key].maintenance = true;
        }
        if !self.res[key].managed {
            self.locate(key, node, Score::INFINITY, Because::Unmanaged);
            return;
        }
        let unique = self.anonymous_clone_of(key).is_none() || self.res[key].kind == Kind::Primitive;
        let counted = self.matters(key).len();
        if counted < 2 || !unique || self.res[key].partial.is_some() {
            return;
        }
        match self.res[key].multiple {
            Multiple::StopOnly => self.ban_everywhere(key, Because::ActiveTwice),
            Multiple::Block => {
                self.res[key].block(Left::ActiveTwice);
                self.block_whole(key);
            }
            Multiple::StopStart | Multiple::StopUnexpected => {}
        }
    }

    /// A group or bundle that says so is blocked with its part.
    fn block_whole(&mut self, key: ResKey) {
        let Some(parent) = self.res[key].parent else { return };
        let whole = matches!(self.res[parent].kind, Kind::Group | Kind::Bundle);
        if whole && self.res[parent].multiple == Multiple::Block {
            for part in self.subtree(parent) {
                self.res[part].block(Left::ActiveTwice);
            }
        }
    }

    /// The nodes on which `key` is active that matter for whether it is active too often.
    pub(super) fn matters(&self, key: ResKey) -> Vec<NodeKey> {
        let res = &self.res[key];
        let all = res.needs >= Needs::Fencing;
        let clean = |node: &&NodeKey| all || self.nodes[**node].online && !self.nodes[**node].unclean;
        res.active.iter().filter(clean).copied().collect()
    }

    /// Whether `node` can be fenced.
    pub(super) fn can_fence(&self, node: NodeKey) -> bool {
        let node = &self.nodes[node];
        match node.place {
            Place::Guest => {
                let container = node.connection.and_then(|connection| self.res[connection].container);
                let hosts = container.map(|key| self.res[key].active.clone()).unwrap_or_default();
                hosts.iter().all(|host| self.nodes[*host].online || self.can_fence(*host))
            }
            Place::Member | Place::Remote => {
                let able = self.options.fencing && (self.has_devices || self.options.watchdog);
                able && (self.options.quorate || self.options.quorum_ignored || node.online)
            }
        }
    }
}
