//! `resource add` and `group add`.

use std::collections::BTreeMap;

use haven_core::ids::{ConstraintId, NodeId, ResourceId};
use haven_core::spec::{
    AgentName, AttrSet, Body, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere, Operation, Resource,
    Spec, SpecEdit, is_secret,
};

use super::{WordFault, known_resource, operation, pair, pairs, put};
use crate::heartbeat::PREFERENCE;

/// A resource that is to be added, as it was typed.
#[derive(Debug, Clone, Default)]
pub struct AddResource<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its agent.
    pub agent: &'a str,
    /// `name=value` parameters; `params`, `meta`, `utilization` and `op NAME` begin sections as in the crm shell.
    pub words: &'a [String],
    /// Operations: a name, then its attributes.
    pub operations: &'a [String],
    /// `name=value` meta attributes.
    pub meta: &'a [String],
    /// The group whose last member it becomes; made if there is none.
    pub group: Option<&'a str>,
    /// The node that it prefers.
    pub prefer: Option<&'a str>,
    /// What the agent advises for its operations.
    pub advice: &'a [Operation],
}

/// The edits that add a resource. Errors: it is there already, a word that means nothing, a password.
pub fn add_resource(spec: &Spec, asked: &AddResource) -> Result<Vec<SpecEdit>, WordFault> {
    let id = fresh(spec, asked.name)?;
    let agent = AgentName::parse(asked.agent).ok_or_else(|| {
        let what = format!("`{}` is no agent", asked.agent);
        WordFault::new(what, "write class:provider:type, such as ocf:heartbeat:IPaddr2, systemd:nginx or haven:ip")
    })?;
    let mut sections = sections(asked.words)?;
    sections.operations.extend(operation::operations(asked.operations)?);
    for (name, value) in pairs("meta attribute", asked.meta)? {
        put(&mut sections.meta, "meta attribute", &name, &value)?;
    }
    no_secrets(asked.name, &sections.params)?;
    operation::advised(&mut sections.operations, asked.advice);
    let set = |values: BTreeMap<String, String>| if values.is_empty() { Vec::new() } else { vec![AttrSet::of(values)] };
    let resource = Resource {
        params: set(sections.params),
        meta: set(sections.meta),
        utilization: set(sections.utilization),
        operations: sections.operations,
        ..Resource::new(id.clone(), Body::Primitive { agent: Some(agent), template: None })
    };
    let mut edits = vec![SpecEdit::PutResource(resource)];
    edits.extend(asked.group.map(|group| join_group(spec, group, &id)).transpose()?);
    if let Some(node) = asked.prefer {
        edits.push(prefer(asked.group.unwrap_or(asked.name), node)?);
    }
    Ok(edits)
}

/// The edit that adds a group of resources that are there. Errors: the group is there, a member is not.
pub fn add_group(spec: &Spec, name: &str, members: &[String]) -> Result<Vec<SpecEdit>, WordFault> {
    let id = fresh(spec, name)?;
    let members =
        members.iter().map(|member| Ok(known_resource(spec, member)?.id.clone())).collect::<Result<Vec<_>, _>>()?;
    Ok(vec![SpecEdit::PutResource(Resource::new(id, Body::Group { members }))])
}

fn fresh(spec: &Spec, name: &str) -> Result<ResourceId, WordFault> {
    let id = ResourceId::new(name).map_err(|error| WordFault::name(&error))?;
    if spec.resources.contains_key(&id) {
        let what = format!("a resource `{name}` is there already");
        return Err(WordFault::new(what, "choose another name, or remove that one first"));
    }
    Ok(id)
}

fn join_group(spec: &Spec, group: &str, member: &ResourceId) -> Result<SpecEdit, WordFault> {
    let id = ResourceId::new(group).map_err(|error| WordFault::name(&error))?;
    let Some(old) = spec.resources.get(&id) else {
        return Ok(SpecEdit::PutResource(Resource::new(id, Body::Group { members: vec![member.clone()] })));
    };
    let Body::Group { members } = &old.body else {
        let what = format!("`{group}` is no group");
        return Err(WordFault::new(what, "name a group, or a new name to make one"));
    };
    let members = members.iter().chain([member]).cloned().collect();
    Ok(SpecEdit::PutResource(Resource { body: Body::Group { members }, ..old.clone() }))
}

/// The preference that an import would give, under the id that it would give it.
fn prefer(resource: &str, node: &str) -> Result<SpecEdit, WordFault> {
    let fault = |error| WordFault::name(&error);
    let target = LocationTarget::Resource(ResourceId::new(resource).map_err(fault)?);
    let place = LocationWhere::Node { node: NodeId::new(node).map_err(fault)?, score: PREFERENCE };
    let body = ConstraintBody::Location(Location { target, role: None, place, discovery: None });
    let id = ConstraintId::new(&format!("loc_{resource}")).map_err(fault)?;
    Ok(SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None }))
}

#[derive(Debug, Default)]
struct Sections {
    params: BTreeMap<String, String>,
    meta: BTreeMap<String, String>,
    utilization: BTreeMap<String, String>,
    operations: Vec<Operation>,
}

enum Section {
    Params,
    Meta,
    Utilization,
    /// The next word is the operation's name.
    OperationName,
    Operation,
}

/// Words as the crm shell has them after the agent.
fn sections(words: &[String]) -> Result<Sections, WordFault> {
    let mut found = Sections::default();
    let mut section = Section::Params;
    for word in words {
        section = match (section, word.as_str()) {
            (Section::OperationName, name) if !name.contains('=') => {
                found.operations.push(Operation { name: name.to_owned(), ..Operation::default() });
                Section::Operation
            }
            (Section::OperationName, word) => {
                let what = format!("`op` is followed by `{word}`, the name of an operation is needed");
                return Err(WordFault::new(what, "write op monitor interval=10s timeout=20s"));
            }
            (_, "params") => Section::Params,
            (_, "meta") => Section::Meta,
            (_, "utilization") => Section::Utilization,
            (_, "op") => Section::OperationName,
            (section, word) => {
                value(&mut found, &section, word)?;
                section
            }
        };
    }
    Ok(found)
}

fn value(found: &mut Sections, section: &Section, word: &str) -> Result<(), WordFault> {
    let (into, what) = match section {
        Section::Params => (&mut found.params, "parameter"),
        Section::Meta => (&mut found.meta, "meta attribute"),
        Section::Utilization => (&mut found.utilization, "capacity"),
        Section::OperationName | Section::Operation => {
            return found.operations.last_mut().map_or(Ok(()), |op| operation::attribute(op, word));
        }
    };
    let (name, value) = pair(what, word)?;
    put(into, what, name, value)
}

/// The configuration is in the log of every node for ever, so no password goes there [S7].
fn no_secrets(resource: &str, params: &BTreeMap<String, String>) -> Result<(), WordFault> {
    match params.keys().find(|name| is_secret(name)) {
        None => Ok(()),
        Some(name) => {
            let what = format!("parameter {name} of {resource} looks like a secret, and would be in the log for ever");
            Err(WordFault::new(what, "put it into a file of mode 0600 that the agent or the service itself reads"))
        }
    }
}
