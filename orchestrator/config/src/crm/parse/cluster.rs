//! Nodes, options, fencing, tags.

use super::attributes::{attributes, pairs, rules};
use super::constraint::is_node_name;
use super::resource::description;
use super::words::{Read, Refused, Words, value_of};
use crate::crm::object::attributes::{AttrSet, SetKind};
use crate::crm::object::cluster::{NODE_KINDS, Node, OptionKind, Options, Tag, Target, Topology};
use crate::diagnostic::quoted;

/// Words that begin a part of a node.
const NODE_PARTS: [&str; 2] = ["attributes", "utilization"];

/// A node.
pub(super) fn node(words: &mut Words) -> Read<Node> {
    let mut id = words.take_as(|word| value_of(word, "$id"));
    if id.is_none() && words.second().is_some_and(|next| !next.contains('=') && !NODE_PARTS.contains(&next)) {
        id = words.take_as(|word| word.strip_suffix(':'));
    }
    let whole = words.need("the name of the node")?;
    let (name, kind) = match whole.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (whole, None),
    };
    if let Some(odd) = [Some(name), id].into_iter().flatten().find(|name| !is_node_name(name)) {
        let what = format!("{} is no name of a node", quoted(odd));
        return Err(words.refuse_last(what, "write letters, digits, `-`, `_` and `.`"));
    }
    if let Some(kind) = kind.filter(|kind| !NODE_KINDS.contains(kind)) {
        words.back();
        return Err(words.refuse_word(kind, &NODE_KINDS, "type of a node"));
    }
    let id = id.filter(|id| *id != name).map(str::to_owned);
    let (name, kind) = (name.to_owned(), kind.map(str::to_owned));
    let mut node = Node { id, name, kind, description: None, sets: Vec::new() };
    while words.peek().is_some() {
        if let Some(text) = description(words) {
            node.description = Some(text);
            continue;
        }
        let kind = if words.take("attributes") {
            SetKind::Params
        } else if words.take("utilization") {
            SetKind::Utilization
        } else {
            return Err(words.end(&NODE_PARTS).err().unwrap_or(Refused));
        };
        node.sets.push((kind, attributes(words, &NODE_PARTS)?));
    }
    Ok(node)
}

/// Options of the cluster, or defaults.
pub(super) fn options(words: &mut Words, kind: OptionKind) -> Read<Options> {
    let id = words.take_as(|word| value_of(word, "$id").or_else(|| word.strip_suffix(':')));
    let id = match id {
        Some(id) => words.checked_id(id)?,
        None => kind.usual_id().to_owned(),
    };
    let rules = rules(words)?;
    let pairs = pairs(words, &[])?;
    words.end(&[])?;
    if pairs.is_empty() {
        return Err(words.refuse_end("an option `name=value`"));
    }
    Ok(Options { kind, id, set: AttrSet { rules, pairs, ..AttrSet::default() } })
}

/// A tag.
pub(super) fn tag(words: &mut Words) -> Read<Tag> {
    let id = words.need("the name")?;
    words.back();
    let id = words.checked_id(id.strip_suffix(':').unwrap_or(id))?;
    words.next();
    let mut members = vec![words.id("a resource")?];
    while words.peek().is_some() {
        members.push(words.id("a resource")?);
    }
    Ok(Tag { id, members })
}

/// Who is fenced by what.
pub(super) fn topology(words: &mut Words) -> Read<Topology> {
    let mut levels = Vec::new();
    let mut target = Target::All;
    let mut empty = false;
    while let Some(word) = words.next() {
        if let Some(next) = target_of(word) {
            if empty {
                return Err(words.refuse_last("the target before this one has no device", "name at least one"));
            }
            (target, empty) = (next, true);
            continue;
        }
        if !word.split(',').all(super::words::is_id) {
            let what = format!("{} is no device", quoted(word));
            return Err(
                words.refuse_last(what, "write devices with blanks between them, or commas if all of them are needed")
            );
        }
        empty = false;
        levels.push((target.clone(), word.to_owned()));
    }
    if empty || levels.is_empty() {
        return Err(words.refuse_end("a device"));
    }
    Ok(Topology::of(levels))
}

fn target_of(word: &str) -> Option<Target> {
    if let Some(pattern) = word.strip_prefix("pattern:").filter(|pattern| !pattern.is_empty()) {
        return Some(Target::Pattern(pattern.to_owned()));
    }
    if let Some((name, value)) = word.strip_prefix("attr:").and_then(|rest| rest.split_once('=')) {
        return Some(Target::Attribute(name.to_owned(), value.to_owned()));
    }
    let node = word.strip_suffix(':').filter(|node| is_node_name(node))?;
    Some(Target::Node(node.to_owned()))
}
