//! The configuration as text, and the difference between two of them.
//!
//! For: `haven config show`, `--plan` and diffs. One object after the other, in words that crm users know; the same
//! configuration always gives the same text.
//! Never: a secret. Those of fence devices are kept as references, which are shown; a parameter that looks like a
//! password is `***` wherever it stands [S7].

mod constraint;
mod diff;
mod object;
mod value;

use std::collections::BTreeMap;

use haven_core::spec::Spec;

#[cfg(test)]
pub(crate) use constraint::expression;
pub use diff::{Change, DiffLine, diff};

use self::value::Text;

/// Kinds of objects, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Node,
    Resource,
    Constraint,
    Device,
    Topology,
    Property,
    Defaults,
    Tag,
}

/// The whole configuration, one object per line, with long ones continued by `\`. Resources and constraints come in
/// configuration order, all else by name. Empty when nothing is configured.
pub fn show(spec: &Spec) -> String {
    let mut objects = objects(spec);
    let resources = spec.resources.values().map(|r| ((Section::Resource, r.id.to_string()), r.seq));
    let constraints = spec.constraints.values().map(|c| ((Section::Constraint, c.id.to_string()), c.seq));
    let positions: BTreeMap<(Section, String), u64> = resources.chain(constraints).collect();
    let position = |key: &(Section, String)| positions.get(key).copied().unwrap_or_default();
    let mut keys: Vec<(Section, u64, String)> =
        objects.keys().map(|key| (key.0, position(key), key.1.clone())).collect();
    keys.sort();
    let mut out = String::new();
    for (section, _, id) in keys {
        let lines = objects.remove(&(section, id)).unwrap_or_default();
        let shown: Vec<&str> = lines.iter().map(|line| line.shown.as_str()).collect();
        out.push_str(&shown.join(" \\\n    "));
        out.push('\n');
    }
    out
}

/// Every object by kind and name, line by line.
fn objects(spec: &Spec) -> BTreeMap<(Section, String), Vec<Text>> {
    let mut found = BTreeMap::new();
    let mut put = |section, id: &str, lines: Vec<Text>| drop(found.insert((section, id.to_owned()), lines));
    for (id, node) in &spec.nodes {
        put(Section::Node, id.as_str(), object::node(id, node));
    }
    for (id, resource) in &spec.resources {
        put(Section::Resource, id.as_str(), object::resource(resource));
    }
    for (id, constraint) in &spec.constraints {
        put(Section::Constraint, id.as_str(), constraint::constraint(constraint));
    }
    for (id, device) in &spec.devices {
        put(Section::Device, id.as_str(), object::device(device));
    }
    for (node, levels) in &spec.topology {
        put(Section::Topology, node.as_str(), object::topology(node, levels));
    }
    for (name, value) in &spec.properties {
        put(Section::Property, name, vec![Text::plain("property").pair(name, value)]);
    }
    for (name, sets) in [("rsc_defaults", &spec.resource_defaults), ("op_defaults", &spec.operation_defaults)] {
        if !sets.is_empty() {
            put(Section::Defaults, name, sets.iter().map(|set| object::set(name, set)).collect());
        }
    }
    for (tag, members) in &spec.tags {
        let members = members.iter().fold(Text::plain(format!("tag {tag}:")), |text, member| text.word(member));
        put(Section::Tag, tag.as_str(), vec![members]);
    }
    found
}

#[cfg(test)]
mod tests;
