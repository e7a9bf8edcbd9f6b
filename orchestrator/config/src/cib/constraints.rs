//! Constraints with one or two resources, and what those with sets have in common with them.
//!
//! For: each constraint as it was written, also where it names what does not exist.
//! Never: a constraint left out because Pacemaker would not heed it; that is the engine's part.
//! Source: Pacemaker Explained, "Resource Constraints", "Multi-Site Clusters and Tickets".

use haven_core::scheduler::engine::config::{
    ColocationDef, ConstraintDef, ConstraintKind, LocationDef, OrderDef, SetDef, Target, TicketDef,
};
use haven_core::spec::Expr;

use super::reading::Reading;
use super::resource_sets::{ACTIONS, KINDS, resource_sets};
use super::rules;
use super::tree::Element;

/// Instances of a clone cannot be told apart in constraints.
const INSTANCES: [&str; 4] = ["rsc-instance", "with-rsc-instance", "first-instance", "then-instance"];

/// The constraints of the section.
pub(super) fn section<'t, 'a>(r: &mut Reading<'t, 'a, '_>, section: Element<'t, 'a>) -> Vec<ConstraintDef> {
    let known = ["rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"];
    r.children(section, &known).into_iter().filter_map(|child| constraint(r, child)).collect()
}

fn constraint<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<ConstraintDef> {
    for instance in element.attributes().iter().filter(|attribute| INSTANCES.contains(&attribute.name)) {
        r.said.error(instance.whole, "a constraint is about a single instance", "make it about the clone");
    }
    let id = r.id(element);
    let known: &[&str] = match element.name() {
        "rsc_location" => &["rule", "resource_set", "lifetime"],
        _ => &["resource_set", "lifetime"],
    };
    let children = r.children(element, known);
    let lifetime = lifetime(r, &children);
    let body = match element.name() {
        "rsc_location" => ConstraintKind::Location(location(r, element, &children)?),
        "rsc_colocation" => ConstraintKind::Colocation(colocation(r, element, &children)?),
        "rsc_order" => ConstraintKind::Order(order(r, element, &children)?),
        _ => ConstraintKind::Ticket(ticket(r, element, &children)?),
    };
    Some(ConstraintDef { id, body, lifetime })
}

/// Warns of attributes that a constraint has not.
fn known<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>, names: &[&str]) {
    r.attributes(element, &[names, &INSTANCES].concat());
}

/// When the constraint counts: the old way to give it a date.
fn lifetime<'t, 'a>(r: &mut Reading<'t, 'a, '_>, children: &[Element<'t, 'a>]) -> Option<Expr> {
    let lifetimes = children.iter().filter(|child| child.name() == "lifetime");
    let found: Vec<Element<'t, 'a>> = lifetimes.flat_map(|child| r.children(*child, &["rule"])).collect();
    rules::any_of(r, found.into_iter())
}

/// The resource that `name` names, with a warning if there is none like that.
fn named<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>, name: &str) -> Option<String> {
    let attribute = element.attribute(name)?;
    r.known_resource(attribute, &attribute.value);
    Some(attribute.value.clone().into_owned())
}

/// The two resources of `names`, or sets. Neither is an error, both a warning: Pacemaker looks at the sets.
fn sides<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    element: Element<'t, 'a>,
    names: [&str; 2],
    sets: &[SetDef],
) -> Option<[String; 2]> {
    let found = names.map(|name| named(r, element, name));
    let [one, other] = names;
    match (found, sets.is_empty()) {
        ([Some(first), Some(second)], true) => Some([first, second]),
        ([None, None], false) => Some([String::new(), String::new()]),
        ([_, _], false) => {
            let what = format!("{one} and {other} count for nothing beside sets");
            r.said.warning(element.name(), what, "remove them, or the sets");
            Some([String::new(), String::new()])
        }
        ([_, _], true) => {
            let what = format!("this {} has neither {one} and {other} nor sets", element.name());
            r.said.error(element.name(), what, "name two resources");
            None
        }
    }
}

fn location<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    element: Element<'t, 'a>,
    children: &[Element<'t, 'a>],
) -> Option<LocationDef> {
    known(r, element, &["rsc", "rsc-pattern", "role", "node", "score", "resource-discovery"]);
    let sets = resource_sets(r, children);
    let mut targets: Vec<Target> = Vec::new();
    targets.extend(named(r, element, "rsc").map(Target::Resource));
    targets.extend(element.text("rsc-pattern").map(Target::Pattern));
    targets.extend((!sets.is_empty()).then_some(Target::Sets(sets)));
    if targets.len() != 1 {
        let what = format!("this rsc_location names {} of rsc, rsc-pattern and sets", targets.len());
        r.said.error(element.name(), what, "write exactly one of them");
    }
    let role = r.role(element, "role");
    let score = r.score(element, "score");
    let node = element.text("node");
    let named: Vec<_> = children.iter().filter(|child| child.name() == "rule").copied().collect();
    match (&node, named.as_slice()) {
        (Some(_), []) | (None, [_, ..]) => {}
        (Some(_), [rule, ..]) => r.said.warning(rule.name(), "rules count for nothing beside a node", "remove them"),
        (None, []) => {
            let what = "a location with neither node nor rule asks for nothing";
            r.said.warning(element.name(), what, "name a node, or remove it");
        }
    }
    let rules: Vec<_> = named.into_iter().filter_map(|rule| rules::of_location(r, rule)).collect();
    let rules = if node.is_some() { Vec::new() } else { rules };
    let discovery = r.word(element, "resource-discovery", &["always", "never", "exclusive"]).map(str::to_owned);
    Some(LocationDef { target: targets.pop()?, role, score, node, rules, discovery })
}

fn colocation<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    element: Element<'t, 'a>,
    children: &[Element<'t, 'a>],
) -> Option<ColocationDef> {
    let names = ["rsc", "with-rsc", "score", "rsc-role", "with-rsc-role", "node-attribute", "influence"];
    known(r, element, &names);
    let sets = resource_sets(r, children);
    let [dependent, primary] = sides(r, element, ["rsc", "with-rsc"], &sets)?;
    if element.attribute("score").is_none() && sets.iter().all(|set| set.score.is_none()) {
        r.said.warning(element.name(), "a colocation without a score asks for nothing", "give it a score");
    }
    Some(ColocationDef {
        score: r.score(element, "score").unwrap_or_default(),
        dependent,
        primary,
        dependent_role: r.role(element, "rsc-role"),
        primary_role: r.role(element, "with-rsc-role"),
        node_attribute: element.text("node-attribute"),
        influence: r.flag(element, "influence"),
        sets,
    })
}

fn order<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    element: Element<'t, 'a>,
    children: &[Element<'t, 'a>],
) -> Option<OrderDef> {
    let names = ["first", "first-action", "then", "then-action", "kind", "score", "symmetrical", "require-all"];
    known(r, element, &names);
    let sets = resource_sets(r, children);
    let [first, then] = sides(r, element, ["first", "then"], &sets)?;
    Some(OrderDef {
        first,
        first_action: r.word(element, "first-action", &ACTIONS).map(str::to_owned),
        then,
        then_action: r.word(element, "then-action", &ACTIONS).map(str::to_owned),
        kind: r.word_or(element, "kind", &KINDS, Some("Mandatory")).map(str::to_owned),
        score: r.score(element, "score"),
        symmetrical: r.flag(element, "symmetrical"),
        require_all: r.flag(element, "require-all"),
        sets,
    })
}

fn ticket<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    element: Element<'t, 'a>,
    children: &[Element<'t, 'a>],
) -> Option<TicketDef> {
    known(r, element, &["rsc", "rsc-role", "ticket", "loss-policy"]);
    let role = r.role(element, "rsc-role");
    let mut resources: Vec<_> = named(r, element, "rsc").into_iter().map(|id| (id, role)).collect();
    for set in resource_sets(r, children) {
        resources.extend(set.members.into_iter().map(|id| (id, set.role)));
    }
    if resources.is_empty() {
        r.said.error(element.name(), "this rsc_ticket names no resource", "write rsc or a resource_set");
    }
    let loss_policy = r.word_or(element, "loss-policy", &["stop", "demote", "fence", "freeze"], None);
    let ticket = r.required(element, "ticket")?.to_owned();
    Some(TicketDef { ticket, loss_policy: loss_policy.map(str::to_owned), resources })
}
