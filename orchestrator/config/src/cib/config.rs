//! The sections of a configuration.
//!
//! Source: Pacemaker Explained, "Configuration"; its schemas, as far as this page of the manual is silent.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::scheduler::engine::config::{Config, LevelDef, LevelTarget, NodeDef, NodeKind};

use super::links::Links;
use super::reading::Reading;
use super::said::Said;
use super::sets::sets;
use super::tree::Element;
use super::{constraints, resources};
use crate::diagnostic::quoted;

/// Sections that are read.
const SECTIONS: [&str; 10] = [
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "fencing-topology",
    "op_defaults",
    "rsc_defaults",
    "tags",
    "alerts",
    "acls",
];

/// Reads the element `configuration`.
pub(super) fn configuration<'t, 'a>(element: Element<'t, 'a>, said: &mut Said<'a>) -> Config {
    let links = Links::of(element, said);
    let mut r = Reading { links, said };
    let mut config = Config::default();
    let mut seen = BTreeSet::new();
    for section in r.children(element, &SECTIONS) {
        if !seen.insert(section.name()) {
            let what = format!("the section {} is there twice", section.name());
            r.said.error(section.name(), what, "put all of it into one");
            continue;
        }
        read(&mut r, section, &mut config);
    }
    config
}

fn read<'t, 'a>(r: &mut Reading<'t, 'a, '_>, section: Element<'t, 'a>, config: &mut Config) {
    let values = |r: &mut Reading<'t, 'a, '_>, name: &str| {
        let children = r.children(section, &[name]);
        sets(r, &children, name)
    };
    match section.name() {
        "crm_config" => config.options = values(r, "cluster_property_set"),
        "rsc_defaults" => config.resource_defaults = values(r, "meta_attributes"),
        "op_defaults" => config.operation_defaults = values(r, "meta_attributes"),
        "nodes" => config.nodes = nodes(r, section),
        "resources" => (config.resources, config.templates) = resources::section(r, section),
        "constraints" => config.constraints = constraints::section(r, section),
        "tags" => config.tags = tags(r, section),
        "fencing-topology" => config.topology = topology(r, section),
        // alerts and acls.
        name => {
            if section.children().next().is_some() {
                let what = format!("{name} are not used: who may do what, and who is told, is set in haven itself");
                r.said.note_once(name, section.name(), what);
            }
        }
    }
}

fn nodes<'t, 'a>(r: &mut Reading<'t, 'a, '_>, section: Element<'t, 'a>) -> Vec<NodeDef> {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for element in r.children(section, &["node"]) {
        r.attributes(element, &["uname", "type", "score"]);
        let (Some(id), Some(name)) = (r.required(element, "id"), r.required(element, "uname")) else { continue };
        if !ids.insert(id) {
            let what = format!("there are two nodes with the id {}", quoted(id));
            r.said.error(element.name(), what, "give one of them another id");
        }
        if !names.insert(name) {
            let what = format!("there are two nodes with the name {}", quoted(name));
            r.said.warning(element.name(), what, "remove the one that is not in the cluster any more");
        }
        let kinds = ["member", "normal", "remote", "ping"];
        let kind = match r.word_or(element, "type", &kinds, Some("ping")) {
            Some("remote") => NodeKind::Remote,
            Some("ping") => NodeKind::Ping,
            Some(_) | None => NodeKind::Member,
        };
        let children = r.children(element, &["instance_attributes", "utilization"]);
        found.push(NodeDef {
            id: id.to_owned(),
            name: name.to_owned(),
            kind,
            score: r.score(element, "score"),
            attributes: sets(r, &children, "instance_attributes"),
            utilization: sets(r, &children, "utilization"),
        });
    }
    found
}

fn tags<'t, 'a>(r: &mut Reading<'t, 'a, '_>, section: Element<'t, 'a>) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for tag in r.children(section, &["tag"]) {
        let mut members = Vec::new();
        for child in r.children(tag, &["obj_ref"]) {
            let Some(id) = r.required(child, "id") else { continue };
            if r.links.find(id).is_none() {
                let what = format!("there is nothing with the id {}", quoted(id));
                r.said.warning(child.name(), what, "remove it from the tag");
            }
            members.push(id.to_owned());
        }
        found.insert(r.id(tag), members);
    }
    found
}

fn topology<'t, 'a>(r: &mut Reading<'t, 'a, '_>, section: Element<'t, 'a>) -> Vec<LevelDef> {
    let levels = r.children(section, &["fencing-level"]);
    levels.into_iter().filter_map(|level| fencing_level(r, level)).collect()
}

fn fencing_level<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<LevelDef> {
    r.attributes(element, &["target", "target-pattern", "target-attribute", "target-value", "index", "devices"]);
    let attribute = element.text("target-attribute").zip(element.text("target-value"));
    let mut targets: Vec<LevelTarget> = Vec::new();
    targets.extend(element.text("target").map(LevelTarget::Node));
    targets.extend(element.text("target-pattern").map(LevelTarget::Pattern));
    targets.extend(attribute.map(|(name, value)| LevelTarget::Attribute(name, value)));
    if targets.len() != 1 {
        let what = format!("this fencing-level has {} targets", targets.len());
        let remedy = "write one of target, target-pattern, and target-attribute with target-value";
        r.said.error(element.name(), what, remedy);
    }
    let index = r.required(element, "index")?;
    let Ok(index) = index.parse::<u32>() else {
        r.said.error(element.name(), format!("index {} is no number", quoted(index)), "write 1 to 9");
        return None;
    };
    if !(1..=9).contains(&index) {
        let what = format!("level {index} is not tried by Pacemaker");
        r.said.warning(element.name(), what, "write an index of 1 to 9");
    }
    let names = r.required(element, "devices")?.split(',').map(str::trim).filter(|name| !name.is_empty());
    let devices: Vec<String> = names.map(str::to_owned).collect();
    for device in devices.iter().filter(|device| !r.links.is_resource(device)) {
        let what = format!("there is no fence device {}", quoted(device));
        r.said.warning(element.name(), what, "mend the name, or remove it from the level");
    }
    Some(LevelDef { target: targets.pop()?, index, devices })
}
