//! Nodes, and the defaults of resources and operations.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::ResourceId;
use haven_core::scheduler::engine::config::{NodeDef, NodeKind};
use haven_core::spec::{AttrSet, NodeSpec, SpecEdit, is_secret};
use haven_core::units::Score;

use super::sets::{Kept, Owner, span};
use super::tally::{Fate, Thing};
use super::work::Work;
use crate::diagnostic::quoted;

impl<'a> Work<'_, 'a, '_> {
    pub(super) fn nodes(&mut self, nodes: &[NodeDef]) {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for node in nodes {
            let part = self.places.node(&node.name).unwrap_or_else(|| self.places.section("nodes"));
            let fate = if seen.contains(node.name.as_str()) {
                let what = format!("there are two nodes with the name {}", quoted(&node.name));
                self.refuse(part, what, "remove the one that is not in the cluster any more")
            } else {
                self.configured_node(node, part)
            };
            seen.insert(&node.name);
            self.count(Thing::Node, format!("node {}", node.name), fate);
        }
    }

    fn configured_node(&mut self, node: &NodeDef, part: &'a str) -> Fate {
        let NodeDef { id: _, name, kind, score, attributes, utilization } = node;
        let not = match kind {
            NodeKind::Member => None,
            NodeKind::Remote => {
                let what = format!("{} is a remote node, and this version of haven has none", quoted(name));
                Some(self.refuse(part, what, "make it a member by `haven join`, or remove it"))
            }
            NodeKind::Ping => Some(self.note(part, format!("{} is only pinged, and runs nothing", quoted(name)))),
        };
        if let Some(fate) = not {
            for (pair, _) in attributes.iter().chain(utilization).flat_map(|set| &set.values) {
                self.count(Thing::Value, format!("node {name} {pair}"), fate);
            }
            return fate;
        }
        let scored = score.is_some_and(|score| score != Score::ZERO);
        if scored {
            let what = format!("node {} has a score, which haven does not do", quoted(name));
            self.refuse(part, what, "remove it, and give its resources locations");
        }
        let id = self.node(name, part);
        let object = format!("node {name}");
        let owner = Owner { id: &node.id, object: &object };
        let mut spec = NodeSpec::default();
        for value in self.flat(owner, "node attributes", attributes) {
            let fate = if is_secret(value.name) {
                let what =
                    format!("node attribute {} is a secret and would be in the log for ever", quoted(value.name));
                self.refuse(value.part, what, "put it into a file of mode 0600 on that node, and remove it here")
            } else {
                spec.attributes.insert(value.name.to_owned(), value.value.to_owned());
                Fate::Taken
            };
            self.count(Thing::Value, format!("{object} {}", value.name), fate);
        }
        for value in self.flat(owner, "the utilization of a node", utilization) {
            let fate = match value.value.parse::<i64>() {
                Ok(amount) => {
                    spec.utilization.insert(value.name.to_owned(), amount);
                    Fate::Taken
                }
                Err(_) => {
                    let what = format!("utilization {} is {}, and no whole number", value.name, quoted(value.value));
                    self.refuse(value.part, what, "write a whole number")
                }
            };
            self.count(Thing::Value, format!("{object} {}", value.name), fate);
        }
        let Some(node) = id.filter(|_| !scored) else { return Fate::Refused };
        if spec != NodeSpec::default() {
            self.edit(SpecEdit::SetNode { node, spec });
        }
        Fate::Taken
    }

    /// Defaults that the CIB does not speak of stay as they are.
    pub(super) fn defaults(&mut self, resources: &[AttrSet], operations: &[AttrSet]) {
        let kind = "meta_attributes";
        let sets = self.meta(Owner { id: "rsc_defaults", object: "rsc_defaults" }, kind, resources);
        if !sets.is_empty() {
            self.edit(SpecEdit::SetResourceDefaults(sets));
        }
        let owner = Owner { id: "op_defaults", object: "op_defaults" };
        let sets = self.sets(owner, kind, operations, |_, _, name, value| match name {
            "timeout" => Kept::As(span(value)),
            _ => Kept::As(value.to_owned()),
        });
        if !sets.is_empty() {
            self.edit(SpecEdit::SetOperationDefaults(sets));
        }
    }

    pub(super) fn tag(&mut self, tag: &str, members: &[String]) {
        let part = self.places.id(tag);
        let fate = self.made_tag(tag, members, part);
        self.count(Thing::Tag, format!("tag {tag}"), fate);
    }

    fn made_tag(&mut self, tag: &str, members: &[String], part: &'a str) -> Fate {
        if members.is_empty() {
            return self.note(part, format!("tag {} stands for nothing", quoted(tag)));
        }
        let Some(id) = self.name(tag, part, ResourceId::new) else { return Fate::Refused };
        let names: BTreeMap<&String, Option<ResourceId>> =
            members.iter().map(|member| (member, self.name(member, part, ResourceId::new))).collect();
        let members = members.iter().filter_map(|member| names.get(member).cloned().flatten()).collect::<Vec<_>>();
        if names.values().any(Option::is_none) {
            return Fate::Refused;
        }
        self.edit(SpecEdit::SetTag { tag: id, members });
        Fate::Taken
    }
}
