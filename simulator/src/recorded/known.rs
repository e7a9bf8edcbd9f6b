//! What is known of the cluster while its recording is read: less than its state, since an export tells less.
//!
//! Never: a refusal. What the log's own fold refused was late or odd, and is passed over here by the same few rules that
//! matter: a plan names the one before it, and a life is not older than the one before.

use std::collections::BTreeMap;

use haven_core::event::{Event, MemberKind, Standby};
use haven_core::export::{Before, Header, MemberBefore, Recorded};
use haven_core::ids::{ActionId, Incarnation, NodeId, PlanId};
use haven_core::plan::StepKey;
use haven_core::spec::{Settings, Spec, Timing};
use haven_core::state::Standing;

/// The cluster, as far as an export tells it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) members: BTreeMap<NodeId, MemberBefore>,
    pub(super) spec: Spec,
    pub(super) timing: Option<Timing>,
    steps: BTreeMap<ActionId, StepKey>,
    plan: PlanId,
}

/// Whether an event is of the present, or late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    No,
}

impl Known {
    pub(super) fn before(header: &Header) -> Self {
        let Before { members, spec, timing, steps, plan, .. } = header.before.clone();
        Self {
            members: members.into_iter().map(|member| (member.node.clone(), member)).collect(),
            spec,
            timing,
            steps: steps.into_iter().collect(),
            plan,
        }
    }

    /// What the action does, if its plan is known.
    pub(super) fn step(&self, action: ActionId) -> Option<&StepKey> {
        self.steps.get(&action)
    }

    /// The life of a node.
    pub(super) fn life(&self, node: &NodeId) -> Option<Incarnation> {
        self.members.get(node)?.incarnation
    }

    /// Takes the next entry over.
    pub(super) fn hear(&mut self, entry: &Recorded) -> Taken {
        if let Some(voting) = &entry.voting {
            for member in self.members.values_mut() {
                member.votes = voting.sets.iter().any(|set| set.contains(&member.member));
            }
        }
        let Some(event) = &entry.event else { return Taken::Yes };
        if let Event::PlanAdopted(plan) = event {
            if plan.parent != self.plan {
                return Taken::No;
            }
            self.plan = plan.id;
            let steps = plan.steps.iter().enumerate();
            self.steps.extend(steps.map(|(place, step)| (plan.action(place), step.key.clone())));
        } else if let Event::SpecChanged { edits, .. } = event {
            let Ok(spec) = self.spec.edited(edits, entry.index.0) else { return Taken::No };
            self.spec = spec;
            self.timing = self.timing.map(|base| Settings::read(&self.spec.properties, base).0.timing);
        } else if let Event::NodeBooted { node, incarnation, .. } = event {
            let older = |life: Incarnation| life.boot == incarnation.boot && life.generation >= incarnation.generation;
            if self.life(node).is_some_and(older) {
                return Taken::No;
            }
            self.of(node, |member| {
                member.incarnation = Some(*incarnation);
                (member.standing, member.off) = (Standing::Returning.word().to_owned(), false);
            });
        } else if let Event::ClusterFounded { timing, .. } = event {
            self.timing = Some(*timing);
        } else {
            self.hear_members(event);
            self.hear_standing(event);
        }
        Taken::Yes
    }

    /// Who is there, and as what.
    fn hear_members(&mut self, event: &Event) {
        if let Event::NodeJoined(joined) = event {
            let member = MemberBefore {
                node: joined.node.clone(),
                member: joined.member,
                kind: joined.kind,
                votes: joined.kind == MemberKind::Witness,
                links: u8::try_from(joined.endpoints.len()).unwrap_or(u8::MAX),
                standing: Standing::Joined.word().to_owned(),
                incarnation: None,
                off: false,
                standby: Standby::Off,
                watchdog: None,
            };
            self.members.insert(joined.node.clone(), member);
        } else if let Event::NodeRemoved { node, .. } = event {
            self.members.remove(node);
        } else if let Event::StandbySet { node, standby, .. } = event {
            self.of(node, |member| member.standby = *standby);
        } else if let Event::WatchdogArmed { node, watchdog, .. } = event {
            self.of(node, |member| member.watchdog = Some(watchdog.counted.clone()));
        } else if let Event::WatchdogDisarmed { node, .. } = event {
            self.of(node, |member| member.watchdog = None);
        }
    }

    /// Where members stand.
    fn hear_standing(&mut self, event: &Event) {
        let mut stands = |node: &NodeId, standing: Standing| {
            self.of(node, |member| standing.word().clone_into(&mut member.standing));
        };
        if let Event::NodeReturned { node, incarnation } = event {
            stands(node, Standing::Returning);
            self.of(node, |member| member.incarnation = Some(*incarnation));
        } else if let Event::NodeReadmitted { node, .. } = event {
            stands(node, Standing::Online);
        } else if let Event::NodeLost { node, .. } = event {
            stands(node, Standing::Lost);
        } else if let Event::NodeIsolated { node, cause, .. } = event {
            stands(node, Standing::Isolated { cause: *cause });
        } else if let Event::NodeStopped { node, .. } = event {
            stands(node, Standing::Stopped);
        } else if let Event::FenceConfirmed { node, boot, .. } = event {
            self.of(node, |member| member.off |= member.incarnation.is_some_and(|life| life.boot == *boot));
        }
    }

    fn of(&mut self, node: &NodeId, change: impl FnOnce(&mut MemberBefore)) {
        if let Some(member) = self.members.get_mut(node) {
            change(member);
        }
    }
}
