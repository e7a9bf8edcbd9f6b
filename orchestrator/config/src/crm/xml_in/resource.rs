//! Resources from elements.

use super::Wanted;
use super::attributes::{all, of_owner, set};
use crate::crm::markup::Markup;
use crate::crm::object::attributes::SetKind;
use crate::crm::object::resource::{
    Agent, BUNDLE_SECTIONS, Bundle, BundlePart, Holder, Operation, Operations, Part, Primitive, mapping_of,
};

/// A primitive or a template.
pub(super) fn primitive(markup: &Markup, wanted: Wanted<'_>) -> Option<Primitive> {
    let id = markup.text("id")?;
    let agent = match markup.text("template") {
        Some(template) => Agent::Template(template),
        None => {
            Agent::Named { class: markup.text("class")?, provider: markup.text("provider"), kind: markup.text("type")? }
        }
    };
    let mut parts = Vec::new();
    for child in &markup.children {
        parts.push(match child.name.as_str() {
            "operations" => Part::Operations(operations(child, &id, wanted)?),
            _ => {
                let (kind, attributes) = of_owner(child, &id, wanted)?;
                Part::Set(kind, attributes)
            }
        });
    }
    Some(Primitive { id, agent, description: markup.text("description"), parts })
}

fn operations(markup: &Markup, owner: &str, wanted: Wanted<'_>) -> Option<Operations> {
    let id = markup.text("id").filter(|id| wanted.contains(id) || !id.starts_with(owner));
    let owner = id.as_deref().unwrap_or(owner);
    let all = markup.children.iter().map(|child| operation(child, owner, wanted)).collect::<Option<_>>()?;
    Some(Operations { reference: markup.text("id-ref"), all, id })
}

fn operation(markup: &Markup, owner: &str, wanted: Wanted<'_>) -> Option<Operation> {
    if markup.name != "op" {
        return None;
    }
    let name = markup.text("name")?;
    let own = markup.attributes.iter().filter(|(name, _)| name != "id" && name != "name");
    let mut attributes: Vec<(String, String)> = own.cloned().collect();
    if markup.value("interval").is_none() {
        attributes.push(("interval".to_owned(), "0".to_owned()));
    }
    let owner = format!("{owner}-{name}-{}", markup.value("interval").unwrap_or("0"));
    let id = markup.text("id").filter(|id| *id != owner);
    Some(Operation { id, name, attributes, sets: all(&markup.children, &owner, wanted)? })
}

/// A group or a clone. What is within it has been taken out before.
pub(super) fn holder(markup: &Markup, members: Vec<String>, wanted: Wanted<'_>) -> Option<Holder> {
    let id = markup.text("id")?;
    let sets = all(&markup.children, &id, wanted)?;
    Some(Holder { id, members, description: markup.text("description"), sets })
}

/// A bundle. The element within it is still there, without what is in it.
pub(super) fn bundle(markup: &Markup, wanted: Wanted<'_>) -> Option<Bundle> {
    let id = markup.text("id")?;
    let mut parts = Vec::new();
    for child in &markup.children {
        parts.push(match child.name.as_str() {
            "primitive" => BundlePart::Primitive(child.text("id")?),
            word if BUNDLE_SECTIONS.contains(&word) => section(child)?,
            _ => {
                let mut set = set(child, wanted)?;
                let kind = SetKind::of_element(&child.name)?;
                set.id = set.id.filter(|own| *own != format!("{id}-{}", kind.element()));
                BundlePart::Set(kind, set)
            }
        });
    }
    Some(Bundle { id, description: markup.text("description"), parts })
}

fn section(markup: &Markup) -> Option<BundlePart> {
    let mapping = |child: &Markup| {
        let fits = Some(child.name.as_str()) == mapping_of(&markup.name) && child.children.is_empty();
        fits.then(|| child.attributes.clone())
    };
    Some(BundlePart::Section {
        word: markup.name.clone(),
        attributes: markup.attributes.clone(),
        mappings: markup.children.iter().map(mapping).collect::<Option<_>>()?,
    })
}
