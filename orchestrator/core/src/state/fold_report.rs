//! The fold of reports: findings of nodes, silences, links and digests.

use std::collections::BTreeMap;

use super::resource::{FailedOp, Run};
use super::{ClusterState, Refusal};
use crate::event::{Digest, Finding, FreezeSubject, LinkVerdict, Outcome, Report, ReportCause};
use crate::ids::{LinkId, LogIndex, NodeId, ResourceId};
use crate::plant::{self, Plant};
use crate::units::{LogTime, Millis, WallTime};

/// A step of the wall clock that one digest may make; a larger one needs a second digest that agrees [S-21].
const WALL_STEP_MAX: Millis = Millis::secs(60);

impl ClusterState {
    pub(super) fn fold_report(&mut self, report: &Report) -> Result<(), Refusal> {
        let Report { node, incarnation, number, resource, finding, cause, detail, after } = report;
        let member = self.living(node, incarnation.boot)?;
        if member.incarnation != Some(*incarnation) {
            return Err(Refusal::ReportOvertaken(resource.clone()));
        }
        let status = self.resources.get(resource).ok_or_else(|| Refusal::UnknownResource(resource.clone()))?;
        let presence = status.presence.get(node).filter(|p| p.boot == incarnation.boot);
        // What an action of a plan comes to is said by its own result.
        let acting = presence.is_some_and(|p| matches!(p.run, Run::Starting { .. } | Run::Stopping { .. }));
        // It may have waited for a leader while a new one had the resource started: then it is about what was before.
        let outdated = presence.is_some_and(|p| p.acted > *after);
        if acting || outdated || presence.is_some_and(|p| p.report >= *number) {
            return Err(Refusal::ReportOvertaken(resource.clone()));
        }
        let expected_running = presence.is_some_and(|p| matches!(p.run, Run::Running | Run::Failed));
        let known_stopped = presence.is_some_and(|p| p.run.is_stopped());
        // A monitor looks at what ought to run. That it finds nothing says that something is wrong, not that everything
        // has ended: kernel threads and mounts may go on. Only a stop, or a probe, lets it start elsewhere [S-5].
        let ended = *cause == ReportCause::LeaseEnd || known_stopped || plant::on(Plant::MonitorProvesStopped);
        let run = match finding {
            Finding::Stopped if ended => Run::Stopped,
            Finding::Stopped => Run::Failed,
            Finding::Running => Run::Running,
            Finding::Failed => Run::Failed,
            Finding::Unknown => Run::Unknown { why: super::fold_plan::bounded(detail) },
        };
        self.set_run(resource, node, *incarnation, run);
        if let Some(status) = self.resources.get_mut(resource) {
            status.generation += 1;
            if let Some(presence) = status.presence.get_mut(node) {
                presence.report = *number;
            }
        }
        match (cause, finding) {
            (ReportCause::Monitor, Finding::Stopped | Finding::Failed | Finding::Unknown) if expected_running => {
                self.count_failure(resource, node, FailedOp::Monitor, Outcome::Failed, detail);
            }
            (ReportCause::LeaseEnd, Finding::Failed | Finding::Unknown) => {
                self.count_failure(resource, node, FailedOp::Stop, Outcome::Failed, detail);
            }
            (ReportCause::Monitor | ReportCause::LeaseEnd, _) => {}
        }
        self.forget_if_removed(resource);
        Ok(())
    }

    pub(super) fn fold_cleared(&mut self, resource: &ResourceId, node: Option<&NodeId>) -> Result<(), Refusal> {
        // A group is cleaned by its members' names; what is cleared here is always one primitive.
        let status = self.resources.get_mut(resource).ok_or_else(|| Refusal::UnknownResource(resource.clone()))?;
        match node {
            Some(node) => drop(status.failures.remove(node)),
            None => status.failures.clear(),
        }
        // Cleaning up asks for a new look where nobody knows.
        let unknown = |run: &Run| matches!(run, Run::Unknown { .. } | Run::Failed);
        for (at, presence) in &mut status.presence {
            if node.is_none_or(|n| n == at) && unknown(&presence.run) {
                presence.verified = LogIndex(0);
            }
        }
        status.generation += 1;
        Ok(())
    }

    pub(super) fn silent(&mut self, observer: &NodeId, subject: &NodeId) -> Result<(), Refusal> {
        let now = self.now();
        self.member_mut(observer)?;
        self.member_mut(subject)?;
        self.silences.entry((observer.clone(), subject.clone())).or_insert(now);
        Ok(())
    }

    pub(super) fn heard(&mut self, observer: &NodeId, subject: &NodeId) -> Result<(), Refusal> {
        let pair = (observer.clone(), subject.clone());
        self.silences.remove(&pair).map(drop).ok_or(Refusal::Already("it is heard"))
    }

    pub(super) fn link_changed(
        &mut self,
        observer: &NodeId,
        subject: &NodeId,
        link: LinkId,
        verdict: LinkVerdict,
    ) -> Result<(), Refusal> {
        let now = self.now();
        self.member_mut(observer)?;
        self.member_mut(subject)?;
        let key = (observer.clone(), subject.clone(), link);
        match verdict {
            LinkVerdict::Down => drop(self.links_down.entry(key).or_insert(now)),
            LinkVerdict::Up => drop(self.links_down.remove(&key)),
        }
        Ok(())
    }

    pub(super) fn digested(&mut self, digest: &Digest) {
        self.digest = digest.clone();
        self.digest_index = self.index;
        if let Some(wall) = digest.wall {
            self.observe_wall(wall);
        }
        if let Some((node, reason)) = minority_by_hash(digest) {
            match node {
                Some(node) => self.freeze(FreezeSubject::Node(node), reason),
                None => self.freeze(FreezeSubject::Cluster, reason),
            }
        }
    }

    fn observe_wall(&mut self, median: WallTime) {
        let time = self.time;
        let near = |known: (WallTime, LogTime)| {
            let expected = known.0.0.saturating_add(time.since(known.1).0);
            expected.abs_diff(median.0) <= WALL_STEP_MAX.0
        };
        let agrees = self.wall.believed.is_none_or(near) || self.wall.doubted.is_some_and(near);
        if agrees {
            self.wall.believed = Some((median, time));
            self.wall.doubted = None;
        } else {
            self.wall.doubted = Some((median, time));
        }
    }

    /// The wall clock that date rules use: the last believed median, carried on by LogTime.
    pub fn wall_time(&self) -> Option<WallTime> {
        let (wall, at) = self.wall.believed?;
        Some(WallTime(wall.0.saturating_add(self.time.since(at).0)))
    }
}

/// A node whose state differs from the majority's at the same index, or `None` for the node when there is no majority.
fn minority_by_hash(digest: &Digest) -> Option<(Option<NodeId>, String)> {
    let mut by_index: BTreeMap<LogIndex, Vec<(&NodeId, u32)>> = BTreeMap::new();
    for line in &digest.lines {
        if let Some((index, hash)) = line.hash {
            by_index.entry(index).or_default().push((&line.node, hash));
        }
    }
    for (index, nodes) in by_index {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        nodes.iter().for_each(|(_, hash)| *counts.entry(*hash).or_default() += 1);
        if counts.len() < 2 {
            continue;
        }
        let reason = format!("states differ after {index}");
        let majority = counts.iter().find(|(_, count)| **count * 2 > nodes.len()).map(|(hash, _)| *hash);
        let odd = majority.and_then(|m| nodes.iter().find(|(_, hash)| *hash != m).map(|(node, _)| (*node).clone()));
        return Some((odd, reason));
    }
    None
}
