//! Live migrations in the history: a resource may be at both ends.
//!
//! For: what an entry of a migration means, by what has become of the resource at the other end since.
//! Never: the choice of a node.
//! Source: Pacemaker Administration, "Migration"; rules R1.32 to R1.35 of the research of this project.

use super::arena::{NodeKey, ResKey};
use super::failures::base;
use super::model::{Model, Phase};
use super::scene::Record;

/// One end of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    source: NodeKey,
    target: NodeKey,
}

impl Model<'_> {
    fn ends(&self, record: &Record) -> Option<Ends> {
        let source = self.node_named(record.source.as_deref()?)?;
        let target = self.node_named(record.target.as_deref()?)?;
        Some(Ends { source, target })
    }

    /// The records of `key` on `node`, as they were written.
    fn records_on(&self, key: ResKey, node: NodeKey) -> Vec<&Record> {
        let scene = self.scene;
        let id = base(&self.res[key].id);
        let here = scene.status.nodes.iter().filter(|status| self.node_of(status) == Some(node));
        let histories = here.flat_map(|status| &status.history).filter(|history| base(&history.id) == id);
        histories.flat_map(|history| &history.operations).collect()
    }

    /// Whether something is newer on `node` than `than`, which was recorded on `on`: an operation that changes where
    /// the resource is, or a monitor that found it stopped.
    fn newer_state(&self, key: ResKey, node: NodeKey, (than, on): (&Record, NodeKey)) -> bool {
        let newer = |record: &&Record| newer(record, than, (node, on));
        let records = self.records_on(key, node);
        records.iter().any(|record| {
            let moves = matches!(record.operation.as_str(), "start" | "stop" | "migrate_to" | "migrate_from");
            let stopped = record.operation == "monitor" && record.code == Some(7) && record.status == Some(0);
            (moves || stopped) && record.id != than.id && newer(record)
        })
    }

    fn newer_operation(&self, key: ResKey, node: NodeKey, than: (&Record, NodeKey)) -> bool {
        let records = self.records_on(key, node);
        records.iter().any(|record| {
            let moves = matches!(record.operation.as_str(), "start" | "stop" | "migrate_to" | "migrate_from");
            moves && record.id != than.0.id && newer(record, than.0, (node, than.1))
        })
    }

    fn is_unknown(&self, key: ResKey, node: NodeKey) -> bool {
        self.records_on(key, node).iter().all(|record| record.status == Some(-1))
    }

    /// The arrival that belongs to a departure.
    fn arrival(&self, key: ResKey, ends: Ends) -> Option<Record> {
        let source = self.nodes[ends.source].name.clone();
        let records = self.records_on(key, ends.target);
        let fits =
            |record: &&&Record| record.operation == "migrate_from" && record.source.as_deref() == Some(source.as_str());
        records.iter().find(fits).map(|record| (*record).clone())
    }

    /// The resource has left, if nothing newer says otherwise.
    pub(super) fn migrated_to(&mut self, key: ResKey, node: NodeKey, record: &Record) {
        let Some(ends) = self.ends(record) else { return };
        if ends.source != node {
            return;
        }
        let than = (record, node);
        let source_newer = self.newer_operation(key, ends.source, than);
        let arrival = self.arrival(key, ends);
        if arrival.is_some() && source_newer {
            return;
        }
        let target_newer = self.newer_state(key, ends.target, than);
        if source_newer && target_newer {
            return;
        }
        let target_online = self.nodes[ends.target].online;
        match arrival {
            Some(arrival) if arrival.status == Some(0) && arrival.code == Some(0) => {
                // It has arrived; what is left here is stopped without a word to anybody.
                self.res[key].role = Phase::Stopped;
                self.stop_dangling(key, ends.source);
            }
            Some(arrival) if arrival.status != Some(-1) => {
                self.res[key].role = Phase::Started;
                if target_online && !self.newer_state(key, ends.target, (&arrival, ends.target)) {
                    self.run_on(key, ends.target);
                } else {
                    self.res[key].failed = true;
                    self.res[key].unmigratable = true;
                }
            }
            Some(_) | None => {
                self.res[key].role = Phase::Started;
                if target_online && self.is_unknown(key, ends.target) && arrival.is_none() {
                    // It is asked there first.
                    self.res[key].known.remove(&ends.target);
                } else if target_online && !target_newer {
                    if self.nodes[ends.source].online {
                        self.res[key].partial = Some((ends.source, ends.target));
                    }
                    self.run_on(key, ends.target);
                } else if !target_online && !source_newer {
                    self.res[key].failed = true;
                    self.res[key].must_stop = true;
                    self.res[key].unmigratable = true;
                }
            }
        }
    }

    /// It did not leave, and may be at both ends.
    pub(super) fn migration_failed(&mut self, key: ResKey, node: NodeKey, record: &Record) {
        self.res[key].role = Phase::Started;
        let Some(ends) = self.ends(record).filter(|ends| ends.source == node) else { return };
        let than = (record, node);
        let online = self.nodes[ends.target].online;
        if online && !self.is_unknown(key, ends.target) && !self.newer_state(key, ends.target, than) {
            self.run_on(key, ends.target);
        } else if !self.newer_operation(key, ends.source, than) {
            self.stop_dangling(key, ends.source);
        }
    }

    /// It did not arrive, and may be at both ends.
    pub(super) fn arrival_failed(&mut self, key: ResKey, node: NodeKey, record: &Record) {
        self.res[key].role = Phase::Started;
        let Some(ends) = self.ends(record).filter(|ends| ends.target == node) else { return };
        let than = (record, node);
        let online = self.nodes[ends.source].online;
        if online && !self.is_unknown(key, ends.source) && !self.newer_state(key, ends.source, than) {
            self.run_on(key, ends.source);
        } else if !self.newer_operation(key, ends.target, than) {
            self.stop_dangling(key, ends.target);
        }
    }
}

/// Whether `record` is newer than `than`; on different nodes only times can be compared.
fn newer(record: &Record, than: &Record, (on, other): (NodeKey, NodeKey)) -> bool {
    if on == other && record.call >= 0 && than.call >= 0 {
        return record.call > than.call;
    }
    match (record.changed, than.changed) {
        (Some(a), Some(b)) => a > b,
        (_, _) => false,
    }
}
