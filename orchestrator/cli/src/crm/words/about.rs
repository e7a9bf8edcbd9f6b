//! The words of the levels that tell about the cluster, its agents and its past.

use super::{Entry, Verb, also, entry, lacks};

/// A command of the level `cluster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cluster {
    /// The state of everything.
    Status,
    /// What will not work when it is needed.
    Health,
}

/// A command of the level `ra`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agents {
    /// The kinds of agents.
    Classes,
    /// Who ships an agent.
    Providers,
    /// Those of a class.
    List,
    /// What one says of itself.
    Info,
    /// Whether parameters would do.
    Validate,
}

/// A command of the level `history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// All of it.
    Log,
    /// The last of it.
    Latest,
    /// What is about a resource.
    Resource,
    /// What is about a node.
    Node,
    /// What was planned.
    Transitions,
}

/// Words of the level `cluster`.
pub(super) const CLUSTER: &[Entry] = &[
    entry("status", Verb::Cluster(Cluster::Status), "", "Show the state of everything."),
    entry("health", Verb::Cluster(Cluster::Health), "", "Look for what will not work when it is needed."),
    lacks("start", "use `systemctl start haven` on the node"),
    lacks("stop", "use `haven node stop` on the node: it moves everything away first"),
    lacks("restart", "use `haven node pause` and `systemctl restart haven` on the node"),
    lacks("enable", "use `systemctl enable haven` on the node"),
    lacks("disable", "use `systemctl disable haven` on the node"),
    lacks("init", "use `haven init --name NAME --node NODE --advertise ADDRESS`"),
    lacks("join", "use `haven token create` on a member, and `haven join TOKEN` here"),
    lacks("add", "use `haven token create` on a member, and `haven join TOKEN` on the new node"),
    lacks("remove", "use `haven node remove NODE`"),
    lacks("run", "use ssh: haven does not run commands on other nodes"),
    lacks("copy", "use scp: haven does not copy files"),
    lacks("diff", "use `haven doctor` on each node"),
    lacks("rename", "use `haven config set cluster-name=NAME`"),
    lacks("wait_for_startup", "use `haven status`: its exit code is 0 when all is well"),
    lacks("crash_test", "use `haven drill NODE`"),
    lacks("geo_init", "this version grants no tickets"),
    lacks("geo_join", "this version grants no tickets"),
    lacks("geo_init_arbitrator", "this version grants no tickets"),
];

/// Words of the level `ra`.
pub(super) const AGENTS: &[Entry] = &[
    entry("classes", Verb::Agents(Agents::Classes), "", "List the kinds of agents."),
    entry("providers", Verb::Agents(Agents::Providers), "TYPE [CLASS]", "Say who ships an agent."),
    entry("list", Verb::Agents(Agents::List), "CLASS [PROVIDER]", "List the installed agents of a class."),
    also(
        &["meta"],
        entry("info", Verb::Agents(Agents::Info), "[CLASS:[PROVIDER:]]TYPE", "Show what an agent says of itself."),
    ),
    entry(
        "validate",
        Verb::Agents(Agents::Validate),
        "[CLASS:[PROVIDER:]]TYPE [NAME=VALUE...]",
        "Look whether parameters would do.",
    ),
];

/// Words of the level `history`.
pub(super) const HISTORY: &[Entry] = &[
    entry("log", Verb::History(History::Log), "[NODE...]", "Show everything that has happened."),
    entry("latest", Verb::History(History::Latest), "", "Show what has happened last."),
    entry("resource", Verb::History(History::Resource), "RESOURCE...", "Show what is about resources."),
    entry("node", Verb::History(History::Node), "NODE...", "Show what is about nodes."),
    also(&["transition"], entry("transitions", Verb::History(History::Transitions), "", "Show what was planned.")),
    lacks("graph", "use the console of the daemon"),
    lacks("diff", "use `haven config diff`"),
    lacks("wdiff", "use `haven config diff`"),
    lacks("show", "use `haven config show --at INDEX`"),
    lacks("events", "use `history log`"),
    lacks("info", "use `haven status`"),
    lacks("peinputs", "use `haven log export`, and `haven sim from-log`"),
    lacks("session", "use `haven log export`: the log itself is kept"),
    lacks("source", "use `haven log`: all nodes have one log"),
    lacks("timeframe", "use `haven log --from INDEX --to INDEX`"),
    lacks("limit", "use `haven log --from INDEX --to INDEX`"),
    lacks("detail", "nothing: everything is shown"),
    lacks("setnodes", "use `history node NODE`"),
    lacks("exclude", "use `history log` and a filter"),
    lacks("refresh", "nothing: the log is always fresh"),
];
