//! Fence devices: what can switch a node off, and which outlet of it is whose.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, NodeId};
use crate::units::Millis;

/// A device that can switch nodes off, driven by a program or a built-in driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Device {
    /// Unique among all devices.
    #[n(0)]
    pub id: DeviceId,
    /// The program, such as `fence_ilo4`, or `ipmitool`.
    #[n(1)]
    pub agent: String,
    /// Parameters as the program names them. Never a secret.
    #[n(2)]
    pub params: BTreeMap<String, String>,
    /// Parameters whose values are secrets, by where to find them on each node. The values never enter the log.
    #[n(3)]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Which nodes it switches, and by which outlet.
    #[n(4)]
    pub hosts: HostMap,
    /// Longest time for one call of the program; absent: the cluster's `fence-timeout`.
    #[n(5)]
    pub timeout: Option<Millis>,
    /// Wait before the call, to give one side of a split an advantage.
    #[n(6)]
    pub delay: Option<Millis>,
}

/// Where a secret is found on the node that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum SecretRef {
    /// A file readable by its owner only.
    #[n(0)]
    File(#[n(0)] String),
    /// A credential handed over by the service manager.
    #[n(1)]
    Credential(#[n(0)] String),
}

impl SecretRef {
    /// Reads `file:/path` or `credential:NAME`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match (kind, rest) {
            (_, "") => None,
            ("file", path) if path.starts_with('/') => Some(Self::File(path.to_owned())),
            ("credential", name) if !name.contains('/') => Some(Self::Credential(name.to_owned())),
            _ => None,
        }
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{path}"),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}

/// What a program switches instead of power, if that is known of it. Its "off" proves nothing about a machine that
/// goes on running, so it is refused.
pub fn not_power(agent: &str) -> Option<&'static str> {
    match agent {
        "fence_scsi" | "fence_mpath" => Some("access to storage"),
        "fence_brocade" | "fence_cisco_mds" | "fence_sanbox2" => Some("a port of the storage network"),
        "fence_ifmib" => Some("a port of the network"),
        "fence_sbd" => Some("a message that the machine must still read"),
        "fence_compute" | "fence_evacuate" => Some("the evacuation of a hypervisor"),
        "fence_kdump" => Some("nothing: it waits for a crash dump"),
        "fence_heuristics_ping" => Some("nothing: it pings"),
        "fence_ack_manual" => Some("nothing: it takes a person's word"),
        "fence_dummy" => Some("nothing: it is for tests"),
        _ => None,
    }
}

/// Which nodes a device switches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum HostMap {
    /// One node, all of it: a BMC.
    #[n(0)]
    Single(#[n(0)] NodeId),
    /// Several nodes, each by its outlets. A node with two power supplies has two outlets, and is off only when
    /// all of them are.
    #[n(1)]
    Outlets(#[n(0)] BTreeMap<NodeId, Vec<String>>),
}

impl HostMap {
    /// The outlets of `node`: empty for a device that switches only this node; `None` if it does not switch it.
    pub fn outlet(&self, node: &NodeId) -> Option<&[String]> {
        match self {
            Self::Single(only) => (only == node).then_some(&[]),
            Self::Outlets(map) => map.get(node).map(Vec::as_slice),
        }
    }

    /// The nodes that it switches.
    pub fn nodes(&self) -> Vec<&NodeId> {
        match self {
            Self::Single(only) => vec![only],
            Self::Outlets(map) => map.keys().collect(),
        }
    }
}

/// Devices that must all succeed together; several levels are tried one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct FenceLevel {
    /// Not empty.
    #[n(0)]
    pub devices: Vec<DeviceId>,
}
