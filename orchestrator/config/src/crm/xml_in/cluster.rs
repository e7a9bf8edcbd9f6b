//! Nodes, options, fencing, tags, permissions and alerts from elements.

use std::collections::BTreeMap;

use super::Wanted;
use super::attributes::{all, set};
use crate::crm::markup::Markup;
use crate::crm::object::attributes::SetKind;
use crate::crm::object::cluster::{
    AclTarget, Alert, AlertPart, Node, OptionKind, Options, Permission, Role, Tag, Target, Topology,
};

/// A node.
pub(super) fn node(markup: &Markup, wanted: Wanted<'_>) -> Option<Node> {
    let name = markup.text("uname")?;
    let sets = all(&markup.children, &name, wanted)?;
    Some(Node {
        id: markup.text("id").filter(|id| *id != name),
        name,
        kind: markup.text("type"),
        description: markup.text("description"),
        sets,
    })
}

/// A set of options.
pub(super) fn options(markup: &Markup, kind: OptionKind, wanted: Wanted<'_>) -> Option<Options> {
    let mut set = set(markup, wanted)?;
    let id = set.id.take()?;
    // The dialect has no word for an order among them.
    set.score.is_none().then_some(Options { kind, id, set })
}

/// A tag.
pub(super) fn tag(markup: &Markup) -> Option<Tag> {
    let members: Vec<String> = markup.children.iter().map(|child| child.text("id")).collect::<Option<_>>()?;
    let id = markup.text("id")?;
    (!members.is_empty()).then_some(Tag { id, members })
}

/// The topology, whose levels are put in their order; each target must have all levels from the first on.
pub(super) fn topology(markup: &Markup) -> Option<Topology> {
    let mut levels: Vec<(u32, Target, String)> = Vec::new();
    for child in &markup.children {
        let index = child.value("index")?.parse().ok()?;
        levels.push((index, target(child)?, child.text("devices")?));
    }
    let mut found = Topology::of(levels.iter().map(|(_, target, devices)| (target.clone(), devices.clone())));
    levels.sort_by_key(|(index, _, _)| *index);
    let sorted = Topology::of(levels.iter().map(|(_, target, devices)| (target.clone(), devices.clone())));
    let mut seen: BTreeMap<&Target, u32> = BTreeMap::new();
    for (index, target, _) in &levels {
        let next = seen.entry(target).or_default();
        *next += 1;
        if next != index {
            return None;
        }
    }
    // Targets as they were written, levels in their order.
    let mut by_target: BTreeMap<Target, Vec<String>> = sorted.targets.into_iter().collect();
    for (target, levels) in &mut found.targets {
        *levels = by_target.remove(target)?;
    }
    (!found.targets.is_empty()).then_some(found)
}

fn target(markup: &Markup) -> Option<Target> {
    if let Some(node) = markup.text("target") {
        return Some(Target::Node(node));
    }
    if let Some(pattern) = markup.text("target-pattern") {
        return Some(Target::Pattern(pattern));
    }
    Some(Target::Attribute(markup.text("target-attribute")?, markup.text("target-value")?))
}

/// A role.
pub(super) fn role(markup: &Markup) -> Option<Role> {
    let permission = |child: &Markup| {
        let known = ["xpath", "object-type", "reference", "attribute"];
        let about = known.into_iter().filter_map(|name| Some((name, child.text(name)?))).collect();
        (child.name == "acl_permission").then_some(Permission { right: child.text("kind")?, about })
    };
    let permissions = markup.children.iter().map(permission).collect::<Option<_>>()?;
    Some(Role { id: markup.text("id")?, permissions })
}

/// A user of old configurations.
pub(super) fn user(markup: &Markup) -> Option<Role> {
    let permission = |child: &Markup| {
        if child.name == "role_ref" {
            return Some(Permission { right: "role".to_owned(), about: vec![("id", child.text("id")?)] });
        }
        let known = [("xpath", "xpath"), ("tag", "object-type"), ("ref", "reference"), ("attribute", "attribute")];
        let about = known.into_iter().filter_map(|(old, name)| Some((name, child.text(old)?))).collect();
        Some(Permission { right: child.name.clone(), about })
    };
    let permissions = markup.children.iter().map(permission).collect::<Option<_>>()?;
    Some(Role { id: markup.text("id")?, permissions })
}

/// Which roles a user has.
pub(super) fn acl_target(markup: &Markup) -> Option<AclTarget> {
    let roles = markup.children.iter().map(|child| child.text("id")).collect::<Option<_>>()?;
    Some(AclTarget { id: markup.text("id")?, roles })
}

/// An alert.
pub(super) fn alert(markup: &Markup, wanted: Wanted<'_>) -> Option<Alert> {
    let mut parts = Vec::new();
    for child in &markup.children {
        parts.push(match child.name.as_str() {
            "select" => select(child)?,
            "recipient" => {
                let sets = child.children.iter().map(|child| kind_and_set(child, wanted)).collect::<Option<_>>()?;
                AlertPart::Recipient(child.text("value")?, sets)
            }
            _ => {
                let (kind, set) = kind_and_set(child, wanted)?;
                AlertPart::Set(kind, set)
            }
        });
    }
    Some(Alert { id: markup.text("id")?, path: markup.text("path")?, description: markup.text("description"), parts })
}

fn kind_and_set(markup: &Markup, wanted: Wanted<'_>) -> Option<(SetKind, crate::crm::object::attributes::AttrSet)> {
    let kind = SetKind::of_element(&markup.name)?;
    let mut set = set(markup, wanted)?;
    // An id of its own has no place in the text.
    set.id = set.id.filter(|id| wanted.contains(id));
    Some((kind, set))
}

fn select(markup: &Markup) -> Option<AlertPart> {
    let (mut kinds, mut attributes) = (Vec::new(), Vec::new());
    for child in &markup.children {
        kinds.push(child.name.strip_prefix("select_")?.to_owned());
        for attribute in &child.children {
            attributes.push(attribute.text("name")?);
        }
    }
    Some(AlertPart::Select { kinds, attributes })
}
