//! What is about the cluster as a whole: nodes, options, fencing, tags, and who may do and hear what.

use std::collections::BTreeMap;

use super::attributes::{AttrSet, Attributes, SetKind};

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its id, where that is not its name.
    pub(crate) id: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// `member`, `remote`, ..., if it is said.
    pub(crate) kind: Option<String>,
    /// A text for people.
    pub(crate) description: Option<String>,
    /// Attributes and utilization in their order.
    pub(crate) sets: Vec<(SetKind, Attributes)>,
}

/// Kinds of nodes.
pub(crate) const NODE_KINDS: [&str; 4] = ["normal", "member", "ping", "remote"];

/// A set of options. Its id is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Which ones.
    pub(crate) kind: OptionKind,
    /// Its id.
    pub(crate) id: String,
    /// What is in it; without id and score.
    pub(crate) set: AttrSet,
}

/// Which options they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OptionKind {
    /// Of the cluster.
    Property,
    /// Meta attributes of all resources.
    Resources,
    /// Meta attributes of all operations.
    Operations,
}

impl OptionKind {
    /// The word of the dialect.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Property => "property",
            Self::Resources => "rsc_defaults",
            Self::Operations => "op_defaults",
        }
    }

    /// The section of a CIB, and the element within it.
    pub(crate) const fn section(self) -> (&'static str, &'static str) {
        match self {
            Self::Property => ("crm_config", "cluster_property_set"),
            Self::Resources => ("rsc_defaults", "meta_attributes"),
            Self::Operations => ("op_defaults", "meta_attributes"),
        }
    }

    /// The id of the set that is meant when none is named.
    pub(crate) const fn usual_id(self) -> &'static str {
        match self {
            Self::Property => "cib-bootstrap-options",
            Self::Resources => "rsc-options",
            Self::Operations => "op-options",
        }
    }
}

/// Who is fenced by what, in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Topology {
    /// Each target once, in their order.
    pub(crate) targets: Vec<(Target, Vec<String>)>,
}

/// Who is fenced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// All nodes.
    All,
    /// One node.
    Node(String),
    /// Those whose names match.
    Pattern(String),
    /// Those with this value of an attribute.
    Attribute(String, String),
}

/// A name for resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its id.
    pub(crate) id: String,
    /// What it stands for.
    pub(crate) members: Vec<String>,
}

/// Permissions under a name, or those of a user in old configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    /// Its id.
    pub(crate) id: String,
    /// In their order.
    pub(crate) permissions: Vec<Permission>,
}

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    /// `read`, `write`, `deny`.
    pub(crate) right: String,
    /// What of the configuration, as attributes of XML: `xpath`, or `object-type`, `reference`, `attribute`.
    pub(crate) about: Vec<(&'static str, String)>,
}

/// Which roles a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AclTarget {
    /// The user.
    pub(crate) id: String,
    /// The roles.
    pub(crate) roles: Vec<String>,
}

/// Who is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    /// Its id.
    pub(crate) id: String,
    /// The program.
    pub(crate) path: String,
    /// A text for people.
    pub(crate) description: Option<String>,
    /// In their order.
    pub(crate) parts: Vec<AlertPart>,
}

/// A part of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AlertPart {
    /// A set of attributes.
    Set(SetKind, AttrSet),
    /// Which events, and which node attributes.
    Select {
        /// `nodes`, `fencing`, `resources`, and `attributes` if those are named.
        kinds: Vec<String>,
        /// Names of node attributes.
        attributes: Vec<String>,
    },
    /// To whom, with attributes of its own.
    Recipient(String, Vec<(SetKind, AttrSet)>),
}

/// Kinds of events.
pub(crate) const ALERT_KINDS: [&str; 4] = ["nodes", "fencing", "resources", "attributes"];

impl Topology {
    /// Makes one of levels, each behind those of its target.
    pub(crate) fn of(levels: impl IntoIterator<Item = (Target, String)>) -> Self {
        let mut found: BTreeMap<Target, usize> = BTreeMap::new();
        let mut targets: Vec<(Target, Vec<String>)> = Vec::new();
        for (target, devices) in levels {
            let at = *found.entry(target.clone()).or_insert(targets.len());
            match targets.get_mut(at) {
                Some((_, levels)) => levels.push(devices),
                None => targets.push((target, vec![devices])),
            }
        }
        Self { targets }
    }
}
