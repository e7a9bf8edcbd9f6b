//! Ids, and references to them.
//!
//! For: `id-ref`, with which a set, a rule or an operation is written once and used several times, in any order.
//! Never: a reference that leads to itself, or references that together make the text larger than [`FOLLOWED_MAX`].
//! Source: Pacemaker Explained, "Reusing Resource Definitions", "Reusing Rules, Options and Sets of Operations".

use std::collections::BTreeMap;

use super::said::Said;
use super::tree::Element;
use crate::diagnostic::quoted;
use crate::nearest::nearest;

/// Most elements that are read because something refers to them. Without it, ten references to ten references to ...
/// would grow without bound.
const FOLLOWED_MAX: usize = 200_000;
/// Longest chain of references. People write one.
const CHAIN_MAX: usize = 32;

/// Elements that have an id only in the sense that they name something.
const REFERENCES: [&str; 2] = ["resource_ref", "obj_ref"];
/// Sections in which ids are names of users, or nothing that is read.
const APART: [&str; 2] = ["acls", "alerts"];
/// What a constraint may name.
const NAMED_BY_CONSTRAINTS: [&str; 7] = ["primitive", "group", "clone", "master", "bundle", "template", "tag"];

/// The elements of a configuration by their ids.
#[derive(Debug, Default)]
pub(super) struct Links<'t, 'a> {
    by_id: BTreeMap<&'t str, Element<'t, 'a>>,
    followed: usize,
}

impl<'t, 'a> Links<'t, 'a> {
    /// All ids of `configuration`. An id that is there twice is an error.
    pub(super) fn of(configuration: Element<'t, 'a>, said: &mut Said) -> Self {
        let mut links = Self::default();
        for section in configuration.children().filter(|section| !APART.contains(&section.name())) {
            for element in section.all() {
                // Nodes have their numbers, which are ids of nothing else.
                if element.name() == "node" || REFERENCES.contains(&element.name()) {
                    continue;
                }
                let Some(id) = element.attribute("id") else { continue };
                let first = *links.by_id.entry(&id.value).or_insert(element);
                if first.key() != element.key() {
                    let place = first.attribute("id").map_or(first.name(), |id| id.whole);
                    let in_line = || format!(" in line {}", said.line_of(place));
                    let other = if said.has_time_for_errors() { in_line() } else { String::new() };
                    let what =
                        format!("the id {} is there twice, first of a {}{other}", quoted(&id.value), first.name());
                    said.error(id.whole, what, "give one of them another id");
                }
            }
        }
        links
    }

    /// Whether a constraint may name `id`.
    pub(super) fn is_resource(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|element| NAMED_BY_CONSTRAINTS.contains(&element.name()))
    }

    /// The element with that id.
    pub(super) fn find(&self, id: &str) -> Option<Element<'t, 'a>> {
        self.by_id.get(id).copied()
    }

    /// The name of a resource, template or tag that is written most like `id`.
    pub(super) fn nearest_resource(&self, id: &str) -> Option<&'t str> {
        let named = self.by_id.iter().filter(|(_, element)| NAMED_BY_CONSTRAINTS.contains(&element.name()));
        nearest(id, named.map(|(id, _)| *id))
    }

    /// What `element` stands for: itself, or the element of the same name that its `id-ref` names. Nothing if there is
    /// no such element, which is an error.
    pub(super) fn follow(&mut self, element: Element<'t, 'a>, said: &mut Said) -> Option<Element<'t, 'a>> {
        let mut at = element;
        for _ in 0..CHAIN_MAX {
            let Some(reference) = at.attribute("id-ref") else { return Some(at) };
            let wanted = element.name();
            let Some(found) = self.by_id.get(&*reference.value).filter(|found| found.name() == wanted).copied() else {
                let what = format!("there is no {wanted} with the id {}", quoted(&reference.value));
                said.error(reference.whole, what, "name one of this configuration by its id");
                return None;
            };
            if found.has(element) {
                let what = format!("{} refers to itself", quoted(&reference.value));
                said.error(reference.whole, what, "write out what is meant");
                return None;
            }
            self.followed = self.followed.saturating_add(found.size());
            if self.followed > FOLLOWED_MAX {
                let what = format!("references stand for more than {FOLLOWED_MAX} elements");
                said.error(reference.whole, what, "refer less often, or to less");
                return None;
            }
            at = found;
        }
        let what = "references refer to each other, or in too long a chain";
        said.error(element.attribute("id-ref").map_or(element.name(), |id| id.whole), what, "write out what is meant");
        None
    }
}
