//! The fold: one committed entry, one state after it.

use std::collections::BTreeSet;

use super::fold_plan::bounded;
use super::{
    Audit, ClusterRecord, ClusterState, Freeze, Maintenance, OrderResult, PowerOn, Refusal, Standing, TimingState,
    Token,
};
use crate::event::{Event, FeatureLevel, FreezeSubject};
use crate::ids::{ClusterId, LogIndex, MemberId, Term};
use crate::plant::{self, Plant};
use crate::spec::Timing;
use crate::units::LogTime;

/// One committed entry of the log.
#[derive(Debug, Clone)]
pub enum Entry<'a> {
    /// An event with the time that its leader stamped.
    Event(LogTime, &'a Event),
    /// A change of who votes, written by Raft itself.
    Voting {
        /// One set of voters, or two during a change.
        sets: Vec<BTreeSet<MemberId>>,
        /// Members without a vote.
        learners: BTreeSet<MemberId>,
    },
    /// What a new leader writes first.
    Blank,
}

impl ClusterState {
    /// Folds the entry at `index` into the state. Whatever comes out, the state stands at `index` afterwards.
    /// Errors: a stale or odd event is refused with the reason, and changes nothing else.
    pub fn fold(&mut self, index: LogIndex, term: Term, entry: Entry) -> Result<(), Refusal> {
        self.index = index;
        self.term = term;
        match entry {
            Entry::Blank => Ok(()),
            Entry::Voting { sets, learners } => {
                self.voting = super::Voting { sets, learners, changed: index };
                Ok(())
            }
            Entry::Event(time, event) => {
                // Stamps of two leaders may cross; time never steps back.
                self.time = self.time.max(time);
                if plant::on(Plant::WallClockLogTime) {
                    self.time = time;
                }
                let result = self.fold_event(event);
                if result.is_ok() {
                    self.end_what_has_expired();
                    self.look_for_what_can_never_be();
                }
                result
            }
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm per event, each one call")]
    fn fold_event(&mut self, event: &Event) -> Result<(), Refusal> {
        if self.cluster.is_none() && !matches!(event, Event::ClusterFounded { .. }) {
            return Err(Refusal::NotFounded);
        }
        let now = self.now();
        match event {
            Event::ClusterFounded { cluster, name, timing } => self.found(*cluster, name, *timing),
            Event::NodeJoined(joined) => self.join(joined),
            Event::NodeBooted { node, store, incarnation } => self.booted(node, *store, *incarnation),
            Event::PeerSilent { observer, subject, .. } => self.silent(observer, subject),
            Event::PeerHeard { observer, subject } => self.heard(observer, subject),
            Event::NodeLost { node, boot, testimonies } => {
                self.leave(node, *boot, Standing::Lost)?;
                self.missed(node, testimonies);
                Ok(())
            }
            Event::NodeIsolated { node, boot, cause } => self.leave(node, *boot, Standing::Isolated { cause: *cause }),
            Event::NodeReturned { node, incarnation } => self.returned(node, *incarnation),
            Event::NodeReadmitted { node, incarnation, lapses } => self.readmit(node, *incarnation, *lapses),
            Event::HoldLapsed { node, incarnation, lapses } => self.lapsed(node, *incarnation, *lapses),
            Event::NodePaused { node, incarnation, span, purpose } => {
                self.rest(node, *incarnation, Standing::Paused { until: now.time + *span, purpose: *purpose })
            }
            Event::NodeStopped { node, incarnation } => self.rest(node, *incarnation, Standing::Stopped),
            Event::NodeRemoved { node, .. } => self.remove(node),
            Event::FenceOrdered { .. } => self.ordered(event),
            Event::FenceWithdrawn { order, cause } => self.end_order(*order, OrderResult::Withdrawn { cause: *cause }),
            Event::FenceSent { order, device } => self.sent(*order, device),
            Event::FenceFailed { order, reason } => {
                self.end_order(*order, OrderResult::Failed { reason: bounded(reason) })
            }
            Event::FenceConfirmed { node, boot, proof } => self.confirmed(node, *boot, proof),
            Event::ContradictionSeen { node, boot, witness } => self.contradicted(node, *boot, witness),
            Event::DeviceTested(test) => self.tested(test),
            Event::WatchdogArmed { node, boot, watchdog, incarnation } => {
                self.armed(node, *boot, watchdog, *incarnation)
            }
            Event::WatchdogDisarmed { node, boot } => self.disarmed(node, *boot),
            Event::BootAudited { node, boot, revision, findings, number } => {
                let (boot, revision, findings, number) = (*boot, *revision, findings.clone(), *number);
                let audit = Audit { boot, revision, findings, since: now, number };
                let member = self.living(node, boot)?;
                // A copy that comes late knows of fewer resources, and may hide what was found since.
                let later = |a: &Audit| a.revision > revision || (number.is_some() && a.number >= number);
                if member.audit.as_ref().is_some_and(|a| a.boot == boot && later(a)) {
                    return Err(Refusal::Already("a later configuration was audited"));
                }
                member.audit = Some(audit);
                Ok(())
            }
            Event::PlanAdopted(plan) => self.fold_plan(plan),
            Event::ActionStarted { action, incarnation } => self.fold_started(*action, *incarnation),
            Event::ActionFinished { action, incarnation, outcome, detail, ended_by, .. } => {
                self.fold_finished(*action, *incarnation, (*outcome, *ended_by), detail)
            }
            Event::ResourceReported(report) => self.fold_report(report),
            Event::SpecChanged { base, edits, .. } => self.fold_spec(*base, edits),
            Event::AttributeSet { node, name, value } => self.set_attribute(node, name, value.as_deref()),
            Event::LinkChanged { observer, subject, link, verdict } => {
                self.link_changed(observer, subject, *link, *verdict)
            }
            Event::HeartbeatDigest(digest) => {
                self.digested(digest);
                Ok(())
            }
            Event::MaintenanceSet { until, reason, by } => {
                self.maintenance =
                    Maintenance { until: *until, reason: reason.clone(), by: by.clone(), changed: now.index };
                Ok(())
            }
            Event::StandbySet { node, standby, by } => self.set_standby(node, *standby, by),
            Event::FailuresCleared { resource, node, .. } => self.fold_cleared(resource, node.as_ref()),
            Event::Frozen { subject, reason } => {
                self.freeze(subject.clone(), reason.clone());
                Ok(())
            }
            Event::Unfrozen { freeze, .. } => self.unfreeze(*freeze),
            Event::FeatureLevelRaised { level } => self.raise_level(*level),
            Event::TokenIssued { digest, expires, kind, .. } => {
                self.issue(hex(digest), Token { expires: *expires, kind: *kind, spent: None })
            }
            Event::TokenSpent { digest } => self.spend(&hex(digest)),
            Event::TimingSettled { change } => {
                let settled = self.timing.settle(*change);
                if settled { Ok(()) } else { Err(Refusal::Already("the timings have changed since, or are settled")) }
            }
            Event::SilenceSettled { change } => {
                let quicker = self.timing.quicken(*change);
                if quicker { Ok(()) } else { Err(Refusal::Already("the timings have changed since, or are settled")) }
            }
            Event::LeaderHandedOver { .. } => {
                self.handed_over = Some(now);
                Ok(())
            }
            Event::PowerOnOrdered { node, after, executor, executor_incarnation } => {
                let order = PowerOn {
                    after: *after,
                    executor: executor.clone(),
                    executor_incarnation: *executor_incarnation,
                    ordered: now,
                };
                self.power_on(node, order)
            }
            Event::StoreDistrusted { node, store, reason } => self.distrust_store(node, *store, reason),
            Event::CaChanged { ca, .. } => self.change_ca(*ca),
            Event::CaTaken { node, ca } => self.take_ca(node, *ca),
        }
    }

    fn found(&mut self, cluster: ClusterId, name: &str, timing: Timing) -> Result<(), Refusal> {
        if self.cluster.is_some() {
            return Err(Refusal::Founded);
        }
        self.cluster = Some(ClusterRecord { id: cluster, name: name.to_owned() });
        self.timing = TimingState::of(timing);
        self.level = FeatureLevel(1);
        Ok(())
    }

    fn raise_level(&mut self, level: FeatureLevel) -> Result<(), Refusal> {
        if level <= self.level {
            return Err(Refusal::Level);
        }
        self.level = level;
        Ok(())
    }

    /// A person has looked: what was frozen goes on. Devices that lied stay distrusted until they are tested.
    fn unfreeze(&mut self, freeze: LogIndex) -> Result<(), Refusal> {
        let ended = self.freezes.get(&freeze).cloned().ok_or(Refusal::NoFreeze(freeze))?;
        if !plant::on(Plant::FrozenForEver) {
            self.freezes.remove(&freeze);
        }
        if let FreezeSubject::Node(node) = &ended.subject {
            self.fencing.distrusted_ways.remove(node);
        }
        Ok(())
    }

    /// Freezes `subject`. One freeze per subject is enough: the first tells most.
    pub(super) fn freeze(&mut self, subject: FreezeSubject, reason: String) {
        let subject = if plant::on(Plant::FreezesEverything) { FreezeSubject::Cluster } else { subject };
        if self.freezes.values().any(|f| f.subject == subject) {
            return;
        }
        let since = self.now();
        self.freezes.insert(since.index, Freeze { subject, reason, since });
    }

    /// What ends by itself when its time has come. Only the state's own time is asked, never a clock.
    fn end_what_has_expired(&mut self) {
        let time = self.time;
        if self.maintenance.until.is_some_and(|until| until <= time) {
            self.maintenance.until = None;
            self.maintenance.changed = self.index;
        }
        self.tokens.retain(|_, token| token.expires > time);
        let ended = |c: &crate::spec::Constraint| c.until.is_some_and(|until| until <= time);
        if self.spec.constraints.values().any(ended) {
            self.spec.constraints.retain(|_, c| !ended(c));
            self.revision = self.index;
        }
    }
}

/// Lower-case hexadecimal digits of `bytes`: the form in which token digests are keys.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
