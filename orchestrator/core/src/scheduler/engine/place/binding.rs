//! What a dependent may do once its primary has its place.
//!
//! For: colocations with primitives, groups, clones and bundles, and with one role of them.
//! Never: a change of the primary.

use super::super::arena::{NodeKey, ResKey};
use super::super::model::{Coloc, Kind, Phase};
use super::super::table::{At, Because, Effect};
use super::{Placer, Table};
use crate::units::Score;

impl Placer<'_, '_> {
    /// Binds primitive `key` to the primary of `coloc`.
    pub(super) fn bind(&mut self, key: ResKey, coloc: &Coloc) {
        let primary = coloc.primary;
        if self.is_placed(key) {
            return;
        }
        match self.model.res[primary].kind {
            Kind::Primitive => self.bind_to_primitive(key, coloc, primary),
            Kind::Group => {
                let members = &self.model.res[primary].children;
                let member = if coloc.score == Score::INFINITY { members.last() } else { members.first() };
                if let Some(member) = member.copied() {
                    self.bind_to_primitive(key, coloc, member);
                }
            }
            Kind::Clone | Kind::Bundle => self.bind_to_instances(key, coloc),
        }
    }

    fn bind_to_primitive(&mut self, key: ResKey, coloc: &Coloc, primary: ResKey) {
        if !self.is_placed(primary) || self.is_placed(key) {
            return;
        }
        let differs = |role: Phase, next: Phase| role != Phase::Unknown && role != next;
        if differs(coloc.dependent_role, self.model.res[key].next) {
            return;
        }
        if differs(coloc.primary_role, self.model.res[primary].next) {
            return;
        }
        let at = self.model.res[primary].node;
        let mut table = self.model.res[key].table.clone();
        self.tie(&mut table, at, coloc);
        let must = coloc.score == Score::INFINITY || coloc.score == Score::MINUS_INFINITY;
        if must || self.has_available(&table) {
            self.model.res[key].table = table;
        }
    }

    /// The table of a dependent whose primary is at `at`.
    fn tie(&self, table: &mut Table, at: Option<NodeKey>, coloc: &Coloc) {
        let score = coloc.score;
        let because = Because::With(coloc.place, at.map_or(At::Nowhere, At::Node));
        let Some(at) = at else {
            if score > Score::ZERO {
                let less = Score::new(-score.points());
                table.each(because, |_, _| Some(Effect::Adds(less)));
            }
            return;
        };
        let value = |node: NodeKey| coloc.attribute.as_ref().map(|name| self.model.nodes[node].attributes.get(name));
        table.each(because, |node, _| {
            let same = if coloc.attribute.is_some() { value(node) == value(at) } else { node == at };
            if same && score < Score::INFINITY {
                Some(Effect::Adds(score))
            } else if !same && score == Score::INFINITY {
                Some(Effect::Sets(Score::MINUS_INFINITY))
            } else {
                None
            }
        });
    }

    /// The instances of a primary: of bundles, the containers.
    pub(super) fn instances(&self, primary: ResKey) -> Vec<ResKey> {
        let res = &self.model.res[primary];
        match res.kind {
            Kind::Bundle => res.replicas.iter().filter_map(|replica| replica.container).collect(),
            Kind::Clone => res.children.clone(),
            Kind::Primitive | Kind::Group => vec![primary],
        }
    }

    fn bind_to_instances(&mut self, key: ResKey, coloc: &Coloc) {
        let primary = coloc.primary;
        if !self.is_placed(primary) {
            return;
        }
        let promotable = self.model.res[primary].cloned.promotable;
        let named = coloc.primary_role != Phase::Unknown;
        if named && promotable {
            self.bind_to_role(key, coloc);
            return;
        }
        if let Some(clone) = self.model.clone_of(key)
            && self.is_interleaved(clone, primary)
        {
            self.pair(key, coloc);
            return;
        }
        let instances = self.instances(primary);
        if coloc.score == Score::INFINITY {
            let runs = |instance: &ResKey| !self.model.res[*instance].blocked;
            let nodes: Vec<NodeKey> =
                instances.iter().filter(|i| runs(i)).filter_map(|instance| self.node_of(*instance)).collect();
            let at = if nodes.is_empty() { At::Nowhere } else { At::Instances };
            let because = Because::With(coloc.place, at);
            self.model.res[key].table.forbid(|node| (!nodes.contains(&node)).then_some(because));
            return;
        }
        for instance in instances {
            let part = self.first_primitive(instance);
            self.bind_to_primitive(key, coloc, part);
        }
    }

    fn first_primitive(&self, key: ResKey) -> ResKey {
        self.model.primitives(key).first().copied().unwrap_or(key)
    }

    /// Whether instances of `dependent` go with the instance of `primary` on their own node.
    pub(super) fn is_interleaved(&self, dependent: ResKey, primary: ResKey) -> bool {
        let (d, p) = (&self.model.res[dependent], &self.model.res[primary]);
        if d.kind == Kind::Bundle || p.kind == Kind::Bundle {
            return d.is_clone_like();
        }
        d.cloned.interleave && d.cloned.node_max == p.cloned.node_max
    }

    fn pair(&mut self, key: ResKey, coloc: &Coloc) {
        let table = self.model.res[key].table.clone();
        let sorted = self.sorted(key, &table);
        let instances = self.instances(coloc.primary);
        let at = |node: NodeKey| instances.iter().copied().find(|instance| self.node_of(*instance) == Some(node));
        let fits = |node: &NodeKey| table.get(node).is_some_and(|score| !score.forbids());
        let partner = sorted.iter().filter(|node| fits(node)).find_map(|node| at(*node));
        match partner {
            Some(partner) => {
                let partner = self.first_primitive(partner);
                self.bind_to_primitive(key, coloc, partner);
            }
            None if coloc.score == Score::INFINITY => {
                self.model.res[key].table.forbid(|_| Some(Because::With(coloc.place, At::Instances)));
            }
            None => {}
        }
    }

    /// Binds to the instances that have a role.
    fn bind_to_role(&mut self, key: ResKey, coloc: &Coloc) {
        let both_promoted = coloc.dependent_role == Phase::Promoted && coloc.primary_role == Phase::Promoted;
        let named = self.role_bearers(coloc.primary, coloc.primary_role);
        if coloc.score == Score::INFINITY {
            if both_promoted {
                return;
            }
            let mut table = std::mem::take(&mut self.model.res[key].table);
            let because = Because::With(coloc.place, At::Instances);
            table.each(because, |node, own| {
                let bearer = named.iter().find(|(at, _)| *at == node);
                Some(match bearer {
                    // Its own table is not there while it is changed.
                    Some((_, instance)) if *instance == key => Effect::Adds(own),
                    Some((_, instance)) => {
                        Effect::Adds(self.model.res[*instance].table.get(&node).copied().unwrap_or_default())
                    }
                    None => Effect::Sets(Score::MINUS_INFINITY),
                })
            });
            self.model.res[key].table = table;
            return;
        }
        for (node, _) in named {
            self.model.res[key].table.add(node, coloc.score, Because::With(coloc.place, At::Node(node)));
        }
    }

    /// The instances that have `role`, with their nodes.
    pub(super) fn role_bearers(&self, primary: ResKey, role: Phase) -> Vec<(NodeKey, ResKey)> {
        let inner = self.promotable_instances(primary);
        let bears = |instance: &ResKey| {
            let part = self.first_primitive(*instance);
            let node = self.host_of(*instance)?;
            (self.model.res[part].next == role).then_some((node, part))
        };
        inner.iter().filter_map(bears).collect()
    }

    /// The node of an instance, as seen from outside: within a bundle, that of its container.
    pub(super) fn host_of(&self, instance: ResKey) -> Option<NodeKey> {
        let top = self.model.top_of(instance);
        if self.model.res[top].kind == Kind::Bundle {
            let replica = self.model.res[top].replicas.iter().find(|replica| replica.child == Some(instance));
            return replica.and_then(|replica| replica.container).and_then(|key| self.model.res[key].node);
        }
        self.node_of(instance)
    }

    /// What can be promoted of a clone or bundle.
    pub(super) fn promotable_instances(&self, primary: ResKey) -> Vec<ResKey> {
        let res = &self.model.res[primary];
        match res.kind {
            Kind::Bundle => res.replicas.iter().filter_map(|replica| replica.child).collect(),
            Kind::Clone => res.children.clone(),
            Kind::Primitive | Kind::Group => vec![primary],
        }
    }
}
