//! Where in the text an object stands.
//!
//! For: line and column of what the configuration holds by its id only.
//! Never: a place that is not there; what is not found is said of the object around it, or of the root.

use std::collections::BTreeMap;

use super::super::tree::Element;

/// The elements of a configuration by what names them.
#[derive(Debug)]
pub(super) struct Places<'t, 'a> {
    root: Element<'t, 'a>,
    by_id: BTreeMap<&'t str, Element<'t, 'a>>,
    nodes: BTreeMap<&'t str, Element<'t, 'a>>,
    sections: BTreeMap<&'a str, Element<'t, 'a>>,
    /// In the order of the text.
    levels: Vec<Element<'t, 'a>>,
}

impl<'t, 'a> Places<'t, 'a> {
    pub(super) fn of(root: Element<'t, 'a>) -> Self {
        let (by_id, nodes, sections, levels) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut places = Self { root, by_id, nodes, sections, levels };
        for element in root.all() {
            match (element.name(), element.value("id"), element.value("uname")) {
                ("node", _, Some(name)) => drop(places.nodes.entry(name).or_insert(element)),
                ("node" | "resource_ref" | "obj_ref", ..) | (_, None, _) => {}
                (_, Some(id), _) => drop(places.by_id.entry(id).or_insert(element)),
            }
            if element.name() == "fencing-level" {
                places.levels.push(element);
            }
        }
        for configuration in root.children().filter(|child| child.name() == "configuration") {
            places.sections.extend(configuration.children().map(|section| (section.name(), section)));
        }
        places
    }

    /// The element with that id.
    pub(super) fn element(&self, id: &str) -> Option<Element<'t, 'a>> {
        self.by_id.get(id).copied()
    }

    /// All of the configuration's elements.
    pub(super) fn all(&self) -> impl Iterator<Item = Element<'t, 'a>> + use<'t, 'a> {
        self.root.all()
    }

    /// The id of the object.
    pub(super) fn id(&self, id: &str) -> &'a str {
        self.element(id).map_or(self.root.name(), named)
    }

    /// The node of that name, if it is configured.
    pub(super) fn node(&self, name: &str) -> Option<&'a str> {
        let element = self.nodes.get(name)?;
        Some(element.attribute("uname").map_or(element.name(), |name| name.whole))
    }

    /// An attribute of the object, or else the object.
    pub(super) fn attribute(&self, id: &str, name: &str) -> &'a str {
        let attribute = self.element(id).and_then(|element| element.attribute(name));
        attribute.map_or_else(|| self.id(id), |attribute| attribute.whole)
    }

    /// The names of the set's pairs with their places. `around` is the place of what is not found.
    pub(super) fn pairs(&self, set: Option<&str>, around: &'a str) -> Pairs<'t, 'a> {
        let Some(set) = set.and_then(|set| self.element(set)) else {
            return Pairs { around, by_name: BTreeMap::new() };
        };
        let pairs = set.children().filter_map(|pair| Some((pair.value("name")?, pair_place(pair))));
        Pairs { around: named(set), by_name: pairs.collect() }
    }

    /// The pair `name` in any set of the object.
    pub(super) fn pair_of(&self, id: &str, name: &str) -> Option<&'a str> {
        let element = self.element(id)?;
        let own = element.attribute(name).map(|own| own.whole);
        own.or_else(|| element.children().find_map(|set| pair_in(set, name)))
    }

    /// The first operation `name` of the object that has the attribute `about`, there; or else the first of that name.
    pub(super) fn operation(&self, id: &str, name: &str, about: Option<&str>) -> Option<&'a str> {
        let element = self.element(id)?;
        let named_so = || element.all().filter(|op| op.name() == "op" && op.value("name") == Some(name));
        let closer = about.and_then(|about| named_so().find_map(|op| op.attribute(about)));
        let found = closer.or_else(|| named_so().find_map(|op| op.attribute("name")));
        found.map(|attribute| attribute.whole)
    }

    /// The section of that name.
    pub(super) fn section(&self, name: &str) -> &'a str {
        self.sections.get(name).map_or(self.root.name(), |section| section.name())
    }

    /// The pair `name` in any set of the section.
    pub(super) fn pair_in_section(&self, section: &str, name: &str) -> Option<&'a str> {
        let section = self.sections.get(section)?;
        section.children().find_map(|set| pair_in(set, name))
    }

    /// The levels of fence devices, in the order of the text.
    pub(super) fn levels(&self) -> &[Element<'t, 'a>] {
        &self.levels
    }
}

/// Places of the pairs of one set.
#[derive(Debug)]
pub(super) struct Pairs<'t, 'a> {
    around: &'a str,
    by_name: BTreeMap<&'t str, &'a str>,
}

impl<'a> Pairs<'_, 'a> {
    pub(super) fn find(&self, name: &str) -> &'a str {
        self.by_name.get(name).copied().unwrap_or(self.around)
    }
}

/// The id of an element, or its name if it has none.
fn named<'a>(element: Element<'_, 'a>) -> &'a str {
    element.attribute("id").map_or(element.name(), |id| id.whole)
}

fn pair_in<'a>(set: Element<'_, 'a>, name: &str) -> Option<&'a str> {
    set.children().find(|pair| pair.name() == "nvpair" && pair.value("name") == Some(name)).map(pair_place)
}

fn pair_place<'a>(pair: Element<'_, 'a>) -> &'a str {
    pair.attribute("name").map_or(pair.name(), |attribute| attribute.whole)
}
