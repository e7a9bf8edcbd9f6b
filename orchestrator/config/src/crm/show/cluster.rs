//! Nodes, options, fencing, tags, permissions and alerts as text.

use super::attributes::{of_owner, own, pair, rule};
use super::{View, described};
use crate::crm::lexer::{value, word};
use crate::crm::object::attributes::{Attributes, SetKind};
use crate::crm::object::cluster::{
    AclTarget, Alert, AlertPart, Node, Options, Permission, Role, Tag, Target, Topology,
};
use crate::crm::shortcut;

/// The lines of a node.
pub(super) fn node(node: &Node, view: &View<'_>) -> Vec<String> {
    let id = node.id.iter().map(|id| format!("{id}: ")).collect::<String>();
    let kind = node.kind.iter().map(|kind| format!(":{kind}")).collect::<String>();
    let mut lines = vec![format!("node {id}{}{kind}", node.name)];
    described(node.description.as_deref(), &mut lines);
    for (kind, attributes) in &node.sets {
        lines.extend(of_owner(attribute_word(*kind), *kind, attributes, &node.name, view));
    }
    lines
}

/// What sets are called where no agent gets them.
const fn attribute_word(kind: SetKind) -> &'static str {
    match kind {
        SetKind::Params => "attributes",
        SetKind::Meta | SetKind::Utilization => kind.word(),
    }
}

/// The lines of a set of options: each of them on its own.
pub(super) fn options(options: &Options, view: &View<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} {}:", options.kind.word(), options.id)];
    lines.extend(options.set.rules.iter().map(|found| rule(found, view)));
    lines.extend(options.set.pairs.iter().map(|found| pair(found, view)));
    lines
}

/// The line of a tag.
pub(super) fn tag(tag: &Tag) -> String {
    format!("tag {} {}", tag.id, tag.members.join(" "))
}

/// The lines of a topology: each target on its own.
pub(super) fn topology(topology: &Topology) -> Vec<String> {
    let mut lines = vec!["fencing_topology".to_owned()];
    for (target, levels) in &topology.targets {
        let levels = levels.join(" ");
        lines.push(match target {
            Target::All => levels,
            Target::Node(node) => format!("{node}: {levels}"),
            Target::Pattern(pattern) => format!("{} {levels}", word(&format!("pattern:{pattern}"))),
            Target::Attribute(name, value) => format!("{} {levels}", word(&format!("attr:{name}={value}"))),
        });
    }
    lines
}

/// The lines of a role or an old user: each permission on its own.
pub(super) fn role(first: &str, role: &Role) -> Vec<String> {
    let mut lines = vec![format!("{first} {}", role.id)];
    lines.extend(role.permissions.iter().map(permission));
    lines
}

fn permission(permission: &Permission) -> String {
    let about = permission.about.iter().map(|(name, text)| match *name {
        "xpath" => shortcut::word(text).unwrap_or_else(|| format!("xpath:{}", value(text))),
        "object-type" => format!("tag:{}", word(text)),
        "reference" => format!("ref:{}", word(text)),
        "id" => format!("role:{}", word(text)),
        _ => format!("attribute:{}", word(text)),
    });
    let right = Some(permission.right.clone()).filter(|right| right != "role");
    right.into_iter().chain(about).collect::<Vec<_>>().join(" ")
}

/// The lines of a user's roles.
pub(super) fn acl_target(target: &AclTarget) -> Vec<String> {
    [format!("acl_target {}", target.id)].into_iter().chain(target.roles.iter().cloned()).collect()
}

/// The lines of an alert.
pub(super) fn alert(alert: &Alert, view: &View<'_>) -> Vec<String> {
    let mut lines = vec![format!("alert {} {}", alert.id, value(&alert.path))];
    described(alert.description.as_deref(), &mut lines);
    let last = alert.parts.len().saturating_sub(1);
    for (index, part) in alert.parts.iter().enumerate() {
        lines.extend(match part {
            AlertPart::Set(kind, set) => {
                of_owner(attribute_word(*kind), *kind, &Attributes::Own(set.clone()), &alert.id, view)
            }
            AlertPart::Select { kinds, attributes } => Some(select(kinds, attributes)),
            AlertPart::Recipient(to, sets) => {
                let mut text = value(to);
                for (kind, set) in sets {
                    text.push(' ');
                    text.push_str(&own(attribute_word(*kind), set, "", view));
                }
                // What follows would be read as the recipient's.
                if index < last && !matches!(alert.parts.get(index + 1), Some(AlertPart::Recipient(..))) {
                    Some(format!("to {{ {text} }}"))
                } else {
                    Some(format!("to {text}"))
                }
            }
        });
    }
    lines
}

fn select(kinds: &[String], attributes: &[String]) -> String {
    let mut text = "select".to_owned();
    for kind in kinds {
        text.push(' ');
        text.push_str(kind);
        if kind == "attributes" {
            let names: String = attributes.iter().map(|name| format!(" {}", word(name))).collect();
            text.push_str(&format!(" {{{names} }}"));
        }
    }
    text
}
