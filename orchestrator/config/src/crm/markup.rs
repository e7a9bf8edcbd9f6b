//! XML as a value: elements with their attributes, and nothing between them.
//!
//! For: what goes out, what came in, and whether the two mean the same.
//! Never: an element deeper than those that the reader of CIBs lets in, so recursion is bounded.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::object::Kind;
use super::object::attributes::{Score, SetKind};
use super::object::rule::Joint;
use crate::cib::reading::flag;
use crate::cib::tree::Element;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Markup {
    /// Its name.
    pub(crate) name: String,
    /// Its attributes in their order; each name once.
    pub(crate) attributes: Vec<(String, String)>,
    /// The elements within it.
    pub(crate) children: Vec<Self>,
}

/// Where the text of an element goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Into a file.
    File,
    /// Into the dialect, where each line but the last goes on.
    Dialect,
}

impl Markup {
    /// An element without attributes.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The same with one more attribute.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// The same with one more attribute, if there is a value.
    #[must_use]
    pub(crate) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// By what its place among others of its name is found where that does not matter.
    pub(crate) fn sort_key(&self) -> Vec<String> {
        let names = ["target", "target-pattern", "target-attribute", "target-value", "index"];
        names.into_iter().map(|name| self.value(name).unwrap_or_default().to_owned()).collect()
    }

    /// The value of an attribute.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The same as a text of its own.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(str::to_owned)
    }

    /// Takes an element over from a tree.
    pub(crate) fn of_element(element: Element<'_, '_>) -> Self {
        Self {
            name: element.name().to_owned(),
            attributes: element.attributes().iter().map(|a| (a.name.to_owned(), a.value.to_string())).collect(),
            children: element.children().map(Self::of_element).collect(),
        }
    }

    /// The object's name that this element stands for.
    pub(crate) fn object_name(&self) -> &str {
        let own = match self.name.as_str() {
            "node" => self.value("uname"),
            "fencing-topology" => Some(Kind::Topology.word()),
            "rsc_defaults" | "op_defaults" => self.children.first().and_then(|child| child.value("id")),
            _ => self.value("id"),
        };
        own.unwrap_or(&self.name)
    }

    /// Which kind of object this element is.
    pub(crate) fn kind(&self) -> Kind {
        match self.name.as_str() {
            "node" => Kind::Node,
            "template" => Kind::Template,
            "primitive" => Kind::Primitive,
            "bundle" => Kind::Bundle,
            "group" => Kind::Group,
            "master" => Kind::Promotable,
            "clone" => Kind::Clone,
            "tag" => Kind::Tag,
            "rsc_location" => Kind::Location,
            "rsc_colocation" => Kind::Colocation,
            "rsc_order" => Kind::Order,
            "rsc_ticket" => Kind::Ticket,
            "fencing-topology" => Kind::Topology,
            "cluster_property_set" => Kind::Property,
            "rsc_defaults" => Kind::ResourceDefaults,
            "op_defaults" => Kind::OperationDefaults,
            "acl_role" => Kind::Role,
            "acl_target" => Kind::AclTarget,
            "acl_user" => Kind::User,
            "alert" => Kind::Alert,
            _ => Kind::Xml,
        }
    }

    /// Itself and all elements within it.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut at = 0;
        while let Some(next) = found.get(at).copied() {
            found.extend(&next.children);
            at += 1;
        }
        found
    }

    /// Writes it at the end of `out`, `depth` elements deep.
    pub(crate) fn write(&self, layout: Layout, depth: usize, out: &mut String) {
        let _ = write!(out, "{:indent$}<{}", "", self.name, indent = depth * 2);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"");
            value.chars().for_each(|c| escape(c, out));
            out.push('"');
        }
        if self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for child in &self.children {
            layout.end_line(out);
            child.write(layout, depth + 1, out);
        }
        layout.end_line(out);
        let _ = write!(out, "{:indent$}</{}>", "", self.name, indent = depth * 2);
    }

    /// Whether both mean the same: ids count only where they are among `wanted`, the ids that something refers to.
    pub(crate) fn means(&self, other: &Self, wanted: &BTreeSet<String>) -> bool {
        self.value("id") == other.value("id") && self.normal(wanted) == other.normal(wanted)
    }

    /// The one form of all elements that mean the same.
    fn normal(&self, wanted: &BTreeSet<String>) -> Self {
        let children: Vec<Self> = self.children.iter().map(|child| child.normal(wanted)).collect();
        let children: Vec<Self> = children.into_iter().filter(|child| !child.is_empty_set(wanted)).collect();
        let attribute = |(name, value): &(String, String)| self.normal_attribute(name, value, children.len(), wanted);
        let mut attributes: Vec<(String, String)> = self.attributes.iter().filter_map(attribute).collect();
        if self.name == "op" && self.value("interval").is_none() {
            attributes.push(("interval".to_owned(), "0".to_owned()));
        }
        attributes.sort();
        let mut normal = Self { name: self.name.clone(), attributes, children };
        if self.name != "rsc_location" {
            normal.rules_without_score();
        }
        normal
    }

    fn normal_attribute(
        &self,
        name: &str,
        value: &str,
        children: usize,
        wanted: &BTreeSet<String>,
    ) -> Option<(String, String)> {
        let usual = match (self.name.as_str(), name) {
            (_, "id") => !wanted.contains(value) && !matches!(self.name.as_str(), "resource_ref" | "obj_ref" | "role"),
            ("rule", "boolean-op") => value == Joint::And.word() || children < 2,
            ("resource_set", "sequential" | "require-all") => flag(value) == Some(true),
            ("expression", "type") => value == "string" && matches!(self.value("operation"), Some("eq" | "ne")),
            _ => false,
        };
        let value = match name {
            "score" => Score::read(value).xml().to_owned(),
            "symmetrical" | "sequential" | "require-all" => flag(value).map_or(value.to_owned(), |yes| yes.to_string()),
            _ => value.to_owned(),
        };
        (!usual).then(|| (name.to_owned(), value))
    }

    /// Whether it is a set with nothing in it that nobody refers to, which means nothing.
    pub(crate) fn is_empty_set(&self, wanted: &BTreeSet<String>) -> bool {
        let set = SetKind::of_element(&self.name).is_some() || self.name == "operations";
        let idle = |(name, value): &(String, String)| name == "score" || (name == "id" && !wanted.contains(value));
        set && self.children.is_empty() && self.attributes.iter().all(idle)
    }

    /// The rule of a set only says when it counts.
    fn rules_without_score(&mut self) {
        for rule in self.children.iter_mut().filter(|child| child.name == "rule") {
            rule.attributes.retain(|(name, _)| name != "score");
        }
    }
}

impl Layout {
    fn end_line(self, out: &mut String) {
        out.push_str(match self {
            Self::File => "\n",
            Self::Dialect => " \\\n",
        });
    }
}

fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        c if c.is_control() => drop(write!(out, "&#{};", u32::from(c))),
        c => out.push(c),
    }
}
