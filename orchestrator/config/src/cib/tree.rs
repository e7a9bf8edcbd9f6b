//! Elements with their attributes, each as the part of the text where it stands.
//!
//! For: a text that is read once and looked at by name, with a place for everything that is said of it.
//! Never: a copy of what stands in the text, unless an entity in it had to be written out.

use std::borrow::Cow;
use std::ops::Range;

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its value, with entities written out.
    pub(crate) value: Cow<'a, str>,
    /// Name, equals sign and value as they stand in the text.
    pub(crate) whole: &'a str,
}

/// Elements in the order of the text: what is within one follows it.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    attributes: Vec<Attribute<'a>>,
}

#[derive(Debug)]
struct Node<'a> {
    name: &'a str,
    attributes: Range<usize>,
    /// Where those that are within it end.
    end: usize,
}

/// An element of a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'t, 'a> {
    tree: &'t Tree<'a>,
    node: &'t Node<'a>,
    key: usize,
}

impl<'a> Tree<'a> {
    /// Adds an element without attributes, as the last one.
    pub(crate) fn begin(&mut self, name: &'a str) -> usize {
        let key = self.nodes.len();
        let at = self.attributes.len();
        self.nodes.push(Node { name, attributes: at..at, end: key + 1 });
        key
    }

    /// Adds an attribute to the last element.
    pub(crate) fn push(&mut self, attribute: Attribute<'a>) {
        self.attributes.push(attribute);
        if let Some(node) = self.nodes.last_mut() {
            node.attributes.end = self.attributes.len();
        }
    }

    /// All that follows `key` up to here is within it.
    pub(crate) fn end(&mut self, key: usize) {
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(key) {
            node.end = end;
        }
    }

    /// Removes `key` and all that follows it.
    pub(crate) fn cut(&mut self, key: usize) {
        if let Some(node) = self.nodes.get(key) {
            self.attributes.truncate(node.attributes.start);
            self.nodes.truncate(key);
        }
    }

    /// How many attributes it holds.
    pub(crate) fn attributes_held(&self) -> usize {
        self.attributes.len()
    }

    /// The attributes of the last element so far.
    pub(crate) fn last_attributes(&self) -> &[Attribute<'a>] {
        self.nodes.last().and_then(|node| self.attributes.get(node.attributes.clone())).unwrap_or_default()
    }

    /// The name of `key`; empty if there is no such element.
    pub(crate) fn name(&self, key: usize) -> &'a str {
        self.nodes.get(key).map_or("", |node| node.name)
    }

    /// The element `key`.
    pub(crate) fn element(&self, key: usize) -> Option<Element<'_, 'a>> {
        self.nodes.get(key).map(|node| Element { tree: self, node, key })
    }
}

impl<'t, 'a> Element<'t, 'a> {
    /// Its name, which is also its place.
    pub(crate) fn name(self) -> &'a str {
        self.node.name
    }

    /// Its number in the tree.
    pub(crate) fn key(self) -> usize {
        self.key
    }

    /// How many elements it consists of, itself included.
    pub(crate) fn size(self) -> usize {
        self.node.end.saturating_sub(self.key)
    }

    /// Whether `other` is this element or within it.
    pub(crate) fn has(self, other: Self) -> bool {
        (self.key..self.node.end).contains(&other.key)
    }

    /// Its attributes in the order of the text.
    pub(crate) fn attributes(self) -> &'t [Attribute<'a>] {
        self.tree.attributes.get(self.node.attributes.clone()).unwrap_or_default()
    }

    /// The attribute of that name.
    pub(crate) fn attribute(self, name: &str) -> Option<&'t Attribute<'a>> {
        self.attributes().iter().find(|attribute| attribute.name == name)
    }

    /// The value of the attribute of that name.
    pub(crate) fn value(self, name: &str) -> Option<&'t str> {
        self.attribute(name).map(|attribute| &*attribute.value)
    }

    /// The same as a text of its own.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        self.value(name).map(str::to_owned)
    }

    /// The elements directly within it.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> + use<'t, 'a> {
        let first = self.key + 1;
        let within = move |key: usize| {
            let element = self.tree.element(key)?;
            (key < self.node.end).then_some(element)
        };
        // Each element ends behind itself, so this ends.
        std::iter::successors(within(first), move |element| within(element.node.end.max(element.key + 1)))
    }

    /// Itself and all elements within it.
    pub(crate) fn all(self) -> impl Iterator<Item = Self> + use<'t, 'a> {
        (self.key..self.node.end).filter_map(move |key| self.tree.element(key))
    }
}
