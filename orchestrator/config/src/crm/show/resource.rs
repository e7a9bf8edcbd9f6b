//! Resources as text.

use super::attributes::{of_owner, plain};
use super::{View, described};
use crate::crm::lexer::value;
use crate::crm::object::attributes::{Attributes, SetKind};
use crate::crm::object::resource::{
    Agent, Bundle, BundlePart, Holder, Operation, Operations, Part, Primitive, mapping_of,
};

/// The lines of a primitive or a template.
pub(super) fn primitive(first: &str, primitive: &Primitive, view: &View<'_>) -> Vec<String> {
    let mut lines = vec![format!("{first} {} {}", primitive.id, agent(&primitive.agent))];
    described(primitive.description.as_deref(), &mut lines);
    for part in &primitive.parts {
        match part {
            Part::Set(kind, attributes) => {
                lines.extend(of_owner(kind.word(), *kind, attributes, &primitive.id, view));
            }
            Part::Operations(found) => operations(found, &primitive.id, view, &mut lines),
        }
    }
    lines
}

/// An agent as it is named.
pub(in crate::crm) fn agent(agent: &Agent) -> String {
    match agent {
        Agent::Template(id) => format!("@{id}"),
        Agent::Named { class, provider, kind } => match (class.as_str(), provider.as_deref()) {
            ("ocf", Some("heartbeat")) => kind.clone(),
            (class, Some(provider)) => format!("{class}:{provider}:{kind}"),
            (class, None) => format!("{class}:{kind}"),
        },
    }
}

fn operations(operations: &Operations, owner: &str, view: &View<'_>, lines: &mut Vec<String>) {
    match (&operations.id, &operations.reference) {
        // crmsh writes two blanks here, and the text is to be the same.
        (_, Some(id)) => lines.push(format!("operations  $id-ref={id}")),
        (Some(id), None) => lines.push(format!("operations $id={id}")),
        (None, None) => {}
    }
    let owner = operations.id.as_deref().unwrap_or(owner);
    for found in &operations.all {
        operation(found, owner, view, lines);
    }
}

fn operation(operation: &Operation, owner: &str, view: &View<'_>, lines: &mut Vec<String>) {
    lines.push(format!("op {}{}", operation.name, plain(&operation.attributes)));
    let interval =
        operation.attributes.iter().find(|(name, _)| name == "interval").map(|(_, interval)| interval.as_str());
    let owner = format!("{owner}-{}-{}", operation.name, interval.unwrap_or("0"));
    for (kind, attributes) in &operation.sets {
        let first = match kind {
            SetKind::Params => "op_params",
            SetKind::Meta | SetKind::Utilization => "op_meta",
        };
        lines.extend(of_owner(first, *kind, attributes, &owner, view));
    }
}

/// The lines of a group or a clone.
pub(super) fn holder(first: &str, holder: &Holder, view: &View<'_>) -> Vec<String> {
    let mut lines = vec![format!("{first} {} {}", holder.id, holder.members.join(" "))];
    described(holder.description.as_deref(), &mut lines);
    for (kind, attributes) in &holder.sets {
        lines.extend(of_owner(kind.word(), *kind, attributes, &holder.id, view));
    }
    lines
}

/// The lines of a bundle.
pub(super) fn bundle(bundle: &Bundle, view: &View<'_>) -> Vec<String> {
    let mut lines = vec![format!("bundle {}", bundle.id)];
    described(bundle.description.as_deref(), &mut lines);
    for part in &bundle.parts {
        lines.extend(match part {
            BundlePart::Section { word, attributes, mappings } => {
                let mapping = mapping_of(word).unwrap_or_default();
                let mappings: String = mappings.iter().map(|found| format!(" {mapping}{}", plain(found))).collect();
                Some(format!("{word}{}{mappings}", plain(attributes)))
            }
            BundlePart::Set(kind, set) => of_owner(kind.word(), *kind, &Attributes::Own(set.clone()), &bundle.id, view),
            BundlePart::Primitive(id) => Some(format!("primitive {id}")),
        });
    }
    lines
}

/// A text for people as a part of an object.
pub(super) fn description(text: &str) -> String {
    format!("description={}", value(text))
}
