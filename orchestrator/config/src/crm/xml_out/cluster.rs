//! Nodes, options, fencing, tags, permissions and alerts as elements.

use super::attributes::{all, own};
use super::ids::Ids;
use crate::crm::markup::Markup;
use crate::crm::object::attributes::{AttrSet, SetKind};
use crate::crm::object::cluster::{AclTarget, Alert, AlertPart, Node, Options, Role, Tag, Target, Topology};

/// A node.
pub(super) fn node(node: &Node, ids: &mut Ids) -> Markup {
    let markup = Markup::new("node").with("id", node.id.as_deref().unwrap_or(&node.name)).with("uname", &node.name);
    let markup = markup.with_some("type", node.kind.as_deref());
    let mut markup = markup.with_some("description", node.description.as_deref());
    markup.children = all(&node.sets, &node.name, ids);
    markup
}

/// A set of options.
pub(super) fn options(options: &Options, ids: &mut Ids) -> Markup {
    let (_, element) = options.kind.section();
    own(element, &options.set, options.id.clone(), ids)
}

/// A tag.
pub(super) fn tag(tag: &Tag) -> Markup {
    let mut markup = Markup::new("tag").with("id", &tag.id);
    markup.children = tag.members.iter().map(|id| Markup::new("obj_ref").with("id", id)).collect();
    markup
}

/// The topology: `nodes` are those that all nodes are.
pub(super) fn topology(topology: &Topology, nodes: &[&str], ids: &mut Ids) -> Markup {
    let mut markup = Markup::new("fencing-topology");
    for (target, levels) in &topology.targets {
        let targets = match target {
            Target::All => nodes.iter().map(|node| vec![("target", (*node).to_owned())]).collect(),
            Target::Node(node) => vec![vec![("target", node.clone())]],
            Target::Pattern(pattern) => vec![vec![("target-pattern", pattern.clone())]],
            Target::Attribute(name, value) => {
                vec![vec![("target-attribute", name.clone()), ("target-value", value.clone())]]
            }
        };
        for target in targets {
            for (index, devices) in (1..).zip(levels) {
                let mut level = Markup::new("fencing-level");
                level.attributes = target.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let index: u32 = index;
                let level = level.with("index", index.to_string()).with("devices", devices);
                markup.children.push(level.with("id", ids.make("fencing")));
            }
        }
    }
    markup
}

/// A role.
pub(super) fn role(role: &Role, ids: &mut Ids) -> Markup {
    let mut markup = Markup::new("acl_role").with("id", &role.id);
    for permission in &role.permissions {
        let mut child = Markup::new("acl_permission").with("kind", &permission.right);
        child.attributes.extend(permission.about.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        markup.children.push(child.with("id", ids.make(&role.id)));
    }
    markup
}

/// A user of old configurations, whose permissions are elements of their own names.
pub(super) fn user(user: &Role, ids: &mut Ids) -> Markup {
    let mut markup = Markup::new("acl_user").with("id", &user.id);
    for permission in &user.permissions {
        let own_id = permission.about.iter().any(|(name, _)| *name == "id");
        let mut child = Markup::new(if own_id { "role_ref" } else { &permission.right });
        for (name, value) in &permission.about {
            // The old form has other names for two of them.
            let name = match *name {
                "object-type" => "tag",
                "reference" => "ref",
                other => other,
            };
            child.attributes.push((name.to_owned(), value.clone()));
        }
        markup.children.push(if own_id { child } else { child.with("id", ids.make(&user.id)) });
    }
    markup
}

/// Which roles a user has.
pub(super) fn acl_target(target: &AclTarget) -> Markup {
    let mut markup = Markup::new("acl_target").with("id", &target.id);
    markup.children = target.roles.iter().map(|id| Markup::new("role").with("id", id)).collect();
    markup
}

/// An alert.
pub(super) fn alert(alert: &Alert, ids: &mut Ids) -> Markup {
    let markup = Markup::new("alert").with("id", &alert.id).with("path", &alert.path);
    let mut markup = markup.with_some("description", alert.description.as_deref());
    let mut recipients: u32 = 0;
    for part in &alert.parts {
        let child = match part {
            AlertPart::Set(kind, set) => self::set(*kind, set, &alert.id, ids),
            AlertPart::Select { kinds, attributes } => select(kinds, attributes, &alert.id, ids),
            AlertPart::Recipient(value, sets) => {
                recipients += 1;
                let id = ids.make(&format!("{}-recipient-{recipients}", alert.id));
                let mut child = Markup::new("recipient").with("id", id.clone()).with("value", value);
                child.children = sets.iter().map(|(kind, set)| self::set(*kind, set, &id, ids)).collect();
                child
            }
        };
        markup.children.push(child);
    }
    markup
}

fn set(kind: SetKind, set: &AttrSet, owner: &str, ids: &mut Ids) -> Markup {
    let id = ids.own_or(set.id.as_deref(), &format!("{owner}-{}", kind.element()));
    own(kind.element(), set, id, ids)
}

fn select(kinds: &[String], attributes: &[String], owner: &str, ids: &mut Ids) -> Markup {
    let mut markup = Markup::new("select");
    for kind in kinds {
        let mut child = Markup::new(&format!("select_{kind}"));
        if kind == "attributes" {
            child.children.extend(attributes.iter().map(|name| {
                let id = ids.make(owner);
                Markup::new("attribute").with("name", name).with("id", id)
            }));
        }
        markup.children.push(child);
    }
    markup
}
