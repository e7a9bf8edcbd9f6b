//! The history of operations: what runs where, and what has failed.
//!
//! For: roles, active nodes, failures and bans that follow from the status section.
//! Never: placement.
//! Source: Pacemaker Administration, "Resource Operation History".

use super::arena::{NodeKey, ResKey};
use super::failures::{Count, Handling, base, seconds};
use super::model::{Kind, Left, Model, Needs, Phase, Place, Res, Told};
use super::records::{expected, sort};
use super::scene::{NodeStatus, Record, ResourceHistory};
use super::table::{Ban, Because, Failed};
use crate::units::{Millis, Score};

/// What has been made of the records of one resource on one node so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    role: Phase,
    pub(super) handling: Handling,
    /// The operation whose failure the handling is for.
    failed: Option<(String, Millis)>,
}

/// What one record comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Well; or not, but it says what is so.
    Success,
    /// It failed.
    Failure,
    /// It failed, and would on this node again.
    Hard,
    /// It would everywhere.
    Fatal,
}

impl Model<'_> {
    /// Reads all histories: of members first, and of nodes behind connections as soon as these are found started.
    pub(super) fn read_history(&mut self) {
        let scene = self.scene;
        let all = self.options.fencing || self.options.shutdown_lock;
        let mut open: Vec<&NodeStatus> = scene.status.nodes.iter().filter(|s| self.node_of(s).is_some()).collect();
        loop {
            let ready = open.iter().position(|status| self.node_of(status).is_some_and(|node| self.is_readable(node)));
            let Some(place) = ready else { break };
            let status = open.remove(place);
            if let Some(node) = self.node_of(status) {
                self.settle_connection(node);
                if all || self.nodes[node].online {
                    self.read_node(node, status);
                }
            }
        }
        for status in open {
            if let Some(node) = self.node_of(status) {
                self.settle_connection(node);
                if all {
                    self.read_node(node, status);
                }
            }
        }
        for node in self.nodes.keys().collect::<Vec<_>>() {
            self.settle_connection(node);
        }
    }

    fn is_readable(&self, node: NodeKey) -> bool {
        let started = |key: ResKey| self.res[key].role == Phase::Started;
        match self.nodes[node].place {
            Place::Member => true,
            Place::Remote => self.nodes[node].connection.is_some_and(started),
            Place::Guest => self.nodes[node]
                .connection
                .is_some_and(|connection| started(connection) && self.res[connection].container.is_some_and(started)),
        }
    }

    /// Whether a node behind a connection is online, by what is known of the connection.
    pub(super) fn settle_connection(&mut self, node: NodeKey) {
        let Some(connection) = self.nodes[node].connection.filter(|_| self.nodes[node].is_behind_connection()) else {
            return;
        };
        let container = self.res[connection].container;
        let res = &self.res[connection];
        let host = res.active.first().copied();
        let mut online = res.role == Phase::Started;
        let mut shutdown = self.nodes[node].shutdown;
        if res.role == Phase::Started && res.next == Phase::Stopped {
            shutdown = true;
        }
        let mut reset = self.nodes[node].reset;
        if container.is_some_and(|key| self.res[key].failed) {
            online = false;
            reset = true;
        } else if res.failed {
            online = false;
        } else if res.role == Phase::Stopped || container.is_some_and(|key| self.res[key].role == Phase::Stopped) {
            online = false;
            reset = false;
        } else if container.is_some() && host.is_some_and(|host| !self.nodes[host].online && self.nodes[host].unclean) {
            online = false;
            reset = true;
        }
        let node = &mut self.nodes[node];
        node.online = online;
        node.shutdown = shutdown;
        node.reset = reset;
    }

    fn read_node(&mut self, node: NodeKey, status: &NodeStatus) {
        if status.name.is_none() && self.nodes[node].place == Place::Member {
            return;
        }
        for history in &status.history {
            let key = self.resource_of(node, history);
            self.read_resource(key, node, history);
        }
    }

    /// The resource or instance that a history is of; a removed one, if none is configured.
    fn resource_of(&mut self, node: NodeKey, history: &ResourceHistory) -> ResKey {
        let exact = self.res.iter().find(|(_, res)| res.kind == Kind::Primitive && res.name == history.id);
        if let Some(key) = exact.map(|(key, _)| key)
            && self.anonymous_clone_of(key).is_none()
        {
            return key;
        }
        let id = base(&history.id);
        let named = |(key, res): &(ResKey, &Res)| {
            res.kind == Kind::Primitive && res.id == id && self.clone_of(*key).is_some() && !res.implicit
        };
        let of: Vec<ResKey> = self.res.iter().filter(named).map(|(key, _)| key).collect();
        let Some(first) = of.first().copied() else { return self.add_removed(history, None) };
        let clone = self.top_of(first);
        if self.res[clone].kind == Kind::Bundle {
            let here = of.iter().copied().find(|key| self.res[*key].table.contains_key(&node));
            return here.unwrap_or_else(|| self.add_removed(history, None));
        }
        if self.res[clone].cloned.unique {
            return self.add_removed(history, Some(clone));
        }
        self.anonymous(node, &of).unwrap_or_else(|| self.add_removed(history, Some(clone)))
    }

    /// The instance of an anonymous clone that is there already, else the first that is nowhere.
    fn anonymous(&self, node: NodeKey, instances: &[ResKey]) -> Option<ResKey> {
        let whole = |key: ResKey| match self.res[key].parent {
            Some(parent) if self.res[parent].kind == Kind::Group => self.res[parent].children.clone(),
            Some(_) | None => vec![key],
        };
        let configured = |key: &&ResKey| !self.res[**key].removed;
        let is_there = |key: &&ResKey| whole(**key).iter().any(|part| self.res[*part].active.contains(&node));
        if let Some(key) = instances.iter().find(is_there) {
            return Some(*key);
        }
        let is_free = |key: &&ResKey| {
            whole(**key).iter().all(|part| self.res[*part].active.is_empty()) && !self.res[**key].blocked
        };
        let found = instances.iter().filter(configured).find(is_free).copied()?;
        let cloned = &self.res[self.top_of(found)].cloned;
        let few = usize::try_from(cloned.max).is_ok_and(|max| max < self.nodes.len());
        let lost = self.nodes[node].unclean || !self.nodes[node].online;
        let spare = few && lost && self.res[found].needs < Needs::Fencing;
        (!spare).then_some(found)
    }

    fn add_removed(&mut self, history: &ResourceHistory, clone: Option<ResKey>) -> ResKey {
        let known = |(_, res): &(ResKey, &Res)| res.removed && res.name == history.id && clone.is_none();
        if let Some((key, _)) = self.res.iter().find(known) {
            return key;
        }
        let name = match clone {
            Some(clone) if !self.res[clone].cloned.unique => {
                format!("{}:{}", base(&history.id), self.res[clone].children.len())
            }
            Some(_) | None => history.id.clone(),
        };
        let agent = super::config::AgentDef {
            class: history.class.clone(),
            provider: history.provider.clone(),
            kind: history.kind.clone(),
        };
        let mut res =
            Res { name, id: base(&history.id).to_owned(), agent, managed: true, removed: true, ..Res::default() };
        if let Some(clone) = clone {
            let model = self.res[clone].children.iter().flat_map(|child| self.primitives(*child));
            let model = model.into_iter().find(|key| self.res[*key].id == res.id);
            if let Some(model) = model {
                let Res { params, meta, operations, priority, stickiness, threshold, needs, .. } =
                    self.res[model].clone();
                res = Res { params, meta, operations, priority, stickiness, threshold, needs, ..res };
            }
            res.parent = Some(clone);
            res.number = history.id.rsplit_once(':').and_then(|(_, n)| n.parse().ok());
        } else {
            res.id.clone_from(&history.id);
            res.threshold = Score::INFINITY;
        }
        let container = history.container.clone();
        let key = self.add_res(res);
        match clone {
            Some(clone) => self.res[clone].children.push(key),
            None => {
                self.top.push(key);
                self.give_meta(key, &super::build::Merged::default());
                self.adopt_connection(key);
            }
        }
        let within = container.and_then(|id| self.res.iter().find(|(_, res)| res.id == id).map(|(within, _)| within));
        if let Some(within) = within {
            self.res[key].container = Some(within);
            self.res[within].fillers.push(key);
        }
        self.begin_tables();
        if self.options.stop_removed {
            self.ban_everywhere(key, Because::Removed);
        } else {
            self.res[key].leave(Left::Removed);
        }
        key
    }

    fn adopt_connection(&mut self, key: ResKey) {
        if self.res[key].is_connection()
            && let Some(node) = self.node_named(&self.res[key].id)
        {
            self.res[key].connects = Some(node);
            self.nodes[node].connection = Some(key);
            self.has_remotes = true;
        }
    }

    fn read_resource(&mut self, key: ResKey, node: NodeKey, history: &ResourceHistory) {
        self.res[key].known_as.get_or_insert_with(|| history.id.clone());
        let mut records: Vec<Record> = history.operations.clone();
        // What does not differ is in the reverse order of the document.
        records.reverse();
        sort(&mut records);
        let told = Told { records: records.clone(), ..Told::default() };
        let changed = agent_differs(&self.res[key], history);
        self.res[key].told.insert(node, Told { agent_changed: changed, ..told });
        self.lock(key, node, history);
        let before = self.res[key].role;
        let next = self.res[key].next;
        self.res[key].role = Phase::Unknown;
        let mut reading = Reading::default();
        for record in &records {
            self.read_record(key, node, record, &records, &mut reading);
        }
        self.note_recurring(key, node, &records);
        self.settle(key, node, &reading);
        let target = self.res[key].target;
        let res = &mut self.res[key];
        if res.next == Phase::Unknown {
            res.next = next;
        }
        if target != Phase::Unknown && (res.next == Phase::Unknown || target < res.next) {
            res.next = target;
        }
        res.role = res.role.max(before);
    }

    /// A resource that waits for its node, which has been shut down.
    fn lock(&mut self, key: ResKey, node: NodeKey, history: &ResourceHistory) {
        let Some(since) = history.shutdown_lock.filter(|_| self.options.shutdown_lock) else { return };
        let limit = self.options.shutdown_lock_limit;
        if limit > 0 && self.scene.now > since + limit {
            if let Some(told) = self.res[key].told.get_mut(&node) {
                told.lock_ended = true;
            }
        } else {
            self.res[key].locked_to = Some(node);
        }
    }

    fn read_record(&mut self, key: ResKey, node: NodeKey, record: &Record, all: &[Record], reading: &mut Reading) {
        let (Some(status), Some(code)) = (record.status, record.code) else { return };
        let mut record = record.clone();
        if matches!(record.operation.as_str(), "reload" | "reload-agent") {
            record.operation = if status == 0 { "start" } else { "monitor" }.to_owned();
        }
        let known = ["monitor", "start", "stop", "promote", "demote", "migrate_to", "migrate_from"];
        if !known.contains(&record.operation.as_str()) || !(-1..=11).contains(&status) || status == 1 {
            return;
        }
        if status == -1 {
            self.read_pending(key, node, &record, all);
            return;
        }
        let expected = expected(&record);
        let code = match code {
            190 => 0,
            191 => 8,
            code => code,
        };
        let probe = record.operation == "monitor" && record.interval == Millis::ZERO;
        let expired = self.has_expired(key, node, &record, (status, code));
        if expired && expected != Some(code) {
            let runs = self.nodes[node].online && !self.nodes[node].unclean;
            if record.interval == Millis::ZERO {
                return;
            }
            if runs {
                if let Some(told) = self.res[key].told.get_mut(&node) {
                    told.again.insert((record.operation.clone(), record.interval));
                }
                return;
            }
        }
        // Not there at all, and it could not be: no failure.
        let masked = probe && (code == 5 || code == 2 || status == 7) && self.outside_bundle(key);
        if masked {
            self.ban_instance(key, Failed { ban: Ban::Absent, res: key, on: node, code });
            reading.role = reading.role.max(Phase::Stopped);
            if self.res[key].role == Phase::Unknown {
                self.res[key].role = Phase::Stopped;
            }
            return;
        }
        let verdict = self.judge(key, node, &record, (status, code, expected), (expired, reading));
        match verdict {
            Verdict::Success => self.succeeded(key, node, &record, code, reading),
            Verdict::Failure | Verdict::Hard | Verdict::Fatal => {
                if verdict != Verdict::Failure {
                    self.ban_hard(key, node, (verdict, code));
                }
                self.failed(key, node, &record, code, reading);
            }
        }
    }

    fn outside_bundle(&self, key: ResKey) -> bool {
        self.res[self.top_of(key)].kind != Kind::Bundle
    }

    fn has_expired(&mut self, key: ResKey, node: NodeKey, record: &Record, (status, code): (i64, i64)) -> bool {
        let timeout = self.failure_timeout(key);
        let Some(changed) = record.changed.filter(|_| timeout > Millis::ZERO && status != 7) else { return false };
        if self.scene.now < changed + seconds(timeout) {
            return false;
        }
        let recorded = self.fail_count(key, node, Count::Recorded) > Score::ZERO;
        let effective = self.fail_count(key, node, Count::Effective) > Score::ZERO;
        if recorded
            && !effective
            && let Some(told) = self.res[key].told.get_mut(&node)
        {
            told.clear = true;
        }
        if recorded && effective {
            return false;
        }
        let probe = record.operation == "monitor" && record.interval == Millis::ZERO;
        !(probe && matches!(code, 0 | 7 | 8))
    }

    /// What a result comes to.
    fn judge(
        &mut self,
        key: ResKey,
        node: NodeKey,
        record: &Record,
        (status, code, expected): (i64, i64, Option<i64>),
        (expired, reading): (bool, &mut Reading),
    ) -> Verdict {
        match status {
            0 | 4 => {}
            6 => return Verdict::Fatal,
            5 | 7 | 10 | 11 => return Verdict::Hard,
            _ => return Verdict::Failure,
        }
        let probe = record.operation == "monitor" && record.interval == Millis::ZERO;
        let as_expected = expected.is_none_or(|expected| expected == -1 || expected == code);
        let as_expected = if expected.is_none() || expected == Some(-1) { code == 0 } else { as_expected };
        match code {
            0 if probe && expected == Some(7) => Verdict::Success,
            7 if probe || expected == Some(7) || !self.res[key].managed => {
                self.res[key].role = Phase::Stopped;
                reading.handling = Handling::Ignore;
                self.res[key].next = Phase::Unknown;
                Verdict::Success
            }
            8 => {
                let well = probe && !as_expected;
                if !expired {
                    self.res[key].role = Phase::Promoted;
                }
                if as_expected || well { Verdict::Success } else { Verdict::Failure }
            }
            9 => {
                self.res[key].role = Phase::Promoted;
                Verdict::Failure
            }
            6 => Verdict::Fatal,
            3 if record.interval > Millis::ZERO => Verdict::Failure,
            2..=5 => {
                if record.operation == "stop" && !self.can_fence(node) {
                    self.res[key].block(Left::Stop(node));
                }
                Verdict::Hard
            }
            _ if as_expected => Verdict::Success,
            _ => Verdict::Failure,
        }
    }

    fn ban_hard(&mut self, key: ResKey, node: NodeKey, (verdict, code): (Verdict, i64)) {
        let target = self.anonymous_clone_of(key).unwrap_or(key);
        if verdict == Verdict::Fatal {
            self.ban_everywhere(target, Because::Failed(Failed { ban: Ban::Fatal, res: key, on: node, code }));
        } else {
            self.ban(target, node, Because::Failed(Failed { ban: Ban::Hard, res: key, on: node, code }));
        }
    }

    /// Bans an instance there: the whole clone, if its instances have no numbers of their own.
    fn ban_instance(&mut self, key: ResKey, failed: Failed) {
        let target = self.anonymous_clone_of(key).unwrap_or(key);
        self.ban(target, failed.on, Because::Failed(failed));
    }

    fn succeeded(&mut self, key: ResKey, node: NodeKey, record: &Record, code: i64, reading: &mut Reading) {
        let active = if self.is_promotable(key) { Phase::Unpromoted } else { Phase::Started };
        let role = self.res[key].role;
        let same =
            reading.failed.as_ref().is_some_and(|(name, every)| *name == record.operation && *every == record.interval);
        let mut clears = false;
        match record.operation.as_str() {
            "monitor" => {
                clears = same || code == 7;
                if code == 7 {
                    self.res[key].role = Phase::Stopped;
                } else if role <= Phase::Stopped {
                    self.res[key].role = active;
                }
            }
            "start" => {
                self.res[key].role = active;
                clears = true;
            }
            "stop" => {
                self.res[key].role = Phase::Stopped;
                clears = true;
            }
            "promote" => {
                self.res[key].role = Phase::Promoted;
                clears = true;
            }
            "demote" => {
                self.res[key].role = Phase::Unpromoted;
                clears = reading.handling == Handling::Demote;
            }
            "migrate_from" => {
                self.res[key].role = Phase::Started;
                clears = true;
            }
            "migrate_to" => self.migrated_to(key, node, record),
            _ => {}
        }
        if clears {
            let keep = matches!(reading.handling, Handling::Stop | Handling::Ban | Handling::Standby | Handling::Fence);
            if !keep {
                reading.handling = Handling::Ignore;
                reading.failed = None;
                if self.res[key].next != self.res[key].target {
                    self.res[key].next = Phase::Unknown;
                }
                self.res[key].failure_ignored = false;
            }
        }
    }

    fn failed(&mut self, key: ResKey, node: NodeKey, record: &Record, code: i64, reading: &mut Reading) {
        let handling = self.handling(key, &record.operation, record.interval);
        let probe = record.operation == "monitor" && record.interval == Millis::ZERO;
        if handling == Handling::Ignore {
            self.res[key].failure_ignored = true;
            if expected(record) == Some(7) {
                self.res[key].role = Phase::Stopped;
            } else {
                self.succeeded(key, node, record, 0, reading);
            }
            return;
        }
        match record.operation.as_str() {
            "stop" => self.ban_instance(key, Failed { ban: Ban::Stop, res: key, on: node, code }),
            "migrate_to" => self.migration_failed(key, node, record),
            "migrate_from" => self.arrival_failed(key, node, record),
            "promote" => self.res[key].role = Phase::Promoted,
            "demote" => {
                self.res[key].role = match (handling, code) {
                    (Handling::Block, _) => {
                        self.res[key].next = Phase::Stopped;
                        Phase::Promoted
                    }
                    (_, 7) => Phase::Stopped,
                    (_, _) => Phase::Unpromoted,
                };
            }
            _ => {}
        }
        if self.res[key].role < Phase::Started && !(probe && code == 5) && record.operation != "demote" {
            self.res[key].role = Phase::Started;
        }
        if handling > reading.handling || reading.failed.is_none() {
            reading.handling = reading.handling.max(handling);
            reading.failed = Some((record.operation.clone(), record.interval));
        }
        if record.operation == "promote" && self.res[key].next < Phase::Unpromoted {
            self.res[key].next = Phase::Unpromoted;
        }
        if handling == Handling::Stop {
            self.res[key].next = Phase::Stopped;
            let target = self.anonymous_clone_of(key).unwrap_or(key);
            self.ban_everywhere(target, Because::Failed(Failed { ban: Ban::OnFailStop, res: key, on: node, code }));
        }
    }

    fn read_pending(&mut self, key: ResKey, node: NodeKey, record: &Record, all: &[Record]) {
        if record.interval > Millis::ZERO && self.is_older_than_failure(record, all) {
            return;
        }
        match record.operation.as_str() {
            "start" => {
                self.res[key].start_pending = true;
                self.res[key].role = if self.is_promotable(key) { Phase::Unpromoted } else { Phase::Started };
            }
            "promote" => self.res[key].role = Phase::Promoted,
            "migrate_to" if self.nodes[node].unclean => {
                let target = record.target.as_deref().and_then(|name| self.node_named(name));
                if let Some(target) = target {
                    self.stop_dangling(key, target);
                }
            }
            _ => {}
        }
    }

    fn is_older_than_failure(&self, record: &Record, all: &[Record]) -> bool {
        all.iter().any(|other| {
            other.id.ends_with("_last_failure_0")
                && other.operation == record.operation
                && other.interval == record.interval
                && other.changed > record.changed
        })
    }

    /// A copy whose end there must be asked for, without any restart.
    pub(super) fn stop_dangling(&mut self, key: ResKey, node: NodeKey) {
        if !self.res[key].dangling.contains(&node) {
            self.res[key].dangling.push(node);
        }
    }
}

fn agent_differs(res: &Res, history: &ResourceHistory) -> bool {
    let agent = &res.agent;
    !res.removed && (agent.class != history.class || agent.kind != history.kind || agent.provider != history.provider)
}
