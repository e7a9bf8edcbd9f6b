//! Primitives, groups, clones and templates.
//!
//! Source: Pacemaker Explained, "Cluster Resources", "Collective Resources", "Reusing Resource Definitions".

use std::collections::BTreeMap;

use haven_core::scheduler::engine::config::{AgentDef, BodyDef, OperationDef, Promotable, ResourceDef};

use super::bundle;
use super::reading::Reading;
use super::sets::sets;
use super::tree::Element;
use crate::diagnostic::quoted;

const SETS: [&str; 3] = ["meta_attributes", "instance_attributes", "utilization"];
/// What a resource's own element says of it that is no meta attribute.
const OF_THE_ELEMENT: [&str; 6] = ["id", "description", "class", "provider", "type", "template"];
/// What an operation has a place for; the rest is as it was written.
const OPERATION: [&str; 12] = [
    "id",
    "name",
    "interval",
    "description",
    "start-delay",
    "interval-origin",
    "timeout",
    "enabled",
    "record-pending",
    "role",
    "on-fail",
    "requires",
];
const ON_FAIL: [&str; 8] = ["ignore", "block", "demote", "stop", "restart", "standby", "fence", "restart-container"];

/// The resources, and the templates, of the section.
pub(super) fn section<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    section: Element<'t, 'a>,
) -> (Vec<ResourceDef>, Vec<ResourceDef>) {
    let known = ["primitive", "group", "clone", "master", "bundle", "template"];
    let (templates, resources): (Vec<_>, Vec<_>) =
        r.children(section, &known).into_iter().partition(|child| child.name() == "template");
    let resources = resources.into_iter().filter_map(|child| resource(r, child)).collect();
    (resources, templates.into_iter().map(|child| template(r, child)).collect())
}

/// A resource of any kind. Nothing if it has not what makes it one, which is an error.
pub(super) fn resource<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<ResourceDef> {
    match element.name() {
        "primitive" => Some(primitive(r, element)),
        "group" => group(r, element),
        "bundle" => bundle::bundle(r, element),
        _ => clone(r, element),
    }
}

fn primitive<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> ResourceDef {
    let template = element.attribute("template");
    if let Some(template) = template {
        let found = r.links.find(&template.value).map(Element::name);
        if found != Some("template") {
            let what = format!("there is no template {}", quoted(&template.value));
            r.said.error(template.whole, what, "define it, or write class and type of the agent here");
        }
    }
    let agent = if template.is_none() || element.attribute("class").is_some() { agent(r, element) } else { None };
    let template = template.map(|template| template.value.clone().into_owned());
    with_operations(r, element, BodyDef::Primitive { agent, template })
}

fn template<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> ResourceDef {
    if let Some(named) = element.attribute("template") {
        r.said.error(named.whole, "a template is made from a template", "write out here what it should have of it");
    }
    let agent = agent(r, element);
    with_operations(r, element, BodyDef::Primitive { agent, template: None })
}

fn agent<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<AgentDef> {
    let (class, kind) = (r.required(element, "class"), r.required(element, "type"));
    Some(AgentDef { class: class?.to_owned(), provider: element.text("provider"), kind: kind?.to_owned() })
}

fn with_operations<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>, body: BodyDef) -> ResourceDef {
    let children = r.children(element, &[SETS.as_slice(), &["operations"]].concat());
    let mut found = common(r, element, &children, body);
    for child in children.into_iter().filter(|child| child.name() == "operations") {
        let Some(list) = r.links.follow(child, r.said) else { continue };
        for op in r.children(list, &["op"]) {
            let operation = operation(r, op);
            found.operations.push(operation);
        }
    }
    found
}

/// What every resource has.
pub(super) fn common<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    element: Element<'t, 'a>,
    children: &[Element<'t, 'a>],
    body: BodyDef,
) -> ResourceDef {
    let mut own = BTreeMap::new();
    for attribute in element.attributes().iter().filter(|attribute| !OF_THE_ELEMENT.contains(&attribute.name)) {
        let what = format!("{} is read as a meta attribute, as Pacemaker does", quoted(attribute.name));
        r.said.warning(attribute.whole, what, "write it into meta_attributes");
        own.insert(attribute.name.to_owned(), attribute.value.clone().into_owned());
    }
    ResourceDef {
        id: r.id(element),
        body,
        own,
        meta: sets(r, children, "meta_attributes"),
        params: sets(r, children, "instance_attributes"),
        utilization: sets(r, children, "utilization"),
        operations: Vec::new(),
    }
}

fn operation<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> OperationDef {
    r.attributes(element, &OPERATION);
    r.role(element, "role");
    r.flag(element, "enabled");
    r.word_or(element, "on-fail", &ON_FAIL, None);
    let children = r.children(element, &["meta_attributes", "instance_attributes"]);
    let own = element.attributes().iter().filter(|own| !matches!(own.name, "id" | "name" | "interval"));
    OperationDef {
        id: element.text("id").unwrap_or_default(),
        name: r.required(element, "name").unwrap_or_default().to_owned(),
        interval: r.span(element, "interval"),
        own: own.map(|own| (own.name.to_owned(), own.value.clone().into_owned())).collect(),
        meta: sets(r, &children, "meta_attributes"),
        params: sets(r, &children, "instance_attributes"),
    }
}

fn group<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<ResourceDef> {
    let children = r.children(element, &[SETS.as_slice(), &["primitive"]].concat());
    let members: Vec<ResourceDef> =
        children.iter().filter(|child| child.name() == "primitive").map(|child| primitive(r, *child)).collect();
    if members.is_empty() {
        r.said.error(element.name(), "a group has no members", "give it one, or remove it");
        return None;
    }
    Some(common(r, element, &children, BodyDef::Group(members)))
}

fn clone<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<ResourceDef> {
    let promotable = if element.name() == "master" { Promotable::ByName } else { Promotable::ByMeta };
    let children = r.children(element, &[SETS.as_slice(), &["primitive", "group"]].concat());
    let mut inner = children.iter().filter(|child| matches!(child.name(), "primitive" | "group"));
    let (Some(first), more) = (inner.next(), inner.next()) else {
        r.said.error(
            element.name(),
            format!("a {} has nothing in it", element.name()),
            "put one primitive or group into it",
        );
        return None;
    };
    if let Some(more) = more {
        r.said.error(
            more.name(),
            format!("a {} has more than one thing in it", element.name()),
            "put them into a group first",
        );
        return None;
    }
    let child = Box::new(resource(r, *first)?);
    Some(common(r, element, &children, BodyDef::Clone { child, promotable }))
}
