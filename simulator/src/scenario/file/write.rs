//! Writing scenarios: what [`super::read`] reads back, and nothing that is as it is when nothing is said.

use std::fmt::Write;

use haven_core::spec::{Hold, Profile, Spec, Timing};
use haven_core::units::Millis;
use haven_log::Snapshots;

use super::cluster::{DEVICES, SCORE};
use crate::cluster::{ClusterOptions, Devices, ResourceOptions};
use crate::disk::DiskProfile;
use crate::scenario::expected::{Expected, Never, STAYS_WELL};
use crate::scenario::{CONVERGES_WITHIN, SEED, Scenario, Step};
use crate::world::{Cgroups, Range, Supply, WatchdogModel};

/// The scenario as a file.
pub(in crate::scenario) fn write(scenario: &Scenario) -> String {
    let Scenario { title, why, seed, cluster, script, expected } = scenario;
    let mut text = format!("title = {}\nwhy = {}\n", quoted(title), long(why));
    if *seed != SEED {
        let _ = writeln!(text, "seed = {seed}");
    }
    section(&mut text, "[cluster]", &[of_cluster(cluster), of_founding(cluster)].concat());
    section(&mut text, "[cluster.properties]", &properties(cluster));
    let begins = cluster.begins.iter().map(|(resource, node)| (key(resource), quoted(node.as_str())));
    section(&mut text, "[cluster.begins]", &begins.collect::<Vec<_>>());
    section(&mut text, "[cluster.disk]", &disk(cluster.disk));
    for resource in &cluster.resources {
        section(&mut text, "[[resources]]", &of_resource(resource));
    }
    if !script.is_empty() {
        section(&mut text, "[script]", &[("steps".to_owned(), several(script.iter().map(Step::to_string)))]);
    }
    section(&mut text, "[expected]", &of_expected(expected));
    let plants = expected.plants.iter().map(|planted| (planted.plant.name().to_owned(), quoted(planted.breaks)));
    section(&mut text, "[plants]", &plants.collect::<Vec<_>>());
    text
}

type Lines = Vec<(String, String)>;

fn section(text: &mut String, head: &str, lines: &[(String, String)]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{head}");
    for (key, value) in lines {
        let _ = writeln!(text, "{key} = {value}");
    }
}

fn of_cluster(cluster: &ClusterOptions) -> Lines {
    // Each of them by name: one that is not written would be lost.
    let ClusterOptions {
        machines,
        witnesses,
        links,
        timing,
        resources: _,
        failure_timeout: _,
        properties: _,
        spec: _,
        begins: _,
        start: _,
        stop: _,
        switching: _,
        devices,
        bmc_supply,
        tested,
        watchdog,
        watched,
        cgroups,
        disk: _,
        ballast,
        snapshots: _,
        history: _,
        boot: _,
        tracing: _,
    } = cluster;
    let usual = ClusterOptions::default();
    let mut lines = vec![("machines".to_owned(), machines.to_string())];
    let mut add = |key: &str, differs: bool, value: String| {
        lines.extend(differs.then(|| (key.to_owned(), value)));
    };
    add("links", *links != usual.links, links.to_string());
    add("witnesses", !witnesses.is_empty(), list(witnesses));
    let profile = ["lan", "fast", "default", "vm"]
        .into_iter()
        .find(|word| Profile::parse(word).is_some_and(|profile| profile.dead_after() == timing.dead_after));
    let of = Timing::of(Profile::Lan);
    match profile {
        Some(word) => add("profile", word != "lan", quoted(word)),
        None => add("dead-after", true, quoted(&timing.dead_after.to_string())),
    }
    if let Hold::Set(hold) = timing.hold {
        add("hold", true, quoted(&hold.to_string()));
    }
    add("watchdog-timeout", timing.watchdog != of.watchdog, quoted(&timing.watchdog.to_string()));
    add("replace-after", timing.replace_after != of.replace_after, quoted(&timing.replace_after.to_string()));
    add("devices", *devices != usual.devices, quoted(of_devices(*devices)));
    add("bmc-supply", *bmc_supply == Supply::Shared, quoted("shared"));
    let stale = tested.map_or_else(|| "never".to_owned(), |stale| stale.to_string());
    add("tested", *tested != usual.tested, quoted(&stale));
    let kind = match watchdog {
        WatchdogModel::None => "none",
        WatchdogModel::Hardware { .. } => "hardware",
        WatchdogModel::Software { .. } => "software",
    };
    add("watchdog", *watchdog != usual.watchdog, quoted(kind));
    add("watched", !watched.is_empty(), list(watched));
    add("cgroups", *cgroups == Cgroups::Missing, "false".to_owned());
    add("ballast", *ballast != usual.ballast, ballast.to_string());
    lines
}

/// How long things take, and with what the cluster begins.
fn of_founding(cluster: &ClusterOptions) -> Lines {
    let usual = ClusterOptions::default();
    let times = [
        ("boot", cluster.boot, usual.boot),
        ("start", cluster.start, usual.start),
        ("stop", cluster.stop, usual.stop),
        ("switching", cluster.switching, usual.switching),
    ];
    let Snapshots { every, keep } = cluster.snapshots;
    let counts = [("snapshot-every", every, usual.snapshots.every), ("snapshot-keep", keep, usual.snapshots.keep)];
    let counts = counts.into_iter().filter(|(_, count, usual)| count != usual);
    let counts = counts.map(|(key, count, _)| (key.to_owned(), count.to_string()));
    let history = cluster.history.map(|span| ("history".to_owned(), quoted(&span.to_string())));
    let timeout = cluster.failure_timeout;
    let forgets =
        (timeout != usual.failure_timeout).then(|| ("failure-timeout".to_owned(), quoted(&timeout.to_string())));
    let differ = times.into_iter().filter(|(_, span, usual)| span != usual);
    let times = differ.map(|(key, span, _)| (key.to_owned(), quoted(&of_times(span))));
    // A configuration is maps by name and plain values: it does not fail to be written.
    let text = |spec: &Spec| long(&serde_json::to_string_pretty(spec).unwrap_or_default());
    let spec = cluster.spec.as_ref().map(|spec| ("spec".to_owned(), text(spec)));
    times.chain(counts).chain(history).chain(forgets).chain(spec).collect()
}

fn of_devices(devices: Devices) -> &'static str {
    DEVICES.iter().find(|(_, known)| *known == devices).map_or("bmc", |(word, _)| word)
}

fn properties(cluster: &ClusterOptions) -> Lines {
    cluster.properties.iter().map(|(name, value)| (key(name), quoted(value))).collect()
}

fn of_times(Range { min, max }: Range) -> String {
    if min == max { min.to_string() } else { format!("{min}..{max}") }
}

fn disk(disk: DiskProfile) -> Lines {
    if disk == DiskProfile::default() {
        return Lines::new();
    }
    let DiskProfile { sync_min, sync_max, stall_per_mille, stall } = disk;
    let sync = quoted(&format!("{}..{}", nanos(sync_min), nanos(sync_max)));
    let lines = [("sync", sync), ("stalls", stall_per_mille.to_string()), ("stall", quoted(&nanos(stall)))];
    lines.map(|(key, value)| (key.to_owned(), value)).into()
}

fn nanos(nanos: u64) -> String {
    match nanos {
        _ if nanos.is_multiple_of(1_000_000) => Millis(nanos / 1_000_000).to_string(),
        _ if nanos.is_multiple_of(1000) => format!("{}us", nanos / 1000),
        _ => format!("{nanos}ns"),
    }
}

fn of_resource(resource: &ResourceOptions) -> Lines {
    let ResourceOptions { id, agent, params, prefers } = resource;
    let mut lines = vec![("id".to_owned(), quoted(id))];
    if *agent != ResourceOptions::simulated() {
        lines.push(("agent".to_owned(), quoted(&agent.to_string())));
    }
    if !params.is_empty() {
        let params: Vec<String> =
            params.iter().map(|(name, value)| format!("{} = {}", key(name), quoted(value))).collect();
        lines.push(("params".to_owned(), format!("{{ {} }}", params.join(", "))));
    }
    if let Some((node, score)) = prefers {
        lines.push(("prefers".to_owned(), quoted(node.as_str())));
        lines.extend((*score != SCORE).then(|| ("score".to_owned(), score.to_string())));
    }
    lines
}

fn of_expected(expected: &Expected) -> Lines {
    let (mut log, mut starts, mut stops) = (Vec::new(), Vec::new(), Vec::new());
    let (mut most, mut away, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    for never in &expected.never {
        match never {
            Never::Log(pattern) => log.push(pattern.clone()),
            Never::LogBeyond(count, pattern) => most.push(format!("{} = {count}", quoted(pattern))),
            Never::Starts(resource, node) => starts.push(format!("{resource} {node}")),
            Never::Stops(resource, node) => stops.push(format!("{resource} {node}")),
            Never::Unreached(address, most) => gaps.push(format!("{} = {}", key(address), quoted(&most.to_string()))),
            Never::Away(resource, most) => away.push(format!("{} = {}", key(resource), quoted(&most.to_string()))),
        }
    }
    let mut lines = Lines::new();
    let mut add = |key: &str, values: Vec<String>| {
        lines.extend((!values.is_empty()).then(|| (key.to_owned(), one_or_several(&values))));
    };
    add("log", expected.story.clone());
    add("never-log", log);
    add("never-starts", starts);
    add("never-stops", stops);
    if !most.is_empty() {
        lines.push(("at-most".to_owned(), format!("{{ {} }}", most.join(", "))));
    }
    if !away.is_empty() {
        lines.push(("longest-outage".to_owned(), format!("{{ {} }}", away.join(", "))));
    }
    if !gaps.is_empty() {
        lines.push(("longest-gap".to_owned(), format!("{{ {} }}", gaps.join(", "))));
    }
    match expected.converges {
        None => lines.push(("goes-on".to_owned(), "true".to_owned())),
        Some(within) if within == CONVERGES_WITHIN => {}
        Some(within) => lines.push(("converges-within".to_owned(), quoted(&within.to_string()))),
    }
    if expected.stays_well != STAYS_WELL {
        lines.push(("stays-well".to_owned(), quoted(&expected.stays_well.to_string())));
    }
    if expected.power_cycle {
        lines.push(("power-cycle".to_owned(), "true".to_owned()));
    }
    lines
}

fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| quoted(&value.to_string())).collect();
    format!("[{}]", values.join(", "))
}

fn one_or_several(values: &[String]) -> String {
    if values.len() == 1 { list(values) } else { several(values.iter().cloned()) }
}

/// One in each line.
fn several(values: impl Iterator<Item = String>) -> String {
    let lines: String = values.map(|value| format!("    {},\n", quoted(&value))).collect();
    format!("[\n{lines}]")
}

/// A key, in quotes where it needs them.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('"', "\\\"").replace('\n', "\\n"))
}

/// A string of several lines.
fn long(text: &str) -> String {
    format!("\"\"\"\n{}\n\"\"\"", escaped(text).replace("\"\"\"", "\"\"\\\""))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' | '\t' => escaped.push(c),
            _ if c.is_control() => {
                let _ = write!(escaped, "\\u{:04X}", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}
