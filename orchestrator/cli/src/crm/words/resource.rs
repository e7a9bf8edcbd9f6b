//! The words of the level `resource`.

use super::{Entry, Verb, also, entry, lacks};

/// A command of the level `resource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// What runs.
    Status,
    /// It is to run.
    Start,
    /// It is not to run.
    Stop,
    /// It is stopped and started.
    Restart,
    /// It is to be promoted, or not to be.
    Promote,
    /// The cluster acts on it.
    Manage,
    /// The cluster leaves it alone.
    Unmanage,
    /// The same, with its monitors.
    Maintenance,
    /// It goes elsewhere.
    Move,
    /// It goes away from a node.
    Ban,
    /// Where it was moved to is forgotten.
    Clear,
    /// Its failures are forgiven.
    Cleanup,
    /// How often it has failed.
    FailCount,
    /// What is said about its place.
    Constraints,
    /// Where it runs.
    Locate,
    /// Its meta attributes.
    Meta,
    /// Its parameters.
    Param,
    /// What it takes.
    Utilization,
    /// What was done with it.
    Operations,
    /// Why it is where it is.
    Scores,
}

const fn verb(word: &'static str, verb: Resource, usage: &'static str, about: &'static str) -> Entry {
    entry(word, Verb::Resource(verb), usage, about)
}

const ATTRIBUTE: &str = "RESOURCE {set NAME VALUE | show NAME | delete NAME}";

/// Words of the level `resource`.
pub(super) const WORDS: &[Entry] = &[
    also(&["list", "show"], verb("status", Resource::Status, "[RESOURCE...]", "Show what runs where.")),
    verb("start", Resource::Start, "RESOURCE...", "Let resources run."),
    verb("stop", Resource::Stop, "RESOURCE...", "Stop resources, and keep them stopped."),
    verb("restart", Resource::Restart, "RESOURCE...", "Stop resources, wait, and let them run again."),
    verb("promote", Resource::Promote, "RESOURCE", "Refused: the cluster does not promote yet."),
    verb("demote", Resource::Promote, "RESOURCE", "Refused: the cluster does not promote yet."),
    verb("manage", Resource::Manage, "RESOURCE...", "Let the cluster act on resources again."),
    verb("unmanage", Resource::Unmanage, "RESOURCE...", "Have the cluster leave resources alone."),
    verb("maintenance", Resource::Maintenance, "RESOURCE [on | off]", "Leave a resource alone, its monitors, too."),
    also(&["migrate"], verb("move", Resource::Move, "RESOURCE [NODE] [TIME] [force]", "Move a resource.")),
    verb("ban", Resource::Ban, "RESOURCE [NODE] [TIME] [force]", "Keep a resource away from a node."),
    also(
        &["unmove", "unmigrate", "unban"],
        verb("clear", Resource::Clear, "RESOURCE [NODE]", "Forget where a resource was moved to, or banned from."),
    ),
    also(&["refresh"], verb("cleanup", Resource::Cleanup, "[RESOURCE] [NODE] [force]", "Forgive failures.")),
    verb("failcount", Resource::FailCount, "RESOURCE {show | delete} NODE", "Show failures, or forgive them."),
    verb("constraints", Resource::Constraints, "RESOURCE", "Show what is said about its place."),
    verb("locate", Resource::Locate, "[RESOURCE...]", "Say where resources run."),
    verb("meta", Resource::Meta, ATTRIBUTE, "Show or change meta attributes."),
    also(&["secret"], verb("param", Resource::Param, ATTRIBUTE, "Show or change parameters.")),
    verb("utilization", Resource::Utilization, ATTRIBUTE, "Show or change what a resource takes."),
    verb("operations", Resource::Operations, "[RESOURCE] [NODE]", "Show what was done with a resource."),
    verb("scores", Resource::Scores, "[RESOURCE]", "Show why a resource is where it is."),
    lacks("trace", "see the log of the daemon, and `haven log`"),
    lacks("untrace", "see the log of the daemon, and `haven log`"),
];
