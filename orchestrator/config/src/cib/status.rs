//! The status: what is known of nodes, and what became of operations on them.
//!
//! Never: an error. What cannot be read in a status is said once of its kind and counts as not known, because the status
//! is what a cluster has written, and an operator cannot mend it.
//! Source: Pacemaker Explained, "Status - Here be dragons".

use haven_core::scheduler::engine::scene::{NodeStatus, Record, ResourceHistory, Status, TicketStatus};
use haven_core::spec::AttrSet;
use haven_core::units::Millis;

use super::reading::{Written, flag, score};
use super::said::Said;
use super::tree::{Attribute, Element};
use crate::diagnostic::quoted;

/// Reads a branch of the status into `status`.
pub(super) fn branch<'a>(element: Element<'_, 'a>, status: &mut Status, said: &mut Said<'a>) {
    match element.name() {
        "node_state" => status.nodes.push(node(element, said)),
        "tickets" => {
            for child in known(element, &["ticket_state"], said) {
                status.tickets.push(TicketStatus {
                    id: id(child, said),
                    granted: truth(child, "granted", said),
                    standby: truth(child, "standby", said),
                });
            }
        }
        _ => unknown(element, said),
    }
}

fn node<'a>(element: Element<'_, 'a>, said: &mut Said<'a>) -> NodeStatus {
    let mut node = NodeStatus {
        id: id(element, said),
        name: element.text("uname"),
        in_ccm: element.text("in_ccm"),
        crmd: element.text("crmd"),
        join: element.text("join"),
        expected: element.text("expected"),
        node_fenced: element.text("node_fenced"),
        in_maintenance: element.text("node_in_maintenance"),
        ..NodeStatus::default()
    };
    for child in known(element, &["lrm", "transient_attributes"], said) {
        if child.name() == "lrm" {
            let lists = known(child, &["lrm_resources"], said);
            let resources = lists.into_iter().flat_map(|list| known(list, &["lrm_resource"], said)).collect::<Vec<_>>();
            node.history.extend(resources.into_iter().map(|resource| history(resource, said)));
        } else {
            for set in known(child, &["instance_attributes", "utilization"], said) {
                let place = if set.name() == "utilization" { &mut node.utilization } else { &mut node.attributes };
                place.push(values(set, said));
            }
        }
    }
    node
}

/// A set of values. It has neither rules nor references here.
fn values<'a>(element: Element<'_, 'a>, said: &mut Said<'a>) -> AttrSet {
    let score = match element.value("score").map(score) {
        Some(Written::Well(score) | Written::Tolerably(score)) => score,
        Some(Written::Badly) | None => haven_core::units::Score::ZERO,
    };
    let mut set = AttrSet { id: element.text("id"), score, ..AttrSet::default() };
    for pair in known(element, &["nvpair"], said) {
        let Some((name, value)) = pair.value("name").zip(pair.value("value")) else { continue };
        // The first one counts, as in a configuration.
        if !set.values.contains_key(name) {
            set.values.insert(name.to_owned(), value.to_owned());
        }
    }
    set
}

fn history<'a>(element: Element<'_, 'a>, said: &mut Said<'a>) -> ResourceHistory {
    let operations = known(element, &["lrm_rsc_op"], said);
    ResourceHistory {
        id: id(element, said),
        class: element.text("class").unwrap_or_default(),
        provider: element.text("provider"),
        kind: element.text("type").unwrap_or_default(),
        container: element.text("container"),
        shutdown_lock: element.attribute("shutdown-lock").and_then(|lock| number(lock, said)),
        operations: operations.into_iter().map(|operation| record(operation, said)).collect(),
    }
}

fn record<'a>(element: Element<'_, 'a>, said: &mut Said<'a>) -> Record {
    let mut record = Record { call: -1, ..Record::default() };
    for attribute in element.attributes() {
        let text = || attribute.value.clone().into_owned();
        match attribute.name {
            "id" => record.id = text(),
            "operation" => record.operation = text(),
            "interval" => record.interval = milliseconds(attribute, said),
            "call-id" => record.call = number(attribute, said).unwrap_or(-1),
            "op-status" => record.status = number(attribute, said),
            "rc-code" => record.code = number(attribute, said),
            "transition-key" => record.key = Some(text()),
            "transition-magic" => record.magic = Some(text()),
            "exit-reason" if !attribute.value.is_empty() => record.reason = Some(text()),
            "last-rc-change" => record.changed = number(attribute, said),
            "op-digest" => record.digest = Some(text()),
            "op-restart-digest" => record.restart_digest = Some(text()),
            "op-force-restart" => record.force_restart = Some(text()),
            "op-secure-digest" => record.secure_digest = Some(text()),
            "op-secure-params" => record.secure_params = Some(text()),
            "migrate_source" => record.source = Some(text()),
            "migrate_target" => record.target = Some(text()),
            _ => {}
        }
    }
    if record.id.is_empty() || record.operation.is_empty() {
        said.warning_once("nameless operation", element.name(), || "an operation in the status has no name".to_owned());
    }
    record
}

/// The elements within `element` that have one of these names.
fn known<'t, 'a>(element: Element<'t, 'a>, names: &[&str], said: &mut Said<'a>) -> Vec<Element<'t, 'a>> {
    let mut found = Vec::new();
    for child in element.children() {
        if names.contains(&child.name()) {
            found.push(child);
        } else {
            unknown(child, said);
        }
    }
    found
}

fn unknown<'a>(element: Element<'_, 'a>, said: &mut Said<'a>) {
    let what = || format!("{} in the status is not read", quoted(element.name()));
    said.warning_once(element.name(), element.name(), what);
}

fn id<'a>(element: Element<'_, 'a>, said: &mut Said<'a>) -> String {
    element.text("id").unwrap_or_else(|| {
        said.warning_once("id", element.name(), || format!("a {} in the status has no id", element.name()));
        String::new()
    })
}

fn truth<'a>(element: Element<'_, 'a>, name: &str, said: &mut Said<'a>) -> bool {
    let Some(attribute) = element.attribute(name) else { return false };
    flag(&attribute.value).unwrap_or_else(|| {
        unreadable(attribute, said);
        false
    })
}

fn number<'a>(attribute: &Attribute<'a>, said: &mut Said<'a>) -> Option<i64> {
    let found = attribute.value.trim().parse::<i64>().ok();
    if found.is_none() {
        unreadable(attribute, said);
    }
    found
}

fn milliseconds<'a>(attribute: &Attribute<'a>, said: &mut Said<'a>) -> Millis {
    let found = attribute.value.trim().parse::<u64>();
    if found.is_err() {
        unreadable(attribute, said);
    }
    Millis(found.unwrap_or_default())
}

fn unreadable<'a>(attribute: &Attribute<'a>, said: &mut Said<'a>) {
    let what = || format!("{} {} in the status cannot be read", attribute.name, quoted(&attribute.value));
    said.warning_once(attribute.name, attribute.whole, what);
}
