//! Constraints.

use haven_core::ids::ResourceId;
use haven_core::spec::{
    Colocation, ColocationSet, Constraint, ConstraintBody, Discovery, Location, LocationRule, LocationTarget,
    LocationWhere, Order, OrderItem, OrderKind, OrderSet, OrderVerb, Pair, RuleScore, SetJoin,
};

use super::{Work, points, role, xml};

impl Work<'_> {
    pub(super) fn constraints(&mut self) {
        let mut constraints: Vec<&Constraint> = self.spec.constraints.values().collect();
        constraints.sort_by_key(|constraint| constraint.seq);
        self.xml.begin("constraints", &[]);
        for constraint in constraints {
            let Constraint { id, body, seq: _, until } = constraint;
            if until.is_some() {
                let what = format!("constraint {id} ends by itself, and is not written");
                self.note(what, "move the resource in Pacemaker, too, if it is to stay there");
                continue;
            }
            match body {
                ConstraintBody::Location(location) => self.location(id.as_str(), location),
                ConstraintBody::Colocation(colocation) => self.colocation(id.as_str(), colocation),
                ConstraintBody::Order(order) => self.order(id.as_str(), order),
            }
        }
        self.xml.end();
    }

    fn location(&mut self, id: &str, location: &Location) {
        let Location { target, role: of, place, discovery } = location;
        let mut attributes = vec![("id", id)];
        let role = of.map(role);
        match target {
            LocationTarget::Resource(resource) => attributes.push(("rsc", resource.as_str())),
            LocationTarget::Pattern(pattern) if xml::can_be_written(pattern) => {
                attributes.push(("rsc-pattern", pattern));
            }
            LocationTarget::Set(members) if !members.is_empty() => {}
            LocationTarget::Set(_) | LocationTarget::Pattern(_) => {
                self.error(format!("constraint {id} is about nothing that can be written"), "remove it first");
                return;
            }
        }
        let is_set = matches!(target, LocationTarget::Set(_));
        attributes.extend(role.filter(|_| !is_set).map(|role| ("role", role)));
        let score;
        if let LocationWhere::Node { node, score: of } = place {
            score = points(*of);
            attributes.extend([("node", node.as_str()), ("score", &score)]);
        }
        attributes.extend(discovery.map(|discovery| ("resource-discovery", word(discovery))));
        self.xml.begin("rsc_location", &attributes);
        if let LocationTarget::Set(members) = target {
            self.set(id, 0, members, &role.map(|role| ("role", role)).into_iter().collect::<Vec<_>>());
        }
        if let LocationWhere::Rules(rules) = place {
            rules.iter().for_each(|rule| self.location_rule(id, rule));
        }
        self.xml.end();
    }

    fn location_rule(&mut self, constraint: &str, rule: &LocationRule) {
        let LocationRule { id, role: of, score, expr } = rule;
        let wish = id.clone().unwrap_or_else(|| format!("{constraint}-rule"));
        let score = match score {
            RuleScore::Points(score) => ("score", points(*score)),
            RuleScore::Attribute(name) => ("score-attribute", name.clone()),
        };
        let role = of.map(|of| ("role", role(of)));
        let attributes: Vec<(&str, &str)> = [(score.0, score.1.as_str())].into_iter().chain(role).collect();
        self.rule(&wish, &attributes, expr);
    }

    fn colocation(&mut self, id: &str, colocation: &Colocation) {
        let Colocation { score, join, node_attribute, influence } = colocation;
        let score = points(*score);
        let mut attributes = vec![("id", id), ("score", &score)];
        attributes.extend(influence.map(|influence| ("influence", TRUTH(influence))));
        match join {
            SetJoin::Pair(dependent, primary) => {
                attributes.extend([("rsc", dependent.resource.as_str()), ("with-rsc", primary.resource.as_str())]);
                attributes.extend(node_attribute.as_deref().map(|name| ("node-attribute", name)));
                attributes.extend(dependent.role.map(|of| ("rsc-role", role(of))));
                attributes.extend(primary.role.map(|of| ("with-rsc-role", role(of))));
                self.xml.leaf("rsc_colocation", &attributes);
            }
            SetJoin::Sets(sets) => {
                self.xml.begin("rsc_colocation", &attributes);
                for (index, set) in sets.iter().enumerate() {
                    let ColocationSet { members, sequential, role: of, score } = set;
                    let score = score.map(points);
                    let mut more = vec![("sequential", TRUTH(*sequential))];
                    more.extend(of.map(|of| ("role", role(of))));
                    more.extend(score.as_deref().map(|score| ("score", score)));
                    self.set(id, index, members, &more);
                }
                self.xml.end();
            }
        }
    }

    fn order(&mut self, id: &str, order: &Order) {
        let Order { kind, join, symmetrical } = order;
        let kind = match kind {
            OrderKind::Mandatory => "Mandatory",
            OrderKind::Optional => "Optional",
            OrderKind::Serialize => "Serialize",
        };
        let mut attributes = vec![("id", id), ("kind", kind)];
        attributes.extend(symmetrical.map(|symmetrical| ("symmetrical", TRUTH(symmetrical))));
        match join {
            SetJoin::Pair(Pair { resource: first, verb: before, .. }, Pair { resource: then, verb: after, .. }) => {
                attributes.extend([("first", first.as_str()), ("then", then.as_str())]);
                attributes.extend(before.map(|verb| ("first-action", action(verb))));
                attributes.extend(after.map(|verb| ("then-action", action(verb))));
                self.xml.leaf("rsc_order", &attributes);
            }
            SetJoin::Sets(sets) => {
                self.xml.begin("rsc_order", &attributes);
                sets.iter().enumerate().for_each(|(index, set)| self.order_set(id, index, set));
                self.xml.end();
            }
        }
    }

    fn order_set(&mut self, id: &str, index: usize, set: &OrderSet) {
        let OrderSet { members, sequential, require_all } = set;
        let verb = members.first().and_then(|item| item.verb);
        if members.iter().any(|item| item.verb != verb) {
            self.error(format!("a set of {id} has several actions, and in a CIB it has one"), "split it first");
        }
        let mut more = vec![("sequential", TRUTH(*sequential)), ("require-all", TRUTH(*require_all))];
        more.extend(verb.map(|verb| ("action", action(verb))));
        let members: Vec<ResourceId> = members.iter().map(|OrderItem { resource, .. }| resource.clone()).collect();
        self.set(id, index, &members, &more);
    }

    fn set(&mut self, constraint: &str, index: usize, members: &[ResourceId], more: &[(&str, &str)]) {
        let id = self.ids.make(&format!("{constraint}-set-{index}"));
        let attributes: Vec<(&str, &str)> = [("id", id.as_str())].into_iter().chain(more.iter().copied()).collect();
        self.xml.begin("resource_set", &attributes);
        members.iter().for_each(|member| self.xml.leaf("resource_ref", &[("id", member.as_str())]));
        self.xml.end();
    }
}

/// Truth in Pacemaker's words.
const TRUTH: fn(bool) -> &'static str = |value| if value { "true" } else { "false" };

const fn word(discovery: Discovery) -> &'static str {
    match discovery {
        Discovery::Always => "always",
        Discovery::Never => "never",
        Discovery::Exclusive => "exclusive",
    }
}

const fn action(verb: OrderVerb) -> &'static str {
    match verb {
        OrderVerb::Start => "start",
        OrderVerb::Stop => "stop",
        OrderVerb::Promote => "promote",
        OrderVerb::Demote => "demote",
    }
}
