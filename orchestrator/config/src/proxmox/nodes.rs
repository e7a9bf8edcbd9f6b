//! Which members the nodes of a group or rule are.

use std::collections::BTreeSet;

use haven_core::ids::NodeId;

use super::said::{In, Said, Spot};
use super::section::{LIST_MAX, Word};
use crate::diagnostic::{listed, quoted};
use crate::heartbeat::names::{Named, find};
use crate::nearest::nearest;

/// Highest priority of a node that is read. Proxmox's dialog ends at 1000.
const PRIORITY_MAX: u32 = 1_000_000;

/// The names of nodes in a list, as they are written.
pub(super) fn names(list: &Word) -> Vec<String> {
    list.items().iter().map(|item| item.text.split(':').next().unwrap_or_default().to_ascii_lowercase()).collect()
}

/// The members in a list such as `n1:2,n2`, each once, with their priorities: 0 where none is written.
pub(super) fn read(list: &Word, file: In, members: &BTreeSet<NodeId>, said: &mut Said) -> Vec<(NodeId, u32)> {
    let mut found: Vec<(NodeId, u32)> = Vec::new();
    let items = list.items();
    if items.len() > LIST_MAX {
        let what = format!("there are {} nodes in one list, at most {LIST_MAX} are read", items.len());
        said.error(Spot { file, place: list.place() }, what, "give the file of Proxmox itself");
        return found;
    }
    for item in items {
        let spot = Spot { file, place: item.place() };
        let (name, priority) = item.text.split_once(':').unwrap_or((&item.text, "0"));
        let digits = !priority.is_empty() && priority.bytes().all(|byte| byte.is_ascii_digit());
        let Some(priority) = priority.parse::<u32>().ok().filter(|found| digits && *found <= PRIORITY_MAX) else {
            let what =
                format!("{} is no priority, a whole number from 0 to {PRIORITY_MAX} is needed", quoted(priority));
            said.error(spot, what, "write `NODE:NUMBER`; the highest is wanted most");
            continue;
        };
        let Some(node) = member(name, spot, members, said) else { continue };
        if found.iter().any(|(known, _)| *known == node) {
            let what = format!("the node {node} is there twice in one list");
            said.error(spot, what, "keep one of them, with the priority that is meant");
            continue;
        }
        found.push((node, priority));
    }
    found
}

fn member(name: &str, spot: Spot, members: &BTreeSet<NodeId>, said: &mut Said) -> Option<NodeId> {
    match find(name, members) {
        Named::Member(node) => Some(node),
        Named::ByFirstLabel(node) => {
            said.note(spot, format!("{} is taken for the member {node}", quoted(name)), "");
            Some(node)
        }
        Named::Several(nodes) => {
            let what = format!("{} could be any of {}", quoted(name), listed(nodes));
            said.error(spot, what, "write the member's whole name");
            None
        }
        Named::Nobody => {
            let near = nearest(name, members.iter().map(NodeId::as_str));
            let meant = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
            let what = format!("{} is no member{meant}. Proxmox passes over a node that is not there", quoted(name));
            said.error(spot, what, format!("write one of {}, or remove it", listed(members)));
            None
        }
    }
}
