//! The words of the top level.

use super::{Entry, Level, Verb, entry, lacks};

/// Words of the top level.
pub(super) const WORDS: &[Entry] = &[
    entry("configure", Verb::Enter(Level::Configure), "", "The configuration: resources, constraints, options."),
    entry("resource", Verb::Enter(Level::Resource), "", "Start, stop, move and watch what runs."),
    entry("node", Verb::Enter(Level::Node), "", "Send members to rest, take them back, switch them off."),
    entry("status", Verb::Status, "[WORD...]", "Show the state of everything."),
    entry("cluster", Verb::Enter(Level::Cluster), "", "The cluster as a whole."),
    entry("ra", Verb::Enter(Level::Ra), "", "The agents of this machine."),
    entry("history", Verb::Enter(Level::History), "", "What has happened."),
    entry("verify", Verb::Verify, "", "Look for what is wrong with the configuration."),
    lacks("cib", "give a CIB by --cib or CIB_file, and see what it means by `configure simulate`"),
    lacks("cibstatus", "use `haven plan --cib FILE --what-if CHANGES`"),
    lacks("corosync", "haven has no corosync: see `haven nodes` and `haven links`"),
    lacks("sbd", "use a watchdog and fence devices, see `haven fence list`"),
    lacks("template", "use `configure rsc_template`"),
    lacks("script", "write the lines into a file, and do them by `haven crm -f FILE`"),
    lacks("assist", "use `configure` or `haven constraint add`"),
    lacks("maintenance", "use `haven maintenance on`"),
    lacks("report", "use `haven log export`"),
    lacks("options", "give options on the command line, see `haven crm --help`"),
    lacks("site", "this version grants no tickets"),
];
