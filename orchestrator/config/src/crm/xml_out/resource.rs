//! Resources as elements, each without those within it.

use super::attributes::{all, of_owner, own};
use super::ids::Ids;
use crate::crm::markup::Markup;
use crate::crm::object::resource::{
    Agent, Bundle, BundlePart, Holder, Operation, Operations, Part, Primitive, mapping_of,
};

/// A primitive or a template.
pub(super) fn primitive(element: &str, primitive: &Primitive, ids: &mut Ids) -> Markup {
    let markup = Markup::new(element).with("id", &primitive.id);
    let markup = match &primitive.agent {
        Agent::Template(id) => markup.with("template", id),
        Agent::Named { class, provider, kind } => {
            markup.with("class", class).with_some("provider", provider.as_deref()).with("type", kind)
        }
    };
    let mut markup = markup.with_some("description", primitive.description.as_deref());
    for part in &primitive.parts {
        let child = match part {
            Part::Set(kind, attributes) => of_owner(*kind, attributes, &primitive.id, ids),
            Part::Operations(found) => operations(found, &primitive.id, ids),
        };
        markup.children.push(child);
    }
    markup
}

fn operations(operations: &Operations, owner: &str, ids: &mut Ids) -> Markup {
    let mut markup = Markup::new("operations").with_some("id-ref", operations.reference.as_deref());
    if let Some(id) = &operations.id {
        ids.take(id);
        markup = markup.with("id", id);
    }
    let owner = operations.id.as_deref().unwrap_or(owner);
    markup.children.extend(operations.all.iter().map(|found| operation(found, owner, ids)));
    markup
}

fn operation(operation: &Operation, owner: &str, ids: &mut Ids) -> Markup {
    let interval = operation.attributes.iter().find(|(name, _)| name == "interval").map(|(_, value)| value.as_str());
    let id = ids.own_or(operation.id.as_deref(), &format!("{owner}-{}-{}", operation.name, interval.unwrap_or("0")));
    let mut markup = Markup::new("op").with("name", &operation.name);
    markup.attributes.extend_from_slice(&operation.attributes);
    let mut markup = markup.with("id", id.clone());
    markup.children = all(&operation.sets, &id, ids);
    markup
}

/// A group or a clone, with the elements within it.
pub(super) fn holder(element: &str, holder: &Holder, within: Vec<Markup>, ids: &mut Ids) -> Markup {
    let markup = Markup::new(element).with("id", &holder.id);
    let mut markup = markup.with_some("description", holder.description.as_deref());
    markup.children = all(&holder.sets, &holder.id, ids);
    markup.children.extend(within);
    markup
}

/// A bundle, with the element within it.
pub(super) fn bundle(bundle: &Bundle, within: Vec<Markup>, ids: &mut Ids) -> Markup {
    let markup = Markup::new("bundle").with("id", &bundle.id);
    let mut markup = markup.with_some("description", bundle.description.as_deref());
    let mut within = within.into_iter();
    for part in &bundle.parts {
        match part {
            BundlePart::Section { word, attributes, mappings } => {
                let mut section = Markup::new(word);
                section.attributes.clone_from(attributes);
                for mapping in mappings {
                    let mut child = Markup::new(mapping_of(word).unwrap_or_default());
                    child.attributes.clone_from(mapping);
                    section.children.push(child);
                }
                markup.children.push(section);
            }
            BundlePart::Set(kind, set) => {
                let id = ids.own_or(set.id.as_deref(), &format!("{}-{}", bundle.id, kind.element()));
                markup.children.push(own(kind.element(), set, id, ids));
            }
            BundlePart::Primitive(_) => markup.children.extend(within.by_ref()),
        }
    }
    markup
}
