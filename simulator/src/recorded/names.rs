//! Names of machines: those of the recording, and those of the simulator.

use std::collections::BTreeMap;

use haven_core::ids::NodeId;

/// Which machine of the simulator stands for which of the recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    there: BTreeMap<NodeId, NodeId>,
    back: BTreeMap<NodeId, NodeId>,
}

impl Names {
    /// The machines n1, n2, ... stand for `nodes`, in their order.
    pub(super) fn of(nodes: &[NodeId]) -> Self {
        let mut names = Self::default();
        for (number, node) in (1..).zip(nodes) {
            let number: u32 = number;
            if let Ok(name) = NodeId::new(&format!("n{number}")) {
                names.there.insert(node.clone(), name.clone());
                names.back.insert(name, node.clone());
            }
        }
        names
    }

    /// The machine that stands for `node`; a node that was no member keeps its name.
    pub(super) fn there(&self, node: &NodeId) -> NodeId {
        self.there.get(node).unwrap_or(node).clone()
    }

    /// Whether a machine stands for `node`.
    pub(super) fn has(&self, node: &NodeId) -> bool {
        self.there.contains_key(node)
    }

    /// Whether `machine` is one that stands for a node.
    pub(super) fn is_machine(&self, machine: &NodeId) -> bool {
        self.back.contains_key(machine)
    }

    /// The node that the machine stands for.
    pub fn back(&self, machine: &NodeId) -> NodeId {
        self.back.get(machine).unwrap_or(machine).clone()
    }

    /// A text of the simulator in the names of the recording: whole words are replaced.
    pub fn told(&self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (mut told, mut word) = (String::new(), String::new());
        for c in text.chars().map(Some).chain([None]) {
            match c {
                Some(c) if is_part(c) => word.push(c),
                other => {
                    let name = NodeId::new(&word).ok().and_then(|name| self.back.get(&name));
                    told.push_str(name.map_or(word.as_str(), NodeId::as_str));
                    word.clear();
                    told.extend(other);
                }
            }
        }
        told
    }

    /// Each pair, for whoever reads the scenario: the machine and the node.
    pub fn pairs(&self) -> impl Iterator<Item = (&NodeId, &NodeId)> {
        self.back.iter()
    }
}
