//! Candidates: every node with the parts of its score, and the first rule that excludes it.
//!
//! For: the tables that were decided with, in words of the configuration.
//! Never: a score that the engine did not compare.

use super::super::arena::{NodeKey, ResKey};
use super::super::config::{ConstraintKind, Target};
use super::super::constraints::in_force;
use super::super::failures::Count;
use super::super::model::{Left, Model, Phase};
use super::super::place::notes::{By, Tie};
use super::super::scene::Scene;
use super::super::table::{At, Ban, Because, Failed, Step, Table, Written};
use super::{Candidate, Closed, Failure, LeftAlone, Part, Reason, Rule, Source, Stopped, Verdict, Whereabouts};
use crate::units::Score;

/// Longest way from a wish to what is behind it; longer ones end there.
const BEHIND_MAX: usize = 8;

impl Model<'_> {
    /// All nodes as they stood for `key` when it was its turn.
    pub(super) fn candidates(&self, key: ResKey) -> Vec<Candidate> {
        let choice = self.notes.choices.get(&key);
        let table = self.table_of(key);
        let chosen = choice.and_then(|choice| choice.chosen);
        let mut nodes: Vec<NodeKey> = choice.map_or_else(|| table.keys().copied().collect(), |c| c.order.clone());
        let rest = self.nodes.iter().filter(|(node, place)| !place.bundle && !table.contains_key(node));
        nodes.extend(rest.map(|(node, _)| node));
        let of = |node: NodeKey| {
            let excluded = self.excluded(key, node);
            let verdict = match excluded {
                _ if chosen == Some(node) => Verdict::Chosen,
                Some(why) => Verdict::Excluded(why),
                None => Verdict::Possible,
            };
            let parts = table.parts(node).map(|step| Part::new(step.effect, self.source(key, step)));
            Candidate {
                node: self.nodes[node].name.clone(),
                score: table.get(&node).copied(),
                parts: parts.collect(),
                verdict,
            }
        };
        nodes.into_iter().map(of).collect()
    }

    /// By which rule the node of `key` was chosen.
    pub(super) fn rule(&self, key: ResKey) -> Option<Rule> {
        let choice = self.notes.choices.get(&key)?;
        choice.chosen?;
        let rival = |node: NodeKey| self.nodes[node].name.clone();
        Some(match (choice.by, choice.tie) {
            (By::Kept, _) => Rule::LeftAlone,
            (By::Preferred | By::Stays, Some(_)) => Rule::Stays,
            (By::Room, _) => Rule::Room,
            (By::Best, Some((node, Tie::Capacity))) => Rule::MoreRoom(rival(node)),
            (By::Best, Some((node, Tie::Fewer))) => Rule::FewerResources(rival(node)),
            (By::Best, Some((node, Tie::Here))) => Rule::Here(rival(node)),
            (By::Best, Some((node, Tie::Name))) => Rule::Name(rival(node)),
            (By::Preferred | By::Stays | By::Best, None) => Rule::Best,
            (By::StopAll | By::Nowhere, _) => return None,
        })
    }

    /// The table that was decided with; of collectives, the present one.
    pub(super) fn table_of(&self, key: ResKey) -> &Table {
        self.notes.choices.get(&key).map_or(&self.res[key].table, |choice| &choice.table)
    }

    /// The first rule that excludes a node, and what is behind it; nothing for a node that is possible.
    pub(super) fn excluded(&self, key: ResKey, node: NodeKey) -> Option<Vec<Reason>> {
        let name = || self.nodes[node].name.clone();
        let usable = self
            .notes
            .choices
            .get(&key)
            .map_or_else(|| self.nodes[node].is_available(), |choice| choice.usable.contains(&node));
        if !usable {
            return Some(vec![Reason::Closed { node: name(), why: self.closed(node) }]);
        }
        let table = self.table_of(key);
        if !table.contains_key(&node) {
            let why = if self.nodes[node].bundle { Closed::Bundle } else { Closed::NotOpened };
            return Some(vec![Reason::Closed { node: name(), why }]);
        }
        let mut reasons = Vec::new();
        self.trace(key, node, BEHIND_MAX, &mut reasons);
        (!reasons.is_empty()).then_some(reasons)
    }

    fn trace(&self, key: ResKey, node: NodeKey, left: usize, reasons: &mut Vec<Reason>) {
        let Some(step) = first_against(self.table_of(key), node).filter(|_| left > 0) else { return };
        let name = self.nodes[node].name.clone();
        if step.because == Because::Unavailable {
            reasons.push(Reason::Closed { node: name, why: self.closed(node) });
            return;
        }
        let before = reasons.len();
        if step.because == Because::Closed {
            self.trace(self.clone_of(key).unwrap_or(key), node, left - 1, reasons);
        }
        if reasons.len() == before {
            reasons.push(Reason::Score { node: name, why: self.source(key, step) });
        }
        if let Because::Wish(place, of) = step.because
            && of != key
            && self.colocations.get(place).is_some_and(|coloc| coloc.attribute.is_none())
        {
            self.trace(of, node, left - 1, reasons);
        }
    }

    /// Why nothing may run on a node.
    pub(super) fn closed(&self, node: NodeKey) -> Closed {
        let place = &self.nodes[node];
        let label = |key: ResKey| self.label(key);
        let connection = || place.connection.map_or_else(|| place.name.clone(), label);
        if place.unclean {
            Closed::Unclean {
                why: place.why.clone().unwrap_or_default(),
                behind: place.is_behind_connection().then(connection),
            }
        } else if place.is_behind_connection() && (!place.online || place.shutdown || place.is_available()) {
            Closed::NoConnection { resource: connection() }
        } else if !place.online {
            Closed::Offline
        } else if place.shutdown {
            Closed::ShutsDown
        } else if place.pending {
            Closed::Pending
        } else if place.standby {
            Closed::Standby { failed: place.rests_for.map(label) }
        } else {
            Closed::Maintenance
        }
    }

    /// What a resource is called: instances have their number where it means something.
    pub(super) fn label(&self, key: ResKey) -> String {
        let unique = self.clone_of(key).is_some_and(|clone| self.res[clone].cloned.unique);
        let res = &self.res[key];
        if unique || self.clone_of(key).is_none() { res.name.clone() } else { res.id.clone() }
    }

    /// A part in words of the configuration.
    pub(super) fn source(&self, key: ResKey, step: Step) -> Source {
        let node = step.node;
        let name = |node: NodeKey| self.nodes[node].name.clone();
        match step.because {
            Because::Begin => Source::Begin,
            Because::Location(written) => location(self.scene, written),
            Because::Health => self.health(node),
            Because::Reaches => Source::NotBehindConnection,
            Because::Replica => Source::Replica,
            Because::Lock(locked) => Source::Lock { node: name(locked) },
            Because::Sticks => Source::Stickiness,
            Because::Failures => self.failures(key, node),
            Because::Exclusive => self.discovery(key),
            Because::Failed(failed) => self.failed_there(failed),
            Because::Unmanaged => Source::LeftAlone,
            Because::ActiveTwice => Source::ActiveTwice,
            Because::Removed => Source::Removed,
            Because::Ticket(place) => {
                Source::Ticket { id: written(self.scene, Some(place)).unwrap_or_default(), ticket: self.ticket(place) }
            }
            Because::Container(container) => Source::Container { resource: self.label(container) },
            Because::Stopped => Source::Stopped(self.stopped(key).unwrap_or(Stopped::Failure)),
            Because::Spare => Source::CloneMax { clone: self.clone_name(key), max: self.cloned_around(key).max },
            Because::Closed => Source::Clone { clone: self.clone_name(key) },
            Because::Full => {
                Source::CloneNodeMax { clone: self.clone_name(key), max: self.cloned_around(key).node_max }
            }
            Because::Unavailable => Source::Unavailable { node: name(node) },
            Because::Capacity => self.capacity(key, node),
            Because::Promotion => Source::Promotion,
            Because::Silent => Source::NoPromotionScore,
            Because::Instance(instance) => Source::Instance { resource: self.res[instance].name.clone() },
            Because::Promoted => Source::StaysPromoted,
            Because::With(place, at) => self.with(place, at),
            Because::Wish(place, of) => Source::Wish { id: self.colocation(place), resource: self.label(of) },
            Because::Floor => Source::CloneFloor,
        }
    }

    fn with(&self, place: usize, at: At) -> Source {
        let primary = self.colocations.get(place).map(|coloc| coloc.primary);
        Source::With {
            id: self.colocation(place),
            resource: primary.map_or_else(String::new, |primary| self.label(primary)),
            at: match at {
                At::Node(node) => Whereabouts::Node(self.nodes[node].name.clone()),
                At::Instances => Whereabouts::Instances,
                At::Nowhere => Whereabouts::Nowhere,
            },
        }
    }

    /// The id of a colocation that somebody wrote.
    pub(super) fn colocation(&self, place: usize) -> Option<String> {
        written(self.scene, self.colocations.get(place)?.written)
    }

    fn clone_name(&self, key: ResKey) -> String {
        self.res[self.clone_of(key).unwrap_or(key)].id.clone()
    }

    fn cloned_around(&self, key: ResKey) -> &super::super::model::Cloned {
        &self.res[self.clone_of(key).unwrap_or(key)].cloned
    }

    fn health(&self, node: NodeKey) -> Source {
        let health = self.nodes[node].attributes.iter().filter(|(name, _)| name.starts_with("#health"));
        Source::Health {
            node: self.nodes[node].name.clone(),
            attributes: health.map(|(name, value)| format!("{name}={value}")).collect(),
        }
    }

    fn failures(&self, key: ResKey, node: NodeKey) -> Source {
        // The count of instances without numbers is the clone's; the ban was handed down from there.
        let own = self.primitives(self.anonymous_clone_of(key).unwrap_or(key));
        let counts = |part: &ResKey| self.fail_count(*part, node, Count::Effective);
        let worst = own.iter().copied().max_by_key(counts).unwrap_or(key);
        Source::Failures {
            resource: self.label(worst),
            node: self.nodes[node].name.clone(),
            count: counts(&worst),
            threshold: self.res[worst].threshold,
        }
    }

    fn discovery(&self, key: ResKey) -> Source {
        let mut around: Vec<&str> = vec![&self.res[key].id];
        around.extend(self.around(key).into_iter().map(|whole| self.res[whole].id.as_str()));
        let ids = in_force(self.scene).filter_map(|(_, constraint)| {
            let ConstraintKind::Location(location) = &constraint.body else { return None };
            let exclusive = location.discovery.as_deref() == Some("exclusive");
            let about = match &location.target {
                Target::Resource(id) => self.named(id).iter().any(|key| {
                    let id = self.res[*key].id.as_str();
                    around.contains(&id)
                }),
                Target::Pattern(_) | Target::Sets(_) => true,
            };
            (exclusive && about).then(|| constraint.id.clone())
        });
        Source::Discovery { ids: ids.collect() }
    }

    fn failed_there(&self, failed: Failed) -> Source {
        let (resource, node, code) = (self.label(failed.res), self.nodes[failed.on].name.clone(), failed.code);
        Source::Failed(match failed.ban {
            Ban::Hard | Ban::Absent => Failure::NotHere { resource, node, code },
            Ban::Fatal => Failure::Nowhere { resource, node, code },
            Ban::Stop => Failure::Stop { resource, node },
            Ban::Forbidden => Failure::Ban { resource, node },
            Ban::OnFailStop => Failure::StopEverywhere { resource, node },
        })
    }

    fn capacity(&self, key: ResKey, node: NodeKey) -> Source {
        let pairs = |(name, amount): (&String, &i64)| format!("{name}={amount}");
        let free = self.notes.choices.get(&key).and_then(|choice| choice.free.get(&node));
        Source::Capacity {
            needs: self.res[key].needs_capacity.iter().map(pairs).collect(),
            free: free.into_iter().flatten().map(pairs).collect(),
        }
    }

    pub(super) fn ticket(&self, place: usize) -> String {
        match self.scene.config.constraints.get(place).map(|constraint| &constraint.body) {
            Some(ConstraintKind::Ticket(def)) => def.ticket.clone(),
            Some(_) | None => String::new(),
        }
    }

    /// Why `key` should not run, if so.
    pub(super) fn stopped(&self, key: ResKey) -> Option<Stopped> {
        let res = &self.res[key];
        if res.removed {
            return self.options.stop_removed.then_some(Stopped::Removed);
        }
        if res.target != Phase::Stopped {
            return None;
        }
        if self.clone_of(key).is_some_and(|clone| self.res[clone].cloned.max == 0) {
            return Some(Stopped::CloneMaxZero);
        }
        Some(Stopped::TargetRole { of: self.set_at(key, &["target-role", "target_role"]) })
    }

    /// Which of a resource and what is around it sets its target role, if that keeps it from being promoted.
    pub(super) fn demoted_by(&self, key: ResKey) -> Option<Option<String>> {
        let stays = matches!(self.res[key].target, Phase::Stopped | Phase::Unpromoted);
        stays.then(|| self.set_at(key, &["target-role", "target_role"]))
    }

    /// Which of a resource and what is around it sets a meta attribute.
    fn set_at(&self, key: ResKey, names: &[&str]) -> Option<String> {
        let sets = |at: &ResKey| {
            let own = |name: &&str| self.res[*at].meta.contains_key(&format!("own {name}"));
            names.iter().any(own)
        };
        let mut around = vec![key];
        around.extend(self.around(key));
        around.into_iter().find(sets).map(|at| self.res[at].id.clone())
    }

    /// Why `key` is left alone, if it is.
    pub(super) fn left_alone(&self, key: ResKey) -> Option<LeftAlone> {
        let res = &self.res[key];
        let node = |node: NodeKey| self.nodes[node].name.clone();
        let meta = |name: &'static str, old: &str| LeftAlone::Meta { name, of: self.set_at(key, &[name, old]) };
        let left = res.left.filter(|_| !res.managed)?;
        Some(match left {
            Left::Maintenance => LeftAlone::MaintenanceMode,
            Left::OwnMaintenance => meta("maintenance", "maintenance"),
            Left::Meta => meta("is-managed", "is_managed"),
            Left::NodeMaintenance(at) => LeftAlone::NodeMaintenance { node: node(at) },
            Left::NoDevice => LeftAlone::NoDevice,
            Left::OnFail(at) | Left::Stop(at) => LeftAlone::Failed { resource: self.label(key), node: node(at) },
            Left::ActiveTwice => LeftAlone::ActiveTwice,
            Left::Ticket(place) => LeftAlone::Ticket { ticket: self.ticket(place) },
            Left::Removed => LeftAlone::Removed,
        })
    }
}

/// The step that forbids a node, and after which nothing allowed it again.
pub(super) fn first_against(table: &Table, node: NodeKey) -> Option<Step> {
    let mut sum = Score::ZERO;
    let mut first = None;
    for step in table.parts(node) {
        sum = step.effect.on(sum);
        first = if sum.forbids() { first.or(Some(step)) } else { None };
    }
    first
}

/// The id of a constraint by its place.
pub(super) fn written(scene: &Scene, place: Option<usize>) -> Option<String> {
    scene.config.constraints.get(place?).map(|constraint| constraint.id.clone())
}

fn location(scene: &Scene, written: Written) -> Source {
    let constraint = scene.config.constraints.get(written.constraint);
    let rule = constraint.and_then(|constraint| {
        let ConstraintKind::Location(location) = &constraint.body else { return None };
        location.rules.get(written.rule?)
    });
    Source::Location {
        id: constraint.map(|constraint| constraint.id.clone()).unwrap_or_default(),
        rule: rule.map(|rule| rule.id.clone()),
    }
}
