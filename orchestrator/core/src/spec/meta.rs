//! Meta attributes: how a resource is to be treated, with inheritance and defaults.
//!
//! Source: Pacemaker Explained, "Resource Meta-Attributes".

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Spec;
use super::attributes::find_value;
use super::resource::Role;
use crate::ids::ResourceId;
use crate::units::{Millis, Score};

/// What a failed operation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum OnFail {
    /// Nothing.
    #[n(0)]
    Ignore,
    /// The resource is left alone until a person cleans up.
    #[n(1)]
    Block,
    /// Stop and start, perhaps elsewhere.
    #[n(2)]
    Restart,
    /// Stop, and start nowhere.
    #[n(3)]
    Stop,
    /// The node is fenced.
    #[n(4)]
    Fence,
    /// The node goes to standby.
    #[n(5)]
    Standby,
    /// The instance is demoted.
    #[n(6)]
    Demote,
    /// The container is restarted.
    #[n(7)]
    RestartContainer,
}

impl OnFail {
    const WORDS: [(&'static str, Self); 8] = [
        ("ignore", Self::Ignore),
        ("block", Self::Block),
        ("restart", Self::Restart),
        ("stop", Self::Stop),
        ("fence", Self::Fence),
        ("standby", Self::Standby),
        ("demote", Self::Demote),
        ("restart-container", Self::RestartContainer),
    ];

    /// The value of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(w, _)| *w == word).map(|(_, v)| v)
    }

    /// The word used in configurations.
    pub fn word(self) -> &'static str {
        Self::WORDS.into_iter().find(|(_, v)| *v == self).map_or("restart", |(w, _)| w)
    }
}

/// What the operator wants a resource to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetRole {
    /// Stopped.
    Stopped,
    /// As high as the constraints allow.
    Started,
    /// Running but not promoted.
    Unpromoted,
}

/// How many failures a resource may have on a node before the node is closed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// Only a fatal failure closes it.
    Never,
    /// This many, at least 1.
    After(u32),
}

/// The meta attributes of one resource, all sources taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Higher ones are placed first, and keep their place when not all fit.
    pub priority: Score,
    /// Points for the node where it runs.
    pub stickiness: Score,
    /// What the operator wants.
    pub target_role: TargetRole,
    /// Whether haven may start and stop it.
    pub managed: Managed,
    /// When a node is closed after failures.
    pub migration_threshold: Threshold,
    /// When failures are forgotten; zero means never.
    pub failure_timeout: Millis,
}

/// Whether haven acts on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Managed {
    /// Yes.
    Yes,
    /// It is watched only.
    No,
}

/// The names of meta attributes that are read, in the order in which help prints them.
pub(super) const KNOWN: [&str; 8] = [
    "priority",
    "resource-stickiness",
    "target-role",
    "is-managed",
    "maintenance",
    "migration-threshold",
    "failure-timeout",
    "description",
];

/// Reads `true`, `on`, `yes`, `y`, `1` and their opposites, in any case.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Some(true),
        "false" | "off" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Reads `10`, `10s`, `500ms`, `2min`, `1.5s`, `1h`, `60000000us`; a bare number is seconds. What is finer than a
/// millisecond is rounded up, so that a span that is written as positive is never zero, which elsewhere means "never".
pub fn parse_span(text: &str) -> Option<Millis> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let micros: u128 = match unit.trim() {
        "" | "s" | "sec" => 1_000_000,
        "ms" | "msec" => 1000,
        "us" | "usec" => 1,
        "m" | "min" => 60_000_000,
        "h" | "hr" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > 12 || fraction.len() > 6 {
        return None;
    }
    let mut value = whole.parse::<u128>().ok()?.checked_mul(micros)?;
    if number.contains('.') {
        let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let fraction: u128 = fraction.parse().ok()?;
        value = value.checked_add(fraction.checked_mul(micros)?.div_ceil(scale))?;
    }
    u64::try_from(value.div_ceil(1000)).ok().map(Millis)
}

impl Meta {
    /// The meta attributes of `id`; values that cannot be read count as absent ([`super::lint`] refuses them).
    pub fn of(spec: &Spec, id: &ResourceId) -> Self {
        let get = |name: &str| meta_value(spec, id, name);
        let managed = get("is-managed").and_then(parse_bool).unwrap_or(true)
            && !get("maintenance").and_then(parse_bool).unwrap_or(false);
        let target_role = match get("target-role").and_then(Role::parse) {
            Some(Role::Stopped) => TargetRole::Stopped,
            Some(Role::Unpromoted) => TargetRole::Unpromoted,
            Some(Role::Started | Role::Promoted) | None => TargetRole::Started,
        };
        Self {
            priority: get("priority").and_then(Score::parse).unwrap_or_default(),
            stickiness: get("resource-stickiness").and_then(Score::parse).unwrap_or_default(),
            target_role,
            managed: if managed { Managed::Yes } else { Managed::No },
            migration_threshold: get("migration-threshold").map_or(Threshold::Never, parse_threshold),
            failure_timeout: get("failure-timeout").and_then(parse_span).unwrap_or_default(),
        }
    }
}

fn parse_threshold(text: &str) -> Threshold {
    match text.parse::<u32>() {
        Ok(0) | Err(_) => Threshold::Never,
        Ok(n) if n >= 1_000_000 => Threshold::Never,
        Ok(n) => Threshold::After(n),
    }
}

/// First hit wins: the resource itself, its template, its parents from the inside out, the cluster's defaults.
fn meta_value<'a>(spec: &'a Spec, id: &ResourceId, name: &str) -> Option<&'a str> {
    let mut current = Some(id.clone());
    // Bounded, since a damaged configuration may contain itself.
    for _ in 0..4 {
        let Some(resource) = current.as_ref().and_then(|id| spec.resources.get(id)) else { break };
        if let Some(value) = find_value(&resource.meta, name) {
            return Some(value);
        }
        if let super::Body::Primitive { template: Some(template), .. } = &resource.body
            && let Some(value) = spec.resources.get(template).and_then(|t| find_value(&t.meta, name))
        {
            return Some(value);
        }
        current = spec.parent(&resource.id).map(|parent| parent.id.clone());
    }
    find_value(&spec.resource_defaults, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_all_usual_units() {
        for (text, ms) in
            [("10", 10_000), ("10s", 10_000), ("1.7", 1700), ("500ms", 500), ("2min", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse_span(text), Some(Millis(ms)), "{text}");
        }
        for bad in ["", "s", "-1", "1x", "1.2.3", "9999999999999", "999999999999d"] {
            assert_eq!(parse_span(bad), None, "{bad}");
        }
    }

    #[test]
    fn microseconds_are_rounded_up_so_that_no_positive_span_is_zero() {
        for (text, ms) in [("60000000us", 60_000), ("500000us", 500), ("1.5usec", 1), ("1001us", 2), ("0us", 0)] {
            assert_eq!(parse_span(text), Some(Millis(ms)), "{text}");
        }
        assert_eq!(parse_span("0.0001s"), Some(Millis(1)));
    }
}
