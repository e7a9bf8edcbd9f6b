//! Sets of resources in constraints.
//!
//! Source: Pacemaker Explained, "Resource Sets".

use haven_core::scheduler::engine::config::SetDef;

use super::reading::Reading;
use super::tree::Element;

/// What an order can be about.
pub(super) const ACTIONS: [&str; 4] = ["start", "stop", "promote", "demote"];
/// How strict an order can be.
pub(super) const KINDS: [&str; 3] = ["Mandatory", "Optional", "Serialize"];

/// The sets among `children`, in the order of the text.
pub(super) fn resource_sets<'t, 'a>(r: &mut Reading<'t, 'a, '_>, children: &[Element<'t, 'a>]) -> Vec<SetDef> {
    let named = children.iter().filter(|child| child.name() == "resource_set");
    named.filter_map(|child| set(r, *child)).collect()
}

fn set<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<SetDef> {
    let element = r.links.follow(element, r.said)?;
    let known = ["sequential", "require-all", "ordering", "role", "action", "score", "kind", "symmetrical"];
    r.attributes(element, &known);
    let mut members = Vec::new();
    for child in r.children(element, &["resource_ref"]) {
        let Some(id) = r.required(child, "id") else { continue };
        if let Some(attribute) = child.attribute("id") {
            r.known_resource(attribute, id);
        }
        members.push(id.to_owned());
    }
    if members.is_empty() {
        r.said.warning(element.name(), "a set without members asks for nothing", "give it members, or remove it");
    }
    Some(SetDef {
        id: r.id(element),
        members,
        sequential: r.flag(element, "sequential"),
        require_all: r.flag(element, "require-all"),
        ordering: r.word_or(element, "ordering", &["group", "listed"], Some("listed")).map(str::to_owned),
        role: r.role(element, "role"),
        action: r.word(element, "action", &ACTIONS).map(str::to_owned),
        score: r.score(element, "score"),
        kind: r.word_or(element, "kind", &KINDS, Some("Mandatory")).map(str::to_owned),
        symmetrical: r.flag(element, "symmetrical"),
    })
}
