//! `groups.cfg` and `rules.cfg`: where guests run, which of them together, and which apart.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{NodeId, ResourceId};

use super::guests::{Guest, Returning, id_of};
use super::nodes;
use super::said::{In, Said, Spot};
use super::section::{Kind, LIST_MAX, Section, Word, sections};
use crate::diagnostic::quoted;
use crate::nearest::nearest;
use crate::source::Source;

const GROUPS: [Kind; 1] = [Kind { word: "group", properties: &["nodes", "restricted", "nofailback", "comment"] }];
const NODE_AFFINITY: &str = "node-affinity";
const RULES: [Kind; 2] = [
    Kind { word: NODE_AFFINITY, properties: &["resources", "nodes", "strict", "disable", "comment"] },
    Kind { word: "resource-affinity", properties: &["resources", "affinity", "disable", "comment"] },
];

/// Whether a guest may run on other nodes than those that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Nowhere else.
    Strict,
    /// Elsewhere, too, if none of them is there.
    Loose,
}

/// Nodes that guests prefer: a group, or a rule of node affinity.
#[derive(Debug, Clone)]
pub(super) struct Preference {
    pub(super) name: String,
    pub(super) spot: Spot,
    /// With their priorities.
    pub(super) nodes: Vec<(NodeId, u32)>,
    pub(super) bounds: Bounds,
    /// What a group says of going back.
    pub(super) returning: Option<Returning>,
}

/// Guests that are to be kept together or apart.
#[derive(Debug, Clone)]
pub(super) struct Affinity {
    pub(super) name: String,
    pub(super) spot: Spot,
    pub(super) guests: Vec<ResourceId>,
}

/// What both files say.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) groups: BTreeMap<String, Preference>,
    /// Each with its guests.
    pub(super) nodes: Vec<(Preference, Vec<ResourceId>)>,
    pub(super) together: Vec<Affinity>,
    pub(super) apart: Vec<Affinity>,
}

/// All names of nodes in the file, of groups or of rules.
pub(super) fn names(source: &Source, said: &mut Said) -> BTreeSet<String> {
    let lists = sections(source, &[GROUPS.as_slice(), RULES.as_slice()].concat(), said.of(In::Rules));
    lists.iter().filter_map(|section| section.get("nodes")).flat_map(nodes::names).collect()
}

/// What the names in both files are looked up in.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) members: &'a BTreeSet<NodeId>,
    pub(super) guests: &'a BTreeMap<ResourceId, Guest>,
}

/// Reads both files, as far as they are there.
pub(super) fn read(groups: Option<&Source>, rules: Option<&Source>, known: Known, said: &mut Said) -> Rules {
    let mut found = Rules::default();
    for section in sections_of(groups, &GROUPS, In::Groups, said) {
        if let Some(group) = group(&section, known, said) {
            found.groups.insert(group.name.clone(), group);
        }
    }
    for section in sections_of(rules, &RULES, In::Rules, said) {
        rule(&section, known, &mut found, said);
    }
    found
}

/// The sections of a file, none if it is not there.
fn sections_of(source: Option<&Source>, kinds: &[Kind], file: In, said: &mut Said) -> Vec<Section> {
    source.map(|source| sections(source, kinds, said.of(file))).unwrap_or_default()
}

fn uncommented(section: &Section, file: In, said: &mut Said) {
    if let Some(word) = section.get("comment") {
        let spot = Spot { file, place: word.place() };
        said.note_once(spot, "comments of groups and rules are not kept: constraints have none here", "");
    }
}

fn group(section: &Section, known: Known, said: &mut Said) -> Option<Preference> {
    uncommented(section, In::Groups, said);
    let report = said.of(In::Groups);
    let restricted = section.truth("restricted", report).unwrap_or(false);
    let stays = section.truth("nofailback", report);
    let list = section.needed("nodes", report)?;
    Some(Preference {
        name: section.id.text.clone(),
        spot: Spot { file: In::Groups, place: section.id.place() },
        nodes: nodes::read(list, In::Groups, known.members, said),
        bounds: if restricted { Bounds::Strict } else { Bounds::Loose },
        returning: stays.map(|stays| if stays { Returning::Stay } else { Returning::Home }),
    })
}

fn rule(section: &Section, known: Known, found: &mut Rules, said: &mut Said) {
    uncommented(section, In::Rules, said);
    let report = said.of(In::Rules);
    let spot = Spot { file: In::Rules, place: section.id.place() };
    let name = section.id.text.clone();
    let strict = section.truth("strict", report).unwrap_or(false);
    let disabled = section.truth("disable", report).unwrap_or(false);
    let Some(resources) = section.needed("resources", report) else { return };
    if disabled {
        said.note(spot, format!("the rule {} is disabled, and is left out", quoted(&name)), "");
        return;
    }
    if section.kind.text == NODE_AFFINITY {
        let Some(list) = section.needed("nodes", said.of(In::Rules)) else { return };
        let nodes = nodes::read(list, In::Rules, known.members, said);
        let guests = guests(resources, known, said);
        let bounds = if strict { Bounds::Strict } else { Bounds::Loose };
        found.nodes.push((Preference { name, spot, nodes, bounds, returning: None }, guests));
        return;
    }
    let Some(affinity) = section.needed("affinity", said.of(In::Rules)) else { return };
    let place = match affinity.text.as_str() {
        "positive" => &mut found.together,
        "negative" => &mut found.apart,
        other => {
            let near = nearest(other, ["positive", "negative"]);
            let meant = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
            let what = format!("{} is no affinity{meant}", quoted(other));
            let spot = Spot { file: In::Rules, place: affinity.place() };
            said.error(spot, what, "write positive for together, or negative for apart");
            return;
        }
    };
    let guests = guests(resources, known, said);
    place.push(Affinity { name, spot, guests });
}

/// The guests of a list, each once.
fn guests(list: &Word, known: Known, said: &mut Said) -> Vec<ResourceId> {
    let mut found = Vec::new();
    let items = list.items();
    if items.len() > LIST_MAX {
        let what = format!("there are {} guests in one list, at most {LIST_MAX} are read", items.len());
        said.error(Spot { file: In::Rules, place: list.place() }, what, "give the file of Proxmox itself");
        return found;
    }
    for item in items {
        let spot = Spot { file: In::Rules, place: item.place() };
        let Some(id) = id_of(&item.text) else {
            let what = format!("{} is no guest", quoted(&item.text));
            said.error(spot, what, "write `vm:NUMBER` or `ct:NUMBER`");
            continue;
        };
        if found.contains(&id) {
            said.warning(spot, format!("{} is there twice in one list", quoted(&item.text)), "remove one of them");
        } else if known.guests.contains_key(&id) {
            found.push(id);
        } else {
            let what = format!(
                "{} is not in resources.cfg: nobody looks after it, and the rule is without it",
                quoted(&item.text)
            );
            said.warning(spot, what, "add it there, or remove it here");
        }
    }
    found
}
