//! Resources: what runs, and what holds them together.

use super::attributes::{AttrSet, Attributes, SetKind};

/// What a primitive is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Agent {
    /// An agent.
    Named {
        /// `ocf`, `systemd`, `stonith`, ...
        class: String,
        /// Who made it; of `ocf` only.
        provider: Option<String>,
        /// Its name.
        kind: String,
    },
    /// A template with this id.
    Template(String),
}

/// A primitive, or a template of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Primitive {
    /// Its id.
    pub(crate) id: String,
    /// What it is made of.
    pub(crate) agent: Agent,
    /// A text for people.
    pub(crate) description: Option<String>,
    /// Attributes and operations in their order; operations at most once.
    pub(crate) parts: Vec<Part>,
}

/// A part of a primitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// A set of attributes.
    Set(SetKind, Attributes),
    /// Its operations.
    Operations(Operations),
}

impl Part {
    /// The set of attributes that it is, if it is one.
    pub(crate) fn attributes(&self) -> Option<(SetKind, &Attributes)> {
        match self {
            Self::Set(kind, attributes) => Some((*kind, attributes)),
            Self::Operations(_) => None,
        }
    }
}

/// The operations of a primitive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Operations {
    /// Their id, if they have one of their own.
    pub(crate) id: Option<String>,
    /// The id of others that they are.
    pub(crate) reference: Option<String>,
    /// In their order.
    pub(crate) all: Vec<Operation>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its id, if it is not the one that it would get.
    pub(crate) id: Option<String>,
    /// `monitor`, `start`, ...
    pub(crate) name: String,
    /// What the cluster goes by, `interval` among it, in its order.
    pub(crate) attributes: Vec<(String, String)>,
    /// What the agent gets with it, and what else the cluster goes by.
    pub(crate) sets: Vec<(SetKind, Attributes)>,
}

/// Attributes that an operation has itself; others are parameters for the agent.
pub(crate) const OPERATION_ATTRIBUTES: [&str; 9] = [
    "interval",
    "timeout",
    "start-delay",
    "interval-origin",
    "enabled",
    "record-pending",
    "role",
    "on-fail",
    "description",
];

/// What a group or a clone has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its id.
    pub(crate) id: String,
    /// The resources within it; exactly one in a clone.
    pub(crate) members: Vec<String>,
    /// A text for people.
    pub(crate) description: Option<String>,
    /// Attributes in their order.
    pub(crate) sets: Vec<(SetKind, Attributes)>,
}

/// A resource that runs in containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Its id.
    pub(crate) id: String,
    /// A text for people.
    pub(crate) description: Option<String>,
    /// In their order.
    pub(crate) parts: Vec<BundlePart>,
}

/// A part of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BundlePart {
    /// Container, network or storage: a word, its attributes, and mappings with theirs.
    Section {
        /// `docker`, `podman`, `rkt`, `network`, `storage`.
        word: String,
        /// Attributes in their order.
        attributes: Vec<(String, String)>,
        /// Attributes of each mapping, its id among them.
        mappings: Vec<Vec<(String, String)>>,
    },
    /// A set of attributes.
    Set(SetKind, AttrSet),
    /// The primitive within it.
    Primitive(String),
}

impl BundlePart {
    /// The set of attributes that it is, if it is one.
    pub(crate) fn set(&self) -> Option<(SetKind, &AttrSet)> {
        match self {
            Self::Set(kind, set) => Some((*kind, set)),
            Self::Section { .. } | Self::Primitive(_) => None,
        }
    }
}

/// Words that begin a section of a bundle.
pub(crate) const BUNDLE_SECTIONS: [&str; 5] = ["docker", "podman", "rkt", "network", "storage"];

/// What the mappings of a section are called.
pub(crate) fn mapping_of(section: &str) -> Option<&'static str> {
    match section {
        "network" => Some("port-mapping"),
        "storage" => Some("storage-mapping"),
        _ => None,
    }
}

impl Primitive {
    /// Changes its operations, which are made if there are none yet.
    pub(crate) fn with_operations(&mut self, edit: impl FnOnce(&mut Operations)) {
        for part in &mut self.parts {
            if let Part::Operations(found) = part {
                return edit(found);
            }
        }
        let mut made = Operations::default();
        edit(&mut made);
        self.parts.push(Part::Operations(made));
    }
}

impl Bundle {
    /// The primitive within it.
    pub(crate) fn primitive(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            BundlePart::Primitive(id) => Some(id.as_str()),
            BundlePart::Section { .. } | BundlePart::Set(..) => None,
        })
    }
}
