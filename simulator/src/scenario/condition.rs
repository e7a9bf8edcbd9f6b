//! Conditions of a script: what can be waited for and expected.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use haven_core::ids::NodeId;

use super::script::Stage;
use crate::check::converged;
use crate::world::{BadFault, DaemonState, Phase};

/// Something that is so or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The log has a line of this pattern since the script began.
    Log(String),
    /// The resource runs there, in truth.
    Runs(String, NodeId),
    /// It runs exactly once, in truth.
    Owned(String),
    /// It runs nowhere, in truth.
    Stopped(String),
    /// The node's daemon has begun to start it, this often since the beginning of the run.
    Began(String, NodeId, usize),
    /// What neighbours on the network send to the address goes to this node, and the node has the address.
    Reaches(String, NodeId),
    /// This node leads, in the highest term that anybody leads in.
    Leads(NodeId),
    /// The machine has power and its daemon runs.
    Up(NodeId),
    /// The machine has no power.
    Off(NodeId),
    /// The node has a valid hold lease.
    Holds(NodeId),
    /// The node may begin actions: its act lease is valid, and its state is up to date with it.
    Acts(NodeId),
    /// What is about the node is frozen.
    Frozen(NodeId),
    /// The cluster has converged.
    Well,
    /// The opposite.
    Not(Box<Condition>),
}

/// Whether `text` is of `pattern`, in which `*` stands for anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = first;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or("");
        last = part;
    }
    // Without a star at its end, the pattern must reach the end of the text.
    pattern.ends_with('*') || rest.is_empty() || (!last.is_empty() && pattern.contains('*') && text.ends_with(last))
}

/// An address as it is written in one way only.
pub(super) fn an_address(word: &str) -> Result<String, String> {
    let address: Result<IpAddr, _> = word.parse();
    address.map(|address| address.to_string()).map_err(|_| format!("`{word}` is no address"))
}

impl Condition {
    /// How conditions are written. The first word of each form says which it is; words in capitals stand for others.
    pub(crate) const FORMS: &'static [&'static str] = &[
        "log PATTERN",
        "runs RES NODE",
        "owned RES",
        "stopped RES",
        "began RES NODE N",
        "reaches ADDRESS NODE",
        "leads NODE",
        "up NODE",
        "off NODE",
        "holds NODE",
        "acts NODE",
        "frozen NODE",
        "well",
        "not CONDITION",
    ];

    pub(super) fn holds(&self, stage: &Stage) -> bool {
        let cluster = &stage.cluster;
        let world = &cluster.world;
        let number = |node: &NodeId| world.machine(node);
        match self {
            Self::Log(pattern) => stage.story().iter().any(|line| matches(pattern, &line.text)),
            Self::Runs(resource, node) => world.owners(resource).iter().any(|(m, _)| Some(*m) == number(node)),
            Self::Owned(resource) => world.owners(resource).len() == 1,
            Self::Stopped(resource) => world.owners(resource).is_empty(),
            Self::Began(resource, node, times) => {
                let of_it = |(m, started): &&(u8, String)| Some(*m) == number(node) && started == resource;
                world.starts().iter().filter(of_it).count() == *times
            }
            Self::Reaches(address, node) => {
                let reached = world.reached(address);
                reached.is_some() && reached == number(node)
            }
            Self::Leads(node) => cluster.leader().map(|(m, _)| m) == number(node),
            Self::Up(node) => number(node).is_some_and(|m| world.daemon(m) == DaemonState::Running),
            Self::Off(node) => number(node).is_some_and(|m| world.phase(m) == Phase::Off),
            Self::Holds(node) => {
                let node = cluster.node_named(node);
                node.is_some_and(|n| n.look(|facts, mind| mind.leases().holds(facts.now)))
            }
            Self::Acts(node) => {
                let node = cluster.node_named(node);
                node.is_some_and(|n| n.look(|facts, mind| mind.may_act(facts)))
            }
            Self::Frozen(node) => cluster.checker.latest(|state| state.freeze_of(Some(node), None).is_some()),
            Self::Well => converged(cluster).is_none(),
            Self::Not(other) => !other.holds(stage),
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A pattern has its blanks as they are.
        let rest = text.split_once(' ').map_or("", |(_, rest)| rest.trim());
        let node = |name: &str| NodeId::new(name).map_err(|e| e.to_string());
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match *words.as_slice() {
            ["log", _, ..] => Self::Log(rest.to_owned()),
            ["not", _, ..] => Self::Not(Box::new(rest.parse()?)),
            ["runs", resource, on] => Self::Runs(resource.to_owned(), node(on)?),
            ["began", resource, on, times] => {
                let times = times.parse::<usize>().map_err(|_| format!("`{times}` is no number"))?;
                Self::Began(resource.to_owned(), node(on)?, times)
            }
            ["reaches", address, on] => Self::Reaches(an_address(address)?, node(on)?),
            ["owned", resource] => Self::Owned(resource.to_owned()),
            ["stopped", resource] => Self::Stopped(resource.to_owned()),
            ["leads", on] => Self::Leads(node(on)?),
            ["up", on] => Self::Up(node(on)?),
            ["off", on] => Self::Off(node(on)?),
            ["holds", on] => Self::Holds(node(on)?),
            ["acts", on] => Self::Acts(node(on)?),
            ["frozen", on] => Self::Frozen(node(on)?),
            ["well"] => Self::Well,
            _ => return Err(BadFault::misread("condition", text, Self::FORMS)),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Log(pattern) => write!(f, "log {pattern}"),
            Self::Runs(resource, node) => write!(f, "runs {resource} {node}"),
            Self::Owned(resource) => write!(f, "owned {resource}"),
            Self::Stopped(resource) => write!(f, "stopped {resource}"),
            Self::Began(resource, node, times) => write!(f, "began {resource} {node} {times}"),
            Self::Reaches(address, node) => write!(f, "reaches {address} {node}"),
            Self::Leads(node) => write!(f, "leads {node}"),
            Self::Up(node) => write!(f, "up {node}"),
            Self::Off(node) => write!(f, "off {node}"),
            Self::Holds(node) => write!(f, "holds {node}"),
            Self::Acts(node) => write!(f, "acts {node}"),
            Self::Frozen(node) => write!(f, "frozen {node}"),
            Self::Well => f.write_str("well"),
            Self::Not(other) => write!(f, "not {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything_and_nothing_else_does() {
        assert!(matches("n3 lost*", "n3 lost: silent towards n1 1.5s"));
        assert!(matches("*db on n2*", "plan #5: start db on n2"));
        assert!(matches("n1 readmitted", "n1 readmitted"));
        assert!(!matches("n1 readmitted", "n1 readmitted again"));
        assert!(!matches("lost*", "n3 lost"));
        assert!(matches("*twice", "bmc read Off twice, and On, and Off twice"));
        assert!(!matches("fence n3*sent", "order 5: power off sent"));
    }
}
