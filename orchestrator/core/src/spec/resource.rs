//! Resources: what runs, by which agent, with which operations.

use std::collections::BTreeMap;
use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::attributes::AttrSet;
use super::meta::OnFail;
use crate::ids::ResourceId;
use crate::units::Millis;

/// A primitive, group, clone or template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Resource {
    /// Unique among all resources.
    #[n(0)]
    pub id: ResourceId,
    /// What it is.
    #[n(1)]
    pub body: Body,
    /// Parameters for the agent.
    #[n(2)]
    pub params: Vec<AttrSet>,
    /// How it is to be treated, see [`super::Meta`].
    #[n(3)]
    pub meta: Vec<AttrSet>,
    /// What it needs of a node's capacity.
    #[n(4)]
    pub utilization: Vec<AttrSet>,
    /// Operations that are configured; those that are not have the agent's and the cluster's defaults.
    #[n(5)]
    pub operations: Vec<Operation>,
    /// Free text.
    #[n(6)]
    pub description: Option<String>,
    /// Position in configuration order. Given by the commit that added the resource; kept when it is edited.
    #[n(7)]
    pub seq: u64,
}

impl Resource {
    /// A resource with nothing but its id and body.
    pub fn new(id: ResourceId, body: Body) -> Self {
        Self {
            id,
            body,
            params: Vec::new(),
            meta: Vec::new(),
            utilization: Vec::new(),
            operations: Vec::new(),
            description: None,
            seq: 0,
        }
    }

    /// The resources that are part of this one.
    pub fn children(&self) -> &[ResourceId] {
        match &self.body {
            Body::Group { members } => members,
            Body::Clone { child } => std::slice::from_ref(child),
            Body::Primitive { .. } | Body::Template { .. } => &[],
        }
    }

    /// The configured operation of this name and, for monitors, any interval above zero first.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let mut named = self.operations.iter().filter(|op| op.name == name);
        named.clone().find(|op| op.interval > Millis::ZERO).or_else(|| named.next())
    }
}

/// What a resource is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum Body {
    /// One thing, run by one agent. The agent or the template is given, not both.
    #[n(0)]
    Primitive {
        /// The agent.
        #[n(0)]
        agent: Option<AgentName>,
        /// The template that gives agent, parameters and operations which the primitive does not set itself.
        #[n(1)]
        template: Option<ResourceId>,
    },
    /// Members started left to right on one node, stopped right to left.
    #[n(1)]
    Group {
        /// Not empty, no repetition.
        #[n(0)]
        members: Vec<ResourceId>,
    },
    /// The child on several nodes at once; promotable by meta attribute.
    #[n(2)]
    Clone {
        /// A primitive or a group.
        #[n(0)]
        child: ResourceId,
    },
    /// Defaults for primitives that name it.
    #[n(3)]
    Template {
        /// The agent of those primitives.
        #[n(0)]
        agent: AgentName,
    },
}

/// Which family of agents, hence which protocol is spoken with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum AgentClass {
    /// Open Cluster Framework scripts.
    #[n(0)]
    Ocf,
    /// Init scripts.
    #[n(1)]
    Lsb,
    /// Units of the service manager.
    #[n(2)]
    Systemd,
    /// heartbeat's `resource.d` scripts.
    #[n(3)]
    Heartbeat,
    /// Agents built into haven.
    #[n(4)]
    Haven,
}

impl AgentClass {
    /// The word used in configurations.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ocf => "ocf",
            Self::Lsb => "lsb",
            Self::Systemd => "systemd",
            Self::Heartbeat => "heartbeat",
            Self::Haven => "haven",
        }
    }

    /// The class of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ocf, Self::Lsb, Self::Systemd, Self::Heartbeat, Self::Haven].into_iter().find(|c| c.word() == word)
    }
}

/// `class:provider:type`, such as `ocf:heartbeat:IPaddr2` or `systemd:nginx`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
pub struct AgentName {
    /// The family.
    #[n(0)]
    pub class: AgentClass,
    /// Who ships it; only OCF agents have one.
    #[n(1)]
    pub provider: Option<String>,
    /// The agent's own name.
    #[n(2)]
    pub kind: String,
}

impl AgentName {
    /// Reads `class:provider:type`, `class:type`, or a bare `type`, which means `ocf:heartbeat:type`.
    /// Returns `None` for an unknown class, a missing part, or characters that could leave the agents' folder.
    pub fn parse(text: &str) -> Option<Self> {
        let clean = |part: &str| {
            let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '\\');
            !part.is_empty() && !part.starts_with('.') && part.chars().all(inner)
        };
        let parts: Vec<&str> = text.split(':').collect();
        if !parts.iter().all(|part| clean(part)) {
            return None;
        }
        let agent = |class, provider: Option<&str>, kind: &str| {
            Some(Self { class, provider: provider.map(str::to_owned), kind: kind.to_owned() })
        };
        match *parts.as_slice() {
            [kind] => agent(AgentClass::Ocf, Some("heartbeat"), kind),
            ["ocf", provider, kind] => agent(AgentClass::Ocf, Some(provider), kind),
            ["ocf", kind] => agent(AgentClass::Ocf, Some("heartbeat"), kind),
            [class, kind] => agent(AgentClass::parse(class)?, None, kind),
            _ => None,
        }
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.provider {
            Some(provider) => write!(f, "{}:{provider}:{}", self.class.word(), self.kind),
            None => write!(f, "{}:{}", self.class.word(), self.kind),
        }
    }
}

/// The role of an instance, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum Role {
    /// Not running.
    #[n(0)]
    Stopped,
    /// Running; of a promotable resource: without a part.
    #[n(1)]
    Started,
    /// Running as a promotable resource that is not promoted.
    #[n(2)]
    Unpromoted,
    /// Promoted.
    #[n(3)]
    Promoted,
}

impl Role {
    /// Reads the old and the new spellings.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "stopped" => Some(Self::Stopped),
            "started" => Some(Self::Started),
            "unpromoted" | "slave" => Some(Self::Unpromoted),
            "promoted" | "master" => Some(Self::Promoted),
            _ => None,
        }
    }

    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Started => "started",
            Self::Unpromoted => "unpromoted",
            Self::Promoted => "promoted",
        }
    }
}

/// One configured operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Operation {
    /// `start`, `stop`, `monitor`, `promote`, `demote`, `reload`, `migrate_to`, `migrate_from`, ...
    #[n(0)]
    pub name: String,
    /// Time between two runs; zero means once.
    #[n(1)]
    pub interval: Millis,
    /// Time after which the outcome is unknown.
    #[n(2)]
    pub timeout: Option<Millis>,
    /// A monitor for this role only.
    #[n(3)]
    pub role: Option<Role>,
    /// What a failure leads to.
    #[n(4)]
    pub on_fail: Option<OnFail>,
    /// Wait before the first run.
    #[n(5)]
    pub start_delay: Option<Millis>,
    /// `enabled=false` and any attribute that haven keeps but does not read.
    #[n(6)]
    pub extra: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_names_are_read_as_crm_users_write_them() {
        for (text, shown) in [
            ("IPaddr2", "ocf:heartbeat:IPaddr2"),
            ("ocf:pacemaker:ping", "ocf:pacemaker:ping"),
            ("ocf:Filesystem", "ocf:heartbeat:Filesystem"),
            ("systemd:nginx", "systemd:nginx"),
            ("systemd:getty@tty1", "systemd:getty@tty1"),
            ("lsb:vz", "lsb:vz"),
        ] {
            assert_eq!(AgentName::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", "x:y:z", "ocf:a:b:c", "lsb:../x", "ocf::x", "lsb:a/b"] {
            assert_eq!(AgentName::parse(bad), None, "{bad}");
        }
    }
}
