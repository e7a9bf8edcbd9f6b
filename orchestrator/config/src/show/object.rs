//! Nodes, resources and fence devices.

use haven_core::ids::NodeId;
use haven_core::spec::{AttrSet, Body, Device, FenceLevel, HostMap, NodeSpec, Operation, Resource};
use haven_core::units::{Millis, Score};

use super::constraint::expression;
use super::value::{Text, plain_or_quoted};

pub(super) fn node(id: &NodeId, node: &NodeSpec) -> Vec<Text> {
    let mut lines = vec![Text::plain(format!("node {id}"))];
    if !node.attributes.is_empty() {
        lines.push(Text::plain("attributes").pairs(&node.attributes));
    }
    if !node.utilization.is_empty() {
        let amounts = node.utilization.iter();
        lines.push(
            amounts.fold(Text::plain("utilization"), |text, (name, amount)| text.pair(name, &amount.to_string())),
        );
    }
    lines
}

pub(super) fn resource(resource: &Resource) -> Vec<Text> {
    let Resource { id, body, params, meta, utilization, operations, description, seq: _ } = resource;
    let head = match body {
        Body::Primitive { agent, template } => {
            let agent = agent.as_ref().map(|agent| format!(" {agent}")).unwrap_or_default();
            let template = template.as_ref().map(|template| format!(" @{template}")).unwrap_or_default();
            Text::plain(format!("primitive {id}{agent}{template}"))
        }
        Body::Group { members } => {
            members.iter().fold(Text::plain(format!("group {id}")), |text, member| text.word(member))
        }
        Body::Clone { child } => Text::plain(format!("clone {id} {child}")),
        Body::Template { agent } => Text::plain(format!("rsc_template {id} {agent}")),
    };
    let mut lines = vec![head];
    if let Some(text) = description {
        lines.push(Text::plain(format!("description={}", plain_or_quoted(text))));
    }
    lines.extend(params.iter().map(|values| set("params", values)));
    lines.extend(meta.iter().map(|values| set("meta", values)));
    lines.extend(utilization.iter().map(|values| set("utilization", values)));
    lines.extend(operations.iter().map(operation));
    lines
}

/// One set of values, with its id, score and rule if it has any.
pub(super) fn set(word: &str, set: &AttrSet) -> Text {
    let AttrSet { id, score, rule, values } = set;
    let mut text = Text::plain(word);
    if let Some(id) = id {
        text = text.word(format!("$id={}", plain_or_quoted(id)));
    }
    if *score != Score::ZERO {
        text = text.word(format!("{score}:"));
    }
    if let Some(rule) = rule {
        text = text.word(format!("rule {}", expression(rule)));
    }
    text.pairs(values)
}

fn operation(operation: &Operation) -> Text {
    let Operation { name, interval, timeout, role, on_fail, start_delay, extra } = operation;
    let mut text = Text::plain(format!("op {}", plain_or_quoted(name)));
    if *interval != Millis::ZERO {
        text = text.word(format!("interval={interval}"));
    }
    if let Some(timeout) = timeout {
        text = text.word(format!("timeout={timeout}"));
    }
    if let Some(role) = role {
        text = text.word(format!("role={}", role.word()));
    }
    if let Some(on_fail) = on_fail {
        text = text.word(format!("on-fail={}", on_fail.word()));
    }
    if let Some(delay) = start_delay {
        text = text.word(format!("start-delay={delay}"));
    }
    text.pairs(extra)
}

pub(super) fn device(device: &Device) -> Vec<Text> {
    let Device { id, agent, params, secrets, hosts, timeout, delay } = device;
    let mut lines = vec![Text::plain(format!("fence device {id} {}", plain_or_quoted(agent)))];
    if !params.is_empty() {
        lines.push(Text::plain("params").pairs(params));
    }
    if !secrets.is_empty() {
        // Where a secret is found is no secret.
        let places = secrets.iter();
        lines.push(places.fold(Text::plain("secrets"), |text, (name, place)| {
            text.word(format!("{}={}", plain_or_quoted(name), plain_or_quoted(&place.to_string())))
        }));
    }
    lines.push(match hosts {
        HostMap::Single(node) => Text::plain(format!("switches {node}")),
        HostMap::Outlets(map) => map.iter().fold(Text::plain("switches"), |text, (node, outlets)| {
            text.word(format!("{node}={}", plain_or_quoted(&outlets.join(","))))
        }),
    });
    if let Some(timeout) = timeout {
        lines.push(Text::plain(format!("timeout={timeout}")));
    }
    if let Some(delay) = delay {
        lines.push(Text::plain(format!("delay={delay}")));
    }
    lines
}

/// Levels in order; the devices of one level, which must all succeed, are joined by commas.
pub(super) fn topology(node: &NodeId, levels: &[FenceLevel]) -> Vec<Text> {
    let level = |level: &FenceLevel| level.devices.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    vec![levels.iter().map(level).fold(Text::plain(format!("topology {node}:")), Text::word)]
}
