//! Every directive of `ha.cf`: what it takes, and what does its job here.

/// What the first value of a directive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Words,
    Time,
    Flag,
    Failback,
    Port,
    Number,
}

/// What an operator is told about a directive that becomes no setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It becomes a setting, or depends on its value: see `edits`.
    ByValue,
    /// It is not needed here, and why.
    Note(&'static str),
    /// What it did is done otherwise, and how.
    Warning(&'static str, &'static str),
}

pub(super) struct Directive {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// How many values must be there.
    pub(super) least: usize,
    pub(super) said: Said,
}

const fn row(name: &'static str, shape: Shape, least: usize, said: Said) -> Directive {
    Directive { name, shape, least, said }
}

const LINKS: Said = Said::Note("haven uses links of its own: one UDP port on every address that the nodes were given");
const LOG: Said = Said::Note("haven writes to the journal of the system");
const WIRE: Said = Said::Note("it concerns heartbeat's own messages and has no counterpart");
const OWN: Said = Said::Note("it concerns heartbeat's own processes and has no counterpart");
/// Both say what resources do when their node returns.
pub(super) const FAILBACK: [&str; 2] = ["auto_failback", "nice_failback"];

const DIRECTIVES: [Directive; 59] = [
    row("deadtime", Shape::Time, 1, Said::ByValue),
    row("auto_failback", Shape::Failback, 1, Said::ByValue),
    row("nice_failback", Shape::Flag, 1, Said::ByValue),
    row("node", Shape::Words, 1, Said::ByValue),
    row("ping", Shape::Words, 1, Said::ByValue),
    row("ping6", Shape::Words, 1, Said::ByValue),
    row("ping_group", Shape::Words, 2, Said::ByValue),
    row("crm", Shape::Words, 1, Said::ByValue),
    row("pacemaker", Shape::Words, 1, Said::ByValue),
    row("respawn", Shape::Words, 2, Said::ByValue),
    row("stonith", Shape::Words, 1, Said::ByValue),
    row("stonith_host", Shape::Words, 2, Said::ByValue),
    row("autojoin", Shape::Words, 1, Said::ByValue),
    row("keepalive", Shape::Time, 1, Said::ByValue),
    row(
        "watchdog",
        Shape::Words,
        1,
        Said::Note(
            "haven opens the watchdog itself, with the timeout of the profile; a software watchdog is no proof that a node \
         is off",
        ),
    ),
    row(
        "warntime",
        Shape::Time,
        1,
        Said::Note("haven measures every gap between heartbeats; `haven doctor` shows the worst"),
    ),
    row(
        "initdead",
        Shape::Time,
        1,
        Said::Note(
            "a node that starts learns from the others what runs; nothing starts before, however long that takes",
        ),
    ),
    row("deadping", Shape::Time, 1, Said::Note("not kept, since nothing watches the ping nodes in this version")),
    row(
        "hbaping",
        Shape::Words,
        1,
        Said::Warning(
            "pings over Fibre Channel are not done",
            "let the storage be a resource, whose monitor fails with it",
        ),
    ),
    row(
        "quorum_server",
        Shape::Words,
        1,
        Said::Warning("a quorum server is not asked", "add a witness on a third machine"),
    ),
    row("udpport", Shape::Port, 1, LINKS),
    row("bcast", Shape::Words, 1, LINKS),
    row("udp", Shape::Words, 1, LINKS),
    row("ucast", Shape::Words, 2, LINKS),
    row("ucast6", Shape::Words, 2, LINKS),
    row("mcast", Shape::Words, 5, LINKS),
    row("mcast6", Shape::Words, 5, LINKS),
    row("baud", Shape::Number, 1, LINKS),
    row(
        "serial",
        Shape::Words,
        1,
        Said::Warning("haven has no links over serial lines", "give the nodes a second address on another network"),
    ),
    row("hopfudge", Shape::Number, 1, WIRE),
    row("msgfmt", Shape::Words, 1, WIRE),
    row("compression", Shape::Words, 1, WIRE),
    row("compression_threshold", Shape::Number, 1, WIRE),
    row("traditional_compression", Shape::Flag, 1, WIRE),
    row("max_rexmit_delay", Shape::Words, 1, WIRE),
    row("uuidfrom", Shape::Words, 1, Said::Note("a node is known by its name and its store")),
    row("hbgenmethod", Shape::Words, 1, WIRE),
    row("cluster", Shape::Words, 1, Said::Note("the cluster got its name from `haven init`")),
    row("apiauth", Shape::Words, 2, Said::Note("haven's own users and certificates say who may do what")),
    row("logfacility", Shape::Words, 1, LOG),
    row("logfile", Shape::Words, 1, LOG),
    row("debugfile", Shape::Words, 1, LOG),
    row("debug", Shape::Number, 1, LOG),
    row("use_logd", Shape::Flag, 1, LOG),
    row("conn_logd_time", Shape::Time, 1, LOG),
    row("log_badpack", Shape::Flag, 1, LOG),
    row("syslogmsgfmt", Shape::Flag, 1, LOG),
    row("record_config_changes", Shape::Flag, 1, Said::Note("every change of the configuration is in the log")),
    row("record_pengine_inputs", Shape::Flag, 1, Said::Note("every decision is in the log, with its reasons")),
    row("enable_config_writes", Shape::Flag, 1, OWN),
    row("realtime", Shape::Flag, 1, OWN),
    row("rtprio", Shape::Number, 1, OWN),
    row("memreserve", Shape::Words, 1, OWN),
    row("coredumps", Shape::Flag, 1, OWN),
    row("coreroot", Shape::Words, 1, OWN),
    row("use_apphbd", Shape::Flag, 1, OWN),
    row(
        "env",
        Shape::Words,
        1,
        Said::Warning(
            "haven runs agents in a clean environment, without these variables",
            "set what an agent needs in the agent's own parameters or files",
        ),
    ),
    row("crm_daemon_dir", Shape::Words, 1, OWN),
    row("crmd_spawns_pengine", Shape::Flag, 1, OWN),
];

/// The directive of that name.
pub(super) fn find(name: &str) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| directive.name == name)
}

/// A directive that is written nearly like `name`.
pub(super) fn similar(name: &str) -> Option<&'static str> {
    // Longer words are no slips of the finger, and would make this slow.
    if name.len() > 40 {
        return None;
    }
    let near =
        DIRECTIVES.iter().filter_map(|d| crate::nearest::distance(name, d.name, 2).map(|distance| (distance, d.name)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Whether the values of the directive are a list.
pub(super) fn is_list(name: &str) -> bool {
    matches!(name, "node" | "bcast" | "serial" | "ping" | "ping6" | "ping_group")
}

/// Directives that have one value in the whole file and matter here, by name; those in a row set the same thing.
pub(super) const fn single() -> [&'static [&'static str]; 3] {
    [&["deadtime"], &FAILBACK, &["keepalive"]]
}

/// The names of all directives.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    DIRECTIVES.iter().map(|directive| directive.name).collect()
}
