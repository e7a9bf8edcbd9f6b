//! Bundles and guest nodes: resources that the engine adds beside those that are configured.
//!
//! For: the containers, addresses and connections of a bundle, and the connection of a virtual machine that is a node.
//! Never: placement.
//! Source: Pacemaker Explained, "Bundles"; Pacemaker Remote, "Guest Nodes".

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::arena::{NodeKey, ResKey};
use super::build::Merged;
use super::config::{AgentDef, BundleDef, OperationDef, Promotable, ResourceDef};
use super::model::{Cloned, Kind, Model, Node, Place, Replica, Res};
use super::rules;
use super::table::Because;
use crate::units::{Millis, Score};

/// Most replicas of one bundle.
const REPLICAS_MAX: u32 = 256;

/// Adds the parts of bundle `key`.
pub(super) fn build(model: &mut Model, key: ResKey, bundle: &BundleDef) {
    let number = |name: &str| {
        bundle.container.get(name).and_then(|text| rules::integer(text)).and_then(|n| u32::try_from(n).ok())
    };
    let promoted_max = number("promoted-max").or_else(|| number("masters")).unwrap_or(0);
    let replicas = number("replicas").filter(|n| *n > 0).unwrap_or(promoted_max.max(1)).min(REPLICAS_MAX);
    let per_host = number("replicas-per-host").filter(|n| *n > 0).unwrap_or(1);
    let cloned = Cloned {
        max: replicas,
        node_max: per_host,
        unique: per_host > 1,
        promotable: promoted_max > 0,
        promoted_max,
        promoted_node_max: 1,
        interleave: true,
        ordered: true,
        ..Cloned::default()
    };
    model.res[key].replicas_per_host = per_host;
    model.res[key].cloned = cloned;
    let mut address = bundle.network.get("ip-range-start").and_then(|text| text.parse::<IpAddr>().ok());
    let id = model.res[key].id.clone();
    let clone = bundle.child.as_ref().map(|child| add_clone(model, key, child));
    for n in 0..replicas {
        let mut replica = Replica::default();
        if let Some(ip) = address {
            let agent = agent("heartbeat", "IPaddr2");
            replica.ip = Some(add_part(model, key, &format!("{id}-ip-{ip}"), agent, 60));
            address = after(ip);
        }
        let engine = agent("heartbeat", &bundle.engine);
        let container = add_part(model, key, &format!("{id}-{}-{n}", bundle.engine), engine, 60);
        replica.container = Some(container);
        if let (Some(clone), Some(child)) = (clone, &bundle.child) {
            let name = format!("{id}-{n}");
            let node = model.node_named(&name).unwrap_or_else(|| add_guest(model, &name));
            model.nodes[node].bundle = true;
            let connection = add_part(model, key, &name, agent("pacemaker", "remote"), 30);
            link(model, container, connection, node);
            replica.connection = Some(connection);
            replica.node = Some(node);
            let instance = add_instance(model, clone, child, n);
            model.res[instance].table.set(node, Score::new(500), Because::Replica);
            model.res[clone].children.push(instance);
            replica.child = Some(instance);
        }
        model.res[key].replicas.push(replica);
    }
}

fn agent(provider: &str, kind: &str) -> AgentDef {
    AgentDef { class: "ocf".to_owned(), provider: Some(provider.to_owned()), kind: kind.to_owned() }
}

fn after(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).checked_add(1).map(|n| IpAddr::V4(n.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_add(1).map(|n| IpAddr::V6(n.into())),
    }
}

fn add_part(model: &mut Model, parent: ResKey, name: &str, agent: AgentDef, seconds: u64) -> ResKey {
    let monitor = OperationDef {
        id: format!("{name}-monitor-interval-{seconds}s"),
        name: "monitor".to_owned(),
        interval: Millis::secs(seconds),
        ..OperationDef::default()
    };
    let res = Res {
        name: name.to_owned(),
        id: name.to_owned(),
        parent: Some(parent),
        agent,
        operations: vec![monitor],
        managed: true,
        implicit: true,
        ..Res::default()
    };
    let key = model.add_res(res);
    model.give_meta(key, &Merged::default());
    model.res[parent].children.push(key);
    key
}

/// The clone of what runs within the containers.
fn add_clone(model: &mut Model, key: ResKey, child: &ResourceDef) -> ResKey {
    let id = format!("{}-{}", model.res[key].id, if model.res[key].cloned.promotable { "master" } else { "clone" });
    let cloned = Cloned { interleave: true, ordered: true, ..model.res[key].cloned.clone() };
    let res = Res {
        name: id.clone(),
        id,
        kind: Kind::Clone,
        parent: Some(key),
        managed: true,
        implicit: true,
        ..Res::default()
    };
    let clone = model.add_res(res);
    model.give_meta(clone, &Merged::default());
    let notify = model.cloned(key, child, Promotable::ByMeta).notify;
    model.res[clone].cloned = Cloned { notify, ..cloned };
    model.res[key].children.push(clone);
    clone
}

fn add_instance(model: &mut Model, clone: ResKey, child: &ResourceDef, number: u32) -> ResKey {
    let merged = model.merged(child);
    let res = Res {
        name: format!("{}:{number}", child.id),
        id: child.id.clone(),
        parent: Some(clone),
        number: Some(number),
        agent: merged.agent.clone(),
        params: merged.def.params.clone(),
        operations: merged.def.operations.clone(),
        managed: true,
        ..Res::default()
    };
    let key = model.add_res(res);
    model.give_meta(key, &merged);
    key
}

/// A node that only its connection shows.
pub(super) fn add_guest(model: &mut Model, name: &str) -> NodeKey {
    model.nodes.add(Node {
        id: name.to_owned(),
        name: name.to_owned(),
        place: Place::Guest,
        attributes: BTreeMap::from([("#kind".to_owned(), "container".to_owned())]),
        ..Node::default()
    })
}

fn link(model: &mut Model, container: ResKey, connection: ResKey, node: NodeKey) {
    model.res[connection].container = Some(container);
    model.res[connection].connects = Some(node);
    model.res[container].fillers.push(connection);
    model.nodes[node].connection = Some(connection);
    model.nodes[node].place = Place::Guest;
    model.has_remotes = true;
}

/// The connections of virtual machines that are nodes, and of remote nodes.
pub(super) fn open_guests(model: &mut Model) {
    let guests: Vec<(ResKey, String)> = model
        .res
        .iter()
        .filter(|(_, res)| res.kind == Kind::Primitive && !res.is_connection())
        .filter_map(|(key, res)| Some((key, res.meta.get("own remote-node")?.clone())))
        .collect();
    for (container, name) in guests {
        let node = model.node_named(&name).unwrap_or_else(|| add_guest(model, &name));
        let operations = vec![OperationDef {
            id: format!("{name}-monitor-interval-30s"),
            name: "monitor".to_owned(),
            interval: Millis::secs(30),
            ..OperationDef::default()
        }];
        let res = Res {
            name: name.clone(),
            id: name.clone(),
            agent: agent("pacemaker", "remote"),
            operations,
            managed: true,
            implicit: true,
            ..Res::default()
        };
        let connection = model.add_res(res);
        model.give_meta(connection, &Merged::default());
        let managed = model.res[container].managed;
        model.res[connection].managed = managed;
        model.res[connection].left = model.res[container].left;
        link(model, container, connection, node);
        model.top.push(connection);
    }
    let connections: Vec<(ResKey, String)> = model
        .res
        .iter()
        .filter(|(_, res)| res.is_connection() && res.connects.is_none() && res.kind == Kind::Primitive)
        .map(|(key, res)| (key, res.id.clone()))
        .collect();
    for (key, name) in connections {
        if let Some(node) = model.node_named(&name) {
            model.res[key].connects = Some(node);
            model.nodes[node].connection = Some(key);
            model.has_remotes = true;
        }
    }
}
