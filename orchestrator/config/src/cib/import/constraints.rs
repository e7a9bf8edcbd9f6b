//! Constraints.
//!
//! Source: Pacemaker Explained, "Resource Constraints".

use haven_core::ids::{ConstraintId, NodeId, ResourceId};
use haven_core::scheduler::engine::config::{
    ColocationDef, ConstraintDef, ConstraintKind, LocationDef, OrderDef, RuleDef, SetDef, Target,
};
use haven_core::spec::{
    Colocation, ColocationSet, Compare, Constraint, ConstraintBody, Discovery, Expr, Location, LocationRule,
    LocationTarget, LocationWhere, Order, OrderItem, OrderKind, OrderSet, OrderVerb, Pair, Role, RuleScore, SetJoin,
    SpecEdit, ValueKind,
};
use haven_core::units::Score;

use super::tally::{Fate, Thing};
use super::work::Work;
use crate::diagnostic::quoted;

/// What a constraint becomes, or why it becomes nothing.
type Made<T> = Result<T, Fate>;

/// What a set says of itself and haven's sets cannot.
const ALIKE: &str = "write one constraint for each set";

impl<'a> Work<'_, 'a, '_> {
    pub(super) fn constraint(&mut self, constraint: &ConstraintDef) {
        let fate = self.made_constraint(constraint).map_or_else(
            |fate| fate,
            |edit| {
                self.edit(edit);
                Fate::Taken
            },
        );
        self.count(Thing::Constraint, format!("constraint {}", constraint.id), fate);
    }

    fn made_constraint(&mut self, constraint: &ConstraintDef) -> Made<SpecEdit> {
        let ConstraintDef { id, body, lifetime } = constraint;
        let part = self.places.id(id);
        if self.is_about_a_device(body) {
            let what =
                format!("{} is about a fence device: haven starts none, and chooses itself who uses it", quoted(id));
            return Err(self.note(part, what));
        }
        if lifetime.is_some() {
            let what = format!("{} has a lifetime, which haven does not do", quoted(id));
            return Err(self.refuse(part, what, "remove the lifetime, or the constraint"));
        }
        let name = self.name(id, part, ConstraintId::new);
        let body = match body {
            ConstraintKind::Location(location) => ConstraintBody::Location(self.location(location, id, part)?),
            ConstraintKind::Colocation(colocation) => {
                ConstraintBody::Colocation(self.colocation(colocation, id, part)?)
            }
            ConstraintKind::Order(order) => ConstraintBody::Order(self.order(order, id, part)?),
            ConstraintKind::Ticket(ticket) => {
                let what = format!(
                    "{} asks for ticket {}, and this version of haven has none",
                    quoted(id),
                    quoted(&ticket.ticket)
                );
                return Err(self.refuse(part, what, "remove it; a site that is lost is a person's decision here"));
            }
        };
        let id = name.ok_or(Fate::Refused)?;
        Ok(SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None }))
    }

    /// Whether it names a fence device, or what has one in it.
    fn is_about_a_device(&self, body: &ConstraintKind) -> bool {
        let is = |id: &String| self.devices.contains(id);
        let in_sets = |sets: &[SetDef]| sets.iter().flat_map(|set| &set.members).any(is);
        match body {
            ConstraintKind::Location(location) => match &location.target {
                Target::Resource(id) => is(id),
                Target::Sets(sets) => in_sets(sets),
                Target::Pattern(_) => false,
            },
            ConstraintKind::Colocation(c) => is(&c.dependent) || is(&c.primary) || in_sets(&c.sets),
            ConstraintKind::Order(order) => is(&order.first) || is(&order.then) || in_sets(&order.sets),
            ConstraintKind::Ticket(ticket) => ticket.resources.iter().any(|(id, _)| is(id)),
        }
    }

    fn location(&mut self, location: &LocationDef, id: &str, part: &'a str) -> Made<Location> {
        let LocationDef { target, role, score, node, rules, discovery } = location;
        let target = match target {
            Target::Resource(resource) => {
                let place = self.places.attribute(id, "rsc");
                LocationTarget::Resource(self.resource_id(resource, place).ok_or(Fate::Refused)?)
            }
            Target::Pattern(pattern) => LocationTarget::Pattern(pattern.clone()),
            Target::Sets(sets) => LocationTarget::Set(self.set_members(sets, id, part)?),
        };
        let role = role.or_else(|| role_of_all(sets_of(&location.target)));
        let discovery = match discovery.as_deref() {
            Some("never") => Some(Discovery::Never),
            Some("exclusive") => Some(Discovery::Exclusive),
            // It is so anyway.
            Some(_) | None => None,
        };
        let place = match node {
            Some(node) => {
                let node = self.node(node, self.places.attribute(id, "node")).ok_or(Fate::Refused)?;
                LocationWhere::Node { node, score: score.unwrap_or_default() }
            }
            // The reader has said that it asks for nothing.
            None if rules.is_empty() => return Err(Fate::Noted),
            None => self.by_rules(rules, part)?,
        };
        Ok(Location { target, role, place, discovery })
    }

    /// The members of all sets of a location, if they are meant alike.
    fn set_members(&mut self, sets: &[SetDef], id: &str, part: &'a str) -> Made<Vec<ResourceId>> {
        let role = sets.first().and_then(|set| set.role);
        let mut found = Vec::new();
        for set in sets {
            let SetDef { id: own, members, sequential: _, require_all: _, ordering: _, role: own_role, .. } = set;
            let SetDef { action, score, kind, symmetrical, .. } = set;
            let more = action.is_some() || score.is_some() || kind.is_some() || symmetrical.is_some();
            if more || *own_role != role {
                let what = format!("a set of {} has a role, action or score of its own", quoted(id));
                return Err(self.refuse(self.places.id(own), what, ALIKE));
            }
            found.extend(self.members(members, part)?);
        }
        Ok(found)
    }

    /// One rule that is about the name of a node is that node.
    fn by_rules(&mut self, rules: &[RuleDef], part: &'a str) -> Made<LocationWhere> {
        if let [RuleDef { id: _, role: None, score: Some(score), attribute: None, expr }] = rules
            && let Some(name) = node_named(expr)
        {
            let node = self.node(name, part).ok_or(Fate::Refused)?;
            return Ok(LocationWhere::Node { node, score: *score });
        }
        let rule = |rule: &RuleDef| LocationRule {
            id: Some(rule.id.clone()).filter(|id| !id.is_empty()),
            role: rule.role,
            score: match (&rule.attribute, rule.score) {
                (Some(attribute), None) => RuleScore::Attribute(attribute.clone()),
                (_, score) => RuleScore::Points(score.unwrap_or_default()),
            },
            expr: rule.expr.clone(),
        };
        Ok(LocationWhere::Rules(rules.iter().map(rule).collect()))
    }

    fn members(&mut self, named: &[String], part: &str) -> Made<Vec<ResourceId>> {
        let members: Vec<Option<ResourceId>> = named.iter().map(|member| self.resource_id(member, part)).collect();
        members.into_iter().collect::<Option<Vec<_>>>().ok_or(Fate::Refused)
    }

    fn colocation(&mut self, colocation: &ColocationDef, id: &str, part: &'a str) -> Made<Colocation> {
        let ColocationDef { score, dependent, primary, dependent_role, primary_role, node_attribute, influence, sets } =
            colocation;
        let join = if sets.is_empty() {
            let dependent = self.side(dependent, self.places.attribute(id, "rsc"), *dependent_role, None)?;
            let primary = self.side(primary, self.places.attribute(id, "with-rsc"), *primary_role, None)?;
            SetJoin::Pair(dependent, primary)
        } else {
            SetJoin::Sets(sets.iter().map(|set| self.colocation_set(set, id, part)).collect::<Made<Vec<_>>>()?)
        };
        let (node_attribute, influence) = (node_attribute.clone(), *influence);
        Ok(Colocation { score: *score, join, node_attribute, influence })
    }

    fn colocation_set(&mut self, set: &SetDef, id: &str, part: &'a str) -> Made<ColocationSet> {
        let SetDef { id: own, members, sequential, require_all, ordering, role, action, score, kind, symmetrical } =
            set;
        if require_all.is_some() || ordering.is_some() || action.is_some() || kind.is_some() || symmetrical.is_some() {
            let what = format!("a set of colocation {} says more than members, sequential, role and score", quoted(id));
            return Err(self.refuse(self.places.id(own), what, "remove the rest"));
        }
        let members = self.members(members, part)?;
        Ok(ColocationSet { members, sequential: sequential.unwrap_or(true), role: *role, score: *score })
    }

    fn order(&mut self, order: &OrderDef, id: &str, part: &'a str) -> Made<Order> {
        let OrderDef { first, first_action, then, then_action, kind, score, symmetrical, require_all, sets } = order;
        let join = if sets.is_empty() {
            if *require_all == Some(false) {
                let what = format!("{} has require-all=false, which haven does not do", quoted(id));
                return Err(self.refuse(self.places.attribute(id, "require-all"), what, "remove it"));
            }
            let first = self.side(first, self.places.attribute(id, "first"), None, first_action.as_deref())?;
            let then = self.side(then, self.places.attribute(id, "then"), None, then_action.as_deref())?;
            SetJoin::Pair(first, then)
        } else {
            SetJoin::Sets(sets.iter().map(|set| self.order_set(set, id, part)).collect::<Made<Vec<_>>>()?)
        };
        let kind = match (kind.as_deref(), score) {
            (Some("Optional"), _) | (None, Some(Score::ZERO)) => OrderKind::Optional,
            (Some("Serialize"), _) => OrderKind::Serialize,
            (Some(_), _) | (None, _) => OrderKind::Mandatory,
        };
        Ok(Order { kind, join, symmetrical: *symmetrical })
    }

    fn order_set(&mut self, set: &SetDef, id: &str, part: &'a str) -> Made<OrderSet> {
        let SetDef { id: own, members, sequential, require_all, ordering, role, action, score, kind, symmetrical } =
            set;
        if ordering.is_some() || role.is_some() || score.is_some() || kind.is_some() || symmetrical.is_some() {
            let what =
                format!("a set of order {} says more than members, sequential, require-all and action", quoted(id));
            return Err(self.refuse(self.places.id(own), what, "remove the rest"));
        }
        let verb = action.as_deref().and_then(verb);
        let item = |resource| OrderItem { resource, verb };
        let members = self.members(members, part)?.into_iter().map(item).collect();
        Ok(OrderSet { members, sequential: sequential.unwrap_or(true), require_all: require_all.unwrap_or(true) })
    }

    fn side(&mut self, resource: &str, part: &str, role: Option<Role>, action: Option<&str>) -> Made<Pair> {
        let resource = self.resource_id(resource, part).ok_or(Fate::Refused)?;
        Ok(Pair { resource, role, verb: action.and_then(verb) })
    }
}

/// The sets that a location is about.
fn sets_of(target: &Target) -> &[SetDef] {
    match target {
        Target::Sets(sets) => sets,
        Target::Resource(_) | Target::Pattern(_) => &[],
    }
}

/// The role of the sets, which all have the same.
fn role_of_all(sets: &[SetDef]) -> Option<Role> {
    sets.first().and_then(|set| set.role)
}

/// The reader lets no other word through.
fn verb(action: &str) -> Option<OrderVerb> {
    match action {
        "start" => Some(OrderVerb::Start),
        "stop" => Some(OrderVerb::Stop),
        "promote" => Some(OrderVerb::Promote),
        "demote" => Some(OrderVerb::Demote),
        _ => None,
    }
}

/// The node that the condition names, if that is all of it.
fn node_named(expr: &Expr) -> Option<&str> {
    let (Expr::And(parts) | Expr::Or(parts)) = expr else { return None };
    let [Expr::Attribute { name, compare: Compare::Eq, value: Some(value), kind, source: None }] = parts.as_slice()
    else {
        return None;
    };
    let plain = name == "#uname" && matches!(kind, None | Some(ValueKind::String)) && NodeId::new(value).is_ok();
    plain.then_some(value)
}
