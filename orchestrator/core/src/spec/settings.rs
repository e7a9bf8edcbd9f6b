//! The cluster's settings: a closed list of names, each read once and typed.

use std::collections::BTreeMap;

use super::meta::{parse_bool, parse_span};
use super::timing::{Hold, Timing};
use crate::units::Millis;

/// What happens to a partition without quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoQuorum {
    /// Exclusive resources are stopped when the hold lease ends.
    Stop,
}

/// How nodes are chosen among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// By the number of resources already there.
    Default,
}

/// The settings, typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Timings that differ from the profile chosen at `init`.
    pub timing: Timing,
    /// Without quorum.
    pub no_quorum: NoQuorum,
    /// Whether a resource may run on nodes that no location constraint names.
    pub symmetric: Symmetric,
    /// Nothing is started or stopped anywhere.
    pub maintenance: bool,
    /// Everything is stopped.
    pub stop_all: bool,
    /// Whether the first failed start closes the node for the resource.
    pub start_failure_is_fatal: bool,
    /// Longest time for one call of a fence program.
    pub fence_timeout: Millis,
    /// Whether a fenced node is switched on again.
    pub power_on: AfterFence,
    /// Timeout of an operation that has none.
    pub operation_timeout: Millis,
    /// Time between two heartbeat digests in the log.
    pub digest_interval: Millis,
    /// Addresses that every node should reach, from ha.cf's `ping`.
    pub ping_nodes: Vec<String>,
}

/// What becomes of a node that was fenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFence {
    /// It is switched on again.
    SwitchOn,
    /// It stays off until a person switches it on.
    LeaveOff,
}

/// Whether resources run anywhere unless forbidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symmetric {
    /// Anywhere unless forbidden.
    OptOut,
    /// Nowhere unless allowed.
    OptIn,
}

/// Every setting: name, what is allowed, default, meaning. `config set` and the reference page print it.
pub const SETTINGS: &[(&str, &str, &str, &str)] = &[
    ("cluster-name", "text", "-", "name shown in status; set by `haven init`"),
    (
        "dead-after",
        "300ms..5min",
        "3s",
        "silence after which a node may be judged lost (D); elections follow when a daemon starts anew",
    ),
    (
        "hold",
        ">= 2 x dead-after",
        "max(4 D, 20s)",
        "time without acknowledgement after which a node stops its resources",
    ),
    ("replace-after", "time", "1h", "time after which a voter that is proven off is replaced"),
    ("no-quorum-policy", "stop", "stop", "what a partition without quorum does"),
    ("symmetric-cluster", "true|false", "true", "resources may run anywhere unless a constraint forbids"),
    ("maintenance-mode", "true|false", "false", "nothing is started, stopped or moved"),
    ("stop-all-resources", "true|false", "false", "everything is stopped"),
    ("start-failure-is-fatal", "true|false", "true", "one failed start closes the node for the resource"),
    ("fence-timeout", "1s..10min", "30s", "longest time for one call of a fence program"),
    ("power-on-after-fence", "true|false", "true", "a node that was fenced is switched on again when all is settled"),
    ("operation-timeout", "1s..1h", "20s", "timeout of operations that set none"),
    ("digest-interval", "1s..1min", "5s", "time between heartbeat digests in the log"),
    ("placement-strategy", "default", "default", "how nodes are chosen among equals"),
    ("ping-nodes", "addresses", "-", "addresses that every node should reach; kept, but not watched in this version"),
];

impl Settings {
    /// Reads `properties` over the timings chosen at `init`. Every fault names its property; a faulty one keeps its
    /// default. Properties with a name that is not in [`SETTINGS`] are faults, too: nothing is silently ignored.
    pub fn read(properties: &BTreeMap<String, String>, base: Timing) -> (Self, Vec<(String, String)>) {
        let mut settings = Self::defaults(base);
        let mut faults = Vec::new();
        for (name, value) in properties {
            if let Err(what) = settings.set(name, value) {
                faults.push((name.clone(), what));
            }
        }
        (settings, faults)
    }

    fn defaults(timing: Timing) -> Self {
        Self {
            timing,
            no_quorum: NoQuorum::Stop,
            symmetric: Symmetric::OptOut,
            maintenance: false,
            stop_all: false,
            start_failure_is_fatal: true,
            fence_timeout: Millis::secs(30),
            power_on: AfterFence::SwitchOn,
            operation_timeout: Millis::secs(20),
            digest_interval: Millis::secs(5),
            ping_nodes: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "cluster-name" => {}
            "dead-after" => self.timing.dead_after = span(value)?,
            "hold" => self.timing.hold = Hold::Set(span(value)?),
            // Each machine arms its own, with what its card says since it was set up.
            "watchdog-timeout" => {
                return Err("cannot be changed in this version: a machine arms its watchdog with the timeout of the \
                            profile that was chosen at `haven init`"
                    .to_owned());
            }
            "replace-after" => self.timing.replace_after = span(value)?,
            "symmetric-cluster" => {
                self.symmetric = if flag(value)? { Symmetric::OptOut } else { Symmetric::OptIn };
            }
            "maintenance-mode" => self.maintenance = flag(value)?,
            "stop-all-resources" => self.stop_all = flag(value)?,
            "start-failure-is-fatal" => self.start_failure_is_fatal = flag(value)?,
            "fence-timeout" => self.fence_timeout = span_within(value, Millis::secs(1), Millis::secs(600))?,
            "power-on-after-fence" => {
                self.power_on = if flag(value)? { AfterFence::SwitchOn } else { AfterFence::LeaveOff };
            }
            "operation-timeout" => self.operation_timeout = span_within(value, Millis::secs(1), Millis::secs(3600))?,
            "digest-interval" => self.digest_interval = span_within(value, Millis::secs(1), Millis::secs(60))?,
            "ping-nodes" => self.ping_nodes = value.split_whitespace().map(str::to_owned).collect(),
            "no-quorum-policy" if value == "stop" => {}
            "no-quorum-policy" => {
                return Err(format!(
                    "`{value}` is not done by this version, `stop` is: a partition that goes on without quorum \
                     could not be told from a dead one"
                ));
            }
            "placement-strategy" if value == "default" => {}
            "placement-strategy" => return Err(format!("`{value}` is not done by this version, `default` is")),
            _ => return Err("is not a setting that haven knows".to_owned()),
        }
        Ok(())
    }
}

fn span(value: &str) -> Result<Millis, String> {
    parse_span(value).ok_or_else(|| format!("`{value}` is not a time, such as 3s or 500ms"))
}

fn span_within(value: &str, least: Millis, most: Millis) -> Result<Millis, String> {
    let found = span(value)?;
    if found < least || found > most {
        return Err(format!("`{value}` is out of range, {least} to {most} is allowed"));
    }
    Ok(found)
}

fn flag(value: &str) -> Result<bool, String> {
    parse_bool(value).ok_or_else(|| format!("`{value}` is neither true nor false"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Profile;

    fn read(pairs: &[(&str, &str)]) -> (Settings, Vec<(String, String)>) {
        let properties = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::read(&properties, Timing::of(Profile::Default))
    }

    #[test]
    fn an_unknown_setting_is_a_fault_by_name() {
        let (_, faults) = read(&[("stonith-enabled", "false"), ("dead-after", "2s")]);
        assert_eq!(faults, [("stonith-enabled".to_owned(), "is not a setting that haven knows".to_owned())]);
    }

    #[test]
    fn a_faulty_value_keeps_the_default_and_is_named() {
        let (settings, faults) = read(&[("fence-timeout", "1h"), ("no-quorum-policy", "ignore")]);
        assert_eq!(settings.fence_timeout, Millis::secs(30));
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn the_timeout_of_watchdogs_that_are_armed_already_is_refused_and_not_ignored() {
        let (settings, faults) = read(&[("watchdog-timeout", "9s")]);
        assert!(faults[0].1.contains("cannot be changed"), "{faults:?}");
        assert_eq!(settings.timing.watchdog, Timing::of(Profile::Default).watchdog);
    }

    #[test]
    fn every_listed_setting_is_read() {
        for (name, ..) in SETTINGS {
            let (_, faults) = read(&[(name, "impossible value")]);
            assert!(faults.iter().all(|(_, what)| !what.contains("knows")), "{name} is listed but not read");
        }
    }
}
