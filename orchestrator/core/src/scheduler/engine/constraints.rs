//! Constraints, from what was written to pairs of resources and points.
//!
//! For: locations with their rules, colocations with their sets, tickets; orders are in `ordering`.
//! Never: a choice of a node.
//! Source: Pacemaker Explained, "Resource Constraints", "Resource Sets", "Multi-Site Clusters and Tickets".

use super::arena::{NodeKey, ResKey};
use super::config::{ColocationDef, ConstraintDef, ConstraintKind, LocationDef, RuleDef, SetDef, Target, TicketDef};
use super::model::{Coloc, Discovery, Kind, Left, Model, Phase};
use super::pattern;
use super::rules::{self, Asked};
use super::scene::Scene;
use super::table::{Because, Written};
use crate::spec::Role;
use crate::units::Score;

/// A resource of a constraint, with the role that it is named with.
type Named = (ResKey, Phase);

impl Model<'_> {
    /// Reads all constraints but orders.
    pub(super) fn read_constraints(&mut self) {
        let scene = self.scene;
        self.add_health();
        for (place, constraint) in in_force(scene) {
            match &constraint.body {
                ConstraintKind::Location(location) => self.read_location((place, location)),
                ConstraintKind::Colocation(colocation) => self.read_colocation((place, colocation)),
                ConstraintKind::Ticket(ticket) => self.read_ticket((place, ticket)),
                ConstraintKind::Order(_) => {}
            }
        }
    }

    /// The health of nodes is a location of everything.
    fn add_health(&mut self) {
        for node in self.nodes.keys().collect::<Vec<_>>() {
            let Some(health) = self.health_of(node) else { continue };
            for key in self.top.clone() {
                let allowed = self.res[key].meta.get("allow-unhealthy-nodes").and_then(|t| crate::spec::parse_bool(t));
                if !(health.forbids() && allowed == Some(true)) {
                    self.locations.push((key, node, health, Because::Health));
                }
            }
        }
    }

    /// The resources that a constraint names by an id, a template or a tag. The inner resource of a clone without numbers
    /// stands for the clone, as soon as anybody has heard of it.
    pub(super) fn named(&self, id: &str) -> Vec<ResKey> {
        if let Some(key) = self.exactly(id) {
            return vec![key];
        }
        if self.scene.config.templates.iter().any(|template| template.id == id) {
            return self.derived(id);
        }
        let Some(members) = self.scene.config.tags.get(id) else { return Vec::new() };
        members
            .iter()
            .flat_map(|member| self.exactly(member).map_or_else(|| self.derived(member), |key| vec![key]))
            .collect()
    }

    fn exactly(&self, id: &str) -> Option<ResKey> {
        let exact = |(_, res): &(ResKey, &super::model::Res)| res.name == id && !res.implicit;
        if let Some((key, _)) = self.res.iter().find(exact) {
            return Some(key);
        }
        let inner = self.res.iter().find(|(_, res)| res.id == id && res.number.is_some() && !res.removed);
        let (key, _) = inner?;
        let clone = self.anonymous_clone_of(key)?;
        let heard = self
            .primitives(clone)
            .iter()
            .any(|part| self.res[*part].known_as.as_deref().is_some_and(|known| known == id));
        heard.then_some(clone)
    }

    fn derived(&self, template: &str) -> Vec<ResKey> {
        let mut found = Vec::new();
        for (key, res) in self.res.iter() {
            let of = |def: &super::config::ResourceDef| matches!(&def.body, super::config::BodyDef::Primitive { template: Some(name), .. } if name == template);
            if res.number.is_none() && find_def(&self.scene.config.resources, &res.id).is_some_and(of) {
                found.push(key);
            }
        }
        found
    }

    fn read_location(&mut self, (place, location): (usize, &LocationDef)) {
        match &location.target {
            Target::Resource(id) => {
                for key in self.named(id) {
                    self.place_location((place, location), key, (location.role, location.score), &[]);
                }
            }
            Target::Pattern(text) => {
                for key in self.top.clone() {
                    if let Some(found) = pattern::search(text, &self.res[key].id) {
                        self.place_location((place, location), key, (location.role, location.score), &found);
                    }
                }
            }
            Target::Sets(sets) => {
                for set in sets {
                    for key in set.members.iter().flat_map(|id| self.named(id)).collect::<Vec<_>>() {
                        let (role, score) = (set.role.or(location.role), set.score.or(location.score));
                        self.place_location((place, location), key, (role, score), &[]);
                    }
                }
            }
        }
    }

    fn place_location(
        &mut self,
        (place, location): (usize, &LocationDef),
        key: ResKey,
        (role, score): (Option<Role>, Option<Score>),
        found: &[String],
    ) {
        let discovery = match location.discovery.as_deref() {
            Some("never") => Discovery::Never,
            Some("exclusive") => Discovery::Exclusive,
            Some(_) | None => Discovery::Always,
        };
        let mut points: Vec<(NodeKey, Score, Option<Role>, Option<usize>)> = Vec::new();
        if let Some(node) = location.node.as_ref().and_then(|name| self.node_named(name)) {
            points.push((node, score.unwrap_or_default(), role, None));
        }
        for (number, rule) in location.rules.iter().enumerate() {
            for node in self.nodes.keys() {
                if let Some(score) = self.rule_points(rule, key, node, found) {
                    points.push((node, score, rule.role.or(role), Some(number)));
                }
            }
        }
        for (node, score, role, rule) in points {
            let because = Because::Location(Written { constraint: place, rule });
            self.discover(key, node, discovery);
            match role {
                Some(Role::Promoted) => self.locate_promoted(key, (node, score, because)),
                Some(Role::Stopped) if self.res[key].target != Phase::Stopped => {}
                Some(Role::Stopped | Role::Started | Role::Unpromoted) | None => {
                    self.locations.push((key, node, score, because));
                }
            }
        }
    }

    fn locate_promoted(&mut self, key: ResKey, location: (NodeKey, Score, Because)) {
        for at in self.subtree(key) {
            self.res[at].promoted_locations.push(location);
        }
    }

    fn discover(&mut self, key: ResKey, node: NodeKey, discovery: Discovery) {
        for at in self.subtree(key) {
            let known = self.res[at].discovery.entry(node).or_default();
            *known = (*known).max(discovery);
            if discovery == Discovery::Exclusive {
                self.res[at].exclusive = true;
            }
        }
    }

    fn rule_points(&self, rule: &RuleDef, key: ResKey, node: NodeKey, found: &[String]) -> Option<Score> {
        let attributes = &self.nodes[node].attributes;
        let res = &self.res[key];
        let params =
            rules::values(&res.params, "", Asked { now: self.scene.now, node: Some(attributes), ..Asked::default() });
        let asked = Asked {
            now: self.scene.now,
            node: Some(attributes),
            agent: Some(&res.agent),
            values: Some((&params, &res.meta)),
            found,
            ..Asked::default()
        };
        if !rules::holds(&rule.expr, asked) {
            return None;
        }
        match &rule.attribute {
            Some(name) => attributes.get(&rules::filled(name, found)).and_then(|text| rules::score(text)),
            None => Some(rule.score.unwrap_or_default()),
        }
    }

    fn read_colocation(&mut self, (place, def): (usize, &ColocationDef)) {
        if !def.sets.is_empty() {
            self.read_colocation_sets((place, def));
            return;
        }
        let (dependents, primaries) = (self.named(&def.dependent), self.named(&def.primary));
        // Two names for several cannot be bound to each other.
        if dependents.len() > 1 && primaries.len() > 1 {
            return;
        }
        let role = |role: Option<Role>| role.map_or(Phase::Unknown, Phase::of);
        for dependent in &dependents {
            for primary in &primaries {
                let pair = ((*dependent, role(def.dependent_role)), (*primary, role(def.primary_role)));
                self.colocate(pair, def.score, (place, def));
            }
        }
    }

    fn colocate(
        &mut self,
        ((dependent, dependent_role), (primary, primary_role)): (Named, Named),
        score: Score,
        (place, def): (usize, &ColocationDef),
    ) {
        if score == Score::ZERO || dependent == primary {
            return;
        }
        // "Started" is any role.
        let role = |role: Phase| if role == Phase::Started { Phase::Unknown } else { role };
        let influence = def.influence.unwrap_or(self.res[dependent].critical);
        self.colocations.push(Coloc {
            dependent,
            primary,
            score,
            dependent_role: role(dependent_role),
            primary_role: role(primary_role),
            attribute: def.node_attribute.clone().filter(|name| name != "#uname"),
            influence,
            implicit: false,
            place: self.colocations.len(),
            written: Some(place),
        });
    }

    fn members(&self, set: &SetDef) -> Vec<Named> {
        let role = set.role.map_or(Phase::Unknown, Phase::of);
        set.members.iter().flat_map(|id| self.named(id)).map(|key| (key, role)).collect()
    }

    fn read_colocation_sets(&mut self, (place, def): (usize, &ColocationDef)) {
        let sets: Vec<(Vec<Named>, bool, Score)> = def
            .sets
            .iter()
            .map(|set| (self.members(set), is_sequential(self, set), set.score.unwrap_or(def.score)))
            .collect();
        for (members, sequential, score) in &sets {
            if !*sequential {
                continue;
            }
            if score.forbids() {
                for (nth, later) in members.iter().enumerate() {
                    for earlier in members.iter().take(nth) {
                        self.colocate((*later, *earlier), *score, (place, def));
                    }
                }
            } else {
                for (earlier, later) in members.iter().zip(members.iter().skip(1)) {
                    self.colocate((*later, *earlier), *score, (place, def));
                }
            }
        }
        for ((a, a_sequential, _), (b, b_sequential, _)) in sets.iter().zip(sets.iter().skip(1)) {
            let dependents: Vec<Named> =
                if *a_sequential { a.first().copied().into_iter().collect() } else { a.clone() };
            let primaries: Vec<Named> = if *b_sequential { b.last().copied().into_iter().collect() } else { b.clone() };
            for dependent in &dependents {
                for primary in &primaries {
                    self.colocate((*dependent, *primary), def.score, (place, def));
                }
            }
        }
    }

    fn read_ticket(&mut self, (place, def): (usize, &TicketDef)) {
        let ticket = self.scene.status.tickets.iter().find(|ticket| ticket.id == def.ticket);
        let (granted, standby) = ticket.map_or((false, false), |ticket| (ticket.granted, ticket.standby));
        if granted && !standby {
            return;
        }
        for (id, role) in &def.resources {
            let role = role.map_or(Phase::Unknown, Phase::of);
            let role = if role == Phase::Started { Phase::Unknown } else { role };
            for key in self.named(id) {
                for part in self.subtree(key) {
                    self.lose_ticket(part, role, (def.loss_policy.as_deref(), granted), place);
                }
            }
        }
    }

    fn lose_ticket(&mut self, key: ResKey, role: Phase, (policy, granted): (Option<&str>, bool), place: usize) {
        let because = Because::Ticket(place);
        let promoted = role == Phase::Promoted;
        let usual = if promoted { "demote" } else { "stop" };
        let policy = match policy {
            Some("fence") if !self.options.fencing => "stop",
            Some(word @ ("stop" | "demote" | "fence" | "freeze")) => word,
            Some(_) | None => usual,
        };
        if promoted {
            self.res[key].promote_banned = Some(place);
        }
        let active = !self.res[key].active.is_empty();
        let matches = role == Phase::Unknown || role == self.res[key].role;
        let bans = !promoted || policy == "stop";
        if granted || !active {
            if bans {
                self.ban_everywhere(key, because);
            }
            return;
        }
        match policy {
            "stop" => self.ban_everywhere(key, because),
            "demote" if !promoted => self.ban_everywhere(key, because),
            "fence" if matches => {
                self.ban_everywhere(key, because);
                for node in self.res[key].active.clone() {
                    self.condemn(node, "the ticket was lost");
                }
            }
            "freeze" if matches => {
                self.res[key].block(Left::Ticket(place));
            }
            _ => {}
        }
    }

    /// Colocations that nobody wrote: of groups, and of what is in a container.
    pub(super) fn imply_colocations(&mut self) {
        for key in self.res.keys().collect::<Vec<_>>() {
            if self.res[key].kind == Kind::Group && self.collocated(key) {
                let members = self.res[key].children.clone();
                for (earlier, later) in members.iter().zip(members.iter().skip(1)) {
                    let influence = self.res[*later].critical;
                    self.imply(*later, *earlier, (Score::INFINITY, influence));
                }
            }
            let Some(container) = self.res[key].container else { continue };
            let in_bundle = self.res[key].implicit && self.res[key].parent.is_some();
            if in_bundle {
                // The connection of a replica may be elsewhere than its container.
                self.imply(key, container, (Score::new(10_000), true));
            } else if self.res[key].is_connection() {
                self.imply(key, container, (Score::INFINITY, true));
            } else if let Some(node) = self.container_node(container) {
                for other in self.nodes.keys().filter(|other| *other != node).collect::<Vec<_>>() {
                    self.ban(key, other, Because::Container(container));
                }
            } else {
                self.imply(key, container, (Score::INFINITY, true));
            }
        }
        let bundles: Vec<ResKey> =
            self.res.iter().filter(|(_, res)| res.kind == Kind::Bundle).map(|(key, _)| key).collect();
        for replica in bundles.iter().flat_map(|key| self.res[*key].replicas.clone()).collect::<Vec<_>>() {
            if let (Some(ip), Some(container)) = (replica.ip, replica.container) {
                self.imply(ip, container, (Score::INFINITY, true));
            }
        }
    }

    fn collocated(&self, key: ResKey) -> bool {
        let text = self.res[key].meta.get("collocated");
        text.and_then(|text| crate::spec::parse_bool(text)).unwrap_or(true)
    }

    /// The node that a container is or has within.
    fn container_node(&self, container: ResKey) -> Option<NodeKey> {
        let own = self.res[container].connects;
        own.or_else(|| self.res[container].fillers.iter().find_map(|filler| self.res[*filler].connects))
    }

    fn imply(&mut self, dependent: ResKey, primary: ResKey, (score, influence): (Score, bool)) {
        self.colocations.push(Coloc {
            dependent,
            primary,
            score,
            dependent_role: Phase::Unknown,
            primary_role: Phase::Unknown,
            attribute: None,
            influence,
            implicit: true,
            place: self.colocations.len(),
            written: None,
        });
    }
}

/// The constraints whose lifetime has begun and not ended, with their places in the configuration.
pub(super) fn in_force(scene: &Scene) -> impl Iterator<Item = (usize, &ConstraintDef)> {
    let asked = Asked { now: scene.now, ..Asked::default() };
    let lives = move |(_, constraint): &(usize, &ConstraintDef)| {
        constraint.lifetime.as_ref().is_none_or(|lifetime| rules::holds(lifetime, asked))
    };
    scene.config.constraints.iter().enumerate().filter(lives)
}

/// Whether the members of a set depend on each other. A name for several resources makes a set without order.
pub(super) fn is_sequential(model: &Model, set: &SetDef) -> bool {
    let several = set.members.iter().any(|id| {
        model.scene.config.tags.contains_key(id)
            || model.scene.config.templates.iter().any(|template| template.id == *id)
    });
    set.sequential.unwrap_or(!several)
}

fn find_def<'a>(defs: &'a [super::config::ResourceDef], id: &str) -> Option<&'a super::config::ResourceDef> {
    use super::config::BodyDef;
    defs.iter().find_map(|def| {
        if def.id == id {
            return Some(def);
        }
        match &def.body {
            BodyDef::Primitive { .. } => None,
            BodyDef::Group(members) => find_def(members, id),
            BodyDef::Clone { child, .. } => find_def(std::slice::from_ref(child), id),
            BodyDef::Bundle(bundle) => {
                bundle.child.as_ref().and_then(|child| find_def(std::slice::from_ref(child), id))
            }
        }
    })
}
