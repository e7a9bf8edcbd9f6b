//! The options of the cluster.
//!
//! Source: Pacemaker Explained, "Cluster-Wide Configuration"; research/pacemaker.md, 1.5.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use haven_core::spec::{AttrSet, SETTINGS, SpecEdit};

use super::super::reading;
use super::Accept;
use super::sets::span;
use super::tally::{Fate, Thing};
use super::work::Work;
use crate::diagnostic::quoted;
use crate::nearest::nearest;

/// The set that Pacemaker looks into before all others.
const FIRST: &str = "cib-bootstrap-options";

/// What an option is here.
#[derive(Debug, Clone, Copy)]
enum Means {
    /// A setting of that name, with the same value.
    Setting(&'static str),
    /// The same, a span of time.
    Span(&'static str),
    /// Nothing, whatever its value is.
    Nothing(&'static str),
    /// Nothing with one of these values; otherwise what haven does not do.
    NothingIf(&'static [&'static str], &'static str, &'static str),
    /// Something else that limits or delays; it works without.
    Weaker(&'static str),
    /// What follows from its value.
    NoQuorum,
    Fencing,
    StartupFencing,
    Action,
    /// An error, with what to write instead.
    Old(&'static str, &'static str),
}

const WRITTEN: &str = "Pacemaker writes it itself";
const INSIDE: &str = "it is about Pacemaker's own daemons";
const ONE_SIDE: &str = "only the side that has quorum switches nodes off, so that nobody need be given an advantage";
const HISTORY: &str = "decisions are kept in the log, for as long as the log goes back";
const HEALTH: &str = "it counts only with a node-health-strategy";

/// Spellings, and what they mean.
const OPTIONS: &[(&[&str], Means)] = &[
    (&["no-quorum-policy", "no_quorum_policy"], Means::NoQuorum),
    (&["fencing-enabled", "stonith-enabled", "stonith_enabled"], Means::Fencing),
    (&["startup-fencing", "startup_fencing"], Means::StartupFencing),
    (&["fencing-action", "stonith-action", "stonith_action"], Means::Action),
    (&["fencing-timeout", "stonith-timeout", "fence-timeout"], Means::Span("fence-timeout")),
    (&["symmetric-cluster", "symmetric_cluster"], Means::Setting("symmetric-cluster")),
    (&["maintenance-mode"], Means::Setting("maintenance-mode")),
    (&["stop-all-resources"], Means::Setting("stop-all-resources")),
    (&["start-failure-is-fatal"], Means::Setting("start-failure-is-fatal")),
    (&["placement-strategy"], Means::Setting("placement-strategy")),
    (&["cluster-name"], Means::Setting("cluster-name")),
    (&["cluster-infrastructure", "dc-version", "last-lrm-refresh", "expected-quorum-votes"], Means::Nothing(WRITTEN)),
    (&["have-watchdog"], Means::Nothing("haven looks for the watchdog itself")),
    (
        &["concurrent-fencing"],
        Means::Nothing("orders run side by side, except when half of the cluster is lost at once"),
    ),
    (
        &["fencing-max-attempts", "stonith-max-attempts"],
        Means::Nothing("a lost node is switched off until there is a proof"),
    ),
    (&["priority-fencing-delay"], Means::Nothing(ONE_SIDE)),
    (&["fencing-reaction", "fence-reaction"], Means::Nothing("a node that sees proof of its own death resets at once")),
    (
        &["fencing-watchdog-timeout", "stonith-watchdog-timeout"],
        Means::NothingIf(
            &["0", "0s"],
            "haven arms the watchdog itself",
            "the watchdog as the only fence device; give each node a device that switches its power",
        ),
    ),
    (
        &["fence-remote-without-quorum"],
        Means::NothingIf(&["false"], "nothing is switched off without quorum", "fencing without quorum; remove it"),
    ),
    (&["cluster-recheck-interval"], Means::Nothing("what changes with time is decided again when its time has come")),
    (&["enable-acl"], Means::Nothing("who may do what is set in haven itself")),
    (&["node-pending-timeout"], Means::Nothing("a node that joins and falls silent is lost like any other")),
    (&["pe-error-series-max", "pe-warn-series-max", "pe-input-series-max"], Means::Nothing(HISTORY)),
    (
        &[
            "cluster-delay",
            "network-delay",
            "transition-delay",
            "crmd-transition-delay",
            "transition-idle-timeout",
            "dc-deadtime",
            "election-timeout",
            "shutdown-escalation",
            "join-integration-timeout",
            "join-finalization-timeout",
            "crmd-integration-timeout",
            "crmd-finalization-timeout",
            "cluster-ipc-limit",
            "require_quorum",
            "probe_complete",
        ],
        Means::Nothing(INSIDE),
    ),
    (&["migration-limit"], Means::Nothing("resources are never migrated")),
    (
        &["batch-limit", "node-action-limit", "load-threshold"],
        Means::Weaker("haven does not limit how many actions run at once"),
    ),
    (
        &["shutdown-lock"],
        Means::NothingIf(&["false"], "it is so anyway", "keeping resources on a node that was shut down; remove it"),
    ),
    (&["shutdown-lock-limit"], Means::Nothing("it counts only with shutdown-lock")),
    (
        &["stop-orphan-resources", "stop-removed-resources"],
        Means::NothingIf(&["true"], "what is removed is stopped", "leaving removed resources running; remove it"),
    ),
    (
        &["stop-orphan-actions", "stop-removed-actions"],
        Means::NothingIf(&["true"], "what is removed ends", "going on with removed operations; remove it"),
    ),
    (&["remove-after-stop"], Means::Nothing("what has happened stays in the log")),
    (
        &["enable-startup-probes"],
        Means::NothingIf(&["true"], "every node is asked what runs there", "starting without a look; remove it"),
    ),
    (
        &["node-health-strategy"],
        Means::NothingIf(&["none"], "it is so anyway", "moving resources by the health of nodes; remove it"),
    ),
    (&["node-health-base", "node-health-green", "node-health-yellow", "node-health-red"], Means::Nothing(HEALTH)),
    (
        &["default-resource-stickiness", "default_resource_stickiness"],
        Means::Old("resource-stickiness", "write resource-stickiness into rsc_defaults, or remove it"),
    ),
    (
        &["is-managed-default", "is_managed_default"],
        Means::Old("is-managed", "write is-managed into rsc_defaults, or remove it"),
    ),
    (
        &["default-action-timeout", "default_action_timeout"],
        Means::Old("timeout", "write timeout into op_defaults, or remove it"),
    ),
    (
        &["default-migration-threshold", "default-resource-failure-stickiness"],
        Means::Old("migration-threshold", "write migration-threshold into rsc_defaults, or remove it"),
    ),
];

/// An option as it was written.
struct Written<'o, 'a> {
    name: &'o str,
    value: &'o str,
    part: &'a str,
}

impl<'a> Work<'_, 'a, '_> {
    pub(super) fn options(&mut self, sets: &[AttrSet]) {
        let mut order: Vec<&AttrSet> = sets.iter().collect();
        order.sort_by_key(|set| (set.id.as_deref() != Some(FIRST), Reverse(set.score)));
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for set in order {
            let places = self.places.pairs(set.id.as_deref(), self.places.section("crm_config"));
            for (name, value) in &set.values {
                let part = places.find(name);
                let known = OPTIONS.iter().find(|(names, _)| names.contains(&name.as_str()));
                let first = match known {
                    // These share a sentence, and nothing else.
                    Some((_, Means::Nothing(_) | Means::Weaker(_))) | None => name,
                    Some((names, _)) => names.first().copied().unwrap_or(name),
                };
                let fate = if set.rule.is_some() {
                    self.refuse(
                        part,
                        format!("{name} depends on a rule, which haven does not do"),
                        "write it without a rule",
                    )
                } else if !seen.insert(first) {
                    self.note(part, format!("{name} counts for nothing beside another set with it"))
                } else {
                    let written = Written { name, value, part };
                    match known {
                        Some((_, means)) => self.option(&written, *means),
                        None => self.strange_option(&written),
                    }
                };
                self.count(Thing::Option, format!("property {}", setting(known.map(|(_, means)| *means), name)), fate);
            }
        }
        if !seen.contains("fencing-enabled") {
            self.nothing_switches();
        }
    }

    fn option(&mut self, option: &Written<'_, 'a>, means: Means) -> Fate {
        let Written { name, value, part } = *option;
        match means {
            Means::Setting(setting) => self.set(setting, value.to_owned(), part),
            Means::Span(setting) => self.set(setting, span(value), part),
            Means::Nothing(why) => self.note(part, format!("{name} is not needed: {why}")),
            Means::NothingIf(values, why, _) if same(value, values) => {
                self.note(part, format!("{name} {}: {why}", quoted(value)))
            }
            Means::NothingIf(_, _, what) => {
                let (what, remedy) = what.split_once("; ").unwrap_or((what, "remove it"));
                self.refuse(part, format!("{name} {} asks for what haven does not do: {what}", quoted(value)), remedy)
            }
            Means::Weaker(why) => {
                self.said.warning(part, format!("{name} is not taken: {why}"), "");
                Fate::Noted
            }
            Means::Old(now, remedy) => {
                let what = format!("{name} has had no effect since Pacemaker 2.0, before that it was {now} of all");
                self.refuse(part, what, remedy)
            }
            Means::NoQuorum => self.no_quorum(option),
            Means::Fencing => self.fencing(option),
            Means::StartupFencing => self.startup_fencing(option),
            Means::Action => self.action(option),
        }
    }

    /// An option that Pacemaker has not: one of haven's own settings, or a mistake.
    fn strange_option(&mut self, option: &Written<'_, 'a>) -> Fate {
        let Written { name, value, part } = *option;
        if let Some((setting, ..)) = SETTINGS.iter().find(|(setting, ..)| *setting == name) {
            return self.set(setting, value.to_owned(), part);
        }
        let near = nearest(name, OPTIONS.iter().flat_map(|(names, _)| names.iter().copied()));
        let near = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
        self.refuse(
            part,
            format!("{} is no option that haven knows{near}", quoted(name)),
            "mend its name, or remove it",
        )
    }

    /// Sets a setting, unless another option says something else about it.
    fn set(&mut self, setting: &'static str, value: String, part: &'a str) -> Fate {
        if self.settings.get(setting).is_some_and(|(other, _)| *other != value) {
            return self.refuse(part, format!("{setting} is set twice, and not alike"), "remove one of them");
        }
        self.settings.insert(setting, (value.clone(), part));
        self.edit(SpecEdit::SetProperty { name: setting.to_owned(), value: Some(value) });
        Fate::Taken
    }

    fn no_quorum(&mut self, option: &Written<'_, 'a>) -> Fate {
        let Written { name, value, part } = *option;
        if value == "stop" {
            return self.set("no-quorum-policy", value.to_owned(), part);
        }
        let meant = match value {
            "ignore" => "goes on as if nothing were lost",
            "freeze" => "goes on with what it has",
            "demote" => "demotes, and stops only the rest",
            "fence" | "suicide" => "switches its own nodes off",
            _ => {
                let what = format!("{name} {} is no policy, and Pacemaker takes it for `stop`", quoted(value));
                return self.refuse(part, what, "write `stop`");
            }
        };
        if self.import.accepted.contains(&Accept::NoQuorumStop) {
            self.said.note(part, format!("{name} {value} becomes stop, as accepted"), "");
            return self.set("no-quorum-policy", "stop".to_owned(), part);
        }
        let what = format!("with {name} {value}, a part without quorum {meant}; here it stops what it runs");
        let accept = Accept::NoQuorumStop.option();
        let remedy = match (value, self.import.members.len()) {
            ("ignore", 2) => {
                format!("add a third voter, so that two of three go on, and accept it: {accept}")
            }
            _ => format!("accept it: {accept}"),
        };
        self.refuse(part, what, remedy)
    }

    fn fencing(&mut self, option: &Written<'_, 'a>) -> Fate {
        let Written { name, value, part } = *option;
        match reading::flag(value) {
            Some(true) => {
                self.nothing_switches();
                Fate::Taken
            }
            Some(false) if self.import.accepted.contains(&Accept::Fencing) => {
                self.nothing_switches();
                self.note(part, format!("{name} {value}: haven fences all the same, as accepted"))
            }
            Some(false) => {
                let what = format!(
                    "{name} is {value}: a node that does not answer counts as off. Here nothing starts elsewhere before a proof, \
                     and devices switch lost nodes off"
                );
                self.refuse(
                    part,
                    what,
                    format!("give each node a fence device, and accept it: {}", Accept::Fencing.option()),
                )
            }
            None => {
                let what = format!("{name} {} is neither true nor false", quoted(value));
                self.refuse(part, what, "write `true`")
            }
        }
    }

    /// Warns if there is no device at all.
    fn nothing_switches(&mut self) {
        if self.devices.is_empty() && self.import.spec.devices.is_empty() {
            let what = "nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that \
                        it is off";
            let remedy = "add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`";
            self.said.warning_of_all(what, remedy);
        }
    }

    fn startup_fencing(&mut self, option: &Written<'_, 'a>) -> Fate {
        let Written { name, value, part } = *option;
        let why = "what a node may run that has not answered yet starts elsewhere only after a proof";
        match reading::flag(value) {
            Some(false) if !self.import.accepted.contains(&Accept::Fencing) => {
                let what = format!("{name} is {value}: a node that has never answered counts as off. Here {why}");
                self.refuse(part, what, format!("accept it: {}", Accept::Fencing.option()))
            }
            Some(_) | None => self.note(part, format!("{name} {}: {why}", quoted(value))),
        }
    }

    /// The action itself is always off; what differs is whether the node comes back.
    fn action(&mut self, option: &Written<'_, 'a>) -> Fate {
        let Written { name, value, part } = *option;
        let power_on = match value {
            "reboot" => "true",
            "off" | "poweroff" => "false",
            _ => {
                return self.refuse(part, format!("{name} {} is no action", quoted(value)), "write `reboot` or `off`");
            }
        };
        self.set("power-on-after-fence", power_on.to_owned(), part)
    }
}

/// The setting that an option becomes, or its own name.
fn setting(means: Option<Means>, name: &str) -> &str {
    match means {
        Some(Means::Setting(setting) | Means::Span(setting)) => setting,
        Some(Means::NoQuorum) => "no-quorum-policy",
        Some(Means::Action) => "power-on-after-fence",
        Some(
            Means::Nothing(_)
            | Means::NothingIf(..)
            | Means::Weaker(_)
            | Means::Fencing
            | Means::StartupFencing
            | Means::Old(..),
        )
        | None => name,
    }
}

fn same(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| match reading::flag(word) {
        Some(truth) => reading::flag(value) == Some(truth),
        None => word.eq_ignore_ascii_case(value),
    })
}
