//! From the configuration of a CIB to objects.
//!
//! For: each element as the object that the dialect has a word for. An object is only taken if its text reads as something
//! that means the same as the element; everything else is kept as XML.
//! Never: an element, an attribute or an id that something refers to lost on the way.

mod attributes;
mod cluster;
mod constraint;
mod resource;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::Configuration;
use super::markup::Markup;
use super::object::cluster::OptionKind;
use super::object::{Body, Kind, Object};
use super::show::{self, Secrets, View};
use super::{parse, xml_out};
use crate::cib::said::Said;
use crate::cib::tree::{Element, Tree};
use crate::cib::xml::{Extent, Xml};
use crate::diagnostic::{Diagnostic, has_errors, quoted};
use crate::source::Source;

/// Ids that something refers to.
type Wanted<'w> = &'w BTreeSet<String>;

/// Elements that hold resources.
const HOLDERS: [&str; 4] = ["group", "clone", "master", "bundle"];
/// Elements that are resources.
const RESOURCES: [&str; 5] = ["primitive", "group", "clone", "master", "bundle"];

/// Reads the configuration of a CIB, or one that stands alone. Its status is not looked at. Nothing is returned if the text
/// cannot be understood; the diagnostics are in the order of the text.
pub(super) fn configuration(source: &Source) -> (Option<Configuration>, Vec<Diagnostic>) {
    let text = source.text();
    if has_errors(source.faults()) && text.is_empty() {
        return (None, source.faults().to_vec());
    }
    let mut said = Said::about(text);
    let found = tree(text, &mut said).and_then(|tree| {
        let configuration = root(&tree, &mut said)?;
        Some(Configuration::of(objects(&Markup::of_element(configuration))))
    });
    let diagnostics = said.finish(source.faults());
    (found.filter(|_| !has_errors(&diagnostics)), diagnostics)
}

/// Reads one element of a configuration. It may also be a section with what is in it.
pub(super) fn element(text: &str) -> (Vec<Body>, Vec<Diagnostic>) {
    let mut said = Said::about(text);
    let mut bodies = Vec::new();
    if !text.trim().is_empty()
        && let Some(tree) = tree(text, &mut said)
        && let Some(root) = tree.element(0)
    {
        let markup = Markup::of_element(root);
        if matches!(root.name(), "configuration" | "cib" | "status") {
            let what = format!("{} is more than one object", quoted(root.name()));
            said.error(root.name(), what, "load it as XML");
        } else {
            let wanted = references(&markup);
            let mut found = Vec::new();
            top(markup, &wanted, &mut found);
            bodies = found.into_iter().map(|object| object.body).collect();
        }
    }
    (bodies, said.finish(&[]))
}

fn tree<'a>(text: &'a str, said: &mut Said<'a>) -> Option<Tree<'a>> {
    let mut xml = Xml::new(text);
    while let Some(branch) = xml.branch(said) {
        xml.forget(branch);
    }
    match xml.finish() {
        (tree, Extent::Whole) => Some(tree),
        (_, Extent::Begun) => None,
    }
}

fn root<'t, 'a>(tree: &'t Tree<'a>, said: &mut Said<'a>) -> Option<Element<'t, 'a>> {
    let root = tree.element(0)?;
    let found = match root.name() {
        "configuration" => Some(root),
        "cib" => root.children().find(|child| child.name() == "configuration"),
        _ => None,
    };
    if found.is_none() {
        let what = format!("there is no configuration in {}", quoted(root.name()));
        said.error(root.name(), what, "give a CIB as `cibadmin --query` prints it");
    }
    found
}

fn references(markup: &Markup) -> BTreeSet<String> {
    markup.all().into_iter().filter_map(|element| element.text("id-ref")).collect()
}

/// The objects of the element `configuration`, in their order.
fn objects(configuration: &Markup) -> Vec<Object> {
    let wanted = references(configuration);
    let mut found = Vec::new();
    for section in &configuration.children {
        top(section.clone(), &wanted, &mut found);
    }
    found
}

/// A section, or one object.
fn top(markup: Markup, wanted: Wanted<'_>, found: &mut Vec<Object>) {
    let kind = match markup.name.as_str() {
        "rsc_defaults" => Some(OptionKind::Resources),
        "op_defaults" => Some(OptionKind::Operations),
        _ => None,
    };
    match (markup.name.as_str(), kind) {
        (_, Some(kind)) => {
            for child in &markup.children {
                found.push(Object::of(defaults(child, kind, wanted)));
            }
        }
        ("crm_config" | "nodes" | "resources" | "constraints" | "tags" | "acls" | "alerts", None) => {
            for child in markup.children {
                one(child, wanted, found);
            }
        }
        ("fencing-topology", None) if markup.children.is_empty() => {}
        (_, None) => one(markup, wanted, found),
    }
}

/// Defaults; as XML within their section, which tells the two kinds apart.
fn defaults(markup: &Markup, kind: OptionKind, wanted: Wanted<'_>) -> Body {
    let (section, element) = kind.section();
    let options = if markup.name == element { cluster::options(markup, kind, wanted) } else { None };
    options.map(Body::Options).filter(|body| is_faithful(body, markup, wanted)).unwrap_or_else(|| {
        let mut whole = Markup::new(section);
        whole.children.push(markup.clone());
        Body::Xml(whole)
    })
}

/// An object, behind those that it holds.
fn one(mut markup: Markup, wanted: Wanted<'_>, found: &mut Vec<Object>) {
    if !HOLDERS.contains(&markup.name.as_str()) {
        let body = body(&markup, Vec::new(), wanted).filter(|body| is_faithful(body, &markup, wanted));
        found.push(Object::of(body.unwrap_or(Body::Xml(markup))));
        return;
    }
    let mut own = markup.clone();
    let mut members = Vec::new();
    own.children.retain(|child| {
        let resource = RESOURCES.contains(&child.name.as_str());
        members.extend(Some(child.text("id").unwrap_or_default()).filter(|_| resource));
        !resource || markup.name == "bundle"
    });
    if markup.name == "bundle" {
        for child in own.children.iter_mut().filter(|child| child.name == "primitive") {
            child.children.clear();
            child.attributes.retain(|(name, _)| name == "id");
        }
    }
    match body(&own, members, wanted).filter(|body| is_faithful(body, &own, wanted)) {
        None => found.push(Object::of(Body::Xml(markup))),
        Some(body) => {
            markup.children.retain(|child| RESOURCES.contains(&child.name.as_str()));
            for child in markup.children {
                one(child, wanted, found);
            }
            found.push(Object::of(body));
        }
    }
}

fn body(markup: &Markup, members: Vec<String>, wanted: Wanted<'_>) -> Option<Body> {
    Some(match markup.kind() {
        Kind::Node => Body::Node(cluster::node(markup, wanted)?),
        Kind::Template => Body::Template(resource::primitive(markup, wanted)?),
        Kind::Primitive => Body::Primitive(resource::primitive(markup, wanted)?),
        Kind::Bundle => Body::Bundle(resource::bundle(markup, wanted)?),
        Kind::Group => Body::Group(resource::holder(markup, members, wanted)?),
        Kind::Promotable => Body::Promotable(resource::holder(markup, members, wanted)?),
        Kind::Clone => Body::Clone(resource::holder(markup, members, wanted)?),
        Kind::Tag => Body::Tag(cluster::tag(markup)?),
        Kind::Location => Body::Location(constraint::location(markup)?),
        Kind::Colocation => Body::Colocation(constraint::colocation(markup)?),
        Kind::Order => Body::Order(constraint::order(markup)?),
        Kind::Ticket => Body::Ticket(constraint::ticket(markup)?),
        Kind::Topology => Body::Topology(cluster::topology(markup)?),
        Kind::Property => Body::Options(cluster::options(markup, OptionKind::Property, wanted)?),
        Kind::Role => Body::Role(cluster::role(markup)?),
        Kind::AclTarget => Body::AclTarget(cluster::acl_target(markup)?),
        Kind::User => Body::User(cluster::user(markup)?),
        Kind::Alert => Body::Alert(cluster::alert(markup, wanted)?),
        Kind::ResourceDefaults | Kind::OperationDefaults | Kind::Xml => return None,
    })
}

/// Whether the text of `body` reads as something that means the same as `markup`.
fn is_faithful(body: &Body, markup: &Markup, wanted: Wanted<'_>) -> bool {
    let view = View { wanted, secrets: Secrets::Kept };
    let Some(again) = parse::object(&show::text(body, &view)) else { return false };
    let same_members = again.members() == Object::of(body.clone()).members();
    same_members && means(&again, markup, wanted)
}

fn means(again: &Object, markup: &Markup, wanted: Wanted<'_>) -> bool {
    let mut ours = xml_out::alone(again);
    if let Body::Bundle(bundle) = &again.body {
        // Where the primitive stands among the others does not matter.
        ours.children.extend(bundle.primitive().map(|id| Markup::new("primitive").with("id", id)));
    }
    let (mut ours, mut theirs) = (ours, markup.clone());
    for side in [&mut ours, &mut theirs] {
        if matches!(side.name.as_str(), "bundle" | "fencing-topology") {
            side.children.sort_by_key(|child| (child.name.clone(), child.sort_key()));
        }
    }
    ours.means(&theirs, wanted)
}
