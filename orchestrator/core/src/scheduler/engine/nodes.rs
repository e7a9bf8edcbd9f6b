//! Nodes: which there are, and what their fields in the status say of them.
//!
//! For: who is online, unclean, pending, in standby or in maintenance, before any history is read.
//! Never: a look at resources.
//! Source: Pacemaker Explained, "Cluster Nodes"; the table of node states in the research of this project.

use std::collections::BTreeMap;

use super::arena::NodeKey;
use super::bundle::add_guest;
use super::config::{BodyDef, NodeKind, ResourceDef};
use super::model::{Model, Node, Place};
use super::options::{Health, Quorum};
use super::rules::{self, Asked};
use super::scene::NodeStatus;
use crate::spec::{find_value, parse_bool};
use crate::units::Score;

/// How far a node is a part of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Unclean,
    Pending,
    Offline,
    Normal,
}

/// A field that is yes or no, or the second since which it is yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Never,
    No,
    Yes(Option<i64>),
}

impl Since {
    fn read(text: Option<&str>, yes: &str) -> Self {
        let Some(text) = text else { return Self::Never };
        if text == yes || parse_bool(text) == Some(true) && text.parse::<i64>().is_err() {
            return Self::Yes(None);
        }
        match text.parse::<i64>() {
            Ok(1) if yes == "true" => Self::Yes(None),
            Ok(seconds) if seconds > 0 => Self::Yes(Some(seconds)),
            Ok(_) => Self::No,
            Err(_) if parse_bool(text) == Some(false) || text == "offline" => Self::No,
            Err(_) => Self::Never,
        }
    }

    fn is(self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

impl Model<'_> {
    /// Adds the nodes that are configured, and those that resources imply.
    pub(super) fn add_nodes(&mut self) {
        let scene = self.scene;
        for def in &scene.config.nodes {
            let place = match def.kind {
                NodeKind::Member => Place::Member,
                NodeKind::Remote => Place::Remote,
                // It runs nothing, and nobody asks how it is.
                NodeKind::Ping => continue,
            };
            let node = Node {
                id: def.id.clone(),
                name: def.name.clone(),
                place,
                base: def.score.unwrap_or_default(),
                unseen: true,
                ..Node::default()
            };
            self.nodes.add(node);
        }
        for def in &scene.config.resources {
            self.add_implied(def);
        }
    }

    fn add_implied(&mut self, def: &ResourceDef) {
        match &def.body {
            BodyDef::Primitive { .. } => {
                let agent = self.merged(def).agent;
                if let Some(name) = find_value(&def.meta, "remote-node") {
                    if self.node_named(name).is_none() {
                        add_guest(self, name);
                    }
                } else if agent.class == "ocf"
                    && agent.kind == "remote"
                    && agent.provider.as_deref() == Some("pacemaker")
                {
                    match self.node_named(&def.id) {
                        Some(node) => self.nodes[node].place = Place::Remote,
                        None => drop(self.nodes.add(Node {
                            id: def.id.clone(),
                            name: def.id.clone(),
                            place: Place::Remote,
                            unseen: true,
                            ..Node::default()
                        })),
                    }
                }
            }
            BodyDef::Group(members) => members.iter().for_each(|member| self.add_implied(member)),
            BodyDef::Clone { .. } | BodyDef::Bundle(_) => {}
        }
    }

    /// The node that an entry of the status is about.
    pub(super) fn node_of(&self, status: &NodeStatus) -> Option<NodeKey> {
        let named = |(_, node): &(NodeKey, &Node)| {
            node.id == status.id || status.name.as_deref().is_some_and(|name| node.name == name)
        };
        self.nodes.iter().find(named).map(|(key, _)| key)
    }

    /// Reads what the status says of nodes themselves.
    pub(super) fn judge_nodes(&mut self) {
        let scene = self.scene;
        self.configured_attributes();
        let mut told: BTreeMap<NodeKey, &NodeStatus> = BTreeMap::new();
        for status in &scene.status.nodes {
            if let Some(key) = self.node_of(status) {
                told.insert(key, status);
            }
        }
        for (key, status) in told {
            self.nodes[key].unseen = false;
            let asked = Asked { now: scene.now, ..Asked::default() };
            // What lasts until a reboot goes before what is configured.
            let transient = rules::values(&status.attributes, "", asked);
            self.nodes[key].attributes.extend(transient);
            let attribute = |name: &str| self.nodes[key].attributes.get(name).map(String::as_str);
            let flag = |name: &str| attribute(name).and_then(parse_bool).unwrap_or(false);
            let (standby, maintenance) = (flag("standby"), flag("maintenance"));
            let shutdown = attribute("shutdown").is_some_and(|text| text != "0");
            let terminate = attribute("terminate");
            let terminate = terminate
                .is_some_and(|text| parse_bool(text).unwrap_or_else(|| rules::integer(text).is_some_and(|n| n > 0)));
            let node = &mut self.nodes[key];
            node.standby = standby;
            node.maintenance = maintenance;
            node.shutdown = shutdown;
            if node.place == Place::Member {
                self.judge_member((key, terminate), status);
            } else {
                self.judge_remote(key, status);
            }
        }
        self.judge_the_rest();
    }

    fn configured_attributes(&mut self) {
        let scene = self.scene;
        let site = self.options.cluster_name.clone();
        for key in self.nodes.keys().collect::<Vec<_>>() {
            let name = self.nodes[key].name.clone();
            let def = scene.config.nodes.iter().find(|def| def.name == name);
            let asked = Asked { now: scene.now, ..Asked::default() };
            let mut attributes = def.map(|def| rules::values(&def.attributes, "", asked)).unwrap_or_default();
            let capacity = def.map(|def| rules::values(&def.utilization, "", asked)).unwrap_or_default();
            let capacity: BTreeMap<String, i64> =
                capacity.into_iter().filter_map(|(name, value)| Some((name, rules::integer(&value)?))).collect();
            let is_dc = scene.status.dc.as_deref().is_some_and(|dc| dc == self.nodes[key].id);
            let node = &mut self.nodes[key];
            node.is_dc = is_dc;
            let kind = match node.place {
                Place::Member => "cluster",
                Place::Remote => "remote",
                Place::Guest => "container",
            };
            let own = [
                ("#uname", name.clone()),
                ("#id", node.id.clone()),
                ("#kind", kind.to_owned()),
                ("#is_dc", is_dc.to_string()),
            ];
            attributes.extend(own.map(|(name, value)| (name.to_owned(), value)));
            if let Some(cluster) = &site {
                attributes.insert("#cluster-name".to_owned(), cluster.clone());
            }
            if let Some(site) = attributes.get("site-name").cloned().or_else(|| site.clone()) {
                attributes.insert("#site-name".to_owned(), site);
            }
            node.attributes = attributes;
            node.free.clone_from(&capacity);
            node.capacity = capacity;
        }
    }

    fn judge_member(&mut self, (key, terminate): (NodeKey, bool), status: &NodeStatus) {
        let in_ccm = Since::read(status.in_ccm.as_deref(), "true");
        let crmd = Since::read(status.crmd.as_deref(), "online");
        let (member, process) = (in_ccm.is(), crmd.is());
        let join = status.join.as_deref().unwrap_or("down");
        let expected_up = status.expected.as_deref() == Some("member");
        let shutdown = self.nodes[key].shutdown;
        if !self.options.fencing {
            let online = member && process && join == "member";
            let node = &mut self.nodes[key];
            node.online = online;
            node.unclean = !online && member && !process && expected_up;
            return;
        }
        if shutdown {
            self.nodes[key].online = process;
            return;
        }
        let waited = match in_ccm {
            Since::Yes(Some(since)) => self.scene.now - since >= self.options.pending_timeout,
            Since::Yes(None) | Since::No | Since::Never => false,
        };
        let (standing, why) = if in_ccm == Since::Never {
            (Standing::Unclean, "peer has not been seen by the cluster")
        } else if join == "banned" {
            (Standing::Unclean, "peer failed membership criteria")
        } else if terminate {
            let gone = !member && !process && join == "down";
            (if gone { Standing::Offline } else { Standing::Unclean }, "fencing was requested")
        } else if !expected_up {
            match (member || process, self.options.pending_timeout > 0 && member && !process && waited) {
                (_, true) => (Standing::Unclean, "peer pending timed out on joining the process group"),
                (true, false) => (Standing::Pending, ""),
                (false, false) => (Standing::Offline, ""),
            }
        } else if !member {
            (Standing::Unclean, "peer is no longer part of the cluster")
        } else if !process {
            (Standing::Unclean, "peer process is no longer available")
        } else {
            match join {
                "member" => (Standing::Normal, ""),
                "pending" | "down" => (Standing::Pending, ""),
                _ => (Standing::Unclean, "peer is in an unknown state"),
            }
        };
        self.nodes[key].online = if terminate && standing == Standing::Offline { false } else { member };
        self.stand(key, standing, why);
    }

    fn stand(&mut self, key: NodeKey, standing: Standing, why: &str) {
        match standing {
            Standing::Unclean => self.condemn(key, why),
            Standing::Pending => {
                let node = &mut self.nodes[key];
                node.pending = true;
                node.online = true;
            }
            Standing::Offline => self.nodes[key].online = false,
            Standing::Normal => {}
        }
    }

    fn judge_remote(&mut self, key: NodeKey, status: &NodeStatus) {
        let flag = |text: &Option<String>| {
            text.as_deref()
                .is_some_and(|text| parse_bool(text).unwrap_or_else(|| rules::integer(text).is_some_and(|n| n > 0)))
        };
        let fenced = flag(&status.node_fenced);
        self.nodes[key].fenced = fenced;
        if flag(&status.in_maintenance) && !self.nodes[key].attributes.contains_key("maintenance") {
            self.nodes[key].maintenance = true;
        }
        if status.in_ccm.is_some() || fenced {
            self.nodes[key].provisional = false;
        }
    }

    /// Nodes of which the status says nothing; and a partition that fences itself.
    fn judge_the_rest(&mut self) {
        let startup = self.options.fencing && self.options.startup_fencing;
        for key in self.nodes.keys().collect::<Vec<_>>() {
            let node = &self.nodes[key];
            match node.place {
                Place::Member if node.unseen && startup => self.condemn(key, "peer has not been seen by the cluster"),
                Place::Remote if node.unseen && startup && self.configured(key) => {
                    self.nodes[key].provisional = true;
                }
                Place::Member | Place::Remote | Place::Guest => {}
            }
            let node = &self.nodes[key];
            if self.options.quorum == Quorum::Fence && node.place == Place::Member && node.online {
                self.condemn(key, "the cluster does not have the quorum");
            }
        }
    }

    fn configured(&self, key: NodeKey) -> bool {
        let name = &self.nodes[key].name;
        self.scene.config.nodes.iter().any(|def| def.name == *name)
    }

    /// The node is to be fenced, if anything can.
    pub(super) fn condemn(&mut self, key: NodeKey, why: &str) {
        let node = &mut self.nodes[key];
        if node.place == Place::Guest {
            node.reset = true;
            let container = node.connection.and_then(|connection| self.res[connection].container);
            if let Some(container) = container.filter(|container| self.res[*container].managed) {
                self.res[container].failed = true;
                self.res[container].must_stop = true;
            }
            self.nodes[key].unclean = true;
            self.nodes[key].why.get_or_insert_with(|| why.to_owned());
            return;
        }
        node.unclean = true;
        node.why.get_or_insert_with(|| why.to_owned());
    }

    /// Points that the health of nodes gives to what runs on them; nothing where it is not looked at, or is zero.
    pub(super) fn health_of(&self, key: NodeKey) -> Option<Score> {
        let Health::Scores { red, yellow, green, base } = self.options.health else { return None };
        let mut sum = base;
        for (name, value) in &self.nodes[key].attributes {
            if !name.starts_with("#health") {
                continue;
            }
            let colour = match value.to_ascii_lowercase().as_str() {
                "red" => Some(red),
                "yellow" => Some(yellow),
                "green" => Some(green),
                _ => rules::score(value),
            };
            sum = sum + colour.unwrap_or_default();
        }
        (sum != Score::ZERO).then_some(sum)
    }
}
