//! From objects to text, in the form that `crm configure show` gives.
//!
//! For: text that people know by heart, that the crm shell reads, and that reads back as the same objects.
//! Never: an order by chance: nodes, templates, resources, tags, constraints, fencing, options, permissions, alerts; each
//! by id, constraints of all kinds together.
//! Source: what `crm configure show` of crmsh 4.4.1 prints.

mod attributes;
mod cluster;
mod constraint;
mod resource;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write;

use haven_core::spec::is_secret;

use super::markup::{Layout, Markup};
use super::object::{Body, Kind, Object};

/// What stands in place of a password.
pub(super) const STARS: &str = "******";

/// Whether passwords are in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They are stars.
    Hidden,
    /// They are there: for a file that is read again.
    Kept,
}

/// What decides on how an object is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// Ids that something refers to.
    pub(super) wanted: &'a BTreeSet<String>,
    /// Whether passwords are in the text.
    pub(super) secrets: Secrets,
}

impl View<'_> {
    fn is_wanted(&self, id: &str) -> bool {
        self.wanted.contains(id)
    }

    /// Whether the value of that attribute is not for the screen.
    fn hides(&self, name: &str) -> bool {
        self.secrets == Secrets::Hidden && (name.starts_with("passw") || is_secret(name))
    }
}

/// The objects one after the other, in the order in which they are shown.
pub(super) fn all(objects: &[Object], view: &View<'_>) -> String {
    let mut sorted: Vec<&Object> = objects.iter().collect();
    sorted.sort_by_key(|object| (rank(object), sort_name(object).to_owned()));
    sorted.into_iter().map(|object| one(object, view)).collect()
}

/// Constraints are sorted together, and so are tickets and fencing.
fn rank(object: &Object) -> Kind {
    match object.kind() {
        Kind::Location | Kind::Colocation | Kind::Order => Kind::Location,
        Kind::Ticket | Kind::Topology => Kind::Ticket,
        Kind::Role | Kind::User => Kind::Role,
        other @ (Kind::Node
        | Kind::Template
        | Kind::Primitive
        | Kind::Bundle
        | Kind::Group
        | Kind::Promotable
        | Kind::Clone
        | Kind::Tag
        | Kind::Property
        | Kind::ResourceDefaults
        | Kind::OperationDefaults
        | Kind::AclTarget
        | Kind::Alert
        | Kind::Xml) => other,
    }
}

/// Nodes are sorted by their ids and not by their names.
fn sort_name(object: &Object) -> &str {
    if let Body::Node(node) = &object.body {
        return node.id.as_deref().unwrap_or(&node.name);
    }
    if let Body::Xml(markup) = &object.body
        && markup.name == "node"
    {
        return markup.value("id").unwrap_or_default();
    }
    object.name()
}

/// One object with its comments and the newline at its end.
pub(super) fn one(object: &Object, view: &View<'_>) -> String {
    let mut text = String::new();
    for comment in &object.comments {
        let _ = writeln!(text, "{comment}");
    }
    text.push_str(&self::text(&object.body, view));
    text.push('\n');
    text
}

/// The object itself, without a newline at its end.
pub(super) fn text(body: &Body, view: &View<'_>) -> String {
    let lines = match body {
        Body::Xml(markup) => return xml(markup, view),
        Body::Node(node) => cluster::node(node, view),
        Body::Template(found) => resource::primitive(Kind::Template.word(), found, view),
        Body::Primitive(found) => resource::primitive(Kind::Primitive.word(), found, view),
        Body::Bundle(bundle) => resource::bundle(bundle, view),
        Body::Group(holder) => resource::holder(Kind::Group.word(), holder, view),
        Body::Promotable(holder) => resource::holder(Kind::Promotable.word(), holder, view),
        Body::Clone(holder) => resource::holder(Kind::Clone.word(), holder, view),
        Body::Tag(tag) => vec![cluster::tag(tag)],
        Body::Location(location) => constraint::location(location, view),
        Body::Colocation(colocation) => vec![constraint::colocation(colocation)],
        Body::Order(order) => vec![constraint::order(order)],
        Body::Ticket(ticket) => vec![constraint::ticket(ticket)],
        Body::Topology(topology) => cluster::topology(topology),
        Body::Options(options) => cluster::options(options, view),
        Body::Role(role) => cluster::role(Kind::Role.word(), role),
        Body::AclTarget(target) => cluster::acl_target(target),
        Body::User(role) => cluster::role(Kind::User.word(), role),
        Body::Alert(alert) => cluster::alert(alert, view),
    };
    lines.join(" \\\n\t")
}

fn described(description: Option<&str>, lines: &mut Vec<String>) {
    lines.extend(description.map(resource::description));
}

fn xml(markup: &Markup, view: &View<'_>) -> String {
    let mut text = format!("{} ", Kind::Xml.word());
    without_secrets(markup, view).write(Layout::Dialect, 0, &mut text);
    text
}

/// The same element with stars for values that are not for the screen.
pub(super) fn without_secrets(markup: &Markup, view: &View<'_>) -> Markup {
    let mut shown = markup.clone();
    let secret = markup.name == "nvpair" && markup.value("name").is_some_and(|name| view.hides(name));
    for (_, value) in shown.attributes.iter_mut().filter(|(name, _)| secret && name == "value") {
        STARS.clone_into(value);
    }
    shown.children = markup.children.iter().map(|child| without_secrets(child, view)).collect();
    shown
}
