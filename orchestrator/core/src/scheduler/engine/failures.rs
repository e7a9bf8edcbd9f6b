//! Fail counts, and what the failure of an operation leads to.
//!
//! For: the counts that nodes carry as attributes, their end, and the `on-fail` of operations.
//! Never: the reading of results.
//! Source: Pacemaker Explained, "Failure Handling", "Resource Operations".

use std::collections::BTreeMap;

use super::arena::{NodeKey, ResKey};
use super::config::OperationDef;
use super::model::Model;
use super::rules::{self, Asked};
use crate::spec::parse_bool;
use crate::units::{Millis, Score};

/// What a failure leads to, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Handling {
    #[default]
    Ignore,
    Demote,
    Restart,
    ResetRemote,
    RestartContainer,
    Ban,
    Block,
    Stop,
    Standby,
    Fence,
}

/// How much of the failures is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// All that are recorded.
    Recorded,
    /// Those that have not ended by themselves.
    Effective,
}

impl Model<'_> {
    /// How often `key` has failed on `node`, what it contains included.
    pub(super) fn fail_count(&self, key: ResKey, node: NodeKey, which: Count) -> Score {
        let mut sum = self.own_fail_count(key, node, which);
        let in_bundle = self.res[self.top_of(key)].is_clone_like() && self.res[key].implicit;
        if !in_bundle {
            for filler in &self.res[key].fillers {
                sum = sum + self.own_fail_count(*filler, node, which);
            }
        }
        sum
    }

    fn own_fail_count(&self, key: ResKey, node: NodeKey, which: Count) -> Score {
        let mut sum = Score::ZERO;
        for (name, value) in &self.nodes[node].attributes {
            if name.strip_prefix("fail-count-").is_some_and(|rest| self.is_counted(key, rest)) {
                sum = sum + rules::score(value).unwrap_or_default();
            }
        }
        let timeout = self.failure_timeout(key);
        if which == Count::Effective && sum > Score::ZERO && timeout > Millis::ZERO {
            let ends = self.last_failure(key, node).map(|last| last + seconds(timeout));
            if ends.is_some_and(|ends| self.scene.now > ends) {
                return Score::ZERO;
            }
        }
        sum
    }

    /// When `key` failed last on `node`.
    pub(super) fn last_failure(&self, key: ResKey, node: NodeKey) -> Option<i64> {
        let named = self.nodes[node].attributes.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix("last-failure-")?;
            self.is_counted(key, rest).then(|| rules::integer(value)).flatten()
        });
        named.max().filter(|last| *last > 0)
    }

    /// Whether a count of that name is about `key`. Instances without numbers of their own share it.
    fn is_counted(&self, key: ResKey, name: &str) -> bool {
        let res = &self.res[key];
        let of = name.split('#').next().unwrap_or(name);
        let unique =
            self.clone_of(key).is_some_and(|clone| self.res[clone].cloned.unique) || self.clone_of(key).is_none();
        let known = res.known_as.as_deref().unwrap_or(&res.name);
        if unique { of == known || of == res.name } else { base(of) == base(known) }
    }

    /// The time after which failures no longer count; none while a failure whose `on-fail` is `block` is recorded.
    pub(super) fn failure_timeout(&self, key: ResKey) -> Millis {
        let res = &self.res[key];
        if res.failure_timeout == Millis::ZERO {
            return Millis::ZERO;
        }
        let blocks = |op: &OperationDef| {
            let meta = self.operation_meta(key, op);
            meta.get("on-fail").is_some_and(|word| word == "block") && self.has_failed(key, op)
        };
        if res.operations.iter().any(blocks) { Millis::ZERO } else { res.failure_timeout }
    }

    fn has_failed(&self, key: ResKey, op: &OperationDef) -> bool {
        self.res[key].told.values().flat_map(|told| &told.records).any(|record| {
            record.id.ends_with("_last_failure_0") && record.operation == op.name && record.interval == op.interval
        })
    }

    /// The attributes of an operation: its own, its meta attributes, the defaults of operations.
    pub(super) fn operation_meta(&self, key: ResKey, op: &OperationDef) -> BTreeMap<String, String> {
        let mut meta = op.own.clone();
        let asked = Asked {
            now: self.scene.now,
            agent: Some(&self.res[key].agent),
            operation: Some((&op.name, op.interval)),
            ..Asked::default()
        };
        for sets in [&op.meta, &self.scene.config.operation_defaults] {
            for (name, value) in rules::values(sets, "", asked) {
                meta.entry(name).or_insert(value);
            }
        }
        meta
    }

    /// The configured operation of that name and interval.
    pub(super) fn operation(&self, key: ResKey, name: &str, interval: Millis) -> Option<&OperationDef> {
        self.res[key].operations.iter().find(|op| op.name == name && op.interval == interval)
    }

    /// What the failure of an operation leads to.
    pub(super) fn handling(&self, key: ResKey, name: &str, interval: Millis) -> Handling {
        let res = &self.res[key];
        let as_migrate = || {
            let migrates = matches!(name, "migrate_to" | "migrate_from");
            migrates.then(|| self.operation(key, "migrate", Millis::ZERO)).flatten()
        };
        let unconfigured = OperationDef { name: name.to_owned(), interval, ..OperationDef::default() };
        let op = self.operation(key, name, interval).or_else(as_migrate).unwrap_or(&unconfigured);
        let meta = self.operation_meta(key, op);
        let role = meta.get("role").map(String::as_str);
        let promoted = role.is_some_and(|role| matches!(role, "Master" | "Promoted" | "master" | "promoted"));
        let configured = meta.get("on-fail").or_else(|| meta.get("on_fail")).and_then(|word| match word.as_str() {
            "standby" | "demote" | "stop" if name == "stop" => None,
            "demote" if name != "promote" && !(name == "monitor" && promoted && interval > Millis::ZERO) => None,
            "block" => Some(Handling::Block),
            "fence" if !self.options.fencing => Some(Handling::Stop),
            "fence" => Some(Handling::Fence),
            "standby" => Some(Handling::Standby),
            "ignore" | "nothing" => Some(Handling::Ignore),
            "migrate" => Some(Handling::Ban),
            "stop" => Some(Handling::Stop),
            "restart" => Some(Handling::Restart),
            "restart-container" if res.container.is_some() => Some(Handling::RestartContainer),
            "demote" => Some(Handling::Demote),
            _ => None,
        });
        configured.unwrap_or_else(|| self.usual_handling(key, name))
    }

    fn usual_handling(&self, key: ResKey, name: &str) -> Handling {
        let res = &self.res[key];
        let remote = res.is_connection() && res.container.is_none();
        match name {
            "stop" if remote && self.options.fencing => Handling::ResetRemote,
            "stop" if self.options.fencing => Handling::Fence,
            "stop" => Handling::Block,
            "demote" => self.of_promoted_monitor(key).unwrap_or(Handling::Restart),
            _ if res.container.is_some() => Handling::RestartContainer,
            "monitor" | "probe" if remote => Handling::ResetRemote,
            "start" => Handling::Restart,
            _ if remote => Handling::ResetRemote,
            _ => Handling::Restart,
        }
    }

    fn of_promoted_monitor(&self, key: ResKey) -> Option<Handling> {
        self.res[key].operations.iter().find_map(|op| {
            let meta = self.operation_meta(key, op);
            let promoted = meta
                .get("role")
                .is_some_and(|r| r.eq_ignore_ascii_case("master") || r.eq_ignore_ascii_case("promoted"));
            let enabled = meta.get("enabled").and_then(|text| parse_bool(text)).unwrap_or(true);
            let set = meta.get("on-fail").is_some_and(|word| word != "demote");
            let is = op.name == "monitor" && op.interval > Millis::ZERO && promoted && enabled && set;
            is.then(|| self.handling(key, "monitor", op.interval))
        })
    }
}

/// `span` in whole seconds.
pub(super) fn seconds(span: Millis) -> i64 {
    i64::try_from(span.0 / 1000).unwrap_or(i64::MAX)
}

/// A name without the number of an instance.
pub(super) fn base(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((base, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => base,
        Some(_) | None => name,
    }
}
