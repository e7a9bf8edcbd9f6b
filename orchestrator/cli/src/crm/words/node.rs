//! The words of the level `node`.

use super::{Entry, Verb, also, entry, lacks};

/// A command of the level `node`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    /// The members.
    Status,
    /// What is configured of them.
    Show,
    /// Everything moves away.
    Standby,
    /// It runs resources again.
    Online,
    /// It is left alone.
    Maintenance,
    /// The cluster acts on it again.
    Ready,
    /// It is switched off.
    Fence,
    /// It is removed.
    Delete,
    /// Its attributes.
    Attribute,
    /// What it offers.
    Utilization,
    /// It was seen to be off.
    ClearState,
}

const fn verb(word: &'static str, verb: Node, usage: &'static str, about: &'static str) -> Entry {
    entry(word, Verb::Node(verb), usage, about)
}

const ATTRIBUTE: &str = "NODE {set NAME VALUE | show NAME | delete NAME}";

/// Words of the level `node`.
pub(super) const WORDS: &[Entry] = &[
    also(&["list", "server"], verb("status", Node::Status, "", "List the members with their states.")),
    verb("show", Node::Show, "[NODE...]", "Show what is configured of nodes."),
    verb("standby", Node::Standby, "[NODE]", "Move everything away, and start nothing there."),
    verb("online", Node::Online, "[NODE]", "Let a node run resources again."),
    verb("maintenance", Node::Maintenance, "[NODE]", "Have the cluster leave a node alone."),
    verb("ready", Node::Ready, "[NODE]", "Let the cluster act on a node again."),
    verb("fence", Node::Fence, "NODE", "Switch a node off."),
    verb("delete", Node::Delete, "NODE", "Remove a member for good."),
    verb("attribute", Node::Attribute, ATTRIBUTE, "Show or change attributes of a node."),
    verb("utilization", Node::Utilization, ATTRIBUTE, "Show or change what a node offers."),
    verb("clearstate", Node::ClearState, "NODE", "Say that you have seen that a lost node is off."),
    lacks("status-attr", "haven has no attributes that a restart forgets; use `node attribute`"),
];
