//! Options of the cluster, under their present and their older names.
//!
//! For: what the whole cluster does by default, without quorum, and with failures.
//! Never: a refusal. A value that cannot be read leaves the default, as in Pacemaker; the reader of the text has told of it.
//! Source: Pacemaker Explained, "Cluster Options".

use std::collections::BTreeMap;

use super::release::Release;
use super::rules::{self, Asked};
use super::scene::Scene;
use crate::spec::{parse_bool, parse_span};
use crate::units::{Millis, Score};

/// What happens to a partition without quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quorum {
    /// There is a quorum, or nobody asks for one.
    Has,
    /// Everything is stopped.
    Stop,
    /// What runs stays; nothing begins.
    Freeze,
    /// As stop, but promotable instances are only demoted.
    Demote,
    /// The nodes are fenced.
    Fence,
}

/// How capacity is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Not at all.
    Default,
    /// As a limit.
    Utilization,
    /// And the freer node is better.
    Balanced,
    /// And as few nodes as possible.
    Minimal,
}

/// How the health of nodes is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Not at all.
    None,
    /// By colours and numbers.
    Scores {
        /// What each colour is worth.
        red: Score,
        /// See above.
        yellow: Score,
        /// See above.
        green: Score,
        /// What every node has.
        base: Score,
    },
}

/// The options.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) release: Release,
    pub(super) fencing: bool,
    pub(super) startup_fencing: bool,
    pub(super) fence_action: String,
    pub(super) watchdog: bool,
    pub(super) concurrent_fencing: bool,
    pub(super) quorum: Quorum,
    /// Whether the policy is `ignore`, quorum or not.
    pub(super) quorum_ignored: bool,
    pub(super) quorate: bool,
    pub(super) symmetric: bool,
    pub(super) stop_removed: bool,
    pub(super) cancel_removed: bool,
    pub(super) maintenance: bool,
    pub(super) stop_all: bool,
    pub(super) probes: bool,
    pub(super) strategy: Strategy,
    pub(super) health: Health,
    pub(super) shutdown_lock: bool,
    pub(super) shutdown_lock_limit: i64,
    pub(super) pending_timeout: i64,
    pub(super) cluster_name: Option<String>,
}

/// Looks options up by several names.
struct Reader(BTreeMap<String, String>);

impl Reader {
    fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.0.get(*name)).map(String::as_str)
    }

    fn is_on(&self, names: &[&str]) -> bool {
        self.text(names).and_then(parse_bool) == Some(true)
    }

    fn is_off(&self, names: &[&str]) -> bool {
        self.text(names).and_then(parse_bool) == Some(false)
    }

    fn seconds(&self, name: &str) -> i64 {
        let span = self.text(&[name]).and_then(parse_span).unwrap_or_default();
        i64::try_from(span.0.div_ceil(1000)).unwrap_or(i64::MAX)
    }

    fn score(&self, name: &str, default: Score) -> Score {
        self.text(&[name]).and_then(rules::score).unwrap_or(default)
    }
}

impl Options {
    /// The options of a scene, at its moment and with its quorum.
    pub(super) fn read(scene: &Scene) -> Self {
        let (quorate, panic) = (scene.status.quorate, scene.status.no_quorum_panic);
        let (config, now) = (&scene.config, scene.now);
        let asked = Asked { now, ..Asked::default() };
        let reader = Reader(rules::values(&config.options, "cib-bootstrap-options", asked));
        let fencing = !reader.is_off(&["fencing-enabled", "stonith-enabled"]);
        let watchdog_span = reader.text(&["fencing-watchdog-timeout", "stonith-watchdog-timeout"]);
        let watchdog_span = watchdog_span.is_some_and(|text| parse_span(text).is_none_or(|span| span > Millis::ZERO));
        let watchdog = reader.is_on(&["have-watchdog"]) && watchdog_span;
        let action = reader.text(&["fencing-action", "stonith-action"]).unwrap_or("reboot");
        let action = if action == "poweroff" { "off" } else { action };
        let (quorum, quorum_ignored) = quorum(&reader, (fencing, quorate, panic));
        Self {
            release: scene.release.unwrap_or_else(|| Release::that_wrote(reader.text(&["dc-version"]))),
            fencing,
            startup_fencing: !reader.is_off(&["startup-fencing"]),
            fence_action: action.to_owned(),
            watchdog,
            concurrent_fencing: !reader.is_off(&["concurrent-fencing"]),
            quorum,
            quorum_ignored,
            quorate,
            symmetric: !reader.is_off(&["symmetric-cluster", "symmetric_cluster"]),
            stop_removed: !reader.is_off(&["stop-removed-resources", "stop-orphan-resources"]),
            cancel_removed: !reader.is_off(&["cancel-removed-actions", "stop-orphan-actions"]),
            maintenance: reader.is_on(&["maintenance-mode"]),
            stop_all: reader.is_on(&["stop-all-resources"]),
            probes: !reader.is_off(&["enable-startup-probes"]),
            strategy: match reader.text(&["placement-strategy"]) {
                Some("utilization") => Strategy::Utilization,
                Some("balanced") => Strategy::Balanced,
                Some("minimal") => Strategy::Minimal,
                Some(_) | None => Strategy::Default,
            },
            health: health(&reader),
            shutdown_lock: reader.is_on(&["shutdown-lock"]),
            shutdown_lock_limit: reader.seconds("shutdown-lock-limit"),
            pending_timeout: reader.seconds("node-pending-timeout"),
            cluster_name: reader.text(&["cluster-name"]).map(str::to_owned),
        }
    }

    /// Whether capacity limits placement.
    pub(super) fn counts_capacity(&self) -> bool {
        self.strategy != Strategy::Default
    }
}

fn quorum(reader: &Reader, (fencing, quorate, panic): (bool, bool, bool)) -> (Quorum, bool) {
    let policy = match reader.text(&["no-quorum-policy"]) {
        Some("ignore") => return (Quorum::Has, true),
        Some("freeze") => Quorum::Freeze,
        Some("demote") => Quorum::Demote,
        // Only a cluster that has had the quorum, and can fence, fences itself.
        Some("fence" | "suicide") if fencing && (quorate || panic) => Quorum::Fence,
        Some(_) | None => Quorum::Stop,
    };
    (if quorate { Quorum::Has } else { policy }, false)
}

fn health(reader: &Reader) -> Health {
    let fixed = |red, yellow| Health::Scores { red, yellow, green: Score::ZERO, base: Score::ZERO };
    let (banned, zero) = (Score::MINUS_INFINITY, Score::ZERO);
    let named = |base| Health::Scores {
        red: reader.score("node-health-red", banned),
        yellow: reader.score("node-health-yellow", zero),
        green: reader.score("node-health-green", zero),
        base,
    };
    match reader.text(&["node-health-strategy"]) {
        Some("migrate-on-red") => fixed(banned, zero),
        Some("only-green") => fixed(banned, banned),
        Some("progressive") => named(reader.score("node-health-base", zero)),
        Some("custom") => named(zero),
        Some(_) | None => Health::None,
    }
}
