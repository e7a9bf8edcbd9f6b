//! What is installed on which node, as the caller found it, and which agent that makes of a script's name.
//!
//! heartbeat looks for a script in /etc/ha.d/resource.d first, then in /etc/init.d; haven looks at the units of
//! systemd after that, because today most services have nothing else.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::NodeId;
use haven_core::spec::{AgentClass, AgentName};

/// The agents on each node that was asked. A node that could not be asked is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// By node.
    pub nodes: BTreeMap<NodeId, Installed>,
}

/// The agents on one node. Names are file names without folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installed {
    /// OCF agents as `provider:type`, such as `heartbeat:Filesystem`.
    pub ocf: BTreeSet<String>,
    /// Executable files in /etc/ha.d/resource.d.
    pub resource_d: BTreeSet<String>,
    /// Executable files in /etc/init.d.
    pub init_d: BTreeSet<String>,
    /// Units of systemd, with or without `.service`.
    pub units: BTreeSet<String>,
}

impl Installed {
    fn has(&self, agent: &AgentName) -> bool {
        let AgentName { class, provider, kind } = agent;
        match class {
            AgentClass::Ocf => self.ocf.contains(&format!("{}:{kind}", provider.as_deref().unwrap_or("heartbeat"))),
            AgentClass::Lsb => self.init_d.contains(kind),
            AgentClass::Systemd => self.units.contains(kind) || self.units.contains(&format!("{kind}.service")),
            AgentClass::Heartbeat => self.resource_d.contains(kind),
            AgentClass::Haven => true,
        }
    }
}

/// Which of several agents that would do is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The one with this index, on every node that was asked.
    Everywhere(usize),
    /// The one with this index, but these nodes lack it.
    Lacking(usize, Vec<NodeId>),
    /// None of them, on no node.
    Nowhere,
}

impl Inventory {
    /// The first of `agents` that every node has; else the one that most nodes have, the first among equals.
    pub(super) fn find(&self, agents: &[AgentName]) -> Found {
        let mut best: Option<(usize, Vec<NodeId>)> = None;
        for (index, agent) in agents.iter().enumerate() {
            let lacking = self.nodes.iter().filter(|(_, node)| !node.has(agent)).map(|(id, _)| id.clone());
            let lacking: Vec<NodeId> = lacking.collect();
            if lacking.is_empty() {
                return Found::Everywhere(index);
            }
            if lacking.len() < best.as_ref().map_or(self.nodes.len(), |(_, least)| least.len()) {
                best = Some((index, lacking));
            }
        }
        best.map_or(Found::Nowhere, |(index, lacking)| Found::Lacking(index, lacking))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_agent_that_every_node_has_is_preferred_to_an_earlier_one_that_some_lack() {
        let m1 = Installed { init_d: set(&["httpd"]), units: set(&["httpd.service"]), ..Installed::default() };
        let m2 = Installed { units: set(&["httpd"]), ..Installed::default() };
        let inventory = Inventory { nodes: [(node("m1"), m1), (node("m2"), m2)].into() };
        let agents = ["heartbeat:httpd", "lsb:httpd", "systemd:httpd"].map(|name| AgentName::parse(name).unwrap());
        assert_eq!(inventory.find(&agents), Found::Everywhere(2));
        assert_eq!(inventory.find(&agents[..2]), Found::Lacking(1, vec![node("m2")]));
        assert_eq!(inventory.find(&agents[..1]), Found::Nowhere);
    }

    #[test]
    fn agents_built_into_haven_are_everywhere() {
        let inventory = Inventory { nodes: [(node("m1"), Installed::default())].into() };
        assert_eq!(inventory.find(&[AgentName::parse("haven:ip").unwrap()]), Found::Everywhere(0));
    }
}
