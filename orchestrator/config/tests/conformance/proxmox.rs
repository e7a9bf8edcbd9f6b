//! Proxmox: the guests, groups and rules of its scenarios, written as its files, are taken in, and nothing of them vanishes.

use std::collections::BTreeSet;
use std::fmt::Write;

use haven_config::Source;
use haven_config::proxmox::{Files, Import, Nodes, guest_id, import};
use haven_core::ids::NodeId;
use haven_core::spec::{ConstraintBody, LocationWhere, Profile, Spec, Timing, find_value};
use haven_core::units::Score;
use serde_json::Value;

use super::cib::cases;

/// The files of a scenario.
struct Written {
    resources: String,
    groups: String,
    rules: String,
}

/// The kinds of a pretended guest of the scenarios are those of a machine.
fn sid(name: &str) -> String {
    name.replace("fa:", "vm:")
}

fn yes(value: &Value) -> u8 {
    u8::from(value.as_bool().unwrap())
}

/// `n1:2,n2` from nodes with their priorities.
fn nodes(value: &Value) -> String {
    let nodes = value.as_object().unwrap().iter().map(|(node, priority)| match priority.as_u64().unwrap() {
        0 => node.clone(),
        priority => format!("{node}:{priority}"),
    });
    nodes.collect::<Vec<_>>().join(",")
}

fn written(case: &Value) -> Written {
    let (mut resources, mut groups, mut rules) = (String::new(), String::new(), String::new());
    for (name, guest) in case["services"].as_object().unwrap() {
        let _ = writeln!(resources, "{}\n\tstate {}", sid(name).replace(':', ": "), guest["state"].as_str().unwrap());
        for property in ["max_restart", "max_relocate"] {
            let _ = writeln!(resources, "\t{property} {}", guest[property]);
        }
        let _ = writeln!(resources, "\tfailback {}", yes(&guest["failback"]));
        if let Some(group) = guest["group"].as_str() {
            let _ = writeln!(resources, "\tgroup {group}");
        }
        resources.push('\n');
    }
    for group in case["groups"].as_array().unwrap() {
        let (restricted, stays) = (yes(&group["restricted"]), yes(&group["nofailback"]));
        let head = format!("group: {}\n\tnodes {}\n", group["id"].as_str().unwrap(), nodes(&group["nodes"]));
        let _ = writeln!(groups, "{head}\trestricted {restricted}\n\tnofailback {stays}\n");
    }
    for rule in case["rules"].as_array().unwrap() {
        let guests = rule["resources"].as_array().unwrap().iter().map(|name| sid(name.as_str().unwrap()));
        let _ = writeln!(rules, "{}: {}", rule["type"].as_str().unwrap(), rule["id"].as_str().unwrap());
        let _ = writeln!(rules, "\tresources {}", guests.collect::<Vec<_>>().join(","));
        let _ = match rule["affinity"].as_str() {
            Some(affinity) => writeln!(rules, "\taffinity {affinity}\n"),
            None => writeln!(rules, "\tnodes {}\n\tstrict {}\n", nodes(&rule["nodes"]), yes(&rule["strict"])),
        };
    }
    Written { resources, groups, rules }
}

/// Imports a scenario, and says what keeps it from being taken in.
fn taken(name: &str, case: &Value) -> Result<Spec, String> {
    let files = written(case);
    let source = |file: &str, text: &str| Source::of_proxmox(&format!("{name}/{file}"), text.as_bytes());
    let (resources, groups) = (source("resources.cfg", &files.resources), source("groups.cfg", &files.groups));
    let rules = source("rules.cfg", &files.rules);
    let members: BTreeSet<NodeId> =
        case["cluster"]["nodes"].as_object().unwrap().keys().map(|node| NodeId::new(node).unwrap()).collect();
    let defined = case["services"].as_object().unwrap().keys().map(|name| guest_id(&sid(name)).unwrap()).collect();
    let others = BTreeSet::new();
    let files = Files { resources: &resources, groups: Some(&groups), rules: Some(&rules), others: &others };
    let found = import(&Import {
        files,
        members: &members,
        nodes: Nodes::Members(members.len()),
        spec: &Spec::default(),
        base: Timing::of(Profile::Default),
        defined: &defined,
    });
    let said = found.render(&files);
    let edits = found.commit().map_err(|refused| format!("{name}: {refused}\n{said}"))?;
    Ok(Spec::default().edited(&edits, 1).unwrap())
}

/// What of a scenario does not come out.
fn check(name: &str, case: &Value, spec: &Spec) {
    let guests = case["services"].as_object().unwrap();
    assert_eq!(spec.resources.len(), guests.len(), "{name}");
    for (guest, wanted) in guests {
        let found = &spec.resources[&guest_id(&sid(guest)).unwrap()];
        let stopped = find_value(&found.meta, "target-role") == Some("Stopped");
        assert_eq!(!stopped, wanted["state"] == "started", "{name}: {guest}");
        let threshold = wanted["max_restart"].as_u64().unwrap() + 1;
        assert_eq!(
            find_value(&found.meta, "migration-threshold"),
            Some(threshold.to_string().as_str()),
            "{name}: {guest}"
        );
    }
    for rule in
        case["rules"].as_array().unwrap().iter().filter(|rule| rule["strict"] == true && rule["nodes"].is_object())
    {
        let allowed = rule["nodes"].as_object().unwrap();
        for guest in rule["resources"].as_array().unwrap() {
            let id = guest_id(&sid(guest.as_str().unwrap())).unwrap();
            let forbidden = spec.constraints.values().filter(|constraint| match &constraint.body {
                ConstraintBody::Location(location) => {
                    let LocationWhere::Node { node, score } = &location.place else { return false };
                    constraint.id.as_str().starts_with(&format!("pve-node_{id}_"))
                        && *score == Score::MINUS_INFINITY
                        && !allowed.contains_key(node.as_str())
                }
                ConstraintBody::Colocation(_) | ConstraintBody::Order(_) => false,
            });
            let nodes = case["cluster"]["nodes"].as_object().unwrap().len();
            assert_eq!(forbidden.count(), nodes - allowed.len(), "{name}: {id}");
        }
    }
}

#[test]
fn the_scenarios_of_proxmox_are_taken_in() {
    let Some(folder) = cases("proxmox/scenarios") else { return };
    let (mut count, mut refused) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy();
        count += 1;
        match taken(&name, &case) {
            Ok(spec) => check(&name, &case, &spec),
            Err(said) => refused.push(said),
        }
    }
    println!("{count} scenarios, {} are refused", refused.len());
    assert!(count > 0 && refused.is_empty(), "{} of {count}\n{}", refused.len(), refused.concat());
}
