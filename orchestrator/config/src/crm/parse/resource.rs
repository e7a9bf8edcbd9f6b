//! Resources and templates.

use std::collections::BTreeSet;

use super::attributes::{Ends, attributes, pair, set};
use super::words::{Read, Refused, Words, value_of};
use crate::crm::object::attributes::{AttrSet, Attributes, SetKind};
use crate::crm::object::resource::{
    Agent, BUNDLE_SECTIONS, Bundle, BundlePart, Holder, OPERATION_ATTRIBUTES, Operation, Operations, Part, Primitive,
    mapping_of,
};
use crate::diagnostic::quoted;

/// Words that begin a part of a primitive.
const PARTS: Ends = &["params", "meta", "utilization", "operations", "op", "op_params", "op_meta"];
/// Words that begin a part of a group or a clone.
const HOLDER_PARTS: Ends = &["params", "meta"];
/// Words that begin a part of a bundle.
const BUNDLE_PARTS: Ends = &["docker", "podman", "rkt", "network", "storage", "meta", "primitive"];

/// Most attributes of one element, which are compared with each other: what the reader of CIBs takes.
const PLAIN_MAX: usize = 64;

/// The set that a word begins.
fn set_of(word: &str) -> Option<SetKind> {
    let kinds = [SetKind::Params, SetKind::Meta, SetKind::Utilization];
    kinds.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(word))
}

/// Reads `description=TEXT` if it is next.
pub(super) fn description(words: &mut Words) -> Option<String> {
    words.take_as(|word| value_of(word, "description")).map(str::to_owned)
}

/// A primitive or a template.
pub(super) fn primitive(words: &mut Words) -> Read<Primitive> {
    let id = words.id("the name")?;
    let agent = agent(words)?;
    let mut primitive = Primitive { id, agent, description: description(words), parts: Vec::new() };
    // Parameters may follow without a word before them.
    if words.peek().is_some_and(|word| !PARTS.iter().any(|part| part.eq_ignore_ascii_case(word))) {
        primitive.parts.push(Part::Set(SetKind::Params, attributes(words, PARTS)?));
    }
    while let Some(word) = words.peek() {
        if let Some(kind) = set_of(word) {
            words.next();
            primitive.parts.push(Part::Set(kind, attributes(words, PARTS)?));
        } else if word.eq_ignore_ascii_case("op") {
            let operation = operation(words)?;
            primitive.with_operations(|operations| operations.all.push(operation));
        } else if word.eq_ignore_ascii_case("operations") {
            operations(words, &mut primitive)?;
        } else if let Some(text) = description(words) {
            if primitive.description.replace(text).is_some() {
                return Err(words.refuse_last("there is a second description", "remove one of them"));
            }
        } else {
            return Err(words.end(PARTS).err().unwrap_or(Refused));
        }
    }
    Ok(primitive)
}

fn agent(words: &mut Words) -> Read<Agent> {
    let word = words.need("the agent")?;
    if let Some(template) = word.strip_prefix('@') {
        words.back();
        let template = words.checked_id(template)?;
        words.next();
        return Ok(Agent::Template(template));
    }
    let parts: Vec<&str> = word.splitn(3, ':').collect();
    let fit = |part: &&str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '=');
    let named = |class: &str, provider: Option<&str>, kind: &str| Agent::Named {
        class: class.to_ascii_lowercase(),
        provider: provider.map(str::to_owned),
        kind: kind.to_owned(),
    };
    match *parts.as_slice() {
        _ if !parts.iter().all(fit) => {}
        [kind] => return Ok(named("ocf", Some("heartbeat"), kind)),
        [class, kind] if class.eq_ignore_ascii_case("ocf") => return Ok(named("ocf", Some("heartbeat"), kind)),
        [class, kind] => return Ok(named(class, None, kind)),
        [class, provider, kind] if class.eq_ignore_ascii_case("ocf") => {
            return Ok(named(class, Some(provider), kind));
        }
        _ => {}
    }
    let what = format!("{} is no agent", quoted(word));
    Err(words.refuse_last(what, "write `TYPE`, `CLASS:TYPE`, `ocf:PROVIDER:TYPE`, or `@TEMPLATE`"))
}

fn operations(words: &mut Words, primitive: &mut Primitive) -> Read<()> {
    words.next();
    let own = words.take_as(|word| value_of(word, "$id"));
    let reference = if own.is_none() { words.take_as(|word| value_of(word, "$id-ref")) } else { None };
    let (id, reference) = match (own, reference) {
        (Some(id), _) => (Some(words.checked_id(id)?), None),
        (None, Some(id)) => (None, Some(words.checked_id(id)?)),
        (None, None) => return Err(words.refuse_end("`$id=` or `$id-ref=`")),
    };
    let mut again = false;
    primitive.with_operations(|operations| {
        again = *operations != Operations { all: operations.all.clone(), ..Operations::default() };
        operations.id = id;
        operations.reference = reference;
    });
    if again {
        return Err(words.refuse_last("`operations` is there twice", "remove one of them"));
    }
    Ok(())
}

/// An operation from the word `op` on.
fn operation(words: &mut Words) -> Read<Operation> {
    words.next();
    let name = words.id("the name of the operation")?;
    let mut operation = Operation { id: None, name, attributes: Vec::new(), sets: Vec::new() };
    let mut others = Vec::new();
    while let Some(word) = words.peek() {
        if PARTS.iter().any(|part| part.eq_ignore_ascii_case(word)) {
            break;
        }
        match word.split_once('=') {
            Some((name, value)) if OPERATION_ATTRIBUTES.contains(&name) => {
                let same = operation.attributes.iter_mut().find(|(other, _)| other == name);
                match same {
                    Some((_, old)) => value.clone_into(old),
                    None => operation.attributes.push((name.to_owned(), value.to_owned())),
                }
                words.next();
            }
            _ => {
                others.push(pair(words, word)?);
                words.next();
            }
        }
    }
    if !operation.attributes.iter().any(|(name, _)| name == "interval") {
        operation.attributes.push(("interval".to_owned(), "0".to_owned()));
    }
    if !others.is_empty() {
        operation.sets.push((SetKind::Params, Attributes::Own(AttrSet::of_pairs(others))));
    }
    loop {
        let kind = if words.take("op_params") {
            SetKind::Params
        } else if words.take("op_meta") {
            SetKind::Meta
        } else {
            return Ok(operation);
        };
        operation.sets.push((kind, attributes(words, PARTS)?));
    }
}

/// A group.
pub(super) fn group(words: &mut Words) -> Read<Holder> {
    let id = words.id("the name")?;
    let mut members = Vec::new();
    let mut seen = BTreeSet::new();
    while let Some(word) = words.peek() {
        if HOLDER_PARTS.iter().any(|part| part.eq_ignore_ascii_case(word)) || word.contains('=') {
            break;
        }
        let member = words.id("a member")?;
        if !seen.insert(member.clone()) {
            let what = format!("{} is in the group twice", quoted(&member));
            return Err(words.refuse_last(what, "remove one of them"));
        }
        members.push(member);
    }
    if members.is_empty() {
        return Err(words.refuse_end("a member"));
    }
    holder(words, id, members)
}

/// A clone, in both spellings.
pub(super) fn clone(words: &mut Words) -> Read<Holder> {
    let id = words.id("the name")?;
    let member = words.id("the resource")?;
    holder(words, id, vec![member])
}

fn holder(words: &mut Words, id: String, members: Vec<String>) -> Read<Holder> {
    let mut holder = Holder { id, members, description: None, sets: Vec::new() };
    while let Some(word) = words.peek() {
        if let Some(text) = description(words) {
            if holder.description.replace(text).is_some() {
                return Err(words.refuse_last("there is a second description", "remove one of them"));
            }
            continue;
        }
        let kind = if word.eq_ignore_ascii_case("meta") {
            SetKind::Meta
        } else if word.eq_ignore_ascii_case("params") {
            SetKind::Params
        } else {
            return Err(words.end(HOLDER_PARTS).err().unwrap_or(Refused));
        };
        words.next();
        holder.sets.push((kind, attributes(words, HOLDER_PARTS)?));
    }
    Ok(holder)
}

/// A bundle.
pub(super) fn bundle(words: &mut Words) -> Read<Bundle> {
    let id = words.id("the name")?;
    let mut bundle = Bundle { id, description: None, parts: Vec::new() };
    let mut mappings = 0;
    while let Some(word) = words.peek() {
        if let Some(text) = description(words) {
            bundle.description = Some(text);
        } else if words.take("meta") {
            bundle.parts.push(BundlePart::Set(SetKind::Meta, set(words, BUNDLE_PARTS)?));
        } else if words.take("primitive") {
            if bundle.primitive().is_some() {
                return Err(words.refuse_last("there is a second primitive", "remove one of them"));
            }
            bundle.parts.push(BundlePart::Primitive(words.id("the primitive")?));
        } else if let Some(word) = BUNDLE_SECTIONS.iter().find(|section| section.eq_ignore_ascii_case(word)) {
            words.next();
            let part = bundle_section(words, word, &bundle.id, &mut mappings)?;
            bundle.parts.push(part);
        } else {
            return Err(words.end(BUNDLE_PARTS).err().unwrap_or(Refused));
        }
    }
    Ok(bundle)
}

fn bundle_section(words: &mut Words, word: &str, bundle: &str, made: &mut usize) -> Read<BundlePart> {
    let mapping = mapping_of(word);
    let mut ends = BUNDLE_PARTS.to_vec();
    ends.extend(mapping);
    let attributes = plain_pairs(words, &ends)?;
    let mut mappings = Vec::new();
    while mapping.is_some_and(|mapping| words.take(mapping)) {
        let mut attributes = plain_pairs(words, &ends)?;
        if !attributes.iter().any(|(name, _)| name == "id") {
            attributes.push(("id".to_owned(), format!("{bundle}-{made}")));
            *made += 1;
        }
        mappings.push(attributes);
    }
    Ok(BundlePart::Section { word: word.to_owned(), attributes, mappings })
}

/// Attributes that become those of an element.
fn plain_pairs(words: &mut Words, ends: Ends) -> Read<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    while let Some(word) = words.peek() {
        if ends.iter().any(|end| end.eq_ignore_ascii_case(word)) || value_of(word, "description").is_some() {
            break;
        }
        let Some((name, value)) = word.split_once('=') else {
            return Err(words.end(ends).err().unwrap_or(Refused));
        };
        let name = words.checked_id(name)?;
        if found.len() >= PLAIN_MAX {
            let what = format!("there are more than {PLAIN_MAX} attributes");
            return Err(words.refuse(what, "remove those that Pacemaker does not know"));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(words.refuse(format!("{} is there twice", quoted(&name)), "remove one of them"));
        }
        found.push((name, value.to_owned()));
        words.next();
    }
    Ok(found)
}
